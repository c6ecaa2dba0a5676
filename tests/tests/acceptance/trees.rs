//! Trees of files, pushed and pulled.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    sync::{Arc, Mutex},
};

use crate::files::Disk;
use lxd_host::Directory;
use lxd_proto::{
    Error, Lxd,
    sftp::FileKind,
    tree::{Deed, Event, Owners, Report, TreeError},
};
use lxd_tests::{
    Lab, Server, Temporary, cases,
    pattern::{Checked, Pattern, PatternFile},
    payload,
    tree::{self, Thing, assert_same, directory, finish, look},
    unique, with_websockets,
};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

with_websockets!(
    come_back_the_same,
    only_what_changed,
    only_other_content,
    what_is_extra_is_removed,
    owners_and_modes,
    filtered_and_tried,
    what_cannot_be_copied_is_said,
    what_fails_is_no_end,
    large_files,
    roots,
    a_full_disk,
);

fn push<C: Lab>(container: &Temporary<C>, from: &Path) -> Report {
    container.files().push_tree(Directory::open(from).unwrap(), "/root/tree").send().unwrap()
}

pub(crate) fn failed<T>(result: Result<T, Error>) -> Box<TreeError> {
    match result.err().expect("an error") {
        Error::Tree(error) => error,
        other => panic!("{other}"),
    }
}

/// pylxd: P210, P211.
fn come_back_the_same<C: Lab>(server: &Server<C>) {
    let container = server.stopped("tree");
    let (from, to) = (directory(), directory());
    tree::make(from.path(), 2000);
    let things = look(from.path());
    let count = |wanted: fn(&Thing) -> bool| things.values().filter(|thing| wanted(thing)).count() as u64;
    let report = push(&container, from.path());
    assert_eq!(report.directories, 1 + count(|thing| matches!(thing, Thing::Directory(..))));
    assert_eq!(report.files, count(|thing| matches!(thing, Thing::File(..))));
    assert_eq!(report.symlinks, count(|thing| matches!(thing, Thing::Symlink(_))));
    let pull = container.files().pull_tree("/root/tree", Directory::open(to.path()).unwrap());
    let pulled = pull.setuid().send().unwrap();
    assert_eq!(pulled.progress, report.progress);
    assert_same(from.path(), to.path());
}

fn only_what_changed<C: Lab>(server: &Server<C>) {
    let container = server.stopped("tree-changed");
    let from = directory();
    let path = |name: &str| from.path().join(name);
    fs::create_dir(path("dir")).unwrap();
    for name in ["same", "dir/longer", "touched", "mode"] {
        fs::write(path(name), "one").unwrap();
        finish(&path(name), 0o644, 1_500_000_000);
    }
    symlink("same", path("link")).unwrap();
    symlink("same", path("other")).unwrap();
    push(&container, from.path());
    let again = || {
        let push = container.files().push_tree(Directory::open(from.path()).unwrap(), "/root/tree");
        push.changed_only().send().unwrap()
    };
    let report = again();
    assert_eq!((report.files, report.symlinks, report.unchanged, report.bytes), (0, 0, 6, 0));
    fs::write(path("dir/longer"), "longer").unwrap();
    finish(&path("dir/longer"), 0o644, 1_500_000_000);
    finish(&path("touched"), 0o644, 1_500_000_001);
    finish(&path("mode"), 0o600, 1_500_000_000);
    fs::remove_file(path("other")).unwrap();
    symlink("dir", path("other")).unwrap();
    let report = again();
    assert_eq!((report.files, report.symlinks, report.unchanged, report.bytes), (3, 1, 2, 12));
    // The same the other way round.
    let to = directory();
    let pull = || container.files().pull_tree("/root/tree", Directory::open(to.path()).unwrap()).changed_only();
    assert_eq!(pull().send().unwrap().unchanged, 0);
    assert_same(from.path(), to.path());
    assert_eq!(pull().send().unwrap().unchanged, 6);
}

fn only_other_content<C: Lab>(server: &Server<C>) {
    let container = server.stopped("tree-content");
    let from = directory();
    let path = |name: &str| from.path().join(name);
    let content: Vec<u8> = (0..200_001).map(|at| at as u8).collect();
    for name in ["same", "first", "last", "mode"] {
        fs::write(path(name), &content).unwrap();
        finish(&path(name), 0o644, 1_500_000_000);
    }
    fs::write(path("empty"), "").unwrap();
    push(&container, from.path());
    let again = || {
        let push = container.files().push_tree(Directory::open(from.path()).unwrap(), "/root/tree");
        push.changed_content_only().send().unwrap()
    };
    assert_eq!(again().unchanged, 5);
    for (name, at) in [("first", 0), ("last", 200_000)] {
        let mut other = content.clone();
        other[at] ^= 0x80;
        fs::write(path(name), other).unwrap();
        // The same size and time.
        finish(&path(name), 0o644, 1_500_000_000);
    }
    finish(&path("same"), 0o644, 1);
    finish(&path("mode"), 0o600, 1_500_000_000);
    let by_time = container.files().push_tree(Directory::open(from.path()).unwrap(), "/root/tree");
    assert_eq!(by_time.changed_only().dry_run().send().unwrap().files, 2);
    let report = again();
    assert_eq!((report.files, report.unchanged, report.bytes), (3, 2, 600_003));
    let to = directory();
    let pull = || container.files().pull_tree("/root/tree", Directory::open(to.path()).unwrap());
    pull().send().unwrap();
    for name in ["first", "last", "mode"] {
        assert_eq!(fs::read(path(name)).unwrap(), fs::read(to.path().join(name)).unwrap(), "{name}");
    }
    assert_eq!(pull().changed_content_only().send().unwrap().unchanged, 5);
    fs::write(to.path().join("last"), &content).unwrap();
    assert_eq!(pull().changed_content_only().send().unwrap().files, 1);
}

/// More than 4 GiB in a long run, by SFTP and by the files API.
mod one_huge_file {
    use super::*;

    cases!(ureq_unix, lxd_ureq::Client, unix, there_and_back);
    cases!(reqwest_unix, lxd_tests::BlockOn, unix, there_and_back);

    fn there_and_back<C: Lab>(server: &Server<C>) {
        let size = if std::env::var_os("LXD_TEST_LONG").is_some() { (4 << 30) + 12_345 } else { (4 << 20) + 12_345 };
        let container = server.stopped("tree-huge");
        let files = container.files();
        let pushed = files.push_tree(PatternFile::new(size), "/root/huge").send().unwrap();
        assert_eq!((pushed.files, pushed.bytes), (1, size));
        let target = PatternFile::new(0);
        assert_eq!(files.pull_tree("/root/huge", target.clone()).send().unwrap().bytes, size);
        assert_eq!(target.written(), size);
        files.put("/root/huge", payload::<C>(Pattern::new(size), Some(size))).send().unwrap();
        let mut checked = Checked::default();
        let mut body = C::reader(files.get("/root/huge").send().unwrap().body);
        std::io::copy(&mut body, &mut checked).unwrap();
        checked.is_whole(size).unwrap();
    }
}

fn what_is_extra_is_removed<C: Lab>(server: &Server<C>) {
    let container = server.stopped("tree-extra");
    let (from, to) = (directory(), directory());
    tree::make(from.path(), 100);
    push(&container, from.path());
    tree::make(to.path(), 60);
    fs::create_dir_all(to.path().join("extra/deep/deeper")).unwrap();
    fs::write(to.path().join("extra/deep/deeper/file"), "x").unwrap();
    symlink("/", to.path().join("extra/deep/link")).unwrap();
    let pull = || container.files().pull_tree("/root/tree", Directory::open(to.path()).unwrap()).setuid();
    pull().delete_extra().dry_run().send().unwrap();
    assert!(to.path().join("extra/deep/deeper/file").exists());
    assert_eq!(pull().delete_extra().send().unwrap().removed, 5);
    assert_same(from.path(), to.path());
    // And in the instance.
    let empty = directory();
    let push = container.files().push_tree(Directory::open(empty.path()).unwrap(), "/root/tree");
    assert_eq!(push.delete_extra().send().unwrap().removed, look(from.path()).len() as u64);
    assert!(container.files().list("/root/tree").send().unwrap().is_empty());
}

fn owners_and_modes<C: Lab>(server: &Server<C>) {
    let container = server.stopped("tree-owners");
    let from = directory();
    fs::create_dir(from.path().join("dir")).unwrap();
    fs::write(from.path().join("dir/file"), "x").unwrap();
    finish(&from.path().join("dir/file"), 0o4751, 1);
    std::os::unix::fs::chown(from.path().join("dir/file"), Some(7), Some(8)).unwrap();
    finish(&from.path().join("dir/file"), 0o4751, 1);
    let push = |name: &str| container.files().push_tree(Directory::open(from.path()).unwrap(), format!("/root/{name}"));
    let stat = |path: &str| {
        let stat = container.sftp().send().unwrap().stat(path).send().unwrap();
        let (uid, gid) = stat.owner.unwrap();
        (uid, gid, stat.permissions().unwrap())
    };
    push("plain").send().unwrap();
    assert_eq!(stat("/root/plain/dir/file"), (0, 0, 0o4751));
    push("kept").owners(Owners::Kept).send().unwrap();
    assert_eq!(stat("/root/kept/dir/file"), (7, 8, 0o4751));
    push("fixed").owners(Owners::Fixed(1000, 100)).file_mode(0o640).directory_mode(0o2750).send().unwrap();
    assert_eq!(stat("/root/fixed/dir/file"), (1000, 100, 0o640));
    assert_eq!(stat("/root/fixed/dir"), (1000, 100, 0o2750));
    assert_eq!(stat("/root/fixed"), (1000, 100, 0o2750));
    push("mapped").owners(Owners::Mapped(Box::new(|uid, gid| (uid + 1, gid + 2)))).send().unwrap();
    assert_eq!(stat("/root/mapped/dir/file"), (8, 10, 0o4751));
    let to = directory();
    container.files().pull_tree("/root/kept", Directory::open(to.path()).unwrap()).send().unwrap();
    let pulled = to.path().join("dir/file").metadata().unwrap();
    // It is the caller's, and gives nobody the caller's rights.
    assert_eq!((pulled.uid(), pulled.permissions().mode() & 0o7777), (from.path().metadata().unwrap().uid(), 0o751));
    let pull = container.files().pull_tree("/root/kept", Directory::open(to.path()).unwrap());
    pull.owners(Owners::Kept).setuid().send().unwrap();
    let pulled = to.path().join("dir/file").metadata().unwrap();
    assert_eq!((pulled.uid(), pulled.gid(), pulled.permissions().mode() & 0o7777), (7, 8, 0o4751));
}

fn filtered_and_tried<C: Lab>(server: &Server<C>) {
    let container = server.stopped("tree-filter");
    let from = directory();
    for name in ["a.txt", "b.log", "keep", ".git"] {
        fs::create_dir(from.path().join(name)).unwrap();
        fs::write(from.path().join(name).join("a.txt"), "text").unwrap();
        fs::write(from.path().join(name).join("b.log"), "log").unwrap();
    }
    let push = || container.files().push_tree(Directory::open(from.path()).unwrap(), "/root/tree");
    let deeds = Arc::new(Mutex::new(Vec::new()));
    let seen = deeds.clone();
    let tried = push().dry_run().watch(move |event| seen.lock().unwrap().push((event.path.to_string(), event.deed)));
    let tried =
        tried.filter(|path, kind| path != ".git" && (kind != FileKind::File || path.as_bytes().ends_with(b".txt")));
    let report = tried.send().unwrap();
    assert_eq!((report.directories, report.files, report.bytes), (4, 3, 12));
    let mut deeds = Arc::into_inner(deeds).unwrap().into_inner().unwrap();
    deeds.sort_by(|one, two| one.0.cmp(&two.0));
    let expected = [
        ("", Deed::Directory),
        ("a.txt", Deed::Directory),
        ("a.txt/a.txt", Deed::File),
        ("b.log", Deed::Directory),
        ("b.log/a.txt", Deed::File),
        ("keep", Deed::Directory),
        ("keep/a.txt", Deed::File),
    ];
    assert_eq!(deeds, expected.map(|(path, deed)| (path.to_owned(), deed)));
    assert!(container.files().list("/root/tree").send().unwrap_err().is_not_found());
    push().filter(|path, _| path != ".git").send().unwrap();
    assert_eq!(container.files().list("/root/tree").send().unwrap().len(), 3);
    // What is not wanted is not removed either.
    let empty = directory();
    let clear = container.files().push_tree(Directory::open(empty.path()).unwrap(), "/root/tree");
    clear.delete_extra().filter(|path, _| path != "keep").send().unwrap();
    assert_eq!(container.files().list("/root/tree").send().unwrap(), ["keep"]);
}

/// pylxd: W18.
fn what_cannot_be_copied_is_said<C: Lab>(server: &Server<C>) {
    let container = server.running("tree-kinds");
    let from = directory();
    fs::write(from.path().join("file"), "x").unwrap();
    let mknod = |name: &str, kind, device| mknodat(CWD, from.path().join(name), kind, Mode::RWXU, device);
    mknod("pipe", FileType::Fifo, 0).unwrap();
    // Only root can.
    let device = mknod("null", FileType::CharacterDevice, makedev(1, 3)).is_ok();
    let socket = std::os::unix::net::UnixListener::bind(from.path().join("socket")).unwrap();
    let report = push(&container, from.path());
    let mut left_out: Vec<_> = report.left_out.iter().map(|left| (left.path.to_string(), left.kind)).collect();
    left_out.sort();
    let null = device.then(|| ("null".into(), FileKind::CharDevice));
    let others = [("pipe".into(), FileKind::Fifo), ("socket".into(), FileKind::Socket)];
    assert_eq!(left_out, null.into_iter().chain(others).collect::<Vec<_>>());
    assert_eq!(report.files, 1);
    drop(socket);
    container.exec(["mkfifo", "/root/tree/theirs"]).output().send().unwrap();
    let to = directory();
    let pulled = container.files().pull_tree("/root/tree", Directory::open(to.path()).unwrap()).send().unwrap();
    assert_eq!(pulled.left_out.len(), 1);
    assert_eq!((&pulled.left_out[0].path, pulled.left_out[0].kind), (&"theirs".into(), FileKind::Fifo));
    assert_eq!(look(to.path()).len(), 1);
}

/// One thing that cannot be copied does not keep the others, and nothing half is left.
fn what_fails_is_no_end<C: Lab>(server: &Server<C>) {
    let container = server.stopped("tree-fails");
    let from = directory();
    for name in ["a", "b", "c"] {
        fs::write(from.path().join(name), name).unwrap();
    }
    fs::create_dir(from.path().join("d")).unwrap();
    fs::write(from.path().join("d/in"), "in").unwrap();
    let files = container.files();
    files.mkdir("/root/tree").send().unwrap();
    files.mkdir("/root/tree/b").send().unwrap();
    files.put("/root/tree/d", "a file").send().unwrap();
    let error = failed(files.push_tree(Directory::open(from.path()).unwrap(), "/root/tree").send());
    assert!(error.reason.is_none());
    assert_eq!(error.report.files, 2);
    let mut paths: Vec<_> = error.report.failed.iter().map(|failed| failed.path.to_string()).collect();
    paths.sort();
    assert_eq!(paths, ["b", "d"]);
    assert!(error.to_string().starts_with("2 were not copied; the first is "), "{error}");
    let mut listed = files.list("/root/tree").send().unwrap();
    listed.sort();
    assert_eq!(listed, ["a", "b", "c", "d"]);
    let to = directory();
    fs::create_dir(to.path().join("a")).unwrap();
    symlink("/", to.path().join("b")).unwrap();
    let error = failed(files.pull_tree("/root/tree", Directory::open(to.path()).unwrap()).send());
    assert_eq!(error.report.failed.len(), 2);
    assert_eq!(look(to.path()).len(), 4);
    let limited = files.pull_tree("/root/tree", Directory::open(directory().path()).unwrap()).at_most(1).send();
    assert!(matches!(failed(limited).reason, Some(Error::TooLarge { limit: 1, .. })));
}

fn large_files<C: Lab>(server: &Server<C>) {
    let container = server.stopped("tree-large");
    let (from, to) = (directory(), directory());
    for (name, size) in [("large", 30_000_001_usize), ("other", 20_000_000)] {
        let content: Vec<u8> = (0..size).map(|at| (at * 7 + at / 65_521) as u8).collect();
        fs::write(from.path().join(name), content).unwrap();
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watched = seen.clone();
    let push = container.files().push_tree(Directory::open(from.path()).unwrap(), "/root/tree");
    let tell =
        move |event: Event<'_>| watched.lock().unwrap().push((event.path.to_string(), event.deed, event.progress));
    let report = push.watch(tell).send().unwrap();
    assert_eq!((report.files, report.bytes), (2, 50_000_001));
    // Each piece is told, with how far all together is, and then that the file is whole.
    let seen = Arc::into_inner(seen).unwrap().into_inner().unwrap();
    assert!(seen.is_sorted_by_key(|(_, _, progress)| (progress.bytes, progress.files)));
    assert_eq!(seen.last().unwrap().2, report.progress);
    for name in ["large", "other"] {
        let deeds: Vec<_> = seen.iter().filter(|(path, ..)| path == name).map(|(_, deed, _)| *deed).collect();
        let (last, pieces) = deeds.split_last().unwrap();
        assert!(*last == Deed::File && pieces.len() > 30 && pieces.iter().all(|deed| *deed == Deed::Piece), "{name}");
    }
    container.files().pull_tree("/root/tree", Directory::open(to.path()).unwrap()).send().unwrap();
    assert_same(from.path(), to.path());
}

fn roots<C: Lab>(server: &Server<C>) {
    let container = server.stopped("tree-roots");
    let (files, local) = (container.files(), directory());
    let here = || Directory::open(local.path()).unwrap();
    let missing = files.pull_tree("/none", here()).send().unwrap_err();
    assert!(matches!(missing, Error::WrongFileType { .. }), "{missing}");
    files.put("/root/file", "x").send().unwrap();
    assert!(matches!(files.pull_tree("/root/file", here()).send(), Err(Error::WrongFileType { .. })));
    assert!(matches!(files.push_tree(here(), "/root/file").send(), Err(Error::WrongFileType { .. })));
    assert!(failed(files.push_tree(here(), "/none/tree").send()).report.failed[0].error.is_not_found());
    let elsewhere = server.lxd.instance(unique("none"));
    let nowhere = elsewhere.files().push_tree(here(), "/x").send().unwrap_err();
    assert!(nowhere.is_not_found(), "{nowhere:?}");
    // A link to a directory is one, where it is the root.
    files.mkdir("/root/dir").send().unwrap();
    files.symlink("/root/link", "/root/dir").send().unwrap();
    fs::write(local.path().join("file"), "x").unwrap();
    files.push_tree(here(), "/root/link").send().unwrap();
    assert_eq!(files.list("/root/dir").send().unwrap(), ["file"]);
    let made = Directory::create(local.path().join("made")).unwrap();
    assert_eq!(files.pull_tree("/root/link", made).send().unwrap().files, 1);
}

/// What does not fit is said, and what was there stays.
fn a_full_disk<C: Lab>(server: &Server<C>) {
    let disk = Disk::small();
    let container = disk.container(server);
    let files = container.files();
    files.put("/small/large", "old").send().unwrap();
    let from = directory();
    fs::write(from.path().join("large"), vec![7; 2_000_000]).unwrap();
    fs::write(from.path().join("small"), "fits").unwrap();
    let push = || files.push_tree(Directory::open(from.path()).unwrap(), "/small");
    let error = failed(push().send());
    assert!(error.to_string().contains("no space left"), "{error}");
    // The small one may have come too late.
    let listed = files.list("/small").send().unwrap();
    assert!(listed.iter().all(|name| ["large", "small"].contains(&name.as_str())), "{listed:?}");
    assert_eq!(files.get("/small/large").bytes().send().unwrap(), "old");
    fs::write(from.path().join("large"), "fits too").unwrap();
    let report = push().changed_only().send().unwrap();
    assert_eq!(report.files + report.unchanged, 2);
    assert_eq!(files.get("/small/large").bytes().send().unwrap(), "fits too");
}
