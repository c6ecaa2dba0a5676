//! Instances: containers and virtual machines. `/1.0/instances`.

use alloc::{string::String, vec::Vec};

use super::{
    ChangeState, Config, Devices, Exec, Files, InstanceAction, InstanceBackup, InstanceSnapshot, InstanceState,
    InstancesPost, snapshots::Restore,
};
use crate::{
    Call, Client, Collection, Object, Run,
    compat::{StatusCode, Timestamp, model, open_enum, writable},
    crud::{
        AcrossProjects, Creatable, Created, Deletable, Editable, Filterable, Forcible, Get, Patchable, Renamable,
        Resource, resource,
    },
    entitlements::Entitled,
    flow::ready::WaitUntil,
    resources::{GetState, Ready},
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
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }

    /// An instance with its state, snapshots and backups.
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
        /// Its backups.
        pub backups: Vec<InstanceBackup>,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
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

resource! { Instance, "instance": "instances" }

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
impl Entitled for Instance {}
impl Deletable for Instance {}

impl Forcible for Instance {
    const EXTENSION: Option<&'static str> = Some("instance_force_delete");
}

impl Filterable for Instance {
    const EXTENSION: &'static str = "api_filtering";
}

impl AcrossProjects for Instance {
    const EXTENSION: &'static str = "instance_all_projects";
}

/// `recursion=1` of one instance is what `recursion=2` is of a list.
impl Resource for InstanceFull {
    const KIND: &'static str = Instance::KIND;
    const EXTENSION: Option<&'static str> = Some("instance_get_full");
    /// The instance.
    type At = String;

    fn path(instance: &String) -> Path {
        Instance::path(instance).query("recursion", "1")
    }
}

impl Entitled for InstanceFull {}

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
    /// The instance with its state, snapshots and backups: `GET /1.0/instances/{name}?recursion=1` (extension
    /// `instance_get_full`).
    pub fn get_full(&self) -> Call<C, Get<InstanceFull>> {
        Call::new(&self.client, Get::new(self.at.clone()))
    }

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

    /// Waits until it is ready, in one meaning or another, and gives its state: it listens to
    /// `GET /1.0/events?type=lifecycle`, looks at `/1.0/instances/{name}/state`, and looks again at each start and stop.
    /// Where no event tells (addresses, agents, commands), it looks again each
    /// [`limits::LOOK_AGAIN`](crate::limits::LOOK_AGAIN) while the instance runs. It does not start it.
    ///
    /// By default there is no end to it: see [`timeout`](Run::timeout).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use core::time::Duration;
    /// use lxd_proto::{Lxd, resources::Ready};
    ///
    /// let c1 = lxd.instance("c1");
    /// c1.start().wait().send()?;
    /// let state = c1.wait_until(Ready::Address).timeout(Duration::from_secs(60)).send()?;
    /// println!("{:?}", state.network.keys());
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_until(&self, ready: Ready) -> Run<C, WaitUntil> {
        Run::new(&self.client, WaitUntil::new(self.at.clone(), ready))
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
