//! Golden requests: every call of the public API, and exactly what it sends.

mod auth;
mod clusters;
mod load_balancers;
mod net;
mod storage;

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderName, HeaderValue, Response};
use lxd_proto::{
    ETag, Endpoint, Error, Failure, FailureKind, Flow, Get, Lxd, Payload, Request,
    compat::Timestamp,
    flow::{Action, BlockingIo, Id, Reply, Step},
    resources::{
        CertificatesPost, EventType, ImageAliasesPost, InstancePut, InstanceSnapshotsPost, InstancesPost, OperationId,
        Profile, ProfilePut, ProfilesPost,
    },
};
use serde_json::json;

use crate::support::{client::Client, show};

/// Keeps what is asked of it first, and fails everything.
#[derive(Default)]
struct Recorder {
    first: Option<String>,
    last: Option<Id>,
}

impl BlockingIo for Recorder {
    fn start(&mut self, id: Id, action: Action) {
        self.last = Some(id);
        self.first.get_or_insert_with(|| show::action(&action));
    }

    fn finish(&mut self) -> (Id, Result<Reply, Failure>) {
        (self.last.unwrap(), Err(Failure::new(FailureKind::Cancelled, "nothing is sent here")))
    }
}

/// Sends every call, and compares what comes to the transport; when nothing does, the error.
macro_rules! golden {
    ($lxd:ident: $($call:expr => $golden:expr,)*) => {$({
        let error = $call.send().err().map(|error| error.to_string());
        let sent = $lxd.io().first.take().or(error).unwrap();
        assert_eq!(sent, $golden);
    })*};
}
use golden;

fn lxd() -> Client<Recorder> {
    Client::new(Recorder::default())
}

/// A version, as the server gives one.
fn etag() -> Option<ETag> {
    let answer = Response::builder().header("etag", "\"e1\"").body(r#"{"type":"sync","metadata":{}}"#.into()).unwrap();
    Get::<Profile>::new("p".into()).response(answer).unwrap().etag
}

mod images;

#[test]
fn instances() {
    let lxd = lxd();
    let instances = lxd.instances();
    let c1 = lxd.instance("c1");
    let mut put = InstancePut::default();
    put.profiles = vec!["default".into()];
    let mut small = InstancesPost::from_fingerprint("", "ab12").ephemeral();
    small.start = true;
    golden! { lxd:
        instances.list() => "GET /1.0/instances?recursion=1",
        instances.list().filter("status eq Running").all_projects()
            => "GET /1.0/instances?recursion=1&filter=status%20eq%20Running&all-projects=true",
        instances.list_full() => "GET /1.0/instances?recursion=2",
        instances.list_full().filter("name eq a.*").all_projects()
            => "GET /1.0/instances?recursion=2&filter=name%20eq%20a.%2A&all-projects=true",
        instances.names() => "GET /1.0/instances",
        instances.names().filter("type eq container") => "GET /1.0/instances?filter=type%20eq%20container",
        instances.get("c1") => "GET /1.0/instances/c1",
        instances.create(InstancesPost::empty("c1")) => r#"POST /1.0/instances
content-type: application/json

{"name":"c1","source":{"type":"none"}}"#,
        instances.create(small) => r#"POST /1.0/instances
content-type: application/json

{"source":{"type":"image","fingerprint":"ab12"},"ephemeral":true,"start":true}"#,
        instances.create(
            InstancesPost::from_alias("c1", "busybox")
                .config("limits.cpu", "2")
                .device("root", [("type", "disk"), ("path", "/")])
                .profiles(Vec::<String>::new())
        ).wait() => r#"POST /1.0/instances
content-type: application/json

{"name":"c1","source":{"type":"image","alias":"busybox"},"config":{"limits.cpu":"2"},"devices":{"root":{"path":"/","type":"disk"}},"profiles":[]}"#,

        c1.get() => "GET /1.0/instances/c1",
        c1.get_full() => "GET /1.0/instances/c1?recursion=1",
        c1.get().with_access_entitlements(["can_edit", "can_exec"])
            => "GET /1.0/instances/c1?with-access-entitlements=can_edit%2Ccan_exec",
        c1.edit(|_| ()) => "GET /1.0/instances/c1",
        c1.replace(put) => r#"PUT /1.0/instances/c1
content-type: application/json

{"description":"","architecture":"","config":{},"devices":{},"profiles":["default"],"ephemeral":false,"stateful":false}"#,
        c1.patch(|p| p.config = Some([("user.k".into(), "v".into())].into())).if_match(etag()) => r#"PATCH /1.0/instances/c1
content-type: application/json
if-match: "e1"

{"config":{"user.k":"v"}}"#,
        c1.rename("c2") => r#"POST /1.0/instances/c1
content-type: application/json

{"name":"c2"}"#,
        c1.delete() => "DELETE /1.0/instances/c1",
        c1.state() => "GET /1.0/instances/c1/state",
        c1.start() => r#"PUT /1.0/instances/c1/state
content-type: application/json

{"action":"start","force":false,"stateful":false,"timeout":-1}"#,
        c1.start().stateful().wait() => r#"PUT /1.0/instances/c1/state
content-type: application/json

{"action":"start","force":false,"stateful":true,"timeout":-1}"#,
        c1.stop().force().wait() => r#"PUT /1.0/instances/c1/state
content-type: application/json

{"action":"stop","force":true,"stateful":false,"timeout":-1}"#,
        c1.restart().within(Duration::from_secs(9)) => r#"PUT /1.0/instances/c1/state
content-type: application/json

{"action":"restart","force":false,"stateful":false,"timeout":9}"#,
        c1.freeze() => r#"PUT /1.0/instances/c1/state
content-type: application/json

{"action":"freeze","force":false,"stateful":false,"timeout":-1}"#,
        c1.unfreeze() => r#"PUT /1.0/instances/c1/state
content-type: application/json

{"action":"unfreeze","force":false,"stateful":false,"timeout":-1}"#,
    }
}

#[test]
fn snapshots() {
    let lxd = lxd();
    let (all, one) = (lxd.instance("c1").snapshots(), lxd.instance("c1").snapshot("s1"));
    golden! { lxd:
        all.list() => "GET /1.0/instances/c1/snapshots?recursion=1",
        all.names() => "GET /1.0/instances/c1/snapshots",
        all.get("s1") => "GET /1.0/instances/c1/snapshots/s1",
        all.create(InstanceSnapshotsPost::default()) => r#"POST /1.0/instances/c1/snapshots
content-type: application/json

{}"#,
        all.create(InstanceSnapshotsPost::new("s1")) => r#"POST /1.0/instances/c1/snapshots
content-type: application/json

{"name":"s1"}"#,
        one.edit(|_| ()) => "GET /1.0/instances/c1/snapshots/s1",
        one.patch(|p| p.expires_at = Some(Timestamp::new("2030-01-31T12:00:00Z"))) => r#"PATCH /1.0/instances/c1/snapshots/s1
content-type: application/json

{"expires_at":"2030-01-31T12:00:00Z"}"#,
        one.rename("s2") => r#"POST /1.0/instances/c1/snapshots/s1
content-type: application/json

{"name":"s2"}"#,
        one.delete() => "DELETE /1.0/instances/c1/snapshots/s1",
        lxd.instance("c1").restore("s1") => r#"PUT /1.0/instances/c1
content-type: application/json

{"restore":"s1"}"#,
    }
}

#[test]
fn files() {
    let lxd = lxd();
    let files = lxd.instance("c1").files();
    golden! { lxd:
        files.get("/etc/hosts") => "GET /1.0/instances/c1/files?path=/etc/hosts",
        files.get("/a b&c=d;é").bytes() => "GET /1.0/instances/c1/files?path=/a%20b%26c%3Dd%3B%C3%A9",
        files.list("/root") => "GET /1.0/instances/c1/files?path=/root\nrange: bytes=-1",
        files.stat("/root") => "HEAD /1.0/instances/c1/files?path=/root",
        files.delete("/root/x") => "DELETE /1.0/instances/c1/files?path=/root/x",
        files.mkdir("/d").mode(0o1777) => "POST /1.0/instances/c1/files?path=/d
content-type: application/octet-stream
x-lxd-mode: 01777
x-lxd-type: directory
x-lxd-write: overwrite",
        files.symlink("/l", "../target") => "POST /1.0/instances/c1/files?path=/l
content-type: application/octet-stream
x-lxd-type: symlink
x-lxd-write: overwrite

../target",
        files.put("/x", "hello").uid(1000).gid(0).mode(0o44) => "POST /1.0/instances/c1/files?path=/x
content-type: application/octet-stream
x-lxd-gid: 0
x-lxd-mode: 0044
x-lxd-type: file
x-lxd-uid: 1000
x-lxd-write: overwrite

hello",
        // Not even the file type's bits of `st_mode` are sent.
        files.put("/x", Payload::sized("a reader", 5)).mode(0o100_644) => "POST /1.0/instances/c1/files?path=/x
content-length: 5
content-type: application/octet-stream
x-lxd-mode: 0644
x-lxd-type: file
x-lxd-write: overwrite

<a reader>",
        files.put("/x", Payload::reader("a reader")) => "POST /1.0/instances/c1/files?path=/x
content-type: application/octet-stream
x-lxd-type: file
x-lxd-write: overwrite

<a reader>",
        files.put("/empty", Payload::Empty) => "POST /1.0/instances/c1/files?path=/empty
content-type: application/octet-stream
x-lxd-type: file
x-lxd-write: overwrite",
        // Where the length is known, the file's size is asked before it grows.
        files.append("/x", "more") => "GET /1.0/instances/c1/files?path=/x\nrange: bytes=-1",
        files.append("/x", Payload::reader("a reader")) => "POST /1.0/instances/c1/files?path=/x
content-type: application/octet-stream
x-lxd-type: file
x-lxd-write: append

<a reader>",
    }
}

#[test]
fn exec() {
    let lxd = lxd();
    let c1 = lxd.instance("c1");
    golden! { lxd:
        c1.exec(["true"]).status() => r#"POST /1.0/instances/c1/exec
content-type: application/json

{"command":["true"],"wait-for-websocket":false,"interactive":false,"environment":{},"user":0,"group":0,"cwd":""}"#,
        c1.exec(["true"]).output() => r#"POST /1.0/instances/c1/exec
content-type: application/json

{"command":["true"],"wait-for-websocket":true,"interactive":false,"environment":{},"user":0,"group":0,"cwd":""}"#,
        c1.exec(["true"]).recorded().output() => r#"POST /1.0/instances/c1/exec
content-type: application/json

{"command":["true"],"wait-for-websocket":false,"interactive":false,"environment":{},"user":0,"group":0,"cwd":"","record-output":true}"#,
        c1.exec(["a b", ""]).env("K", "v").user(1000).group(100).cwd("/tmp").output() => r#"POST /1.0/instances/c1/exec
content-type: application/json

{"command":["a b",""],"wait-for-websocket":true,"interactive":false,"environment":{"K":"v"},"user":1000,"group":100,"cwd":"/tmp"}"#,
        c1.exec(["sh"]).interactive(80, 24).output() => r#"POST /1.0/instances/c1/exec
content-type: application/json

{"command":["sh"],"wait-for-websocket":true,"interactive":true,"environment":{},"user":0,"group":0,"cwd":"","width":80,"height":24}"#,
        c1.console().size(80, 24).attach() => r#"POST /1.0/instances/c1/console
content-type: application/json

{"width":80,"height":24,"type":"console"}"#,
        c1.console().vga().attach() => r#"POST /1.0/instances/c1/console
content-type: application/json

{"type":"vga"}"#,
        c1.exec(["sh"]).terminal().size(80, 24) => r#"POST /1.0/instances/c1/exec
content-type: application/json

{"command":["sh"],"wait-for-websocket":true,"interactive":true,"environment":{},"user":0,"group":0,"cwd":"","width":80,"height":24}"#,
    }
}

#[test]
fn images() {
    let lxd = lxd();
    let (all, one) = (lxd.images(), lxd.image("ab12"));
    let (aliases, alias) = (lxd.image_aliases(), lxd.image_alias("ubuntu/22.04"));
    golden! { lxd:
        all.list() => "GET /1.0/images?recursion=1",
        all.names() => "GET /1.0/images",
        all.upload("data") => "POST /1.0/images
content-type: application/octet-stream

data",
        all.upload(Payload::sized("a reader", 7))
            .filename("b.tar.gz")
            .public()
            .property("os", "Busy Box")
            .property("a&b", "c=d")
            .fingerprint("0123456789abcdef".repeat(4).parse().unwrap())
            .wait() => format!("POST /1.0/images
content-length: 7
content-type: application/octet-stream
x-lxd-filename: b.tar.gz
x-lxd-fingerprint: {}
x-lxd-properties: a%26b=c%3Dd&os=Busy%20Box
x-lxd-public: true

<a reader>", "0123456789abcdef".repeat(4)),
        all.upload("").filename("two\nlines") => "\"two\\nlines\" cannot be sent in the header x-lxd-filename",
        one.get() => "GET /1.0/images/ab12",
        one.patch(|p| p.public = Some(true)) => r#"PATCH /1.0/images/ab12
content-type: application/json

{"public":true}"#,
        one.delete() => "DELETE /1.0/images/ab12",
        aliases.list() => "GET /1.0/images/aliases?recursion=1",
        aliases.names() => "GET /1.0/images/aliases",
        aliases.create(ImageAliasesPost::new("ubuntu/22.04", "ab12")) => r#"POST /1.0/images/aliases
content-type: application/json

{"name":"ubuntu/22.04","target":"ab12"}"#,
        alias.get() => "GET /1.0/images/aliases/ubuntu%2F22.04",
        alias.rename("x") => r#"POST /1.0/images/aliases/ubuntu%2F22.04
content-type: application/json

{"name":"x"}"#,
        alias.delete() => "DELETE /1.0/images/aliases/ubuntu%2F22.04",
    }
}

#[test]
fn profiles_and_the_server() {
    let lxd = lxd();
    let (all, one) = (lxd.profiles(), lxd.profile("p1"));
    let mut put = ProfilePut::default();
    put.description = "x".into();
    golden! { lxd:
        all.list() => "GET /1.0/profiles?recursion=1",
        all.names() => "GET /1.0/profiles",
        all.create(ProfilesPost::new("p1")) => r#"POST /1.0/profiles
content-type: application/json

{"name":"p1"}"#,
        one.get() => "GET /1.0/profiles/p1",
        one.replace(put).if_match(etag()).wait() => r#"PUT /1.0/profiles/p1
content-type: application/json
if-match: "e1"

{"description":"x","config":{},"devices":{}}"#,
        one.patch(|_| ()) => "PATCH /1.0/profiles/p1\ncontent-type: application/json\n\n{}",
        one.rename("p2") => r#"POST /1.0/profiles/p1
content-type: application/json

{"name":"p2"}"#,
        one.delete() => "DELETE /1.0/profiles/p1",
        lxd.server().get() => "GET /1.0",
        lxd.server().edit(|_| ()) => "GET /1.0",
        lxd.server().patch(|p| p.config = Some([("user.k".into(), json!(null))].into())) => r#"PATCH /1.0
content-type: application/json

{"config":{"user.k":null}}"#,
    }
}

#[test]
fn certificates() {
    let lxd = lxd();
    let (all, one) = (lxd.certificates(), lxd.certificate("ab12"));
    let mut post = CertificatesPost::client("me");
    post.certificate = Some("MII=".into());
    post.restricted = true;
    post.projects = vec!["p".into()];
    golden! { lxd:
        all.list() => "GET /1.0/certificates?recursion=1",
        all.names() => "GET /1.0/certificates",
        all.create(post) => r#"POST /1.0/certificates
content-type: application/json

{"name":"me","type":"client","certificate":"MII=","restricted":true,"projects":["p"]}"#,
        all.token("you") => r#"POST /1.0/certificates
content-type: application/json

{"name":"you","type":"client","token":true}"#,
        all.trust("me", lxd_proto::Proof::Password("hunter2".into())) => "GET /1.0",
        one.get() => "GET /1.0/certificates/ab12",
        one.patch(|p| p.name = Some("x".into())) => r#"PATCH /1.0/certificates/ab12
content-type: application/json

{"name":"x"}"#,
        one.delete() => "DELETE /1.0/certificates/ab12",
    }
}

#[test]
fn operations_and_events() {
    let lxd = lxd();
    let one = lxd.operation("5d3270d4-a901-4ec5-9aa3-f351d17b0846".parse::<OperationId>().unwrap());
    golden! { lxd:
        lxd.operations().list().all_projects() => "GET /1.0/operations?recursion=1&all-projects=true",
        lxd.operations().names() => "GET /1.0/operations",
        one.get() => "GET /1.0/operations/5d3270d4-a901-4ec5-9aa3-f351d17b0846",
        one.wait() => "GET /1.0/operations/5d3270d4-a901-4ec5-9aa3-f351d17b0846",
        one.cancel() => "DELETE /1.0/operations/5d3270d4-a901-4ec5-9aa3-f351d17b0846",
    }
    let events = [
        (lxd.events(), "open 0: GET /1.0/events"),
        (
            lxd.events().types([EventType::Lifecycle, EventType::Operation]).all_projects(),
            "open 0: GET /1.0/events?type=lifecycle%2Coperation&all-projects=true",
        ),
    ];
    for (events, golden) in events {
        assert!(events.subscribe().send().is_err());
        assert_eq!(lxd.io().first.take().unwrap(), golden);
    }
}

#[test]
fn a_request_can_be_had_without_sending_it() {
    let lxd = lxd().project("p");
    let calls = [
        (lxd.instance("c1").get().request(), "GET /1.0/instances/c1?project=p"),
        (lxd.instance("c1").files().get("/x").request(), "GET /1.0/instances/c1/files?path=/x&project=p"),
        (
            lxd.images().upload("data").request(),
            "POST /1.0/images?project=p\ncontent-type: application/octet-stream\n\ndata",
        ),
        (
            lxd.images().upload(Payload::reader("a reader")).request(),
            "POST /1.0/images?project=p\ncontent-type: application/octet-stream\n\n<input 0>",
        ),
    ];
    for (request, golden) in calls {
        assert_eq!(show::request(&request.unwrap()), golden);
    }
    assert_eq!(lxd.io().first, None);
}

#[test]
fn the_scope_is_in_every_request() {
    let plain = lxd();
    let lxd = plain.project("a b").target("@g");
    let events = lxd.events().subscribe();
    golden! { lxd:
        lxd.instance("c1").get() => "GET /1.0/instances/c1?project=a%20b&target=%40g",
        lxd.instances().names().filter("x eq y") => "GET /1.0/instances?filter=x%20eq%20y&project=a%20b&target=%40g",
        lxd.instances().list().all_projects() => "GET /1.0/instances?recursion=1&all-projects=true&target=%40g",
        lxd.project("c").instance("c1").edit(|_| ()) => "GET /1.0/instances/c1?project=c&target=%40g",
        lxd.instance("c1").files().get("/x") => "GET /1.0/instances/c1/files?path=/x&project=a%20b&target=%40g",
        // The client that it was made from stays as it was.
        plain.instance("c1").get() => "GET /1.0/instances/c1",
    }
    assert!(events.send().is_err());
    assert_eq!(lxd.io().first.take().unwrap(), "open 0: GET /1.0/events?project=a%20b&target=%40g");

    // A URI that has no room for the scope is not sent without it: that would be another project's.
    let long = "x".repeat(65_499);
    assert!(plain.instance(long.clone()).get().request().is_ok());
    for sent in [lxd.instance("c1").files().put(long.clone(), "data").send(), lxd.instance(long).delete().wait().send()]
    {
        assert!(matches!(sent, Err(Error::InvalidName { .. })));
    }
    assert_eq!(lxd.io().first, None);
}

/// Incus ignores LXD's headers, and LXD Incus's.
#[test]
fn incus_is_told_by_its_own_headers() {
    fn said(request: &Request, whose: &str) -> BTreeMap<String, HeaderValue> {
        let of = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.as_str().strip_prefix(whose)?.to_owned(), value.clone()))
        };
        request.headers().iter().filter_map(of).collect()
    }
    let lxd = lxd();
    let put = lxd.instance("c1").files().put("/x", "hello").uid(1).gid(2).mode(0o600);
    let Ok(Step::Do(_, Action::Http(_, put))) = put.into_flow().0.next() else { panic!() };
    let image = lxd.images().upload("data").filename("f").public().property("os", "x").request().unwrap();
    for (request, names) in [(put, "gid mode type uid write"), (image, "filename properties public")] {
        let by_lxd = said(&request, "x-lxd-");
        assert_eq!(by_lxd.keys().cloned().collect::<Vec<_>>().join(" "), names);
        assert_eq!(said(&request, "x-incus-"), by_lxd);
    }
}

/// A name is one segment of the path, whatever is in it, or is refused before anything is sent.
#[test]
fn names() {
    let lxd = lxd();
    let odd = "a/b?c#d%e f\ng'é:";
    let encoded = "a%2Fb%3Fc%23d%25e%20f%0Ag%27%C3%A9%3A";
    golden! { lxd:
        lxd.instance(odd).get() => format!("GET /1.0/instances/{encoded}"),
        lxd.instance(odd).snapshot(odd).delete() => format!("DELETE /1.0/instances/{encoded}/snapshots/{encoded}"),
        lxd.instance(odd).files().stat(odd)
            => format!("HEAD /1.0/instances/{encoded}/files?path={}", encoded.replace("%2F", "/")),
        lxd.image_alias(odd).get() => format!("GET /1.0/images/aliases/{encoded}"),
        lxd.profile(odd).delete() => format!("DELETE /1.0/profiles/{encoded}"),
        lxd.certificate(odd).get() => format!("GET /1.0/certificates/{encoded}"),
    }
    for name in ["", ".", ".."] {
        let refused = format!("{name:?} cannot be a name: it must not be empty, `.`, `..` or longer than a URI");
        let instance = lxd.instance(name);
        golden! { lxd:
            instance.get() => refused,
            instance.delete().wait() => refused,
            instance.edit(|_| ()) => refused,
            instance.exec(["true"]).status() => refused,
            instance.files().get("/x") => refused,
            instance.files().put("/x", "") => refused,
            instance.snapshots().names() => refused,
            instance.restore("s1") => refused,
            lxd.instance("c1").snapshot(name).delete() => refused,
            lxd.instances().get(name) => refused,
            lxd.image(name).delete() => refused,
            lxd.image_alias(name).get() => refused,
            lxd.profile(name).rename("x") => refused,
            lxd.certificate(name).delete() => refused,
        }
    }
    for id in ["", ".", "../instances", "a?b", "a/b"] {
        assert!(id.parse::<OperationId>().is_err(), "{id}");
    }
}
