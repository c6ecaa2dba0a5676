//! Custom storage volumes that go to another server.

use alloc::vec::Vec;

use http::Method;

use super::{
    StorageVolume, StorageVolumePost, StorageVolumePostTarget, StorageVolumeSource, StorageVolumesPost,
    storage_volumes::StorageVolumeAt,
};
use crate::{
    Client, Create, Endpoint, Error, Get, Object, Request, Resource, Response, Run,
    compat::Needs,
    endpoint::{bare, json},
    flow::migration::{Destination, Migrated, Migration, Waiting},
};

/// A custom volume that goes to another server.
#[derive(Debug)]
pub struct StorageVolumeMigration {
    volume: StorageVolumeAt,
    /// What the server that has it is asked for.
    offer: StorageVolumePost,
    /// What the other one is asked for.
    post: StorageVolumesPost,
    destination: Destination,
}

impl Migrated for StorageVolumeMigration {
    type Output = ();

    fn look(&self) -> Result<Option<Request>, Error> {
        let unknown = self.post.source.is_none();
        unknown.then(|| Get::<StorageVolume>::new(self.volume.clone()).request()).transpose()
    }

    fn looked(&mut self, response: Response, _: bool) -> Result<(), Error> {
        let volume = Get::<StorageVolume>::new(self.volume.clone()).response(response)?.value;
        let (pool, _, name) = self.volume.clone();
        let source = StorageVolumeSource {
            kind: "migration".into(),
            name,
            pool,
            volume_only: self.offer.volume_only,
            refresh: self.destination.refresh,
            ..StorageVolumeSource::default()
        };
        self.post = StorageVolumesPost {
            kind: volume.kind,
            description: volume.description,
            config: volume.config,
            content_type: volume.content_type,
            source: Some(source),
            ..StorageVolumesPost::new(self.destination.name.clone())
        };
        self.post.config.retain(|key, _| !key.starts_with("volatile."));
        Ok(())
    }

    fn offer(&self, to: Option<Waiting>) -> Result<Request, Error> {
        let target = to.map(|to| StorageVolumePostTarget {
            certificate: to.certificate,
            operation: to.operation,
            secrets: to.secrets,
        });
        json(Method::POST, &StorageVolume::path(&self.volume), &StorageVolumePost { target, ..self.offer.clone() })
    }

    fn accept(&self, from: Option<Waiting>) -> Result<Request, Error> {
        let mut post = self.post.clone();
        if let Some(source) = &mut post.source {
            source.mode = if from.is_some() { "pull" } else { "push" }.into();
            if let Some(from) = from {
                (source.certificate, source.operation, source.secrets) =
                    (from.certificate, from.operation, from.secrets);
            }
        }
        Create::<StorageVolume>::new((self.destination.pool.clone(), self.volume.1.clone()), post).request()
    }

    fn accepting(&self) -> Vec<&'static str> {
        let refresh = self.destination.refresh.then_some("custom_volume_refresh");
        ["storage_api_remote_volume_handling"].into_iter().chain(refresh).chain(self.post.needs()).collect()
    }

    fn remove(&self) -> Result<Request, Error> {
        bare(Method::DELETE, &StorageVolume::path(&self.volume))
    }

    fn destination(&mut self) -> &mut Destination {
        &mut self.destination
    }

    fn extensions(&self) -> Vec<&'static str> {
        ["storage_api_remote_volume_handling"].into_iter().chain(self.offer.needs()).collect()
    }
}

/// To another server.
///
/// ```no_run
/// # fn example<C: lxd_proto::Blocking>(lxd: C, other: C) -> Result<(), lxd_proto::Error> {
/// use lxd_proto::Lxd;
///
/// let data = lxd.storage_pool("fast").custom_volume("data");
/// data.copy_to_server(&other).send()?;
/// data.copy_to_server(&other.project("web")).name("copy").pool("slow").volume_only().relay().send()?;
/// data.move_to_server(&other).push().send()?;
/// # Ok(())
/// # }
/// ```
impl<C: Client> Object<C, StorageVolume> {
    /// Copies it to another server, with its configuration and its snapshots: only a custom one. The other server connects
    /// to this one, unless [`push`](crate::Run::push) or [`relay`](crate::Run::relay) says otherwise; each may be reached
    /// from here by any way. The project and the cluster member there are those of the client.
    ///
    /// It asks `GET` and `POST /1.0/storage-pools/{pool}/volumes/{type}/{name}` here,
    /// `POST /1.0/storage-pools/{pool}/volumes/{type}` there, and `GET /1.0` of the server that is connected to (extension
    /// `storage_api_remote_volume_handling`). It is done when both servers say so; otherwise [`Error::Migration`] has what
    /// each of them said.
    pub fn copy_to_server(&self, other: &C) -> Run<C, Migration<StorageVolumeMigration>> {
        self.migrate(other, false)
    }

    /// Moves it to another server: as [`copy_to_server`](Self::copy_to_server), and when that is done `DELETE` here. No
    /// instance may use it. An error of the `DELETE` says that it is in both places.
    pub fn move_to_server(&self, other: &C) -> Run<C, Migration<StorageVolumeMigration>> {
        self.migrate(other, true)
    }

    fn migrate(&self, other: &C, moved: bool) -> Run<C, Migration<StorageVolumeMigration>> {
        let (pool, _, name) = self.at.clone();
        let what = StorageVolumeMigration {
            volume: self.at.clone(),
            offer: StorageVolumePost {
                name: name.clone(),
                pool: pool.clone(),
                migration: true,
                ..StorageVolumePost::default()
            },
            post: StorageVolumesPost::default(),
            destination: Destination { name, pool, refresh: false },
        };
        Run::migration(&self.client, other, what, moved)
    }
}

impl<C: Client> Run<C, Migration<StorageVolumeMigration>> {
    /// Leaves out its snapshots.
    pub fn volume_only(mut self) -> Self {
        self.flow.what.offer.volume_only = true;
        self
    }
}
