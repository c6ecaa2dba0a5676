//! Groups of identities, and what they may do: `/1.0/auth/groups`. Extension `access_management` (5.21).

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::Permission;
use crate::{
    compat::{model, request, writable},
    crud::{Creatable, Deletable, Editable, Patchable, Renamable, resource},
    entitlements::Entitled,
};

model! {
    /// A group.
    pub struct AuthGroup {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// What its identities may do.
        pub permissions: Vec<Permission>,
        /// The ids of the identities that are in it, by their method.
        pub identities: BTreeMap<String, Vec<String>>,
        /// The groups of an identity provider whose identities are in it.
        pub identity_provider_groups: Vec<String>,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }
}

writable! {
    /// What can be written of an [`AuthGroup`]. An identity says itself which groups it is in.
    pub struct AuthGroupPut / AuthGroupPatch {
        /// What it is for.
        pub description: String,
        /// What its identities may do.
        pub permissions: Vec<Permission>,
    }
}

request! {
    /// A group to be made: `POST /1.0/auth/groups`.
    pub struct AuthGroupsPost {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// What its identities may do.
        pub permissions: Vec<Permission>,
    }
}

impl AuthGroupsPost {
    /// A group of this name, with these permissions.
    pub fn new(name: impl Into<String>, permissions: impl IntoIterator<Item = Permission>) -> Self {
        Self { name: name.into(), permissions: permissions.into_iter().collect(), ..Self::default() }
    }
}

resource! { AuthGroup, "authorization group" ("access_management"): "auth/groups" }

impl Creatable for AuthGroup {
    type Post = AuthGroupsPost;
    type Answer = ();
}

impl Editable for AuthGroup {
    type Put = AuthGroupPut;
    const READ_ONLY: &'static [&'static str] =
        &["access_entitlements", "identities", "identity_provider_groups", "name"];
}

impl Patchable for AuthGroup {
    type Patch = AuthGroupPatch;
}

impl Renamable for AuthGroup {}
impl Deletable for AuthGroup {}
impl Entitled for AuthGroup {}
