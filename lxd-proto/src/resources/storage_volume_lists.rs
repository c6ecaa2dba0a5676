//! Lists of storage volumes: of a pool, `/1.0/storage-pools/{pool}/volumes`, and of all pools, `/1.0/storage-volumes`.

use alloc::{boxed::Box, format, string::String, vec::Vec};

use http::{Method, response::Parts};

use super::{StoragePool, StorageVolume, StorageVolumeType, StorageVolumesPost};
use crate::{
    Call, Choice, Client, Elements, Endpoint, Error, Listing, Request, Response, SaysEntitlements,
    crud::{Chosen, Create, Listed, Resource},
    elements::Collected,
    endpoint::{Receive, bare},
    envelope::Envelope,
    uri::{Path, decoded, query_value},
};

/// What a list's URL says of a volume or of its snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct StorageVolumeName {
    /// The pool it is in.
    pub pool: String,
    /// Whose it is.
    pub kind: StorageVolumeType,
    /// The volume's name.
    pub name: String,
    /// The snapshot's name, if it is one.
    pub snapshot: Option<String>,
    /// The project it is in; none means `default`.
    pub project: Option<String>,
    /// The cluster member it is on, where volumes of one name can be on several.
    pub target: Option<String>,
}

impl StorageVolumeName {
    fn read(url: &str) -> Option<Self> {
        let path = url.split('?').next()?.strip_prefix("/1.0/storage-pools/")?;
        let mut segments = path.split('/');
        let mut name = || segments.next().filter(|segment| !segment.is_empty());
        let (pool, "volumes", kind, volume) = (name()?, name()?, name()?, name()?) else { return None };
        let snapshot = match name() {
            None => None,
            Some("snapshots") => Some(decoded(name()?)),
            Some(_) => return None,
        };
        Some(Self {
            pool: decoded(pool),
            kind: kind.into(),
            name: decoded(volume),
            snapshot,
            project: query_value(url, "project"),
            target: query_value(url, "target"),
        })
    }
}

/// Where volumes are listed.
#[derive(Clone, Debug, Default)]
struct VolumesIn {
    pool: Option<String>,
    kind: Option<StorageVolumeType>,
}

impl VolumesIn {
    fn path(&self) -> Path {
        let path = match &self.pool {
            Some(pool) => StoragePool::path(pool).join("volumes"),
            None => Path::root().join("storage-volumes"),
        };
        self.kind.iter().fold(path, |path, kind| path.name(kind.as_str()))
    }

    fn extensions(&self, choice: &Choice<StorageVolume>) -> Vec<&'static str> {
        let all = if self.pool.is_none() { Some("storage_volumes_all") } else { None };
        choice.extensions().into_iter().chain(all).collect()
    }
}

/// `GET` of volumes with what they are (`recursion=1`).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListStorageVolumes {
    within: VolumesIn,
    /// Which, and of which projects.
    pub choice: Choice<StorageVolume>,
}

impl Endpoint for ListStorageVolumes {
    type Output = Vec<StorageVolume>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &self.choice.of(self.within.path().query("recursion", "1")))
    }

    fn response(&self, response: Response) -> Result<Vec<StorageVolume>, Error> {
        let (head, body) = response.into_parts();
        Collected::whole(self.elements(head), body)
    }

    fn receive(&self, head: Parts) -> Box<dyn Receive<Vec<StorageVolume>>> {
        Box::new(Collected::new(self.elements(head)))
    }

    fn extensions(&self) -> Vec<&'static str> {
        self.within.extensions(&self.choice)
    }
}

impl Listing for ListStorageVolumes {
    type Item = StorageVolume;

    fn elements(&self, head: Parts) -> Elements<StorageVolume> {
        Elements::new(StorageVolume::KIND, head, StorageVolume::read_list)
    }
}

impl Chosen for ListStorageVolumes {
    type Of = StorageVolume;

    fn choice(&mut self) -> &mut Choice<StorageVolume> {
        &mut self.choice
    }
}

impl SaysEntitlements for ListStorageVolumes {
    type Of = StorageVolume;

    fn entitlements(&mut self) -> &mut Vec<String> {
        &mut self.choice.access_entitlements
    }
}

/// `GET` of the names of volumes (`recursion=0`).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StorageVolumeNames {
    within: VolumesIn,
    /// Which, and of which projects.
    pub choice: Choice<StorageVolume>,
}

impl Endpoint for StorageVolumeNames {
    type Output = Vec<StorageVolumeName>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &self.choice.of(self.within.path()))
    }

    fn response(&self, response: Response) -> Result<Vec<StorageVolumeName>, Error> {
        let urls: Vec<String> = StorageVolume::read_list(Envelope::metadata(&response)?)?;
        let unnamed = |url: &String| Error::Protocol(format!("{url:?} in a list names no volume"));
        urls.iter().map(|url| StorageVolumeName::read(url).ok_or_else(|| unnamed(url))).collect()
    }

    fn extensions(&self) -> Vec<&'static str> {
        self.within.extensions(&self.choice)
    }
}

impl Chosen for StorageVolumeNames {
    type Of = StorageVolume;

    fn choice(&mut self) -> &mut Choice<StorageVolume> {
        &mut self.choice
    }
}

/// Volumes: of a pool, or (with `()` for its name) of all pools, of all types or of one.
#[derive(Clone, Debug)]
pub struct StorageVolumes<C, P = String> {
    pub(super) client: C,
    pub(super) pool: P,
    within: VolumesIn,
}

impl<C: Client> StorageVolumes<C> {
    pub(crate) fn in_pool(client: &C, pool: String) -> Self {
        let within = VolumesIn { pool: Some(pool.clone()), kind: None };
        Self { client: client.clone(), pool, within }
    }

    /// Makes one: `POST /1.0/storage-pools/{pool}/volumes/{type}`.
    pub fn create(&self, post: StorageVolumesPost) -> Call<C, Create<StorageVolume>> {
        Call::new(&self.client, Create::new((self.pool.clone(), post.kind.clone()), post))
    }
}

impl<C: Client> StorageVolumes<C, ()> {
    pub(crate) fn everywhere(client: &C) -> Self {
        Self { client: client.clone(), pool: (), within: VolumesIn::default() }
    }
}

impl<C: Client, P: Clone> StorageVolumes<C, P> {
    /// Only those of one type: the path with `/{type}`.
    #[must_use]
    pub fn of(&self, kind: StorageVolumeType) -> Self {
        Self { within: VolumesIn { kind: Some(kind), ..self.within.clone() }, ..self.clone() }
    }

    /// The volumes and their snapshots, whole: `GET` with `recursion=1`.
    pub fn list(&self) -> Call<C, ListStorageVolumes> {
        Call::new(&self.client, ListStorageVolumes { within: self.within.clone(), choice: Choice::default() })
    }

    /// The names of the volumes and of their snapshots, with their types: `GET`.
    pub fn names(&self) -> Call<C, StorageVolumeNames> {
        Call::new(&self.client, StorageVolumeNames { within: self.within.clone(), choice: Choice::default() })
    }
}
