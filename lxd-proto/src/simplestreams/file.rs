//! The files of an image server, as they are.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use serde_json::{Map, Value};

use super::Kind;
use crate::compat::model;

model! {
    /// `streams/v1/index.json`.
    pub struct Index {
        pub index: BTreeMap<String, Entry>,
    }

    /// A catalogue in it.
    pub struct Entry {
        pub datatype: String,
        pub path: String,
        pub products: Vec<String>,
    }

    /// A catalogue.
    pub struct Products {
        pub products: BTreeMap<String, Product>,
    }

    /// A product: what has versions.
    pub struct Product {
        pub aliases: String,
        pub arch: String,
        pub os: String,
        pub release: String,
        pub version: String,
        pub variant: String,
        pub requirements: BTreeMap<String, String>,
        pub lxd_requirements: BTreeMap<String, String>,
        pub incus_requirements: BTreeMap<String, String>,
        pub versions: BTreeMap<String, Version>,
    }

    /// One version of it.
    pub struct Version {
        pub label: String,
        pub items: BTreeMap<String, Item>,
    }
}

/// One file of a version.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub struct Item {
    pub ftype: String,
    pub path: String,
    pub size: u64,
    pub sha256: String,
    /// `combined_*_sha256`, among others.
    #[serde(flatten)]
    pub combined: Map<String, Value>,
}

impl Product {
    /// Its names, and each with the architecture at its end.
    pub(super) fn aliases(&self, architecture: &str) -> Vec<String> {
        let names = self.aliases.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.flat_map(|name| [name.into(), format!("{name}/{architecture}")]).collect()
    }

    /// What every LXD keeps of it in an image's properties. The description differs by version.
    pub(super) fn properties(&self, serial: &str, version: &Version, kind: Kind) -> BTreeMap<String, String> {
        let requirements = [&self.requirements, &self.lxd_requirements, &self.incus_requirements].into_iter().flatten();
        let requirements = requirements.map(|(key, value)| (format!("requirements.{key}"), value.clone()));
        [
            ("os", &*self.os),
            ("release", &self.release),
            ("version", &self.version),
            ("architecture", &self.arch),
            ("label", &version.label),
            ("serial", serial),
            ("type", kind.root.unwrap_or("tar.gz")),
            ("variant", &self.variant),
        ]
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .chain(requirements)
        .filter(|(_, value): &(String, String)| !value.is_empty())
        .collect()
    }
}
