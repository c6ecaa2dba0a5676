//! Transcripts of flows: what each asks, in which order, and what it makes of the answers.

use std::{collections::VecDeque, pin::Pin, time::Duration};

use bytes::Bytes;
use futures_core::Stream;
use lxd_proto::{
    Blocking, Body, Client as _, Error, Failure, FailureKind, Fingerprint, Lxd, Payload, Phase, Proof, Scope, Streams,
    TrustToken,
    error::{ApiErrorKind, Outcome},
    flow::{Reply, Sequential},
    limits,
    resources::{EventType, OperationId, ProfilePut},
};
use serde_json::{Value, json};

use crate::support::{
    client::{Client, now},
    fixtures::{Exchange, SERVERS},
    script::{
        Answer, EVENTS, Script, error, error_at, failure, http, lifecycle, message, operation, play, running, sync,
        versioned,
    },
};

const START: &str = "PUT /1.0/instances/c1/state";
const URL: &str = "/1.0/operations/op-1";
const WAIT: &str = "GET /1.0/operations/op-1/wait?timeout=15\n(long poll: 20s)";
const LOOK: &str = "GET /1.0/operations/op-1";
/// How 5.15 and later say that the time of a `/wait` is over.
const DEADLINE: &str = "context deadline exceeded";

fn silence() -> Answer {
    failure(FailureKind::Timeout(Phase::Head))
}

/// How something ended, in short.
fn end<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "done".into(),
        Err(Error::Operation(error)) => match error.outcome {
            Outcome::Failed(text) => format!("failed: {text}"),
            outcome => format!("{outcome:?}"),
        },
        Err(error) => error.to_string(),
    }
}

#[test]
fn wait() {
    let cases = [
        // Done at once, or as an operation.
        ("done", vec![(START, sync(json!({})))]),
        ("done", vec![(START, running(URL)), (WAIT, operation(200, ""))]),
        ("PUT /1.0/instances/c1/state: busy (409)", vec![(START, error(409, "busy"))]),
        ("the connection broke: of the test", vec![(START, failure(FailureKind::Broken))]),
        // In a cluster the operation's URL has a query.
        ("done", vec![(START, running("/1.0/operations/op-1?project=p&target=m1")), (WAIT, operation(200, ""))]),
        // A failure, in the three dialects of `/wait`.
        ("failed: boom", vec![(START, running(URL)), (WAIT, operation(400, "boom"))]),
        ("failed: boom", vec![(START, running(URL)), (WAIT, error(500, "boom")), (LOOK, operation(400, "boom"))]),
        (
            "failed: boom",
            vec![(START, running(URL)), (WAIT, error_at(200, 500, "boom")), (LOOK, operation(400, "boom"))],
        ),
        // What it failed for was not found; the operation was.
        (
            "failed: boom",
            vec![(START, running(URL)), (WAIT, error_at(200, 404, "boom")), (LOOK, operation(400, "boom"))],
        ),
        ("failed: half", vec![(START, running(URL)), (WAIT, operation(200, "half"))]),
        ("Cancelled", vec![(START, running(URL)), (WAIT, operation(401, ""))]),
        // The time of one `/wait` passed, in the three dialects.
        ("done", vec![(START, running(URL)), (WAIT, operation(103, "")), (WAIT, operation(200, ""))]),
        (
            "done",
            vec![
                (START, running(URL)),
                (WAIT, error(500, DEADLINE)),
                (LOOK, operation(103, "")),
                (WAIT, operation(200, "")),
            ],
        ),
        (
            "done",
            vec![
                (START, running(URL)),
                (WAIT, error_at(200, 500, DEADLINE)),
                (LOOK, operation(103, "")),
                (WAIT, operation(200, "")),
            ],
        ),
        // Nobody answers.
        ("done", vec![(START, running(URL)), (WAIT, silence()), (LOOK, operation(200, ""))]),
        (
            "done",
            vec![(START, running(URL)), (WAIT, silence()), (LOOK, operation(103, "")), (WAIT, operation(200, ""))],
        ),
        ("Unknown", vec![(START, running(URL)), (WAIT, silence()), (LOOK, error(404, "not found"))]),
        ("Unknown", vec![(START, running(URL)), (WAIT, error(404, "not found")), (LOOK, error(404, "not found"))]),
        (
            "the connection broke: of the test",
            vec![(START, running(URL)), (WAIT, failure(FailureKind::Broken)), (LOOK, failure(FailureKind::Connect))],
        ),
    ];
    for (expected, steps) in cases {
        let shown = format!("{steps:?}");
        let result = play(steps, |lxd| lxd.instance("c1").start().wait().send());
        assert_eq!(end(result), expected, "{shown}");
    }
}

/// A server that refuses every `/wait` is not asked for ever; one that refuses it now and then is.
#[test]
fn refusals_of_wait() {
    let refused = || [(WAIT, failure(FailureKind::Broken)), (LOOK, operation(103, ""))];
    let times = |n| (0..n).flat_map(move |_| refused());
    let begin = || [(START, running(URL))].into_iter();
    let start = |steps: Vec<(&'static str, Answer)>| end(play(steps, |lxd| lxd.instance("c1").start().wait().send()));

    let last = [(WAIT, failure(FailureKind::Broken))];
    assert_eq!(start(begin().chain(times(8)).chain(last).collect()), "the connection broke: of the test");
    for between in [operation(103, ""), error(500, DEADLINE)] {
        let looked = matches!(&between, Ok(Reply::Http(response)) if response.status() == 500);
        let between = [(WAIT, between)].into_iter().chain(looked.then(|| (LOOK, operation(103, ""))));
        let steps = begin().chain(times(8)).chain(between).chain(times(8)).chain([(WAIT, operation(200, ""))]);
        assert_eq!(start(steps.collect()), "done");
    }
}

#[test]
fn wait_for_a_time() {
    let wait = |seconds: u64| format!("GET /1.0/operations/op-1/wait?timeout={seconds}");
    let begin = || (START.to_owned(), running(URL));
    for (limit, steps, expected) in [
        (20_000, vec![begin(), (wait(15), operation(103, "")), (wait(5), operation(103, ""))], "StillRunning"),
        (20_000, vec![begin(), (wait(15), operation(103, "")), (wait(5), operation(200, ""))], "done"),
        (15_500, vec![begin(), (wait(15), operation(103, "")), (wait(1), operation(103, ""))], "StillRunning"),
        // Whole seconds, and at least one.
        (1_500, vec![begin(), (wait(2), operation(103, ""))], "StillRunning"),
        (0, vec![begin(), (wait(1), operation(103, ""))], "StillRunning"),
        (5_000, vec![begin(), (wait(5), silence()), (LOOK.into(), operation(103, ""))], "StillRunning"),
        (5_000, vec![begin(), (wait(5), error(500, DEADLINE)), (LOOK.into(), operation(103, ""))], "StillRunning"),
        (5_000, vec![begin(), (wait(5), error(500, DEADLINE)), (LOOK.into(), operation(400, "boom"))], "failed: boom"),
        (5_000, vec![(START.into(), sync(json!({})))], "done"),
    ] {
        let limit = Duration::from_millis(limit);
        let result = play(steps, |lxd| lxd.instance("c1").start().wait().timeout(limit).send());
        assert_eq!(end(result), expected, "{limit:?}");
    }
}

/// The ends that real servers gave. A new one says why it failed, and the operation itself is looked at.
#[test]
fn real_ends() {
    let id: OperationId = "op-1".parse().unwrap();
    let network = "Failed creating instance record: Failed initialising instance: Invalid devices: ";
    for (name, expected) in [
        ("exec-ws-3fds-op", "done"),
        ("exec-not-found-op", "failed: Command not found"),
        ("err-instance-start-running-op", "failed: The instance is already running"),
        ("err-instance-nic-nosuch-op", &format!("failed: {network}")),
        ("operation-wait-timeout", "StillRunning"),
    ] {
        for server in SERVERS {
            let exchange = Exchange::load(server, name);
            let mut steps = vec![(LOOK, operation(103, "")), (WAIT, Ok(Reply::Http(exchange.response())))];
            let answer: Value = serde_json::from_slice(&exchange.body()).unwrap();
            match answer["error"].as_str().unwrap() {
                "" => {}
                DEADLINE => steps.push((LOOK, operation(103, ""))),
                text => steps.push((LOOK, operation(400, text))),
            }
            let result = play(steps, |lxd| lxd.operation(id.clone()).wait().timeout(limits::WAIT).send());
            assert!(end(result).starts_with(expected), "{server} {name}");
        }
    }
}

/// An operation of somebody else is looked at before it is waited for: it may have ended.
#[test]
fn taking_up_an_operation() {
    for (expected, steps) in [
        ("done", vec![(LOOK, operation(200, ""))]),
        ("failed: boom", vec![(LOOK, operation(400, "boom"))]),
        ("Cancelled", vec![(LOOK, operation(401, ""))]),
        ("Unknown", vec![(LOOK, error(404, "not found"))]),
        ("done", vec![(LOOK, operation(103, "")), (WAIT, operation(200, ""))]),
        ("GET /1.0/operations/op-1: not authorized (403)", vec![(LOOK, error(403, "not authorized"))]),
    ] {
        assert_eq!(end(play(steps, |lxd| lxd.operation("op-1".parse().unwrap()).wait().send())), expected);
    }
    let ended = play([(LOOK, operation(200, ""))], |lxd| lxd.operation("op-1".parse().unwrap()).wait().send());
    assert_eq!(ended.unwrap().description, "Working");
}

const PROFILE: &str = "GET /1.0/profiles/p";

fn put(etag: &str, body: &str) -> String {
    format!("PUT /1.0/profiles/p\ncontent-type: application/json\nif-match: {etag}\n\n{body}")
}

/// Only what the closure changed changes: unknown keys stay, at the top and below; `null` stays `null`; what the server
/// did not send is not sent, and what can only be read neither.
#[test]
fn edit_writes_what_changed() {
    let before = json!({
        "name": "p", "used_by": [], "project": "default",
        "description": "old", "config": {"a": "1", "b": "2"}, "devices": null, "novel": {"x": [1, null]},
    });
    type Edit = fn(&mut ProfilePut);
    let cases: [(Edit, &str); 4] = [
        (
            |p| p.description = "new".into(),
            r#"{"config":{"a":"1","b":"2"},"description":"new","devices":null,"novel":{"x":[1,null]}}"#,
        ),
        (
            |p| {
                p.config.remove("a");
                p.config.insert("c".into(), "3".into());
            },
            r#"{"config":{"b":"2","c":"3"},"description":"old","devices":null,"novel":{"x":[1,null]}}"#,
        ),
        (
            |p| {
                p.devices.entry("root".into()).or_default().insert("type".into(), "disk".into());
            },
            r#"{"config":{"a":"1","b":"2"},"description":"old","devices":{"root":{"type":"disk"}},"novel":{"x":[1,null]}}"#,
        ),
        // Who throws away the unknown keys, throws them away.
        (|p| *p = ProfilePut::default(), r#"{"config":{},"description":"","devices":null}"#),
    ];
    for (edit, body) in cases {
        let steps = [(PROFILE.to_owned(), versioned("\"e1\"", before.clone())), (put("\"e1\"", body), sync(json!({})))];
        assert_eq!(end(play(steps, |lxd| lxd.profile("p").edit(edit).send())), "done");
    }

    // No change, no `PUT`. No version, no `If-Match`. No key, no key.
    let same = |p: &mut ProfilePut| p.description = "old".into();
    play([(PROFILE, versioned("\"e1\"", before))], |lxd| lxd.profile("p").edit(same).send()).unwrap();
    let unversioned = [
        (PROFILE, sync(json!({"name": "p"}))),
        ("PUT /1.0/profiles/p\ncontent-type: application/json\n\n{\"description\":\"old\"}", sync(json!({}))),
    ];
    play(unversioned, |lxd| lxd.profile("p").edit(same).send()).unwrap();
}

/// Somebody else is faster: the closure runs on what they made of it, and nothing of theirs is lost.
#[test]
fn edit_begins_again() {
    let read = |tag: &str, text: &str| (PROFILE.to_owned(), versioned(tag, json!({"description": text})));
    let add = |p: &mut ProfilePut| p.description.push('!');
    let steps = [
        read("e1", "mine"),
        (put("e1", r#"{"description":"mine!"}"#), error(412, "ETag does not match")),
        read("e2", "theirs"),
        (put("e2", r#"{"description":"theirs!"}"#), sync(json!({}))),
    ];
    assert_eq!(end(play(steps, |lxd| lxd.profile("p").edit(add).send())), "done");

    let again = || [read("e1", "x"), (put("e1", r#"{"description":"x!"}"#), error(412, "ETag does not match"))];
    let steps = (0..limits::EDIT_TRIES).flat_map(|_| again());
    let error = play(steps, |lxd| lxd.profile("p").edit(add).send()).unwrap_err();
    assert_eq!(error.api(), Some(ApiErrorKind::PreconditionFailed));
    assert_eq!(error.to_string(), "PUT /1.0/profiles/p: ETag does not match (412)");
}

/// As an operation, a `PUT` can find out at its end that somebody else was faster.
#[test]
fn edit_begins_again_after_an_operation() {
    let read = |tag: &str, text: &str| (PROFILE.to_owned(), versioned(tag, json!({"description": text})));
    let late = json!({"id": "op-1", "status_code": 400, "err": "ETag does not match", "err_code": 412});
    let steps = [
        read("e1", "mine"),
        (put("e1", r#"{"description":"mine!"}"#), running(URL)),
        (WAIT.into(), error_at(200, 412, "ETag does not match")),
        (LOOK.into(), sync(late.clone())),
        read("e2", "theirs"),
        (put("e2", r#"{"description":"theirs!"}"#), sync(json!({}))),
    ];
    assert_eq!(end(play(steps, |lxd| lxd.profile("p").edit(|p| p.description.push('!')).send())), "done");

    let steps = [("PUT /1.0/profiles/p", running(URL)), (WAIT, sync(late))];
    let replace = |lxd: &Client<Script>| lxd.profile("p").replace(ProfilePut::default()).wait().send();
    assert!(play(steps, replace).unwrap_err().is_precondition_failed());
}

/// A `PUT` that goes on as an operation is waited for.
#[test]
fn edit_ends() {
    let read = || (PROFILE, versioned("e1", json!({"description": "old"})));
    let put = "PUT /1.0/profiles/p";
    for (expected, steps) in [
        ("done", vec![read(), (put, running(URL)), (WAIT, operation(200, ""))]),
        ("failed: boom", vec![read(), (put, running(URL)), (WAIT, operation(400, "boom"))]),
        (
            "done",
            vec![
                read(),
                (put, running(URL)),
                (WAIT, silence()),
                (LOOK, operation(103, "")),
                (WAIT, operation(200, "")),
            ],
        ),
        ("PUT /1.0/profiles/p: no (400)", vec![read(), (put, error(400, "no"))]),
        ("GET /1.0/profiles/p: not found (404)", vec![(PROFILE, error(404, "not found"))]),
        ("the connection broke: of the test", vec![read(), (put, failure(FailureKind::Broken))]),
    ] {
        let edit = |p: &mut ProfilePut| p.description = "new".into();
        assert_eq!(end(play(steps, |lxd| lxd.profile("p").edit(edit).send())), expected);
    }
}

const PUSH: &str = "POST /1.0/instances/c1/files?path=/x";
const SIZE: &str = "GET /1.0/instances/c1/files?path=/x\nrange: bytes=-1";

/// The answer to a request of a file's last byte.
fn size(bytes: u64) -> Answer {
    let status = if bytes == 0 { 416 } else { 206 };
    http(status, &[("content-range", &format!("bytes 0-0/{bytes}")), ("x-lxd-type", "file")], "")
}

#[test]
fn push() {
    let pushed = || (PUSH, sync(json!({})));
    let link = || http(206, &[("content-range", "bytes 0-0/11"), ("x-lxd-type", "symlink")], "/");
    let incomplete =
        |sent, kept| format!("/x was pushed with {sent} bytes, but the server kept {kept}; is its disk full?");
    let done = || String::from("done");
    type Content = fn() -> Payload<&'static str>;
    let (hello, reader): (Content, Content) = (|| "hello".into(), || Payload::reader("a reader"));
    for (append, content, steps, expected) in [
        (false, hello, vec![pushed(), (SIZE, size(5))], done()),
        (false, (|| Payload::sized("a reader", 5)) as Content, vec![pushed(), (SIZE, size(5))], done()),
        (false, || Payload::Empty, vec![pushed(), (SIZE, size(0))], done()),
        // 5.0.2 says yes on a full disk.
        (false, hello, vec![pushed(), (SIZE, size(0))], incomplete(5, 0)),
        // A server that ignores the range sends the file.
        (false, hello, vec![pushed(), (SIZE, http(200, &[("x-lxd-type", "file")], "hello"))], done()),
        (false, hello, vec![pushed(), (SIZE, http(200, &[("x-lxd-type", "file")], "hel"))], incomplete(5, 3)),
        // What a link points to was written; the link's own size says nothing.
        (false, hello, vec![pushed(), (SIZE, link())], done()),
        (true, hello, vec![(SIZE, link()), pushed()], done()),
        (true, hello, vec![(SIZE, size(3)), pushed(), (SIZE, size(8))], done()),
        (true, hello, vec![(SIZE, size(3)), pushed(), (SIZE, size(3))], incomplete(8, 3)),
        (true, hello, vec![(SIZE, error(404, "not found")), pushed(), (SIZE, size(5))], done()),
        (true, reader, vec![pushed()], done()),
        (false, reader, vec![pushed()], done()),
        (false, hello, vec![(PUSH, error(404, "no such directory"))], format!("{PUSH}: no such directory (404)")),
        (true, hello, vec![(SIZE, error(403, "no"))], "GET /1.0/instances/c1/files?path=/x: no (403)".into()),
        (
            false,
            hello,
            vec![pushed(), (SIZE, http(502, &[], "<html>"))],
            "HTTP 502 with an answer that is not LXD's (no content type): <html>".into(),
        ),
    ] {
        let shown = format!("{steps:?}");
        let result = play(steps, |lxd| {
            let files = lxd.instance("c1").files();
            if append { files.append("/x", content()).send() } else { files.put("/x", content()).send() }
        });
        assert_eq!(end(result), expected, "{shown}");
    }
}

const PIN: &str = "b9c1636727129e6c9c8c4e54e652a56c22ee99dfe69ec3f55bb15abd8f330920";

fn token(kind: &str) -> TrustToken {
    let token = json!({"client_name": "tok", "fingerprint": PIN, "addresses": ["[::1]:8443"], "secret": "s3cr3t", "type": kind});
    serde_json::from_value(token).unwrap()
}

/// A token goes where the server wants it, and only to the server whose certificate it names.
#[test]
fn trust() {
    const LOOK: &str = "GET /1.0";
    let ask = |body: String| format!("POST /1.0/certificates\ncontent-type: application/json\n\n{body}");
    let untrusted = |server| Ok(Reply::Http(Exchange::load(server, "server-untrusted").response()));
    let extension = |name: &str| sync(json!({"auth": "untrusted", "api_extensions": [name]}));
    let in_field = |field: &str, token: TrustToken| {
        ask(format!(r#"{{"name":"me","type":"client","{field}":"{}"}}"#, token.encode().expose()))
    };
    let identity = format!(
        "POST /1.0/auth/identities/tls\ncontent-type: application/json\n\n{{\"trust_token\":\"{}\"}}",
        token("Client certificate").encode().expose()
    );
    let pin = Some(PIN.parse::<Fingerprint>().unwrap());
    let other = Fingerprint::from_bytes([7; 32]);
    let (plain, typed) = (|| Proof::from(token("")), || Proof::from(token("Client certificate")));
    let password = || Proof::Password("hunter2".into());
    let done = || sync(json!(null));
    let refused = |why| format!("the trust token cannot be used: {why}");
    for (pin, proof, steps, expected) in [
        // No secret is sent where none is needed.
        (pin, plain(), vec![(LOOK.into(), sync(json!({"auth": "trusted"})))], "done".into()),
        (None, password(), vec![(LOOK.into(), sync(json!({"auth": "trusted"})))], "done".into()),
        (
            pin,
            plain(),
            vec![(LOOK.into(), untrusted("lxd-5.0.2")), (in_field("password", token("")), done())],
            "done".into(),
        ),
        (
            pin,
            plain(),
            vec![(LOOK.into(), untrusted("lxd-6.9")), (in_field("trust_token", token("")), done())],
            "done".into(),
        ),
        // Incus has the field and does not list the extension.
        (
            pin,
            plain(),
            vec![(LOOK.into(), extension("network_integrations")), (in_field("trust_token", token("")), done())],
            "done".into(),
        ),
        (pin, typed(), vec![(LOOK.into(), untrusted("lxd-6.9")), (identity, done())], "done".into()),
        (
            None,
            password(),
            vec![
                (LOOK.into(), untrusted("lxd-5.0.2")),
                (ask(r#"{"name":"me","type":"client","password":"hunter2"}"#.into()), done()),
            ],
            "done".into(),
        ),
        // Somebody else made it trusted in between.
        (
            pin,
            plain(),
            vec![
                (LOOK.into(), untrusted("lxd-5.0.2")),
                ("POST /1.0/certificates".into(), error(400, "Client is already trusted")),
            ],
            "done".into(),
        ),
        (
            pin,
            plain(),
            vec![
                (LOOK.into(), untrusted("lxd-6.9")),
                ("POST /1.0/certificates".into(), error(409, "Certificate already in trust store")),
            ],
            "done".into(),
        ),
        (
            pin,
            plain(),
            vec![
                (LOOK.into(), untrusted("lxd-6.9")),
                ("POST /1.0/certificates".into(), error(403, "No matching certificate add operation found")),
            ],
            "POST /1.0/certificates: No matching certificate add operation found (403)".into(),
        ),
        // The secret goes to nobody else: the script has no request that it could be in.
        (
            Some(other),
            plain(),
            vec![(LOOK.into(), untrusted("lxd-6.9"))],
            refused(format!("it is for the server {PIN}, but {other} is pinned")),
        ),
        (
            None,
            typed(),
            vec![(LOOK.into(), untrusted("lxd-6.9"))],
            refused(format!("pin its server's certificate first, {PIN}")),
        ),
    ] {
        let shown = format!("{proof:?} {steps:?}");
        let result = play(steps, |lxd| lxd.clone().pinned(pin).certificates().trust("me", proof).send());
        assert_eq!(end(result), expected, "{shown}");
    }
}

/// Every request and websocket of a flow has the client's scope, and every answer is read, whoever's names it has.
#[test]
fn the_scope_of_a_flow() {
    let scope = Scope { project: Some("p".into()), target: Some("m".into()), ..Scope::default() };
    let scoped = [
        ("PUT /1.0/instances/c1/state?project=p&target=m", running(URL)),
        ("GET /1.0/operations/op-1/wait?timeout=15&project=p&target=m", silence()),
        ("GET /1.0/operations/op-1?project=p&target=m", operation(200, "")),
    ];
    play(scoped, |lxd| lxd.with_scope(scope.clone()).instance("c1").start().wait().send()).unwrap();

    // Read with LXD's names, the link's target would be taken for the file's size.
    let link = http(206, &[("content-range", "bytes 0-0/11"), ("x-incus-type", "symlink")], "/");
    let pushed = [
        ("POST /1.0/instances/c1/files?path=/x&project=p&target=m", sync(json!({}))),
        ("GET /1.0/instances/c1/files?path=/x&project=p&target=m", link),
    ];
    play(pushed, |lxd| lxd.with_scope(scope.clone()).instance("c1").files().put("/x", "hello").send()).unwrap();

    // So do those that are no flows. (Of a mode only the permissions are read.)
    let file = || http(200, &[("x-incus-type", "file"), ("x-incus-mode", "0100600")], "hello");
    let files = |lxd: &Client<Script>| lxd.with_scope(scope.clone()).instance("c1").files();
    let get = "GET /1.0/instances/c1/files?path=/x&project=p&target=m";
    let stat = get.replace("GET", "HEAD");
    for mode in [
        play([(get, file())], |lxd| files(lxd).get("/x").send().map(|incoming| incoming.head.mode)),
        play([(get, file())], |lxd| now(files(lxd).get("/x").into_future()).map(|incoming| incoming.head.mode)),
        play([(&stat, file())], |lxd| files(lxd).stat("/x").send().map(|info| info.mode)),
        play([(&stat, file())], |lxd| now(files(lxd).stat("/x").into_future()).map(|info| info.mode)),
    ] {
        assert_eq!(mode.unwrap(), Some(0o600));
    }

    let steps = [
        ("open 0: GET /1.0/events?type=operation&project=p&target=m", Ok(Reply::Opened)),
        ("receive 0", message("{}")),
    ];
    play(steps, |lxd| {
        let events = lxd.with_scope(scope).events().types([EventType::Operation]);
        events.subscribe().send().unwrap().next().unwrap()
    })
    .unwrap();
}

/// Awaited calls do as those that are sent.
#[test]
fn awaited() {
    let call = play([("GET /1.0/profiles/p", error(404, "no"))], |lxd| now(lxd.profile("p").get().into_future()));
    assert_eq!(end(call), "GET /1.0/profiles/p: no (404)");

    let steps = [(START, running(URL)), (WAIT, silence()), (LOOK, operation(200, ""))];
    assert_eq!(end(play(steps, |lxd| now(lxd.instance("c1").start().wait().into_future()))), "done");

    let get = "GET /1.0/instances/c1/files?path=/x";
    let bytes = |answer| play([(get, answer)], |lxd| now(lxd.instance("c1").files().get("/x").bytes().into_future()));
    assert_eq!(bytes(http(200, &[("x-lxd-type", "file")], "hello")).unwrap(), "hello");
    assert_eq!(end(bytes(error(404, "no"))), format!("{get}: no (404)"));
    assert_eq!(
        end(bytes(http(302, &[], "moved"))),
        "HTTP 302 with an answer that is not LXD's (no content type): moved"
    );

    let steps = [(EVENTS, Ok(Reply::Opened)), ("receive 0", lifecycle("one"))];
    let event = play(steps, |lxd| {
        let mut events = now(lxd.events().subscribe().into_future()).unwrap();
        now(std::future::poll_fn(|context| Pin::new(&mut events).poll_next(context)))
    });
    assert_eq!(event.unwrap().unwrap().lifecycle().unwrap().action.as_str(), "one");
}

/// The caller's body is in the request that is sent: a reader once, bytes as often as they are asked for.
#[test]
fn bodies() {
    let mut streams = Streams::<Client<Script>>::default();
    let (bytes, reader) = (streams.body("hello".into()), streams.body(Payload::reader("a reader")));
    let mut redeem = |input| streams.redeem(http::Request::new(Body::Input(input))).map(http::Request::into_body);
    for _ in 0..2 {
        assert!(matches!(redeem(bytes), Ok(Payload::Bytes(bytes)) if bytes == "hello"));
    }
    assert!(matches!(redeem(reader), Ok(Payload::Reader("a reader", None))));
    assert!(matches!(redeem(reader), Err(failure) if failure.kind == FailureKind::Reader));
}

/// A client of a transport that has requests and nothing else.
#[derive(Clone, Debug)]
struct Plain(Client<Script>);

impl lxd_proto::Client for Plain {
    type Reader = &'static str;
    type Writer = &'static str;
    type Body = VecDeque<Bytes>;

    fn scope(&self) -> &Scope {
        self.0.scope()
    }

    fn with_scope(&self, scope: Scope) -> Self {
        Self(self.0.with_scope(scope))
    }
}

impl Blocking for Plain {
    type Io = Sequential<Self>;

    fn fetch(&self, request: http::Request<Payload<&'static str>>) -> Result<http::Response<VecDeque<Bytes>>, Failure> {
        Blocking::fetch(&self.0, request)
    }

    fn chunk(body: &mut VecDeque<Bytes>) -> Result<Option<Bytes>, Failure> {
        Ok(body.pop_front())
    }

    fn io(&self, streams: Streams<Self>) -> Sequential<Self> {
        Sequential::new(self, streams)
    }
}

/// Flows of requests need nothing else; those of websockets say what is missing.
#[test]
fn a_transport_without_websockets() {
    let steps = [(START, running(URL)), (WAIT, silence()), (LOOK, operation(200, ""))];
    assert_eq!(end(play(steps, |lxd| Plain(lxd.clone()).instance("c1").start().wait().send())), "done");
    let pushed = play(
        [
            (
                format!(
                    "{PUSH}\ncontent-type: application/octet-stream\nx-lxd-type: file\nx-lxd-write: overwrite\n\nhello"
                ),
                sync(json!({})),
            ),
            (SIZE.into(), size(5)),
        ],
        |lxd| Plain(lxd.clone()).instance("c1").files().put("/x", "hello").send(),
    );
    assert_eq!(end(pushed), "done");
    let events = play(Vec::<(&str, Answer)>::new(), |lxd| Plain(lxd.clone()).events().subscribe().send().map(drop));
    assert!(matches!(events.unwrap_err().transport(), Some(failure) if failure.kind == FailureKind::Unsupported));
}
