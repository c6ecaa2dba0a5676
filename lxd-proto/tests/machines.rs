//! What happens inside a virtual machine, on answers alone: LXD's own words while the machine's agent is not there, as its
//! source says them, for no machine of ours can run one.

use lxd_proto::{Error, Lxd, Object, flow::Reply, resources::Instance};
use serde_json::json;

use crate::support::{
    client::Client,
    script::{Answer, Script, error, http, message, operation, play, running, sync},
};

const AWAY: &str = "LXD VM agent isn't currently running";
const EXEC: &str = "POST /1.0/instances/v1/exec";
const WAIT: &str = "GET /1.0/operations/op-1/wait?timeout=15";

fn refused<T>(
    steps: Vec<(&str, Answer)>,
    call: impl FnOnce(&Object<Client<Script>, Instance>) -> Result<T, Error>,
) -> Error {
    play(steps, |lxd| call(&lxd.instance("v1"))).map(drop).unwrap_err()
}

/// The operation of a command with its websockets.
fn attached() -> Answer {
    let fds = json!({"0": "s0", "1": "s1", "2": "s2", "control": "s3"});
    let operation = json!({"id": "op-1", "status_code": 103, "metadata": {"fds": fds}});
    let answer = json!({"type": "async", "operation": "/1.0/operations/op-1", "metadata": operation});
    http(202, &[], answer.to_string())
}

#[test]
fn commands_and_files_need_the_agent() {
    let failed = || operation(400, AWAY);
    let opened = || Ok(Reply::Opened);
    let errors = [
        refused(vec![(EXEC, running("/1.0/operations/op-1")), (WAIT, failed())], |v1| {
            v1.exec(["true"]).status().send()
        }),
        // LXD asks the agent when all websockets are there, and closes none of them before it fails.
        refused(
            vec![
                (EXEC, attached()),
                ("open 3: GET /1.0/operations/op-1/websocket?secret=s3", opened()),
                ("open 1: GET /1.0/operations/op-1/websocket?secret=s1", opened()),
                ("open 2: GET /1.0/operations/op-1/websocket?secret=s2", opened()),
                ("open 0: GET /1.0/operations/op-1/websocket?secret=s0", opened()),
                (WAIT, failed()),
            ],
            |v1| v1.exec(["true"]).output().send(),
        ),
        refused(vec![("GET /1.0/instances/v1/files?path=/x", error(500, AWAY))], |v1| v1.files().get("/x").send()),
        refused(vec![("POST /1.0/instances/v1/files?path=/x", error(500, AWAY))], |v1| {
            v1.files().put("/x", "text").send()
        }),
        refused(vec![("upgrade 0: GET /1.0/instances/v1/sftp", error(500, AWAY))], |v1| v1.sftp().send()),
    ];
    for error in errors {
        assert!(error.is_without_agent(), "{error:?}");
        assert!(error.to_string().contains(AWAY), "{error}");
    }
    for another in [error(500, "Instance is not running"), error(404, "Instance not found")] {
        let path = "GET /1.0/instances/v1/files?path=/x";
        assert!(!refused(vec![(path, another)], |v1| v1.files().get("/x").send()).is_without_agent());
    }
    let missing =
        refused(vec![(EXEC, running("/1.0/operations/op-1")), (WAIT, operation(400, "Command not found"))], |v1| {
            v1.exec(["nosuch"]).status().send()
        });
    assert!(!missing.is_without_agent());
}

/// The agent goes in the middle of a command: LXD closes what is open, and the command has no exit code.
#[test]
fn a_command_whose_agent_goes_away() {
    let cut = || Ok(Reply::Message(None));
    let lost = refused(
        vec![
            (EXEC, attached()),
            ("open 3: GET /1.0/operations/op-1/websocket?secret=s3", Ok(Reply::Opened)),
            ("open 1: GET /1.0/operations/op-1/websocket?secret=s1", Ok(Reply::Opened)),
            ("open 2: GET /1.0/operations/op-1/websocket?secret=s2", Ok(Reply::Opened)),
            ("receive 1", message("half of what it ")),
            ("receive 1", cut()),
            ("receive 2", cut()),
            (WAIT, operation(400, "websocket: close 1006 (abnormal closure): unexpected EOF")),
        ],
        |v1| v1.exec(["cat", "/x"]).output().send(),
    );
    assert!(matches!(&lost, Error::Operation(_)), "{lost:?}");
}

/// What is known from outside is answered, and what is not is said to be so.
#[test]
fn its_state_needs_none() {
    let state = json!({"status": "Running", "status_code": 103, "processes": -1, "pid": 4711, "memory": {"usage": 0},
        "network": null, "disk": null});
    let state = play([("GET /1.0/instances/v1/state", sync(state))], |lxd| lxd.instance("v1").state().send());
    let state = state.unwrap();
    assert_eq!((state.processes, state.pid, state.network.len(), state.disk.len()), (-1, 4711, 0, 0));
}
