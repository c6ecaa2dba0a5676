//! What arrives in pieces is the same wherever it is cut; what is encoded can be decoded; what is broken is no success.

use bytes::BytesMut;
use lxd_proto::{
    Lxd,
    flow::{Action, BlockingIo, Id, Message, Reply, Sock},
    sftp::{Answer, Attributes, Decoder, Received},
    strategies,
};
use proptest::{
    collection::vec,
    prelude::{any, proptest},
    sample::{Index, select},
};
use serde_json::json;

use crate::support::{
    client::Client,
    fixtures::{Exchange, SERVERS, messages, names},
    promises,
    script::{Answer as Answered, success},
};

/// The same with other bytes in some places.
fn changed(whole: &[u8], edits: &[(Index, u8)]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    edits.iter().for_each(|(at, byte)| *at.get_mut(&mut bytes) = *byte);
    bytes
}

/// The same, at times without its end.
fn broken(whole: &[u8], edits: &[(Index, u8)], cut: Index) -> Vec<u8> {
    let mut bytes = changed(whole, edits);
    bytes.truncate(cut.index(whole.len() * 3 + 1));
    bytes
}

/// How an answer looks on the wire.
fn encoded(id: u32, answer: &Answer) -> Vec<u8> {
    fn text(text: &[u8]) -> Vec<u8> {
        [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text].concat()
    }
    fn attributes(of: &Attributes) -> Vec<u8> {
        let pair = |pair: Option<(u32, u32)>| {
            pair.map_or(vec![], |(one, two)| [one.to_be_bytes(), two.to_be_bytes()].concat())
        };
        let flags = u32::from(of.size.is_some())
            | u32::from(of.owner.is_some()) << 1
            | u32::from(of.mode.is_some()) << 2
            | u32::from(of.times.is_some()) << 3;
        let size = of.size.map_or(vec![], |size| size.to_be_bytes().to_vec());
        let mode = of.mode.map_or(vec![], |mode| mode.to_be_bytes().to_vec());
        [flags.to_be_bytes().to_vec(), size, pair(of.owner), mode, pair(of.times)].concat()
    }
    let (number, fields) = match answer {
        Answer::Status(status, message) => {
            let code = (0..20_u32).find(|code| status_of(*code) == Some(*status)).unwrap();
            (101, [&code.to_be_bytes()[..], &text(message.as_bytes()), &text(b"")].concat())
        }
        Answer::Handle(handle) => (102, text(handle)),
        Answer::Data(data) => (103, text(data)),
        Answer::Names(entries) => {
            let entries = entries.iter().map(|entry| {
                [text(entry.name.as_bytes()), text(b"-rw-r--r--"), attributes(&entry.attributes)].concat()
            });
            let entries: Vec<_> = entries.collect();
            (104, [&u32::try_from(entries.len()).unwrap().to_be_bytes()[..], &entries.concat()].concat())
        }
        Answer::Attributes(of) => (105, attributes(of)),
        other => panic!("{other:?}"),
    };
    let body = [&[number][..], &id.to_be_bytes(), &fields].concat();
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
}

/// What a status is read as.
fn status_of(code: u32) -> Option<lxd_proto::sftp::Status> {
    let packet = [&[0, 0, 0, 9, 101, 0, 0, 0, 0][..], &code.to_be_bytes()].concat();
    match decoded(&packet, &[]).pop() {
        Some(Received::Answer(0, Answer::Status(status, _))) => Some(status),
        _ => None,
    }
}

fn decoded(bytes: &[u8], sizes: &[u8]) -> Vec<Received> {
    let mut decoder = Decoder::default();
    let mut found = Vec::new();
    for piece in promises::cut(bytes, sizes) {
        decoder.push(&piece);
        while let Some(packet) = decoder.take().unwrap() {
            found.push(packet);
        }
    }
    found
}

/// A command whose outputs come in these messages, each output's in order.
struct Outputs {
    outputs: [Vec<Message>; 2],
    outstanding: Vec<(Id, Action)>,
}

impl BlockingIo for Outputs {
    fn start(&mut self, id: Id, action: Action) {
        self.outstanding.push((id, action));
    }

    fn finish(&mut self) -> (Id, Answered) {
        let over = self.outputs.iter().all(Vec::is_empty);
        let ready = |action: &Action| match action {
            Action::Http(_, request) => request.method() == "POST" || over,
            Action::Recv(Sock(sock)) => matches!(sock, 1 | 2) && !self.outputs[usize::from(*sock) - 1].is_empty(),
            Action::Sleep(_) => false,
            _ => true,
        };
        let index = self.outstanding.iter().position(|(_, action)| ready(action)).expect("something goes on");
        let (id, action) = self.outstanding.remove(index);
        let answer = match action {
            Action::Http(_, request) if request.method() == "POST" => {
                let fds = json!({"0": "a", "1": "b", "2": "c", "control": "d"});
                let body = json!({"type": "async", "operation": "/1.0/operations/op-1", "metadata": {"metadata": {"fds": fds}}});
                Ok(Reply::Http(http::Response::new(body.to_string().into())))
            }
            Action::Http(..) => success(json!({"return": 3})),
            Action::Open(..) => Ok(Reply::Opened),
            Action::Recv(Sock(sock)) => Ok(Reply::Message(Some(self.outputs[usize::from(sock) - 1].remove(0)))),
            _ => Ok(Reply::Done),
        };
        (id, answer)
    }
}

/// A text as a command's messages, with signs of life between them.
fn output(text: &[u8], sizes: &[u8]) -> Vec<Message> {
    let pieces = promises::cut(text, sizes).flat_map(|piece| [Message::Binary(piece), Message::Ping]);
    pieces.chain([Message::Text(String::new())]).collect()
}

fn body(server: &str, name: &str) -> Vec<u8> {
    Exchange::load(server, name).body().to_vec()
}

proptest! {
    #[test]
    fn lists(
        server in select(SERVERS.to_vec()),
        name in select(vec!["instances-r1", "instances-r2", "instances", "err-404-instance", "exec-ws-3fds"]),
        edits in vec((any::<Index>(), any::<u8>()), 0..3),
        cut in any::<Index>(),
        sizes in vec(any::<u8>(), 1..20),
    ) {
        let body = broken(&body(server, name), &edits, cut);
        promises::list(200, &body, &sizes);
        promises::envelope(200, &body);
    }

    #[test]
    fn packets(answers in vec((any::<u32>(), strategies::answer()), 0..8), sizes in vec(any::<u8>(), 1..20)) {
        let bytes: Vec<u8> = answers.iter().flat_map(|(id, answer)| encoded(*id, answer)).collect();
        let expected: Vec<_> = answers.into_iter().map(|(id, answer)| Received::Answer(id, answer)).collect();
        assert_eq!(decoded(&bytes, &sizes), expected);
    }

    #[test]
    fn broken_packets(
        answers in vec(strategies::answer(), 1..4),
        edits in vec((any::<Index>(), any::<u8>()), 1..4),
        cut in any::<Index>(),
        sizes in vec(any::<u8>(), 1..20),
    ) {
        let bytes: Vec<u8> = answers.iter().flat_map(|answer| encoded(7, answer)).collect();
        promises::sftp(&broken(&bytes, &edits, cut), &sizes);
    }

    /// Requests of SFTP say their own length, so that a server can take them apart.
    #[test]
    fn requests_of_sftp(asks in vec(strategies::ask(), 0..6)) {
        let mut bytes = BytesMut::new();
        for (id, ask) in asks.iter().enumerate() {
            ask.encode(u32::try_from(id).unwrap(), &mut bytes);
        }
        let mut rest = &bytes[..];
        for id in 0..asks.len() {
            let (length, after) = rest.split_first_chunk::<4>().unwrap();
            let (packet, after) = after.split_at(u32::from_be_bytes(*length) as usize);
            assert_eq!(packet[1..5], u32::try_from(id).unwrap().to_be_bytes());
            rest = after;
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn multipart_bodies(
        pieces in vec(select(vec!["--B", "\r\n--B", "\r\n", "--", "\r\n\r\n", "Content-Disposition: form-data; name=\"a\"", "\r", "x", "; filename=\"/b\\\"c"]), 0..12),
        sizes in vec(any::<u8>(), 1..8),
    ) {
        promises::multipart("B", pieces.concat().as_bytes(), &sizes);
        promises::multipart("B", format!("--B\r\n\r\n{}\r\n--B--", pieces.concat()).as_bytes(), &sizes);
    }

    #[test]
    fn events(said in strategies::event(), edits in vec((any::<Index>(), any::<u8>()), 0..3), cut in any::<Index>()) {
        let text = said.json.to_string();
        assert_eq!(lxd_proto::resources::Event::read(text.as_bytes()).unwrap(), said.value);
        promises::event(&broken(text.as_bytes(), &edits, cut));
    }

    #[test]
    fn recorded_events(which in any::<Index>(), edits in vec((any::<Index>(), any::<u8>()), 0..3), cut in any::<Index>()) {
        for server in SERVERS {
            let recordings: Vec<_> = names(server).into_iter().filter(|name| name.starts_with("events")).collect();
            let events = messages(server, &recordings[which.index(recordings.len())]);
            promises::event(&broken(which.get(&events).to_string().as_bytes(), &edits, cut));
        }
    }

    #[test]
    fn operations(said in strategies::operation(), edits in vec((any::<Index>(), any::<u8>()), 0..3), cut in any::<Index>()) {
        promises::operation(said.json.to_string().as_bytes());
        promises::operation(&broken(said.json.to_string().as_bytes(), &edits, cut));
    }

    #[test]
    fn tokens(token in strategies::trust_token(), edits in vec((any::<Index>(), 32_u8..127), 0..3)) {
        let text = token.encode().expose().to_owned();
        assert_eq!(text.parse::<lxd_proto::TrustToken>().unwrap(), token);
        promises::token(&text);
        promises::token(&token.fingerprint.to_string());
        promises::token(&String::from_utf8(changed(text.as_bytes(), &edits)).unwrap());
    }

    #[test]
    fn catalogues(edits in vec((any::<Index>(), any::<u8>()), 0..4), path in strategies::any_name(), other in strategies::anything()) {
        let file = |ftype: &str, path: &str| json!({"ftype": ftype, "path": path, "sha256": "01".repeat(32), "size": 10, "combined_squashfs_sha256": "02".repeat(32), "x": other});
        let items = json!({"a": file("lxd.tar.xz", &path), "b": file("squashfs", "images/rootfs")});
        let catalogue = json!({"products": {"alpine": {"aliases": "a,b", "arch": "amd64", "versions": {"20240505": {"items": items}}}}});
        let text = catalogue.to_string();
        promises::catalogue(text.as_bytes());
        promises::catalogue(&changed(text.as_bytes(), &edits));
    }

    #[test]
    fn uris(name in strategies::any_name(), value in vec(any::<u8>(), 0..30)) {
        promises::uri(&name, &value);
    }

    /// Wherever a command's outputs are cut into messages, they are put together as they were.
    #[test]
    fn outputs(
        out in vec(any::<u8>(), 0..300),
        err in vec(any::<u8>(), 0..300),
        sizes in vec(any::<u8>(), 1..10),
    ) {
        let outputs = [output(&out, &sizes), output(&err, &sizes)];
        let output = Client::new(Outputs { outputs, outstanding: Vec::new() }).instance("c1").exec(["x"]).output().send().unwrap();
        assert_eq!((output.code, &output.stdout[..], &output.stderr[..]), (3, &out[..], &err[..]));
    }
}
