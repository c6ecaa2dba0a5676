//! Storage pools.

use lxd_proto::{
    Lxd,
    resources::{StoragePoolsPost, StorageVolumesPost},
};
use lxd_tests::{Lab, Server, cases, everywhere, unique};

everywhere!(are_made_changed_and_removed, keys_have_scopes, have_resources, buckets_are_not_of_this_age);

/// On a server where nobody removes a pool: 5.0.2 answers 404 to the list when one is gone while it is made.
mod elsewhere {
    use super::*;

    cases!(ureq_unix, lxd_ureq::Client, two, are_listed);
    cases!(reqwest_unix, lxd_tests::BlockOn, two, are_listed);
    cases!(own_unix, lxd_tests::Own, two, are_listed);

    /// pylxd: P287, P289.
    fn are_listed<C: Lab>(server: &Server<C>) {
        let pools = server.lxd.storage_pools();
        assert_eq!(pools.names().send().unwrap(), ["default"]);
        let [listed] = pools.list().send().unwrap().try_into().unwrap();
        let got = pools.get("default").send().unwrap();
        assert_eq!((&listed.name, &listed.driver, &listed.config), (&got.name, &got.driver, &got.config));
        assert_eq!((listed.driver.as_str(), listed.status.as_str()), ("dir", "Created"));
        assert!(listed.used_by.contains(&"/1.0/profiles/default".to_owned()));
    }
}

/// A pool of this age has no version, and is changed all the same.
///
/// pylxd: P287, P288, P289, P290.
fn are_made_changed_and_removed<C: Lab>(server: &Server<C>) {
    let pools = server.lxd.storage_pools();
    let mut post = StoragePoolsPost::new(unique("pool"), "dir");
    post.description = "for data".into();
    post.config.insert("user.a".into(), "1".into());
    let pool = server.pool_of(post.clone());
    assert!(pools.create(post.clone()).wait().send().is_err());
    assert!(pools.create(StoragePoolsPost::new(unique("pool"), "nonsense")).wait().send().is_err());
    let names = pools.names().send().unwrap();
    assert!(names.contains(&post.name) && names.contains(&"default".to_owned()));

    let made = pools.get(&post.name).send().unwrap();
    assert_eq!(made.name, post.name);
    assert_eq!((made.description.as_str(), made.driver.as_str(), made.status.as_str()), ("for data", "dir", "Created"));
    assert_eq!((made.config["user.a"].as_str(), made.locations.as_slice()), ("1", &["none".to_owned()][..]));
    assert!(made.config["source"].ends_with(&post.name) && made.used_by.is_empty());
    assert_eq!(made.etag, None);

    pool.edit(|pool| {
        pool.description = "for more".into();
        pool.config.insert("user.b".into(), "2".into());
    })
    .send()
    .unwrap();
    pool.patch(|p| {
        // This age empties a description that a patch does not say.
        p.description = Some("for most".into());
        p.config = Some([("user.a".into(), String::new()), ("user.c".into(), "3".into())].into());
    })
    .wait()
    .send()
    .unwrap();
    let changed = pool.get().send().unwrap();
    let users = changed.config.iter().filter(|(key, _)| key.starts_with("user."));
    assert_eq!(users.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(), ["user.b=2", "user.c=3"]);
    assert_eq!((changed.description.as_str(), &changed.config["source"]), ("for most", &made.config["source"]));
    let mut put = changed.writable().unwrap();
    put.description.clear();
    put.config.remove("user.b");
    pool.replace(put).wait().send().unwrap();
    let replaced = pool.get().send().unwrap();
    assert!(replaced.description.is_empty() && !replaced.config.contains_key("user.b"));

    pool.volumes().create(StorageVolumesPost::new("v1")).wait().send().unwrap();
    assert_eq!(pool.get().send().unwrap().used_by, [format!("/1.0/storage-pools/{}/volumes/custom/v1", post.name)]);
    assert!(pool.delete().wait().send().is_err());
    pool.custom_volume("v1").delete().wait().send().unwrap();
    pool.delete().wait().send().unwrap();
    assert!(pool.get().send().unwrap_err().is_not_found());
    assert!(pool.delete().wait().send().unwrap_err().is_not_found());
}

/// Some keys are for every pool, some only for one driver's, and some for the pool's volumes, unless they have their own.
///
/// pylxd: P310.
fn keys_have_scopes<C: Lab>(server: &Server<C>) {
    let mut post = StoragePoolsPost::new(unique("scopes"), "dir");
    post.config.insert("rsync.bwlimit".into(), "1GiB".into());
    post.config.insert("volume.snapshots.expiry".into(), "1d".into());
    let pool = server.pool_of(post);

    let foreign = |driver: &str| {
        let mut post = StoragePoolsPost::new(unique("scopes"), driver);
        post.config.insert("zfs.pool_name".into(), "tank".into());
        server.lxd.storage_pools().create(post).wait().send().unwrap_err().to_string()
    };
    assert!(foreign("dir").contains("Invalid option \"zfs.pool_name\""), "{}", foreign("dir"));
    assert!(pool.edit(|pool| drop(pool.config.insert("nonsense".into(), "1".into()))).send().is_err());

    let expiry = |name: &str| pool.custom_volume(name).get().send().unwrap().config.get("snapshots.expiry").cloned();
    let mut own = StorageVolumesPost::new("own");
    own.config.insert("snapshots.expiry".into(), "2d".into());
    pool.volumes().create(own).wait().send().unwrap();
    pool.volumes().create(StorageVolumesPost::new("first")).wait().send().unwrap();
    pool.edit(|pool| drop(pool.config.insert("volume.snapshots.expiry".into(), "3d".into()))).send().unwrap();
    pool.volumes().create(StorageVolumesPost::new("second")).wait().send().unwrap();
    assert_eq!(expiry("own").as_deref(), Some("2d"));
    assert_eq!(expiry("first").as_deref(), Some("1d"), "what is made keeps what it took");
    assert_eq!(expiry("second").as_deref(), Some("3d"));
}

/// pylxd: P291.
fn have_resources<C: Lab>(server: &Server<C>) {
    let resources = server.lxd.storage_pool("default").resources().send().unwrap();
    assert!(resources.space.used > 0 && resources.space.used <= resources.space.total);
    assert!(resources.inodes.used > 0 && resources.inodes.used <= resources.inodes.total);
    let missing = server.lxd.storage_pool("none").resources().send().unwrap_err();
    assert!(missing.to_string().contains("Storage pool not found"), "{missing}");
}

/// What this server has not is said by its name, and not as a pool that is not found.
fn buckets_are_not_of_this_age<C: Lab>(server: &Server<C>) {
    let missing = server.lxd.storage_pool("default").buckets().names().send().unwrap_err();
    assert_eq!(missing.to_string(), "this server lacks the API extension \"storage_buckets\"");
    let missing = server.lxd.storage_volumes().list().send().unwrap_err();
    assert_eq!(missing.to_string(), "this server lacks the API extension \"storage_volumes_all\"");
}
