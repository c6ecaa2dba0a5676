//! Storage on servers that the acceptance cases don't run on: what 6.9 answered, and a cluster.

use lxd_proto::{
    Error, Lxd, Response,
    compat::Timestamp,
    resources::{
        StorageBucketKeysPost, StorageBucketsPost, StoragePoolVolumeBackupsPost, StoragePoolsPost,
        StorageVolumeContentType, StorageVolumeSnapshotsPost, StorageVolumeType, StorageVolumesPost,
    },
};
use serde_json::{Value, json};

use crate::support::script::{Answer, error, play, running, success, sync, versioned};

const URL: &str = "/1.0/operations/op-1";
const WAIT: &str = "GET /1.0/operations/op-1/wait?timeout=15";
const V1: &str = "/1.0/storage-pools/p1/volumes/custom/v1";

fn get(path: &str) -> String {
    format!("GET {path}")
}

/// A listed volume has its type, its own name, and its project, whatever the URL looks like.
///
/// pylxd: W03, W21.
#[test]
fn names_of_volumes() {
    let pool = "/1.0/storage-pools/p1/volumes";
    let shown = |urls: &[&str]| {
        let names = play([(get(pool), sync(json!(urls)))], |lxd| lxd.storage_pool("p1").volumes().names().send())?;
        let shown = names.into_iter().map(|name| {
            assert_eq!(name.pool, "p1");
            let (snapshot, project, target) = (name.snapshot, name.project, name.target);
            let rest = [("@", snapshot), (" in ", project), (" on ", target)];
            let rest = rest.into_iter().filter_map(|(word, value)| Some(format!("{word}{}", value?)));
            format!("{} {}{}", name.kind, name.name, rest.collect::<String>())
        });
        Ok::<_, Error>(shown.collect::<Vec<_>>())
    };
    let known = [
        ("custom/v1", "custom v1"),
        // Encoded once, and twice as 5.0 does it.
        ("custom/a%20b?project=p%20q", "custom a b in p q"),
        ("custom/%25C3%25BC%252520x:y", "custom ü%20x:y"),
        ("custom/a%2520b/snapshots/s0?project=p", "custom a b@s0 in p"),
        ("custom/v1?project=p&target=m2", "custom v1 in p on m2"),
        ("container/c1/snapshots/s0", "container c1@s0"),
        ("virtual-machine/vm", "virtual-machine vm"),
        ("image/bee25adc", "image bee25adc"),
        // A type that nobody here knows is not taken for another.
        ("tape/t1", "tape t1"),
    ];
    let urls = known.map(|(url, _)| format!("{pool}/{url}"));
    assert_eq!(shown(&urls.each_ref().map(String::as_str)).unwrap(), known.map(|(_, name)| name));
    for odd in
        ["/1.0/storage-pools/p1/volumes/custom", "/1.0/instances/c1", "", "/1.0/storage-pools/p1/volumes/custom/"]
    {
        assert!(matches!(shown(&[odd]), Err(Error::Protocol(_))), "{odd}");
    }
    for odd in ["/1.0/storage-pools/p1/volumes/custom/v1/files", "/1.0/storage-pools/p1/volumes/custom/v1/snapshots"] {
        assert!(matches!(shown(&[odd]), Err(Error::Protocol(_))), "{odd}");
    }
    assert_eq!(
        play([(get(pool), sync(Value::Null))], |lxd| lxd.storage_pool("p1").volumes().names().send()),
        Ok(vec![])
    );
}

/// pylxd (recorded): P302: 5.0.2 has no list of the volumes of all pools.
#[test]
fn volumes_of_all_pools() {
    let volumes = json!([
        {
            "name": "c1/s0", "description": "", "type": "container", "pool": "default", "content_type": "filesystem",
            "project": "default", "location": "none", "created_at": "2026-11-21T21:38:31.886639795Z",
            "config": {"volatile.uuid": "2c8886cb-9a1b-4fea-af96-4151ee3f6e32"}, "used_by": ["/1.0/instances/c1/snapshots/s0"],
        },
        {
            "name": "iso1", "description": "", "type": "custom", "pool": "p1", "content_type": "iso", "project": "default",
            "location": "none", "created_at": "2026-11-21T21:38:58.849363586Z", "config": {"size": "65544"}, "used_by": [],
        },
    ]);
    let asked = get("/1.0/storage-volumes?recursion=1&all-projects=true");
    let volumes = play([(asked, sync(volumes))], |lxd| lxd.storage_volumes().list().all_projects().send()).unwrap();
    assert_eq!((volumes[0].name.as_str(), volumes[0].pool.as_str()), ("c1/s0", "default"));
    assert_eq!(volumes[0].kind, StorageVolumeType::Container);
    assert_eq!(
        (&volumes[1].content_type, volumes[1].config["size"].as_str()),
        (&StorageVolumeContentType::Iso, "65544")
    );
    assert_eq!(volumes[1].created_at, Timestamp::new("2026-11-21T21:38:58.849363586Z"));
}

/// What is changed as an operation is changed when the call ends; what is not changed stays: a description, and the
/// `volatile.uuid` that 6.9 wants back.
///
/// pylxd: W20, W35.
#[test]
fn a_volume_is_changed_by_an_operation() {
    let before = json!({
        "name": "v1", "description": "ours", "type": "custom", "pool": "p1", "content_type": "filesystem",
        "project": "default", "location": "none", "created_at": "2026-11-21T21:38:47.603192228Z",
        "config": {"volatile.uuid": "17c2aa79"}, "used_by": [], "access_entitlements": ["can_edit"],
    });
    let put = format!("PUT {V1}\ncontent-type: application/json\nif-match: e1\n\n");
    let steps = |body: &str| {
        [
            (get(V1), versioned("e1", before.clone())),
            (format!("{put}{body}"), running(URL)),
            (WAIT.into(), success(json!({"entity_url": V1}))),
        ]
    };
    let v1 = |lxd: &crate::support::client::Client<_>| lxd.storage_pool("p1").custom_volume("v1");
    let config = steps(r#"{"config":{"user.a":"1","volatile.uuid":"17c2aa79"},"description":"ours"}"#);
    play(config, |lxd| v1(lxd).edit(|v| drop(v.config.insert("user.a".into(), "1".into()))).send()).unwrap();
    let description = steps(r#"{"config":{"volatile.uuid":"17c2aa79"},"description":"theirs"}"#);
    play(description, |lxd| v1(lxd).edit(|v| v.description = "theirs".into()).send()).unwrap();

    // Each of these is an operation since 6.6 or 6.8, and was none before.
    for asynchronous in [true, false] {
        let steps = |asked: &str| {
            let done = (WAIT.to_owned(), success(json!({"entity_url": V1})));
            let answer = if asynchronous { running(URL) } else { sync(json!({})) };
            [(asked.to_owned(), answer)].into_iter().chain(asynchronous.then_some(done)).collect::<Vec<_>>()
        };
        play(steps(&format!("PATCH {V1}")), |lxd| v1(lxd).patch(|_| ()).wait().send()).unwrap();
        play(steps(&format!("PUT {V1}")), |lxd| v1(lxd).restore("s1").wait().send()).unwrap();
        play(steps(&format!("POST {V1}")), |lxd| v1(lxd).rename("v2").wait().send()).unwrap();
        play(steps(&format!("DELETE {V1}")), |lxd| v1(lxd).delete().wait().send()).unwrap();
        let volumes = "POST /1.0/storage-pools/p1/volumes/custom";
        let create = StorageVolumesPost::new("v1");
        play(steps(volumes), |lxd| lxd.storage_pool("p1").volumes().create(create).wait().send()).unwrap();
        let pool = StoragePoolsPost::new("p1", "dir");
        play(steps("POST /1.0/storage-pools"), |lxd| lxd.storage_pools().create(pool).wait().send()).unwrap();
    }
}

/// Both ages say what they made where they can: 5.0.2 says only the volume of a snapshot.
///
/// pylxd (recorded): P299: 5.0.2 does not say the name that it chose.
#[test]
fn names_that_the_server_chose() {
    let made =
        |path: &str, operation: Answer| [(format!("POST {V1}/{path}"), running(URL)), (WAIT.to_owned(), operation)];
    let old =
        |resources: Value| sync(json!({"id": "op-1", "status_code": 200, "resources": resources, "metadata": null}));
    let new = |path: &str| success(json!({"entity_url": format!("{V1}/{path}")}));
    for (operation, name) in
        [(new("snapshots/snap0"), "snap0"), (old(json!({"storage_volumes": ["/1.0/storage_volumes/v1"]})), "")]
    {
        let post = StorageVolumeSnapshotsPost::default();
        let create = |lxd: &crate::support::client::Client<_>| {
            lxd.storage_pool("p1").custom_volume("v1").snapshots().create(post).wait().send()
        };
        assert_eq!(play(made("snapshots", operation), create).unwrap().name, name);
    }
    for operation in [
        new("backups/backup0"),
        old(json!({"backups": ["/1.0/backups/backup0"], "storage_volumes": ["/1.0/storage_volumes/v1"]})),
    ] {
        let post = StoragePoolVolumeBackupsPost::default();
        let create = |lxd: &crate::support::client::Client<_>| {
            lxd.storage_pool("p1").custom_volume("v1").backups().create(post).wait().send()
        };
        assert_eq!(play(made("backups", operation), create).unwrap().name, "backup0");
    }
}

/// pylxd (recorded): P302: on 5.0.2 the driver `dir` says nothing of a volume's state.
#[test]
fn state_of_a_volume() {
    for (metadata, shown) in [
        (
            json!({"usage": {"used": 1_693_552_640_u64, "total": 5_189_222_192_u64}}),
            Some((1_693_552_640, 5_189_222_192)),
        ),
        (json!({"usage": {"used": 0, "total": 0}}), Some((0, 0))),
        (json!({"usage": null}), None),
    ] {
        let asked = get(&format!("{V1}/state"));
        let state = play([(asked, sync(metadata))], |lxd| lxd.storage_pool("p1").custom_volume("v1").state().send());
        assert_eq!(state.unwrap().usage.map(|usage| (usage.used, usage.total)), shown);
    }
}

/// pylxd (recorded): P302: 5.0.2 has no buckets.
#[test]
fn buckets() {
    let buckets = "/1.0/storage-pools/p1/buckets";
    let admin = json!({
        "name": "admin", "description": "Admin user", "role": "admin", "access-key": "33UgkaIBLBIxb7O1",
        "secret-key": "kDQD6AOgwHgaQI1UIJBJpPaiLgZuJbq0",
    });
    // In the answer from 5.6 on, in the operation since 6.8, and nowhere on 5.5.
    let create = |lxd: &crate::support::client::Client<_>| {
        lxd.storage_pool("p1").buckets().create(StorageBucketsPost::new("b1")).wait().send()
    };
    let post = format!("POST {buckets}");
    let at_once = play([(post.as_str(), sync(admin.clone()))], create).unwrap().unwrap();
    let later = play([(post.as_str(), running(URL)), (WAIT, success(json!({"key": admin})))], create).unwrap().unwrap();
    assert_eq!(at_once, later);
    assert_eq!(
        (later.access_key.as_str(), later.secret_key.expose()),
        ("33UgkaIBLBIxb7O1", "kDQD6AOgwHgaQI1UIJBJpPaiLgZuJbq0")
    );
    assert!(!format!("{later:?}").contains("kDQD6"));
    for nothing in [Value::Null, json!({})] {
        assert_eq!(play([(post.as_str(), sync(nothing))], create).unwrap(), None);
    }
    assert_eq!(play([(post.as_str(), running(URL)), (WAIT, success(Value::Null))], create).unwrap(), None);

    let bucket = json!([{
        "name": "b1", "description": "", "config": {"size": "1GiB"}, "s3_url": "https://127.0.0.1:8555/b1",
        "location": "none", "project": "default",
    }]);
    let listed = play([(get(&format!("{buckets}?recursion=1")), sync(bucket))], |lxd| {
        lxd.storage_pool("p1").buckets().list().send()
    });
    let listed = listed.unwrap();
    assert_eq!((listed[0].name.as_str(), listed[0].s3_url.as_str()), ("b1", "https://127.0.0.1:8555/b1"));
    let names = json!([format!("{buckets}/b1?project=p")]);
    let names = play([(get(buckets), sync(names))], |lxd| lxd.storage_pool("p1").buckets().names().send());
    assert_eq!(names.unwrap(), ["b1"]);

    // A key keeps its secret when something else of it is changed.
    let key = json!({"name": "k1", "description": "", "role": "read-only", "access-key": "a", "secret-key": "s"});
    let path = format!("{buckets}/b1/keys/k1");
    let put = format!(
        "PUT {path}\ncontent-type: application/json\nif-match: e1\n\n{}",
        r#"{"access-key":"a","description":"","role":"admin","secret-key":"s"}"#
    );
    let steps = [(get(&path), versioned("e1", key.clone())), (put, running(URL)), (WAIT.into(), success(Value::Null))];
    play(steps, |lxd| lxd.storage_pool("p1").bucket("b1").key("k1").edit(|key| key.role = "admin".into()).send())
        .unwrap();
    let made = play([(format!("POST {buckets}/b1/keys"), sync(key))], |lxd| {
        lxd.storage_pool("p1").bucket("b1").keys().create(StorageBucketKeysPost::new("k1")).wait().send()
    });
    assert_eq!(made.unwrap().unwrap().role, "read-only");

    let refused = play([(get(buckets), error(400, "Storage pool driver \"dir\" does not support buckets"))], |lxd| {
        lxd.storage_pool("p1").buckets().names().send()
    });
    assert_eq!(
        refused.unwrap_err().to_string(),
        format!("GET {buckets}: Storage pool driver \"dir\" does not support buckets (400)")
    );
}

/// A backup's length is known before its content is there.
#[test]
fn an_exported_backup() {
    let file =
        http::Response::builder().header("content-length", "4").header("content-disposition", "inline;filename=");
    let file: Response = file.header("content-type", "application/octet-stream").body("data".into()).unwrap();
    let asked = || get(&format!("{V1}/backups/b1/export"));
    let reply = || Ok(lxd_proto::flow::Reply::Http(file.clone()));
    let export =
        |lxd: &crate::support::client::Client<_>| lxd.storage_pool("p1").custom_volume("v1").backup("b1").export();
    assert_eq!(play([(asked(), reply())], |lxd| export(lxd).send()).unwrap().head, Some(4));
    assert_eq!(play([(asked(), reply())], |lxd| export(lxd).bytes().send()).unwrap(), "data");
    let missing = play([(asked(), error(404, "Storage volume backup not found"))], |lxd| export(lxd).bytes().send());
    assert!(missing.unwrap_err().is_not_found());
}
