//! Instances: containers and virtual machines. `/1.0/instances`.

use alloc::{boxed::Box, string::String, vec::Vec};

use http::Method;

use super::{
    ChangeState, Config, Devices, Exec, Files, InstanceAction, InstanceSnapshot, InstanceState, snapshots::Restore,
};
use crate::{
    Call, Client, Collection, Elements, Endpoint, Error, Listing, Object, Request, Response,
    compat::{StatusCode, Timestamp, model, open_enum, request, writable},
    crud::{
        AcrossProjects, Choice, Creatable, Created, Deletable, Editable, Filterable, Listed, Patchable, Renamable,
        Resource,
    },
    elements::Collected,
    endpoint::{Receive, bare},
    resources::state::GetState,
    uri::Path,
};

open_enum! {
    /// What an instance is.
    pub enum InstanceType {
        /// A system container.
        Container = "container",
        /// A virtual machine.
        VirtualMachine = "virtual-machine",
    }
}

model! {
    /// An instance.
    pub struct Instance {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// How it stands, in words: `Running`, `Stopped`, `Frozen`, `Error`.
        pub status: String,
        /// How it stands.
        pub status_code: StatusCode,
        /// What it is.
        #[serde(rename = "type")]
        pub kind: InstanceType,
        /// Its architecture, as `x86_64`.
        pub architecture: String,
        /// Its own configuration.
        pub config: Config,
        /// Its own devices.
        pub devices: Devices,
        /// Its configuration with that of its profiles.
        pub expanded_config: Config,
        /// Its devices with those of its profiles.
        pub expanded_devices: Devices,
        /// Its profiles; later ones win.
        pub profiles: Vec<String>,
        /// Whether it is deleted when it stops.
        pub ephemeral: bool,
        /// Whether its running state was saved.
        pub stateful: bool,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it last ran; 1970 if never.
        pub last_used_at: Timestamp,
        /// On which cluster member it is; `none` without a cluster.
        pub location: String,
        /// The project it is in.
        pub project: String,
    }

    /// An instance with its state and snapshots: `recursion=2`.
    ///
    /// It repeats the fields of [`Instance`]: flattening one struct into another makes reading 1.5 times as slow.
    pub struct InstanceFull {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// How it stands, in words.
        pub status: String,
        /// How it stands.
        pub status_code: StatusCode,
        /// What it is.
        #[serde(rename = "type")]
        pub kind: InstanceType,
        /// Its architecture.
        pub architecture: String,
        /// Its own configuration.
        pub config: Config,
        /// Its own devices.
        pub devices: Devices,
        /// Its configuration with that of its profiles.
        pub expanded_config: Config,
        /// Its devices with those of its profiles.
        pub expanded_devices: Devices,
        /// Its profiles.
        pub profiles: Vec<String>,
        /// Whether it is deleted when it stops.
        pub ephemeral: bool,
        /// Whether its running state was saved.
        pub stateful: bool,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it last ran.
        pub last_used_at: Timestamp,
        /// On which cluster member it is.
        pub location: String,
        /// The project it is in.
        pub project: String,
        /// How it stands in detail; nothing when its server does not answer.
        pub state: Option<InstanceState>,
        /// Its snapshots.
        pub snapshots: Vec<InstanceSnapshot>,
    }
}

writable! {
    /// What can be written of an [`Instance`].
    pub struct InstancePut / InstancePatch {
        /// What it is for.
        pub description: String,
        /// Its architecture.
        pub architecture: String,
        /// Its own configuration.
        pub config: Config,
        /// Its own devices.
        pub devices: Devices,
        /// Its profiles; later ones win.
        pub profiles: Vec<String>,
        /// Whether it is deleted when it stops.
        pub ephemeral: bool,
        /// Whether its running state was saved.
        pub stateful: bool,
    }
}

request! {
    /// An instance to be made: `POST /1.0/instances`.
    pub struct InstancesPost {
        /// Its name; the server chooses one when it is empty.
        pub name: String,
        /// Where its content comes from.
        pub source: InstanceSource,
        /// What it is; empty means a container.
        #[serde(rename = "type")]
        pub kind: InstanceType,
        /// What it is for.
        pub description: String,
        /// Its architecture; empty means the image's.
        pub architecture: String,
        /// Its own configuration.
        pub config: Config,
        /// Its own devices.
        pub devices: Devices,
        /// Its profiles. None means `default`; an empty list means no profile at all.
        pub profiles: Option<Vec<String>>,
        /// Whether it is deleted when it stops.
        pub ephemeral: bool,
        /// A cloud's instance type, as `aws:t2.micro`, for the limits.
        pub instance_type: String,
        /// Whether it is started too (`instance_create_start`, 6.2).
        pub start: bool,
    }

    /// Where a new instance's content comes from.
    pub struct InstanceSource {
        /// `image`, `copy`, `migration`, `none`, or `conversion`.
        #[serde(rename = "type")]
        pub kind: String,
        /// The image's alias.
        pub alias: String,
        /// The image's fingerprint.
        pub fingerprint: String,
        /// The image's properties, of which the newest match is taken.
        pub properties: Config,
        /// The image server's address.
        pub server: String,
        /// The image server's protocol: `lxd` or `simplestreams`.
        pub protocol: String,
        /// The image server's certificate, PEM.
        pub certificate: String,
        /// What lets a private image be read.
        pub secret: Option<crate::compat::Secret>,
        /// The instance or `instance/snapshot` that is copied.
        pub source: String,
        /// The project it is copied from.
        pub project: String,
        /// Whether its snapshots are left out.
        pub instance_only: bool,
        /// Whether an existing copy is brought up to date.
        pub refresh: bool,
        /// Whether files that change while they are read are no error.
        pub allow_inconsistent: bool,
    }
}

impl InstancesPost {
    /// A container with nothing in it.
    pub fn empty(name: impl Into<String>) -> Self {
        Self::with_source(name, InstanceSource { kind: "none".into(), ..InstanceSource::default() })
    }

    /// A container from a local image, by its alias.
    pub fn from_alias(name: impl Into<String>, alias: impl Into<String>) -> Self {
        let source = InstanceSource { kind: "image".into(), alias: alias.into(), ..InstanceSource::default() };
        Self::with_source(name, source)
    }

    /// A container from a local image, by its fingerprint.
    pub fn from_fingerprint(name: impl Into<String>, fingerprint: impl Into<String>) -> Self {
        let fingerprint = fingerprint.into();
        let source = InstanceSource { kind: "image".into(), fingerprint, ..InstanceSource::default() };
        Self::with_source(name, source)
    }

    fn with_source(name: impl Into<String>, source: InstanceSource) -> Self {
        Self { name: name.into(), source, ..Self::default() }
    }

    /// Sets one key of its configuration.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.insert(key.into(), value.into());
        self
    }

    /// Adds a device, or sets another one of this name.
    #[must_use]
    pub fn device<K: Into<String>, V: Into<String>>(
        mut self,
        name: impl Into<String>,
        keys: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let keys = keys.into_iter().map(|(key, value)| (key.into(), value.into()));
        self.devices.insert(name.into(), keys.collect());
        self
    }

    /// Sets its profiles, instead of `default`.
    #[must_use]
    pub fn profiles<P: Into<String>>(mut self, profiles: impl IntoIterator<Item = P>) -> Self {
        self.profiles = Some(profiles.into_iter().map(Into::into).collect());
        self
    }

    /// Deletes it when it stops.
    #[must_use]
    pub fn ephemeral(mut self) -> Self {
        self.ephemeral = true;
        self
    }
}

impl Resource for Instance {
    const KIND: &'static str = "instance";
    type At = String;

    fn path(at: &String) -> Path {
        Self::list(&()).name(at)
    }
}

impl Listed for Instance {
    type In = ();

    fn list((): &()) -> Path {
        Path::root().join("instances")
    }

    fn at((): &(), name: &str) -> String {
        name.into()
    }
}

impl Creatable for Instance {
    type Post = InstancesPost;
    type Answer = Created;
}

impl Editable for Instance {
    type Put = InstancePut;
    const READ_ONLY: &'static [&'static str] = &[
        "access_entitlements",
        "backups",
        "created_at",
        "expanded_config",
        "expanded_devices",
        "last_used_at",
        "location",
        "name",
        "project",
        "restore",
        "snapshots",
        "state",
        "status",
        "status_code",
        "type",
    ];
}

impl Patchable for Instance {
    type Patch = InstancePatch;
}

impl Renamable for Instance {}
impl Deletable for Instance {}

impl Filterable for Instance {
    const EXTENSION: &'static str = "api_filtering";
}

impl AcrossProjects for Instance {
    const EXTENSION: &'static str = "instance_all_projects";
}

/// `GET /1.0/instances?recursion=2`: instances with their state and snapshots.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ListFull {
    /// Which, and of which projects.
    pub choice: Choice<Instance>,
}

impl Endpoint for ListFull {
    type Output = Vec<InstanceFull>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &self.choice.of(Instance::list(&()).query("recursion", "2")))
    }

    fn response(&self, response: Response) -> Result<Vec<InstanceFull>, Error> {
        let (head, body) = response.into_parts();
        Collected::whole(self.elements(head), body)
    }

    fn receive(&self, head: http::response::Parts) -> Box<dyn Receive<Vec<InstanceFull>>> {
        Box::new(Collected::new(self.elements(head)))
    }

    fn extensions(&self) -> Vec<&'static str> {
        self.choice.extensions()
    }
}

impl Listing for ListFull {
    type Item = InstanceFull;

    fn elements(&self, head: http::response::Parts) -> Elements<InstanceFull> {
        Elements::new(Instance::KIND, head, Instance::read_list)
    }
}

impl<C: Client> Collection<C, Instance> {
    /// The instances with their state and snapshots: `GET /1.0/instances?recursion=2` (extension `container_full`).
    pub fn list_full(&self) -> Call<C, ListFull> {
        Call::new(&self.client, ListFull::default())
    }
}

impl<C: Client> Call<C, ListFull> {
    /// Only the instances that match, as in a [`List`](crate::List).
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.endpoint.choice.filter(filter);
        self
    }

    /// Of all projects (extension `instance_all_projects`).
    pub fn all_projects(mut self) -> Self {
        self.endpoint.choice.all_projects();
        self
    }
}

/// What can be done with one instance, besides the generic verbs.
///
/// ```no_run
/// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
/// use lxd_proto::Lxd;
///
/// let c1 = lxd.instance("c1");
/// c1.start().wait().send()?;
/// assert!(c1.exec(["true"]).output().send()?.success());
/// c1.edit(|instance| instance.description = "the first".into()).send()?;
/// c1.stop().force().wait().send()?;
/// # Ok(())
/// # }
/// ```
impl<C: Client> Object<C, Instance> {
    /// How it stands: `GET /1.0/instances/{name}/state`.
    pub fn state(&self) -> Call<C, GetState> {
        Call::new(&self.client, GetState { instance: self.at.clone() })
    }

    /// Starts it: `PUT /1.0/instances/{name}/state`.
    pub fn start(&self) -> Call<C, ChangeState> {
        self.change_state(InstanceAction::Start)
    }

    /// Asks it to shut down: `PUT /1.0/instances/{name}/state`. It may refuse; see [`force`](Call::force) and
    /// [`within`](Call::within).
    pub fn stop(&self) -> Call<C, ChangeState> {
        self.change_state(InstanceAction::Stop)
    }

    /// Shuts it down and starts it: `PUT /1.0/instances/{name}/state`.
    pub fn restart(&self) -> Call<C, ChangeState> {
        self.change_state(InstanceAction::Restart)
    }

    /// Lets none of its processes run: `PUT /1.0/instances/{name}/state`.
    pub fn freeze(&self) -> Call<C, ChangeState> {
        self.change_state(InstanceAction::Freeze)
    }

    /// Lets its processes run again: `PUT /1.0/instances/{name}/state`.
    pub fn unfreeze(&self) -> Call<C, ChangeState> {
        self.change_state(InstanceAction::Unfreeze)
    }

    fn change_state(&self, action: InstanceAction) -> Call<C, ChangeState> {
        Call::new(&self.client, ChangeState::new(self.at.clone(), action))
    }

    /// Its snapshots: `/1.0/instances/{name}/snapshots`.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::InstanceSnapshotsPost};
    ///
    /// let c1 = lxd.instance("c1");
    /// c1.snapshots().create(InstanceSnapshotsPost::new("before")).wait().send()?;
    /// c1.restore("before").wait().send()?;
    /// c1.snapshot("before").delete().wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn snapshots(&self) -> Collection<C, InstanceSnapshot> {
        Collection::new(&self.client, self.at.clone())
    }

    /// One of its snapshots: `/1.0/instances/{name}/snapshots/{snapshot}`.
    pub fn snapshot(&self, name: impl Into<String>) -> Object<C, InstanceSnapshot> {
        Object::new(&self.client, (self.at.clone(), name.into()))
    }

    /// Puts it back to a snapshot: `PUT /1.0/instances/{name}` with `restore`. Its present state is lost.
    pub fn restore(&self, snapshot: impl Into<String>) -> Call<C, Restore> {
        Call::new(&self.client, Restore::new(self.at.clone(), snapshot.into()))
    }

    /// Its files: `/1.0/instances/{name}/files`.
    pub fn files(&self) -> Files<C> {
        Files::new(&self.client, self.at.clone())
    }

    /// A command to be run in it: `POST /1.0/instances/{name}/exec`.
    pub fn exec<A: Into<String>>(&self, command: impl IntoIterator<Item = A>) -> Exec<C> {
        Exec::new(&self.client, self.at.clone(), command.into_iter().map(Into::into).collect())
    }
}
