//! Warnings: what the server found wrong with itself, or with something in it. `/1.0/warnings`.

use alloc::string::String;

use crate::{
    Call, Client, Object,
    compat::{Timestamp, model, open_enum, writable},
    crud::{Deletable, Editable, Patch, Patchable, resource},
};

open_enum! {
    /// What became of a warning.
    pub enum WarningStatus {
        /// Nobody has seen it.
        New = "new",
        /// Somebody has.
        Acknowledged = "acknowledged",
        /// It is over. The server says so itself, and forgets it after a month.
        Resolved = "resolved",
    }
}

open_enum! {
    /// How bad a warning is.
    pub enum WarningSeverity {
        /// Something is left out.
        Low = "low",
        /// Something does not work as it should.
        Moderate = "moderate",
        /// Something does not work.
        High = "high",
    }
}

model! {
    /// A warning.
    pub struct Warning {
        /// Its id.
        pub uuid: String,
        /// What became of it.
        pub status: WarningStatus,
        /// How bad it is.
        pub severity: WarningSeverity,
        /// What it is about, in words.
        #[serde(rename = "type")]
        pub kind: String,
        /// What was wrong the last time, in words.
        pub last_message: String,
        /// How often it was seen.
        pub count: i64,
        /// When it was first seen.
        pub first_seen_at: Timestamp,
        /// When it was last seen.
        pub last_seen_at: Timestamp,
        /// The cluster member that saw it; `none` without a cluster.
        pub location: String,
        /// The project it is about; empty for the server itself.
        pub project: String,
        /// The URL of what it is about; empty for the server itself.
        pub entity_url: String,
    }
}

writable! {
    /// What can be written of a [`Warning`].
    pub struct WarningPut / WarningPatch {
        /// What became of it: new or acknowledged.
        pub status: WarningStatus,
    }
}

resource! { Warning, "warning" ("warnings"): "warnings" }

impl Editable for Warning {
    type Put = WarningPut;
    const READ_ONLY: &'static [&'static str] = &[
        "count",
        "entity_url",
        "first_seen_at",
        "last_message",
        "last_seen_at",
        "location",
        "project",
        "severity",
        "type",
        "uuid",
    ];
}

impl Patchable for Warning {
    type Patch = WarningPatch;
}

impl Deletable for Warning {}

impl<C: Client> Object<C, Warning> {
    /// Notes that somebody has seen it: `PATCH /1.0/warnings/{uuid}` with `status`.
    pub fn acknowledge(&self) -> Call<C, Patch<Warning>> {
        self.patch(|warning| warning.status = Some(WarningStatus::Acknowledged))
    }
}
