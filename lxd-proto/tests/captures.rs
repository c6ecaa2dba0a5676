//! Everything that was recorded of real servers, read as what it is: each success into its type, each error into its
//! kind, each operation into what it says.

use std::collections::BTreeSet;

use lxd_proto::{
    Changed, Editable, Endpoint, Envelope, Error, Get, List, Listed, Lxd, Names, Resource,
    error::ApiErrorKind,
    resources::{
        Certificate, Image, ImageAliasesEntry, Instance, InstanceSnapshot, ListFull, Operation, Profile, Server,
    },
};
use serde_json::{Map, Value, json};

use crate::{
    answers::answering,
    support::fixtures::{CLUSTER, Exchange, SERVERS},
};

/// Reads a success; the number is the recursion that was asked for.
type Read = fn(&Exchange, u8) -> Result<(), Error>;

/// What the answers to `GET` and `HEAD` are read as, by path. `*` is a name.
const READS: &[(&str, Read)] = &[
    ("/1.0", object::<Server>),
    ("/1.0/certificates", list::<Certificate>),
    ("/1.0/certificates/*", object::<Certificate>),
    ("/1.0/images", list::<Image>),
    ("/1.0/images/*", object::<Image>),
    ("/1.0/images/aliases", list::<ImageAliasesEntry>),
    ("/1.0/images/aliases/*", object::<ImageAliasesEntry>),
    ("/1.0/instances", instances),
    ("/1.0/instances/*", object::<Instance>),
    ("/1.0/instances/*/files", file),
    ("/1.0/instances/*/snapshots", list::<InstanceSnapshot>),
    ("/1.0/instances/*/snapshots/*", object::<InstanceSnapshot>),
    ("/1.0/instances/*/state", |exchange, _| answering([exchange.response()]).instance("i1").state().send().map(drop)),
    ("/1.0/operations", list::<Operation>),
    ("/1.0/operations/*", operation),
    ("/1.0/operations/*/wait", operation),
    ("/1.0/profiles", list::<Profile>),
    ("/1.0/profiles/*", object::<Profile>),
];

/// What nothing here reads yet, and why. `**` is anything below.
const NOT_YET: &[(&str, &str)] = &[
    ("/1.0/auth/**", "fine-grained authorization is not in pylxd"),
    ("/1.0/cluster", "clusters"),
    ("/1.0/cluster/**", "clusters"),
    ("/1.0/containers", "the API's old name of instances"),
    ("/1.0/containers/**", "the API's old name of instances"),
    ("/1.0/images/*/export", "the download of images"),
    ("/1.0/instances/*/backups", "backups"),
    ("/1.0/instances/*/backups/**", "backups"),
    ("/1.0/instances/*/console", "the console"),
    ("/1.0/instances/*/logs", "logs"),
    ("/1.0/instances/*/logs/**", "logs"),
    ("/1.0/instances/*/metadata", "an instance's metadata"),
    ("/1.0/instances/*/metadata/**", "an instance's templates"),
    ("/1.0/metrics", "metrics, which are no JSON"),
    ("/1.0/network-acls", "networks"),
    ("/1.0/network-acls/**", "networks"),
    ("/1.0/network-allocations", "networks"),
    ("/1.0/network-zones", "networks"),
    ("/1.0/network-zones/**", "networks"),
    ("/1.0/networks", "networks"),
    ("/1.0/networks/**", "networks"),
    ("/1.0/projects", "projects"),
    ("/1.0/projects/**", "projects"),
    ("/1.0/resources", "the server's hardware"),
    ("/1.0/storage-pools", "storage"),
    ("/1.0/storage-pools/**", "storage"),
    ("/1.0/storage-volumes", "storage"),
    ("/1.0/virtual-machines", "the API's old name of instances"),
    ("/1.0/warnings", "warnings"),
    ("/1.0/warnings/**", "warnings"),
    ("/", "the list of the API's versions"),
];

/// Checks that an object survives being written back.
type Survives = fn(&Exchange);

/// What can be written back.
const EDITABLE: &[(&str, Survives)] = &[
    ("/1.0", survives::<Server>),
    ("/1.0/certificates/*", survives::<Certificate>),
    ("/1.0/images/*", survives::<Image>),
    ("/1.0/images/aliases/*", survives::<ImageAliasesEntry>),
    ("/1.0/instances/*", survives::<Instance>),
    ("/1.0/instances/*/snapshots/*", survives::<InstanceSnapshot>),
    ("/1.0/profiles/*", survives::<Profile>),
];

fn all() -> impl Iterator<Item = (&'static str, Exchange)> {
    let servers = SERVERS.into_iter().chain([CLUSTER]);
    servers.flat_map(|server| Exchange::all(server).into_iter().map(move |exchange| (server, exchange)))
}

impl Exchange {
    fn method(&self) -> &str {
        self.request.split(' ').next().unwrap()
    }

    fn target(&self) -> &str {
        self.request.split(' ').nth(1).unwrap()
    }

    fn path(&self) -> &str {
        self.target().split('?').next().unwrap()
    }

    fn recursion(&self) -> u8 {
        let (_, recursion) = self.target().split_once("recursion=").unwrap_or_default();
        recursion.bytes().next().map_or(0, |digit| digit - b'0')
    }

    fn is_read(&self) -> bool {
        matches!(self.method(), "GET" | "HEAD")
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body()).unwrap_or_default()
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some("**"), Some(_)) => return true,
            (Some(part), Some(there)) if part == "*" || part == there => {}
            _ => return false,
        }
    }
}

/// The last that matches: `/1.0/images/aliases` is no image.
fn find<'a, T>(table: &'a [(&str, T)], path: &str) -> Option<&'a (&'a str, T)> {
    let literal = table.iter().find(|(pattern, _)| *pattern == path);
    literal.or_else(|| table.iter().rev().find(|(pattern, _)| matches(pattern, path)))
}

fn object<R: Resource<At: Default>>(exchange: &Exchange, _: u8) -> Result<(), Error> {
    Get::<R>::new(Default::default()).response(exchange.response()).map(drop)
}

fn list<R: Listed<In: Default>>(exchange: &Exchange, recursion: u8) -> Result<(), Error> {
    match recursion {
        0 => Names::<R>::new(Default::default()).response(exchange.response()).map(drop),
        _ => List::<R>::new(Default::default()).response(exchange.response()).map(drop),
    }
}

fn instances(exchange: &Exchange, recursion: u8) -> Result<(), Error> {
    match recursion {
        2 => ListFull::default().response(exchange.response()).map(drop),
        recursion => list::<Instance>(exchange, recursion),
    }
}

fn file(exchange: &Exchange, _: u8) -> Result<(), Error> {
    let response = exchange.response();
    let is_directory = response.headers().get("x-lxd-type").is_some_and(|kind| kind == "directory");
    let lxd = answering([response]);
    let files = lxd.instance("i1").files();
    match exchange.method() {
        "HEAD" => files.stat("/x").send().map(drop),
        _ if is_directory => files.list("/x").send().map(drop),
        _ => files.get("/x").send().map(drop),
    }
}

fn operation(exchange: &Exchange, _: u8) -> Result<(), Error> {
    let fetched = Get::<Operation>::new(Default::default()).response(exchange.response())?;
    says_the_same(&fetched, &exchange.json()["metadata"]);
    Ok(())
}

fn says_the_same(operation: &Operation, said: &Value) {
    let text = |key: &str| said[key].as_str().unwrap().to_owned();
    assert_eq!(operation.id.as_str(), text("id"));
    assert_eq!(operation.class.as_str(), text("class"));
    assert_eq!(operation.description, text("description"));
    assert_eq!(operation.status, text("status"));
    assert_eq!(operation.err, text("err"));
    assert_eq!(operation.location, text("location"));
    assert_eq!(operation.created_at.as_str(), text("created_at"));
    assert_eq!(operation.updated_at.as_str(), text("updated_at"));
    assert_eq!(json!(operation.status_code), said["status_code"]);
    assert_eq!(json!(operation.may_cancel), said["may_cancel"]);
    let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let metadata: Map<_, _> = operation.metadata.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
    assert_eq!(metadata, map(&said["metadata"]));
    let resources = map(&said["resources"]).into_iter();
    // A kind without any URL.
    let resources = resources.map(|(kind, urls)| (kind, if urls.is_null() { json!([]) } else { urls })).collect();
    assert_eq!(json!(*operation.resources), Value::Object(resources));
}

fn refuses(exchange: &Exchange) {
    let Err(Error::Api(error)) = Envelope::open(&exchange.response()).map(drop) else { panic!("it is an error") };
    let said = exchange.json();
    let code = said["error_code"].as_u64().filter(|code| *code != 0).unwrap_or_else(|| exchange.status.into());
    assert_eq!((u64::from(error.status), &json!(error.message)), (code, &said["error"]));
    let kind = match code {
        400 => ApiErrorKind::BadRequest,
        403 => ApiErrorKind::Forbidden,
        404 => ApiErrorKind::NotFound,
        409 => ApiErrorKind::Conflict,
        412 => ApiErrorKind::PreconditionFailed,
        501 => ApiErrorKind::NotImplemented,
        503 => ApiErrorKind::Unavailable,
        _ => ApiErrorKind::Other,
    };
    assert_eq!(error.kind(), kind);
}

#[test]
fn every_answer_is_read() {
    let (mut read, mut unread) = (BTreeSet::new(), BTreeSet::new());
    for (server, exchange) in all() {
        let at = format!("{server} {}: {} is {}", exchange.name, exchange.request, exchange.status);
        match (exchange.json()["type"].as_str(), exchange.is_read()) {
            (Some("error"), _) => refuses(&exchange),
            (Some("async"), _) => {
                let read = Changed::<()>::read(&exchange.response());
                let Ok(Changed::Running(operation)) = read else { panic!("{at}: {read:?}") };
                says_the_same(&operation, &exchange.json()["metadata"]);
            }
            (Some("sync"), false) => assert_eq!(Changed::read(&exchange.response()), Ok(Changed::Done(()))),
            (None, _) if exchange.status >= 400 => {
                assert!(matches!(Envelope::open(&exchange.response()), Err(Error::NotLxd { .. })), "{at}");
            }
            (_, true) => match (find(READS, exchange.path()), find(NOT_YET, exchange.path())) {
                (Some((pattern, how)), _) => {
                    how(&exchange, exchange.recursion()).unwrap_or_else(|error| panic!("{at}: {error}"));
                    read.insert(*pattern);
                }
                (None, Some((pattern, _))) => {
                    unread.insert(*pattern);
                }
                (None, None) => panic!("{at}: nothing reads that"),
            },
            _ => panic!("{at}"),
        }
    }
    let needless = |table: BTreeSet<&'static str>, needed| table.difference(needed).copied().collect::<Vec<_>>();
    assert_eq!(needless(READS.iter().map(|row| row.0).collect(), &read), [""; 0], "no such answer was recorded");
    assert_eq!(needless(NOT_YET.iter().map(|row| row.0).collect(), &unread), [""; 0], "all of that is read");
}

fn survives<R: Editable<At: Default>>(exchange: &Exchange) {
    let fetched = Get::<R>::new(Default::default()).response(exchange.response()).unwrap();
    let put = serde_json::to_value(fetched.writable().unwrap()).unwrap();
    let Value::Object(mut expected) = exchange.json()["metadata"].take() else { panic!("an object") };
    expected.retain(|key, _| !R::READ_ONLY.contains(&key.as_str()));
    // What the server has no key for is as good as not said.
    let Value::Object(mut put) = put else { panic!("an object") };
    put.retain(|key, value| expected.contains_key(key) || !is_nothing(value));
    // Go's null is an empty map or list.
    let same = |(key, value): (&String, &Value)| put[key] == *value || (value.is_null() && is_nothing(&put[key]));
    assert!(put.len() == expected.len() && expected.iter().all(same), "{}: {put:?} {expected:?}", exchange.name);
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(array) => array.is_empty(),
        Value::Object(object) => object.is_empty(),
        value => value.as_i64() == Some(0),
    }
}

/// Every recorded object that can be written back is the same after the way through the types, but for what is read only.
#[test]
fn what_is_written_back_survives() {
    let mut seen = BTreeSet::new();
    for (_, exchange) in all().filter(|(_, exchange)| exchange.method() == "GET" && exchange.json()["type"] == "sync") {
        // Whom the server does not trust, it tells less.
        let whole = exchange.json()["metadata"].get("auth").is_none_or(|auth| auth == "trusted");
        let Some((pattern, _)) = find(READS, exchange.path()) else { continue };
        if let (Some((_, survives)), true) = (EDITABLE.iter().find(|row| row.0 == *pattern), whole) {
            survives(&exchange);
            seen.insert(*pattern);
        }
    }
    assert_eq!(seen.len(), EDITABLE.len());
}
