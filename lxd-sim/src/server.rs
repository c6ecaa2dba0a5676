//! The server itself: `/1.0`, and what it begins with.

use http::Method;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{
    Sim, Version,
    answer::{Answer, Refusal, raw},
    ask::{Ask, Object, object},
    etag,
    kinds::named,
    objects::Place,
    trust::pem,
};

/// Keys of its configuration that it takes, besides `user.*`.
const PREFIXES: &[&str] =
    &["core.", "images.", "cluster.", "backups.", "maas.", "rbac.", "candid.", "storage.", "volatile."];
const NUMBERS: &[&str] = &["core.shutdown_timeout", "images.remote_cache_expiry", "images.auto_update_interval"];

impl Sim {
    pub(crate) fn furnish(&mut self) {
        let mut config = Map::new();
        if let Some(address) = self.config.https_address.clone() {
            config.insert("core.https_address".into(), address.into());
        }
        if let Some(password) = self.config.password.clone() {
            config.insert("core.trust_password".into(), password.into());
        }
        self.objects.put(server_place(), config);
        self.add(
            "project",
            "",
            &["default"],
            json!({
                "description": "Default LXD project",
                "config": {
                    "features.images": "true", "features.networks": "true", "features.profiles": "true",
                    "features.storage.volumes": "true",
                },
            }),
        );
        self.add(
            "storage pool",
            "",
            &["default"],
            json!({
                "driver": "dir", "config": {"source": "/var/lib/lxd/storage-pools/default"}
            }),
        );
        self.add(
            "network",
            "default",
            &["lxdbr0"],
            json!({
                "type": "bridge", "config": {"ipv4.address": "10.0.3.1/24", "ipv4.nat": "true", "ipv6.address": "none"}
            }),
        );
        self.add(
            "profile",
            "default",
            &["default"],
            json!({
                "description": "Default LXD profile",
                "devices": {"root": {"path": "/", "pool": "default", "type": "disk"}},
            }),
        );
        self.warn();
    }

    /// Makes an object without a check.
    pub(crate) fn add(&mut self, kind: &str, project: &str, names: &[&str], post: Value) {
        let kind = named(kind);
        let place = Place::new(kind, project, names);
        let mut made = (kind.rules.fresh)().as_object().cloned().unwrap_or_default();
        made.extend(post.as_object().cloned().unwrap_or_default());
        made.insert(kind.key.into(), place.name().into());
        self.objects.put(place, made);
    }

    pub(crate) fn server_config(&self) -> Object {
        self.objects.get(&server_place()).cloned().unwrap_or_default()
    }

    pub(crate) fn of_server(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        match ask.method {
            Method::GET | Method::HEAD => self.server(ask),
            Method::PUT | Method::PATCH => {
                let there = self.server_config();
                etag::check(ask, &Value::Object(there.clone()))?;
                let said = object(&ask.object()?, "config");
                let mut config = if ask.is(Method::PUT) { Object::new() } else { there };
                for (key, value) in said {
                    check(&key, &value)?;
                    match value.as_str() {
                        Some("") => drop(config.remove(&key)),
                        // The password is only ever said to be there.
                        _ if key == "core.trust_password" && value == true => {
                            config.extend(self.server_config().remove_entry(&key));
                        }
                        _ => drop(config.insert(key, value)),
                    }
                }
                self.objects.put(server_place(), config);
                self.happened("config-updated", "default", "/1.0", "", None);
                Ok(Answer::empty())
            }
            _ => Err(Refusal::new(501, "not implemented")),
        }
    }

    fn server(&self, ask: &Ask) -> Result<Answer, Refusal> {
        let mut extensions = self.config.extensions.to_vec();
        extensions.dedup();
        let mut server = json!({
            "api_extensions": extensions, "api_status": "stable", "api_version": "1.0",
            "auth": "untrusted", "public": false, "auth_methods": ["tls"],
        });
        if !self.is_old() {
            server["client_certificate"] = matches!(ask.from, crate::Caller::Tls(Some(_))).into();
        }
        if !self.is_trusted(ask) {
            if ask.header("x-lxd-authenticated").is_some() {
                return Err(Refusal::forbidden());
            }
            return Ok(Answer::Done(server));
        }
        let place = Place::new(named("project"), "", &[ask.project()]);
        if !self.is_old() {
            self.objects.get(&place).ok_or_else(|| Refusal::not_found("Project not found"))?;
        }
        let (config, mut shown) = (self.server_config(), self.server_config());
        if let Some(password) = shown.get_mut("core.trust_password") {
            *password = true.into();
        }
        server["auth"] = "trusted".into();
        server["config"] = shown.into();
        server["environment"] = self.environment(ask);
        Ok(Answer::Fetched(server, config.into()))
    }

    fn environment(&self, ask: &Ask) -> Value {
        let certificate = self.config.certificate.as_deref();
        let storage = |name: &str| json!({"Name": name, "Version": "1", "Remote": false});
        let mut environment = json!({
            "addresses": self.addresses(), "architectures": [std::env::consts::ARCH],
            "certificate": certificate.map_or_else(String::new, pem),
            "certificate_fingerprint": certificate.map_or_else(String::new, |der| etag::hex(&Sha256::digest(der))),
            "driver": "lxc", "driver_version": "5.0.2", "firewall": "nftables", "kernel": "Linux",
            "kernel_architecture": std::env::consts::ARCH, "kernel_features": {}, "kernel_version": "6.1.0",
            "lxc_features": {}, "os_name": "Simulation", "os_version": "1", "project": ask.project(),
            "server": "lxd", "server_clustered": false, "server_event_mode": "full-mesh",
            "server_name": self.config.server_name, "server_pid": 1,
            "server_version": self.config.version.as_str(),
            "storage": "dir", "storage_version": "1",
            "storage_supported_drivers": [storage("dir"), storage("btrfs")],
        });
        if self.config.version != Version::Lxd5_0_2 {
            environment["instance_types"] = json!(["container"]);
        }
        environment
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        let config = self.server_config();
        let address = config.get("core.https_address").and_then(Value::as_str);
        address.filter(|address| !address.is_empty()).map(String::from).into_iter().collect()
    }

    /// What would be asked of a new member.
    pub(crate) fn no_cluster(&self) -> Answer {
        let pools = self.objects.all("storage pool").map(|(place, _)| place.name());
        let asked = pools.map(|pool| {
            json!({
                "entity": "storage-pool", "name": pool, "key": "source", "value": "",
                "description": format!("\"source\" property for storage pool {pool:?}"),
            })
        });
        let cluster = json!({"server_name": "", "enabled": false, "member_config": asked.collect::<Vec<_>>()});
        Answer::Fetched(cluster.clone(), cluster)
    }

    /// What there is, in the words of Prometheus.
    pub(crate) fn metrics(&self) -> Answer {
        let mut text = String::new();
        if !self.instances.is_empty() {
            text += "# HELP lxd_procs_total The number of running processes.\n# TYPE lxd_procs_total gauge\n";
        }
        for ((project, name), _) in self.instances.iter().filter(|(_, inside)| inside.is_running()) {
            text += &format!("lxd_procs_total{{name={name:?},project={project:?},type=\"container\"}} 2\n");
        }
        raw(text + "# EOF\n", &[("content-type", "text/plain".into())])
    }

    /// A small machine.
    pub(crate) fn resources(&self) -> Value {
        let core =
            json!({"core": 0, "threads": [{"id": 0, "thread": 0, "online": true, "numa_node": 0, "isolated": false}]});
        json!({
            "cpu": {
                "architecture": std::env::consts::ARCH, "total": 1,
                "sockets": [{"name": "Simulated", "vendor": "Simulation", "socket": 0, "cores": [core]}],
            },
            "memory": {"used": 1 << 28, "total": 1_u64 << 32, "hugepages_total": 0, "hugepages_used": 0, "hugepages_size": 1 << 21, "nodes": []},
            "gpu": {"cards": [], "total": 0}, "network": {"cards": [], "total": 0}, "storage": {"disks": [], "total": 0},
            "usb": {"devices": [], "total": 0}, "pci": {"devices": [], "total": 0},
            "system": {
                "uuid": "", "vendor": "Simulation", "product": "lxd-sim", "family": "", "version": "", "sku": "",
                "serial": "", "type": "virtual-machine", "firmware": null, "chassis": null, "motherboard": null,
            },
        })
    }
}

fn server_place() -> Place {
    Place { kind: "server", project: String::new(), names: Vec::new() }
}

fn check(key: &str, value: &Value) -> Result<(), Refusal> {
    let shown = value.as_str().map_or_else(|| value.to_string(), String::from);
    let refuse = |why: &str| Err(Refusal::bad(format!("cannot set '{key}' to '{shown}': {why}")));
    if !key.starts_with("user.") && !PREFIXES.iter().any(|prefix| key.starts_with(prefix)) {
        return refuse("unknown key");
    }
    if NUMBERS.contains(&key) && !shown.is_empty() && shown.parse::<i64>().is_err() {
        return refuse("invalid integer");
    }
    Ok(())
}
