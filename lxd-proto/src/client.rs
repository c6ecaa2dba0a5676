//! What a transport is to the core: a [`Client`], [`Blocking`] or [`Async`], that sends requests and runs flows.
//!
//! The adapters implement these; so can you, for an HTTP stack of your own. [`Blocking`] needs three short methods:
//! sending one request, reading the next piece of an answer, and the I/O of flows, for which
//! [`Sequential`](crate::flow::Sequential) is there.

mod payload;
mod pipe;
mod receive;
mod streams;

use alloc::boxed::Box;
use core::{fmt, future::Future, pin::Pin};

use bytes::Bytes;
use http::{HeaderValue, header};

pub use payload::Payload;
pub(crate) use pipe::WeakPipe;
pub use pipe::{Pipe, Tap};
pub(crate) use receive::{Whole, receive, receive_async, too_large};
pub use streams::Streams;

use crate::{
    Failure, Fingerprint, Response, Scope,
    endpoint::AtMost,
    flow::{AsyncIo, BlockingIo},
    headers, limits,
};

/// A way to one server, cheap to clone: clones share connections and trust.
pub trait Client: Clone + fmt::Debug + Send + Sync + 'static {
    /// What it streams requests' bodies and a command's stdin from.
    type Reader: Send + 'static;
    /// What it streams a command's output to.
    type Writer: Send + 'static;
    /// An answer's body while it arrives.
    type Body: Send + 'static;

    /// What is added to every request.
    fn scope(&self) -> &Scope;

    /// The same way with another scope.
    #[must_use]
    fn with_scope(&self, scope: Scope) -> Self;

    /// The certificate that the server must show on every connection, if it is pinned. A trust token's secret is sent
    /// to its own server only, so without this tokens cannot be used.
    fn pin(&self) -> Option<Fingerprint> {
        None
    }

    /// A reader that gives the same, and shows it to this on its way. So an upload can be told from what arrives. A
    /// transport that cannot do that gives the reader back as it is.
    fn tap(&self, reader: Self::Reader, tap: Tap) -> Self::Reader {
        drop(tap);
        reader
    }

    /// A pipe: what is pushed in is what the reader gives, piece by piece, and its end when the pipe is gone. So a
    /// command can be asked for something while it runs. A transport without readers needs none.
    fn pipe(&self) -> Option<(Pipe, Self::Reader)> {
        None
    }
}

/// What waits for something that goes on beside: in a thread of a blocking client, or in a task of an async one.
pub type Joining<T> = Box<dyn FnOnce() -> Result<T, Failure> + Send>;

/// The same of an async client. Dropped, it ends the task.
pub type Task<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

/// A client whose calls return when they are done. `lxd-ureq` implements it, and so can you, for an HTTP stack of your
/// own: this repository's README shows how, in 40 lines.
pub trait Blocking: Client {
    /// What starts and finishes a flow's actions.
    type Io: BlockingIo + Send + 'static;

    /// Sends one request, and returns the answer when its head is there. The URI is a path and query: the client adds
    /// scheme, host and TLS. It follows no redirect, decodes nothing, and gives every HTTP status as it is.
    ///
    /// # Errors
    /// What the transport could not do.
    fn fetch(&self, request: http::Request<Payload<Self::Reader>>) -> Result<http::Response<Self::Body>, Failure>;

    /// The next piece of an answer's body, or nothing when it is whole. A body that ends too early is an error.
    ///
    /// # Errors
    /// What the transport could not do.
    fn chunk(body: &mut Self::Body) -> Result<Option<Bytes>, Failure>;

    /// The I/O for one flow. A transport without websockets returns [`Sequential`](crate::flow::Sequential).
    fn io(&self, streams: Streams<Self>) -> Self::Io;

    /// Sends a request here, and its answer's body with its content type as the body of another one there, while it
    /// arrives. Gives the answer to that, or the first one if it is no success. The I/O of a transport whose bodies can be
    /// readers does [`Action::Relay`](crate::flow::Action::Relay) by this.
    ///
    /// # Errors
    /// What the transport could not do.
    fn relay(
        &self,
        get: http::Request<Payload<Self::Reader>>,
        to: &Self,
        post: http::Request<Payload<Self::Reader>>,
    ) -> Result<Response, Failure>
    where
        Self::Reader: From<Self::Body>,
    {
        let (head, body) = self.fetch(get)?.into_parts();
        if head.status.is_success() {
            return to.exchange(relayed(&head, post, body));
        }
        receive::<Self>(head, body, limits::ANSWER)
    }

    /// Begins something in a thread of its own, and gives what waits for it. A transport without threads begins nothing.
    fn spawn<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<Joining<T>> {
        drop(job);
        None
    }

    /// Sends one request and receives the whole answer, within [`limits::ANSWER`].
    ///
    /// # Errors
    /// What the transport could not do.
    fn exchange(&self, request: http::Request<Payload<Self::Reader>>) -> Result<Response, Failure> {
        let limit = limit(&request);
        let (head, body) = self.fetch(request)?.into_parts();
        receive::<Self>(head, body, limit)
    }
}

/// A client whose calls are awaited. `lxd-reqwest` implements it, and so can you, as [`Blocking`].
///
/// The futures are `Send`, so a browser's `fetch` does not fit; there use layers 1 and 2.
pub trait Async: Client {
    /// What starts and finishes a flow's actions.
    type Io: AsyncIo;

    /// As [`Blocking::fetch`].
    fn fetch(
        &self,
        request: http::Request<Payload<Self::Reader>>,
    ) -> impl Future<Output = Result<http::Response<Self::Body>, Failure>> + Send;

    /// As [`Blocking::chunk`].
    fn chunk(body: &mut Self::Body) -> impl Future<Output = Result<Option<Bytes>, Failure>> + Send;

    /// As [`Blocking::io`].
    fn io(&self, streams: Streams<Self>) -> Self::Io;

    /// As [`Blocking::relay`].
    fn relay(
        &self,
        get: http::Request<Payload<Self::Reader>>,
        to: &Self,
        post: http::Request<Payload<Self::Reader>>,
    ) -> impl Future<Output = Result<Response, Failure>> + Send
    where
        Self::Reader: From<Self::Body>,
    {
        async move {
            let (head, body) = self.fetch(get).await?.into_parts();
            if head.status.is_success() {
                return to.exchange(relayed(&head, post, body)).await;
            }
            receive_async::<Self>(head, body, limits::ANSWER).await
        }
    }

    /// Begins something in a task of its own, and gives what waits for it. A transport without tasks begins nothing.
    fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> Option<Task<T>> {
        drop(task);
        None
    }

    /// As [`Blocking::exchange`].
    fn exchange(
        &self,
        request: http::Request<Payload<Self::Reader>>,
    ) -> impl Future<Output = Result<Response, Failure>> + Send {
        async move {
            let limit = limit(&request);
            let (head, body) = self.fetch(request).await?.into_parts();
            receive_async::<Self>(head, body, limit).await
        }
    }
}

/// The most bytes that a request's answer may have.
fn limit<T>(request: &http::Request<T>) -> u64 {
    request.extensions().get().map_or(limits::ANSWER, |AtMost(limit)| *limit)
}

/// A request whose body is that of an answer.
fn relayed<R: From<B>, B>(
    head: &http::response::Parts,
    post: http::Request<Payload<R>>,
    body: B,
) -> http::Request<Payload<R>> {
    let (mut parts, _) = post.into_parts();
    if let Some(kind) = head.headers.get(header::CONTENT_TYPE) {
        parts.headers.insert(header::CONTENT_TYPE, kind.clone());
    }
    let length = headers::content_length(&head.headers);
    if let Some(length) = length {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    http::Request::from_parts(parts, Payload::Reader(body.into(), length))
}
