//! What starts and finishes a flow's actions, in the caller's task: nothing is spawned, so dropping it ends everything.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use futures_core::Stream;
use futures_util::stream::FuturesUnordered;
use lxd_proto::{
    Async, Failure, FailureKind, Request, Streams,
    flow::{Action, AsyncIo, Id, Peer, Port, Reply, Sock},
    limits,
};
use tokio::io::AsyncReadExt;

use crate::{Client, Reader, Writer, bytestream, disk::Queue, socket::Socket, websocket};

/// An open connection, or the answer that refuses it.
type Opened = Result<Result<Box<dyn Socket>, Reply>, Failure>;

pub(crate) type Finished = (Id, Result<Reply, Failure>);

/// What a future comes to.
enum Outcome {
    Finished(Result<Reply, Failure>),
    Opened(Sock, Box<dyn Socket>),
}

type BoxFuture = Pin<Box<dyn Future<Output = (Id, Outcome)> + Send>>;

/// The I/O of one flow. Dropping it hangs up all that is under way.
pub struct Io {
    client: Client,
    streams: Streams<Client>,
    sockets: BTreeMap<Sock, Box<dyn Socket>>,
    reads: BTreeMap<Port, (Reader, Option<Id>)>,
    writes: BTreeMap<Port, (Writer, Option<(Id, Bytes)>)>,
    disk: Queue,
    futures: FuturesUnordered<BoxFuture>,
    finished: VecDeque<Finished>,
}

impl Io {
    pub(crate) fn new(client: &Client, streams: Streams<Client>) -> Self {
        Self {
            client: client.clone(),
            streams,
            sockets: BTreeMap::new(),
            reads: BTreeMap::new(),
            writes: BTreeMap::new(),
            disk: Queue::default(),
            futures: FuturesUnordered::new(),
            finished: VecDeque::new(),
        }
    }

    fn peer(&self, peer: Peer) -> &Client {
        self.streams.peer(peer).unwrap_or(&self.client)
    }

    fn run(&mut self, id: Id, future: impl Future<Output = Outcome> + Send + 'static) {
        self.futures.push(Box::pin(async move { (id, future.await) }));
    }

    fn fail(&mut self, id: Id, kind: FailureKind, why: &str) {
        self.finished.push_back((id, Err(Failure::new(kind, why))));
    }

    fn request(&mut self, id: Id, peer: Peer, request: Request) {
        let client = self.peer(peer).clone();
        match self.streams.redeem(request) {
            Err(failure) => self.finished.push_back((id, Err(failure))),
            Ok(request) => {
                self.run(id, async move { Outcome::Finished(client.exchange(request).await.map(Reply::Http)) });
            }
        }
    }

    fn relay(&mut self, id: Id, (from, get): (Peer, Request), (to, post): (Peer, Request)) {
        let (from, to) = (self.peer(from).clone(), self.peer(to).clone());
        match (self.streams.redeem(get), self.streams.redeem(post)) {
            (Ok(get), Ok(post)) => {
                self.run(id, async move { Outcome::Finished(from.relay(get, &to, post).await.map(Reply::Http)) });
            }
            (Err(failure), _) | (_, Err(failure)) => self.finished.push_back((id, Err(failure))),
        }
    }

    fn open(&mut self, id: Id, sock: Sock, opened: impl Future<Output = Opened> + Send + 'static) {
        self.run(id, async move {
            match opened.await {
                Ok(Ok(socket)) => Outcome::Opened(sock, socket),
                Ok(Err(reply)) => Outcome::Finished(Ok(reply)),
                Err(failure) => Outcome::Finished(Err(failure)),
            }
        });
    }

    fn socket(&mut self, id: Id, sock: Sock, act: impl FnOnce(&mut dyn Socket)) {
        match self.sockets.get_mut(&sock) {
            Some(socket) => act(&mut **socket),
            None => self.fail(id, FailureKind::Broken, "the connection is not open"),
        }
    }

    fn read(&mut self, id: Id, port: Port) {
        self.reads.extend(self.streams.readers.remove(&port).map(|reader| (port, (reader, None))));
        match self.reads.get_mut(&port) {
            Some((_, order)) => *order = Some(id),
            None => self.fail(id, FailureKind::Other, "there is no such reader"),
        }
    }

    fn write(&mut self, id: Id, port: Port, data: Bytes) {
        self.writes.extend(self.streams.writers.remove(&port).map(|writer| (port, (writer, None))));
        match self.writes.get_mut(&port) {
            Some((_, order)) => *order = Some((id, data)),
            None => self.fail(id, FailureKind::Other, "there is no such writer"),
        }
    }

    /// Does all that can be done now.
    fn pump(&mut self, context: &mut Context<'_>) {
        self.sockets.values_mut().for_each(|socket| socket.pump(context, &mut self.finished));
        for (reader, order) in self.reads.values_mut() {
            let Some(id) = *order else { continue };
            if let Poll::Ready(result) = read_piece(reader, context) {
                *order = None;
                self.finished.push_back((id, result));
            }
        }
        for (writer, order) in self.writes.values_mut() {
            let Some((id, data)) = order else { continue };
            if let Poll::Ready(result) = write_piece(writer, data, context) {
                self.finished.push_back((*id, result));
                *order = None;
            }
        }
        self.disk.pump(self.streams.disk.as_ref(), context, &mut self.finished);
        while let Poll::Ready(Some((id, outcome))) = Pin::new(&mut self.futures).poll_next(context) {
            match outcome {
                Outcome::Finished(result) => self.finished.push_back((id, result)),
                Outcome::Opened(sock, socket) => {
                    let gone = |id| (id, Err(Failure::new(FailureKind::Cancelled, "the connection was opened again")));
                    let old = self.sockets.insert(sock, socket);
                    self.finished.extend(old.into_iter().flat_map(|old| old.outstanding()).map(gone));
                    self.finished.push_back((id, Ok(Reply::Opened)));
                }
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.futures.is_empty()
            && self.disk.is_idle()
            && self.sockets.values().all(|socket| socket.is_idle())
            && self.reads.values().all(|(_, order)| order.is_none())
            && self.writes.values().all(|(_, order)| order.is_none())
    }
}

impl AsyncIo for Io {
    fn start(&mut self, id: Id, action: Action) {
        match action {
            Action::Http(peer, request) => self.request(id, peer, request),
            Action::Relay(from, get, to, post) => self.relay(id, (from, *get), (to, *post)),
            Action::Open(peer, sock, request) => {
                let http = self.peer(peer).http().clone();
                self.open(id, sock, async move { websocket::open(&http, request).await });
            }
            Action::Upgrade(peer, sock, request) => {
                let http = self.peer(peer).http().clone();
                self.open(id, sock, async move { bytestream::open(&http, request).await });
            }
            Action::Recv(sock) => self.socket(id, sock, |socket| socket.receive(id)),
            Action::Send(sock, message) => self.socket(id, sock, |socket| socket.send(id, message)),
            Action::Close(sock) => self.socket(id, sock, |socket| socket.close(id)),
            Action::Read(port) => self.read(id, port),
            Action::Write(port, data) => self.write(id, port, data),
            Action::Disk(action) => self.disk.push(id, action),
            Action::Sleep(time) => self.run(id, async move {
                tokio::time::sleep(time).await;
                Outcome::Finished(Ok(Reply::Done))
            }),
            _ => self.fail(id, FailureKind::Unsupported, "an unknown action"),
        }
    }

    fn poll_finish(&mut self, context: &mut Context<'_>) -> Poll<Finished> {
        if self.finished.is_empty() {
            self.pump(context);
        }
        match self.finished.pop_front() {
            Some(finished) => Poll::Ready(finished),
            None if self.is_idle() => {
                let nothing = Failure::new(FailureKind::Other, "nothing was started");
                Poll::Ready((Id(0), Err(nothing)))
            }
            None => Poll::Pending,
        }
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("client", &self.client).field("sockets", &self.sockets.len()).finish_non_exhaustive()
    }
}

/// The next piece of the caller's input. It is asked for again and again while there is none, so its memory is not cleared
/// for each time.
fn read_piece(reader: &mut Reader, context: &mut Context<'_>) -> Poll<Result<Reply, Failure>> {
    let mut piece = BytesMut::with_capacity(limits::CHUNK);
    Poll::Ready(match ready!(pin!(reader.0.read_buf(&mut piece)).poll(context)) {
        Ok(length) => Ok(Reply::Data((length > 0).then(|| piece.freeze()))),
        Err(error) => Err(Failure::from_error(FailureKind::Reader, &error)),
    })
}

/// Writes to the caller's output, and flushes it.
fn write_piece(writer: &mut Writer, data: &mut Bytes, context: &mut Context<'_>) -> Poll<Result<Reply, Failure>> {
    let failed = |error: &std::io::Error| Poll::Ready(Err(Failure::from_error(FailureKind::Writer, error)));
    while !data.is_empty() {
        match ready!(writer.0.as_mut().poll_write(context, data)) {
            Ok(0) => return failed(&std::io::ErrorKind::WriteZero.into()),
            Ok(length) => data.advance(length),
            Err(error) => return failed(&error),
        }
    }
    match ready!(writer.0.as_mut().poll_flush(context)) {
        Ok(()) => Poll::Ready(Ok(Reply::Done)),
        Err(error) => failed(&error),
    }
}
