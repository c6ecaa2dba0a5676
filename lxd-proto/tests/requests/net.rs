//! Networks, projects, warnings, hardware, certificates and the cluster.

use lxd_proto::{
    Error, Fingerprint, Lxd, Secret,
    resources::{
        ClusterCertificatePut, ClusterGroupsPost, ClusterJoin, ClusterMemberJoinToken, ClusterRole, EvacuationMode,
        NetworkAclsPost, NetworkForwardPort, NetworkForwardPut, NetworkForwardsPost, NetworkPeersPost, NetworkPut,
        NetworkType, NetworkZoneRecordEntry, NetworkZoneRecordsPost, NetworkZonesPost, NetworksPost, ProjectPut,
        ProjectsPost, ReplicaMode, WarningPut,
    },
};

use serde_json::json;

use super::{etag, golden, lxd};
use crate::support::script::{operation, play, running, sync};

#[test]
fn networks() {
    let lxd = lxd();
    let (all, one) = (lxd.networks(), lxd.network("br0"));
    let mut put = NetworkPut::default();
    put.config.insert("ipv4.nat".into(), "true".into());
    golden! { lxd:
        all.list() => "GET /1.0/networks?recursion=1",
        all.list().all_projects() => "GET /1.0/networks?recursion=1&all-projects=true",
        all.names() => "GET /1.0/networks",
        all.get("br0") => "GET /1.0/networks/br0",
        all.create(NetworksPost::new("br0").config("ipv4.address", "10.1.2.1/24")).wait() => r#"POST /1.0/networks
content-type: application/json

{"name":"br0","config":{"ipv4.address":"10.1.2.1/24"}}"#,
        lxd.target("m1").networks().create(NetworksPost::of_type("m", NetworkType::Macvlan))
            => r#"POST /1.0/networks?target=m1
content-type: application/json

{"name":"m","type":"macvlan"}"#,
        one.get() => "GET /1.0/networks/br0",
        one.edit(|_| ()) => "GET /1.0/networks/br0",
        one.replace(put).if_match(etag()) => r#"PUT /1.0/networks/br0
content-type: application/json
if-match: "e1"

{"description":"","config":{"ipv4.nat":"true"}}"#,
        one.patch(|p| p.description = Some("x".into())) => r#"PATCH /1.0/networks/br0
content-type: application/json

{"description":"x"}"#,
        one.rename("br1") => r#"POST /1.0/networks/br0
content-type: application/json

{"name":"br1"}"#,
        one.delete().wait() => "DELETE /1.0/networks/br0",
        one.state() => "GET /1.0/networks/br0/state",
        one.leases() => "GET /1.0/networks/br0/leases",
        lxd.project("p").network("br0").leases() => "GET /1.0/networks/br0/leases?project=p",
    }
}

#[test]
fn network_forwards() {
    let lxd = lxd();
    let (all, one) = (lxd.network("br0").forwards(), lxd.network("br0").forward("fd42::1"));
    let mut post = NetworkForwardsPost::new("192.0.2.1");
    post.ports.push(NetworkForwardPort::tcp("80,90-95", "10.1.2.10").to_port("8080"));
    let mut put = NetworkForwardPut::default();
    put.ports.push(NetworkForwardPort::udp("53", "10.1.2.10"));
    golden! { lxd:
        all.list() => "GET /1.0/networks/br0/forwards?recursion=1",
        all.names() => "GET /1.0/networks/br0/forwards",
        all.create(post) => r#"POST /1.0/networks/br0/forwards
content-type: application/json

{"listen_address":"192.0.2.1","ports":[{"description":"","protocol":"tcp","listen_port":"80,90-95","target_port":"8080","target_address":"10.1.2.10"}]}"#,
        all.create(NetworkForwardsPost::any_ipv6()) => r#"POST /1.0/networks/br0/forwards
content-type: application/json

{"listen_address":"::"}"#,
        one.get() => "GET /1.0/networks/br0/forwards/fd42%3A%3A1",
        one.edit(|_| ()) => "GET /1.0/networks/br0/forwards/fd42%3A%3A1",
        one.replace(put) => r#"PUT /1.0/networks/br0/forwards/fd42%3A%3A1
content-type: application/json

{"description":"","config":{},"ports":[{"description":"","protocol":"udp","listen_port":"53","target_port":"","target_address":"10.1.2.10"}]}"#,
        one.patch(|p| p.ports = Some(vec![])) => r#"PATCH /1.0/networks/br0/forwards/fd42%3A%3A1
content-type: application/json

{"ports":[]}"#,
        one.delete() => "DELETE /1.0/networks/br0/forwards/fd42%3A%3A1",
    }
}

#[test]
fn network_acls_zones_peers_and_allocations() {
    let lxd = lxd();
    let (acl, zone, peers) = (lxd.network_acl("a"), lxd.network_zone("z.net"), lxd.network("ovn0").peers());
    let mut post = NetworkZoneRecordsPost::new("www");
    post.entries.push(NetworkZoneRecordEntry::new("A", "192.0.2.1"));
    golden! { lxd:
        lxd.network_acls().list().all_projects() => "GET /1.0/network-acls?recursion=1&all-projects=true",
        lxd.network_acls().create(NetworkAclsPost::new("a")) => r#"POST /1.0/network-acls
content-type: application/json

{"name":"a"}"#,
        acl.get() => "GET /1.0/network-acls/a",
        acl.rename("b") => r#"POST /1.0/network-acls/a
content-type: application/json

{"name":"b"}"#,
        acl.log().bytes() => "GET /1.0/network-acls/a/log",
        acl.delete() => "DELETE /1.0/network-acls/a",
        lxd.network_zones().names().all_projects() => "GET /1.0/network-zones?all-projects=true",
        lxd.network_zones().create(NetworkZonesPost::new("z.net")) => r#"POST /1.0/network-zones
content-type: application/json

{"name":"z.net"}"#,
        zone.delete() => "DELETE /1.0/network-zones/z.net",
        zone.records().list() => "GET /1.0/network-zones/z.net/records?recursion=1",
        zone.records().create(post) => r#"POST /1.0/network-zones/z.net/records
content-type: application/json

{"name":"www","entries":[{"type":"A","ttl":0,"value":"192.0.2.1"}]}"#,
        zone.record("www").delete() => "DELETE /1.0/network-zones/z.net/records/www",
        peers.names() => "GET /1.0/networks/ovn0/peers",
        peers.create(NetworkPeersPost::new("p", "ovn1")) => r#"POST /1.0/networks/ovn0/peers
content-type: application/json

{"name":"p","target_network":"ovn1"}"#,
        lxd.network("ovn0").peer("p").patch(|p| p.description = Some("x".into()))
            => r#"PATCH /1.0/networks/ovn0/peers/p
content-type: application/json

{"description":"x"}"#,
        lxd.network_allocations() => "GET /1.0/network-allocations",
        lxd.project("p").network_allocations().all_projects() => "GET /1.0/network-allocations?all-projects=true",
    }
}

#[test]
fn projects() {
    let lxd = lxd();
    let (all, one) = (lxd.projects(), lxd.projects().one("p1"));
    let mut put = ProjectPut::default();
    put.description = "x".into();
    golden! { lxd:
        all.list() => "GET /1.0/projects?recursion=1",
        all.names() => "GET /1.0/projects",
        all.get("p1") => "GET /1.0/projects/p1",
        all.create(ProjectsPost::new("p1").config("features.images", "false")) => r#"POST /1.0/projects
content-type: application/json

{"name":"p1","config":{"features.images":"false"}}"#,
        one.edit(|_| ()) => "GET /1.0/projects/p1",
        one.replace(put) => r#"PUT /1.0/projects/p1
content-type: application/json

{"description":"x","config":{}}"#,
        one.patch(|p| p.config = Some([("user.k".into(), "v".into())].into())) => r#"PATCH /1.0/projects/p1
content-type: application/json

{"config":{"user.k":"v"}}"#,
        one.rename("p2").wait() => r#"POST /1.0/projects/p1
content-type: application/json

{"name":"p2"}"#,
        one.delete() => "DELETE /1.0/projects/p1",
        one.delete().force().wait() => "DELETE /1.0/projects/p1?force=1",
        one.state() => "GET /1.0/projects/p1/state",
        one.replica_mode(ReplicaMode::Leader) => r#"PUT /1.0/projects/p1/state
content-type: application/json

{"replica_mode":"leader"}"#,
        one.replica_mode(ReplicaMode::Standby).force() => r#"PUT /1.0/projects/p1/state?force=true
content-type: application/json

{"replica_mode":"standby"}"#,
    }
}

#[test]
fn warnings_and_hardware() {
    let lxd = lxd();
    let one = lxd.warning("0758d426-c48b-4749-81c6-dbb496f6dce4");
    let mut put = WarningPut::default();
    put.status = "new".into();
    golden! { lxd:
        lxd.warnings().list() => "GET /1.0/warnings?recursion=1",
        lxd.warnings().names() => "GET /1.0/warnings",
        one.get() => "GET /1.0/warnings/0758d426-c48b-4749-81c6-dbb496f6dce4",
        one.acknowledge() => r#"PATCH /1.0/warnings/0758d426-c48b-4749-81c6-dbb496f6dce4
content-type: application/json

{"status":"acknowledged"}"#,
        one.replace(put) => r#"PUT /1.0/warnings/0758d426-c48b-4749-81c6-dbb496f6dce4
content-type: application/json

{"status":"new"}"#,
        one.delete() => "DELETE /1.0/warnings/0758d426-c48b-4749-81c6-dbb496f6dce4",
        lxd.server().resources() => "GET /1.0/resources",
        lxd.server().metrics().bytes() => "GET /1.0/metrics",
        lxd.project("p").target("m2").server().metrics() => "GET /1.0/metrics?project=p&target=m2",
        lxd.server().metadata_configuration() => "GET /1.0/metadata/configuration",
        lxd.target("m2").server().resources() => "GET /1.0/resources?target=m2",
    }
}

#[test]
fn tokens() {
    let lxd = lxd();
    golden! { lxd:
        lxd.certificates().token("you").restricted_to(["p1", "p2"]) => r#"POST /1.0/certificates
content-type: application/json

{"name":"you","type":"client","restricted":true,"projects":["p1","p2"],"token":true}"#,
        lxd.cluster().members().token("m2") => r#"POST /1.0/cluster/members
content-type: application/json

{"server_name":"m2"}"#,
    }
}

/// Nothing is sent to `PUT /1.0/cluster` that does not say in words whether it begins or leaves a cluster.
///
/// pylxd: W19.
#[test]
fn cluster() {
    let lxd = lxd();
    let cluster = lxd.cluster();
    golden! { lxd:
        cluster.get() => "GET /1.0/cluster",
        cluster.enable("m1").wait() => r#"PUT /1.0/cluster
content-type: application/json

{"enabled":true,"server_name":"m1"}"#,
        cluster.disable() => r#"PUT /1.0/cluster
content-type: application/json

{"enabled":false}"#,
        cluster.replace_certificate(ClusterCertificatePut::new("PEM", Secret::new("KEY")))
            => r#"PUT /1.0/cluster/certificate
content-type: application/json

{"cluster_certificate":"PEM","cluster_certificate_key":"KEY"}"#,
    }
}

/// How a server joins: a token goes in the field that the server knows, and to the cluster that it is for.
#[test]
fn cluster_join() {
    let token = json!({
        "server_name": "m2", "fingerprint": "07".repeat(32), "addresses": ["10.0.0.1:8443"], "secret": "s3cr3t",
    });
    let token: ClusterMemberJoinToken = serde_json::from_value(token).unwrap();
    let shown = Fingerprint::from_bytes([7; 32]);
    let other = ClusterJoin::with_token(&token, "", Fingerprint::from_bytes([8; 32]), "PEM");
    assert!(matches!(other, Err(Error::Token(_))));
    let join = ClusterJoin::with_token(&token, "10.0.0.2:8443", shown, "PEM").unwrap();
    assert!(!format!("{join:?}").contains(token.encode().expose()));
    let password = ClusterJoin::with_password("m2", "10.0.0.2:8443", "10.0.0.1:8443", "PEM", "hunter2");
    let encoded = token.encode();
    for (extensions, join, key, proof) in [
        (json!([]), join.clone(), "cluster_password", encoded.expose()),
        (json!(["explicit_trust_token"]), join, "cluster_token", encoded.expose()),
        (json!(["explicit_trust_token"]), password, "cluster_password", "hunter2"),
    ] {
        let body = [
            ("cluster_address", "\"10.0.0.1:8443\""),
            ("cluster_certificate", "\"PEM\""),
            (key, &*format!("{proof:?}")),
            ("enabled", "true"),
            ("member_config", "[]"),
            ("server_address", "\"10.0.0.2:8443\""),
            ("server_name", "\"m2\""),
        ];
        let body = body.map(|(key, value)| format!("{key:?}:{value}")).join(",");
        let steps = [
            ("GET /1.0".to_owned(), sync(json!({ "api_extensions": extensions }))),
            (
                format!("PUT /1.0/cluster\ncontent-type: application/json\n\n{{{body}}}"),
                running("/1.0/operations/op-1"),
            ),
            ("GET /1.0/operations/op-1/wait?timeout=15".into(), operation(200, "")),
        ];
        play(steps, |lxd| lxd.cluster().join(join).send()).unwrap();
    }
}

#[test]
fn cluster_members_and_groups() {
    let lxd = lxd();
    let (members, one) = (lxd.cluster().members(), lxd.cluster().member("m2"));
    let (groups, group) = (lxd.cluster().groups(), lxd.cluster().group("g"));
    golden! { lxd:
        members.list() => "GET /1.0/cluster/members?recursion=1",
        members.names() => "GET /1.0/cluster/members",
        one.get() => "GET /1.0/cluster/members/m2",
        one.edit(|_| ()) => "GET /1.0/cluster/members/m2",
        one.patch(|p| p.roles = Some(vec![ClusterRole::Database, "new-role".into()])) => r#"PATCH /1.0/cluster/members/m2
content-type: application/json

{"roles":["database","new-role"]}"#,
        one.rename("m3") => r#"POST /1.0/cluster/members/m2
content-type: application/json

{"server_name":"m3"}"#,
        one.delete() => "DELETE /1.0/cluster/members/m2",
        one.delete().force() => "DELETE /1.0/cluster/members/m2?force=1",
        one.state() => "GET /1.0/cluster/members/m2/state",
        one.evacuate().wait() => r#"POST /1.0/cluster/members/m2/state
content-type: application/json

{"action":"evacuate"}"#,
        one.evacuate().mode(EvacuationMode::Stop).force() => r#"POST /1.0/cluster/members/m2/state
content-type: application/json

{"action":"evacuate","force":true,"mode":"stop"}"#,
        one.restore().mode(EvacuationMode::Skip) => r#"POST /1.0/cluster/members/m2/state
content-type: application/json

{"action":"restore","mode":"skip"}"#,
        groups.list() => "GET /1.0/cluster/groups?recursion=1",
        groups.names() => "GET /1.0/cluster/groups",
        groups.create(ClusterGroupsPost::new("g", ["m1", "m2"])) => r#"POST /1.0/cluster/groups
content-type: application/json

{"name":"g","members":["m1","m2"]}"#,
        group.get() => "GET /1.0/cluster/groups/g",
        group.patch(|p| p.members = Some(vec!["m1".into()])) => r#"PATCH /1.0/cluster/groups/g
content-type: application/json

{"members":["m1"]}"#,
        group.rename("h") => r#"POST /1.0/cluster/groups/g
content-type: application/json

{"name":"h"}"#,
        group.delete() => "DELETE /1.0/cluster/groups/g",
    }
}

/// Names are one segment of the path here too.
///
/// pylxd: W21.
#[test]
fn names() {
    let lxd = lxd();
    let (odd, encoded) = ("a/b?c#d%e f", "a%2Fb%3Fc%23d%25e%20f");
    golden! { lxd:
        lxd.network(odd).get() => format!("GET /1.0/networks/{encoded}"),
        lxd.network(odd).forward(odd).delete() => format!("DELETE /1.0/networks/{encoded}/forwards/{encoded}"),
        lxd.projects().one(odd).state() => format!("GET /1.0/projects/{encoded}/state"),
        lxd.warning(odd).get() => format!("GET /1.0/warnings/{encoded}"),
        lxd.cluster().member(odd).get() => format!("GET /1.0/cluster/members/{encoded}"),
        lxd.cluster().group(odd).get() => format!("GET /1.0/cluster/groups/{encoded}"),
    }
}
