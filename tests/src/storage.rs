//! Storage pools of a test's own.

use std::{fmt, ops::Deref};

use lxd_proto::{
    Blocking, Lxd, Object,
    resources::{StoragePool, StoragePoolsPost, StorageVolumeType},
};

use crate::{Lab, Server, unique};

/// A storage pool of the test's own, removed with all its volumes when the test is over.
pub struct Pool<C: Blocking> {
    lxd: C,
    pool: Object<C, StoragePool>,
}

impl<C: Lab> Server<C> {
    /// A storage pool of directories.
    pub fn pool(&self, what: &str) -> Pool<C> {
        self.pool_of(StoragePoolsPost::new(unique(what), "dir"))
    }

    /// A storage pool as it is said.
    pub fn pool_of(&self, post: StoragePoolsPost) -> Pool<C> {
        let pool = self.lxd.storage_pool(&post.name);
        self.lxd.storage_pools().create(post).wait().send().expect("a storage pool");
        Pool { lxd: self.lxd.clone(), pool }
    }
}

impl<C: Blocking> Pool<C> {
    /// Its name.
    pub fn name(&self) -> &str {
        self.pool.at()
    }
}

impl<C: Blocking> Deref for Pool<C> {
    type Target = Object<C, StoragePool>;

    fn deref(&self) -> &Self::Target {
        &self.pool
    }
}

impl<C: Blocking> Drop for Pool<C> {
    fn drop(&mut self) {
        let volumes = self.pool.volumes().of(StorageVolumeType::Custom);
        for volume in volumes.names().all_projects().send().unwrap_or_default() {
            if volume.snapshot.is_none() {
                let lxd = self.lxd.project(volume.project.as_deref().unwrap_or("default"));
                let _ = lxd.storage_pool(self.name()).custom_volume(volume.name).delete().wait().send();
            }
        }
        let _ = self.pool.delete().wait().send();
    }
}

impl<C: Blocking> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}
