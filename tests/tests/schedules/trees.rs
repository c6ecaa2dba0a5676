//! Trees that are pushed and pulled, where nothing goes wrong.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use lxd_proto::{
    Error, Lxd,
    resources::InstancesPost,
    sftp::FileKind,
    tree::{Deed, Owners},
};
use lxd_sim::{Config, Direct, Faults, Sim, World};

use crate::memory::{Memory, Node, Tree};

fn server() -> Direct {
    let lxd = World::new([Sim::new(Config::default())], Faults::none()).client(0);
    lxd.instances().create(InstancesPost::empty("c1")).wait().send().unwrap();
    lxd.instance("c1").start().wait().send().unwrap();
    lxd
}

fn file(mode: u32, length: usize) -> Node {
    Node::File(mode, (0..length).map(|index| (index * 7 % 251) as u8).collect::<Vec<_>>().into())
}

/// Directories, links and files with all that is odd about them.
fn tree() -> Tree {
    let mut tree = Tree::from([
        (b"".to_vec(), Node::Directory(0o755)),
        (b"d".to_vec(), Node::Directory(0o2750)),
        (b"d/empty".to_vec(), file(0o600, 0)),
        (b"d/\xff\n\"%".to_vec(), file(0o4751, 3)),
        (b"d/deep".to_vec(), Node::Directory(0o700)),
        (b"d/deep/large".to_vec(), file(0o644, 1_200_000)),
        (b"d/link".to_vec(), Node::Link("../nowhere".into())),
        (b"loop".to_vec(), Node::Link("loop".into())),
    ]);
    tree.extend((0..150).map(|index| (format!("d/deep/{index}").into_bytes(), file(0o644, index))));
    tree
}

#[test]
fn a_tree_comes_back_the_same() {
    let lxd = server();
    let files = lxd.instance("c1").files();
    let report = files.push_tree(Memory::new(tree(), 1), "/t").send().unwrap();
    assert_eq!((report.directories, report.files, report.symlinks), (3, 153, 2));
    let pulled = Memory::new(Tree::from([(b"".to_vec(), Node::Directory(0o755))]), 2);
    let report = files.pull_tree("/t", pulled.clone()).setuid().send().unwrap();
    assert_eq!((report.directories, report.files, report.symlinks), (3, 153, 2));
    assert!(pulled.tree() == tree());
}

#[test]
fn only_what_differs_is_copied_and_what_is_extra_removed() {
    let lxd = server();
    let files = lxd.instance("c1").files();
    files.push_tree(Memory::new(tree(), 1), "/t").send().unwrap();
    let mut other = tree();
    other.remove(&b"d/deep/7"[..]);
    other.remove(&b"loop"[..]);
    other.insert(b"d/deep/8".to_vec(), file(0o644, 99));

    let tried =
        files.push_tree(Memory::new(other.clone(), 2), "/t").changed_only().delete_extra().dry_run().send().unwrap();
    let done = files.push_tree(Memory::new(other.clone(), 3), "/t").changed_only().delete_extra().send().unwrap();
    assert_eq!(tried.progress, done.progress);
    assert_eq!((done.files, done.removed, done.bytes), (1, 2, 99));
    let again = files.push_tree(Memory::new(other.clone(), 4), "/t").changed_only().delete_extra().send().unwrap();
    assert_eq!((again.files, again.removed, again.bytes), (0, 0, 0));
    let pulled = Memory::new(tree(), 5);
    files.pull_tree("/t", pulled.clone()).changed_only().delete_extra().setuid().send().unwrap();
    assert!(pulled.tree() == other);
}

#[test]
fn owners_modes_and_what_is_wanted() {
    let lxd = server();
    let files = lxd.instance("c1").files();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watched = seen.clone();
    let push = files
        .push_tree(Memory::new(tree(), 1), "/t")
        .owners(Owners::Fixed(33, 34))
        .file_mode(0o640)
        .directory_mode(0o751);
    let push = push.filter(|path, kind| kind == FileKind::Directory || path.as_bytes().ends_with(b"7"));
    let report =
        push.watch(move |event| watched.lock().unwrap().push((event.path.clone(), event.deed))).send().unwrap();
    assert_eq!(report.files, 15);
    assert_eq!(seen.lock().unwrap().iter().filter(|(_, deed)| *deed == Deed::File).count(), 15);
    let mut sftp = lxd.instance("c1").sftp().send().unwrap();
    let of = sftp.stat("/t/d/deep/7").send().unwrap();
    assert_eq!((of.permissions(), of.owner), (Some(0o640), Some((33, 34))));
    assert_eq!(sftp.stat("/t/d").send().unwrap().permissions(), Some(0o751));
    assert!(sftp.stat("/t/d/empty").send().unwrap_err().is_not_found());
}

#[test]
fn what_cannot_be_copied_is_said() {
    let lxd = server();
    let files = lxd.instance("c1").files();
    let mut odd = tree();
    odd.insert(b"pipe".to_vec(), Node::Pipe);
    let report = files.push_tree(Memory::new(odd, 1), "/t").send().unwrap();
    assert_eq!(report.left_out.iter().map(|left| left.path.as_bytes()).collect::<Vec<_>>(), [b"pipe"]);

    // A directory is where a file is to be: the rest is copied nevertheless.
    files.mkdir("/u").send().unwrap();
    files.mkdir("/u/a").send().unwrap();
    files.put("/u/a/x", "x").send().unwrap();
    let clash = Tree::from([
        (b"".to_vec(), Node::Directory(0o755)),
        (b"a".to_vec(), Node::File(0o644, Bytes::from_static(b"a"))),
        (b"b".to_vec(), Node::File(0o644, Bytes::from_static(b"b"))),
    ]);
    let Err(Error::Tree(error)) = files.push_tree(Memory::new(clash, 2), "/u").send() else { panic!("an error") };
    assert!(error.reason.is_none());
    assert_eq!(error.report.failed.iter().map(|failed| failed.path.as_bytes()).collect::<Vec<_>>(), [b"a"]);
    assert_eq!(error.report.files, 1);

    let Err(Error::Tree(error)) = files.push_tree(Memory::new(tree(), 3), "/v").at_most(1000).send() else {
        panic!("an error")
    };
    assert!(matches!(error.reason, Some(Error::TooLarge { .. })), "{error}");
    let missing = Memory::new(Tree::from([(b"".to_vec(), Node::Directory(0o755))]), 4);
    assert!(files.pull_tree("/missing", missing).send().is_err());
}
