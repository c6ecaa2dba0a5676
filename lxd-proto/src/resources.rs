//! LXD's objects: the types, where they are, and what can be done with them. One file for each area of LXD.
//!
//! Type and field names are LXD's own. Which fields there are, and since when, is from LXD's REST API specification.

use alloc::{collections::BTreeMap, string::String};

mod certificates;
pub mod events;
pub mod exec;
pub mod files;
pub mod image_sources;
pub mod image_transfer;
mod images;
pub mod instance_backups;
pub mod instance_lists;
pub mod instance_logs;
pub mod instance_metadata;
pub mod instance_moves;
mod instance_posts;
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
pub use image_sources::{CreatedImage, ImageExportPost, ImageSecret, ImagesPost, ImagesPostSource};
pub use image_transfer::{ExportImage, ImageFile, ImagePieces, ImageUpload};
pub use images::{
    Image, ImageAlias, ImageAliasesEntry, ImageAliasesEntryPatch, ImageAliasesEntryPut, ImageAliasesPost, ImagePatch,
    ImagePut, ImageSource,
};
pub use instance_backups::{CreatedBackup, InstanceBackup, InstanceBackupsPost};
pub use instance_lists::{InstanceStateField, Instances, ListFull};
pub use instance_logs::Logs;
pub use instance_metadata::{
    ImageMetadata, ImageMetadataPatch, ImageMetadataTemplate, InstanceUEFIVariable, InstanceUEFIVars, Templates,
};
pub use instance_posts::{InstancePost, InstancePostTarget, InstanceSource, InstancesPost};
pub use instances::{Instance, InstanceFull, InstancePatch, InstancePut, InstanceType};
pub use operations::{Operation, OperationClass, OperationId, OperationMetadata};
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
