//! A daemon that is killed in the middle of things: a typed error at once, never success, and the same client goes on.

use std::{
    io::{self, Read, Write},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use lxd_host::Directory;
use lxd_proto::{
    Error, Lxd,
    error::Outcome,
    resources::{EventType, InstancesPost, LifecycleAction, Notice},
};
use lxd_tests::{
    Daemon, Lab, Server, output,
    pattern::Pattern,
    payload,
    tree::{self, Thing, assert_same},
    with_websockets,
};

with_websockets!(during_a_wait, during_a_command, during_an_upload, during_events, during_a_push);

/// Longer than anything here takes; a hang is longer still.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(20);

/// Does something in a thread of its own; its result has to come in time.
pub(crate) fn begin<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> impl FnOnce() -> T {
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(what()));
    move || receiver.recv_timeout(WATCHDOG).expect("it hangs")
}

pub(crate) fn next<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(WATCHDOG).expect("it hangs")
}

/// The transport's failure, or that nobody knows.
pub(crate) fn assert_lost(error: &Error) {
    let unknown = error.operation().is_some_and(|error| error.outcome == Outcome::Unknown);
    assert!(error.transport().is_some() || unknown, "{error:?}");
}

pub(crate) fn assert_refused<C: Lab>(server: &Server<C>) {
    let begin = Instant::now();
    let error = server.lxd.server().get().send().unwrap_err();
    assert!(error.transport().is_some(), "{error:?}");
    assert!(begin.elapsed() < WATCHDOG);
}

/// A container that takes no notice of being asked to stop.
pub(crate) fn stubborn<C: Lab>(server: &Server<C>) {
    let post = InstancesPost::from_alias("c1", "busybox").config("raw.lxc", "lxc.init.cmd = /bin/sleep 1000000");
    server.lxd.instances().create(post).wait().send().unwrap();
    server.lxd.instance("c1").start().wait().send().unwrap();
}

fn during_a_wait<C: Lab>(like: &Server<C>) {
    let daemon = Daemon::start(like, 8500);
    let server = daemon.connect(like);
    stubborn(&server);
    let instance = server.lxd.instance("c1");
    let stop = instance.stop().within(Duration::from_secs(600)).wait();
    let stopped = begin(move || stop.send());
    let stopping = loop {
        let operations = server.lxd.operations().list().send().unwrap();
        if let Some(operation) = operations.into_iter().find(|operation| operation.description.contains("Stopping")) {
            break operation.id;
        }
    };
    let wait = server.lxd.operation(stopping.clone()).wait();
    let waited = begin(move || wait.send());
    let operation = server.lxd.operation(stopping.clone());
    let (tell, told) = channel();
    let followed = begin(move || {
        let mut updates = operation.updates().send().unwrap();
        tell.send(updates.next().unwrap()).unwrap();
        updates.last().unwrap()
    });
    next(&told).unwrap();
    daemon.kill();
    assert_lost(&stopped().unwrap_err());
    assert_lost(&waited().unwrap_err());
    assert_refused(&server);

    daemon.start_again();
    assert_eq!(instance.get().send().unwrap().status, "Running");
    let again = server.lxd.operation(stopping).wait().send();
    for error in [again.unwrap_err(), followed().unwrap_err()] {
        assert_eq!(error.operation().unwrap().outcome, Outcome::Unknown);
    }
}

/// A writer that says that something has come.
struct Telling(Sender<()>);

impl Write for Telling {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // Only the first time somebody listens.
        let _ = self.0.send(());
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn during_a_command<C: Lab>(like: &Server<C>) {
    let daemon = Daemon::start(like, 8504);
    let server = daemon.connect(like);
    stubborn(&server);
    let instance = server.lxd.instance("c1");
    let (tell, told) = channel();
    let loud = instance.exec(["yes"]).stdout(output::<C>(Telling(tell))).output();
    let silent = instance.exec(["sleep", "1000"]).output();
    let (loud, silent) = (begin(move || loud.send()), begin(move || silent.send()));
    next(&told);
    while server.lxd.operations().list().send().unwrap().len() < 2 {}
    daemon.kill();
    for result in [loud(), silent()] {
        match result.unwrap_err() {
            Error::Truncated(_) => {}
            error => assert_lost(&error),
        }
    }
    assert_refused(&server);

    daemon.start_again();
    assert_eq!(instance.exec(["echo", "again"]).output().send().unwrap().stdout, "again\n");
}

/// A reader that says so in its middle, and goes on when it is told to.
struct Halved(Pattern, usize, Sender<()>, Receiver<()>);

impl Read for Halved {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.0.read(buffer)?;
        if self.1 > 0 && self.1 <= length {
            self.2.send(()).map_err(io::Error::other)?;
            // When it is dropped as well.
            let _ = self.3.recv();
        }
        self.1 = self.1.saturating_sub(length);
        Ok(length)
    }
}

fn during_an_upload<C: Lab>(like: &Server<C>) {
    let daemon = Daemon::start(like, 8508);
    let server = daemon.connect(like);
    const SIZE: usize = 64 << 20;
    for length in [Some(SIZE as u64), None] {
        let (tell, told) = channel();
        let (go, gate) = channel();
        let half = Halved(Pattern::new(SIZE as u64), SIZE / 2, tell, gate);
        let upload = server.lxd.images().upload(payload::<C>(half, length)).wait();
        let uploaded = begin(move || upload.send());
        next(&told);
        daemon.kill();
        drop(go);
        let error = uploaded().unwrap_err();
        assert!(error.transport().is_some(), "{error:?}");
        assert_refused(&server);

        daemon.start_again();
        assert_eq!(server.lxd.images().list().send().unwrap().len(), 1, "only the image that was there");
    }
}

fn during_events<C: Lab>(like: &Server<C>) {
    let daemon = Daemon::start(like, 8512);
    let server = daemon.connect(like);
    server.lxd.instances().create(InstancesPost::from_alias("c1", "busybox")).wait().send().unwrap();
    let instance = server.lxd.instance("c1");
    let happen = |what: &str| {
        let what = what.to_owned();
        instance.edit(move |instance| instance.description.clone_from(&what)).send().unwrap();
    };
    let (lxd, (tell, heard), (listens, listening)) = (server.lxd.clone(), channel(), channel());
    let listener = thread::spawn(move || {
        let notices = lxd.events().types([EventType::Lifecycle]).subscribe().send().unwrap();
        listens.send(()).unwrap();
        for notice in notices {
            let end = matches!(&notice, Ok(notice) if about(notice, LifecycleAction::InstanceDeleted));
            tell.send(notice).unwrap();
            if end {
                return;
            }
        }
    });
    next(&listening);
    let updated = |notice: &Notice| about(notice, LifecycleAction::InstanceUpdated);

    for round in 0..2 {
        happen(&format!("before {round}"));
        assert!(updated(&next(&heard).unwrap()));
        daemon.kill();
        assert_refused(&server);
        daemon.start_again();
        // The same subscription listens again, and says where something may be missing: exactly there.
        let gap = loop {
            match next(&heard).unwrap() {
                Notice::Gap(gap) => break gap,
                Notice::Event(event) => assert_ne!(event.lifecycle().unwrap().action, LifecycleAction::InstanceUpdated),
            }
        };
        assert!(gap.reason.transport().is_some(), "{gap:?}");
    }
    // From the gap on nothing is missed.
    happen("after");
    server.lxd.instance("c1").delete().wait().send().unwrap();
    let mut rest = heard.iter().map(Result::unwrap).filter(|notice| {
        let lifecycle = notice.event().expect("no more gaps").lifecycle().unwrap();
        lifecycle.source.starts_with("/1.0/instances/c1")
    });
    assert!(updated(&rest.next().unwrap()));
    assert!(about(&rest.next().unwrap(), LifecycleAction::InstanceDeleted));
    listener.join().unwrap();
}

/// Whether this happened to the container.
fn about(notice: &Notice, action: LifecycleAction) -> bool {
    notice
        .lifecycle()
        .is_some_and(|lifecycle| lifecycle.action == action && lifecycle.source.starts_with("/1.0/instances/c1"))
}

/// What was whole stays, nothing half has a name, and the next push does the rest.
fn during_a_push<C: Lab>(like: &Server<C>) {
    let daemon = Daemon::start(like, 8528);
    let server = daemon.connect(like);
    server.lxd.instances().create(InstancesPost::from_alias("c1", "busybox")).wait().send().unwrap();
    let files = server.lxd.instance("c1").files();
    let (from, to) = (tree::directory(), tree::directory());
    tree::make(from.path(), 300);
    std::fs::write(from.path().join("large"), vec![7; 30_000_000]).unwrap();
    let push = || files.push_tree(Directory::open(from.path()).unwrap(), "/root/tree");
    let ((tell, told), (go, gate)) = (channel(), channel::<()>());
    let half = push().watch(move |event| {
        if event.progress.bytes > 10_000_000 {
            // The first time; later nobody listens.
            let _ = tell.send(());
            let _ = gate.recv();
        }
    });
    let pushed = begin(move || half.send());
    next(&told);
    daemon.kill();
    drop((go, told));
    let error = match pushed().unwrap_err() {
        Error::Tree(error) => error,
        error => panic!("{error}"),
    };
    assert!(error.reason.as_ref().is_some_and(|reason| reason.transport().is_some()), "{error}");
    assert!(error.report.bytes > 10_000_000, "{error}");

    daemon.start_again();
    let pull = || files.pull_tree("/root/tree", Directory::open(to.path()).unwrap()).setuid();
    pull().filter(|path, _| !path.to_string().contains(".lxd-")).send().unwrap();
    let whole = tree::look(from.path());
    for (path, thing) in tree::look(to.path()) {
        // A directory gets its mode last.
        assert!(matches!(thing, Thing::Directory(..)) || whole.get(&path) == Some(&thing), "{}", path.escape_ascii());
    }
    push().changed_only().delete_extra().send().unwrap();
    pull().changed_only().send().unwrap();
    assert_same(from.path(), to.path());
}
