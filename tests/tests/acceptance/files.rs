//! Files in an instance.

use std::{
    io::{Cursor, Read},
    path::PathBuf,
    process::Command,
};

use lxd_proto::{
    Error, FailureKind, Lxd,
    error::ApiErrorKind,
    resources::{FileType, InstancesPost},
};
use lxd_tests::{Lab, Server, Temporary, env, everywhere, payload, unique, with_websockets};

everywhere!(
    are_written_and_read,
    have_owners_and_modes,
    are_streamed,
    are_appended_to,
    may_have_any_name,
    are_in_directories,
    are_linked,
    are_not_what_was_expected,
    a_reader_of_another_length,
    a_full_disk_is_noticed,
);

const CONTENT: &[u8] = &[0, 255, b'\n', b'\r', 0xc3, 0x28, b'%', 0];

/// pylxd: P200, P201, P207, P208, P209.
fn are_written_and_read<C: Lab>(server: &Server<C>) {
    let container = server.stopped("files");
    let files = container.files();
    files.put("/root/binary", CONTENT).send().unwrap();
    assert_eq!(files.get("/root/binary").bytes().send().unwrap(), CONTENT);
    files.put("/root/empty", "").send().unwrap();
    assert!(files.get("/root/empty").bytes().send().unwrap().is_empty());
    files.put("/root/binary", "shorter").send().unwrap();
    assert_eq!(files.get("/root/binary").bytes().send().unwrap(), "shorter");
    files.put("/root/binary", "").send().unwrap();
    assert!(files.get("/root/binary").bytes().send().unwrap().is_empty());
    files.delete("/root/binary").wait().send().unwrap();
    assert!(files.get("/root/binary").send().err().unwrap().is_not_found());
    assert!(files.stat("/root/binary").send().unwrap_err().is_not_found());
    assert!(files.delete("/root/binary").wait().send().unwrap_err().is_not_found());
}

/// pylxd: P203, P205, P206.
/// pylxd: W24.
/// pylxd: P204.
fn have_owners_and_modes<C: Lab>(server: &Server<C>) {
    let container = server.stopped("modes");
    let files = container.files();
    files.put("/root/own", "x").uid(1000).gid(100).mode(0o751).send().unwrap();
    let stat = files.stat("/root/own").send().unwrap();
    assert_eq!(stat.kind, FileType::File);
    assert_eq!((stat.uid, stat.gid, stat.mode), (Some(1000), Some(100), Some(0o751)));
    assert!(stat.modified.is_some_and(|time| time.starts_with("20")));
    let head = files.get("/root/own").send().unwrap().head;
    assert_eq!((head.uid, head.gid, head.mode, head.size), (Some(1000), Some(100), Some(0o751), Some(1)));

    // An existing file keeps its own.
    files.put("/root/own", "longer").uid(0).gid(0).mode(0o600).send().unwrap();
    let kept = files.stat("/root/own").send().unwrap();
    assert_eq!((kept.uid, kept.gid, kept.mode), (Some(1000), Some(100), Some(0o751)));
    assert_eq!(files.get("/root/own").bytes().send().unwrap(), "longer");

    files.put("/root/plain", "x").send().unwrap();
    let plain = files.stat("/root/plain").send().unwrap();
    assert_eq!((plain.uid, plain.gid, plain.mode), (Some(0), Some(0), Some(0o644)));
    files.put("/root/none", "x").mode(0).send().unwrap();
    assert_eq!(files.stat("/root/none").send().unwrap().mode, Some(0));
    files.mkdir("/root/dir").uid(5).gid(6).mode(0o770).send().unwrap();
    let dir = files.stat("/root/dir").send().unwrap();
    assert_eq!((dir.kind, dir.uid, dir.gid, dir.mode), (FileType::Directory, Some(5), Some(6), Some(0o770)));
}

/// Some bytes that repeat nowhere near.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// pylxd: P202.
/// pylxd: W17.
fn are_streamed<C: Lab>(server: &Server<C>) {
    let container = server.stopped("streams");
    let files = container.files();
    let data = noise(5_000_001);
    files.put("/root/sized", payload::<C>(Cursor::new(data.clone()), Some(data.len() as u64))).send().unwrap();
    let incoming = files.get("/root/sized").send().unwrap();
    assert_eq!(incoming.head.size, Some(data.len() as u64));
    let mut read = Vec::new();
    C::reader(incoming.body).read_to_end(&mut read).unwrap();
    assert!(read == data, "the file is another");
    // One that is not read to its end does no harm to the next.
    let mut some = [0; 1000];
    C::reader(files.get("/root/sized").send().unwrap().body).read_exact(&mut some).unwrap();
    assert_eq!(some, data[..1000]);
    assert!(files.get("/root/sized").bytes().send().unwrap() == data, "the file is another");
}

/// pylxd: P212.
fn are_appended_to<C: Lab>(server: &Server<C>) {
    let container = server.stopped("append");
    let files = container.files();
    assert!(files.append("/root/log", "one").send().unwrap_err().is_not_found());
    files.put("/root/log", "one").mode(0o640).send().unwrap();
    files.append("/root/log", " two").send().unwrap();
    files.append("/root/log", payload::<C>(Cursor::new(" three"), Some(6))).send().unwrap();
    assert_eq!(files.get("/root/log").bytes().send().unwrap(), "one two three");
    assert_eq!(files.stat("/root/log").send().unwrap().mode, Some(0o640));
}

fn may_have_any_name<C: Lab>(server: &Server<C>) {
    let container = server.stopped("names");
    let files = container.files();
    let names = [
        "two words",
        "100%",
        "%41",
        "line\nbreak",
        "tab\t",
        "ümläut-日本",
        "\"quoted\"",
        "it's",
        "a&b=c",
        "a+b",
        "#?;",
        "\\",
        "-rf",
        "$HOME",
        "...",
        "~",
        ",",
        "{x}",
    ];
    files.mkdir("/root/names").send().unwrap();
    for name in names {
        files.put(format!("/root/names/{name}"), name).send().unwrap_or_else(|error| panic!("{name:?}: {error}"));
    }
    let mut listed = files.list("/root/names").send().unwrap();
    listed.sort();
    let mut expected: Vec<_> = names.to_vec();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    for name in names {
        let path = format!("/root/names/{name}");
        assert_eq!(files.get(&path).bytes().send().unwrap(), name);
        assert_eq!(files.stat(&path).send().unwrap().kind, FileType::File);
        files.delete(&path).wait().send().unwrap();
    }
    assert!(files.list("/root/names").send().unwrap().is_empty());
}

fn are_in_directories<C: Lab>(server: &Server<C>) {
    let container = server.stopped("dirs");
    let files = container.files();
    let missing = files.put("/root/no/such/file", "x").send().unwrap_err();
    assert!(missing.is_not_found() || missing.api() == Some(ApiErrorKind::Other), "{missing}");
    files.mkdir("/root/a").send().unwrap();
    files.mkdir("/root/a").send().unwrap();
    files.put("/root/a/b", "x").send().unwrap();
    files.mkdir("/root/a/c").send().unwrap();
    let mut listed = files.list("/root/a").send().unwrap();
    listed.sort();
    assert_eq!(listed, ["b", "c"]);
    assert!(files.list("/root/a/c").send().unwrap().is_empty());
    files.delete("/root/a").wait().send().expect_err("it is not empty");
    files.delete("/root/a/c").wait().send().unwrap();
    assert_eq!(files.list("/root/a").send().unwrap(), ["b"]);
    assert!(files.list("/root/none").send().unwrap_err().is_not_found());
}

/// pylxd: P212.
fn are_linked<C: Lab>(server: &Server<C>) {
    let container = server.stopped("links");
    let files = container.files();
    files.put("/root/file", "content").send().unwrap();
    files.symlink("/root/link", "/root/file").send().unwrap();
    assert_eq!(files.stat("/root/link").send().unwrap().kind, FileType::Symlink);
    let link = files.get("/root/link").send().unwrap();
    assert_eq!(link.head.kind, FileType::Symlink);
    let mut target = String::new();
    C::reader(link.body).read_to_string(&mut target).unwrap();
    assert_eq!(target.trim(), "/root/file");
    files.delete("/root/link").wait().send().unwrap();
    assert_eq!(files.get("/root/file").bytes().send().unwrap(), "content");
}

fn are_not_what_was_expected<C: Lab>(server: &Server<C>) {
    let container = server.stopped("types");
    let files = container.files();
    let wrong = |error: Error, found: &str, wanted: &str| match error {
        Error::WrongFileType { found: was, wanted: asked, .. } => assert_eq!((was.as_str(), asked), (found, wanted)),
        error => panic!("{error}"),
    };
    files.put("/root/file", "content").send().unwrap();
    files.put("/root/empty", "").send().unwrap();
    files.symlink("/root/link", "/root").send().unwrap();
    wrong(files.get("/root").send().err().unwrap(), "directory", "file");
    wrong(files.list("/root/file").send().unwrap_err(), "file", "directory");
    wrong(files.list("/root/empty").send().unwrap_err(), "file", "directory");
    wrong(files.list("/root/link").send().unwrap_err(), "symlink", "directory");
    files.put("/root", "x").send().expect_err("a directory");
    assert!(files.get("/root/none").send().err().unwrap().is_not_found());
    assert!(files.get("/root/none").bytes().send().unwrap_err().is_not_found());
    let elsewhere = server.lxd.instance(unique("none"));
    assert!(elsewhere.files().get("/x").send().err().unwrap().is_not_found());
}

fn a_reader_of_another_length<C: Lab>(server: &Server<C>) {
    let container = server.stopped("lengths");
    for (given, said) in [("short", 6_u64), ("long", 3)] {
        let put = container.files().put("/root/x", payload::<C>(Cursor::new(given), Some(said)));
        let error = put.send().unwrap_err();
        assert!(error.transport().is_some(), "{error}");
    }
    container.files().put("/root/y", "still well").send().unwrap();
}

fn a_full_disk_is_noticed<C: Lab>(server: &Server<C>) {
    let disk = Disk::small();
    let container = disk.container(server);
    let files = container.files();
    files.put("/small/fits", "fits").send().unwrap();
    let large = files.put("/small/large", vec![7; 2_000_000]).send().unwrap_err();
    assert!(large.to_string().contains("no space left"), "{large}");
    // 5.0.2 calls a small file on a full disk a success.
    let small = || Cursor::new(vec![8; 1000]);
    match files.put("/small/none", small().into_inner()).send().unwrap_err() {
        Error::Incomplete { path, sent, kept } => assert_eq!((&*path, sent, kept), ("/small/none", 1000, 0)),
        error => panic!("{error}"),
    }
    let sized = files.put("/small/none", payload::<C>(small(), Some(1000))).send();
    assert!(matches!(sized, Err(Error::Incomplete { sent: 1000, kept: 0, .. })), "{sized:?}");
    match files.append("/small/fits", vec![9; 10_000]).send().unwrap_err() {
        Error::Incomplete { sent, kept, .. } => assert!(sent == 10_004 && kept < sent, "{kept}"),
        error => panic!("{error}"),
    }
    files.delete("/small/large").wait().send().unwrap();
    files.put("/small/large", "fits").send().unwrap();
    drop(container);
}

/// A file system with room for 1 MiB.
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// A running container that has it as `/small`.
    pub(crate) fn container<C: Lab>(&self, server: &Server<C>) -> Temporary<C> {
        let path = self.0.to_str().unwrap();
        let post = InstancesPost::from_alias(unique("full"), "busybox")
            .config("security.privileged", "true")
            .device("small", [("type", "disk"), ("path", "/small"), ("source", path)]);
        let made = server.lxd.instances().create(post).wait().send().unwrap();
        let container = Temporary::of(server.lxd.instance(made.name));
        container.start().wait().send().unwrap();
        container
    }

    pub(crate) fn small() -> Self {
        let path = PathBuf::from(env("LXD_TEST_DIR")).join(unique("small"));
        std::fs::create_dir(&path).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&path).status();
        assert!(mount.unwrap().success());
        Self(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

mod of_unknown_length {
    use super::*;

    with_websockets!(are_written, a_reader_that_fails);

    fn are_written<C: Lab>(server: &Server<C>) {
        let container = server.stopped("chunked");
        let files = container.files();
        let data = noise(1_000_003);
        files.put("/root/chunked", payload::<C>(Cursor::new(data.clone()), None)).mode(0o600).send().unwrap();
        assert!(files.get("/root/chunked").bytes().send().unwrap() == data, "the file is another");
        assert_eq!(files.stat("/root/chunked").send().unwrap().mode, Some(0o600));
        files.put("/root/nothing", payload::<C>(std::io::empty(), None)).send().unwrap();
        assert!(files.get("/root/nothing").bytes().send().unwrap().is_empty());
    }

    fn a_reader_that_fails<C: Lab>(server: &Server<C>) {
        struct Broken(u8);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                self.0 += 1;
                if self.0 > 3 { Err(std::io::Error::other("the tape tore")) } else { Ok(buffer.len().min(10_000)) }
            }
        }
        let container = server.stopped("broken");
        for length in [None, Some(1_000_000)] {
            let error = container.files().put("/root/x", payload::<C>(Broken(0), length)).send().unwrap_err();
            let failure = error.transport().unwrap_or_else(|| panic!("{error}"));
            assert_eq!(failure.kind, FailureKind::Reader);
            assert!(failure.message.contains("the tape tore"), "{failure}");
        }
    }
}
