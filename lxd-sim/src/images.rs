//! Images and their aliases.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::json;

use crate::{
    Sim,
    answer::{Answer, Refusal},
    ask::{Ask, Object, text},
    clock::NEVER,
    kinds::named,
    rules::{Rules, Within},
    tree::Tree,
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
        let project = &place.project;
        match sim.objects.get(&sim.place(named("image"), project, &[text(alias, "target")])) {
            Some(_) => Ok(()),
            None => Err(Refusal::not_found("Image not found")),
        }
    },
    ..Rules::PLAIN
};

/// The bytes of an image.
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

pub(crate) fn unpack(_: &Files, now: u64) -> Unpacked {
    Unpacked { tree: Tree::new(now), metadata: Object::new(), templates: BTreeMap::new() }
}

impl Sim {
    pub(crate) fn of_images(&mut self, ask: &Ask, _: &[&str]) -> Result<Answer, Refusal> {
        self.generic(ask)
    }

    /// The fingerprint of the image that a source names, if there is one.
    pub(crate) fn image_of(&self, _: &Ask, _: &Object) -> Result<Option<String>, Refusal> {
        Ok(None)
    }
}
