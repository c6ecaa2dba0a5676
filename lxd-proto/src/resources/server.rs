//! The server itself: `/1.0`.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use serde_json::Value;

use crate::{
    Error,
    compat::{model, writable},
    crud::{Editable, Patchable, Resource},
    entitlements::Entitled,
    uri::Path,
};

model! {
    /// A server: what it can do and, for those it trusts, what it is.
    pub struct Server {
        /// Its configuration; empty for those it does not trust.
        pub config: BTreeMap<String, Value>,
        /// The API extensions it has: the only way to tell what it can do.
        pub api_extensions: Vec<String>,
        /// `stable`.
        pub api_status: String,
        /// `1.0`.
        pub api_version: String,
        /// `trusted` or `untrusted`: what the asking client is.
        pub auth: String,
        /// Whether untrusted clients may read public images.
        pub public: bool,
        /// How clients can prove who they are: `tls`, `oidc`.
        pub auth_methods: Vec<String>,
        /// Who the asking client is (`auth_user`, 5.15).
        pub auth_user_name: String,
        /// How it proved that (`auth_user`, 5.15).
        pub auth_user_method: String,
        /// Whether the asking client showed a certificate (`client_cert_presence`, 6.3).
        pub client_certificate: bool,
        /// What it is and runs on; empty for those it does not trust.
        pub environment: ServerEnvironment,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }

    /// What a server is and runs on.
    pub struct ServerEnvironment {
        /// The addresses it listens on, `host:port`.
        pub addresses: Vec<String>,
        /// The architectures it runs instances of.
        pub architectures: Vec<String>,
        /// The versions of a backup's metadata that it knows, the oldest and the newest (`backup_metadata_version`).
        pub backup_metadata_version_range: Vec<u32>,
        /// Its certificate, PEM.
        pub certificate: String,
        /// The certificate's SHA-256, hex.
        pub certificate_fingerprint: String,
        /// What it can run: `lxc`, `qemu`, with ` | ` between.
        pub driver: String,
        /// Their versions.
        pub driver_version: String,
        /// `nftables` or `xtables`.
        pub firewall: String,
        /// The kinds of instances it runs (`server_instance_type_info`).
        pub instance_types: Vec<String>,
        /// `Linux`.
        pub kernel: String,
        /// The kernel's architecture.
        pub kernel_architecture: String,
        /// What the kernel can do.
        pub kernel_features: BTreeMap<String, String>,
        /// The kernel's version.
        pub kernel_version: String,
        /// What liblxc can do.
        pub lxc_features: BTreeMap<String, String>,
        /// The distribution's name.
        pub os_name: String,
        /// The distribution's version.
        pub os_version: String,
        /// The project that was asked in.
        pub project: String,
        /// `lxd` or `incus`.
        pub server: String,
        /// Whether it is a cluster's member.
        pub server_clustered: bool,
        /// `full-mesh`, `hub-server` or `hub-client`.
        pub server_event_mode: String,
        /// Whether it is a version with long support (`server_version_lts`).
        pub server_lts: bool,
        /// Its host's name, or its name in the cluster.
        pub server_name: String,
        /// The daemon's process id.
        pub server_pid: i64,
        /// Its version.
        pub server_version: String,
        /// The storage drivers in use, with ` | ` between.
        pub storage: String,
        /// Their versions.
        pub storage_version: String,
        /// The storage drivers it could use.
        pub storage_supported_drivers: Vec<ServerStorageDriverInfo>,
    }

    /// A storage driver that a server has.
    pub struct ServerStorageDriverInfo {
        /// Its name.
        #[serde(alias = "Name")]
        pub name: String,
        /// Its version.
        #[serde(alias = "Version")]
        pub version: String,
        /// Whether it stores outside this server.
        #[serde(alias = "Remote")]
        pub remote: bool,
    }
}

writable! {
    /// What can be written of a [`Server`].
    pub struct ServerPut / ServerPatch {
        /// Its configuration: any JSON scalar by key.
        pub config: BTreeMap<String, Value>,
    }
}

impl Server {
    /// Whether the server has an API extension.
    pub fn has_extension(&self, name: &str) -> bool {
        self.api_extensions.iter().any(|extension| extension == name)
    }

    /// Says which extension is missing, before something is sent that needs it.
    ///
    /// # Errors
    /// [`Error::MissingExtension`].
    pub fn require(&self, extension: &'static str) -> Result<(), Error> {
        if self.has_extension(extension) { Ok(()) } else { Err(Error::MissingExtension(extension)) }
    }

    /// Whether the asking client is trusted.
    pub fn is_trusted(&self) -> bool {
        self.auth == "trusted"
    }

    /// Whether a token has a field of its own in what proves with it: before, and for passwords, that is the password's.
    pub(crate) fn takes_tokens(&self) -> bool {
        self.has_extension("explicit_trust_token") || self.is_incus()
    }

    /// Whether it is Incus: by name for those it trusts, by an extension that LXD never had for the others.
    pub fn is_incus(&self) -> bool {
        self.environment.server == "incus" || self.has_extension("network_integrations")
    }
}

impl Resource for Server {
    const KIND: &'static str = "server";
    type At = ();

    fn path((): &()) -> Path {
        Path::root()
    }
}

impl Editable for Server {
    type Put = ServerPut;
    const READ_ONLY: &'static [&'static str] = &[
        "access_entitlements",
        "api_extensions",
        "api_status",
        "api_version",
        "auth",
        "auth_methods",
        "auth_user_method",
        "auth_user_name",
        "client_certificate",
        "environment",
        "public",
    ];
}

impl Patchable for Server {
    type Patch = ServerPatch;
}

impl Entitled for Server {}
