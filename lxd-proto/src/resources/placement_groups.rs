//! Which instances of a cluster keep together, or apart: `/1.0/placement-groups`. Extension `instance_placement_groups`
//! (6.6).

use alloc::{string::String, vec::Vec};

use super::Config;
use crate::{
    compat::{model, request, writable},
    crud::{AcrossProjects, Creatable, Deletable, Editable, Patchable, Renamable, resource},
    entitlements::Entitled,
};

model! {
    /// A placement group. Instances are in it by their configuration's `placement.group`.
    pub struct PlacementGroup {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration: `policy` (`compact` or `spread`), `rigor` (`strict` or `permissive`) and `user.*`.
        pub config: Config,
        /// The project it is in.
        pub project: String,
        /// The URLs of what uses it.
        pub used_by: Vec<String>,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }
}

writable! {
    /// What can be written of a [`PlacementGroup`].
    pub struct PlacementGroupPut / PlacementGroupPatch {
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
    }
}

request! {
    /// A placement group to be made: `POST /1.0/placement-groups`.
    pub struct PlacementGroupsPost {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration. `policy` and `rigor` must be said.
        pub config: Config,
    }
}

impl PlacementGroupsPost {
    /// A placement group of this name.
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

resource! { PlacementGroup, "placement group" ("instance_placement_groups"): "placement-groups" }

impl Creatable for PlacementGroup {
    type Post = PlacementGroupsPost;
    type Answer = ();
}

impl Editable for PlacementGroup {
    type Put = PlacementGroupPut;
    const READ_ONLY: &'static [&'static str] = &["access_entitlements", "name", "project", "used_by"];
}

impl Patchable for PlacementGroup {
    type Patch = PlacementGroupPatch;
}

impl Renamable for PlacementGroup {}
impl Deletable for PlacementGroup {}
impl Entitled for PlacementGroup {}

impl AcrossProjects for PlacementGroup {
    const EXTENSION: &'static str = "instance_placement_groups";
}
