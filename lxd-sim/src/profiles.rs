//! Profiles.

use serde_json::json;

use crate::{
    answer::Refusal,
    ask::object,
    crud::config,
    instances::{check_config, check_devices},
    rules::{Rules, Within},
};

pub(crate) const RULES: Rules = Rules {
    within: Within::Feature("features.profiles"),
    event: "profile",
    missing: "Profile not found",
    fresh: || json!({"description": "", "config": {}, "devices": {}, "used_by": []}),
    exists: |name| Refusal::internal(format!("Error inserting {name:?} into database: The profile already exists")),
    in_use: Some((500, "Profile is currently in use")),
    name: |name| match name {
        "" => Err(Refusal::bad("No name provided")),
        name if name.contains('/') => Err(Refusal::bad("Profile names may not contain slashes")),
        "." | ".." => Err(Refusal::bad(format!("Invalid profile name {name:?}"))),
        _ => Ok(()),
    },
    check: |sim, place, profile| {
        check_config(&config(profile)).map_err(Refusal::bad)?;
        check_devices(sim, &place.project, &object(profile, "devices")).map_err(Refusal::bad)
    },
    leave: |_, place| match place.name() {
        "default" => Err(Refusal::new(403, "The \"default\" profile cannot be deleted")),
        _ => Ok(()),
    },
    background: None,
    ..Rules::PLAIN
};
