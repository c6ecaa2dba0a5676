use alloc::{format, string::String, vec::Vec};

use bytes::Bytes;

use super::*;
use crate::{error::Truncated, flow::exec::STDIN, resources::exec::InstanceExecPost};

/// Runs until the flow waits, and gives what it has started.
fn started(flow: &mut Attached) -> Vec<(Id, Action)> {
    let mut actions = Vec::new();
    while let Step::Do(id, action) = flow.next().unwrap() {
        actions.push((id, action));
    }
    actions
}

fn find(actions: &[(Id, Action)], what: impl Fn(&Action) -> bool) -> Option<Id> {
    actions.iter().find(|(_, action)| what(action)).map(|(id, _)| *id)
}

/// A flow whose command was asked for, and what it has started.
fn posted(source: Source) -> (Attached, Vec<(Id, Action)>) {
    let post = PostExec { instance: "c1".into(), post: InstanceExecPost::default() };
    let mut flow = Attached::new(Begin::Exec(post), source, [Sink::Collect; 2]);
    let [(post, _)] = started(&mut flow)[..] else { panic!() };
    let operation = r#"{"type": "async", "operation": "/1.0/operations/op-1",
        "metadata": {"id": "op-1", "metadata": {"fds": {"0": "a", "1": "b", "2": "c", "control": "d"}}}}"#;
    let operation = Response::new(Bytes::from(operation));
    flow.handle(post, Ok(Reply::Http(operation))).unwrap();
    let actions = started(&mut flow);
    (flow, actions)
}

/// A flow whose sockets are open, and what it has started.
fn begun() -> (Attached, Vec<(Id, Action)>) {
    let (mut flow, mut actions) = posted(Source::Bytes(Bytes::new()));
    // Before control is, 0 is not opened: the command must not start.
    for sock in [Sock(1), Sock(2), CONTROL, INPUT] {
        assert_eq!(find(&actions, |action| matches!(action, Action::Open(_, INPUT, _))).is_some(), sock == INPUT);
        let open = find(&actions, |action| matches!(action, Action::Open(_, found, _) if *found == sock));
        flow.handle(open.unwrap(), Ok(Reply::Opened)).unwrap();
        actions.extend(started(&mut flow));
    }
    (flow, actions)
}

fn end(flow: &mut Attached, actions: &[(Id, Action)], sock: Sock) {
    let receive = find(actions, |action| matches!(action, Action::Recv(found) if *found == sock)).unwrap();
    flow.handle(receive, Ok(Reply::Message(Some(Message::Text(String::new()))))).unwrap();
}

fn closes(actions: &[(Id, Action)]) -> usize {
    actions.iter().filter(|(_, action)| matches!(action, Action::Close(CONTROL))).count()
}

#[test]
fn control_is_closed_when_both_outputs_have_ended() {
    let (mut flow, actions) = begun();
    end(&mut flow, &actions, Sock(1));
    assert_eq!(closes(&started(&mut flow)), 0, "the command may still run");
    end(&mut flow, &actions, Sock(2));
    assert_eq!(closes(&started(&mut flow)), 1);
}

#[test]
fn control_is_left_alone_when_an_output_was_cut_off() {
    let (mut flow, actions) = begun();
    let receive = find(&actions, |action| matches!(action, Action::Recv(Sock(1)))).unwrap();
    flow.handle(receive, Ok(Reply::Message(None))).unwrap();
    end(&mut flow, &actions, Sock(2));
    assert_eq!(closes(&started(&mut flow)), 0, "that would kill the command");
}

/// What becomes of a command that ended with this code and all of its output, when a socket was opened otherwise.
fn ended(source: Source, sock: Sock, opened: Result<Reply, Failure>, code: i32) -> Result<ExecOutput, Error> {
    let (mut flow, mut actions) = posted(source);
    for other in [CONTROL, Sock(1), Sock(2), INPUT] {
        let open = find(&actions, |action| matches!(action, Action::Open(_, found, _) if *found == other));
        flow.handle(open.unwrap(), if other == sock { opened.clone() } else { Ok(Reply::Opened) }).unwrap();
        actions.extend(started(&mut flow));
    }
    end(&mut flow, &actions, Sock(1));
    end(&mut flow, &actions, Sock(2));
    let operation = format!(r#"{{"id": "op-1", "status_code": 200, "metadata": {{"return": {code}}}}}"#);
    let ended = Bytes::from(format!(r#"{{"type": "sync", "metadata": {operation}}}"#));
    let wait = find(&actions, |action| matches!(action, Action::Http(..)));
    flow.handle(wait.unwrap(), Ok(Reply::Http(Response::new(ended)))).unwrap();
    loop {
        match flow.next()? {
            Step::Do(..) => {}
            Step::Done(output) => return Ok(output),
            Step::Wait => panic!("it waits"),
        }
    }
}

fn cut_off(result: Result<ExecOutput, Error>) -> Truncated {
    let Err(Error::Truncated(cut)) = result else { panic!("{result:?}") };
    *cut
}

/// A connection that broke while it was opened may be open for LXD.
fn broken() -> Result<Reply, Failure> {
    Err(Failure::new(FailureKind::Broken, "reset"))
}

#[test]
fn a_command_that_was_killed_for_its_control_is_no_result() {
    let ended = |opened, code| ended(Source::Bytes(Bytes::new()), CONTROL, opened, code);
    let cut = cut_off(ended(broken(), 137));
    assert_eq!((cut.stream, cut.output.code), ("control", 137));
    assert_eq!(ended(broken(), 0).unwrap().code, 0);
    let refused = http::Response::builder().status(500).body(Bytes::new()).unwrap();
    assert_eq!(ended(Ok(Reply::Http(refused)), 137).unwrap().code, 137);
}

#[test]
fn a_command_that_was_given_nothing_to_read_is_no_result() {
    let cut = cut_off(ended(Source::Bytes("input".into()), INPUT, broken(), 0));
    assert_eq!((cut.stream, cut.received, cut.output.code), ("stdin", 0, 0));
    assert_eq!(cut_off(ended(Source::Read(STDIN), INPUT, broken(), 1)).stream, "stdin");
    assert_eq!(ended(Source::Bytes(Bytes::new()), INPUT, broken(), 0).unwrap().code, 0);
}
