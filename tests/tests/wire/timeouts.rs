//! The four limits of time, and what they do not limit.

use std::{
    io::{self, Read},
    net::{TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    sync::{Mutex, mpsc},
    thread,
    time::Duration,
};

use lxd_host::{Remote, ServerTrust, Timeouts};
use lxd_proto::{Error, FailureKind, Lxd, Phase};
use lxd_tests::{Lab, payload};
use serde_json::{Value, json};

use crate::server::{Fake, IDENTITY, LONG, Way};

crate::cases! {
    either_way: no_head, silence_in_a_body, a_steady_drip, a_caller_that_pauses, the_whole_exchange,
        a_server_that_stops_reading, a_slow_reader, a_long_poll, no_limit, full_queue;
    once: no_handshake;
}

const SHORT: Duration = Duration::from_millis(200);
/// Longer than the limit, by what a loaded machine needs to notice.
const LONGER: Duration = Duration::from_millis(700);

fn phase<T>(result: Result<T, Error>) -> Phase {
    let failed = result.err().expect("a failure");
    match failed.transport().map(|failure| &failure.kind) {
        Some(FailureKind::Timeout(phase)) => *phase,
        _ => panic!("{failed:?}"),
    }
}

fn running() -> Value {
    json!({"id": "1", "status": "Running", "status_code": 103})
}

fn no_handshake<C: Lab>() {
    let fake = Fake::new(Way::Tls, |_, mut talk| talk.keep_silent());
    let lxd: C = fake.lxd_within(Timeouts { connect: SHORT, ..Timeouts::default() });
    assert_eq!(phase(lxd.server().get().send()), Phase::Connect);
    assert_eq!(phase(lxd.profile("x").delete().send()), Phase::Connect);
    let lxd: C = fake.lxd_within(Timeouts { total: Some(SHORT), ..Timeouts::default() });
    assert_eq!(phase(lxd.server().get().send()), Phase::Total);
    // It had no keys to be sent with.
    assert!(fake.seen().is_empty());
}

/// A listener whose queue is full answers nothing at all.
fn full_queue<C: Lab>(way: Way) {
    let timeouts = Timeouts { connect: SHORT, ..Timeouts::default() };
    match way {
        Way::Unix => {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("unix.socket");
            let listener = UnixListener::bind(&path).unwrap();
            rustix::net::listen(&listener, 0).unwrap();
            let _first = UnixStream::connect(&path).unwrap();
            let lxd = C::connect(Remote::unix(path.to_str().unwrap()).timeouts(timeouts));
            assert_eq!(phase(lxd.server().get().send()), Phase::Connect);
        }
        Way::Tls => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            rustix::net::listen(&listener, 0).unwrap();
            let address = listener.local_addr().unwrap();
            let _first = TcpStream::connect(address).unwrap();
            let trust = ServerTrust::Pin(IDENTITY.fingerprint());
            let lxd = C::connect(Remote::https(&address.to_string(), trust).unwrap().timeouts(timeouts));
            assert_eq!(phase(lxd.server().get().send()), Phase::Connect);
        }
    }
}

fn no_head<C: Lab>(way: Way) {
    let fake = Fake::new(way, |_, mut talk| {
        talk.asked();
        talk.rest();
    });
    let lxd: C = fake.lxd_within(Timeouts { head: SHORT, ..Timeouts::default() });
    assert_eq!(phase(lxd.server().get().send()), Phase::Head);
    assert_eq!(phase(lxd.images().upload("x").send()), Phase::Head);
    let reader = payload::<C>(io::repeat(b'x').take(1000), Some(1000));
    assert_eq!(phase(lxd.images().upload(reader).send()), Phase::Head);
    // Not even a GET: it may be what keeps the server busy.
    assert_eq!(fake.seen().len(), 3);
}

fn silence_in_a_body<C: Lab>(way: Way) {
    let fake = Fake::new(way, |_, mut talk| {
        talk.asked();
        talk.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"type\":");
        talk.rest();
    });
    let lxd: C = fake.lxd_within(Timeouts { idle: SHORT, ..Timeouts::default() });
    assert_eq!(phase(lxd.server().get().send()), Phase::Idle);
    let file = lxd.instance("c1").files().get("/x").send().unwrap();
    let mut content = Vec::new();
    let failed = C::reader(file.body).read_to_end(&mut content).unwrap_err();
    assert_eq!(lxd_host::failure(&failed).kind, FailureKind::Timeout(Phase::Idle), "{failed:?}");
    assert_eq!(content, b"{\"type\":");
}

fn a_steady_drip<C: Lab>(way: Way) {
    const PIECES: u32 = 15;
    let fake = Fake::answering(way, |_, talk| {
        talk.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {PIECES}\r\n\r\n"));
        for _ in 0..PIECES {
            talk.say("x");
            thread::sleep(Duration::from_millis(100));
        }
    });
    let lxd: C = fake.lxd_within(Timeouts { idle: Duration::from_secs(1), ..Timeouts::default() });
    let content = lxd.instance("c1").files().get("/x").bytes().send().unwrap();
    assert_eq!(content.len(), PIECES as usize);
}

fn a_caller_that_pauses<C: Lab>(way: Way) {
    let (goes_on, more) = mpsc::channel();
    let more = Mutex::new(more);
    let fake = Fake::answering(way, move |_, talk| {
        talk.say("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n");
        for _ in 0..3 {
            talk.say([b'x'; 10]);
            more.lock().unwrap().recv_timeout(LONG).unwrap();
        }
    });
    let lxd: C = fake.lxd_within(Timeouts { idle: SHORT, ..Timeouts::default() });
    let mut body = C::reader(lxd.instance("c1").files().get("/x").send().unwrap().body);
    for _ in 0..3 {
        body.read_exact(&mut [0; 10]).unwrap();
        thread::sleep(LONGER);
        goes_on.send(()).unwrap();
    }
    assert_eq!(body.read(&mut [0]).unwrap(), 0);
}

fn the_whole_exchange<C: Lab>(way: Way) {
    let fake = Fake::new(way, |number, mut talk| {
        talk.asked();
        if number > 0 {
            talk.rest();
        }
        talk.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        while talk.say("x") {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let lxd: C = fake.lxd_within(Timeouts { total: Some(SHORT), ..Timeouts::default() });
    assert_eq!(phase(lxd.server().get().send()), Phase::Total);
    assert_eq!(phase(lxd.server().get().send()), Phase::Total);
}

fn a_server_that_stops_reading<C: Lab>(way: Way) {
    let (done, is_done) = mpsc::channel();
    let is_done = Mutex::new(is_done);
    let fake = Fake::new(way, move |_, mut talk| {
        talk.head();
        is_done.lock().unwrap().recv_timeout(LONG).unwrap();
    });
    let lxd: C = fake.lxd_within(Timeouts { idle: SHORT, ..Timeouts::default() });
    const SIZE: u64 = 64 << 20;
    let reader = |length| payload::<C>(io::repeat(b'x').take(SIZE), length);
    for body in [reader(Some(SIZE)), reader(None), vec![b'x'; SIZE as usize].into()] {
        assert_eq!(phase(lxd.images().upload(body).send()), Phase::Idle);
        done.send(()).unwrap();
    }
}

/// Sleeps before each of its pieces.
struct Slow(u32);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Ok(0);
        }
        self.0 -= 1;
        thread::sleep(LONGER);
        buffer[..10].fill(b'x');
        Ok(10)
    }
}

/// Neither a reader that takes its time is the server's silence, nor a server that thinks about what it got.
fn a_slow_reader<C: Lab>(way: Way) {
    let fake = Fake::answering(way, |_, talk| {
        thread::sleep(LONGER);
        talk.answer(202, &json!({"type": "async", "operation": "/1.0/operations/1", "metadata": running()}));
    });
    let lxd: C = fake.lxd_within(Timeouts { idle: SHORT, ..Timeouts::default() });
    for length in [Some(20), None] {
        let _ = lxd.images().upload(payload::<C>(Slow(2), length)).send().unwrap();
    }
    assert!(fake.seen().iter().all(|asked| asked.body == [b'x'; 20]));
}

/// pylxd: W23.
fn a_long_poll<C: Lab>(way: Way) {
    let fake = Fake::answering(way, |asked, talk| {
        if asked.target().contains("/wait") {
            thread::sleep(LONGER);
            talk.sync(&json!({"id": "1", "status": "Success", "status_code": 200}));
        } else {
            talk.sync(&running());
        }
    });
    let lxd: C = fake.lxd_within(Timeouts { head: SHORT, total: Some(SHORT), ..Timeouts::default() });
    lxd.operation("1".parse().unwrap()).wait().send().unwrap();
    assert_eq!(fake.lines(), ["GET /1.0/operations/1", "GET /1.0/operations/1/wait?timeout=15"]);
}

fn no_limit<C: Lab>(way: Way) {
    let fake = Fake::answering(way, |_, talk| {
        talk.sync(&running());
    });
    let (connect, head, idle, total) = (Duration::MAX, Duration::MAX, Duration::MAX, Some(Duration::MAX));
    let lxd: C = fake.lxd_within(Timeouts { connect, head, idle, total });
    lxd.server().get().send().unwrap();
    let _ = lxd.profile("x").delete().send().unwrap();
    let reader = payload::<C>(io::repeat(b'x').take(1 << 20), None);
    // What is answered here is no image; it is sent all the same.
    lxd.images().upload(reader).send().unwrap_err();
    assert_eq!(fake.seen()[2].body.len(), 1 << 20);
}
