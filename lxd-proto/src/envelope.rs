//! LXD's envelope: the JSON object around every answer, whose `type` decides whether it is one, an operation or an error.
//!
//! The type decides, never the HTTP status and never the server's version: about 50 mutations turned from `sync` to
//! `async` between 5.21 and 6.8, and since 5.20 a failed `/wait` is HTTP 200 around `"type": "error"`.

use alloc::{borrow::Cow, boxed::Box, format, string::String};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    Error, Response, elements,
    error::{ApiError, decode, parse},
    headers, limits,
    resources::Operation,
    uri::excerpt,
};

/// What LXD answered, if it was not an error.
#[derive(Debug)]
#[non_exhaustive]
pub enum Envelope<'a> {
    /// The answer itself: the JSON text of `metadata`.
    Sync(&'a str),
    /// The work goes on as an operation.
    Async(Box<Operation>),
}

/// The keys that are read; the others say nothing more.
#[derive(Deserialize)]
struct Keys<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(default)]
    operation: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    error_code: Option<u16>,
}

impl<'a> Envelope<'a> {
    /// Opens an answer.
    ///
    /// # Errors
    /// [`Error::Api`] for LXD's error, [`Error::NotLxd`] when there is no envelope, [`Error::Decode`] when it is cut
    /// off, [`Error::Protocol`] for an `async` without operation.
    pub fn open(response: &'a Response) -> Result<Self, Error> {
        Self::around(response, response.body())
    }

    /// Opens this envelope of an answer.
    pub(crate) fn around<T>(response: &http::Response<T>, body: &'a [u8]) -> Result<Self, Error> {
        let keys: Keys<'a> = match parse(body) {
            Ok(keys) => keys,
            Err(error) if error.is_eof() && body.first() == Some(&b'{') => {
                return Err(Error::Decode {
                    what: "LXD's answer",
                    reason: format!("{error}"),
                    excerpt: beginning(body),
                });
            }
            Err(_) => return Err(not_lxd(response, body)),
        };
        let metadata = keys.metadata.map_or("null", RawValue::get);
        match keys.kind.as_ref() {
            "error" => {
                let status = keys.error_code.filter(|code| *code != 0).unwrap_or_else(|| response.status().as_u16());
                Err(Error::Api(Box::new(ApiError::new(status, keys.error.unwrap_or_default()))))
            }
            // A status that says otherwise wins over `sync`: nothing is taken for a success that may not be one.
            "sync" if response.status().is_success() => Ok(Self::Sync(metadata)),
            "async" if response.status().is_success() => {
                let operation = Operation::in_envelope(keys.operation.as_deref().unwrap_or_default(), metadata)?;
                Ok(Self::Async(Box::new(operation)))
            }
            _ => Err(not_lxd(response, body)),
        }
    }

    /// The JSON text of a `sync` answer's metadata.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and [`Error::Protocol`] for an operation.
    pub fn metadata(response: &'a Response) -> Result<&'a str, Error> {
        Self::open(response)?.into_metadata()
    }

    pub(crate) fn into_metadata(self) -> Result<&'a str, Error> {
        match self {
            Self::Sync(metadata) => Ok(metadata),
            Self::Async(operation) => {
                Err(Error::Protocol(format!("it answered a read with operation {}", operation.id)))
            }
        }
    }
}

/// Reads the metadata of a `sync` answer into its type.
pub(crate) fn sync<T: serde::de::DeserializeOwned>(what: &'static str, response: &Response) -> Result<T, Error> {
    decode(what, Envelope::metadata(response)?.as_bytes())
}

/// Reads the metadata of a `sync` answer into its type, and gives its own bytes, shared with the answer and not copied.
pub(crate) fn object<T: serde::de::DeserializeOwned>(
    what: &'static str,
    response: &Response,
) -> Result<(T, Bytes), Error> {
    if let Some(found) = in_one_pass(response) {
        return Ok(found);
    }
    let metadata = Envelope::metadata(response)?;
    let raw = match metadata {
        // A missing value is a text of our own, and no part of the answer.
        "null" => Bytes::from_static(b"null"),
        metadata => response.body().slice_ref(metadata.as_bytes()),
    };
    Ok((decode(what, &raw)?, raw))
}

/// The same for a success as LXD writes it: the metadata is not looked at twice, first for where it ends.
fn in_one_pass<T: serde::de::DeserializeOwned>(response: &Response) -> Option<(T, Bytes)> {
    let body = response.body();
    let begin = elements::object(body)?;
    let mut values = serde_json::Deserializer::from_str(core::str::from_utf8(&body[begin..]).ok()?).into_iter();
    let value = values.next()?.ok()?;
    let end = begin + values.byte_offset();
    let around = [&body[..begin], b"null", &body[end..]].concat();
    let sync = matches!(Envelope::around(response, &around), Ok(Envelope::Sync("null")));
    sync.then(|| (value, body.slice(begin..end)))
}

fn not_lxd<T>(response: &http::Response<T>, body: &[u8]) -> Error {
    let content_type = headers::text(response.headers(), http::header::CONTENT_TYPE);
    Error::NotLxd {
        status: response.status().as_u16(),
        content_type: content_type.unwrap_or("no content type").into(),
        excerpt: beginning(body),
    }
}

fn beginning(body: &[u8]) -> String {
    excerpt(&String::from_utf8_lossy(&body[..body.len().min(limits::EXCERPT)]))
}

#[cfg(test)]
mod tests {
    use alloc::{borrow::ToOwned, string::ToString};

    use super::*;

    fn answer(status: u16, body: &'static str) -> Response {
        http::Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    #[test]
    fn the_type_decides() {
        let sync = answer(200, r#"{"type":"sync","status_code":200,"metadata":{"a":1}}"#);
        assert_eq!(Envelope::metadata(&sync).unwrap(), r#"{"a":1}"#);
        let created = answer(201, r#"{"type":"sync","metadata":null}"#);
        assert_eq!(Envelope::metadata(&created).unwrap(), "null");

        // 5.20 and later answer a failed /wait like this.
        let failed = answer(200, r#"{"type":"error","error_code":500,"error":"boom","metadata":null}"#);
        let Err(Error::Api(error)) = Envelope::open(&failed) else { panic!() };
        assert_eq!((error.status, error.message.as_str()), (500, "boom"));

        let running = answer(
            202,
            r#"{"type":"async","operation":"/1.0/operations/5d3270d4-a901-4ec5-9aa3-f351d17b0846?project=x","metadata":null}"#,
        );
        let Ok(Envelope::Async(operation)) = Envelope::open(&running) else { panic!() };
        assert_eq!(operation.id.to_string(), "5d3270d4-a901-4ec5-9aa3-f351d17b0846");
    }

    #[test]
    fn what_is_not_lxds() {
        for (status, body) in [
            (502, "<html><h1>Bad Gateway</h1></html>"),
            (200, ""),
            (200, "[]"),
            (200, r#"{"type":"surprise","metadata":null}"#),
            (500, r#"{"type":"sync","metadata":null}"#),
            (200, r#"{"message":"not found"}"#),
        ] {
            let response = answer(status, body);
            assert!(matches!(Envelope::open(&response), Err(Error::NotLxd { status: s, .. }) if s == status), "{body}");
        }
    }

    /// Whatever is answered, looking at it once gives the same as looking at it twice.
    #[test]
    fn objects_in_one_pass() {
        for (status, body, read) in [
            (200, r#"{"type":"sync","metadata":{"a":[1]}}"#, true),
            (200, "{ \"type\" : \"sync\" ,\n \"metadata\" : { } }\n", true),
            (200, r#"{"metadata":{"a":{"metadata":{}}},"type":"sync"}"#, true),
            (200, r#"{"x":{"metadata":{"b":1}},"\"metadata":{"c":1},"type":"sync","metadata":{"a":1}}"#, true),
            (200, r#"{"type":"sync","metadata":{"a":1},"metadata":{"a":2}}"#, false),
            (200, r#"{"type":"sync","metadata":{"a":1}"#, false),
            (200, r#"{"type":"sync","metadata":{"a":1}}}"#, false),
            (200, r#"{"type":"error","error":"no","metadata":{"a":1}}"#, false),
            (200, r#"{"type":"async","operation":"/1.0/operations/x","metadata":{}}"#, false),
            (500, r#"{"type":"sync","metadata":{"a":1}}"#, false),
            (200, r#"{"type":"sync","metadata":null}"#, false),
            (200, "<html>", false),
        ] {
            let response = answer(status, body);
            let twice = Envelope::metadata(&response).map(str::to_owned);
            let once = in_one_pass::<serde_json::Value>(&response);
            assert_eq!(once.is_some(), read, "{body}");
            if let Some((value, raw)) = once {
                assert_eq!(raw, twice.unwrap(), "{body}");
                assert_eq!(value, serde_json::from_slice::<serde_json::Value>(&raw).unwrap(), "{body}");
            }
        }
    }

    #[test]
    fn what_is_cut_off() {
        let whole = r#"{"type":"sync","status_code":200,"metadata":{"a":[1,2,3]}}"#;
        for end in 1..whole.len() {
            let response = answer(200, &whole[..end]);
            assert!(matches!(Envelope::open(&response), Err(Error::Decode { .. })), "{}", &whole[..end]);
        }
    }

    #[test]
    fn async_without_operation() {
        for body in [
            r#"{"type":"async","metadata":null}"#,
            r#"{"type":"async","operation":"","metadata":{}}"#,
            r#"{"type":"async","operation":"/1.0/operations/..","metadata":{}}"#,
        ] {
            assert!(matches!(Envelope::open(&answer(202, body)), Err(Error::Protocol(_))), "{body}");
        }
    }
}
