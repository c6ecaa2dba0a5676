//! Groups of a cluster's members: `/1.0/cluster/groups`.

use alloc::{string::String, vec::Vec};

use crate::{
    compat::{model, request, writable},
    crud::{Creatable, Deletable, Editable, Listed, Patchable, Renamable, Resource},
    uri::Path,
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

impl Resource for ClusterGroup {
    const KIND: &'static str = "cluster group";
    const EXTENSION: Option<&'static str> = Some("clustering_groups");
    type At = String;

    fn path(at: &String) -> Path {
        Self::list(&()).name(at)
    }
}

impl Listed for ClusterGroup {
    type In = ();

    fn list((): &()) -> Path {
        Path::root().join("cluster/groups")
    }

    fn at((): &(), name: &str) -> String {
        name.into()
    }
}

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
