//! Instances that go to another server.

use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};
use core::fmt;

use http::Method;

use super::{Devices, Instance, InstancePost, InstancePostTarget, InstanceSnapshot, InstanceSource, InstancesPost};
use crate::{
    Client, Create, Created, Endpoint, Error, Get, Object, Request, Resource, Response, Run,
    compat::{Needs, StatusCode},
    endpoint::{bare, json},
    flow::{
        copy::{Adjust, like},
        migration::{Destination, Migrated, Migration, Waiting},
    },
};

/// An instance, or a snapshot of one, that goes to another server.
pub struct InstanceMigration {
    instance: String,
    /// Not the instance as it is now, but as it was then.
    snapshot: Option<String>,
    /// What its server has of that.
    found: Option<InstanceSnapshot>,
    /// What the server that has it is asked for.
    offer: InstancePost,
    /// What the other one is asked for.
    post: InstancesPost,
    destination: Destination,
    adjust: Option<Adjust>,
}

impl fmt::Debug for InstanceMigration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceMigration").field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl Migrated for InstanceMigration {
    type Output = Created;

    fn look(&self) -> Result<Option<Request>, Error> {
        let request = match (&self.snapshot, &self.found) {
            (Some(snapshot), None) => Get::<InstanceSnapshot>::new((self.instance.clone(), snapshot.clone())).request(),
            // Of a snapshot only its instance says what kind it is.
            _ if self.post.source.kind.is_empty() => Get::<Instance>::new(self.instance.clone()).request(),
            _ => return Ok(None),
        };
        request.map(Some)
    }

    fn looked(&mut self, response: Response, moved: bool) -> Result<(), Error> {
        if let (Some(snapshot), None) = (&self.snapshot, &self.found) {
            let at = (self.instance.clone(), snapshot.clone());
            self.found = Some(Get::<InstanceSnapshot>::new(at).response(response)?.value);
            return Ok(());
        }
        let mut instance = Get::<Instance>::new(self.instance.clone()).response(response)?.value;
        if let Some(found) = self.found.clone() {
            (instance.architecture, instance.ephemeral) = (found.architecture, found.ephemeral);
            (instance.config, instance.profiles) = (found.config, found.profiles);
            (instance.devices, instance.expanded_devices) = (found.devices, found.expanded_devices);
        }
        let still = [StatusCode::STOPPED, StatusCode::ERROR].contains(&instance.status_code);
        if moved && !still && self.offer.live != Some(true) {
            let text = "an instance that runs cannot be moved to another server, unless live: stop it, or copy it";
            return Err(Error::InvalidInput(text.into()));
        }
        if !self.destination.pool.is_empty() {
            put_in(&self.destination.pool, &mut instance);
        }
        let source = InstanceSource {
            kind: "migration".into(),
            base_image: instance.config.get("volatile.base_image").cloned().unwrap_or_default(),
            live: self.offer.live == Some(true),
            instance_only: self.offer.instance_only,
            allow_inconsistent: self.offer.allow_inconsistent,
            refresh: self.destination.refresh,
            ..InstanceSource::default()
        };
        self.post = like(instance, &self.destination.name, source);
        if let Some(adjust) = self.adjust.take() {
            adjust(&mut self.post);
        }
        Ok(())
    }

    fn offer(&self, to: Option<Waiting>) -> Result<Request, Error> {
        let target = to.map(|to| InstancePostTarget {
            certificate: to.certificate,
            operation: to.operation,
            websockets: to.secrets,
        });
        let path = match &self.snapshot {
            Some(snapshot) => InstanceSnapshot::path(&(self.instance.clone(), snapshot.clone())),
            None => Instance::path(&self.instance),
        };
        json(Method::POST, &path, &InstancePost { target, ..self.offer.clone() })
    }

    fn accept(&self, from: Option<Waiting>) -> Result<Request, Error> {
        let mut post = self.post.clone();
        let source = &mut post.source;
        source.mode = if from.is_some() { "pull" } else { "push" }.into();
        if let Some(from) = from {
            (source.certificate, source.operation, source.websockets) =
                (from.certificate, from.operation, from.secrets);
        }
        Create::<Instance>::new((), post).request()
    }

    fn accepting(&self) -> Vec<&'static str> {
        let refresh = self.destination.refresh.then_some("container_incremental_copy");
        refresh.into_iter().chain(self.post.needs()).collect()
    }

    fn remove(&self) -> Result<Request, Error> {
        bare(Method::DELETE, &Instance::path(&self.instance))
    }

    fn destination(&mut self) -> &mut Destination {
        &mut self.destination
    }

    fn extensions(&self) -> Vec<&'static str> {
        let only = self.offer.instance_only.then_some("container_only_migration");
        only.into_iter().chain(self.offer.needs()).collect()
    }
}

/// Gives it a root disk of its own in this pool: a profile's is not changed.
fn put_in(pool: &str, instance: &mut Instance) {
    let root_of = |devices: &Devices| {
        let is = |key: &str, value: &str, device: &super::Config| device.get(key).is_some_and(|found| found == value);
        let mut found = devices.iter().filter(|(_, device)| is("type", "disk", device) && is("path", "/", device));
        found.next().map(|(name, device)| (name.clone(), device.clone()))
    };
    let root = root_of(&instance.devices).or_else(|| root_of(&instance.expanded_devices));
    let (name, mut device) = root.unwrap_or_else(|| {
        let keys = [("type", "disk"), ("path", "/")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        ("root".to_owned(), keys.into())
    });
    device.insert("pool".into(), pool.into());
    instance.devices.insert(name, device);
}

/// To another server.
///
/// ```no_run
/// # fn example<C: lxd_proto::Blocking>(lxd: C, other: C) -> Result<(), lxd_proto::Error> {
/// use lxd_proto::Lxd;
///
/// let c1 = lxd.instance("c1");
/// c1.copy_to_server(&other).send()?;
/// c1.copy_to_server(&other.project("web")).name("c2").pool("fast").instance_only().relay().send()?;
/// c1.snapshot("before").copy_to_server(&other).name("c3").send()?;
/// c1.move_to_server(&other).push().adjust(|copy| copy.profiles = Some(vec!["web".into()])).send()?;
/// # Ok(())
/// # }
/// ```
impl<C: Client> Object<C, Instance> {
    /// Copies it to another server, with its configuration and its snapshots. The other server connects to this one, unless
    /// [`push`](crate::Run::push) or [`relay`](crate::Run::relay) says otherwise; each may be reached from here by any way.
    /// The project and the cluster member there are those of the client.
    ///
    /// It asks `GET /1.0/instances/{name}` and `POST /1.0/instances/{name}` here, `POST /1.0/instances` there, and
    /// `GET /1.0` of the server that is connected to. It is done when both servers say so; otherwise
    /// [`Error::Migration`] has what each of them said.
    pub fn copy_to_server(&self, other: &C) -> Run<C, Migration<InstanceMigration>> {
        migrate(&self.client, other, &self.at, None, false)
    }

    /// Moves it to another server: as [`copy_to_server`](Self::copy_to_server), and when that is done
    /// `DELETE /1.0/instances/{name}` here, to its end. It must be stopped, unless it moves live. An error of the `DELETE`
    /// says that it is in both places.
    pub fn move_to_server(&self, other: &C) -> Run<C, Migration<InstanceMigration>> {
        migrate(&self.client, other, &self.at, None, true)
    }
}

impl<C: Client> Object<C, InstanceSnapshot> {
    /// Makes an instance of it on another server, by default with the instance's name: as
    /// [`copy_to_server`](Object::copy_to_server) of an instance, from `GET` and `POST
    /// /1.0/instances/{name}/snapshots/{snapshot}`.
    pub fn copy_to_server(&self, other: &C) -> Run<C, Migration<InstanceMigration>> {
        let (instance, snapshot) = &self.at;
        migrate(&self.client, other, instance, Some(snapshot), false)
    }
}

fn migrate<C: Client>(
    client: &C,
    other: &C,
    instance: &str,
    snapshot: Option<&String>,
    moved: bool,
) -> Run<C, Migration<InstanceMigration>> {
    let name = snapshot.map_or(instance, |snapshot| snapshot).into();
    let what = InstanceMigration {
        offer: InstancePost { name, migration: true, live: Some(false), ..InstancePost::default() },
        post: InstancesPost::default(),
        destination: Destination { name: instance.into(), ..Destination::default() },
        instance: instance.into(),
        snapshot: snapshot.cloned(),
        found: None,
        adjust: None,
    };
    Run::migration(client, other, what, moved)
}

impl<C: Client> Run<C, Migration<InstanceMigration>> {
    /// Leaves out its snapshots (extension `container_only_migration`).
    pub fn instance_only(mut self) -> Self {
        self.flow.what.offer.instance_only = true;
        self
    }

    /// Takes its running state along. Containers need CRIU on both servers for that, virtual machines shared storage or
    /// `migration.stateful`. By default only what is on its disk.
    pub fn live(mut self) -> Self {
        self.flow.what.offer.live = Some(true);
        self
    }

    /// Files that change while they are read are no error (extension `instance_allow_inconsistent_copy`).
    pub fn allow_inconsistent(mut self) -> Self {
        self.flow.what.offer.allow_inconsistent = true;
        self
    }

    /// Changes what is made there: other profiles, say, or other devices.
    pub fn adjust(mut self, change: impl FnOnce(&mut InstancesPost) + Send + 'static) -> Self {
        self.flow.what.adjust = Some(Box::new(change));
        self
    }
}
