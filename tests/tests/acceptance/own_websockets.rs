//! Commands and events through the websockets of one's own, which the README links to.

use lxd_proto::Lxd;
use lxd_proto::{
    Error,
    resources::{EventType, LifecycleAction},
};
use lxd_tests::{OwnWebSockets, Server, cases};

cases!(own_unix, lxd_tests::OwnWebSockets, unix, commands, a_command_that_is_none, events);

/// pylxd: P026, P164.
/// pylxd: W40.
fn commands(server: &Server<OwnWebSockets>) {
    let container = server.running("own");
    for _ in 0..20 {
        let sorted = container.exec(["sort", "-n"]).stdin("3\n1\n2\n").output().send().unwrap();
        assert_eq!((sorted.code, &sorted.stdout[..], &sorted.stderr[..]), (0, &b"1\n2\n3\n"[..], &b""[..]));
    }
    let script = "head -c 1000000 /dev/zero; echo bad >&2; exit 7";
    let output = container.exec(["sh", "-c", script]).output().send().unwrap();
    assert_eq!((output.code, output.stdout.len(), &output.stderr[..]), (7, 1_000_000, &b"bad\n"[..]));
    // More than all buffers on the way hold, to and fro at the same time.
    let much = vec![b'x'; 8 << 20];
    let back = container.exec(["cat"]).stdin(much.clone()).output().send().unwrap();
    assert!(back.stdout == much, "{} bytes came back", back.stdout.len());
}

fn a_command_that_is_none(server: &Server<OwnWebSockets>) {
    let container = server.running("own");
    let error = container.exec(["no such command"]).output().send().unwrap_err();
    assert!(matches!(error, Error::Operation(_) | Error::Api(_)), "{error}");
}

fn events(server: &Server<OwnWebSockets>) {
    let mut events = server.lxd.events().types([EventType::Lifecycle]).subscribe().send().unwrap();
    let container = server.stopped("own");
    let name = container.get().send().unwrap().name.clone();
    let created = events
        .by_ref()
        .map(|notice| notice.unwrap().into_event().unwrap().lifecycle().unwrap().clone())
        .find(|event| event.action == LifecycleAction::InstanceCreated && event.source.ends_with(&format!("/{name}")));
    assert!(created.is_some());
}
