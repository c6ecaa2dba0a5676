//! Storage volumes: `/1.0/storage-pools/{pool}/volumes/{type}/{name}`.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use http::Method;

use super::{Config, StoragePool};
use crate::{
    Call, Client, Endpoint, Error, Object, Request, Response,
    compat::{Needs, Secret, Timestamp, model, open_enum, request, writable},
    crud::{
        AcrossProjects, Changed, Creatable, Deletable, Editable, Filterable, Listed, Patchable, Renamable, Resource,
    },
    endpoint::{bare, json},
    entitlements::Entitled,
    envelope,
    uri::Path,
};

open_enum! {
    /// Whose a volume is.
    pub enum StorageVolumeType {
        /// People's.
        Custom = "custom",
        /// A container's root.
        Container = "container",
        /// A virtual machine's root.
        VirtualMachine = "virtual-machine",
        /// An image's, which new instances are copied from.
        Image = "image",
    }
}

open_enum! {
    /// What is in a volume.
    pub enum StorageVolumeContentType {
        /// Files.
        Filesystem = "filesystem",
        /// A disk's blocks (`custom_block_volumes`).
        Block = "block",
        /// A disc's image (`custom_volume_iso`, 5.16).
        Iso = "iso",
    }
}

model! {
    /// A storage volume (extension `storage`).
    pub struct StorageVolume {
        /// Its name; in a list also `volume/snapshot`.
        pub name: String,
        /// Whose it is.
        #[serde(rename = "type")]
        pub kind: StorageVolumeType,
        /// What it is for.
        pub description: String,
        /// Its configuration. When it was made it took what its pool has for it behind `volume.`.
        pub config: Config,
        /// What is in it.
        pub content_type: StorageVolumeContentType,
        /// The URLs of the instances and profiles that use it.
        pub used_by: Vec<String>,
        /// The cluster member that it is on; `none` without a cluster, empty where all members reach it.
        pub location: String,
        /// The project it is in.
        pub project: String,
        /// When it was made; unset on 5.0.
        pub created_at: Timestamp,
        /// The pool it is in (`storage_volumes_all`, 6.1).
        pub pool: String,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }

    /// How a volume stands.
    pub struct StorageVolumeState {
        /// How full it is; none where the driver cannot say.
        pub usage: Option<StorageVolumeStateUsage>,
    }

    /// How full a volume is, in bytes.
    pub struct StorageVolumeStateUsage {
        /// In use; 0 where the driver cannot say.
        pub used: u64,
        /// In all (`storage_volume_state_total`); 0 where it is as large as the pool.
        pub total: i64,
    }
}

writable! {
    /// What can be written of a [`StorageVolume`].
    pub struct StorageVolumePut / StorageVolumePatch {
        /// What it is for. A patch that does not say it makes it empty on 5.0.
        pub description: String,
        /// Its configuration. Newer servers want its `volatile.uuid` back, which [`edit`](crate::Object::edit) keeps.
        pub config: Config,
    }
}

request! {
    /// A volume to be made: `POST /1.0/storage-pools/{pool}/volumes/{type}`.
    pub struct StorageVolumesPost {
        /// Its name.
        pub name: String,
        /// Whose it is. LXD makes only `custom` for people.
        #[serde(rename = "type")]
        pub kind: StorageVolumeType,
        /// What it is for.
        pub description: String,
        /// Its configuration: `size`, `snapshots.expiry`, `security.shifted` and others.
        pub config: Config,
        /// What is in it; empty means files.
        pub content_type: StorageVolumeContentType,
        /// Where its content comes from; none means that it is empty.
        pub source: Option<StorageVolumeSource> = inner,
    }

    /// Where a new volume's content comes from.
    pub struct StorageVolumeSource {
        /// `copy` or `migration`.
        #[serde(rename = "type")]
        pub kind: String,
        /// The volume or `volume/snapshot` that is copied.
        pub name: String,
        /// The pool it is in.
        pub pool: String,
        /// The project it is in (`storage_api_project`); empty means the new volume's.
        pub project: String = "storage_api_project",
        /// The cluster member it is on (`cluster_internal_custom_volume_copy`).
        pub location: String = "cluster_internal_custom_volume_copy",
        /// Whether its snapshots are left out.
        pub volume_only: bool,
        /// Whether an existing copy is brought up to date (`custom_volume_refresh`).
        pub refresh: bool = "custom_volume_refresh",
        /// Of a migration, `pull` or `push`: who connects to whom.
        pub mode: String,
        /// The URL of the source server's operation.
        pub operation: String,
        /// The source server's certificate, PEM.
        pub certificate: String,
        /// The secrets of the source's websockets, by their names.
        pub secrets: BTreeMap<String, Secret>,
    }

    /// A volume's new name or place: `POST /1.0/storage-pools/{pool}/volumes/{type}/{name}`.
    pub struct StorageVolumePost {
        /// Its name.
        pub name: String,
        /// The pool it moves to. A project's change needs it too, also when it is the same.
        pub pool: String,
        /// The project it moves to (`storage_volume_project_move`).
        pub project: String = "storage_volume_project_move",
        /// Whether another server gets it.
        pub migration: bool,
        /// Whether another server gets no snapshots of it.
        pub volume_only: bool,
        /// The other server, which is sent to; none means that it asks.
        pub target: Option<StorageVolumePostTarget>,
        /// Where it is in a cluster (`cluster_internal_custom_volume_copy`).
        pub source: Option<StorageVolumeSource> = "cluster_internal_custom_volume_copy",
    }

    /// A server that is sent a volume.
    pub struct StorageVolumePostTarget {
        /// Its certificate, PEM.
        pub certificate: String,
        /// The URL of its operation.
        pub operation: String,
        /// The secrets of its websockets, by their names.
        pub secrets: BTreeMap<String, Secret>,
    }
}

impl StorageVolumesPost {
    /// An empty volume for files, of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: StorageVolumeType::Custom, ..Self::default() }
    }

    /// An empty volume for blocks, of this name (extension `custom_block_volumes`).
    pub fn block(name: impl Into<String>) -> Self {
        Self { content_type: StorageVolumeContentType::Block, ..Self::new(name) }
    }

    /// A copy of a volume, or `volume/snapshot`, of a pool. See its [`source`](Self::source) for more.
    pub fn copy(name: impl Into<String>, pool: impl Into<String>, volume: impl Into<String>) -> Self {
        let source = StorageVolumeSource {
            kind: "copy".into(),
            pool: pool.into(),
            name: volume.into(),
            ..StorageVolumeSource::default()
        };
        Self { source: Some(source), ..Self::new(name) }
    }
}

/// What names a volume: its pool, its type, and its name.
pub type StorageVolumeAt = (String, StorageVolumeType, String);

impl Resource for StorageVolume {
    const KIND: &'static str = "storage volume";
    const EXTENSION: Option<&'static str> = Some("storage");
    type At = StorageVolumeAt;

    fn path((pool, kind, name): &StorageVolumeAt) -> Path {
        StoragePool::path(pool).join("volumes").name(kind.as_str()).name(name)
    }
}

impl Listed for StorageVolume {
    /// The pool, and the type.
    type In = (String, StorageVolumeType);

    fn list((pool, kind): &Self::In) -> Path {
        StoragePool::path(pool).join("volumes").name(kind.as_str())
    }

    fn at((pool, kind): &Self::In, name: &str) -> StorageVolumeAt {
        (pool.clone(), kind.clone(), name.into())
    }
}

impl Creatable for StorageVolume {
    type Post = StorageVolumesPost;
    type Answer = ();
}

impl Editable for StorageVolume {
    type Put = StorageVolumePut;
    const READ_ONLY: &'static [&'static str] = &[
        "access_entitlements",
        "content_type",
        "created_at",
        "location",
        "name",
        "pool",
        "project",
        "restore",
        "type",
        "used_by",
    ];
}

impl Patchable for StorageVolume {
    type Patch = StorageVolumePatch;
}

impl Renamable for StorageVolume {}
impl Entitled for StorageVolume {}
impl Deletable for StorageVolume {}

impl Filterable for StorageVolume {
    const EXTENSION: &'static str = "storage_volume_api_filtering";
}

impl AcrossProjects for StorageVolume {
    const EXTENSION: &'static str = "storage_volumes_all_projects";
}

/// `GET` of a volume's `state` (extension `storage_volume_state`).
#[derive(Clone, Debug)]
pub struct GetStorageVolumeState {
    /// The volume.
    pub volume: StorageVolumeAt,
}

impl Endpoint for GetStorageVolumeState {
    type Output = StorageVolumeState;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &StorageVolume::path(&self.volume).join("state"))
    }

    fn response(&self, response: Response) -> Result<StorageVolumeState, Error> {
        envelope::sync("a volume's state", &response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        ["storage_volume_state"].into()
    }
}

/// `POST` to a volume, which gives it another name or place.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MoveStorageVolume {
    volume: StorageVolumeAt,
    /// Where to.
    pub post: StorageVolumePost,
}

impl MoveStorageVolume {
    /// The request for this volume.
    pub fn new(volume: StorageVolumeAt, post: StorageVolumePost) -> Self {
        Self { volume, post }
    }
}

impl Endpoint for MoveStorageVolume {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        json(Method::POST, &StorageVolume::path(&self.volume), &self.post)
    }

    fn response(&self, response: Response) -> Result<Changed<()>, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        ["storage_api_local_volume_handling"].into_iter().chain(self.post.needs()).collect()
    }
}

impl<C: Client> Call<C, MoveStorageVolume> {
    /// Gives it another name too.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.endpoint.post.name = name.into();
        self
    }

    /// Gives it to another project too (extension `storage_volume_project_move`).
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.endpoint.post.project = project.into();
        self
    }
}

impl<C: Client> Object<C, StorageVolume> {
    /// How full it is: `GET /1.0/storage-pools/{pool}/volumes/{type}/{name}/state` (extension `storage_volume_state`). Where
    /// the driver cannot say (`dir`), 5.0 answers with an error.
    pub fn state(&self) -> Call<C, GetStorageVolumeState> {
        Call::new(&self.client, GetStorageVolumeState { volume: self.at.clone() })
    }

    /// Moves it to a pool, and with `.name(..)` and `.project(..)` to another name and project:
    /// `POST /1.0/storage-pools/{pool}/volumes/{type}/{name}`. No instance may use it. To move it to another project only,
    /// say the pool that it is in.
    pub fn move_to(&self, pool: impl Into<String>) -> Call<C, MoveStorageVolume> {
        let post = StorageVolumePost { name: self.at.2.clone(), pool: pool.into(), ..StorageVolumePost::default() };
        Call::new(&self.client, MoveStorageVolume::new(self.at.clone(), post))
    }
}
