//! Requests and answers, by reqwest. All that is reqwest's is in this file.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use futures_util::future::{Either, select};
use http::{Request, Response, Uri};
#[cfg(feature = "tungstenite")]
use lxd_host::Timeouts;
use lxd_host::{Remote, failure, keepalive};
use lxd_proto::{Address, Failure, FailureKind, LongPoll, Phase, limits, redacted};
use reqwest::redirect::Policy;
use tokio::{
    io::{AsyncBufRead, AsyncRead, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use crate::{Payload, Reader};

/// How many idle connections are kept, and for how long: LXD closes none by itself.
const IDLE_CONNECTIONS: usize = 8;
const IDLE_AGE: Duration = Duration::from_secs(60);

/// The size of a piece of a request's body: tokio has each piece of a file read by another thread, and going there and
/// back takes longer than reading a small one.
pub(crate) const PIECE: usize = 4 * limits::CHUNK;

/// Requests to one server, over shared connections.
pub(crate) struct Http {
    client: reqwest::Client,
    remote: Remote,
    base: String,
}

impl Http {
    pub(crate) fn new(remote: Remote) -> Result<Self, lxd_host::Error> {
        // A URI cannot hold the path of a Unix socket, and needs none: the connector knows where to go.
        let base = match remote.address.authority() {
            None => "http://lxd".into(),
            Some(authority) => format!("https://{authority}"),
        };
        let client = client(&remote)?;
        Ok(Self { client, remote, base })
    }

    /// Sends a request and returns its answer's head, with its body to come. A `GET` or `HEAD` is sent again, once, when
    /// the connection breaks before the answer: a kept one may have been dead. Anything else may have been done.
    pub(crate) async fn fetch(&self, request: Request<Payload>) -> Result<Response<Body>, Failure> {
        let (head, payload) = request.into_parts();
        let started = Instant::now();
        let safe = head.method.is_safe() && matches!(payload, Payload::Empty);
        let again = safe.then(|| head.clone());
        let (method, uri) = (head.method.clone(), head.uri.clone());
        let mut result = self.send(head, payload).await;
        let broken = matches!(&result, Err(failure) if failure.kind == FailureKind::Broken);
        if let (true, Some(head)) = (broken, again) {
            result = self.send(head, Payload::Empty).await;
        }
        let elapsed = started.elapsed();
        match &result {
            Ok(answer) => tracing::debug!(%method, uri = redacted(&uri), status = answer.status().as_u16(), ?elapsed),
            Err(failure) => tracing::debug!(%method, uri = redacted(&uri), %failure, ?elapsed),
        }
        result
    }

    /// Sends a request that becomes another protocol, without a body.
    #[cfg(feature = "tungstenite")]
    pub(crate) async fn switch(&self, head: http::request::Parts) -> Result<reqwest::Response, Failure> {
        let Timeouts { head: limit, idle, .. } = self.remote.timeouts;
        let limits = Limits { head: limit, idle, total: None };
        self.execute(head, reqwest::Body::default(), &Mutex::default(), limits).await
    }

    #[cfg(feature = "tungstenite")]
    pub(crate) fn timeouts(&self) -> Timeouts {
        self.remote.timeouts
    }

    async fn send(&self, head: http::request::Parts, payload: Payload) -> Result<Response<Body>, Failure> {
        let timeouts = self.remote.timeouts;
        let wait = head.extensions.get::<LongPoll>().map(|LongPoll(time)| *time);
        let total = timeouts.total.filter(|_| wait.is_none()).map(|total| Instant::now() + total);
        let upload = Arc::new(Mutex::new(Upload::default()));
        let body = match payload {
            Payload::Bytes(bytes) => bytes.into(),
            Payload::Reader(reader, length) => {
                let upload = upload.clone();
                reqwest::Body::wrap_stream(Sending { reader, left: length, upload, buffer: Vec::new(), ahead: None })
            }
            _ => reqwest::Body::default(),
        };
        let limits = Limits { head: wait.unwrap_or(timeouts.head), idle: timeouts.idle, total };
        let result = self.execute(head, body, &upload, limits).await;
        if let Some(trouble) = lock(&upload).trouble.take() {
            return Err(trouble);
        }
        let answer: Response<reqwest::Body> = result?.into();
        Ok(answer.map(|body| Body::new(body, timeouts.idle, total)))
    }

    async fn execute(
        &self,
        mut head: http::request::Parts,
        body: reqwest::Body,
        upload: &Mutex<Upload>,
        limits: Limits,
    ) -> Result<reqwest::Response, Failure> {
        let uri = format!("{}{}", self.base, head.uri);
        head.uri = Uri::try_from(uri).map_err(|error| failure(&error))?;
        let request = reqwest::Request::try_from(Request::from_parts(head, body)).map_err(|error| failure(&error))?;
        match select(pin!(self.client.execute(request)), pin!(watch(upload, limits))).await {
            Either::Left((answer, _)) => answer.map_err(|error| failure_of(&error)),
            Either::Right((phase, _)) => Err(timeout(phase)),
        }
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Http({})", self.remote.address)
    }
}

fn client(remote: &Remote) -> Result<reqwest::Client, lxd_host::Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .http1_only()
        .retry(reqwest::retry::never())
        .user_agent(concat!("lxd-reqwest/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(remote.timeouts.connect)
        .pool_max_idle_per_host(idle_connections(&remote.address))
        .pool_idle_timeout(IDLE_AGE)
        // Also for a Unix socket: without a configuration reqwest wants a provider for the whole process.
        .tls_backend_preconfigured(remote.tls_config()?);
    builder = match &remote.address {
        Address::Unix(path) => builder.unix_socket(path.as_str()),
        Address::Https { .. } => builder
            .tcp_keepalive(keepalive::IDLE)
            .tcp_keepalive_interval(keepalive::INTERVAL)
            .tcp_keepalive_retries(keepalive::PROBES),
    };
    #[cfg(target_os = "linux")]
    {
        builder = builder.tcp_user_timeout(keepalive::UNACKNOWLEDGED);
    }
    let refused = |error: reqwest::Error| lxd_host::Error::Transport(failure_of(&error));
    if let (Address::Https { .. }, Some(proxy)) = (&remote.address, &remote.proxy) {
        builder = builder.proxy(reqwest::Proxy::all(proxy.url().expose()).map_err(refused)?);
    }
    builder.build().map_err(refused)
}

/// How many idle connections are kept: none to a Unix socket.
///
/// When a kept connection comes free while hyper opens a new one, hyper takes the kept one, and keeps the new one for
/// later without having sent a word over it. LXD (5.0.2; newer ones not) accepts no other connection to its Unix socket,
/// from anybody, until it has read the first bytes of the last: it looks whether they are `STARTTLS`. So a silent
/// connection stops the server until the pool gives it up. A new connection to a Unix socket costs next to nothing.
fn idle_connections(address: &Address) -> usize {
    match address {
        Address::Unix(_) => 0,
        Address::Https { .. } => IDLE_CONNECTIONS,
    }
}

/// How long the phases of one exchange may take.
#[derive(Clone, Copy)]
struct Limits {
    head: Duration,
    idle: Duration,
    total: Option<Instant>,
}

/// How an upload stands.
struct Upload {
    state: Waiting,
    since: Instant,
    trouble: Option<Failure>,
}

#[derive(Clone, Copy, PartialEq)]
enum Waiting {
    /// For the answer: all was sent.
    Answer,
    /// For the server, to take more.
    Server,
    /// For the caller's reader, which may take its time.
    Caller,
}

impl Default for Upload {
    fn default() -> Self {
        Self { state: Waiting::Answer, since: Instant::now(), trouble: None }
    }
}

impl Upload {
    fn now(&mut self, state: Waiting) {
        (self.state, self.since) = (state, Instant::now());
    }
}

fn lock(upload: &Mutex<Upload>) -> std::sync::MutexGuard<'_, Upload> {
    upload.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends when a phase has taken too long.
async fn watch(upload: &Mutex<Upload>, limits: Limits) -> Phase {
    loop {
        let (state, since) = {
            let upload = lock(upload);
            (upload.state, upload.since)
        };
        let (end, phase) = match state {
            Waiting::Answer => (since + limits.head, Phase::Head),
            Waiting::Server => (since + limits.idle, Phase::Idle),
            // Looks again after a while.
            Waiting::Caller => (Instant::now() + limits.idle, Phase::Idle),
        };
        let (end, phase) = match limits.total {
            Some(total) if total < end => (total, Phase::Total),
            _ => (end, phase),
        };
        if end <= Instant::now() {
            return phase;
        }
        sleep_until(end).await;
    }
}

pub(crate) fn timeout(phase: Phase) -> Failure {
    Failure::new(FailureKind::Timeout(phase), "the time limit passed")
}

/// What went wrong, in the core's words.
pub(crate) fn failure_of(error: &reqwest::Error) -> Failure {
    let found = failure(error);
    let kind = match found.kind {
        FailureKind::Timeout(_) if error.is_connect() => FailureKind::Timeout(Phase::Connect),
        FailureKind::Other if error.is_timeout() && error.is_connect() => FailureKind::Timeout(Phase::Connect),
        FailureKind::Other if error.is_connect() => FailureKind::Connect,
        // Without an I/O error below it, the server ended or garbled its answer.
        FailureKind::Other if error.is_request() || error.is_body() || error.is_decode() => FailureKind::Broken,
        kind => kind,
    };
    Failure::new(kind, found.message)
}

/// The caller's reader on its way: all of it, or exactly its declared length. (hyper would cut off what a longer reader
/// has too much, and call it a success.)
struct Sending {
    reader: Reader,
    left: Option<u64>,
    upload: Arc<Mutex<Upload>>,
    buffer: Vec<u8>,
    ahead: Option<Result<Option<Bytes>, Failure>>,
}

impl Sending {
    fn poll_read(&mut self, context: &mut Context<'_>, most: usize) -> Poll<Result<usize, Failure>> {
        self.buffer.resize(most, 0);
        let mut buffer = ReadBuf::new(&mut self.buffer);
        ready!(self.reader.0.as_mut().poll_read(context, &mut buffer))
            .map_err(|error| Failure::from_error(FailureKind::Reader, &error))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Failure>> {
        let most = self.left.map_or(PIECE, |left| usize::try_from(left).unwrap_or(usize::MAX).min(PIECE));
        // One byte more than is left: a reader that has more is seen before its last piece is sent.
        let most = if most < PIECE { most + 1 } else { most };
        let length = ready!(self.poll_read(context, most))?;
        self.left = match self.left {
            None => None,
            Some(left) => match left.checked_sub(length as u64) {
                Some(left) if left == 0 || length > 0 => Some(left),
                Some(_) => {
                    return Poll::Ready(Err(Failure::new(FailureKind::BodyLength, "the reader ended too early")));
                }
                None => return Poll::Ready(Err(Failure::new(FailureKind::BodyLength, "the reader has more"))),
            },
        };
        Poll::Ready(Ok((length > 0).then(|| Bytes::copy_from_slice(&self.buffer[..length]))))
    }
}

impl Stream for Sending {
    type Item = Result<Bytes, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        lock(&self.upload).now(Waiting::Caller);
        let piece = match self.ahead.take() {
            Some(piece) => piece,
            None => ready!(self.poll_piece(context)),
        };
        // The next one is read while this one is sent.
        if matches!(piece, Ok(Some(_))) {
            if let Poll::Ready(next) = self.poll_piece(context) {
                self.ahead = Some(next);
            }
        }
        let mut upload = lock(&self.upload);
        match piece {
            Ok(Some(piece)) => {
                upload.now(Waiting::Server);
                Poll::Ready(Some(Ok(piece)))
            }
            Ok(None) => {
                upload.now(Waiting::Answer);
                Poll::Ready(None)
            }
            Err(failure) => {
                upload.trouble = Some(failure.clone());
                Poll::Ready(Some(Err(failure)))
            }
        }
    }
}

/// An answer's body while it arrives. Reading it to its end gives the connection back; dropping it closes the connection.
///
/// Into a file it goes with `tokio::io::copy_buf`, in the pieces that it comes in; `copy` makes many small ones of them.
pub struct Body {
    stream: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    rest: Bytes,
    idle: Duration,
    total: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Body {
    pub(crate) fn new(body: reqwest::Body, idle: Duration, total: Option<Instant>) -> Self {
        let stream = reqwest::Response::from(Response::new(body)).bytes_stream();
        let timer = Box::pin(sleep_until(Instant::now() + idle));
        Self { stream: Box::pin(stream), rest: Bytes::new(), idle, total, timer }
    }

    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        self.restart();
        poll_fn(|context| self.poll_chunk(context)).await
    }

    fn restart(&mut self) {
        let limit = Instant::now() + self.idle;
        self.timer.as_mut().reset(self.total.map_or(limit, |total| total.min(limit)));
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Failure>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Ok(Some(std::mem::take(&mut self.rest))));
        }
        if let Poll::Ready(chunk) = self.stream.as_mut().poll_next(context) {
            return Poll::Ready(chunk.transpose().map_err(|error| failure_of(&error)));
        }
        ready!(self.timer.as_mut().poll(context));
        let total = self.total.is_some_and(|total| total <= Instant::now());
        Poll::Ready(Err(timeout(if total { Phase::Total } else { Phase::Idle })))
    }
}

impl AsyncBufRead for Body {
    /// An error's inner error is a [`Failure`].
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let body = self.get_mut();
        while body.rest.is_empty() {
            let Some(chunk) = ready!(body.poll_chunk(context)).map_err(io::Error::other)? else { break };
            body.rest = chunk;
            body.restart();
        }
        Poll::Ready(Ok(&body.rest))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        self.rest.advance(amount);
    }
}

impl AsyncRead for Body {
    /// An error's inner error is a [`Failure`].
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let piece = ready!(self.as_mut().poll_fill_buf(context))?;
        let length = piece.len().min(buffer.remaining());
        buffer.put_slice(&piece[..length]);
        self.consume(length);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}
