//! Projects.

use lxd_proto::{
    Blocking, Error, Lxd, Object,
    resources::{InstancesPost, Project, ProjectsPost},
};
use lxd_tests::{Lab, Server, everywhere, unique};

everywhere!(are_made_changed_and_removed, state, names_are_whole, a_full_one_stays);

/// A project that is removed when the test is over.
struct Removed<C: Blocking>(Object<C, Project>);

impl<C: Blocking> Drop for Removed<C> {
    fn drop(&mut self) {
        let _ = self.0.delete().wait().send();
    }
}

/// pylxd: P284, P285, P286.
/// pylxd: W34.
fn are_made_changed_and_removed<C: Lab>(server: &Server<C>) {
    let (projects, name) = (server.lxd.projects(), unique("project"));
    let project = projects.one(&name);
    assert!(project.get().send().unwrap_err().is_not_found());
    let mut post = ProjectsPost::new(&name).config("features.images", "false").config("user.a", "1");
    post.description = "for the tests".into();
    projects.create(post.clone()).wait().send().unwrap();
    let mut removed = Removed(projects.one(&name));
    assert!(projects.create(post).wait().send().is_err());

    let made = project.get().send().unwrap();
    assert_eq!((made.name.as_str(), made.description.as_str()), (&*name, "for the tests"));
    assert_eq!((made.config["features.images"].as_str(), made.config["features.profiles"].as_str()), ("false", "true"));
    assert_eq!(made.used_by, [format!("/1.0/profiles/default?project={name}")]);
    assert_eq!(made.replica_mode.as_str(), "");
    assert!(projects.names().send().unwrap().contains(&name));
    assert!(projects.list().send().unwrap().iter().any(|project| project.name == name));

    project.edit(|project| drop(project.config.insert("user.b".into(), "2".into()))).send().unwrap();
    let edited = project.get().send().unwrap();
    assert_eq!(["user.a", "user.b"].map(|key| edited.config[key].as_str()), ["1", "2"]);
    project.patch(|p| p.description = Some("patched".into())).wait().send().unwrap();
    let changed = project.get().send().unwrap();
    assert_eq!((changed.description.as_str(), &changed.config), ("patched", &edited.config));
    let mut put = changed.writable().unwrap();
    put.description = "changed".into();
    let late = project.replace(put.clone()).if_match(made.etag.clone()).wait().send();
    assert!(late.unwrap_err().is_precondition_failed());
    project.replace(put).if_match(changed.etag.clone()).wait().send().unwrap();

    // An operation already on 5.0.2. When it is over, the project has its new name.
    let renamed = unique("renamed");
    project.rename(&renamed).wait().send().unwrap();
    removed.0 = projects.one(&renamed);
    assert_eq!(removed.0.get().send().unwrap().description, "changed");
    assert!(project.get().send().unwrap_err().is_not_found());
    removed.0.delete().wait().send().unwrap();
    assert!(removed.0.get().send().unwrap_err().is_not_found());
    assert!(removed.0.delete().wait().send().unwrap_err().is_not_found());
}

fn state<C: Lab>(server: &Server<C>) {
    let project = server.project("usage");
    let entry = server.lxd.projects().one(&project.name);
    entry.edit(|project| drop(project.config.insert("limits.instances".into(), "1".into()))).send().unwrap();
    let usage = || {
        let state = entry.state().send().unwrap();
        (state.resources["instances"].limit, state.resources["instances"].usage)
    };
    assert_eq!(usage(), (1, 0));
    project.lxd.instances().create(InstancesPost::empty("c1").profiles(["default"])).wait().send().unwrap_err();
    let root = [("type", "disk"), ("path", "/"), ("pool", "default")];
    let first = InstancesPost::empty("c1").device("root", root);
    project.lxd.instances().create(first).wait().send().unwrap();
    assert_eq!(usage(), (1, 1));
    assert!(project.lxd.instances().create(InstancesPost::empty("c2").device("root", root)).wait().send().is_err());
    assert_eq!(entry.state().send().unwrap().resources["memory"].limit, -1);
}

/// A name with whatever the server lets in is the same in lists, and reaches its project and no other.
///
/// pylxd: W03, W21.
fn names_are_whole<C: Lab>(server: &Server<C>) {
    let (projects, name) = (server.lxd.projects(), unique("a?b#c%41&ü"));
    projects.create(ProjectsPost::new(&name)).wait().send().unwrap();
    let removed = Removed(projects.one(&name));
    assert_eq!(removed.0.get().send().unwrap().name, name);
    assert!(projects.names().send().unwrap().contains(&name));
    let inside = server.lxd.project(&name);
    assert_eq!(inside.profiles().names().send().unwrap(), ["default"]);
    // Networks are not of the project's own.
    assert!(inside.networks().names().send().unwrap().contains(&"lo".into()));
    // These say of which project they are in every URL.
    inside.profile("default").edit(|profile| profile.description = "inside".into()).send().unwrap();
    assert_ne!(server.lxd.profile("default").get().send().unwrap().description, "inside");
    assert!(projects.create(ProjectsPost::new("a/b")).wait().send().is_err());
}

fn a_full_one_stays<C: Lab>(server: &Server<C>) {
    let project = server.project("full");
    project.image("own");
    let entry = server.lxd.projects().one(&project.name);
    assert!(entry.delete().wait().send().is_err());
    // 5.0.2 cannot remove what is in it, and is not asked to.
    let force = entry.delete().force().wait().send().unwrap_err();
    assert_eq!(force, Error::MissingExtension("projects_force_delete"));
    assert_eq!(project.lxd.image_aliases().names().send().unwrap(), ["own"]);
}
