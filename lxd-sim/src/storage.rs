//! Storage pools, and the volumes in them.

use http::Method;
use serde_json::{Value, json};

use crate::{
    Sim,
    answer::{Answer, Refusal},
    ask::{Ask, Object, object, text},
    clock::NEVER,
    crud::{config, listed},
    kinds::named,
    objects::Place,
    operations::New,
    route::lacking,
    rules::{Rules, Within, known_keys},
};

pub(crate) const POOL: Rules = Rules {
    event: "storage-pool",
    missing: "Storage pool not found",
    fresh: || {
        json!({
            "config": {}, "description": "", "driver": "", "used_by": [], "status": "Created", "locations": ["none"],
        })
    },
    exists: |_| Refusal::conflict("The storage pool already exists: The record already exists"),
    in_use: Some((400, "The storage pool is currently in use")),
    name: |name| match name {
        "" => Err(Refusal::bad("No name provided")),
        name if name.contains('/') => Err(Refusal::bad("Storage pool names may not contain slashes")),
        _ => Ok(()),
    },
    check: |sim, place, pool| {
        let there = sim.objects.get(place).map(config);
        if there.is_some_and(|there| there.get("source") != config(pool).get("source")) {
            return Err(Refusal::internal("Pool source cannot be changed when not in pending state"));
        }
        if !["dir", "btrfs", "lvm"].contains(&text(pool, "driver")) {
            let refusal = if text(pool, "driver").is_empty() {
                Refusal::bad("No driver provided")
            } else {
                Refusal::internal("Unknown driver")
            };
            return Err(refusal);
        }
        let mut config = config(pool);
        let known = |key: &str| {
            ["source", "size", "rsync.bwlimit", "rsync.compression"].contains(&key)
                || ["volume.", "volatile.", "btrfs.", "lvm."].iter().any(|prefix| key.starts_with(prefix))
        };
        known_keys(&config, known, |key| Refusal::internal(format!("Invalid option {key:?}")))?;
        let source = format!("/var/lib/lxd/storage-pools/{}", place.name());
        config.entry("source").or_insert_with(|| source.into());
        pool.insert("config".into(), config.into());
        Ok(())
    },
    background: Some("storage_and_network_operations"),
    versioned: false,
    ..Rules::PLAIN
};

pub(crate) const VOLUME: Rules = Rules {
    within: Within::Feature("features.storage.volumes"),
    event: "storage-volume",
    missing: "Storage pool volume not found",
    fresh: || {
        json!({
            "config": {}, "description": "", "type": "custom", "used_by": [], "location": "none",
            "content_type": "filesystem", "project": "default", "created_at": NEVER,
        })
    },
    exists: |_| Refusal::conflict("Volume by that name already exists"),
    in_use: Some((400, "The storage volume is still in use")),
    name: |name| match name {
        "" => Err(Refusal::bad("No name provided")),
        name if name.contains('/') => Err(Refusal::bad("Storage volume names may not contain slashes")),
        _ => Ok(()),
    },
    check: |sim, place, volume| {
        // What is made takes what the pool has for all.
        if sim.objects.get(place).is_none() {
            let pool = sim.objects.get(&Place::new(named("storage pool"), "", &place.names[..1])).map(config);
            let mut own = config(volume);
            for (key, value) in pool.unwrap_or_default() {
                if let Some(key) = key.strip_prefix("volume.") {
                    own.entry(key).or_insert(value);
                }
            }
            volume.insert("config".into(), own.into());
        }
        let known = |key: &str| {
            ["size", "security.", "snapshots.", "block.", "volatile.", "btrfs.", "lvm."]
                .iter()
                .any(|prefix| key.starts_with(prefix))
        };
        known_keys(&config(volume), known, |key| Refusal::internal(format!("Invalid option for volume: {key:?}")))?;
        if text(volume, "content_type").is_empty() {
            volume.insert("content_type".into(), "filesystem".into());
        }
        Ok(())
    },
    background: Some("storage_and_profile_operations"),
    ..Rules::PLAIN
};

pub(crate) const SNAPSHOT: Rules = Rules {
    within: Within::Feature("features.storage.volumes"),
    event: "storage-volume-snapshot",
    missing: "Storage pool volume not found",
    fresh: || {
        json!({
            "description": "", "expires_at": NEVER, "config": {}, "content_type": "filesystem", "created_at": NEVER,
        })
    },
    exists: |name| Refusal::conflict(format!("Snapshot {name:?} already in use")),
    background: Some("storage_and_profile_operations"),
    ..Rules::PLAIN
};

impl Sim {
    /// What is asked of pools and of what is in them.
    pub(crate) fn of_storage(&mut self, ask: &Ask, path: &[&str]) -> Result<Answer, Refusal> {
        let Some((pool, rest)) = path.split_first() else { return self.generic(ask) };
        if rest.is_empty() {
            return self.generic(ask);
        }
        let place = Place::new(named("storage pool"), "", &[pool]);
        self.objects.get(&place).ok_or_else(|| Refusal::not_found("Storage pool not found"))?;
        match (&ask.method, rest) {
            (&Method::GET, ["resources"]) => Ok(Answer::Done(json!({
                "space": {"used": 1_u64 << 30, "total": 1_u64 << 40}, "inodes": {"used": 1000, "total": 1 << 24},
            }))),
            (&Method::GET, ["volumes"]) => self.volumes(ask, pool, None),
            (&Method::GET, ["volumes", kind]) => {
                if !["custom", "container", "virtual-machine", "image"].contains(kind) {
                    return Err(Refusal::bad("Invalid storage volume type name"));
                }
                self.volumes(ask, pool, Some(kind))
            }
            (&Method::POST, ["volumes"]) => self.make_volume(ask, pool, None),
            (&Method::POST, ["volumes", kind]) => self.make_volume(ask, pool, Some(kind)),
            (_, ["volumes", kind, name]) => self.of_volume(ask, pool, kind, name),
            (_, ["volumes", kind, name, rest @ ..]) => self.inside_volume(ask, pool, kind, name, rest),
            (_, ["buckets", ..]) if !self.has("storage_buckets") => Err(Refusal::not_found("not found")),
            _ => Err(lacking(ask)),
        }
    }

    /// The volumes that instances have in a pool, which nobody makes by themselves.
    fn root_volumes(&self, project: &str, pool: &str) -> Vec<(Place, Object)> {
        let instances = self.objects.all("instance").filter(|(place, _)| place.project == project);
        let rooted = instances.filter(|(place, _)| self.root_pool(place).as_deref() == Some(pool));
        let volume = |(place, _): (&Place, &Object)| {
            let names = [pool, "container", place.name()].map(String::from).into();
            let volume = json!({
                "config": {}, "description": "", "name": place.name(), "type": "container", "used_by": [self.url(place)],
                "location": "none", "content_type": "filesystem", "project": project, "created_at": NEVER,
            });
            let place = Place { kind: "storage volume", project: project.into(), names };
            (place, volume.as_object().cloned().unwrap_or_default())
        };
        let volumes: Vec<_> = rooted.map(volume).collect();
        let with_snapshots = volumes.into_iter().flat_map(|(place, volume)| {
            let inside = self.instances.get(&(place.project.clone(), place.name().to_owned()));
            let snapshots = inside.into_iter().flat_map(|inside| &inside.snapshots).map(|snapshot| {
                let names = place.names.iter().cloned().chain([snapshot.name.clone()]).collect();
                let mut volume = volume.clone();
                volume.insert("name".into(), format!("{}/{}", place.name(), snapshot.name).into());
                (Place { kind: "volume snapshot", names, ..place.clone() }, volume)
            });
            let snapshots: Vec<_> = snapshots.collect();
            [(place.clone(), volume)].into_iter().chain(snapshots)
        });
        with_snapshots.collect()
    }

    fn volumes(&self, ask: &Ask, pool: &str, kind: Option<&str>) -> Result<Answer, Refusal> {
        let project = self.project_of(named("storage volume"), ask.project());
        let is_here = |place: &Place| (place.project == project || ask.all_projects()) && place.names[0] == pool;
        let snapshots =
            self.objects.all("volume snapshot").filter(|(place, _)| is_here(place)).map(|(place, snapshot)| {
                let mut shown = self
                    .objects
                    .get(&Place { kind: "storage volume", names: place.names[..3].to_vec(), ..place.clone() })
                    .cloned()
                    .unwrap_or_default();
                shown.extend(snapshot.clone());
                shown.insert("name".into(), format!("{}/{}", place.names[2], place.name()).into());
                (place.clone(), shown)
            });
        let custom = self.objects.all("storage volume").filter(|(place, _)| is_here(place));
        let custom = custom.map(|(place, _)| (place.clone(), self.shown(place))).chain(snapshots);
        let all = self.root_volumes(ask.project(), pool).into_iter().chain(custom);
        let wanted = all.filter(|(place, _)| kind.is_none_or(|kind| place.names[1] == kind));
        listed(ask, wanted.map(|(place, volume)| (self.url(&place), volume)))
    }

    fn make_volume(&mut self, ask: &Ask, pool: &str, kind: Option<&str>) -> Result<Answer, Refusal> {
        if !ask.is_json() {
            return self.import_volume(ask, pool);
        }
        let mut post = ask.object()?;
        let of = kind.unwrap_or_else(|| text(&post, "type")).to_owned();
        if of != "custom" {
            return Err(Refusal::bad(format!("Currently not allowed to create storage volumes of type {of:?}")));
        }
        let (source, name) = (object(&post, "source"), text(&post, "name").to_owned());
        let kind = named("storage volume");
        let place = self.place(kind, ask.project(), &[pool, "custom", &name]);
        let refresh = source.get("refresh").and_then(Value::as_bool).unwrap_or_default();
        if self.objects.get(&place).is_some() && !refresh {
            return Err((kind.rules.exists)(&name));
        }
        post.insert("project".into(), place.project.clone().into());
        match text(&source, "type") {
            "" => {
                let url = self.url(&place);
                let made = self.make(kind, &place, post, true);
                if made.is_ok() {
                    self.lifecycle(kind, "created", &place, None);
                }
                if !self.has("storage_and_profile_operations") {
                    return made.map(|()| Answer::empty());
                }
                let new = New::task("Creating storage volume", ask.project()).about("entity_url", &url);
                Ok(self.begin(new, move |_, _| made.map(|()| Value::Null)))
            }
            "copy" => {
                let from = self.place(
                    kind,
                    if text(&source, "project").is_empty() { ask.project() } else { text(&source, "project") },
                    &[text(&source, "pool"), "custom", text(&source, "name")],
                );
                let only = source.get("volume_only").and_then(Value::as_bool).unwrap_or_default();
                let new = New::task("Copying storage volume", ask.project());
                Ok(self.begin(new, move |sim, _| sim.copy_volume(&from, &place, &post, !only).map(|()| Value::Null)))
            }
            "migration" => Err(lacking(ask)),
            other => Err(Refusal::bad(format!("Unknown source type {other:?}"))),
        }
    }

    fn copy_volume(&mut self, from: &Place, to: &Place, post: &Object, snapshots: bool) -> Result<(), Refusal> {
        let (pool, name, project) = (&from.names[0], from.name(), &from.project);
        let missing = || {
            let what = format!(
                "Storage volume {name:?} in project {project:?} of type \"custom\" does not exist on pool {pool:?}"
            );
            Refusal::not_found(format!("Failed generating volume copy config: {what}: Storage volume not found"))
        };
        let mut volume = match name.split_once('/') {
            Some((of, snapshot)) => {
                let names: Vec<String> = [pool, "custom", of, snapshot].map(String::from).into();
                let place = Place { kind: "volume snapshot", project: project.clone(), names };
                let snapshot = self.objects.get(&place).cloned().ok_or_else(missing)?;
                let mut volume = self
                    .objects
                    .get(&Place { kind: "storage volume", names: place.names[..3].to_vec(), ..place })
                    .cloned()
                    .ok_or_else(missing)?;
                volume
                    .extend(snapshot.into_iter().filter(|(key, _)| ["config", "description"].contains(&key.as_str())));
                volume
            }
            None => self.objects.get(from).cloned().ok_or_else(missing)?,
        };
        volume.insert("name".into(), to.name().into());
        volume.insert("project".into(), to.project.clone().into());
        let said = config(post);
        if !said.is_empty() {
            volume.insert("config".into(), said.into());
        }
        self.objects.put(to.clone(), volume);
        if snapshots {
            let all: Vec<_> = self
                .objects
                .below("volume snapshot", &from.project, &from.names)
                .map(|(place, object)| (place.clone(), object.clone()))
                .collect();
            for (place, snapshot) in all {
                let names = to.names.iter().chain(place.names.last()).cloned().collect();
                self.objects.put(Place { names, project: to.project.clone(), ..place }, snapshot);
            }
        }
        self.lifecycle(named("storage volume"), "created", to, None);
        Ok(())
    }

    fn of_volume(&mut self, ask: &Ask, pool: &str, of: &str, name: &str) -> Result<Answer, Refusal> {
        let kind = named("storage volume");
        if of == "container" && ask.is(Method::GET) {
            let found = self.root_volumes(ask.project(), pool).into_iter().find(|(place, _)| place.name() == name);
            let (_, volume) = found.ok_or_else(|| Refusal::not_found(kind.rules.missing))?;
            return Ok(self.fetched(kind, &volume));
        }
        let place = self.place(kind, ask.project(), &[pool, of, name]);
        self.objects.get(&place).ok_or_else(|| Refusal::not_found(kind.rules.missing))?;
        match ask.method {
            Method::PUT => {
                let restore = text(&ask.object()?, "restore").to_owned();
                if restore.is_empty() {
                    return self.generic(ask);
                }
                self.restore_volume(ask, &place, &restore)
            }
            Method::POST => self.move_volume(ask, &place),
            Method::DELETE => {
                if !self.used_by(&place).is_empty() {
                    return Err(Refusal::bad("The storage volume is still in use"));
                }
                self.objects.move_tree(&["storage volume", "volume snapshot", "volume backup"], &place, None);
                self.lifecycle(kind, "deleted", &place, None);
                if self.has("storage_and_profile_operations") {
                    return Ok(self.done_in_background(ask, "Deleting storage volume", &[]));
                }
                Ok(Answer::empty())
            }
            _ => self.generic(ask),
        }
    }

    fn restore_volume(&mut self, ask: &Ask, place: &Place, name: &str) -> Result<Answer, Refusal> {
        let names = place.names.iter().cloned().chain([name.to_owned()]).collect();
        let from = Place { kind: "volume snapshot", names, ..place.clone() };
        let there = self.objects.get(&from).map(drop).ok_or_else(|| Refusal::internal("Snapshot not found"));
        if there.is_ok() {
            self.lifecycle(named("storage volume"), "restored", place, None);
        }
        if self.has("storage_and_profile_operations") {
            let new = New::task("Restoring storage volume", ask.project());
            return Ok(self.begin(new, move |_, _| there.map(|()| Value::Null)));
        }
        there.map(|()| Answer::empty())
    }

    /// Another name, pool or project.
    fn move_volume(&mut self, ask: &Ask, place: &Place) -> Result<Answer, Refusal> {
        let (post, kind) = (ask.object()?, named("storage volume"));
        if post.get("migration").and_then(Value::as_bool).unwrap_or_default() {
            return Err(lacking(ask));
        }
        let or = |key: &str, there: &str| match text(&post, key) {
            "" => there.to_owned(),
            new => new.to_owned(),
        };
        let (pool, name) = (or("pool", &place.names[0]), or("name", place.name()));
        (kind.rules.name)(&name)?;
        let project = self.project_of(kind, &or("project", ask.project()));
        let is_rename = pool == place.names[0] && project == place.project;
        let to = Place { project, names: [pool, "custom".into(), name].into(), ..place.clone() };
        if self.objects.get(&to).is_some() {
            return Err(Refusal::conflict("Volume by that name already exists"));
        }
        if is_rename && self.is_in_running(place) {
            return Err(Refusal::internal("Volume is still in use by running instances"));
        }
        let there = self.objects.get(&Place::new(named("storage pool"), "", &[&to.names[0]])).is_some();
        if !there {
            return Err(Refusal::not_found("Storage pool not found"));
        }
        self.moved(kind, place, &to);
        if let Some(volume) = self.objects.get_mut(&to) {
            volume.insert("project".into(), to.project.clone().into());
        }
        self.lifecycle(kind, "renamed", &to, Some(json!({"old_name": place.name()})));
        match is_rename && !self.has("storage_and_profile_operations") {
            true => Ok(Answer::Created(self.url(&to))),
            false => Ok(self.done_in_background(ask, "Moving storage volume", &[])),
        }
    }

    fn is_in_running(&self, volume: &Place) -> bool {
        let users = self.used_by(volume);
        self.instances.iter().any(|((project, name), inside)| {
            let place = Place { kind: "instance", project: project.clone(), names: vec![name.clone()] };
            inside.is_running() && users.contains(&self.url(&place))
        })
    }

    fn inside_volume(&mut self, ask: &Ask, pool: &str, of: &str, name: &str, rest: &[&str]) -> Result<Answer, Refusal> {
        let place = self.place(named("storage volume"), ask.project(), &[pool, of, name]);
        if self.objects.get(&place).is_none() && of == "custom" {
            return Err(Refusal::not_found("Storage pool volume not found"));
        }
        if rest == ["state"] {
            // LXD reads quotas, which `dir` has not.
            return Err(Refusal::internal("Not supported"));
        }
        match (&ask.method, rest) {
            (&Method::POST, ["snapshots"]) => self.snapshot_volume(ask, &place),
            (&Method::POST | &Method::DELETE, ["snapshots", name]) => self.of_volume_snapshot(ask, &place, name),
            (&Method::GET, ["snapshots"]) if self.is_old() => {
                // 5.0.2 shows little of each.
                let all = self.objects.below("volume snapshot", &place.project, &place.names);
                let shown = all.map(|(snapshot, object)| {
                    let name = format!("{}/{}", place.name(), snapshot.name());
                    let shown = json!({
                        "name": name, "description": text(object, "description"), "config": config(object),
                        "content_type": "", "created_at": NEVER,
                    });
                    (self.url(snapshot), shown.as_object().cloned().unwrap_or_default())
                });
                listed(ask, shown)
            }
            (_, ["snapshots", ..]) => self.generic(ask),
            (_, ["backups", rest @ ..]) => self.of_volume_backups(ask, &place, rest),
            _ => Err(lacking(ask)),
        }
    }

    fn snapshot_volume(&mut self, ask: &Ask, volume: &Place) -> Result<Answer, Refusal> {
        let (mut post, kind) = (ask.object()?, named("volume snapshot"));
        let there: Vec<String> = self
            .objects
            .below(kind.name, &volume.project, &volume.names)
            .map(|(place, _)| place.name().into())
            .collect();
        if text(&post, "name").is_empty() {
            let free = (0..).map(|number| format!("snap{number}")).find(|name| !there.contains(name));
            post.insert("name".into(), free.unwrap_or_default().into());
        }
        let name = text(&post, "name").to_owned();
        if name.contains('/') {
            return Err(Refusal::bad("Invalid snapshot name: Cannot contain \"/\""));
        }
        if there.contains(&name) {
            return Err((kind.rules.exists)(&name));
        }
        let of = self.objects.get(volume).cloned().unwrap_or_default();
        for key in ["config", "content_type", "description"] {
            post.entry(key).or_insert_with(|| of.get(key).cloned().unwrap_or_default());
        }
        let place = Place { kind: kind.name, names: [&volume.names[..], &[name]].concat(), ..volume.clone() };
        let new = New::task("Creating storage volume snapshot", ask.project());
        let new = new.on("storage_volumes", &format!("/1.0/storage_volumes/{}", volume.name()));
        let new = new.about("entity_url", &self.url(&place));
        Ok(self.begin(new, move |sim, _| {
            sim.make(kind, &place, post, true)?;
            sim.lifecycle(kind, "created", &place, None);
            Ok(Value::Null)
        }))
    }

    fn of_volume_snapshot(&mut self, ask: &Ask, volume: &Place, name: &str) -> Result<Answer, Refusal> {
        let kind = named("volume snapshot");
        let place =
            Place { kind: kind.name, names: [&volume.names[..], &[name.to_owned()]].concat(), ..volume.clone() };
        self.objects.get(&place).ok_or_else(|| Refusal::not_found(kind.rules.missing))?;
        let renamed = (ask.is(Method::POST)).then(|| ask.object()).transpose()?;
        let verb = if renamed.is_some() { "Renaming" } else { "Deleting" };
        let new = New::task(format!("{verb} storage volume snapshot"), ask.project());
        let new = new.on("storage_volume_snapshots", &format!("/1.0/storage_volume_snapshots/{}", volume.name()));
        Ok(self.begin(new, move |sim, _| {
            let Some(post) = renamed else {
                sim.objects.remove(&place);
                sim.lifecycle(kind, "deleted", &place, None);
                return Ok(Value::Null);
            };
            let mut to = place.clone();
            to.names.pop();
            to.names.push(text(&post, "name").into());
            if sim.objects.get(&to).is_some() {
                return Err((kind.rules.exists)(to.name()));
            }
            sim.moved(kind, &place, &to);
            sim.lifecycle(kind, "renamed", &to, Some(json!({"old_name": place.name()})));
            Ok(Value::Null)
        }))
    }

    fn of_volume_backups(&mut self, ask: &Ask, _: &Place, _: &[&str]) -> Result<Answer, Refusal> {
        Err(lacking(ask))
    }

    fn import_volume(&mut self, ask: &Ask, _: &str) -> Result<Answer, Refusal> {
        Err(lacking(ask))
    }
}
