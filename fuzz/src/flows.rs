//! Commands and consoles, on a server that answers what the input says, in whatever order it says.

use std::collections::BTreeMap;

use bytes::Bytes;
use lxd_proto::{
    Failure, FailureKind, Lxd, Phase,
    flow::{Action, BlockingIo, Id, Message, Reply, Sock},
    resources::Exec,
};
use serde_json::{Value, json};

use crate::{Choices, client::Client};

type Answer = Result<Reply, Failure>;

/// A command: a success only when the server said so and both outputs came to their end mark, and then all of it.
pub fn exec(data: &[u8]) {
    let lxd = Client::new(World::new(data));
    let run: fn(Exec<Client<World>>) -> Exec<Client<World>> = match data.first().copied().unwrap_or_default() % 3 {
        0 => |exec| exec,
        1 => |exec| exec.stdin("typed"),
        _ => |exec| exec.stdin(lxd_proto::Payload::reader("a reader")).timeout(std::time::Duration::from_secs(9)),
    };
    let result = run(lxd.instance("c1").exec(["x"])).output().send();
    let world = lxd.io();
    if let Ok(output) = result {
        assert!(world.codes.contains(&output.code), "the server never said {}: {:?}", output.code, world.codes);
        for (secret, collected) in [("s1", output.stdout), ("s2", output.stderr)] {
            let stream = world.stream(secret).expect("an output that was never opened is no whole one");
            assert!(stream.whole, "{secret} was cut off");
            assert_eq!(collected, stream.data, "{secret}");
        }
    }
}

/// A console: what was shown is what came.
pub fn console(data: &[u8]) {
    let lxd = Client::new(World::new(data));
    let console = lxd.instance("c1").console();
    let console = if data.first().is_some_and(|byte| byte % 2 == 0) { console } else { console.stdin("\n") };
    let result = console.attach().send();
    let world = lxd.io();
    if let Ok(shown) = result {
        assert_eq!(Some(&shown[..]), world.stream("s0").map(|stream| &stream.data[..]));
    }
}

/// What came on a websocket.
#[derive(Default)]
struct Stream {
    data: Vec<u8>,
    /// Its end mark has come.
    whole: bool,
    over: bool,
}

struct World {
    choices: Choices,
    outstanding: Vec<(Id, Action)>,
    streams: BTreeMap<Sock, (String, Stream)>,
    /// Which exit codes the server has said.
    codes: Vec<i32>,
    refused: u32,
}

impl World {
    fn new(data: &[u8]) -> Self {
        let choices = Choices::new(data.get(1..).unwrap_or_default());
        Self { choices, outstanding: Vec::new(), streams: BTreeMap::new(), codes: Vec::new(), refused: 0 }
    }

    fn stream(&self, secret: &str) -> Option<&Stream> {
        self.streams.values().find(|(of, _)| of == secret).map(|(_, stream)| stream)
    }

    fn answer(&mut self, action: &Action, choice: u8) -> Answer {
        if choice >= 0xf8 {
            let kind = match choice % 3 {
                0 => FailureKind::Broken,
                1 => FailureKind::Connect,
                _ => FailureKind::Timeout(Phase::Head),
            };
            return Err(Failure::new(kind, "of the fuzzer"));
        }
        match action {
            Action::Http(_, request) if request.method() == "POST" => match choice {
                0xf0.. => error(500, "no"),
                _ => http(202, json!({"type": "async", "operation": "/1.0/operations/op-1", "metadata": begun()})),
            },
            Action::Http(..) => self.operation(choice),
            Action::Open(_, sock, request) => {
                if choice >= 0xe0 {
                    return error(500, "Only running operations can be connected");
                }
                let secret = request.uri().query().and_then(|query| query.strip_prefix("secret=")).unwrap_or_default();
                self.streams.insert(*sock, (secret.into(), Stream::default()));
                Ok(Reply::Opened)
            }
            Action::Recv(sock) => {
                let message = self.message(choice);
                let Some((_, stream)) = self.streams.get_mut(sock) else { panic!("{sock:?} is not open") };
                assert!(!stream.over, "what is over is listened to");
                match &message {
                    Some(Message::Binary(data)) if !stream.whole => stream.data.extend_from_slice(data),
                    Some(Message::Text(text)) if text.is_empty() => stream.whole = true,
                    Some(Message::Text(text)) if !stream.whole => stream.data.extend_from_slice(text.as_bytes()),
                    None => stream.over = true,
                    _ => {}
                }
                Ok(Reply::Message(message))
            }
            Action::Read(_) => Ok(Reply::Data((choice % 3 > 0).then(|| self.choices.bytes().into()))),
            _ => Ok(Reply::Done),
        }
    }

    fn operation(&mut self, choice: u8) -> Answer {
        let operation = |status: u16, err: &str, metadata: Value| {
            http(
                200,
                json!({"type": "sync", "metadata": {"id": "op-1", "status_code": status, "err": err, "metadata": metadata}}),
            )
        };
        match choice % 8 {
            0..=2 => operation(103, "", begun()),
            3 | 4 => {
                let code = i32::from(choice / 8);
                self.codes.push(code);
                operation(200, "", json!({"return": code, "fds": begun()}))
            }
            5 => operation(400, "boom", Value::Null),
            6 => error(404, "not found"),
            _ => http(200, json!(String::from_utf8_lossy(&self.choices.bytes()))),
        }
    }

    fn message(&mut self, choice: u8) -> Option<Message> {
        match choice % 8 {
            0..=3 => Some(Message::Binary(Bytes::from(self.choices.bytes()))),
            4 => Some(Message::Ping),
            5 => Some(Message::Text(String::new())),
            6 => Some(Message::Text("x".into())),
            _ => None,
        }
    }
}

impl BlockingIo for World {
    fn start(&mut self, id: Id, action: Action) {
        self.outstanding.push((id, action));
        assert!(self.outstanding.len() < 32, "more and more is started");
    }

    fn finish(&mut self) -> (Id, Answer) {
        assert!(!self.outstanding.is_empty(), "it waits for nothing");
        let (Some(which), Some(choice)) = (self.choices.byte(), self.choices.byte()) else {
            self.refused += 1;
            assert!(self.refused < 200, "it does not end when everything fails");
            let (id, _) = self.outstanding.remove(0);
            return (id, Err(Failure::new(FailureKind::Unsupported, "the input is over")));
        };
        let (id, action) = self.outstanding.remove(usize::from(which) % self.outstanding.len());
        let answer = self.answer(&action, choice);
        (id, answer)
    }
}

fn begun() -> Value {
    json!({"id": "op-1", "status_code": 103, "metadata": {"fds": {"0": "s0", "1": "s1", "2": "s2", "control": "s3"}}})
}

fn http(status: u16, body: Value) -> Answer {
    Ok(Reply::Http(http::Response::builder().status(status).body(body.to_string().into()).unwrap()))
}

fn error(status: u16, text: &str) -> Answer {
    http(status, json!({"type": "error", "error_code": status, "error": text}))
}
