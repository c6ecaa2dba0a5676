//! A daemon that is killed while an instance is copied from it or to it: it is an error, nothing goes on, and the same
//! clients copy it when the daemon is back.

use std::time::{Duration, Instant};

use lxd_proto::{Blocking, Error, Lxd, limits, resources::Operation};
use lxd_tests::{
    Daemon, Lab, Server,
    process::{POOLED, Resources},
    unique, with_websockets,
};

use crate::{
    kill::{assert_refused, begin},
    migrations::{MODES, by, files, large},
};

with_websockets!(of_the_source, of_the_target);

/// So much takes a while.
const MEBIBYTES: u32 = 96;

/// The other server has half a second, and ends what nobody comes for after 10 s, or is given up after [`limits::WAIT`].
const TOLD: Duration = limits::WAIT.saturating_add(limits::WAIT_GRACE);

fn of_the_source<C: Lab>(like: &Server<C>) {
    while_copying(like, 8532, false);
}

fn of_the_target<C: Lab>(like: &Server<C>) {
    while_copying(like, 8536, true);
}

/// Waits until a server is at work on an instance.
pub(crate) fn at_work<C: Blocking>(lxd: &C, name: &str) -> Operation {
    let end = Instant::now() + TOLD;
    loop {
        let mut operations = lxd.operations().list().send().unwrap().into_iter();
        let at_work = |operation: &Operation| is_about(operation, name) && !operation.status_code.is_final();
        if let Some(operation) = operations.find(at_work) {
            return operation;
        }
        assert!(Instant::now() < end, "nobody is at work on {name}");
    }
}

/// Whether an operation works on this instance.
fn is_about(operation: &Operation, name: &str) -> bool {
    let url = format!("/1.0/instances/{name}");
    operation.resources.values().flatten().any(|resource| *resource == url)
}

fn while_copying<C: Lab>(like: &Server<C>, port: u16, target: bool) {
    let daemon = Daemon::start(like, port);
    let (killed, other) = (daemon.connect(like), Server::<C>::two());
    let (source, to) = if target { (&other, &killed) } else { (&killed, &other) };
    let ((large, content), there) = (large(source, MEBIBYTES), &to.lxd);
    let before = Resources::now();
    for mode in MODES {
        let name = unique(mode);
        let copying = by(mode, large.copy_to_server(there).name(&name));
        let copied = begin(move || copying.send());
        for (server, name) in [(source, large.name()), (to, &name)] {
            at_work(&server.lxd, name);
        }
        daemon.kill();
        let begin = Instant::now();
        let error = copied().unwrap_err();
        assert!(begin.elapsed() < TOLD, "{mode}: {:?}", begin.elapsed());
        assert!(matches!(error, Error::Migration(_)) || error.transport().is_some(), "{mode}: {error:?}");
        assert_refused(&killed);

        daemon.start_again();
        assert_eq!(large.get().send().unwrap().status, "Stopped", "{mode}");
        // A target that dies has it half there when it is back (5.0.2); one that lives has removed it.
        if there.instance(&name).exists().send().unwrap() {
            assert!(target, "{mode}: it is half there");
            there.instance(&name).delete().wait().send().unwrap();
        }
        for server in [source, to] {
            let mut left = server.lxd.operations().list().send().unwrap();
            let about = |operation: &Operation| is_about(operation, large.name()) || is_about(operation, &name);
            left.retain(|operation| about(operation) && !operation.status_code.is_final());
            assert!(left.is_empty(), "{mode}: {left:?}");
        }
        by(mode, large.copy_to_server(there).name(&name)).send().unwrap();
        assert_eq!(files(&there.instance(&name)), content, "{mode}");
        there.instance(&name).delete().wait().send().unwrap();
    }
    before.assert_flat(2 * POOLED);
}
