//! Snapshots of an instance: `/1.0/instances/{name}/snapshots`.

use alloc::{string::String, vec::Vec};

use http::Method;

use super::{Config, Devices, Instance, Operation};
use crate::{
    Answer, Call, Client, Endpoint, Error, Request, Response,
    compat::{Timestamp, model, request, writable},
    crud::{Changed, Creatable, Created, Deletable, Editable, Patchable, Renamable, Resource, resource},
    endpoint::json,
};

model! {
    /// A snapshot of an instance.
    pub struct InstanceSnapshot {
        /// Its name; in lists of 5.0.2 and in [`InstanceFull`](super::InstanceFull) without the instance's.
        pub name: String,
        /// The instance's architecture.
        pub architecture: String,
        /// The instance's own configuration.
        pub config: Config,
        /// The instance's own devices.
        pub devices: Devices,
        /// The instance's configuration with that of its profiles.
        pub expanded_config: Config,
        /// The instance's devices with those of its profiles.
        pub expanded_devices: Devices,
        /// The instance's profiles.
        pub profiles: Vec<String>,
        /// Whether the instance was ephemeral.
        pub ephemeral: bool,
        /// Whether it holds the running state.
        pub stateful: bool,
        /// When it was made.
        pub created_at: Timestamp,
        /// When the server will delete it; unset means never.
        pub expires_at: Timestamp,
        /// When the instance last ran.
        pub last_used_at: Timestamp,
        /// Its size in bytes (`snapshot_disk_usage`); -1 when the storage cannot say.
        pub size: i64,
    }
}

writable! {
    /// What can be written of an [`InstanceSnapshot`].
    pub struct InstanceSnapshotPut / InstanceSnapshotPatch {
        /// When the server will delete it; unset means never.
        pub expires_at: Timestamp,
    }
}

request! {
    /// A snapshot to be made: `POST /1.0/instances/{name}/snapshots`.
    pub struct InstanceSnapshotsPost {
        /// Its name; the server chooses one when it is empty.
        pub name: String,
        /// Whether the running state is saved too (containers need CRIU).
        pub stateful: bool,
        /// When the server will delete it (`snapshot_expiry_creation`). None leaves it to the instance's
        /// `snapshots.expiry`.
        pub expires_at: Option<Timestamp> = "snapshot_expiry_creation",
        /// `root` or `all-exclusive`: which disks (`instance_snapshots_multi_volume`, 6.6).
        pub disk_volumes_mode: String = "instance_snapshots_multi_volume",
    }
}

impl InstanceSnapshotsPost {
    /// A snapshot of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

resource! { InstanceSnapshot, "snapshot": Instance / "snapshots" }

impl Creatable for InstanceSnapshot {
    type Post = InstanceSnapshotsPost;
    type Answer = CreatedSnapshot;
}

/// A snapshot that was made, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedSnapshot {
    /// The name; empty when the server does not say it: until 6.7 it names only the instance, also when it chose the
    /// snapshot's name itself.
    pub name: String,
}

impl Answer for CreatedSnapshot {
    fn done(response: &Response, metadata: &str) -> Result<Self, Error> {
        Created::done(response, metadata).map(|created| Self { name: created.name })
    }

    fn finished(operation: &Operation) -> Result<Self, Error> {
        let said = operation.entity_url().is_some_and(|url| url.contains("/snapshots/"));
        let name = if said { Created::finished(operation)?.name } else { String::new() };
        Ok(Self { name })
    }
}

impl Editable for InstanceSnapshot {
    type Put = InstanceSnapshotPut;
    const READ_ONLY: &'static [&'static str] = &[
        "architecture",
        "config",
        "created_at",
        "description",
        "devices",
        "ephemeral",
        "expanded_config",
        "expanded_devices",
        "last_used_at",
        "name",
        "profiles",
        "size",
        "stateful",
    ];
}

impl Patchable for InstanceSnapshot {
    type Patch = InstanceSnapshotPatch;
}

impl Renamable for InstanceSnapshot {}
impl Deletable for InstanceSnapshot {}

/// Puts an instance back to a snapshot: `PUT /1.0/instances/{name}` with `restore` and nothing else.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Restore {
    instance: String,
    snapshot: String,
    /// Whether the running state is put back too.
    pub stateful: bool,
}

impl Restore {
    /// The request for this instance and snapshot.
    pub fn new(instance: String, snapshot: String) -> Self {
        Self { instance, snapshot, stateful: false }
    }
}

impl Endpoint for Restore {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        #[derive(serde::Serialize)]
        struct Put<'a> {
            restore: &'a str,
            #[serde(skip_serializing_if = "core::ops::Not::not")]
            stateful: bool,
        }
        let put = Put { restore: &self.snapshot, stateful: self.stateful };
        json(Method::PUT, &Instance::path(&self.instance), &put)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }
}

impl<C: Client> Call<C, Restore> {
    /// Takes up the running state that the snapshot holds (containers need CRIU).
    pub fn stateful(mut self) -> Self {
        self.endpoint.stateful = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instance_is_no_snapshot() {
        for (operation, name) in [
            (r#"{"resources": {"instances": ["/1.0/instances/i1"]}}"#, ""),
            (r#"{"resources": {}, "metadata": {"entity_url": "/1.0/instances/i1/snapshots/snap0"}}"#, "snap0"),
        ] {
            let operation = serde_json::from_str(operation).unwrap();
            assert_eq!(CreatedSnapshot::finished(&operation).unwrap().name, name);
        }
    }
}
