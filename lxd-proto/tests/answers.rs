//! Answers of real servers, and what they are read as. And answers like them, with fields missing, added and changed.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt::Debug,
    fmt::Write,
};

use bytes::Bytes;
use lxd_proto::{
    Changed, Editable, Endpoint, Error, Failure, FailureKind, Fetched, Fingerprint, Get, Lxd, Payload, Response,
    error::ApiErrorKind,
    flow::{Action, BlockingIo, Id, Reply},
    limits,
    resources::{
        Certificate, CertificatesPost, Event, Image, ImageAliasesEntry, ImageAliasesPost, Instance, InstanceSnapshot,
        InstanceSnapshotsPost, InstancesPost, Lifecycle, LifecycleAction, Operation, OperationId, Profile, ProfilePut,
        ProfilesPost, Server,
    },
};
use serde_json::{Map, Value, json};

use crate::support::{
    client,
    fixtures::{self, CLUSTER, Exchange, SERVERS},
    show,
};

pub(crate) type Client = client::Client<Answers>;

/// Gives one answer after the other to whatever is asked.
pub(crate) struct Answers {
    answers: VecDeque<Response>,
    asked: Vec<String>,
    last: Id,
}

impl BlockingIo for Answers {
    fn start(&mut self, id: Id, action: Action) {
        self.last = id;
        self.asked.push(show::action(&action));
    }

    fn finish(&mut self) -> (Id, Result<Reply, Failure>) {
        (self.last, Ok(Reply::Http(self.answers.pop_front().expect("one answer was enough"))))
    }
}

pub(crate) fn answering(answers: impl IntoIterator<Item = Response>) -> Client {
    Client::new(Answers { answers: answers.into_iter().collect(), asked: Vec::new(), last: Id(0) })
}

/// A client that gives these fixtures.
fn given<const N: usize>(server: &str, names: [&str; N]) -> Client {
    answering(names.map(|name| Exchange::load(server, name).response()))
}

/// Reads an answer, and shows all that was read.
type Read = fn(&Client) -> Result<String, Error>;

fn shown<T: Debug>(value: T) -> String {
    format!("{value:?}")
}

fn whole<R: Debug>(fetched: Fetched<R>) -> String {
    shown(fetched.value)
}

/// An operation with its metadata, which `Debug` does not show.
fn operation(operation: &Operation) -> String {
    operation.metadata.iter().fold(shown(operation), |mut text, pair| {
        let _ = write!(text, "{pair:?}");
        text
    })
}

fn operations(all: Vec<Operation>) -> String {
    all.iter().map(operation).collect()
}

fn id() -> OperationId {
    "e4bbc5e2-14b4-4f38-a55c-5f5167504a48".parse().unwrap()
}

/// Every answer to a `GET`, how it is read, and the keys in it that nothing is made of.
const READS: &[(&str, Read, &[&str])] = &[
    ("server", |lxd| lxd.server().get().send().map(whole), &[]),
    ("server-untrusted", |lxd| lxd.server().get().send().map(whole), &[]),
    ("instances", |lxd| lxd.instances().names().send().map(shown), &[]),
    ("instances-r1", |lxd| lxd.instances().list().send().map(shown), &[]),
    ("instances-r2", |lxd| lxd.instances().list_full().send().map(shown), &[]),
    ("instances-r2-member-offline", |lxd| lxd.instances().list_full().send().map(shown), &[]),
    ("instance", |lxd| lxd.instance("i1").get().send().map(whole), &[]),
    ("instance-state-running", |lxd| lxd.instance("i1").state().send().map(shown), &[]),
    ("snapshots", |lxd| lxd.instance("i1").snapshots().names().send().map(shown), &[]),
    ("snapshots-r1", |lxd| lxd.instance("i1").snapshots().list().send().map(shown), &[]),
    ("snapshot", |lxd| lxd.instance("i1").snapshot("s1").get().send().map(whole), &[]),
    ("images", |lxd| lxd.images().names().send().map(shown), &[]),
    ("images-r1", |lxd| lxd.images().list().send().map(shown), &[]),
    ("image", |lxd| lxd.image("bee25adc").get().send().map(whole), &[]),
    ("image-with-update-source", |lxd| lxd.image("f58bc9e7").get().send().map(whole), &[]),
    ("aliases", |lxd| lxd.image_aliases().names().send().map(shown), &[]),
    ("aliases-r1", |lxd| lxd.image_aliases().list().send().map(shown), &[]),
    ("alias-slash", |lxd| lxd.image_alias("dir/al3").get().send().map(whole), &[]),
    ("profiles-r1", |lxd| lxd.profiles().list().send().map(shown), &[]),
    ("profile", |lxd| lxd.profile("pr1").get().send().map(whole), &[]),
    ("certs", |lxd| lxd.certificates().names().send().map(shown), &[]),
    ("certs-r1", |lxd| lxd.certificates().list().send().map(shown), &[]),
    ("cert", |lxd| lxd.certificate("cd3e2362").get().send().map(whole), &[]),
    ("operations", |lxd| lxd.operations().names().send().map(shown), &[]),
    ("operations-r1", |lxd| lxd.operations().list().send().map(operations), &[]),
    ("operation-exec-running", |lxd| lxd.operation(id()).get().send().map(|got| operation(&got)), &[]),
];

/// Nothing is lost without its being known: a key whose value can be changed without anybody noticing is in the list.
/// (A field with a wrong name would be there too.) And every field may be missing, or null.
#[test]
fn every_field_is_read_and_none_is_needed() {
    for (name, read, unread) in READS {
        let mut unseen = BTreeSet::new();
        for server in SERVERS.into_iter().filter(|server| fixtures::names(server).iter().any(|there| there == name)) {
            let exchange = Exchange::load(server, name);
            let read = |answer: &Value| read(&answering([exchange.with(answer.to_string())]));
            let mut answer: Value = serde_json::from_slice(&exchange.body()).unwrap();
            let before = read(&answer).unwrap_or_else(|error| panic!("{server} {name}: {error}"));
            for pointer in pointers(&answer["metadata"]) {
                let pointer = format!("/metadata{pointer}");
                let (parent, key) = pointer.rsplit_once('/').unwrap();
                let value = answer.pointer(&pointer).unwrap().clone();
                if let Some(other) = changed(&value) {
                    *answer.pointer_mut(&pointer).unwrap() = other;
                    if read(&answer).unwrap() == before {
                        unseen.insert(keys(&pointer).join("/"));
                    }
                    *answer.pointer_mut(&pointer).unwrap() = value.clone();
                }
                if let (Some(Value::Object(object)), true) = (answer.pointer_mut(parent), is_field(&pointer)) {
                    object.insert(unescaped(key), Value::Null);
                    assert!(
                        read(&answer).is_ok(),
                        "{server} {name}: {pointer} is null: {}",
                        read(&answer).unwrap_err()
                    );
                    let Some(Value::Object(object)) = answer.pointer_mut(parent) else { unreachable!() };
                    object.remove(&unescaped(key));
                    assert!(
                        read(&answer).is_ok(),
                        "{server} {name}: without {pointer}: {}",
                        read(&answer).unwrap_err()
                    );
                    let Some(Value::Object(object)) = answer.pointer_mut(parent) else { unreachable!() };
                    object.insert(unescaped(key), value);
                }
            }
        }
        assert_eq!(unseen.iter().map(String::as_str).collect::<Vec<_>>(), *unread, "{name}");
    }
}

/// Where everything in a JSON value is. A list stands for itself by its first two items.
pub(crate) fn pointers(value: &Value) -> Vec<String> {
    let items: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(key, value)| (key.replace('/', "~1"), value)).collect(),
        Value::Array(array) => {
            array.iter().take(2).enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => return Vec::new(),
    };
    let below = |value| std::iter::once(String::new()).chain(pointers(value));
    items.iter().flat_map(|(key, value)| below(value).map(move |rest| format!("/{key}{rest}"))).collect()
}

/// The keys on the way to a value, without the places in lists.
pub(crate) fn keys(pointer: &str) -> Vec<&str> {
    pointer.split('/').skip(2).filter(|key| key.parse::<usize>().is_err()).collect()
}

fn unescaped(key: &str) -> String {
    key.replace("~1", "/")
}

/// Another value of the same type; none for what is empty.
pub(crate) fn changed(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => Some(json!(format!("{text}x"))),
        Value::Number(number) => Some(json!(number.as_u64()? + 1)),
        Value::Bool(yes) => Some(json!(!yes)),
        _ => None,
    }
}

/// Whether it is a field of a Go struct, and no entry of a map (whose values are never null).
pub(crate) fn is_field(pointer: &str) -> bool {
    const MAPS: [&str; 11] = [
        "config",
        "context",
        "devices",
        "expanded_config",
        "expanded_devices",
        "kernel_features",
        "lxc_features",
        "metadata",
        "properties",
        "resources",
        "templates",
    ];
    let keys: Vec<_> = pointer.split('/').skip(2).collect();
    let (last, parents) = keys.split_last().unwrap();
    let in_map = parents.iter().any(|key| MAPS.contains(key)) || matches!(parents.last(), Some(&("disk" | "network")));
    let status = parents.is_empty() && ["failure", "running", "success"].contains(last);
    !in_map && !status
}

/// A list of names has the names, and no part of the URLs that they came in.
#[test]
fn names() {
    type Names = fn(&Client) -> Result<Vec<String>, Error>;
    let aliases: Names = |lxd| lxd.image_aliases().names().send();
    let instances: Names = |lxd| lxd.instances().names().send();
    for (server, name, read, expected) in [
        ("lxd-5.0.2", "instances", instances, ["i1", "vocal-mongoose", "empty"]),
        ("lxd-6.9", "instances", instances, ["empty", "i1", "quality-parrot"]),
        ("lxd-6.9", "snapshots", |lxd| lxd.instance("i1").snapshots().names().send(), ["s1", "snap0", "exp"]),
        // 5.0.2 encodes what is encoded.
        ("lxd-5.0.2", "aliases", aliases, ["al1", "busybox", "dir/al3"]),
        ("lxd-6.9", "aliases", aliases, ["al1", "busybox", "dir/al3"]),
    ] {
        assert_eq!(read(&given(server, [name])).unwrap(), expected, "{server} {name}");
    }
}

type Refusal = (&'static str, Read, [(ApiErrorKind, &'static str); 2]);

/// Every refusal, and what it is read as, on both servers.
const ERRORS: &[Refusal] = {
    use ApiErrorKind::{BadRequest, Conflict, Forbidden, NotFound, NotImplemented, Other, PreconditionFailed};
    &[
        (
            "err-404-instance",
            |lxd| lxd.instance("nosuch").get().send().map(whole),
            [
                (NotFound, "Instance not found"),
                (NotFound, "Failed fetching instance \"nosuch\" in project \"default\": "),
            ],
        ),
        (
            "err-412-profile-patch",
            |lxd| lxd.profile("pr1").patch(|_| ()).send().map(shown),
            [(PreconditionFailed, "ETag doesn't match: "), (PreconditionFailed, "ETag does not match: ")],
        ),
        (
            "err-400-instance-name",
            |lxd| lxd.instances().create(InstancesPost::empty("i_1")).send().map(shown),
            [(BadRequest, "Invalid instance name: "), (Other, "Invalid instance name \"i_1\": ")],
        ),
        (
            "err-alias-duplicate",
            |lxd| lxd.image_aliases().create(ImageAliasesPost::new("al1", "bee25adc")).send().map(shown),
            [(Conflict, "Alias \"al1\" already exists"); 2],
        ),
        (
            "err-403-https-untrusted-instances",
            |lxd| lxd.instances().names().send().map(shown),
            [(Forbidden, "not authorized"), (Forbidden, "Forbidden")],
        ),
        (
            "err-405-post-server",
            |lxd| lxd.server().get().send().map(whole),
            [(NotImplemented, "not implemented"), (NotImplemented, "Not Implemented")],
        ),
        (
            "err-404-file-head",
            |lxd| lxd.instance("i1").files().stat("/nosuch").send().map(shown),
            [(NotFound, "/nosuch: Not Found"); 2],
        ),
        (
            "cert-add-token-reuse",
            |lxd| lxd.certificates().create(CertificatesPost::client("c1")).send().map(shown),
            [(BadRequest, "Client is already trusted"), (Forbidden, "No matching certificate add operation found")],
        ),
    ]
};

#[test]
fn errors() {
    for (name, read, expected) in ERRORS {
        for (server, (kind, text)) in SERVERS.iter().zip(expected) {
            let lxd = given(server, [name]);
            let error = read(&lxd).unwrap_err();
            let Error::Api(api) = &error else { panic!("{server} {name}: {error:?}") };
            assert_eq!((api.kind(), &api.message[..text.len()]), (*kind, *text), "{server} {name}");
            // It says which request it answers.
            let asked = lxd.io().asked.remove(0);
            assert_eq!(api.request, asked.lines().next().unwrap(), "{server} {name}");
        }
    }
    // Where LXD says no code, HTTP does.
    let uncoded = http::Response::builder().status(403).body(r#"{"type": "error", "error_code": 0}"#.into()).unwrap();
    let error = answering([uncoded]).server().get().send().unwrap_err();
    assert_eq!(error.api(), Some(ApiErrorKind::Forbidden));
    let lost = r#"{"type": "error", "error_code": 500,
        "error": "dial unix /proc/self/fd/192/forkfile.sock: connect: no such file or directory"}"#;
    let lost = http::Response::builder().status(500).body(lost.into()).unwrap();
    let error = answering([lost]).instance("c1").files().list("/").send().unwrap_err();
    assert_eq!(error.api(), Some(ApiErrorKind::HelperLost));
    // What is not LXD's envelope is not LXD's error.
    let error = given("lxd-6.9", ["fresh-events"]).server().get().send().unwrap_err();
    assert_eq!(
        error.to_string(),
        "HTTP 400 with an answer that is not LXD's (text/plain; charset=utf-8): Bad Request "
    );
}

/// An error is read, but not without end; an answer may be larger.
#[test]
fn large_answers() {
    let get = |status, bytes: u64| {
        let body = "x".repeat(bytes.try_into().unwrap());
        let answer = http::Response::builder().status(status).header("x-lxd-type", "file").body(body.into()).unwrap();
        answering([answer]).instance("c1").files().get("/x").bytes().send()
    };
    assert_eq!(get(200, limits::ERROR_ANSWER + 1).unwrap().len() as u64, limits::ERROR_ANSWER + 1);
    assert!(matches!(get(500, limits::ERROR_ANSWER), Err(Error::NotLxd { status: 500, .. })));
    let refused = get(500, limits::ERROR_ANSWER + 1).unwrap_err();
    assert!(matches!(refused.transport(), Some(failure) if failure.kind == FailureKind::TooLarge), "{refused}");
}

/// What is made says its name, its fingerprint or its token: in the answer of one server, in the operation of another.
#[test]
fn what_is_made() {
    let made = [
        ("lxd-5.0.2", "vocal-mongoose", "", "d31096eb845799e1fecae41a8af68fe774484d6b8a3ea40ccedf990d50a7bfda"),
        ("lxd-6.9", "quality-parrot", "snap0", "d31096eb845799e1fecae41a8af68fe774484d6b8a3ea40ccedf990d50a7bfda"),
    ];
    for (server, instance, snapshot, image) in made {
        let lxd = given(server, ["instance-create-random-name", "instance-create-random-name-op"]);
        assert_eq!(lxd.instances().create(InstancesPost::empty("")).wait().send().unwrap().name, instance);

        // The operation of 5.0.2 has the instance's name only.
        let lxd = given(server, ["instance-create-random-name", "snapshot-create-auto-name-op"]);
        let snapshots = lxd.instance("i1").snapshots();
        assert_eq!(snapshots.create(InstanceSnapshotsPost::default()).wait().send().unwrap().name, snapshot);

        let lxd = given(server, ["instance-create-random-name", "image-upload-split-op"]);
        let uploaded = lxd.images().upload(Payload::reader("the image")).wait().send().unwrap();
        assert_eq!((uploaded.fingerprint, uploaded.size), (image.parse().unwrap(), 1_036_125));

        let created = given(server, ["profile-create"]).profiles().create(ProfilesPost::new("pr1")).send().unwrap();
        assert_eq!(created, Changed::Done(()));
        let trusted = given(server, ["cert-add-token"]).certificates().create(CertificatesPost::client("c1"));
        let Changed::Done(trusted) = trusted.send().unwrap() else { panic!("it is done at once") };
        assert!(trusted.name.parse::<Fingerprint>().is_ok(), "{}", trusted.name);
        assert_eq!(given(server, ["instance-patch"]).instance("i1").patch(|_| ()).send().unwrap(), Changed::Done(()));
    }

    let token = |server| given(server, ["cert-token-create"]).certificates().token("tok").send().unwrap();
    let (old, new) = (token("lxd-5.0.2"), token("lxd-6.9"));
    assert_eq!((old.client_name.as_str(), &old.addresses[..]), ("tok", &["127.0.0.1:19446".to_owned()][..]));
    assert_eq!(old.fingerprint.to_string(), "b9c1636727129e6c9c8c4e54e652a56c22ee99dfe69ec3f55bb15abd8f330920");
    assert_eq!(old.secret.expose(), "033827d4f8062da724f420343cb8322563396692a5bf05921310931fdf8a55ae");
    assert!(old.expires_at.is_unset());
    assert_eq!(new.expires_at.as_str(), "2026-12-06T21:38:11.283337206Z");

    // The same call, done at once by one server and going on in the other.
    let put = |server| given(server, ["profile-put"]).profile("pr1").replace(ProfilePut::default()).send().unwrap();
    assert_eq!(put("lxd-5.0.2"), Changed::Done(()));
    assert!(matches!(put("lxd-6.9"), Changed::Running(operation) if operation.description == "Updating profile"));
    let cancel = |server| given(server, ["operation-delete-exec"]).operation(id()).cancel().send();
    assert!(matches!(cancel("lxd-5.0.2"), Err(Error::Api(error)) if error.kind() == ApiErrorKind::BadRequest));
    assert_eq!(cancel("lxd-6.9").unwrap(), Changed::Done(()));
}

/// What an operation says of itself.
#[test]
fn operations_say_what_they_do() {
    for server in SERVERS {
        let running = given(server, ["operation-exec-running"]).operation(id()).get().send().unwrap();
        assert_eq!(running.outcome(), Some(lxd_proto::error::Outcome::StillRunning));
        assert_eq!(running.return_code(), None);
        assert_eq!(running.websocket_secret("control").map(str::len), Some(64));
        let ended = given(server, ["exec-ws-3fds-op"]).operation(id()).get().send().unwrap();
        assert_eq!((ended.outcome(), ended.return_code()), (None, Some(5)));
    }
}

#[test]
fn files() {
    for server in SERVERS {
        let get = |name| given(server, [name]).instance("i1").files().get("/root/x");
        let file = get("file-get").send().unwrap().head;
        assert_eq!((file.kind.as_str(), file.uid, file.gid, file.mode), ("file", Some(0), Some(0), Some(0o640)));
        assert_eq!(file.size, Some(6));
        assert!(file.modified.unwrap().starts_with("2026-11-21 "));
        assert_eq!(get("file-get").bytes().send().unwrap(), "hello\n");
        assert_eq!(get("file-get-symlink").bytes().send().unwrap(), "/root/a.txt");

        let files = |name| given(server, [name]).instance("i1").files();
        let stat = files("file-head").stat("/root/a.txt").send().unwrap();
        let size = (server == "lxd-6.9").then_some(6);
        assert_eq!((stat.kind.as_str(), stat.mode, stat.size), ("file", Some(0o640), size));
        assert_eq!(files("file-get-dir-list-utf8").list("/root").send().unwrap(), ["é x", "dir1", "a.txt"]);
        assert!(files("file-push").put("/root/a.txt", Payload::reader("a reader")).send().is_ok());

        let wrong = |error: Error| matches!(error, Error::WrongFileType { .. });
        assert!(wrong(get("file-get-dir-list-utf8").send().unwrap_err()));
        assert!(wrong(files("file-get").list("/root/a.txt").send().unwrap_err()));
    }
    // An empty file has no first byte.
    let empty = http::Response::builder().status(416).header("x-lxd-type", "file").body(Bytes::new()).unwrap();
    let listed = answering([empty]).instance("i1").files().list("/empty").send();
    assert!(matches!(listed, Err(Error::WrongFileType { .. })), "{listed:?}");
    // No page of a proxy is taken for a file.
    for status in [302, 304, 502] {
        let page = http::Response::builder().status(status).body("moved".into()).unwrap();
        let got = answering([page]).instance("i1").files().get("/x").send();
        assert!(matches!(got, Err(Error::NotLxd { status: there, .. }) if there == status), "{status}: {got:?}");
    }
}

#[test]
fn events() {
    for server in SERVERS.into_iter().chain([CLUSTER]) {
        let events = fixtures::messages(server, "events-of-each-shape");
        let mut kinds = BTreeSet::new();
        for json in &events {
            let event: Event = serde_json::from_value(json.clone()).unwrap();
            // In whatever order its keys are.
            let Value::Object(keys) = json else { panic!("{json}") };
            let ordered = ["type", "timestamp", "metadata", "location", "project"];
            let ordered: Vec<_> =
                ordered.into_iter().filter_map(|key| Some(format!("{key:?}:{}", keys.get(key)?))).collect();
            let as_sent = format!("{{{}}}", ordered.join(","));
            assert_eq!(Event::read(as_sent.as_bytes()).unwrap(), event);
            let read = (event.logging(), event.operation(), event.lifecycle());
            kinds.insert(event.kind.as_str().to_owned());
            match (event.kind.as_str(), read) {
                ("logging", (Some(line), None, None)) => assert_eq!(line.message, json["metadata"]["message"]),
                ("operation", (None, Some(operation), None)) => {
                    assert_eq!(operation.metadata.get("secret"), json["metadata"]["metadata"].get("secret"));
                }
                ("lifecycle", (None, None, Some(lifecycle))) => {
                    let Lifecycle { action, source, context, .. } = lifecycle.clone();
                    assert_eq!((action.as_str().to_owned(), source), text(&json["metadata"], "action", "source"));
                    let expected = json["metadata"]["context"].as_object().cloned().unwrap_or_default();
                    assert_eq!(Map::from_iter(context), expected);
                    assert!(known(&action), "{action}");
                }
                ("security", (None, None, None)) => {
                    let security = event.security().unwrap();
                    assert_eq!(security.name, json["metadata"]["name"]);
                    assert_eq!(security.requestor.user_agent, json["metadata"]["requestor"]["user_agent"]);
                }
                other => panic!("{server}: {other:?} of {json}"),
            }
            assert_eq!((event.timestamp.to_string(), event.location), text(json, "timestamp", "location"));
        }
        assert!(kinds.len() >= 2, "{server}: {kinds:?}");
    }
}

/// Whether an action has a name here.
fn known(action: &LifecycleAction) -> bool {
    !format!("{action:?}").contains("Unknown")
}

fn text(json: &Value, first: &str, second: &str) -> (String, String) {
    (json[first].as_str().unwrap().to_owned(), json[second].as_str().unwrap().to_owned())
}

/// The writable part of an object is all of it but what is read only: a key that nobody here knows, and what a value of
/// it is, survive the way through the types.
#[test]
fn what_is_written_back_loses_nothing() {
    fn survives<R: Editable>(name: &str)
    where
        R::At: Default,
    {
        for server in SERVERS {
            let exchange = Exchange::load(server, name);
            let mut answer: Value = serde_json::from_slice(&exchange.body()).unwrap();
            let there: BTreeSet<_> = answer["metadata"].as_object().unwrap().keys().cloned().collect();
            invent(&mut answer["metadata"]);
            answer["metadata"]["invented"] = json!({"list": [1, null, {"deep": 0.5}], "yes": true, "max": u64::MAX});
            answer["metadata"]["invented_null"] = Value::Null;
            let fetched = Get::<R>::new(R::At::default()).response(exchange.with(answer.to_string())).unwrap();
            let put = serde_json::to_value(fetched.writable().unwrap()).unwrap();

            let Value::Object(mut expected) = answer["metadata"].take() else { unreachable!() };
            expected.retain(|key, _| !R::READ_ONLY.contains(&key.as_str()));
            assert_eq!(put, Value::Object(expected), "{server} {name}");

            // Each key is either written or read only, and the types know all that both servers send.
            let empty = fetched_empty::<R>();
            let written: BTreeSet<_> = empty.as_object().unwrap().keys().cloned().collect();
            let read_only: BTreeSet<_> = R::READ_ONLY.iter().map(|&key| key.to_owned()).collect();
            assert!(written.is_disjoint(&read_only), "{name}");
            assert!(written.is_subset(&there), "{server} {name} has no {:?}", &written - &there);
            assert_eq!(&(&there - &written) - &read_only, BTreeSet::new(), "{server} {name}");
        }
    }

    survives::<Server>("server");
    survives::<Instance>("instance");
    survives::<InstanceSnapshot>("snapshot");
    survives::<Image>("image");
    survives::<Image>("image-with-update-source");
    survives::<ImageAliasesEntry>("alias-slash");
    survives::<Profile>("profile");
    survives::<Certificate>("cert");
}

/// The writable part with nothing in it: the keys that the type knows.
fn fetched_empty<R: Editable>() -> Value {
    serde_json::to_value(serde_json::from_value::<R::Put>(json!({})).unwrap()).unwrap()
}

/// Adds a key that no server has yet to an object and to all objects in it. It is a text, as LXD's maps hold nothing
/// else, but for devices.
fn invent(value: &mut Value) {
    let Value::Object(object) = value else { return };
    for (key, value) in object.iter_mut() {
        invent(value);
        if let (true, Value::Object(devices)) = (key.ends_with("devices"), value) {
            devices.insert("user.invented".into(), json!({"type": "none"}));
        }
    }
    object.insert("user.invented".into(), "ß".into());
}
