//! Network ACLs: what traffic networks and their interfaces let through. `/1.0/network-acls`.

use alloc::{string::String, vec::Vec};

use http::Method;

use super::Config;
use crate::{
    Client, Download, Error, Fetch, Object, Request,
    compat::{model, request, writable},
    crud::{AcrossProjects, Creatable, Deletable, Editable, Patchable, Renamable, Resource, resource},
    endpoint::bare,
    entitlements::Entitled,
};

model! {
    /// A list of rules.
    pub struct NetworkAcl {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// The rules for what comes.
        pub ingress: Vec<NetworkAclRule>,
        /// The rules for what goes.
        pub egress: Vec<NetworkAclRule>,
        /// Its configuration: `user.*`.
        pub config: Config,
        /// The URLs of what uses it.
        pub used_by: Vec<String>,
        /// The project it is in (`network_acls_all_projects`).
        pub project: String,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }
}

writable! {
    /// What can be written of a [`NetworkAcl`].
    ///
    /// On 5.0.2 a patch removes the rules, and the description, that it does not give: only the configuration is merged.
    pub struct NetworkAclPut / NetworkAclPatch {
        /// What it is for.
        pub description: String,
        /// The rules for what comes.
        pub ingress: Vec<NetworkAclRule>,
        /// The rules for what goes.
        pub egress: Vec<NetworkAclRule>,
        /// Its configuration: `user.*`.
        pub config: Config,
    }

    /// A rule. What it does not say, it does not look at.
    pub struct NetworkAclRule {
        /// `allow`, `reject` or `drop`.
        pub action: String,
        /// Where from: addresses, ranges, networks, ACLs, with commas between.
        pub source: String,
        /// Where to: addresses, ranges, networks, ACLs, with commas between.
        pub destination: String,
        /// `tcp`, `udp`, `icmp4` or `icmp6`.
        pub protocol: String,
        /// Ports it comes from, as `80,90-95`.
        pub source_port: String,
        /// Ports it goes to, as `80,90-95`.
        pub destination_port: String,
        /// The type of an ICMP message.
        pub icmp_type: String,
        /// The code of an ICMP message.
        pub icmp_code: String,
        /// What it is for.
        pub description: String,
        /// `enabled`, `disabled` or `logged`.
        pub state: String,
    }
}

request! {
    /// An ACL to be made: `POST /1.0/network-acls`.
    pub struct NetworkAclsPost {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// The rules for what comes.
        pub ingress: Vec<NetworkAclRule>,
        /// The rules for what goes.
        pub egress: Vec<NetworkAclRule>,
        /// Its configuration: `user.*`.
        pub config: Config,
    }
}

impl NetworkAclsPost {
    /// An ACL of this name, without rules.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

impl NetworkAclRule {
    /// A rule for everything that does this: `allow`, `reject` or `drop`.
    pub fn new(action: impl Into<String>) -> Self {
        Self { action: action.into(), state: "enabled".into(), ..Self::default() }
    }
}

resource! { NetworkAcl, "network ACL" ("network_acl"): "network-acls" }

impl Creatable for NetworkAcl {
    type Post = NetworkAclsPost;
    type Answer = ();
}

impl Editable for NetworkAcl {
    type Put = NetworkAclPut;
    const READ_ONLY: &'static [&'static str] = &["access_entitlements", "name", "project", "used_by"];
}

impl Patchable for NetworkAcl {
    type Patch = NetworkAclPatch;
}

impl Renamable for NetworkAcl {}
impl Entitled for NetworkAcl {}
impl Deletable for NetworkAcl {}

impl AcrossProjects for NetworkAcl {
    const EXTENSION: &'static str = "network_acls_all_projects";
}

/// `GET /1.0/network-acls/{name}/log`.
#[derive(Clone, Debug)]
pub struct GetAclLog {
    acl: String,
}

impl Download for GetAclLog {
    type Head = ();

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &NetworkAcl::path(&self.acl).join("log"))
    }

    fn head(&self, _: &http::response::Parts) -> Result<(), Error> {
        Ok(())
    }

    fn extensions(&self) -> Vec<&'static str> {
        Vec::from(["network_acl_log"])
    }
}

impl<C: Client> Object<C, NetworkAcl> {
    /// What its rules logged, of OVN networks only: `GET /1.0/network-acls/{name}/log` (extension `network_acl_log`).
    pub fn log(&self) -> Fetch<C, GetAclLog> {
        Fetch::new(&self.client, GetAclLog { acl: self.at.clone() })
    }
}
