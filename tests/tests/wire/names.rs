//! Names and values that would be something else in a URI or a header: they stay what they are, or nothing is sent.

use std::fmt::Write;

use lxd_proto::{Error, Lxd};
use lxd_tests::{Lab, payload};
use serde_json::json;

use crate::server::{Fake, Way};

crate::cases! {
    once: names_are_one_segment, paths_are_one_value, scopes_are_one_value, headers_are_one_line;
}

const HOSTILE: &[&str] = &[
    "a/b",
    "/",
    "../../1.0/certificates",
    "...",
    "a?b=c",
    "a#b",
    "%",
    "%2F",
    "%2e%2e",
    "two words",
    " ",
    "line\nbreak",
    "x HTTP/1.1\r\nEvil: 1\r\n\r\n",
    "\0",
    "a&project=other",
    "a;b",
    "a+b",
    "a\\b",
    "ümlaut",
    "💥",
    "a:b@c",
];

const REFUSED: &[&str] = &["", ".", ".."];

/// As RFC 3986 has it, and this `also` left as it is.
fn encoded(text: &str, also: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also.as_bytes().contains(&byte) {
            out.push(byte.into());
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
    }
    out
}

fn server() -> Fake {
    Fake::answering(Way::Unix, |_, talk| {
        talk.sync(&json!({}));
    })
}

type Say<C> = fn(&C, &str) -> Result<(), Error>;

/// What a call sends, where `NAME` stands for what the caller named.
fn calls<C: Lab>() -> Vec<(&'static str, Say<C>)> {
    vec![
        ("GET /1.0/instances/NAME", |lxd, name| lxd.instance(name).get().send().map(drop)),
        ("GET /1.0/instances/NAME", |lxd, name| lxd.instances().get(name).send().map(drop)),
        ("GET /1.0/instances/NAME/state", |lxd, name| lxd.instance(name).state().send().map(drop)),
        ("PUT /1.0/instances/NAME/state", |lxd, name| lxd.instance(name).start().send().map(drop)),
        ("PUT /1.0/instances/NAME/state", |lxd, name| lxd.instance(name).start().wait().send().map(drop)),
        ("DELETE /1.0/instances/NAME", |lxd, name| lxd.instance(name).delete().send().map(drop)),
        ("POST /1.0/instances/NAME", |lxd, name| lxd.instance(name).rename("x").send().map(drop)),
        ("GET /1.0/instances/NAME", |lxd, name| lxd.instance(name).edit(|_| {}).send().map(drop)),
        ("POST /1.0/instances/NAME/exec", |lxd, name| lxd.instance(name).exec(["x"]).output().send().map(drop)),
        ("GET /1.0/instances/NAME/files?path=/x", |lxd, name| {
            lxd.instance(name).files().get("/x").bytes().send().map(drop)
        }),
        ("POST /1.0/instances/NAME/files?path=/x", |lxd, name| {
            lxd.instance(name).files().put("/x", payload::<C>(&b"x"[..], None)).send()
        }),
        ("GET /1.0/instances/NAME/snapshots", |lxd, name| lxd.instance(name).snapshots().names().send().map(drop)),
        ("GET /1.0/instances/c1/snapshots/NAME", |lxd, name| lxd.instance("c1").snapshot(name).get().send().map(drop)),
        ("DELETE /1.0/instances/c1/snapshots/NAME", |lxd, name| {
            lxd.instance("c1").snapshot(name).delete().send().map(drop)
        }),
        ("GET /1.0/instances/NAME/snapshots/s", |lxd, name| lxd.instance(name).snapshot("s").get().send().map(drop)),
        ("GET /1.0/profiles/NAME", |lxd, name| lxd.profile(name).get().send().map(drop)),
        ("PATCH /1.0/profiles/NAME", |lxd, name| lxd.profile(name).patch(|_| ()).send().map(drop)),
        ("DELETE /1.0/profiles/NAME", |lxd, name| lxd.profile(name).delete().send().map(drop)),
        ("GET /1.0/images/NAME", |lxd, name| lxd.image(name).get().send().map(drop)),
        ("DELETE /1.0/images/NAME", |lxd, name| lxd.image(name).delete().send().map(drop)),
        ("GET /1.0/images/aliases/NAME", |lxd, name| lxd.image_alias(name).get().send().map(drop)),
        ("POST /1.0/images/aliases/NAME", |lxd, name| lxd.image_alias(name).rename("x").send().map(drop)),
        ("GET /1.0/certificates/NAME", |lxd, name| lxd.certificate(name).get().send().map(drop)),
        ("DELETE /1.0/certificates/NAME", |lxd, name| lxd.certificate(name).delete().send().map(drop)),
    ]
}

/// The server has got exactly this since the last look. What it answers is not always what was asked for.
fn assert_sent(fake: &Fake, before: usize, expected: &str, what: &str) {
    let lines = fake.lines().split_off(before);
    assert_eq!(lines, [expected], "{what:?}");
    let head = &fake.seen()[before].head;
    assert!(!head.to_lowercase().contains("\nevil"), "{head}");
}

/// pylxd: W21.
fn names_are_one_segment<C: Lab>() {
    let fake = server();
    let lxd: C = fake.lxd();
    let long = "x".repeat(70_000);
    for (expected, say) in calls::<C>() {
        for name in HOSTILE {
            let before = fake.seen().len();
            let said = say(&lxd, name);
            assert!(
                !matches!(said, Err(Error::InvalidName { .. } | Error::Transport(_))),
                "{expected} {name:?} {said:?}"
            );
            assert_sent(&fake, before, &expected.replace("NAME", &encoded(name, "")), name);
        }
        for name in REFUSED.iter().copied().chain([long.as_str()]) {
            let before = fake.seen().len();
            let said = say(&lxd, name);
            assert!(matches!(said, Err(Error::InvalidName { .. })), "{expected} {name:?} {said:?}");
            assert_eq!(fake.seen().len(), before, "{expected} {name:?}");
        }
    }
    assert!("..".parse::<lxd_proto::resources::OperationId>().is_err());
}

fn paths_are_one_value<C: Lab>() {
    let calls: [(&str, Say<C>); 6] = [
        ("GET", |lxd, path| lxd.instance("c1").files().get(path).bytes().send().map(drop)),
        ("GET", |lxd, path| lxd.instance("c1").files().list(path).send().map(drop)),
        ("HEAD", |lxd, path| lxd.instance("c1").files().stat(path).send().map(drop)),
        ("POST", |lxd, path| lxd.instance("c1").files().mkdir(path).send()),
        ("POST", |lxd, path| lxd.instance("c1").files().symlink(path, "../\r\nEvil: 1").send()),
        ("DELETE", |lxd, path| lxd.instance("c1").files().delete(path).send().map(drop)),
    ];
    for (method, say) in calls {
        for path in HOSTILE.iter().chain(REFUSED) {
            // One each: the answer to HEAD is wrong here, and ends its connection.
            let fake = server();
            let _ = say(&fake.lxd(), path);
            let expected = format!("{method} /1.0/instances/c1/files?path={}", encoded(path, "/"));
            let lines = fake.lines();
            assert_eq!(lines.first(), Some(&expected), "{path:?}");
            assert!(fake.seen().iter().all(|asked| !asked.head.contains("\nEvil")));
        }
    }
}

fn scopes_are_one_value<C: Lab>() {
    let fake = server();
    let lxd: C = fake.lxd();
    for name in HOSTILE.iter().chain(REFUSED) {
        let before = fake.seen().len();
        lxd.project(*name).target(*name).profile("x").get().send().unwrap();
        let value = encoded(name, "/");
        assert_sent(&fake, before, &format!("GET /1.0/profiles/x?project={value}&target={value}"), name);
        let before = fake.seen().len();
        let _ = lxd.instances().list().filter(*name).send();
        assert_sent(&fake, before, &format!("GET /1.0/instances?recursion=1&filter={value}"), name);
    }
}

fn headers_are_one_line<C: Lab>() {
    let fake = server();
    let lxd: C = fake.lxd();
    for name in ["x\r\nEvil: 1", "x\nEvil: 1", "x\r\n\r\nGET /1.0/evil HTTP/1.1\r\n\r\n", "\0"] {
        let failed = lxd.images().upload("x").filename(name).send().map(drop).unwrap_err();
        assert!(matches!(failed, Error::InvalidInput(_)), "{failed:?}");
        assert!(fake.seen().is_empty());
    }
    for value in HOSTILE {
        let before = fake.seen().len();
        let _ = lxd.images().upload("x").property(*value, *value).property("os", "a&b=c").send();
        assert_sent(&fake, before, "POST /1.0/images", value);
        let sent = fake.seen()[before].header("x-lxd-properties").map(String::from).unwrap();
        let encoded = |text: &str| encoded(text, "").replace('-', "%2D").replace('.', "%2E").replace('_', "%5F");
        let mut pairs: Vec<_> = sent.split('&').collect();
        pairs.sort_unstable();
        let mut expected = [format!("{0}={0}", encoded(value)), "os=a%26b%3Dc".into()];
        expected.sort_unstable();
        assert_eq!(pairs, expected, "{value:?}");
    }
}
