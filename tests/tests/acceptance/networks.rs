//! Networks, and what is forwarded into them.

use std::sync::atomic::{AtomicU32, Ordering};

use lxd_proto::{
    Blocking, Error, Lxd, Object,
    error::ApiErrorKind,
    resources::{Network, NetworkForwardPort, NetworkForwardsPost, NetworkType, NetworksPost},
};
use lxd_tests::{Lab, Server, everywhere};

everywhere!(
    are_made_changed_and_removed,
    those_of_the_host_are_shown,
    state_and_leases,
    forwards_are_made_changed_and_removed,
    names_are_whole,
);

/// A bridge that is removed when the test is over. Its name has room for 15 characters only, and its /24 is its own: the
/// number is of this process, within the 10.128.0.0/9 that nothing else here uses.
struct Bridge<C: Blocking> {
    network: Object<C, Network>,
    subnet: String,
}

impl<C: Blocking> Drop for Bridge<C> {
    fn drop(&mut self) {
        let _ = self.network.delete().wait().send();
    }
}

fn post() -> (NetworksPost, String) {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = std::process::id() * 4 + COUNTER.fetch_add(1, Ordering::Relaxed);
    let subnet = format!("10.{}.{}", 128 + (number >> 8) % 128, number % 256);
    let post = NetworksPost::new(format!("n{number}"))
        .config("ipv4.address", format!("{subnet}.1/24"))
        .config("ipv4.nat", "false")
        .config("ipv6.address", "none");
    (post, subnet)
}

fn bridge<C: Lab>(server: &Server<C>) -> Bridge<C> {
    let (post, subnet) = post();
    let network = server.lxd.network(&post.name);
    server.lxd.networks().create(post).wait().send().expect("a bridge");
    Bridge { network, subnet }
}

/// pylxd: P260, P261, P262, P263, P264, P265, P266, P268, P269.
fn are_made_changed_and_removed<C: Lab>(server: &Server<C>) {
    let networks = server.lxd.networks();
    let (mut post, subnet) = post();
    let name = post.name.clone();
    let network = server.lxd.network(&name);
    assert!(network.get().send().unwrap_err().is_not_found());
    post.description = "for the tests".into();
    networks.create(post.clone()).wait().send().unwrap();
    let mut bridge = Bridge { network, subnet };
    assert!(networks.create(post).wait().send().is_err());

    let network = &bridge.network;
    let made = network.get().send().unwrap();
    assert_eq!((made.name.as_str(), made.description.as_str()), (&*name, "for the tests"));
    assert_eq!((&made.kind, made.managed, made.status.as_str()), (&NetworkType::Bridge, true, "Created"));
    assert_eq!(made.config["ipv4.address"], format!("{}.1/24", bridge.subnet));
    assert_eq!(made.locations, ["none"]);
    assert!(made.used_by.is_empty());
    assert!(format!("{made:?}").contains(&name) && made.raw.starts_with(b"{"), "{made:?}");
    assert!(networks.names().send().unwrap().contains(&name));
    assert!(networks.list().send().unwrap().iter().any(|network| network.name == name && network.managed));

    network.edit(|network| drop(network.config.insert("user.a".into(), "1".into()))).send().unwrap();
    network.patch(|p| p.config = Some([("user.b".into(), "2".into())].into())).wait().send().unwrap();
    let changed = network.get().send().unwrap();
    assert_eq!((changed.config["user.a"].as_str(), changed.config["user.b"].as_str()), ("1", "2"));
    let mut put = changed.writable().unwrap();
    put.description = "changed".into();
    put.config.remove("user.a");
    let late = network.replace(put.clone()).if_match(made.etag.clone()).wait().send();
    assert!(late.unwrap_err().is_precondition_failed());
    network.replace(put).if_match(changed.etag.clone()).wait().send().unwrap();
    let replaced = network.get().send().unwrap();
    assert_eq!((replaced.description.as_str(), replaced.config.get("user.a")), ("changed", None));
    let wrong = network.patch(|p| p.config = Some([("ipv4.dhcp".into(), "maybe".into())].into()));
    assert_eq!(wrong.wait().send().unwrap_err().api(), Some(ApiErrorKind::BadRequest));

    let renamed = format!("{name}x");
    network.rename(&renamed).wait().send().unwrap();
    assert!(network.get().send().unwrap_err().is_not_found());
    bridge.network = server.lxd.network(&renamed);
    assert_eq!(bridge.network.get().send().unwrap().description, "changed");
    bridge.network.delete().wait().send().unwrap();
    assert!(bridge.network.get().send().unwrap_err().is_not_found());
    assert!(bridge.network.delete().wait().send().unwrap_err().is_not_found());
}

/// pylxd: P260, P268.
fn those_of_the_host_are_shown<C: Lab>(server: &Server<C>) {
    let lo = server.lxd.network("lo");
    let got = lo.get().send().unwrap();
    assert_eq!((&got.kind, got.managed, got.status.as_str()), (&NetworkType::Loopback, false, ""));
    let state = lo.state().send().unwrap();
    assert_eq!((state.kind.as_str(), state.state.as_str(), state.mtu), ("loopback", "up", 65536));
    let addresses = state.addresses.iter().map(|address| (address.family.as_str(), address.address.as_str()));
    assert!(addresses.clone().any(|address| address == ("inet", "127.0.0.1")), "{:?}", addresses.collect::<Vec<_>>());
    assert!(lo.edit(|network| network.description = "mine".into()).send().is_err());
    assert!(lo.delete().wait().send().is_err());
    assert!(server.lxd.network("nosuch").state().send().unwrap_err().is_not_found());
    // 5.0.2 lists networks of one project only, and says so before it is asked.
    let all = server.lxd.networks().list().all_projects().send().unwrap_err();
    assert_eq!(all, Error::MissingExtension("networks_all_projects"));
}

/// pylxd: P267, P268, P274.
fn state_and_leases<C: Lab>(server: &Server<C>) {
    let bridge = bridge(server);
    let container = server.stopped("leases");
    let (network, address) = (bridge.network.at().clone(), format!("{}.77", bridge.subnet));
    let fixed = address.clone();
    container
        .edit(move |instance| {
            let nic = [("type", "nic"), ("network", &network), ("name", "eth0"), ("ipv4.address", &fixed)];
            let nic = nic.into_iter().map(|(key, value)| (key.into(), value.into()));
            instance.devices.insert("eth0".into(), nic.collect());
        })
        .send()
        .unwrap();
    container.start().wait().send().unwrap();

    let state = bridge.network.state().send().unwrap();
    assert_eq!((state.kind.as_str(), state.state.as_str(), state.mtu), ("broadcast", "up", 1500));
    assert_eq!(state.hwaddr.len(), "00:16:3e:00:00:00".len());
    let own = state.addresses.iter().find(|address| address.family == "inet").unwrap();
    assert_eq!((own.address.clone(), own.netmask.as_str()), (format!("{}.1", bridge.subnet), "24"));
    assert!(state.counters.packets_received >= 0);
    let shape = state.bridge.as_ref().unwrap();
    assert_eq!((shape.stp, shape.upper_devices.len()), (false, 1));
    assert!(state.bond.is_none() && state.vlan.is_none() && state.ovn.is_none());

    let leases = bridge.network.leases().send().unwrap();
    let gateway = leases.iter().find(|lease| lease.kind == "gateway").unwrap();
    assert_eq!(gateway.address, format!("{}.1", bridge.subnet));
    let fixed = leases.iter().find(|lease| lease.hostname == container.name()).unwrap();
    assert_eq!((fixed.kind.as_str(), &fixed.address, fixed.location.as_str()), ("static", &address, "none"));
    assert_eq!(bridge.network.get().send().unwrap().used_by, [format!("/1.0/instances/{}", container.name())]);
    assert!(bridge.network.delete().wait().send().is_err(), "it is in use");
    assert!(server.lxd.network("nosuch").leases().send().unwrap_err().is_not_found());
}

/// pylxd: P270, P271, P272, P273.
/// pylxd: W46.
fn forwards_are_made_changed_and_removed<C: Lab>(server: &Server<C>) {
    let bridge = bridge(server);
    let (listen, target) = (format!("{}.200", bridge.subnet), format!("{}.77", bridge.subnet));
    let forwards = bridge.network.forwards();
    assert!(forwards.names().send().unwrap().is_empty());
    assert!(forwards.list().send().unwrap().is_empty());

    let mut post = NetworkForwardsPost::new(&listen);
    post.description = "the web".into();
    post.ports.push(NetworkForwardPort::tcp("80,90-95", &target).to_port("8080"));
    let made = forwards.create(post.clone()).wait().send().unwrap();
    assert_eq!(made.listen_address, listen);
    assert!(forwards.create(post).wait().send().is_err());
    assert_eq!(forwards.names().send().unwrap(), [&*listen]);
    let listed = forwards.list().send().unwrap();
    assert_eq!(listed.len(), 1);

    let forward = bridge.network.forward(&listen);
    let made = forward.get().send().unwrap();
    assert_eq!(listed[0], made.value);
    assert_eq!((made.listen_address.as_str(), made.description.as_str()), (&*listen, "the web"));
    let port = &made.ports[0];
    assert_eq!((port.protocol.as_str(), port.listen_port.as_str()), ("tcp", "80,90-95"));
    assert_eq!((port.target_port.as_str(), &port.target_address), ("8080", &target));

    let dns = NetworkForwardPort::udp("53", &target);
    forward.edit(move |forward| forward.ports.push(dns.clone())).send().unwrap();
    forward.patch(|p| p.description = Some("web and names".into())).wait().send().unwrap();
    let changed = forward.get().send().unwrap();
    assert_eq!((changed.ports.len(), changed.description.as_str()), (2, "web and names"));
    assert_eq!((changed.ports[1].protocol.as_str(), changed.ports[1].target_port.as_str()), ("udp", ""));
    let mut put = changed.writable().unwrap();
    put.ports.truncate(1);
    put.config.insert("user.k".into(), "v".into());
    forward.replace(put).if_match(changed.etag.clone()).wait().send().unwrap();
    let replaced = forward.get().send().unwrap();
    assert_eq!((replaced.ports.len(), replaced.config["user.k"].as_str()), (1, "v"));

    // A server that cannot choose an address is not asked to.
    let any = forwards.create(NetworkForwardsPost::any_ipv4()).wait().send().unwrap_err();
    assert_eq!(any, Error::MissingExtension("network_allocate_external_ips"));
    forward.delete().wait().send().unwrap();
    assert!(forward.get().send().unwrap_err().is_not_found());
    assert!(forward.delete().wait().send().unwrap_err().is_not_found());
}

/// Names come without the project, and go out as one segment of the path, whatever is in them.
///
/// pylxd: W03, W21.
fn names_are_whole<C: Lab>(server: &Server<C>) {
    let project = server.project("networks");
    let names = project.lxd.networks().names().send().unwrap();
    assert!(names.contains(&"lo".into()), "{names:?}");
    assert!(names.iter().all(|name| !name.contains(['?', '/', '%'])), "{names:?}");
    for odd in ["a?b", "a#b", "a/b", "a b", "../instances", "lo?x"] {
        assert!(server.lxd.network(odd).get().send().unwrap_err().is_not_found(), "{odd}");
        assert!(server.lxd.networks().create(NetworksPost::new(odd)).wait().send().is_err(), "{odd}");
    }
}
