//! Snapshots of a storage volume: `/1.0/storage-pools/{pool}/volumes/{type}/{volume}/snapshots`.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use http::Method;
use serde::{Deserialize, Deserializer};

use super::{Config, CreatedSnapshot, StorageVolume, StorageVolumeAt, StorageVolumeContentType};
use crate::{
    Call, Client, Collection, Endpoint, Error, Object, Request, Response,
    compat::{Timestamp, null_default, request, writable},
    crud::{Changed, Creatable, Deletable, Editable, Patchable, Renamable, Resource, resource},
    endpoint::json,
};

/// A snapshot of a storage volume (extension `storage_api_volume_snapshots`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StorageVolumeSnapshot {
    /// Its name, without the volume's.
    #[serde(deserialize_with = "own_name")]
    pub name: String,
    /// What it is for; at first what its volume is for.
    #[serde(deserialize_with = "null_default")]
    pub description: String,
    /// The volume's configuration.
    #[serde(deserialize_with = "null_default")]
    pub config: Config,
    /// What is in it; empty in a list.
    #[serde(deserialize_with = "null_default")]
    pub content_type: StorageVolumeContentType,
    /// When it was made; unset on 5.0.
    #[serde(deserialize_with = "null_default")]
    pub created_at: Timestamp,
    /// When the server will delete it; unset means never.
    #[serde(deserialize_with = "null_default")]
    pub expires_at: Timestamp,
}

/// In a list the name is `volume/snapshot`. Neither holds a `/`.
fn own_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name: String = null_default(deserializer)?;
    Ok(name.rsplit('/').next().unwrap_or_default().into())
}

writable! {
    /// What can be written of a [`StorageVolumeSnapshot`].
    pub struct StorageVolumeSnapshotPut / StorageVolumeSnapshotPatch {
        /// What it is for.
        pub description: String,
        /// When the server will delete it; unset means never.
        pub expires_at: Timestamp,
    }
}

request! {
    /// A snapshot to be made: `POST /1.0/storage-pools/{pool}/volumes/{type}/{volume}/snapshots`.
    pub struct StorageVolumeSnapshotsPost {
        /// Its name; the server chooses one when it is empty.
        pub name: String,
        /// What it is for; empty means what the volume is for. 5.0 ignores it.
        pub description: String,
        /// When the server will delete it (`custom_volume_snapshot_expiry`). None leaves it to the volume's
        /// `snapshots.expiry`.
        pub expires_at: Option<Timestamp> = "custom_volume_snapshot_expiry",
    }
}

impl StorageVolumeSnapshotsPost {
    /// A snapshot of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

resource! { StorageVolumeSnapshot, "volume snapshot" ("storage_api_volume_snapshots"): StorageVolume / "snapshots" }

impl Creatable for StorageVolumeSnapshot {
    type Post = StorageVolumeSnapshotsPost;
    type Answer = CreatedSnapshot;
}

impl Editable for StorageVolumeSnapshot {
    type Put = StorageVolumeSnapshotPut;
    const READ_ONLY: &'static [&'static str] = &["config", "content_type", "created_at", "name"];
}

impl Patchable for StorageVolumeSnapshot {
    type Patch = StorageVolumeSnapshotPatch;
}

impl Renamable for StorageVolumeSnapshot {}
impl Deletable for StorageVolumeSnapshot {}

/// Puts a volume back to a snapshot: `PUT` of the volume with `restore` and nothing else.
#[derive(Clone, Debug)]
pub struct RestoreStorageVolume {
    volume: StorageVolumeAt,
    snapshot: String,
}

impl RestoreStorageVolume {
    /// The request for this volume and snapshot.
    pub fn new(volume: StorageVolumeAt, snapshot: String) -> Self {
        Self { volume, snapshot }
    }
}

impl Endpoint for RestoreStorageVolume {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        json(Method::PUT, &StorageVolume::path(&self.volume), &BTreeMap::from([("restore", &self.snapshot)]))
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        StorageVolumeSnapshot::EXTENSION.into_iter().collect()
    }
}

impl<C: Client> Object<C, StorageVolume> {
    /// Its snapshots: `/1.0/storage-pools/{pool}/volumes/{type}/{name}/snapshots`.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::StorageVolumeSnapshotsPost};
    ///
    /// let data = lxd.storage_pool("default").custom_volume("data");
    /// data.snapshots().create(StorageVolumeSnapshotsPost::new("before")).wait().send()?;
    /// data.restore("before").wait().send()?;
    /// data.snapshot("before").delete().wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn snapshots(&self) -> Collection<C, StorageVolumeSnapshot> {
        Collection::new(&self.client, self.at.clone())
    }

    /// One of its snapshots: `/1.0/storage-pools/{pool}/volumes/{type}/{name}/snapshots/{snapshot}`.
    pub fn snapshot(&self, name: impl Into<String>) -> Object<C, StorageVolumeSnapshot> {
        Object::new(&self.client, (self.at.clone(), name.into()))
    }

    /// Puts its content back to a snapshot: `PUT /1.0/storage-pools/{pool}/volumes/{type}/{name}` with `restore`. What is in
    /// it now is lost; its description and configuration stay. No running instance may use it.
    pub fn restore(&self, snapshot: impl Into<String>) -> Call<C, RestoreStorageVolume> {
        Call::new(&self.client, RestoreStorageVolume::new(self.at.clone(), snapshot.into()))
    }
}
