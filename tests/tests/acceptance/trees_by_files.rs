//! Trees by the files API, for servers, proxies and transports without SFTP.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::symlink,
    },
    path::{Component, Path, PathBuf},
};

use lxd_host::Directory;
use lxd_proto::{
    Error, Run,
    sftp::FileKind,
    tree::{Report, TreeFlow, Way},
};
use lxd_tests::{
    Lab, Server, Temporary, cases, everywhere,
    tree::{self, Thing, directory, finish, look},
};

use crate::{files::Disk, trees::failed};

everywhere!(what_is_there_is_replaced, in_many_pieces, single_files, a_full_disk_leaves_nothing);

mod of_2000_things {
    use super::*;

    cases!(ureq_unix, lxd_ureq::Client, unix, come_back);
    cases!(ureq_https, lxd_ureq::Client, https, come_back);
    cases!(reqwest_unix, lxd_tests::BlockOn, unix, come_back);
    cases!(reqwest_https, lxd_tests::BlockOn, https, come_back);
}

type Tree = BTreeMap<Vec<u8>, Thing>;

/// As it is with another mode, time or target.
fn changed(tree: Tree, change: impl Fn(&[u8], &mut Thing)) -> Tree {
    tree.into_iter()
        .map(|(path, mut thing)| {
            change(&path, &mut thing);
            (path, thing)
        })
        .collect()
}

fn without_times(tree: Tree) -> Tree {
    changed(tree, |_, thing| {
        if let Thing::Directory(_, time) | Thing::File(_, time, ..) = thing {
            *time = 0;
        }
    })
}

/// Whether the files API can say such a name.
fn is_sayable(name: &[u8]) -> bool {
    std::str::from_utf8(name)
        .is_ok_and(|name| name.chars().all(|one| !one.is_ascii_control() || "\t\n\r".contains(one)))
}

/// Where a link points to that is in this directory, without `.` and `..`.
fn absolute(directory: &Path, target: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in directory.join(target).components() {
        match part {
            Component::ParentDir => drop(clean.pop()),
            Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean
}

fn assert_alike(one: &Tree, other: &Tree) {
    for (path, thing) in one {
        assert_eq!(other.get(path), Some(thing), "{}", path.escape_ascii());
    }
    assert_eq!(one.len(), other.len());
}

fn count(tree: &Tree, wanted: fn(&Thing) -> bool) -> u64 {
    tree.values().filter(|thing| wanted(thing)).count() as u64
}

/// The same tree as by SFTP, but for what is counted as lost or left out.
fn come_back<C: Lab>(server: &Server<C>) {
    let container = server.stopped("by-files");
    let files = container.files();
    let (from, middle, to) = (directory(), directory(), directory());
    tree::make(from.path(), 2000);
    let source = look(from.path());
    let pushed = files.push_tree(Directory::open(from.path()).unwrap(), "/root/tree").by_files_api().send().unwrap();
    let special =
        |thing: &Thing| matches!(thing, Thing::Directory(mode, _) | Thing::File(mode, ..) if mode & 0o7000 != 0);
    let linked = |thing: &Thing| matches!(thing, Thing::Symlink(_));
    let not_linked = |thing: &Thing| !matches!(thing, Thing::Symlink(_));
    assert_eq!(pushed.way, Way::Files);
    assert_eq!((pushed.lost.times, pushed.lost.modes), (1 + count(&source, not_linked), count(&source, special)));
    assert_eq!((pushed.lost.targets, pushed.symlinks), (0, count(&source, linked)));
    let unseen = |(path, thing): &(&Vec<u8>, &Thing)| {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap();
        name.iter().any(|byte| byte.is_ascii_control() && !b"\t\n\r".contains(byte))
            && matches!(thing, Thing::File(_, _, 1.., _))
    };
    assert_eq!(pushed.lost.sizes, source.iter().filter(unseen).count() as u64);

    let by_sftp = files.pull_tree("/root/tree", Directory::open(middle.path()).unwrap()).setuid().send().unwrap();
    assert_eq!((by_sftp.way, by_sftp.progress), (Way::Sftp, pushed.progress));
    let arrived = look(middle.path());
    let plain = changed(source, |_, thing| {
        if let Thing::Directory(mode, _) | Thing::File(mode, ..) = thing {
            *mode &= 0o777;
        }
    });
    assert_alike(&without_times(plain), &without_times(arrived.clone()));

    let pull = || files.pull_tree("/root/tree", Directory::open(to.path()).unwrap()).by_files_api();
    let pulled = pull().send().unwrap();
    let names = |path: &[u8]| path.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let said: Tree = arrived
        .iter()
        .filter(|(path, _)| names(path).iter().all(|name| is_sayable(name)))
        .map(|(path, thing)| (path.clone(), thing.clone()))
        .collect();
    let said = changed(said, |path, thing| {
        if let Thing::Symlink(target) = thing {
            let place = Path::new("/root/tree").join(OsStr::from_bytes(path));
            let target_path = PathBuf::from(OsString::from_vec(target.clone()));
            *target = absolute(place.parent().unwrap(), &target_path).into_os_string().into_vec();
        }
    });
    assert_alike(&said, &look(to.path()));
    let top = |path: &[u8]| {
        let names = names(path);
        let (last, before) = names.split_last().unwrap();
        !is_sayable(last) && before.iter().all(|name| is_sayable(name))
    };
    assert_eq!(pulled.left_out.len(), arrived.keys().filter(|path| top(path)).count());
    assert!(pulled.left_out.iter().all(|left| left.kind == FileKind::Unknown));
    assert_eq!((pulled.lost.targets, pulled.lost.times), (count(&said, linked), 0));
    let again = pull().changed_only().send().unwrap();
    assert_eq!((again.files, again.unchanged), (0, count(&said, |thing| !matches!(thing, Thing::Directory(..)))));
}

/// The transport of one's own knows no other way, and so needs not be told.
fn by_files<C: Lab>(run: Run<C, TreeFlow>) -> Run<C, TreeFlow> {
    if C::NAME == "own" { run } else { run.by_files_api() }
}

fn push<C: Lab>(container: &Temporary<C>, from: &Path) -> Result<Report, Error> {
    let push = container.files().push_tree(Directory::open(from).unwrap(), "/root/tree");
    by_files(push).delete_extra().send()
}

fn what_is_there_is_replaced<C: Lab>(server: &Server<C>) {
    let container = server.stopped("by-files-again");
    let files = container.files();
    let from = directory();
    let path = |name: &str| from.path().join(name);
    fs::create_dir(path("dir")).unwrap();
    for name in ["file", "link", "dir/same", "empty"] {
        fs::write(path(name), if name == "empty" { "" } else { name }).unwrap();
        finish(&path(name), 0o640, 1_500_000_000);
    }
    symlink("file", path("to")).unwrap();
    files.mkdir("/root/tree").send().unwrap();
    files.mkdir("/root/tree/dir").mode(0o755).send().unwrap();
    files.put("/root/beside", "beside").send().unwrap();
    files.symlink("/root/tree/link", "/root/beside").send().unwrap();
    files.symlink("/root/tree/to", "/elsewhere").send().unwrap();
    files.put("/root/tree/file", "longer than it will be").uid(7).mode(0o777).send().unwrap();
    files.mkdir("/root/tree/extra").send().unwrap();
    files.put("/root/tree/extra/file", "x").send().unwrap();
    let report = push(&container, from.path()).unwrap();
    assert_eq!((report.way, report.files, report.symlinks, report.removed), (Way::Files, 4, 1, 2));
    assert_eq!((report.lost.times, report.lost.modes, report.lost.targets), (5, 0, 0));
    assert_eq!(files.get("/root/beside").bytes().send().unwrap(), "beside");
    for (name, content) in [("file", "file"), ("link", "link"), ("dir/same", "dir/same"), ("empty", "")] {
        let path = format!("/root/tree/{name}");
        assert_eq!(files.get(&path).bytes().send().unwrap(), content);
        let found = files.stat(&path).send().unwrap();
        assert_eq!((found.mode, found.uid), (Some(0o640), Some(0)), "{name}");
    }
    assert_eq!(files.get("/root/tree/to").bytes().send().unwrap(), "/root/tree/file");
    assert!(files.stat("/root/tree/extra").send().unwrap_err().is_not_found());
    // A directory cannot be changed, which is said.
    files.mkdir("/root/tree/other").mode(0o700).send().unwrap();
    fs::create_dir(path("other")).unwrap();
    let error = failed(push(&container, from.path()));
    assert_eq!(error.report.failed.len(), 1);
    assert_eq!(error.report.failed[0].path, "other");
    assert!(error.to_string().contains("another owner or mode"), "{error}");
}

fn in_many_pieces<C: Lab>(server: &Server<C>) {
    let container = server.stopped("by-files-large");
    let (from, to) = (directory(), directory());
    let content: Vec<u8> = (0..3_000_001_usize).map(|at| (at * 7 + at / 65_521) as u8).collect();
    fs::write(from.path().join("large"), &content).unwrap();
    finish(&from.path().join("large"), 0o600, 1_500_000_000);
    assert_eq!(push(&container, from.path()).unwrap().bytes, 3_000_001);
    let pull = || by_files(container.files().pull_tree("/root/tree", Directory::open(to.path()).unwrap()));
    assert_eq!(pull().send().unwrap().bytes, 3_000_001);
    assert!(fs::read(to.path().join("large")).unwrap() == content, "it is another");
    // Only the content says so: the time is another.
    finish(&to.path().join("large"), 0o600, 1);
    assert_eq!(pull().changed_content_only().send().unwrap().unchanged, 1);
    let mut other = content;
    other[2_999_999] ^= 1;
    fs::write(to.path().join("large"), &other).unwrap();
    assert_eq!(pull().changed_content_only().send().unwrap().files, 1);
    assert_eq!(pull().changed_content_only().send().unwrap().unchanged, 1);
}

/// A file is copied by itself, through links, and to where there is none yet.
fn single_files<C: Lab>(server: &Server<C>) {
    let container = server.stopped("by-files-one");
    let files = container.files();
    let local = directory();
    let here = |name: &str| Directory::only(local.path().join(name)).unwrap();
    fs::write(local.path().join("one"), "one").unwrap();
    for again in 0..2 {
        let pushed = files.push_tree(here("one"), "/root/other").send().unwrap();
        assert_eq!((pushed.files, pushed.directories, pushed.bytes), (1, 0, 3), "{again}");
    }
    assert_eq!(files.get("/root/other").bytes().send().unwrap(), "one");
    files.symlink("/root/link", "other").send().unwrap();
    for name in ["/root/other", "/root/link"] {
        assert_eq!(files.pull_tree(name, here("two")).send().unwrap().files, 1, "{name}");
        assert_eq!(fs::read(local.path().join("two")).unwrap(), b"one");
    }
    assert_eq!(look(local.path()).len(), 2);
    let mut listed = files.list("/root").send().unwrap();
    listed.sort();
    assert_eq!(listed, ["link", "other"]);
    // A file is no directory.
    for result in [
        files.pull_tree("/root", here("two")).send(),
        files.push_tree(here("one"), "/root").send(),
        files.push_tree(Directory::open(local.path()).unwrap(), "/root/other").send(),
        files.push_tree(here("none"), "/root/none").send(),
        files.pull_tree("/root/none", here("three")).send(),
    ] {
        assert!(matches!(result, Err(Error::WrongFileType { .. })), "{result:?}");
    }
}

/// 5.0.2 says yes to a small file on a full disk. No half file stays.
fn a_full_disk_leaves_nothing<C: Lab>(server: &Server<C>) {
    let disk = Disk::small();
    let container = disk.container(server);
    let files = container.files();
    let from = directory();
    files.put("/small/most", vec![7; 1_000_000]).send().unwrap();
    fs::write(from.path().join("small"), vec![8; 60_000]).unwrap();
    fs::write(from.path().join("large"), vec![9; 2_000_000]).unwrap();
    let push = files.push_tree(Directory::open(from.path()).unwrap(), "/small");
    let error = failed(by_files(push).send());
    assert!(error.report.failed.iter().any(|failed| failed.path == "large"), "{error}");
    let whole: Vec<_> = ["small", "large"]
        .into_iter()
        .filter(|name| error.report.failed.iter().all(|failed| failed.path != *name))
        .chain(["most"])
        .collect();
    let mut listed = files.list("/small").send().unwrap();
    listed.sort_by(|one, other| other.cmp(one));
    assert_eq!(listed, whole, "{error}");
}
