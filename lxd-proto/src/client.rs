//! What a transport is to the core: a [`Client`], [`Blocking`] or [`Async`], that sends requests and runs flows.
//!
//! The adapters implement these; so can you, for an HTTP stack of your own. [`Blocking`] needs three short methods:
//! sending one request, reading the next piece of an answer, and the I/O of flows, for which
//! [`Sequential`](crate::flow::Sequential) is there.

use alloc::{
    boxed::Box,
    collections::BTreeMap,
    string::String,
    sync::{Arc, Weak},
    vec::Vec,
};
use core::{fmt, future::Future, pin::Pin};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, header};

use crate::{
    Failure, Fingerprint, Request, Response, Scope,
    endpoint::{AtMost, Body, Input},
    error::FailureKind,
    flow::{AsyncIo, BlockingIo, Peer, Port},
    headers, limits,
    tree::{Disk, DiskAction, DiskReply},
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

/// What looks at all that a reader gives; see [`Client::tap`].
pub struct Tap(Box<Saw>);

type Saw = dyn FnMut(&[u8]) + Send;

impl Tap {
    /// One that is shown piece after piece, and then an empty one.
    pub(crate) fn new(saw: impl FnMut(&[u8]) + Send + 'static) -> Self {
        Self(Box::new(saw))
    }

    /// The reader has given this; at its end, nothing.
    pub fn saw(&mut self, piece: &[u8]) {
        (self.0)(piece);
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}

/// The way into a pipe; see [`Client::pipe`].
pub struct Pipe(Arc<dyn Fn(Bytes) + Send + Sync>);

impl Pipe {
    /// A pipe into which is pushed by this. It must not wait.
    pub fn new(push: impl Fn(Bytes) + Send + Sync + 'static) -> Self {
        Self(Arc::new(push))
    }

    pub(crate) fn downgrade(&self) -> WeakPipe {
        WeakPipe(Arc::downgrade(&self.0))
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pipe")
    }
}

/// A way into a pipe that does not keep it.
#[derive(Clone)]
pub(crate) struct WeakPipe(Weak<dyn Fn(Bytes) + Send + Sync>);

impl WeakPipe {
    /// Pushes a line, if the pipe is still there.
    pub(crate) fn push(&self, line: &str) {
        if let Some(push) = self.0.upgrade() {
            push(alloc::format!("{line}\n").into());
        }
    }
}

impl fmt::Debug for WeakPipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pipe")
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

/// Receives an answer's body, within its limit.
pub(crate) fn receive<C: Blocking>(
    head: http::response::Parts,
    mut body: C::Body,
    limit: u64,
) -> Result<Response, Failure> {
    let mut whole = Whole::new(&head, limit);
    while let Some(chunk) = C::chunk(&mut body)? {
        whole.push(chunk)?;
    }
    Ok(Response::from_parts(head, whole.finish()))
}

/// As [`receive`].
pub(crate) async fn receive_async<C: Async>(
    head: http::response::Parts,
    mut body: C::Body,
    limit: u64,
) -> Result<Response, Failure> {
    let mut whole = Whole::new(&head, limit);
    while let Some(chunk) = C::chunk(&mut body).await? {
        whole.push(chunk)?;
    }
    Ok(Response::from_parts(head, whole.finish()))
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

/// Collects an answer's body, within its limit.
#[derive(Debug)]
pub(crate) struct Whole {
    first: Bytes,
    rest: BytesMut,
    limit: u64,
}

impl Whole {
    pub(crate) fn new(head: &http::response::Parts, limit: u64) -> Self {
        let failed = head.status.as_u16() >= 400;
        Self { limit: if failed { limits::ERROR_ANSWER } else { limit }, ..Self::success() }
    }

    pub(crate) fn success() -> Self {
        Self { first: Bytes::new(), rest: BytesMut::new(), limit: limits::ANSWER }
    }

    /// Most answers come in one piece, which is kept without a copy.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Result<(), Failure> {
        let length = (self.first.len() + self.rest.len() + chunk.len()) as u64;
        if length > self.limit {
            return Err(too_large(self.limit));
        }
        if self.first.is_empty() && self.rest.is_empty() {
            self.first = chunk;
        } else {
            self.rest.extend_from_slice(&core::mem::take(&mut self.first));
            self.rest.extend_from_slice(&chunk);
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Bytes {
        if self.rest.is_empty() { self.first } else { self.rest.freeze() }
    }
}

/// An answer has more bytes than this.
pub(crate) fn too_large(limit: u64) -> Failure {
    Failure::new(FailureKind::TooLarge, alloc::format!("more than {limit} bytes were sent"))
}

/// What the caller sends: bytes, or a reader that is streamed and never held whole.
///
/// Bytes and texts become one by themselves (`"hello".into()`); for a reader see [`reader`](Self::reader) and
/// [`sized`](Self::sized).
#[derive(Default)]
#[non_exhaustive]
pub enum Payload<R> {
    /// Nothing.
    #[default]
    Empty,
    /// These bytes.
    Bytes(Bytes),
    /// What the reader gives. With a length, exactly so many bytes; without, the body is sent in chunks.
    Reader(R, Option<u64>),
    /// These, one after the other: a body of several parts. [`into_reader`](Self::into_reader) makes one reader of them.
    #[non_exhaustive]
    Chain(Vec<Self>),
}

impl<R> Payload<R> {
    /// All that a reader gives. When its length is known, [`sized`](Self::sized) is better: then the server's word that
    /// it took everything is checked, and some servers and proxies are faster.
    pub fn reader(reader: impl Into<R>) -> Self {
        Self::Reader(reader.into(), None)
    }

    /// Exactly `length` bytes from a reader; fewer or more are an error.
    pub fn sized(reader: impl Into<R>, length: u64) -> Self {
        Self::Reader(reader.into(), Some(length))
    }

    /// The same from another type of reader.
    pub fn map<T>(self, mut reader: impl FnMut(R) -> T) -> Payload<T> {
        self.map_dyn(&mut reader)
    }

    fn map_dyn<T>(self, reader: &mut dyn FnMut(R) -> T) -> Payload<T> {
        match self {
            Self::Empty => Payload::Empty,
            Self::Bytes(bytes) => Payload::Bytes(bytes),
            Self::Reader(inner, length) => Payload::Reader(reader(inner), length),
            Self::Chain(pieces) => Payload::Chain(pieces.into_iter().map(|piece| piece.map_dyn(reader)).collect()),
        }
    }

    /// The content as one reader, whatever it is, and its length, for transports that send nothing else. The closures
    /// make a reader of bytes, and one of two.
    pub fn into_reader(self, reader: impl Fn(Bytes) -> R, chain: impl Fn(R, R) -> R) -> (R, Option<u64>) {
        let length = self.length();
        (self.one_reader(&reader, &chain), length)
    }

    fn one_reader(self, reader: &dyn Fn(Bytes) -> R, chain: &dyn Fn(R, R) -> R) -> R {
        match self {
            Self::Reader(inner, _) => inner,
            Self::Bytes(bytes) => reader(bytes),
            Self::Empty => reader(Bytes::new()),
            Self::Chain(pieces) => {
                let pieces = pieces.into_iter().map(|piece| piece.one_reader(reader, chain));
                pieces.reduce(chain).unwrap_or_else(|| reader(Bytes::new()))
            }
        }
    }

    /// How many bytes, if that is known.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Reader(_, length) => *length,
            Self::Chain(pieces) => pieces.iter().try_fold(0, |sum: u64, piece| sum.checked_add(piece.length()?)),
        }
    }
}

impl<R> fmt::Debug for Payload<R> {
    /// Not the content: it may be secret, or large.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length() {
            Some(length) => write!(f, "Payload({length} bytes)"),
            None => f.write_str("Payload(a reader)"),
        }
    }
}

impl<R> From<Bytes> for Payload<R> {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl<R> From<Vec<u8>> for Payload<R> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl<R> From<String> for Payload<R> {
    fn from(text: String) -> Self {
        Self::Bytes(text.into())
    }
}

impl<R> From<&'static str> for Payload<R> {
    fn from(text: &'static str) -> Self {
        Self::Bytes(Bytes::from_static(text.as_bytes()))
    }
}

impl<R> From<&'static [u8]> for Payload<R> {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Bytes(Bytes::from_static(bytes))
    }
}

/// What the caller lends to one call: bodies for its requests, and for a flow a command's input and output and the other
/// servers.
pub struct Streams<C: Client> {
    bodies: Vec<Option<Payload<C::Reader>>>,
    /// What [`Read`](crate::flow::Action::Read) reads from.
    pub readers: BTreeMap<Port, C::Reader>,
    /// What [`Write`](crate::flow::Action::Write) writes to.
    pub writers: BTreeMap<Port, C::Writer>,
    peers: Vec<C>,
    /// What [`Disk`](crate::flow::Action::Disk) acts on.
    pub disk: Option<Arc<dyn Disk>>,
    /// What pushes into one of the readers, which ends with all this.
    pub(crate) pipe: Option<Pipe>,
}

impl<C: Client> fmt::Debug for Streams<C> {
    /// Readers and writers need no `Debug` of their own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").field("bodies", &self.bodies).field("peers", &self.peers).finish_non_exhaustive()
    }
}

impl<C: Client> Default for Streams<C> {
    fn default() -> Self {
        Self {
            bodies: Vec::new(),
            readers: BTreeMap::new(),
            writers: BTreeMap::new(),
            peers: Vec::new(),
            disk: None,
            pipe: None,
        }
    }
}

impl<C: Client> Streams<C> {
    /// Takes a body, and gives the ticket for it.
    pub fn body(&mut self, payload: Payload<C::Reader>) -> Input {
        self.bodies.push(Some(payload));
        Input(self.bodies.len() - 1)
    }

    /// Those of a flow with another server, and what the flow calls that.
    pub(crate) fn with_peer(other: &C) -> (Self, Peer) {
        (Self { peers: [other.clone()].into(), ..Self::default() }, Peer(1))
    }

    /// Another server of a flow. The first, the client's own, is not here.
    pub fn peer(&self, peer: Peer) -> Option<&C> {
        usize::from(peer.0).checked_sub(1).and_then(|index| self.peers.get(index))
    }

    /// The same for another type of client, for a client that wraps one.
    pub fn map<D: Client>(
        self,
        client: impl Fn(C) -> D,
        reader: impl Fn(C::Reader) -> D::Reader,
        writer: impl Fn(C::Writer) -> D::Writer,
    ) -> Streams<D> {
        Streams {
            bodies: self.bodies.into_iter().map(|body| body.map(|body| body.map(&reader))).collect(),
            readers: self.readers.into_iter().map(|(port, stream)| (port, reader(stream))).collect(),
            writers: self.writers.into_iter().map(|(port, stream)| (port, writer(stream))).collect(),
            peers: self.peers.into_iter().map(client).collect(),
            disk: self.disk,
            pipe: self.pipe,
        }
    }

    /// Does something on the caller's disk, and may block for it.
    ///
    /// # Errors
    /// What the disk could not do, or that there is none.
    pub fn on_disk(&self, action: DiskAction) -> Result<DiskReply, Failure> {
        let disk = self.disk.as_ref().ok_or_else(|| Failure::new(FailureKind::Disk, "there is none"))?;
        disk.act(action)
    }

    /// The scopes of all servers of a flow, in order.
    pub(crate) fn scopes(&self, own: &C) -> Vec<Scope> {
        core::iter::once(own).chain(&self.peers).map(|client| client.scope().clone()).collect()
    }

    /// Puts the caller's body into a request, with its length in the header when it is known.
    ///
    /// # Errors
    /// When the body was sent before: a reader can be read once.
    pub fn redeem(&mut self, request: Request) -> Result<http::Request<Payload<C::Reader>>, Failure> {
        let (mut head, body) = request.into_parts();
        let payload = self.payload(body)?;
        if let (Some(length), false) = (payload.length(), matches!(payload, Payload::Empty)) {
            head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        Ok(http::Request::from_parts(head, payload))
    }

    /// Puts the caller's bodies that are bytes where their tickets are.
    pub(crate) fn fill(&self, body: Body) -> Body {
        match body {
            Body::Input(input) => match self.bodies.get(input.0) {
                Some(Some(Payload::Bytes(bytes))) => Body::Bytes(bytes.clone()),
                _ => body,
            },
            Body::Chain(pieces) => Body::Chain(pieces.into_iter().map(|piece| self.fill(piece)).collect()),
            Body::Empty | Body::Bytes(_) => body,
        }
    }

    fn payload(&mut self, body: Body) -> Result<Payload<C::Reader>, Failure> {
        Ok(match body {
            Body::Empty => Payload::Empty,
            Body::Bytes(bytes) => Payload::Bytes(bytes),
            Body::Input(input) => match self.bodies.get_mut(input.0) {
                // Bytes can be sent again.
                Some(Some(Payload::Bytes(bytes))) => Payload::Bytes(bytes.clone()),
                body => body.and_then(Option::take).ok_or_else(|| {
                    Failure::new(FailureKind::Reader, "the body was sent before, and cannot be read again")
                })?,
            },
            Body::Chain(pieces) => {
                Payload::Chain(pieces.into_iter().map(|piece| self.payload(piece)).collect::<Result<_, _>>()?)
            }
        })
    }
}
