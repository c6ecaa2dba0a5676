//! A server that is far away: each of its connections takes long to come about.

use std::{
    io,
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    thread,
    time::{Duration, Instant},
};

use lxd_host::Remote;
use lxd_proto::{Address, Lxd, Object, resources::Instance};
use lxd_tests::{Lab, Server, env, pinned, trusted, with_websockets};
use tempfile::TempDir;

with_websockets!(commands_begin_in_time);

/// What is added to every handshake. LXD 5.0.2 gives a command's websockets 5 s to come, from the answer to its `POST` on.
const SLOW: Duration = Duration::from_millis(1500);

/// Hands every connection on to server `one`, after a while.
fn far_away<C: Lab>(server: &Server<C>) -> (Server<C>, Option<TempDir>) {
    match server.remote.address {
        Address::Https { .. } => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let target = env("LXD_TEST_HTTPS").trim_start_matches("https://").to_owned();
            thread::spawn(move || {
                listener.incoming().map_while(Result::ok).for_each(|near| {
                    let target = target.clone();
                    thread::spawn(move || {
                        thread::sleep(SLOW);
                        let far = TcpStream::connect(target)?;
                        let halves = (near.try_clone()?, far.try_clone()?);
                        carry(halves, (near, far), |to| to.shutdown(Shutdown::Write))
                    });
                });
            });
            (Server::at(pinned(&format!("https://{address}")).identity(trusted())), None)
        }
        Address::Unix(_) => {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("unix.socket");
            let listener = UnixListener::bind(&path).unwrap();
            thread::spawn(move || {
                listener.incoming().map_while(Result::ok).for_each(|near| {
                    thread::spawn(move || {
                        thread::sleep(SLOW);
                        let far = UnixStream::connect(env("LXD_TEST_UNIX"))?;
                        let halves = (near.try_clone()?, far.try_clone()?);
                        carry(halves, (near, far), |to| to.shutdown(Shutdown::Write))
                    });
                });
            });
            (Server::at(Remote::unix(path.to_str().unwrap())), Some(directory))
        }
    }
}

/// Carries everything in both directions; an end there is an end here.
fn carry<S: io::Read + io::Write + Send + 'static>(
    halves: (S, S),
    (mut near, mut far): (S, S),
    end: fn(&S) -> io::Result<()>,
) -> io::Result<()> {
    let (mut from_near, mut to_far) = halves;
    let there = thread::spawn(move || {
        let _ = io::copy(&mut from_near, &mut to_far);
        end(&to_far)
    });
    let _ = io::copy(&mut far, &mut near);
    let _ = end(&near);
    there.join().unwrap_or(Ok(()))
}

fn commands_begin_in_time<C: Lab>(server: &Server<C>) {
    let container = server.running("slow");
    let (far, _directory) = far_away(server);
    let instance: Object<C, Instance> = far.lxd.instance(container.name());
    let begin = Instant::now();
    let done = instance.exec(["cat"]).stdin("all of it").output().send().unwrap();
    assert_eq!((done.code, &done.stdout[..]), (0, &b"all of it"[..]));
    // What it would take one after the other, and LXD would not wait for.
    assert!(begin.elapsed() > 2 * SLOW, "it was not slow");
    let terminal = instance.exec(["sh", "-c", "stty size; read line; exit $line"]).interactive(101, 41).stdin("7\n");
    let done = terminal.output().send().unwrap();
    assert_eq!(done.code, 7);
    assert!(String::from_utf8_lossy(&done.stdout).contains("41 101"), "{done:?}");
    let spawned = instance.exec(["sleep", "1000"]).spawn().send().unwrap();
    spawned.kill();
    assert_eq!(spawned.wait().unwrap().code, 137);
    assert_eq!(instance.exec(["echo", "out"]).recorded().output().send().unwrap().stdout, "out\n");
}
