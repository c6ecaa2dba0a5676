//! Snapshots of an instance.

use lxd_proto::{compat::Timestamp, resources::InstanceSnapshotsPost};
use lxd_tests::{Lab, Server, everywhere};

everywhere!(are_made_listed_and_removed, an_instance_goes_back_to_one, one_expires, a_stateful_one_needs_criu);

/// pylxd: P180, P181, P182, P183, P185, P186, P189.
fn are_made_listed_and_removed<C: Lab>(server: &Server<C>) {
    let container = server.stopped("snap");
    let snapshots = container.snapshots();
    assert!(snapshots.names().send().unwrap().is_empty());
    for post in [InstanceSnapshotsPost::new("a:b,ü"), InstanceSnapshotsPost::default()] {
        let made = snapshots.create(post).wait().send().unwrap();
        assert_eq!(made.name, "", "5.0.2 names only the instance");
    }
    let mut names = snapshots.names().send().unwrap();
    names.sort();
    assert_eq!(names, ["a:b,ü", "snap0"]);
    let listed = snapshots.list().send().unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|snapshot| snapshot.expires_at.is_unset() && !snapshot.stateful));
    let got = snapshots.get("snap0").send().unwrap();
    assert_eq!(got.profiles, ["default"]);
    assert!(got.created_at.unix().is_some_and(|(seconds, _)| seconds > 1_600_000_000));

    container.snapshot("a:b,ü").rename("renamed").wait().send().unwrap();
    assert!(container.snapshot("a:b,ü").get().send().unwrap_err().is_not_found());
    container.snapshot("renamed").get().send().unwrap();
    container.snapshot("renamed").delete().wait().send().unwrap();
    assert_eq!(snapshots.names().send().unwrap(), ["snap0"]);
    assert!(container.snapshot("renamed").delete().wait().send().unwrap_err().is_not_found());
}

/// pylxd: P136, P188.
fn an_instance_goes_back_to_one<C: Lab>(server: &Server<C>) {
    let container = server.stopped("restore");
    let files = container.files();
    files.put("/root/text", "before").send().unwrap();
    container.edit(|instance| instance.description = "before".into()).send().unwrap();
    container.snapshots().create(InstanceSnapshotsPost::new("s")).wait().send().unwrap();
    files.put("/root/text", "after").send().unwrap();
    files.put("/root/new", "new").send().unwrap();
    container.restore("s").wait().send().unwrap();
    assert_eq!(files.get("/root/text").bytes().send().unwrap(), "before");
    assert!(files.get("/root/new").bytes().send().unwrap_err().is_not_found());
    assert!(container.restore("none").wait().send().is_err());
}

/// pylxd: P190.
/// pylxd: W41.
fn one_expires<C: Lab>(server: &Server<C>) {
    let container = server.stopped("expire");
    let mut post = InstanceSnapshotsPost::new("s");
    post.expires_at = Some(Timestamp::new("2100-01-01T00:00:00Z"));
    container.snapshots().create(post).wait().send().unwrap();
    let snapshot = container.snapshot("s");
    let made = snapshot.get().send().unwrap();
    assert_eq!(made.expires_at.unix(), Some((4_102_444_800, 0)));
    snapshot.edit(|snapshot| snapshot.expires_at = Timestamp::new("2101-01-01T00:00:00+01:00")).send().unwrap();
    let edited = snapshot.get().send().unwrap();
    assert_eq!(edited.expires_at.unix(), Some((4_133_977_200, 0)));
    snapshot.patch(|p| p.expires_at = Some(Timestamp::new("0001-01-01T00:00:00Z"))).wait().send().unwrap();
    assert!(snapshot.get().send().unwrap().expires_at.is_unset());
    let late = snapshot
        .patch(|p| p.expires_at = Some(Timestamp::new("2102-01-01T00:00:00Z")))
        .if_match(made.etag.clone())
        .wait()
        .send();
    assert!(late.unwrap_err().is_precondition_failed());
}

/// pylxd: P184.
fn a_stateful_one_needs_criu<C: Lab>(server: &Server<C>) {
    let container = server.running("stateful");
    let mut post = InstanceSnapshotsPost::new("s");
    post.stateful = true;
    let refused = container.snapshots().create(post).wait().send().unwrap_err();
    assert!(refused.to_string().contains("CRIU"), "{refused}");
    assert!(container.snapshots().names().send().unwrap().is_empty());
}
