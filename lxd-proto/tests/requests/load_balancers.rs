//! Load balancers of networks, and their pools.

use lxd_proto::{
    Lxd,
    resources::{
        NetworkLoadBalancerBackend, NetworkLoadBalancerPoolsPost, NetworkLoadBalancerPort, NetworkLoadBalancersPost,
    },
};

use super::{golden, lxd};

#[test]
fn load_balancers() {
    let lxd = lxd();
    let (all, one) = (lxd.network("ovn0").load_balancers(), lxd.network("ovn0").load_balancer("fd42::1"));
    let mut post = NetworkLoadBalancersPost::new("192.0.2.1");
    post.backends.push(NetworkLoadBalancerBackend::new("c1", "10.1.2.10").to_port("8080"));
    post.ports.push(NetworkLoadBalancerPort::tcp("80,90-95").to_backends(["c1"]));
    post.ports.push(NetworkLoadBalancerPort::udp("53").to_pool("dns"));
    golden! { lxd:
        all.list() => "GET /1.0/networks/ovn0/load-balancers?recursion=1",
        all.names() => "GET /1.0/networks/ovn0/load-balancers",
        all.create(post).wait() => r#"POST /1.0/networks/ovn0/load-balancers
content-type: application/json

{"listen_address":"192.0.2.1","backends":[{"name":"c1","description":"","target_address":"10.1.2.10","target_port":"8080"}],"ports":[{"description":"","protocol":"tcp","listen_port":"80,90-95","target_backend":["c1"],"target_pool":""},{"description":"","protocol":"udp","listen_port":"53","target_backend":[],"target_pool":"dns"}]}"#,
        all.create(NetworkLoadBalancersPost::any_ipv4()) => r#"POST /1.0/networks/ovn0/load-balancers
content-type: application/json

{"listen_address":"0.0.0.0"}"#,
        all.create(NetworkLoadBalancersPost::any_ipv6()) => r#"POST /1.0/networks/ovn0/load-balancers
content-type: application/json

{"listen_address":"::"}"#,
        one.get() => "GET /1.0/networks/ovn0/load-balancers/fd42%3A%3A1",
        one.edit(|_| ()) => "GET /1.0/networks/ovn0/load-balancers/fd42%3A%3A1",
        one.replace(Default::default()) => r#"PUT /1.0/networks/ovn0/load-balancers/fd42%3A%3A1
content-type: application/json

{"description":"","config":{},"backends":[],"ports":[]}"#,
        one.patch(|p| p.ports = Some(vec![])) => r#"PATCH /1.0/networks/ovn0/load-balancers/fd42%3A%3A1
content-type: application/json

{"ports":[]}"#,
        one.delete() => "DELETE /1.0/networks/ovn0/load-balancers/fd42%3A%3A1",
    }
}

/// The list of pools is one of objects, whatever is asked for.
#[test]
fn pools() {
    let lxd = lxd();
    let (all, one) = (lxd.network("ovn0").load_balancer_pools(), lxd.network("ovn0").load_balancer_pool("a/b"));
    golden! { lxd:
        all.list() => "GET /1.0/networks/ovn0/load-balancer-pools",
        all.create(NetworkLoadBalancerPoolsPost::new("web", ["c1"]).config("protocol", "tcp")).wait()
            => r#"POST /1.0/networks/ovn0/load-balancer-pools
content-type: application/json

{"name":"web","config":{"protocol":"tcp"},"instances":[{"name":"c1","target_port":""}]}"#,
        one.get() => "GET /1.0/networks/ovn0/load-balancer-pools/a%2Fb",
        one.edit(|_| ()) => "GET /1.0/networks/ovn0/load-balancer-pools/a%2Fb",
        one.replace(Default::default()) => r#"PUT /1.0/networks/ovn0/load-balancer-pools/a%2Fb
content-type: application/json

{"description":"","config":{},"instances":[]}"#,
        one.state() => "GET /1.0/networks/ovn0/load-balancer-pools/a%2Fb/state",
        one.delete() => "DELETE /1.0/networks/ovn0/load-balancer-pools/a%2Fb",
    }
}
