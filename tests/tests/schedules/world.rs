//! Where a schedule is played: in virtual time through the core alone, or through an adapter, against servers that listen.

use std::{cell::OnceCell, marker::PhantomData, time::Duration};

use lxd_host::{Remote, Timeouts};
use lxd_proto::{
    Blocking, Client, Failure, Fingerprint, Joining, LongPoll, Payload, Pipe, Request, Response, Scope, Streams, Tap,
    flow::{Action, BlockingIo, Id, Reply},
};
use lxd_sim::{Config, Direct, Faults, Listen, Server, Sim, Version, Waiting};
use lxd_tests::Lab;

/// Two servers, and ways to them.
pub(crate) trait World {
    /// What reaches them.
    type Client: Blocking;

    /// Servers whose secrets and all that are of this seed.
    fn new(seed: u64) -> Self;

    /// A new client, which has time.
    fn client(&self, server: usize) -> Self::Client;

    /// A new client, which does not wait long for what does not come.
    fn hurried(&self, server: usize) -> Self::Client;

    /// From now on this goes wrong.
    fn disturb(&self, faults: &Faults);

    /// From now on nothing goes wrong any more.
    fn calm(&self);
}

/// Both versions in turn, and each third of the newer ones waits as those between them do.
fn config(seed: u64, server: usize) -> Config {
    let mut config = Config::new(if seed % 2 == 0 { Version::Lxd5_0_2 } else { Version::Lxd6_9 });
    if seed % 6 == 5 {
        config.waiting = Waiting::HttpError;
    }
    config.seed = seed * 2 + server as u64;
    config
}

impl World for lxd_sim::World {
    type Client = Direct;

    fn new(seed: u64) -> Self {
        Self::new([0, 1].map(|server| Sim::new(config(seed, server))), Faults::none())
    }

    fn client(&self, server: usize) -> Direct {
        self.client(server)
    }

    /// Time costs nothing.
    fn hurried(&self, server: usize) -> Direct {
        self.client(server)
    }

    fn disturb(&self, faults: &Faults) {
        self.disturb(faults.clone());
    }

    fn calm(&self) {
        self.calm();
    }
}

/// Servers behind Unix sockets, each from when it is needed, and an adapter's clients.
pub(crate) struct Listening<C> {
    seed: u64,
    servers: [OnceCell<Server>; 2],
    client: PhantomData<C>,
}

impl<C: Lab> Listening<C> {
    fn server(&self, number: usize) -> &Server {
        let start = || Server::start_with(config(self.seed, number), Listen::default()).expect("a server");
        self.servers[number].get_or_init(start)
    }

    fn reach(&self, server: usize, timeouts: Timeouts, haste: u32) -> Hasty<C> {
        let socket = self.server(server).socket().display().to_string();
        Hasty { client: C::connect(Remote::unix(socket).timeouts(timeouts)), haste }
    }
}

impl<C: Lab> World for Listening<C> {
    type Client = Hasty<C>;

    fn new(seed: u64) -> Self {
        Self { seed, servers: Default::default(), client: PhantomData }
    }

    fn client(&self, server: usize) -> Hasty<C> {
        self.reach(server, Timeouts::default(), 1)
    }

    /// As hasty as what goes wrong in the servers.
    fn hurried(&self, server: usize) -> Hasty<C> {
        let short = Duration::from_millis(300);
        let mut timeouts = Timeouts::default();
        (timeouts.head, timeouts.idle) = (short, short);
        self.reach(server, timeouts, 100)
    }

    fn disturb(&self, faults: &Faults) {
        self.servers.iter().filter_map(OnceCell::get).for_each(|server| server.disturb(faults.clone()));
    }

    fn calm(&self) {
        self.servers.iter().filter_map(OnceCell::get).for_each(Server::calm);
    }
}

/// A client for which all that the core waits for takes a part of the time.
#[derive(Clone, Debug)]
pub(crate) struct Hasty<C> {
    client: C,
    haste: u32,
}

impl<C: Lab> Client for Hasty<C> {
    type Reader = C::Reader;
    type Writer = C::Writer;
    type Body = C::Body;

    fn scope(&self) -> &Scope {
        self.client.scope()
    }

    fn with_scope(&self, scope: Scope) -> Self {
        Self { client: self.client.with_scope(scope), haste: self.haste }
    }

    fn pin(&self) -> Option<Fingerprint> {
        self.client.pin()
    }

    fn tap(&self, reader: C::Reader, tap: Tap) -> C::Reader {
        self.client.tap(reader, tap)
    }

    fn pipe(&self) -> Option<(Pipe, C::Reader)> {
        self.client.pipe()
    }
}

impl<C: Lab> Blocking for Hasty<C> {
    type Io = HastyIo<C::Io>;

    fn fetch(&self, request: http::Request<Payload<C::Reader>>) -> Result<http::Response<C::Body>, Failure> {
        self.client.fetch(request)
    }

    fn chunk(body: &mut C::Body) -> Result<Option<bytes::Bytes>, Failure> {
        C::chunk(body)
    }

    fn exchange(&self, request: http::Request<Payload<C::Reader>>) -> Result<Response, Failure> {
        self.client.exchange(request)
    }

    fn spawn<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<Joining<T>> {
        self.client.spawn(job)
    }

    fn io(&self, streams: Streams<Self>) -> Self::Io {
        let streams = streams.map(|hasty| hasty.client, |reader| reader, |writer| writer);
        HastyIo { io: self.client.io(streams), haste: self.haste }
    }
}

/// The same of a flow.
#[derive(Debug)]
pub(crate) struct HastyIo<I> {
    io: I,
    haste: u32,
}

impl<I: BlockingIo> BlockingIo for HastyIo<I> {
    fn start(&mut self, id: Id, mut action: Action) {
        let hurry = |request: &mut Request| {
            if let Some(LongPoll(time)) = request.extensions_mut().get_mut() {
                *time /= self.haste;
            }
        };
        match &mut action {
            Action::Sleep(time) => *time /= self.haste,
            Action::Http(_, request) => hurry(request),
            _ => {}
        }
        self.io.start(id, action);
    }

    fn finish(&mut self) -> (Id, Result<Reply, Failure>) {
        self.io.finish()
    }
}
