//! Events: none is skipped in silence, and what no waiting heals is the end.

use lxd_proto::{
    Error, FailureKind, Lxd,
    flow::{Message, Reply},
    resources::Notice,
};

use crate::support::script::{Answer, EVENTS, error, failure, http, lifecycle, message, play};

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
    steps.extend(ticks(5));
    steps.push((RECEIVE, ping()));
    steps.extend(ticks(5));
    steps.push((RECEIVE, lifecycle("one")));
    steps.extend(ticks(6));
    steps.extend([(CLOSE, done()), (AT_ONCE, done()), (EVENTS, opened())]);
    // The new connection has its own time.
    steps.extend(ticks(5));
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
