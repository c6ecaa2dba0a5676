//! What must not be shown is not: not by `Debug`, not by `Display`, and in no error.

use lxd_proto::{
    Changed, Endpoint, Failure, Fingerprint, Get, Lxd, Proof, TrustToken,
    flow::{Action, BlockingIo, Id, Reply},
    redacted,
    resources::{CertificatesPost, Event, Operation},
};
use serde_json::{Value, json};

use crate::support::{
    client::Client,
    fixtures::{self, Exchange, SERVERS},
    script::{self, Answer},
    show,
};

/// Fails when a text shows a secret.
#[track_caller]
fn hides(secrets: &[impl AsRef<str>], shown: impl AsRef<str>) {
    for secret in secrets {
        let (secret, shown) = (secret.as_ref(), shown.as_ref());
        // Also as `Debug` shows bytes.
        let bytes = format!("{:?}", secret.as_bytes());
        assert!(!shown.contains(secret) && !shown.contains(bytes.trim_matches(['[', ']'])), "{secret:?} is in {shown}");
    }
}

/// The secrets in a fixture: LXD's are 64 hexadecimal digits that are no fingerprint.
fn secrets(json: &Value) -> Vec<String> {
    match json {
        Value::Object(object) => {
            let secret = |(key, value): (&String, &Value)| match value {
                Value::String(text) if text.len() == 64 && key != "fingerprint" => vec![text.clone()],
                value => secrets(value),
            };
            object.iter().flat_map(secret).collect()
        }
        Value::Array(array) => array.iter().flat_map(secrets).collect(),
        _ => Vec::new(),
    }
}

/// An operation that holds secrets shows them in no form that it comes in, whole or broken.
#[test]
fn operations() {
    for server in SERVERS {
        for (name, count) in
            [("exec-ws-3fds", 4), ("operation-exec-running", 4), ("exec-ws-3fds-op", 4), ("cert-token-create", 1)]
        {
            let exchange = Exchange::load(server, name);
            let body = exchange.body();
            let answer: Value = serde_json::from_slice(&body).unwrap();
            let secrets = secrets(&answer);
            assert_eq!(secrets.len(), count, "{server} {name}");

            let operation: Operation = serde_json::from_value(answer["metadata"].clone()).unwrap();
            hides(&secrets, format!("{operation:?}"));
            hides(&secrets, format!("{:?}", Changed::<()>::Running(Box::new(operation.clone()))));
            hides(&secrets, format!("{:?}", Reply::Http(exchange.response())));
            let get = Get::<Operation>::new("x".parse().unwrap());
            if let Ok(fetched) = get.response(exchange.response()) {
                hides(&secrets, format!("{fetched:?}"));
            }
            let event: Event =
                serde_json::from_value(json!({"type": "operation", "metadata": operation_json(&answer)})).unwrap();
            hides(&secrets, format!("{event:?}"));

            // Cut off anywhere, and with anything of the wrong type.
            let wrong = ["id", "class", "status_code", "resources", "metadata", "may_cancel"].map(|key| {
                let mut answer = answer.clone();
                let value = answer["metadata"][key].take();
                answer["metadata"][key] = if value.is_array() { json!("text") } else { json!([value]) };
                answer.to_string().into_bytes()
            });
            for broken in wrong.into_iter().chain((0..body.len()).map(|end| body[..end].to_vec())) {
                for error in [
                    Changed::<()>::read(&exchange.with(broken.clone())).err(),
                    get.response(exchange.with(broken)).err(),
                ] {
                    hides(&secrets, error.iter().map(|error| format!("{error} {error:?}")).collect::<String>());
                }
            }
        }
        let events = fixtures::messages(server, "events");
        let token = events.iter().find(|event| event["type"] == "operation").unwrap();
        hides(&secrets(token), format!("{:?}", serde_json::from_value::<Event>(token.clone()).unwrap()));
    }
}

fn operation_json(answer: &Value) -> &Value {
    &answer["metadata"]
}

const SECRET: &str = "s3cr3t";

fn token() -> TrustToken {
    let token = json!({"fingerprint": "07".repeat(32), "secret": SECRET});
    serde_json::from_value(token).unwrap()
}

/// Shows every action and every answer of a flow.
struct Watched<F> {
    answer: F,
    outstanding: Vec<(Id, Action)>,
    shown: Vec<String>,
    sent: String,
}

impl<F: Fn(&Action) -> Answer> Watched<F> {
    fn client(answer: F) -> Client<Self> {
        Client::new(Self { answer, outstanding: Vec::new(), shown: Vec::new(), sent: String::new() })
    }
}

impl<F: Fn(&Action) -> Answer> BlockingIo for Watched<F> {
    fn start(&mut self, id: Id, action: Action) {
        self.shown.push(format!("{action:?}"));
        self.sent += &show::action(&action);
        self.outstanding.push((id, action));
    }

    fn finish(&mut self) -> (Id, Result<Reply, Failure>) {
        // Websockets first, so that there is something to be said of them.
        let websocket = self.outstanding.iter().position(|(_, action)| !matches!(action, Action::Http(..)));
        let (id, action) = self.outstanding.remove(websocket.unwrap_or(0));
        let answer = (self.answer)(&action);
        self.shown.push(format!("{answer:?}"));
        (id, answer)
    }
}

/// What is sent holds secrets; what is shown of it does not.
#[test]
fn flows() {
    let pin = Some(Fingerprint::from_bytes([7; 32]));
    let encoded = token().encode();
    for (proof, secret) in [(Proof::Token(token()), encoded.expose()), (Proof::Password(SECRET.into()), SECRET)] {
        let lxd = Watched::client(|action| match action {
            Action::Http(_, request) if request.method() == "GET" => script::sync(json!({"auth": "untrusted"})),
            _ => script::error(403, "no"),
        });
        let trust = lxd.clone().pinned(pin).certificates().trust("me", proof.clone());
        hides(&[SECRET, secret], format!("{trust:?} {proof:?} {:?}", token()));
        let error = trust.send().unwrap_err();
        hides(&[SECRET, secret], format!("{error} {error:?} {:?}", lxd.io().shown));
        assert!(lxd.io().sent.contains(secret));
    }

    let fds = json!({"0": SECRET, "1": SECRET, "2": SECRET, "control": SECRET});
    let posted = json!({"type": "async", "operation": "/1.0/operations/op-1", "metadata": {"metadata": {"fds": fds}}});
    let lxd = Watched::client(move |action| match action {
        Action::Http(_, request) if request.method() == "POST" => script::http(202, &[], posted.to_string()),
        Action::Open(_, sock, _) if sock.0 == 0 => Ok(Reply::Opened),
        Action::Open(..) => script::error(403, "no"),
        _ => script::operation(400, "websocket"),
    });
    let exec = lxd.instance("c1").exec(["cat"]).stdin("hunter2").output();
    hides(&["hunter2"], format!("{exec:?}"));
    let error = exec.send().unwrap_err();
    hides(&[SECRET, "hunter2"], format!("{error} {error:?} {:?}", lxd.io().shown));
    assert!(lxd.io().sent.contains("websocket?secret=s3cr3t") && lxd.io().sent.contains("hunter2"));
}

/// Calls hide what they will send.
#[test]
fn calls() {
    let lxd = Watched::client(|_| script::error(403, "no"));
    let mut post = CertificatesPost::client("me");
    (post.password, post.trust_token) = (Some(SECRET.into()), Some(SECRET.into()));
    let calls = [
        format!("{post:?}"),
        format!("{:?}", lxd.certificates().create(post)),
        format!("{:?}", lxd.instance("c1").files().put("/x", SECRET)),
        format!("{:?}", lxd.instance("c1").files().symlink("/x", SECRET)),
        format!("{:?}", lxd.images().upload(SECRET)),
    ];
    for shown in calls {
        hides(&[SECRET], shown);
    }
    for key in ["secret", "token", "password"] {
        let uri = format!("/1.0/x?a=b&{key}={SECRET}&c=d").parse().unwrap();
        assert_eq!(redacted(&uri), format!("/1.0/x?a=b&{key}=..&c=d"));
    }
}
