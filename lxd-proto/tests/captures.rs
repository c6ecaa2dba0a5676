//! Everything that was recorded of real servers, read by the call that asks for it: each success into its type, each
//! error into its kind, each operation into what it says and what it made.

use std::collections::BTreeSet;

use lxd_proto::{
    Changed, Editable, Endpoint, Error, Fetched, Get, Lxd, Object, Path, error::ApiErrorKind, resources::Operation,
};
use serde_json::{Map, Value, json};

use crate::{
    answers::{changed, is_field, keys, pointers},
    calls::{CALLS, Call, Client, find, recorded},
    support::fixtures::{self, CLUSTER, Exchange, SERVERS},
};

/// What no call asks for, and why. It is read by [`Lxd::api`], which asks for anything.
const NOT_YET: &[(&str, &str)] = &[
    ("GET /", "the API has one version"),
    ("GET /1.0/containers/**", "the API's old name of instances, gone in 6"),
    ("POST /1.0/storage-pools/*/volumes", "the same as `POST` to the volumes of a type, which a call sends"),
    ("GET /1.0/virtual-machines/**", "the API's old name of instances, gone in 6"),
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

    /// Whether this is how an operation ended, and not that a wait did.
    fn is_end(&self) -> bool {
        let said = self.json();
        said["metadata"]["status_code"] != 103 && said["error"] != "context deadline exceeded"
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body()).unwrap_or_default()
    }
}

/// The call that asks for this, with its row of the table.
fn call(exchange: &Exchange) -> Option<(&'static str, Call)> {
    let request = format!("{} {}", exchange.method(), exchange.path());
    let with = |recursion| find(CALLS, &format!("{request}?recursion={recursion}"));
    let row = (1..=exchange.recursion()).rev().find_map(with).or_else(|| find(CALLS, &request));
    let (pattern, call) = *row?;
    let has = |text| exchange.target().contains(text);
    // What verb and path do not tell.
    let call: Call = match pattern {
        "GET /1.0/instances/*/files" if exchange.json()["type"] == "sync" => {
            |lxd| lxd.instance("x").files().list("/y").send().map(|names| format!("{names:?}"))
        }
        "GET /1.0/instances/*/metadata/templates" if has("path=") => {
            |lxd| lxd.instance("x").templates().get("y").bytes().send().map(|text| format!("{text:?}"))
        }
        "POST /1.0/auth/identities/tls" if exchange.json()["metadata"]["secret"].is_string() => |lxd| {
            let token = lxd.auth().tls_identities().token("x").send()?;
            Ok(format!("{token:?} {:?}", token.secret.expose()))
        },
        "POST /1.0/certificates" if exchange.json()["type"] == "async" => |lxd| {
            lxd.certificates().token("x").send().map(|token| format!("{:?} {:?}", token.token, token.secret.expose()))
        },
        "POST /1.0/cluster/members" => |lxd| {
            let token = lxd.cluster().members().token("x").send()?;
            Ok(format!("{:?} {:?}", token.token, token.secret.expose()))
        },
        "POST /1.0/images/*/secret" => {
            |lxd| lxd.image("x").secret().send().map(|secret| format!("{secret:?} {:?}", secret.secret.expose()))
        }
        // A command without a terminal, and a console: their websockets come before the wait.
        "POST /1.0/instances/*/console" => without_websockets,
        "POST /1.0/instances/*/exec" if exchange.json()["metadata"]["metadata"]["interactive"] != true => {
            without_websockets
        }
        _ => call,
    };
    Some((pattern, call))
}

fn without_websockets(lxd: &Client) -> Result<String, Error> {
    lxd.api(Path::root()).post(&()).wait().send().map(|_| "()".into())
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
    assert_eq!(operation.child_count, said["child_count"].as_u64().unwrap_or_default());
    assert_eq!(u64::from(operation.err_code), said["err_code"].as_u64().unwrap_or_default());
    let requestor = |key: &str| said["requestor"][key].as_str().unwrap_or_default();
    assert_eq!(operation.requestor.username, requestor("username"));
    assert_eq!(operation.requestor.protocol, requestor("protocol"));
    assert_eq!(operation.requestor.address, requestor("address"));
    let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let metadata: Map<_, _> = operation.metadata.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
    assert_eq!(metadata, map(&said["metadata"]));
    let resources = map(&said["resources"]).into_iter();
    // A kind without any URL.
    let resources = resources.map(|(kind, urls)| (kind, if urls.is_null() { json!([]) } else { urls })).collect();
    assert_eq!(json!(*operation.resources), Value::Object(resources));
}

/// Checks that an error is what LXD said.
fn says(error: &Error, exchange: &Exchange, at: &str) {
    let Error::Api(error) = error else { panic!("{at}: {error:?}") };
    let said = exchange.json();
    let code = said["error_code"].as_u64().filter(|code| *code != 0).unwrap_or_else(|| exchange.status.into());
    assert_eq!((u64::from(error.status), &json!(error.message)), (code, &said["error"]), "{at}");
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
    assert_eq!(error.kind(), kind, "{at}");
}

/// Answers a call with what was recorded, and with the end of the operation that began. What the call made of it, where
/// that is not an error.
fn reads(call: Call, exchange: &Exchange, end: Option<&Exchange>, at: &str) -> Option<String> {
    let said = exchange.json();
    let lxd = recorded([exchange].into_iter().chain(end).map(Exchange::response));
    let result = call(&lxd);
    let asked = lxd.io().asked.len();
    match (said["type"].as_str(), result) {
        (Some("error"), Err(error)) => says(&error, exchange, at),
        (None, Err(error)) if exchange.status >= 400 => match error {
            Error::NotLxd { .. } => {}
            // There is no body to say it.
            Error::Api(error) if exchange.method() == "HEAD" => assert_eq!(error.status, exchange.status, "{at}"),
            error => panic!("{at}: {error:?}"),
        },
        (Some("sync") | None, Ok(made)) if exchange.status < 400 => return Some(made),
        // What the operation holds is there at once.
        (Some("async"), Ok(made)) if asked == 1 => return Some(made),
        (Some("async"), result) => {
            let wait = format!("GET /1.0/operations/{}/wait", said["metadata"]["id"].as_str().unwrap());
            assert!(lxd.io().asked[1].starts_with(&wait), "{at}: {:?}", lxd.io().asked);
            return ends(result, end, at);
        }
        (_, result) => panic!("{at}: {result:?}"),
    }
    None
}

/// Checks how an operation ended.
fn ends(result: Result<String, Error>, end: Option<&Exchange>, at: &str) -> Option<String> {
    let said = end.map(|end| (end, end.json()));
    match (said, result) {
        (None, Err(Error::Transport(_))) => {}
        (Some((end, said)), Err(error)) if said["type"] == "error" => says(&error, end, at),
        (Some((_, said)), Err(Error::Operation(error))) => {
            let operation = error.operation.unwrap();
            assert_ne!(said["metadata"]["status_code"], 200, "{at}");
            says_the_same(&operation, &said["metadata"]);
        }
        (Some((_, said)), Ok(made)) if said["metadata"]["status_code"] == 200 => return Some(made),
        (_, result) => panic!("{at}: {result:?}"),
    }
    None
}

/// Reads what no call asks for.
fn reads_anything(exchange: &Exchange, at: &str) {
    let said = exchange.json();
    let (lxd, path) = (recorded([exchange.response()]), Path::root());
    match (said["type"].as_str(), exchange.is_read()) {
        (Some("sync"), true) => {
            assert_eq!(lxd.api(path).get::<Value>().send().unwrap().value, said["metadata"], "{at}");
        }
        (Some("sync"), false) => {
            assert_eq!(lxd.api(path).post(&()).send(), Ok(Changed::Done(said["metadata"].clone())), "{at}");
        }
        (Some("async"), _) => {
            assert!(matches!(lxd.api(path).post(&()).send(), Ok(Changed::Running(_))), "{at}");
        }
        (Some("error"), _) => says(&lxd.api(path).get::<Value>().send().unwrap_err(), exchange, at),
        _ if exchange.status < 400 => assert_eq!(lxd.api(path).download().bytes().send().unwrap(), exchange.body()),
        _ => assert!(matches!(lxd.api(path).get::<Value>().send(), Err(Error::NotLxd { .. })), "{at}"),
    }
}

#[test]
fn every_answer_is_read() {
    let (mut unread, mut made) = (BTreeSet::new(), Vec::new());
    for server in SERVERS.into_iter().chain([CLUSTER]) {
        let exchanges = Exchange::all(server);
        for exchange in &exchanges {
            let at = format!("{server} {}: {} is {}", exchange.name, exchange.request, exchange.status);
            let said = exchange.json();
            let metadata = &said["metadata"];
            let running = said["type"] == "async";
            if running {
                let read = Changed::<()>::read(&exchange.response());
                let Ok(Changed::Running(operation)) = read else { panic!("{at}: {read:?}") };
                says_the_same(&operation, metadata);
            }
            let request = format!("{} {}", exchange.method(), exchange.path());
            match (call(exchange), find(NOT_YET, &request)) {
                // The wait is a part of other calls, and its answer an operation.
                (Some(("GET /1.0/operations/*" | "GET /1.0/operations/*/wait", _)), _) if said["type"] == "sync" => {
                    let read = Get::<Operation>::new(Default::default()).response(exchange.response());
                    says_the_same(&read.unwrap(), metadata);
                }
                (Some(("GET /1.0/operations/*/wait" | "GET /1.0/operations/*/websocket", _)), _) => {
                    reads_anything(exchange, &at);
                }
                (Some((_, call)), _) => {
                    let wait = format!("GET /1.0/operations/{}/wait", metadata["id"].as_str().unwrap_or_default());
                    let end = exchanges.iter().find(|end| running && end.request.starts_with(&wait) && end.is_end());
                    let what = reads(call, exchange, end, &at).filter(|what| !exchange.is_read() && what != "()");
                    made.extend(what.map(|what| format!("{server} {}: {what}", exchange.name)));
                }
                (None, Some((pattern, _))) => {
                    reads_anything(exchange, &at);
                    unread.insert(*pattern);
                }
                (None, None) if exchange.status >= 400 => reads_anything(exchange, &at),
                (None, None) => panic!("{at}: nothing reads that"),
            }
        }
    }
    let needless: Vec<_> = NOT_YET.iter().map(|row| row.0).filter(|pattern| !unread.contains(pattern)).collect();
    assert_eq!(needless, [""; 0], "all of that is read");
    let golden = fixtures::text("made.txt");
    assert_eq!(made.len(), golden.lines().count());
    for (made, golden) in made.iter().zip(golden.lines()) {
        assert_eq!(made, golden);
    }
}

/// What nothing is made of, by the call that reads it.
const UNREAD: &[&str] = &[
    // The old name of `instance_only`, with the same value.
    "GET /1.0/instances/*/backups/*: container_only",
    "GET /1.0/instances/*/backups?recursion=1: container_only",
];

/// Whatever a server says of an object has its place in the object's type, and may be missing or `null`.
#[test]
fn every_key_is_read_and_none_is_needed() {
    let (mut seen, mut read_keys) = (BTreeSet::new(), BTreeSet::new());
    for (_, exchange) in all().filter(|(_, exchange)| exchange.is_read() && exchange.json()["type"] == "sync") {
        let Some((pattern, call)) = call(&exchange) else { continue };
        // What an operation says is compared key by key.
        if pattern.starts_with("GET /1.0/operations") {
            continue;
        }
        let read = |answer: &Value| call(&recorded([exchange.with(answer.to_string())]));
        let mut answer = exchange.json();
        let before = read(&answer);
        // Also not in what keeps unknown keys for the way back.
        assert!(!format!("{before:?}").contains(r#"Extra({""#), "{}: {before:?}", exchange.name);
        for pointer in pointers(&answer["metadata"]) {
            let pointer = format!("/metadata{pointer}");
            let key = format!("{pattern}: {}", keys(&pointer).join("/"));
            let value = answer.pointer(&pointer).unwrap().clone();
            let (parent, last) = pointer.rsplit_once('/').unwrap();
            if let (Some(Value::Object(object)), true) = (answer.pointer_mut(parent), is_field(&pointer)) {
                if seen.insert(key.clone()) {
                    object.remove(last).unwrap();
                    assert!(read(&answer).is_ok(), "{}: without {key}: {:?}", exchange.name, read(&answer));
                    answer.pointer_mut(parent).unwrap()[last] = Value::Null;
                    assert!(read(&answer).is_ok(), "{}: {key} is null: {:?}", exchange.name, read(&answer));
                    answer.pointer_mut(parent).unwrap()[last] = value.clone();
                }
            }
            let Some(other) = changed(&value) else { continue };
            if !read_keys.contains(&(key.clone(), true)) {
                *answer.pointer_mut(&pointer).unwrap() = other;
                read_keys.insert((key, read(&answer) != before));
                *answer.pointer_mut(&pointer).unwrap() = value;
            }
        }
    }
    let unread = read_keys.iter().filter(|(key, read)| !read && !read_keys.contains(&(key.clone(), true)));
    assert_eq!(unread.map(|(key, _)| key.as_str()).collect::<Vec<_>>(), UNREAD);
}

/// Checks that an object survives being written back.
type Survives = fn(&Exchange);

/// What can be written back.
const EDITABLE: &[(&str, Survives)] = &[
    ("GET /1.0", |exchange| survives(exchange, |lxd| lxd.server())),
    ("GET /1.0/auth/identities/tls/*", |exchange| survives(exchange, |lxd| lxd.auth().tls_identity("x"))),
    ("GET /1.0/certificates/*", |exchange| survives(exchange, |lxd| lxd.certificate("x"))),
    ("GET /1.0/cluster/groups/*", |exchange| survives(exchange, |lxd| lxd.cluster().group("x"))),
    ("GET /1.0/cluster/members/*", |exchange| survives(exchange, |lxd| lxd.cluster().member("x"))),
    ("GET /1.0/images/*", |exchange| survives(exchange, |lxd| lxd.image("x"))),
    ("GET /1.0/images/aliases/*", |exchange| survives(exchange, |lxd| lxd.image_alias("x"))),
    ("GET /1.0/instances/*", |exchange| survives(exchange, |lxd| lxd.instance("x"))),
    ("GET /1.0/instances/*/metadata", |exchange| survives(exchange, |lxd| lxd.instance("x").metadata())),
    ("GET /1.0/instances/*/snapshots/*", |exchange| survives(exchange, |lxd| lxd.instance("x").snapshot("y"))),
    ("GET /1.0/network-acls/*", |exchange| survives(exchange, |lxd| lxd.network_acl("x"))),
    ("GET /1.0/network-zones/*", |exchange| survives(exchange, |lxd| lxd.network_zone("x"))),
    ("GET /1.0/network-zones/*/records/*", |exchange| survives(exchange, |lxd| lxd.network_zone("x").record("y"))),
    ("GET /1.0/networks/*", |exchange| survives(exchange, |lxd| lxd.network("x"))),
    ("GET /1.0/networks/*/forwards/*", |exchange| survives(exchange, |lxd| lxd.network("x").forward("y"))),
    ("GET /1.0/profiles/*", |exchange| survives(exchange, |lxd| lxd.profile("x"))),
    ("GET /1.0/projects/*", |exchange| survives(exchange, |lxd| lxd.projects().one("x"))),
    ("GET /1.0/storage-pools/*", |exchange| survives(exchange, |lxd| lxd.storage_pool("x"))),
    ("GET /1.0/storage-pools/*/volumes/*/*", |exchange| {
        survives(exchange, |lxd| lxd.storage_pool("x").custom_volume("y"));
    }),
    ("GET /1.0/storage-pools/*/volumes/*/*/snapshots/*", |exchange| {
        survives(exchange, |lxd| lxd.storage_pool("x").custom_volume("y").snapshot("z"));
    }),
    ("GET /1.0/warnings/*", |exchange| survives(exchange, |lxd| lxd.warning("x"))),
];

fn survives<R: Editable>(exchange: &Exchange, object: fn(&Client) -> Object<Client, R>) {
    let at = format!("{}: {}", exchange.name, exchange.request);
    let mut said = exchange.json()["metadata"].take();
    let said = said.as_object_mut().unwrap();
    said.retain(|key, _| !R::READ_ONLY.contains(&key.as_str()));
    let fetched = object(&recorded([exchange.response()])).get().send().unwrap();
    let writable = fetched.writable().unwrap();
    // What is left has its field, and what is writable is left.
    assert!(!format!("{writable:?}").contains(r#"Extra({""#), "{at}: {writable:?}");
    let put = json(&writable);
    assert!(!R::READ_ONLY.iter().any(|key| put.contains_key(*key)), "{at}: {put:?}");
    assert!(is_about(&json!(put), &json!(said)), "{at}: {put:?} {said:?}");

    // What nobody changes is not sent.
    assert_eq!(saved(exchange, object, writable), None, "{at}");
    // And where one key changes, all others are sent as they came, `null` as `null` and nothing as nothing.
    for key in put.keys() {
        let (changed, value) = with_another::<R>(&put, key).unwrap_or_else(|| panic!("{at}: {key} cannot be changed"));
        let mut expected = said.clone();
        match (expected.get_mut(key), value) {
            (Some(Value::Object(there)), Value::Object(value)) => there.extend(value),
            (_, value) => drop(expected.insert(key.clone(), value)),
        }
        assert_eq!(saved(exchange, object, changed), Some(Value::Object(expected)), "{at}: {key}");
    }
}

fn json(value: &impl serde::Serialize) -> Map<String, Value> {
    let Ok(Value::Object(object)) = serde_json::to_value(value) else { panic!("an object") };
    object
}

/// What is sent when an object that was read is saved as this.
fn saved<R: Editable>(exchange: &Exchange, object: fn(&Client) -> Object<Client, R>, put: R::Put) -> Option<Value> {
    let done = r#"{"type": "sync", "status_code": 200, "metadata": {}}"#;
    let lxd = recorded([exchange.response(), http::Response::new(done.into()), exchange.response()]);
    let fetched: Fetched<R> = object(&lxd).get().send().unwrap();
    let etag = fetched.etag.clone();
    let mut draft = fetched.draft().unwrap();
    *draft = put;
    object(&lxd).save(&draft).send().unwrap();
    let sent = lxd.io().asked.get(1).cloned()?;
    let (head, body) = sent.split_once("\n\n").unwrap();
    assert!(head.starts_with("PUT "), "{head}");
    let condition = head.lines().find_map(|line| line.strip_prefix("if-match: "));
    assert_eq!(condition, etag.as_ref().map(|etag| etag.as_str()));
    Some(serde_json::from_str(body).unwrap())
}

/// The same with another value of this key, if it has one; and what is new in it.
fn with_another<R: Editable>(put: &Map<String, Value>, key: &str) -> Option<(R::Put, Value)> {
    let others = match &put[key] {
        Value::Bool(value) => vec![json!(!value)],
        Value::String(text) => vec![json!(format!("{text}x"))],
        Value::Number(number) => vec![json!(number.as_i64().unwrap() + 1)],
        Value::Array(array) if !array.is_empty() => vec![json!([])],
        Value::Array(_) => vec![json!(["x"]), json!([{}])],
        Value::Object(_) => {
            vec![json!({"user.another": "y"}), json!({"user.another": {}}), json!({"user.another": {"when": ["y"]}})]
        }
        Value::Null => vec![json!("x"), json!(true), json!(["x"])],
    };
    others.into_iter().find_map(|other| {
        let mut changed = put.clone();
        match (changed.get_mut(key), &other) {
            (Some(Value::Object(there)), Value::Object(other)) => there.extend(other.clone()),
            _ => drop(changed.insert(key.into(), other.clone())),
        }
        let changed: R::Put = serde_json::from_value(Value::Object(changed)).ok()?;
        // As the library writes it.
        let mut written = json(&changed)[key].take();
        if let (Value::Object(written), Value::Object(other)) = (&mut written, &other) {
            written.retain(|key, _| other.contains_key(key));
        }
        Some((changed, written))
    })
}

/// Whether what the library writes on its own is the same, but that Go's `null` is an empty map or list, and that a key
/// that the server does not say is nothing.
fn is_about(put: &Value, said: &Value) -> bool {
    match (put, said) {
        (Value::Object(put), Value::Object(said)) => {
            let more = put.iter().filter(|(key, _)| !said.contains_key(*key)).all(|(_, value)| is_nothing(value));
            more && said.iter().all(|(key, said)| put.get(key).is_some_and(|put| is_about(put, said)))
        }
        (Value::Array(put), Value::Array(said)) => {
            put.len() == said.len() && put.iter().zip(said).all(|(put, said)| is_about(put, said))
        }
        (put, said) => put == said || (said.is_null() && is_nothing(put)),
    }
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

/// Where `PUT` is no object that `GET` gave, but something to be done.
const ORDERS: &[&str] = &["/1.0/cluster", "/1.0/instances", "/1.0/instances/*/state", "/1.0/projects/*/state"];

/// Every recorded object that can be written back is the same after the way through the types, but for what is read only.
#[test]
fn what_is_written_back_survives() {
    let mut seen = BTreeSet::new();
    for (_, exchange) in all().filter(|(_, exchange)| exchange.method() == "GET" && exchange.json()["type"] == "sync") {
        // Whom the server does not trust, it tells less.
        let whole = exchange.json()["metadata"].get("auth").is_none_or(|auth| auth == "trusted");
        let Some((pattern, _)) = call(&exchange) else { continue };
        let path = pattern.trim_start_matches("GET ");
        let written = format!("PUT {path}");
        if !whole || ORDERS.contains(&path) || !CALLS.iter().any(|row| row.0 == written) {
            continue;
        }
        let Some((_, survives)) = EDITABLE.iter().find(|row| row.0 == pattern) else { panic!("{pattern} is editable") };
        survives(&exchange);
        seen.insert(pattern);
    }
    assert_eq!(seen.len(), EDITABLE.len());
}
