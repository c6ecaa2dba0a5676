//! Events: none is skipped in silence, and what no waiting heals is the end.

use lxd_proto::{
    Error, FailureKind, Lxd,
    error::Outcome,
    flow::{Message, Reply},
    resources::{Notice, Operation, OperationId},
};

use serde_json::{Value, json};

use crate::support::script::{Answer, EVENTS, error, failure, http, lifecycle, message, play, sync};

const RECEIVE: &str = "receive 0";
const CLOSE: &str = "close 0";
const TICK: &str = "sleep 5s";
const AT_ONCE: &str = "sleep 0ns";

fn done() -> Answer {
    Ok(Reply::Done)
}

fn opened() -> Answer {
    Ok(Reply::Opened)
}

fn ping() -> Answer {
    Ok(Reply::Message(Some(Message::Ping)))
}

fn closed() -> Answer {
    Ok(Reply::Message(None))
}

/// What is seen of a subscription, in short: so many notices, or fewer if it ends.
fn listen(most: usize, steps: Vec<(&str, Answer)>) -> Vec<String> {
    play(steps, |lxd| {
        let notices = match lxd.events().subscribe().send() {
            Ok(notices) => notices,
            Err(error) => return vec![format!("refused: {error}")],
        };
        let shown = |notice: Result<Notice, Error>| match notice {
            Ok(Notice::Event(event)) => match event.lifecycle() {
                Some(lifecycle) => lifecycle.action.to_string(),
                None => event.kind.to_string(),
            },
            Ok(Notice::Gap(gap)) => format!("gap: {}", gap.reason),
            Err(error) => format!("end: {error}"),
        };
        notices.take(most).map(shown).collect()
    })
}

/// The first time there is nothing to make good: who cannot listen is told at once.
#[test]
fn refused() {
    for (answer, shown) in [
        (error(403, "not authorized"), "refused: GET /1.0/events: not authorized (403)"),
        (error(503, "starting"), "refused: GET /1.0/events: starting (503)"),
        (failure(FailureKind::Connect), "refused: cannot connect: of the test"),
        (done(), "refused: the transport failed: it was answered with something else"),
    ] {
        assert_eq!(listen(1, vec![(EVENTS, answer)]), [shown]);
    }
}

/// Events come in order, and what interrupts them is a gap, after which they go on.
#[test]
fn in_order() {
    let steps = vec![
        (EVENTS, opened()),
        (RECEIVE, lifecycle("one")),
        (RECEIVE, ping()),
        (RECEIVE, Ok(Reply::Message(Some(Message::Binary(r#"{"type": "security"}"#.into()))))),
        // What cannot be read is no reason to lose the others.
        (RECEIVE, message("{")),
        (RECEIVE, lifecycle("two")),
        (RECEIVE, closed()),
        (CLOSE, done()),
        (AT_ONCE, done()),
        (EVENTS, opened()),
        (RECEIVE, lifecycle("three")),
        // A connection that did not hold is no reason to hurry.
        (RECEIVE, failure(FailureKind::TooLarge)),
        (CLOSE, failure(FailureKind::Broken)),
        ("sleep 250ms", done()),
        (EVENTS, opened()),
        (RECEIVE, lifecycle("four")),
    ];
    assert_eq!(
        listen(8, steps),
        [
            "one",
            "security",
            "gap: cannot read an event: EOF while parsing an object at line 1 column 1; the answer begins: {",
            "two",
            "gap: the connection broke: the server closed the events",
            "three",
            "gap: the answer is too large: of the test",
            "four",
        ]
    );
}

/// Who was heard is not silent, and a ping is enough.
#[test]
fn silence() {
    let ticks = |number| (0..number).map(|_| (TICK, done()));
    let mut steps = vec![(EVENTS, opened())];
    steps.extend(ticks(6));
    steps.push((RECEIVE, ping()));
    steps.extend(ticks(6));
    steps.push((RECEIVE, lifecycle("one")));
    steps.extend(ticks(7));
    steps.extend([(CLOSE, done()), (AT_ONCE, done()), (EVENTS, opened())]);
    // The new connection has its own time.
    steps.extend(ticks(6));
    steps.push((RECEIVE, lifecycle("two")));
    assert_eq!(listen(3, steps), ["one", "gap: no byte in time: the server was silent for 30 s", "two"]);
}

/// Less and less often, and at once again when a connection has held for as long as silence may be.
#[test]
fn backoff() {
    let proxy = || http(502, &[], "<html>no server here</html>");
    let mut steps = vec![(EVENTS, opened()), (RECEIVE, failure(FailureKind::Broken)), (CLOSE, done())];
    let rests = ["0ns", "250ms", "500ms", "1s", "2s", "4s", "8s", "10s", "10s", "10s"];
    let rests = rests.map(|rest| format!("sleep {rest}"));
    for (number, rest) in rests.iter().enumerate() {
        let refused = [failure(FailureKind::Connect), error(503, "starting"), proxy(), failure(FailureKind::Proxy)];
        steps.extend([(rest.as_str(), done()), (EVENTS, refused[number % 4].clone())]);
    }
    steps.extend([("sleep 10s", done()), (EVENTS, opened())]);
    for _ in 0..6 {
        steps.extend([(RECEIVE, ping()), (TICK, done())]);
    }
    steps.extend([(RECEIVE, closed()), (CLOSE, done()), (AT_ONCE, done()), (EVENTS, opened())]);
    assert_eq!(
        listen(2, steps),
        ["gap: the connection broke: of the test", "gap: the connection broke: the server closed the events"]
    );
}

/// What connecting once more cannot heal is an error, and the end.
#[test]
fn ends() {
    let wrong = FailureKind::WrongCertificate { expected: "aa".into(), found: "bb".into() };
    for (last, shown) in [
        (error(403, "not authorized"), "end: GET /1.0/events: not authorized (403)"),
        (error(404, "no such project"), "end: GET /1.0/events: no such project (404)"),
        (failure(wrong), "end: the server's certificate is bb, but aa is pinned: of the test"),
        (failure(FailureKind::Unsupported), "end: not supported by this transport: of the test"),
    ] {
        let steps = vec![
            (EVENTS, opened()),
            (RECEIVE, lifecycle("one")),
            (RECEIVE, closed()),
            (CLOSE, done()),
            (AT_ONCE, done()),
            (EVENTS, last),
        ];
        assert_eq!(listen(9, steps), ["one", shown]);
    }

    // TLS that breaks may be a server that is just ending; but not twice.
    let tls = || failure(FailureKind::Tls);
    let again = [(CLOSE, done()), (AT_ONCE, done()), (EVENTS, tls())];
    let mut steps = vec![(EVENTS, opened()), (RECEIVE, closed())];
    steps.extend(again);
    steps.extend([("sleep 250ms", done()), (EVENTS, failure(FailureKind::Connect))]);
    steps.extend([("sleep 500ms", done()), (EVENTS, tls()), ("sleep 1s", done()), (EVENTS, tls())]);
    assert_eq!(listen(9, steps), ["end: TLS failed: of the test"]);
}

const OPERATIONS: &str = "open 0: GET /1.0/events?type=operation";
const LOOK: &str = "GET /1.0/operations/op-1";

/// An operation that was changed at this second, and how far it says that it is.
fn at(second: u8, status: u16, percent: u8) -> Value {
    json!({
        "id": "op-1",
        "updated_at": format!("2026-11-21T20:51:{second:02}.5Z"),
        "status_code": status,
        "err": if status == 400 { "boom" } else { "" },
        "metadata": {"fs_progress": format!("rootfs: {percent}% (12.30MB/s)")},
    })
}

fn changed(operation: Value) -> Answer {
    message(&json!({"type": "operation", "metadata": operation}).to_string())
}

/// How far one operation is seen to be, until it ends.
fn follow(steps: Vec<(&str, Answer)>) -> Vec<String> {
    let shown = |operation: Result<Operation, Error>| match operation {
        Ok(operation) if operation.status_code.is_final() => "done".to_owned(),
        Ok(operation) => operation.progress().and_then(|progress| progress.percent).unwrap().to_string(),
        Err(Error::Operation(error)) => match error.outcome {
            Outcome::Failed(text) => format!("failed: {text}"),
            outcome => format!("{outcome:?}"),
        },
        Err(error) => error.to_string(),
    };
    let id: OperationId = "op-1".parse().unwrap();
    play(steps, |lxd| lxd.operation(id).updates().send().unwrap().map(shown).collect())
}

/// It listens before it looks, and what comes late is left out.
#[test]
fn updates() {
    let other = changed(json!({"id": "op-2", "status_code": 200}));
    let steps = vec![
        (OPERATIONS, opened()),
        (LOOK, sync(at(2, 103, 20))),
        (RECEIVE, other.clone()),
        (RECEIVE, changed(at(1, 103, 10))),
        (RECEIVE, changed(at(2, 103, 20))),
        (RECEIVE, ping()),
        (RECEIVE, changed(at(3, 103, 30))),
        (RECEIVE, other),
        (RECEIVE, changed(at(3, 200, 30))),
    ];
    assert_eq!(follow(steps), ["20", "30", "done"]);

    // It had ended before, one way or another; or nobody knows it any more.
    for (answer, end) in [
        (sync(at(9, 200, 100)), "done"),
        (sync(at(9, 400, 50)), "failed: boom"),
        (sync(at(9, 401, 50)), "Cancelled"),
        (error(404, "not found"), "Unknown"),
        (error(403, "not yours"), "GET /1.0/operations/op-1: not yours (403)"),
    ] {
        assert_eq!(follow(vec![(OPERATIONS, opened()), (LOOK, answer)]), [end]);
    }
    let steps = vec![(OPERATIONS, opened()), (LOOK, sync(at(1, 103, 5))), (RECEIVE, changed(at(1, 400, 5)))];
    assert_eq!(follow(steps), ["5", "failed: boom"]);
}

/// Whatever may have been missed is looked at.
#[test]
fn updates_over_a_gap() {
    let lost = [(RECEIVE, closed()), (CLOSE, done()), (AT_ONCE, done()), (OPERATIONS, opened())];
    let mut steps = vec![(OPERATIONS, opened()), (LOOK, sync(at(1, 103, 10)))];
    steps.extend(lost.clone());
    // The server is not quite there yet.
    steps.extend([(LOOK, error(503, "starting")), ("sleep 500ms", done())]);
    steps.extend([(LOOK, failure(FailureKind::Connect)), ("sleep 500ms", done())]);
    steps.extend([(LOOK, sync(at(5, 103, 50))), (RECEIVE, changed(at(6, 103, 60))), (RECEIVE, message("{"))]);
    let mut ended = steps.clone();
    ended.push((LOOK, sync(at(7, 200, 60))));
    assert_eq!(follow(ended), ["10", "50", "60", "done"]);
    // It was restarted meanwhile.
    steps.push((LOOK, error(404, "not found")));
    assert_eq!(follow(steps), ["10", "50", "60", "Unknown"]);
}
