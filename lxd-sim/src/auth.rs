//! Kinds of 6.9 with nothing but a name and what is written of them.

use serde_json::json;

use crate::rules::{Rules, Within};

pub(crate) const GROUP: Rules = Rules {
    event: "auth-group",
    missing: "Authorization group not found",
    fresh: || json!({"description": "", "permissions": [], "identities": {}, "identity_provider_groups": []}),
    ..Rules::PLAIN
};

pub(crate) const IDP_GROUP: Rules = Rules {
    event: "identity-provider-group",
    missing: "Identity provider group not found",
    fresh: || json!({"groups": []}),
    ..Rules::PLAIN
};

pub(crate) const PLACEMENT_GROUP: Rules = Rules {
    within: Within::Project,
    event: "placement-group",
    missing: "Placement group not found",
    fresh: || json!({"description": "", "config": {}, "used_by": []}),
    ..Rules::PLAIN
};
