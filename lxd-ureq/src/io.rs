//! What starts and finishes a flow's actions, on the caller's thread: it polls all websockets, and runs a lone request.
//! Helper threads do what can only block: handshakes, requests beside others, and the caller's own reads and writes. A disk
//! is quick, and no helper's business.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    time::{Duration, Instant},
};

use bytes::Bytes;

use lxd_proto::{
    Blocking, Failure, FailureKind, Request, Streams,
    flow::{Action, BlockingIo, Id, Peer, Port, Reply, Sock},
};
use rustix::event::{PollFd, PollFlags};

use crate::{
    Client, bytestream,
    conn::{Hangup, Target, poll_for},
    helpers::{Helpers, Outcome, Service, read_piece, write_piece},
    socket::Socket,
    websocket,
};

/// Longer than any timer of a flow, and short enough for every clock.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// While one connection has always something to say, nobody waits, and so it is not seen that the others have, a helper
/// or a timer. Each so many turns they are asked.
const FAIR: u32 = 64;

/// An open connection, or the answer that refuses it.
type Opened = Result<Result<Box<dyn Socket>, Reply>, Failure>;

type Finished = (Id, Result<Reply, Failure>);

/// The I/O of one flow. Dropping it hangs up all that is under way.
pub struct Io {
    client: Client,
    streams: Streams<Client>,
    requests: VecDeque<(Id, Peer, Request)>,
    sockets: BTreeMap<Sock, Box<dyn Socket>>,
    timers: Vec<(Instant, Id)>,
    ports: BTreeMap<Port, Service>,
    finished: VecDeque<Finished>,
    helpers: Helpers,
    turns: u32,
}

impl Io {
    pub(crate) fn new(client: &Client, streams: Streams<Client>) -> Self {
        Self {
            client: client.clone(),
            streams,
            requests: VecDeque::new(),
            sockets: BTreeMap::new(),
            timers: Vec::new(),
            ports: BTreeMap::new(),
            finished: VecDeque::new(),
            helpers: Helpers::new(),
            turns: 0,
        }
    }

    fn peer(&self, peer: Peer) -> &Client {
        self.streams.peer(peer).unwrap_or(&self.client)
    }

    fn open(&mut self, id: Id, peer: Peer, sock: Sock, open: impl FnOnce(&Target, &Hangup) -> Opened + Send + 'static) {
        let (target, hangup) = (self.peer(peer).http().target().clone(), self.helpers.hangup().clone());
        self.helpers.run(id, move || match open(&target, &hangup) {
            Ok(Ok(socket)) => Outcome::Opened(sock, socket),
            Ok(Err(reply)) => Outcome::Finished(Ok(reply)),
            Err(failure) => Outcome::Finished(Err(failure)),
        });
    }

    fn socket(&mut self, id: Id, sock: Sock, act: impl FnOnce(&mut dyn Socket)) {
        match self.sockets.get_mut(&sock) {
            Some(socket) => act(&mut **socket),
            None => self.finished.push_back((id, Err(Failure::new(FailureKind::Broken, "the connection is not open")))),
        }
    }

    /// One thread for each of the caller's readers and writers, which blocks as they do.
    fn port(&mut self, id: Id, port: Port, data: Bytes) {
        let service = match (self.streams.readers.remove(&port), self.streams.writers.remove(&port)) {
            (Some(mut reader), _) => Some(self.helpers.serve(move |_| read_piece(&mut *reader.0))),
            (_, Some(mut writer)) => Some(self.helpers.serve(move |data| write_piece(&mut *writer.0, &data))),
            (None, None) => None,
        };
        self.ports.extend(service.map(|service| (port, service)));
        match self.ports.get(&port) {
            Some(service) => self.helpers.ask(service, id, data),
            None => self
                .finished
                .push_back((id, Err(Failure::new(FailureKind::Other, "there is no such reader or writer")))),
        }
    }

    /// A lone request runs here; requests beside anything else run in threads of their own, over connections that can be
    /// hung up.
    fn start_requests(&mut self) {
        let idle = self.helpers.are_idle() && self.sockets.is_empty() && self.timers.is_empty();
        let alone = idle && self.requests.len() == 1;
        for (id, peer, request) in std::mem::take(&mut self.requests) {
            let client = self.peer(peer).clone();
            match self.streams.redeem(request) {
                Err(failure) => self.finished.push_back((id, Err(failure))),
                Ok(request) if alone => self.finished.push_back((id, client.exchange(request).map(Reply::Http))),
                Ok(request) => {
                    let apart = client.apart(self.helpers.hangup().clone());
                    self.helpers.run(id, move || Outcome::Finished(apart.exchange(request).map(Reply::Http)));
                }
            }
        }
    }

    fn relay(&mut self, id: Id, (from, get): (Peer, Request), (to, post): (Peer, Request)) {
        let hangup = self.helpers.hangup();
        let (from, to) = (self.peer(from).apart(hangup.clone()), self.peer(to).apart(hangup.clone()));
        match (self.streams.redeem(get), self.streams.redeem(post)) {
            (Ok(get), Ok(post)) => {
                self.helpers.run(id, move || Outcome::Finished(from.relay(get, &to, post).map(Reply::Http)));
            }
            (Err(failure), _) | (_, Err(failure)) => self.finished.push_back((id, Err(failure))),
        }
    }

    fn helped(&mut self) {
        while let Some((id, outcome)) = self.helpers.next() {
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

    fn timed(&mut self) {
        let now = Instant::now();
        let due = self.timers.iter().filter(|(at, _)| *at <= now).map(|(_, id)| (*id, Ok(Reply::Done)));
        self.finished.extend(due);
        self.timers.retain(|(at, _)| *at > now);
    }

    fn wait(&mut self) {
        let next = self.timers.iter().map(|(at, _)| *at).min();
        let idle = self.sockets.values().all(|socket| socket.interest().is_empty());
        if idle && next.is_none() && self.helpers.are_idle() {
            let nothing = Failure::new(FailureKind::Other, "nothing was started");
            return self.finished.push_back((Id(0), Err(nothing)));
        }
        self.poll(next.map(|next| next.saturating_duration_since(Instant::now())));
    }

    /// Waits not longer than this until a connection or a helper has something to say.
    fn poll(&mut self, time: Option<Duration>) {
        let sockets = self.sockets.values().filter(|socket| !socket.interest().is_empty());
        let mut fds: Vec<_> = sockets.map(|socket| PollFd::new(socket, socket.interest())).collect();
        let sockets = fds.len();
        fds.extend(self.helpers.bell().map(|bell| PollFd::from_borrowed_fd(bell, PollFlags::IN)));
        if let Err(error) = poll_for(&mut fds, time) {
            self.finished.push_back((Id(0), Err(Failure::from_error(FailureKind::Other, &error))));
        }
        let said: Vec<_> = fds.iter().map(PollFd::revents).collect();
        if said.get(sockets).is_some_and(|bell| !bell.is_empty()) {
            self.helpers.heard();
        }
        let sockets = self.sockets.values_mut().filter(|socket| !socket.interest().is_empty());
        sockets.zip(said).for_each(|(socket, flags)| socket.ready(flags));
    }
}

impl BlockingIo for Io {
    fn start(&mut self, id: Id, action: Action) {
        match action {
            Action::Http(peer, request) => self.requests.push_back((id, peer, request)),
            Action::Relay(from, get, to, post) => self.relay(id, (from, *get), (to, *post)),
            Action::Open(peer, sock, request) => {
                self.open(id, peer, sock, move |target, hangup| websocket::open(target, request, hangup));
            }
            Action::Upgrade(peer, sock, request) => {
                self.open(id, peer, sock, move |target, hangup| bytestream::open(target, &request, hangup));
            }
            Action::Recv(sock) => self.socket(id, sock, |socket| socket.receive(id)),
            Action::Send(sock, message) => self.socket(id, sock, |socket| socket.send(id, message)),
            Action::Close(sock) => self.socket(id, sock, |socket| socket.close(id)),
            Action::Read(port) => self.port(id, port, Bytes::new()),
            Action::Write(port, data) => self.port(id, port, data),
            Action::Disk(action) => self.finished.push_back((id, self.streams.on_disk(action).map(Reply::Disk))),
            Action::Sleep(time) => self.timers.push((Instant::now() + time.min(A_YEAR), id)),
            _ => self.finished.push_back((id, Err(Failure::new(FailureKind::Unsupported, "an unknown action")))),
        }
    }

    fn finish(&mut self) -> Finished {
        loop {
            if let Some(finished) = self.finished.pop_front() {
                return finished;
            }
            self.start_requests();
            self.turns = self.turns.wrapping_add(1);
            let fair = self.turns % FAIR == 0;
            if fair {
                self.poll(Some(Duration::ZERO));
            }
            self.sockets.values_mut().for_each(|socket| socket.pump(&mut self.finished));
            if fair || self.finished.is_empty() {
                self.helped();
                self.timed();
            }
            if self.finished.is_empty() {
                self.wait();
            }
        }
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("client", &self.client).field("sockets", &self.sockets.len()).finish_non_exhaustive()
    }
}
