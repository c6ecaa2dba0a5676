//! The simulation's face: what comes in, what goes out, and what time it is.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use lxd_proto::{Fingerprint, flow::Message};

use crate::{
    answer::{Answer, respond},
    ask::Ask,
    clock,
    config::{Config, Version},
    events::Subscriber,
    exec::Process,
    images::Files as ImageFiles,
    instances::Inside,
    migration::Migration,
    objects::Objects,
    operations::{Operation, Work},
    random::Random,
    sockets::Socket,
};

/// Names an exchange: a request, its answer, and what the connection became after that. The caller counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exchange(pub u64);

/// How somebody came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Caller {
    /// By the Unix socket: trusted.
    Unix,
    /// By TLS, with a client certificate, or without: trusted if the trust store has it.
    Tls(Option<Fingerprint>),
}

/// Something has happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input {
    /// A request has come, with its whole body.
    Request {
        /// A new one.
        exchange: Exchange,
        /// How it came.
        from: Caller,
        /// Its URI is path and query. A client certificate that is to be added as the caller's own is an extension of
        /// it: [`ClientCertificate`](crate::ClientCertificate).
        request: Request<Bytes>,
    },
    /// A message has come on what was upgraded. On SFTP it is a binary one, cut anywhere.
    Message {
        /// Of which.
        exchange: Exchange,
        /// What.
        message: Message,
    },
    /// The peer has taken an [`Output::Message`], which makes room for more.
    Taken {
        /// Of which.
        exchange: Exchange,
    },
    /// The connection is gone, or nobody waits for the answer any more.
    Closed {
        /// Which.
        exchange: Exchange,
    },
    /// Time has passed.
    Time,
}

/// Something to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// The answer to a request.
    Response {
        /// To which.
        exchange: Exchange,
        /// With its whole body.
        response: Response<Bytes>,
    },
    /// Switch protocols, as the request asked: to a websocket, or to SFTP.
    Upgraded {
        /// Which.
        exchange: Exchange,
    },
    /// Send this; answered by [`Input::Taken`].
    Message {
        /// Where.
        exchange: Exchange,
        /// What.
        message: Message,
    },
    /// Close the connection: LXD sends no close frame.
    Close {
        /// Which.
        exchange: Exchange,
    },
}

/// A simulated LXD. It does no I/O, has no clock and no thread: it is told what happens, and says what to do.
pub struct Sim {
    pub(crate) config: Config,
    pub(crate) now: Duration,
    pub(crate) random: Random,
    pub(crate) out: VecDeque<Output>,
    pub(crate) timers: BTreeMap<(Duration, u64), Timer>,
    timer: u64,
    pub(crate) objects: Objects,
    pub(crate) instances: BTreeMap<(String, String), Inside>,
    pub(crate) image_files: BTreeMap<String, ImageFiles>,
    /// Archives, by names that nobody sees.
    pub(crate) backup_files: BTreeMap<String, Bytes>,
    pub(crate) operations: BTreeMap<String, Operation>,
    pub(crate) subscribers: BTreeMap<Exchange, Subscriber>,
    pub(crate) sockets: BTreeMap<Exchange, Socket>,
    pub(crate) processes: BTreeMap<String, Process>,
    /// By their operations.
    pub(crate) migrations: BTreeMap<String, Migration>,
    pub(crate) disk_is_full: bool,
}

/// What is to be done at a time.
pub(crate) enum Timer {
    /// An operation goes on.
    Work(String, Work),
    /// An operation's end is long enough ago.
    Forget(String),
    /// Somebody has waited long enough for an operation.
    WaitOver(String, Exchange),
    /// All websockets of a command must be open by now.
    Attached(String),
    /// Both websockets of a migration must be open by now.
    Connected(String),
    /// A command goes on.
    Process(String),
    /// Is anybody there?
    Keepalive(Exchange),
}

impl Sim {
    /// A server with what a fresh one has: a project, a profile, a storage pool and a bridge.
    pub fn new(config: Config) -> Self {
        let mut sim = Self {
            random: Random::new(config.seed),
            config,
            now: Duration::ZERO,
            out: VecDeque::new(),
            timers: BTreeMap::new(),
            timer: 0,
            objects: Objects::default(),
            instances: BTreeMap::new(),
            image_files: BTreeMap::new(),
            backup_files: BTreeMap::new(),
            operations: BTreeMap::new(),
            subscribers: BTreeMap::new(),
            sockets: BTreeMap::new(),
            processes: BTreeMap::new(),
            migrations: BTreeMap::new(),
            disk_is_full: false,
        };
        sim.furnish();
        sim
    }

    /// Something has happened. `now` is the time since the simulation began; it never goes back.
    pub fn handle(&mut self, now: Duration, input: Input) {
        self.pass(now);
        match input {
            Input::Request { exchange, from, request } => self.request(exchange, from, request),
            Input::Message { exchange, message } => self.received(exchange, message),
            Input::Taken { exchange } => self.taken(exchange),
            Input::Closed { exchange } => self.closed(exchange),
            Input::Time => {}
        }
    }

    /// What is to be done next. Asked until it says nothing.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When it wants [`Input::Time`] at the latest, if nothing else happens before.
    pub fn timeout(&self) -> Option<Duration> {
        self.timers.keys().next().map(|(at, _)| *at)
    }

    /// Whether it takes another message of what was upgraded now. Who sends one nevertheless is not refused; it costs
    /// memory.
    pub fn takes(&self, exchange: Exchange) -> bool {
        self.sockets.get(&exchange).is_none_or(|socket| self.takes_more(socket))
    }

    /// The daemon ends and starts again, as a package's update does it: operations, what was waited for, and all open
    /// connections are gone. Instances go on, but their commands end.
    pub fn restart(&mut self) {
        let open: Vec<_> = self.sockets.keys().copied().collect();
        open.into_iter().for_each(|exchange| self.hang_up(exchange));
        self.timers.clear();
        self.operations.clear();
        self.processes.clear();
        self.migrations.clear();
        self.subscribers.clear();
    }

    /// From now on the disk is full, or has room again: no file gets any longer.
    pub fn fill_disk(&mut self, full: bool) {
        self.disk_is_full = full;
    }

    /// What is due until then happens, each at its own time.
    fn pass(&mut self, now: Duration) {
        while let Some(entry) = self.timers.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((at, _), timer) = entry.remove_entry();
            self.now = self.now.max(at);
            match timer {
                Timer::Work(id, work) => self.work(&id, work),
                Timer::Forget(id) => self.forget(&id),
                Timer::WaitOver(id, exchange) => self.wait_over(&id, exchange),
                Timer::Attached(id) => self.attached_by_now(&id),
                Timer::Connected(id) => self.connected_by_now(&id),
                Timer::Process(id) => self.run(&id),
                Timer::Keepalive(exchange) => self.keepalive(exchange),
            }
        }
        self.now = self.now.max(now);
    }

    pub(crate) fn after(&mut self, time: Duration, timer: Timer) {
        self.timer += 1;
        self.timers.insert((self.now + time, self.timer), timer);
    }

    fn request(&mut self, exchange: Exchange, from: Caller, request: Request<Bytes>) {
        let answer = Ask::read(exchange, from, request).and_then(|ask| self.route(&ask));
        let answer = answer.unwrap_or_else(Answer::Refused);
        if let Some(response) = respond(self, answer) {
            self.out.push_back(Output::Response { exchange, response });
        }
    }

    /// The time of now, as LXD writes it.
    pub(crate) fn time(&self) -> String {
        clock::rfc3339(self.config.epoch + self.now)
    }

    pub(crate) fn is_old(&self) -> bool {
        self.config.version == Version::Lxd5_0_2
    }

    pub(crate) fn has(&self, extension: &str) -> bool {
        self.config.extensions.contains(&extension)
    }

    pub(crate) fn say(&mut self, exchange: Exchange, message: Message) {
        self.out.push_back(Output::Message { exchange, message });
    }
}

impl std::fmt::Debug for Sim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sim").field("version", &self.config.version).field("now", &self.now).finish_non_exhaustive()
    }
}
