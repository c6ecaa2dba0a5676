//! Network zones: the names that LXD serves by DNS. `/1.0/network-zones`.

use alloc::{string::String, vec::Vec};

use super::Config;
use crate::{
    Client, Collection, Object,
    compat::{model, request, writable},
    crud::{AcrossProjects, Creatable, Deletable, Editable, Patchable, resource},
    entitlements::Entitled,
};

model! {
    /// A DNS zone.
    pub struct NetworkZone {
        /// Its name, as `lxd.example.net`.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
        /// The URLs of the networks that use it.
        pub used_by: Vec<String>,
        /// The project it is in (`network_zones_all_projects`).
        pub project: String,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }

    /// What a name in a zone stands for, besides what LXD puts there by itself.
    pub struct NetworkZoneRecord {
        /// The name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// What it stands for.
        pub entries: Vec<NetworkZoneRecordEntry>,
        /// Its configuration: `user.*`.
        pub config: Config,
    }
}

writable! {
    /// What can be written of a [`NetworkZone`].
    pub struct NetworkZonePut / NetworkZonePatch {
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
    }

    /// What can be written of a [`NetworkZoneRecord`].
    pub struct NetworkZoneRecordPut / NetworkZoneRecordPatch {
        /// What it is for.
        pub description: String,
        /// What it stands for.
        pub entries: Vec<NetworkZoneRecordEntry>,
        /// Its configuration: `user.*`.
        pub config: Config,
    }

    /// A DNS record.
    pub struct NetworkZoneRecordEntry {
        /// `A`, `AAAA`, `CNAME`, `TXT` and so on.
        #[serde(rename = "type")]
        pub kind: String,
        /// How many seconds it may be kept; 0 leaves that to the server, which says 300.
        pub ttl: u64,
        /// What it says.
        pub value: String,
    }
}

request! {
    /// A zone to be made: `POST /1.0/network-zones`.
    pub struct NetworkZonesPost {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
    }

    /// A record to be made: `POST /1.0/network-zones/{zone}/records`.
    pub struct NetworkZoneRecordsPost {
        /// The name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// What it stands for.
        pub entries: Vec<NetworkZoneRecordEntry>,
        /// Its configuration: `user.*`.
        pub config: Config,
    }
}

impl NetworkZonesPost {
    /// A zone of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

impl NetworkZoneRecordsPost {
    /// A record of this name, that says nothing.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

impl NetworkZoneRecordEntry {
    /// A record of this type and value.
    pub fn new(kind: impl Into<String>, value: impl Into<String>) -> Self {
        Self { kind: kind.into(), value: value.into(), ..Self::default() }
    }
}

resource! { NetworkZone, "network zone" ("network_dns"): "network-zones" }

impl Creatable for NetworkZone {
    type Post = NetworkZonesPost;
    type Answer = ();
}

impl Editable for NetworkZone {
    type Put = NetworkZonePut;
    const READ_ONLY: &'static [&'static str] = &["access_entitlements", "name", "project", "used_by"];
}

impl Patchable for NetworkZone {
    type Patch = NetworkZonePatch;
}

impl Deletable for NetworkZone {}
impl Entitled for NetworkZone {}

impl AcrossProjects for NetworkZone {
    const EXTENSION: &'static str = "network_zones_all_projects";
}

resource! { NetworkZoneRecord, "network zone record" ("network_dns_records"): NetworkZone / "records" }

impl Creatable for NetworkZoneRecord {
    type Post = NetworkZoneRecordsPost;
    type Answer = ();
}

impl Editable for NetworkZoneRecord {
    type Put = NetworkZoneRecordPut;
    const READ_ONLY: &'static [&'static str] = &["name"];
}

impl Patchable for NetworkZoneRecord {
    type Patch = NetworkZoneRecordPatch;
}

impl Deletable for NetworkZoneRecord {}

impl<C: Client> Object<C, NetworkZone> {
    /// Its records: `/1.0/network-zones/{zone}/records` (extension `network_dns_records`).
    pub fn records(&self) -> Collection<C, NetworkZoneRecord> {
        Collection::new(&self.client, self.at.clone())
    }

    /// One of its records: `/1.0/network-zones/{zone}/records/{name}`.
    pub fn record(&self, name: impl Into<String>) -> Object<C, NetworkZoneRecord> {
        Object::new(&self.client, (self.at.clone(), name.into()))
    }
}
