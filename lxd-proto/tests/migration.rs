//! Transcripts of what goes to another server: in which order, and what is left when it fails.
//!
//! The other server is the one with the project.

use lxd_proto::{
    Error, Failure, FailureKind, Lxd, Run,
    error::Outcome,
    flow::{Message, Reply, migration::Migration},
    resources::InstanceMigration,
};
use serde_json::json;

use crate::support::{
    client::Client,
    script::{Answer, Script, error, http, sync},
};

const ONE: &str = "https://10.0.0.1:8443";
const TWO: &str = "https://[fd00::1]:8443";
const LOOK: &str = "GET /1.0/instances/c1";
const REMOVE: &str = "DELETE /1.0/instances/c1";
const GRACE: &str = "sleep 500ms";

fn instance(status: u16) -> Answer {
    sync(json!({
        "name": "c1", "type": "virtual-machine", "architecture": "x86_64", "description": "first", "profiles": ["web"],
        "config": {"user.a": "1", "volatile.eth0.hwaddr": "00:16:3e:00:00:01", "volatile.base_image": "ab12"},
        "devices": {"none": {"type": "none"}}, "expanded_devices": {"root": {"type": "disk", "path": "/", "pool": "p"}},
        "ephemeral": true, "status_code": status,
    }))
}

fn server() -> Answer {
    let addresses = [ONE, TWO].map(|url| url.trim_start_matches("https://"));
    sync(json!({"environment": {"addresses": addresses, "certificate": "PEM"}}))
}

/// An operation that has begun, with secrets.
fn begun(id: &str) -> Answer {
    let secrets = json!({"control": format!("{id}-c"), "fs": format!("{id}-f"), "entity_url": "/1.0/instances/c1"});
    let operation = json!({"id": id, "class": "websocket", "status_code": 103, "metadata": secrets});
    let body = json!({"type": "async", "operation": format!("/1.0/operations/{id}"), "metadata": operation});
    http(202, &[], body.to_string())
}

fn ended(id: &str, status: u16, err: &str) -> Answer {
    let resources = json!({"instances": ["/1.0/instances/c1"]});
    sync(json!({"id": id, "status_code": status, "err": err, "resources": resources}))
}

fn wait(id: &str) -> String {
    let scope = if id.starts_with("there") { "&project=p" } else { "" };
    format!("GET /1.0/operations/{id}/wait?timeout=15{scope}")
}

fn offer(target: &str) -> String {
    format!(
        "POST /1.0/instances/c1\ncontent-type: application/json\n\n\
        {{\"name\":\"c1\",\"migration\":true,\"live\":false{target}}}"
    )
}

fn accept(source: &str) -> String {
    format!(
        "POST /1.0/instances?project=p\ncontent-type: application/json\n\n\
        {{\"name\":\"c1\",\"source\":{{\"type\":\"migration\",{source},\"base-image\":\"ab12\"}},\
        \"type\":\"virtual-machine\",\"description\":\"first\",\"architecture\":\"x86_64\",\
        \"config\":{{\"user.a\":\"1\",\"volatile.base_image\":\"ab12\"}},\"devices\":{{\"none\":{{\"type\":\"none\"}}}},\
        \"profiles\":[\"web\"],\"ephemeral\":true}}"
    )
}

fn opposite(address: &str, id: &str) -> String {
    format!(
        "\"certificate\":\"PEM\",\"operation\":\"{address}/1.0/operations/{id}\",\
        \"secrets\":{{\"control\":\"{id}-c\",\"fs\":\"{id}-f\"}}"
    )
}

fn pull(address: &str, id: &str) -> String {
    accept(&opposite(address, id).replace("\"PEM\",", "\"PEM\",\"mode\":\"pull\","))
}

fn cancel(id: &str) -> String {
    let scope = if id.starts_with("there") { "?project=p" } else { "" };
    format!("DELETE /1.0/operations/{id}{scope}")
}

type Moving = Run<Client<Script>, Migration<InstanceMigration>>;

/// Moves it, and says what was asked, too.
fn run<const N: usize>(
    steps: [(String, Answer); N],
    how: impl FnOnce(Moving) -> Moving,
) -> (Result<String, Error>, Vec<String>) {
    let client = Client::new(Script::new(steps));
    let moving = client.instance("c1").move_to_server(&client.project("p"));
    let result = how(moving).send().map(|made| made.name);
    let started = client.io().started().to_vec();
    assert!(client.io().is_used_up(), "{result:?}");
    (result, started)
}

fn removed(started: &[String]) -> bool {
    started.iter().any(|action| action.starts_with(REMOVE))
}

/// pylxd (recorded): P138: the order of the requests.
/// pylxd: W06, W11, W12.
#[test]
fn it_is_removed_when_both_have_succeeded() {
    let steps = |here: Answer| {
        [
            (LOOK.into(), instance(102)),
            ("GET /1.0".into(), server()),
            (offer(""), begun("here-1")),
            // The first address does not work. The operation here goes on, and is used again.
            (pull(ONE, "here-1"), begun("there-1")),
            (wait("there-1"), ended("there-1", 400, "connection refused")),
            (GRACE.into(), Ok(Reply::Done)),
            (pull(TWO, "here-1"), begun("there-2")),
            (wait("there-2"), ended("there-2", 200, "")),
            (wait("here-1"), here),
        ]
    };
    let [a, b, c, d, e, f, g, h, i] = steps(ended("here-1", 200, ""));
    let removal = (REMOVE.to_owned(), begun("here-2"));
    let end = (wait("here-2"), ended("here-2", 200, ""));
    let (moved, started) = run([a, b, c, d, e, f, g, h, i, removal, end], |moving| moving);
    assert_eq!(moved.unwrap(), "c1");
    assert_eq!(started.iter().filter(|action| action.starts_with("DELETE")).count(), 1);

    // The other server has it all, and this one says that something went wrong.
    let (moved, started) = run(steps(ended("here-1", 400, "rsync died")), |moving| moving);
    let Err(Error::Migration(attempts)) = &moved else { panic!("{moved:?}") };
    let addresses: Vec<_> = attempts.iter().map(|attempt| attempt.address.as_str()).collect();
    assert_eq!(addresses, [ONE, TWO]);
    assert!(attempts[0].here.is_none() && attempts[1].there.is_none());
    assert!(!removed(&started));
    let text = moved.unwrap_err().to_string();
    assert!(text.contains("connection refused") && text.contains("rsync died"), "{text}");

    // Nobody knows how it ended here.
    let [a, b, c, d, e, f, g, h, _] = steps(ended("here-1", 200, ""));
    let gone = (wait("here-1"), error(404, "not found"));
    let look = ("GET /1.0/operations/here-1".to_owned(), error(404, "not found"));
    let (moved, started) = run([a, b, c, d, e, f, g, h, gone, look], |moving| moving);
    assert_eq!(moved.unwrap_err().operation().unwrap().outcome, Outcome::Unknown);
    assert!(!removed(&started));

    // It could not be removed.
    let [a, b, c, d, e, f, g, h, i] = steps(ended("here-1", 200, ""));
    let refusal = (REMOVE.to_owned(), error(400, "Instance is running"));
    let (moved, _) = run([a, b, c, d, e, f, g, h, i, refusal], |moving| moving);
    assert_eq!(moved.unwrap_err().to_string(), "DELETE /1.0/instances/c1: Instance is running (400)");
}

/// Both say why, and the one that only noticed that the other is gone is not taken for the cause.
///
/// pylxd: W06, W12.
#[test]
fn both_errors_are_told() {
    let (moved, started) = run(
        [
            (LOOK.into(), instance(102)),
            ("GET /1.0".into(), server()),
            (offer(""), begun("here-1")),
            (pull(ONE, "here-1"), begun("there-1")),
            (wait("there-1"), ended("there-1", 400, "broken pipe")),
            (wait("here-1"), ended("here-1", 400, "no such file")),
        ],
        |moving| moving,
    );
    let error = moved.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "it was not copied; the server that it is copied from said by {ONE}: operation (here-1): no such file; \
            the server that it is copied to said by {ONE}: operation (there-1): broken pipe"
        )
    );
    assert_eq!(error.operation().unwrap().outcome, Outcome::Failed("broken pipe".into()));
    assert!(!removed(&started));
}

/// What waits for the other server is ended.
#[test]
fn a_refusal_leaves_nothing_behind() {
    let refusal = error(404, "Profile not found");
    let (moved, started) = run(
        [
            (LOOK.into(), instance(102)),
            ("GET /1.0".into(), server()),
            (offer(""), begun("here-1")),
            (pull(ONE, "here-1"), refusal),
            (cancel("here-1"), sync(json!({}))),
            (wait("here-1"), ended("here-1", 401, "")),
        ],
        |moving| moving,
    );
    assert_eq!(moved.unwrap_err().to_string(), "POST /1.0/instances: Profile not found (404)");
    assert!(!removed(&started));

    // One that cannot be cancelled is waited for, and not for ever.
    let (moved, _) = run(
        [
            (LOOK.into(), instance(102)),
            ("GET /1.0".into(), server()),
            (offer(""), begun("here-1")),
            (pull(ONE, "here-1"), error(400, "no")),
            (cancel("here-1"), error(400, "This operation can't be cancelled")),
            ("sleep 15s".into(), Ok(Reply::Done)),
        ],
        |moving| moving,
    );
    let Err(Error::Migration(attempts)) = moved else { panic!("{moved:?}") };
    let outcome = &attempts[0].here.as_ref().unwrap().operation().unwrap().outcome;
    assert_eq!(*outcome, Outcome::StillRunning);
    assert!(attempts[0].there.as_ref().unwrap().to_string().contains("no (400)"));

    // Whether the other server got it is not known, so it is not sent again.
    let (moved, _) = run(
        [
            (LOOK.into(), instance(102)),
            ("GET /1.0".into(), server()),
            (offer(""), begun("here-1")),
            (pull(ONE, "here-1"), Err(Failure::new(FailureKind::Broken, "gone"))),
            (cancel("here-1"), sync(json!({}))),
            (wait("here-1"), ended("here-1", 401, "")),
        ],
        |moving| moving,
    );
    assert_eq!(moved.unwrap_err().transport().unwrap().kind, FailureKind::Broken);
}

/// pylxd (recorded): P139: nothing but the state is asked.
#[test]
fn a_running_one_is_not_moved() {
    let (moved, started) = run([(LOOK.into(), instance(103))], |moving| moving);
    assert!(matches!(moved, Err(Error::InvalidInput(_))));
    assert_eq!(started.len(), 1);
}

/// pylxd (recorded): P140: the other way round.
#[test]
fn pushed_the_other_server_waits() {
    let target = |address| format!(",\"target\":{{{}}}", opposite(address, "there-1"));
    let (moved, _) = run(
        [
            (LOOK.into(), instance(102)),
            ("GET /1.0?project=p".into(), server()),
            (accept("\"mode\":\"push\""), begun("there-1")),
            (offer(&target(ONE)), error(500, "Unable to connect")),
            (offer(&target(TWO)), begun("here-1")),
            (wait("here-1"), ended("here-1", 200, "")),
            (wait("there-1"), ended("there-1", 200, "")),
            (REMOVE.into(), sync(json!({}))),
        ],
        Moving::push,
    );
    assert_eq!(moved.unwrap(), "c1");
}

/// As an instance, with what it was like then.
#[test]
fn a_snapshot() {
    let snapshot = sync(json!({
        "name": "s", "architecture": "x86_64", "config": {"user.a": "then", "volatile.base_image": "cd34"},
        "profiles": ["old"], "devices": {},
    }));
    let offer = "POST /1.0/instances/c1/snapshots/s\ncontent-type: application/json\n\n\
        {\"name\":\"s\",\"migration\":true,\"live\":false}";
    let accept = "POST /1.0/instances?project=p\ncontent-type: application/json\n\n\
        {\"name\":\"c2\",\"source\":{\"type\":\"migration\",\"mode\":\"push\",\"base-image\":\"cd34\"},\
        \"type\":\"virtual-machine\",\"description\":\"first\",\"architecture\":\"x86_64\",\
        \"config\":{\"user.a\":\"then\",\"volatile.base_image\":\"cd34\"},\"profiles\":[\"old\"]}";
    let client = Client::new(Script::new([
        ("GET /1.0/instances/c1/snapshots/s".to_owned(), snapshot),
        (LOOK.into(), instance(103)),
        (accept.into(), begun("there-1")),
        (offer.into(), begun("here-1")),
        (wait("there-1"), ended("there-1", 200, "")),
        (wait("here-1"), ended("here-1", 200, "")),
    ]));
    let copying = client.instance("c1").snapshot("s").copy_to_server(&client.project("p"));
    copying.name("c2").relay().send().unwrap();
    assert!(client.io().is_used_up());
}

fn message(message: Message) -> Answer {
    Ok(Reply::Message(Some(message)))
}

/// A message is received when the last one is on its way, and an end here is an end there.
#[test]
fn relayed_every_message_goes_through() {
    let open = |sock: u8, id: &str, secret: &str, scope: &str| {
        format!("open {sock}: GET /1.0/operations/{id}/websocket?secret={id}-{secret}{scope}")
    };
    let data = |text: &'static str| message(Message::Binary(text.into()));
    let (moved, started) = run(
        [
            (LOOK.into(), instance(102)),
            (accept("\"mode\":\"push\""), begun("there-1")),
            (offer(""), begun("here-1")),
            (open(0, "here-1", "c", ""), Ok(Reply::Opened)),
            (open(1, "there-1", "c", "&project=p"), Ok(Reply::Opened)),
            (open(2, "here-1", "f", ""), Ok(Reply::Opened)),
            (open(3, "there-1", "f", "&project=p"), Ok(Reply::Opened)),
            ("receive 0".into(), data("header")),
            ("receive 2".into(), message(Message::Ping)),
            ("send 1: b\"header\"".into(), Ok(Reply::Done)),
            ("receive 1".into(), data("header too")),
            ("send 0: b\"header too\"".into(), Ok(Reply::Done)),
            ("receive 2".into(), data("files")),
            ("send 3: b\"files\"".into(), Ok(Reply::Done)),
            ("receive 2".into(), message(Message::Text(String::new()))),
            ("send 3: \"\"".into(), Ok(Reply::Done)),
            ("receive 2".into(), Ok(Reply::Message(None))),
            ("close 3".into(), Ok(Reply::Done)),
            ("receive 3".into(), Err(Failure::new(FailureKind::Broken, "closed"))),
            ("close 2".into(), Ok(Reply::Done)),
            (wait("here-1"), ended("here-1", 200, "")),
            (wait("there-1"), ended("there-1", 200, "")),
            (REMOVE.into(), sync(json!({}))),
        ],
        Moving::relay,
    );
    assert_eq!(moved.unwrap(), "c1");
    // On 2: before the ping, after it, after the data, and after the end mark.
    assert_eq!(started.iter().filter(|action| *action == "receive 2").count(), 4);
    assert!(!started.iter().any(|action| action == "GET /1.0"));
}

#[test]
fn a_websocket_that_is_refused() {
    let (moved, started) = run(
        [
            (LOOK.into(), instance(102)),
            (accept("\"mode\":\"push\""), begun("there-1")),
            (offer(""), begun("here-1")),
            (
                "open 1: GET /1.0/operations/there-1/websocket?secret=there-1-c&project=p".into(),
                error(403, "who are you"),
            ),
            (cancel("here-1"), sync(json!({}))),
            (cancel("there-1"), error(400, "This operation can't be cancelled")),
            (wait("here-1"), ended("here-1", 401, "")),
            (wait("there-1"), ended("there-1", 400, "Timed out waiting for migration connections")),
        ],
        Moving::relay,
    );
    assert!(moved.unwrap_err().to_string().contains("who are you"));
    assert!(!removed(&started));
}

/// A volume goes the same way, with what it is. On 5.0.2 its operations cannot be cancelled, and end by themselves.
#[test]
fn a_volume() {
    let volume = sync(json!({
        "name": "data", "type": "custom", "content_type": "filesystem", "description": "for data",
        "config": {"size": "1GiB", "volatile.idmap.last": "[]"},
    }));
    let here = "/1.0/storage-pools/fast/volumes/custom/data";
    let offer = format!(
        "POST {here}\ncontent-type: application/json\n\n{{\"name\":\"data\",\"pool\":\"fast\",\"migration\":true}}"
    );
    let accept = format!(
        "POST /1.0/storage-pools/slow/volumes/custom?project=p\ncontent-type: application/json\n\n\
        {{\"name\":\"copy\",\"type\":\"custom\",\"description\":\"for data\",\"config\":{{\"size\":\"1GiB\"}},\
        \"content_type\":\"filesystem\",\"source\":{{\"type\":\"migration\",\"name\":\"data\",\"pool\":\"fast\",\
        \"mode\":\"pull\",\"operation\":\"{ONE}/1.0/operations/here-1\",\"certificate\":\"PEM\",\
        \"secrets\":{{\"control\":\"here-1-c\",\"fs\":\"here-1-f\"}}}}}}"
    );
    let run = |answer: Answer, end: Vec<(String, Answer)>| {
        let begin = [
            (format!("GET {here}"), volume.clone()),
            ("GET /1.0".into(), server()),
            (offer.clone(), begun("here-1")),
            (accept.clone(), answer),
        ];
        let client = Client::new(Script::new(begin.into_iter().chain(end)));
        let data = client.storage_pool("fast").custom_volume("data");
        let moved = data.move_to_server(&client.project("p")).pool("slow").name("copy").send();
        assert!(client.io().is_used_up(), "{moved:?}");
        moved
    };
    let end = [
        (wait("there-1"), ended("there-1", 200, "")),
        (wait("here-1"), ended("here-1", 200, "")),
        (format!("DELETE {here}"), sync(json!({}))),
    ];
    run(begun("there-1"), end.into()).unwrap();
    let end = [
        (cancel("here-1"), error(400, "This operation can't be cancelled")),
        (wait("here-1"), ended("here-1", 400, "Timed out waiting for migration connections")),
    ];
    let error = run(error(409, "There is one"), end.into()).unwrap_err();
    assert!(error.is_conflict(), "{error}");
}
