//! Servers that want more of this machine than the tree that is to be filled.

use std::{fs, os::unix::fs::symlink, path::Path};

use lxd_host::Directory;
use lxd_proto::{
    Error, Failure, FailureKind, Lxd, Run, limits,
    sftp::{BytePath, FileKind},
    tree::{Disk, DiskAction, DiskReply, Making, Report, TreeError, TreeFlow},
};
use lxd_tests::{
    Lab,
    tree::{Thing, directory, look},
};
use tempfile::TempDir;

use crate::{
    server::{Fake, Way},
    sftp_server::{Bad, DIRECTORY, LINK, Said, file},
};

crate::cases! {
    once: names_that_lead_elsewhere, names_that_come_twice, links_are_not_followed, links_that_were_there,
        endless_lists, endless_depth, endless_files, wrong_sizes, everything_at_once, broken_off,
        names_that_differ_in_case;
}

type Pull<C> = Run<C, TreeFlow>;

/// Pulls from a bad server into a directory within another, in which nothing else may come to be.
fn pull<C: Lab>(
    bad: &Bad,
    prepare: impl FnOnce(&Path),
    how: impl FnOnce(Pull<C>) -> Pull<C>,
) -> (Result<Report, Error>, TempDir) {
    let bad = bad.clone();
    let fake = Fake::new(Way::Unix, move |_, talk| bad.talk(talk));
    let around = directory();
    let (target, secret) = (around.path().join("target"), around.path().join("secret"));
    fs::create_dir(&target).unwrap();
    fs::create_dir(&secret).unwrap();
    fs::write(secret.join("file"), "secret").unwrap();
    prepare(&target);
    let lxd = fake.lxd::<C>();
    let pull = lxd.instance("c1").files().pull_tree("/t", Directory::open(&target).unwrap());
    let result = how(pull).send();
    assert_eq!(fs::read(secret.join("file")).unwrap(), b"secret");
    assert_eq!(look(&secret).len(), 1);
    assert_eq!(fs::read_dir(around.path()).unwrap().count(), 2);
    (result, around)
}

pub(crate) fn failed(result: Result<Report, Error>) -> TreeError {
    match result.unwrap_err() {
        Error::Tree(error) => *error,
        other => panic!("{other}"),
    }
}

fn names(around: &Path) -> Vec<String> {
    look(&around.join("target")).into_keys().map(|path| path.escape_ascii().to_string()).collect()
}

fn names_that_lead_elsewhere<C: Lab>() {
    let bad = Bad::with(&[
        (b"", file(1)),
        (b"../secret/file", file(1)),
        (b"/etc/lxd-test", file(1)),
        (b"a/b", file(1)),
        (b"nul\0", file(1)),
        (b"../out", DIRECTORY),
        (b"good", file(1)),
        (b"..", file(1)),
        (b".", DIRECTORY),
    ]);
    let (result, around) = pull::<C>(&bad, |_| (), |pull| pull);
    let error = failed(result);
    assert_eq!(error.report.failed.len(), 6);
    assert!(error.report.failed.iter().all(|failed| matches!(failed.error, Error::InvalidName { .. })));
    assert_eq!(names(around.path()), ["good"]);
}

fn names_that_come_twice<C: Lab>() {
    let bad = Bad { target: b"../secret".to_vec(), ..Bad::with(&[(b"x", LINK), (b"x", DIRECTORY), (b"x", file(3))]) };
    let bad = bad.and(b"/t/x", &[(b"file", file(1))]);
    let (result, around) = pull::<C>(&bad, |_| (), |pull| pull);
    let error = failed(result);
    assert_eq!(error.report.failed.len(), 2);
    assert!(error.to_string().contains("has this name twice"), "{error}");
    let found = look(&around.path().join("target"));
    assert_eq!(found.into_values().collect::<Vec<_>>(), [Thing::Symlink(b"../secret".to_vec())]);
}

/// A directory to which upper and lower case are the same.
struct Folding(Directory);

impl Disk for Folding {
    fn act(&self, action: DiskAction) -> Result<DiskReply, Failure> {
        let fold = |path: BytePath| BytePath::from(path.as_bytes().to_ascii_lowercase());
        let folded = |mut making: Making| {
            making.path = fold(making.path);
            making
        };
        self.0.act(match action {
            DiskAction::Stat(path) => DiskAction::Stat(fold(path)),
            DiskAction::List(path) => DiskAction::List(fold(path)),
            DiskAction::Create(slot, making) => DiskAction::Create(slot, folded(making)),
            DiskAction::Symlink(making, target) => DiskAction::Symlink(folded(making), target),
            DiskAction::Mkdir(path, attributes) => DiskAction::Mkdir(fold(path), attributes),
            DiskAction::Setstat(path, attributes) => DiskAction::Setstat(fold(path), attributes),
            other => other,
        })
    }

    fn nonce(&self) -> u64 {
        self.0.nonce()
    }
}

/// Each has its place, or is an error: nothing is lost to another.
fn names_that_differ_in_case<C: Lab>() {
    let bad = Bad {
        target: b"x".to_vec(),
        ..Bad::with(&[
            (b"file", file(1)),
            (b"FILE", file(2)),
            (b"dir", DIRECTORY),
            (b"Dir", DIRECTORY),
            (b"link", LINK),
            (b"LINK", LINK),
            (b"other", file(3)),
            (b"OTHER", LINK),
            (b"Third", DIRECTORY),
            (b"third", file(4)),
        ])
    };
    let fake = Fake::new(Way::Unix, move |_, talk| bad.talk(talk));
    let target = directory();
    let lxd = fake.lxd::<C>();
    let pull = |disk: Folding| lxd.instance("c1").files().pull_tree("/t", disk).send();
    let error = failed(pull(Folding(Directory::open(target.path()).unwrap())));
    let mut lost: Vec<_> = error.report.failed.iter().map(|failed| failed.path.to_string().to_lowercase()).collect();
    lost.sort();
    assert_eq!(lost, ["dir", "file", "link", "other", "third"]);
    let is_taken = |error: &Error| matches!(error, Error::NameTaken { .. });
    assert!(error.report.failed.iter().all(|failed| is_taken(&failed.error)), "{error}");
    let done = (error.report.directories - 1) + error.report.files + error.report.symlinks;
    assert_eq!((look(target.path()).len(), done), (5, 5));
}

/// A link that leads out of the tree is a link, and nothing goes through it.
fn links_are_not_followed<C: Lab>() {
    let bad = Bad { target: b"../secret".to_vec(), ..Bad::with(&[(b"out", LINK), (b"dir", DIRECTORY)]) };
    let bad = bad.and(b"/t/dir", &[(b"out", LINK), (b"file", file(2))]);
    let (result, around) = pull::<C>(&bad, |_| (), |pull| pull);
    assert_eq!(result.unwrap().symlinks, 2);
    assert_eq!(fs::read_link(around.path().join("target/out")).unwrap(), Path::new("../secret"));
    // Once more: what was a link is to be a directory, or a file.
    let again = Bad::with(&[(b"out", DIRECTORY), (b"dir", DIRECTORY)]).and(b"/t/out", &[(b"file", file(3))]);
    let again = again.and(b"/t/dir", &[(b"out", file(3))]);
    let links = |target: &Path| {
        symlink("../secret", target.join("out")).unwrap();
        fs::create_dir(target.join("dir")).unwrap();
        symlink("../../secret/file", target.join("dir/out")).unwrap();
    };
    let (result, around) = pull::<C>(&again, links, |pull| pull);
    let error = failed(result);
    assert_eq!(error.report.failed.len(), 1);
    assert!(matches!(error.report.failed[0].error, Error::WrongFileType { .. }));
    // The file is in place of the link.
    assert_eq!(fs::read(around.path().join("target/dir/out")).unwrap(), b"xxx");
    assert!(around.path().join("target/dir/out").symlink_metadata().unwrap().is_file());
}

fn links_that_were_there<C: Lab>() {
    let bad = Bad::with(&[(b"gone", file(1))]);
    let links = |target: &Path| {
        fs::create_dir(target.join("extra")).unwrap();
        symlink("../../secret", target.join("extra/out")).unwrap();
    };
    let (result, _around) = pull::<C>(&bad, links, |pull| pull.delete_extra());
    assert_eq!(result.unwrap().removed, 2);
}

fn endless_lists<C: Lab>() {
    let names: Vec<Vec<u8>> = (0..450_u32).map(|number| format!("{number:0250}").into_bytes()).collect();
    let entries: Vec<(&[u8], Said)> = names.iter().map(|name| (&name[..], file(1))).collect();
    let bad = Bad { endless: true, ..Bad::with(&entries) };
    let (result, around) = pull::<C>(&bad, |_| (), |pull| pull);
    let error = failed(result);
    assert!(matches!(error.report.failed[0].error, Error::TooLarge { what: "a directory's list", .. }));
    assert!(look(&around.path().join("target")).is_empty());
}

fn endless_depth<C: Lab>() {
    let mut bad = Bad::with(&[(b"d", DIRECTORY)]);
    bad.everywhere = vec![(b"d".to_vec(), DIRECTORY), (b"file".to_vec(), file(1))];
    let (result, around) = pull::<C>(&bad, |_| (), |pull| pull);
    let error = failed(result);
    assert!(matches!(error.report.failed[0].error, Error::TooLarge { what: "a tree's depth", .. }), "{error}");
    assert_eq!(error.report.directories, limits::TREE_DEPTH as u64 + 1);
    drop(around);
}

fn endless_files<C: Lab>() {
    let bad = Bad::with(&[(b"small", file(10)), (b"endless", file(u64::MAX)), (b"more", file(10))]);
    let (result, around) = pull::<C>(&bad, |_| (), |pull| pull.at_most(1 << 20));
    let error = failed(result);
    assert!(matches!(error.reason, Some(Error::TooLarge { what: "a tree", limit: 0x10_0000 })), "{error}");
    assert!(names(around.path()).iter().all(|name| !name.contains("endless") && !name.contains("lxd")));
}

/// No more is taken than the list has said, and no less.
fn wrong_sizes<C: Lab>() {
    let bad =
        Bad { size: 50_000, ..Bad::with(&[(b"less", file(40_000)), (b"more", file(200_000)), (b"none", file(0))]) };
    let (result, around) = pull::<C>(&bad, |_| (), |pull| pull);
    let error = failed(result);
    assert_eq!(error.report.failed.len(), 1);
    assert!(matches!(&error.report.failed[0].error, Error::Shorter { said: 200_000, found: 50_000, .. }), "{error}");
    assert_eq!(names(around.path()), ["less", "none"]);
    assert_eq!(fs::read(around.path().join("target/less")).unwrap(), vec![b'x'; 40_000]);
}

fn everything_at_once<C: Lab>() {
    let kinds = [0o010_644, 0o140_644, 0o060_644, 0o020_644, 0, 0o170_000].map(|mode| Said(mode, 9));
    let names: Vec<Vec<u8>> = (0..kinds.len()).map(|number| vec![b'a' + number as u8]).collect();
    let mut entries: Vec<(&[u8], Said)> = names.iter().map(|name| &name[..]).zip(kinds).collect();
    entries.push((b"setuid", Said(0o106_755, 5)));
    let (result, around) = pull::<C>(&Bad::with(&entries), |_| (), |pull| pull);
    let report = result.unwrap();
    let mut left_out: Vec<_> = report.left_out.iter().map(|left| (left.path.to_string(), left.kind)).collect();
    left_out.sort_by(|one, other| one.0.cmp(&other.0));
    let kinds = [
        FileKind::Fifo,
        FileKind::Socket,
        FileKind::BlockDevice,
        FileKind::CharDevice,
        FileKind::Unknown,
        FileKind::Unknown,
    ];
    assert!(
        left_out.into_iter().eq(["a", "b", "c", "d", "e", "f"].map(String::from).into_iter().zip(kinds)),
        "{report:?}"
    );
    assert_eq!(report.files, 1);
    let Some(Thing::File(mode, ..)) = look(&around.path().join("target")).remove(&b"setuid"[..]) else {
        panic!("a file")
    };
    assert_eq!(mode, 0o755);
}

/// A break says what was done, and leaves nothing half.
fn broken_off<C: Lab>() {
    let fake = Fake::new(Way::Unix, |number, mut talk| {
        if number == 0 {
            // Not much, and no more.
            return Bad::with(&[(b"a", file(10)), (b"b", file(100_000_000))]).talk_for(talk, 500);
        }
        talk.asked();
    });
    let target = directory();
    fs::write(target.path().join("b"), "old").unwrap();
    let lxd = fake.lxd::<C>();
    let error = lxd.instance("c1").files().pull_tree("/t", Directory::open(target.path()).unwrap()).send();
    let error = failed(error);
    let Some(Error::Transport(failure)) = &error.reason else { panic!("{error}") };
    assert_eq!(failure.kind, FailureKind::Broken);
    // What is said to be done is, and nothing else.
    assert_eq!(look(target.path()).len() as u64, 1 + error.report.files);
    if error.report.files == 1 {
        assert_eq!(fs::read(target.path().join("a")).unwrap(), b"xxxxxxxxxx");
    }
    assert_eq!(fs::read(target.path().join("b")).unwrap(), b"old");
}
