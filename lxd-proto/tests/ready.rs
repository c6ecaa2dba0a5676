//! Waiting until an instance is ready.

use std::time::Duration;

use lxd_proto::{Error, FailureKind, Lxd, flow::Reply, resources::Ready};
use serde_json::{Value, json};

use crate::support::script::{Answer, error, failure, message, operation, play, running, sync};

const LISTEN: &str = "open 0: GET /1.0/events?type=lifecycle";
const RECEIVE: &str = "receive 0";
const KIND: &str = "GET /1.0/instances/c1";
const STATE: &str = "GET /1.0/instances/c1/state";
const AGAIN: &str = "sleep 500ms";
const STEADY: &str = "sleep 2s";
const EXEC: &str = "POST /1.0/instances/c1/exec";
const WAIT: &str = "GET /1.0/operations/op-1/wait?timeout=15";

fn done() -> Answer {
    Ok(Reply::Done)
}

fn state(code: u16, processes: i64, scopes: &[&str]) -> Answer {
    let addresses: Vec<Value> = scopes.iter().map(|scope| json!({"address": "x", "scope": scope})).collect();
    let status = if code == 103 { "Running" } else { "Stopped" };
    let network = json!({"eth0": {"addresses": addresses}, "lo": {"addresses": [{"scope": "local"}]}});
    sync(json!({"status": status, "status_code": code, "processes": processes, "network": network}))
}

fn up() -> Answer {
    state(103, 4, &[])
}

fn down() -> Answer {
    state(102, -1, &[])
}

fn happened(action: &str, name: &str) -> Answer {
    let source = format!("/1.0/instances/{name}?project=p");
    message(&json!({"type": "lifecycle", "metadata": {"action": action, "source": source}}).to_string())
}

/// Waits, for what of an instance of this type.
fn wait(kind: &str, ready: Ready, steps: Vec<(&str, Answer)>) -> String {
    let mut all = vec![(LISTEN, Ok(Reply::Opened)), (KIND, sync(json!({"name": "c1", "type": kind})))];
    all.extend(steps);
    match play(all, |lxd| lxd.instance("c1").wait_until(ready).send()) {
        Ok(state) => state.status,
        Err(error) => error.to_string(),
    }
}

fn container(ready: Ready, steps: Vec<(&str, Answer)>) -> String {
    wait("container", ready, steps)
}

#[test]
fn running_by_an_event() {
    assert_eq!(container(Ready::Running, vec![(STATE, up())]), "Running");
    // It has no agent, so it needs none.
    assert_eq!(container(Ready::Agent, vec![(STATE, state(103, -1, &[]))]), "Running");
    let steps = vec![
        (STATE, down()),
        // Of others, and what changes nothing.
        (RECEIVE, happened("instance-started", "c2")),
        (RECEIVE, happened("instance-updated", "c1")),
        (RECEIVE, happened("instance-file-pushed", "c1")),
        (RECEIVE, happened("instance-started", "c1")),
        // It has stopped again at once.
        (STATE, down()),
        (RECEIVE, happened("instance-started", "c1")),
        (STATE, up()),
    ];
    assert_eq!(container(Ready::Running, steps), "Running");
}

#[test]
fn an_address() {
    let steps = vec![
        (STATE, up()),
        (AGAIN, done()),
        (STATE, state(103, 4, &["link"])),
        (AGAIN, done()),
        (STATE, failure(FailureKind::Broken)),
        (AGAIN, done()),
        (STATE, error(500, "busy")),
        (AGAIN, done()),
        (STATE, state(103, 4, &["link", "global"])),
    ];
    assert_eq!(container(Ready::Address, steps), "Running");
}

#[test]
fn commands() {
    let exec = |answer| vec![(STATE, up()), (EXEC, running("/1.0/operations/op-1")), (WAIT, answer)];
    assert_eq!(container(Ready::Exec, exec(operation(200, ""))), "Running");
    // Somebody was there to say that there is no such command.
    let missing = json!({"id": "op-1", "status_code": 400, "err": "Command not found", "metadata": {"return": 127}});
    assert_eq!(container(Ready::Exec, exec(sync(missing))), "Running");
    let mut steps = exec(operation(400, "the agent is not there"));
    steps.extend([(AGAIN, done()), (STATE, up()), (EXEC, error(400, "Instance is not running")), (AGAIN, done())]);
    steps.extend(exec(operation(200, "")));
    assert_eq!(container(Ready::Exec, steps), "Running");
}

/// An agent that was seen once may be gone again: it has to be seen good once more.
#[test]
fn an_agent_that_flaps() {
    let without = || state(103, -1, &[]);
    let flaps = vec![
        (STATE, without()),
        (AGAIN, done()),
        (STATE, up()),
        (STEADY, done()),
        (STATE, without()),
        (AGAIN, done()),
        (STATE, up()),
        // It started again while nobody looked.
        (RECEIVE, happened("instance-restarted", "c1")),
        (STATE, up()),
        (STEADY, done()),
        (STATE, up()),
    ];
    assert_eq!(wait("virtual-machine", Ready::Agent, flaps), "Running");
    // That it runs is no matter of the agent.
    assert_eq!(wait("virtual-machine", Ready::Running, vec![(STATE, without())]), "Running");
    let run = |answer| vec![(STATE, up()), (EXEC, running("/1.0/operations/op-1")), (WAIT, answer)];
    let mut steps = vec![(STATE, without()), (AGAIN, done())];
    steps.extend(run(operation(200, "")));
    steps.push((STEADY, done()));
    steps.extend(run(operation(200, "")));
    assert_eq!(wait("virtual-machine", Ready::Exec, steps), "Running");
}

/// What may have been missed is looked at.
#[test]
fn a_gap() {
    let steps = vec![
        (STATE, down()),
        (RECEIVE, Ok(Reply::Message(None))),
        ("close 0", done()),
        ("sleep 0ns", done()),
        (LISTEN, failure(FailureKind::Connect)),
        ("sleep 250ms", done()),
        (LISTEN, Ok(Reply::Opened)),
        (STATE, up()),
    ];
    assert_eq!(container(Ready::Running, steps), "Running");
}

#[test]
fn in_vain() {
    let gone = vec![(STATE, down()), (RECEIVE, happened("instance-deleted", "c1")), (STATE, error(404, "no such"))];
    assert_eq!(container(Ready::Running, gone), "GET /1.0/instances/c1/state: no such (404)");
    let steps = [
        ("open 0: GET /1.0/events?type=lifecycle", Ok(Reply::Opened)),
        // Even what kind it is may have to be asked again.
        (KIND, error(503, "starting")),
        (AGAIN, done()),
        (KIND, sync(json!({"type": "container"}))),
        (STATE, down()),
        ("sleep 10s", done()),
    ];
    let late = play(steps, |lxd| lxd.instance("c1").wait_until(Ready::Exec).timeout(Duration::from_secs(10)).send());
    let late = late.unwrap_err();
    assert_eq!(late.to_string(), "instance c1 was not running commands in time; it was Stopped");
    assert!(matches!(late, Error::NotReady(not) if not.wanted == Ready::Exec && not.status == "Stopped"));
}
