//! Every request that the library sends, by its verb and path, with a call that sends it.

use std::{collections::VecDeque, fmt::Debug};

use lxd_proto::{
    Error, Failure, FailureKind, Lxd, Response, TrustToken,
    flow::{Action, BlockingIo, Id, Reply},
    resources::{
        AuthGroupsPost, CertificatesPost, ClusterCertificatePut, ClusterGroupsPost, ClusterLinksPost,
        IdentitiesBearerPost, IdentitiesTlsPost, IdentityProviderGroupsPost, ImageAliasesPost, ImageExportPost,
        ImagesPost, InstanceAction, InstanceBackupsPost, InstanceSnapshotsPost, InstanceSource, InstancesPost,
        NetworkAclsPost, NetworkForwardsPost, NetworkLoadBalancerPoolsPost, NetworkLoadBalancersPost, NetworkPeersPost,
        NetworkZoneRecordsPost, NetworkZonesPost, NetworksPost, OperationId, PlacementGroupsPost, ProfilesPost,
        ProjectsPost, ReplicaMode, ReplicatorsPost, StorageBucketKeysPost, StorageBucketsPost,
        StoragePoolVolumeBackupsPost, StoragePoolsPost, StorageVolumeSnapshotsPost, StorageVolumeType,
        StorageVolumesPost,
    },
};

use serde_json::json;

use crate::support::{client, show};

pub(crate) type Client = client::Client<Recorded>;

/// Sends a call to its end, and shows what it gave.
pub(crate) type Call = fn(&Client) -> Result<String, Error>;

/// Gives one answer after the other to whatever was asked last, and then fails.
pub(crate) struct Recorded {
    answers: VecDeque<Response>,
    pub(crate) asked: Vec<String>,
    outstanding: Vec<Id>,
}

impl BlockingIo for Recorded {
    fn start(&mut self, id: Id, action: Action) {
        self.outstanding.push(id);
        self.asked.push(show::action(&action));
    }

    fn finish(&mut self) -> (Id, Result<Reply, Failure>) {
        let over = || Failure::new(FailureKind::Cancelled, "no more was recorded");
        let last = self.outstanding.pop().expect("something was asked");
        (last, self.answers.pop_front().map(Reply::Http).ok_or_else(over))
    }
}

pub(crate) fn recorded(answers: impl IntoIterator<Item = Response>) -> Client {
    Client::new(Recorded { answers: answers.into_iter().collect(), asked: Vec::new(), outstanding: Vec::new() })
}

/// Finds what is said of a request: of that very path first, and then of the last pattern that matches.
pub(crate) fn find<'a, T>(table: &'a [(&'static str, T)], request: &str) -> Option<&'a (&'static str, T)> {
    let literal = table.iter().find(|(pattern, _)| *pattern == request);
    literal.or_else(|| table.iter().rev().find(|(pattern, _)| matches(pattern, request)))
}

/// Whether a verb and path are of a pattern: `*` is any verb or any name, `**` this and anything below, with any query.
pub(crate) fn matches(pattern: &str, request: &str) -> bool {
    let query = |text: &str| text.split_once('?').map(|(_, query)| query.to_owned());
    let parts =
        |text: &str| text.split('?').next().unwrap().replacen(' ', "", 1).split('/').map(String::from).collect();
    let (wanted, there): (Vec<String>, Vec<String>) = (parts(pattern), parts(request));
    let same = |(part, there): (&String, &String)| part == "*" || part == there;
    match wanted.split_last() {
        Some((last, parents)) if last == "**" => there.len() >= parents.len() && parents.iter().zip(&there).all(same),
        _ => query(pattern) == query(request) && wanted.len() == there.len() && wanted.iter().zip(&there).all(same),
    }
}

fn shown<T: Debug>(value: T) -> String {
    format!("{value:?}")
}

fn id() -> OperationId {
    "5d3270d4-a901-4ec5-9aa3-f351d17b0846".parse().unwrap()
}

fn token() -> TrustToken {
    serde_json::from_value(json!({"fingerprint": "07".repeat(32), "secret": "s3cr3t"})).unwrap()
}

macro_rules! calls {
    ($lxd:ident: $($request:literal => $call:expr,)*) => {
        &[$(($request, |$lxd: &Client| $call.send().map(shown))),*]
    };
}

/// The calls, by verb and path with `*` for each name. What is made or changed is waited for.
pub(crate) const CALLS: &[(&str, Call)] = calls! { lxd:
    "GET /1.0" => lxd.server().get(),
    "PUT /1.0" => lxd.server().replace(Default::default()).wait(),
    "PATCH /1.0" => lxd.server().patch(|_| ()).wait(),
    "GET /1.0/resources" => lxd.server().resources(),
    "GET /1.0/events" => lxd.events().subscribe(),

    "GET /1.0/metadata/configuration" => lxd.server().metadata_configuration(),
    "GET /1.0/metrics" => lxd.server().metrics().bytes(),

    "GET /1.0/auth/groups" => lxd.auth().groups().names(),
    "GET /1.0/auth/groups?recursion=1" => lxd.auth().groups().list(),
    "POST /1.0/auth/groups" => lxd.auth().groups().create(AuthGroupsPost::new("x", [])).wait(),
    "GET /1.0/auth/groups/*" => lxd.auth().group("x").get(),
    "PUT /1.0/auth/groups/*" => lxd.auth().group("x").replace(Default::default()).wait(),
    "PATCH /1.0/auth/groups/*" => lxd.auth().group("x").patch(|_| ()).wait(),
    "POST /1.0/auth/groups/*" => lxd.auth().group("x").rename("y").wait(),
    "DELETE /1.0/auth/groups/*" => lxd.auth().group("x").delete().wait(),
    "GET /1.0/auth/identities" => lxd.auth().identities().names(),
    "GET /1.0/auth/identities?recursion=1" => lxd.auth().identities().list(),
    "GET /1.0/auth/identities/current" => lxd.auth().current_identity(),
    "GET /1.0/auth/identities/bearer" => lxd.auth().bearer_identities().names(),
    "GET /1.0/auth/identities/bearer?recursion=1" => lxd.auth().bearer_identities().list(),
    "POST /1.0/auth/identities/bearer"
        => lxd.auth().bearer_identities().create(IdentitiesBearerPost::client("x")).wait(),
    "GET /1.0/auth/identities/bearer/*" => lxd.auth().bearer_identity("x").get(),
    "PUT /1.0/auth/identities/bearer/*" => lxd.auth().bearer_identity("x").replace(Default::default()).wait(),
    "PATCH /1.0/auth/identities/bearer/*" => lxd.auth().bearer_identity("x").patch(|_| ()).wait(),
    "DELETE /1.0/auth/identities/bearer/*" => lxd.auth().bearer_identity("x").delete().wait(),
    "POST /1.0/auth/identities/bearer/*/token" => lxd.auth().bearer_identity("x").issue_token(),
    "DELETE /1.0/auth/identities/bearer/*/token" => lxd.auth().bearer_identity("x").revoke_token().wait(),
    "GET /1.0/auth/identities/oidc" => lxd.auth().oidc_identities().names(),
    "GET /1.0/auth/identities/oidc?recursion=1" => lxd.auth().oidc_identities().list(),
    "GET /1.0/auth/identities/oidc/*" => lxd.auth().oidc_identity("x").get(),
    "PUT /1.0/auth/identities/oidc/*" => lxd.auth().oidc_identity("x").replace(Default::default()).wait(),
    "PATCH /1.0/auth/identities/oidc/*" => lxd.auth().oidc_identity("x").patch(|_| ()).wait(),
    "DELETE /1.0/auth/identities/oidc/*" => lxd.auth().oidc_identity("x").delete().wait(),
    "GET /1.0/auth/identities/tls" => lxd.auth().tls_identities().names(),
    "GET /1.0/auth/identities/tls?recursion=1" => lxd.auth().tls_identities().list(),
    "POST /1.0/auth/identities/tls" => lxd.auth().tls_identities().create(IdentitiesTlsPost::new("x", "y")).wait(),
    "GET /1.0/auth/identities/tls/*" => lxd.auth().tls_identity("x").get(),
    "PUT /1.0/auth/identities/tls/*" => lxd.auth().tls_identity("x").replace(Default::default()).wait(),
    "PATCH /1.0/auth/identities/tls/*" => lxd.auth().tls_identity("x").patch(|_| ()).wait(),
    "DELETE /1.0/auth/identities/tls/*" => lxd.auth().tls_identity("x").delete().wait(),
    "GET /1.0/auth/identity-provider-groups" => lxd.auth().identity_provider_groups().names(),
    "GET /1.0/auth/identity-provider-groups?recursion=1" => lxd.auth().identity_provider_groups().list(),
    "POST /1.0/auth/identity-provider-groups"
        => lxd.auth().identity_provider_groups().create(IdentityProviderGroupsPost::new("x", ["y"])).wait(),
    "GET /1.0/auth/identity-provider-groups/*" => lxd.auth().identity_provider_group("x").get(),
    "PUT /1.0/auth/identity-provider-groups/*"
        => lxd.auth().identity_provider_group("x").replace(Default::default()).wait(),
    "PATCH /1.0/auth/identity-provider-groups/*" => lxd.auth().identity_provider_group("x").patch(|_| ()).wait(),
    "POST /1.0/auth/identity-provider-groups/*" => lxd.auth().identity_provider_group("x").rename("y").wait(),
    "DELETE /1.0/auth/identity-provider-groups/*" => lxd.auth().identity_provider_group("x").delete().wait(),
    "GET /1.0/auth/oidc-sessions" => lxd.auth().oidc_sessions().names(),
    "GET /1.0/auth/oidc-sessions?recursion=1" => lxd.auth().oidc_sessions().list(),
    "GET /1.0/auth/oidc-sessions/*" => lxd.auth().oidc_session("x").get(),
    "DELETE /1.0/auth/oidc-sessions/*" => lxd.auth().oidc_session("x").delete().wait(),
    "GET /1.0/auth/permissions" => lxd.auth().permissions(),
    "GET /1.0/auth/permissions?recursion=1" => lxd.auth().permissions().with_groups(),

    "GET /1.0/certificates" => lxd.certificates().names(),
    "GET /1.0/certificates?recursion=1" => lxd.certificates().list(),
    "POST /1.0/certificates" => lxd.certificates().create(CertificatesPost::client("x")).wait(),
    "GET /1.0/certificates/*" => lxd.certificate("x").get(),
    "PUT /1.0/certificates/*" => lxd.certificate("x").replace(Default::default()).wait(),
    "PATCH /1.0/certificates/*" => lxd.certificate("x").patch(|_| ()).wait(),
    "DELETE /1.0/certificates/*" => lxd.certificate("x").delete().wait(),

    "GET /1.0/cluster" => lxd.cluster().get(),
    "PUT /1.0/cluster" => lxd.cluster().enable("x").wait(),
    "PUT /1.0/cluster/certificate" => lxd.cluster().replace_certificate(ClusterCertificatePut::new("x", "y")).wait(),
    "GET /1.0/cluster/groups" => lxd.cluster().groups().names(),
    "GET /1.0/cluster/groups?recursion=1" => lxd.cluster().groups().list(),
    "POST /1.0/cluster/groups" => lxd.cluster().groups().create(ClusterGroupsPost::new("x", ["m"])).wait(),
    "GET /1.0/cluster/groups/*" => lxd.cluster().group("x").get(),
    "PUT /1.0/cluster/groups/*" => lxd.cluster().group("x").replace(Default::default()).wait(),
    "PATCH /1.0/cluster/groups/*" => lxd.cluster().group("x").patch(|_| ()).wait(),
    "POST /1.0/cluster/groups/*" => lxd.cluster().group("x").rename("y").wait(),
    "DELETE /1.0/cluster/groups/*" => lxd.cluster().group("x").delete().wait(),
    "GET /1.0/cluster/links" => lxd.cluster().links().names(),
    "GET /1.0/cluster/links?recursion=1" => lxd.cluster().links().list(),
    "POST /1.0/cluster/links" => lxd.cluster().links().create(ClusterLinksPost::new("x", &token())).wait(),
    "GET /1.0/cluster/links/*" => lxd.cluster().link("x").get(),
    "PUT /1.0/cluster/links/*" => lxd.cluster().link("x").replace(Default::default()).wait(),
    "PATCH /1.0/cluster/links/*" => lxd.cluster().link("x").patch(|_| ()).wait(),
    "POST /1.0/cluster/links/*" => lxd.cluster().link("x").rename("y").wait(),
    "DELETE /1.0/cluster/links/*" => lxd.cluster().link("x").delete().wait(),
    "GET /1.0/cluster/links/*/state" => lxd.cluster().link("x").state(),
    "GET /1.0/cluster/members" => lxd.cluster().members().names(),
    "GET /1.0/cluster/members?recursion=1" => lxd.cluster().members().list(),
    "POST /1.0/cluster/members" => lxd.cluster().members().token("x"),
    "GET /1.0/cluster/members/*" => lxd.cluster().member("x").get(),
    "PUT /1.0/cluster/members/*" => lxd.cluster().member("x").replace(Default::default()).wait(),
    "PATCH /1.0/cluster/members/*" => lxd.cluster().member("x").patch(|_| ()).wait(),
    "POST /1.0/cluster/members/*" => lxd.cluster().member("x").rename("y").wait(),
    "DELETE /1.0/cluster/members/*" => lxd.cluster().member("x").delete().wait(),
    "GET /1.0/cluster/members/*/state" => lxd.cluster().member("x").state(),
    "POST /1.0/cluster/members/*/state" => lxd.cluster().member("x").evacuate().wait(),

    "GET /1.0/images" => lxd.images().names(),
    "GET /1.0/images?recursion=1" => lxd.images().list(),
    "POST /1.0/images" => lxd.images().create(ImagesPost::from_instance("x")).wait(),
    "GET /1.0/images/aliases" => lxd.image_aliases().names(),
    "GET /1.0/images/aliases?recursion=1" => lxd.image_aliases().list(),
    "POST /1.0/images/aliases" => lxd.image_aliases().create(ImageAliasesPost::new("x", "y")).wait(),
    "GET /1.0/images/aliases/*" => lxd.image_alias("x").get(),
    "PUT /1.0/images/aliases/*" => lxd.image_alias("x").replace(Default::default()).wait(),
    "PATCH /1.0/images/aliases/*" => lxd.image_alias("x").patch(|_| ()).wait(),
    "POST /1.0/images/aliases/*" => lxd.image_alias("x").rename("y").wait(),
    "DELETE /1.0/images/aliases/*" => lxd.image_alias("x").delete().wait(),
    "GET /1.0/images/*" => lxd.image("x").get(),
    "PUT /1.0/images/*" => lxd.image("x").replace(Default::default()).wait(),
    "PATCH /1.0/images/*" => lxd.image("x").patch(|_| ()).wait(),
    "DELETE /1.0/images/*" => lxd.image("x").delete().wait(),
    "GET /1.0/images/*/export" => lxd.image("x").export(),
    "POST /1.0/images/*/export" => lxd.image("x").push(ImageExportPost::default()).wait(),
    "POST /1.0/images/*/refresh" => lxd.image("x").refresh().wait(),
    "POST /1.0/images/*/secret" => lxd.image("x").secret(),

    "GET /1.0/instances" => lxd.instances().names(),
    "GET /1.0/instances?recursion=1" => lxd.instances().list(),
    "GET /1.0/instances?recursion=2" => lxd.instances().list_full(),
    "POST /1.0/instances" => lxd.instances().create(InstancesPost::empty("x")).wait(),
    "PUT /1.0/instances" => lxd.instances().change_state(InstanceAction::Freeze).wait(),
    "GET /1.0/instances/*" => lxd.instance("x").get(),
    "GET /1.0/instances/*?recursion=1" => lxd.instance("x").get_full(),
    "PUT /1.0/instances/*" => lxd.instance("x").replace(Default::default()).wait(),
    "PATCH /1.0/instances/*" => lxd.instance("x").patch(|_| ()).wait(),
    "POST /1.0/instances/*" => lxd.instance("x").rename("y").wait(),
    "DELETE /1.0/instances/*" => lxd.instance("x").delete().wait(),
    "POST /1.0/instances/*/rebuild" => lxd.instance("x").rebuild(InstanceSource::none()).wait(),
    "GET /1.0/instances/*/state" => lxd.instance("x").state(),
    "PUT /1.0/instances/*/state" => lxd.instance("x").start().wait(),
    "GET /1.0/instances/*/uefi-vars" => lxd.instance("x").uefi_vars().get(),
    "PUT /1.0/instances/*/uefi-vars" => lxd.instance("x").uefi_vars().replace(Default::default()).wait(),
    "GET /1.0/instances/*/sftp" => lxd.instance("x").sftp(),
    "POST /1.0/instances/*/exec" => lxd.instance("x").exec(["y"]).terminal(),
    "POST /1.0/instances/*/console" => lxd.instance("x").console().attach(),
    "GET /1.0/instances/*/console" => lxd.instance("x").console_log(),
    "DELETE /1.0/instances/*/console" => lxd.instance("x").clear_console_log().wait(),
    "GET /1.0/instances/*/backups" => lxd.instance("x").backups().names(),
    "GET /1.0/instances/*/backups?recursion=1" => lxd.instance("x").backups().list(),
    "POST /1.0/instances/*/backups" => lxd.instance("x").backups().create(InstanceBackupsPost::new("y")).wait(),
    "GET /1.0/instances/*/backups/*" => lxd.instance("x").backup("y").get(),
    "POST /1.0/instances/*/backups/*" => lxd.instance("x").backup("y").rename("z").wait(),
    "DELETE /1.0/instances/*/backups/*" => lxd.instance("x").backup("y").delete().wait(),
    "GET /1.0/instances/*/backups/*/export" => lxd.instance("x").backup("y").export(),
    "HEAD /1.0/instances/*/files" => lxd.instance("x").files().stat("/y"),
    "GET /1.0/instances/*/files" => lxd.instance("x").files().get("/y"),
    "POST /1.0/instances/*/files" => lxd.instance("x").files().mkdir("/y"),
    "DELETE /1.0/instances/*/files" => lxd.instance("x").files().delete("/y").wait(),
    "GET /1.0/instances/*/logs" => lxd.instance("x").logs().names(),
    "GET /1.0/instances/*/logs/*" => lxd.instance("x").logs().get("y"),
    "DELETE /1.0/instances/*/logs/*" => lxd.instance("x").logs().delete("y").wait(),
    "GET /1.0/instances/*/logs/exec-output" => lxd.instance("x").exec_outputs().names(),
    "GET /1.0/instances/*/logs/exec-output/*" => lxd.instance("x").exec_outputs().get("y"),
    "DELETE /1.0/instances/*/logs/exec-output/*" => lxd.instance("x").exec_outputs().delete("y").wait(),
    "GET /1.0/instances/*/metadata" => lxd.instance("x").metadata().get(),
    "PUT /1.0/instances/*/metadata" => lxd.instance("x").metadata().replace(Default::default()).wait(),
    "PATCH /1.0/instances/*/metadata" => lxd.instance("x").metadata().patch(|_| ()).wait(),
    "GET /1.0/instances/*/metadata/templates" => lxd.instance("x").templates().names(),
    "POST /1.0/instances/*/metadata/templates" => lxd.instance("x").templates().put("y", "z").wait(),
    "DELETE /1.0/instances/*/metadata/templates" => lxd.instance("x").templates().delete("y").wait(),
    "GET /1.0/instances/*/snapshots" => lxd.instance("x").snapshots().names(),
    "GET /1.0/instances/*/snapshots?recursion=1" => lxd.instance("x").snapshots().list(),
    "POST /1.0/instances/*/snapshots" => lxd.instance("x").snapshots().create(InstanceSnapshotsPost::new("y")).wait(),
    "GET /1.0/instances/*/snapshots/*" => lxd.instance("x").snapshot("y").get(),
    "PUT /1.0/instances/*/snapshots/*" => lxd.instance("x").snapshot("y").replace(Default::default()).wait(),
    "PATCH /1.0/instances/*/snapshots/*" => lxd.instance("x").snapshot("y").patch(|_| ()).wait(),
    "POST /1.0/instances/*/snapshots/*" => lxd.instance("x").snapshot("y").rename("z").wait(),
    "DELETE /1.0/instances/*/snapshots/*" => lxd.instance("x").snapshot("y").delete().wait(),

    "GET /1.0/network-acls" => lxd.network_acls().names(),
    "GET /1.0/network-acls?recursion=1" => lxd.network_acls().list(),
    "POST /1.0/network-acls" => lxd.network_acls().create(NetworkAclsPost::new("x")).wait(),
    "GET /1.0/network-acls/*" => lxd.network_acl("x").get(),
    "PUT /1.0/network-acls/*" => lxd.network_acl("x").replace(Default::default()).wait(),
    "PATCH /1.0/network-acls/*" => lxd.network_acl("x").patch(|_| ()).wait(),
    "POST /1.0/network-acls/*" => lxd.network_acl("x").rename("y").wait(),
    "DELETE /1.0/network-acls/*" => lxd.network_acl("x").delete().wait(),
    "GET /1.0/network-acls/*/log" => lxd.network_acl("x").log(),
    "GET /1.0/network-allocations" => lxd.network_allocations(),
    "GET /1.0/network-zones" => lxd.network_zones().names(),
    "GET /1.0/network-zones?recursion=1" => lxd.network_zones().list(),
    "POST /1.0/network-zones" => lxd.network_zones().create(NetworkZonesPost::new("x")).wait(),
    "GET /1.0/network-zones/*" => lxd.network_zone("x").get(),
    "PUT /1.0/network-zones/*" => lxd.network_zone("x").replace(Default::default()).wait(),
    "PATCH /1.0/network-zones/*" => lxd.network_zone("x").patch(|_| ()).wait(),
    "DELETE /1.0/network-zones/*" => lxd.network_zone("x").delete().wait(),
    "GET /1.0/network-zones/*/records" => lxd.network_zone("x").records().names(),
    "GET /1.0/network-zones/*/records?recursion=1" => lxd.network_zone("x").records().list(),
    "POST /1.0/network-zones/*/records"
        => lxd.network_zone("x").records().create(NetworkZoneRecordsPost::new("y")).wait(),
    "GET /1.0/network-zones/*/records/*" => lxd.network_zone("x").record("y").get(),
    "PUT /1.0/network-zones/*/records/*" => lxd.network_zone("x").record("y").replace(Default::default()).wait(),
    "PATCH /1.0/network-zones/*/records/*" => lxd.network_zone("x").record("y").patch(|_| ()).wait(),
    "DELETE /1.0/network-zones/*/records/*" => lxd.network_zone("x").record("y").delete().wait(),
    "GET /1.0/networks" => lxd.networks().names(),
    "GET /1.0/networks?recursion=1" => lxd.networks().list(),
    "POST /1.0/networks" => lxd.networks().create(NetworksPost::new("x")).wait(),
    "GET /1.0/networks/*" => lxd.network("x").get(),
    "PUT /1.0/networks/*" => lxd.network("x").replace(Default::default()).wait(),
    "PATCH /1.0/networks/*" => lxd.network("x").patch(|_| ()).wait(),
    "POST /1.0/networks/*" => lxd.network("x").rename("y").wait(),
    "DELETE /1.0/networks/*" => lxd.network("x").delete().wait(),
    "GET /1.0/networks/*/leases" => lxd.network("x").leases(),
    "GET /1.0/networks/*/state" => lxd.network("x").state(),
    "GET /1.0/networks/*/forwards" => lxd.network("x").forwards().names(),
    "GET /1.0/networks/*/forwards?recursion=1" => lxd.network("x").forwards().list(),
    "POST /1.0/networks/*/forwards" => lxd.network("x").forwards().create(NetworkForwardsPost::new("y")).wait(),
    "GET /1.0/networks/*/forwards/*" => lxd.network("x").forward("y").get(),
    "PUT /1.0/networks/*/forwards/*" => lxd.network("x").forward("y").replace(Default::default()).wait(),
    "PATCH /1.0/networks/*/forwards/*" => lxd.network("x").forward("y").patch(|_| ()).wait(),
    "DELETE /1.0/networks/*/forwards/*" => lxd.network("x").forward("y").delete().wait(),
    "GET /1.0/networks/*/load-balancer-pools" => lxd.network("x").load_balancer_pools().list(),
    "POST /1.0/networks/*/load-balancer-pools"
        => lxd.network("x").load_balancer_pools().create(NetworkLoadBalancerPoolsPost::new("y", ["z"])).wait(),
    "GET /1.0/networks/*/load-balancer-pools/*" => lxd.network("x").load_balancer_pool("y").get(),
    "PUT /1.0/networks/*/load-balancer-pools/*"
        => lxd.network("x").load_balancer_pool("y").replace(Default::default()).wait(),
    "DELETE /1.0/networks/*/load-balancer-pools/*" => lxd.network("x").load_balancer_pool("y").delete().wait(),
    "GET /1.0/networks/*/load-balancer-pools/*/state" => lxd.network("x").load_balancer_pool("y").state(),
    "GET /1.0/networks/*/load-balancers" => lxd.network("x").load_balancers().names(),
    "GET /1.0/networks/*/load-balancers?recursion=1" => lxd.network("x").load_balancers().list(),
    "POST /1.0/networks/*/load-balancers"
        => lxd.network("x").load_balancers().create(NetworkLoadBalancersPost::new("y")).wait(),
    "GET /1.0/networks/*/load-balancers/*" => lxd.network("x").load_balancer("y").get(),
    "PUT /1.0/networks/*/load-balancers/*" => lxd.network("x").load_balancer("y").replace(Default::default()).wait(),
    "PATCH /1.0/networks/*/load-balancers/*" => lxd.network("x").load_balancer("y").patch(|_| ()).wait(),
    "DELETE /1.0/networks/*/load-balancers/*" => lxd.network("x").load_balancer("y").delete().wait(),
    "GET /1.0/networks/*/peers" => lxd.network("x").peers().names(),
    "GET /1.0/networks/*/peers?recursion=1" => lxd.network("x").peers().list(),
    "POST /1.0/networks/*/peers" => lxd.network("x").peers().create(NetworkPeersPost::new("y", "z")).wait(),
    "GET /1.0/networks/*/peers/*" => lxd.network("x").peer("y").get(),
    "PUT /1.0/networks/*/peers/*" => lxd.network("x").peer("y").replace(Default::default()).wait(),
    "PATCH /1.0/networks/*/peers/*" => lxd.network("x").peer("y").patch(|_| ()).wait(),
    "DELETE /1.0/networks/*/peers/*" => lxd.network("x").peer("y").delete().wait(),

    "GET /1.0/operations" => lxd.operations().names(),
    "GET /1.0/operations?recursion=1" => lxd.operations().list(),
    "GET /1.0/operations/*" => lxd.operation(id()).get(),
    "DELETE /1.0/operations/*" => lxd.operation(id()).cancel().wait(),
    "GET /1.0/operations/*/wait" => lxd.instance("x").start().wait(),
    "GET /1.0/operations/*/websocket" => lxd.instance("x").exec(["y"]).output(),

    "GET /1.0/placement-groups" => lxd.placement_groups().names(),
    "GET /1.0/placement-groups?recursion=1" => lxd.placement_groups().list(),
    "POST /1.0/placement-groups" => lxd.placement_groups().create(PlacementGroupsPost::new("x")).wait(),
    "GET /1.0/placement-groups/*" => lxd.placement_group("x").get(),
    "PUT /1.0/placement-groups/*" => lxd.placement_group("x").replace(Default::default()).wait(),
    "PATCH /1.0/placement-groups/*" => lxd.placement_group("x").patch(|_| ()).wait(),
    "POST /1.0/placement-groups/*" => lxd.placement_group("x").rename("y").wait(),
    "DELETE /1.0/placement-groups/*" => lxd.placement_group("x").delete().wait(),

    "GET /1.0/profiles" => lxd.profiles().names(),
    "GET /1.0/profiles?recursion=1" => lxd.profiles().list(),
    "POST /1.0/profiles" => lxd.profiles().create(ProfilesPost::new("x")).wait(),
    "GET /1.0/profiles/*" => lxd.profile("x").get(),
    "PUT /1.0/profiles/*" => lxd.profile("x").replace(Default::default()).wait(),
    "PATCH /1.0/profiles/*" => lxd.profile("x").patch(|_| ()).wait(),
    "POST /1.0/profiles/*" => lxd.profile("x").rename("y").wait(),
    "DELETE /1.0/profiles/*" => lxd.profile("x").delete().wait(),

    "GET /1.0/projects" => lxd.projects().names(),
    "GET /1.0/projects?recursion=1" => lxd.projects().list(),
    "POST /1.0/projects" => lxd.projects().create(ProjectsPost::new("x")).wait(),
    "GET /1.0/projects/*" => lxd.projects().one("x").get(),
    "PUT /1.0/projects/*" => lxd.projects().one("x").replace(Default::default()).wait(),
    "PATCH /1.0/projects/*" => lxd.projects().one("x").patch(|_| ()).wait(),
    "POST /1.0/projects/*" => lxd.projects().one("x").rename("y").wait(),
    "DELETE /1.0/projects/*" => lxd.projects().one("x").delete().wait(),
    "GET /1.0/projects/*/state" => lxd.projects().one("x").state(),
    "PUT /1.0/projects/*/state" => lxd.projects().one("x").replica_mode(ReplicaMode::Leader).wait(),

    "GET /1.0/replicators" => lxd.replicators().names(),
    "GET /1.0/replicators?recursion=1" => lxd.replicators().list(),
    "POST /1.0/replicators" => lxd.replicators().create(ReplicatorsPost::new("x", "y")).wait(),
    "GET /1.0/replicators/*" => lxd.replicator("x").get(),
    "PUT /1.0/replicators/*" => lxd.replicator("x").replace(Default::default()).wait(),
    "PATCH /1.0/replicators/*" => lxd.replicator("x").patch(|_| ()).wait(),
    "POST /1.0/replicators/*" => lxd.replicator("x").rename("y").wait(),
    "DELETE /1.0/replicators/*" => lxd.replicator("x").delete().wait(),
    "GET /1.0/replicators/*/state" => lxd.replicator("x").state(),
    "PUT /1.0/replicators/*/state" => lxd.replicator("x").start().wait(),

    "GET /1.0/storage-pools" => lxd.storage_pools().names(),
    "GET /1.0/storage-pools?recursion=1" => lxd.storage_pools().list(),
    "POST /1.0/storage-pools" => lxd.storage_pools().create(StoragePoolsPost::new("x", "dir")).wait(),
    "GET /1.0/storage-pools/*" => lxd.storage_pool("x").get(),
    "PUT /1.0/storage-pools/*" => lxd.storage_pool("x").replace(Default::default()).wait(),
    "PATCH /1.0/storage-pools/*" => lxd.storage_pool("x").patch(|_| ()).wait(),
    "DELETE /1.0/storage-pools/*" => lxd.storage_pool("x").delete().wait(),
    "GET /1.0/storage-pools/*/resources" => lxd.storage_pool("x").resources(),
    "GET /1.0/storage-pools/*/buckets" => lxd.storage_pool("x").buckets().names(),
    "GET /1.0/storage-pools/*/buckets?recursion=1" => lxd.storage_pool("x").buckets().list(),
    "POST /1.0/storage-pools/*/buckets" => lxd.storage_pool("x").buckets().create(StorageBucketsPost::new("y")).wait(),
    "GET /1.0/storage-pools/*/buckets/*" => lxd.storage_pool("x").bucket("y").get(),
    "PUT /1.0/storage-pools/*/buckets/*" => lxd.storage_pool("x").bucket("y").replace(Default::default()).wait(),
    "PATCH /1.0/storage-pools/*/buckets/*" => lxd.storage_pool("x").bucket("y").patch(|_| ()).wait(),
    "DELETE /1.0/storage-pools/*/buckets/*" => lxd.storage_pool("x").bucket("y").delete().wait(),
    "GET /1.0/storage-pools/*/buckets/*/keys" => lxd.storage_pool("x").bucket("y").keys().names(),
    "GET /1.0/storage-pools/*/buckets/*/keys?recursion=1" => lxd.storage_pool("x").bucket("y").keys().list(),
    "POST /1.0/storage-pools/*/buckets/*/keys"
        => lxd.storage_pool("x").bucket("y").keys().create(StorageBucketKeysPost::new("z")).wait(),
    "GET /1.0/storage-pools/*/buckets/*/keys/*" => lxd.storage_pool("x").bucket("y").key("z").get(),
    "PUT /1.0/storage-pools/*/buckets/*/keys/*"
        => lxd.storage_pool("x").bucket("y").key("z").replace(Default::default()).wait(),
    "DELETE /1.0/storage-pools/*/buckets/*/keys/*" => lxd.storage_pool("x").bucket("y").key("z").delete().wait(),
    "GET /1.0/storage-pools/*/volumes" => lxd.storage_pool("x").volumes().names(),
    "GET /1.0/storage-pools/*/volumes?recursion=1" => lxd.storage_pool("x").volumes().list(),
    "GET /1.0/storage-pools/*/volumes/*" => lxd.storage_pool("x").volumes().of(StorageVolumeType::Custom).names(),
    "GET /1.0/storage-pools/*/volumes/*?recursion=1"
        => lxd.storage_pool("x").volumes().of(StorageVolumeType::Custom).list(),
    "POST /1.0/storage-pools/*/volumes/*"
        => lxd.storage_pool("x").volumes().create(StorageVolumesPost::new("y")).wait(),
    "GET /1.0/storage-pools/*/volumes/*/*" => lxd.storage_pool("x").custom_volume("y").get(),
    "PUT /1.0/storage-pools/*/volumes/*/*"
        => lxd.storage_pool("x").custom_volume("y").replace(Default::default()).wait(),
    "PATCH /1.0/storage-pools/*/volumes/*/*" => lxd.storage_pool("x").custom_volume("y").patch(|_| ()).wait(),
    "POST /1.0/storage-pools/*/volumes/*/*" => lxd.storage_pool("x").custom_volume("y").rename("z").wait(),
    "DELETE /1.0/storage-pools/*/volumes/*/*" => lxd.storage_pool("x").custom_volume("y").delete().wait(),
    "GET /1.0/storage-pools/*/volumes/*/*/state" => lxd.storage_pool("x").custom_volume("y").state(),
    "GET /1.0/storage-pools/*/volumes/*/*/backups" => lxd.storage_pool("x").custom_volume("y").backups().names(),
    "GET /1.0/storage-pools/*/volumes/*/*/backups?recursion=1"
        => lxd.storage_pool("x").custom_volume("y").backups().list(),
    "POST /1.0/storage-pools/*/volumes/*/*/backups"
        => lxd.storage_pool("x").custom_volume("y").backups().create(StoragePoolVolumeBackupsPost::new("z")).wait(),
    "GET /1.0/storage-pools/*/volumes/*/*/backups/*" => lxd.storage_pool("x").custom_volume("y").backup("z").get(),
    "POST /1.0/storage-pools/*/volumes/*/*/backups/*"
        => lxd.storage_pool("x").custom_volume("y").backup("z").rename("w").wait(),
    "DELETE /1.0/storage-pools/*/volumes/*/*/backups/*"
        => lxd.storage_pool("x").custom_volume("y").backup("z").delete().wait(),
    "GET /1.0/storage-pools/*/volumes/*/*/backups/*/export"
        => lxd.storage_pool("x").custom_volume("y").backup("z").export(),
    "GET /1.0/storage-pools/*/volumes/*/*/snapshots" => lxd.storage_pool("x").custom_volume("y").snapshots().names(),
    "GET /1.0/storage-pools/*/volumes/*/*/snapshots?recursion=1"
        => lxd.storage_pool("x").custom_volume("y").snapshots().list(),
    "POST /1.0/storage-pools/*/volumes/*/*/snapshots"
        => lxd.storage_pool("x").custom_volume("y").snapshots().create(StorageVolumeSnapshotsPost::new("z")).wait(),
    "GET /1.0/storage-pools/*/volumes/*/*/snapshots/*" => lxd.storage_pool("x").custom_volume("y").snapshot("z").get(),
    "PUT /1.0/storage-pools/*/volumes/*/*/snapshots/*"
        => lxd.storage_pool("x").custom_volume("y").snapshot("z").replace(Default::default()).wait(),
    "PATCH /1.0/storage-pools/*/volumes/*/*/snapshots/*"
        => lxd.storage_pool("x").custom_volume("y").snapshot("z").patch(|_| ()).wait(),
    "POST /1.0/storage-pools/*/volumes/*/*/snapshots/*"
        => lxd.storage_pool("x").custom_volume("y").snapshot("z").rename("w").wait(),
    "DELETE /1.0/storage-pools/*/volumes/*/*/snapshots/*"
        => lxd.storage_pool("x").custom_volume("y").snapshot("z").delete().wait(),
    "GET /1.0/storage-volumes" => lxd.storage_volumes().names(),
    "GET /1.0/storage-volumes?recursion=1" => lxd.storage_volumes().list(),
    "GET /1.0/storage-volumes/*" => lxd.storage_volumes().of(StorageVolumeType::Custom).names(),
    "GET /1.0/storage-volumes/*?recursion=1" => lxd.storage_volumes().of(StorageVolumeType::Custom).list(),

    "GET /1.0/warnings" => lxd.warnings().names(),
    "GET /1.0/warnings?recursion=1" => lxd.warnings().list(),
    "GET /1.0/warnings/*" => lxd.warning("x").get(),
    "PUT /1.0/warnings/*" => lxd.warning("x").replace(Default::default()).wait(),
    "PATCH /1.0/warnings/*" => lxd.warning("x").acknowledge().wait(),
    "DELETE /1.0/warnings/*" => lxd.warning("x").delete().wait(),
};
