//! A server that, as LXD 5.0.2 does at its Unix socket, accepts no connection before the last one has said something.
//! No adapter may open one and keep it silent: that would keep everybody out.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    thread,
    time::{Duration, Instant},
};

use lxd_host::Remote;
use lxd_proto::Lxd;
use lxd_tests::{BlockOn, Lab, Server, unique};

fn serve(listener: &UnixListener) {
    for connection in listener.incoming() {
        let mut reader = BufReader::new(connection.unwrap());
        // Here it waits.
        if !matches!(reader.fill_buf(), Ok([_, ..])) {
            continue;
        }
        thread::spawn(move || answer(reader));
    }
}

fn answer(mut reader: BufReader<UnixStream>) -> Option<()> {
    let body = r#"{"type": "sync", "status_code": 200, "metadata": {}}"#;
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            reader.read_exact(&mut byte).ok()?;
            head.extend(byte);
        }
        write!(reader.get_mut(), "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).ok()?;
    }
}

fn nobody_is_kept_out<C: Lab>() {
    let path = std::env::temp_dir().join(unique("one-at-a-time"));
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || serve(&listener));
    let server = Server::<C>::at(Remote::unix(path.to_str().unwrap()));
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let begin = Instant::now();
                    server.lxd.server().get().send().unwrap();
                    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
                }
            });
        }
    });
    std::fs::remove_file(path).unwrap();
}

#[test]
fn by_ureq() {
    nobody_is_kept_out::<lxd_ureq::Client>();
}

#[test]
fn by_reqwest() {
    nobody_is_kept_out::<BlockOn>();
}
