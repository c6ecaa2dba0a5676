//! LXD's objects, as JSON and as what they are read as.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::fmt::Debug;

use proptest::{
    collection::{btree_map, vec as list},
    option,
    prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof},
    sample::select,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::values::{any_name, config, devices, fingerprint, name, text, timestamp, unknown_keys};
use crate::{
    Response,
    resources::{
        Certificate, Event, Image, Instance, InstanceSnapshot, Network, Operation, Profile, Project, StoragePool,
        StorageVolume, Warning,
    },
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
