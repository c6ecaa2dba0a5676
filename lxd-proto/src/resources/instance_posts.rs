//! What is sent to make an instance, or to give it another place.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::{Config, Devices, InstanceType};
use crate::compat::{Secret, request};

request! {
    /// An instance to be made: `POST /1.0/instances`.
    pub struct InstancesPost {
        /// Its name; the server chooses one when it is empty.
        pub name: String,
        /// Where its content comes from.
        pub source: InstanceSource = inner,
        /// What it is; empty means a container.
        #[serde(rename = "type")]
        pub kind: InstanceType,
        /// What it is for.
        pub description: String,
        /// Its architecture; empty means the image's.
        pub architecture: String,
        /// Its own configuration.
        pub config: Config,
        /// Its own devices.
        pub devices: Devices,
        /// Its profiles. None means `default`; an empty list means no profile at all.
        pub profiles: Option<Vec<String>>,
        /// Whether it is deleted when it stops.
        pub ephemeral: bool,
        /// A cloud's instance type, as `aws:t2.micro`, for the limits.
        pub instance_type: String,
        /// Whether its running state is kept when the server shuts down.
        pub stateful: bool,
        /// The snapshot that it is put back to, when it is made of a backup.
        pub restore: String,
        /// Which disks are put back too (`instance_snapshots_multi_volume`, 6.6).
        pub restore_disk_volumes_mode: String = "instance_snapshots_multi_volume",
        /// Whether it is started too (`instance_create_start`, 6.2).
        pub start: bool = "instance_create_start",
    }

    /// Where a new instance's content comes from.
    pub struct InstanceSource {
        /// `image`, `copy`, `migration`, `none`, or `conversion`.
        #[serde(rename = "type")]
        pub kind: String,
        /// The image's alias.
        pub alias: String,
        /// The image's fingerprint.
        pub fingerprint: String,
        /// The image's properties, of which the newest match is taken.
        pub properties: Config,
        /// The image server's address.
        pub server: String,
        /// The image server's protocol: `lxd` or `simplestreams`.
        pub protocol: String,
        /// The image server's certificate, PEM.
        pub certificate: String,
        /// What lets a private image be read.
        pub secret: Option<Secret>,
        /// The instance or `instance/snapshot` that is copied.
        pub source: String,
        /// The project it is copied from.
        pub project: String,
        /// Whether its snapshots are left out.
        pub instance_only: bool,
        /// Whether an existing copy is brought up to date.
        pub refresh: bool,
        /// Whether files that change while they are read are no error (`instance_allow_inconsistent_copy`).
        pub allow_inconsistent: bool = "instance_allow_inconsistent_copy",
        /// Of a migration: `pull` or `push`, who connects.
        pub mode: String,
        /// Of a migration by pull: the URL of the operation on the server that has the instance.
        pub operation: String,
        /// Of a migration by pull: the secrets of the operation's websockets, by name.
        #[serde(rename = "secrets")]
        pub websockets: BTreeMap<String, Secret>,
        /// Of a migration: the fingerprint of the image that the instance was made of, so that the server begins with it.
        #[serde(rename = "base-image")]
        pub base_image: String,
        /// Of a migration: whether the running state comes too.
        pub live: bool,
        /// Whether its snapshots get the copy's profiles (`override_snapshot_profiles_on_copy`).
        pub override_snapshot_profiles: bool = "override_snapshot_profiles_on_copy",
        /// Of a conversion: the size of the disk that is sent, in bytes (`instance_import_conversion`, 6.2).
        pub source_disk_size: i64 = "instance_import_conversion",
        /// Of a conversion: `format`, `virtio` (`instance_import_conversion`, 6.2).
        pub conversion_options: Vec<String> = "instance_import_conversion",
        /// The registry that the image comes from, by its name (`image_registries`).
        pub image_registry: String = "image_registries",
    }

    /// Another name or place for an instance: `POST /1.0/instances/{name}`.
    pub struct InstancePost {
        /// Its new name. Without one it keeps its own.
        pub name: String,
        /// Whether it goes to another place; without, it only gets another name.
        pub migration: bool,
        /// The storage pool it goes to (`instance_pool_move`).
        pub pool: String = "instance_pool_move",
        /// The project it goes to (`instance_project_move`).
        pub project: String = "instance_project_move",
        /// Whether its running state goes with it. When nothing is said, 5.0.2 takes it along if it runs.
        pub live: Option<bool>,
        /// Whether its snapshots are left behind.
        pub instance_only: bool,
        /// Whether files that change while they are read are no error (`instance_allow_inconsistent_copy`).
        pub allow_inconsistent: bool = "instance_allow_inconsistent_copy",
        /// Whether its snapshots get its new profiles (`override_snapshot_profiles_on_copy`).
        pub override_snapshot_profiles: bool = "override_snapshot_profiles_on_copy",
        /// Its configuration in the new place (`instance_move_config`, 5.20).
        #[serde(rename = "Config")]
        pub config: Option<Config> = "instance_move_config",
        /// Its devices in the new place (`instance_move_config`, 5.20).
        #[serde(rename = "Devices")]
        pub devices: Option<Devices> = "instance_move_config",
        /// Its profiles in the new place (`instance_move_config`, 5.20).
        #[serde(rename = "Profiles")]
        pub profiles: Option<Vec<String>> = "instance_move_config",
        /// Of a migration by push: the operation of the server that it goes to.
        pub target: Option<InstancePostTarget>,
    }

    /// Where a migration by push goes.
    pub struct InstancePostTarget {
        /// The other server's certificate, PEM.
        pub certificate: String,
        /// The URL of the other server's operation.
        pub operation: String,
        /// The secrets of the operation's websockets, by name.
        #[serde(rename = "secrets")]
        pub websockets: BTreeMap<String, Secret>,
    }
}

impl InstanceSource {
    /// Nothing.
    pub fn none() -> Self {
        Self { kind: "none".into(), ..Self::default() }
    }

    /// A local image, by its alias.
    pub fn alias(alias: impl Into<String>) -> Self {
        Self { alias: alias.into(), ..Self::image() }
    }

    /// A local image, by its fingerprint.
    pub fn fingerprint(fingerprint: impl Into<String>) -> Self {
        Self { fingerprint: fingerprint.into(), ..Self::image() }
    }

    /// An image of a server that speaks simplestreams, by its alias there. The server is fetched from by LXD.
    pub fn simplestreams(server: impl Into<String>, alias: impl Into<String>) -> Self {
        Self { server: server.into(), protocol: "simplestreams".into(), ..Self::alias(alias) }.pull()
    }

    /// An image of another LXD or Incus, by its alias there. A certificate that is not one of a known authority has to be
    /// said too.
    pub fn lxd(server: impl Into<String>, alias: impl Into<String>) -> Self {
        Self { server: server.into(), protocol: "lxd".into(), ..Self::alias(alias) }.pull()
    }

    /// Another instance of this server, or a snapshot as `instance/snapshot`. See
    /// [`copy_to`](crate::Object::copy_to), which takes its configuration too.
    pub fn copy(source: impl Into<String>) -> Self {
        Self { kind: "copy".into(), source: source.into(), ..Self::default() }
    }

    fn image() -> Self {
        Self { kind: "image".into(), ..Self::default() }
    }

    fn pull(self) -> Self {
        Self { mode: "pull".into(), ..self }
    }
}

impl InstancePost {
    /// Into another storage pool.
    pub fn to_pool(pool: impl Into<String>) -> Self {
        Self { migration: true, pool: pool.into(), ..Self::default() }
    }

    /// Into another project.
    pub fn to_project(project: impl Into<String>) -> Self {
        Self { migration: true, project: project.into(), ..Self::default() }
    }
}

impl InstancesPost {
    /// An instance with this content; a container, unless `kind` is set or the image says otherwise.
    pub fn new(name: impl Into<String>, source: InstanceSource) -> Self {
        Self { name: name.into(), source, ..Self::default() }
    }

    /// A container with nothing in it.
    pub fn empty(name: impl Into<String>) -> Self {
        Self::new(name, InstanceSource::none())
    }

    /// A container from a local image, by its alias.
    pub fn from_alias(name: impl Into<String>, alias: impl Into<String>) -> Self {
        Self::new(name, InstanceSource::alias(alias))
    }

    /// A container from a local image, by its fingerprint.
    pub fn from_fingerprint(name: impl Into<String>, fingerprint: impl Into<String>) -> Self {
        Self::new(name, InstanceSource::fingerprint(fingerprint))
    }

    /// Sets one key of its configuration.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.insert(key.into(), value.into());
        self
    }

    /// Adds a device, or sets another one of this name.
    #[must_use]
    pub fn device<K: Into<String>, V: Into<String>>(
        mut self,
        name: impl Into<String>,
        keys: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let keys = keys.into_iter().map(|(key, value)| (key.into(), value.into()));
        self.devices.insert(name.into(), keys.collect());
        self
    }

    /// Sets its profiles, instead of `default`.
    #[must_use]
    pub fn profiles<P: Into<String>>(mut self, profiles: impl IntoIterator<Item = P>) -> Self {
        self.profiles = Some(profiles.into_iter().map(Into::into).collect());
        self
    }

    /// Deletes it when it stops.
    #[must_use]
    pub fn ephemeral(mut self) -> Self {
        self.ephemeral = true;
        self
    }
}
