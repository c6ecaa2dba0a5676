//! A cluster of two members.

use std::time::Duration;

use lxd_host::ClientIdentity;
use lxd_proto::{
    Blocking, Error, Lxd, Object,
    error::ApiErrorKind,
    resources::{ClusterCertificatePut, ClusterGroup, ClusterGroupsPost, ClusterJoin, ClusterRole, InstancesPost},
};
use lxd_tests::{Daemon, Lab, Server, Temporary, env, everywhere, pinned, secret, stranger, unique, with_websockets};

everywhere!(
    a_lone_server_is_in_none,
    members_are_listed,
    join_tokens_are_made_and_revoked,
    groups_are_made_changed_and_removed,
    instances_are_made_where_they_are_wanted,
    each_member_has_its_own_hardware,
    operations_of_other_members_are_found,
);

/// pylxd: P303.
/// pylxd: W38.
fn a_lone_server_is_in_none<C: Lab>(server: &Server<C>) {
    let cluster = server.lxd.cluster().get().send().unwrap();
    assert_eq!((cluster.enabled, cluster.server_name.as_str()), (false, ""));
    assert!(cluster.member_config.iter().any(|key| (&*key.entity, &*key.name) == ("storage-pool", "default")));
    assert!(server.lxd.cluster().members().names().send().is_err());
    assert!(server.lxd.cluster().member("m1").get().send().is_err());
}

/// pylxd: P030, P303, P305.
fn members_are_listed<C: Lab>(server: &Server<C>) {
    for (member, name) in [(server.cluster(), "m1"), (server.cluster2(), "m2")] {
        assert!(member.lxd.server().get().send().unwrap().environment.server_clustered);
        let cluster = member.lxd.cluster().get().send().unwrap();
        assert_eq!((cluster.enabled, cluster.server_name.as_str()), (true, name));
        let members = member.lxd.cluster().members();
        assert_eq!(members.names().send().unwrap(), ["m1", "m2"]);
        let listed = members.list().send().unwrap();
        assert_eq!(listed.iter().map(|member| &*member.server_name).collect::<Vec<_>>(), ["m1", "m2"]);
        let m1 = member.lxd.cluster().member("m1").get().send().unwrap();
        assert_eq!((m1.status.as_str(), m1.message.as_str(), m1.database), ("Online", "Fully operational", true));
        assert_eq!((m1.url.clone(), m1.architecture.as_str()), (env("LXD_TEST_CLUSTER_HTTPS"), std::env::consts::ARCH));
        let leads = |member: &&lxd_proto::resources::ClusterMember| member.roles.contains(&ClusterRole::DatabaseLeader);
        assert_eq!(listed.iter().filter(leads).count(), 1);
        assert_eq!((m1.failure_domain.as_str(), m1.groups.contains(&"default".into())), ("default", true));
        assert!(members.get("nosuch").send().unwrap_err().is_not_found());
        // 5.0.2 says nothing of a member's host.
        let state = member.lxd.cluster().member("m1").state().send().unwrap_err();
        assert_eq!(state, Error::MissingExtension("cluster_member_state"));
    }
}

/// pylxd: P304, P305.
fn join_tokens_are_made_and_revoked<C: Lab>(server: &Server<C>) {
    let lxd = server.cluster().lxd;
    let name = unique("invited");
    let token = lxd.cluster().members().token(&name).send().unwrap();
    secret(token.secret.expose());
    secret(token.encode().expose());
    assert_eq!(token.server_name, name);
    assert_eq!(token.addresses, ["127.0.0.1:8445", "127.0.0.1:8446"]);
    assert!(token.expires_at.unix().is_some());
    let https = pinned(&env("LXD_TEST_CLUSTER_HTTPS"));
    let shown = lxd_host::fetch_certificate(&https.address, None, Duration::from_secs(10)).unwrap();
    assert_eq!(token.fingerprint, shown.fingerprint());
    // As a person would carry it over.
    assert_eq!(token.encode().expose().parse::<lxd_proto::resources::ClusterMemberJoinToken>().unwrap(), token.token);

    let waiting = lxd.operation(token.operation.clone());
    assert!(!waiting.get().send().unwrap().status_code.is_final());
    waiting.cancel().wait().send().unwrap();
    assert!(waiting.get().send().map_or_else(|error| error.is_not_found(), |gone| gone.status_code.is_final()));
}

/// A group that is removed when the test is over, with no members left in it.
struct Group<C: Blocking>(Object<C, ClusterGroup>);

impl<C: Blocking> Drop for Group<C> {
    fn drop(&mut self) {
        let _ = self.0.edit(|group| group.members.clear()).send();
        let _ = self.0.delete().wait().send();
    }
}

fn groups_are_made_changed_and_removed<C: Lab>(server: &Server<C>) {
    let lxd = server.cluster().lxd;
    let (groups, name) = (lxd.cluster().groups(), unique("group"));
    let mut post = ClusterGroupsPost::new(&name, ["m2"]);
    post.description = "for the tests".into();
    groups.create(post.clone()).wait().send().unwrap();
    let mut made = Group(lxd.cluster().group(&name));
    assert!(groups.create(post).wait().send().is_err());
    let group = lxd.cluster().group(&name);
    let got = group.get().send().unwrap();
    assert_eq!((got.name.as_str(), got.description.as_str()), (&*name, "for the tests"));
    assert_eq!(got.members, ["m2"]);
    let names = groups.names().send().unwrap();
    assert!(names.contains(&name) && names.contains(&"default".into()), "{names:?}");
    assert!(groups.list().send().unwrap().iter().any(|group| group.name == name));
    assert!(lxd.cluster().member("m2").get().send().unwrap().groups.contains(&name));

    group.edit(|group| group.members.push("m1".into())).send().unwrap();
    group.patch(|p| p.description = Some("patched".into())).wait().send().unwrap();
    let changed = group.get().send().unwrap();
    let mut members = changed.members.clone();
    members.sort();
    assert_eq!((members, changed.description.as_str()), (vec!["m1".into(), "m2".into()], "patched"));
    let late = group.patch(|p| p.description = Some("late".into())).if_match(got.etag.clone()).wait().send();
    assert!(late.unwrap_err().is_precondition_failed());
    let mut put = changed.writable().unwrap();
    put.members = vec!["m1".into()];
    group.replace(put).if_match(changed.etag.clone()).wait().send().unwrap();
    assert_eq!(group.get().send().unwrap().members, ["m1"]);

    let renamed = unique("regrouped");
    group.rename(&renamed).wait().send().unwrap();
    made.0 = lxd.cluster().group(&renamed);
    assert!(group.get().send().unwrap_err().is_not_found());
    made.0.edit(|group| group.members.clear()).send().unwrap();
    made.0.delete().wait().send().unwrap();
    assert!(made.0.get().send().unwrap_err().is_not_found());
}

/// What is made in the cluster: a stopped container, removed when the test is over.
fn container<C: Lab>(lxd: &C, target: &str) -> Result<Temporary<C>, Error> {
    let post = InstancesPost::from_alias(unique("clustered"), "busybox");
    let made = lxd.target(target).instances().create(post).wait().send()?;
    Ok(Temporary::of(lxd.instance(made.name)))
}

/// pylxd: P119.
fn instances_are_made_where_they_are_wanted<C: Lab>(server: &Server<C>) {
    let lxd = server.cluster().lxd;
    let location = |container: &Temporary<C>| container.get().send().unwrap().location.clone();
    for name in ["m1", "m2"] {
        assert_eq!(location(&container(&lxd, name).unwrap()), name);
    }
    let group = Group(lxd.cluster().group(unique("wanted")));
    lxd.cluster().groups().create(ClusterGroupsPost::new(group.0.at(), ["m2"])).wait().send().unwrap();
    let there = container(&lxd, &format!("@{}", group.0.at())).unwrap();
    assert_eq!(location(&there), "m2");
    // Also what goes on on another member can be watched and changed from here.
    there.start().wait().send().unwrap();
    there.edit(|instance| instance.description = "from afar".into()).send().unwrap();
    let listed = lxd.instances().list_full().send().unwrap();
    let listed = listed.iter().find(|instance| instance.name == there.name()).unwrap();
    assert_eq!((listed.location.as_str(), listed.description.as_str()), ("m2", "from afar"));
    assert!(container(&lxd, "nosuch").unwrap_err().is_not_found());
    let nobody = container(&lxd, "@nosuch").unwrap_err();
    assert_eq!(nobody.api(), Some(ApiErrorKind::BadRequest));
}

fn each_member_has_its_own_hardware<C: Lab>(server: &Server<C>) {
    let lxd = server.cluster().lxd;
    for name in ["m1", "m2"] {
        assert!(lxd.target(name).server().resources().send().unwrap().memory.total > 0);
        assert_eq!(lxd.target(name).server().get().send().unwrap().environment.server_name, name);
    }
    assert!(lxd.target("nosuch").server().resources().send().is_err());
}

/// In a cluster the URL of another member's operation has a query (`?project=`), which is no part of its id.
fn operations_of_other_members_are_found<C: Lab>(server: &Server<C>) {
    let lxd = server.cluster().lxd;
    let there = container(&lxd, "m2").unwrap();
    let lxd_proto::Changed::Running(operation) = there.start().send().unwrap() else { panic!("it is an operation") };
    assert_eq!(operation.location, "m2");
    assert!(operation.id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'), "{}", operation.id);
    lxd.operation(operation.id.clone()).wait().send().unwrap();
    assert_eq!(there.state().send().unwrap().status, "Running");
}

mod with_websockets {
    use super::*;

    with_websockets!(commands_reach_another_member);

    fn commands_reach_another_member<C: Lab>(server: &Server<C>) {
        let lxd = server.cluster().lxd;
        let there = container(&lxd, "m2").unwrap();
        there.start().wait().send().unwrap();
        assert_eq!(there.exec(["echo", "hello"]).output().send().unwrap().stdout, "hello\n");
        assert!(there.exec(["true"]).output().send().unwrap().success());
    }
}

/// Clusters of the tests' own, made by this library.
mod of_our_own {
    use super::*;

    with_websockets!(is_made_worked_with_and_left);

    /// Does what makes a daemon start again, and waits until it has: then there is a gap in its events.
    fn starting_again<C: Lab>(daemon: &Daemon, what: impl FnOnce()) {
        let mut events = daemon.unix::<C>().lxd.events().subscribe().send().unwrap();
        what();
        while events.next().is_some_and(|notice| notice.unwrap().event().is_some()) {}
        daemon.wait_until_ready();
    }

    /// Begins a cluster, joins it with another server, edits, evacuates and restores a member, renews the certificate,
    /// removes the member, and leaves.
    ///
    /// pylxd: P303, P304, P305, P306.
    /// pylxd: W19.
    fn is_made_worked_with_and_left<C: Lab>(like: &Server<C>) {
        let first = Daemon::start(like, 8520);
        let second = Daemon::bare(like, 8524);
        let m1 = first.connect(like);
        m1.lxd.cluster().enable("m1").wait().send().unwrap();
        let cluster = m1.lxd.cluster().get().send().unwrap();
        assert_eq!((cluster.enabled, cluster.server_name.as_str()), (true, "m1"));
        assert!(m1.lxd.cluster().enable("m1").wait().send().is_err());

        // The second member. Nobody but the cluster is told the secret.
        let token = m1.lxd.cluster().members().token("m2").send().unwrap();
        secret(token.secret.expose());
        secret(token.encode().expose());
        let https = format!("https://{}", token.addresses[0]).parse().unwrap();
        let shown = lxd_host::fetch_certificate(&https, None, Duration::from_secs(10)).unwrap();
        let wrong = ClusterJoin::with_token(&token, second.address(), stranger().fingerprint(), shown.pem());
        assert!(matches!(wrong, Err(Error::Token(_))));
        let mut join = ClusterJoin::with_token(&token, second.address(), shown.fingerprint(), shown.pem()).unwrap();
        join.member_config = cluster.value.member_config;
        join.member_config.iter_mut().for_each(|key| key.value = String::new());
        let m2 = second.unix::<C>();
        m2.lxd.cluster().join(join.clone()).send().unwrap();
        assert!(m2.lxd.cluster().get().send().unwrap().enabled);
        assert_eq!(m1.lxd.cluster().members().names().send().unwrap(), ["m1", "m2"]);
        let again = m2.lxd.cluster().join(join).send();
        assert!(again.is_err(), "a token is good for once");

        a_member_is_edited(&m1);
        a_member_is_evacuated(&m1);
        // Last: 5.0.2 makes no instances on a renamed member until its daemon starts again.
        let member = m1.lxd.cluster().member("m2");
        member.rename("other").wait().send().unwrap();
        assert!(member.get().send().unwrap_err().is_not_found());
        assert_eq!(m1.lxd.cluster().member("other").get().send().unwrap().description, "replaced");
        let member = m1.lxd.cluster().member("other");
        starting_again::<C>(&second, || member.delete().wait().send().unwrap());
        assert!(!m2.lxd.cluster().get().send().unwrap().enabled);
        assert_eq!(m1.lxd.cluster().members().names().send().unwrap(), ["m1"]);
        the_certificate_is_renewed(&first, like, &m1);
        let m1 = first.unix::<C>();
        // The daemon may be gone before it has answered.
        starting_again::<C>(&first, || {
            let left = m1.lxd.cluster().disable().wait().send();
            assert!(left.as_ref().map_or_else(|error| error.transport().is_some(), |()| true), "{left:?}");
        });
        assert!(!m1.lxd.cluster().get().send().unwrap().enabled);
    }

    fn a_member_is_edited<C: Lab>(m1: &Server<C>) {
        let m2 = m1.lxd.cluster().member("m2");
        let before = m2.get().send().unwrap();
        m2.edit(|m2| {
            m2.description = "the second".into();
            m2.failure_domain = "cellar".into();
            m2.config.insert("user.k".into(), "v".into());
        })
        .send()
        .unwrap();
        let edited = m2.get().send().unwrap();
        assert_eq!((edited.description.as_str(), edited.failure_domain.as_str()), ("the second", "cellar"));
        assert_eq!((edited.config["user.k"].as_str(), &edited.roles), ("v", &before.roles));
        // 5.0.2 takes roles that are not said for roles that are dropped.
        let patched = m2.patch(|p| p.description = Some("patched".into())).wait().send();
        if edited.roles.contains(&ClusterRole::Database) {
            assert_eq!(patched.unwrap_err().api(), Some(ApiErrorKind::BadRequest));
        }
        let all = edited.writable().unwrap();
        m2.patch(|p| {
            p.description = Some("patched".into());
            p.roles = Some(all.roles.clone());
            p.failure_domain = Some(all.failure_domain.clone());
            p.groups = Some(all.groups.clone());
        })
        .wait()
        .send()
        .unwrap();
        let mut put = m2.get().send().unwrap().writable().unwrap();
        assert_eq!(put.description, "patched");
        put.description = "replaced".into();
        m2.replace(put).wait().send().unwrap();
    }

    fn a_member_is_evacuated<C: Lab>(m1: &Server<C>) {
        let m2 = m1.lxd.cluster().member("m2");
        let container = container(&m1.lxd, "m2").unwrap();
        let location = || container.get().send().unwrap().location.clone();
        assert_eq!(location(), "m2");
        m2.evacuate().wait().send().unwrap();
        assert_eq!(m2.get().send().unwrap().status, "Evacuated");
        assert_eq!(location(), "m1");
        assert!(m2.evacuate().wait().send().unwrap_err().operation().is_some());
        let refused = super::container(&m1.lxd, "m2").unwrap_err();
        assert_eq!(refused.api(), Some(ApiErrorKind::Forbidden));
        m2.restore().wait().send().unwrap();
        assert_eq!(m2.get().send().unwrap().status, "Online");
        assert_eq!(location(), "m2");
        assert!(m2.delete().wait().send().is_err(), "there is something on it");
    }

    /// Who has the old one pinned is not talked to any more.
    fn the_certificate_is_renewed<C: Lab>(first: &Daemon, like: &Server<C>, m1: &Server<C>) {
        let identity = ClientIdentity::generate("cluster").unwrap();
        secret(identity.key_pem().expose());
        let put = ClusterCertificatePut::new(identity.certificate_pem(), identity.key_pem().expose());
        m1.lxd.cluster().replace_certificate(put).wait().send().unwrap();
        let https = format!("https://{}", first.address()).parse().unwrap();
        let shown = lxd_host::fetch_certificate(&https, None, Duration::from_secs(10)).unwrap();
        assert_eq!(shown.fingerprint(), identity.fingerprint());
        assert_eq!(first.connect(like).lxd.cluster().members().names().send().unwrap(), ["m1"]);
    }
}
