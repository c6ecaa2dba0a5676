//! Answers of real servers, and what they are read as. And answers like them, with fields missing, added and changed.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt::Debug,
    fmt::Write,
};

use lxd_proto::{
    Changed, Editable, Endpoint, Error, Failure, Fetched, Fingerprint, Get, Lxd, Payload, Response,
    error::ApiErrorKind,
    flow::{Action, BlockingIo, Id, Reply},
    resources::{
        Certificate, CertificatesPost, Event, Image, ImageAliasesEntry, ImageAliasesPost, Instance, InstanceSnapshot,
        InstanceSnapshotsPost, InstancesPost, Operation, OperationId, Profile, ProfilePut, ProfilesPost, Server,
    },
};
use serde_json::{Map, Value, json};

use crate::support::{
    client,
    fixtures::{self, Exchange, SERVERS},
    show,
};

type Client = client::Client<Answers>;

/// Gives one answer after the other to whatever is asked.
struct Answers {
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

fn answering(answers: impl IntoIterator<Item = Response>) -> Client {
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
    "id".parse().unwrap()
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
                    assert!(read(&answer).is_ok(), "{server} {name}: {pointer} is null: {}", read(&answer).unwrap_err());
                    let Some(Value::Object(object)) = answer.pointer_mut(parent) else { unreachable!() };
                    object.remove(&unescaped(key));
                    assert!(read(&answer).is_ok(), "{server} {name}: without {pointer}: {}", read(&answer).unwrap_err());
                    let Some(Value::Object(object)) = answer.pointer_mut(parent) else { unreachable!() };
                    object.insert(unescaped(key), value);
                }
            }
        }
        if unseen.iter().map(String::as_str).collect::<Vec<_>>() != *unread { println!("{name} {unseen:?}"); }
    }
}

/// Where everything in a JSON value is.
fn pointers(value: &Value) -> Vec<String> {
    let below = |key: String, value| std::iter::once(format!("/{key}")).chain(pointers(value).into_iter().map(move |rest| format!("/{key}{rest}"))).collect::<Vec<_>>();
    match value {
        Value::Object(object) => object.iter().flat_map(|(key, value)| below(key.replace('~', "~0").replace('/', "~1"), value)).collect(),
        Value::Array(array) => array.iter().enumerate().flat_map(|(index, value)| below(index.to_string(), value)).collect(),
        _ => Vec::new(),
    }
}

/// The keys on the way to a value, without the places in lists.
fn keys(pointer: &str) -> Vec<&str> {
    pointer.split('/').skip(2).filter(|key| key.parse::<usize>().is_err()).collect()
}

fn unescaped(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

/// Another value of the same type; none for what is empty.
fn changed(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => Some(json!(format!("{text}x"))),
        Value::Number(number) => Some(json!(number.as_u64()? + 1)),
        Value::Bool(yes) => Some(json!(!yes)),
        _ => None,
    }
}

/// Whether it is a field of a Go struct, and no entry of a map (whose values are never null).
fn is_field(pointer: &str) -> bool {
    const MAPS: [&str; 10] = [
        "config", "context", "devices", "expanded_config", "expanded_devices", "kernel_features", "lxc_features",
        "metadata", "properties", "resources",
    ];
    let keys: Vec<_> = pointer.split('/').skip(2).collect();
    let (last, parents) = keys.split_last().unwrap();
    let in_map = parents.iter().any(|key| MAPS.contains(key)) || matches!(parents.last(), Some(&("disk" | "network")));
    let status = parents.is_empty() && ["failure", "running", "success"].contains(last);
    !in_map && !status
}
