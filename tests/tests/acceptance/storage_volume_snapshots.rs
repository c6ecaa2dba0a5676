//! Snapshots and backups of storage volumes.

use std::io::Read;

use lxd_proto::{
    Lxd,
    compat::Timestamp,
    resources::{
        InstancesPost, StoragePoolVolumeBackupsPost, StorageVolumeContentType, StorageVolumeSnapshotsPost,
        StorageVolumesPost,
    },
};
use lxd_tests::{Lab, Server, Temporary, everywhere, payload, unique};

everywhere!(are_made_listed_and_removed, are_changed, are_backed_up);

mod content {
    lxd_tests::with_websockets!(goes_back);
    use super::goes_back;
}

/// pylxd: P299, P300, P301.
fn are_made_listed_and_removed<C: Lab>(server: &Server<C>) {
    let pool = server.pool("snapshots");
    let mut post = StorageVolumesPost::new("v1");
    post.description = "the volume".into();
    post.config.insert("user.a".into(), "1".into());
    pool.volumes().create(post).wait().send().unwrap();
    let v1 = pool.custom_volume("v1");
    let snapshots = v1.snapshots();
    assert!(snapshots.names().send().unwrap().is_empty() && snapshots.list().send().unwrap().is_empty());
    for post in [StorageVolumeSnapshotsPost::new("a:b,ü"), StorageVolumeSnapshotsPost::default()] {
        let made = snapshots.create(post).wait().send().unwrap();
        assert_eq!(made.name, "", "5.0.2 names only the volume");
    }
    assert!(snapshots.create(StorageVolumeSnapshotsPost::new("a:b,ü")).wait().send().is_err());
    let mut names = snapshots.names().send().unwrap();
    names.sort();
    assert_eq!(names, ["a:b,ü", "snap0"]);
    let mut listed: Vec<_> = snapshots.list().send().unwrap().into_iter().map(|snapshot| snapshot.name).collect();
    listed.sort();
    assert_eq!(listed, names);
    let of_pool = pool.volumes().names().send().unwrap().into_iter().filter_map(|name| name.snapshot);
    assert_eq!(of_pool.collect::<std::collections::BTreeSet<_>>(), names.into_iter().collect());

    let got = snapshots.get("snap0").send().unwrap();
    assert_eq!(
        (got.name.as_str(), got.description.as_str(), got.config["user.a"].as_str()),
        ("snap0", "the volume", "1")
    );
    assert_eq!(got.content_type, StorageVolumeContentType::Filesystem);
    assert!(got.created_at.is_unset() && got.expires_at.is_unset() && got.etag.is_some());
    assert!(snapshots.get("snap1").send().unwrap_err().is_not_found());

    v1.snapshot("a:b,ü").rename("renamed").wait().send().unwrap();
    assert!(v1.snapshot("a:b,ü").get().send().unwrap_err().is_not_found());
    v1.snapshot("renamed").delete().wait().send().unwrap();
    assert_eq!(snapshots.names().send().unwrap(), ["snap0"]);
    assert!(v1.snapshot("renamed").delete().wait().send().is_err());
}

/// pylxd: P301.
fn are_changed<C: Lab>(server: &Server<C>) {
    let pool = server.pool("expiry");
    pool.volumes().create(StorageVolumesPost::new("v1")).wait().send().unwrap();
    let mut post = StorageVolumeSnapshotsPost::new("s");
    post.expires_at = Some(Timestamp::new("2100-01-01T00:00:00Z"));
    pool.custom_volume("v1").snapshots().create(post).wait().send().unwrap();
    let snapshot = pool.custom_volume("v1").snapshot("s");
    let made = snapshot.get().send().unwrap();
    assert_eq!(made.expires_at.unix(), Some((4_102_444_800, 0)));

    snapshot.edit(|snapshot| snapshot.description = "kept".into()).send().unwrap();
    let edited = snapshot.get().send().unwrap();
    assert_eq!((edited.description.as_str(), &edited.expires_at), ("kept", &made.expires_at));
    snapshot.edit(|snapshot| snapshot.expires_at = Timestamp::new("2101-01-01T00:00:00+01:00")).send().unwrap();
    let edited = snapshot.get().send().unwrap();
    assert_eq!((edited.description.as_str(), edited.expires_at.unix()), ("kept", Some((4_133_977_200, 0))));
    snapshot.patch(|p| p.expires_at = Some(Timestamp::new("0001-01-01T00:00:00Z"))).wait().send().unwrap();
    let patched = snapshot.get().send().unwrap();
    assert!(patched.expires_at.is_unset());
    assert_eq!(patched.description, "kept");
    let mut put = patched.writable().unwrap();
    put.description.clear();
    let late = snapshot.replace(put.clone()).if_match(made.etag.clone()).wait().send();
    assert!(late.unwrap_err().is_precondition_failed());
    snapshot.replace(put).if_match(patched.etag.clone()).wait().send().unwrap();
    assert_eq!(snapshot.get().send().unwrap().description, "");
}

/// The content goes back, and nothing else does.
///
/// pylxd: P297, P301.
fn goes_back<C: Lab>(server: &Server<C>) {
    let pool = server.pool("restore");
    pool.volumes().create(StorageVolumesPost::new("v1")).wait().send().unwrap();
    let v1 = pool.custom_volume("v1");
    let post = InstancesPost::from_alias(unique("restore"), "busybox")
        .device("data", [("type", "disk"), ("pool", pool.name()), ("source", "v1"), ("path", "/data")]);
    let container = Temporary::of(server.lxd.instance(&post.name));
    server.lxd.instances().create(post).wait().send().unwrap();
    let run = |script: &str| {
        let output = container.exec(["sh", "-c", script]).output().send().unwrap();
        assert!(output.success(), "{script}: {output:?}");
        String::from_utf8(output.stdout.to_vec()).unwrap()
    };
    container.start().wait().send().unwrap();
    run("echo before >/data/text");
    v1.snapshots().create(StorageVolumeSnapshotsPost::new("s")).wait().send().unwrap();
    run("echo after >/data/text; echo new >/data/new");
    assert!(v1.restore("s").wait().send().is_err(), "it is in use");
    container.stop().force().wait().send().unwrap();
    v1.edit(|volume| volume.description = "after".into()).send().unwrap();
    v1.restore("s").wait().send().unwrap();
    assert_eq!(v1.get().send().unwrap().description, "after");
    container.start().wait().send().unwrap();
    assert_eq!(run("cat /data/*"), "before\n");
    container.stop().force().wait().send().unwrap();
    assert!(v1.restore("none").wait().send().is_err());
}

/// A backup leaves the server as a file, and comes back as a volume.
///
/// pylxd: P302.
fn are_backed_up<C: Lab>(server: &Server<C>) {
    let pool = server.pool("backup");
    // 5.0.2 takes the volumes of one name in several pools for one when it looks for a backup.
    let mut post = StorageVolumesPost::new(unique("v"));
    post.description = "in the backup".into();
    let v1 = pool.custom_volume(&post.name);
    pool.volumes().create(post).wait().send().unwrap();
    v1.snapshots().create(StorageVolumeSnapshotsPost::new("s")).wait().send().unwrap();
    let mut small = StoragePoolVolumeBackupsPost::new("small one");
    small.volume_only = true;
    small.compression_algorithm = "none".into();
    small.expires_at = Some(Timestamp::new("2100-01-01T00:00:00Z"));
    assert_eq!(v1.backups().create(small).wait().send().unwrap().name, "small one");
    let chosen = v1.backups().create(StoragePoolVolumeBackupsPost::default()).wait().send().unwrap().name;
    assert_eq!(chosen, "backup0");

    let mut names = v1.backups().names().send().unwrap();
    names.sort();
    assert_eq!(names, ["backup0", "small one"]);
    let listed = v1.backups().list().send().unwrap();
    let small = listed.iter().find(|backup| backup.name == "small one").unwrap();
    assert!(small.volume_only && !small.optimized_storage && small.created_at.unix().is_some());
    assert_eq!(small.expires_at.unix(), Some((4_102_444_800, 0)));
    assert_eq!(&v1.backup("small one").get().send().unwrap().value, small);
    assert!(!v1.backups().get(&chosen).send().unwrap().volume_only);
    v1.backup("small one").rename("renamed").wait().send().unwrap();
    assert!(v1.backup("small one").get().send().unwrap_err().is_not_found());

    let incoming = v1.backup(&chosen).export().send().unwrap();
    let length = incoming.head.unwrap();
    let mut file = Vec::new();
    C::reader(incoming.body).read_to_end(&mut file).unwrap();
    assert_eq!(file.len() as u64, length);
    assert_eq!(v1.backup(&chosen).export().bytes().send().unwrap(), file);
    assert!(v1.backup("none").export().bytes().send().unwrap_err().is_not_found());

    let file = payload::<C>(std::io::Cursor::new(file), Some(length));
    pool.volumes().import("v2", file).wait().send().unwrap();
    let v2 = pool.custom_volume("v2");
    assert_eq!(v2.get().send().unwrap().description, "in the backup");
    assert_eq!(v2.snapshots().names().send().unwrap(), ["s"]);
    assert!(pool.volumes().import("v3", "no backup").wait().send().is_err());
    let iso = pool.volumes().import("v3", "an image").iso().wait().send().unwrap_err();
    assert_eq!(iso.to_string(), "this server lacks the API extension \"custom_volume_iso\"");

    for name in ["renamed", "backup0"] {
        v1.backup(name).delete().wait().send().unwrap();
    }
    assert!(v1.backups().names().send().unwrap().is_empty());
}
