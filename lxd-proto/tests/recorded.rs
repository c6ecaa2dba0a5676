//! Commands without websockets: what is recorded is read and removed, also when something fails.

use lxd_proto::{Error, FailureKind, Lxd, flow::exec::ExecOutput};
use serde_json::json;

use crate::support::{
    fixtures::{Exchange, SERVERS},
    script::{Answer, error, failure, http, operation, play, running, sync},
};

const POST: &str = "POST /1.0/instances/c1/exec";
const WAIT: &str = "GET /1.0/operations/op-1/wait?timeout=15";
const OUT: &str = "/1.0/instances/c1/logs/exec_op-1.stdout";
const ERR: &str = "/1.0/instances/c1/logs/exec_op-1.stderr";

fn recorded(steps: Vec<(String, Answer)>) -> Result<ExecOutput, Error> {
    play(steps, |lxd| lxd.instance("c1").exec(["x"]).recorded().output().send())
}

fn ended(status: u16) -> Answer {
    let output = json!({"1": OUT, "2": ERR});
    sync(json!({"id": "op-1", "status_code": status, "err": if status == 200 { "" } else { "Command not found" },
        "metadata": {"output": output, "return": if status == 200 { 7 } else { 127 }}}))
}

fn steps<const N: usize>(steps: [(&str, Answer); N]) -> Vec<(String, Answer)> {
    steps.into_iter().map(|(asked, answer)| (asked.into(), answer)).collect()
}

fn text(text: &'static str) -> Answer {
    http(200, &[], text)
}

/// Both ages name different places.
#[test]
fn real_records() {
    for server in SERVERS {
        let exchange = |name: &str| Exchange::load(server, &format!("exec-record-output{name}"));
        let answer = |name| Ok(lxd_proto::flow::Reply::Http(exchange(name).response()));
        let operation: serde_json::Value = serde_json::from_slice(&exchange("").body()).unwrap();
        let (out, err) = (exchange("-fd1").request, exchange("-fd2").request);
        let steps = vec![
            ("POST /1.0/instances/i1/exec".to_owned(), answer("")),
            (format!("GET {}/wait?timeout=15", operation["operation"].as_str().unwrap()), answer("-op")),
            (out.clone(), answer("-fd1")),
            (err.clone(), answer("-fd2")),
            (out.replace("GET", "DELETE"), answer("-delete-fd1")),
            (err.replace("GET", "DELETE"), answer("-delete-fd1")),
        ];
        let output = play(steps, |lxd| lxd.instance("i1").exec(["x"]).recorded().output().send()).unwrap();
        assert_eq!((output.code, &output.stdout[..], &output.stderr[..]), (7, &b"out\n"[..], &b"err\n"[..]));
    }
}

#[test]
fn removed_whatever_happens() {
    let gone = || error(404, "not found");
    let begin = || steps([(POST, running("/1.0/operations/op-1"))]);
    let with = |rest: Vec<(String, Answer)>| recorded([begin(), rest].concat());
    let (get_out, get_err) = (format!("GET {OUT}"), format!("GET {ERR}"));
    let (remove_out, remove_err) = (format!("DELETE {OUT}"), format!("DELETE {ERR}"));
    let removed = || steps([(&remove_out, sync(json!({}))), (&remove_err, sync(json!({})))]);

    // What cannot be removed is read all the same.
    let rest = steps([
        (WAIT, ended(200)),
        (&get_out, text("out")),
        (&get_err, text("err")),
        (&remove_out, gone()),
        (&remove_err, failure(FailureKind::Broken)),
    ]);
    let output = with(rest).unwrap();
    assert_eq!((output.code, &output.stdout[..], &output.stderr[..]), (7, &b"out"[..], &b"err"[..]));

    // A log that cannot be read is an error, and never an empty output.
    let rest = [steps([(WAIT, ended(200)), (&get_out, gone())]), removed()].concat();
    assert!(with(rest).unwrap_err().is_not_found());
    let rest = steps([(WAIT, ended(200)), (&get_out, text("out")), (&get_err, failure(FailureKind::TooLarge))]);
    let error = with([rest, removed()].concat()).unwrap_err();
    assert_eq!(error.transport().unwrap().kind, FailureKind::TooLarge);

    // A command that could not be run has empty logs.
    let error = with([steps([(WAIT, ended(400))]), removed()].concat()).unwrap_err();
    assert_eq!(error.operation().unwrap().operation.as_ref().unwrap().return_code(), Some(127));

    // Where they are is not always said.
    let guessed = || {
        let path = |place: &str, stream| (format!("DELETE /1.0/instances/c1/logs/{place}exec_op-1.{stream}"), gone());
        vec![path("exec-output/", "stdout"), path("exec-output/", "stderr"), path("", "stdout"), path("", "stderr")]
    };
    let rest = steps([(WAIT, operation(400, "Command not found"))]);
    assert!(with([rest, guessed()].concat()).unwrap_err().operation().is_some());
    let rest = steps([(WAIT, gone()), ("GET /1.0/operations/op-1", gone())]);
    assert!(with([rest, guessed()].concat()).unwrap_err().operation().is_some());
}

#[test]
fn nothing_streams() {
    let steps = || steps([(POST, running("/1.0/operations/op-1")), (WAIT, ended(200))]);
    // Without records there is nothing to read, and nothing to remove.
    let status = |recorded: bool| {
        play(steps(), |lxd| {
            let exec = lxd.instance("c1").exec(["x"]).stdin("");
            if recorded { exec.recorded() } else { exec }.status().send()
        })
    };
    for recorded in [true, false] {
        let output = status(recorded).unwrap();
        assert_eq!((output.code, output.stdout.len(), output.stderr.len()), (7, 0, 0));
    }
    let nothing = || Vec::<(String, Answer)>::new();
    let refused = [
        play(nothing(), |lxd| lxd.instance("c1").exec(["x"]).recorded().stdin("in").output().send()),
        play(nothing(), |lxd| lxd.instance("c1").exec(["x"]).recorded().stdout("a writer").output().send()),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(Error::InvalidInput(_))), "{refused:?}");
    }
}
