//! The members of a cluster: `/1.0/cluster/members`.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use http::Method;

use super::{Config, cluster::ClusterMemberJoinToken, tokens::Issued};
use crate::{
    Call, Client, Collection, Endpoint, Error, Object, Request, Response,
    compat::{model, open_enum, writable},
    crud::{Changed, Deletable, Editable, Forcible, Get, Listed, Patchable, Renamable, Resource, resource},
    endpoint::json,
    uri::Path,
};

open_enum! {
    /// What a member does for its cluster.
    pub enum ClusterRole {
        /// It has the database.
        Database = "database",
        /// It leads those that have the database.
        DatabaseLeader = "database-leader",
        /// It has a copy of the database.
        DatabaseStandby = "database-standby",
        /// It hands on the others' events.
        EventHub = "event-hub",
        /// OVN traffic leaves by it.
        OvnChassis = "ovn-chassis",
        /// It may have the database (`clustering_control_plane`).
        ControlPlane = "control-plane",
    }
}

open_enum! {
    /// What becomes of a member's instances when it is evacuated or restored, instead of what each one's
    /// `cluster.evacuate` says.
    pub enum EvacuationMode {
        /// They are stopped, and stay.
        Stop = "stop",
        /// They are stopped, go to other members, and are started there.
        Migrate = "migrate",
        /// They go to other members as they run.
        LiveMigrate = "live-migrate",
        /// Restored: nothing is moved back or started (`clustering_restore_skip_mode`, 6.4).
        Skip = "skip",
    }
}

model! {
    /// A member of a cluster.
    pub struct ClusterMember {
        /// Its name.
        pub server_name: String,
        /// Where it listens.
        pub url: String,
        /// Whether it has the database.
        pub database: bool,
        /// `Online`, `Offline`, `Evacuated` or `Blocked`.
        pub status: String,
        /// Why, in words.
        pub message: String,
        /// Its architecture, as `x86_64`.
        pub architecture: String,
        /// What it is for.
        pub description: String,
        /// What it does for the cluster.
        pub roles: Vec<ClusterRole>,
        /// What it fails together with. LXD spreads the database over these.
        pub failure_domain: String,
        /// Its configuration: `scheduler.instance`, `user.*`.
        pub config: Config,
        /// The groups that it is in.
        pub groups: Vec<String>,
    }

    /// How a member stands.
    pub struct ClusterMemberState {
        /// Its host.
        pub sysinfo: ClusterMemberSysInfo,
        /// Its storage pools by name.
        pub storage_pools: BTreeMap<String, StoragePoolState>,
    }

    /// A member's host.
    pub struct ClusterMemberSysInfo {
        /// Seconds since it was started.
        pub uptime: i64,
        /// The mean number of processes that wanted to run in the last 1, 5 and 15 minutes.
        pub load_averages: Vec<f64>,
        /// Bytes of memory.
        pub total_ram: u64,
        /// Bytes of memory that nothing uses.
        pub free_ram: u64,
        /// Bytes of memory that several processes share.
        pub shared_ram: u64,
        /// Bytes of memory that buffers use.
        pub buffered_ram: u64,
        /// Bytes of swap.
        pub total_swap: u64,
        /// Bytes of swap that nothing uses.
        pub free_swap: u64,
        /// How many processes it has.
        pub processes: u64,
        /// How many processors it has, each thread counted.
        pub logical_cpus: u64,
    }

    /// How much of a storage pool is used.
    pub struct StoragePoolState {
        /// In bytes.
        pub space: StoragePoolUsage,
        /// In inodes.
        pub inodes: StoragePoolUsage,
    }

    /// How much of something is used.
    pub struct StoragePoolUsage {
        /// So much there is.
        pub total: u64,
        /// So much is used.
        pub used: u64,
    }
}

writable! {
    /// What can be written of a [`ClusterMember`].
    ///
    /// Only `ovn-chassis` of the [roles](Self::roles) is given by hand; the others must stay as they are. So a
    /// [`patch`](Object::patch) must say all roles on 5.0.2: it takes none said for none left (400). LXD 5.0.2 does not
    /// look at `If-Match` here.
    pub struct ClusterMemberPut / ClusterMemberPatch {
        /// What it is for.
        pub description: String,
        /// What it does for the cluster.
        pub roles: Vec<ClusterRole>,
        /// What it fails together with.
        pub failure_domain: String,
        /// Its configuration.
        pub config: Config,
        /// The groups that it is in.
        pub groups: Vec<String>,
    }
}

resource! { ClusterMember, "cluster member" ("clustering"): "cluster/members" }

impl Editable for ClusterMember {
    type Put = ClusterMemberPut;
    const READ_ONLY: &'static [&'static str] = &["architecture", "database", "message", "server_name", "status", "url"];
}

impl Patchable for ClusterMember {
    type Patch = ClusterMemberPatch;
}

/// On 5.0.2 no instances can be made on it until its daemon starts again, since that knows only the old name.
impl Renamable for ClusterMember {
    const KEY: &'static str = "server_name";
}

/// Removes it from the cluster. It must be empty, and forgets all that it knows.
impl Deletable for ClusterMember {}

/// Also when it does not answer. What is on it is lost.
impl Forcible for ClusterMember {
    const EXTENSION: Option<&'static str> = None;
}

impl Resource for ClusterMemberState {
    const KIND: &'static str = "a cluster member's state";
    const EXTENSION: Option<&'static str> = Some("cluster_member_state");
    /// The member.
    type At = String;

    fn path(member: &String) -> Path {
        ClusterMember::path(member).join("state")
    }
}

/// Asks for a token that a server joins with: `POST /1.0/cluster/members`.
#[derive(Clone, Debug)]
pub struct JoinTokenRequest {
    server_name: String,
}

impl Endpoint for JoinTokenRequest {
    type Output = Issued<ClusterMemberJoinToken>;

    fn request(&self) -> Result<Request, Error> {
        let post = BTreeMap::from([("server_name", &self.server_name)]);
        json(Method::POST, &ClusterMember::list(&()), &post)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Issued::read(&response, |operation| {
            ("server_name", operation.metadata.get("serverName").cloned().unwrap_or_default())
        })
    }

    fn extensions(&self) -> Vec<&'static str> {
        Vec::from(["clustering_join_token"])
    }
}

/// `POST /1.0/cluster/members/{name}/state`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChangeMemberState {
    member: String,
    evacuate: bool,
    /// What becomes of its instances; none leaves that to each one's `cluster.evacuate`.
    pub mode: Option<EvacuationMode>,
    /// Whether it may cost the cluster the majority of its database.
    pub force: bool,
}

impl Endpoint for ChangeMemberState {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        let mut post = BTreeMap::from([("action", if self.evacuate { "evacuate" } else { "restore" }.into())]);
        if let Some(mode) = &self.mode {
            post.insert("mode", serde_json::Value::from(mode.as_str()));
        }
        if self.force {
            post.insert("force", true.into());
        }
        json(Method::POST, &ClusterMemberState::path(&self.member), &post)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        let mode = if self.evacuate { "clustering_evacuation_mode" } else { "clustering_restore_skip_mode" };
        let mode = self.mode.as_ref().map(|_| mode);
        ["clustering_evacuation"]
            .into_iter()
            .chain(mode)
            .chain(self.force.then_some("clustering_evacuation_force"))
            .collect()
    }
}

impl<C: Client> Collection<C, ClusterMember> {
    /// Makes a token that a server of this name joins with, once: `POST /1.0/cluster/members` (extension
    /// `clustering_join_token`). It is good for `cluster.join_token_expiry`, by default three hours, and is revoked by
    /// [`Issued::operation`].
    pub fn token(&self, server_name: impl Into<String>) -> Call<C, JoinTokenRequest> {
        Call::new(&self.client, JoinTokenRequest { server_name: server_name.into() })
    }
}

/// What can be done with one member, besides the generic verbs.
impl<C: Client> Object<C, ClusterMember> {
    /// How its host and storage pools stand: `GET /1.0/cluster/members/{name}/state` (extension `cluster_member_state`,
    /// 5.11).
    pub fn state(&self) -> Call<C, Get<ClusterMemberState>> {
        Call::new(&self.client, Get::new(self.at.clone()))
    }

    /// Sends its instances away, and lets no new ones come: `POST /1.0/cluster/members/{name}/state` (extension
    /// `clustering_evacuation`).
    pub fn evacuate(&self) -> Call<C, ChangeMemberState> {
        self.change_state(true)
    }

    /// Brings its instances back, and lets new ones come: `POST /1.0/cluster/members/{name}/state` (extension
    /// `clustering_evacuation`).
    pub fn restore(&self) -> Call<C, ChangeMemberState> {
        self.change_state(false)
    }

    fn change_state(&self, evacuate: bool) -> Call<C, ChangeMemberState> {
        Call::new(&self.client, ChangeMemberState { member: self.at.clone(), evacuate, mode: None, force: false })
    }
}

impl<C: Client> Call<C, ChangeMemberState> {
    /// What becomes of its instances (extension `clustering_evacuation_mode`; to restore, `clustering_restore_skip_mode`).
    pub fn mode(mut self, mode: EvacuationMode) -> Self {
        self.endpoint.mode = Some(mode);
        self
    }

    /// Also where that costs the cluster the majority of its database (extension `clustering_evacuation_force`).
    pub fn force(mut self) -> Self {
        self.endpoint.force = true;
        self
    }
}
