//! Where sentences begin: `lxd.instances().create(..)`, `lxd.instance("c1").start()`.
//!
//! [`Collection`] and [`Object`] have the generic verbs, each only where LXD has it for that kind. What one kind has
//! besides stands with it in [`resources`](crate::resources).

mod objects;

use alloc::string::String;

pub use objects::{Collection, Object};

use crate::{
    Call, Client, Endpoint, Extensions, Path, Scope,
    api::Api,
    resources::{
        Auth, Certificate, Cluster, GetAllocations, Image, ImageAliasesEntry, Instance, InstanceType, Instances,
        Network, NetworkAcl, NetworkZone, Operation, OperationId, PlacementGroup, Profile, Project, Replicator, Server,
        StoragePool, StorageVolumes, Warning,
    },
};

/// Every client's first words.
pub trait Lxd: Client {
    /// The same server in another project (extension `projects`). Cheap; this client stays as it is.
    fn project(&self, project: impl Into<String>) -> Self {
        self.with_scope(Scope { project: Some(project.into()), ..self.scope().clone() })
    }

    /// The same server, with a cluster member (or `@group`) to work on (extension `clustering`). Cheap; this client stays
    /// as it is.
    fn target(&self, target: impl Into<String>) -> Self {
        self.with_scope(Scope { target: Some(target.into()), ..self.scope().clone() })
    }

    /// The same server, and every call is sent without looking whether the server has the API extensions that it needs.
    /// Cheap; this client stays as it is.
    fn unchecked(&self) -> Self {
        self.with_scope(Scope { extensions: Extensions::unchecked(), ..self.scope().clone() })
    }

    /// Any endpoint, also one of your own.
    fn call<E: Endpoint>(&self, endpoint: E) -> Call<Self, E> {
        Call::new(self, endpoint)
    }

    /// Any path of the API, for what has no handle here: see [`api`](crate::api).
    fn api(&self, path: Path) -> Api<Self> {
        Api::new(self, path)
    }

    /// The server itself: `/1.0`.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::Lxd;
    ///
    /// let server = lxd.server().get().send()?;
    /// println!("{} {}", server.environment.server, server.environment.server_version);
    /// server.require("instance_create_start")?;
    /// lxd.server().edit(|server| drop(server.config.insert("user.note".into(), "ours".into()))).send()?;
    /// # Ok(())
    /// # }
    /// ```
    fn server(&self) -> Object<Self, Server> {
        Object::new(self, ())
    }

    /// All instances: `/1.0/instances`.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::InstancesPost};
    ///
    /// let c1 = InstancesPost::from_alias("c1", "busybox").config("limits.cpu", "2").profiles(["default", "web"]);
    /// lxd.instances().create(c1).wait().send()?;
    /// for instance in lxd.instances().list().filter("status eq Running").send()? {
    ///     println!("{} is on {}", instance.name, instance.location);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    fn instances(&self) -> Collection<Self, Instance> {
        Collection::new(self, ())
    }

    /// One instance: `/1.0/instances/{name}`.
    fn instance(&self, name: impl Into<String>) -> Object<Self, Instance> {
        Object::new(self, name.into())
    }

    /// The containers among the instances. The server filters them (extension `api_filtering`).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::InstancesPost};
    ///
    /// for container in lxd.containers().list().filter("status eq Running").send()? {
    ///     println!("{}", container.name);
    /// }
    /// // What is made here is of that type.
    /// lxd.virtual_machines().create(InstancesPost::from_alias("v1", "ubuntu")).wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    fn containers(&self) -> Instances<Self> {
        Instances::new(self, InstanceType::Container)
    }

    /// The virtual machines among the instances. The server filters them (extension `api_filtering`).
    fn virtual_machines(&self) -> Instances<Self> {
        Instances::new(self, InstanceType::VirtualMachine)
    }

    /// All images: `/1.0/images`.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::Lxd;
    ///
    /// // An adapter's `file()` makes a payload that is streamed of a path.
    /// let image = lxd.images().upload(b"a tarball".as_slice()).property("os", "busybox").wait().send()?;
    /// lxd.image(image.fingerprint.to_string()).edit(|image| image.public = true).send()?;
    /// lxd.image(image.fingerprint.to_string()).delete().wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    fn images(&self) -> Collection<Self, Image> {
        Collection::new(self, ())
    }

    /// One image, by its fingerprint or the beginning of it: `/1.0/images/{fingerprint}`.
    fn image(&self, fingerprint: impl Into<String>) -> Object<Self, Image> {
        Object::new(self, fingerprint.into())
    }

    /// All aliases of images: `/1.0/images/aliases`.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::ImageAliasesPost};
    ///
    /// let image = lxd.image_alias("busybox").get().send()?.target.clone();
    /// lxd.image_aliases().create(ImageAliasesPost::new("busybox/1", image)).wait().send()?;
    /// lxd.image_alias("busybox/1").rename("busybox/old").wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    fn image_aliases(&self) -> Collection<Self, ImageAliasesEntry> {
        Collection::new(self, ())
    }

    /// One alias of an image: `/1.0/images/aliases/{name}`.
    fn image_alias(&self, name: impl Into<String>) -> Object<Self, ImageAliasesEntry> {
        Object::new(self, name.into())
    }

    /// All profiles: `/1.0/profiles`.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::ProfilesPost};
    ///
    /// let mut web = ProfilesPost::new("web");
    /// web.config.insert("limits.memory".into(), "1GiB".into());
    /// lxd.profiles().create(web).wait().send()?;
    /// lxd.profile("web").edit(|web| web.description = "what serves pages".into()).send()?;
    /// # Ok(())
    /// # }
    /// ```
    fn profiles(&self) -> Collection<Self, Profile> {
        Collection::new(self, ())
    }

    /// One profile: `/1.0/profiles/{name}`.
    fn profile(&self, name: impl Into<String>) -> Object<Self, Profile> {
        Object::new(self, name.into())
    }

    /// All storage pools: `/1.0/storage-pools` (extension `storage`). While one of them is removed, 5.0.2 may answer 404 to
    /// the list with the objects.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::StoragePoolsPost};
    ///
    /// lxd.storage_pools().create(StoragePoolsPost::new("fast", "dir")).wait().send()?;
    /// // Each new volume expires its snapshots, unless it says otherwise.
    /// let fast = lxd.storage_pool("fast");
    /// fast.edit(|pool| drop(pool.config.insert("volume.snapshots.expiry".into(), "30d".into()))).send()?;
    /// let space = fast.resources().send()?.space;
    /// println!("{} of {} bytes are in use", space.used, space.total);
    /// # Ok(())
    /// # }
    /// ```
    fn storage_pools(&self) -> Collection<Self, StoragePool> {
        Collection::new(self, ())
    }

    /// One storage pool: `/1.0/storage-pools/{name}` (extension `storage`).
    fn storage_pool(&self, name: impl Into<String>) -> Object<Self, StoragePool> {
        Object::new(self, name.into())
    }

    /// The storage volumes of all pools: `/1.0/storage-volumes` (extension `storage_volumes_all`, 6.1). See
    /// [`storage_pool`](Self::storage_pool) for those of one.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::StorageVolumeType};
    ///
    /// for volume in lxd.storage_volumes().of(StorageVolumeType::Custom).list().all_projects().send()? {
    ///     println!("{} in {} of project {}", volume.name, volume.pool, volume.project);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    fn storage_volumes(&self) -> StorageVolumes<Self, ()> {
        StorageVolumes::everywhere(self)
    }

    /// All trusted certificates: `/1.0/certificates`.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, TrustToken};
    ///
    /// // Whoever is trusted invites ..
    /// let token = lxd.certificates().token("laptop").send()?.encode();
    /// // .. and a client that has this server's certificate pinned becomes trusted.
    /// # let stranger = lxd;
    /// let token: TrustToken = token.expose().parse()?;
    /// stranger.certificates().trust("laptop", token).send()?;
    /// # Ok(())
    /// # }
    /// ```
    fn certificates(&self) -> Collection<Self, Certificate> {
        Collection::new(self, ())
    }

    /// One trusted certificate, by its fingerprint or the beginning of it: `/1.0/certificates/{fingerprint}`.
    fn certificate(&self, fingerprint: impl Into<String>) -> Object<Self, Certificate> {
        Object::new(self, fingerprint.into())
    }

    /// All networks: `/1.0/networks` (extension `network`).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::NetworksPost};
    ///
    /// lxd.networks().create(NetworksPost::new("br0").config("ipv4.address", "10.1.2.1/24")).wait().send()?;
    /// lxd.network("br0").edit(|br0| drop(br0.config.insert("ipv4.nat".into(), "true".into()))).send()?;
    /// for lease in lxd.network("br0").leases().send()? {
    ///     println!("{} has {}", lease.hostname, lease.address);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    fn networks(&self) -> Collection<Self, Network> {
        Collection::new(self, ())
    }

    /// One network, or interface of the host that LXD does not manage: `/1.0/networks/{name}`.
    fn network(&self, name: impl Into<String>) -> Object<Self, Network> {
        Object::new(self, name.into())
    }

    /// Which addresses are taken in all networks, and by what: `GET /1.0/network-allocations` (extension
    /// `network_allocations`).
    fn network_allocations(&self) -> Call<Self, GetAllocations> {
        Call::new(self, GetAllocations::default())
    }

    /// All network ACLs: `/1.0/network-acls` (extension `network_acl`).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{
    ///     Lxd,
    ///     resources::{NetworkAclRule, NetworkAclsPost},
    /// };
    ///
    /// lxd.network_acls().create(NetworkAclsPost::new("web")).wait().send()?;
    /// lxd.network_acl("web")
    ///     .edit(|web| {
    ///         let mut rule = NetworkAclRule::new("allow");
    ///         (rule.protocol, rule.destination_port) = ("tcp".into(), "80,443".into());
    ///         web.ingress.push(rule);
    ///     })
    ///     .send()?;
    /// # Ok(())
    /// # }
    /// ```
    fn network_acls(&self) -> Collection<Self, NetworkAcl> {
        Collection::new(self, ())
    }

    /// One network ACL: `/1.0/network-acls/{name}`.
    fn network_acl(&self, name: impl Into<String>) -> Object<Self, NetworkAcl> {
        Object::new(self, name.into())
    }

    /// All network zones: `/1.0/network-zones` (extension `network_dns`).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{
    ///     Lxd,
    ///     resources::{NetworkZoneRecordEntry, NetworkZoneRecordsPost, NetworkZonesPost},
    /// };
    ///
    /// lxd.network_zones().create(NetworkZonesPost::new("lxd.example.net")).wait().send()?;
    /// let mut www = NetworkZoneRecordsPost::new("www");
    /// www.entries.push(NetworkZoneRecordEntry::new("A", "192.0.2.1"));
    /// lxd.network_zone("lxd.example.net").records().create(www).wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    fn network_zones(&self) -> Collection<Self, NetworkZone> {
        Collection::new(self, ())
    }

    /// One network zone: `/1.0/network-zones/{name}`.
    fn network_zone(&self, name: impl Into<String>) -> Object<Self, NetworkZone> {
        Object::new(self, name.into())
    }

    /// All projects: `/1.0/projects` (extension `projects`). One of them is `lxd.projects().one("web")`, and
    /// [`lxd.project("web")`](Self::project) is a client in it.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::ProjectsPost};
    ///
    /// lxd.projects().create(ProjectsPost::new("web").config("features.images", "false")).wait().send()?;
    /// lxd.projects().one("web").rename("site").wait().send()?;
    /// assert_eq!(lxd.projects().one("site").state().send()?.resources["instances"].usage, 0);
    /// # Ok(())
    /// # }
    /// ```
    fn projects(&self) -> Collection<Self, Project> {
        Collection::new(self, ())
    }

    /// The cluster that the server is a member of, or may become one of: `/1.0/cluster` (extension `clustering`).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::ClusterGroupsPost};
    ///
    /// if !lxd.cluster().get().send()?.enabled {
    ///     lxd.cluster().enable("m1").wait().send()?;
    /// }
    /// println!("m2 joins with {}", lxd.cluster().members().token("m2").send()?.encode().expose());
    /// lxd.cluster().groups().create(ClusterGroupsPost::new("fast", ["m1"])).wait().send()?;
    /// lxd.cluster().member("m1").evacuate().wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    fn cluster(&self) -> Object<Self, Cluster> {
        Object::new(self, ())
    }

    /// Which instances of a cluster keep together, or apart: `/1.0/placement-groups` (extension
    /// `instance_placement_groups`, 6.6).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::PlacementGroupsPost};
    ///
    /// let apart = PlacementGroupsPost::new("web").config("policy", "spread").config("rigor", "strict");
    /// lxd.placement_groups().create(apart).wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    fn placement_groups(&self) -> Collection<Self, PlacementGroup> {
        Collection::new(self, ())
    }

    /// One placement group: `/1.0/placement-groups/{name}`.
    fn placement_group(&self, name: impl Into<String>) -> Object<Self, PlacementGroup> {
        Object::new(self, name.into())
    }

    /// What copies the project to another cluster: `/1.0/replicators` (extension `replicators`, 6.8).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::ReplicatorsPost};
    ///
    /// lxd.replicators().create(ReplicatorsPost::new("nightly", "there").config("schedule", "@daily")).wait().send()?;
    /// lxd.replicator("nightly").start().wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    fn replicators(&self) -> Collection<Self, Replicator> {
        Collection::new(self, ())
    }

    /// One replicator: `/1.0/replicators/{name}`.
    fn replicator(&self, name: impl Into<String>) -> Object<Self, Replicator> {
        Object::new(self, name.into())
    }

    /// Who may do what, by groups: `/1.0/auth` (extension `access_management`, 5.21).
    fn auth(&self) -> Auth<Self> {
        Auth::new(self)
    }

    /// All warnings: `/1.0/warnings` (extension `warnings`).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::Lxd;
    ///
    /// for warning in lxd.warnings().list().send()? {
    ///     println!("{} ({}): {}", warning.kind, warning.severity, warning.last_message);
    ///     lxd.warning(warning.uuid).acknowledge().wait().send()?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    fn warnings(&self) -> Collection<Self, Warning> {
        Collection::new(self, ())
    }

    /// One warning, by its id: `/1.0/warnings/{uuid}`.
    fn warning(&self, uuid: impl Into<String>) -> Object<Self, Warning> {
        Object::new(self, uuid.into())
    }

    /// All operations: `/1.0/operations`.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Changed, Lxd};
    ///
    /// // Without `wait()`, a change says whether it goes on. The id can be kept, and be waited for by another process.
    /// if let Changed::Running(operation) = lxd.instance("c1").start().send()? {
    ///     lxd.operation(operation.id.clone()).wait().send()?;
    /// }
    /// for operation in lxd.operations().list().send()?.iter().filter(|operation| operation.may_cancel) {
    ///     lxd.operation(operation.id.clone()).cancel().send()?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    fn operations(&self) -> Collection<Self, Operation> {
        Collection::new(self, ())
    }

    /// One operation: `/1.0/operations/{id}`.
    fn operation(&self, id: OperationId) -> Object<Self, Operation> {
        Object::new(self, id)
    }

    /// What happens on the server, as it happens: `/1.0/events`.
    fn events(&self) -> crate::resources::Events<Self> {
        crate::resources::Events::new(self)
    }
}

impl<C: Client> Lxd for C {}
