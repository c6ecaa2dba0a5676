//! Warnings.

use serde_json::{Value, json};

use crate::{Sim, answer::Refusal, ask::text, rules::Rules};

pub(crate) const RULES: Rules = Rules {
    event: "warning",
    missing: "Warning not found",
    fresh: || {
        json!({
            "status": "new", "location": "none", "project": "", "type": "", "count": 1, "first_seen_at": "",
            "last_seen_at": "", "last_message": "", "severity": "low", "entity_url": "",
        })
    },
    check: |_, _, warning| match text(warning, "status") {
        "new" | "acknowledged" => Ok(()),
        other => Err(Refusal::bad(format!("Invalid warning type {other:?}"))),
    },
    versioned: false,
    guarded: false,
    ..Rules::PLAIN
};

impl Sim {
    /// The warning that a machine without virtual machines has.
    pub(crate) fn warn(&mut self) {
        let (uuid, now) = (self.random.uuid(), Value::from(self.time()));
        self.add(
            "warning",
            "",
            &[&uuid],
            json!({
                "type": "Instance type not operational", "first_seen_at": now, "last_seen_at": now,
                "last_message": "vhost_vsock kernel module not loaded",
            }),
        );
    }
}
