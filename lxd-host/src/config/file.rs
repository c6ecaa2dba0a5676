use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// A `config.yml`, of which only this much matters here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct File {
    pub(super) default_remote: Option<String>,
    pub(super) remotes: Option<BTreeMap<String, ConfigRemote>>,
}

/// What `config.yml` says about a remote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ConfigRemote {
    /// Its address: `https://..`, `unix:/path`, or `unix://` for wherever the local server is.
    #[serde(deserialize_with = "or_default")]
    pub addr: String,
    /// `lxd`, which is also meant by an empty text, or `simplestreams` for an image server.
    #[serde(deserialize_with = "or_default")]
    pub protocol: String,
    /// `tls`, which is also meant by an empty text, or `oidc`.
    #[serde(deserialize_with = "or_default")]
    pub auth_type: String,
    /// The project to work in, unless it is `default`.
    pub project: Option<String>,
    /// Whether the server is one for everybody's reading, that needs no identity.
    #[serde(deserialize_with = "or_default")]
    pub public: bool,
    /// Whether it comes from the configuration for all users of the machine.
    #[serde(skip)]
    pub global: bool,
}

/// A key without a value is as good as none.
fn or_default<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
