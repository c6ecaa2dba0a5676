//! An answer, in LXD's envelope.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde_json::{Value, json};

use crate::{Sim, etag};

/// Why something is not done: LXD's code, and its words where they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) text: String,
}

impl Refusal {
    pub(crate) fn new(code: u16, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::new(400, text)
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(403, "not authorized")
    }

    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::new(404, text)
    }

    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Self::new(409, text)
    }

    pub(crate) fn internal(text: impl Into<String>) -> Self {
        Self::new(500, text)
    }
}

/// What is answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// 200, with this.
    Done(Value),
    /// 200, with an object, and the version of its writable part.
    Fetched(Value, Value),
    /// 201, with where it is.
    Created(String),
    /// 202, with an operation.
    Running(String),
    /// Something without an envelope.
    Raw(Response<Bytes>),
    /// An error.
    Refused(Refusal),
    /// Nothing yet: it is answered at another time, or has become another protocol.
    Later,
}

impl Answer {
    pub(crate) fn empty() -> Self {
        Self::Done(json!({}))
    }
}

/// The answer as it is sent.
pub(crate) fn respond(sim: &Sim, answer: Answer) -> Option<Response<Bytes>> {
    let response = match answer {
        Answer::Done(metadata) => envelope(200, &success(metadata)),
        Answer::Fetched(metadata, writable) => {
            let mut response = envelope(200, &success(metadata));
            let etag = format!("\"{}\"", etag::of(&writable));
            if let Ok(etag) = etag.parse() {
                response.headers_mut().insert(header::ETAG, etag);
            }
            response
        }
        Answer::Created(location) => at(envelope(201, &success(Value::Null)), &location),
        Answer::Running(id) => {
            let operation = sim.operations.get(&id)?;
            let url = format!("/1.0/operations/{id}");
            let body = json!({
                "type": "async", "status": "Operation created", "status_code": 100, "operation": url,
                "error_code": 0, "error": "", "metadata": operation.shown(true),
            });
            at(envelope(202, &body), &url)
        }
        Answer::Raw(response) => response,
        Answer::Refused(refusal) => refuse(&refusal, refusal.code),
        Answer::Later => return None,
    };
    Some(response)
}

fn success(metadata: Value) -> Value {
    json!({
        "type": "sync", "status": "Success", "status_code": 200, "operation": "",
        "error_code": 0, "error": "", "metadata": metadata,
    })
}

/// An error, under an HTTP status that need not be its own.
pub(crate) fn refuse(refusal: &Refusal, status: u16) -> Response<Bytes> {
    let mut response = envelope(
        status,
        &json!({
            "type": "error", "status": "", "status_code": 0, "operation": "",
            "error_code": refusal.code, "error": refusal.text, "metadata": null,
        }),
    );
    let sniff = header::HeaderValue::from_static("nosniff");
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, sniff);
    response
}

fn envelope(status: u16, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(format!("{body}\n")));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn at(mut response: Response<Bytes>, location: &str) -> Response<Bytes> {
    if let Ok(location) = location.parse() {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Bytes without an envelope.
pub(crate) fn raw(body: impl Into<Bytes>, headers: &[(&'static str, String)]) -> Answer {
    let mut response = Response::new(body.into());
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(*name, value);
        }
    }
    if !response.headers().contains_key(header::CONTENT_TYPE) {
        let bytes = header::HeaderValue::from_static("application/octet-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, bytes);
    }
    Answer::Raw(response)
}
