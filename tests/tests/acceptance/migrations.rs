//! Instances that go from one server to another.

use lxd_proto::{
    Blocking, Error, Lxd, Object, Run,
    error::Outcome,
    flow::migration::{Migrated, Migration},
    resources::{Instance, InstanceSnapshotsPost, StorageVolumeSnapshotsPost, StorageVolumesPost},
};
use lxd_tests::{Lab, Server, Temporary, env, unique, with_websockets};

with_websockets!(
    copied_whole,
    moved,
    refused,
    every_address_is_tried,
    live_is_refused,
    a_running_one_is_not_moved,
    brought_up_to_date,
    into_a_project_and_to_a_member,
    volumes,
);

/// Who connects to whom.
pub(crate) const MODES: [&str; 3] = ["pull", "push", "relay"];

pub(crate) fn by<C: Lab, M: Migrated>(mode: &str, copying: Run<C, Migration<M>>) -> Run<C, Migration<M>> {
    match mode {
        "push" => copying.push(),
        "relay" => copying.relay(),
        _ => copying,
    }
}

/// What a command in a running container says.
fn said<C: Blocking>(container: &Object<C, Instance>, script: &str) -> String {
    let output = container.exec(["sh", "-c", script]).output().send().unwrap();
    assert!(output.success(), "{output:?}");
    String::from_utf8(output.stdout.to_vec()).unwrap()
}

/// Every file with its kind, mode, owner, time and content, of a container that is started for that.
pub(crate) fn files<C: Blocking>(container: &Object<C, Instance>) -> String {
    container.start().wait().send().unwrap();
    let list =
        "cd /root && find . | sort | xargs stat -c '%n %F %a %u %g %s %Y' && find . -type f | sort | xargs sha256sum";
    let files = said(container, list);
    container.stop().force().wait().send().unwrap();
    files
}

/// A stopped container with three snapshots, each with so many MiB more than the one before, and what is in each of
/// them and at last in itself.
fn with_snapshots<C: Lab>(server: &Server<C>, mebibytes: u32) -> (Temporary<C>, Vec<String>) {
    let container = server.stopped("migrated");
    let mut contents = Vec::new();
    for step in 0..4 {
        container.start().wait().send().unwrap();
        let script = format!(
            "mkdir -p /root/d{step} && cd /root/d{step} && dd if=/dev/urandom of=large bs=1M count={mebibytes} 2>/dev/null \
            && for n in 1 2 3 4 5 6 7 8; do head -c $((n * 1000)) /dev/urandom > $n; done && ln -s ../d0/1 link && : > empty \
            && chmod 4750 1 && chown 12:34 2 && touch -d 2001-02-03 3 && rm -f ../d1/8 && sync"
        );
        said(&container, &script);
        container.stop().force().wait().send().unwrap();
        contents.push(files(&container));
        if step < 3 {
            container.snapshots().create(InstanceSnapshotsPost::new(format!("s{step}"))).wait().send().unwrap();
        }
    }
    (container, contents)
}

/// A stopped container with a file of so many MiB, and what is in it.
pub(crate) fn large<C: Lab>(server: &Server<C>, mebibytes: u32) -> (Temporary<C>, String) {
    let container = server.running("large");
    said(&container, &format!("dd if=/dev/urandom of=/root/large bs=1M count={mebibytes} 2>/dev/null && sync"));
    container.stop().force().wait().send().unwrap();
    let content = files(&container);
    (container, content)
}

/// Nothing goes on with it on its server.
fn assert_nothing_runs<C: Lab>(server: &Server<C>, container: &Object<C, Instance>) {
    let url = format!("/1.0/instances/{}", container.at());
    let mut left = server.lxd.operations().list().send().unwrap();
    left.retain(|operation| operation.resources.values().flatten().any(|of| *of == url));
    assert!(left.iter().all(|operation| operation.status_code.is_final()), "{left:?}");
}

/// The one that is connected to is found by the addresses that it says it has, also when both are reached by Unix
/// sockets. By relay neither connects to the other.
///
/// pylxd: P137, P138, P140.
/// pylxd: W37.
fn copied_whole<C: Lab>(server: &Server<C>) {
    let (container, contents) = with_snapshots(server, 16);
    let two = Server::<C>::two();
    for mode in MODES {
        let name = unique(mode);
        let made = by(mode, container.copy_to_server(&two.lxd).name(&name)).send().unwrap();
        let copy = Temporary::of(two.lxd.instance(made.name));
        assert_eq!(copy.name(), name);
        assert_eq!(files(&copy), contents[3], "{mode}");
        assert_eq!(copy.snapshots().names().send().unwrap(), ["s0", "s1", "s2"]);
        for (step, content) in contents.iter().take(3).enumerate().filter(|(step, _)| mode == "pull" || *step == 1) {
            copy.restore(format!("s{step}")).wait().send().unwrap();
            assert_eq!(&files(&copy), content, "{mode}: s{step}");
        }
        assert_eq!(container.snapshots().names().send().unwrap(), ["s0", "s1", "s2"]);
        assert_nothing_runs(server, &container);

        // A snapshot becomes an instance.
        let name = unique(mode);
        let made = by(mode, container.snapshot("s1").copy_to_server(&two.lxd).name(&name)).send().unwrap();
        let copy = Temporary::of(two.lxd.instance(made.name));
        assert_eq!(files(&copy), contents[1], "{mode}: of s1");
        assert!(copy.snapshots().names().send().unwrap().is_empty());
        assert_nothing_runs(server, &container);
    }
    let missing = container.snapshot("s9").copy_to_server(&two.lxd).send().unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
}

/// It is in one place afterwards, with all that it was.
///
/// pylxd: P138.
/// pylxd: W06, W11, W12.
fn moved<C: Lab>(server: &Server<C>) {
    let two = Server::<C>::two();
    for mode in MODES {
        let container = server.stopped("moved");
        container.files().put("/root/text", "taken along").send().unwrap();
        let change = |container: &mut lxd_proto::resources::InstancePut| {
            container.description = "the one".into();
            container.ephemeral = true;
            container.config.insert("user.taken".into(), "along".into());
            container.devices.insert("none".into(), [("type".to_owned(), "none".to_owned())].into());
        };
        container.edit(change).send().unwrap();
        let before = container.get().send().unwrap().value;
        let made = by(mode, container.move_to_server(&two.lxd)).send().unwrap();
        let there = Temporary::of(two.lxd.instance(made.name));
        assert_eq!(there.name(), container.name());
        assert!(!container.exists().send().unwrap());
        let after = there.get().send().unwrap().value;
        assert_eq!(after.description, "the one");
        assert!(after.ephemeral && after.config["user.taken"] == "along");
        assert_eq!((&after.devices, &after.profiles), (&before.devices, &before.profiles));
        assert_eq!((&after.kind, &after.architecture), (&before.kind, &before.architecture));
        assert_eq!(there.files().get("/root/text").bytes().send().unwrap(), "taken along");
    }
}

/// The other server does not want it: then it is as it was, and nothing goes on with it.
///
/// pylxd: W06, W12.
fn refused<C: Lab>(server: &Server<C>) {
    let two = Server::<C>::two();
    let (container, taken) = (server.stopped("refused"), two.stopped("taken"));
    let before = container.get().send().unwrap().value;
    for mode in MODES {
        let moving = by(mode, container.move_to_server(&two.lxd).name(taken.name()));
        let error = moving.send().unwrap_err();
        assert!(error.to_string().contains(taken.name()) || error.to_string().contains("exists"), "{mode}: {error}");
        assert_eq!(container.get().send().unwrap().value, before);
        assert_nothing_runs(server, &container);

        let name = unique("refused");
        let moving = container.move_to_server(&two.lxd).name(&name);
        let moving = moving.adjust(|copy| copy.profiles = Some(vec!["no-such".into()]));
        let error = by(mode, moving).send().unwrap_err();
        assert!(error.to_string().contains("no-such"), "{mode}: {error}");
        assert_eq!(container.get().send().unwrap().value, before);
        assert_nothing_runs(server, &container);
        assert!(!two.lxd.instance(name).exists().send().unwrap());
    }
    assert!(taken.exists().send().unwrap());
    assert!(server.lxd.instance("no-such").copy_to_server(&two.lxd).send().unwrap_err().is_not_found());
}

fn every_address_is_tried<C: Lab>(server: &Server<C>) {
    let (container, two) = (server.stopped("address"), Server::<C>::two());
    let dead = ["https://127.0.0.1:1", "https://127.0.0.1:2"];
    for (mode, address) in [("pull", env("LXD_TEST_HTTPS")), ("push", env("LXD_TEST_HTTPS2"))] {
        let name = unique("address");
        let copying = by(mode, container.copy_to_server(&two.lxd).name(&name));
        let failed = copying.address(dead[0]).address(dead[1]).send().unwrap_err();
        let Error::Migration(attempts) = &failed else { panic!("{mode}: {failed}") };
        let tried: Vec<_> = attempts.iter().map(|attempt| attempt.address.as_str()).collect();
        assert_eq!(tried, dead, "{mode}: {failed}");
        assert!(!two.lxd.instance(name).exists().send().unwrap());
        assert!(dead.iter().all(|address| failed.to_string().contains(address)), "{failed}");
        assert_nothing_runs(server, &container);

        let name = unique("address");
        let copying = by(mode, container.copy_to_server(&two.lxd).name(&name));
        let made = copying.address(dead[0]).address(address).send().unwrap();
        let copy = Temporary::of(two.lxd.instance(made.name));
        assert!(copy.exists().send().unwrap());
        assert_nothing_runs(server, &container);
    }
}

/// There is no CRIU here. It goes on as it was.
///
/// pylxd: P139, P141.
fn live_is_refused<C: Lab>(server: &Server<C>) {
    let (container, two) = (server.running("live"), Server::<C>::two());
    let began = said(&container, "stat -c %y /proc/1");
    for mode in MODES {
        let name = unique("live");
        let error = by(mode, container.move_to_server(&two.lxd).name(&name).live()).send().unwrap_err();
        assert!(error.to_string().contains("CRIU"), "{mode}: {error}");
        assert!(!matches!(error.operation(), Some(error) if error.outcome == Outcome::Unknown));
        assert!(!two.lxd.instance(name).exists().send().unwrap());
        assert_nothing_runs(server, &container);
    }
    assert_eq!(said(&container, "stat -c %y /proc/1"), began);
}

/// What runs would be lost by a move that leaves it behind. A copy is made of its files.
///
/// pylxd: P139.
fn a_running_one_is_not_moved<C: Lab>(server: &Server<C>) {
    let (container, two) = (server.running("running"), Server::<C>::two());
    let error = container.move_to_server(&two.lxd).send().unwrap_err();
    assert!(matches!(&error, Error::InvalidInput(text) if text.contains("runs")), "{error}");
    assert!(!two.lxd.instance(container.name()).exists().send().unwrap());
    said(&container, "echo kept > /root/text");
    let made = container.copy_to_server(&two.lxd).allow_inconsistent().send().unwrap();
    let copy = Temporary::of(two.lxd.instance(made.name));
    copy.start().wait().send().unwrap();
    assert_eq!(said(&copy, "cat /root/text"), "kept\n");
    said(&container, "true");
}

fn brought_up_to_date<C: Lab>(server: &Server<C>) {
    let (container, two) = (server.stopped("refreshed"), Server::<C>::two());
    container.files().put("/root/text", "first").send().unwrap();
    container.snapshots().create(InstanceSnapshotsPost::new("left")).wait().send().unwrap();
    let made = container.copy_to_server(&two.lxd).instance_only().pool("default").send().unwrap();
    let copy = Temporary::of(two.lxd.instance(made.name));
    assert!(copy.snapshots().names().send().unwrap().is_empty());
    let devices = copy.get().send().unwrap().value.devices;
    assert!(devices.values().any(|device| device["pool"] == "default" && device["path"] == "/"), "{devices:?}");
    // A file of the same size and time is taken to be the same.
    for (mode, text) in MODES.into_iter().zip(["1", "22", "333"]) {
        container.files().put("/root/text", text).send().unwrap();
        container.snapshots().create(InstanceSnapshotsPost::new(mode)).wait().send().unwrap();
        by(mode, container.copy_to_server(&two.lxd).refresh()).send().unwrap();
        assert_eq!(copy.files().get("/root/text").bytes().send().unwrap(), text);
        assert!(copy.snapshots().names().send().unwrap().iter().any(|name| name == mode));
    }
}

/// Where the other client is: in a project, or with a member of a cluster as its target.
fn into_a_project_and_to_a_member<C: Lab>(server: &Server<C>) {
    let ((container, content), project) = (large(server, 1), Server::<C>::two().project("elsewhere"));
    let member = server.cluster().lxd.target("m2");
    for mode in MODES {
        let made = by(mode, container.copy_to_server(&project.lxd).name(mode).pool("default")).send().unwrap();
        let copy = Temporary::of(project.lxd.instance(made.name));
        assert_eq!(files(&copy), content, "{mode}");
        assert!(!Server::<C>::two().lxd.instance(mode).exists().send().unwrap());

        let name = unique(mode);
        let made = by(mode, container.copy_to_server(&member).name(&name)).send().unwrap();
        let copy = Temporary::of(server.cluster().lxd.instance(made.name));
        assert_eq!(copy.get().send().unwrap().location, "m2", "{mode}");
        assert_eq!(files(&copy), content, "{mode}");
    }
}

/// A volume with a snapshot, and what is in it, there too.
///
/// pylxd: P295.
fn volumes<C: Lab>(server: &Server<C>) {
    let two = Server::<C>::two();
    let (pool, far) = (server.pool("near"), two.pool("far"));
    for mode in MODES {
        let mut post = StorageVolumesPost::new(mode);
        post.description = "for data".into();
        post.config.insert("user.a".into(), "1".into());
        pool.volumes().create(post).wait().send().unwrap();
        let container = with_volume(server, pool.name(), mode);
        said(&container, "head -c 3000000 /dev/urandom > /mnt/large && echo first > /mnt/text");
        let volume = pool.custom_volume(mode);
        volume.snapshots().create(StorageVolumeSnapshotsPost::new("before")).wait().send().unwrap();
        said(&container, "echo second > /mnt/text && ln -s text /mnt/link");
        let (sum, name) = (said(&container, "sha256sum /mnt/large"), unique("copied"));
        drop(container);

        by(mode, volume.copy_to_server(&two.lxd).pool(far.name()).name(&name)).send().unwrap();
        let copy = far.custom_volume(&name);
        let is = copy.get().send().unwrap();
        assert_eq!((is.description.as_str(), is.config["user.a"].as_str()), ("for data", "1"));
        assert_eq!(copy.snapshots().names().send().unwrap(), ["before"]);
        let reader = with_volume(&two, far.name(), &name);
        assert_eq!(said(&reader, "sha256sum /mnt/large"), sum);
        assert_eq!(said(&reader, "cat /mnt/link"), "second\n");
        drop(reader);
        copy.restore("before").wait().send().unwrap();
        let reader = with_volume(&two, far.name(), &name);
        assert_eq!(said(&reader, "cat /mnt/text; ls /mnt | grep -c link || true"), "first\n0\n");
        drop(reader);
        let again = by(mode, volume.copy_to_server(&two.lxd).pool(far.name()).name(&name).refresh());
        again.send().unwrap();
        let reader = with_volume(&two, far.name(), &name);
        assert_eq!(said(&reader, "cat /mnt/link"), "second\n");
        drop(reader);

        // There is one of this name: then it stays where it is.
        let error = by(mode, volume.move_to_server(&two.lxd).pool(far.name()).name(&name)).send().unwrap_err();
        assert!(error.to_string().contains(&name) || error.to_string().contains("exists"), "{mode}: {error}");
        assert!(volume.exists().send().unwrap());
        let moving = volume.move_to_server(&two.lxd).pool(far.name()).volume_only();
        by(mode, moving).send().unwrap();
        assert!(!volume.exists().send().unwrap());
        assert!(far.custom_volume(mode).snapshots().names().send().unwrap().is_empty());
    }
}

/// A running container that has a volume at `/mnt`.
fn with_volume<C: Lab>(server: &Server<C>, pool: &str, volume: &str) -> Temporary<C> {
    let container = server.stopped("volume");
    let keys = [("type", "disk"), ("pool", pool), ("source", volume), ("path", "/mnt")];
    let device = keys.map(|(key, value)| (key.to_owned(), value.to_owned()));
    container
        .edit(move |container| drop(container.devices.insert("data".into(), device.clone().into())))
        .send()
        .unwrap();
    container.start().wait().send().unwrap();
    container
}
