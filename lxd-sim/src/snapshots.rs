//! Snapshots of instances.

use http::Method;
use lxd_proto::{Editable, resources::InstanceSnapshot};
use serde_json::{Value, json};

use crate::{
    Sim,
    answer::{Answer, Refusal},
    ask::{Ask, Object, flag, object, text},
    clock::NEVER,
    crud::{encoded, listed},
    etag,
    instances::{Key, expiry, instance_place},
    kinds::named,
    operations::New,
    tree::Tree,
};

/// An instance as it was.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) name: String,
    pub(crate) object: Object,
    pub(crate) tree: Tree,
}

impl Sim {
    pub(crate) fn of_snapshots(&mut self, ask: &Ask, key: &Key, path: &[&str]) -> Result<Answer, Refusal> {
        let missing = |name: &str| {
            let (project, of) = key;
            Refusal::not_found(format!(
                "Failed to fetch snapshot {name:?} of instance {of:?} in project {project:?}: InstanceSnapshot not found"
            ))
        };
        match (&ask.method, path) {
            (&Method::GET, []) => {
                let inside = self.instances.get(key).into_iter();
                let snapshots = inside.flat_map(|inside| &inside.snapshots);
                listed(ask, snapshots.map(|snapshot| (snapshot_url(key, &snapshot.name), self.snapshot(key, snapshot))))
            }
            (&Method::POST, []) => self.make_snapshot(ask, key),
            (_, [name]) => {
                let found = self.find_snapshot(key, name).ok_or_else(|| missing(name))?;
                self.of_snapshot(ask, key, &found)
            }
            _ => Err(Refusal::not_found("not found")),
        }
    }

    pub(crate) fn find_snapshot(&self, key: &Key, name: &str) -> Option<Snapshot> {
        self.instances.get(key)?.snapshots.iter().find(|snapshot| snapshot.name == name).cloned()
    }

    /// A snapshot as it is shown.
    pub(crate) fn snapshot(&self, key: &Key, snapshot: &Snapshot) -> Object {
        let mut object = snapshot.object.clone();
        object.insert("name".into(), snapshot.name.clone().into());
        let _ = key;
        object.insert("size".into(), (-1).into());
        object
    }

    fn make_snapshot(&mut self, ask: &Ask, key: &Key) -> Result<Answer, Refusal> {
        let post = ask.object()?;
        let mut name = text(&post, "name").to_owned();
        if name.contains('/') {
            return Err(Refusal::bad("Invalid snapshot name: Cannot contain \"/\""));
        }
        if name.is_empty() {
            let free = (0..).map(|number| format!("snap{number}")).find(|name| self.find_snapshot(key, name).is_none());
            name = free.unwrap_or_default();
        }
        let new = New::task("Snapshotting instance", &key.0)
            .on_instance(&key.1)
            .about("entity_url", &snapshot_url(key, &name));
        let key = key.clone();
        Ok(self.begin(new, move |sim, _| sim.take_snapshot(&key, &name, &post).map(|()| Value::Null)))
    }

    pub(crate) fn take_snapshot(&mut self, key: &Key, name: &str, post: &Object) -> Result<(), Refusal> {
        if self.find_snapshot(key, name).is_some() {
            let why = "Add snapshot info to the database: This \"instances_snapshots\" entry already exists";
            return Err(Refusal::conflict(format!("Failed creating instance snapshot record {name:?}: {why}")));
        }
        if flag(post, "stateful") {
            return Err(Refusal::bad("Unable to create a stateful snapshot. CRIU isn't installed"));
        }
        let place = instance_place(key);
        let of = self.instance(&place, false);
        let given = text(post, "expires_at");
        let default = expiry(self, text(&object(&of, "expanded_config"), "snapshots.expiry"));
        let expires = if given.is_empty() { default.unwrap_or_else(|| NEVER.into()) } else { given.into() };
        let kept =
            ["architecture", "config", "devices", "ephemeral", "expanded_config", "expanded_devices", "profiles"];
        let mut object: Object = of.into_iter().filter(|(key, _)| kept.contains(&key.as_str())).collect();
        object.insert("expires_at".into(), expires.into());
        object.insert("created_at".into(), self.time().into());
        object.insert("last_used_at".into(), NEVER.into());
        object.insert("stateful".into(), false.into());
        let inside = self.instances.get_mut(key).ok_or_else(|| Refusal::not_found("Instance not found"))?;
        let tree = inside.tree.clone();
        inside.snapshots.push(Snapshot { name: name.into(), object, tree });
        self.snapshot_event("created", key, name, None);
        Ok(())
    }

    fn of_snapshot(&mut self, ask: &Ask, key: &Key, found: &Snapshot) -> Result<Answer, Refusal> {
        let mut version = found.object.clone();
        version.retain(|key, _| !InstanceSnapshot::READ_ONLY.contains(&key.as_str()));
        let (key, name) = (key.clone(), found.name.clone());
        let operation = |verb: &str| {
            let about = if verb == "Updating" { &name } else { &key.1 };
            New::task(format!("{verb} snapshot"), &key.0).on_instance(about)
        };
        match ask.method {
            Method::GET => Ok(Answer::Fetched(self.snapshot(&key, found).into(), version.into())),
            Method::PUT | Method::PATCH => {
                etag::check(ask, &version.into())?;
                let said = ask.object()?;
                let expires = text(&said, "expires_at").to_owned();
                let new = operation("Updating");
                Ok(self.begin(new, move |sim, _| {
                    if let Some(snapshot) = sim.snapshot_mut(&key, &name) {
                        let expires = if expires.is_empty() { NEVER.into() } else { expires };
                        snapshot.object.insert("expires_at".into(), expires.into());
                    }
                    sim.snapshot_event("updated", &key, &name, None);
                    Ok(Value::Null)
                }))
            }
            Method::POST => {
                let post = ask.object()?;
                if flag(&post, "migration") {
                    return self.offer_instance(ask, &key, Some(&name), &post);
                }
                let to = text(&post, "name").to_owned();
                if to.is_empty() || to.contains('/') {
                    return Err(Refusal::bad("Invalid snapshot name"));
                }
                if self.find_snapshot(&key, &to).is_some() {
                    return Err(Refusal::conflict(format!("Name {to:?} already in use")));
                }
                let new = operation("Renaming");
                Ok(self.begin(new, move |sim, _| {
                    if let Some(snapshot) = sim.snapshot_mut(&key, &name) {
                        snapshot.name.clone_from(&to);
                    }
                    sim.snapshot_event("renamed", &key, &to, Some(json!({"old_name": name})));
                    Ok(Value::Null)
                }))
            }
            Method::DELETE => {
                let new = operation("Deleting");
                Ok(self.begin(new, move |sim, _| {
                    if let Some(inside) = sim.instances.get_mut(&key) {
                        inside.snapshots.retain(|snapshot| snapshot.name != name);
                    }
                    sim.snapshot_event("deleted", &key, &name, None);
                    Ok(Value::Null)
                }))
            }
            _ => Err(Refusal::new(501, "not implemented")),
        }
    }

    fn snapshot_mut(&mut self, key: &Key, name: &str) -> Option<&mut Snapshot> {
        self.instances.get_mut(key)?.snapshots.iter_mut().find(|snapshot| snapshot.name == name)
    }

    fn snapshot_event(&mut self, action: &str, key: &Key, name: &str, context: Option<Value>) {
        let url = snapshot_url(key, name);
        self.happened(&format!("instance-snapshot-{action}"), &key.0, &url, name, context);
    }

    /// Makes an instance what it was.
    pub(crate) fn restore(&mut self, ask: &Ask, key: &Key, name: String) -> Result<Answer, Refusal> {
        let new = New::task("Restoring snapshot", ask.project()).on_instance(&key.1);
        let key = key.clone();
        // Both ways to name it are known.
        let name = name.strip_prefix(&format!("{}/", key.1)).map(String::from).unwrap_or(name);
        Ok(self.begin(new, move |sim, _| {
            let missing = || Refusal::bad(format!("Snapshot {}/{name} does not exist", key.1));
            let snapshot = sim.find_snapshot(&key, &name).ok_or_else(missing)?;
            let place = instance_place(&key);
            let was_running = sim.instances.get(&key).is_some_and(crate::instances::Inside::is_running);
            if was_running {
                sim.end_processes(&key);
            }
            if let Some(inside) = sim.instances.get_mut(&key) {
                inside.tree = snapshot.tree.clone();
            }
            if let Some(object) = sim.objects.get_mut(&place) {
                for key in ["architecture", "config", "devices", "ephemeral", "profiles"] {
                    object.extend(snapshot.object.get(key).map(|value| (key.to_owned(), value.clone())));
                }
            }
            sim.lifecycle(named("instance"), "restored", &place, Some(json!({"snapshot": name})));
            Ok(Value::Null)
        }))
    }
}

fn snapshot_url(key: &Key, name: &str) -> String {
    let project = if key.0 == "default" { String::new() } else { format!("?project={}", encoded(&key.0)) };
    format!("/1.0/instances/{}/snapshots/{}{project}", encoded(&key.1), encoded(name))
}
