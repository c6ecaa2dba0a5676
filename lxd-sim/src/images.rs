//! Images and their aliases. Fingerprints are real: SHA-256 of what was uploaded.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use lxd_proto::multipart::{Piece, Splitter};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    Sim,
    answer::{Answer, Refusal, raw},
    archive::{self, Packing, Writer},
    ask::{Ask, Object, flag, object, text},
    clock::{self, NEVER},
    crud::listed,
    etag::hex,
    files::ranged,
    instances::{Inside, Key, instance_place},
    kinds::named,
    objects::Place,
    operations::New,
    route::lacking,
    rules::{Rules, Within},
    tree::{Node, Tree},
};

pub(crate) const RULES: Rules = Rules {
    within: Within::Feature("features.images"),
    event: "image",
    missing: "Image not found",
    fresh: || {
        json!({
            "auto_update": false, "properties": {}, "public": false, "expires_at": NEVER, "profiles": ["default"],
            "aliases": [], "architecture": std::env::consts::ARCH, "cached": false, "filename": "", "size": 0,
            "type": "container", "created_at": NEVER, "last_used_at": NEVER, "uploaded_at": NEVER,
        })
    },
    ..Rules::PLAIN
};

pub(crate) const ALIAS: Rules = Rules {
    within: Within::Feature("features.images"),
    event: "image-alias",
    missing: "Image alias not found",
    fresh: || json!({"description": "", "target": "", "type": "container"}),
    exists: |name| Refusal::conflict(format!("Alias {name:?} already exists")),
    check: |sim, place, alias| {
        let target = text(alias, "target");
        match sim.objects.get(&sim.place(named("image"), &place.project, &[target])) {
            Some(_) => Ok(()),
            None => Err(Refusal::not_found("Image not found")),
        }
    },
    ..Rules::PLAIN
};

/// The bytes of an image: one file, or metadata and root file system.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) metadata: Bytes,
    pub(crate) rootfs: Option<Bytes>,
}

/// What is in them.
pub(crate) struct Unpacked {
    pub(crate) tree: Tree,
    pub(crate) metadata: Object,
    pub(crate) templates: BTreeMap<String, Bytes>,
}

/// A small image, to begin with: BusyBox by its metadata, with no program in it, for instances have theirs anyway.
pub fn image() -> Vec<u8> {
    let architecture = std::env::consts::ARCH;
    let metadata = json!({
        "architecture": architecture, "creation_date": 1_700_000_000, "expiry_date": 4_102_444_800_u64,
        "properties": {
            "architecture": architecture, "description": "BusyBox test image", "os": "BusyBox", "release": "1",
            "variant": "default",
        },
        "templates": {
            "/etc/hostname": {
                "when": ["create", "copy", "rename"], "create_only": false, "template": "hostname.tpl", "properties": {},
            },
        },
    });
    let mut root = Tree::new(1_700_000_000);
    for directory in
        ["bin", "dev", "etc", "home", "mnt", "proc", "root", "run", "sbin", "sys", "tmp", "usr/bin", "var/log"]
    {
        root.put_deep(directory.as_bytes(), Node::directory(1_700_000_000));
    }
    root.put_deep(b"etc/hostname", Node::file("", 1_700_000_000));
    let mut archive = Writer::default();
    // What is JSON is YAML.
    archive.add(b"metadata.yaml", &Node::file(metadata.to_string(), 1_700_000_000));
    archive.add(b"templates/hostname.tpl", &Node::file("{{ container.name }}\n", 1_700_000_000));
    archive.add(b"rootfs", &root.0);
    archive.finish()
}

/// Looks into an image. One that is packed in a way that cannot be looked into has what every container has.
pub(crate) fn unpack(files: &Files, now: u64) -> Unpacked {
    let all = archive::unpack(&files.metadata);
    let content = |path: &[u8]| all.get(path, true).ok().and_then(Node::content).cloned();
    let metadata = content(b"/metadata.yaml").and_then(|yaml| yaml_serde::from_slice::<Object>(&yaml).ok());
    let templates = all.get(b"/templates", true).ok().and_then(Node::entries).into_iter().flatten();
    let template = |(name, node): (&Vec<u8>, &Node)| {
        Some((String::from_utf8_lossy(name).into_owned(), Bytes::copy_from_slice(node.content()?)))
    };
    let mut tree = match &files.rootfs {
        Some(rootfs) => archive::unpack(rootfs),
        None => all.get(b"/rootfs", false).map_or_else(|_| Tree::new(now), |root| Tree(root.clone())),
    };
    for path in ["bin", "dev", "etc", "proc", "root", "sys", "tmp", "var/log"] {
        if tree.get(path.as_bytes(), true).is_err() {
            tree.put_deep(path.as_bytes(), Node::directory(now));
        }
    }
    Unpacked { templates: templates.filter_map(template).collect(), metadata: metadata.unwrap_or_default(), tree }
}

impl Sim {
    /// What is asked of images.
    pub(crate) fn of_images(&mut self, ask: &Ask, path: &[&str]) -> Result<Answer, Refusal> {
        match (&ask.method, path) {
            (&Method::GET, []) => self.list_images(ask),
            (&Method::POST, []) => self.add_image(ask),
            (_, ["aliases", ..]) => self.of_aliases(ask, path),
            (_, [prefix]) => {
                let place = self.find_image(ask, prefix)?;
                match ask.method {
                    Method::GET => {
                        let image = self.image(&place);
                        Ok(self.fetched(named("image"), &image))
                    }
                    Method::DELETE => Ok(self.delete_image(ask, place)),
                    _ => self.of_object(named("image"), ask, &place.names),
                }
            }
            (&Method::GET, [prefix, "export"]) => self.export(ask, prefix),
            (&Method::POST, [prefix, "secret"]) => {
                let place = self.find_image(ask, prefix)?;
                let (secret, url) = (self.random.secret(), format!("/1.0/images/{}", place.name()));
                let new = New::task("Image download token", ask.project()).class("token").cancellable();
                Ok(Answer::Running(self.open(new.on("images", &url).saying(json!({"secret": secret})))))
            }
            (&Method::POST, [prefix, "refresh"]) => {
                let place = self.find_image(ask, prefix)?;
                let project = ask.project().to_owned();
                Ok(self.begin(New::task("Refreshing image", ask.project()), move |_, _| {
                    let name = place.name();
                    let why = format!("Failed to update image {name:?} in project {project:?}: Image source not found");
                    Err(Refusal::not_found(why))
                }))
            }
            _ => Err(lacking(ask)),
        }
    }

    fn list_images(&self, ask: &Ask) -> Result<Answer, Refusal> {
        let project = self.project_of(named("image"), ask.project());
        let trusted = self.is_trusted(ask);
        let images = self.objects.all("image").filter(|(place, image)| {
            (place.project == project || ask.all_projects()) && (trusted || flag(image, "public"))
        });
        listed(ask, images.map(|(place, _)| (self.url(place), self.image(place))))
    }

    /// An image with its aliases.
    fn image(&self, place: &Place) -> Object {
        let mut image = self.objects.get(place).cloned().unwrap_or_default();
        let aliases = self.objects.below("image alias", &place.project, &[]);
        let aliases = aliases.filter(|(_, alias)| text(alias, "target") == place.name());
        let aliases: Vec<Value> =
            aliases.map(|(alias, of)| json!({"name": alias.name(), "description": text(of, "description")})).collect();
        image.insert("aliases".into(), aliases.into());
        if !self.is_old() {
            image.insert("project".into(), place.project.clone().into());
        }
        image
    }

    /// The image whose fingerprint begins so.
    fn find_image(&self, ask: &Ask, prefix: &str) -> Result<Place, Refusal> {
        let project = self.project_of(named("image"), ask.project());
        let mut found =
            self.objects.below("image", &project, &[]).filter(|(place, _)| place.name().starts_with(prefix));
        let (place, image) = found.next().ok_or_else(|| Refusal::not_found("Image not found"))?;
        if found.next().is_some() {
            return Err(Refusal::bad("More than one image matches"));
        }
        if !self.is_trusted(ask) && !flag(image, "public") && !self.has_secret(ask, place.name()) {
            return Err(Refusal::not_found("Image not found"));
        }
        Ok(place.clone())
    }

    /// Whether somebody has the secret of an image.
    fn has_secret(&self, ask: &Ask, fingerprint: &str) -> bool {
        let (Some(secret), url) = (ask.query.get("secret"), format!("/1.0/images/{fingerprint}")) else { return false };
        self.operations.values().any(|operation| {
            let metadata = operation.metadata.as_ref().filter(|_| !operation.is_over());
            metadata.is_some_and(|metadata| text(metadata, "secret") == secret) && operation.is_on("images", &url)
        })
    }

    fn of_aliases(&mut self, ask: &Ask, path: &[&str]) -> Result<Answer, Refusal> {
        let kind = named("image alias");
        let names: Vec<String> = ask.path[2..].to_vec();
        match path {
            ["aliases"] => self.of_list(kind, ask, &[]),
            // A name may hold slashes.
            _ => {
                let name = names.join("/");
                let place = self.place(kind, ask.project(), &[&name]);
                if !self.is_trusted(ask) {
                    let target = self.objects.get(&place).map(|alias| text(alias, "target").to_owned());
                    let image = self.place(named("image"), ask.project(), &[target.unwrap_or_default()]);
                    if !self.objects.get(&image).is_some_and(|image| flag(image, "public")) {
                        return Err(Refusal::not_found(kind.rules.missing));
                    }
                }
                self.of_object(kind, ask, &[name])
            }
        }
    }

    fn delete_image(&mut self, ask: &Ask, place: Place) -> Answer {
        let new = New::task("Deleting image", ask.project()).on("images", &format!("/1.0/images/{}", place.name()));
        self.begin(new, move |sim, _| {
            sim.objects.remove(&place).ok_or_else(|| Refusal::not_found("Image not found"))?;
            let aliases = sim.objects.below("image alias", &place.project, &[]);
            let of_it =
                aliases.filter(|(_, alias)| text(alias, "target") == place.name()).map(|(alias, _)| alias.clone());
            for alias in of_it.collect::<Vec<_>>() {
                sim.objects.remove(&alias);
            }
            if !sim.objects.all("image").any(|(other, _)| other.name() == place.name()) {
                sim.image_files.remove(place.name());
            }
            sim.lifecycle(named("image"), "deleted", &place, None);
            Ok(Value::Null)
        })
    }

    fn export(&mut self, ask: &Ask, prefix: &str) -> Result<Answer, Refusal> {
        let place = self.find_image(ask, prefix).map_err(|refusal| match ask.query.contains_key("secret") {
            true => Refusal::not_found(format!("Image {prefix:?} not found")),
            false => refusal,
        })?;
        let files = self.image_files.get(place.name()).cloned().ok_or_else(|| Refusal::not_found("Image not found"))?;
        self.lifecycle(named("image"), "retrieved", &place, None);
        let ending = |bytes: &Bytes| Packing::of(bytes).map_or("", Packing::ending);
        let name = place.name();
        let Some(rootfs) = &files.rootfs else {
            let headers = vec![
                ("content-disposition", format!("inline;filename={name}.{}", ending(&files.metadata))),
                ("accept-ranges", "bytes".into()),
            ];
            return Ok(ranged(ask, &files.metadata, headers));
        };
        let boundary = self.random.secret();
        let is_vm = self.objects.get(&place).is_some_and(|image| text(image, "type") == "virtual-machine");
        let mut body = Vec::new();
        let parts = [
            ("metadata", format!("meta-{name}"), &files.metadata),
            (if is_vm { "rootfs.img" } else { "rootfs" }, name.to_owned(), rootfs),
        ];
        for (part, file, content) in parts {
            let file = format!("{file}.{}", ending(content));
            body.extend(
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"{file}\"\r\n")
                    .bytes(),
            );
            body.extend(b"Content-Type: application/octet-stream\r\n\r\n");
            body.extend_from_slice(content);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").bytes());
        Ok(raw(body, &[("content-type", format!("multipart/form-data; boundary={boundary}"))]))
    }

    fn add_image(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        if !self.is_trusted(ask) {
            return Err(Refusal::forbidden());
        }
        if ask.is_json() && ask.header("content-type").is_some() {
            return self.publish(ask);
        }
        let (files, is_vm) = received(ask)?;
        let pairs = |name: &str| {
            let pairs = ask.header(name).unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
            let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
            pairs.map(|(key, value)| (decoded(key), decoded(value))).collect::<Vec<_>>()
        };
        let properties: Object =
            pairs("x-lxd-properties").into_iter().map(|(key, value)| (key, value.into())).collect();
        let profiles: Vec<String> = pairs("x-lxd-profiles").into_iter().map(|(_, name)| name).collect();
        let mut post = Object::new();
        post.insert("properties".into(), properties.into());
        // 5.0.2 takes no notice of them.
        if !profiles.is_empty() && !self.is_old() {
            post.insert("profiles".into(), profiles.into());
        }
        post.insert("public".into(), crate::ask::is_true(ask.header("x-lxd-public").unwrap_or_default()).into());
        post.insert("filename".into(), ask.header("x-lxd-filename").unwrap_or_default().into());
        post.insert("type".into(), if is_vm { "virtual-machine" } else { "container" }.into());
        let expected = ask.header("x-lxd-fingerprint").unwrap_or_default().to_owned();
        let project = ask.project().to_owned();
        Ok(self.begin(New::task("Downloading image", ask.project()), move |sim, _| {
            sim.store_image(&project, files, post, &expected)
        }))
    }

    /// Takes an image, whatever it came from.
    fn store_image(&mut self, project: &str, files: Files, post: Object, expected: &str) -> Result<Value, Refusal> {
        let hash =
            Sha256::new().chain_update(&files.metadata).chain_update(files.rootfs.as_deref().unwrap_or_default());
        let fingerprint = hex(&hash.finalize());
        if !expected.is_empty() && expected != fingerprint {
            return Err(Refusal::bad(format!("fingerprints don't match, got {fingerprint} expected {expected}")));
        }
        if Packing::of(&files.metadata).is_none() {
            return Err(Refusal::bad("Unsupported compression"));
        }
        let place = self.place(named("image"), project, &[&fingerprint]);
        if self.objects.get(&place).is_some() {
            return Err(Refusal::bad("Image with same fingerprint already exists"));
        }
        let unpacked = unpack(&files, self.seconds());
        let size = files.metadata.len() + files.rootfs.as_ref().map_or(0, Bytes::len);
        let mut image = (RULES.fresh)().as_object().cloned().unwrap_or_default();
        let (mut properties, said) = (object(&unpacked.metadata, "properties"), object(&post, "properties"));
        properties.extend(said);
        image.extend(post);
        image.insert("properties".into(), properties.into());
        let seconds = |key: &str| unpacked.metadata.get(key).and_then(Value::as_u64).filter(|time| *time > 0);
        let time = |key: &str| seconds(key).map(|time| clock::rfc3339(std::time::Duration::from_secs(time)));
        if let Some(created) = time("creation_date") {
            image.insert("created_at".into(), created.into());
        }
        if let (Some(expires), NEVER) = (time("expiry_date"), text(&image, "expires_at")) {
            image.insert("expires_at".into(), expires.into());
        }
        if let architecture @ Some(_) = unpacked.metadata.get("architecture").cloned() {
            image.extend(architecture.map(|value| ("architecture".to_owned(), value)));
        }
        if text(&image, "filename").is_empty() {
            image.insert("filename".into(), fingerprint.clone().into());
        }
        image.insert("fingerprint".into(), fingerprint.clone().into());
        image.insert("size".into(), size.into());
        image.insert("uploaded_at".into(), self.time().into());
        self.objects.put(place.clone(), image);
        self.image_files.insert(fingerprint.clone(), files);
        self.lifecycle(named("image"), "created", &place, Some(json!({"type": "container"})));
        Ok(json!({"fingerprint": fingerprint, "size": size.to_string()}))
    }

    /// Makes an image of an instance, or of a snapshot.
    fn publish(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        let mut post = ask.object()?;
        let source = post.remove("source").and_then(|source| source.as_object().cloned()).unwrap_or_default();
        if !["instance", "container", "snapshot", "virtual-machine"].contains(&text(&source, "type")) {
            return self.fetch_image(ask, &source);
        }
        let (name, snapshot) = match text(&source, "name").split_once('/') {
            Some((name, snapshot)) => (name, Some(snapshot.to_owned())),
            None => (text(&source, "name"), None),
        };
        let key: Key = (ask.project().into(), name.into());
        self.instances.get(&key).ok_or_else(|| Refusal::not_found("Instance not found"))?;
        post.retain(|_, value| !value.is_null() && *value != "");
        let new = New::task("Downloading image", ask.project());
        Ok(self.begin(new, move |sim, _| {
            let inside = sim.instances.get(&key).ok_or_else(|| Refusal::not_found("Instance not found"))?;
            if inside.is_running() && snapshot.is_none() {
                return Err(Refusal::bad("Cannot export a running instance as an image"));
            }
            let tree = match &snapshot {
                Some(name) => {
                    sim.find_snapshot(&key, name).ok_or_else(|| Refusal::not_found("Snapshot not found"))?.tree
                }
                None => inside.tree.clone(),
            };
            let aliases = post.get("aliases").and_then(Value::as_array).cloned().unwrap_or_default();
            let mut said = post.clone();
            said.retain(|key, _| {
                ["properties", "public", "filename", "expires_at", "auto_update", "profiles"].contains(&key.as_str())
            });
            let files = sim.packed(&key, &tree, &post);
            let made = sim.store_image(&key.0, files, said, "")?;
            let target = made["fingerprint"].as_str().unwrap_or_default();
            for alias in aliases.iter().filter_map(Value::as_object) {
                let place = sim.place(named("image alias"), &key.0, &[text(alias, "name")]);
                let alias = json!({"description": text(alias, "description"), "target": target});
                sim.make(named("image alias"), &place, alias.as_object().cloned().unwrap_or_default(), true)?;
                sim.lifecycle(named("image alias"), "created", &place, None);
            }
            Ok(made)
        }))
    }

    fn packed(&self, key: &Key, tree: &Tree, post: &Object) -> Files {
        let (inside, now) = (self.instances.get(key), self.seconds());
        let instance = self.objects.get(&instance_place(key)).cloned().unwrap_or_default();
        let mut metadata = inside.map(|inside| inside.metadata.clone()).unwrap_or_default();
        metadata.insert("architecture".into(), instance.get("architecture").cloned().unwrap_or_default());
        metadata.insert("creation_date".into(), now.into());
        metadata.insert("expiry_date".into(), 0.into());
        metadata.insert("properties".into(), object(post, "properties").into());
        let mut archive = Writer::default();
        // What is JSON is YAML.
        archive.add(b"metadata.yaml", &Node::file(Value::Object(metadata).to_string(), now));
        archive.add(b"rootfs", &tree.0);
        for (name, content) in inside.into_iter().flat_map(|inside| &inside.templates) {
            archive.add(format!("templates/{name}").as_bytes(), &Node::file(&content[..], now));
        }
        Files { metadata: archive.finish().into(), rootfs: None }
    }

    /// An image from elsewhere: the simulation reaches nobody.
    fn fetch_image(&mut self, ask: &Ask, source: &Object) -> Result<Answer, Refusal> {
        let server = match (text(source, "type"), text(source, "mode")) {
            ("image", "pull" | "") => text(source, "server").to_owned(),
            ("url", _) if self.is_old() => text(source, "url").to_owned(),
            ("image", "push") => return Err(lacking(ask)),
            _ => return Err(Refusal::bad("Invalid images JSON")),
        };
        Ok(self.begin(New::task("Downloading image", ask.project()), move |_, _| {
            Err(Refusal::internal(format!("Failed getting remote image info: the simulation cannot reach {server}")))
        }))
    }

    /// The fingerprint of the image that a source names, if there is one.
    pub(crate) fn image_of(&self, ask: &Ask, source: &Object) -> Result<Option<String>, Refusal> {
        let project = self.project_of(named("image"), ask.project());
        if !text(source, "server").is_empty() {
            return Err(lacking(ask));
        }
        match (text(source, "alias"), text(source, "fingerprint")) {
            ("", "") => {
                let properties = object(source, "properties");
                if properties.is_empty() {
                    return Err(Refusal::bad(
                        "Must specify one of alias, fingerprint or properties for init from image",
                    ));
                }
                let fits = |image: &Object| {
                    let there = object(image, "properties");
                    properties.iter().all(|(key, value)| there.get(key) == Some(value))
                };
                let mut images = self.objects.below("image", &project, &[]);
                Ok(images.find(|(_, image)| fits(image)).map(|(place, _)| place.name().to_owned()))
            }
            ("", prefix) => {
                let mut images = self.objects.below("image", &project, &[]);
                Ok(images.find(|(place, _)| place.name().starts_with(prefix)).map(|(place, _)| place.name().to_owned()))
            }
            (alias, _) => {
                let place = self.place(named("image alias"), ask.project(), &[alias]);
                let alias = self.objects.get(&place).ok_or_else(|| Refusal::not_found("Image alias not found"))?;
                Ok(Some(text(alias, "target").to_owned()))
            }
        }
    }

    /// Keeps an image's files as an instance's fresh inside.
    pub(crate) fn fresh_inside(&self, fingerprint: &str) -> Option<Inside> {
        let unpacked = unpack(self.image_files.get(fingerprint)?, self.seconds());
        let mut inside = Inside::new(unpacked.tree);
        (inside.metadata, inside.templates) = (unpacked.metadata, unpacked.templates);
        Some(inside)
    }
}

/// The files of an upload, and whether they are a virtual machine's.
fn received(ask: &Ask) -> Result<(Files, bool), Refusal> {
    let kind = ask.header("content-type").unwrap_or_default();
    if !kind.starts_with("multipart/form-data") {
        return Ok((Files { metadata: ask.body.clone(), rootfs: None }, false));
    }
    let boundary = kind.split_once("boundary=").map_or("", |(_, boundary)| boundary.trim_matches('"'));
    let broken = |_| Refusal::bad("multipart: NextPart: EOF");
    let mut splitter = Splitter::new(boundary).map_err(broken)?;
    splitter.push(ask.body.clone());
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    while let Some(piece) = splitter.next().map_err(broken)? {
        match piece {
            Piece::Part(part) => files.push((part.name, Vec::new())),
            Piece::Data(data) => files.last_mut().into_iter().for_each(|(_, file)| file.extend_from_slice(&data)),
        }
    }
    splitter.finish().map_err(broken)?;
    let mut files = files.into_iter();
    let (Some((first, metadata)), Some((second, rootfs))) = (files.next(), files.next()) else {
        return Err(Refusal::bad("Invalid multipart image"));
    };
    if first != "metadata" || !second.starts_with("rootfs") {
        return Err(Refusal::bad("Invalid multipart image"));
    }
    Ok((Files { metadata: metadata.into(), rootfs: Some(rootfs.into()) }, second == "rootfs.img"))
}
