//! Waiting until a container is ready.

use std::{
    thread,
    time::{Duration, Instant},
};

use lxd_proto::{
    Error, Lxd,
    resources::{InstancesPost, Ready},
};
use lxd_tests::{Lab, Server, Temporary, unique, with_websockets};

with_websockets!(while_it_starts, an_address_that_comes_later, in_vain);

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// It listens first and looks then, so it does not matter which is first: the start or the wait.
fn while_it_starts<C: Lab>(server: &Server<C>) {
    for ready in [Ready::Running, Ready::Agent, Ready::Exec] {
        let container = server.stopped("ready");
        let name = container.name();
        thread::scope(|scope| {
            let waited = scope.spawn(|| {
                let wait = server.lxd.instance(name).wait_until(ready).timeout(PATIENCE);
                let state = wait.send();
                (state, Instant::now())
            });
            let begin = Instant::now();
            container.start().wait().send().unwrap();
            let (state, end) = waited.join().unwrap();
            assert_eq!(state.unwrap().status, "Running", "{ready:?}");
            assert!(end > begin);
        });
        // And when it is ready already.
        assert!(container.wait_until(ready).send().unwrap().pid > 0);
        let run = container.exec(["true"]).status().send().unwrap();
        assert!(run.success());
    }
}

/// No event tells that there is an address.
fn an_address_that_comes_later<C: Lab>(server: &Server<C>) {
    let name = unique("address");
    let post = InstancesPost::from_alias(&name, "busybox");
    server.lxd.instances().create(post).wait().send().unwrap();
    let container = Temporary::of(server.lxd.instance(&name));
    container.start().wait().send().unwrap();
    thread::scope(|scope| {
        let waited = scope.spawn(|| server.lxd.instance(&name).wait_until(Ready::Address).timeout(PATIENCE).send());
        let wait = container.wait_until(Ready::Address).timeout(Duration::from_secs(1));
        assert!(matches!(wait.send(), Err(Error::NotReady(_))));
        let add = ["ip", "address", "add", "192.0.2.7/24", "dev", "lo", "scope", "global"];
        assert!(container.exec(add).status().send().unwrap().success());
        let state = waited.join().unwrap().unwrap();
        let addresses = state.network.values().flat_map(|network| &network.addresses);
        assert!(addresses.into_iter().any(|address| address.address == "192.0.2.7"), "{state:?}");
    });
}

fn in_vain<C: Lab>(server: &Server<C>) {
    let missing = server.lxd.instance(unique("missing")).wait_until(Ready::Running).send();
    assert!(missing.unwrap_err().is_not_found());
    let container = server.stopped("vain");
    let name = container.name().to_owned();
    let late = server.lxd.instance(&name).wait_until(Ready::Running).timeout(Duration::from_millis(300)).send();
    let Err(Error::NotReady(late)) = late else { panic!("{late:?}") };
    assert_eq!((&*late.instance, &*late.status), (&*name, "Stopped"));
    // It is deleted while somebody waits.
    thread::scope(|scope| {
        let waited = scope.spawn(|| server.lxd.instance(&name).wait_until(Ready::Running).timeout(PATIENCE).send());
        drop(container);
        assert!(waited.join().unwrap().unwrap_err().is_not_found());
    });
}
