//! Whatever is answered, nothing panics and everything ends.

mod objects;
mod streams;

use lxd_proto::{
    Error, Failure, FailureKind, Lxd, Payload, Phase, Proof,
    flow::{Action, BlockingIo, Id, Message, Reply},
    resources::{InstancesPost, Ready},
    sftp::{Attributes, Entry},
    tree::{Disk, DiskAction, DiskReply},
};
use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_oneof, proptest},
    sample::{Index, select},
};
use serde_json::{Value, json};
use std::{collections::VecDeque, time::Duration};

use crate::support::{
    client,
    fixtures::{Exchange, SERVERS},
    promises,
    script::{self, Answer},
};

type Client = client::Client<Chaos>;

/// Which action a disorderly transport answers next.
#[derive(Clone, Debug)]
enum Which {
    Outstanding(Index),
    /// The same, but with an answer that can be one: otherwise few flows would come far.
    Fitting(Index),
    /// One that was answered before.
    Again(Index),
    /// One that nobody started.
    Unknown(u32),
}

/// Answers whatever comes into its mind, and in the end refuses everything.
struct Chaos {
    answers: VecDeque<(Which, Answer)>,
    outstanding: Vec<(Id, Action)>,
    answered: Vec<Id>,
    refused: u32,
}

impl BlockingIo for Chaos {
    fn start(&mut self, id: Id, action: Action) {
        self.outstanding.push((id, action));
        assert!(self.outstanding.len() < 32, "more and more is started");
    }

    fn finish(&mut self) -> (Id, Answer) {
        assert!(!self.outstanding.is_empty(), "it waits for nothing");
        let Some((which, answer)) = self.answers.pop_front() else {
            self.refused += 1;
            assert!(self.refused < 200, "it does not end when everything fails");
            let (id, action) = self.outstanding.remove(0);
            // Events that are lost are connected again as long as that can help.
            let kind = if matches!(action, Action::Open(..)) { FailureKind::Unsupported } else { FailureKind::Connect };
            return (id, script::failure(kind));
        };
        let mut take = |index: Index| self.outstanding.remove(index.index(self.outstanding.len()));
        let id = match which {
            Which::Outstanding(index) => take(index).0,
            Which::Fitting(index) => {
                let (id, action) = take(index);
                self.answered.push(id);
                return (id, fitting(&action, answer));
            }
            Which::Again(index) if !self.answered.is_empty() => *index.get(&self.answered),
            Which::Again(_) => Id(0),
            Which::Unknown(id) => Id(id),
        };
        self.answered.push(id);
        (id, answer)
    }
}

fn http(status: u16, body: impl Into<bytes::Bytes>) -> Answer {
    script::http(status, &[("etag", "e"), ("content-range", "bytes 0-0/5"), ("location", "/1.0/x/y")], body)
}

/// Answers that fit somewhere, in no order, and some that fit nowhere.
fn answer() -> impl Strategy<Value = Answer> {
    let metadata = json!({"return": 0, "fingerprint": "00".repeat(32), "size": "5"});
    let operation = move |status: u16, err: &str| json!({"id": "op-1", "status_code": status, "err": err, "metadata": metadata, "auth": "untrusted", "config": {}});
    let sync = |metadata: Value| http(200, json!({"type": "sync", "metadata": metadata}).to_string());
    let message = |message| Ok(Reply::Message(message));
    let mut directory = Attributes::default().with_size(5);
    let mut file = directory;
    (directory.mode, file.mode) = (Some(0o040_755), Some(0o100_644));
    let answers = [
        sync(operation(103, "")),
        sync(operation(200, "")),
        sync(operation(400, "boom")),
        sync(operation(401, "")),
        sync(Value::Null),
        sync(json!([])),
        running(),
        script::error(404, "not found"),
        script::error(409, "already trusted"),
        script::error(412, "ETag does not match"),
        script::error_at(200, 500, "context deadline exceeded"),
        script::error(500, "no"),
        http(206, "x"),
        http(416, ""),
        http(302, "<html>"),
        Ok(Reply::Opened),
        Ok(Reply::Done),
        Ok(Reply::Data(None)),
        Ok(Reply::Data(Some("data".into()))),
        message(None),
        message(Some(Message::Ping)),
        message(Some(Message::Text(String::new()))),
        message(Some(Message::Text("{}".into()))),
        message(Some(Message::Binary("data".into()))),
        message(Some(Message::Binary("\0\0\0\x05\x02\0\0\0\x03".into()))),
        message(Some(Message::Binary("\0\0\0\x0a\x66\0\0\0\x01\0\0\0\x01h".into()))),
        Ok(Reply::Disk(DiskReply::Done)),
        Ok(Reply::Disk(DiskReply::Attributes(Some(directory)))),
        Ok(Reply::Disk(DiskReply::Entries(vec![Entry::new("a", directory), Entry::new("b", file)]))),
        script::failure(FailureKind::Broken),
        script::failure(FailureKind::Timeout(Phase::Head)),
        Err(Failure::new(FailureKind::Reader, "")),
    ];
    select(answers.to_vec())
}

/// The answer, if it can be one to this action, else the usual one.
fn fitting(action: &Action, answer: Answer) -> Answer {
    match (action, &answer) {
        (Action::Http(..), Ok(Reply::Http(_))) | (Action::Recv(_), Ok(Reply::Message(_))) => answer,
        (Action::Read(_), Ok(Reply::Data(_))) => answer,
        (Action::Http(_, request), _) if request.method() == "GET" => script::operation(103, ""),
        (Action::Http(..), _) => running(),
        (Action::Open(..), _) => Ok(Reply::Opened),
        (Action::Recv(_), _) => Ok(Reply::Message(Some(Message::Ping))),
        (Action::Read(_), _) => Ok(Reply::Data(Some("data".into()))),
        _ => Ok(Reply::Done),
    }
}

fn running() -> Answer {
    let fds = json!({"0": "a", "1": "b", "2": "c", "control": "d"});
    let operation = json!({"id": "op-1", "status_code": 103, "metadata": {"fds": fds}});
    let running = json!({"type": "async", "operation": "/1.0/operations/op-1", "metadata": operation});
    http(202, running.to_string())
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![
        1 => any::<Index>().prop_map(Which::Outstanding),
        12 => any::<Index>().prop_map(Which::Fitting),
        1 => any::<Index>().prop_map(Which::Again),
        1 => any::<u32>().prop_map(Which::Unknown),
    ]
}

/// A disk that the transport asks for nothing.
struct Nowhere;

impl Disk for Nowhere {
    fn act(&self, action: DiskAction) -> Result<DiskReply, Failure> {
        panic!("{action:?}")
    }

    fn nonce(&self) -> u64 {
        7
    }
}

type Run = fn(&Client) -> Result<(), Error>;

/// All flows there are.
const FLOWS: &[Run] = &[
    |lxd| lxd.instances().create(InstancesPost::empty("c1")).wait().send().map(drop),
    |lxd| lxd.instance("c1").stop().wait().timeout(Duration::from_secs(40)).send(),
    |lxd| lxd.instance("c1").wait_until(Ready::Exec).send().map(drop),
    |lxd| lxd.instance("c1").wait_until(Ready::Address).timeout(Duration::from_secs(1)).send().map(drop),
    |lxd| lxd.operation("op-1".parse()?).wait().send().map(drop),
    |lxd| lxd.profile("p").edit(|profile| profile.description.push('x')).send(),
    |lxd| lxd.server().edit(|server| drop(server.config.insert("k".into(), json!(1)))).send(),
    |lxd| lxd.instance("c1").files().put("/x", "hello").send(),
    |lxd| lxd.instance("c1").files().append("/x", Payload::sized("a reader", 5)).send(),
    |lxd| lxd.images().upload(Payload::reader("a reader")).wait().send().map(drop),
    |lxd| lxd.certificates().trust("me", Proof::Password("hunter2".into())).send(),
    |lxd| lxd.instance("c1").exec(["x"]).stdin("hello").output().send().map(drop),
    |lxd| {
        let exec = lxd.instance("c1").exec(["x"]).stdin(Payload::reader("a reader"));
        exec.stdout("a writer").stderr("another").status().send().map(drop)
    },
    |lxd| lxd.instance("c1").sftp().send()?.read("/x").send().map(drop),
    |lxd| lxd.instance("c1").files().push_tree(Nowhere, "/x").delete_extra().send().map(drop),
    |lxd| lxd.instance("c1").files().pull_tree("/x", Nowhere).send().map(drop),
    |lxd| lxd.instance("c1").move_to_server(&lxd.project("p")).send().map(drop),
    |lxd| lxd.instance("c1").copy_to_server(&lxd.project("p")).relay().send().map(drop),
    |lxd| lxd.events().subscribe().send()?.take(20).collect::<Result<Vec<_>, _>>().map(drop),
    |lxd| lxd.project("p").events().subscribe().send()?.take(20).last().map_or(Ok(()), |last| last.map(drop)),
    |lxd| lxd.operation("op-1".parse()?).updates().send()?.take(20).last().map_or(Ok(()), |last| last.map(drop)),
];

proptest! {
    #[test]
    fn flows_end(answers in vec((which(), answer()), 0..60)) {
        for run in FLOWS {
            let answers = answers.iter().cloned().collect();
            let lxd = Client::new(Chaos { answers, outstanding: Vec::new(), answered: Vec::new(), refused: 0 });
            // Which end does not matter.
            let _ = run(&lxd);
        }
    }

    #[test]
    fn envelopes(status in 100_u16..600, body in envelope()) {
        promises::envelope(status, &body);
    }

    #[test]
    fn broken_envelopes(status in 100_u16..600, edits in vec((any::<Index>(), any::<u8>()), 0..4), cut in any::<Index>()) {
        for server in SERVERS {
            for name in ["instances-r2", "err-404-instance", "exec-ws-3fds", "operations"] {
                let mut body = Exchange::load(server, name).body().to_vec();
                for (at, byte) in &edits {
                    *at.get_mut(&mut body) = *byte;
                }
                body.truncate(cut.index(body.len() * 2));
                promises::envelope(status, &body);
            }
        }
    }
}

fn envelope() -> impl Strategy<Value = Vec<u8>> {
    let kinds = select(vec!["sync", "async", "error", "", "x"]);
    let values = || {
        select(vec![
            json!(null),
            json!(""),
            json!(0),
            json!(-1),
            json!(99_999),
            json!({}),
            json!(["/1.0/operations/x"]),
            json!("/1.0/operations/x"),
        ])
    };
    let keyed = (kinds, values(), values(), values(), values()).prop_map(|(kind, metadata, operation, error, code)| {
        let text =
            json!({"type": kind, "metadata": metadata, "operation": operation, "error": error, "error_code": code});
        text.to_string().into_bytes()
    });
    prop_oneof![vec(any::<u8>(), 0..200), keyed]
}
