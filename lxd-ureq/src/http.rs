//! Requests and answers, by ureq over our own connections. All that is outside ureq's promise of stability
//! (`ureq::unversioned`) is in this file.

use std::{
    cell::Cell,
    fmt,
    io::{self, Cursor, ErrorKind, Read},
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response, Uri};
use lxd_host::Remote;
use lxd_proto::{Failure, FailureKind, LongPoll, Phase, redacted};
use ureq::{
    Agent, AsSendBody, Error, SendBody, Timeout,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport},
    },
};

use crate::{
    Payload,
    conn::{Conn, Hangup, Target},
};

/// How many idle connections are kept, and for how long: LXD closes none by itself.
const IDLE_CONNECTIONS: usize = 8;
const IDLE_AGE: Duration = Duration::from_secs(60);

/// The size of a piece of a body, and of the buffers on the way.
const PIECE: usize = 128 << 10;

/// The size of the first piece of an answer's body.
const SMALL_PIECE: usize = 8 << 10;

thread_local! {
    /// The server has answered the request that this thread is sending, before its body was sent whole. The rest is not
    /// read from the caller and not sent. (ureq runs a request on one thread, and connects its transport and its body
    /// in no other way.)
    static ANSWERED: Cell<bool> = const { Cell::new(false) };

    /// This thread receives an answer's body, and not its head: the limit for silence holds.
    static IN_BODY: Cell<bool> = const { Cell::new(false) };
}

/// Requests to one server, over shared connections.
#[derive(Debug)]
pub(crate) struct Http {
    agent: Agent,
    /// The same over new connections only: where one kept connection is dead, the others may be too.
    fresh: Agent,
    target: Arc<Target>,
    base: String,
}

impl Http {
    pub(crate) fn new(remote: Remote) -> Result<Self, lxd_host::Error> {
        // A URI cannot hold the path of a Unix socket, and needs none: the connector knows where to go.
        let base = match remote.address.authority() {
            None => "http://lxd".into(),
            Some(authority) => format!("https://{authority}"),
        };
        let target = Arc::new(Target::new(remote)?);
        let (agent, fresh) = (agent(&target, None, IDLE_CONNECTIONS), agent(&target, None, 0));
        Ok(Self { agent, fresh, target, base })
    }

    /// The same server over connections of its own, which can be hung up.
    pub(crate) fn apart(&self, hangup: Arc<Hangup>) -> Self {
        let agent = agent(&self.target, Some(hangup), 0);
        Self { fresh: agent.clone(), agent, target: self.target.clone(), base: self.base.clone() }
    }

    pub(crate) fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// Sends a request and returns its answer's head, with its body to come. A `GET` or `HEAD` is sent again, once, over
    /// a new connection, when the connection breaks before the answer: a kept one may have been dead. Anything else may have been done.
    pub(crate) fn fetch(&self, request: Request<Payload>) -> Result<Response<Body>, Failure> {
        let (head, payload) = request.into_parts();
        let started = Instant::now();
        let safe = head.method.is_safe() && matches!(payload, Payload::Empty);
        let again = safe.then(|| head.clone());
        let (method, uri) = (head.method.clone(), head.uri.clone());
        let mut result = self.send(&self.agent, head, payload);
        let broken = matches!(&result, Err(failure) if failure.kind == FailureKind::Broken);
        if let (true, Some(head)) = (broken, again) {
            result = self.send(&self.fresh, head, Payload::Empty);
        }
        let elapsed = started.elapsed();
        match &result {
            Ok(answer) => tracing::debug!(%method, uri = redacted(&uri), status = answer.status().as_u16(), ?elapsed),
            Err(failure) => tracing::debug!(%method, uri = redacted(&uri), %failure, ?elapsed),
        }
        result
    }

    fn send(&self, agent: &Agent, mut head: http::request::Parts, payload: Payload) -> Result<Response<Body>, Failure> {
        let uri = format!("{}{}", self.base, head.uri);
        head.uri = Uri::try_from(uri).map_err(|error| Failure::from_error(FailureKind::Other, &error))?;
        ANSWERED.set(false);
        match one_reader(payload) {
            Payload::Bytes(bytes) => self.run(agent, head, &bytes[..]),
            Payload::Reader(reader, Some(length)) => {
                let mut body = Exact { reader: reader.0, left: length, trouble: None };
                // ureq does not ask for nothing, so whether the reader has more is seen here.
                let result = match length {
                    0 => body.end().map_or_else(|error| Err(lxd_host::failure(&error)), |()| self.run(agent, head, ())),
                    _ => self.run(agent, head, SendBody::from_reader(&mut body)),
                };
                body.trouble.map_or(result, Err)
            }
            Payload::Reader(reader, None) => {
                let mut body = Chunked { reader: reader.0, trouble: None };
                let result = self.run(agent, head, SendBody::from_reader(&mut body));
                body.trouble.map_or(result, Err)
            }
            _ => self.run(agent, head, ()),
        }
    }

    fn run(&self, agent: &Agent, head: http::request::Parts, body: impl AsSendBody) -> Result<Response<Body>, Failure> {
        let timeouts = self.target.remote().timeouts;
        let wait = head.extensions.get::<LongPoll>().map(|LongPoll(time)| *time);
        let request = agent
            .configure_request(Request::from_parts(head, body))
            .timeout_recv_response(Some(wait.unwrap_or(timeouts.head)))
            .timeout_global(timeouts.total.filter(|_| wait.is_none()))
            .timeout_per_write(Some(timeouts.idle))
            .timeout_per_read(Some(timeouts.idle))
            .build();
        let answer = agent.run(request).map_err(|error| failure_of(error, Phase::Head))?;
        let left = answer.body().content_length().unwrap_or(u64::MAX);
        Ok(answer.map(|body| Body { reader: Box::new(body.into_reader()), left, piece: Bytes::new() }))
    }
}

/// Several pieces become one reader.
fn one_reader(payload: Payload) -> Payload {
    match payload {
        Payload::Chain { .. } => {
            let (reader, length) =
                payload.into_reader(|bytes| Cursor::new(bytes).into(), |first, second| first.0.chain(second.0).into());
            Payload::Reader(reader, length)
        }
        payload => payload,
    }
}

fn agent(target: &Arc<Target>, hangup: Option<Arc<Hangup>>, idle_connections: usize) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .accept_encoding("")
        .user_agent(concat!("lxd-ureq/", env!("CARGO_PKG_VERSION")))
        .input_buffer_size(PIECE)
        .output_buffer_size(PIECE)
        .max_idle_connections(idle_connections)
        .max_idle_connections_per_host(idle_connections)
        .max_idle_age(IDLE_AGE)
        .build();
    Agent::with_parts(config, Dialer { target: target.clone(), hangup }, NoResolver)
}

/// What went wrong, in the core's words. `phase` says which wait a time limit ended, where ureq does not know.
fn failure_of(error: Error, phase: Phase) -> Failure {
    match error {
        Error::Timeout(timeout) => {
            let phase = match timeout {
                Timeout::Connect | Timeout::Resolve => Phase::Connect,
                Timeout::Global => Phase::Total,
                Timeout::PerRead | Timeout::PerWrite => Phase::Idle,
                Timeout::RecvResponse => Phase::Head,
                _ => phase,
            };
            Failure::new(FailureKind::Timeout(phase), "the time limit passed")
        }
        Error::Io(error) => match error.kind() {
            ErrorKind::TimedOut => Failure::from_error(FailureKind::Timeout(phase), &error),
            _ => lxd_host::failure(&error),
        },
        Error::ConnectionFailed => Failure::new(FailureKind::Connect, "no connection"),
        error => match lxd_host::failure(&error) {
            // What is no I/O error here is a server that does not speak HTTP.
            Failure { kind: FailureKind::Other, message } => Failure::new(FailureKind::Broken, message),
            failure => failure,
        },
    }
}

/// An answer's body while it arrives. Reading it to its end gives the connection back; dropping it closes the connection.
pub struct Body {
    reader: Box<dyn Read + Send>,
    /// No more than this is to come.
    left: u64,
    /// What the last piece was read into.
    piece: Bytes,
}

impl Body {
    /// Most answers are small, so the first pieces are too. One that nobody has any more is read into again.
    pub(crate) fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        // After the last byte the end is still to be read.
        let most = usize::try_from(self.left.max(1)).unwrap_or(PIECE);
        let size = (2 * self.piece.len()).clamp(SMALL_PIECE, PIECE).min(most);
        let mut piece = mem::take(&mut self.piece).try_into_mut().unwrap_or_default();
        piece.resize(size, 0);
        let length = self.read(&mut piece).map_err(|error| lxd_host::failure(&error))?;
        self.left = self.left.saturating_sub(length as u64);
        self.piece = piece.freeze();
        Ok((length > 0).then(|| self.piece.slice(..length)))
    }
}

impl Read for Body {
    /// An error's inner error is a [`Failure`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        IN_BODY.set(true);
        let read = self.reader.read(buffer);
        IN_BODY.set(false);
        read.map_err(|error| {
            let kind = error.kind();
            let failure = match error.downcast::<Error>() {
                Ok(error) => failure_of(error, Phase::Idle),
                Err(error) => failure_of(Error::Io(error), Phase::Idle),
            };
            io::Error::new(kind, failure)
        })
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

/// Exactly so many bytes of the caller's reader. (ureq would spin on a reader that ends too early, and send what a longer
/// one has too much as another request.)
struct Exact {
    reader: Box<dyn Read + Send>,
    left: u64,
    trouble: Option<Failure>,
}

impl Read for Exact {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if ANSWERED.get() {
            // Nobody sees these bytes: nothing is sent any more.
            self.left -= most as u64;
            return Ok(most);
        }
        if most == 0 {
            return Ok(0);
        }
        let length = read(&mut *self.reader, &mut buffer[..most], &mut self.trouble)?;
        if length == 0 {
            return Err(self.refuse("the reader ended too early"));
        }
        self.left -= length as u64;
        if self.left == 0 {
            // The last byte is sent only when it is known to be the last.
            self.end()?;
        }
        Ok(length)
    }
}

impl Exact {
    /// The reader must have no more.
    fn end(&mut self) -> io::Result<()> {
        match read(&mut *self.reader, &mut [0], &mut self.trouble)? {
            0 => Ok(()),
            _ => Err(self.refuse("the reader has more")),
        }
    }

    fn refuse(&mut self, why: &str) -> io::Error {
        self.trouble = Some(Failure::new(FailureKind::BodyLength, why));
        ErrorKind::InvalidInput.into()
    }
}

/// All of the caller's reader.
struct Chunked {
    reader: Box<dyn Read + Send>,
    trouble: Option<Failure>,
}

impl Read for Chunked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if ANSWERED.get() { Ok(0) } else { read(&mut *self.reader, buffer, &mut self.trouble) }
    }
}

/// Reads from the caller, and remembers that it was the caller's reader that failed.
fn read(reader: &mut dyn Read, buffer: &mut [u8], trouble: &mut Option<Failure>) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                *trouble = Some(Failure::from_error(FailureKind::Reader, &error));
                return Err(error);
            }
            length => return length,
        }
    }
}

#[derive(Debug)]
struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &ureq::config::Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

#[derive(Debug)]
struct Dialer {
    target: Arc<Target>,
    hangup: Option<Arc<Hangup>>,
}

impl Connector<()> for Dialer {
    type Out = Wire;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Wire>, Error> {
        let total = deadline(details.timeout);
        let conn = self.target.dial(self.hangup.as_deref(), total).map_err(|failure| match failure.kind {
            FailureKind::Timeout(_) if total.is_some_and(|total| total <= Instant::now()) => {
                Error::Timeout(Timeout::Global)
            }
            _ => Error::Io(io::Error::other(failure)),
        })?;
        Ok(Some(Wire { conn, buffers: LazyBuffers::new(PIECE, PIECE), answered: false }))
    }
}

/// A connection as ureq wants it.
struct Wire {
    conn: Conn,
    buffers: LazyBuffers,
    /// Not all that should be sent was sent, so this connection can serve no other request.
    answered: bool,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.answered {
            return Ok(());
        }
        let timeout = timeout.for_write();
        let sent = self.conn.write_by(&self.buffers.output()[..amount], deadline(timeout));
        if !sent.map_err(|error| io_error(error, timeout))? {
            self.answered = true;
            ANSWERED.set(true);
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = if IN_BODY.get() { timeout.for_read() } else { timeout };
        let read = self.conn.read_by(self.buffers.input_append_buf(), deadline(timeout));
        let length = read.map_err(|error| io_error(error, timeout))?;
        self.buffers.input_appended(length);
        Ok(length > 0)
    }

    fn is_open(&mut self) -> bool {
        !self.answered && self.conn.is_idle()
    }

    fn is_tls(&self) -> bool {
        self.conn.is_tls()
    }
}

fn deadline(timeout: NextTimeout) -> Option<Instant> {
    Instant::now().checked_add(*timeout.not_zero()?)
}

fn io_error(error: io::Error, timeout: NextTimeout) -> Error {
    if error.kind() == ErrorKind::TimedOut { Error::Timeout(timeout.reason) } else { Error::Io(error) }
}
