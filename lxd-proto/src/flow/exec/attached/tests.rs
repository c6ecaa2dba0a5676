use alloc::{string::String, vec::Vec};

use bytes::Bytes;

use super::*;
use crate::resources::exec::InstanceExecPost;

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

/// A flow whose sockets are open, and what it has started.
fn begun() -> (Attached, Vec<(Id, Action)>) {
    let post = PostExec { instance: "c1".into(), post: InstanceExecPost::default() };
    let mut flow = Attached::new(Begin::Exec(post), Source::Bytes(Bytes::new()), [Sink::Collect; 2]);
    let [(post, _)] = started(&mut flow)[..] else { panic!() };
    let operation = r#"{"type": "async", "operation": "/1.0/operations/op-1",
        "metadata": {"id": "op-1", "metadata": {"fds": {"0": "a", "1": "b", "2": "c", "control": "d"}}}}"#;
    let operation = Response::new(Bytes::from(operation));
    flow.handle(post, Ok(Reply::Http(operation))).unwrap();
    let mut actions = started(&mut flow);
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
