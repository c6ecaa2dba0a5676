//! What is answered of who may do what, of clusters that work together, and of load balancers. Nothing of it but the first
//! case was recorded: it is as LXD's specification has it.

use lxd_proto::{
    Changed, Error, Lxd,
    compat::Timestamp,
    error::ApiErrorKind,
    resources::{
        AuthenticationMethod, ClusterLinkMemberStatus, ClusterLinksPost, IdentityType,
        NetworkLoadBalancerPoolTargetStatus, NetworkLoadBalancersPost, Permission, ReplicatorStatus,
    },
};
use serde_json::{Value, json};

use crate::{
    calls::recorded,
    support::{
        fixtures::Exchange,
        script::{Answer, error, http, play, running, success, sync, versioned},
    },
};

const SECRET: &str = "s3cr3t";

#[test]
fn a_recorded_identity() {
    let exchange = |name| Exchange::load("lxd-6.9", name).response();
    let lxd = recorded([exchange("auth-identities-r1"), exchange("auth-identity-tls"), exchange("auth-groups-r1")]);
    let listed = lxd.auth().identities().list().send().unwrap().remove(0);
    let one = lxd.auth().tls_identity("id1").get().send().unwrap();
    assert_eq!(**one, listed);
    assert_eq!((&one.kind, one.name.as_str()), (&IdentityType::ClientCertificatePending, "id1"));
    assert_eq!(one.authentication_method, AuthenticationMethod::Tls);
    let groups = lxd.auth().groups().list().send().unwrap();
    assert_eq!(groups[0].permissions, [Permission::new("server", "/1.0", "admin")]);
}

#[test]
fn identities_of_all_methods() {
    let urls = ["/1.0/auth/identities/tls/0d2a", "/1.0/auth/identities/oidc/auth0%7Ca%2Fb"];
    let got = versioned("e1", json!({"authentication_method": "oidc", "type": "new", "id": "auth0|a/b"}));
    let steps = [
        ("GET /1.0/auth/identities", sync(json!(urls))),
        ("GET /1.0/auth/identities/oidc/auth0%7Ca%2Fb", got),
        ("GET /1.0/auth/identities/oidc", sync(json!([urls[1]]))),
    ];
    play(steps, |lxd| {
        let all = lxd.auth().identities();
        let names = all.names().send().unwrap();
        assert_eq!(names, ["tls/0d2a", "oidc/auth0|a/b"]);
        assert_eq!(all.get(&names[1]).send().unwrap().kind.as_str(), "new");
        assert_eq!(lxd.auth().oidc_identities().names().send().unwrap(), ["auth0|a/b"]);
    });
}

/// Whoever is put into a group keeps the certificate, and what nobody here knows.
#[test]
fn an_identity_is_edited() {
    let before = json!({
        "authentication_method": "tls", "type": "Client certificate", "id": "0d2a", "name": "laptop", "groups": null,
        "tls_certificate": "PEM", "expires_at": "2036-01-01T00:00:00Z", "access_entitlements": ["can_edit"], "new": 1,
    });
    let put = "PUT /1.0/auth/identities/tls/laptop\ncontent-type: application/json\nif-match: e1\n\n\
        {\"groups\":[\"web\"],\"new\":1,\"tls_certificate\":\"PEM\"}";
    let steps = [("GET /1.0/auth/identities/tls/laptop", versioned("e1", before)), (put, sync(json!({})))];
    play(steps, |lxd| lxd.auth().tls_identity("laptop").edit(|laptop| laptop.groups.push("web".into())).send())
        .unwrap();
}

fn token() -> Value {
    json!({
        "client_name": "laptop", "fingerprint": "07".repeat(32), "addresses": ["10.0.0.1:8443"], "secret": SECRET,
        "expires_at": "2036-01-01T00:00:00Z", "type": "Client certificate",
    })
}

/// Tokens are for one pair of eyes: neither they nor what was wrong with them are shown.
#[test]
fn tokens() {
    let broken = |change: fn(&mut Value)| {
        let mut token = token();
        change(&mut token);
        sync(token)
    };
    let asked = "POST /1.0/auth/identities/tls";
    let made = |answer| play([(asked, answer)], |lxd| lxd.auth().tls_identities().token("laptop").send());
    let read = made(http(201, &[], json!({"type": "sync", "metadata": token()}).to_string())).unwrap();
    assert_eq!((read.client_name.as_str(), read.kind.as_str()), ("laptop", "Client certificate"));
    assert_eq!(read.secret.expose(), SECRET);
    assert!(!format!("{read:?}").contains(SECRET));
    for answer in [
        broken(|token| token["fingerprint"] = SECRET.into()),
        broken(|token| token["secret"] = json!([SECRET])),
        broken(|token| drop(token.as_object_mut().unwrap().remove("fingerprint"))),
        sync(json!(SECRET)),
        sync(Value::Null),
    ] {
        let error = made(answer).unwrap_err();
        assert!(matches!(error, Error::Protocol(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    }
    assert_eq!(made(error(400, "not listening")).unwrap_err().api(), Some(ApiErrorKind::BadRequest));

    let asked = "POST /1.0/auth/identities/bearer/ci/token";
    let issue = |answer| play([(asked, answer)], |lxd| lxd.auth().bearer_identity("ci").issue_token().send());
    let issued = issue(sync(json!({"token": SECRET}))).unwrap();
    assert_eq!(issued.token.expose(), SECRET);
    assert!(!format!("{issued:?}").contains(SECRET));
    let error = issue(sync(json!({"token": [SECRET]}))).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(SECRET));

    // What two clusters link with is one too.
    let steps = [("POST /1.0/cluster/links", sync(token())), ("POST /1.0/cluster/links", sync(json!({})))];
    play(steps, |lxd| {
        let token = lxd.cluster().links().token("there").send().unwrap();
        let post = ClusterLinksPost::new("here", &token);
        let call = lxd.cluster().links().create(post.clone());
        assert!(!format!("{post:?} {call:?}").contains(token.encode().expose()));
        assert_eq!(call.send(), Ok(Changed::Done(())));
    });
}

#[test]
fn permissions() {
    let view =
        json!({"entity_type": "instance", "url": "/1.0/instances/c1?project=default", "entitlement": "can_view"});
    let mut held = view.clone();
    held["groups"] = json!(["g1"]);
    let steps = [
        ("GET /1.0/auth/permissions", sync(json!([view]))),
        ("GET /1.0/auth/permissions", sync(json!([view, view]))),
        ("GET /1.0/auth/permissions?recursion=1", sync(json!([held]))),
    ];
    play(steps, |lxd| {
        let all = lxd.auth().permissions().send().unwrap();
        assert_eq!(all, [Permission::new("instance", "/1.0/instances/c1?project=default", "can_view")]);
        assert_eq!(lxd.auth().permissions().stream().send().unwrap().map(Result::unwrap).count(), 2);
        assert_eq!(lxd.auth().permissions().with_groups().send().unwrap()[0].groups, ["g1"]);
    });
}

#[test]
fn the_identity_that_asks() {
    let said = json!({
        "authentication_method": "oidc", "type": "OIDC client", "id": "jane.doe@example.com", "name": "Jane Doe",
        "groups": ["a"], "tls_certificate": "", "effective_groups": ["a", "b"], "fine_grained": true,
        "effective_permissions": [{"entity_type": "server", "url": "/1.0", "entitlement": "viewer"}],
    });
    let steps = [("GET /1.0/auth/identities/current", sync(said))];
    let jane = play(steps, |lxd| lxd.auth().current_identity().send()).unwrap();
    assert!(jane.fine_grained && jane.expires_at.is_unset());
    assert_eq!((&jane.kind, jane.effective_groups.len()), (&IdentityType::OidcClient, 2));
    assert_eq!(jane.effective_permissions, [Permission::new("server", "/1.0", "viewer")]);
}

#[test]
fn entitlements() {
    let asked = "GET /1.0/profiles/p?with-access-entitlements=can_edit";
    let steps = [(asked, sync(json!({"name": "p", "access_entitlements": ["can_edit"]})))];
    let profile = play(steps, |lxd| lxd.profile("p").get().with_access_entitlements(["can_edit"]).send()).unwrap();
    assert_eq!(profile.access_entitlements, ["can_edit"]);
}

#[test]
fn clusters_that_work_together() {
    let link = json!({
        "name": "there", "type": "public", "config": {"volatile.addresses": "10.0.0.1:8443"},
        "used_by": ["/1.0/replicators/r1"],
    });
    let members = json!({"cluster_link_members": [
        {"server_name": "m1", "address": "10.0.0.1:8443", "status": "Active"},
        {"server_name": "m2", "address": "10.0.0.2:8443", "status": "Unreachable"},
    ]});
    let replicator = json!([{
        "name": "r1", "config": {"cluster": "there"}, "project": "default", "last_run_at": "2026-11-21T20:51:48Z",
        "last_run_status": "Completed",
    }]);
    let steps = [
        ("GET /1.0/cluster/links/there", sync(link)),
        ("GET /1.0/cluster/links/there/state", sync(members)),
        ("GET /1.0/replicators?recursion=1", sync(replicator)),
        ("PUT /1.0/replicators/r1/state", running("/1.0/operations/op-1")),
        ("GET /1.0/operations/op-1/wait?timeout=15", success(json!({}))),
        ("GET /1.0/replicators/r1/state", sync(json!({"status": "Running"}))),
    ];
    play(steps, |lxd| {
        let there = lxd.cluster().link("there");
        let link = there.get().send().unwrap();
        // As it was, though nobody here knows it.
        assert_eq!((link.kind.as_str(), link.used_by.len()), ("public", 1));
        let members = there.state().send().unwrap().value.cluster_link_members;
        let status = [ClusterLinkMemberStatus::Active, ClusterLinkMemberStatus::Unreachable];
        assert_eq!(members.into_iter().map(|member| member.status).collect::<Vec<_>>(), status);
        let listed = lxd.replicators().list().send().unwrap();
        assert_eq!(listed[0].last_run_status, ReplicatorStatus::Completed);
        assert_eq!(listed[0].last_run_at, Timestamp::new("2026-11-21T20:51:48Z"));
        let replicator = lxd.replicator(listed[0].name.clone());
        replicator.restore().wait().send().unwrap();
        assert_eq!(replicator.state().send().unwrap().status, ReplicatorStatus::Running);
    });
}

/// The server chooses an address, and says which in one way or the other.
#[test]
fn load_balancers() {
    let asked = "POST /1.0/networks/ovn0/load-balancers";
    let location = [("location", "/1.0/networks/ovn0/load-balancers/192.0.2.7")];
    let done = vec![(asked, http(201, &location, r#"{"type": "sync", "metadata": null}"#))];
    let wait = ("GET /1.0/operations/op-1/wait?timeout=15", success(json!({"listen_address": "192.0.2.7"})));
    for steps in [done, vec![(asked, running("/1.0/operations/op-1")), wait]] {
        let created = play(steps, |lxd| {
            lxd.network("ovn0").load_balancers().create(NetworkLoadBalancersPost::any_ipv4()).wait().send()
        });
        assert_eq!(created.unwrap().listen_address, "192.0.2.7");
    }
    let pool = json!([{"name": "web", "instances": [{"name": "c1", "target_port": "8443"}], "used_by": null}]);
    let target = json!({"name": "c1", "device": "eth0", "address": "10.1.2.10", "port": "8443", "status": "online"});
    let steps: [(&str, Answer); 2] = [
        ("GET /1.0/networks/ovn0/load-balancer-pools", sync(pool)),
        ("GET /1.0/networks/ovn0/load-balancer-pools/web/state", sync(json!({"targets": [target]}))),
    ];
    play(steps, |lxd| {
        let pools = lxd.network("ovn0").load_balancer_pools().list().send().unwrap();
        assert_eq!((pools[0].name.as_str(), pools[0].instances[0].target_port.as_str()), ("web", "8443"));
        let state = lxd.network("ovn0").load_balancer_pool("web").state().send().unwrap();
        assert_eq!(state.targets[0].status, NetworkLoadBalancerPoolTargetStatus::Online);
    });
}

#[test]
fn all_options() {
    let said = json!({
        "configs": {"instance": {"boot": {"keys": [{"boot.autostart": {
            "shortdesc": "Whether it starts with LXD", "longdesc": "Longer.", "type": "bool", "defaultdesc": "`false`",
            "liveupdate": "no",
        }}]}}},
        "entities": {"server": {"project_specific": false, "entitlements": [
            {"name": "admin", "description": "All."},
        ]}},
    });
    let steps = [("GET /1.0/metadata/configuration", sync(said))];
    let all = play(steps, |lxd| lxd.server().metadata_configuration().send()).unwrap();
    let option = &all.configs["instance"]["boot"].keys[0]["boot.autostart"];
    assert_eq!((option.kind.as_str(), option.defaultdesc.as_str()), ("bool", "`false`"));
    assert_eq!(all.entities["server"].entitlements[0].name, "admin");
}
