//! Requests and answers, by reqwest. All that is reqwest's is in this file.

use std::{
    error::Error as StdError,
    fmt,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures_util::future::{Either, select};
use http::{Request, Response};
use http_body::{Body as _, Frame};
use lxd_host::{Remote, Timeouts, failure, keepalive};
use lxd_proto::{Address, Failure, FailureKind, LongPoll, Phase, limits, redacted};
use reqwest::{Url, redirect::Policy};
use tokio::{
    io::{AsyncBufRead, AsyncRead, AsyncReadExt, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    Payload,
    upload::{Answered, Limits, Sending, Upload},
};

/// How many idle connections are kept, and for how long: LXD closes none by itself.
const IDLE_CONNECTIONS: usize = 8;
const IDLE_AGE: Duration = Duration::from_secs(60);

/// The size of a piece of a request's body: tokio has each piece of a file read by another thread, and going there and
/// back takes longer than reading a small one.
pub(crate) const PIECE: usize = limits::CHUNK;

/// So many bytes are handed to hyper at once.
const AT_ONCE: usize = 128 << 10;

/// Requests to one server, over shared connections.
pub(crate) struct Http {
    client: reqwest::Client,
    /// The same over new connections only: where one kept connection is dead, the others may be too.
    fresh: reqwest::Client,
    remote: Remote,
    /// Without a path, which each request has.
    base: Url,
}

impl Http {
    pub(crate) fn new(mut remote: Remote) -> Result<Self, lxd_host::Error> {
        remote.timeouts = remote.timeouts.bounded();
        // A URI cannot hold the path of a Unix socket, and needs none: the connector knows where to go.
        let base = match remote.address.authority() {
            None => String::from("http://lxd"),
            Some(authority) => format!("https://{authority}"),
        };
        let base = Url::parse(&base).map_err(|error| lxd_host::Error::Address(format!("{base}: {error}")))?;
        let fresh = client(&remote, 0)?;
        let client = match idle_connections(&remote.address) {
            0 => fresh.clone(),
            some => client(&remote, some)?,
        };
        Ok(Self { client, fresh, remote, base })
    }

    /// Sends a request and returns its answer's head, with its body to come. A `GET` or `HEAD` is sent again, once, over
    /// a new connection, when the connection breaks before the answer: a kept one may have been dead. Anything else may
    /// have been done.
    pub(crate) async fn fetch(&self, request: Request<Payload>) -> Result<Response<Body>, Failure> {
        let (head, payload) = request.into_parts();
        let started = Instant::now();
        let safe = head.method.is_safe() && matches!(payload, Payload::Empty);
        let again = safe.then(|| head.clone());
        let (method, uri) = (head.method.clone(), head.uri.clone());
        let mut result = self.send(&self.client, head, payload).await;
        let broken = matches!(&result, Err(failure) if failure.kind == FailureKind::Broken);
        if let (true, Some(head)) = (broken, again) {
            result = self.send(&self.fresh, head, Payload::Empty).await;
        }
        let elapsed = started.elapsed();
        match &result {
            Ok(answer) => tracing::debug!(%method, uri = redacted(&uri), status = answer.status().as_u16(), ?elapsed),
            Err(failure) => tracing::debug!(%method, uri = redacted(&uri), %failure, ?elapsed),
        }
        result
    }

    /// Sends a request that becomes another protocol, without a body.
    pub(crate) async fn switch(&self, head: http::request::Parts) -> Result<reqwest::Response, Failure> {
        let Timeouts { head: limit, idle, .. } = self.remote.timeouts;
        let limits = Limits { head: limit, idle, total: None };
        self.execute(&self.fresh, head, reqwest::Body::default(), &Upload::default(), limits).await
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        self.remote.timeouts
    }

    async fn send(
        &self,
        client: &reqwest::Client,
        head: http::request::Parts,
        payload: Payload,
    ) -> Result<Response<Body>, Failure> {
        let timeouts = self.remote.timeouts;
        let wait = head.extensions.get::<LongPoll>().map(|LongPoll(time)| *time);
        let total = timeouts.total.filter(|_| wait.is_none()).map(|total| Instant::now() + total);
        let upload = Upload::default();
        let body = match in_pieces(payload) {
            Payload::Bytes(bytes) => bytes.into(),
            Payload::Reader(reader, length) => {
                let mut sending = Sending::new(reader, length, upload.clone());
                if length == Some(0) {
                    // hyper does not ask for nothing, so whether the reader has more is seen here.
                    poll_fn(|context| sending.poll_piece(context)).await?;
                }
                reqwest::Body::wrap_stream(sending)
            }
            _ => reqwest::Body::default(),
        };
        let limits = Limits { head: wait.unwrap_or(timeouts.head), idle: timeouts.idle, total };
        let result = self.execute(client, head, body, &upload, limits).await;
        if let Some(trouble) = upload.trouble() {
            return Err(trouble);
        }
        let answer: Response<reqwest::Body> = result?.into();
        let answered = upload.answered();
        Ok(answer.map(|body| Body { upload: Some(answered), ..Body::new(body, timeouts.idle, total) }))
    }

    async fn execute(
        &self,
        client: &reqwest::Client,
        head: http::request::Parts,
        body: reqwest::Body,
        upload: &Upload,
        limits: Limits,
    ) -> Result<reqwest::Response, Failure> {
        let mut url = self.base.clone();
        url.set_path(head.uri.path());
        url.set_query(head.uri.query());
        let mut request = reqwest::Request::new(head.method, url);
        *request.headers_mut() = head.headers;
        *request.body_mut() = Some(body);
        match select(pin!(client.execute(request)), pin!(upload.watch(limits))).await {
            Either::Left((Err(error), _)) if error.is_connect() => Err(connect_failure(error, &self.remote)),
            Either::Left((answer, _)) => answer.map_err(failure_of),
            Either::Right((phase, _)) => Err(timeout(phase)),
        }
    }
}

/// Several pieces become one reader, and so do many bytes: what hyper is given at once, it sends to its end, also when
/// the server has refused it or stopped reading.
fn in_pieces(payload: Payload) -> Payload {
    match payload {
        Payload::Bytes(bytes) if bytes.len() > AT_ONCE => {
            let length = bytes.len() as u64;
            Payload::sized(io::Cursor::new(bytes), length)
        }
        Payload::Chain { .. } => {
            let (reader, length) = payload
                .into_reader(|bytes| io::Cursor::new(bytes).into(), |first, second| first.0.chain(second.0).into());
            Payload::Reader(reader, length)
        }
        payload => payload,
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Http({})", self.remote.address)
    }
}

fn client(remote: &Remote, idle_connections: usize) -> Result<reqwest::Client, lxd_host::Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .http1_only()
        .retry(reqwest::retry::never())
        .user_agent(concat!("lxd-reqwest/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(remote.timeouts.connect)
        .pool_max_idle_per_host(idle_connections)
        .pool_idle_timeout(IDLE_AGE)
        // Also for a Unix socket: without a configuration reqwest wants a provider for the whole process.
        .tls_backend_preconfigured(remote.tls_config()?);
    builder = match &remote.address {
        // Each request has a connection of its own. With a pool, hyper connects and waits for an idle connection at the
        // same time; when that comes first, the new one lies idle without having said anything, and LXD (5.0.2) accepts
        // no other on its Unix socket until it has read the first bytes of the last.
        Address::Unix(path) => builder.unix_socket(path.as_str()).pool_max_idle_per_host(0),
        Address::Https { .. } => builder
            .tcp_keepalive(keepalive::IDLE)
            .tcp_keepalive_interval(keepalive::INTERVAL)
            .tcp_keepalive_retries(keepalive::PROBES),
    };
    #[cfg(target_os = "linux")]
    {
        builder = builder.tcp_user_timeout(keepalive::UNACKNOWLEDGED);
    }
    let refused = |error: reqwest::Error| lxd_host::Error::Transport(failure_of(error));
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

pub(crate) fn timeout(phase: Phase) -> Failure {
    Failure::new(FailureKind::Timeout(phase), "the time limit passed")
}

/// What went wrong, in the core's words. The URL is left out: it can hold a secret.
pub(crate) fn failure_of(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let found = failure(&error);
    match found.kind {
        // Without an I/O error below it, the server ended or garbled its answer.
        FailureKind::Other if error.is_request() || error.is_body() || error.is_decode() => {
            Failure::new(FailureKind::Broken, found.message)
        }
        _ => found,
    }
}

/// The same for a connection that never stood, so that nothing was sent.
fn connect_failure(error: reqwest::Error, remote: &Remote) -> Failure {
    let error = error.without_url();
    let found = failure(&error);
    // Under reqwest's error and hyper's. TLS gives its I/O errors as they are; a proxy's have types of their own.
    let cause = error.source().and_then(StdError::source);
    let plain = cause.is_some_and(|cause| cause.is::<io::Error>());
    let proxied = remote.proxy.is_some() && !plain;
    let (kind, message) = match (&remote.address, cause) {
        (Address::Unix(path), Some(cause)) => (FailureKind::Connect, format!("{path}: {cause}")),
        _ if plain => (FailureKind::Tls, found.message),
        _ if proxied => (FailureKind::Proxy, found.message),
        _ => (FailureKind::Connect, found.message),
    };
    match found.kind {
        FailureKind::Timeout(_) => Failure::new(FailureKind::Timeout(Phase::Connect), message),
        FailureKind::Other if error.is_timeout() => Failure::new(FailureKind::Timeout(Phase::Connect), message),
        FailureKind::Tls | FailureKind::WrongCertificate { .. } => Failure::new(found.kind, message),
        _ => Failure::new(kind, message),
    }
}

/// An answer's body while it arrives. Reading it to its end gives the connection back; dropping it closes the connection.
///
/// Into a file it goes with `tokio::io::copy_buf`, in the pieces that it comes in; `copy` makes many small ones of them.
pub struct Body {
    inner: reqwest::Body,
    rest: Bytes,
    idle: Duration,
    total: Option<Instant>,
    /// Runs while the server is silent.
    timer: Option<Pin<Box<Sleep>>>,
    upload: Option<Answered>,
}

impl Body {
    pub(crate) fn new(inner: reqwest::Body, idle: Duration, total: Option<Instant>) -> Self {
        Self { inner, rest: Bytes::new(), idle, total, timer: None, upload: None }
    }

    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        poll_fn(|context| self.poll_chunk(context)).await
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Failure>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Ok(Some(std::mem::take(&mut self.rest))));
        }
        if self.total.is_some_and(|total| total <= Instant::now()) {
            return Poll::Ready(Err(timeout(Phase::Total)));
        }
        while let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            self.timer = None;
            if !matches!(frame, Some(Ok(_))) {
                self.upload = None;
            }
            match frame.transpose().map_err(failure_of)?.map(Frame::into_data) {
                // Trailers say nothing.
                Some(Err(_)) => {}
                data => return Poll::Ready(Ok(data.and_then(Result::ok))),
            }
        }
        // The time that the caller takes between two reads is not the server's.
        let (total, idle) = (self.total, self.idle);
        let timer = self.timer.get_or_insert_with(|| {
            let limit = Instant::now() + idle;
            Box::pin(sleep_until(total.map_or(limit, |total| total.min(limit))))
        });
        ready!(timer.as_mut().poll(context));
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
