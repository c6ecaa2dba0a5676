//! Groups of an identity provider, and which groups here they stand for: `/1.0/auth/identity-provider-groups`. Extension
//! `access_management` (5.21).

use alloc::{string::String, vec::Vec};

use crate::{
    compat::{model, request, writable},
    crud::{Creatable, Deletable, Editable, Patchable, Renamable, resource},
    entitlements::Entitled,
};

model! {
    /// A group of an identity provider.
    pub struct IdentityProviderGroup {
        /// Its name there.
        pub name: String,
        /// The names of the groups here that its identities are in.
        pub groups: Vec<String>,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }
}

writable! {
    /// What can be written of an [`IdentityProviderGroup`].
    pub struct IdentityProviderGroupPut / IdentityProviderGroupPatch {
        /// The names of the groups here that its identities are in.
        pub groups: Vec<String>,
    }
}

request! {
    /// A group of an identity provider to be noted: `POST /1.0/auth/identity-provider-groups`.
    pub struct IdentityProviderGroupsPost {
        /// Its name there.
        pub name: String,
        /// The names of the groups here that its identities are in.
        pub groups: Vec<String>,
    }
}

impl IdentityProviderGroupsPost {
    /// A group of this name, whose identities are in these groups.
    pub fn new<G: Into<String>>(name: impl Into<String>, groups: impl IntoIterator<Item = G>) -> Self {
        Self { name: name.into(), groups: groups.into_iter().map(Into::into).collect() }
    }
}

resource! {
    IdentityProviderGroup, "identity provider's group" ("access_management"): "auth/identity-provider-groups"
}

impl Creatable for IdentityProviderGroup {
    type Post = IdentityProviderGroupsPost;
    type Answer = ();
}

impl Editable for IdentityProviderGroup {
    type Put = IdentityProviderGroupPut;
    const READ_ONLY: &'static [&'static str] = &["access_entitlements", "name"];
}

impl Patchable for IdentityProviderGroup {
    type Patch = IdentityProviderGroupPatch;
}

impl Renamable for IdentityProviderGroup {}
impl Deletable for IdentityProviderGroup {}
impl Entitled for IdentityProviderGroup {}
