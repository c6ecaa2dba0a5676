//! Network peers: OVN networks that reach each other. `/1.0/networks/{name}/peers`.

use alloc::{string::String, vec::Vec};

use super::{Config, Network};
use crate::{
    Client, Collection, Object,
    compat::{model, request, writable},
    crud::{Creatable, Deletable, Editable, Patchable, resource},
};

model! {
    /// A network's way to another one. It works when the other has one back.
    pub struct NetworkPeer {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration: `user.*`.
        pub config: Config,
        /// The other network; empty until that has one back.
        pub target_network: String,
        /// The other network's project; empty until that has one back.
        pub target_project: String,
        /// `Pending`, `Created` or `Errored`.
        pub status: String,
        /// The URLs of what uses it.
        pub used_by: Vec<String>,
    }
}

writable! {
    /// What can be written of a [`NetworkPeer`].
    pub struct NetworkPeerPut / NetworkPeerPatch {
        /// What it is for.
        pub description: String,
        /// Its configuration: `user.*`.
        pub config: Config,
    }
}

request! {
    /// A peer to be made: `POST /1.0/networks/{name}/peers`.
    pub struct NetworkPeersPost {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration: `user.*`.
        pub config: Config,
        /// The other network.
        pub target_network: String,
        /// The other network's project; not said, the client's.
        pub target_project: String,
    }
}

impl NetworkPeersPost {
    /// A way of this name to another network.
    pub fn new(name: impl Into<String>, target_network: impl Into<String>) -> Self {
        Self { name: name.into(), target_network: target_network.into(), ..Self::default() }
    }
}

resource! { NetworkPeer, "network peer" ("network_peer"): Network / "peers" }

impl Creatable for NetworkPeer {
    type Post = NetworkPeersPost;
    type Answer = ();
}

impl Editable for NetworkPeer {
    type Put = NetworkPeerPut;
    const READ_ONLY: &'static [&'static str] =
        &["name", "status", "target_integration", "target_network", "target_project", "type", "used_by"];
}

impl Patchable for NetworkPeer {
    type Patch = NetworkPeerPatch;
}

impl Deletable for NetworkPeer {}

impl<C: Client> Object<C, Network> {
    /// Its ways to other networks: `/1.0/networks/{name}/peers` (extension `network_peer`; OVN networks).
    pub fn peers(&self) -> Collection<C, NetworkPeer> {
        Collection::new(&self.client, self.at.clone())
    }

    /// One of its ways to other networks: `/1.0/networks/{name}/peers/{peer}`.
    pub fn peer(&self, name: impl Into<String>) -> Object<C, NetworkPeer> {
        Object::new(&self.client, (self.at.clone(), name.into()))
    }
}
