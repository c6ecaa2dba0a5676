//! Turning a connection from HTTP into something else: a websocket. ureq cannot do it.

use std::{
    io::{ErrorKind, Write},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use lxd_proto::{Failure, FailureKind, Phase, Request, limits};

use crate::conn::{Conn, Hangup, Target};

/// The largest head of an answer.
const HEAD: usize = 16 << 10;

/// What became of a request for an upgrade.
pub(crate) enum Upgraded {
    /// The connection, the answer's head, and what the server has sent after it already.
    Open(Conn, Response<Bytes>, Vec<u8>),
    /// The server answered otherwise.
    Refused(Response<Bytes>),
}

/// Asks for an upgrade of a new connection.
pub(crate) fn upgrade(target: &Target, request: &Request, hangup: &Hangup, key: &str) -> Result<Upgraded, Failure> {
    let mut conn = target.dial(Some(hangup))?;
    let deadline = |time: Duration| Instant::now().checked_add(time);
    let head_deadline = deadline(target.remote().timeouts.head);
    let broken = |error: std::io::Error| match error.kind() {
        ErrorKind::TimedOut => Failure::from_error(FailureKind::Timeout(Phase::Head), &error),
        _ => Failure::from_error(FailureKind::Broken, &error),
    };
    conn.write_by(&head(target, request, key), head_deadline).map_err(broken)?;
    let mut received = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = conn.read_by(&mut piece, head_deadline).map_err(broken)?;
        if length == 0 || received.len() > HEAD {
            return Err(Failure::new(FailureKind::Broken, "the server gave no answer to a websocket's request"));
        }
        received.extend_from_slice(&piece[..length]);
        let Some((mut response, rest)) = parse(&received)? else { continue };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Upgraded::Open(conn, response, received.split_off(rest)));
        }
        let idle = deadline(target.remote().timeouts.idle);
        let length = response.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let length = length.unwrap_or(u64::MAX).min(limits::ERROR_ANSWER);
        let mut body = received.split_off(rest);
        while (body.len() as u64) < length {
            let mut piece = [0; 4096];
            match conn.read_by(&mut piece, idle) {
                Ok(0) => break,
                Ok(length) => body.extend_from_slice(&piece[..length]),
                Err(error) => return Err(broken(error)),
            }
        }
        *response.body_mut() = body.into();
        return Ok(Upgraded::Refused(response));
    }
}

/// The request as it goes over the wire. No `Origin`: LXD 6 wants it to be its own.
fn head(target: &Target, request: &Request, key: &str) -> Vec<u8> {
    let host = target.remote().address.authority().unwrap_or_else(|| "lxd".into());
    let mut head = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = write!(head, "{} {} HTTP/1.1\r\nHost: {host}\r\n", request.method(), request.uri());
    let _ = write!(head, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    let _ = write!(head, "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n");
    let _ = write!(head, "User-Agent: {}\r\n", concat!("lxd-ureq/", env!("CARGO_PKG_VERSION")));
    for (name, value) in request.headers() {
        let _ = write!(head, "{name}: ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// The head of an answer, when it is whole, and where it ends.
fn parse(received: &[u8]) -> Result<Option<(Response<Bytes>, usize)>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let bad = |error: &dyn std::fmt::Display| Failure::new(FailureKind::Broken, format!("no HTTP: {error}"));
    let end = match head.parse(received).map_err(|error| bad(&error))? {
        httparse::Status::Partial => return Ok(None),
        httparse::Status::Complete(end) => end,
    };
    let mut response = Response::builder().status(head.code.unwrap_or_default());
    for header in head.headers.iter() {
        response = response.header(header.name, header.value);
    }
    Ok(Some((response.body(Bytes::new()).map_err(|error| bad(&error))?, end)))
}

/// A new websocket's key.
pub(crate) fn key() -> String {
    tungstenite::handshake::client::generate_key()
}
