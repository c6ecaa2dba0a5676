//! LXD's objects: the types, where they are, and what can be done with them. One file for each area of LXD.
//!
//! Type and field names are LXD's own. Which fields there are, and since when, is from LXD's REST API specification.

use alloc::{collections::BTreeMap, string::String};

mod auth;
mod auth_groups;
mod certificates;
mod cluster;
mod cluster_groups;
mod cluster_links;
mod cluster_members;
pub mod console;
pub mod events;
pub mod exec;
pub mod files;
mod hardware;
mod hardware_cards;
mod identities;
mod identity_provider_groups;
mod identity_tokens;
pub mod image_sources;
pub mod image_transfer;
mod images;
pub mod instance_backups;
pub mod instance_lists;
pub mod instance_logs;
pub mod instance_metadata;
mod instance_migrations;
pub mod instance_moves;
mod instance_posts;
pub mod instances;
mod metadata_configuration;
mod metrics;
mod network_acls;
mod network_allocations;
mod network_forwards;
mod network_load_balancer_pools;
mod network_load_balancers;
mod network_peers;
mod network_zones;
mod networks;
mod oidc_sessions;
mod operations;
mod permissions;
mod placement_groups;
mod profiles;
mod projects;
mod replicators;
mod server;
mod snapshots;
mod state;
mod storage_buckets;
mod storage_pools;
mod storage_volume_backups;
mod storage_volume_lists;
mod storage_volume_migrations;
mod storage_volume_snapshots;
mod storage_volumes;
mod tokens;
mod warnings;

pub use crate::flow::ready::Ready;
pub use auth::Auth;
pub use auth_groups::{AuthGroup, AuthGroupPatch, AuthGroupPut, AuthGroupsPost};
pub use certificates::{
    Certificate, CertificatePatch, CertificatePut, CertificateType, CertificatesPost, TokenRequest,
};
pub use cluster::{Cluster, ClusterCertificatePut, ClusterJoin, ClusterMemberConfigKey, ClusterMemberJoinToken};
pub use cluster_groups::{ClusterGroup, ClusterGroupPatch, ClusterGroupPut, ClusterGroupsPost};
pub use cluster_links::{
    ClusterLink, ClusterLinkMemberState, ClusterLinkMemberStatus, ClusterLinkPatch, ClusterLinkPut, ClusterLinkState,
    ClusterLinkType, ClusterLinksPost,
};
pub use cluster_members::{
    ClusterMember, ClusterMemberPatch, ClusterMemberPut, ClusterMemberState, ClusterMemberSysInfo, ClusterRole,
    EvacuationMode, StoragePoolState, StoragePoolUsage,
};
pub use console::{Console, ConsoleType, InstanceConsolePost};
pub use events::{
    Event, EventMetadata, EventType, Events, Gap, Lifecycle, LifecycleAction, LogLevel, Logging, Notice, Requestor,
    Security, Subscribe, Subscription,
};
pub use exec::{Child, Exec, InstanceExecPost, Spawn, Terminal};
pub use files::{FileInfo, FileType, Files};
pub use hardware::{
    Resources, ResourcesCpu, ResourcesCpuAddressSizes, ResourcesCpuCache, ResourcesCpuCore, ResourcesCpuSocket,
    ResourcesCpuThread, ResourcesLoad, ResourcesMemory, ResourcesMemoryNode, ResourcesStorage, ResourcesStorageDisk,
    ResourcesStorageDiskPartition, ResourcesSystem, ResourcesSystemChassis, ResourcesSystemFirmware,
    ResourcesSystemMotherboard,
};
pub use hardware_cards::{
    ResourcesGpu, ResourcesGpuCard, ResourcesGpuCardDrm, ResourcesGpuCardMdev, ResourcesGpuCardNvidia,
    ResourcesGpuCardSriov, ResourcesNetwork, ResourcesNetworkCard, ResourcesNetworkCardPort,
    ResourcesNetworkCardPortInfiniband, ResourcesNetworkCardSriov, ResourcesNetworkCardVdpa, ResourcesPci,
    ResourcesPciDevice, ResourcesPciVpd, ResourcesUsb, ResourcesUsbDevice, ResourcesUsbDeviceInterface,
};
pub use identities::{
    AuthenticationMethod, BearerIdentity, IdentitiesBearerPost, IdentitiesTlsPost, Identity, IdentityInfo,
    IdentityPatch, IdentityPut, IdentityType, OidcIdentity, TlsIdentity,
};
pub use identity_provider_groups::{
    IdentityProviderGroup, IdentityProviderGroupPatch, IdentityProviderGroupPut, IdentityProviderGroupsPost,
};
pub use identity_tokens::{IdentityBearerToken, IssueToken, PendingToken, RevokeToken};
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
pub use instance_migrations::InstanceMigration;
pub use instance_posts::{InstancePost, InstancePostTarget, InstanceSource, InstancesPost};
pub use instances::{Instance, InstanceFull, InstancePatch, InstancePut, InstanceType};
pub use metadata_configuration::{
    MetadataConfiguration, MetadataConfigurationConfigKey, MetadataConfigurationConfigKeys,
    MetadataConfigurationEntity, MetadataConfigurationEntityEntitlement,
};
pub use metrics::GetMetrics;
pub use network_acls::{NetworkAcl, NetworkAclPatch, NetworkAclPut, NetworkAclRule, NetworkAclsPost};
pub use network_allocations::{GetAllocations, NetworkAllocation};
pub use network_forwards::{
    CreatedListener, NetworkForward, NetworkForwardPatch, NetworkForwardPort, NetworkForwardPut, NetworkForwardsPost,
};
pub use network_load_balancer_pools::{
    ListLoadBalancerPools, LoadBalancerPools, NetworkLoadBalancerPool, NetworkLoadBalancerPoolInstance,
    NetworkLoadBalancerPoolPut, NetworkLoadBalancerPoolState, NetworkLoadBalancerPoolTarget,
    NetworkLoadBalancerPoolTargetStatus, NetworkLoadBalancerPoolsPost,
};
pub use network_load_balancers::{
    NetworkLoadBalancer, NetworkLoadBalancerBackend, NetworkLoadBalancerPatch, NetworkLoadBalancerPort,
    NetworkLoadBalancerPut, NetworkLoadBalancersPost,
};
pub use network_peers::{NetworkPeer, NetworkPeerPatch, NetworkPeerPut, NetworkPeersPost};
pub use network_zones::{
    NetworkZone, NetworkZonePatch, NetworkZonePut, NetworkZoneRecord, NetworkZoneRecordEntry, NetworkZoneRecordPatch,
    NetworkZoneRecordPut, NetworkZoneRecordsPost, NetworkZonesPost,
};
pub use networks::{
    Network, NetworkLease, NetworkPatch, NetworkPut, NetworkState, NetworkStateAddress, NetworkStateBond,
    NetworkStateBridge, NetworkStateCounters, NetworkStateOvn, NetworkStateVlan, NetworkType, NetworksPost,
};
pub use oidc_sessions::OidcSession;
pub use operations::{Operation, OperationClass, OperationId, OperationMetadata, OperationResources, Progress};
pub use permissions::{ListPermissions, Permission, PermissionInfo};
pub use placement_groups::{PlacementGroup, PlacementGroupPatch, PlacementGroupPut, PlacementGroupsPost};
pub use profiles::{Profile, ProfilePatch, ProfilePut, ProfilesPost};
pub use projects::{Project, ProjectPatch, ProjectPut, ProjectState, ProjectStateResource, ProjectsPost, ReplicaMode};
pub use replicators::{
    Replicator, ReplicatorPatch, ReplicatorPut, ReplicatorState, ReplicatorStatus, ReplicatorsPost, RunReplicator,
};
pub use server::{Server, ServerEnvironment, ServerPatch, ServerPut, ServerStorageDriverInfo};
pub use snapshots::{
    CreatedSnapshot, InstanceSnapshot, InstanceSnapshotPatch, InstanceSnapshotPut, InstanceSnapshotsPost,
};
pub use state::{
    ChangeState, GetState, InstanceAction, InstanceState, InstanceStateCpu, InstanceStateDisk, InstanceStateMemory,
    InstanceStateNetwork, InstanceStateNetworkAddress, InstanceStateNetworkCounters,
};
pub use storage_buckets::{
    StorageBucket, StorageBucketKey, StorageBucketKeyPut, StorageBucketKeysPost, StorageBucketPatch, StorageBucketPut,
    StorageBucketsPost,
};
pub use storage_pools::{
    GetStoragePoolResources, ResourcesStoragePool, ResourcesStoragePoolInodes, ResourcesStoragePoolSpace, StoragePool,
    StoragePoolPatch, StoragePoolPut, StoragePoolsPost,
};
pub use storage_volume_backups::{
    ExportStorageVolumeBackup, ImportStorageVolume, StoragePoolVolumeBackup, StoragePoolVolumeBackupsPost,
};
pub use storage_volume_lists::{ListStorageVolumes, StorageVolumeName, StorageVolumeNames, StorageVolumes};
pub use storage_volume_migrations::StorageVolumeMigration;
pub use storage_volume_snapshots::{
    RestoreStorageVolume, StorageVolumeSnapshot, StorageVolumeSnapshotPatch, StorageVolumeSnapshotPut,
    StorageVolumeSnapshotsPost,
};
pub use storage_volumes::{
    GetStorageVolumeState, MoveStorageVolume, StorageVolume, StorageVolumeAt, StorageVolumeContentType,
    StorageVolumePatch, StorageVolumePost, StorageVolumePostTarget, StorageVolumePut, StorageVolumeSource,
    StorageVolumeState, StorageVolumeStateUsage, StorageVolumeType, StorageVolumesPost,
};
pub use tokens::Issued;
pub use warnings::{Warning, WarningPatch, WarningPut, WarningSeverity, WarningStatus};

/// LXD's configuration: text keys and text values.
pub type Config = BTreeMap<String, String>;

/// Devices by name, each with its own keys.
pub type Devices = BTreeMap<String, Config>;
