//! Profiles.

use lxd_proto::{Lxd, resources::ProfilesPost};
use lxd_tests::{Lab, Server, everywhere, unique};

everywhere!(are_made_changed_and_removed, are_of_their_project);

/// pylxd: P275, P276, P277, P278, P279, P280, P281, P282, P283.
fn are_made_changed_and_removed<C: Lab>(server: &Server<C>) {
    let project = server.project("profiles");
    let profiles = project.lxd.profiles();
    assert_eq!(profiles.names().send().unwrap(), ["default"]);
    let mut post = ProfilesPost::new("web");
    post.description = "for the web".into();
    post.config.insert("user.a".into(), "1".into());
    post.devices.insert("n".into(), [("type".into(), "none".into())].into());
    profiles.create(post.clone()).wait().send().unwrap();
    assert!(profiles.create(post).wait().send().is_err());

    let web = project.lxd.profile("web");
    assert!(web.exists().send().unwrap() && !project.lxd.profile("none").exists().send().unwrap());
    let made = web.get().send().unwrap();
    assert_eq!((made.name.as_str(), made.description.as_str()), ("web", "for the web"));
    assert_eq!((made.config["user.a"].as_str(), made.devices["n"]["type"].as_str()), ("1", "none"));
    assert!(made.used_by.is_empty());
    let mut listed: Vec<_> = profiles.list().send().unwrap().into_iter().map(|profile| profile.name).collect();
    listed.sort();
    assert_eq!(listed, ["default", "web"]);

    web.edit(|profile| drop(profile.config.insert("user.b".into(), "2".into()))).send().unwrap();
    web.patch(|p| p.config = Some([("user.c".into(), "3".into())].into())).wait().send().unwrap();
    let changed = web.get().send().unwrap();
    assert_eq!(
        changed.config.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(),
        ["user.a=1", "user.b=2", "user.c=3"]
    );
    let mut put = changed.writable().unwrap();
    put.config.clear();
    assert!(web.replace(put.clone()).if_match(made.etag.clone()).wait().send().unwrap_err().is_precondition_failed());
    web.replace(put).if_match(changed.etag.clone()).wait().send().unwrap();
    assert!(web.get().send().unwrap().config.is_empty());

    web.rename("mail").wait().send().unwrap();
    assert!(web.get().send().unwrap_err().is_not_found());
    let mail = project.lxd.profile("mail");
    assert_eq!(mail.get().send().unwrap().description, "for the web");
    mail.delete().wait().send().unwrap();
    assert_eq!(profiles.names().send().unwrap(), ["default"]);
    assert!(mail.delete().wait().send().unwrap_err().is_not_found());
}

/// pylxd: P279.
fn are_of_their_project<C: Lab>(server: &Server<C>) {
    let project = server.project("profiles");
    let name = unique("elsewhere");
    server.lxd.profiles().create(ProfilesPost::new(&name)).wait().send().unwrap();
    assert!(project.lxd.profile(&name).get().send().unwrap_err().is_not_found());
    server.lxd.profile(&name).delete().wait().send().unwrap();
}
