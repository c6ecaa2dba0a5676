//! Who may do what, and what of it is asked for.

use lxd_proto::{
    Lxd,
    resources::{
        AuthGroupPut, AuthGroupsPost, IdentitiesBearerPost, IdentitiesTlsPost, IdentityProviderGroupsPost, IdentityPut,
        Permission,
    },
};

use super::{etag, golden, lxd};

#[test]
fn groups() {
    let lxd = lxd();
    let (all, one) = (lxd.auth().groups(), lxd.auth().group("g1"));
    let view = Permission::new("instance", "/1.0/instances/c1?project=default", "can_view");
    let mut put = AuthGroupPut::default();
    put.permissions.push(view.clone());
    golden! { lxd:
        all.list() => "GET /1.0/auth/groups?recursion=1",
        all.names() => "GET /1.0/auth/groups",
        all.get("g1") => "GET /1.0/auth/groups/g1",
        all.create(AuthGroupsPost::new("g1", [view.clone()])).wait() => r#"POST /1.0/auth/groups
content-type: application/json

{"name":"g1","permissions":[{"entity_type":"instance","url":"/1.0/instances/c1?project=default","entitlement":"can_view"}]}"#,
        one.get() => "GET /1.0/auth/groups/g1",
        one.edit(|_| ()) => "GET /1.0/auth/groups/g1",
        one.replace(put).if_match(etag()) => r#"PUT /1.0/auth/groups/g1
content-type: application/json
if-match: "e1"

{"description":"","permissions":[{"entity_type":"instance","url":"/1.0/instances/c1?project=default","entitlement":"can_view"}]}"#,
        one.patch(|p| p.description = Some("x".into())) => r#"PATCH /1.0/auth/groups/g1
content-type: application/json

{"description":"x"}"#,
        one.rename("g2") => r#"POST /1.0/auth/groups/g1
content-type: application/json

{"name":"g2"}"#,
        one.delete() => "DELETE /1.0/auth/groups/g1",
    }
}

#[test]
fn identity_provider_groups() {
    let lxd = lxd();
    let (all, one) = (lxd.auth().identity_provider_groups(), lxd.auth().identity_provider_group("sales"));
    golden! { lxd:
        all.list() => "GET /1.0/auth/identity-provider-groups?recursion=1",
        all.names() => "GET /1.0/auth/identity-provider-groups",
        all.create(IdentityProviderGroupsPost::new("sales", ["g1", "g2"])) => r#"POST /1.0/auth/identity-provider-groups
content-type: application/json

{"name":"sales","groups":["g1","g2"]}"#,
        one.get() => "GET /1.0/auth/identity-provider-groups/sales",
        one.replace(Default::default()) => r#"PUT /1.0/auth/identity-provider-groups/sales
content-type: application/json

{"groups":[]}"#,
        one.patch(|p| p.groups = Some(vec!["g1".into()])) => r#"PATCH /1.0/auth/identity-provider-groups/sales
content-type: application/json

{"groups":["g1"]}"#,
        one.rename("staff") => r#"POST /1.0/auth/identity-provider-groups/sales
content-type: application/json

{"name":"staff"}"#,
        one.delete() => "DELETE /1.0/auth/identity-provider-groups/sales",
    }
}

#[test]
fn identities() {
    let lxd = lxd();
    let auth = lxd.auth();
    let (tls, oidc, bearer) = (auth.tls_identities(), auth.oidc_identities(), auth.bearer_identities());
    let mut put = IdentityPut::default();
    put.groups.push("g1".into());
    golden! { lxd:
        auth.identities().list() => "GET /1.0/auth/identities?recursion=1",
        auth.identities().names() => "GET /1.0/auth/identities",
        auth.current_identity() => "GET /1.0/auth/identities/current",

        tls.list() => "GET /1.0/auth/identities/tls?recursion=1",
        tls.names() => "GET /1.0/auth/identities/tls",
        tls.create(IdentitiesTlsPost::new("laptop", "PEM")).wait() => r#"POST /1.0/auth/identities/tls
content-type: application/json

{"name":"laptop","certificate":"PEM"}"#,
        tls.token("laptop") => r#"POST /1.0/auth/identities/tls
content-type: application/json

{"name":"laptop","token":true}"#,
        tls.token("laptop").groups(["g1", "g2"]) => r#"POST /1.0/auth/identities/tls
content-type: application/json

{"name":"laptop","token":true,"groups":["g1","g2"]}"#,
        auth.tls_identity("laptop").get() => "GET /1.0/auth/identities/tls/laptop",
        auth.tls_identity("laptop").exists() => "GET /1.0/auth/identities/tls/laptop",
        auth.tls_identity("laptop").edit(|_| ()) => "GET /1.0/auth/identities/tls/laptop",
        auth.tls_identity("laptop").replace(put) => r#"PUT /1.0/auth/identities/tls/laptop
content-type: application/json

{"groups":["g1"],"tls_certificate":""}"#,
        auth.tls_identity("laptop").patch(|p| p.tls_certificate = Some("PEM".into()))
            => r#"PATCH /1.0/auth/identities/tls/laptop
content-type: application/json

{"tls_certificate":"PEM"}"#,
        auth.tls_identity("laptop").delete() => "DELETE /1.0/auth/identities/tls/laptop",

        oidc.list() => "GET /1.0/auth/identities/oidc?recursion=1",
        oidc.names() => "GET /1.0/auth/identities/oidc",
        auth.oidc_identity("jane.doe@example.com").patch(|p| p.groups = Some(vec!["g1".into()]))
            => r#"PATCH /1.0/auth/identities/oidc/jane.doe%40example.com
content-type: application/json

{"groups":["g1"]}"#,
        auth.oidc_identity("jane.doe@example.com").delete()
            => "DELETE /1.0/auth/identities/oidc/jane.doe%40example.com",

        bearer.list() => "GET /1.0/auth/identities/bearer?recursion=1",
        bearer.names() => "GET /1.0/auth/identities/bearer",
        bearer.create(IdentitiesBearerPost::client("ci")).wait() => r#"POST /1.0/auth/identities/bearer
content-type: application/json

{"type":"Client token bearer","name":"ci"}"#,
        bearer.create(IdentitiesBearerPost::devlxd("inside")) => r#"POST /1.0/auth/identities/bearer
content-type: application/json

{"type":"DevLXD token bearer","name":"inside"}"#,
        auth.bearer_identity("ci").get() => "GET /1.0/auth/identities/bearer/ci",
        auth.bearer_identity("ci").issue_token() => r#"POST /1.0/auth/identities/bearer/ci/token
content-type: application/json

{}"#,
        auth.bearer_identity("ci").issue_token().expiry("30d") => r#"POST /1.0/auth/identities/bearer/ci/token
content-type: application/json

{"expiry":"30d"}"#,
        auth.bearer_identity("ci").revoke_token().wait() => "DELETE /1.0/auth/identities/bearer/ci/token",
        auth.bearer_identity("ci").delete() => "DELETE /1.0/auth/identities/bearer/ci",
    }
}

/// The names in the list of all have two parts, and each is one segment of the path.
#[test]
fn names() {
    let lxd = lxd();
    let all = lxd.auth().identities();
    let refused = |name| format!("{name:?} cannot be a name: it must not be empty, `.`, `..` or longer than a URI");
    golden! { lxd:
        all.get("tls/laptop") => "GET /1.0/auth/identities/tls/laptop",
        all.get("oidc/auth0|a/b?c") => "GET /1.0/auth/identities/oidc/auth0%7Ca%2Fb%3Fc",
        lxd.auth().oidc_identity("auth0|a/b?c").get() => "GET /1.0/auth/identities/oidc/auth0%7Ca%2Fb%3Fc",
        lxd.auth().group("a/b").delete() => "DELETE /1.0/auth/groups/a%2Fb",
        lxd.auth().identity_provider_group("a/b").get() => "GET /1.0/auth/identity-provider-groups/a%2Fb",
        lxd.auth().bearer_identity("a/b").issue_token() => "POST /1.0/auth/identities/bearer/a%2Fb/token
content-type: application/json

{}",
        all.get("laptop") => refused(""),
        all.get("tls/") => refused(""),
        all.get("tls/..") => refused(".."),
        all.get("../x") => refused(".."),
        lxd.auth().tls_identity("").delete() => refused(""),
    }
}

#[test]
fn permissions_and_sessions() {
    let lxd = lxd();
    let auth = lxd.auth();
    golden! { lxd:
        auth.permissions() => "GET /1.0/auth/permissions",
        auth.permissions().of("instance") => "GET /1.0/auth/permissions?entity-type=instance",
        auth.permissions().of("instance").with_groups()
            => "GET /1.0/auth/permissions?recursion=1&entity-type=instance",
        lxd.project("p").auth().permissions().with_groups() => "GET /1.0/auth/permissions?recursion=1&project=p",
        auth.oidc_sessions().list() => "GET /1.0/auth/oidc-sessions?recursion=1",
        auth.oidc_sessions().names() => "GET /1.0/auth/oidc-sessions",
        auth.oidc_sessions_of("a&b@example.com").list()
            => "GET /1.0/auth/oidc-sessions?email=a%26b%40example.com&recursion=1",
        auth.oidc_sessions_of("a&b@example.com").names()
            => "GET /1.0/auth/oidc-sessions?email=a%26b%40example.com",
        auth.oidc_sessions_of("a&b@example.com").get("01993985") => "GET /1.0/auth/oidc-sessions/01993985",
        auth.oidc_session("01993985").get() => "GET /1.0/auth/oidc-sessions/01993985",
        auth.oidc_session("01993985").delete() => "DELETE /1.0/auth/oidc-sessions/01993985",
    }
}

#[test]
fn entitlements() {
    let lxd = lxd();
    let wanted = ["can_edit", "can_delete"];
    let query = "with-access-entitlements=can_edit%2Ccan_delete";
    golden! { lxd:
        lxd.instance("c1").get().with_access_entitlements(wanted) => format!("GET /1.0/instances/c1?{query}"),
        lxd.instance("c1").get_full().with_access_entitlements(wanted)
            => format!("GET /1.0/instances/c1?recursion=1&{query}"),
        lxd.instances().list().all_projects().with_access_entitlements(wanted)
            => format!("GET /1.0/instances?recursion=1&all-projects=true&{query}"),
        lxd.instances().list_full().with_access_entitlements(["can_edit"]).with_access_entitlements(["can_delete"])
            => format!("GET /1.0/instances?recursion=2&{query}"),
        lxd.storage_volumes().list().with_access_entitlements(wanted)
            => format!("GET /1.0/storage-volumes?recursion=1&{query}"),
        lxd.auth().tls_identities().list().with_access_entitlements(wanted)
            => format!("GET /1.0/auth/identities/tls?recursion=1&{query}"),
        lxd.server().get().with_access_entitlements(wanted) => format!("GET /1.0?{query}"),
        lxd.profile("p").get().with_access_entitlements(Vec::<String>::new()) => "GET /1.0/profiles/p",
    }
}
