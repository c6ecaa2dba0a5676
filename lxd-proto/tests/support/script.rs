//! A flow's transcript: what it must ask, and what it is told.

use std::collections::VecDeque;

use bytes::Bytes;
use lxd_proto::{
    Failure, FailureKind,
    flow::{Action, BlockingIo, Id, Message, Reply},
};
use serde_json::{Value, json};

use super::{client::Client, show};

/// What an action comes to.
pub(crate) type Answer = Result<Reply, Failure>;

/// Answers one action after the other, and fails when another one was expected. Before each answer it gives one to an
/// action that was answered before, or that nobody started: that must change nothing.
#[derive(Debug)]
pub(crate) struct Script {
    steps: VecDeque<(String, Answer)>,
    outstanding: Vec<(Id, String)>,
    started: Vec<String>,
    strayed: bool,
    answered: Id,
}

impl Script {
    /// An action is expected by its first lines, or whole.
    pub(crate) fn new<A: Into<String>>(steps: impl IntoIterator<Item = (A, Answer)>) -> Self {
        let steps = steps.into_iter().map(|(action, answer)| (action.into(), answer)).collect();
        Self { steps, outstanding: Vec::new(), started: Vec::new(), strayed: false, answered: Id(u32::MAX) }
    }
}

impl Script {
    /// Whether all that was expected has been asked.
    pub(crate) fn is_used_up(&self) -> bool {
        self.steps.is_empty()
    }

    /// All that was asked so far.
    pub(crate) fn started(&self) -> &[String] {
        &self.started
    }
}

impl BlockingIo for Script {
    fn start(&mut self, id: Id, action: Action) {
        self.outstanding.push((id, show::action(&action)));
        self.started.push(show::action(&action));
    }

    fn finish(&mut self) -> (Id, Answer) {
        self.strayed = !self.strayed;
        if self.strayed {
            // The next flow of the same script counts from the beginning.
            let waiting = self.outstanding.iter().any(|(id, _)| *id == self.answered);
            return (if waiting { Id(u32::MAX) } else { self.answered }, failure(FailureKind::Cancelled));
        }
        let Some((expected, answer)) = self.steps.pop_front() else {
            panic!("the script is over, and this is not answered: {:#?}", self.outstanding)
        };
        let matches =
            |shown: &str| shown.strip_prefix(&expected).is_some_and(|rest| rest.is_empty() || rest.starts_with('\n'));
        // The last one that fits: what was asked on a connection that is gone stays without answer.
        let Some(index) = self.outstanding.iter().rposition(|(_, shown)| matches(shown)) else {
            panic!("expected {expected:?}, but these are outstanding: {:#?}", self.outstanding)
        };
        self.answered = self.outstanding.remove(index).0;
        (self.answered, answer)
    }
}

/// Runs something against a script, which must be used up.
pub(crate) fn play<A: Into<String>, T>(
    steps: impl IntoIterator<Item = (A, Answer)>,
    run: impl FnOnce(&Client<Script>) -> T,
) -> T {
    let client = Client::new(Script::new(steps));
    let result = run(&client);
    assert!(client.io().steps.is_empty(), "never asked: {:#?}", client.io().steps);
    result
}

/// An answer of any kind.
pub(crate) fn http(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let response = http::Response::builder().status(status);
    let response = headers.iter().fold(response, |response, (name, value)| response.header(*name, *value));
    Ok(Reply::Http(response.body(body.into()).unwrap()))
}

/// LXD's answer to what is done.
pub(crate) fn sync(metadata: Value) -> Answer {
    let body = json!({"type": "sync", "status": "Success", "status_code": 200, "metadata": metadata});
    http(200, &[], body.to_string())
}

/// The same with a version.
pub(crate) fn versioned(etag: &str, metadata: Value) -> Answer {
    let Ok(Reply::Http(mut response)) = sync(metadata) else { unreachable!() };
    response.headers_mut().insert("etag", etag.parse().unwrap());
    Ok(Reply::Http(response))
}

/// LXD's answer to what goes on.
pub(crate) fn running(url: &str) -> Answer {
    let body = json!({"type": "async", "status_code": 100, "operation": url, "metadata": null});
    http(202, &[], body.to_string())
}

/// LXD's refusal.
pub(crate) fn error(status: u16, text: &str) -> Answer {
    error_at(status, status, text)
}

/// LXD's refusal with another HTTP status: since 5.20 that of a failed `/wait` is 200.
pub(crate) fn error_at(http_status: u16, code: u16, text: &str) -> Answer {
    http(http_status, &[], json!({"type": "error", "error_code": code, "error": text, "metadata": null}).to_string())
}

/// An operation as it is now.
pub(crate) fn operation(status: u16, err: &str) -> Answer {
    sync(json!({"id": "op-1", "class": "task", "description": "Working", "status_code": status, "err": err}))
}

/// An operation that succeeded, as 6.9 gives it.
pub(crate) fn success(metadata: Value) -> Answer {
    sync(
        json!({"id": "op-1", "class": "task", "status_code": 200, "resources": {}, "metadata": metadata, "err_code": 0}),
    )
}

/// What the transport could not do.
pub(crate) fn failure(kind: FailureKind) -> Answer {
    Err(Failure::new(kind, "of the test"))
}

/// Begins to listen.
pub(crate) const EVENTS: &str = "open 0: GET /1.0/events";

/// A websocket's message.
pub(crate) fn message(text: &str) -> Answer {
    Ok(Reply::Message(Some(Message::Text(text.into()))))
}

/// An event.
pub(crate) fn lifecycle(action: &str) -> Answer {
    message(&json!({"type": "lifecycle", "metadata": {"action": action}}).to_string())
}
