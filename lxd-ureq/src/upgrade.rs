//! Turning a connection from HTTP into something else: a websocket, or another protocol. ureq cannot do it.

use std::{
    io::{ErrorKind, Write},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use lxd_proto::{Failure, FailureKind, Phase, Request, limits};

use crate::conn::{Conn, Hangup, Target};

/// The largest head of an answer, with all that comes before it.
const HEAD: usize = 16 << 10;

/// What became of a request for an upgrade.
pub(crate) enum Upgraded {
    /// The connection, the answer's head, and what the server has sent after it already.
    Open(Conn, Response<Bytes>, Vec<u8>),
    /// The server answered otherwise.
    Refused(Response<Bytes>),
}

/// Asks for an upgrade of a new connection.
pub(crate) fn upgrade(target: &Target, request: &Request, hangup: &Hangup) -> Result<Upgraded, Failure> {
    let mut conn = target.dial(Some(hangup), None)?;
    let deadline = |time: Duration| Instant::now().checked_add(time);
    let head_deadline = deadline(target.remote().timeouts.head);
    conn.write_by(&head(target, request), head_deadline).map_err(|error| broken(&error, Phase::Head))?;
    let (mut received, mut total) = (Vec::new(), 0);
    loop {
        let mut piece = [0; 4096];
        let length = conn.read_by(&mut piece, head_deadline).map_err(|error| broken(&error, Phase::Head))?;
        total += length;
        if length == 0 || total > HEAD {
            return Err(Failure::new(
                FailureKind::Broken,
                "the server gave no answer to a request for another protocol",
            ));
        }
        received.extend_from_slice(&piece[..length]);
        while let Some((mut response, rest)) = parse(&received)? {
            let body = received.split_off(rest);
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(Upgraded::Open(conn, response, body));
            }
            if !response.status().is_informational() {
                let idle = || deadline(target.remote().timeouts.idle);
                *response.body_mut() = refusal(&mut conn, &response, body, idle)?;
                return Ok(Upgraded::Refused(response));
            }
            // Only a prelude to the answer.
            received = body;
        }
    }
}

/// The body of a refusal, of which this was received already.
fn refusal(
    conn: &mut Conn,
    head: &Response<Bytes>,
    mut received: Vec<u8>,
    deadline: impl Fn() -> Option<Instant>,
) -> Result<Bytes, Failure> {
    let header = |name| head.headers().get(name).and_then(|value| value.to_str().ok());
    let length = header(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let chunked = header(header::TRANSFER_ENCODING).is_some();
    loop {
        let whole = match length {
            _ if chunked => unchunked(&received)?,
            Some(length) => received.get(..length).map(<[u8]>::to_vec),
            None => None,
        };
        if let Some(whole) = whole {
            return Ok(whole.into());
        }
        if received.len() as u64 >= limits::ERROR_ANSWER {
            return Ok(received.into());
        }
        let mut piece = [0; 4096];
        match conn.read_by(&mut piece, deadline()) {
            // Without a length, the end of the connection is the body's.
            Ok(0) if length.is_none() && !chunked => return Ok(received.into()),
            Ok(0) => return Err(broken(&ErrorKind::UnexpectedEof.into(), Phase::Idle)),
            Ok(length) => received.extend_from_slice(&piece[..length]),
            Err(error) => return Err(broken(&error, Phase::Idle)),
        }
    }
}

/// A body that was sent in chunks, when it is whole.
fn unchunked(mut rest: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    let mut body = Vec::new();
    loop {
        let bad = |_| Failure::new(FailureKind::Broken, "no HTTP: a chunk without its size");
        let httparse::Status::Complete((start, size)) = httparse::parse_chunk_size(rest).map_err(bad)? else {
            return Ok(None);
        };
        if size == 0 {
            return Ok(Some(body));
        }
        let end = usize::try_from(size).ok().and_then(|size| start.checked_add(size));
        let Some(chunk) = end.and_then(|end| rest.get(start..end)) else { return Ok(None) };
        body.extend_from_slice(chunk);
        // Each has a line's end after it.
        rest = rest.get(start + chunk.len() + 2..).unwrap_or_default();
    }
}

fn broken(error: &std::io::Error, phase: Phase) -> Failure {
    match error.kind() {
        ErrorKind::TimedOut => Failure::from_error(FailureKind::Timeout(phase), error),
        _ => Failure::from_error(FailureKind::Broken, error),
    }
}

/// The request as it goes over the wire.
fn head(target: &Target, request: &Request) -> Vec<u8> {
    let host = target.remote().address.authority().unwrap_or_else(|| "lxd".into());
    let mut head = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = write!(head, "{} {} HTTP/1.1\r\nHost: {host}\r\n", request.method(), request.uri());
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
