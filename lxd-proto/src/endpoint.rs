//! Layer 1: one exchange. A value that builds a request, and reads its answer.
//!
//! Everything above is made of these, and they need nothing above:
//!
//! ```
//! use lxd_proto::{Endpoint, Get, resources::Profile};
//!
//! let profile = Get::<Profile>::new("default".into());
//! let request = profile.request()?;
//! assert_eq!((request.method().as_str(), request.uri().path()), ("GET", "/1.0/profiles/default"));
//!
//! // Send it with whatever you have; hand the answer back.
//! let answer = http::Response::new(bytes::Bytes::from_static(
//!     br#"{"type": "sync", "status_code": 200, "metadata": {"name": "default", "config": null}}"#,
//! ));
//! assert_eq!(profile.response(answer)?.name, "default");
//! # Ok::<(), lxd_proto::Error>(())
//! ```

use alloc::{boxed::Box, vec::Vec};
use core::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use serde::de::DeserializeOwned;

use crate::{Elements, Error, Failure, FailureKind, client::Whole, error, limits, uri::Path};

/// A request as the core builds it: a URI without scheme and host, and a body that is never a reader.
pub type Request = http::Request<Body>;

/// An answer whose body was received whole.
pub type Response = http::Response<Bytes>;

/// A request's body.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Body {
    /// No body.
    #[default]
    Empty,
    /// These bytes.
    Bytes(Bytes),
    /// What the caller's input gives, which the transport streams. When its length is known, the request says so in
    /// `Content-Length`, and sending fewer or more bytes must be an error.
    Input(Input),
    /// These, one after the other.
    Chain(Vec<Self>),
}

impl fmt::Debug for Body {
    /// Not the content: it may be secret, or large.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Input(input) => write!(f, "{input:?}"),
            Self::Chain(pieces) => f.debug_tuple("Chain").field(pieces).finish(),
        }
    }
}

/// A ticket for one of the caller's inputs: the transport that sends the request redeems it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Input(pub(crate) usize);

impl Input {
    /// Which of the caller's inputs.
    pub fn index(self) -> usize {
        self.0
    }
}

/// In a request's extensions: the server keeps the answer back on purpose, for up to this long. The transport's own
/// limits for the answer's head and for the whole exchange do not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongPoll(pub Duration);

/// In the extensions of a flow's request: the most bytes that its answer may have, where that is less than
/// [`limits::ANSWER`](crate::limits::ANSWER).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtMost(pub u64);

/// In the extensions of a websocket's request: the server only sends on it, and may never read. The transport must not
/// send the answer to a ping that [`is_keepalive`] knows.
///
/// LXD up to 5.0 pings a command's outputs with the payload `keepalive`, looks for no answer, reads nothing, and closes
/// an output as soon as it has written all of it. Where TCP still has some of that to deliver, an answer that is unread
/// makes the server's kernel reset the connection, and throw the rest away (seen on 5.0.2 over HTTPS). Later servers ping
/// with an empty payload, read the answers, and give up a peer that sends none for 35 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveOnly;

/// Whether a frame, as a client sends it, is the answer to a ping with the payload `keepalive`: a masked pong of nine
/// bytes.
pub fn is_keepalive(frame: &[u8]) -> bool {
    matches!(frame, [0x8a, 0x89, rest @ ..] if rest.len() == 4 + "keepalive".len())
}

/// Makes a request one for a websocket, with this key. No `Origin`: LXD 6 wants it to be its own.
///
/// # Errors
/// A key that cannot be in a header.
pub fn ask_for_websocket(request: &mut Request, key: &str) -> Result<(), Failure> {
    let key = HeaderValue::from_str(key).map_err(|error| Failure::from_error(FailureKind::Other, &error))?;
    let headers = request.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(header::SEC_WEBSOCKET_KEY, key);
    Ok(())
}

/// One exchange: builds the request, reads the answer.
pub trait Endpoint: Send + Sync + 'static {
    /// What the answer says.
    type Output: Send;

    /// The request.
    ///
    /// # Errors
    /// [`Error::InvalidName`] or [`Error::InvalidInput`] when it cannot be built; nothing was sent then.
    fn request(&self) -> Result<Request, Error>;

    /// Reads the answer.
    ///
    /// # Errors
    /// [`Error::Api`] when LXD answered with an error, and [`Error::NotLxd`], [`Error::Decode`] or [`Error::Protocol`]
    /// when the answer cannot be read.
    fn response(&self, response: Response) -> Result<Self::Output, Error>;

    /// Reads the answer while it arrives, from its head on. Here it is received whole first, and then [read](Self::response).
    fn receive(&self, head: http::response::Parts) -> Box<dyn Receive<Self::Output> + '_> {
        Box::new(Entire { endpoint: self, whole: Whole::new(&head, limits::ANSWER), head })
    }

    /// Looks whether what came of it in the end, which may be that of an operation, can be true.
    ///
    /// # Errors
    /// [`Error::AlteredUpload`] when the server has something else than was sent.
    fn check(&self, output: &Self::Output) -> Result<(), Error> {
        let _ = output;
        Ok(())
    }

    /// The API extensions that the request needs. The handles make sure of them before it is sent. What every LXD since
    /// 4.0 has for its instances is not said: no call that is made often should cost a question.
    fn extensions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// Reads the body of an answer while it arrives.
pub trait Receive<T>: Send {
    /// The next chunk of the body.
    ///
    /// # Errors
    /// As for [`Endpoint::response`], and [`Error::Transport`] for an answer that is too large.
    fn push(&mut self, chunk: Bytes) -> Result<(), Error>;

    /// The body is whole.
    ///
    /// # Errors
    /// As for [`Endpoint::response`].
    fn finish(self: Box<Self>) -> Result<T, Error>;
}

/// An answer that is received whole before it is read.
struct Entire<'a, E: ?Sized> {
    endpoint: &'a E,
    head: http::response::Parts,
    whole: Whole,
}

impl<E: Endpoint + ?Sized> Receive<E::Output> for Entire<'_, E> {
    fn push(&mut self, chunk: Bytes) -> Result<(), Error> {
        Ok(self.whole.push(chunk)?)
    }

    fn finish(self: Box<Self>) -> Result<E::Output, Error> {
        self.endpoint.response(Response::from_parts(self.head, self.whole.finish()))
    }
}

/// An endpoint whose answer is a list: it can be collected, or taken one by one while it arrives.
pub trait Listing: Endpoint<Output = Vec<Self::Item>> {
    /// What it lists.
    type Item: DeserializeOwned + Send + 'static;

    /// Reads the answer with this head, element by element.
    fn elements(&self, head: http::response::Parts) -> Elements<Self::Item>;
}

/// One exchange whose answer is handed on while it arrives: a file, a log, an image.
pub trait Download: Send + Sync + 'static {
    /// What the answer's head says.
    type Head: Send;

    /// The request.
    ///
    /// # Errors
    /// As for [`Endpoint::request`].
    fn request(&self) -> Result<Request, Error>;

    /// Reads the answer's headers. Called for an HTTP status of success only: any other answer is LXD's error, or not LXD's.
    ///
    /// # Errors
    /// [`Error::WrongFileType`] or [`Error::Protocol`] when this is not what was asked for.
    fn head(&self, head: &http::response::Parts) -> Result<Self::Head, Error>;

    /// Whether a whole body that was [collected](crate::Fetch::bytes) is what was asked for. By default it is.
    ///
    /// # Errors
    /// It is not.
    fn check(&self, _head: &Self::Head, _body: &Bytes) -> Result<(), Error> {
        Ok(())
    }

    /// As [`Endpoint::extensions`].
    fn extensions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// Begins a request without body.
pub(crate) fn bare(method: Method, path: &Path) -> Result<Request, Error> {
    let mut request = Request::new(Body::Empty);
    *request.method_mut() = method;
    *request.uri_mut() = path.uri()?;
    Ok(request)
}

/// Begins a request with a JSON body.
pub(crate) fn json(method: Method, path: &Path, value: &impl serde::Serialize) -> Result<Request, Error> {
    with_body(method, path, "application/json", Body::Bytes(error::encode(value)?.into()))
}

/// Begins a request with a body of any type.
pub(crate) fn with_body(method: Method, path: &Path, content_type: &'static str, body: Body) -> Result<Request, Error> {
    let mut request = bare(method, path)?;
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    *request.body_mut() = body;
    Ok(request)
}

/// Sets a header from text that came from outside.
pub(crate) fn set_header(request: &mut Request, name: HeaderName, value: &str) -> Result<(), Error> {
    let value = HeaderValue::from_str(value)
        .map_err(|_| Error::InvalidInput(alloc::format!("{value:?} cannot be sent in the header {name}")))?;
    request.headers_mut().insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_old_servers_ping_is_left_unanswered() {
        let pong = |payload: &[u8]| {
            let length = u8::try_from(payload.len()).unwrap();
            [&[0x8a, 0x80 | length, 1, 2, 3, 4][..], payload].concat()
        };
        assert!(is_keepalive(&pong(b"keepalive")));
        for other in [pong(b""), pong(b"keepaliv"), b"\x82\x89\x01\x02\x03\x04keepalive".to_vec(), Default::default()] {
            assert!(!is_keepalive(&other), "{other:?}");
        }
    }
}
