//! A client whose transport is the test's own: all that is to be sent, opened or waited for comes to one [`BlockingIo`].

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use lxd_proto::{
    Async, Blocking, Body, Extensions, Failure, Fingerprint, Joining, Payload, Pipe, Request, Scope, Streams,
    flow::{Action, AsyncIo, BlockingIo, Id, Peer, Reply},
};

/// A client over the test's I/O, which all its clones share. It is blocking and async.
pub(crate) struct Client<I> {
    io: Arc<Mutex<I>>,
    scope: Scope,
    pin: Option<Fingerprint>,
}

impl<I> Client<I> {
    /// It does not ask for the server's API extensions, so that only what is tested comes to the I/O.
    pub(crate) fn new(io: I) -> Self {
        let scope = Scope { extensions: Extensions::unchecked(), ..Scope::default() };
        Self { io: Arc::new(Mutex::new(io)), scope, pin: None }
    }

    /// As [`new`](Self::new), but it asks.
    pub(crate) fn checking(io: I) -> Self {
        Self { scope: Scope::default(), ..Self::new(io) }
    }

    pub(crate) fn pinned(self, pin: Option<Fingerprint>) -> Self {
        Self { pin, ..self }
    }

    /// The test's I/O, to look at what came to it.
    pub(crate) fn io(&self) -> MutexGuard<'_, I> {
        self.io.lock().unwrap()
    }
}

impl<I> Clone for Client<I> {
    fn clone(&self) -> Self {
        Self { io: Arc::clone(&self.io), scope: self.scope.clone(), pin: self.pin }
    }
}

impl<I> fmt::Debug for Client<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

/// Readers and writers are only named.
impl<I: BlockingIo + Send + 'static> lxd_proto::Client for Client<I> {
    type Reader = &'static str;
    type Writer = &'static str;
    type Body = VecDeque<Bytes>;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn with_scope(&self, scope: Scope) -> Self {
        Self { scope, ..self.clone() }
    }

    fn pin(&self) -> Option<Fingerprint> {
        self.pin
    }

    fn pipe(&self) -> Option<(Pipe, &'static str)> {
        Some((Pipe::new(|_| ()), "orders"))
    }
}

/// Numbers the requests that belong to no flow.
static CALLS: AtomicU32 = AtomicU32::new(1 << 31);

type Redeemed = http::Request<Payload<&'static str>>;

impl<I: BlockingIo + Send + 'static> Blocking for Client<I> {
    type Io = Io<I>;

    fn fetch(&self, request: Redeemed) -> Result<http::Response<VecDeque<Bytes>>, Failure> {
        let mut io = self.io();
        let id = Id(CALLS.fetch_add(1, Relaxed));
        io.start(id, Action::Http(Peer(0), with_body(request)));
        let mut answers = std::iter::repeat_with(|| io.finish());
        match answers.find(|(answered, _)| *answered == id).unwrap().1? {
            // In two pieces, so that they must be put together.
            Reply::Http(response) => Ok(response.map(|body| {
                let middle = body.len() / 2;
                [body.slice(..middle), body.slice(middle..)].into_iter().filter(|piece| !piece.is_empty()).collect()
            })),
            other => panic!("a request was answered with {other:?}"),
        }
    }

    fn chunk(body: &mut VecDeque<Bytes>) -> Result<Option<Bytes>, Failure> {
        Ok(body.pop_front())
    }

    fn io(&self, streams: Streams<Self>) -> Io<I> {
        Io { io: Arc::clone(&self.io), streams }
    }

    /// It is over before anybody waits for it.
    fn spawn<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<Joining<T>> {
        let output = job();
        Some(Box::new(|| Ok(output)))
    }
}

impl<I: BlockingIo + Send + 'static> Async for Client<I> {
    type Io = Io<I>;

    async fn fetch(&self, request: Redeemed) -> Result<http::Response<VecDeque<Bytes>>, Failure> {
        Blocking::fetch(self, request)
    }

    async fn chunk(body: &mut VecDeque<Bytes>) -> Result<Option<Bytes>, Failure> {
        Ok(body.pop_front())
    }

    fn io(&self, streams: Streams<Self>) -> Io<I> {
        Blocking::io(self, streams)
    }
}

/// Hands a flow's actions to the test, with the bodies that the caller gave.
pub(crate) struct Io<I: BlockingIo + Send + 'static> {
    io: Arc<Mutex<I>>,
    streams: Streams<Client<I>>,
}

impl<I: BlockingIo + Send + 'static> fmt::Debug for Io<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Io")
    }
}

impl<I: BlockingIo + Send + 'static> BlockingIo for Io<I> {
    fn start(&mut self, id: Id, action: Action) {
        let action = match action {
            Action::Http(peer, request) => Action::Http(peer, with_body(self.streams.redeem(request).unwrap())),
            other => other,
        };
        self.io.lock().unwrap().start(id, action);
    }

    fn finish(&mut self) -> (Id, Result<Reply, Failure>) {
        self.io.lock().unwrap().finish()
    }
}

impl<I: BlockingIo + Send + 'static> AsyncIo for Io<I> {
    fn start(&mut self, id: Id, action: Action) {
        BlockingIo::start(self, id, action);
    }

    fn poll_finish(&mut self, _: &mut Context<'_>) -> Poll<(Id, Result<Reply, Failure>)> {
        Poll::Ready(self.finish())
    }
}

fn with_body(request: Redeemed) -> Request {
    request.map(body)
}

fn body(payload: Payload<&'static str>) -> Body {
    match payload {
        Payload::Bytes(bytes) => Body::Bytes(bytes),
        Payload::Reader(name, _) => Body::Bytes(format!("<{name}>").into()),
        Payload::Chain { 0: pieces, .. } => Body::Chain(pieces.into_iter().map(body).collect()),
        _ => Body::Empty,
    }
}

/// The output of a future that waits for nothing.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    let Poll::Ready(output) = std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("everything is ready here");
    };
    output
}
