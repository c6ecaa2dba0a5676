//! Storage volumes.

use lxd_proto::{
    Lxd,
    resources::{
        InstanceSnapshotsPost, InstancesPost, StorageVolumeContentType, StorageVolumeName, StorageVolumeSnapshotsPost,
        StorageVolumeType, StorageVolumesPost,
    },
};
use lxd_tests::{Lab, Server, Temporary, everywhere, unique};

everywhere!(
    are_made_listed_and_removed,
    of_instances_are_listed,
    are_of_their_project,
    are_changed,
    are_moved,
    are_copied,
    are_attached,
    have_a_state,
);

/// A name in short: its type, its name, and its project.
fn short(name: StorageVolumeName) -> String {
    let project = name.project.map(|project| format!(" in {project}")).unwrap_or_default();
    let snapshot = name.snapshot.map(|snapshot| format!("@{snapshot}")).unwrap_or_default();
    format!("{} {}{snapshot}{project}", name.kind, name.name)
}

/// The names are what was asked for, with what is no part of a URL in them.
///
/// pylxd: P292, P293, P294, P298.
/// pylxd: W21.
fn are_made_listed_and_removed<C: Lab>(server: &Server<C>) {
    let pool = server.pool("volumes");
    let volumes = pool.volumes();
    assert!(volumes.names().send().unwrap().is_empty());
    let mut post = StorageVolumesPost::new("v1");
    post.description = "for data".into();
    post.config.insert("user.a".into(), "1".into());
    volumes.create(post.clone()).wait().send().unwrap();
    assert!(volumes.create(post).wait().send().is_err());
    volumes.create(StorageVolumesPost::new("a b")).wait().send().unwrap();
    volumes.create(StorageVolumesPost::new("ü%20x:y&z=1")).wait().send().unwrap();
    let mut block = StorageVolumesPost::block("disk");
    block.config.insert("size".into(), "16MiB".into());
    volumes.create(block).wait().send().unwrap();
    for refused in ["", "a/b"] {
        assert!(volumes.create(StorageVolumesPost::new(refused)).wait().send().is_err(), "{refused}");
    }

    let mut names = volumes.names().send().unwrap();
    names.sort();
    assert!(names.iter().all(|name| name.pool == pool.name() && name.target.is_none()));
    let names: Vec<_> = names.into_iter().map(short).collect();
    assert_eq!(names, ["custom a b", "custom disk", "custom v1", "custom ü%20x:y&z=1"]);
    let custom = volumes.of(StorageVolumeType::Custom);
    assert_eq!(custom.names().send().unwrap().len(), 4);
    assert!(volumes.of(StorageVolumeType::Image).names().send().unwrap().is_empty());
    assert!(volumes.of("nonsense".into()).names().send().is_err());
    for name in custom.names().send().unwrap() {
        assert_eq!(pool.volume(name.kind, &name.name).get().send().unwrap().name, name.name);
    }

    let v1 = pool.custom_volume("v1").get().send().unwrap();
    assert_eq!((v1.name.as_str(), v1.description.as_str(), v1.config["user.a"].as_str()), ("v1", "for data", "1"));
    assert_eq!((&v1.kind, &v1.content_type), (&StorageVolumeType::Custom, &StorageVolumeContentType::Filesystem));
    assert_eq!((v1.location.as_str(), v1.project.as_str()), ("none", "default"));
    assert!(v1.used_by.is_empty() && v1.created_at.is_unset() && v1.etag.is_some());
    let disk = pool.custom_volume("disk").get().send().unwrap();
    assert_eq!((&disk.content_type, disk.config["size"].as_str()), (&StorageVolumeContentType::Block, "16MiB"));

    assert_eq!(volumes.list().send().unwrap().len(), 4);
    for filtered in [
        volumes.list().filter("name eq v1 and type eq custom").send().unwrap(),
        custom.list().filter("config.user.a eq 1").send().unwrap(),
    ] {
        assert_eq!((&filtered[0], filtered.len()), (&v1.value, 1));
    }
    let filtered = volumes.names().filter("content_type eq block").send().unwrap();
    assert_eq!(filtered.into_iter().map(short).collect::<Vec<_>>(), ["custom disk"]);

    assert!(pool.custom_volume("v2").get().send().unwrap_err().is_not_found());
    assert!(pool.volume(StorageVolumeType::Container, "v1").get().send().unwrap_err().is_not_found());
    pool.custom_volume("a b").delete().wait().send().unwrap();
    pool.custom_volume("ü%20x:y&z=1").delete().wait().send().unwrap();
    assert!(pool.custom_volume("a b").delete().wait().send().unwrap_err().is_not_found());
    assert_eq!(volumes.names().send().unwrap().len(), 2);
}

/// Not only people's volumes are listed, and each as what it is.
///
/// pylxd: P292.
fn of_instances_are_listed<C: Lab>(server: &Server<C>) {
    let pool = server.pool("instances");
    let post = InstancesPost::from_alias(unique("volumes"), "busybox")
        .device("root", [("type", "disk"), ("path", "/"), ("pool", pool.name())]);
    let container = Temporary::of(server.lxd.instance(&post.name));
    server.lxd.instances().create(post).wait().send().unwrap();
    container.snapshots().create(InstanceSnapshotsPost::new("s")).wait().send().unwrap();
    pool.volumes().create(StorageVolumesPost::new("v1")).wait().send().unwrap();
    let name = container.name();
    let mut names: Vec<_> = pool.volumes().names().send().unwrap().into_iter().map(short).collect();
    names.sort();
    assert_eq!(names, [format!("container {name}"), format!("container {name}@s"), "custom v1".to_owned()]);

    let volume = pool.volume(StorageVolumeType::Container, name).get().send().unwrap();
    assert_eq!((&volume.kind, volume.name.as_str()), (&StorageVolumeType::Container, name));
    assert_eq!(volume.used_by, [format!("/1.0/instances/{name}")]);
    let mut listed = pool.volumes().of(StorageVolumeType::Container).list().send().unwrap();
    listed.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(listed.len(), 2);
    assert_eq!((&listed[0], &listed[1].name), (&volume.value, &format!("{name}/s")));
}

/// A name is not polluted by its project, and says it.
///
/// pylxd: W03.
fn are_of_their_project<C: Lab>(server: &Server<C>) {
    let project = server.project("volumes");
    let pool = server.pool("volumes");
    let inside = project.lxd.storage_pool(pool.name());
    pool.volumes().create(StorageVolumesPost::new("outside")).wait().send().unwrap();
    inside.volumes().create(StorageVolumesPost::new("in side")).wait().send().unwrap();
    let there = format!("custom in side in {}", project.name);
    for volumes in [inside.volumes(), inside.volumes().of(StorageVolumeType::Custom)] {
        let names = volumes.names().send().unwrap().into_iter().map(short);
        assert_eq!(names.collect::<Vec<_>>(), [&*there]);
    }
    let listed = inside.volumes().list().send().unwrap();
    assert_eq!((listed[0].name.as_str(), listed[0].project.as_str(), listed.len()), ("in side", &*project.name, 1));
    let mut all: Vec<_> = inside.volumes().names().all_projects().send().unwrap().into_iter().map(short).collect();
    all.sort();
    assert_eq!(all, [there, "custom outside".to_owned()]);
    assert_eq!(pool.volumes().list().all_projects().send().unwrap().len(), 2);
    assert!(inside.custom_volume("outside").get().send().unwrap_err().is_not_found());
    inside.custom_volume("in side").get().send().unwrap();
}

/// A description can be written, and stays when something else is.
///
/// pylxd: P296.
/// pylxd: W20.
fn are_changed<C: Lab>(server: &Server<C>) {
    let pool = server.pool("volumes");
    let mut post = StorageVolumesPost::new("v1");
    post.description = "before".into();
    post.config.insert("user.a".into(), "1".into());
    pool.volumes().create(post).wait().send().unwrap();
    let v1 = pool.custom_volume("v1");
    let made = v1.get().send().unwrap();

    v1.edit(|volume| drop(volume.config.insert("user.b".into(), "2".into()))).send().unwrap();
    let edited = v1.get().send().unwrap();
    assert_eq!((edited.description.as_str(), edited.config.len()), ("before", made.config.len() + 1));
    v1.edit(|volume| volume.description = "after".into()).send().unwrap();
    let described = v1.get().send().unwrap();
    assert_eq!((described.description.as_str(), &described.config), ("after", &edited.config));

    let mut put = described.writable().unwrap();
    put.config.remove("user.a");
    let late = v1.replace(put.clone()).if_match(made.etag.clone()).wait().send().unwrap_err();
    assert!(late.is_precondition_failed(), "{late}");
    v1.replace(put).if_match(described.etag.clone()).wait().send().unwrap();
    v1.patch(|p| p.description = Some("patched".into())).wait().send().unwrap();
    let patched = v1.get().send().unwrap();
    assert_eq!((patched.description.as_str(), patched.config.get("user.a")), ("patched", None));
    assert_eq!(patched.config["user.b"], "2");
    v1.patch(|p| p.config = Some([("user.c".into(), "3".into())].into())).wait().send().unwrap();
    let patched = v1.get().send().unwrap();
    assert_eq!((patched.config["user.b"].as_str(), patched.config["user.c"].as_str()), ("2", "3"));
    assert!(v1.edit(|volume| drop(volume.config.insert("nonsense".into(), "1".into()))).send().is_err());

    v1.rename("v2").wait().send().unwrap();
    assert!(v1.get().send().unwrap_err().is_not_found());
    let v2 = pool.custom_volume("v2");
    assert_eq!(v2.get().send().unwrap().config, patched.config);
    v2.delete().wait().send().unwrap();
    assert!(v2.get().send().unwrap_err().is_not_found());
}

/// pylxd: P295.
fn are_moved<C: Lab>(server: &Server<C>) {
    let project = server.project("move");
    let (from, to) = (server.pool("from"), server.pool("to"));
    let mut post = StorageVolumesPost::new("v1");
    post.description = "the same".into();
    from.volumes().create(post).wait().send().unwrap();
    from.custom_volume("v1").move_to(to.name()).wait().send().unwrap();
    assert!(from.volumes().names().send().unwrap().is_empty());
    to.custom_volume("v1").move_to(from.name()).name("v2").wait().send().unwrap();
    assert_eq!(from.custom_volume("v2").get().send().unwrap().description, "the same");
    from.custom_volume("v2").move_to(from.name()).project(&project.name).wait().send().unwrap();
    assert!(from.custom_volume("v2").get().send().unwrap_err().is_not_found());
    let moved = project.lxd.storage_pool(from.name()).custom_volume("v2").get().send().unwrap();
    assert_eq!((moved.description.as_str(), &moved.project), ("the same", &project.name));
    assert!(from.custom_volume("none").move_to(to.name()).wait().send().is_err());
}

/// pylxd: P302.
fn are_copied<C: Lab>(server: &Server<C>) {
    let project = server.project("copy");
    let (pool, other) = (server.pool("copy"), server.pool("copy"));
    let mut post = StorageVolumesPost::new("v1");
    post.description = "the same".into();
    pool.volumes().create(post).wait().send().unwrap();
    let v1 = pool.custom_volume("v1");
    v1.snapshots().create(StorageVolumeSnapshotsPost::new("s1")).wait().send().unwrap();

    pool.volumes().create(StorageVolumesPost::copy("v2", pool.name(), "v1")).wait().send().unwrap();
    assert_eq!(pool.custom_volume("v2").snapshots().names().send().unwrap(), ["s1"]);
    let mut only = StorageVolumesPost::copy("v1", pool.name(), "v1");
    only.source.as_mut().unwrap().volume_only = true;
    other.volumes().create(only).wait().send().unwrap();
    assert_eq!(other.custom_volume("v1").get().send().unwrap().description, "the same");
    assert!(other.custom_volume("v1").snapshots().names().send().unwrap().is_empty());
    pool.volumes().create(StorageVolumesPost::copy("v3", pool.name(), "v1/s1")).wait().send().unwrap();
    assert_eq!(pool.custom_volume("v3").get().send().unwrap().description, "the same");

    let mut abroad = StorageVolumesPost::copy("v1", pool.name(), "v1");
    abroad.source.as_mut().unwrap().project = "default".into();
    let inside = project.lxd.storage_pool(pool.name());
    inside.volumes().create(abroad).wait().send().unwrap();
    assert_eq!(inside.custom_volume("v1").get().send().unwrap().project, project.name);

    v1.snapshots().create(StorageVolumeSnapshotsPost::new("s2")).wait().send().unwrap();
    let mut refresh = StorageVolumesPost::copy("v2", pool.name(), "v1");
    refresh.source.as_mut().unwrap().refresh = true;
    pool.volumes().create(refresh).wait().send().unwrap();
    let mut names = pool.custom_volume("v2").snapshots().names().send().unwrap();
    names.sort();
    assert_eq!(names, ["s1", "s2"]);
    assert!(pool.volumes().create(StorageVolumesPost::copy("v4", pool.name(), "none")).wait().send().is_err());
}

/// What an instance uses says so, and stays.
///
/// pylxd: P298.
fn are_attached<C: Lab>(server: &Server<C>) {
    let pool = server.pool("attach");
    pool.volumes().create(StorageVolumesPost::new("v1")).wait().send().unwrap();
    let post = InstancesPost::from_alias(unique("attach"), "busybox")
        .device("data", [("type", "disk"), ("pool", pool.name()), ("source", "v1"), ("path", "/data")]);
    let v1 = pool.custom_volume("v1");
    let container = Temporary::of(server.lxd.instance(&post.name));
    server.lxd.instances().create(post).wait().send().unwrap();
    assert_eq!(v1.get().send().unwrap().used_by, [format!("/1.0/instances/{}", container.name())]);
    assert!(v1.delete().wait().send().is_err());
    container.edit(|instance| drop(instance.devices.remove("data"))).send().unwrap();
    assert!(v1.get().send().unwrap().used_by.is_empty());
    v1.delete().wait().send().unwrap();
}

/// A driver that cannot say it is an error on this age, and no wrong number.
///
/// pylxd: P302.
fn have_a_state<C: Lab>(server: &Server<C>) {
    let pool = server.pool("state");
    pool.volumes().create(StorageVolumesPost::new("v1")).wait().send().unwrap();
    let refused = pool.custom_volume("v1").state().send().unwrap_err();
    assert!(refused.to_string().ends_with("/state: Not supported (500)"), "{refused}");
    assert!(pool.custom_volume("none").state().send().unwrap_err().is_not_found());
}
