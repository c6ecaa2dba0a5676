//! Giving up an iterator of events: it takes its connections and threads with it, and the client goes on.

use std::{
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use lxd_proto::{Lxd, resources::InstancesPost};
use lxd_tests::{
    Lab, Server,
    process::{POOLED, Resources},
    unique, with_websockets,
};

with_websockets!(events_are_dropped);

fn events_are_dropped<C: Lab>(server: &Server<C>) {
    let listen = |_| {
        let mut events = server.lxd.events().subscribe().send().unwrap();
        thread::scope(|scope| {
            // Something happens until it is heard: nobody says when the listener listens.
            let (heard, stop) = channel::<()>();
            scope.spawn(move || {
                while stop.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
                    let name = unique("cancel");
                    server.lxd.instances().create(InstancesPost::empty(&name)).wait().send().unwrap();
                    server.lxd.instance(&name).delete().wait().send().unwrap();
                }
            });
            events.next().unwrap().unwrap();
            drop((events, heard));
        });
    };
    listen(0);
    let before = Resources::now();
    (0..8).for_each(listen);
    // Never asked, so never opened.
    drop(server.lxd.events().subscribe());
    before.assert_flat(POOLED);
    server.lxd.server().get().send().unwrap();
}
