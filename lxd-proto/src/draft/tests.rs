use alloc::string::ToString;

use bytes::Bytes;
use serde_json::json;

use super::*;
use crate::resources::{Instance, Profile};

fn fetched<R: Editable>(json: Value) -> Fetched<R> {
    let raw = Bytes::from(json.to_string());
    Fetched { value: decode(R::KIND, &raw).unwrap(), etag: None, raw }
}

fn draft<R: Editable>(json: Value) -> Draft<R> {
    fetched::<R>(json).draft().unwrap()
}

fn shown(changes: Result<Vec<Change>, Error>) -> Vec<String> {
    changes.unwrap().iter().map(ToString::to_string).collect()
}

fn instance() -> Value {
    json!({
        "name": "c1", "status": "Running", "description": "", "config": {"limits.cpu": "1", "user.a": "x"},
        "devices": {"root": {"type": "disk", "path": "/"}}, "profiles": ["default"], "invented": {"deep": [1, null]},
    })
}

#[test]
fn what_is_only_read_is_not_changed() {
    let draft = draft::<Instance>(instance());
    assert!(!draft.is_changed().unwrap());
    assert_eq!(draft.body().unwrap(), None);
    assert_eq!(draft.read().status, "Running");
}

#[test]
fn changes_are_seen_however_deep() {
    let mut draft = draft::<Instance>(instance());
    draft.config.insert("limits.cpu".into(), "2".into());
    draft.config.remove("user.a");
    draft.devices.get_mut("root").unwrap().insert("size".into(), "1GiB".into());
    draft.profiles.push("web".into());
    assert_eq!(
        shown(draft.changes()),
        [
            r#"config["limits.cpu"]: "1" -> "2""#,
            r#"config["user.a"]: "x" -> nothing"#,
            r#"devices["root"]["size"]: nothing -> "1GiB""#,
            r#"profiles: ["default"] -> ["default","web"]"#,
        ]
    );
    // The whole writable part, and of it nothing that the server did not send.
    assert_eq!(
        Value::Object(draft.body().unwrap().unwrap()),
        json!({
            "description": "", "config": {"limits.cpu": "2"}, "devices": {"root": {"type": "disk", "path": "/", "size": "1GiB"}},
            "profiles": ["default", "web"], "invented": {"deep": [1, null]},
        })
    );
    draft.rollback().unwrap();
    assert!(!draft.is_changed().unwrap());
    // Setting what is there already is no change either.
    draft.description = String::new();
    assert!(!draft.is_changed().unwrap());
}

#[test]
fn an_empty_map_may_be_null() {
    let mut draft = draft::<Profile>(json!({"name": "p", "config": null, "devices": null}));
    assert!(!draft.is_changed().unwrap());
    draft.devices.insert("n".into(), [("type".into(), "none".into())].into());
    let body = Value::Object(draft.body().unwrap().unwrap());
    assert_eq!(body, json!({"config": null, "devices": {"n": {"type": "none"}}}));
}

#[test]
fn others_change_other_keys() {
    let mut mine = draft::<Instance>(instance());
    mine.config.insert("user.mine".into(), "1".into());
    let mut theirs = instance();
    theirs["config"]["user.theirs"] = "2".into();
    theirs["config"]["limits.cpu"] = "4".into();
    theirs["invented"]["more"] = true.into();
    theirs["status"] = "Stopped".into();
    let newer = fetched(theirs);
    assert_eq!(
        shown(mine.others(&newer)),
        [
            r#"config["limits.cpu"]: "1" -> "4""#,
            r#"config["user.theirs"]: nothing -> "2""#,
            r#"invented["more"]: nothing -> true"#,
        ]
    );
    assert!(mine.conflicts(&newer).unwrap().is_empty());
    let both = mine.rebase(newer).unwrap();
    assert_eq!(shown(both.changes()), [r#"config["user.mine"]: nothing -> "1""#]);
    assert_eq!((both.config["user.theirs"].as_str(), both.config["limits.cpu"].as_str()), ("2", "4"));
    assert_eq!(both.body().unwrap().unwrap()["invented"], json!({"deep": [1, null], "more": true}));
    assert_eq!(both.read().status, "Stopped");
}

#[test]
fn both_change_the_same_key() {
    let conflicts = |change: fn(&mut Draft<Instance>), theirs: fn(&mut Value)| {
        let mut mine = draft::<Instance>(instance());
        change(&mut mine);
        let mut newer = instance();
        theirs(&mut newer);
        let newer = fetched::<Instance>(newer);
        // Without asking, mine win.
        let rebased = mine.rebase(newer.clone()).unwrap();
        assert_eq!(rebased.config.get("limits.cpu"), mine.config.get("limits.cpu"));
        let size = |draft: &Draft<Instance>| draft.devices.get("root").map(|root| root.get("size").cloned());
        assert_eq!(size(&rebased), size(&mine));
        shown(mine.conflicts(&newer))
    };
    let cpu: fn(&mut Draft<Instance>) = |mine| drop(mine.config.insert("limits.cpu".into(), "2".into()));
    assert_eq!(
        conflicts(cpu, |theirs| theirs["config"]["limits.cpu"] = "4".into()),
        [r#"config["limits.cpu"]: "1" -> "2""#]
    );
    assert_eq!(
        conflicts(cpu, |theirs| theirs["config"] = json!({"user.a": "x"})),
        [r#"config["limits.cpu"]: "1" -> "2""#]
    );
    assert_eq!(conflicts(cpu, |theirs| theirs["config"] = Value::Null), [r#"config["limits.cpu"]: "1" -> "2""#]);
    // The same change is none.
    assert!(conflicts(cpu, |theirs| theirs["config"]["limits.cpu"] = "2".into()).is_empty());
    // A device that others removed.
    let size: fn(&mut Draft<Instance>) =
        |mine| drop(mine.devices.get_mut("root").unwrap().insert("size".into(), "1GiB".into()));
    assert_eq!(
        conflicts(size, |theirs| theirs["devices"] = json!({})),
        [r#"devices["root"]["size"]: nothing -> "1GiB""#]
    );
    let gone: fn(&mut Draft<Instance>) = |mine| mine.devices.clear();
    assert_eq!(
        conflicts(gone, |theirs| theirs["devices"]["root"]["size"] = "1GiB".into()),
        [r#"devices["root"]: {"path":"/","type":"disk"} -> nothing"#]
    );
}

#[test]
fn an_outdated_draft_names_no_values() {
    let mut mine = draft::<Instance>(instance());
    mine.config.insert("user.secret".into(), "hunter2".into());
    let mut theirs = instance();
    theirs["config"]["user.secret"] = "hunter3".into();
    assert_eq!(format!("{:?}", mine.changes().unwrap()), r#"[Change(config["user.secret"])]"#);
    let error = Error::Outdated(mine.outdated(&fetched(theirs)).unwrap().into());
    assert_eq!(
        error.to_string(),
        r#"the instance changed since it was read (config["user.secret"]); not saved: config["user.secret"]; changed by both: config["user.secret"]"#
    );
    assert!(!format!("{error:?}").contains("hunter"));
    assert!(error.is_precondition_failed());
}

/// What somebody else has removed whole does not come back because a part of it is removed here.
#[test]
fn nothing_is_left_of_what_is_gone() {
    let base = json!({"name": "p", "devices": {"eth0": {"type": "nic", "mtu": "9000"}}});
    let mut mine = draft::<Profile>(base);
    mine.devices.get_mut("eth0").unwrap().remove("mtu");
    for theirs in [json!({"name": "p", "devices": {}}), json!({"name": "p"})] {
        let newer = fetched(theirs);
        assert_eq!(shown(mine.conflicts(&newer)), [""; 0]);
        assert!(mine.rebase(newer).unwrap().devices.is_empty());
    }
}
