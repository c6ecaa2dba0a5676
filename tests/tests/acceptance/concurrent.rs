//! Two writers of one object.

use lxd_proto::{
    Lxd,
    resources::{InstancePatch, ProfilePatch, ProfilesPost},
};
use lxd_tests::{Lab, Server, everywhere, unique};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

everywhere!(the_second_of_two_writers_is_told, an_edit_keeps_the_others_change, an_edit_is_not_repeated_for_ever);

/// pylxd: W14.
fn the_second_of_two_writers_is_told<C: Lab>(server: &Server<C>) {
    let container = server.stopped("two");
    let (first, second) = (container.get().send().unwrap(), container.get().send().unwrap());
    assert_eq!(first.etag, second.etag);
    let change = |text: &str| {
        let mut put = first.writable().unwrap();
        put.config.insert("user.writer".into(), text.into());
        put
    };
    container.replace(change("first")).if_match(first.etag.clone()).wait().send().unwrap();
    let late = container.replace(change("second")).if_match(second.etag.clone()).wait().send().unwrap_err();
    assert!(late.is_precondition_failed(), "{late}");
    assert!(late.to_string().contains("PUT /1.0/instances/"), "{late}");
    assert_eq!(container.get().send().unwrap().config["user.writer"], "first");
}

/// pylxd: W14.
fn an_edit_keeps_the_others_change<C: Lab>(server: &Server<C>) {
    let container = server.stopped("edits");
    // Another client, with connections of its own, changes it while the first is in the middle of its edit.
    let other = C::connect(server.remote.clone()).instance(container.name());
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    container
        .edit(move |instance| {
            if counted.fetch_add(1, Ordering::Relaxed) == 0 {
                assert!(!instance.config.contains_key("user.other"));
                let patch = |patch: &mut InstancePatch| {
                    patch.description = Some("the other's".into());
                    patch.config = Some([("user.other".into(), "1".into())].into());
                };
                let other = other.clone();
                // On a thread of its own: the async adapter's runtime is in the middle of a task here.
                std::thread::spawn(move || other.patch(patch).wait().send().unwrap()).join().unwrap();
            } else {
                assert_eq!(instance.config["user.other"], "1");
            }
            instance.config.insert("user.mine".into(), "2".into());
        })
        .send()
        .unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    let both = container.get().send().unwrap();
    assert_eq!((both.config["user.other"].as_str(), both.config["user.mine"].as_str()), ("1", "2"));
    assert_eq!(both.description, "the other's");
}

fn an_edit_is_not_repeated_for_ever<C: Lab>(server: &Server<C>) {
    let name = unique("busy");
    server.lxd.profiles().create(ProfilesPost::new(&name)).wait().send().unwrap();
    let profile = server.lxd.profile(&name);
    let other = C::connect(server.remote.clone()).profile(&name);
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let error = profile
        .edit(move |profile| {
            let run = counted.fetch_add(1, Ordering::Relaxed);
            let other = other.clone();
            let patch = move |patch: &mut ProfilePatch| {
                patch.config = Some([("user.run".into(), run.to_string())].into());
            };
            std::thread::spawn(move || other.patch(patch).wait().send().unwrap()).join().unwrap();
            profile.description = "mine".into();
        })
        .send()
        .unwrap_err();
    assert!(error.is_precondition_failed(), "{error}");
    assert_eq!(runs.load(Ordering::Relaxed), lxd_proto::limits::EDIT_TRIES);
    assert!(profile.get().send().unwrap().description.is_empty());
    profile.delete().wait().send().unwrap();
}
