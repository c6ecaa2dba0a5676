//! A daemon that is killed while somebody is attached to what runs there, or waits for it to run.

use std::{
    sync::mpsc::channel,
    time::{Duration, Instant},
};

use lxd_proto::{
    Error, Lxd, limits,
    resources::{InstancesPost, Ready},
};
use lxd_tests::{
    Daemon, Lab, Server, output, payload,
    process::{POOLED, Resources},
    with_websockets,
};

use crate::{
    exec::Telling,
    exec_control::{Typed, read_until},
    kill::{assert_lost, assert_refused, begin, stubborn},
};

with_websockets!(during_streams);

/// How long it takes at most until a dead server is noticed.
const NOTICED: Duration = limits::WAIT.saturating_add(limits::WAIT_GRACE);

fn during_streams<C: Lab>(like: &Server<C>) {
    let daemon = Daemon::start(like, 8528);
    let server = daemon.connect(like);
    stubborn(&server);
    server.lxd.instances().create(InstancesPost::from_alias("c2", "busybox")).wait().send().unwrap();
    server.lxd.instances().create(InstancesPost::from_alias("c3", "busybox")).wait().send().unwrap();
    server.lxd.instance("c3").start().wait().send().unwrap();
    let (instance, late, shell) = (server.lxd.instance("c1"), server.lxd.instance("c2"), server.lxd.instance("c3"));
    let before = Resources::now();

    // First of all, so that it has long begun when the server is killed: nothing says when it has.
    let ready = late.wait_until(Ready::Exec).timeout(Duration::from_secs(120));
    let ready = begin(move || ready.send());

    let (tell, shown) = channel();
    let (keys, typed) = channel();
    let terminal = instance.exec(["cat"]).interactive(80, 24).stdin(payload::<C>(Typed(typed), None));
    let terminal = terminal.stdout(output::<C>(Telling(tell))).output();
    let terminal = begin(move || terminal.send());
    keys.send(b"here\n".to_vec()).unwrap();
    read_until(&shown, "here\r\nhere\r\n");

    let recorded = instance.exec(["sh", "-c", "echo out; sleep 1000"]).recorded().output();
    let recorded = begin(move || recorded.send());
    while !instance.logs().names().send().unwrap().iter().any(|name| name.starts_with("exec_")) {}

    let (tell, screen) = channel();
    let (presses, pressed) = channel();
    let console = shell.console().stdin(payload::<C>(Typed(pressed), None)).stdout(output::<C>(Telling(tell))).attach();
    let console = begin(move || console.send());
    presses.send(b"\necho a-$((40+2))\n".to_vec()).unwrap();
    read_until(&screen, "a-42");

    daemon.kill();
    let killed = Instant::now();
    match terminal().unwrap_err() {
        Error::Truncated(cut) => assert_eq!(cut.stream, "terminal"),
        error => assert_lost(&error),
    }
    assert_lost(&recorded().unwrap_err());
    // That it was closed is also how a console ends when its instance stops; but not in the middle of nowhere.
    match console() {
        Ok(_) => {}
        Err(Error::Truncated(_)) => {}
        Err(error) => assert_lost(&error),
    }
    assert!(killed.elapsed() < NOTICED, "{:?}", killed.elapsed());
    assert_refused(&server);

    daemon.start_again();
    // Who waits goes on to wait, and misses nothing.
    late.start().wait().send().unwrap();
    assert_eq!(ready().unwrap().status, "Running");
    drop((keys, presses));
    before.assert_flat(POOLED);
    let again = instance.exec(["stty", "size"]).interactive(101, 41).output().send().unwrap();
    assert_eq!(again.code, 0);
    assert_eq!(instance.exec(["echo", "again"]).recorded().output().send().unwrap().stdout, "again\n");
    let (control, console) = shell.console().controlled().unwrap();
    let console = console.attach();
    let console = begin(move || console.send());
    control.detach();
    console().unwrap();
    before.assert_flat(POOLED);
}
