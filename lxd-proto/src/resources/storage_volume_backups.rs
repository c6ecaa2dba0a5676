//! Backups of a storage volume: `/1.0/storage-pools/{pool}/volumes/{type}/{volume}/backups`. And volumes of files.

use alloc::{string::String, vec::Vec};

use http::{Method, response::Parts};

use super::{StorageVolume, StorageVolumeAt, StorageVolumeType, StorageVolumes};
use crate::{
    Call, Client, Collection, Download, Endpoint, Error, Fetch, Object, Payload, Request, Response, Streams,
    compat::{Timestamp, model, request},
    crud::{Changed, Creatable, Created, Deletable, Listed, Renamable, Resource, resource},
    endpoint::{Body, bare, set_header, with_body},
    headers,
};

model! {
    /// A backup of a custom volume, which the server keeps (extension `custom_volume_backup`).
    pub struct StoragePoolVolumeBackup {
        /// Its name.
        pub name: String,
        /// When it was made.
        pub created_at: Timestamp,
        /// When the server will delete it; unset means never.
        pub expires_at: Timestamp,
        /// Whether it is without the volume's snapshots.
        pub volume_only: bool,
        /// Whether it is in the format of the pool's driver.
        pub optimized_storage: bool,
    }
}

request! {
    /// A backup to be made: `POST /1.0/storage-pools/{pool}/volumes/{type}/{volume}/backups`.
    pub struct StoragePoolVolumeBackupsPost {
        /// Its name; the server chooses one when it is empty.
        pub name: String,
        /// When the server will delete it; none means never.
        pub expires_at: Option<Timestamp>,
        /// Whether the volume's snapshots are left out.
        pub volume_only: bool,
        /// Whether it is in the format of the pool's driver, which only such a pool reads.
        pub optimized_storage: bool,
        /// `none`, or a program as `gzip` or `zstd`; empty means the server's `backups.compression_algorithm`.
        pub compression_algorithm: String,
        /// The format's version (`backup_metadata_version`); none means the newest.
        pub version: Option<u32> = "backup_metadata_version",
    }
}

impl StoragePoolVolumeBackupsPost {
    /// A backup of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

resource! { StoragePoolVolumeBackup, "volume backup" ("custom_volume_backup"): StorageVolume / "backups" }

impl Creatable for StoragePoolVolumeBackup {
    type Post = StoragePoolVolumeBackupsPost;
    type Answer = Created;
}

impl Renamable for StoragePoolVolumeBackup {}
impl Deletable for StoragePoolVolumeBackup {}

/// `GET` of a backup's file.
#[derive(Clone, Debug)]
pub struct ExportStorageVolumeBackup {
    /// The volume, and the backup.
    pub backup: (StorageVolumeAt, String),
}

impl Download for ExportStorageVolumeBackup {
    /// How many bytes it has, if the server says it.
    type Head = Option<u64>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &StoragePoolVolumeBackup::path(&self.backup).join("export"))
    }

    fn head(&self, head: &Parts) -> Result<Option<u64>, Error> {
        Ok(headers::content_length(&head.headers))
    }

    fn extensions(&self) -> Vec<&'static str> {
        StoragePoolVolumeBackup::EXTENSION.into_iter().collect()
    }
}

/// `POST /1.0/storage-pools/{pool}/volumes/custom` with a file.
#[derive(Clone, Debug)]
pub struct ImportStorageVolume {
    pool: String,
    name: String,
    body: Body,
    format: Option<(&'static str, &'static str)>,
}

impl Endpoint for ImportStorageVolume {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        let path = StorageVolume::list(&(self.pool.clone(), StorageVolumeType::Custom));
        let mut request = with_body(Method::POST, &path, "application/octet-stream", self.body.clone())?;
        set_header(&mut request, headers::NAME, &self.name)?;
        if let Some((format, _)) = self.format {
            set_header(&mut request, headers::TYPE, format)?;
        }
        Ok(request)
    }

    fn response(&self, response: Response) -> Result<Changed<()>, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        self.format
            .map_or([StoragePoolVolumeBackup::EXTENSION, Some("backup_override_name")], |(_, extension)| {
                [Some(extension), None]
            })
            .into_iter()
            .flatten()
            .collect()
    }
}

impl<C: Client> StorageVolumes<C> {
    /// Makes one of a file that is streamed: `POST /1.0/storage-pools/{pool}/volumes/custom`. The file is a backup
    /// (extensions `custom_volume_backup` and `backup_override_name`) unless `.iso()` or `.tar()` says otherwise.
    pub fn import(&self, name: impl Into<String>, file: impl Into<Payload<C::Reader>>) -> Call<C, ImportStorageVolume> {
        let mut streams = Streams::default();
        let body = Body::Input(streams.body(file.into()));
        let import = ImportStorageVolume { pool: self.pool.clone(), name: name.into(), body, format: None };
        Call::with(&self.client, import, streams)
    }
}

impl<C: Client> Call<C, ImportStorageVolume> {
    /// The file is a disc's image (extension `custom_volume_iso`, 5.16).
    pub fn iso(mut self) -> Self {
        self.endpoint.format = Some(("iso", "custom_volume_iso"));
        self
    }

    /// The file is a tarball of the volume's files (extension `import_custom_volume_tar`, 6.6).
    pub fn tar(mut self) -> Self {
        self.endpoint.format = Some(("tar", "import_custom_volume_tar"));
        self
    }
}

impl<C: Client> Object<C, StorageVolume> {
    /// Its backups: `/1.0/storage-pools/{pool}/volumes/{type}/{name}/backups` (extension `custom_volume_backup`). On 5.0.2
    /// the backups of volumes of one name in several pools must have different names.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::StoragePoolVolumeBackupsPost};
    ///
    /// let pool = lxd.storage_pool("default");
    /// let data = pool.custom_volume("data");
    /// let backup = data.backups().create(StoragePoolVolumeBackupsPost::default()).wait().send()?;
    /// // Or `.send()?.body` for a reader of what arrives.
    /// let file = data.backup(&backup.name).export().bytes().send()?;
    /// data.backup(&backup.name).delete().wait().send()?;
    /// pool.volumes().import("data-2", file).wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn backups(&self) -> Collection<C, StoragePoolVolumeBackup> {
        Collection::new(&self.client, self.at.clone())
    }

    /// One of its backups: `/1.0/storage-pools/{pool}/volumes/{type}/{name}/backups/{backup}`.
    pub fn backup(&self, name: impl Into<String>) -> Object<C, StoragePoolVolumeBackup> {
        Object::new(&self.client, (self.at.clone(), name.into()))
    }
}

impl<C: Client> Object<C, StoragePoolVolumeBackup> {
    /// Its file, while it arrives: `GET /1.0/storage-pools/{pool}/volumes/{type}/{volume}/backups/{name}/export`.
    pub fn export(&self) -> Fetch<C, ExportStorageVolumeBackup> {
        Fetch::new(&self.client, ExportStorageVolumeBackup { backup: self.at.clone() })
    }
}
