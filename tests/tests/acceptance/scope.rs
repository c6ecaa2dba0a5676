//! The project of a client is in every request.

use lxd_proto::{
    Lxd,
    resources::{InstanceSnapshotsPost, InstancesPost},
};
use lxd_tests::{Lab, Server, everywhere, unique};

everywhere!(everything_is_in_the_project);

/// pylxd: P025.
/// pylxd: W03.
fn everything_is_in_the_project<C: Lab>(server: &Server<C>) {
    let project = server.project("scope");
    let inside = &project.lxd;
    project.image("own");
    assert_eq!(inside.image_aliases().names().send().unwrap(), ["own"]);
    let name = unique("scoped");
    let root = [("type", "disk"), ("path", "/"), ("pool", "default")];
    let post = InstancesPost::from_alias(&name, "own").device("root", root);
    inside.instances().create(post).wait().send().unwrap();

    // The client that it was made from stays as it was.
    assert!(server.lxd.image_alias("own").get().send().unwrap_err().is_not_found());
    assert!(server.lxd.instance(&name).get().send().unwrap_err().is_not_found());
    assert!(!server.lxd.instances().names().send().unwrap().contains(&name));
    assert_eq!(inside.instances().names().send().unwrap(), [name.as_str()]);

    // Every kind of request: flows, files, edits, what is waited for.
    let instance = inside.instance(&name);
    assert_eq!(instance.get().send().unwrap().project, project.name);
    instance.files().put("/root/x", "text").send().unwrap();
    assert_eq!(instance.files().get("/root/x").bytes().send().unwrap(), "text");
    assert_eq!(instance.files().stat("/root/x").send().unwrap().uid, Some(0));
    instance.edit(|instance| instance.description = "edited".into()).send().unwrap();
    instance.snapshots().create(InstanceSnapshotsPost::new("s")).wait().send().unwrap();
    instance.start().wait().send().unwrap();
    assert_eq!(instance.state().send().unwrap().status, "Running");
    assert_eq!(inside.instances().list_full().send().unwrap()[0].description, "edited");

    let filter = format!("name eq {name}");
    let all = server.lxd.instances().list().all_projects().filter(&filter).send().unwrap();
    assert_eq!(all.iter().map(|instance| instance.project.as_str()).collect::<Vec<_>>(), [project.name.as_str()]);
    let all = inside.instances().list_full().all_projects().filter(&filter).send().unwrap();
    assert_eq!(all.len(), 1);
    assert!(inside.instances().list().all_projects().send().unwrap().iter().all(|one| !one.project.is_empty()));
}
