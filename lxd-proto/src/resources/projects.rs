//! Projects: instances, and what goes with them, apart from those of others. `/1.0/projects`.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use http::Method;

use super::Config;
use crate::{
    Call, Client, Collection, Endpoint, Error, Object, Request, Response,
    compat::{model, open_enum, request, writable},
    crud::{Changed, Creatable, Deletable, Editable, Forcible, Get, Patchable, Renamable, Resource, resource},
    endpoint::json,
    entitlements::Entitled,
    uri::Path,
};

open_enum! {
    /// What a project is in a pair of which one is the other's copy (`project_replica_mode`, 6.9).
    pub enum ReplicaMode {
        /// The one that is worked in.
        Leader = "leader",
        /// The copy.
        Standby = "standby",
    }
}

model! {
    /// A project.
    pub struct Project {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration: `features.*`, `limits.*`, `restricted.*`.
        pub config: Config,
        /// The URLs of what is in it.
        pub used_by: Vec<String>,
        /// What it is in a pair of which one is the other's copy; empty outside of one (`project_replica_mode`, 6.9).
        pub replica_mode: ReplicaMode,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }

    /// What a project uses.
    pub struct ProjectState {
        /// By what is limited: `instances`, `memory`, `disk`, `networks` and so on.
        pub resources: BTreeMap<String, ProjectStateResource>,
    }

    /// How much a project uses of something.
    pub struct ProjectStateResource {
        /// The most it may use; -1 means as much as there is.
        #[serde(rename = "Limit")]
        pub limit: i64,
        /// What it uses: a number, or bytes.
        #[serde(rename = "Usage")]
        pub usage: i64,
    }
}

writable! {
    /// What can be written of a [`Project`].
    ///
    /// On 5.0.2 a patch's configuration is the whole new one, and a patch that gives no description empties it.
    pub struct ProjectPut / ProjectPatch {
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
    }
}

request! {
    /// A project to be made: `POST /1.0/projects`.
    pub struct ProjectsPost {
        /// Its name. It must not hold `/`, `*`, quotes or spaces.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration. Features that are not said are the server's: most are on.
        pub config: Config,
        /// The network of its profile `default` (`project_default_network_and_storage`).
        pub network: String = "project_default_network_and_storage",
        /// The storage pool of its profile `default` (`project_default_network_and_storage`).
        pub storage: String = "project_default_network_and_storage",
    }
}

impl ProjectsPost {
    /// A project of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Sets one key of its configuration.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.insert(key.into(), value.into());
        self
    }
}

resource! { Project, "project" ("projects"): "projects" }

impl Creatable for Project {
    type Post = ProjectsPost;
    type Answer = ();
}

impl Editable for Project {
    type Put = ProjectPut;
    const READ_ONLY: &'static [&'static str] = &["access_entitlements", "name", "replica_mode", "used_by"];
}

impl Patchable for Project {
    type Patch = ProjectPatch;
}

/// An operation on every server, 5.0.2 too: the project has its new name only at its end.
impl Renamable for Project {}
impl Entitled for Project {}
impl Deletable for Project {}

/// With all that is in it.
impl Forcible for Project {
    const EXTENSION: Option<&'static str> = Some("projects_force_delete");
}

impl Resource for ProjectState {
    const KIND: &'static str = "a project's state";
    const EXTENSION: Option<&'static str> = Some("project_usage");
    /// The project.
    type At = String;

    fn path(project: &String) -> Path {
        Project::path(project).join("state")
    }
}

/// `PUT /1.0/projects/{name}/state`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChangeReplicaMode {
    project: String,
    mode: ReplicaMode,
    /// Whether it is done although the other of the pair does not answer.
    pub force: bool,
}

impl Endpoint for ChangeReplicaMode {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        let path = ProjectState::path(&self.project);
        let path = if self.force { path.query("force", "true") } else { path };
        json(Method::PUT, &path, &BTreeMap::from([("replica_mode", &self.mode)]))
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        Vec::from(["project_replica_mode"])
    }
}

impl<C: Client> Collection<C, Project> {
    /// One project: `/1.0/projects/{name}`. Nothing is asked of the server until a call is sent.
    pub fn one(&self, name: impl Into<String>) -> Object<C, Project> {
        Object::new(&self.client, name.into())
    }
}

/// What can be done with one project, besides the generic verbs.
impl<C: Client> Object<C, Project> {
    /// What it uses, and may use: `GET /1.0/projects/{name}/state` (extension `project_usage`).
    pub fn state(&self) -> Call<C, Get<ProjectState>> {
        Call::new(&self.client, Get::new(self.at.clone()))
    }

    /// Makes it the leader of its pair, or its standby: `PUT /1.0/projects/{name}/state` (extension
    /// `project_replica_mode`, 6.9).
    pub fn replica_mode(&self, mode: ReplicaMode) -> Call<C, ChangeReplicaMode> {
        Call::new(&self.client, ChangeReplicaMode { project: self.at.clone(), mode, force: false })
    }
}

impl<C: Client> Call<C, ChangeReplicaMode> {
    /// Although the other of the pair does not answer.
    pub fn force(mut self) -> Self {
        self.endpoint.force = true;
        self
    }
}
