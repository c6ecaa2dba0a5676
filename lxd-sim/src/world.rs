//! Simulated servers, and clients that reach them without I/O, in virtual time: the same seed gives the same run.

mod connection;
mod direct;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use lxd_proto::{
    Failure, FailureKind, LongPoll, Phase,
    flow::{Id, Message, Reply},
};

use self::connection::Connection;
pub use self::direct::{Body, Direct, DirectIo, Kept};
use crate::{
    Caller, Exchange, Input, Output, Sim,
    faults::{Arrival, Fate, Faults},
};

/// What a transport waits at most for the head of an answer that is not kept back on purpose.
const HEAD: Duration = Duration::from_secs(300);

/// Whatever takes longer does not end.
const END: Duration = Duration::from_secs(6 * 3600);

/// Servers, and all that is on the way to them and back. It is cheap to clone: clones are the same.
///
/// ```
/// use lxd_proto::{Lxd, resources::InstancesPost};
/// use lxd_sim::{Config, Faults, Sim, World};
///
/// let world = World::new([Sim::new(Config::default())], Faults::none());
/// let lxd = world.client(0);
/// lxd.instances().create(InstancesPost::empty("c1")).wait().send()?;
/// lxd.instance("c1").start().wait().send()?;
/// assert_eq!(&lxd.instance("c1").exec(["echo", "hello"]).output().send()?.stdout[..], b"hello\n");
/// # Ok::<(), lxd_proto::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct World(Arc<Mutex<Inner>>);

impl World {
    /// These servers, and what goes wrong on the way to them.
    pub fn new(servers: impl IntoIterator<Item = Sim>, faults: Faults) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            now: Duration::ZERO,
            servers: servers.into_iter().map(|sim| Server { sim, down_until: Duration::ZERO }).collect(),
            faults,
            events: BTreeMap::new(),
            sequence: 0,
            connections: BTreeMap::new(),
            finished: BTreeMap::new(),
        })))
    }

    /// A client of the server with this number, trusted, as over its Unix socket.
    pub fn client(&self, server: usize) -> Direct {
        Direct::new(self, server)
    }

    /// From now on this goes wrong.
    pub fn disturb(&self, faults: Faults) {
        self.inner().faults = faults;
    }

    /// From now on nothing goes wrong any more, and what is down comes back: to look at what has become of it all.
    pub fn calm(&self) {
        let mut inner = self.inner();
        inner.faults = Faults::none();
        let now = inner.now;
        for server in &mut inner.servers {
            server.down_until = now;
            server.sim.fill_disk(false);
        }
    }

    /// What time it is, since the beginning.
    pub fn now(&self) -> Duration {
        self.inner().now
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // What a test has broken is broken for it alone.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An action that is finished, and what it came to.
type Finished = (Id, Result<Reply, Failure>);

#[derive(Debug)]
struct Server {
    sim: Sim,
    down_until: Duration,
}

/// Something that will happen.
#[derive(Debug)]
enum Event {
    /// A request comes to its server.
    Ask(Exchange, Request<Bytes>),
    /// A message comes to its server.
    Say(Exchange, Message),
    /// A message comes to its client, or the end of the connection.
    Hear(Exchange, Result<Option<Message>, Failure>),
    /// An answer comes to who asked.
    Answer(Exchange, Result<Reply, Failure>),
    /// The client has closed a connection.
    Close(Exchange),
    /// Something else is finished.
    Finish(u64, Id, Result<Reply, Failure>),
    /// A connection on which nothing has moved for long is given up by the system.
    Dead(Exchange),
    /// The disk of a server has room again.
    Room(usize),
}

#[derive(Debug)]
struct Inner {
    now: Duration,
    servers: Vec<Server>,
    faults: Faults,
    events: BTreeMap<(Duration, u64), Event>,
    /// Counts all that needs a number.
    sequence: u64,
    connections: BTreeMap<Exchange, Connection>,
    /// What is finished, by who waits for it.
    finished: BTreeMap<u64, VecDeque<Finished>>,
}

impl Inner {
    fn number(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    fn at(&mut self, time: Duration, event: Event) {
        let number = self.number();
        self.events.insert((time, number), event);
    }

    /// After the usual time on the way, or longer.
    fn soon(&mut self, event: Event) {
        let time = self.now + self.faults.way();
        self.at(time, event);
    }

    /// What is next happens.
    ///
    /// # Panics
    /// When nothing will ever happen, or it does not end.
    fn step(&mut self) {
        let due =
            self.servers.iter().enumerate().filter_map(|(index, server)| Some((server.sim.timeout()?, index))).min();
        let event = self.events.first_key_value().map(|((at, _), _)| *at);
        assert!(self.now < END, "it does not end");
        match (event, due) {
            (Some(at), due) if due.is_none_or(|(due, _)| at <= due) => {
                self.now = self.now.max(at);
                if let Some((_, event)) = self.events.pop_first() {
                    self.happens(event);
                }
            }
            (_, Some((due, index))) => {
                self.now = self.now.max(due);
                self.tell(index, Input::Time);
            }
            (_, None) => panic!("nothing will ever happen, and somebody waits"),
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Finish(io, id, result) => self.finish(io, id, result),
            Event::Dead(exchange) => self.break_off(exchange),
            Event::Room(server) => self.servers[server].sim.fill_disk(false),
            Event::Ask(exchange, request) => self.ask(exchange, request),
            Event::Say(exchange, message) => {
                if let Some(connection) = self.connections.get(&exchange).filter(|connection| connection.is_alive()) {
                    let server = connection.server;
                    self.tell(server, Input::Message { exchange, message });
                }
            }
            Event::Hear(exchange, message) => {
                let Some(connection) = self.connections.get_mut(&exchange) else { return };
                let (server, heard) = (connection.server, matches!(message, Ok(Some(_))));
                if let Some((io, id, message)) = connection.hear(message) {
                    self.finish(io, id, message.map(Reply::Message));
                }
                if heard {
                    self.tell(server, Input::Taken { exchange });
                }
            }
            Event::Answer(exchange, result) => self.answered(exchange, result),
            Event::Close(exchange) => {
                if let Some(connection) = self.connections.remove(&exchange) {
                    self.tell(connection.server, Input::Closed { exchange });
                }
            }
        }
    }

    fn finish(&mut self, io: u64, id: Id, result: Result<Reply, Failure>) {
        // Who has gone away hears nothing.
        if let Some(finished) = self.finished.get_mut(&io) {
            finished.push_back((id, result));
        }
    }

    /// Tells a server something, and does what it then says.
    fn tell(&mut self, index: usize, input: Input) {
        let now = self.now;
        self.servers[index].sim.handle(now, input);
        while let Some(output) = self.servers[index].sim.poll() {
            self.says(output);
        }
    }

    fn says(&mut self, output: Output) {
        match output {
            Output::Response { exchange, response } => {
                let Some(connection) = self.connections.get_mut(&exchange) else { return };
                // A request that came twice is answered twice, and the first answer is lost.
                if connection.answers_left > 1 {
                    connection.answers_left -= 1;
                    return;
                }
                self.respond(exchange, response);
            }
            Output::Upgraded { exchange } => self.soon(Event::Answer(exchange, Ok(Reply::Opened))),
            Output::Message { exchange, message } => self.carry(exchange, message),
            Output::Close { exchange } => self.hear_in_order(exchange, Ok(None)),
        }
    }

    /// An answer goes on its way, as whole as its fate lets it be.
    fn respond(&mut self, exchange: Exchange, response: Response<Bytes>) {
        let Some(connection) = self.connections.get(&exchange) else { return };
        let broken = |text| Err(Failure::new(FailureKind::Broken, text));
        let result = match self.faults.answer(connection.fate, response) {
            Arrival::Whole(response) => Ok(Reply::Http(response)),
            Arrival::Cut(response) => broken(format!("an answer of {} bytes broke off", response.body().len())),
            Arrival::Lost => broken("the answer was lost".into()),
            Arrival::Never => return,
        };
        self.soon(Event::Answer(exchange, result));
    }

    fn answered(&mut self, exchange: Exchange, result: Result<Reply, Failure>) {
        let Some(connection) = self.connections.get_mut(&exchange) else { return };
        let Some((io, id)) = connection.asked.take() else { return };
        let opened = matches!(result, Ok(Reply::Opened));
        let server = connection.server;
        if !opened {
            self.connections.remove(&exchange);
            self.tell(server, Input::Closed { exchange });
        }
        self.finish(io, id, result);
    }

    /// Takes a request on its way.
    fn send(&mut self, server: usize, asked: (u64, Id), request: Request<Bytes>) -> Exchange {
        let exchange = Exchange(self.number());
        let refused = self.faults.refuse();
        let plan = self.faults.plan(request.headers().contains_key(http::header::UPGRADE));
        self.connections.insert(exchange, Connection::new(server, asked, plan));
        let limit = request.extensions().get().map_or(HEAD, |LongPoll(limit)| *limit);
        let silent = Failure::new(FailureKind::Timeout(Phase::Head), "the server was silent for too long");
        self.at(self.now + limit, Event::Answer(exchange, Err(silent)));
        if refused {
            let refused = Failure::new(FailureKind::Connect, "refused");
            self.soon(Event::Answer(exchange, Err(refused)));
        } else if matches!(plan.fate, Fate::Lost | Fate::Refused) {
            self.respond(exchange, Response::default());
        } else {
            if plan.twice {
                self.soon(Event::Ask(exchange, copy(&request)));
            }
            self.soon(Event::Ask(exchange, request));
        }
        if let Some(time) = plan.away {
            self.restart(server, time);
        }
        if let Some(time) = plan.full {
            self.servers[server].sim.fill_disk(true);
            self.at(self.now + time, Event::Room(server));
        }
        exchange
    }

    fn ask(&mut self, exchange: Exchange, request: Request<Bytes>) {
        let Some(connection) = self.connections.get(&exchange) else { return };
        let server = connection.server;
        if self.servers[server].down_until > self.now {
            let refused = Failure::new(FailureKind::Connect, "the server is down");
            return self.soon(Event::Answer(exchange, Err(refused)));
        }
        self.tell(server, Input::Request { exchange, from: Caller::Unix, request });
    }

    /// The daemon starts again.
    fn restart(&mut self, server: usize, away: Duration) {
        self.servers[server].sim.restart();
        self.servers[server].down_until = self.now + away;
        while let Some(output) = self.servers[server].sim.poll() {
            self.says(output);
        }
        let of: Vec<_> =
            self.connections.iter().filter(|(_, of)| of.server == server).map(|(exchange, _)| *exchange).collect();
        for exchange in of {
            self.break_off(exchange);
        }
    }
}

fn copy(request: &Request<Bytes>) -> Request<Bytes> {
    let mut copy = Request::new(request.body().clone());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}
