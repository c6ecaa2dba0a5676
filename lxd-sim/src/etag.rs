//! Versions of objects.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{answer::Refusal, ask::Ask};

/// The version of what can be written of an object. What LXD hashes differs with its version; it is opaque.
pub(crate) fn of(writable: &Value) -> String {
    hex(&Sha256::digest(writable.to_string()))
}

/// Refuses what was meant for another version.
pub(crate) fn check(ask: &Ask, writable: &Value) -> Result<(), Refusal> {
    let Some(wanted) = ask.if_match() else { return Ok(()) };
    let is = of(writable);
    if wanted == is || wanted == "*" {
        return Ok(());
    }
    Err(Refusal::new(412, format!("ETag doesn't match: {is} vs {wanted}")))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
