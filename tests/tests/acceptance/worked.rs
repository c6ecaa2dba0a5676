//! The examples of pylxd's documentation, as `docs/pylxd.md` shows them: its code is this code.

use lxd_proto::{
    Changed, Error, Lxd, Proof,
    resources::{EventType, InstanceSnapshotsPost, InstancesPost, ProfilesPost},
};
use lxd_tests::{Lab, Project, Server, env, everywhere, pinned, secret, stranger, unique, with_websockets};

everywhere!(instances_as_documented, snapshots_as_documented, files_as_documented, images_and_profiles_as_documented);

/// pylxd: P110, P111, P114, P117, P118, P121, P122, P124, P125, P126, P129, P132.
fn instances_as_documented<C: Lab>(server: &Server<C>) {
    let project = with_image(server);
    instances(&project.lxd).unwrap();
    project.lxd.instances().create(InstancesPost::from_alias("my-instance", "focal")).wait().send().unwrap();
    changes(&project.lxd).unwrap();
}

fn instances<C: Lab>(lxd: &C) -> Result<(), Error> {
    for instance in lxd.instances().list().send()? {
        println!("{} is {}", instance.name, instance.status);
    }

    // An empty one, to be waited for later, by anybody ..
    if let Changed::Running(operation) = lxd.instances().create(InstancesPost::empty("my-empty-instance")).send()? {
        lxd.operation(operation.id.clone()).wait().send()?;
    }
    // .. and one of a local image, until it is there.
    let post = InstancesPost::from_alias("my-instance", "focal").config("limits.cpu", "2");
    lxd.instances().create(post).wait().send()?;
    let instance = lxd.instance("my-instance");
    assert_eq!(instance.get().send()?.status, "Stopped");

    instance.start().wait().send()?;
    instance.freeze().wait().send()?;
    instance.unfreeze().wait().send()?;
    instance.stop().force().wait().send()?;
    instance.delete().wait().send()?;
    Ok(())
}

/// pylxd: P127, P128, P142, P143, P144, P145, P146, P147, P148, P149, P150, P151, P152, P153, P154, P155, P156, P157, P158, P159.
/// pylxd: W39.
fn changes<C: Lab>(lxd: &C) -> Result<(), Error> {
    let instance = lxd.instance("my-instance");
    let mut draft = instance.get().send()?.draft()?;
    draft.ephemeral = true;
    draft.devices.insert("root".into(), [("type", "disk"), ("path", "/"), ("pool", "default")].map(pair).into());
    draft.config.insert("security.nesting".into(), "true".into());
    assert!(draft.is_changed()?);
    for change in draft.changes()? {
        println!("{change}");
    }
    draft.rollback()?;
    assert!(!draft.is_changed()?);

    draft.config.insert("security.privileged".into(), "false".into());
    draft = instance.save(&draft).send()?;
    assert_eq!(draft.config["security.privileged"], "false");

    instance.start().wait().send()?;
    // It has its addresses when its init gave it some.
    let addresses = loop {
        let lo = instance.state().send()?.network["lo"].clone();
        if !lo.addresses.is_empty() {
            break lo.addresses;
        }
    };
    assert_eq!((addresses[0].address.as_str(), addresses[0].netmask.as_str()), ("127.0.0.1", "8"));

    let instance = instance.get().send()?;
    assert_eq!((instance.name.as_str(), instance.location.as_str()), ("my-instance", "none"));
    assert_eq!((instance.kind.as_str(), instance.architecture.as_str()), ("container", std::env::consts::ARCH));
    assert_eq!((instance.status.as_str(), instance.status_code.0), ("Running", 103));
    assert_eq!((instance.profiles.join(","), instance.description.as_str()), ("default".into(), ""));
    assert!(!instance.ephemeral && !instance.stateful && !instance.project.is_empty());
    assert!(instance.expanded_devices.contains_key("root") && !instance.devices.contains_key("root"));
    assert!(instance.expanded_config.contains_key("security.privileged") && instance.config.contains_key("image.os"));
    assert!(instance.created_at.unix() <= instance.last_used_at.unix());
    Ok(())
}

/// pylxd: P180, P181, P182, P183, P185, P186, P189.
fn snapshots_as_documented<C: Lab>(server: &Server<C>) {
    let project = with_image(server);
    project.lxd.instances().create(InstancesPost::from_alias("my-instance", "focal")).wait().send().unwrap();
    snapshots(&project.lxd).unwrap();
}

fn snapshots<C: Lab>(lxd: &C) -> Result<(), Error> {
    let instance = lxd.instance("my-instance");
    instance.snapshots().create(InstanceSnapshotsPost::new("an-snapshot")).wait().send()?;
    let snapshot = instance.snapshot("an-snapshot").get().send()?;
    println!("{} {}", snapshot.name, snapshot.created_at);
    assert!(!snapshot.stateful);

    instance.snapshot("an-snapshot").rename("backup-snapshot").wait().send()?;
    assert_eq!(instance.snapshots().names().send()?, ["backup-snapshot"]);
    instance.snapshot("backup-snapshot").delete().wait().send()?;
    Ok(())
}

/// pylxd: P200, P201, P207.
fn files_as_documented<C: Lab>(server: &Server<C>) {
    let project = with_image(server);
    project.lxd.instances().create(InstancesPost::from_alias("my-instance", "focal")).wait().send().unwrap();
    files(&project.lxd).unwrap();
}

fn files<C: Lab>(lxd: &C) -> Result<(), Error> {
    let files = lxd.instance("my-instance").files();
    files.put("/tmp/my-script", "#!/bin/sh\necho hello\n").mode(0o755).send()?;
    assert_eq!(files.get("/tmp/my-script").bytes().send()?, "#!/bin/sh\necho hello\n");
    Ok(())
}

/// pylxd: P221, P222, P224, P234, P244, P247, P277, P278, P281.
fn images_and_profiles_as_documented<C: Lab>(server: &Server<C>) {
    let project = with_image(server);
    let tarball = std::fs::read(env("LXD_TEST_IMAGE")).unwrap();
    let image = project.lxd.image_alias("focal").get().send().unwrap().target.clone();
    project.lxd.image(image).delete().wait().send().unwrap();
    images_and_profiles(&project.lxd, tarball).unwrap();
}

fn images_and_profiles<C: Lab>(lxd: &C, tarball: Vec<u8>) -> Result<(), Error> {
    // A reader would be streamed, and never be held whole.
    let image = lxd.images().upload(tarball).public().property("os", "busybox").wait().send()?;
    let image = lxd.image(image.fingerprint.to_string());
    assert!(image.get().send()?.public);
    image.edit(|image| image.public = false).send()?;

    let mut profile = ProfilesPost::new("an-profile");
    profile.config.insert("security.nesting".into(), "true".into());
    profile.devices.insert("root".into(), [("type", "disk"), ("path", "/"), ("pool", "default")].map(pair).into());
    lxd.profiles().create(profile).wait().send()?;
    let mut profile = lxd.profile("an-profile").get().send()?.draft()?;
    profile.config.insert("security.nesting".into(), "false".into());
    lxd.profile("an-profile").save(&profile).send()?;
    Ok(())
}

fn pair((key, value): (&str, &str)) -> (String, String) {
    (key.into(), value.into())
}

mod trust {
    use super::*;

    with_websockets!(trust_and_events_as_documented);

    /// pylxd: P029, P034, P060, P061, P062, P064.
    fn trust_and_events_as_documented<C: Lab>(server: &Server<C>) {
        let lxd = Server::<C>::at(pinned(&env("LXD_TEST_HTTPS")).identity(stranger())).lxd;
        let name = unique("worked");
        secret(&env("LXD_TEST_PASSWORD"));
        trust(&lxd, &name, &env("LXD_TEST_PASSWORD")).unwrap();
        let me = server.lxd.certificates().list().send().unwrap().into_iter().find(|one| one.name == name).unwrap();
        events(&lxd).unwrap();
        server.lxd.certificate(me.fingerprint).delete().wait().send().unwrap();
    }

    fn trust<C: Lab>(lxd: &C, name: &str, password: &str) -> Result<(), Error> {
        assert!(!lxd.server().get().send()?.is_trusted());
        lxd.certificates().trust(name, Proof::Password(password.into())).send()?;
        assert!(lxd.server().get().send()?.is_trusted());
        Ok(())
    }

    fn events<C: Lab>(lxd: &C) -> Result<(), Error> {
        let mut events = lxd.events().types([EventType::Lifecycle]).subscribe().send()?;
        let name = unique("seen");
        lxd.profiles().create(ProfilesPost::new(&name)).wait().send()?;
        lxd.profile(name).delete().wait().send()?;
        let event = events.find_map(|notice| notice.map(|notice| notice.lifecycle().cloned()).transpose());
        println!("{}", event.expect("events have no end")?.action);
        Ok(())
    }
}

/// A project with the image `focal`, whose instances have a disk.
fn with_image<C: Lab>(server: &Server<C>) -> Project<C> {
    let project = server.project("worked");
    project.image("focal");
    let disk = [("type", "disk"), ("path", "/"), ("pool", "default")].map(pair);
    project
        .lxd
        .profile("default")
        .edit(move |it| drop(it.devices.insert("root".into(), disk.clone().into())))
        .send()
        .unwrap();
    project
}
