//! Profiles: configuration that instances share. `/1.0/profiles`.

use alloc::{string::String, vec::Vec};

use super::{Config, Devices};
use crate::{
    compat::{model, request, writable},
    crud::{AcrossProjects, Creatable, Deletable, Editable, Patchable, Renamable, resource},
    entitlements::Entitled,
};

model! {
    /// A profile.
    pub struct Profile {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// The configuration that instances get.
        pub config: Config,
        /// The devices that instances get.
        pub devices: Devices,
        /// The URLs of the instances that use it.
        pub used_by: Vec<String>,
        /// The project it is in (`profiles_all_projects`, 6.3).
        pub project: String,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }
}

writable! {
    /// What can be written of a [`Profile`].
    pub struct ProfilePut / ProfilePatch {
        /// What it is for.
        pub description: String,
        /// The configuration that instances get.
        pub config: Config,
        /// The devices that instances get.
        pub devices: Devices,
    }
}

request! {
    /// A profile to be made: `POST /1.0/profiles`.
    pub struct ProfilesPost {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// The configuration that instances get.
        pub config: Config,
        /// The devices that instances get.
        pub devices: Devices,
    }
}

impl ProfilesPost {
    /// An empty profile of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

resource! { Profile, "profile": "profiles" }

impl Creatable for Profile {
    type Post = ProfilesPost;
    type Answer = ();
}

impl Editable for Profile {
    type Put = ProfilePut;
    const READ_ONLY: &'static [&'static str] = &["name", "used_by", "project", "access_entitlements"];
}

impl Patchable for Profile {
    type Patch = ProfilePatch;
}

impl Renamable for Profile {}
impl Entitled for Profile {}
impl Deletable for Profile {}

impl AcrossProjects for Profile {
    const EXTENSION: &'static str = "profiles_all_projects";
}
