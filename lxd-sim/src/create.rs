//! What instances are made of: images, other instances, or nothing.

use serde_json::{Value, json};

use crate::{
    Sim,
    answer::{Answer, Refusal},
    ask::{Ask, Object, flag, object, text},
    instances::{Inside, Key, check_config, check_devices, check_name, instance_place},
    kinds::named,
    objects::{Place, merge},
    operations::New,
    tree::Tree,
};

/// Keys that nobody copies.
const OWN: &[&str] = &["volatile.uuid", "volatile.cloud-init.instance-id", "volatile.last_state.power"];

impl Sim {
    pub(crate) fn create_instance(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        let project = ask.project().to_owned();
        if !self.project_exists(&project) {
            return Err(Refusal::not_found("Failed loading project: Project not found"));
        }
        if !ask.is_json() {
            return self.import_instance(ask);
        }
        let mut post = ask.object()?;
        let source = object(&post, "source");
        if text(&post, "name").is_empty() {
            let name = format!("sim-{:08x}", self.random.next() >> 32);
            post.insert("name".into(), name.into());
        }
        let name = text(&post, "name").to_owned();
        check_name(&name)?;
        if !["", "container", "virtual-machine"].contains(&text(&post, "type")) {
            return Err(Refusal::bad("Invalid instance type"));
        }
        let key: Key = (project, name);
        let mut new = New::task("Creating instance", &key.0);
        if self.instances.contains_key(&key) && !self.is_old() && !flag(&source, "refresh") {
            return Err(Refusal::conflict(format!("Instance {:?} already exists", key.1)));
        }
        match text(&source, "type") {
            "image" => {
                self.check_profiles(&key.0, &post)
                    .map_err(|name| Refusal::internal(format!("Requested profile {name:?} doesn't exist")))?;
                let fingerprint = self.image_of(ask, &source)?;
                new = new.on_instance(&key.1).about("entity_url", &format!("/1.0/instances/{}", key.1));
                Ok(self.begin(new, move |sim, id| {
                    let missing = || Refusal::bad("Image not provided for instance creation");
                    let fingerprint = fingerprint.ok_or_else(missing)?;
                    let inside = sim.fresh_inside(&fingerprint).ok_or_else(missing)?;
                    let image = sim.image_config(&key.0, &fingerprint);
                    let mut made = post.clone();
                    if made.get("profiles").is_none_or(Value::is_null) {
                        made.insert("profiles".into(), sim.image_profiles(&key.0, &fingerprint));
                    }
                    let mut config = image;
                    config.extend(object(&post, "config"));
                    made.insert("config".into(), config.into());
                    sim.add_instance(&key, made, inside)?;
                    sim.progress(id, json!({
                        "create_instance_from_image_unpack_progress": "Unpack: 100% (1.00GB/s)",
                        "progress": {"percent": "100", "speed": "1000000000", "stage": "create_instance_from_image_unpack"},
                    }));
                    sim.apply_templates(&key, "create");
                    sim.start_if_wanted(&key, &post)
                }))
            }
            "none" => {
                new = new.on_instance(&key.1).about("entity_url", &format!("/1.0/instances/{}", key.1));
                let now = self.seconds();
                Ok(self.begin(new, move |sim, _| {
                    sim.add_instance(&key, post.clone(), Inside::new(Tree::new(now)))?;
                    sim.start_if_wanted(&key, &post)
                }))
            }
            "copy" => self.copy_instance(ask, &key, post, &source),
            "migration" => self.receive_instance(ask, &key, post, &source),
            other => Err(Refusal::bad(format!("Unknown source type {other}"))),
        }
    }

    fn start_if_wanted(&mut self, key: &Key, post: &Object) -> Result<Value, Refusal> {
        if flag(post, "start") && self.has("instance_create_start") {
            self.start(key)?;
        }
        Ok(Value::Null)
    }

    /// Makes an instance, if it can be so.
    pub(crate) fn add_instance(&mut self, key: &Key, post: Object, inside: Inside) -> Result<(), Refusal> {
        let failed = |why: &str| Refusal::bad(format!("Failed creating instance record: {why}"));
        if text(&post, "type") == "virtual-machine" {
            let why = "vhost_vsock kernel module not loaded";
            return Err(failed(&format!("Instance type \"virtual-machine\" is not supported on this server: {why}")));
        }
        if self.instances.contains_key(key) {
            return Err(failed("Add instance info to the database: This \"instances\" entry already exists"));
        }
        let limit = self.project_limit(&key.0, "limits.instances");
        if limit.is_some_and(|limit| self.instances.keys().filter(|(project, _)| *project == key.0).count() >= limit) {
            let why = format!("Reached maximum number of instances in project {:?}", key.0);
            return Err(failed(&why));
        }
        let config = object(&post, "config");
        check_config(&config).map_err(|why| failed(&why))?;
        check_devices(self, &key.0, &object(&post, "devices"))
            .map_err(|why| failed(&format!("Failed initialising instance: Invalid devices: {why}")))?;
        let kind = named("instance");
        let mut made = (kind.rules.fresh)().as_object().cloned().unwrap_or_default();
        for (key, value) in post {
            let is_given = !value.is_null() && value != "";
            if made.contains_key(&key) && is_given {
                made.insert(key, value);
            }
        }
        let place = instance_place(key);
        made.insert("name".into(), key.1.clone().into());
        made.insert("project".into(), key.0.clone().into());
        made.insert("created_at".into(), self.time().into());
        made.insert("last_used_at".into(), crate::clock::EPOCH.into());
        let mut config = config;
        config.insert("volatile.uuid".into(), self.random.uuid().into());
        config.insert("volatile.cloud-init.instance-id".into(), self.random.uuid().into());
        config.entry("volatile.idmap.base").or_insert_with(|| "0".into());
        made.insert("config".into(), config.into());
        self.objects.put(place.clone(), made);
        if self.root_pool(&place).is_none() {
            self.objects.remove(&place);
            return Err(failed(
                "Failed initialising instance: Failed getting root disk: No root device could be found",
            ));
        }
        self.instances.insert(key.clone(), inside);
        self.lifecycle(kind, "created", &place, None);
        Ok(())
    }

    /// What an instance keeps of its image.
    fn image_config(&self, project: &str, fingerprint: &str) -> Object {
        let place = self.place(named("image"), project, &[fingerprint]);
        let image = self.objects.get(&place).cloned().unwrap_or_default();
        let properties = object(&image, "properties");
        let mut config: Object = properties.into_iter().map(|(key, value)| (format!("image.{key}"), value)).collect();
        config.insert("volatile.base_image".into(), fingerprint.into());
        config
    }

    /// The profiles that an image brings.
    fn image_profiles(&self, project: &str, fingerprint: &str) -> Value {
        let place = self.place(named("image"), project, &[fingerprint]);
        self.objects.get(&place).and_then(|image| image.get("profiles")).cloned().unwrap_or_else(|| json!(["default"]))
    }

    fn copy_instance(&mut self, ask: &Ask, key: &Key, post: Object, source: &Object) -> Result<Answer, Refusal> {
        let project = match text(source, "project") {
            "" => ask.project(),
            project => project,
        };
        let (name, snapshot) = match text(source, "source").split_once('/') {
            Some((name, snapshot)) => (name, Some(snapshot.to_owned())),
            None => (text(source, "source"), None),
        };
        let from: Key = (project.into(), name.into());
        if !self.instances.contains_key(&from) {
            return Err(Refusal::not_found(format!(
                "Failed to fetch instance {name:?} in project {project:?}: Instance not found"
            )));
        }
        let snapshots = !flag(source, "instance_only") && !flag(source, "container_only") && snapshot.is_none();
        let refresh = flag(source, "refresh");
        let new = New::task("Creating instance", &key.0).on_instance(&key.1).on_instance(&from.1);
        let key = key.clone();
        Ok(self.begin(new, move |sim, _| {
            sim.copied(&from, snapshot.as_deref(), &key, &post, snapshots, refresh).map(|()| Value::Null)
        }))
    }

    fn copied(
        &mut self,
        from: &Key,
        snapshot: Option<&str>,
        to: &Key,
        post: &Object,
        snapshots: bool,
        refresh: bool,
    ) -> Result<(), Refusal> {
        let missing = || Refusal::not_found("Instance not found");
        let mut inside = self.instances.get(from).cloned().ok_or_else(missing)?;
        let mut object = self.objects.get(&instance_place(from)).cloned().ok_or_else(missing)?;
        if let Some(name) = snapshot {
            let snapshot = self.find_snapshot(from, name).ok_or_else(missing)?;
            inside.tree = snapshot.tree;
            object.extend(snapshot.object);
        }
        if !snapshots {
            inside.snapshots.clear();
        }
        inside.status = crate::instances::Status::Stopped;
        inside.backups.clear();
        inside.logs.clear();
        if refresh && self.instances.contains_key(to) {
            if let Some(there) = self.instances.get_mut(to) {
                there.tree = inside.tree;
                there.snapshots = inside.snapshots;
            }
            return Ok(());
        }
        let mut made = adjusted(object, post);
        if !post.contains_key("profiles") {
            // Not even the source's: whoever copies says them.
            made.insert("profiles".into(), json!([]));
        }
        made.insert("name".into(), to.1.clone().into());
        self.add_instance(to, made, inside)?;
        self.apply_templates(to, "copy");
        Ok(())
    }

    /// Moves an instance to another pool or project, or offers it to another server.
    pub(crate) fn migrate(&mut self, ask: &Ask, key: &Key, post: &Object) -> Result<Answer, Refusal> {
        let (pool, project) = (text(post, "pool").to_owned(), text(post, "project").to_owned());
        if pool.is_empty() && project.is_empty() {
            return self.offer_instance(ask, key, None, post);
        }
        let pick = |new: &str, there: &str| if new.is_empty() { there.to_owned() } else { new.to_owned() };
        let to: Key = (pick(&project, &key.0), pick(text(post, "name"), &key.1));
        if !self.project_exists(&to.0) {
            return Err(Refusal::not_found("Project not found"));
        }
        let there = self.objects.get(&Place::new(named("storage pool"), "", &[&pool])).is_some();
        if !pool.is_empty() && !there {
            return Err(Refusal::not_found("Storage pool not found"));
        }
        let new = New::task("Migrating instance", &key.0).on_instance(&key.1);
        let key = key.clone();
        Ok(self.begin(new, move |sim, _| {
            if sim.instances.get(&key).is_some_and(Inside::is_running) {
                return Err(Refusal::bad("Instance must be stopped to be moved statelessly"));
            }
            if to != key && sim.instances.contains_key(&to) {
                return Err(Refusal::conflict(format!("Name {:?} already in use", to.1)));
            }
            if to != key {
                sim.rename_instance(&key, &to);
            }
            if let (false, Some(object)) = (pool.is_empty(), sim.objects.get_mut(&instance_place(&to))) {
                object["devices"]["root"] = json!({"type": "disk", "path": "/", "pool": pool});
            }
            Ok(Value::Null)
        }))
    }
}

/// An instance as it is to be copied: what is said of the copy wins.
fn adjusted(mut object: Object, post: &Object) -> Object {
    if let Some(config) = object.get_mut("config").and_then(Value::as_object_mut) {
        config.retain(|key, _| !OWN.contains(&key.as_str()));
    }
    let mut said = post.clone();
    said.retain(|key, value| {
        let is_said = match value {
            Value::Null => false,
            Value::Array(list) => !list.is_empty() || key == "profiles",
            Value::String(text) => !text.is_empty(),
            Value::Object(map) => !map.is_empty(),
            _ => true,
        };
        is_said && key != "source" && key != "name"
    });
    merge(&mut object, &said);
    object
}
