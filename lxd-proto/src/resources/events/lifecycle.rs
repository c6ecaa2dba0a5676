//! What can happen to an object.

use crate::compat::open_enum;

open_enum! {
    /// What happened to an object. These are 6.9's; those that a newer server adds are kept as they came.
    pub enum LifecycleAction {
        /// An instance backup was created.
        InstanceBackupCreated = "instance-backup-created",
        /// An instance backup was deleted.
        InstanceBackupDeleted = "instance-backup-deleted",
        /// An instance backup was renamed.
        InstanceBackupRenamed = "instance-backup-renamed",
        /// An instance backup was read.
        InstanceBackupRetrieved = "instance-backup-retrieved",
        /// A console of an instance was opened.
        InstanceConsole = "instance-console",
        /// An instance's console log was cleared.
        InstanceConsoleReset = "instance-console-reset",
        /// An instance's console log was read.
        InstanceConsoleRetrieved = "instance-console-retrieved",
        /// An instance was created.
        InstanceCreated = "instance-created",
        /// An instance was deleted.
        InstanceDeleted = "instance-deleted",
        /// A command was run in an instance.
        InstanceExec = "instance-exec",
        /// An instance was migrated (not in 5.0).
        InstanceMigrated = "instance-migrated",
        /// An instance was paused.
        InstancePaused = "instance-paused",
        /// An instance said that it is ready.
        InstanceReady = "instance-ready",
        /// An instance was renamed.
        InstanceRenamed = "instance-renamed",
        /// An instance was restarted.
        InstanceRestarted = "instance-restarted",
        /// An instance was restored.
        InstanceRestored = "instance-restored",
        /// An instance was resumed.
        InstanceResumed = "instance-resumed",
        /// An instance was shut down (by itself or cleanly).
        InstanceShutdown = "instance-shutdown",
        /// An instance was started.
        InstanceStarted = "instance-started",
        /// An instance was stopped.
        InstanceStopped = "instance-stopped",
        /// An instance was changed.
        InstanceUpdated = "instance-updated",
        /// An instance file was deleted.
        InstanceFileDeleted = "instance-file-deleted",
        /// An instance file was written.
        InstanceFilePushed = "instance-file-pushed",
        /// An instance file was read.
        InstanceFileRetrieved = "instance-file-retrieved",
        /// An instance log was deleted.
        InstanceLogDeleted = "instance-log-deleted",
        /// An instance log was read.
        InstanceLogRetrieved = "instance-log-retrieved",
        /// An instance metadata was read.
        InstanceMetadataRetrieved = "instance-metadata-retrieved",
        /// An instance metadata was changed.
        InstanceMetadataUpdated = "instance-metadata-updated",
        /// An instance metadata template was created.
        InstanceMetadataTemplateCreated = "instance-metadata-template-created",
        /// An instance metadata template was deleted.
        InstanceMetadataTemplateDeleted = "instance-metadata-template-deleted",
        /// An instance metadata template was read.
        InstanceMetadataTemplateRetrieved = "instance-metadata-template-retrieved",
        /// An instance snapshot was created.
        InstanceSnapshotCreated = "instance-snapshot-created",
        /// An instance snapshot was deleted.
        InstanceSnapshotDeleted = "instance-snapshot-deleted",
        /// An instance snapshot was renamed.
        InstanceSnapshotRenamed = "instance-snapshot-renamed",
        /// An instance snapshot was changed.
        InstanceSnapshotUpdated = "instance-snapshot-updated",
        /// A certificate was created.
        CertificateCreated = "certificate-created",
        /// A certificate was deleted.
        CertificateDeleted = "certificate-deleted",
        /// A certificate was changed.
        CertificateUpdated = "certificate-updated",
        /// The cluster's certificate was changed.
        ClusterCertificateUpdated = "cluster-certificate-updated",
        /// A cluster was disabled.
        ClusterDisabled = "cluster-disabled",
        /// A cluster was enabled.
        ClusterEnabled = "cluster-enabled",
        /// A cluster group was created.
        ClusterGroupCreated = "cluster-group-created",
        /// A cluster group was deleted.
        ClusterGroupDeleted = "cluster-group-deleted",
        /// A cluster group was renamed.
        ClusterGroupRenamed = "cluster-group-renamed",
        /// A cluster group was changed.
        ClusterGroupUpdated = "cluster-group-updated",
        /// A cluster member was added.
        ClusterMemberAdded = "cluster-member-added",
        /// A cluster member was evacuated (not in 5.0).
        ClusterMemberEvacuated = "cluster-member-evacuated",
        /// A cluster member was healed (not in 5.0).
        ClusterMemberHealed = "cluster-member-healed",
        /// A cluster member was removed.
        ClusterMemberRemoved = "cluster-member-removed",
        /// A cluster member was renamed.
        ClusterMemberRenamed = "cluster-member-renamed",
        /// A cluster member was restored (not in 5.0).
        ClusterMemberRestored = "cluster-member-restored",
        /// A cluster member was changed.
        ClusterMemberUpdated = "cluster-member-updated",
        /// A cluster link was created (not in 5.0).
        ClusterLinkCreated = "cluster-link-created",
        /// A cluster link was deleted (not in 5.0).
        ClusterLinkDeleted = "cluster-link-deleted",
        /// A cluster link was renamed (not in 5.0).
        ClusterLinkRenamed = "cluster-link-renamed",
        /// A cluster link was changed (not in 5.0).
        ClusterLinkUpdated = "cluster-link-updated",
        /// A replicator was created (not in 5.0).
        ReplicatorCreated = "replicator-created",
        /// A replicator was deleted (not in 5.0).
        ReplicatorDeleted = "replicator-deleted",
        /// A replicator was renamed (not in 5.0).
        ReplicatorRenamed = "replicator-renamed",
        /// A replicator ran (not in 5.0).
        ReplicatorRun = "replicator-run",
        /// A replicator was changed (not in 5.0).
        ReplicatorUpdated = "replicator-updated",
        /// A token for a new cluster member was created.
        ClusterTokenCreated = "cluster-token-created",
        /// The server's configuration was changed.
        ConfigUpdated = "config-updated",
        /// An image alias was created.
        ImageAliasCreated = "image-alias-created",
        /// An image alias was deleted.
        ImageAliasDeleted = "image-alias-deleted",
        /// An image alias was renamed.
        ImageAliasRenamed = "image-alias-renamed",
        /// An image alias was changed.
        ImageAliasUpdated = "image-alias-updated",
        /// An image was created.
        ImageCreated = "image-created",
        /// An image was deleted.
        ImageDeleted = "image-deleted",
        /// An image was refreshed.
        ImageRefreshed = "image-refreshed",
        /// An image was read.
        ImageRetrieved = "image-retrieved",
        /// An image was changed.
        ImageUpdated = "image-updated",
        /// A secret for an image was created.
        ImageSecretCreated = "image-secret-created",
        /// A network ACL was created.
        NetworkAclCreated = "network-acl-created",
        /// A network ACL was deleted.
        NetworkAclDeleted = "network-acl-deleted",
        /// A network ACL was renamed.
        NetworkAclRenamed = "network-acl-renamed",
        /// A network ACL was changed.
        NetworkAclUpdated = "network-acl-updated",
        /// A network was created.
        NetworkCreated = "network-created",
        /// A network was deleted.
        NetworkDeleted = "network-deleted",
        /// A network was renamed.
        NetworkRenamed = "network-renamed",
        /// A network was changed.
        NetworkUpdated = "network-updated",
        /// A network forward was created.
        NetworkForwardCreated = "network-forward-created",
        /// A network forward was deleted.
        NetworkForwardDeleted = "network-forward-deleted",
        /// A network forward was changed.
        NetworkForwardUpdated = "network-forward-updated",
        /// A network load balancer was created.
        NetworkLoadBalancerCreated = "network-load-balancer-created",
        /// A network load balancer was deleted.
        NetworkLoadBalancerDeleted = "network-load-balancer-deleted",
        /// A network load balancer was changed.
        NetworkLoadBalancerUpdated = "network-load-balancer-updated",
        /// A network peer was created.
        NetworkPeerCreated = "network-peer-created",
        /// A network peer was deleted.
        NetworkPeerDeleted = "network-peer-deleted",
        /// A network peer was changed.
        NetworkPeerUpdated = "network-peer-updated",
        /// A network zone was created.
        NetworkZoneCreated = "network-zone-created",
        /// A network zone was deleted.
        NetworkZoneDeleted = "network-zone-deleted",
        /// A network zone was changed.
        NetworkZoneUpdated = "network-zone-updated",
        /// A network zone record was created.
        NetworkZoneRecordCreated = "network-zone-record-created",
        /// A network zone record was deleted.
        NetworkZoneRecordDeleted = "network-zone-record-deleted",
        /// A network zone record was changed.
        NetworkZoneRecordUpdated = "network-zone-record-updated",
        /// An operation was cancelled.
        OperationCancelled = "operation-cancelled",
        /// A profile was created.
        ProfileCreated = "profile-created",
        /// A profile was deleted.
        ProfileDeleted = "profile-deleted",
        /// A profile was renamed.
        ProfileRenamed = "profile-renamed",
        /// A profile was changed.
        ProfileUpdated = "profile-updated",
        /// A project was created.
        ProjectCreated = "project-created",
        /// A project was deleted.
        ProjectDeleted = "project-deleted",
        /// A project was renamed.
        ProjectRenamed = "project-renamed",
        /// A project was changed.
        ProjectUpdated = "project-updated",
        /// A storage pool was created.
        StoragePoolCreated = "storage-pool-created",
        /// A storage pool was deleted.
        StoragePoolDeleted = "storage-pool-deleted",
        /// A storage pool was changed.
        StoragePoolUpdated = "storage-pool-updated",
        /// A storage bucket was created.
        StorageBucketCreated = "storage-bucket-created",
        /// A storage bucket was deleted.
        StorageBucketDeleted = "storage-bucket-deleted",
        /// A storage bucket was changed.
        StorageBucketUpdated = "storage-bucket-updated",
        /// A storage bucket key was created.
        StorageBucketKeyCreated = "storage-bucket-key-created",
        /// A storage bucket key was deleted.
        StorageBucketKeyDeleted = "storage-bucket-key-deleted",
        /// A storage bucket key was changed.
        StorageBucketKeyUpdated = "storage-bucket-key-updated",
        /// A storage volume was created.
        StorageVolumeCreated = "storage-volume-created",
        /// A storage volume was deleted.
        StorageVolumeDeleted = "storage-volume-deleted",
        /// A storage volume was renamed.
        StorageVolumeRenamed = "storage-volume-renamed",
        /// A storage volume was restored.
        StorageVolumeRestored = "storage-volume-restored",
        /// A storage volume was changed.
        StorageVolumeUpdated = "storage-volume-updated",
        /// A storage volume backup was created.
        StorageVolumeBackupCreated = "storage-volume-backup-created",
        /// A storage volume backup was deleted.
        StorageVolumeBackupDeleted = "storage-volume-backup-deleted",
        /// A storage volume backup was renamed.
        StorageVolumeBackupRenamed = "storage-volume-backup-renamed",
        /// A storage volume backup was read.
        StorageVolumeBackupRetrieved = "storage-volume-backup-retrieved",
        /// A storage volume snapshot was created.
        StorageVolumeSnapshotCreated = "storage-volume-snapshot-created",
        /// A storage volume snapshot was deleted.
        StorageVolumeSnapshotDeleted = "storage-volume-snapshot-deleted",
        /// A storage volume snapshot was renamed.
        StorageVolumeSnapshotRenamed = "storage-volume-snapshot-renamed",
        /// A storage volume snapshot was changed.
        StorageVolumeSnapshotUpdated = "storage-volume-snapshot-updated",
        /// A warning was acknowledged.
        WarningAcknowledged = "warning-acknowledged",
        /// A warning was deleted.
        WarningDeleted = "warning-deleted",
        /// A warning was set back.
        WarningReset = "warning-reset",
        /// An identity was created (not in 5.0).
        IdentityCreated = "identity-created",
        /// An identity was changed (not in 5.0).
        IdentityUpdated = "identity-updated",
        /// An identity was deleted (not in 5.0).
        IdentityDeleted = "identity-deleted",
        /// An auth group was created (not in 5.0).
        AuthGroupCreated = "auth-group-created",
        /// An auth group was changed (not in 5.0).
        AuthGroupUpdated = "auth-group-updated",
        /// An auth group was renamed (not in 5.0).
        AuthGroupRenamed = "auth-group-renamed",
        /// An auth group was deleted (not in 5.0).
        AuthGroupDeleted = "auth-group-deleted",
        /// An identity provider group was created (not in 5.0).
        IdentityProviderGroupCreated = "identity-provider-group-created",
        /// An identity provider group was changed (not in 5.0).
        IdentityProviderGroupUpdated = "identity-provider-group-updated",
        /// An identity provider group was renamed (not in 5.0).
        IdentityProviderGroupRenamed = "identity-provider-group-renamed",
        /// An identity provider group was deleted (not in 5.0).
        IdentityProviderGroupDeleted = "identity-provider-group-deleted",
        /// A placement group was created (not in 5.0).
        PlacementGroupCreated = "placement-group-created",
        /// A placement group was deleted (not in 5.0).
        PlacementGroupDeleted = "placement-group-deleted",
        /// A placement group was renamed (not in 5.0).
        PlacementGroupRenamed = "placement-group-renamed",
        /// A placement group was changed (not in 5.0).
        PlacementGroupUpdated = "placement-group-updated",
    }
}
