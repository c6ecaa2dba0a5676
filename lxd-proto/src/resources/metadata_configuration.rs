//! What a server says of all options that it has: `/1.0/metadata/configuration`. Extension `metadata_configuration` (5.18).

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::Server;
use crate::{Call, Client, Get, Object, compat::model, crud::Resource, uri::Path};

model! {
    /// All options, and all that permissions can be about.
    pub struct MetadataConfiguration {
        /// The options: by what has them (`instance`, `network-bridge`), and by their group (`resource-limits`).
        pub configs: BTreeMap<String, BTreeMap<String, MetadataConfigurationConfigKeys>>,
        /// What permissions can be about, by kind (`metadata_configuration_entity_types`).
        pub entities: BTreeMap<String, MetadataConfigurationEntity>,
    }

    /// A group of options.
    pub struct MetadataConfigurationConfigKeys {
        /// The options, each a map of its name to what is said of it.
        pub keys: Vec<BTreeMap<String, MetadataConfigurationConfigKey>>,
    }

    /// An option. All of it is text for people, in Markdown.
    pub struct MetadataConfigurationConfigKey {
        /// What it is, in a line.
        pub shortdesc: String,
        /// What it is, at length.
        pub longdesc: String,
        /// What its value is: `string`, `integer`, `bool`, or in words.
        #[serde(rename = "type")]
        pub kind: String,
        /// What it is when nothing is said.
        pub defaultdesc: String,
        /// When it can be said: `container`, `virtual machine`, or in words.
        pub condition: String,
        /// When it must be said.
        pub required: String,
        /// Whether LXD sets it itself.
        pub managed: String,
        /// `global` for what is of the whole cluster, `local` for what each member has (`metadata_configuration_scope`).
        pub scope: String,
    }

    /// A kind of object that permissions can be about.
    pub struct MetadataConfigurationEntity {
        /// Whether it is in projects.
        pub project_specific: bool,
        /// What may be done with it.
        pub entitlements: Vec<MetadataConfigurationEntityEntitlement>,
    }

    /// Something that may be done with a kind of object.
    pub struct MetadataConfigurationEntityEntitlement {
        /// Its name, as [permissions](super::Permission) say it.
        pub name: String,
        /// What it is.
        pub description: String,
    }
}

impl Resource for MetadataConfiguration {
    const KIND: &'static str = "the description of all options";
    const EXTENSION: Option<&'static str> = Some("metadata_configuration");
    type At = ();

    fn path((): &()) -> Path {
        Path::root().join("metadata/configuration")
    }
}

impl<C: Client> Object<C, Server> {
    /// What it says of all options that it has: `GET /1.0/metadata/configuration` (extension `metadata_configuration`,
    /// 5.18).
    pub fn metadata_configuration(&self) -> Call<C, Get<MetadataConfiguration>> {
        Call::new(&self.client, Get::new(()))
    }
}
