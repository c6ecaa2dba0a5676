//! What an instance has besides its state: logs, metadata, templates, backups.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::{
    Sim,
    answer::{Answer, Refusal, raw},
    archive::{Packing, Writer, unpack},
    ask::{Ask, Object, flag, text},
    clock::{self, NEVER},
    crud::{encoded, listed},
    etag,
    files::ranged,
    instances::{Inside, Key, check_name, instance_place},
    operations::New,
    snapshots::Snapshot,
    tree::{Node, Tree},
};

impl Sim {
    pub(crate) fn inside(&mut self, key: &Key) -> Result<&mut Inside, Refusal> {
        self.instances.get_mut(key).ok_or_else(|| Refusal::not_found("Instance not found"))
    }

    pub(crate) fn of_logs(&mut self, ask: &Ask, key: &Key, path: &[&str]) -> Result<Answer, Refusal> {
        let (path, directory) = match path {
            ["exec-output", rest @ ..] if self.has("instance_logs_exec_output") || !self.is_old() => {
                (rest, "logs/exec-output")
            }
            path => (path, "logs"),
        };
        let is_exec = |name: &str| name.starts_with("exec_");
        let valid = |name: &str| {
            is_exec(name) || ["lxc.log", "lxc.conf", "qemu.log", "console.log", "forkstart.log"].contains(&name)
        };
        let old = self.is_old();
        let url = format!("/1.0/instances/{}", key.1);
        match (&ask.method, path) {
            (&Method::GET, []) => {
                let wanted = |name: &&String| old || is_exec(name) == (directory != "logs");
                let names = self.inside(key)?.logs.keys().filter(wanted);
                let urls: Vec<String> = names.map(|name| format!("{url}/{directory}/{name}")).collect();
                Ok(Answer::Done(urls.into()))
            }
            (_, [name]) if !valid(name) => Err(Refusal::bad(format!("log file name {name} not valid"))),
            (&Method::GET, [name]) => {
                let log = self.inside(key)?.logs.get(*name).cloned().ok_or_else(|| Refusal::not_found("Not Found"))?;
                self.happened("instance-log-retrieved", &key.0, &url, &key.1, Some(json!({"file": name})));
                let headers =
                    vec![("content-disposition", format!("inline;filename={name}")), ("accept-ranges", "bytes".into())];
                Ok(ranged(ask, &log, headers))
            }
            (&Method::DELETE, [name]) if !is_exec(name) => match old {
                true => Err(Refusal::bad("lxc.log and lxc.conf may not be deleted")),
                false => Err(Refusal::new(501, "not implemented")),
            },
            (&Method::DELETE, [name]) => {
                self.inside(key)?.logs.remove(*name).ok_or_else(|| Refusal::not_found("Not Found"))?;
                self.happened("instance-log-deleted", &key.0, &url, &key.1, Some(json!({"file": name})));
                Ok(Answer::empty())
            }
            _ => Err(Refusal::new(501, "not implemented")),
        }
    }

    pub(crate) fn of_metadata(&mut self, ask: &Ask, key: &Key, path: &[&str]) -> Result<Answer, Refusal> {
        let is_old = self.is_old();
        let inside = self.inside(key)?;
        let shown = |metadata: &Object| {
            let mut shown = json!({
                "architecture": "", "creation_date": 0, "expiry_date": 0, "properties": null, "templates": null,
            });
            shown.as_object_mut().into_iter().for_each(|shown| shown.extend(metadata.clone()));
            shown
        };
        match (&ask.method, path) {
            (&Method::GET, []) => Ok(Answer::Fetched(shown(&inside.metadata), shown(&inside.metadata))),
            (&Method::PUT, []) => {
                if !is_old {
                    etag::check(ask, &shown(&inside.metadata))?;
                }
                inside.metadata = ask.object()?;
                Ok(Answer::empty())
            }
            (&Method::PATCH, []) => {
                etag::check(ask, &shown(&inside.metadata))?;
                let said = ask.object()?;
                for (key, value) in said {
                    match (inside.metadata.get_mut(&key), value) {
                        (Some(Value::Object(there)), Value::Object(more)) => there.extend(more),
                        (_, Value::Null) => {}
                        (_, value) => drop(inside.metadata.insert(key, value)),
                    }
                }
                Ok(Answer::empty())
            }
            (_, ["templates"]) => {
                let name = ask.query.get("path").cloned().unwrap_or_default();
                let missing = || Refusal::not_found(format!("Template {name:?} not found"));
                match ask.method {
                    Method::GET if name.is_empty() => {
                        Ok(Answer::Done(inside.templates.keys().cloned().collect::<Vec<_>>().into()))
                    }
                    Method::GET => {
                        let content = inside.templates.get(&name).cloned().ok_or_else(missing)?;
                        let headers = vec![
                            ("content-disposition", format!("inline;filename={name}")),
                            ("accept-ranges", "bytes".into()),
                        ];
                        Ok(ranged(ask, &content, headers))
                    }
                    _ if name.is_empty() => Err(Refusal::bad("missing path argument")),
                    Method::POST => {
                        inside.templates.insert(name, ask.body.clone());
                        Ok(Answer::empty())
                    }
                    Method::DELETE => inside.templates.remove(&name).map(|_| Answer::empty()).ok_or_else(missing),
                    _ => Err(Refusal::new(501, "not implemented")),
                }
            }
            _ => Err(Refusal::not_found("not found")),
        }
    }

    pub(crate) fn of_backups(&mut self, ask: &Ask, key: &Key, path: &[&str]) -> Result<Answer, Refusal> {
        let url = |name: &str| {
            let project = if key.0 == "default" { String::new() } else { format!("?project={}", encoded(&key.0)) };
            format!("/1.0/instances/{}/backups/{name}{project}", key.1)
        };
        let missing = || Refusal::not_found("Load backup from database: Instance backup not found");
        let task = |verb: &str| New::task(verb, &key.0).on_instance(&key.1);
        match (&ask.method, path) {
            (&Method::GET, []) => {
                let backups: Vec<_> =
                    self.inside(key)?.backups.iter().map(|(name, backup)| (url(name), shown(backup))).collect();
                listed(ask, backups.into_iter())
            }
            (&Method::POST, []) => self.make_backup(ask, key),
            (&Method::GET, [name]) => {
                let backup = self.inside(key)?.backups.get(*name).map(shown).ok_or_else(missing)?;
                Ok(Answer::Done(backup.into()))
            }
            (&Method::GET, [name, "export"]) => {
                let backup = self.inside(key)?.backups.get(*name).cloned().ok_or_else(missing)?;
                let content = self.backup_files.get(text(&backup, "file")).cloned().unwrap_or_default();
                self.happened("instance-backup-retrieved", &key.0, &url(name), name, None);
                Ok(raw(
                    content,
                    &[("content-disposition", "inline;filename=".into()), ("accept-ranges", "bytes".into())],
                ))
            }
            (&Method::POST, [name]) => {
                let to = text(&ask.object()?, "name").to_owned();
                self.inside(key)?.backups.get(*name).ok_or_else(missing)?;
                if to.is_empty() || to.contains('/') {
                    return Err(Refusal::bad("Backup names may not contain slashes"));
                }
                let (new, from, key, url) =
                    (task("Renaming instance backup"), (*name).to_owned(), key.clone(), url(&to));
                Ok(self.begin(new, move |sim, _| {
                    let inside = sim.inside(&key)?;
                    if let Some(mut backup) = inside.backups.remove(&from) {
                        backup.insert("name".into(), to.clone().into());
                        inside.backups.insert(to.clone(), backup);
                    }
                    sim.happened("instance-backup-renamed", &key.0, &url, &to, Some(json!({"old_name": from})));
                    Ok(Value::Null)
                }))
            }
            (&Method::DELETE, [name]) => {
                self.inside(key)?.backups.get(*name).ok_or_else(missing)?;
                let new =
                    New::task("Removing instance backup", &key.0).on("container", &format!("/1.0/container/{}", key.1));
                let (name, key, url) = ((*name).to_owned(), key.clone(), url(name));
                Ok(self.begin(new, move |sim, _| {
                    let backup = sim.inside(&key)?.backups.remove(&name);
                    sim.backup_files.remove(backup.as_ref().map_or("", |backup| text(backup, "file")));
                    sim.happened("instance-backup-deleted", &key.0, &url, &name, None);
                    Ok(Value::Null)
                }))
            }
            _ => Err(Refusal::not_found("not found")),
        }
    }

    fn make_backup(&mut self, ask: &Ask, key: &Key) -> Result<Answer, Refusal> {
        let post = ask.object()?;
        let compression = text(&post, "compression_algorithm");
        if !["", "none", "gzip", "bzip2", "xz", "lzma", "zstd"].contains(&compression) {
            return Err(Refusal::bad(format!("Invalid compression algorithm {compression:?}")));
        }
        let there = &self.inside(key)?.backups;
        let mut name = text(&post, "name").to_owned();
        if name.contains('/') {
            return Err(Refusal::bad("Backup names may not contain slashes"));
        }
        if name.is_empty() {
            name = (0..)
                .map(|number| format!("backup{number}"))
                .find(|name| !there.contains_key(name))
                .unwrap_or_default();
        }
        let new =
            New::task("Backing up instance", &key.0).on_instance(&key.1).on("backups", &format!("/1.0/backups/{name}"));
        let key = key.clone();
        Ok(self.begin(new, move |sim, _| {
            let (file, now) = (sim.random.uuid(), clock::rfc3339(Duration::from_secs(sim.seconds())));
            let content = sim.backup(&key, !flag(&post, "instance_only"))?;
            let inside = sim.inside(&key)?;
            if inside.backups.contains_key(&name) {
                let why = format!("Backup \"{}/{name}\" already exists", key.1);
                return Err(Refusal::conflict(format!("Create backup: {why}")));
            }
            let expires = text(&post, "expires_at");
            let backup = json!({
                "name": name, "created_at": now, "expires_at": if expires.is_empty() { NEVER } else { expires },
                "instance_only": flag(&post, "instance_only"), "container_only": flag(&post, "instance_only"),
                "optimized_storage": flag(&post, "optimized_storage"), "file": file,
            });
            inside.backups.insert(name.clone(), backup.as_object().cloned().unwrap_or_default());
            sim.backup_files.insert(file, content);
            let url = format!("/1.0/instances/{}/backups/{name}", key.1);
            sim.happened("instance-backup-created", &key.0, &url, &name, None);
            Ok(Value::Null)
        }))
    }

    /// An instance as an archive: its description, its files, and those of its snapshots.
    pub(crate) fn backup(&mut self, key: &Key, snapshots: bool) -> Result<Bytes, Refusal> {
        let now = self.seconds();
        let object = self.objects.get(&instance_place(key)).cloned().unwrap_or_default();
        Ok(to_archive(&key.1, &object, self.inside(key)?, snapshots, now))
    }

    /// Makes an instance of an archive that was made here.
    pub(crate) fn import_instance(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        if Packing::of(&ask.body).is_none() {
            return Err(Refusal::internal("Unsupported compression"));
        }
        let archive = unpack(&ask.body);
        let index = index(&archive).ok_or_else(|| Refusal::internal("Backup is missing index.yaml"))?;
        let name = match ask.header("x-lxd-name").unwrap_or_default() {
            "" => text(&index, "name").to_owned(),
            name => name.to_owned(),
        };
        check_name(&name)?;
        let key: Key = (ask.project().into(), name);
        let new = New::task("Restoring backup", &key.0).on_instance(&key.1);
        let pool = ask.header("x-lxd-pool").map(String::from);
        Ok(self.begin(new, move |sim, _| {
            if sim.instances.contains_key(&key) {
                return Err(Refusal::conflict(
                    "Create instance from backup: Cannot restore volume, already exists on target",
                ));
            }
            let mut object = crate::ask::object(&index, "instance");
            if let Some(pool) = pool {
                object["devices"]["root"] = json!({"type": "disk", "path": "/", "pool": pool});
            }
            let inside = from_index(&archive, &index);
            sim.add_instance(&key, object, inside)?;
            Ok(Value::Null)
        }))
    }
}

/// An instance as an archive.
pub(crate) fn to_archive(name: &str, object: &Object, inside: &Inside, snapshots: bool, now: u64) -> Bytes {
    let taken: &[Snapshot] = if snapshots { &inside.snapshots } else { &[] };
    let described: Vec<Value> = taken.iter().map(|taken| json!({"name": taken.name, "object": taken.object})).collect();
    let index = json!({
        "name": name, "backend": "dir", "type": "container", "instance": object, "snapshots": described,
        "metadata": inside.metadata,
    });
    let mut archive = Writer::default();
    // What is JSON is YAML.
    archive.add(b"backup/index.yaml", &Node::file(index.to_string(), now));
    archive.add(b"backup/container", &inside.tree.0);
    for taken in taken {
        archive.add(format!("backup/snapshots/{}", taken.name).as_bytes(), &taken.tree.0);
    }
    archive.finish().into()
}

/// What such an archive says it holds.
pub(crate) fn index(archive: &Tree) -> Option<Object> {
    let index = archive.get(b"/backup/index.yaml", true).ok().and_then(Node::content)?;
    serde_json::from_slice(index).ok()
}

/// What an archive that was made here holds.
pub(crate) fn from_index(archive: &Tree, index: &Object) -> Inside {
    let tree =
        |path: &str| archive.get(path.as_bytes(), false).map_or_else(|_| Tree::new(0), |node| Tree(node.clone()));
    let mut inside = Inside::new(tree("/backup/container"));
    inside.metadata = crate::ask::object(index, "metadata");
    for taken in index.get("snapshots").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
        let name = text(taken, "name").to_owned();
        let tree = tree(&format!("/backup/snapshots/{name}"));
        inside.snapshots.push(Snapshot { name, object: crate::ask::object(taken, "object"), tree });
    }
    inside
}

fn shown(backup: &Object) -> Object {
    let mut shown = backup.clone();
    shown.remove("file");
    shown
}
