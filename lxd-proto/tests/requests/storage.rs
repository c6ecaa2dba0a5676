//! Storage pools, volumes and buckets.

use lxd_proto::{
    Lxd, Payload,
    compat::Timestamp,
    resources::{
        MoveStorageVolume, StorageBucketKeyPut, StorageBucketKeysPost, StorageBucketsPost,
        StoragePoolVolumeBackupsPost, StoragePoolsPost, StorageVolumePost, StorageVolumePostTarget,
        StorageVolumeSnapshotsPost, StorageVolumeSource, StorageVolumeType, StorageVolumesPost,
    },
};

use super::{etag, golden, lxd};

#[test]
fn pools() {
    let lxd = lxd();
    let (all, one) = (lxd.storage_pools(), lxd.storage_pool("p1"));
    let mut post = StoragePoolsPost::new("p1", "dir");
    post.config.insert("volume.size".into(), "1GiB".into());
    golden! { lxd:
        all.list() => "GET /1.0/storage-pools?recursion=1",
        all.names() => "GET /1.0/storage-pools",
        all.get("p1") => "GET /1.0/storage-pools/p1",
        all.create(post) => r#"POST /1.0/storage-pools
content-type: application/json

{"name":"p1","driver":"dir","config":{"volume.size":"1GiB"}}"#,
        one.get() => "GET /1.0/storage-pools/p1",
        one.edit(|_| ()) => "GET /1.0/storage-pools/p1",
        one.replace(Default::default()).if_match(etag()) => r#"PUT /1.0/storage-pools/p1
content-type: application/json
if-match: "e1"

{"description":"","config":{}}"#,
        one.patch(|p| p.description = Some("x".into())) => r#"PATCH /1.0/storage-pools/p1
content-type: application/json

{"description":"x"}"#,
        one.delete() => "DELETE /1.0/storage-pools/p1",
        one.resources() => "GET /1.0/storage-pools/p1/resources",
        lxd.target("m1").storage_pool("a/b").resources() => "GET /1.0/storage-pools/a%2Fb/resources?target=m1",
    }
}

#[test]
fn volumes() {
    let lxd = lxd();
    let pool = lxd.storage_pool("p1");
    let (all, one) = (pool.volumes(), pool.custom_volume("v1"));
    let mut large = StorageVolumesPost::block("b1");
    large.description = "d".into();
    large.config.insert("size".into(), "16MiB".into());
    golden! { lxd:
        all.list() => "GET /1.0/storage-pools/p1/volumes?recursion=1",
        all.list().filter("name eq v1").all_projects()
            => "GET /1.0/storage-pools/p1/volumes?recursion=1&filter=name%20eq%20v1&all-projects=true",
        all.names() => "GET /1.0/storage-pools/p1/volumes",
        all.names().filter("name eq v1").all_projects()
            => "GET /1.0/storage-pools/p1/volumes?filter=name%20eq%20v1&all-projects=true",
        all.of(StorageVolumeType::Custom).list() => "GET /1.0/storage-pools/p1/volumes/custom?recursion=1",
        all.of(StorageVolumeType::VirtualMachine).names() => "GET /1.0/storage-pools/p1/volumes/virtual-machine",
        all.of("".into()).names() => "\"\" cannot be a name: it must not be empty, `.`, `..` or longer than a URI",
        lxd.storage_volumes().list().all_projects() => "GET /1.0/storage-volumes?recursion=1&all-projects=true",
        lxd.storage_volumes().of(StorageVolumeType::Custom).names().filter("x eq y")
            => "GET /1.0/storage-volumes/custom?filter=x%20eq%20y",
        lxd.project("a b").storage_pool("p1").volumes().names() => "GET /1.0/storage-pools/p1/volumes?project=a%20b",
        one.get() => "GET /1.0/storage-pools/p1/volumes/custom/v1",
        pool.volume(StorageVolumeType::Container, "c1").get() => "GET /1.0/storage-pools/p1/volumes/container/c1",
        pool.custom_volume("a b/?#").get() => "GET /1.0/storage-pools/p1/volumes/custom/a%20b%2F%3F%23",
        pool.custom_volume("..").get() => "\"..\" cannot be a name: it must not be empty, `.`, `..` or longer than a URI",
        one.edit(|_| ()) => "GET /1.0/storage-pools/p1/volumes/custom/v1",
        one.replace(Default::default()).if_match(etag()) => r#"PUT /1.0/storage-pools/p1/volumes/custom/v1
content-type: application/json
if-match: "e1"

{"description":"","config":{}}"#,
        one.patch(|p| p.description = Some("x".into())) => r#"PATCH /1.0/storage-pools/p1/volumes/custom/v1
content-type: application/json

{"description":"x"}"#,
        one.rename("v2") => r#"POST /1.0/storage-pools/p1/volumes/custom/v1
content-type: application/json

{"name":"v2"}"#,
        one.move_to("p2") => r#"POST /1.0/storage-pools/p1/volumes/custom/v1
content-type: application/json

{"name":"v1","pool":"p2"}"#,
        one.move_to("p1").project("other").name("v2").wait() => r#"POST /1.0/storage-pools/p1/volumes/custom/v1
content-type: application/json

{"name":"v2","pool":"p1","project":"other"}"#,
        one.delete() => "DELETE /1.0/storage-pools/p1/volumes/custom/v1",
        one.state() => "GET /1.0/storage-pools/p1/volumes/custom/v1/state",
        one.restore("s1") => r#"PUT /1.0/storage-pools/p1/volumes/custom/v1
content-type: application/json

{"restore":"s1"}"#,
        all.create(large) => r#"POST /1.0/storage-pools/p1/volumes/custom
content-type: application/json

{"name":"b1","type":"custom","description":"d","config":{"size":"16MiB"},"content_type":"block"}"#,
    }
}

/// What a volume is made of is said, and nothing of it is guessed.
///
/// pylxd: W38.
#[test]
fn what_volumes_are_made_of() {
    let lxd = lxd();
    let all = lxd.storage_pool("p1").volumes();
    let mut copy = StorageVolumesPost::copy("v2", "p2", "v1/s1");
    copy.source.as_mut().unwrap().project = "other".into();
    copy.source.as_mut().unwrap().volume_only = true;
    let mut pull = StorageVolumesPost::new("v3");
    let mut source = StorageVolumeSource::default();
    source.kind = "migration".into();
    source.mode = "pull".into();
    source.operation = "https://10.0.0.1:8443/1.0/operations/op-1".into();
    source.secrets = [("control".to_owned(), "c".into()), ("fs".to_owned(), "f".into())].into();
    pull.source = Some(source);
    let mut offer = StorageVolumePost::default();
    offer.name = "v1".into();
    offer.migration = true;
    let mut push = offer.clone();
    let mut target = StorageVolumePostTarget::default();
    target.operation = "https://10.0.0.1:8443/1.0/operations/op-1".into();
    target.secrets = [("control".to_owned(), "c".into())].into();
    push.target = Some(target);
    let v1 = || ("p1".into(), StorageVolumeType::Custom, "v1".into());
    golden! { lxd:
        all.create(StorageVolumesPost::new("v1")) => r#"POST /1.0/storage-pools/p1/volumes/custom
content-type: application/json

{"name":"v1","type":"custom"}"#,
        all.create(copy) => r#"POST /1.0/storage-pools/p1/volumes/custom
content-type: application/json

{"name":"v2","type":"custom","source":{"type":"copy","name":"v1/s1","pool":"p2","project":"other","volume_only":true}}"#,
        all.create(pull) => r#"POST /1.0/storage-pools/p1/volumes/custom
content-type: application/json

{"name":"v3","type":"custom","source":{"type":"migration","mode":"pull","operation":"https://10.0.0.1:8443/1.0/operations/op-1","secrets":{"control":"c","fs":"f"}}}"#,
        lxd.call(MoveStorageVolume::new(v1(), offer)) => r#"POST /1.0/storage-pools/p1/volumes/custom/v1
content-type: application/json

{"name":"v1","migration":true}"#,
        lxd.call(MoveStorageVolume::new(v1(), push)) => r#"POST /1.0/storage-pools/p1/volumes/custom/v1
content-type: application/json

{"name":"v1","migration":true,"target":{"operation":"https://10.0.0.1:8443/1.0/operations/op-1","secrets":{"control":"c"}}}"#,
        all.import("v4", "a backup") => "POST /1.0/storage-pools/p1/volumes/custom
content-type: application/octet-stream
x-lxd-name: v4

a backup",
        all.import("v5", Payload::sized("a reader", 5)).iso() => "POST /1.0/storage-pools/p1/volumes/custom
content-length: 5
content-type: application/octet-stream
x-lxd-name: v5
x-lxd-type: iso

<a reader>",
        all.import("v6", Payload::reader("a reader")).tar().wait() => "POST /1.0/storage-pools/p1/volumes/custom
content-type: application/octet-stream
x-lxd-name: v6
x-lxd-type: tar

<a reader>",
    }
}

#[test]
fn volume_snapshots_and_backups() {
    let lxd = lxd();
    let volume = lxd.storage_pool("p1").custom_volume("v1");
    let (snapshots, snapshot) = (volume.snapshots(), volume.snapshot("s1"));
    let (backups, backup) = (volume.backups(), volume.backup("b 1"));
    let mut small = StoragePoolVolumeBackupsPost::new("b 1");
    small.volume_only = true;
    small.compression_algorithm = "none".into();
    golden! { lxd:
        snapshots.list() => "GET /1.0/storage-pools/p1/volumes/custom/v1/snapshots?recursion=1",
        snapshots.names() => "GET /1.0/storage-pools/p1/volumes/custom/v1/snapshots",
        snapshots.get("s1") => "GET /1.0/storage-pools/p1/volumes/custom/v1/snapshots/s1",
        snapshots.create(StorageVolumeSnapshotsPost::default()) => r"POST /1.0/storage-pools/p1/volumes/custom/v1/snapshots
content-type: application/json

{}",
        snapshots.create(StorageVolumeSnapshotsPost::new("s1")) => r#"POST /1.0/storage-pools/p1/volumes/custom/v1/snapshots
content-type: application/json

{"name":"s1"}"#,
        snapshot.get() => "GET /1.0/storage-pools/p1/volumes/custom/v1/snapshots/s1",
        snapshot.edit(|_| ()) => "GET /1.0/storage-pools/p1/volumes/custom/v1/snapshots/s1",
        snapshot.patch(|p| p.expires_at = Some(Timestamp::new("2030-01-31T12:00:00Z")))
            => r#"PATCH /1.0/storage-pools/p1/volumes/custom/v1/snapshots/s1
content-type: application/json

{"expires_at":"2030-01-31T12:00:00Z"}"#,
        snapshot.rename("s2") => r#"POST /1.0/storage-pools/p1/volumes/custom/v1/snapshots/s1
content-type: application/json

{"name":"s2"}"#,
        snapshot.delete() => "DELETE /1.0/storage-pools/p1/volumes/custom/v1/snapshots/s1",

        backups.list() => "GET /1.0/storage-pools/p1/volumes/custom/v1/backups?recursion=1",
        backups.names() => "GET /1.0/storage-pools/p1/volumes/custom/v1/backups",
        backups.create(small) => r#"POST /1.0/storage-pools/p1/volumes/custom/v1/backups
content-type: application/json

{"name":"b 1","volume_only":true,"compression_algorithm":"none"}"#,
        backup.get() => "GET /1.0/storage-pools/p1/volumes/custom/v1/backups/b%201",
        backup.rename("b2") => r#"POST /1.0/storage-pools/p1/volumes/custom/v1/backups/b%201
content-type: application/json

{"name":"b2"}"#,
        backup.export() => "GET /1.0/storage-pools/p1/volumes/custom/v1/backups/b%201/export",
        backup.export().bytes() => "GET /1.0/storage-pools/p1/volumes/custom/v1/backups/b%201/export",
        backup.delete() => "DELETE /1.0/storage-pools/p1/volumes/custom/v1/backups/b%201",
    }
}

#[test]
fn buckets() {
    let lxd = lxd();
    let pool = lxd.storage_pool("p1");
    let (all, one) = (pool.buckets(), pool.bucket("b1"));
    let mut post = StorageBucketKeysPost::new("k1");
    post.role = "admin".into();
    let mut put = StorageBucketKeyPut::default();
    put.role = "read-only".into();
    put.access_key = "a".into();
    put.secret_key = "s".into();
    golden! { lxd:
        all.list().all_projects() => "GET /1.0/storage-pools/p1/buckets?recursion=1&all-projects=true",
        all.names() => "GET /1.0/storage-pools/p1/buckets",
        all.create(StorageBucketsPost::new("b1")) => r#"POST /1.0/storage-pools/p1/buckets
content-type: application/json

{"name":"b1"}"#,
        one.get() => "GET /1.0/storage-pools/p1/buckets/b1",
        one.edit(|_| ()) => "GET /1.0/storage-pools/p1/buckets/b1",
        one.patch(|p| p.config = Some([("size".into(), "1GiB".into())].into())) => r#"PATCH /1.0/storage-pools/p1/buckets/b1
content-type: application/json

{"config":{"size":"1GiB"}}"#,
        one.delete() => "DELETE /1.0/storage-pools/p1/buckets/b1",
        one.keys().list() => "GET /1.0/storage-pools/p1/buckets/b1/keys?recursion=1",
        one.keys().names() => "GET /1.0/storage-pools/p1/buckets/b1/keys",
        one.keys().create(post) => r#"POST /1.0/storage-pools/p1/buckets/b1/keys
content-type: application/json

{"name":"k1","role":"admin"}"#,
        one.key("k1").get() => "GET /1.0/storage-pools/p1/buckets/b1/keys/k1",
        one.key("k1").replace(put) => r#"PUT /1.0/storage-pools/p1/buckets/b1/keys/k1
content-type: application/json

{"description":"","role":"read-only","access-key":"a","secret-key":"s"}"#,
        one.key("k1").delete() => "DELETE /1.0/storage-pools/p1/buckets/b1/keys/k1",
    }
}
