//! What is in objects.

use alloc::{collections::BTreeMap, string::String};

use proptest::{
    collection::{btree_map, vec as list},
    prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof},
    sample::select,
};
use serde_json::Value;

use crate::{
    Fingerprint, TrustToken,
    compat::Timestamp,
    resources::{Config, Devices},
};

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
pub(super) fn text() -> BoxedStrategy<String> {
    prop_oneof![3 => "[ -~]{0,12}", 1 => "\\PC{0,6}"].boxed()
}
