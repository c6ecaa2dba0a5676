//! A client of lxd-proto that reaches a simulation without I/O.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use lxd_proto::{
    Blocking, Client, Extensions, Failure, FailureKind, Joining, Payload, Scope, Streams, ask_for_websocket,
    flow::{Action, BlockingIo, Id, Port, Reply, Sock},
    limits,
};

use super::{Event, World, connection::whole};
use crate::Exchange;

/// A client of one server of a [`World`]: blocking, but nothing ever waits but virtually. All that another one of the same
/// world does happens between.
#[derive(Clone)]
pub struct Direct {
    world: World,
    server: usize,
    scope: Scope,
}

impl Direct {
    pub(super) fn new(world: &World, server: usize) -> Self {
        let scope = Scope { extensions: Extensions::unchecked(), ..Scope::default() };
        Self { world: world.clone(), server, scope }
    }

    /// Begins an exchange, and returns what came of it.
    fn ask(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Failure> {
        let mut inner = self.world.inner();
        let io = inner.number();
        inner.finished.insert(io, VecDeque::new());
        inner.send(self.server, (io, Id(0)), request);
        let result = loop {
            if let Some((_, result)) = inner.finished.get_mut(&io).and_then(VecDeque::pop_front) {
                break result;
            }
            inner.step();
        };
        inner.finished.remove(&io);
        match result? {
            Reply::Http(response) => Ok(response),
            other => Err(Failure::new(FailureKind::Other, format!("a request was answered with {other:?}"))),
        }
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Direct({})", self.server)
    }
}

/// A stream of bytes that is there already, to its end or to where it breaks.
#[derive(Clone, Debug, Default)]
pub struct Body(VecDeque<Result<Bytes, Failure>>);

impl<B: Into<Bytes>> From<B> for Body {
    fn from(bytes: B) -> Self {
        Self(whole(bytes.into()))
    }
}

impl Body {
    /// All of it.
    ///
    /// # Errors
    /// When it breaks off.
    pub fn read(self) -> Result<Bytes, Failure> {
        Ok(self.0.into_iter().collect::<Result<Vec<_>, _>>()?.concat().into())
    }
}

/// Takes a command's output. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    /// What was written so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Client for Direct {
    type Reader = Body;
    type Writer = Kept;
    type Body = Body;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn with_scope(&self, scope: Scope) -> Self {
        Self { scope, ..self.clone() }
    }
}

impl Blocking for Direct {
    type Io = DirectIo;

    fn fetch(&self, request: http::Request<Payload<Body>>) -> Result<http::Response<Body>, Failure> {
        Ok(self.ask(received(request)?)?.map(Body::from))
    }

    fn chunk(body: &mut Body) -> Result<Option<Bytes>, Failure> {
        body.0.pop_front().transpose()
    }

    fn io(&self, streams: Streams<Self>) -> DirectIo {
        let mut inner = self.world.inner();
        let io = inner.number();
        inner.finished.insert(io, VecDeque::new());
        drop(inner);
        DirectIo { client: self.clone(), io, streams, sockets: BTreeMap::new() }
    }

    /// It is over before anybody waits for it.
    fn spawn<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<Joining<T>> {
        let output = job();
        Some(Box::new(|| Ok(output)))
    }
}

/// A request with its whole body.
fn received(request: http::Request<Payload<Body>>) -> Result<http::Request<Bytes>, Failure> {
    let (head, payload) = request.into_parts();
    let chain = |mut one: Body, mut two: Body| {
        one.0.append(&mut two.0);
        one
    };
    let (body, length) = payload.into_reader(Body::from, chain);
    let body = body.read().map_err(|failure| Failure::new(FailureKind::Reader, failure.message))?;
    match length {
        Some(length) if length != body.len() as u64 => {
            Err(Failure::new(FailureKind::BodyLength, "another length than said"))
        }
        _ => Ok(http::Request::from_parts(head, body)),
    }
}

/// The I/O of one flow in a [`World`].
#[derive(Debug)]
pub struct DirectIo {
    client: Direct,
    io: u64,
    streams: Streams<Direct>,
    sockets: BTreeMap<Sock, Exchange>,
}

impl DirectIo {
    fn peer(&self, peer: lxd_proto::flow::Peer) -> Direct {
        self.streams.peer(peer).unwrap_or(&self.client).clone()
    }

    /// What is finished at once, or nothing when that comes later.
    fn begin(&mut self, id: Id, action: Action) -> Result<Option<Reply>, Failure> {
        let asked = (self.io, id);
        match action {
            Action::Http(peer, request) => {
                let (server, request) = (self.peer(peer).server, received(self.streams.redeem(request)?)?);
                self.client.world.inner().send(server, asked, request);
            }
            Action::Open(peer, sock, mut request) => {
                ask_for_websocket(&mut request, "c2ltdWxhdGVkIGNsaWVudA==")?;
                self.upgrade(peer, sock, id, request)?;
            }
            Action::Upgrade(peer, sock, request) => self.upgrade(peer, sock, id, request)?,
            Action::Relay(from, get, to, post) => {
                let (get, post) = (self.streams.redeem(*get)?, self.streams.redeem(*post)?);
                return self.peer(from).relay(get, &self.peer(to), post).map(|response| Some(Reply::Http(response)));
            }
            Action::Recv(sock) => {
                let exchange = self.socket(sock)?;
                let mut inner = self.client.world.inner();
                let Some(connection) = inner.connections.get_mut(&exchange) else {
                    return Ok(Some(Reply::Message(None)));
                };
                return connection.receive(self.io, id).transpose().map(|heard| heard.map(Reply::Message));
            }
            Action::Send(sock, message) => {
                let exchange = self.socket(sock)?;
                let alive = self.client.world.inner().say(exchange, message);
                return alive.then_some(Some(Reply::Done)).ok_or_else(|| Failure::new(FailureKind::Broken, "closed"));
            }
            Action::Close(sock) => {
                if let Some(exchange) = self.sockets.remove(&sock) {
                    self.client.world.inner().close(exchange);
                }
                return Ok(Some(Reply::Done));
            }
            Action::Read(port) => return self.read(port).map(|data| Some(Reply::Data(data))),
            Action::Write(port, data) => {
                if let Some(Kept(kept)) = self.streams.writers.get(&port) {
                    kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&data);
                }
                return Ok(Some(Reply::Done));
            }
            Action::Sleep(time) => {
                let mut inner = self.client.world.inner();
                let at = inner.now + time;
                inner.at(at, Event::Finish(self.io, id, Ok(Reply::Done)));
            }
            Action::Disk(action) => return self.streams.on_disk(action).map(|reply| Some(Reply::Disk(reply))),
            _ => return Err(Failure::new(FailureKind::Unsupported, "the simulation does not know that")),
        }
        Ok(None)
    }

    fn upgrade(
        &mut self,
        peer: lxd_proto::flow::Peer,
        sock: Sock,
        id: Id,
        request: lxd_proto::Request,
    ) -> Result<(), Failure> {
        let (server, request) = (self.peer(peer).server, received(self.streams.redeem(request)?)?);
        let exchange = self.client.world.inner().send(server, (self.io, id), request);
        self.sockets.insert(sock, exchange);
        Ok(())
    }

    fn socket(&self, sock: Sock) -> Result<Exchange, Failure> {
        self.sockets.get(&sock).copied().ok_or_else(|| Failure::new(FailureKind::Other, "it is not open"))
    }

    fn read(&mut self, port: Port) -> Result<Option<Bytes>, Failure> {
        let Some(Body(pieces)) = self.streams.readers.get_mut(&port) else { return Ok(None) };
        let Some(mut piece) = pieces.pop_front().transpose()? else { return Ok(None) };
        let rest = piece.split_off(piece.len().min(limits::CHUNK));
        if !rest.is_empty() {
            pieces.push_front(Ok(rest));
        }
        Ok(Some(piece))
    }
}

impl BlockingIo for DirectIo {
    fn start(&mut self, id: Id, action: Action) {
        let result = self.begin(id, action).transpose();
        if let Some(result) = result {
            let mut inner = self.client.world.inner();
            let now = inner.now;
            inner.at(now, Event::Finish(self.io, id, result));
        }
    }

    fn finish(&mut self) -> (Id, Result<Reply, Failure>) {
        let mut inner = self.client.world.inner();
        loop {
            match inner.finished.get_mut(&self.io).map(VecDeque::pop_front) {
                Some(Some(finished)) => return finished,
                Some(None) => inner.step(),
                None => return (Id(0), Err(Failure::new(FailureKind::Cancelled, "the world is gone"))),
            }
        }
    }
}

impl Drop for DirectIo {
    /// What is outstanding is given up, and all connections closed.
    fn drop(&mut self) {
        let mut inner = self.client.world.inner();
        inner.finished.remove(&self.io);
        let of = |asked: Option<(u64, Id)>| asked.is_some_and(|(io, _)| io == self.io);
        let asked =
            inner.connections.iter().filter(|(_, connection)| of(connection.asked)).map(|(exchange, _)| *exchange);
        let left: Vec<_> = asked.chain(self.sockets.values().copied()).collect();
        for exchange in left {
            inner.close(exchange);
        }
    }
}
