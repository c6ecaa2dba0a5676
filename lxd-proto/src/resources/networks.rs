//! Networks: what LXD manages, and the host's other interfaces. `/1.0/networks`.

use alloc::{string::String, vec::Vec};

use http::Method;

use super::{Config, NetworkForward};
use crate::{
    Call, Client, Collection, Endpoint, Error, Object, Request, Response,
    compat::{model, open_enum, request, writable},
    crud::{AcrossProjects, Creatable, Deletable, Editable, Get, Patchable, Renamable, Resource, resource},
    endpoint::bare,
    entitlements::Entitled,
    envelope,
    uri::Path,
};

open_enum! {
    /// What a network is.
    pub enum NetworkType {
        /// A bridge.
        Bridge = "bridge",
        /// Interfaces on top of one of the host's.
        Macvlan = "macvlan",
        /// Virtual functions of one of the host's interfaces.
        Sriov = "sriov",
        /// An OVN network.
        Ovn = "ovn",
        /// One of the host's interfaces, that OVN networks go out by.
        Physical = "physical",
        /// The host's loopback; not managed.
        Loopback = "loopback",
        /// Interfaces of the host that work as one; not managed.
        Bond = "bond",
        /// A VLAN of the host; not managed.
        Vlan = "vlan",
        /// Another interface of the host; not managed.
        Unknown = "unknown",
    }
}

model! {
    /// A network, or an interface of the host that LXD does not manage.
    pub struct Network {
        /// Its name, which is also its interface's.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// What it is.
        #[serde(rename = "type")]
        pub kind: NetworkType,
        /// Whether LXD manages it; else it cannot be changed.
        pub managed: bool,
        /// `Created`, `Pending`, `Errored`, `Unknown` or `Unavailable`; empty for what is not managed.
        pub status: String,
        /// Its configuration. In a cluster, what one member has for itself is only shown with that member as target.
        pub config: Config,
        /// The URLs of the instances, profiles and networks that use it.
        pub used_by: Vec<String>,
        /// The cluster members that have it; `none` without a cluster.
        pub locations: Vec<String>,
        /// The project it is in (`networks_all_projects`, 6.3).
        pub project: String,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }

    /// How a network's interface stands.
    pub struct NetworkState {
        /// Its addresses.
        pub addresses: Vec<NetworkStateAddress>,
        /// What went through it.
        pub counters: NetworkStateCounters,
        /// Its MAC address.
        pub hwaddr: String,
        /// Its MTU.
        pub mtu: i64,
        /// `up` or `down`.
        pub state: String,
        /// `broadcast`, `loopback`, `point-to-point`.
        #[serde(rename = "type")]
        pub kind: String,
        /// What a bond has besides (`network_state_bond_bridge`).
        pub bond: Option<NetworkStateBond>,
        /// What a bridge has besides (`network_state_bond_bridge`).
        pub bridge: Option<NetworkStateBridge>,
        /// What a VLAN has besides (`network_state_vlan`).
        pub vlan: Option<NetworkStateVlan>,
        /// What an OVN network has besides (`network_state_ovn`).
        pub ovn: Option<NetworkStateOvn>,
    }

    /// An address of a network's interface.
    pub struct NetworkStateAddress {
        /// `inet` or `inet6`.
        pub family: String,
        /// The address.
        pub address: String,
        /// The length of its network's prefix.
        pub netmask: String,
        /// `global`, `link`, `local`.
        pub scope: String,
    }

    /// What went through a network's interface. LXD's numbers were signed up to 5.0 and unsigned since.
    pub struct NetworkStateCounters {
        /// Bytes in.
        pub bytes_received: i128,
        /// Bytes out.
        pub bytes_sent: i128,
        /// Packets in.
        pub packets_received: i128,
        /// Packets out.
        pub packets_sent: i128,
    }

    /// A bond.
    pub struct NetworkStateBond {
        /// `802.3ad`, `active-backup` and so on.
        pub mode: String,
        /// Which interface a packet leaves by.
        pub transmit_policy: String,
        /// Milliseconds until a link that came up is used.
        pub up_delay: u64,
        /// Milliseconds until a link that went down is not used any more.
        pub down_delay: u64,
        /// Milliseconds from one look at the links to the next.
        pub mii_frequency: u64,
        /// `up` or `down`.
        pub mii_state: String,
        /// The interfaces that it is made of.
        pub lower_devices: Vec<String>,
    }

    /// A bridge.
    pub struct NetworkStateBridge {
        /// Its id.
        pub id: String,
        /// Whether it takes part in the spanning tree protocol.
        pub stp: bool,
        /// Hundredths of a second until a port forwards.
        pub forward_delay: u64,
        /// The VLAN of ports that say none.
        pub vlan_default: u64,
        /// Whether it keeps VLANs apart.
        pub vlan_filtering: bool,
        /// The interfaces in it.
        pub upper_devices: Vec<String>,
    }

    /// A VLAN.
    pub struct NetworkStateVlan {
        /// The interface below it.
        pub lower_device: String,
        /// Its number.
        pub vid: u64,
    }

    /// An OVN network.
    pub struct NetworkStateOvn {
        /// The chassis that its traffic leaves by.
        pub chassis: String,
        /// Its router (Incus).
        pub logical_router: String,
        /// Its switch (Incus).
        pub logical_switch: String,
        /// Its IPv4 address outside (Incus).
        pub uplink_ipv4: String,
        /// Its IPv6 address outside (Incus).
        pub uplink_ipv6: String,
    }

    /// An address that something in a network has.
    pub struct NetworkLease {
        /// Who has it.
        pub hostname: String,
        /// Its MAC address; empty for the network's own.
        pub hwaddr: String,
        /// The address.
        pub address: String,
        /// `dynamic`, `static`, `gateway` or `uplink`.
        #[serde(rename = "type")]
        pub kind: String,
        /// The cluster member that gave it; `none` without a cluster.
        pub location: String,
        /// The instance's project (since 5.21).
        pub project: String,
    }
}

writable! {
    /// What can be written of a [`Network`].
    ///
    /// On 5.0.2 a patch that gives no description empties it.
    pub struct NetworkPut / NetworkPatch {
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
    }
}

request! {
    /// A network to be made: `POST /1.0/networks`.
    pub struct NetworksPost {
        /// Its name, which becomes its interface's: at most 15 letters, digits and `-`, `_`, `.`.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// What it is; not said, a bridge.
        #[serde(rename = "type")]
        pub kind: NetworkType,
        /// Its configuration.
        pub config: Config,
    }
}

impl NetworksPost {
    /// A bridge of this name.
    ///
    /// In a cluster one is made in several steps: for each member with that member as
    /// [`target`](crate::Lxd::target), which notes it there, and at last without, which makes it everywhere.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// A network of another type.
    pub fn of_type(name: impl Into<String>, kind: NetworkType) -> Self {
        Self { kind, ..Self::new(name) }
    }

    /// Sets one key of its configuration.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.insert(key.into(), value.into());
        self
    }
}

resource! { Network, "network" ("network"): "networks" }

impl Creatable for Network {
    type Post = NetworksPost;
    type Answer = ();
}

impl Editable for Network {
    type Put = NetworkPut;
    const READ_ONLY: &'static [&'static str] =
        &["access_entitlements", "locations", "managed", "name", "project", "status", "type", "used_by"];
}

impl Patchable for Network {
    type Patch = NetworkPatch;
}

impl Renamable for Network {}
impl Entitled for Network {}
impl Deletable for Network {}

impl AcrossProjects for Network {
    const EXTENSION: &'static str = "networks_all_projects";
}

impl Resource for NetworkState {
    const KIND: &'static str = "a network's state";
    const EXTENSION: Option<&'static str> = Some("network_state");
    /// The network.
    type At = String;

    fn path(network: &String) -> Path {
        Network::path(network).join("state")
    }
}

/// `GET /1.0/networks/{name}/leases`.
#[derive(Clone, Debug)]
pub struct GetLeases {
    network: String,
}

impl Endpoint for GetLeases {
    type Output = Vec<NetworkLease>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &Network::path(&self.network).join("leases"))
    }

    fn response(&self, response: Response) -> Result<Vec<NetworkLease>, Error> {
        Ok(envelope::sync::<Option<_>>("leases", &response)?.unwrap_or_default())
    }

    fn extensions(&self) -> Vec<&'static str> {
        Vec::from(["network_leases"])
    }
}

/// What can be done with one network, besides the generic verbs.
impl<C: Client> Object<C, Network> {
    /// How its interface stands: `GET /1.0/networks/{name}/state` (extension `network_state`).
    pub fn state(&self) -> Call<C, Get<NetworkState>> {
        Call::new(&self.client, Get::new(self.at.clone()))
    }

    /// The addresses that are taken in it: `GET /1.0/networks/{name}/leases` (extension `network_leases`).
    pub fn leases(&self) -> Call<C, GetLeases> {
        Call::new(&self.client, GetLeases { network: self.at.clone() })
    }

    /// What is forwarded into it: `/1.0/networks/{name}/forwards` (extension `network_forward`).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{
    ///     Lxd,
    ///     resources::{NetworkForwardPort, NetworkForwardsPost},
    /// };
    ///
    /// let br0 = lxd.network("br0");
    /// let mut post = NetworkForwardsPost::new("192.0.2.1");
    /// post.ports.push(NetworkForwardPort::tcp("80", "10.1.2.10"));
    /// br0.forwards().create(post).wait().send()?;
    /// br0.forward("192.0.2.1").edit(|forward| forward.description = "the web".into()).send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn forwards(&self) -> Collection<C, NetworkForward> {
        Collection::new(&self.client, self.at.clone())
    }

    /// What is forwarded of one address: `/1.0/networks/{name}/forwards/{address}`.
    pub fn forward(&self, listen_address: impl Into<String>) -> Object<C, NetworkForward> {
        Object::new(&self.client, (self.at.clone(), listen_address.into()))
    }
}
