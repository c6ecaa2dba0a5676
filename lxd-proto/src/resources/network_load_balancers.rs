//! Load balancers of networks: addresses outside whose traffic goes to one of several targets.
//! `/1.0/networks/{name}/load-balancers`. Extension `network_load_balancer` (5.4); OVN networks.

use alloc::{string::String, vec::Vec};

use super::{
    Config, Network,
    network_forwards::{ANY_IPV4, ANY_IPV6, CreatedListener, chosen_by_the_server},
};
use crate::{
    Client, Collection, Object,
    compat::{model, request, writable},
    crud::{Creatable, Deletable, Editable, Patchable, resource},
};

model! {
    /// What goes where of one address. Its address is its name, and stays.
    pub struct NetworkLoadBalancer {
        /// The address.
        pub listen_address: String,
        /// What it is for.
        pub description: String,
        /// Its configuration: `user.*`.
        pub config: Config,
        /// Its targets, by name.
        pub backends: Vec<NetworkLoadBalancerBackend>,
        /// What goes to which of them, by port.
        pub ports: Vec<NetworkLoadBalancerPort>,
        /// The cluster member that has it; `none` without a cluster.
        pub location: String,
    }
}

writable! {
    /// What can be written of a [`NetworkLoadBalancer`].
    pub struct NetworkLoadBalancerPut / NetworkLoadBalancerPatch {
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
        /// Its targets, by name.
        pub backends: Vec<NetworkLoadBalancerBackend>,
        /// What goes to which of them, by port.
        pub ports: Vec<NetworkLoadBalancerPort>,
    }

    /// A target of a load balancer.
    pub struct NetworkLoadBalancerBackend {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its address.
        pub target_address: String,
        /// The ports there, as `80,90-95`: as many as listen, or one. Empty means the same.
        pub target_port: String,
    }

    /// Where some ports of a load balancer go: to some of its targets, or to a pool.
    pub struct NetworkLoadBalancerPort {
        /// What it is for.
        pub description: String,
        /// `tcp` or `udp`.
        pub protocol: String,
        /// The ports, as `80,90-95`.
        pub listen_port: String,
        /// The names of the targets.
        pub target_backend: Vec<String>,
        /// The name of a [pool](super::NetworkLoadBalancerPool) instead (`network_load_balancer_pool`, 6.9).
        pub target_pool: String,
    }
}

request! {
    /// A load balancer to be made: `POST /1.0/networks/{name}/load-balancers`.
    pub struct NetworkLoadBalancersPost {
        /// The address.
        pub listen_address: String,
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
        /// Its targets, by name.
        pub backends: Vec<NetworkLoadBalancerBackend>,
        /// What goes to which of them, by port.
        pub ports: Vec<NetworkLoadBalancerPort>,
    }
}

impl NetworkLoadBalancersPost {
    /// A load balancer of this address that does nothing.
    pub fn new(listen_address: impl Into<String>) -> Self {
        Self { listen_address: listen_address.into(), ..Self::default() }
    }

    /// A load balancer of an IPv4 address that the server chooses (extension `network_allocate_external_ips`, 6.1).
    pub fn any_ipv4() -> Self {
        Self::new(ANY_IPV4)
    }

    /// A load balancer of an IPv6 address that the server chooses (extension `network_allocate_external_ips`, 6.1).
    pub fn any_ipv6() -> Self {
        Self::new(ANY_IPV6)
    }
}

impl NetworkLoadBalancerBackend {
    /// A target of this name, with the ports that listen.
    pub fn new(name: impl Into<String>, target_address: impl Into<String>) -> Self {
        Self { name: name.into(), target_address: target_address.into(), ..Self::default() }
    }

    /// The ports there.
    #[must_use]
    pub fn to_port(mut self, target_port: impl Into<String>) -> Self {
        self.target_port = target_port.into();
        self
    }
}

impl NetworkLoadBalancerPort {
    /// TCP ports, as `80,90-95`, that go nowhere yet.
    pub fn tcp(listen_port: impl Into<String>) -> Self {
        Self { protocol: "tcp".into(), listen_port: listen_port.into(), ..Self::default() }
    }

    /// UDP ports, as `80,90-95`, that go nowhere yet.
    pub fn udp(listen_port: impl Into<String>) -> Self {
        Self { protocol: "udp".into(), ..Self::tcp(listen_port) }
    }

    /// They go to these targets, by name.
    #[must_use]
    pub fn to_backends<B: Into<String>>(mut self, backends: impl IntoIterator<Item = B>) -> Self {
        self.target_backend = backends.into_iter().map(Into::into).collect();
        self
    }

    /// They go to this pool instead (extension `network_load_balancer_pool`, 6.9).
    #[must_use]
    pub fn to_pool(mut self, target_pool: impl Into<String>) -> Self {
        self.target_pool = target_pool.into();
        self
    }
}

resource! { NetworkLoadBalancer, "network load balancer" ("network_load_balancer"): Network / "load-balancers" }

impl Creatable for NetworkLoadBalancer {
    type Post = NetworkLoadBalancersPost;
    type Answer = CreatedListener;

    fn needs(post: &NetworkLoadBalancersPost) -> Vec<&'static str> {
        let pools = post.ports.iter().any(|port| !port.target_pool.is_empty());
        let pools = pools.then_some("network_load_balancer_pool");
        chosen_by_the_server(&post.listen_address).into_iter().chain(pools).collect()
    }
}

impl Editable for NetworkLoadBalancer {
    type Put = NetworkLoadBalancerPut;
    const READ_ONLY: &'static [&'static str] = &["listen_address", "location"];
}

impl Patchable for NetworkLoadBalancer {
    type Patch = NetworkLoadBalancerPatch;
}

impl Deletable for NetworkLoadBalancer {}

impl<C: Client> Object<C, Network> {
    /// Its load balancers: `/1.0/networks/{name}/load-balancers` (extension `network_load_balancer`, 5.4; OVN networks).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{
    ///     Lxd,
    ///     resources::{NetworkLoadBalancerBackend, NetworkLoadBalancerPort, NetworkLoadBalancersPost},
    /// };
    ///
    /// let mut web = NetworkLoadBalancersPost::new("192.0.2.1");
    /// web.backends.push(NetworkLoadBalancerBackend::new("c1", "10.1.2.10"));
    /// web.backends.push(NetworkLoadBalancerBackend::new("c2", "10.1.2.11"));
    /// web.ports.push(NetworkLoadBalancerPort::tcp("80").to_backends(["c1", "c2"]));
    /// lxd.network("ovn0").load_balancers().create(web).wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn load_balancers(&self) -> Collection<C, NetworkLoadBalancer> {
        Collection::new(&self.client, self.at.clone())
    }

    /// What goes where of one address: `/1.0/networks/{name}/load-balancers/{address}`.
    pub fn load_balancer(&self, listen_address: impl Into<String>) -> Object<C, NetworkLoadBalancer> {
        Object::new(&self.client, (self.at.clone(), listen_address.into()))
    }
}
