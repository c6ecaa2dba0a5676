//! LXD 5.0.2 reads the first bytes of a connection to its Unix socket before it accepts the next one (its listener looks
//! for `STARTTLS`). So a client must never open one and say nothing: nobody else could connect, LXD's own hooks among
//! them, and containers would neither start nor stop.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::{UnixListener, UnixStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use lxd_host::Remote;
use lxd_proto::Lxd;
use lxd_tests::Lab;

crate::cases! { once: nobody_is_kept_out; }

/// A connection that says nothing for so long is silent.
const SILENT: Duration = Duration::from_secs(10);

fn nobody_is_kept_out<C: Lab>() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("unix.socket");
    let listener = UnixListener::bind(&path).unwrap();
    let lxd = C::connect(Remote::unix(path.to_str().unwrap()));
    let over = AtomicBool::new(false);
    let silent = thread::scope(|scope| {
        let server = scope.spawn(|| serve(&listener, &over));
        // Also when a client fails: else the server waits for ever.
        let end = End(|| {
            over.store(true, Ordering::Relaxed);
            drop(UnixStream::connect(&path));
        });
        let clients: Vec<_> = (0..24)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let begin = Instant::now();
                        lxd.server().get().send().unwrap();
                        assert!(begin.elapsed() < 2 * SILENT, "{:?}", begin.elapsed());
                    }
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
        drop(end);
        server.join().unwrap()
    });
    assert_eq!(silent, 0, "connections were opened, and nothing was sent");
}

struct End<F: Fn()>(F);

impl<F: Fn()> Drop for End<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// Accepts no connection before the last one said something, and counts those that do not.
fn serve(listener: &UnixListener, over: &AtomicBool) -> usize {
    let mut silent = 0;
    for connection in listener.incoming() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let mut requests = BufReader::new(connection.unwrap());
        requests.get_ref().set_read_timeout(Some(SILENT)).unwrap();
        match requests.fill_buf() {
            // Closed without a word is as good: LXD goes on.
            Ok([]) => {}
            Ok(_) => drop(thread::spawn(move || answer(requests))),
            Err(_) => silent += 1,
        }
    }
    silent
}

/// Answers every request on a connection, the odd ones a little later: then hyper has dialled another one meanwhile.
fn answer(mut requests: BufReader<UnixStream>) {
    let body = r#"{"type": "sync", "status_code": 200, "metadata": {}}"#;
    for count in 0_u64.. {
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if !matches!(requests.read_line(&mut line), Ok(1..)) {
                return;
            }
        }
        thread::sleep(Duration::from_micros(count % 2 * 300));
        if write!(requests.get_mut(), "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).is_err() {
            return;
        }
    }
}
