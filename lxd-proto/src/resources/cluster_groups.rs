//! Groups of a cluster's members: `/1.0/cluster/groups`.

use alloc::{string::String, vec::Vec};

use crate::{
    compat::{model, request, writable},
    crud::{Creatable, Deletable, Editable, Patchable, Renamable, resource},
};

model! {
    /// A group of members.
    pub struct ClusterGroup {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// The names of its members.
        pub members: Vec<String>,
        /// The URLs of what uses it (`clustering_groups_used_by`).
        pub used_by: Vec<String>,
    }
}

writable! {
    /// What can be written of a [`ClusterGroup`]. LXD looks at `If-Match` of a patch only.
    pub struct ClusterGroupPut / ClusterGroupPatch {
        /// What it is for.
        pub description: String,
        /// The names of its members.
        pub members: Vec<String>,
    }
}

request! {
    /// A group to be made: `POST /1.0/cluster/groups`.
    pub struct ClusterGroupsPost {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// The names of its members.
        pub members: Vec<String>,
    }
}

impl ClusterGroupsPost {
    /// A group of this name, with these members.
    pub fn new<M: Into<String>>(name: impl Into<String>, members: impl IntoIterator<Item = M>) -> Self {
        let members = members.into_iter().map(Into::into).collect();
        Self { name: name.into(), members, ..Self::default() }
    }
}

resource! { ClusterGroup, "cluster group" ("clustering_groups"): "cluster/groups" }

impl Creatable for ClusterGroup {
    type Post = ClusterGroupsPost;
    type Answer = ();
}

impl Editable for ClusterGroup {
    type Put = ClusterGroupPut;
    const READ_ONLY: &'static [&'static str] = &["name", "used_by"];
}

impl Patchable for ClusterGroup {
    type Patch = ClusterGroupPatch;
}

impl Renamable for ClusterGroup {}
impl Deletable for ClusterGroup {}
