//! Drafts that are saved: what is asked, and what it comes to.

use lxd_proto::{Draft, Error, Lxd, error::Outdated, limits, resources::Profile};
use serde_json::{Value, json};

use crate::support::{
    client::{Client, now},
    script::{Answer, Script, error, operation, play, running, sync, versioned},
};

const PROFILE: &str = "GET /1.0/profiles/p";
const WAIT: &str = "GET /1.0/operations/op-1/wait?timeout=15";

fn profile(config: Value) -> Value {
    json!({"name": "p", "description": "", "config": config, "novel": [1], "used_by": []})
}

fn read(etag: &str, config: Value) -> (String, Answer) {
    (PROFILE.into(), versioned(etag, profile(config)))
}

fn put(etag: &str, config: &Value, answer: Answer) -> (String, Answer) {
    let body = json!({"description": "", "config": config, "novel": [1]});
    (format!("PUT /1.0/profiles/p\ncontent-type: application/json\nif-match: {etag}\n\n{body}"), answer)
}

fn refused() -> Answer {
    error(412, "ETag does not match")
}

/// Reads the profile and sets `mine`.
fn changed(lxd: &Client<Script>) -> Draft<Profile> {
    let mut draft = lxd.profile("p").get().send().unwrap().draft().unwrap();
    draft.config.insert("mine".into(), "1".into());
    draft
}

fn outdated(result: Result<Draft<Profile>, Error>) -> Box<Outdated> {
    match result {
        Err(Error::Outdated(outdated)) => outdated,
        other => panic!("{other:?}"),
    }
}

#[test]
fn is_written_and_read_again() {
    let mine = json!({"mine": "1"});
    let done = [read("e1", json!({})), put("e1", &mine, sync(json!({}))), read("e2", mine.clone())];
    let saved = play(done, |lxd| lxd.profile("p").save(&changed(lxd)).send()).unwrap();
    assert!(!saved.is_changed().unwrap());
    assert_eq!((saved.config["mine"].as_str(), saved.read().etag.as_ref().unwrap().as_str()), ("1", "e2"));

    // Newer servers go on as an operation.
    let wait = (WAIT.into(), operation(200, ""));
    let later =
        [read("e1", json!({})), put("e1", &mine, running("/1.0/operations/op-1")), wait, read("e2", mine.clone())];
    play(later, |lxd| now(lxd.profile("p").save(&changed(lxd)).into_future())).unwrap();

    let fails = [
        read("e1", json!({})),
        put("e1", &mine, running("/1.0/operations/op-1")),
        (WAIT.into(), operation(400, "boom")),
    ];
    let error = play(fails, |lxd| lxd.profile("p").save(&changed(lxd)).send()).unwrap_err();
    assert!(error.operation().is_some(), "{error}");
}

#[test]
fn is_not_sent_unchanged() {
    let draft = play([read("e1", json!({"a": "1"}))], |lxd| {
        let draft = lxd.profile("p").get().send().unwrap().draft().unwrap();
        lxd.profile("p").save(&draft).send()
    });
    assert_eq!(draft.unwrap().config["a"], "1");
}

#[test]
fn says_who_changed_what() {
    let mine = json!({"mine": "1"});
    let steps = || [read("e1", json!({})), put("e1", &mine, refused()), read("e2", json!({"theirs": "2"}))];
    let error = outdated(play(steps(), |lxd| lxd.profile("p").save(&changed(lxd)).send()));
    let places = |changes: &[lxd_proto::Change]| changes.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(places(&error.mine), [r#"config["mine"]: nothing -> "1""#]);
    assert_eq!(places(&error.others), [r#"config["theirs"]: nothing -> "2""#]);
    assert!(error.conflicts.is_empty());
}

#[test]
fn is_merged() {
    let mine = json!({"mine": "1"});
    let both = json!({"mine": "1", "theirs": "2"});
    let steps = [
        read("e1", json!({})),
        put("e1", &mine, refused()),
        read("e2", json!({"theirs": "2"})),
        put("e2", &both, sync(json!({}))),
        read("e3", both.clone()),
    ];
    let saved = play(steps, |lxd| lxd.profile("p").save(&changed(lxd)).merge().send()).unwrap();
    assert_eq!(saved.config["theirs"], "2");

    // Somebody wrote the same: nothing is left to be sent.
    let steps = [read("e1", json!({})), put("e1", &mine, refused()), read("e2", mine.clone())];
    play(steps, |lxd| lxd.profile("p").save(&changed(lxd)).merge().send()).unwrap();

    // Not the same key.
    let steps = [read("e1", json!({})), put("e1", &mine, refused()), read("e2", json!({"mine": "3"}))];
    let error = outdated(play(steps, |lxd| lxd.profile("p").save(&changed(lxd)).merge().send()));
    assert_eq!(error.conflicts[0].place(), r#"config["mine"]"#);
}

#[test]
fn ends() {
    let theirs = |turn: u32| json!({ "theirs": turn.to_string() });
    let both = |turn: u32| json!({"mine": "1", "theirs": turn.to_string()});
    let steps = (0..limits::EDIT_TRIES).flat_map(|turn| {
        let etag = format!("e{turn}");
        [put(&etag, &both(turn), refused()), read(&format!("e{}", turn + 1), theirs(turn + 1))]
    });
    let steps = [read("e0", theirs(0))].into_iter().chain(steps);
    outdated(play(steps, |lxd| lxd.profile("p").save(&changed(lxd)).merge().send()));

    let gone = [read("e1", json!({})), put("e1", &json!({"mine": "1"}), error(404, "not found"))];
    assert!(play(gone, |lxd| lxd.profile("p").save(&changed(lxd)).send()).unwrap_err().is_not_found());
}
