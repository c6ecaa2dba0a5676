//! A server that is far away: each of its connections takes long to come about.

use std::{
    io,
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

use lxd_host::Remote;
use lxd_proto::{Address, Lxd, Object, resources::Instance};
use lxd_tests::{Lab, Server, env, output, payload, pinned, trusted, with_websockets};
use tempfile::TempDir;

use crate::{
    exec::Telling,
    exec_control::{Typed, read_until},
};

with_websockets!(commands_begin_in_time);

/// What is added to every handshake. LXD 5.0.2 gives a command's websockets 5 s to come, from the answer to its `POST` on.
const SLOW: Duration = Duration::from_millis(1500);

/// Hands every connection on to server `one`, after a while.
fn far_away<C: Lab>(server: &Server<C>) -> (Server<C>, Option<TempDir>) {
    match server.remote.address {
        Address::Https { .. } => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let connect = || TcpStream::connect(env("LXD_TEST_HTTPS").trim_start_matches("https://"));
            hand_on(move || Ok(listener.accept()?.0), connect, TcpStream::try_clone, TcpStream::shutdown);
            (Server::at(pinned(&format!("https://{address}")).identity(trusted())), None)
        }
        Address::Unix(_) => {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("unix.socket");
            let listener = UnixListener::bind(&path).unwrap();
            let connect = || UnixStream::connect(env("LXD_TEST_UNIX"));
            hand_on(move || Ok(listener.accept()?.0), connect, UnixStream::try_clone, UnixStream::shutdown);
            (Server::at(Remote::unix(path.to_str().unwrap())), Some(directory))
        }
    }
}

/// Carries everything in both directions, in threads that end with the process; an end here is an end there.
fn hand_on<S: io::Read + io::Write + Send + 'static>(
    accept: impl Fn() -> io::Result<S> + Send + 'static,
    connect: fn() -> io::Result<S>,
    split: fn(&S) -> io::Result<S>,
    shutdown: fn(&S, Shutdown) -> io::Result<()>,
) {
    let carry = move |mut from: S, mut to: S| {
        let _ = io::copy(&mut from, &mut to);
        let _ = shutdown(&to, Shutdown::Write);
    };
    thread::spawn(move || {
        while let Ok(near) = accept() {
            thread::spawn(move || -> io::Result<()> {
                thread::sleep(SLOW);
                let far = connect()?;
                let (from_near, to_far) = (split(&near)?, split(&far)?);
                thread::spawn(move || carry(from_near, to_far));
                carry(far, near);
                Ok(())
            });
        }
    });
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
    // It shows its size, and only then something is typed: 5.0.2 loses what is shown just before the end.
    let ((type_in, typed), (tell, told)) = (channel(), channel());
    let terminal = instance.exec(["sh", "-c", "stty size; read line; exit $line"]).interactive(101, 41);
    let terminal = terminal.stdin(payload::<C>(Typed(typed), None)).stdout(output::<C>(Telling(tell)));
    let terminal = terminal.spawn().send().unwrap();
    read_until(&told, "41 101");
    type_in.send(b"7\n".to_vec()).unwrap();
    assert_eq!(terminal.wait().unwrap().code, 7);
    let spawned = instance.exec(["sleep", "1000"]).spawn().send().unwrap();
    spawned.kill();
    assert_eq!(spawned.wait().unwrap().code, 137);
    assert_eq!(instance.exec(["echo", "out"]).recorded().output().send().unwrap().stdout, "out\n");
}
