//! Strategies for [proptest]: what LXD may say of its objects, and everything that goes between a client and a server, for
//! property tests of your own (feature `proptest`).
//!
//! Objects come as [`Said`]: the JSON as a server writes it, and what it is read as. Any key may be missing or `null`, as
//! Go leaves them, and there may be keys that no version of this crate knows.
//!
//! ```
//! use lxd_proto::{Endpoint, Get, resources::Instance, strategies};
//! use proptest::prelude::proptest;
//!
//! proptest! {
//!     fn an_instance_is_read(said in strategies::instance()) {
//!         let get = Get::<Instance>::new("c1".into());
//!         let fetched = get.response(said.answer()).unwrap();
//!         assert_eq!(fetched.value, said.value);
//!     }
//! }
//! # an_instance_is_read();
//! ```

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::fmt::Debug;

use bytes::Bytes;
use proptest::{
    collection::{btree_map, vec as list},
    option,
    prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof},
    sample::select,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{
    Failure, FailureKind, Fingerprint, Phase, Response, TrustToken,
    compat::Timestamp,
    flow::Message,
    resources::{
        Certificate, Config, Devices, Event, Image, Instance, InstanceSnapshot, Network, Operation, Profile, Project,
        StoragePool, StorageVolume, Warning,
    },
    sftp::{Answer, Ask, Attributes, BytePath, Entry, File, OpenFlags, Status},
};

/// An object as a server says it, and as it is read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Said<R> {
    /// The JSON as it is on the wire.
    pub json: Value,
    /// What it is read as.
    pub value: R,
}

impl<R> Said<R> {
    /// The answer to a `GET` of it, with a version.
    pub fn answer(&self) -> Response {
        let body = json!({"type": "sync", "status": "Success", "status_code": 200, "metadata": self.json});
        let mut response = Response::new(body.to_string().into());
        response.headers_mut().insert(http::header::ETAG, http::HeaderValue::from_static("\"e1\""));
        response
    }
}

type Json = BoxedStrategy<Value>;

/// A name that LXD takes for an instance: letters, digits and hyphens.
pub fn name() -> impl Strategy<Value = String> {
    "[a-z]([a-z0-9-]{0,20}[a-z0-9])?"
}

/// A name of any kind, also one that is hard to put into a URI or a path: empty, `..`, with `/`, `%`, or in any script.
pub fn any_name() -> impl Strategy<Value = String> {
    let odd =
        ["", ".", "..", "a/b", "a?b#c", "%", "%2f", "a b", "a+b&c=d", "\u{fc}ml\u{e4}ut", "a\\b", "\n", "\0", ";"];
    prop_oneof![4 => name(), 2 => select(odd.map(String::from).to_vec()), 2 => any::<String>()]
}

/// A configuration, with keys as LXD has them.
pub fn config() -> impl Strategy<Value = Config> {
    btree_map("(user|limits|security|volatile|environment)\\.[a-z]{1,6}(\\.[a-z]{1,4})?", text(), 0..6)
}

/// Devices by name.
pub fn devices() -> impl Strategy<Value = Devices> {
    let device = ("(disk|nic|unix-char|proxy)", btree_map("[a-z]{1,5}(\\.[a-z]{1,3})?", text(), 0..4));
    let device = device.prop_map(|(kind, mut keys)| {
        keys.insert("type".into(), kind);
        keys
    });
    btree_map(name(), device, 0..3)
}

/// A time as LXD writes it: with nanoseconds or without, in any zone, or none (the year 1).
pub fn timestamp() -> impl Strategy<Value = Timestamp> {
    let written = "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\\.[0-9]{1,9})?\
        (Z|[+-](0[0-9]|1[0-2]):[0-5][0-9])";
    prop_oneof![4 => written, 1 => Just("0001-01-01T00:00:00Z".into())].prop_map(|text: String| Timestamp::new(&text))
}

/// Any fingerprint.
pub fn fingerprint() -> impl Strategy<Value = Fingerprint> {
    any::<[u8; 32]>().prop_map(Fingerprint::from_bytes)
}

/// A token that a server may have issued.
pub fn trust_token() -> impl Strategy<Value = TrustToken> {
    let addresses = list("[0-9]{1,3}(\\.[0-9]{1,3}){3}:[0-9]{2,5}", 0..3);
    (any_name(), fingerprint(), addresses, "[0-9a-f]{64}", timestamp(), "(Client certificate)?").prop_map(
        |(client_name, fingerprint, addresses, secret, expires_at, kind)| TrustToken {
            client_name,
            fingerprint,
            addresses,
            secret: secret.into(),
            expires_at,
            kind,
        },
    )
}

/// Any JSON, not deep.
pub fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            list(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Keys that no version of this crate knows, with values of any shape.
pub fn unknown_keys() -> impl Strategy<Value = BTreeMap<String, Value>> {
    btree_map("x_[a-z_]{1,8}", anything(), 0..3)
}

/// A short text in any script.
fn text() -> BoxedStrategy<String> {
    prop_oneof![3 => "[ -~]{0,12}", 1 => "\\PC{0,6}"].boxed()
}

fn json<T: Into<Value> + Debug + 'static>(strategy: impl Strategy<Value = T> + 'static) -> Json {
    strategy.prop_map(Into::into).boxed()
}

fn encoded<T: serde::Serialize + Debug + 'static>(strategy: impl Strategy<Value = T> + 'static) -> Json {
    strategy.prop_map(|value| json!(value)).boxed()
}

fn texts() -> Json {
    encoded(list(text(), 0..3))
}

fn one_of(words: &'static [&'static str]) -> Json {
    // And one that nobody knows yet.
    json(prop_oneof![6 => select(words), 1 => Just("novel")])
}

/// An object of these keys. Each may be missing or `null`, but for the first: by that it is known.
fn object(keys: Vec<(&'static str, Json)>) -> impl Strategy<Value = Value> {
    let keys: Vec<_> = keys
        .into_iter()
        .enumerate()
        .map(|(index, (key, value))| match index {
            0 => value.prop_map(move |value| Some((key, value))).boxed(),
            _ => prop_oneof![8 => value.prop_map(Some), 1 => Just(Some(Value::Null)), 1 => Just(None)]
                .prop_map(move |value| value.map(|value| (key, value)))
                .boxed(),
        })
        .collect();
    (keys, unknown_keys()).prop_map(|(known, unknown)| {
        let known = known.into_iter().flatten().map(|(key, value)| (key.into(), value));
        unknown.into_iter().chain(known).collect::<Map<_, _>>().into()
    })
}

fn said<R: DeserializeOwned + Debug>(keys: Vec<(&'static str, Json)>) -> impl Strategy<Value = Said<R>> {
    object(keys).prop_map(|json| match serde_json::from_value(json.clone()) {
        Ok(value) => Said { json, value },
        // Whatever is generated here is what a server may say.
        Err(error) => panic!("{json} cannot be read: {error}"),
    })
}

macro_rules! objects {
    ($($(#[$meta:meta])* $name:ident: $type:ident { $($key:literal: $value:expr,)* })*) => {$(
        $(#[$meta])*
        pub fn $name() -> impl Strategy<Value = Said<$type>> {
            said(vec![$(($key, $value)),*])
        }
    )*};
}

objects! {
    /// An instance: `/1.0/instances/{name}`.
    instance: Instance {
        "name": json(name()),
        "description": json(text()),
        "status": one_of(&["Running", "Stopped", "Frozen", "Error"]),
        "status_code": json(100_u16..114),
        "type": one_of(&["container", "virtual-machine"]),
        "architecture": one_of(&["x86_64", "aarch64"]),
        "config": encoded(config()),
        "devices": encoded(devices()),
        "expanded_config": encoded(config()),
        "expanded_devices": encoded(devices()),
        "profiles": texts(),
        "ephemeral": json(any::<bool>()),
        "stateful": json(any::<bool>()),
        "created_at": encoded(timestamp()),
        "last_used_at": encoded(timestamp()),
        "location": json(name()),
        "project": json(name()),
    }

    /// An instance's snapshot: `/1.0/instances/{name}/snapshots/{name}`.
    snapshot: InstanceSnapshot {
        "name": json(name()),
        "architecture": one_of(&["x86_64", "aarch64"]),
        "config": encoded(config()),
        "devices": encoded(devices()),
        "profiles": texts(),
        "ephemeral": json(any::<bool>()),
        "stateful": json(any::<bool>()),
        "created_at": encoded(timestamp()),
        "expires_at": encoded(timestamp()),
        "size": json(-1_i64..1 << 40),
    }

    /// A profile: `/1.0/profiles/{name}`.
    profile: Profile {
        "name": json(name()),
        "description": json(text()),
        "config": encoded(config()),
        "devices": encoded(devices()),
        "used_by": texts(),
        "project": json(name()),
    }

    /// A project: `/1.0/projects/{name}`.
    project: Project {
        "name": json(name()),
        "description": json(text()),
        "config": encoded(config()),
        "used_by": texts(),
    }

    /// An image: `/1.0/images/{fingerprint}`.
    image: Image {
        "fingerprint": encoded(fingerprint()),
        "aliases": encoded(list((any_name(), text()).prop_map(|(name, text)| json!({"name": name, "description": text})), 0..3)),
        "architecture": one_of(&["x86_64", "aarch64"]),
        "auto_update": json(any::<bool>()),
        "cached": json(any::<bool>()),
        "created_at": encoded(timestamp()),
        "expires_at": encoded(timestamp()),
        "filename": json(any_name()),
        "profiles": texts(),
        "properties": encoded(config()),
        "public": json(any::<bool>()),
        "size": json(0_i64..1 << 40),
        "type": one_of(&["container", "virtual-machine"]),
        "uploaded_at": encoded(timestamp()),
    }

    /// A network: `/1.0/networks/{name}`.
    network: Network {
        "name": json(name()),
        "description": json(text()),
        "type": one_of(&["bridge", "macvlan", "sriov", "ovn", "physical"]),
        "managed": json(any::<bool>()),
        "status": one_of(&["Created", "Pending", "Errored"]),
        "config": encoded(config()),
        "used_by": texts(),
        "locations": texts(),
    }

    /// A storage pool: `/1.0/storage-pools/{name}`.
    storage_pool: StoragePool {
        "name": json(name()),
        "description": json(text()),
        "driver": one_of(&["dir", "zfs", "btrfs", "lvm", "ceph"]),
        "config": encoded(config()),
        "status": one_of(&["Created", "Pending", "Errored"]),
        "used_by": texts(),
        "locations": texts(),
    }

    /// A storage volume: `/1.0/storage-pools/{name}/volumes/{type}/{name}`.
    storage_volume: StorageVolume {
        "name": json(name()),
        "type": one_of(&["custom", "container", "virtual-machine", "image"]),
        "description": json(text()),
        "config": encoded(config()),
        "content_type": one_of(&["filesystem", "block", "iso"]),
        "used_by": texts(),
        "location": json(name()),
        "created_at": encoded(timestamp()),
    }

    /// A certificate: `/1.0/certificates/{fingerprint}`.
    certificate: Certificate {
        "fingerprint": encoded(fingerprint()),
        "certificate": json(text()),
        "name": json(any_name()),
        "type": one_of(&["client", "server", "metrics"]),
        "restricted": json(any::<bool>()),
        "projects": texts(),
    }

    /// A warning: `/1.0/warnings/{uuid}`.
    warning: Warning {
        "uuid": json(uuid()),
        "status": one_of(&["new", "acknowledged", "resolved"]),
        "severity": one_of(&["low", "moderate", "high"]),
        "type": json(text()),
        "last_message": json(text()),
        "count": json(0_i64..1 << 40),
        "first_seen_at": encoded(timestamp()),
        "last_seen_at": encoded(timestamp()),
        "project": json(name()),
    }

    /// An operation at any time of its life: `/1.0/operations/{id}`. One of a command has secrets.
    operation: Operation {
        "id": json(uuid()),
        "class": one_of(&["task", "websocket", "token"]),
        "description": json(text()),
        "created_at": encoded(timestamp()),
        "updated_at": encoded(timestamp()),
        "status": one_of(&["Running", "Success", "Failure", "Cancelled"]),
        "status_code": json(select(vec![100_u16, 103, 104, 105, 200, 400, 401])),
        "resources": encoded(btree_map("[a-z]{1,8}", option::of(list("/1\\.0/[a-z]{1,6}/[a-z]{1,6}", 0..2)), 0..2)),
        "metadata": operation_metadata(),
        "may_cancel": json(any::<bool>()),
        "err": json(prop_oneof![3 => Just(String::new()), 1 => text()]),
        "location": json(name()),
    }

    /// An event: a message of `GET /1.0/events`.
    event: Event {
        "type": one_of(&["lifecycle", "operation", "logging", "ovn", "security"]),
        "timestamp": encoded(timestamp()),
        "metadata": prop_oneof![
            lifecycle(),
            logging(),
            operation().prop_map(|said| said.json),
        ].boxed(),
        "location": json(name()),
        "project": json(name()),
    }
}

fn uuid() -> impl Strategy<Value = String> {
    "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
}

fn operation_metadata() -> Json {
    let fds = ["[0-9a-f]{64}"; 4].prop_map(
        |[one, two, three, four]| json!({"fds": {"0": one, "1": two, "2": three, "control": four}, "command": ["x"]}),
    );
    let numbers = (0_u8..101, 0_u64..1 << 50, 0_u64..1 << 40);
    let progress = numbers.prop_map(|(percent, done, speed)| {
        let text = |number: u64| number.to_string();
        let object =
            json!({"stage": "fs", "percent": text(percent.into()), "processed": text(done), "speed": text(speed)});
        json!({"progress": object, "fs_progress": format!("rootfs: {percent}% ({speed}B/s)")})
    });
    prop_oneof![
        Just(Value::Null),
        fds,
        progress,
        any::<u8>().prop_map(|code| json!({"return": code, "output": {}})),
        unknown_keys().prop_map(|keys| json!(keys)),
    ]
    .boxed()
}

fn lifecycle() -> Json {
    let action =
        one_of(&["instance-created", "instance-started", "instance-deleted", "image-created", "config-updated"]);
    let requestor =
        (text(), text()).prop_map(|(name, at)| json!({"username": name, "protocol": "unix", "address": at}));
    object(vec![
        ("action", action),
        ("source", json("/1\\.0/[a-z]{1,8}/[a-z]{1,8}")),
        ("context", encoded(unknown_keys())),
        ("requestor", requestor.boxed()),
        ("name", json(name())),
    ])
    .boxed()
}

fn logging() -> Json {
    object(vec![
        ("message", json(text())),
        ("level", one_of(&["debug", "info", "warning", "error"])),
        ("context", encoded(btree_map(text(), text(), 0..3))),
    ])
    .boxed()
}

/// What LXD says when it refuses something, with the status that it says it with.
pub fn refusal() -> impl Strategy<Value = Response> {
    (select(vec![400_u16, 403, 404, 409, 412, 500, 501, 503]), text()).prop_map(|(code, text)| {
        let body = json!({"type": "error", "status": "", "error_code": code, "error": text, "metadata": null});
        let mut response = Response::new(body.to_string().into());
        *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
        response
    })
}

/// What is no answer of LXD's: a proxy's page, nothing, or half of an answer.
pub fn not_lxd() -> impl Strategy<Value = Response> {
    let bodies = ["", "<html><h1>Bad Gateway</h1></html>", "{}", "[]", "null", r#"{"type":"sync","metadata":{"a"#];
    (select(vec![200_u16, 302, 404, 502, 504]), select(bodies.to_vec())).prop_map(|(status, body)| {
        let mut response = Response::new(Bytes::from_static(body.as_bytes()));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        response
    })
}

/// A message of a websocket: data, LXD's end mark, a text, or a sign of life.
pub fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        4 => list(any::<u8>(), 0..64).prop_map(|data| Message::Binary(data.into())),
        1 => Just(Message::Text(String::new())),
        1 => text().prop_map(Message::Text),
        1 => Just(Message::Ping),
    ]
}

/// What a transport could not do.
pub fn failure() -> impl Strategy<Value = Failure> {
    let kinds = [
        FailureKind::Connect,
        FailureKind::Tls,
        FailureKind::Timeout(Phase::Head),
        FailureKind::Timeout(Phase::Idle),
        FailureKind::Broken,
        FailureKind::BodyLength,
        FailureKind::TooLarge,
        FailureKind::Other,
    ];
    select(kinds.to_vec()).prop_map(|kind| Failure::new(kind, "of the test"))
}

/// A path in an instance, of any bytes but 0.
pub fn byte_path() -> impl Strategy<Value = BytePath> {
    list(1_u8.., 0..40).prop_map(|bytes| BytePath::from(&bytes[..]))
}

/// What is known of a file.
pub fn attributes() -> impl Strategy<Value = Attributes> {
    let kinds = select(vec![0_u32, 0o100_000, 0o040_000, 0o120_000, 0o010_000]);
    let mode = (kinds, 0_u32..0o10000).prop_map(|(kind, mode)| kind | mode);
    let pair = || option::of(any::<(u32, u32)>());
    (option::of(any::<u64>()), pair(), option::of(mode), pair()).prop_map(|(size, owner, mode, times)| Attributes {
        size,
        owner,
        mode,
        times,
    })
}

/// A request of SFTP.
pub fn ask() -> impl Strategy<Value = Ask> {
    let path = byte_path;
    let handle = || list(any::<u8>(), 0..16);
    let file = || (handle(), byte_path()).prop_map(|(handle, path)| File::new(handle.into(), path));
    let data = list(any::<u8>(), 0..64).prop_map(Bytes::from);
    prop_oneof![
        (path(), 0_u32..64).prop_map(|(path, flags)| Ask::Open(path, OpenFlags(flags))),
        file().prop_map(Ask::Close),
        (file(), any::<u64>(), any::<u32>()).prop_map(|(file, offset, length)| Ask::Read(file, offset, length)),
        (file(), any::<u64>(), data).prop_map(|(file, offset, data)| Ask::Write(file, offset, data)),
        path().prop_map(Ask::Lstat),
        file().prop_map(Ask::Fstat),
        (path(), attributes()).prop_map(|(path, attributes)| Ask::Setstat(path, attributes)),
        (file(), attributes()).prop_map(|(file, attributes)| Ask::Fsetstat(file, attributes)),
        path().prop_map(Ask::Opendir),
        file().prop_map(Ask::Readdir),
        path().prop_map(Ask::Mkdir),
        (path(), path()).prop_map(|(from, to)| Ask::Rename(from, to)),
        (path(), path()).prop_map(|(from, to)| Ask::PosixRename(from, to)),
        (path(), path()).prop_map(|(link, target)| Ask::Symlink(link, target)),
    ]
}

/// An answer of SFTP.
pub fn answer() -> impl Strategy<Value = Answer> {
    let entry = (byte_path(), attributes()).prop_map(|(name, attributes)| Entry::new(name, attributes));
    prop_oneof![
        (0_u32..10, text()).prop_map(|(code, text)| Answer::Status(Status::of(code), text)),
        list(any::<u8>(), 0..16).prop_map(|handle| Answer::Handle(handle.into())),
        list(any::<u8>(), 0..64).prop_map(|data| Answer::Data(data.into())),
        list(entry, 0..4).prop_map(Answer::Names),
        attributes().prop_map(Answer::Attributes),
    ]
}

/// Where something is cut into pieces, as the pieces' sizes: for streams that may arrive in any.
pub fn pieces() -> impl Strategy<Value = Vec<usize>> {
    list(1_usize..200, 1..20)
}
