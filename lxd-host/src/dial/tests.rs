use std::{
    io::{Read, Write, copy, sink},
    thread::JoinHandle,
    time::Duration,
};

use super::*;
use crate::testing::{refusing_port, serve_plain};

fn in_a_while() -> Option<Instant> {
    Some(Instant::now() + Duration::from_secs(20))
}

fn soon() -> Option<Instant> {
    Some(Instant::now() + Duration::from_millis(50))
}

fn proxy(url: &str, port: u16) -> Proxy {
    url.replace("PORT", &port.to_string()).parse().unwrap()
}

/// What everybody here sends and gets back through whatever is in between.
fn echo_works(mut stream: TcpStream) {
    assert_eq!(stream.read_timeout().unwrap(), None);
    assert_eq!(stream.write_timeout().unwrap(), None);
    assert!(stream.nodelay().unwrap());
    stream.write_all(b"hello").unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"hello");
}

fn echo(mut stream: TcpStream) {
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).unwrap();
    stream.write_all(&answer).unwrap();
}

/// A head of HTTP, until its empty line.
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

/// An HTTP proxy that answers this and then plays the server.
fn http_proxy(answer: &'static str) -> (u16, JoinHandle<String>) {
    serve_plain(move |mut stream| {
        let head = head(&mut stream);
        stream.write_all(answer.as_bytes()).unwrap();
        if answer.contains(" 200") {
            echo(stream);
        }
        head
    })
}

/// What a SOCKS 5 proxy reads, and what it answers to that.
type Turns = &'static [(&'static [u8], &'static [u8])];

/// A SOCKS 5 proxy that reads and answers this in turns, and then plays the server.
fn socks_proxy(turns: Turns) -> (u16, JoinHandle<()>) {
    serve_plain(move |mut stream| {
        for (expected, answer) in turns {
            let mut asked = vec![0; expected.len()];
            stream.read_exact(&mut asked).unwrap();
            assert_eq!(asked, *expected);
            stream.write_all(answer).unwrap();
        }
        echo(stream);
    })
}

#[test]
fn straight() {
    for deadline in [None, in_a_while()] {
        for host in ["127.0.0.1", "localhost"] {
            let (port, server) = serve_plain(echo);
            echo_works(dial(host, port, None, deadline).unwrap());
            server.join().unwrap();
        }
    }
}

#[test]
fn nobody_there() {
    for deadline in [None, in_a_while()] {
        let refusing = refusing_port();
        let failure = dial("localhost", refusing.port, None, deadline).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Connect, "{failure}");
        assert!(failure.message.contains("127.0.0.1:"), "{failure}");
    }
    let failure = dial("no-such-host.invalid", 1, None, in_a_while()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect, "{failure}");
    assert!(failure.message.contains("no-such-host.invalid"), "{failure}");
}

#[test]
fn no_time() {
    for host in ["127.0.0.1", "localhost"] {
        let failure = dial(host, 1, None, Some(Instant::now())).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Timeout(Phase::Connect), "{failure}");
    }
}

#[test]
fn through_an_http_proxy() {
    for (url, host, expected) in [
        ("http://127.0.0.1:PORT", "lxd.invalid", "CONNECT lxd.invalid:8443 HTTP/1.1\r\nHost: lxd.invalid:8443\r\n\r\n"),
        ("http://127.0.0.1:PORT", "fd00::1", "CONNECT [fd00::1]:8443 HTTP/1.1\r\nHost: [fd00::1]:8443\r\n\r\n"),
        (
            "http://me:p%40ss@localhost:PORT",
            "lxd.invalid",
            "CONNECT lxd.invalid:8443 HTTP/1.1\r\nHost: lxd.invalid:8443\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n\r\n",
        ),
    ] {
        let (port, seen) = http_proxy("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n");
        echo_works(dial(host, 8443, Some(&proxy(url, port)), in_a_while()).unwrap());
        assert_eq!(seen.join().unwrap(), expected);
    }
}

#[test]
fn an_http_proxy_that_refuses() {
    let endless: &'static str = Box::leak("x".repeat(20 << 10).into_boxed_str());
    for (url, answer, expected) in [
        ("http://127.0.0.1:PORT", "HTTP/1.1 407 x\r\n\r\n", "wants a login"),
        ("http://me:hunter2@127.0.0.1:PORT", "HTTP/1.1 407 x\r\n\r\n", "refuses the login"),
        ("http://127.0.0.1:PORT", "HTTP/1.1 503 Nope\r\n\r\n", "503 Nope"),
        ("http://127.0.0.1:PORT", "HTTP/1.1 20\r\n\r\n", "refused to connect"),
        ("http://127.0.0.1:PORT", "SSH-2.0 200 x\r\n\r\n", "refused to connect"),
        ("http://127.0.0.1:PORT", "HTTP/1.1", "hung up"),
        ("http://127.0.0.1:PORT", endless, "does not end"),
    ] {
        let (port, _) = serve_plain(move |mut stream| {
            head(&mut stream);
            // The client may hang up before it has read it all.
            let _ = stream.write_all(answer.as_bytes());
        });
        let failure = dial("lxd.invalid", 1, Some(&proxy(url, port)), in_a_while()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Proxy, "{failure}");
        assert!(failure.message.contains(expected), "{failure}");
        assert!(!failure.message.contains("hunter2"), "{failure}");
    }
}

#[test]
fn a_name_cannot_smuggle_a_header() {
    let (port, _) = serve_plain(|mut stream| copy(&mut stream, &mut sink()));
    let failure = dial("x\r\nEvil: 1", 1, Some(&proxy("http://127.0.0.1:PORT", port)), in_a_while()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Proxy, "{failure}");
}

#[test]
fn a_proxy_that_is_not_there() {
    let url = "http://127.0.0.1:PORT";
    let refusing = refusing_port();
    let failure = dial("lxd.invalid", 1, Some(&proxy(url, refusing.port)), in_a_while()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Proxy, "{failure}");
    assert!(failure.message.starts_with("http://127.0.0.1:"), "{failure}");
}

#[test]
fn a_proxy_that_never_answers_is_left_in_time() {
    for url in ["http://127.0.0.1:PORT", "socks5://127.0.0.1:PORT", "socks5h://u:p@127.0.0.1:PORT"] {
        let (port, silent) = serve_plain(|mut stream| copy(&mut stream, &mut sink()));
        let failure = dial("127.0.0.1", 1, Some(&proxy(url, port)), soon()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Timeout(Phase::Connect), "{failure}");
        // The connection was closed: this ends.
        silent.join().unwrap().unwrap();
    }
}

#[test]
fn through_a_socks_proxy() {
    let (port, seen) = socks_proxy(&[
        (&[5, 1, 0], &[5, 0]),
        (
            &[5, 1, 0, 3, 11, b'l', b'x', b'd', b'.', b'i', b'n', b'v', b'a', b'l', b'i', b'd', 0x20, 0xfb],
            &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0],
        ),
    ]);
    echo_works(dial("lxd.invalid", 8443, Some(&proxy("socks5h://127.0.0.1:PORT", port)), in_a_while()).unwrap());
    seen.join().unwrap();
}

#[test]
fn through_a_socks_proxy_with_a_login() {
    let (port, seen) = socks_proxy(&[
        (&[5, 2, 0, 2], &[5, 2]),
        (&[1, 2, b'm', b'e', 3, b'p', b'w', b'd'], &[1, 0]),
        (&[5, 1, 0, 1, 10, 0, 0, 1, 0, 1], &[5, 0, 0, 3, 2, b'h', b'i', 0, 0]),
    ]);
    echo_works(dial("10.0.0.1", 1, Some(&proxy("socks5h://me:pwd@127.0.0.1:PORT", port)), in_a_while()).unwrap());
    seen.join().unwrap();
}

#[test]
fn a_name_is_looked_up_here_or_at_the_proxy() {
    // `localhost` becomes 127.0.0.1 or ::1 here, so that the proxy sees an address; how many are tried is the system's.
    let (port, kind) = serve_plain(|mut stream| {
        let mut bytes = [0; 7];
        stream.read_exact(&mut bytes[..3]).unwrap();
        stream.write_all(&[5, 0]).unwrap();
        stream.read_exact(&mut bytes[3..]).unwrap();
        bytes[6]
    });
    assert!(dial("localhost", 1, Some(&proxy("socks5://127.0.0.1:PORT", port)), in_a_while()).is_err());
    assert!(matches!(kind.join().unwrap(), 1 | 4));
    let failure =
        dial("no-such-host.invalid", 1, Some(&proxy("socks5://127.0.0.1:PORT", 1)), in_a_while()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect, "{failure}");
}

#[test]
fn a_socks_proxy_that_refuses() {
    const ASK: &[u8] = &[5, 1, 0, 1, 10, 0, 0, 1, 0, 1];
    let cases: [(&str, Turns, &str); 6] = [
        ("socks5://127.0.0.1:PORT", &[(&[5, 1, 0], &[5, 0xff])], "login"),
        ("socks5://127.0.0.1:PORT", &[(&[5, 1, 0], &[5, 2])], "login"),
        ("socks5://127.0.0.1:PORT", &[(&[5, 1, 0], b"HT")], "no SOCKS 5"),
        ("socks5://me:hunter2@127.0.0.1:PORT", &[(&[5, 2, 0, 2], &[5, 2]), (&[1, 2], &[1, 1])], "refuses the login"),
        ("socks5://127.0.0.1:PORT", &[(&[5, 1, 0], &[5, 0]), (ASK, &[5, 5, 0, 1])], "connection refused"),
        ("socks5://127.0.0.1:PORT", &[(&[5, 1, 0], &[5, 0]), (ASK, &[5, 0, 0, 9])], "no SOCKS 5"),
    ];
    for (url, turns, expected) in cases {
        let (port, seen) = socks_proxy(turns);
        let failure = dial("10.0.0.1", 1, Some(&proxy(url, port)), in_a_while()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Proxy, "{failure}");
        assert!(failure.message.contains(expected) && !failure.message.contains("hunter2"), "{failure}");
        drop(seen.join());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_port_that_swallows_everything_is_left_in_time() {
    // A listener whose queue is full answers nothing at all.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queue.push(stream);
    }
    let failure = dial("127.0.0.1", address.port(), None, soon()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout(Phase::Connect), "{failure}");
}
