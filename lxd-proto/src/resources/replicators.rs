//! Projects that are copied to another cluster again and again: `/1.0/replicators`. Extension `replicators` (6.8).

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use http::Method;

use super::Config;
use crate::{
    Call, Client, Endpoint, Error, Get, Object, Request, Response,
    compat::{Timestamp, model, open_enum, request, writable},
    crud::{AcrossProjects, Changed, Creatable, Deletable, Editable, Patchable, Renamable, Resource, resource},
    endpoint::json,
    entitlements::Entitled,
    uri::Path,
};

open_enum! {
    /// How a replicator's run stands.
    pub enum ReplicatorStatus {
        /// It has never run.
        Pending = "Pending",
        /// It runs.
        Running = "Running",
        /// The last run went well.
        Completed = "Completed",
        /// The last run failed.
        Failed = "Failed",
    }
}

model! {
    /// A replicator.
    pub struct Replicator {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration: `cluster`, the [link](super::ClusterLink) to where it copies to, `schedule`, as `@daily`, and
        /// `user.*`.
        pub config: Config,
        /// The project that it copies.
        pub project: String,
        /// When it last ran; unset if never.
        pub last_run_at: Timestamp,
        /// How the last run stands.
        pub last_run_status: ReplicatorStatus,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }

    /// How a replicator stands.
    pub struct ReplicatorState {
        /// How its last run stands.
        pub status: ReplicatorStatus,
    }
}

writable! {
    /// What can be written of a [`Replicator`].
    pub struct ReplicatorPut / ReplicatorPatch {
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
    }
}

request! {
    /// A replicator to be made: `POST /1.0/replicators`. It copies the client's project.
    pub struct ReplicatorsPost {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration. `cluster` must be said.
        pub config: Config,
    }
}

impl ReplicatorsPost {
    /// A replicator of this name that copies to the cluster at the other end of this link.
    pub fn new(name: impl Into<String>, cluster_link: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }.config("cluster", cluster_link)
    }

    /// Sets one key of its configuration.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.insert(key.into(), value.into());
        self
    }
}

resource! { Replicator, "replicator" ("replicators"): "replicators" }

impl Creatable for Replicator {
    type Post = ReplicatorsPost;
    type Answer = ();
}

impl Editable for Replicator {
    type Put = ReplicatorPut;
    const READ_ONLY: &'static [&'static str] =
        &["access_entitlements", "last_run_at", "last_run_status", "name", "project"];
}

impl Patchable for Replicator {
    type Patch = ReplicatorPatch;
}

impl Renamable for Replicator {}
impl Deletable for Replicator {}
impl Entitled for Replicator {}

impl AcrossProjects for Replicator {
    const EXTENSION: &'static str = "replicators";
}

impl Resource for ReplicatorState {
    const KIND: &'static str = "a replicator's state";
    const EXTENSION: Option<&'static str> = Some("replicators");
    /// The replicator.
    type At = String;

    fn path(replicator: &String) -> Path {
        Replicator::path(replicator).join("state")
    }
}

/// `PUT /1.0/replicators/{name}/state`.
#[derive(Clone, Debug)]
pub struct RunReplicator {
    replicator: String,
    action: &'static str,
}

impl Endpoint for RunReplicator {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        json(Method::PUT, &ReplicatorState::path(&self.replicator), &BTreeMap::from([("action", self.action)]))
    }

    fn response(&self, response: Response) -> Result<Changed<()>, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        ReplicatorState::EXTENSION.into_iter().collect()
    }
}

/// What can be done with one replicator, besides the generic verbs.
impl<C: Client> Object<C, Replicator> {
    /// How it stands: `GET /1.0/replicators/{name}/state` (extension `replicators`, 6.8).
    pub fn state(&self) -> Call<C, Get<ReplicatorState>> {
        Call::new(&self.client, Get::new(self.at.clone()))
    }

    /// Copies the project now: `PUT /1.0/replicators/{name}/state` (extension `replicators`, 6.8).
    pub fn start(&self) -> Call<C, RunReplicator> {
        self.run("start")
    }

    /// Copies the project back from the other cluster: `PUT /1.0/replicators/{name}/state` (extension `replicators`, 6.8).
    /// All instances of the project must be stopped.
    pub fn restore(&self) -> Call<C, RunReplicator> {
        self.run("restore")
    }

    fn run(&self, action: &'static str) -> Call<C, RunReplicator> {
        Call::new(&self.client, RunReplicator { replicator: self.at.clone(), action })
    }
}
