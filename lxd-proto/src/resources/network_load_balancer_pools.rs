//! Pools of instances that load balancers choose from: `/1.0/networks/{name}/load-balancer-pools`. Extension
//! `network_load_balancer_pool` (6.9); OVN networks.

use alloc::{boxed::Box, string::String, vec::Vec};

use http::{Method, response::Parts};

use super::{Config, Network};
use crate::{
    Call, Client, Create, Elements, Endpoint, Error, Get, Listing, Object, Request, Response,
    compat::{model, open_enum, request, writable},
    crud::{Creatable, Deletable, Editable, Listed, Resource, resource},
    elements::Collected,
    endpoint::{Receive, bare},
    uri::Path,
};

open_enum! {
    /// Whether a target of a pool answers.
    pub enum NetworkLoadBalancerPoolTargetStatus {
        /// Nobody could look.
        Error = "error",
        /// It does not answer.
        Offline = "offline",
        /// It answers.
        Online = "online",
        /// It will be looked at.
        Pending = "pending",
        /// The instance does not run, or nobody looks.
        Unknown = "unknown",
    }
}

model! {
    /// A pool.
    pub struct NetworkLoadBalancerPool {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration: `protocol` and so on.
        pub config: Config,
        /// What is in it.
        pub instances: Vec<NetworkLoadBalancerPoolInstance>,
        /// The URLs of what uses it.
        pub used_by: Vec<String>,
    }

    /// How a pool stands.
    pub struct NetworkLoadBalancerPoolState {
        /// Each address of each instance in it.
        pub targets: Vec<NetworkLoadBalancerPoolTarget>,
    }

    /// An address of an instance in a pool.
    pub struct NetworkLoadBalancerPoolTarget {
        /// The instance.
        pub name: String,
        /// Its network device.
        pub device: String,
        /// Its address.
        pub address: String,
        /// The port there.
        pub port: String,
        /// The load balancer's address.
        pub listen_address: String,
        /// The load balancer's port.
        pub listen_port: String,
        /// Whether it answers.
        pub status: NetworkLoadBalancerPoolTargetStatus,
    }
}

writable! {
    /// An instance in a pool.
    pub struct NetworkLoadBalancerPoolInstance {
        /// Its name.
        pub name: String,
        /// The port there; empty means the pool's.
        pub target_port: String,
    }

    /// What can be written of a [`NetworkLoadBalancerPool`].
    pub struct NetworkLoadBalancerPoolPut {
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
        /// What is in it.
        pub instances: Vec<NetworkLoadBalancerPoolInstance>,
    }
}

request! {
    /// A pool to be made: `POST /1.0/networks/{name}/load-balancer-pools`.
    pub struct NetworkLoadBalancerPoolsPost {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
        /// What is in it.
        pub instances: Vec<NetworkLoadBalancerPoolInstance>,
    }
}

impl NetworkLoadBalancerPoolInstance {
    /// An instance, with the pool's port.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

impl NetworkLoadBalancerPoolsPost {
    /// A pool of this name, with these instances.
    pub fn new<I: Into<String>>(name: impl Into<String>, instances: impl IntoIterator<Item = I>) -> Self {
        let instances = instances.into_iter().map(NetworkLoadBalancerPoolInstance::new).collect();
        Self { name: name.into(), instances, ..Self::default() }
    }

    /// Sets one key of its configuration.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.insert(key.into(), value.into());
        self
    }
}

resource! {
    NetworkLoadBalancerPool, "load balancer pool" ("network_load_balancer_pool"): Network / "load-balancer-pools"
}

impl Creatable for NetworkLoadBalancerPool {
    type Post = NetworkLoadBalancerPoolsPost;
    type Answer = ();
}

impl Editable for NetworkLoadBalancerPool {
    type Put = NetworkLoadBalancerPoolPut;
    const READ_ONLY: &'static [&'static str] = &["name", "used_by"];
}

impl Deletable for NetworkLoadBalancerPool {}

impl Resource for NetworkLoadBalancerPoolState {
    const KIND: &'static str = "a load balancer pool's state";
    const EXTENSION: Option<&'static str> = Some("network_load_balancer_pool");
    /// The network, and the pool in it.
    type At = (String, String);

    fn path(pool: &Self::At) -> Path {
        NetworkLoadBalancerPool::path(pool).join("state")
    }
}

/// `GET /1.0/networks/{name}/load-balancer-pools`, which gives the pools themselves without being told to.
#[derive(Clone, Debug)]
pub struct ListLoadBalancerPools {
    network: String,
}

impl Endpoint for ListLoadBalancerPools {
    type Output = Vec<NetworkLoadBalancerPool>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &NetworkLoadBalancerPool::list(&self.network))
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        let (head, body) = response.into_parts();
        Collected::whole(self.elements(head), body)
    }

    fn receive(&self, head: Parts) -> Box<dyn Receive<Self::Output>> {
        Box::new(Collected::new(self.elements(head)))
    }

    fn extensions(&self) -> Vec<&'static str> {
        NetworkLoadBalancerPool::EXTENSION.into_iter().collect()
    }
}

impl Listing for ListLoadBalancerPools {
    type Item = NetworkLoadBalancerPool;

    fn elements(&self, head: Parts) -> Elements<NetworkLoadBalancerPool> {
        Elements::new(NetworkLoadBalancerPool::KIND, head, NetworkLoadBalancerPool::read_list)
    }
}

/// The pools of a network. Their list has no names, only the pools.
#[derive(Clone, Debug)]
pub struct LoadBalancerPools<C> {
    client: C,
    network: String,
}

impl<C: Client> LoadBalancerPools<C> {
    /// The pools, whole: `GET`.
    pub fn list(&self) -> Call<C, ListLoadBalancerPools> {
        Call::new(&self.client, ListLoadBalancerPools { network: self.network.clone() })
    }

    /// Makes one: `POST`.
    pub fn create(&self, post: NetworkLoadBalancerPoolsPost) -> Call<C, Create<NetworkLoadBalancerPool>> {
        Call::new(&self.client, Create::new(self.network.clone(), post))
    }
}

impl<C: Client> Object<C, Network> {
    /// Its pools for load balancers: `/1.0/networks/{name}/load-balancer-pools` (extension `network_load_balancer_pool`,
    /// 6.9; OVN networks).
    pub fn load_balancer_pools(&self) -> LoadBalancerPools<C> {
        LoadBalancerPools { client: self.client.clone(), network: self.at.clone() }
    }

    /// One of its pools for load balancers: `/1.0/networks/{name}/load-balancer-pools/{pool}`.
    pub fn load_balancer_pool(&self, name: impl Into<String>) -> Object<C, NetworkLoadBalancerPool> {
        Object::new(&self.client, (self.at.clone(), name.into()))
    }
}

impl<C: Client> Object<C, NetworkLoadBalancerPool> {
    /// How its targets stand: `GET /1.0/networks/{name}/load-balancer-pools/{pool}/state` (extension
    /// `network_load_balancer_pool`, 6.9).
    pub fn state(&self) -> Call<C, Get<NetworkLoadBalancerPoolState>> {
        Call::new(&self.client, Get::new(self.at.clone()))
    }
}
