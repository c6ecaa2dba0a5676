//! Files of an instance by SFTP.

use lxd_proto::{
    Error, Lxd,
    sftp::{Attributes, BytePath, FileKind, OpenFlags, Sftp, SftpError, Status},
};
use lxd_tests::{Lab, Server, unique, with_websockets};

with_websockets!(
    files_are_written_and_read,
    large_files_are_whole,
    open_files,
    attributes,
    directories,
    links,
    names_are_bytes,
    renamed_and_removed,
    errors_are_typed,
    of_a_running_container,
);

fn refused<T>(result: Result<T, Error>) -> Box<SftpError> {
    match result.err().expect("an error") {
        Error::Sftp(error) => error,
        other => panic!("{other}"),
    }
}

fn files_are_written_and_read<C: Lab>(server: &Server<C>) {
    let container = server.stopped("sftp");
    let mut sftp = container.sftp().send().unwrap();
    let content: &[u8] = &[0, 255, b'\n', b'\r', 0xc3, 0x28];
    sftp.write("/root/binary", content).send().unwrap();
    assert_eq!(sftp.read("/root/binary").send().unwrap(), content);
    assert_eq!(container.files().get("/root/binary").bytes().send().unwrap(), content);
    sftp.write("/root/binary", "x").send().unwrap();
    assert_eq!(sftp.read("/root/binary").send().unwrap(), "x");
    sftp.write("/root/empty", "").send().unwrap();
    assert!(sftp.read("/root/empty").send().unwrap().is_empty());
    let said = Attributes::default().with_mode(0o6751).with_owner(1000, 100);
    sftp.write_with("/root/own", "x", said).send().unwrap();
    let found = sftp.stat("/root/own").send().unwrap();
    assert_eq!((found.kind(), found.permissions(), found.owner), (FileKind::File, Some(0o6751), Some((1000, 100))));
}

/// More than all that is on the way at once, and no multiple of a piece.
fn large_files_are_whole<C: Lab>(server: &Server<C>) {
    let container = server.stopped("sftp-large");
    let mut sftp = container.sftp().send().unwrap();
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let content: Vec<u8> = (0..10_000_019).map(|_| random()).collect();
    sftp.write("/root/large", content.clone()).send().unwrap();
    assert_eq!(sftp.stat("/root/large").send().unwrap().size, Some(content.len() as u64));
    assert!(sftp.read("/root/large").send().unwrap() == content, "the file is another");
    assert!(container.files().get("/root/large").bytes().send().unwrap() == content, "the file is another");
    // One whose size is not said.
    let stat = sftp.read("/proc/self/stat").send();
    assert!(stat.is_err() || !stat.unwrap().is_empty());
}

fn open_files<C: Lab>(server: &Server<C>) {
    let container = server.stopped("sftp-open");
    let mut sftp = container.sftp().send().unwrap();
    let new = OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    let file = sftp.open("/root/file", new).send().unwrap();
    assert_eq!(refused(sftp.open("/root/file", new).send()).status, Status::Failure);
    sftp.write_at(&file, 5, "world").send().unwrap();
    sftp.write_at(&file, 0, "hello").send().unwrap();
    assert_eq!(sftp.read_at(&file, 3, 4).send().unwrap(), "lowo");
    assert_eq!(sftp.read_at(&file, 8, 100).send().unwrap(), "ld");
    assert_eq!(sftp.read_at(&file, 10, 100).send().unwrap(), "");
    assert_eq!(sftp.fstat(&file).send().unwrap().size, Some(10));
    sftp.fsetstat(&file, Attributes::default().with_size(3)).send().unwrap();
    let other = sftp.open("/root/file", OpenFlags::READ).send().unwrap();
    assert_eq!(sftp.read_at(&other, 0, 100_000).send().unwrap(), "hel");
    // Far beyond what 32 bits can say.
    sftp.write_at(&file, 5 << 30, "far").send().unwrap();
    assert_eq!(sftp.read_at(&other, (5 << 30) - 2, 100).send().unwrap(), "\0\0far");
    sftp.close(file.clone()).send().unwrap();
    let closed = refused(sftp.read_at(&file, 0, 1).send());
    assert_eq!((closed.verb, closed.path), ("read", "/root/file".into()));
    assert_eq!(sftp.read_at(&other, 1, 1).send().unwrap(), "e");
}

fn attributes<C: Lab>(server: &Server<C>) {
    let container = server.stopped("sftp-attributes");
    let mut sftp = container.sftp().send().unwrap();
    sftp.write("/root/file", "content").send().unwrap();
    sftp.mkdir("/root/dir").send().unwrap();
    for path in ["/root/file", "/root/dir"] {
        for mode in [0, 0o4755, 0o2755, 0o1777, 0o7777, 0o640] {
            let said = Attributes::default().with_mode(mode).with_owner(1234, 65_534).with_times(1, 1_000_000_001);
            sftp.setstat(path, said).send().unwrap();
            let found = sftp.lstat(path).send().unwrap();
            assert_eq!((found.permissions(), found.owner), (Some(mode), Some((1234, 65_534))), "{path}");
            assert_eq!(found.times.map(|(_, modified)| modified), Some(1_000_000_001), "{path}");
        }
    }
    assert_eq!(sftp.stat("/root/dir").send().unwrap().kind(), FileKind::Directory);
    let size = |size| Attributes::default().with_size(size);
    sftp.setstat("/root/file", size(4)).send().unwrap();
    assert_eq!(sftp.read("/root/file").send().unwrap(), "cont");
    sftp.setstat("/root/file", size(6)).send().unwrap();
    assert_eq!(sftp.read("/root/file").send().unwrap(), "cont\0\0");
    assert_eq!(sftp.stat("/root/file").send().unwrap().permissions(), Some(0o640));
}

fn directories<C: Lab>(server: &Server<C>) {
    let container = server.stopped("sftp-dirs");
    let mut sftp = container.sftp().send().unwrap();
    sftp.mkdir("/root/a").send().unwrap();
    assert!(sftp.readdir("/root/a").send().unwrap().is_empty());
    // More than one answer holds.
    let mut names: Vec<BytePath> = (0..300).map(|number| format!("file-{number}").into()).collect();
    for name in &names {
        sftp.write(BytePath::from("/root/a").join(name.as_bytes()), "x").send().unwrap();
    }
    let mut entries = sftp.readdir("/root/a").send().unwrap();
    assert!(entries.iter().all(|entry| entry.attributes.kind() == FileKind::File));
    assert!(entries.iter().all(|entry| entry.attributes.size == Some(1)));
    entries.sort_by(|one, two| one.name.cmp(&two.name));
    names.sort();
    assert_eq!(entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>(), names);
    refused(sftp.mkdir("/root/a").send());
    refused(sftp.rmdir("/root/a").send());
    assert!(sftp.readdir("/root/none").send().unwrap_err().is_not_found());
    for name in names {
        sftp.remove(BytePath::from("/root/a").join(name.as_bytes())).send().unwrap();
    }
    sftp.rmdir("/root/a").send().unwrap();
    assert!(sftp.stat("/root/a").send().unwrap_err().is_not_found());
}

fn links<C: Lab>(server: &Server<C>) {
    let container = server.stopped("sftp-links");
    let mut sftp = container.sftp().send().unwrap();
    sftp.write("/root/file", "content").send().unwrap();
    sftp.symlink("/root/link", "file").send().unwrap();
    assert_eq!(sftp.readlink("/root/link").send().unwrap(), "file");
    assert_eq!(sftp.read("/root/link").send().unwrap(), "content");
    assert_eq!(sftp.lstat("/root/link").send().unwrap().kind(), FileKind::Symlink);
    assert_eq!(sftp.stat("/root/link").send().unwrap().kind(), FileKind::File);
    let entries = sftp.readdir("/root").send().unwrap();
    let link = entries.iter().find(|entry| entry.name == "link").unwrap();
    assert_eq!(link.attributes.kind(), FileKind::Symlink);
    sftp.symlink("/root/nowhere", "/none/\n").send().unwrap();
    assert_eq!(sftp.readlink("/root/nowhere").send().unwrap(), "/none/\n");
    assert!(sftp.stat("/root/nowhere").send().unwrap_err().is_not_found());
    assert!(sftp.readlink("/root/file").send().is_err());
    assert_eq!(sftp.realpath("/root/../etc/./x").send().unwrap(), "/etc/x");
    assert_eq!(sftp.realpath("").send().unwrap(), "/");
}

fn names_are_bytes<C: Lab>(server: &Server<C>) {
    let container = server.stopped("sftp-names");
    let mut sftp = container.sftp().send().unwrap();
    sftp.mkdir("/names").send().unwrap();
    let all: Vec<u8> = (1..=255).filter(|byte| *byte != b'/').collect();
    let mut names = vec![&b"two words"[..], b"100%", b"\n", b"\"", b"\xff\xfe", b"\xc3\x28", b"...", b"-rf", b" "];
    let long = [0xe9; 255];
    names.extend([&all[..], &long]);
    for name in &names {
        let path = BytePath::from("/names").join(name);
        sftp.write(&path, name.to_vec()).send().unwrap();
        assert_eq!(sftp.read(&path).send().unwrap(), *name);
        let to = BytePath::from("/names").join(&[b"l", &name[1..]].concat());
        sftp.symlink(&to, *name).send().unwrap();
        assert_eq!(sftp.readlink(&to).send().unwrap(), BytePath::from(*name));
        sftp.remove(&to).send().unwrap();
    }
    let entries = sftp.readdir("/names").send().unwrap();
    let mut listed: Vec<_> = entries.iter().map(|entry| entry.name.as_bytes()).collect();
    listed.sort_unstable();
    names.sort_unstable();
    assert_eq!(listed, names);
    assert!(matches!(sftp.stat("/root/\0").send(), Err(Error::InvalidInput(_))));
    refused(sftp.write(BytePath::from(&[b'x'; 256]), "").send());
}

fn renamed_and_removed<C: Lab>(server: &Server<C>) {
    let container = server.stopped("sftp-rename");
    let mut sftp = container.sftp().send().unwrap();
    sftp.write("/root/one", "1").send().unwrap();
    sftp.write("/root/two", "2").send().unwrap();
    sftp.rename("/root/one", "/root/two").send().unwrap();
    assert_eq!(sftp.read("/root/two").send().unwrap(), "1");
    assert!(sftp.rename("/root/one", "/root/three").send().unwrap_err().is_not_found());
    sftp.mkdir("/root/dir").send().unwrap();
    sftp.rename("/root/two", "/root/dir/three").send().unwrap();
    assert_eq!(sftp.read("/root/dir/three").send().unwrap(), "1");
    sftp.remove("/root/dir/three").send().unwrap();
    assert!(sftp.remove("/root/dir/three").send().unwrap_err().is_not_found());
    assert!(sftp.readdir("/root/dir").send().unwrap().is_empty());
}

/// An error is no end of the session.
fn errors_are_typed<C: Lab>(server: &Server<C>) {
    let container = server.stopped("sftp-errors");
    let elsewhere = server.lxd.instance(unique("none"));
    assert!(elsewhere.sftp().send().unwrap_err().is_not_found());
    assert!(server.lxd.project(unique("none")).instance(container.name()).sftp().send().is_err());
    let mut sftp = container.sftp().send().unwrap();
    let error = refused(sftp.read("/root/none").send());
    assert_eq!((error.verb, &error.path, error.status), ("open", &"/root/none".into(), Status::NoSuchFile));
    assert!(error.to_string().starts_with("open /root/none: "), "{error}");
    assert!(sftp.read("/root").send().is_err());
    assert!(sftp.write("/root/none/file", "x").send().unwrap_err().is_not_found());
    sftp.write("/root/file", "x").send().unwrap();
    assert!(sftp.readdir("/root/file").send().is_err());
    assert_eq!(sftp.read("/root/file").send().unwrap(), "x");
}

fn of_a_running_container<C: Lab>(server: &Server<C>) {
    let container = server.running("sftp-running");
    let mut one = container.sftp().send().unwrap();
    let mut other: Sftp<C::Io> = container.sftp().send().unwrap();
    one.write("/root/script", "#!/bin/sh\necho done\n").send().unwrap();
    other.setstat("/root/script", Attributes::default().with_mode(0o755)).send().unwrap();
    assert_eq!(container.exec(["/root/script"]).output().send().unwrap().stdout, "done\n");
    drop(one);
    assert_eq!(other.stat("/root/script").send().unwrap().permissions(), Some(0o755));
}
