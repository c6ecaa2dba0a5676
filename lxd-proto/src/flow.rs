//! Layer 2: what takes more than one exchange, as a state machine with plain data in and out.
//!
//! A [`Flow`] says what to do next, as [`Action`]s, and is told what came of them. **Every action has an [`Id`], is
//! started and never waited for, and is answered exactly once by an input with that id: a reply or a failure.** Receiving
//! from a socket, reading the caller's input and writing the caller's output are actions too, and that is the
//! backpressure: a flow receives again only when the last piece was taken, so that nothing queues without bound, and a
//! slow stdout does not stop stderr.
//!
//! Failures are inputs, and no end: that a command closed its stdin is no error, and an address that refuses is a reason
//! to try the next.
//!
//! The loop that runs every flow, whole (this is [`Driver`]'s):
//!
//! ```
//! use lxd_proto::{Error, flow::{Action, BlockingIo, Flow, Step}};
//!
//! fn run<F: Flow>(mut flow: F, mut io: impl BlockingIo) -> Result<F::Output, Error> {
//!     loop {
//!         match flow.next()? {
//!             Step::Done(output) => return Ok(output),
//!             Step::Do(id, action) => io.start(id, action),
//!             Step::Wait => {
//!                 let (id, result) = io.finish();
//!                 flow.handle(id, result)?;
//!             }
//!         }
//!     }
//! }
//! ```
//!
//! What an adapter brings is a [`BlockingIo`] or an [`AsyncIo`]: it starts actions, and gives back the next that is
//! finished. Dropping it cancels all that is outstanding. A transport without websockets uses [`Sequential`].
//!
//! Rules for a flow: `handle` is safe with any input at any time (an unknown id is ignored); nothing panics; there is no
//! clock, no randomness and no I/O; it ends in finite time when every action is answered.

pub mod copy;
pub mod copy_image;
mod driver;
pub mod edit;
pub mod events;
pub mod exec;
pub mod join;
pub mod migration;
pub mod name_image;
pub mod push;
pub mod ready;
mod route;
pub mod save;
mod sequence;
pub mod trust;
pub mod updates;
pub mod wait;

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::{fmt, time::Duration};

use bytes::Bytes;

pub(crate) use driver::Needed;
pub use driver::{AsyncIo, BlockingIo, Driver, Scoped, Sequential};
pub use sequence::{InTurn, Sequence, Turn};

use crate::{
    Error, Failure, Request, Response,
    envelope::Envelope,
    tree::{DiskAction, DiskReply},
    uri::redacted,
};

/// Names an action, so that its answer is known. The flow counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u32);

/// Which server: 0 is the client's own; a copy between servers has two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(pub u8);

/// Names a websocket, or another connection that is no HTTP any more, of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sock(pub u8);

/// Names one of the caller's readers or writers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub u8);

/// A websocket message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// A text message. An empty one is LXD's end mark of a stream.
    Text(String),
    /// A binary message.
    Binary(Bytes),
    /// The server asks whether anybody is there. The transport has answered; this says that the server is.
    Ping,
}

/// Something to start.
#[derive(Clone)]
#[non_exhaustive]
pub enum Action {
    /// Send a request and receive its whole answer: [`Reply::Http`].
    Http(Peer, Request),
    /// Send the first request, and its answer's body with its content type as the second's, which is never held whole:
    /// [`Reply::Http`], the second's answer, or the first's if that is no success. See [`relay`](crate::Blocking::relay).
    Relay(Peer, Box<Request>, Peer, Box<Request>),
    /// Open a websocket with this `GET`: [`Reply::Opened`], or [`Reply::Http`] when the server answers otherwise.
    Open(Peer, Sock, Request),
    /// Turn the connection of this `GET` into what its header `Upgrade` says: [`Reply::Opened`], or [`Reply::Http`] when
    /// the server answers otherwise. From then on it is a stream of bytes, and each message on it a binary one, cut
    /// anywhere.
    Upgrade(Peer, Sock, Request),
    /// Receive one message: [`Reply::Message`].
    Recv(Sock),
    /// Send one message: [`Reply::Done`] when it is on its way. Messages of one socket keep their order.
    Send(Sock, Message),
    /// Close a websocket politely: [`Reply::Done`]. What is outstanding on it is answered with no message, or a failure.
    Close(Sock),
    /// Read a piece of the caller's input, at most [`limits::CHUNK`](crate::limits::CHUNK): [`Reply::Data`].
    Read(Port),
    /// Write to the caller's output and flush: [`Reply::Done`].
    Write(Port, Bytes),
    /// Let this much time pass: [`Reply::Done`].
    Sleep(Duration),
    /// Do something on the caller's disk: [`Reply::Disk`].
    Disk(DiskAction),
}

/// What an action came to.
#[derive(Clone)]
#[non_exhaustive]
pub enum Reply {
    /// The answer to a request, or the refusal of a websocket or another protocol.
    Http(Response),
    /// The websocket is open, or the connection has changed its protocol.
    Opened,
    /// A message, or nothing any more: the socket was closed, with a close frame or without.
    Message(Option<Message>),
    /// A piece of input, or its end.
    Data(Option<Bytes>),
    /// It is done.
    Done,
    /// What the disk said.
    Disk(DiskReply),
}

// What flows through is not shown by `Debug`: it may be secret, or large.

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({})", text.len()),
            Self::Binary(data) => write!(f, "Binary({})", data.len()),
            Self::Ping => f.write_str("Ping"),
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |request: &Request| format!("{} {}", request.method(), redacted(request.uri()));
        match self {
            Self::Http(peer, request) => write!(f, "Http({}, {})", peer.0, line(request)),
            Self::Relay(from, get, to, post) => {
                write!(f, "Relay({}, {}, {}, {})", from.0, line(get), to.0, line(post))
            }
            Self::Open(peer, sock, request) => write!(f, "Open({}, {}, {})", peer.0, sock.0, line(request)),
            Self::Upgrade(peer, sock, request) => write!(f, "Upgrade({}, {}, {})", peer.0, sock.0, line(request)),
            Self::Recv(sock) => write!(f, "Recv({})", sock.0),
            Self::Send(sock, message) => write!(f, "Send({}, {message:?})", sock.0),
            Self::Close(sock) => write!(f, "Close({})", sock.0),
            Self::Read(port) => write!(f, "Read({})", port.0),
            Self::Write(port, data) => write!(f, "Write({}, {})", port.0, data.len()),
            Self::Sleep(time) => write!(f, "Sleep({time:?})"),
            Self::Disk(action) => write!(f, "Disk({action:?})"),
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(response) => write!(f, "Http({}, {})", response.status().as_u16(), response.body().len()),
            Self::Opened => f.write_str("Opened"),
            Self::Message(message) => f.debug_tuple("Message").field(message).finish(),
            Self::Data(data) => f.debug_tuple("Data").field(&data.as_ref().map(Bytes::len)).finish(),
            Self::Done => f.write_str("Done"),
            Self::Disk(reply) => write!(f, "Disk({reply:?})"),
        }
    }
}

/// What a flow wants.
#[derive(Debug)]
pub enum Step<T> {
    /// Start this, and ask again.
    Do(Id, Action),
    /// Nothing until something that was started is finished.
    Wait,
    /// This is the result. A flow that gives one after the other (events) may be asked again.
    Done(T),
}

/// Many steps, as a state machine.
pub trait Flow: Send {
    /// What it gives in the end.
    type Output: Send;

    /// What is to be done now. Asked again until it says [`Step::Wait`] or [`Step::Done`].
    ///
    /// # Errors
    /// The flow's end without a result.
    fn next(&mut self) -> Result<Step<Self::Output>, Error>;

    /// Something that was started is finished.
    ///
    /// # Errors
    /// The flow's end without a result.
    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error>;

    /// The API extensions that the flow needs, as [`Endpoint::extensions`](crate::Endpoint::extensions).
    fn extensions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// The answer to a request, where nothing else can be right.
pub(crate) fn http(result: Result<Reply, Failure>) -> Result<Response, Error> {
    match result? {
        Reply::Http(response) => Ok(response),
        _ => Err(Error::Protocol("a request was answered with something else".into())),
    }
}

/// Why a websocket, or another protocol, is not open, of whatever came instead.
pub(crate) fn unopened(result: Result<Reply, Failure>) -> Error {
    match result {
        Ok(Reply::Http(response)) => match Envelope::open(&response) {
            Err(error) => error,
            Ok(_) => Error::Protocol("another protocol was refused without an error".into()),
        },
        Ok(_) => Error::Protocol("another protocol was answered with something else".into()),
        Err(failure) => failure.into(),
    }
}

/// A flow was asked for more than it has.
pub(crate) fn ended() -> Error {
    Error::Protocol("a flow was asked again after its end".into())
}

/// Gives each action the next id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    last: u32,
    step: u32,
}

impl Default for Ids {
    fn default() -> Self {
        Self { last: 0, step: 1 }
    }
}

impl Ids {
    /// Only even ones, for a flow within another.
    pub(crate) fn even() -> Self {
        Self { last: 0, step: 2 }
    }

    /// Only odd ones, for the other.
    pub(crate) fn odd() -> Self {
        Self { last: 1, step: 2 }
    }

    pub(crate) fn next(&mut self) -> Id {
        self.last = self.last.wrapping_add(self.step);
        Id(self.last)
    }
}

impl Id {
    /// Whether it is one of [`Ids::even`].
    pub(crate) fn is_even(self) -> bool {
        self.0 % 2 == 0
    }
}
