//! LXD's objects: the types, where they are, and what can be done with them. One file for each area of LXD.
//!
//! Type and field names are LXD's own. Which fields there are, and since when, is from LXD's REST API specification.

use alloc::{collections::BTreeMap, string::String};

mod certificates;
pub mod events;
pub mod exec;
pub mod files;
mod images;
pub mod instances;
mod operations;
mod profiles;
mod server;
mod snapshots;
mod state;

pub use certificates::{
    Certificate, CertificatePatch, CertificatePut, CertificateType, CertificatesPost, TokenRequest,
};
pub use events::{Event, EventType, Events, Lifecycle, Logging, Requestor, Subscribe, Subscription};
pub use exec::{Exec, InstanceExecPost};
pub use files::{FileInfo, FileType, Files};
pub use images::{
    Image, ImageAlias, ImageAliasesEntry, ImageAliasesEntryPatch, ImageAliasesEntryPut, ImageAliasesPost, ImagePatch,
    ImagePut, ImageSource, ImageUpload, UploadedImage,
};
pub use instances::{
    Instance, InstanceFull, InstancePatch, InstancePut, InstanceSource, InstanceType, InstancesPost, ListFull,
};
pub use operations::{Operation, OperationClass, OperationId, OperationMetadata, OperationResources};
pub use profiles::{Profile, ProfilePatch, ProfilePut, ProfilesPost};
pub use server::{Server, ServerEnvironment, ServerPatch, ServerPut, ServerStorageDriverInfo};
pub use snapshots::{
    CreatedSnapshot, InstanceSnapshot, InstanceSnapshotPatch, InstanceSnapshotPut, InstanceSnapshotsPost,
};
pub use state::{
    ChangeState, InstanceAction, InstanceState, InstanceStateCpu, InstanceStateDisk, InstanceStateMemory,
    InstanceStateNetwork, InstanceStateNetworkAddress, InstanceStateNetworkCounters,
};

/// LXD's configuration: text keys and text values.
pub type Config = BTreeMap<String, String>;

/// Devices by name, each with its own keys.
pub type Devices = BTreeMap<String, Config>;
