//! Instances: listing, making, changing, starting and stopping them.

use std::time::Duration;

use lxd_proto::{
    Changed, Lxd,
    error::Outcome,
    resources::{InstancePatch, InstanceType, InstancesPost, ProfilesPost},
};
use lxd_tests::{Lab, Server, Temporary, everywhere, unique};

everywhere!(
    are_listed,
    are_made_in_many_ways,
    the_server_chooses_a_name,
    an_ephemeral_one_goes_when_it_stops,
    are_edited,
    are_patched_and_replaced,
    are_renamed,
    are_started_frozen_and_stopped,
    one_that_ignores_its_shutdown,
    what_cannot_be_made,
);

/// pylxd: P111, P114.
fn are_listed<C: Lab>(server: &Server<C>) {
    let mark = unique("mark");
    let make = |name: &str| {
        let post = InstancesPost::empty(unique(name)).config("user.mark", &mark);
        let made = server.lxd.instances().create(post).wait().send().unwrap();
        Temporary::of(server.lxd.instance(made.name))
    };
    let (a, b) = (make("list-a"), make("list-b"));
    let instances = server.lxd.instances();
    let filter = format!("config.user.mark eq {mark}");

    let names = instances.names().send().unwrap();
    assert!(names.iter().any(|name| name == a.name()) && names.iter().any(|name| name == b.name()), "{names:?}");
    let mut listed = instances.list().filter(&filter).send().unwrap();
    listed.sort_by(|one, other| one.name.cmp(&other.name));
    let listed: Vec<_> = listed.iter().map(|instance| (instance.name.as_str(), instance.status.as_str())).collect();
    assert_eq!(listed, [(a.name(), "Stopped"), (b.name(), "Stopped")]);
    let one = instances.list().filter(format!("{filter} and name eq {}", a.name())).send().unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].kind, InstanceType::Container);
    assert!(instances.list().filter(format!("{filter} and status eq Running")).send().unwrap().is_empty());

    a.snapshots().create(lxd_proto::resources::InstanceSnapshotsPost::new("s")).wait().send().unwrap();
    let mut full = instances.list_full().filter(&filter).send().unwrap();
    full.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(full.len(), 2);
    assert_eq!(full[0].state.as_ref().unwrap().status, "Stopped");
    assert_eq!(full[0].snapshots.iter().map(|snapshot| snapshot.name.as_str()).collect::<Vec<_>>(), ["s"]);
    assert!(full[1].snapshots.is_empty());
    assert!(instances.list().send().unwrap().len() >= 2);
    assert!(instances.list_full().send().unwrap().len() >= 2);
}

/// pylxd: P118, P121, P122.
fn are_made_in_many_ways<C: Lab>(server: &Server<C>) {
    let lxd = &server.lxd;
    let make = |post: InstancesPost| {
        let made = lxd.instances().create(post).wait().send().unwrap();
        Temporary::of(lxd.instance(made.name))
    };
    let fingerprint = lxd.image_alias("busybox").get().send().unwrap().target.clone();

    let by_fingerprint = make(InstancesPost::from_fingerprint(unique("by-fp"), &fingerprint));
    let got = by_fingerprint.get().send().unwrap();
    assert_eq!(got.config["volatile.base_image"], fingerprint);
    assert_eq!(got.profiles, ["default"]);
    assert!(got.expanded_devices.contains_key("root") && !got.devices.contains_key("root"));

    let profile = unique("profile");
    lxd.profiles().create(ProfilesPost::new(&profile)).wait().send().unwrap();
    let mut post = InstancesPost::from_alias(unique("made"), "busybox")
        .config("user.colour", "blue \"ü\"\n")
        .device("none", [("type", "none")])
        .device("root", [("type", "disk"), ("path", "/"), ("pool", "default")])
        .profiles([&profile]);
    post.description = "with everything".into();
    let full = make(post);
    let got = full.get().send().unwrap();
    assert_eq!(got.description, "with everything");
    assert_eq!(got.config["user.colour"], "blue \"ü\"\n");
    assert_eq!(got.devices["none"]["type"], "none");
    assert_eq!(got.profiles, [profile.as_str()]);
    assert!(!got.ephemeral);
    assert!(got.created_at.unix().is_some_and(|(seconds, _)| seconds > 1_600_000_000));

    let none: [&str; 0] = [];
    let bare = InstancesPost::empty(unique("bare")).profiles(none);
    let bare = make(bare.device("root", [("type", "disk"), ("path", "/"), ("pool", "default")]));
    let got = bare.get().send().unwrap();
    assert!(got.profiles.is_empty());
    assert!(!got.config.contains_key("volatile.base_image"));
    drop(full);
    lxd.profile(&profile).delete().wait().send().unwrap();
}

/// pylxd: P120.
fn the_server_chooses_a_name<C: Lab>(server: &Server<C>) {
    let made = server.lxd.instances().create(InstancesPost::empty("")).wait().send().unwrap();
    assert!(!made.name.is_empty());
    let container = Temporary::of(server.lxd.instance(&made.name));
    assert_eq!(container.get().send().unwrap().name, made.name);
}

fn an_ephemeral_one_goes_when_it_stops<C: Lab>(server: &Server<C>) {
    let post = InstancesPost::from_alias(unique("ephemeral"), "busybox").ephemeral();
    let made = server.lxd.instances().create(post).wait().send().unwrap();
    let container = Temporary::of(server.lxd.instance(made.name));
    assert!(container.get().send().unwrap().ephemeral);
    container.start().wait().send().unwrap();
    container.stop().force().wait().send().unwrap();
    assert!(container.get().send().unwrap_err().is_not_found());
}

/// pylxd: P124.
fn are_edited<C: Lab>(server: &Server<C>) {
    let container = server.stopped("edit");
    let before = container.get().send().unwrap();
    container
        .edit(|instance| {
            instance.description = "edited".into();
            instance.config.insert("user.a".into(), "1".into());
            instance.devices.insert("none".into(), [("type".to_owned(), "none".to_owned())].into());
        })
        .send()
        .unwrap();
    let after = container.get().send().unwrap();
    assert_eq!((after.description.as_str(), after.config["user.a"].as_str()), ("edited", "1"));
    assert_eq!(after.devices["none"]["type"], "none");
    assert_eq!(after.config["volatile.uuid"], before.config["volatile.uuid"]);
    assert_ne!(after.etag, before.etag);

    container
        .edit(|instance| {
            instance.config.remove("user.a");
            instance.devices.clear();
            instance.description.clear();
        })
        .send()
        .unwrap();
    let last = container.get().send().unwrap();
    assert!(!last.config.contains_key("user.a") && last.devices.is_empty() && last.description.is_empty());

    // Nothing is written where nothing changes, and what LXD refuses is said.
    container.edit(|_| ()).send().unwrap();
    assert_eq!(container.get().send().unwrap().etag, last.etag);
    let refused = container.edit(|instance| drop(instance.config.insert("no.such.key".into(), "1".into()))).send();
    assert!(refused.unwrap_err().to_string().contains("no.such.key"));
}

fn are_patched_and_replaced<C: Lab>(server: &Server<C>) {
    let container = server.stopped("patch");
    let old = container.get().send().unwrap();
    let patch = |value: &'static str| {
        move |patch: &mut InstancePatch| {
            patch.description = Some("patched".into());
            patch.config = Some([("user.p".into(), value.into())].into());
        }
    };
    container.patch(patch("1")).wait().send().unwrap();
    let new = container.get().send().unwrap();
    assert_eq!((new.description.as_str(), new.config["user.p"].as_str()), ("patched", "1"));
    assert_eq!(new.config["volatile.uuid"], old.config["volatile.uuid"]);
    assert_eq!(new.profiles, ["default"]);

    let late = container.patch(|p| p.description = Some("late".into())).if_match(old.etag.clone()).wait().send();
    assert!(late.unwrap_err().is_precondition_failed());
    // 5.0.2 empties a description that is not given.
    container.patch(patch("2")).if_match(new.etag.clone()).wait().send().unwrap();

    let newest = container.get().send().unwrap();
    assert_eq!((newest.config["user.p"].as_str(), newest.description.as_str()), ("2", "patched"));
    let mut put = newest.writable().unwrap();
    put.description = "replaced".into();
    put.config.remove("user.p");
    let late = container.replace(put.clone()).if_match(new.etag.clone()).wait().send();
    assert!(late.unwrap_err().is_precondition_failed());
    container.replace(put).if_match(newest.etag.clone()).wait().send().unwrap();
    let last = container.get().send().unwrap();
    assert_eq!(last.description, "replaced");
    assert!(!last.config.contains_key("user.p"));
}

/// pylxd: P125, P126.
/// pylxd: W16.
fn are_renamed<C: Lab>(server: &Server<C>) {
    let old = server.stopped("rename");
    let uuid = old.get().send().unwrap().config["volatile.uuid"].clone();
    let new = Temporary::of(server.lxd.instance(unique("renamed")));
    old.rename(new.name()).wait().send().unwrap();
    assert!(old.get().send().unwrap_err().is_not_found());
    assert_eq!(new.get().send().unwrap().config["volatile.uuid"], uuid);
    new.delete().wait().send().unwrap();
    assert!(new.get().send().unwrap_err().is_not_found());
    assert!(new.delete().wait().send().unwrap_err().is_not_found());
}

/// pylxd: P127, P128, P129, P131, P132, P133.
/// pylxd: W02, W15.
fn are_started_frozen_and_stopped<C: Lab>(server: &Server<C>) {
    let container = server.stopped("state");
    let status = || {
        let state = container.state().send().unwrap();
        let instance = container.get().send().unwrap();
        // Word and number are always of one answer.
        let code =
            [("Running", 103), ("Stopped", 102), ("Frozen", 110)].into_iter().find(|(word, _)| *word == state.status);
        assert_eq!(code.map(|(_, code)| code), Some(state.status_code.0));
        assert_eq!((&instance.status, instance.status_code), (&state.status, state.status_code));
        state.status
    };
    assert_eq!(status(), "Stopped");
    let Changed::Running(started) = container.start().send().unwrap() else { panic!("not in the background") };
    server.lxd.operation(started.id).wait().send().unwrap();
    container.start().wait().send().expect_err("it runs already");
    container.settle();
    let running = container.state().send().unwrap();
    assert_eq!((running.status.as_str(), running.status_code.0), ("Running", 103));
    // Not its memory: the kernel counts that in steps, and a container that just began may have none yet.
    assert!(running.pid > 0 && running.processes > 0);
    assert!(running.network["lo"].addresses.iter().any(|address| address.address == "127.0.0.1"));

    container.freeze().wait().send().unwrap();
    assert_eq!(status(), "Frozen");
    container.unfreeze().wait().send().unwrap();
    assert_eq!(status(), "Running");
    container.restart().force().wait().send().unwrap();
    let restarted = container.state().send().unwrap();
    assert_eq!(restarted.status, "Running");
    assert_ne!(restarted.pid, running.pid);
    container.delete().wait().send().expect_err("it runs");
    container.stop().force().wait().send().unwrap();
    assert_eq!(status(), "Stopped");
    let refused = container.stop().force().wait().send().unwrap_err();
    assert!(refused.to_string().contains("already stopped"), "{refused}");
}

/// pylxd: P130.
/// pylxd: W30.
fn one_that_ignores_its_shutdown<C: Lab>(server: &Server<C>) {
    let container = server.stubborn("stubborn");
    let failed = container.stop().within(Duration::from_secs(1)).wait().send().unwrap_err();
    let outcome = &failed.operation().expect("the operation's failure").outcome;
    assert!(matches!(outcome, Outcome::Failed(why) if !why.is_empty()), "{outcome:?}");
    assert_eq!(container.state().send().unwrap().status, "Running");
    container.stop().force().wait().send().unwrap();
    assert_eq!(container.state().send().unwrap().status, "Stopped");
}

fn what_cannot_be_made<C: Lab>(server: &Server<C>) {
    let create = |post| server.lxd.instances().create(post).wait().send().unwrap_err();
    assert!(create(InstancesPost::from_alias(unique("no"), "no-such-image")).is_not_found());
    let wrong = create(InstancesPost::empty("no/name"));
    assert_eq!(wrong.api(), Some(lxd_proto::error::ApiErrorKind::BadRequest), "{wrong}");

    let there = server.stopped("twice");
    let twice = create(InstancesPost::from_alias(there.name(), "busybox"));
    let outcome = twice.operation().map(|error| error.outcome.clone());
    assert!(matches!(outcome, Some(Outcome::Failed(_))), "{twice}");
    assert!(there.get().send().is_ok());
}
