//! Storage pools: `/1.0/storage-pools`.

use alloc::{string::String, vec::Vec};

use http::Method;

use super::{Config, StorageBucket, StorageVolume, StorageVolumeType, StorageVolumes};
use crate::{
    Call, Client, Collection, Endpoint, Error, Object, Request, Response,
    compat::{model, request, writable},
    crud::{Creatable, Deletable, Editable, Patchable, Resource, resource},
    endpoint::bare,
    entitlements::Entitled,
    envelope,
};

model! {
    /// A storage pool (extension `storage`).
    pub struct StoragePool {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// What keeps its data: `dir`, `btrfs`, `lvm`, `zfs`, `ceph`, `cephfs` and others.
        pub driver: String,
        /// Its configuration. Most keys are for every driver (`source`, `rsync.bwlimit`), some begin with a driver's name and
        /// are only for that (`zfs.pool_name`), and what is behind `volume.` is for each new volume that has no such key of
        /// its own (`volume.size`).
        pub config: Config,
        /// `Created`, or in a cluster also `Pending` and `Errored`.
        pub status: String,
        /// The URLs of the instances, profiles, images and volumes that use it.
        pub used_by: Vec<String>,
        /// The cluster members that it is on; `none` without a cluster.
        pub locations: Vec<String>,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }

    /// How full a storage pool is.
    pub struct ResourcesStoragePool {
        /// Its space.
        pub space: ResourcesStoragePoolSpace,
        /// Its inodes; 0 where the driver has none.
        pub inodes: ResourcesStoragePoolInodes,
    }

    /// The space of a storage pool, in bytes.
    pub struct ResourcesStoragePoolSpace {
        /// In use.
        pub used: u64,
        /// In all.
        pub total: u64,
    }

    /// The inodes of a storage pool.
    pub struct ResourcesStoragePoolInodes {
        /// In use.
        pub used: u64,
        /// In all.
        pub total: u64,
    }
}

writable! {
    /// What can be written of a [`StoragePool`].
    pub struct StoragePoolPut / StoragePoolPatch {
        /// What it is for. A patch that does not say it makes it empty on 5.0.
        pub description: String,
        /// Its configuration.
        pub config: Config,
    }
}

request! {
    /// A storage pool to be made: `POST /1.0/storage-pools`.
    ///
    /// In a cluster it is made once for each member, with [`target`](crate::Lxd::target) and that member's own keys
    /// (`source`, `size`), and then once more without, with the keys that all members share.
    pub struct StoragePoolsPost {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// What keeps its data: `dir`, `btrfs`, `lvm`, `zfs`, `ceph`, `cephfs` and others.
        pub driver: String,
        /// Its configuration. Without `source` the server makes a directory or a file of its own for the data.
        pub config: Config,
    }
}

impl StoragePoolsPost {
    /// A pool of this name and driver.
    pub fn new(name: impl Into<String>, driver: impl Into<String>) -> Self {
        Self { name: name.into(), driver: driver.into(), ..Self::default() }
    }
}

resource! { StoragePool, "storage pool" ("storage"): "storage-pools" }

impl Creatable for StoragePool {
    type Post = StoragePoolsPost;
    type Answer = ();
}

impl Editable for StoragePool {
    type Put = StoragePoolPut;
    const READ_ONLY: &'static [&'static str] =
        &["access_entitlements", "driver", "locations", "name", "status", "used_by"];
}

impl Patchable for StoragePool {
    type Patch = StoragePoolPatch;
}

impl Deletable for StoragePool {}
impl Entitled for StoragePool {}

/// `GET /1.0/storage-pools/{name}/resources` (extension `resources`).
#[derive(Clone, Debug)]
pub struct GetStoragePoolResources {
    /// The pool's name.
    pub pool: String,
}

impl Endpoint for GetStoragePoolResources {
    type Output = ResourcesStoragePool;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &StoragePool::path(&self.pool).join("resources"))
    }

    fn response(&self, response: Response) -> Result<ResourcesStoragePool, Error> {
        envelope::sync("a storage pool's resources", &response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        ["storage", "resources"].into()
    }
}

impl<C: Client> Object<C, StoragePool> {
    /// How full it is: `GET /1.0/storage-pools/{name}/resources` (extension `resources`).
    pub fn resources(&self) -> Call<C, GetStoragePoolResources> {
        Call::new(&self.client, GetStoragePoolResources { pool: self.at.clone() })
    }

    /// Its volumes: `/1.0/storage-pools/{name}/volumes`.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::{StorageVolumeType, StorageVolumesPost}};
    ///
    /// let pool = lxd.storage_pool("default");
    /// let mut data = StorageVolumesPost::new("data");
    /// data.config.insert("size".into(), "1GiB".into());
    /// pool.volumes().create(data).wait().send()?;
    /// for volume in pool.volumes().of(StorageVolumeType::Custom).list().send()? {
    ///     println!("{} is used by {:?}", volume.name, volume.used_by);
    /// }
    /// pool.custom_volume("data").edit(|volume| volume.description = "what we keep".into()).send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn volumes(&self) -> StorageVolumes<C> {
        StorageVolumes::in_pool(&self.client, self.at.clone())
    }

    /// One of its volumes: `/1.0/storage-pools/{name}/volumes/{type}/{volume}`. An instance's has the instance's name, an
    /// image's its fingerprint.
    pub fn volume(&self, kind: StorageVolumeType, name: impl Into<String>) -> Object<C, StorageVolume> {
        Object::new(&self.client, (self.at.clone(), kind, name.into()))
    }

    /// One of its volumes that people made: `/1.0/storage-pools/{name}/volumes/custom/{volume}`.
    pub fn custom_volume(&self, name: impl Into<String>) -> Object<C, StorageVolume> {
        self.volume(StorageVolumeType::Custom, name)
    }

    /// Its buckets: `/1.0/storage-pools/{name}/buckets` (extension `storage_buckets`).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::{StorageBucketKeysPost, StorageBucketsPost}};
    ///
    /// let pool = lxd.storage_pool("objects");
    /// pool.buckets().create(StorageBucketsPost::new("photos")).wait().send()?;
    /// let mut reader = StorageBucketKeysPost::new("web");
    /// reader.role = "read-only".into();
    /// if let Some(key) = pool.bucket("photos").keys().create(reader).wait().send()? {
    ///     println!("{} {}", key.access_key, key.secret_key.expose());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn buckets(&self) -> Collection<C, StorageBucket> {
        Collection::new(&self.client, self.at.clone())
    }

    /// One of its buckets: `/1.0/storage-pools/{name}/buckets/{bucket}` (extension `storage_buckets`).
    pub fn bucket(&self, name: impl Into<String>) -> Object<C, StorageBucket> {
        Object::new(&self.client, (self.at.clone(), name.into()))
    }
}
