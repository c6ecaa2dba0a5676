//! Turning a connection from HTTP into something else: a websocket, or another protocol.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use lxd_proto::{Failure, Phase, Request, limits};
use tokio::time::timeout;

use crate::http::{self as transport, Body, Http};

/// What became of a request for an upgrade.
pub(crate) enum Upgraded {
    /// The connection, and the answer's headers.
    Open(reqwest::Upgraded, HeaderMap),
    /// The server answered otherwise.
    Refused(Response<Bytes>),
}

/// Asks for an upgrade.
pub(crate) async fn upgrade(http: &Http, request: Request) -> Result<Upgraded, Failure> {
    let (head, _) = request.into_parts();
    let timeouts = http.timeouts();
    let answer = http.switch(head).await?;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let headers = answer.headers().clone();
        let upgraded = timeout(timeouts.head, answer.upgrade()).await;
        let upgraded = upgraded.map_err(|_| transport::timeout(Phase::Head))?;
        return Ok(Upgraded::Open(upgraded.map_err(transport::failure_of)?, headers));
    }
    let (head, body) = Response::<reqwest::Body>::from(answer).into_parts();
    let mut body = Body::new(body, timeouts.idle, None);
    let mut whole = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        whole.extend_from_slice(&chunk);
        if whole.len() as u64 >= limits::ERROR_ANSWER {
            break;
        }
    }
    Ok(Upgraded::Refused(Response::from_parts(head, whole.into())))
}
