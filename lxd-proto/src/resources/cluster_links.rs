//! Clusters that this one works with: `/1.0/cluster/links`. Extension `cluster_links` (6.8).

use alloc::{string::String, vec::Vec};

use super::{Cluster, Config};
use crate::{
    Call, Client, Collection, Get, Object, TrustToken,
    compat::{Secret, model, open_enum, request, writable},
    crud::{Creatable, Deletable, Editable, Patchable, Renamable, Resource, resource},
    entitlements::Entitled,
    uri::Path,
};

open_enum! {
    /// Which of two linked clusters asks the other.
    pub enum ClusterLinkType {
        /// Each the other.
        Bidirectional = "bidirectional",
    }
}

open_enum! {
    /// Whether a member of a linked cluster can be asked.
    pub enum ClusterLinkMemberStatus {
        /// It answers, and trusts this cluster.
        Active = "Active",
        /// It does not answer.
        Unreachable = "Unreachable",
        /// It answers, and does not trust this cluster.
        Unauthenticated = "Unauthenticated",
    }
}

model! {
    /// A link to another cluster.
    pub struct ClusterLink {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Which of the two asks the other.
        #[serde(rename = "type")]
        pub kind: ClusterLinkType,
        /// Its configuration: `user.*`, and what LXD notes itself, as `volatile.addresses`.
        pub config: Config,
        /// The URLs of what uses it (`cluster_links_used_by`).
        pub used_by: Vec<String>,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }

    /// How a linked cluster stands.
    pub struct ClusterLinkState {
        /// Its members.
        pub cluster_link_members: Vec<ClusterLinkMemberState>,
    }

    /// How a member of a linked cluster stands.
    pub struct ClusterLinkMemberState {
        /// Its name.
        pub server_name: String,
        /// Where it listens, as `host:port`.
        pub address: String,
        /// Whether it can be asked.
        pub status: ClusterLinkMemberStatus,
    }
}

writable! {
    /// What can be written of a [`ClusterLink`].
    pub struct ClusterLinkPut / ClusterLinkPatch {
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
    }
}

request! {
    /// A link to be made: `POST /1.0/cluster/links`.
    pub struct ClusterLinksPost {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Which of the two asks the other. It must be said.
        #[serde(rename = "type")]
        pub kind: ClusterLinkType,
        /// Its configuration: `user.*`.
        pub config: Config,
        /// The names of the groups that say what the other cluster may do here.
        pub auth_groups: Vec<String>,
        /// What the other cluster has made the link with.
        pub trust_token: Secret,
    }
}

impl ClusterLinksPost {
    /// A link of this name, with the token that the other cluster has made: [`token`](Collection::token). LXD sends the
    /// secret only to a server with the certificate that the token names.
    pub fn new(name: impl Into<String>, token: &TrustToken) -> Self {
        Self { trust_token: token.encode(), ..Self::pending(name.into()) }
    }

    /// A link for which a token is made.
    pub(super) fn pending(name: String) -> Self {
        Self { name, kind: ClusterLinkType::Bidirectional, ..Self::default() }
    }
}

resource! { ClusterLink, "cluster link" ("cluster_links"): "cluster/links" }

impl Creatable for ClusterLink {
    type Post = ClusterLinksPost;
    type Answer = ();
}

impl Editable for ClusterLink {
    type Put = ClusterLinkPut;
    const READ_ONLY: &'static [&'static str] = &["access_entitlements", "name", "type", "used_by"];
}

impl Patchable for ClusterLink {
    type Patch = ClusterLinkPatch;
}

impl Renamable for ClusterLink {}
impl Deletable for ClusterLink {}
impl Entitled for ClusterLink {}

impl Resource for ClusterLinkState {
    const KIND: &'static str = "a cluster link's state";
    const EXTENSION: Option<&'static str> = Some("cluster_links");
    /// The link.
    type At = String;

    fn path(link: &String) -> Path {
        ClusterLink::path(link).join("state")
    }
}

impl<C: Client> Object<C, Cluster> {
    /// Its links to other clusters: `/1.0/cluster/links` (extension `cluster_links`, 6.8).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(here: C, there: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::ClusterLinksPost};
    ///
    /// let token = here.cluster().links().token("there").auth_groups(["replication"]).send()?;
    /// there.cluster().links().create(ClusterLinksPost::new("here", &token)).wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn links(&self) -> Collection<C, ClusterLink> {
        Collection::new(&self.client, ())
    }

    /// One of its links to other clusters: `/1.0/cluster/links/{name}`.
    pub fn link(&self, name: impl Into<String>) -> Object<C, ClusterLink> {
        Object::new(&self.client, name.into())
    }
}

impl<C: Client> Object<C, ClusterLink> {
    /// How the members of the other cluster stand: `GET /1.0/cluster/links/{name}/state` (extension `cluster_links`,
    /// 6.8).
    pub fn state(&self) -> Call<C, Get<ClusterLinkState>> {
        Call::new(&self.client, Get::new(self.at.clone()))
    }
}
