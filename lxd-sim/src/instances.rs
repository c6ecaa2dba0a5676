//! Instances: containers that do not exist, with a state, files, snapshots and all that.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::{
    Sim,
    answer::{Answer, Refusal},
    ask::{Ask, Object, object, text, texts},
    clock::{self, EPOCH},
    crud::{config, listed, writable},
    etag,
    kinds::named,
    objects::{Place, merge},
    operations::New,
    route::lacking,
    rules::{Rules, Within},
    snapshots::Snapshot,
    tree::Tree,
};

pub(crate) const RULES: Rules = Rules {
    within: Within::Project,
    event: "instance",
    missing: "Instance not found",
    fresh: || {
        json!({
            "architecture": std::env::consts::ARCH, "config": {}, "devices": {}, "ephemeral": false,
            "profiles": ["default"], "stateful": false, "description": "", "created_at": "", "last_used_at": EPOCH,
            "type": "container", "location": "none", "project": "default",
        })
    },
    ..Rules::PLAIN
};

/// How an instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Stopped,
    Running,
    Frozen,
}

impl Status {
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::Stopped => 102,
            Self::Running => 103,
            Self::Frozen => 110,
        }
    }
}

/// What is inside an instance.
#[derive(Clone, Debug)]
pub(crate) struct Inside {
    pub(crate) status: Status,
    pub(crate) tree: Tree,
    /// In the order in which they were made.
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) backups: BTreeMap<String, Object>,
    pub(crate) logs: BTreeMap<String, Bytes>,
    pub(crate) console: Vec<u8>,
    /// `metadata.yaml` of its image.
    pub(crate) metadata: Object,
    pub(crate) templates: BTreeMap<String, Bytes>,
    pub(crate) pid: u64,
}

impl Inside {
    pub(crate) fn new(tree: Tree) -> Self {
        Self {
            status: Status::Stopped,
            tree,
            snapshots: Vec::new(),
            backups: BTreeMap::new(),
            logs: BTreeMap::new(),
            console: Vec::new(),
            metadata: Object::new(),
            templates: BTreeMap::new(),
            pid: 0,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.status != Status::Stopped
    }
}

/// An instance's project and name.
pub(crate) type Key = (String, String);

impl Sim {
    /// What is asked of instances.
    pub(crate) fn of_instances(&mut self, ask: &Ask, path: &[&str]) -> Result<Answer, Refusal> {
        let Some((name, rest)) = path.split_first() else { return self.of_all_instances(ask) };
        let key = (ask.project().to_owned(), (*name).to_owned());
        if !self.instances.contains_key(&key) {
            return Err(Refusal::not_found("Instance not found"));
        }
        match (&ask.method, rest) {
            (_, []) => self.of_instance(ask, &key),
            (&Method::GET, ["state"]) => Ok(Answer::Done(self.state(&key))),
            (&Method::PUT, ["state"]) => self.change_state(ask, &key),
            (_, ["snapshots", rest @ ..]) => self.of_snapshots(ask, &key, rest),
            (_, ["files"]) => self.of_files(ask, &key),
            (&Method::GET, ["sftp"]) => self.open_sftp(ask, &key),
            (&Method::POST, ["exec"]) => self.exec(ask, &key),
            (_, ["console"]) => self.of_console(ask, &key),
            (_, ["logs", rest @ ..]) => self.of_logs(ask, &key, rest),
            (_, ["metadata", rest @ ..]) => self.of_metadata(ask, &key, rest),
            (_, ["backups", rest @ ..]) => self.of_backups(ask, &key, rest),
            (_, ["rebuild"]) if !self.has("instances_rebuild") => Err(Refusal::not_found("not found")),
            (_, ["uefi-vars"]) if !self.has("instances_uefi_vars") => Err(Refusal::not_found("not found")),
            _ => Err(lacking(ask)),
        }
    }

    fn of_all_instances(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        match ask.method {
            Method::GET => {
                let wanted = |place: &&Place| ask.all_projects() || place.project == ask.project();
                let places = self.objects.all("instance").map(|(place, _)| place).filter(wanted);
                let full = ask.recursion() > 1;
                let kind = ask.query.get("instance-type").map_or("", String::as_str);
                let shown = places.map(|place| (self.url(place), self.instance(place, full)));
                listed(ask, shown.filter(|(_, object)| kind.is_empty() || text(object, "type") == kind))
            }
            Method::POST => self.create_instance(ask),
            Method::PUT => self.change_all(ask),
            _ => Err(Refusal::new(501, "not implemented")),
        }
    }

    fn of_instance(&mut self, ask: &Ask, key: &Key) -> Result<Answer, Refusal> {
        let (kind, place) = (named("instance"), instance_place(key));
        match ask.method {
            Method::GET => {
                let object = self.instance(&place, ask.recursion() > 0);
                let stored = self.objects.get(&place).cloned().unwrap_or_default();
                Ok(Answer::Fetched(object.into(), writable(kind, &stored)))
            }
            Method::PUT => {
                let said = ask.object()?;
                if !text(&said, "restore").is_empty() {
                    return self.restore(ask, key, text(&said, "restore").to_owned());
                }
                self.check_instance_etag(ask, &place)?;
                self.check_profiles(&key.0, &said).map_err(|_| Refusal::not_found("Profile not found"))?;
                let new = New::task("Updating instance", &key.0).on_instance(&key.1);
                Ok(self.begin(new, move |sim, _| sim.replace_instance(&place, &said).map(|()| Value::Null)))
            }
            Method::PATCH => {
                let said = ask.object()?;
                self.check_instance_etag(ask, &place)?;
                let mut object = self.objects.get(&place).cloned().unwrap_or_default();
                let mut wanted = said;
                wanted.retain(|key, value| !kind.read_only.contains(&key.as_str()) && !value.is_null());
                if self.is_old() && !wanted.contains_key("description") {
                    // 5.0.2 forgets it when it is not said again.
                    object.insert("description".into(), "".into());
                }
                merge(&mut object, &wanted);
                self.set_instance(&place, object)?;
                Ok(Answer::empty())
            }
            Method::POST => self.move_instance(ask, key),
            Method::DELETE => {
                let forced = self.has("instance_force_delete") && ask.query.contains_key("force");
                if self.instances.get(key).is_some_and(Inside::is_running) && !forced {
                    return Err(Refusal::bad("Instance is running"));
                }
                let new = New::task("Deleting instance", &key.0).on_instance(&key.1);
                let key = key.clone();
                Ok(self.begin(new, move |sim, _| {
                    sim.delete_instance(&key);
                    Ok(Value::Null)
                }))
            }
            _ => Err(Refusal::new(501, "not implemented")),
        }
    }

    fn check_instance_etag(&self, ask: &Ask, place: &Place) -> Result<(), Refusal> {
        let stored = self.objects.get(place).cloned().unwrap_or_default();
        etag::check(ask, &writable(named("instance"), &stored))
    }

    fn replace_instance(&mut self, place: &Place, said: &Object) -> Result<(), Refusal> {
        let kind = named("instance");
        let mut object = self.objects.get(place).cloned().ok_or_else(|| Refusal::not_found("Instance not found"))?;
        let volatile = volatile(&config(&object));
        let said_config = crate::ask::object(said, "config");
        if volatile.keys().any(|key| key.contains("idmap") && !said_config.contains_key(key)) {
            return Err(Refusal::bad("Volatile idmap keys can't be deleted by the user"));
        }
        let fresh = (kind.rules.fresh)();
        for (key, value) in fresh.as_object().into_iter().flatten() {
            if !kind.read_only.contains(&key.as_str()) {
                object.insert(key.clone(), value.clone());
            }
        }
        object.insert("profiles".into(), json!([]));
        for (key, value) in said {
            if !kind.read_only.contains(&key.as_str()) && !value.is_null() {
                object.insert(key.clone(), value.clone());
            }
        }
        // What is volatile is LXD's own: leaving it out does not take it away.
        let mut config = config(&object);
        for (key, value) in volatile {
            config.entry(key).or_insert(value);
        }
        object.insert("config".into(), config.into());
        self.set_instance(place, object)
    }

    /// Takes an instance as it is to be, if it can be so.
    pub(crate) fn set_instance(&mut self, place: &Place, object: Object) -> Result<(), Refusal> {
        check_config(&config(&object)).map_err(|why| match why.split_once(": ") {
            Some(("Invalid value", _)) => Refusal::internal(format!("Invalid config: {why}")),
            _ => Refusal::internal(why),
        })?;
        check_devices(self, &place.project, &crate::ask::object(&object, "devices")).map_err(Refusal::internal)?;
        self.objects.put(place.clone(), object);
        self.lifecycle(named("instance"), "updated", place, None);
        Ok(())
    }

    pub(crate) fn check_profiles(&self, project: &str, object: &Object) -> Result<(), String> {
        for name in texts(object, "profiles") {
            if self.objects.get(&self.place(named("profile"), project, &[&name])).is_none() {
                return Err(name);
            }
        }
        Ok(())
    }

    pub(crate) fn delete_instance(&mut self, key: &Key) {
        let place = instance_place(key);
        self.end_processes(key);
        self.instances.remove(key);
        if self.objects.remove(&place).is_some() {
            self.lifecycle(named("instance"), "deleted", &place, None);
        }
    }

    /// Another name, project or pool; or the source of a migration.
    fn move_instance(&mut self, ask: &Ask, key: &Key) -> Result<Answer, Refusal> {
        let post = ask.object()?;
        if crate::ask::flag(&post, "migration") || !text(&post, "pool").is_empty() || !text(&post, "project").is_empty()
        {
            return self.migrate(ask, key, &post);
        }
        let name = match text(&post, "name") {
            "" => key.1.clone(),
            name => name.to_owned(),
        };
        check_name(&name)?;
        let to: Key = (key.0.clone(), name);
        if self.instances.contains_key(&to) && to != *key {
            return Err(Refusal::conflict(format!("Name {:?} already in use", to.1)));
        }
        let new = New::task("Renaming instance", &key.0).on_instance(&key.1);
        let key = key.clone();
        Ok(self.begin(new, move |sim, _| {
            if sim.instances.get(&key).is_some_and(Inside::is_running) {
                return Err(Refusal::bad("Renaming of running container not allowed"));
            }
            sim.rename_instance(&key, &to);
            Ok(Value::Null)
        }))
    }

    pub(crate) fn rename_instance(&mut self, key: &Key, to: &Key) {
        let Some(inside) = self.instances.remove(key) else { return };
        self.instances.insert(to.clone(), inside);
        let (from, place) = (instance_place(key), instance_place(to));
        if let Some(mut object) = self.objects.remove(&from) {
            object.insert("name".into(), to.1.clone().into());
            object.insert("project".into(), to.0.clone().into());
            self.objects.put(place.clone(), object);
        }
        self.apply_templates(to, "rename");
        self.lifecycle(named("instance"), "renamed", &place, Some(json!({"old_name": key.1})));
    }

    /// An instance as it is shown: with what its profiles add, and in full also with what is inside.
    pub(crate) fn instance(&self, place: &Place, full: bool) -> Object {
        let mut object = self.objects.get(place).cloned().unwrap_or_default();
        let key = (place.project.clone(), place.name().to_owned());
        let Some(inside) = self.instances.get(&key) else { return object };
        let (config, devices) = self.expanded(place);
        object.insert("expanded_config".into(), config.into());
        object.insert("expanded_devices".into(), devices.into());
        object.insert("status".into(), format!("{:?}", inside.status).into());
        object.insert("status_code".into(), inside.status.code().into());
        if full {
            object.insert("state".into(), self.state(&key));
            let snapshots: Vec<Value> =
                inside.snapshots.iter().map(|snapshot| self.snapshot(&key, snapshot).into()).collect();
            let or_null = |list: Vec<Value>| if list.is_empty() { Value::Null } else { list.into() };
            object.insert("snapshots".into(), or_null(snapshots));
            object.insert("backups".into(), or_null(inside.backups.values().cloned().map(Value::from).collect()));
        }
        object
    }

    /// The configuration and the devices, with those of the profiles.
    pub(crate) fn expanded(&self, place: &Place) -> (Object, Object) {
        let own = self.objects.get(place).cloned().unwrap_or_default();
        let (mut config, mut devices) = (Object::new(), Object::new());
        for name in texts(&own, "profiles") {
            let profile =
                self.objects.get(&self.place(named("profile"), &place.project, &[&name])).cloned().unwrap_or_default();
            config.extend(object(&profile, "config"));
            devices.extend(object(&profile, "devices"));
        }
        config.extend(object(&own, "config"));
        devices.extend(object(&own, "devices"));
        (config, devices)
    }

    /// The pool of its root disk.
    pub(crate) fn root_pool(&self, place: &Place) -> Option<String> {
        let devices = self.expanded(place).1;
        let disks = devices.values().filter_map(Value::as_object);
        let mut roots = disks.filter(|device| text(device, "type") == "disk" && text(device, "path") == "/");
        roots.next().map(|device| text(device, "pool").to_owned())
    }

    /// Seconds since 1970.
    pub(crate) fn seconds(&self) -> u64 {
        (self.config.epoch + self.now).as_secs()
    }

    /// Writes the files that the image has templates for.
    pub(crate) fn apply_templates(&mut self, key: &Key, when: &str) {
        let now = self.seconds();
        let Some(inside) = self.instances.get_mut(key) else { return };
        let templates = object(&inside.metadata, "templates");
        for (path, template) in templates {
            let template = template.as_object().cloned().unwrap_or_default();
            let Some(content) = inside.templates.get(text(&template, "template")) else { continue };
            if texts(&template, "when").iter().any(|there| there == when) {
                let content = String::from_utf8_lossy(content);
                let content = content.replace("{{ container.name }}", &key.1).replace("{{ instance.name }}", &key.1);
                inside.tree.put_deep(path.as_bytes(), crate::tree::Node::file(content, now));
            }
        }
    }
}

/// Where an instance is.
pub(crate) fn instance_place(key: &Key) -> Place {
    Place { kind: "instance", project: key.0.clone(), names: vec![key.1.clone()] }
}

pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    let why = match name {
        "" => "Name is required",
        name if name.len() > 63 => "Name must be 1-63 characters long",
        name if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => {
            "Name can only contain alphanumeric and hyphen characters"
        }
        name if name.starts_with(|c: char| c.is_ascii_digit()) => "Name must not start with a number",
        name if name.starts_with('-') => "Name must not start with \"-\" character",
        name if name.ends_with('-') => "Name must not end with \"-\" character",
        _ => return Ok(()),
    };
    Err(Refusal::bad(format!("Invalid instance name: {why}")))
}

/// Whether an instance's or a profile's configuration can be so.
pub(crate) fn check_config(config: &Object) -> Result<(), String> {
    const FIRST: &[&str] = &[
        "boot",
        "cloud-init",
        "cluster",
        "environment",
        "image",
        "limits",
        "linux",
        "migration",
        "nvidia",
        "placement",
        "raw",
        "security",
        "snapshots",
        "ubuntu_pro",
        "user",
        "volatile",
    ];
    for (key, value) in config {
        if !key.split_once('.').is_some_and(|(first, _)| FIRST.contains(&first)) {
            return Err(format!("Unknown configuration key: {key}"));
        }
        let value = value.as_str().unwrap_or_default();
        if key == "limits.memory" && !value.is_empty() && !value.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!("Invalid value: {value}"));
        }
        let is_bool = ["true", "false", "1", "0", "yes", "no", "on", "off", ""].contains(&value);
        if ["boot.autostart", "security.nesting", "security.privileged"].contains(&key.as_str()) && !is_bool {
            return Err(format!("Invalid value for a boolean {value:?}"));
        }
    }
    Ok(())
}

/// Whether an instance's or a profile's devices can be so.
pub(crate) fn check_devices(sim: &Sim, project: &str, devices: &Object) -> Result<(), String> {
    const TYPES: &[&str] = &[
        "none",
        "nic",
        "disk",
        "unix-char",
        "unix-block",
        "usb",
        "gpu",
        "infiniband",
        "proxy",
        "unix-hotplug",
        "tpm",
        "pci",
    ];
    for (name, device) in devices {
        let device = device.as_object().cloned().unwrap_or_default();
        let refuse = |why: String| Err(format!("Device validation failed for {name:?}: {why}"));
        if !TYPES.contains(&text(&device, "type")) {
            return refuse(format!("Failed loading device {name:?}: Unsupported device type"));
        }
        let network = text(&device, "network");
        let there = sim.objects.get(&sim.place(named("network"), project, &[network]));
        if !network.is_empty() && there.is_none() {
            let why = format!("Failed to load network {network:?} for project {project:?}: Network not found");
            return refuse(format!("Failed loading device {name:?}: {why}"));
        }
        let (source, pool) = (text(&device, "source"), text(&device, "pool"));
        if text(&device, "type") == "disk"
            && source.starts_with('/')
            && pool.is_empty()
            && text(&device, "required") != "false"
        {
            return Err(format!(
                "Failed add validation for device {name:?}: Missing source path {source:?} for disk {name:?}"
            ));
        }
        if text(&device, "type") == "disk" && !pool.is_empty() {
            if sim.objects.get(&Place::new(named("storage pool"), "", &[pool])).is_none() {
                return refuse(format!("Failed to get storage pool {pool:?}: Storage pool not found"));
            }
            let volume = sim.place(named("storage volume"), project, &[pool, "custom", source]);
            if !source.is_empty() && sim.objects.get(&volume).is_none() {
                return refuse("Failed loading custom volume: Storage pool volume not found".into());
            }
        }
    }
    Ok(())
}

fn volatile(config: &Object) -> Object {
    config
        .iter()
        .filter(|(key, _)| key.starts_with("volatile."))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// When something is over that begins now.
pub(crate) fn expiry(sim: &Sim, spec: &str) -> Option<String> {
    let seconds: u64 = spec
        .split_whitespace()
        .filter_map(|part| {
            let (number, unit) = part.split_at(part.len().checked_sub(1)?);
            let unit = match unit {
                "M" => 60,
                "H" => 3600,
                "d" => 86_400,
                "w" => 604_800,
                "m" => 2_592_000,
                "y" => 31_536_000,
                _ => return None,
            };
            Some(number.parse::<u64>().ok()? * unit)
        })
        .sum();
    (seconds > 0).then(|| clock::rfc3339(sim.config.epoch + sim.now + std::time::Duration::from_secs(seconds)))
}
