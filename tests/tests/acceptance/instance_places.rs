//! Instances that are copied, moved, backed up, and taken to another server.

use std::io::Read;

use lxd_proto::{
    Error, Lxd,
    resources::{InstanceBackupsPost, InstancePost, InstanceSnapshotsPost, InstanceSource, InstancesPost},
};
use lxd_tests::{Lab, Server, Temporary, env, everywhere, payload, unique};

everywhere!(
    are_copied,
    are_moved_to_a_project,
    are_moved_to_a_pool,
    are_backed_up,
    migrate_to_another_server,
    cannot_be_on_5_0
);

fn are_copied<C: Lab>(server: &Server<C>) {
    let container = server.stopped("copied");
    container
        .edit(|instance| {
            instance.description = "the first".into();
            instance.config.insert("user.a".into(), "1".into());
            instance.devices.insert("none".into(), [("type".to_owned(), "none".to_owned())].into());
        })
        .send()
        .unwrap();
    container.files().put("/root/text", "before").send().unwrap();
    container.snapshots().create(InstanceSnapshotsPost::new("s")).wait().send().unwrap();
    container.files().put("/root/text", "after").send().unwrap();

    let name = unique("copy");
    assert_eq!(container.copy_to(&name).send().unwrap().name, name);
    let copy = Temporary::of(server.lxd.instance(name));
    let (old, new) = (container.get().send().unwrap(), copy.get().send().unwrap());
    assert_eq!((new.description.as_str(), new.config["user.a"].as_str()), ("the first", "1"));
    assert_eq!((&new.devices, &new.profiles), (&old.devices, &old.profiles));
    assert_ne!(new.config["volatile.uuid"], old.config["volatile.uuid"]);
    assert_eq!(copy.files().get("/root/text").bytes().send().unwrap(), "after");
    assert_eq!(copy.snapshots().names().send().unwrap(), ["s"]);

    let of_snapshot = container.snapshot("s").copy_to("").adjust(|post| {
        post.config.insert("user.a".into(), "2".into());
    });
    let made = Temporary::of(server.lxd.instance(of_snapshot.send().unwrap().name));
    assert_ne!(made.name(), container.name());
    assert_eq!(made.get().send().unwrap().config["user.a"], "2");
    assert_eq!(made.files().get("/root/text").bytes().send().unwrap(), "before");
    assert!(made.snapshots().names().send().unwrap().is_empty());
    assert!(server.lxd.instance("no-such").copy_to("x").send().unwrap_err().is_not_found());
}

fn are_moved_to_a_project<C: Lab>(server: &Server<C>) {
    let container = server.stopped("moved");
    let project = server.project("moved");
    // The profile `default` of the project has no root disk.
    container
        .edit(|instance| {
            let root = [("type", "disk"), ("path", "/"), ("pool", "default")];
            let root = root.map(|(key, value)| (key.to_owned(), value.to_owned()));
            instance.devices.insert("root".into(), root.into());
        })
        .send()
        .unwrap();
    container.move_to(InstancePost::to_project(&project.name)).wait().send().unwrap();
    assert!(!container.exists().send().unwrap());
    assert_eq!(project.lxd.instance(container.name()).get().send().unwrap().project, project.name);
}

fn are_moved_to_a_pool<C: Lab>(server: &Server<C>) {
    let pool = server.pool("topool");
    let container = server.stopped("topool");
    container.files().put("/root/text", "taken along").send().unwrap();
    let uuid = container.get().send().unwrap().config["volatile.uuid"].clone();
    container.move_to(InstancePost::to_pool(pool.name())).wait().send().unwrap();
    let moved = container.get().send().unwrap();
    assert_eq!(
        (moved.devices["root"]["pool"].as_str(), moved.config["volatile.uuid"].as_str()),
        (pool.name(), uuid.as_str())
    );
    assert_eq!(container.files().get("/root/text").bytes().send().unwrap(), "taken along");
    container.move_to(InstancePost::to_pool("no-such-pool")).wait().send().unwrap_err();
}

fn are_backed_up<C: Lab>(server: &Server<C>) {
    let container = server.stopped("backup");
    container.files().put("/root/text", "kept").send().unwrap();
    container.snapshots().create(InstanceSnapshotsPost::new("s")).wait().send().unwrap();
    let backups = container.backups();
    assert!(backups.names().send().unwrap().is_empty());
    let mut post = InstanceBackupsPost::default();
    post.instance_only = true;
    post.compression_algorithm = "none".into();
    post.expires_at = Some(lxd_proto::compat::Timestamp::new("2100-01-01T00:00:00Z"));
    let made = backups.create(post).wait().send().unwrap();
    assert_eq!(backups.names().send().unwrap(), [made.name.as_str()]);
    let got = backups.get(&made.name).send().unwrap();
    assert!(got.instance_only && !got.optimized_storage);
    assert_eq!(got.expires_at.unix(), Some((4_102_444_800, 0)));

    let backup = container.backup("renamed");
    container.backup(made.name).rename("renamed").wait().send().unwrap();
    assert_eq!(backups.list().send().unwrap()[0].name, "renamed");
    let incoming = backup.export().send().unwrap();
    let mut file = Vec::new();
    C::reader(incoming.body).read_to_end(&mut file).unwrap();
    assert_eq!(incoming.head, Some(file.len() as u64));
    backup.delete().wait().send().unwrap();
    assert!(backup.get().send().unwrap_err().is_not_found());

    let name = unique("imported");
    let length = Some(file.len() as u64);
    let import = server.lxd.instances().import(payload::<C>(std::io::Cursor::new(file), length)).name(&name);
    assert_eq!(import.wait().send().unwrap().name, name);
    let imported = Temporary::of(server.lxd.instance(name));
    assert_eq!(imported.files().get("/root/text").bytes().send().unwrap(), "kept");
    assert!(imported.snapshots().names().send().unwrap().is_empty());
    server.lxd.instances().import("no backup").wait().send().unwrap_err();
}

/// The source offers it, and the other server fetches it: each request by itself, for a transport without websockets.
///
/// pylxd: P137, P140.
/// pylxd: W11.
fn migrate_to_another_server<C: Lab>(server: &Server<C>) {
    let container = server.stopped("migrate");
    container.files().put("/root/text", "taken along").send().unwrap();
    let source = container.get().send().unwrap();
    // Without a place it is no move: nobody would come for it, and its end would never come.
    let nowhere = container.move_to(InstancePost::default()).wait().send().unwrap_err();
    assert!(matches!(nowhere, Error::InvalidInput(_)), "{nowhere}");
    let offer = container.offer(InstancePost::default()).send().unwrap();
    offer.metadata.iter().filter_map(|(_, secret)| secret.as_str()).for_each(lxd_tests::secret);
    let two = Server::<C>::two();
    let mut post = InstancesPost::new(container.name(), InstanceSource::default()).ephemeral();
    post.architecture.clone_from(&source.architecture);
    post.config.insert("user.taken".into(), "along".into());
    post.source.kind = "migration".into();
    post.source.mode = "pull".into();
    post.source.operation = format!("{}/1.0/operations/{}", env("LXD_TEST_HTTPS"), offer.id);
    post.source.certificate = server.lxd.server().get().send().unwrap().value.environment.certificate;
    post.source.base_image.clone_from(&source.config["volatile.base_image"]);
    post.source.websockets =
        offer.metadata.iter().filter_map(|(name, secret)| Some((name.into(), secret.as_str()?.into()))).collect();
    let made = two.lxd.instances().create(post).wait().send().unwrap();
    let there = Temporary::of(two.lxd.instance(made.name));
    server.lxd.operation(offer.id).wait().send().map(drop).unwrap_or_else(|error| assert!(gone(&error), "{error}"));
    assert_eq!(there.files().get("/root/text").bytes().send().unwrap(), "taken along");
    let moved = there.get().send().unwrap();
    assert!(moved.ephemeral && moved.config["user.taken"] == "along");
    // Nothing is removed here that nobody asked to remove.
    assert!(container.exists().send().unwrap());
}

/// The operation was over, and forgotten.
fn gone(error: &Error) -> bool {
    error.operation().is_some_and(|error| error.outcome == lxd_proto::error::Outcome::Unknown)
}

fn cannot_be_on_5_0<C: Lab>(server: &Server<C>) {
    let container = server.lxd.instance("c");
    let missing = |error: Error, extension: &str| assert!(error.to_string().contains(extension), "{error}");
    missing(container.rebuild(InstanceSource::none()).wait().send().unwrap_err(), "instances_rebuild");
    missing(container.delete().force().wait().send().unwrap_err(), "instance_force_delete");
    missing(container.uefi_vars().get().send().unwrap_err(), "instances_uefi_vars");
    let mut post = InstancePost::to_pool("p");
    post.profiles = Some(Vec::new());
    missing(container.move_to(post).wait().send().unwrap_err(), "instance_move_config");
}
