//! Network forwards: addresses outside whose traffic goes into a network. `/1.0/networks/{name}/forwards`.

use alloc::{string::String, vec::Vec};

use serde_json::Value;

use super::{Config, Network, Operation};
use crate::{
    Answer, Error, Response,
    compat::{model, request, writable},
    crud::{Creatable, Created, Deletable, Editable, Patchable, resource},
};

model! {
    /// What is forwarded of one address. Its address is its name, and stays.
    pub struct NetworkForward {
        /// The address.
        pub listen_address: String,
        /// What it is for.
        pub description: String,
        /// Its configuration: `target_address` is where all that no port says goes.
        pub config: Config,
        /// What goes elsewhere, by port.
        pub ports: Vec<NetworkForwardPort>,
        /// The cluster member that has it; `none` without a cluster.
        pub location: String,
    }
}

writable! {
    /// What can be written of a [`NetworkForward`]. LXD does not look at `If-Match` here, also where it gives a version.
    pub struct NetworkForwardPut / NetworkForwardPatch {
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
        /// What goes elsewhere, by port.
        pub ports: Vec<NetworkForwardPort>,
    }

    /// Where some ports of a forward go.
    pub struct NetworkForwardPort {
        /// What it is for.
        pub description: String,
        /// `tcp` or `udp`.
        pub protocol: String,
        /// The ports, as `80,90-95`.
        pub listen_port: String,
        /// The ports there: as many, or one. Empty means the same.
        pub target_port: String,
        /// Where they go.
        pub target_address: String,
    }
}

request! {
    /// A forward to be made: `POST /1.0/networks/{name}/forwards`.
    pub struct NetworkForwardsPost {
        /// The address.
        pub listen_address: String,
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
        /// What goes elsewhere, by port.
        pub ports: Vec<NetworkForwardPort>,
    }
}

/// The IPv4 address that means "choose one".
pub(super) const ANY_IPV4: &str = "0.0.0.0";
/// The IPv6 address that means "choose one".
pub(super) const ANY_IPV6: &str = "::";

/// What the server must have to choose an address, where it is to.
pub(super) fn chosen_by_the_server(listen_address: &str) -> Option<&'static str> {
    [ANY_IPV4, ANY_IPV6].contains(&listen_address).then_some("network_allocate_external_ips")
}

impl NetworkForwardsPost {
    /// A forward of this address that forwards nothing.
    pub fn new(listen_address: impl Into<String>) -> Self {
        Self { listen_address: listen_address.into(), ..Self::default() }
    }

    /// A forward of an IPv4 address that the server chooses (extension `network_allocate_external_ips`, 6.1; OVN
    /// networks).
    pub fn any_ipv4() -> Self {
        Self::new(ANY_IPV4)
    }

    /// A forward of an IPv6 address that the server chooses (extension `network_allocate_external_ips`, 6.1; OVN
    /// networks).
    pub fn any_ipv6() -> Self {
        Self::new(ANY_IPV6)
    }
}

impl NetworkForwardPort {
    /// TCP ports that go to this address, each to the same port.
    pub fn tcp(listen_port: impl Into<String>, target_address: impl Into<String>) -> Self {
        Self::of("tcp", listen_port.into(), target_address.into())
    }

    /// UDP ports that go to this address, each to the same port.
    pub fn udp(listen_port: impl Into<String>, target_address: impl Into<String>) -> Self {
        Self::of("udp", listen_port.into(), target_address.into())
    }

    fn of(protocol: &str, listen_port: String, target_address: String) -> Self {
        Self { protocol: protocol.into(), listen_port, target_address, ..Self::default() }
    }

    /// The ports there.
    #[must_use]
    pub fn to_port(mut self, target_port: impl Into<String>) -> Self {
        self.target_port = target_port.into();
        self
    }
}

/// A forward or load balancer that was made, by its address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedListener {
    /// The address, also where the server chose it.
    pub listen_address: String,
}

impl Answer for CreatedListener {
    fn done(response: &Response, metadata: &str) -> Result<Self, Error> {
        Created::done(response, metadata).map(|created| Self { listen_address: created.name })
    }

    /// The operation's URLs are the network's.
    fn finished(operation: &Operation) -> Result<Self, Error> {
        let address = operation.metadata.get("listen_address").and_then(Value::as_str).unwrap_or_default();
        Ok(Self { listen_address: address.into() })
    }
}

resource! { NetworkForward, "network forward" ("network_forward"): Network / "forwards" }

impl Creatable for NetworkForward {
    type Post = NetworkForwardsPost;
    type Answer = CreatedListener;

    fn needs(post: &NetworkForwardsPost) -> Vec<&'static str> {
        chosen_by_the_server(&post.listen_address).into_iter().collect()
    }
}

impl Editable for NetworkForward {
    type Put = NetworkForwardPut;
    const READ_ONLY: &'static [&'static str] = &["listen_address", "location"];
}

impl Patchable for NetworkForward {
    type Patch = NetworkForwardPatch;
}

impl Deletable for NetworkForward {}
