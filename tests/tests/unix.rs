//! LXD 5.0.2 reads the first bytes of a connection to its Unix socket before it accepts the next one (its listener looks
//! for `STARTTLS`). So a client must never open one and say nothing: nobody else could connect, LXD's own hooks among
//! them, and containers would neither start nor stop.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use lxd_host::Remote;
use lxd_proto::{Lxd, resources::Server};
use lxd_tests::{BlockOn, Lab, unique};

/// Answers every request on a connection, the odd ones a little later.
fn serve(socket: UnixStream, first: u8) {
    let first = [first];
    let mut requests = BufReader::new(first.chain(socket.try_clone().unwrap()));
    let mut answer = &socket;
    let body = r#"{"type":"sync","status_code":200,"metadata":{"auth":"trusted"}}"#;
    let mut line = String::new();
    for count in 0_u64.. {
        loop {
            line.clear();
            match requests.read_line(&mut line) {
                Ok(2) => break,
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        std::thread::sleep(Duration::from_micros(count % 2 * 300));
        let sent = write!(answer, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        if sent.is_err() {
            return;
        }
    }
}

fn no_connection_is_silent<C: Lab>() {
    let path = std::env::temp_dir().join(unique(C::NAME));
    let listener = UnixListener::bind(&path).unwrap();
    let lxd = C::connect(Remote::unix(path.to_str().unwrap()));
    let (over, silent) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while let Ok((mut socket, _)) = listener.accept() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
                let mut first = [0];
                // Closed without a word is as good: LXD goes on.
                match socket.read(&mut first) {
                    Ok(0) => {}
                    Ok(_) => drop(std::thread::spawn(move || serve(socket, first[0]))),
                    Err(_) => silent.store(true, Ordering::Relaxed),
                }
            }
        });
        let clients: Vec<_> = (0..24)
            .map(|_| {
                let lxd = lxd.clone();
                scope.spawn(move || {
                    for _ in 0..50 {
                        let server: lxd_proto::Fetched<Server> = lxd.server().get().send().unwrap();
                        assert!(server.is_trusted());
                    }
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap();
        }
        over.store(true, Ordering::Relaxed);
        drop(UnixStream::connect(&path));
    });
    let _ = std::fs::remove_file(path);
    assert!(!silent.into_inner(), "a connection was opened, and nothing was sent");
}

#[test]
fn ureq() {
    no_connection_is_silent::<lxd_ureq::Client>();
}

#[test]
fn reqwest() {
    no_connection_is_silent::<BlockOn>();
}
