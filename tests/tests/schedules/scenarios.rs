//! What is done, and what must be true of it afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use lxd_proto::{
    Blocking, Error, Lxd,
    resources::{EventType, ImagesPost, InstanceSnapshotsPost, InstancesPost, Lifecycle, Notice, ProfilesPost},
    sftp::BytePath,
};
use lxd_sim::Fault;

use crate::{
    Run, World,
    memory::{Memory, Node, Tree},
};

/// Says whether what was asked for came to a good end.
pub(crate) type Scenario<W> = fn(&Run<W>) -> bool;

/// All of them.
pub(crate) fn scenarios<W: World>() -> [(&'static str, Scenario<W>); 11] {
    [
        ("life", life),
        ("nameless", nameless),
        ("command", command),
        ("two_writers", two_writers),
        ("file", file),
        ("tree", tree),
        ("image", image),
        ("events", events),
        ("cache", cache),
        ("image_copy", image_copy),
        ("migration", migration),
    ]
}

/// What came of it. No error shows a secret: the simulation's have 64 hexadecimal digits, as its versions and fingerprints
/// have.
#[track_caller]
fn done<T>(result: Result<T, Error>) -> Option<T> {
    result
        .inspect_err(|error| {
            let shown = format!("{error} {error:?}");
            let word = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let known = ["ETag", "fingerprint", "images"].iter().any(|word| shown.contains(word));
            assert!(
                known || !shown.split(|c: char| !c.is_ascii_alphanumeric()).any(word),
                "a secret is shown: {shown}"
            );
        })
        .ok()
}

fn running(lxd: &impl Blocking, name: &str) {
    lxd.instances().create(InstancesPost::empty(name)).wait().send().unwrap();
    lxd.instance(name).start().wait().send().unwrap();
}

/// What a call says has happened, has.
fn life<W: World>(run: &Run<W>) -> bool {
    let lxd = run.disturb();
    let c1 = lxd.instance("c1");
    let created = done(lxd.instances().create(InstancesPost::empty("c1")).wait().send()).is_some();
    let started = done(c1.start().wait().send()).is_some();
    let described = done(c1.edit(|instance| instance.description = "x".into()).send()).is_some();
    let snapshot = done(c1.snapshots().create(InstanceSnapshotsPost::new("s1")).wait().send()).is_some();
    let lxd = run.calm();
    settle(&lxd);
    let there = lxd.instance("c1").get_full().send();
    if created {
        let there = there.as_ref().expect("what was created is there");
        assert!(!started || there.status == "Running", "what was started runs: {}", there.status);
        assert!(!described || there.description == "x", "what was written is lost");
        assert!(!snapshot || there.snapshots.len() == 1, "the snapshot is not there");
    }
    assert!(there.is_ok() || !(started || described || snapshot), "something was done to nothing");

    if there.is_err() {
        return false;
    }
    let c1 = run.disturb().instance("c1");
    let stopped = done(c1.stop().force().wait().send()).is_some();
    let deleted = done(c1.delete().wait().send()).is_some();
    let lxd = run.calm();
    settle(&lxd);
    let there = lxd.instance("c1").get().send();
    assert!(!deleted || there.is_err(), "what was deleted is there");
    assert!(!stopped || there.is_err() || there.unwrap().status == "Stopped", "what was stopped runs");
    created && started && deleted
}

/// Lets all that still goes on come to its end. What waits for somebody who is gone would do so for long.
fn settle(lxd: &impl Blocking) {
    for operation in lxd.operations().list().send().unwrap() {
        if !operation.status_code.is_final() {
            let operation = lxd.operation(operation.id);
            let _ = operation.cancel().send();
            let _ = operation.wait().timeout(Duration::from_secs(60)).send();
        }
    }
}

/// Nothing is sent a second time that would make a second one.
fn nameless<W: World>(run: &Run<W>) -> bool {
    let lxd = run.disturb();
    let created = done(lxd.instances().create(InstancesPost::empty("")).wait().send());
    let lxd = run.calm();
    settle(&lxd);
    let there = lxd.instances().names().send().unwrap();
    assert!(there.len() <= 1 || run.faults.can(Fault::Duplicate), "it was made twice: {there:?}");
    if let Some(created) = &created {
        assert!(there.contains(&created.name), "{created:?} is not in {there:?}");
    }
    created.is_some()
}

/// A command that succeeded has all of its output and its own exit code.
fn command<W: World>(run: &Run<W>) -> bool {
    running(&run.client(0), "c1");
    let input: Vec<u8> = (0..run.seed % 3 * 30_000 + 10).map(|index| (index * 7 % 251) as u8).collect();
    let lxd = run.disturb();
    // What still writes to a connection that broke waits for ever in LXD, so there has to be an end.
    let exec = |command: &[&str]| lxd.instance("c1").exec(command.iter().copied()).timeout(Duration::from_secs(120));
    let echoed = done(exec(&["cat"]).stdin(input.clone()).output().send());
    let exited = done(exec(&["sh", "-c", "exit 7"]).status().send());
    let printed = done(exec(&["echo", "hello"]).output().send());
    if let Some(output) = echoed.as_ref().filter(|output| !output.timed_out) {
        assert_eq!(output.code, 0);
        assert!(output.stdout == input, "{} of {} bytes are taken for all", output.stdout.len(), input.len());
    }
    assert!(exited.as_ref().is_none_or(|output| output.timed_out || output.code == 7), "{exited:?}");
    assert!(printed.as_ref().is_none_or(|output| output.timed_out || &output.stdout[..] == b"hello\n"), "{printed:?}");
    echoed.is_some() && exited.is_some() && printed.is_some()
}

/// Two change the same object, one in the middle of the other's change: what was said to be written is.
fn two_writers<W: World>(run: &Run<W>) -> bool {
    run.client(0).profiles().create(ProfilesPost::new("p")).wait().send().unwrap();
    let (lxd, other) = (run.disturb(), run.hurried(0));
    let count = |config: &BTreeMap<String, String>, key: &str| -> u64 {
        config.get(key).map_or(0, |text| text.parse().unwrap())
    };
    let theirs = Arc::new(Mutex::new(0_u64));
    let mut mine = 0;
    for _ in 0..3 {
        let (other, theirs) = (other.clone(), theirs.clone());
        let mut turns = 2;
        let written = lxd.profile("p").edit(move |profile| {
            let next = count(&profile.config, "user.mine") + 1;
            profile.config.insert("user.mine".into(), next.to_string());
            if turns > 0 {
                turns -= 1;
                let written = other.profile("p").edit(move |profile| {
                    let next = count(&profile.config, "user.theirs") + 1;
                    profile.config.insert("user.theirs".into(), next.to_string());
                });
                *theirs.lock().unwrap() += u64::from(done(written.send()).is_some());
            }
        });
        mine += u64::from(done(written.send()).is_some());
    }
    let lxd = run.calm();
    settle(&lxd);
    let config = lxd.profile("p").get().send().unwrap().value.config;
    let (theirs, written) = (*theirs.lock().unwrap(), (count(&config, "user.mine"), count(&config, "user.theirs")));
    assert!(written.0 >= mine && written.1 >= theirs, "{written:?} is less than {mine} and {theirs}");
    mine == 3
}

/// A file that was pushed is whole, also where a full disk is a success of LXD's.
fn file<W: World>(run: &Run<W>) -> bool {
    running(&run.client(0), "c1");
    let content: Vec<u8> = (0..run.seed % 5 * 1000 + 1).map(|index| index as u8).collect();
    let files = run.disturb().instance("c1").files();
    let pushed = done(files.put("/x", content.clone()).send()).is_some();
    let pulled = done(files.get("/x").bytes().send());
    let lxd = run.calm();
    if pushed {
        let there = lxd.instance("c1").files().get("/x").bytes().send().unwrap();
        assert!(there == content, "{} of {} bytes are there", there.len(), content.len());
    }
    pushed && pulled.is_some()
}

/// What a push that broke has left behind.
fn is_left(path: &BytePath) -> bool {
    path.as_bytes().rsplit(|byte| *byte == b'/').next().is_some_and(|name| name.starts_with(b".lxd-"))
}

/// A tree: after a success all of it is there, and after a failure no file is half there.
fn tree<W: World>(run: &Run<W>) -> bool {
    let lxd = run.client(0);
    running(&lxd, "c1");
    lxd.instance("c1").files().put("/before", "x").send().unwrap();
    let content =
        |index: u64| Node::File(0o644, Bytes::from(vec![b'a' + index as u8; (run.seed % 7 * 9_000 + index) as usize]));
    let tree = Tree::from([
        (b"".to_vec(), Node::Directory(0o755)),
        (b"a".to_vec(), content(1)),
        (b"b".to_vec(), content(2)),
        (b"d".to_vec(), Node::Directory(0o755)),
        (b"d/c".to_vec(), content(3)),
        (b"d/empty".to_vec(), Node::File(0o644, Bytes::new())),
    ]);
    let files = run.disturb().instance("c1").files();
    let push = |nonce| Memory::new(tree.clone(), nonce);
    let pushed = done(files.push_tree(push(1), "/t").send()).is_some();
    let lxd = run.calm();
    let mut sftp = lxd.instance("c1").sftp().send().unwrap();
    let contents = tree.iter().filter_map(|(path, node)| match node {
        Node::File(_, content) => Some((String::from_utf8_lossy(path), content)),
        _ => None,
    });
    for (path, content) in contents {
        match sftp.read(format!("/t/{path}").as_str()).send() {
            Ok(there) => assert!(there == content, "{path} is half there: {} of {}", there.len(), content.len()),
            Err(error) => assert!(!pushed && error.is_not_found(), "{path}: {error}"),
        }
    }
    // Once more completes it, and it comes back the same.
    lxd.instance("c1").files().push_tree(push(2), "/t").changed_only().send().unwrap();
    let files = run.disturb().instance("c1").files();
    let pulled = Memory::new(Tree::from([(b"".to_vec(), Node::Directory(0o755))]), 3);
    let whole = done(files.pull_tree("/t", pulled.clone()).filter(|path, _| !is_left(path)).send());
    assert!(whole.is_none() || pulled.tree() == tree, "what was pulled is another tree");
    assert!(
        pulled.tree().iter().all(|(path, node)| matches!(node, Node::Directory(_)) || tree.get(path) == Some(node))
    );
    pushed
}

/// An image that is made of an instance and downloaded is the one that it says it is.
fn image<W: World>(run: &Run<W>) -> bool {
    run.client(0).instances().create(InstancesPost::empty("c1")).wait().send().unwrap();
    let lxd = run.disturb();
    let made = done(lxd.images().create(ImagesPost::from_instance("c1")).wait().send());
    let Some(made) = made else { return false };
    let fingerprint = made.fingerprint.to_string();
    let exported = lxd.image(&fingerprint).export().bytes().send().ok();
    let lxd = run.calm();
    assert!(lxd.image(&fingerprint).get().send().is_ok(), "the image is not there");
    let Some(exported) = exported else { return false };
    // What was downloaded can be taken away and brought back.
    lxd.image(&fingerprint).delete().wait().send().unwrap();
    let images = run.disturb().images();
    let uploaded = images.upload(exported.clone()).fingerprint(fingerprint.parse().unwrap()).wait().send();
    let lxd = run.calm();
    settle(&lxd);
    let there = lxd.image(&fingerprint).get().send();
    assert!(uploaded.is_err() || there.is_ok(), "the image was not kept");
    if there.is_ok() {
        assert_eq!(lxd.image(&fingerprint).export().bytes().send().unwrap(), exported);
    }
    uploaded.is_ok()
}

/// What happens is heard in order and once; what may be missing is said to be.
fn events<W: World>(run: &Run<W>) -> bool {
    let (lxd, other) = (run.disturb(), run.hurried(0));
    let Some(mut heard) = done(lxd.events().subscribe().send()) else { return false };
    let mut made = Vec::new();
    for index in 0..6 {
        let name = format!("p{index}");
        if done(other.profiles().create(ProfilesPost::new(&name)).wait().send()).is_some() {
            made.push(name);
        }
    }
    let other = run.calm();
    // The last one is heard, whatever was lost before.
    loop {
        let name = format!("last{}", made.len());
        other.profiles().create(ProfilesPost::new(&name)).wait().send().unwrap();
        made.push(name);
        let (mut gap, mut seen) = (false, Vec::new());
        for notice in heard.by_ref() {
            match done(notice) {
                Some(Notice::Gap(_)) => {
                    gap = true;
                    break;
                }
                Some(Notice::Event(event)) => {
                    let Some(change) = event.lifecycle().filter(|change| change.action.as_str() == "profile-created")
                    else {
                        continue;
                    };
                    seen.push(change.source.rsplit('/').next().unwrap().to_owned());
                    if seen.last() == made.last() {
                        break;
                    }
                }
                None => return false,
            }
        }
        if !gap {
            let mut rest = seen.iter();
            assert!(made.iter().rev().take(1).all(|name| rest.any(|there| there == name)), "{seen:?} of {made:?}");
            let twice = seen.iter().enumerate().any(|(index, name)| seen[..index].contains(name));
            assert!(!twice, "heard twice: {seen:?}");
            return seen.len() >= made.len();
        }
    }
}

/// What is known of instances, kept up to date by events: lost ones are made up for by a look.
fn cache<W: World>(run: &Run<W>) -> bool {
    let (lxd, other) = (run.disturb(), run.hurried(0));
    let Some(mut heard) = done(lxd.events().types([EventType::Lifecycle]).subscribe().send()) else { return false };
    let listed = done(lxd.instances().names().send());
    let mut whole = listed.is_some();
    let mut known: BTreeSet<String> = listed.into_iter().flatten().collect();
    for index in 0..4 {
        let name = format!("c{}", index % 3);
        let created = done(other.instances().create(InstancesPost::empty(&name)).wait().send()).is_some();
        if created && index % 2 == 0 {
            done(other.instance(&name).rename(format!("{name}-renamed")).wait().send());
        } else {
            done(other.instance(&name).delete().wait().send());
        }
    }
    let lxd = run.calm();
    settle(&lxd);
    let mut last = 0;
    loop {
        if !whole {
            // Whatever happens from here on is heard, or said to be missing.
            known = lxd.instances().names().send().unwrap().into_iter().collect();
            whole = true;
        }
        last += 1;
        lxd.instances().create(InstancesPost::empty(format!("last{last}"))).wait().send().unwrap();
        while whole && !known.contains(&format!("last{last}")) {
            match heard.next().map(done) {
                Some(Some(Notice::Event(event))) => {
                    event.lifecycle().into_iter().for_each(|change| learn(&mut known, change));
                }
                Some(Some(Notice::Gap(_))) => whole = false,
                _ => return false,
            }
        }
        if whole {
            assert_eq!(known, lxd.instances().names().send().unwrap().into_iter().collect());
            return last == 1;
        }
    }
}

/// An event is put down.
fn learn(known: &mut BTreeSet<String>, change: &Lifecycle) {
    let name = change.source.rsplit('/').next().unwrap_or_default().to_owned();
    match change.action.as_str() {
        "instance-created" => drop(known.insert(name)),
        "instance-deleted" => drop(known.remove(&name)),
        "instance-renamed" => {
            known.remove(change.context["old_name"].as_str().unwrap());
            known.insert(name);
        }
        _ => {}
    }
}

/// A copy on another server is whole, or there is an error.
fn image_copy<W: World>(run: &Run<W>) -> bool {
    let (lxd, _other) = (run.client(0), run.client(1));
    lxd.instances().create(InstancesPost::empty("c1")).wait().send().unwrap();
    lxd.instance("c1").files().put("/x", "content").send().unwrap();
    lxd.images().create(ImagesPost::from_instance("c1")).wait().send().unwrap();
    let fingerprint = lxd.images().names().send().unwrap().remove(0);
    let copied = run.disturb().image(&fingerprint).copy_to(&run.hurried(1)).relay().send();
    let (lxd, other) = (run.calm(), run.client(1));
    settle(&other);
    let there = other.image(&fingerprint).get().send();
    assert!(copied.is_err() || there.is_ok(), "the copy is not there");
    if there.is_ok() {
        let bytes = |lxd: &W::Client| lxd.image(&fingerprint).export().bytes().send().unwrap();
        assert!(bytes(&lxd) == bytes(&other), "the copy is another one");
    }
    assert!(lxd.image(&fingerprint).get().send().is_ok(), "the original is gone");
    copied.is_ok()
}

/// An instance that goes to another server, with a snapshot: what is there is whole, and it is lost nowhere.
fn migration<W: World>(run: &Run<W>) -> bool {
    let (lxd, _other) = (run.client(0), run.client(1));
    let content: Vec<u8> = (0..run.seed % 4 * 40_000 + 1).map(|index| (index * 7 % 251) as u8).collect();
    lxd.instances().create(InstancesPost::empty("c1")).wait().send().unwrap();
    lxd.instance("c1").snapshots().create(InstanceSnapshotsPost::new("s1")).wait().send().unwrap();
    lxd.instance("c1").files().put("/x", content.clone()).send().unwrap();
    let moves = run.seed / 2 % 2 == 0;
    let (c1, other) = (run.disturb().instance("c1"), run.hurried(1));
    let moved = done(if moves { c1.move_to_server(&other) } else { c1.copy_to_server(&other) }.relay().send());
    let (lxd, other) = (run.calm(), run.client(1));
    settle(&lxd);
    settle(&other);
    let (here, there) = (lxd.instance("c1").exists().send().unwrap(), other.instance("c1").exists().send().unwrap());
    assert!(there || moved.is_none(), "the copy is not there");
    assert!(here || (moves && there), "it is nowhere");
    assert!(moved.is_none() || here != moves, "it was not moved");
    for (_, lxd) in [(here, &lxd), (there, &other)].into_iter().filter(|(is_there, _)| *is_there) {
        let found = lxd.instance("c1").files().get("/x").bytes().send().unwrap();
        assert!(found == content, "{} of {} bytes are there", found.len(), content.len());
        assert_eq!(lxd.instance("c1").snapshots().names().send().unwrap(), ["s1"]);
    }
    moved.is_some()
}
