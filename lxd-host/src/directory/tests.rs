use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
};

use bytes::Bytes;

use super::*;

/// A directory, and one beside it in which nothing may happen.
fn directory() -> (tempfile::TempDir, Directory) {
    let around = tempfile::tempdir().unwrap();
    fs::create_dir(around.path().join("beside")).unwrap();
    fs::write(around.path().join("beside/file"), "secret").unwrap();
    let directory = Directory::create(around.path().join("root")).unwrap();
    (around, directory)
}

fn create(directory: &Directory, slot: Slot, name: &str) -> Result<DiskReply, Failure> {
    directory.act(DiskAction::Create(slot, Making::new(name, "whole")))
}

fn entries(directory: &Directory, path: &str) -> Vec<String> {
    let DiskReply::Entries(entries) = directory.act(DiskAction::List(path.into())).unwrap() else { panic!("entries") };
    let mut names: Vec<_> = entries.iter().map(|entry| entry.name.to_string()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_whole_before_it_has_its_name() {
    let (around, directory) = directory();
    let root = around.path().join("root");
    fs::write(root.join("file"), "old").unwrap();
    let attributes = Attributes::default().with_mode(0o4751).with_times(1, 1_000_000_000);
    let mut making = Making::new(".part", "file");
    (making.attributes, making.replaces) = (attributes, true);
    directory.act(DiskAction::Create(1, making)).unwrap();
    directory.act(DiskAction::Write(1, 3, Bytes::from_static(b"def"))).unwrap();
    directory.act(DiskAction::Write(1, 0, Bytes::from_static(b"abc"))).unwrap();
    assert_eq!(fs::metadata(root.join(".part")).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read(root.join("file")).unwrap(), b"old");
    assert_eq!(directory.act(DiskAction::Finish(1)), Ok(DiskReply::Done));
    assert_eq!(fs::read(root.join("file")).unwrap(), b"abcdef");
    let metadata = fs::metadata(root.join("file")).unwrap();
    assert_eq!((metadata.permissions().mode() & 0o7777, metadata.mtime()), (0o4751, 1_000_000_000));
    assert_eq!(entries(&directory, ""), ["file"]);
    assert!(directory.act(DiskAction::Write(1, 0, Bytes::new())).is_err());
}

#[test]
fn what_is_not_whole_is_removed() {
    let (around, directory) = directory();
    for (slot, name) in [(1, "given up"), (2, "dropped")] {
        create(&directory, slot, name).unwrap();
        directory.act(DiskAction::Write(slot, 0, Bytes::from_static(b"half"))).unwrap();
    }
    directory.act(DiskAction::Discard(1)).unwrap();
    assert_eq!(entries(&directory, ""), ["dropped"]);
    drop(directory);
    assert_eq!(fs::read_dir(around.path().join("root")).unwrap().count(), 0);
}

#[test]
fn nothing_is_outside() {
    let (around, directory) = directory();
    let root = around.path().join("root");
    symlink("../beside", root.join("link")).unwrap();
    symlink("../beside/file", root.join("file")).unwrap();
    let attributes = Attributes::default().with_mode(0);
    for path in
        ["../beside", "link", "..", ".", "/", "link/", "../beside/file", "link/file", "file", "/etc", "a//b", "\0"]
    {
        for action in [
            DiskAction::List(path.into()),
            DiskAction::Open(1, path.into()),
            DiskAction::Setstat(path.into(), attributes),
            DiskAction::Create(1, Making::new(path, "good")),
            DiskAction::Symlink(Making::new(path, "good"), "target".into()),
            DiskAction::Finish(9),
        ] {
            let shown = format!("{action:?}");
            assert!(directory.act(action).is_err(), "{shown}");
        }
        let new = [
            directory.act(DiskAction::Mkdir(path.into(), attributes)),
            directory.act(DiskAction::Symlink(Making::new("link-to-be", path), "target".into())),
        ];
        assert!(new.iter().all(|made| !matches!(made, Ok(DiskReply::Done))), "{path}: {new:?}");
        let _ = fs::remove_file(root.join("link-to-be"));
        if path.contains("beside") || path.contains('/') || path.len() < 3 {
            assert!(directory.act(DiskAction::Remove(path.into(), FileKind::File)).is_err(), "{path}");
            assert!(directory.act(DiskAction::Readlink(path.into())).is_err(), "{path}");
            assert!(directory.act(DiskAction::Stat(path.into())).is_err(), "{path}");
        }
    }
    assert_eq!(fs::read(around.path().join("beside/file")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(around.path().join("beside")).unwrap().count(), 1);
    // Of a link, it itself is meant.
    let DiskReply::Attributes(Some(link)) = directory.act(DiskAction::Stat("link".into())).unwrap() else { panic!() };
    assert_eq!(link.kind(), FileKind::Symlink);
    assert_eq!(directory.act(DiskAction::Stat("none".into())).unwrap(), DiskReply::Attributes(None));
    directory.act(DiskAction::Remove("link".into(), FileKind::Symlink)).unwrap();
    assert_eq!(entries(&directory, ""), ["file"]);
}

#[test]
fn names_are_bytes() {
    let (_around, directory) = directory();
    for name in [&b"\xff\xfe"[..], b"line\nbreak", b"back\\slash", b"..."] {
        let path = BytePath::from(name);
        directory.act(DiskAction::Mkdir(path.clone(), Attributes::default())).unwrap();
        let making = Making::new(path.join(b"t"), path.join(b"link"));
        directory.act(DiskAction::Symlink(making, name.into())).unwrap();
        let target = directory.act(DiskAction::Readlink(path.join(b"link"))).unwrap();
        assert_eq!(target, DiskReply::Target(name.into()));
        let DiskReply::Entries(found) = directory.act(DiskAction::List(path)).unwrap() else { panic!("entries") };
        assert_eq!((found.len(), found[0].attributes.kind()), (1, FileKind::Symlink));
    }
}

/// A directory that is made again is not the one that was there.
#[test]
fn what_was_removed_is_not_remembered() {
    let (_around, directory) = directory();
    for _ in 0..2 {
        directory.act(DiskAction::Mkdir("dir".into(), Attributes::default())).unwrap();
        directory.act(DiskAction::Create(1, Making::new("dir/file", "dir/whole"))).unwrap();
        directory.act(DiskAction::Finish(1)).unwrap();
        assert_eq!(entries(&directory, "dir"), ["whole"]);
        directory.act(DiskAction::Remove("dir/whole".into(), FileKind::File)).unwrap();
        directory.act(DiskAction::Remove("dir".into(), FileKind::Directory)).unwrap();
    }
}

#[test]
fn a_piece_is_short_only_at_the_end() {
    let (around, directory) = directory();
    fs::write(around.path().join("root/file"), "abcdef").unwrap();
    directory.act(DiskAction::Open(1, "file".into())).unwrap();
    let read = |offset, length| directory.act(DiskAction::Read(1, offset, length)).unwrap();
    assert_eq!(read(1, 3), DiskReply::Data(Bytes::from_static(b"bcd")));
    assert_eq!(read(4, 9), DiskReply::Data(Bytes::from_static(b"ef")));
    assert_eq!(read(6, 9), DiskReply::Data(Bytes::new()));
    directory.act(DiskAction::Close(1)).unwrap();
    assert!(directory.act(DiskAction::Read(1, 0, 1)).is_err());
}

/// What is not expected is not replaced, and what is not whole does not stay.
#[test]
fn a_name_that_is_taken_is_left_alone() {
    let (around, directory) = directory();
    let root = around.path().join("root");
    fs::write(root.join("file"), "old").unwrap();
    fs::create_dir(root.join("dir")).unwrap();
    for name in ["file", "dir"] {
        directory.act(DiskAction::Create(1, Making::new(".part", name))).unwrap();
        assert_eq!(directory.act(DiskAction::Finish(1)), Ok(DiskReply::Taken));
        assert_eq!(directory.act(DiskAction::Symlink(Making::new(".link", name), "x".into())), Ok(DiskReply::Taken));
        directory.act(DiskAction::Remove(".link".into(), FileKind::Symlink)).unwrap();
        assert_eq!(directory.act(DiskAction::Mkdir(name.into(), Attributes::default())), Ok(DiskReply::Taken));
    }
    assert_eq!(entries(&directory, ""), ["dir", "file"]);
    assert_eq!(fs::read(root.join("file")).unwrap(), b"old");
}

#[test]
fn one_file_is_a_root() {
    let (around, _) = directory();
    let file = around.path().join("root/file");
    let only = Directory::only(&file).unwrap();
    assert_eq!(only.act(DiskAction::Stat(BytePath::default())), Ok(DiskReply::Attributes(None)));
    only.act(DiskAction::Create(1, Making::new(".part", ""))).unwrap();
    only.act(DiskAction::Write(1, 0, Bytes::from_static(b"new"))).unwrap();
    assert_eq!(only.act(DiskAction::Finish(1)), Ok(DiskReply::Done));
    assert_eq!(fs::read(&file).unwrap(), b"new");
    let DiskReply::Attributes(Some(found)) = only.act(DiskAction::Stat(BytePath::default())).unwrap() else { panic!() };
    assert_eq!((found.kind(), found.size), (FileKind::File, Some(3)));
    only.act(DiskAction::Open(2, BytePath::default())).unwrap();
    assert_eq!(only.act(DiskAction::Read(2, 1, 9)), Ok(DiskReply::Data(Bytes::from_static(b"ew"))));
    assert!(Directory::only("/").is_err() && Directory::only(around.path().join("none/file")).is_err());
}
