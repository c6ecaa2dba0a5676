//! Backups of an instance, as files: `/1.0/instances/{name}/backups`.

use alloc::{string::String, vec::Vec};

use http::{Method, response::Parts};

use super::{Instance, Operation};
use crate::{
    Answer, Call, Client, Collection, Download, Endpoint, Error, Fetch, Object, Payload, Request, Response, Streams,
    compat::{Timestamp, model, request},
    crud::{Changed, Creatable, Created, Deletable, Listed, Renamable, Resource, last_segment, resource},
    endpoint::{Body, bare, set_header, with_body},
    headers,
};

model! {
    /// A backup of an instance.
    pub struct InstanceBackup {
        /// Its name.
        pub name: String,
        /// When it was made.
        pub created_at: Timestamp,
        /// When the server will delete it; unset means never.
        pub expires_at: Timestamp,
        /// Whether it is without the instance's snapshots.
        pub instance_only: bool,
        /// Whether it is in the storage driver's own format.
        pub optimized_storage: bool,
    }
}

request! {
    /// A backup to be made: `POST /1.0/instances/{name}/backups`.
    pub struct InstanceBackupsPost {
        /// Its name; the server chooses one when it is empty.
        pub name: String,
        /// When the server will delete it. None means never.
        pub expires_at: Option<Timestamp>,
        /// Whether the instance's snapshots are left out.
        pub instance_only: bool,
        /// Whether it is in the storage driver's own format, which only the same driver reads.
        pub optimized_storage: bool,
        /// `gzip`, `xz`, `none` (`backup_compression_algorithm`).
        pub compression_algorithm: String = "backup_compression_algorithm",
        /// The version of its format (`backup_metadata_version`, 6.5).
        pub version: Option<u32> = "backup_metadata_version",
    }
}

impl InstanceBackupsPost {
    /// A backup of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

resource! { InstanceBackup, "backup": Instance / "backups" }

impl Creatable for InstanceBackup {
    type Post = InstanceBackupsPost;
    type Answer = CreatedBackup;
}

impl Renamable for InstanceBackup {}
impl Deletable for InstanceBackup {}

/// A backup that was made, by its name: also the one that the server chose.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedBackup {
    /// The name.
    pub name: String,
}

impl Answer for CreatedBackup {
    fn done(response: &Response, metadata: &str) -> Result<Self, Error> {
        Created::done(response, metadata).map(|created| Self { name: created.name })
    }

    fn finished(operation: &Operation) -> Result<Self, Error> {
        let url = operation.entity_url().filter(|url| url.contains("/backups/"));
        let old = || operation.resources.get("backups")?.first().map(String::as_str);
        Ok(Self { name: last_segment(url.or_else(old).unwrap_or_default()) })
    }
}

/// `GET /1.0/instances/{name}/backups/{backup}/export`.
#[derive(Clone, Debug)]
pub struct ExportBackup {
    at: (String, String),
}

impl Download for ExportBackup {
    /// Its size in bytes, where the server says it.
    type Head = Option<u64>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &InstanceBackup::path(&self.at).join("export"))
    }

    fn head(&self, head: &Parts) -> Result<Option<u64>, Error> {
        Ok(headers::content_length(&head.headers))
    }
}

/// `POST /1.0/instances` with a backup's file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImportBackup {
    body: Body,
    /// Another name than the one that it had.
    pub name: Option<String>,
    /// The pool it goes to.
    pub pool: Option<String>,
}

impl Endpoint for ImportBackup {
    type Output = Changed<Created>;

    fn request(&self) -> Result<Request, Error> {
        let mut request = with_body(Method::POST, &Instance::list(&()), "application/octet-stream", self.body.clone())?;
        for (header, value) in [(headers::NAME, &self.name), (headers::POOL, &self.pool)] {
            if let Some(value) = value {
                set_header(&mut request, header, value)?;
            }
        }
        Ok(request)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        let name = self.name.is_some().then_some("backup_override_name");
        let pool = self.pool.is_some().then_some("container_backup_override_pool");
        name.into_iter().chain(pool).collect()
    }
}

impl<C: Client> Collection<C, Instance> {
    /// Makes an instance of a backup's file: `POST /1.0/instances`. The content is streamed.
    pub fn import(&self, backup: impl Into<Payload<C::Reader>>) -> Call<C, ImportBackup> {
        let mut streams = Streams::default();
        let body = Body::Input(streams.body(backup.into()));
        Call::with(&self.client, ImportBackup { body, name: None, pool: None }, streams)
    }
}

impl<C: Client> Call<C, ImportBackup> {
    /// Gives it another name than the one that it had (extension `backup_override_name`).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.endpoint.name = Some(name.into());
        self
    }

    /// Puts it into this pool (extension `container_backup_override_pool`).
    pub fn pool(mut self, pool: impl Into<String>) -> Self {
        self.endpoint.pool = Some(pool.into());
        self
    }
}

impl<C: Client> Object<C, Instance> {
    /// Its backups: `/1.0/instances/{name}/backups` (extension `container_backup`).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking<Body: std::io::Read>>(lxd: C) -> Result<(), Box<dyn std::error::Error>> {
    /// use lxd_proto::{Lxd, resources::InstanceBackupsPost};
    ///
    /// let made = lxd.instance("c1").backups().create(InstanceBackupsPost::default()).wait().send()?;
    /// let backup = lxd.instance("c1").backup(made.name);
    /// std::io::copy(&mut backup.export().send()?.body, &mut std::fs::File::create("c1.tar.gz")?)?;
    /// backup.delete().wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn backups(&self) -> Collection<C, InstanceBackup> {
        Collection::new(&self.client, self.at.clone())
    }

    /// One of its backups: `/1.0/instances/{name}/backups/{backup}` (extension `container_backup`).
    pub fn backup(&self, name: impl Into<String>) -> Object<C, InstanceBackup> {
        Object::new(&self.client, (self.at.clone(), name.into()))
    }
}

impl<C: Client> Object<C, InstanceBackup> {
    /// The backup's file, as it comes: `GET /1.0/instances/{name}/backups/{backup}/export`.
    pub fn export(&self) -> Fetch<C, ExportBackup> {
        Fetch::new(&self.client, ExportBackup { at: self.at.clone() })
    }
}
