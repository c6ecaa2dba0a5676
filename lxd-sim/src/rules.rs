//! What LXD wants of each kind of object, beyond its verbs.

use serde_json::{Value, json};

use crate::{Sim, answer::Refusal, ask::Object, objects::Place};

/// Which project an object is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    /// None: it is the server's.
    Server,
    /// The one that is asked for.
    Project,
    /// The one that is asked for if that has this feature, or else `default`.
    Feature(&'static str),
}

/// LXD's rules for a kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) within: Within,
    /// What its lifecycle events begin with.
    pub(crate) event: &'static str,
    /// The text of a 404.
    pub(crate) missing: &'static str,
    /// What one has of which nothing was said.
    pub(crate) fresh: fn() -> Value,
    /// Why one with this name cannot be made again.
    pub(crate) exists: fn(&str) -> Refusal,
    /// Why it cannot be removed, or renamed, when something uses it.
    pub(crate) in_use: Option<(u16, &'static str)>,
    /// Whether a name can be given to one.
    pub(crate) name: fn(&str) -> Result<(), Refusal>,
    /// Looks at one that is made or changed, and completes it.
    pub(crate) check: fn(&Sim, &Place, &mut Object) -> Result<(), Refusal>,
    /// Looks at one before it is removed.
    pub(crate) leave: fn(&Sim, &Place) -> Result<(), Refusal>,
    /// The API extension since which changing one is an operation.
    pub(crate) background: Option<&'static str>,
    /// Whether 5.0.2 tells its version.
    pub(crate) versioned: bool,
    /// Whether 5.0.2 heeds the version that a change is meant for.
    pub(crate) guarded: bool,
}

impl Rules {
    /// What most kinds have.
    pub(crate) const PLAIN: Self = Self {
        within: Within::Server,
        event: "",
        missing: "not found",
        fresh: || json!({"description": "", "config": {}}),
        exists: |name| Refusal::conflict(format!("{name:?} already exists")),
        in_use: None,
        name: |name| if name.is_empty() { Err(Refusal::bad("No name provided")) } else { Ok(()) },
        check: |_, _, _| Ok(()),
        leave: |_, _| Ok(()),
        background: None,
        versioned: true,
        guarded: true,
    };
}

/// Refuses keys of a configuration that are neither one of these nor `user.*`.
pub(crate) fn known_keys(
    config: &Object,
    is_known: impl Fn(&str) -> bool,
    refusal: impl Fn(&str) -> Refusal,
) -> Result<(), Refusal> {
    match config.keys().find(|key| !key.starts_with("user.") && !is_known(key)) {
        Some(key) => Err(refusal(key)),
        None => Ok(()),
    }
}
