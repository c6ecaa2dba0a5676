//! Links between clusters, what is copied over them, and where instances are placed.

use lxd_proto::{
    Lxd, TrustToken,
    resources::{ClusterLinksPost, PlacementGroupsPost, ReplicatorsPost},
};
use serde_json::json;

use super::{etag, golden, lxd};

#[test]
fn links() {
    let lxd = lxd();
    let (all, one) = (lxd.cluster().links(), lxd.cluster().link("there"));
    let token = json!({"client_name": "here", "fingerprint": "07".repeat(32), "secret": "s3cr3t"});
    let token: TrustToken = serde_json::from_value(token).unwrap();
    golden! { lxd:
        all.list() => "GET /1.0/cluster/links?recursion=1",
        all.names() => "GET /1.0/cluster/links",
        all.token("there") => r#"POST /1.0/cluster/links
content-type: application/json

{"name":"there","type":"bidirectional"}"#,
        all.token("there").auth_groups(["g1"]) => r#"POST /1.0/cluster/links
content-type: application/json

{"name":"there","type":"bidirectional","auth_groups":["g1"]}"#,
        all.create(ClusterLinksPost::new("here", &token)).wait() => format!(r#"POST /1.0/cluster/links
content-type: application/json

{{"name":"here","type":"bidirectional","trust_token":"{}"}}"#, token.encode().expose()),
        one.get() => "GET /1.0/cluster/links/there",
        one.edit(|_| ()) => "GET /1.0/cluster/links/there",
        one.replace(Default::default()).if_match(etag()) => r#"PUT /1.0/cluster/links/there
content-type: application/json
if-match: "e1"

{"description":"","config":{}}"#,
        one.patch(|p| p.description = Some("x".into())) => r#"PATCH /1.0/cluster/links/there
content-type: application/json

{"description":"x"}"#,
        one.rename("far") => r#"POST /1.0/cluster/links/there
content-type: application/json

{"name":"far"}"#,
        one.state() => "GET /1.0/cluster/links/there/state",
        lxd.target("m1").cluster().link("there").state() => "GET /1.0/cluster/links/there/state?target=m1",
        one.delete() => "DELETE /1.0/cluster/links/there",
    }
}

#[test]
fn placement_groups() {
    let lxd = lxd();
    let (all, one) = (lxd.placement_groups(), lxd.placement_group("pg1"));
    golden! { lxd:
        all.list() => "GET /1.0/placement-groups?recursion=1",
        all.names().all_projects() => "GET /1.0/placement-groups?all-projects=true",
        all.create(PlacementGroupsPost::new("pg1").config("policy", "spread").config("rigor", "strict"))
            => r#"POST /1.0/placement-groups
content-type: application/json

{"name":"pg1","config":{"policy":"spread","rigor":"strict"}}"#,
        lxd.project("p").placement_group("pg1").get() => "GET /1.0/placement-groups/pg1?project=p",
        one.replace(Default::default()) => r#"PUT /1.0/placement-groups/pg1
content-type: application/json

{"description":"","config":{}}"#,
        one.patch(|p| p.description = Some("x".into())) => r#"PATCH /1.0/placement-groups/pg1
content-type: application/json

{"description":"x"}"#,
        one.rename("pg2") => r#"POST /1.0/placement-groups/pg1
content-type: application/json

{"name":"pg2"}"#,
        one.delete() => "DELETE /1.0/placement-groups/pg1",
    }
}

#[test]
fn replicators() {
    let lxd = lxd();
    let (all, one) = (lxd.replicators(), lxd.replicator("r1"));
    golden! { lxd:
        all.list().all_projects() => "GET /1.0/replicators?recursion=1&all-projects=true",
        all.names() => "GET /1.0/replicators",
        lxd.project("p").replicators().create(ReplicatorsPost::new("r1", "there").config("schedule", "@daily"))
            => r#"POST /1.0/replicators?project=p
content-type: application/json

{"name":"r1","config":{"cluster":"there","schedule":"@daily"}}"#,
        one.get() => "GET /1.0/replicators/r1",
        one.replace(Default::default()) => r#"PUT /1.0/replicators/r1
content-type: application/json

{"description":"","config":{}}"#,
        one.patch(|p| p.description = Some("x".into())) => r#"PATCH /1.0/replicators/r1
content-type: application/json

{"description":"x"}"#,
        one.rename("r2") => r#"POST /1.0/replicators/r1
content-type: application/json

{"name":"r2"}"#,
        one.state() => "GET /1.0/replicators/r1/state",
        one.start().wait() => r#"PUT /1.0/replicators/r1/state
content-type: application/json

{"action":"start"}"#,
        one.restore() => r#"PUT /1.0/replicators/r1/state
content-type: application/json

{"action":"restore"}"#,
        one.delete() => "DELETE /1.0/replicators/r1",
    }
}
