//! Consoles: left, or ended with the instance, and no byte of what is typed too early.

use bytes::Bytes;
use lxd_proto::{
    Error, FailureKind, Lxd, Payload,
    flow::{Message, Reply},
};
use serde_json::json;

use crate::support::{
    fixtures::{Exchange, SERVERS},
    script::{Answer, error, failure, http, operation, play},
};

type Step = (String, Answer);

fn step(asked: &str, answer: Answer) -> Step {
    (asked.into(), answer)
}

fn begin() -> Vec<Step> {
    let fds = json!({"0": "s0", "control": "s3"});
    let body = json!({"type": "async", "operation": "/1.0/operations/op-1", "metadata": {"metadata": {"fds": fds}}});
    let open =
        |sock: u8| step(&format!("open {sock}: GET /1.0/operations/op-1/websocket?secret=s{sock}"), Ok(Reply::Opened));
    vec![step("POST /1.0/instances/c1/console", http(202, &[], body.to_string())), open(3), open(0)]
}

fn data(text: &'static [u8]) -> Answer {
    Ok(Reply::Data(Some(Bytes::from_static(text))))
}

fn shown(text: &'static [u8]) -> Step {
    step("receive 0", Ok(Reply::Message(Some(Message::Binary(Bytes::from_static(text))))))
}

fn attach(steps: Vec<Step>) -> Result<Bytes, Error> {
    play([begin(), steps].concat(), |lxd| {
        let (_, console) = lxd.instance("c1").console().stdin(Payload::reader("typed")).controlled().unwrap();
        console.attach().send()
    })
}

const WAIT: &str = "GET /1.0/operations/op-1/wait?timeout=15";

#[test]
fn left() {
    let resize = r#"{"command":"window-resize","args":{"width":"80","height":"24"}}"#;
    let steps = vec![
        shown(b"/ "),
        // Nothing is typed before.
        step("sleep 500ms", Ok(Reply::Done)),
        step("read 0", data(b"ls\n")),
        step("send 0: b\"ls\\n\"", Ok(Reply::Done)),
        // Its end is not the console's.
        step("read 0", Ok(Reply::Data(None))),
        shown(b"# "),
        step("read 3", Ok(Reply::Data(Some(format!("{resize}\n").into())))),
        step(&format!("send 3: {resize:?}"), Ok(Reply::Done)),
        step("read 3", data(b"detach\n")),
        step("close 0", Ok(Reply::Done)),
        // Nobody looks at what still comes, until the server has seen it. Control is closed after that, and not before.
        shown(b"/ "),
        step("receive 0", Ok(Reply::Message(Some(Message::Ping)))),
        step("receive 0", Ok(Reply::Message(None))),
        step("sleep 100ms", Ok(Reply::Done)),
        step("close 3", Ok(Reply::Done)),
    ];
    assert_eq!(attach(steps).unwrap(), "/ # ");
    // However that goes.
    let broken = || failure(FailureKind::Broken);
    let slept = |time| step(time, Ok(Reply::Done));
    for end in [vec![step("receive 0", broken()), slept("sleep 100ms")], vec![slept("sleep 2s")]] {
        let begin = vec![step("read 3", data(b"detach\n")), step("close 0", broken())];
        assert_eq!(attach([begin, end, vec![step("close 3", broken())]].concat()).unwrap(), "");
    }
}

#[test]
fn ended() {
    // With the instance, with the end mark or without.
    for end in [None, Some(Message::Text(String::new()))] {
        let steps = vec![
            shown(b"bye"),
            step("receive 0", Ok(Reply::Message(end))),
            step("close 3", Ok(Reply::Done)),
            step(WAIT, operation(200, "")),
        ];
        assert_eq!(attach(steps).unwrap(), "bye");
    }
    let steps = vec![shown(b"bye"), step("receive 0", failure(FailureKind::Broken)), step(WAIT, operation(200, ""))];
    assert!(matches!(attach(steps), Err(Error::Truncated(cut)) if cut.received == 3));
    // 5.0.2 fails whenever the instance stops.
    let closed = "write /dev/pts/ptmx: file already closed";
    let steps = vec![step(WAIT, operation(400, closed)), shown(b"bye"), step("receive 0", Ok(Reply::Message(None)))];
    assert_eq!(attach(steps).unwrap(), "bye");
    // But before it was attached, it is a failure.
    let steps = [begin().remove(0), step(WAIT, operation(400, "no console"))];
    let failed = play(steps, |lxd| lxd.instance("c1").console().attach().send()).unwrap_err();
    assert!(failed.operation().is_some(), "{failed:?}");
    let refused = play([step("POST /1.0/instances/c1/console", error(400, "Instance is not running"))], |lxd| {
        lxd.instance("c1").console().attach().send()
    });
    assert!(matches!(refused, Err(Error::Api(error)) if error.status == 400));
}

/// The screen of a virtual machine: bytes in both directions, whatever they are, until the machine closes.
#[test]
fn the_screen() {
    const HELLO: &[u8] = b"REDQ\x02\0\0\0\x02\0\0\0";
    let mut begin = begin();
    begin[0].0 = "POST /1.0/instances/c1/console\ncontent-type: application/json\n\n{\"type\":\"vga\"}".into();
    let steps = vec![
        step("sleep 500ms", Ok(Reply::Done)),
        step("read 0", data(HELLO)),
        step(&format!("send 0: {:?}", Bytes::from_static(HELLO)), Ok(Reply::Done)),
        shown(b"REDQ\0\xff"),
        step("write 1: b\"REDQ\\0\\xff\"", Ok(Reply::Done)),
        step("receive 0", Ok(Reply::Message(Some(Message::Ping)))),
        step("receive 0", Ok(Reply::Message(None))),
        step("close 3", Ok(Reply::Done)),
        step(WAIT, operation(200, "")),
    ];
    let shown = play([begin, steps].concat(), |lxd| {
        let screen = lxd.instance("c1").console().vga().stdin(Payload::reader("a viewer")).stdout("a viewer");
        screen.attach().send()
    });
    assert_eq!(shown.unwrap(), "");
    // A container has none.
    for server in SERVERS {
        let refusal = Exchange::load(server, "err-console-vga-container").response();
        let refused = play([step("POST /1.0/instances/c1/console", Ok(Reply::Http(refusal)))], |lxd| {
            lxd.instance("c1").console().vga().attach().send()
        });
        assert!(matches!(&refused, Err(Error::Api(error)) if error.status == 400), "{refused:?}");
    }
}
