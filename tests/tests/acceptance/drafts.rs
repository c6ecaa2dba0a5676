//! Objects that are changed, looked at, taken back and saved.

use lxd_proto::{
    Error, Lxd, Object,
    resources::{Profile, ProfilePatch, ProfilesPost},
};
use lxd_tests::{Lab, Project, Server, everywhere};

everywhere!(know_what_changed, are_saved_only_when_changed, keep_what_others_changed, of_an_instance);

/// pylxd: P090, P091, P092, P093, P094, P099, P103.
/// pylxd: W01, W13, W47.
fn know_what_changed<C: Lab>(server: &Server<C>) {
    let project = server.project("drafts");
    let web = web(&project);
    let mut draft = web.get().send().unwrap().draft().unwrap();
    assert!(!draft.is_changed().unwrap(), "reading changes nothing");
    draft.config.insert("user.a".into(), "2".into());
    draft.devices.insert("n".into(), [("type".into(), "none".into())].into());
    let shown: Vec<_> = draft.changes().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(shown, [r#"config["user.a"]: "1" -> "2""#, r#"devices["n"]: nothing -> {"type":"none"}"#]);

    // Another writer changes another key: what is read then has both.
    web.patch(set("user.b", "3")).wait().send().unwrap();
    let mut draft = draft.rebase(web.get().send().unwrap()).unwrap();
    assert_eq!((draft.config["user.a"].as_str(), draft.config["user.b"].as_str()), ("2", "3"));
    assert_eq!(draft.changes().unwrap().len(), 2);

    draft.rollback().unwrap();
    assert!(!draft.is_changed().unwrap());
    assert_eq!(draft.config["user.a"], "1");
    // Reading twice gives what the server has, however often it was read before.
    web.patch(set("user.a", "4")).wait().send().unwrap();
    assert_eq!(draft.rebase(web.get().send().unwrap()).unwrap().config["user.a"], "4");
}

/// pylxd: P094, P096, P097.
/// pylxd: W14.
fn are_saved_only_when_changed<C: Lab>(server: &Server<C>) {
    let project = server.project("drafts");
    let web = web(&project);
    let draft = web.get().send().unwrap().draft().unwrap();
    let etag = draft.read().etag.clone();
    assert_eq!(web.save(&draft).send().unwrap().read().etag, etag);

    let mut mine = draft.clone();
    mine.description = "mine".into();
    let saved = web.save(&mine).send().unwrap();
    assert_eq!((saved.description.as_str(), saved.config["user.a"].as_str()), ("mine", "1"));
    assert!(!saved.is_changed().unwrap());
    assert_ne!(saved.read().etag, etag);

    // The second writer is told, and nothing is lost.
    let mut late = draft;
    late.description = "late".into();
    let Err(Error::Outdated(outdated)) = web.save(&late).send() else { panic!("it was not told") };
    assert_eq!(outdated.conflicts[0].to_string(), r#"description: "" -> "late""#);
    assert_eq!(outdated.others[0].to_string(), r#"description: "" -> "mine""#);
    assert_eq!(web.get().send().unwrap().description, "mine");
}

fn keep_what_others_changed<C: Lab>(server: &Server<C>) {
    let project = server.project("drafts");
    let web = web(&project);
    let mut draft = web.get().send().unwrap().draft().unwrap();
    draft.config.insert("user.mine".into(), "1".into());
    web.patch(set("user.theirs", "2")).wait().send().unwrap();
    let Err(Error::Outdated(outdated)) = web.save(&draft).send() else { panic!("it was not told") };
    assert!(outdated.conflicts.is_empty(), "{outdated}");

    let saved = web.save(&draft).merge().send().unwrap();
    assert_eq!((saved.config["user.mine"].as_str(), saved.config["user.theirs"].as_str()), ("1", "2"));
}

/// pylxd: P095, P098, P100, P101, P102, P124.
/// pylxd: W42.
fn of_an_instance<C: Lab>(server: &Server<C>) {
    let container = server.stopped("draft");
    let mut draft = container.get().send().unwrap().draft().unwrap();
    draft.ephemeral = true;
    draft.devices.insert("n".into(), [("type".into(), "none".into())].into());
    // What the server computes is not a part of what is written.
    assert!(!draft.extra.iter().any(|(key, _)| key.starts_with("expanded") || key == "created_at"));
    let saved = container.save(&draft).send().unwrap();
    assert!(saved.ephemeral && saved.read().ephemeral);
    assert_eq!(saved.read().expanded_devices["n"]["type"], "none");
    // An object is only a name: it can be deleted, and asked again.
    container.delete().wait().send().unwrap();
    assert!(container.save(&draft).send().unwrap_err().is_not_found());
    assert!(container.get().send().unwrap_err().is_not_found());
}

/// A profile with `user.a` at 1.
fn web<C: Lab>(project: &Project<C>) -> Object<C, Profile> {
    let mut post = ProfilesPost::new("web");
    post.config.insert("user.a".into(), "1".into());
    project.lxd.profiles().create(post).wait().send().unwrap();
    project.lxd.profile("web")
}

fn set(key: &'static str, value: &'static str) -> impl FnOnce(&mut ProfilePatch) {
    move |patch| patch.config = Some([(key.into(), value.into())].into())
}
