//! Networks, with their forwards, ACLs and zones.

use std::net::IpAddr;

use http::Method;
use serde_json::{Value, json};

use crate::{
    Sim,
    answer::{Answer, Refusal},
    ask::{Ask, Object, text},
    crud::config,
    instances::Inside,
    kinds::named,
    objects::Place,
    route::lacking,
    rules::{Rules, Within, known_keys},
};

/// The machine's own, which LXD lists and does not manage.
const LOOPBACK: &str = "lo";

pub(crate) const NETWORK: Rules = Rules {
    within: Within::Feature("features.networks"),
    event: "network",
    missing: "Network not found",
    fresh: || {
        json!({
            "config": {}, "description": "", "type": "bridge", "used_by": [], "managed": true,
            "status": "Created", "locations": ["none"],
        })
    },
    exists: |_| Refusal::bad("The network already exists"),
    in_use: Some((400, "The network is currently in use")),
    name: |name| match name {
        "" => Err(Refusal::bad("No name provided")),
        name if name.len() < 2 => Err(Refusal::bad("Network interface is too short (minimum 2 characters)")),
        name if name.len() > 15 => Err(Refusal::bad("Network interface is too long (maximum 15 characters)")),
        name if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) => {
            Err(Refusal::bad("Network interface contains invalid characters"))
        }
        _ => Ok(()),
    },
    check: |_, place, network| {
        if text(network, "type").is_empty() {
            network.insert("type".into(), "bridge".into());
        }
        match text(network, "type") {
            "bridge" | "macvlan" | "physical" | "sriov" => {}
            "ovn" => return Err(Refusal::internal("Failed to load network \"none\": Network not found")),
            _ => return Err(Refusal::bad("Unknown driver")),
        }
        let known = |key: &str| {
            let first = key.split('.').next().unwrap_or_default();
            ["ipv4", "ipv6", "dns", "bridge", "raw", "security", "fan", "tunnel", "bgp", "maas", "volatile"]
                .contains(&first)
                || ["parent", "mtu", "vlan", "gvrp"].contains(&key)
        };
        let mut config = config(network);
        let name = place.name();
        known_keys(&config, known, |key| Refusal::bad(format!("Invalid option for network {name:?} option {key:?}")))?;
        for (key, value) in &config {
            let (value, refuse) = (value.as_str().unwrap_or_default(), |why: String| {
                Err(Refusal::bad(format!("Invalid value for network {name:?} option {key:?}: {why}")))
            });
            if key.ends_with(".address") && !value.is_empty() && !["auto", "none"].contains(&value) && !is_cidr(value) {
                let refusal = refuse(format!("invalid CIDR address: {value}"));
                return refusal.map_err(|refusal: Refusal| Refusal::new(500, refusal.text));
            }
            if [".nat", ".dhcp", ".firewall", ".routing"].iter().any(|end| key.ends_with(end)) && !is_bool(value) {
                return refuse(format!("Invalid value for a boolean {value:?}"));
            }
        }
        if text(network, "type") == "bridge" {
            // A bridge takes an unused subnet, if it is not told one.
            let octet = name.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
            let four = config.entry("ipv4.address").or_insert_with(|| "auto".into());
            if *four == "auto" {
                *four = format!("10.{}.{octet}.1/24", 100 + name.len()).into();
                config.insert("ipv4.nat".into(), "true".into());
            }
            let six = config.entry("ipv6.address").or_insert_with(|| "none".into());
            if *six == "auto" {
                *six = format!("fd42:{octet:x}::1/64").into();
                config.insert("ipv6.nat".into(), "true".into());
            }
            network.insert("config".into(), config.into());
        }
        Ok(())
    },
    background: Some("storage_and_network_operations"),
    ..Rules::PLAIN
};

pub(crate) const FORWARD: Rules = Rules {
    within: Within::Feature("features.networks"),
    event: "network-forward",
    missing: "Network forward not found",
    fresh: || json!({"description": "", "config": {}, "ports": [], "location": "none"}),
    exists: |_| Refusal::conflict("Failed creating forward: A forward for that listen address already exists"),
    name: |name| match name.parse::<IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Refusal::internal(format!(
            "Failed creating forward: Failed parsing address forward listen address {name:?}: invalid CIDR address: {name}/32"
        ))),
    },
    check: |_, _, forward| {
        let ports = forward.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten();
        for (index, port) in ports.filter_map(Value::as_object_mut).enumerate() {
            if !["tcp", "udp"].contains(&text(port, "protocol")) {
                let why = "protocol must be one of: tcp, udp";
                return Err(Refusal::internal(format!(
                    "Failed creating forward: Invalid port protocol in port specification {index}, {why}"
                )));
            }
            for key in ["description", "target_port"] {
                port.entry(key).or_insert_with(|| "".into());
            }
        }
        Ok(())
    },
    background: Some("storage_and_network_operations"),
    guarded: false,
    ..Rules::PLAIN
};

pub(crate) const ACL: Rules = Rules {
    within: Within::Feature("features.networks"),
    event: "network-acl",
    missing: "Network ACL not found",
    fresh: || json!({"description": "", "config": {}, "ingress": [], "egress": [], "used_by": []}),
    exists: |_| Refusal::bad("The network ACL already exists"),
    in_use: Some((500, "Cannot delete an ACL that is in use")),
    name: |name| match name {
        "" => Err(Refusal::internal("Name is required")),
        name if name.starts_with(|first: char| first.is_ascii_digit()) => {
            Err(Refusal::internal("Name must not start with a number"))
        }
        name if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => {
            Err(Refusal::internal("Name can only contain alphanumeric and hyphen characters"))
        }
        _ => Ok(()),
    },
    check: |_, _, acl| {
        for way in ["ingress", "egress"] {
            let rules = acl.get(way).and_then(Value::as_array).into_iter().flatten();
            for (index, rule) in rules.filter_map(Value::as_object).enumerate() {
                let refuse = |why: &str| Err(Refusal::internal(format!("Invalid {way} rule {index}: {why}")));
                if !["allow", "drop", "reject"].contains(&text(rule, "action")) {
                    return refuse("Action must be one of: allow, drop, reject");
                }
                if !["", "enabled", "disabled", "logged"].contains(&text(rule, "state")) {
                    return refuse("State must be one of: enabled, disabled, logged");
                }
            }
        }
        Ok(())
    },
    background: Some("storage_and_network_operations"),
    ..Rules::PLAIN
};

pub(crate) const ZONE: Rules = Rules {
    within: Within::Feature("features.networks.zones"),
    event: "network-zone",
    missing: "Network zone not found",
    fresh: || json!({"description": "", "config": {}, "used_by": []}),
    exists: |_| Refusal::bad("The network zone already exists"),
    in_use: Some((500, "Cannot delete a zone that is in use")),
    name: |name| if name.is_empty() { Err(Refusal::internal("Name is required")) } else { Ok(()) },
    background: Some("storage_and_network_operations"),
    ..Rules::PLAIN
};

pub(crate) const RECORD: Rules = Rules {
    within: Within::Feature("features.networks.zones"),
    event: "network-zone-record",
    missing: "Network zone record not found",
    fresh: || json!({"description": "", "config": {}, "entries": []}),
    exists: |_| Refusal::internal("UNIQUE constraint failed: networks_zones_records.name"),
    name: |name| if name.is_empty() { Err(Refusal::internal("Name is required")) } else { Ok(()) },
    background: Some("storage_and_network_operations"),
    ..Rules::PLAIN
};

impl Sim {
    /// What is asked of networks.
    pub(crate) fn of_networks(&mut self, ask: &Ask, path: &[&str]) -> Result<Answer, Refusal> {
        match (&ask.method, path) {
            (&Method::GET, [LOOPBACK]) => Ok(Answer::Fetched(loopback().into(), json!({}))),
            (_, [LOOPBACK]) => Err(Refusal::not_found("Failed loading network: Network not found")),
            (&Method::GET, [LOOPBACK, "state"]) => Ok(Answer::Done(loopback_state())),
            (&Method::GET, []) => {
                let Answer::Done(Value::Array(mut list)) = self.generic(ask)? else {
                    return Ok(Answer::Done(json!([])));
                };
                list.push(if ask.recursion() == 0 { "/1.0/networks/lo".into() } else { loopback().into() });
                Ok(Answer::Done(list.into()))
            }
            (&Method::GET, [name, "state"]) => {
                let missing = || Refusal::not_found(format!("Network interface {name:?} not found"));
                let network = self.network(ask, name).ok_or_else(missing)?;
                Ok(Answer::Done(state(&network, &self.ports_of(ask.project(), name))))
            }
            (&Method::GET, [name, "leases"]) => {
                let missing = || Refusal::not_found("Failed loading network: Network not found");
                let network = self.network(ask, name).ok_or_else(missing)?;
                Ok(Answer::Done(self.leases(ask.project(), name, &network)))
            }
            (_, [name, "peers", ..]) => match self.network(ask, name) {
                Some(_) if path.len() == 2 => Err(Refusal::bad("Network driver \"bridge\" does not support peering")),
                Some(_) => Err(Refusal::not_found("Network peer not found")),
                None => Err(Refusal::not_found("Network not found")),
            },
            (_, [_, "load-balancers" | "load-balancer-pools", ..]) => match self.has("network_load_balancer") {
                true => Err(lacking(ask)),
                false => Err(Refusal::not_found("not found")),
            },
            (&Method::DELETE, [name]) if self.network(ask, name).is_none() => {
                Err(Refusal::not_found("Failed loading network: Network not found"))
            }
            (&Method::DELETE, [_, "forwards", _]) => self.generic(ask).map_err(|refusal| match refusal.code {
                404 => Refusal::not_found(format!("Failed deleting forward: {}", refusal.text)),
                _ => refusal,
            }),
            _ => self.generic(ask),
        }
    }

    fn network(&self, ask: &Ask, name: &str) -> Option<Object> {
        self.objects.get(&self.place(named("network"), ask.project(), &[name])).cloned()
    }

    /// The devices by which running instances are on a bridge.
    fn ports_of(&self, project: &str, name: &str) -> Vec<String> {
        let places = self.objects.all("instance").map(|(place, _)| place).filter(|place| place.project == project);
        let running = places.filter(|place| {
            let key = (place.project.clone(), place.name().to_owned());
            self.instances.get(&key).is_some_and(Inside::is_running)
        });
        let devices = running.flat_map(|place| self.addresses_on(place, name));
        devices.map(|(_, hwaddr, _)| format!("veth{}", hwaddr[9..].replace(':', ""))).collect()
    }

    fn leases(&self, project: &str, name: &str, network: &Object) -> Value {
        let mut leases = Vec::new();
        let config = config(network);
        if let Some((address, _)) = text(&config, "ipv4.address").split_once('/') {
            leases.push(json!({
                "hostname": format!("{name}.gw"), "hwaddr": "", "address": address, "type": "gateway", "location": "",
            }));
        }
        for (place, _) in self.objects.all("instance").filter(|(place, _)| place.project == project) {
            let devices = self.expanded(place).1;
            for (device, hwaddr, address) in self.addresses_on(place, name) {
                let fixed = devices.get(&device).is_some_and(|device| device.get("ipv4.address").is_some());
                let kind = if fixed { "static" } else { "dynamic" };
                leases.push(json!({
                    "hostname": place.name(), "hwaddr": hwaddr, "address": address, "type": kind, "location": "none",
                }));
            }
        }
        leases.into()
    }

    /// Addresses that an instance has on a network: device, hardware address and address.
    pub(crate) fn addresses_on(&self, place: &Place, network: &str) -> Vec<(String, String, String)> {
        let there = self.place(named("network"), &place.project, &[network]);
        let Some(config) = self.objects.get(&there).map(config) else { return Vec::new() };
        let Some((prefix, _)) = text(&config, "ipv4.address").rsplit_once('.') else { return Vec::new() };
        let mut found = Vec::new();
        for (name, device) in self.expanded(place).1 {
            let device = device.as_object().cloned().unwrap_or_default();
            if text(&device, "type") != "nic" || ![text(&device, "network"), text(&device, "parent")].contains(&network)
            {
                continue;
            }
            let number = place
                .name()
                .bytes()
                .chain(name.bytes())
                .fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            let [_, one, two, three] = number.to_be_bytes();
            let given = text(&device, "ipv4.address");
            let address = if given.is_empty() { format!("{prefix}.{}", 2 + number % 250) } else { given.into() };
            found.push((name, format!("00:16:3e:{one:02x}:{two:02x}:{three:02x}"), address));
        }
        found
    }
}

fn loopback() -> Object {
    let loopback = json!({
        "config": {}, "description": "", "name": LOOPBACK, "type": "loopback", "used_by": [], "managed": false,
        "status": "", "locations": null,
    });
    loopback.as_object().cloned().unwrap_or_default()
}

fn loopback_state() -> Value {
    let address = |family: &str, address: &str, netmask: &str| json!({"family": family, "address": address, "netmask": netmask, "scope": "local"});
    json!({
        "addresses": [address("inet", "127.0.0.1", "8"), address("inet6", "::1", "128")], "counters": counters(),
        "hwaddr": "", "mtu": 65536, "state": "up", "type": "loopback", "bond": null, "bridge": null, "vlan": null,
        "ovn": null,
    })
}

fn counters() -> Value {
    json!({"bytes_received": 0, "bytes_sent": 0, "packets_received": 0, "packets_sent": 0})
}

fn state(network: &Object, ports: &[String]) -> Value {
    let config = config(network);
    let mut addresses = Vec::new();
    if let Some((address, netmask)) = text(&config, "ipv4.address").split_once('/') {
        addresses.push(json!({"family": "inet", "address": address, "netmask": netmask, "scope": "global"}));
    }
    json!({
        "addresses": addresses, "counters": counters(), "hwaddr": "00:16:3e:00:00:01", "mtu": 1500, "state": "up",
        "type": "broadcast", "bond": null,
        "bridge": {
            "id": "8000.00163e000001", "stp": false, "forward_delay": 1500, "vlan_default": 0, "vlan_filtering": false,
            "upper_devices": ports,
        },
        "vlan": null, "ovn": null,
    })
}

fn is_cidr(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| match address.parse::<IpAddr>() {
        Ok(address) => bits.parse::<u8>().is_ok_and(|bits| bits <= if address.is_ipv4() { 32 } else { 128 }),
        Err(_) => false,
    })
}

fn is_bool(value: &str) -> bool {
    ["", "true", "false", "1", "0", "yes", "no", "on", "off"].contains(&value)
}
