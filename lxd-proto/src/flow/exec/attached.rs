//! Running a command over websockets, with every byte of its output or an error that says what is missing.
//!
//! | state | does | and then |
//! |---|---|---|
//! | `Post` | `POST /1.0/instances/{name}/exec` | an operation with a secret for each stream: `Run` |
//! | `Run` | all at once: `/wait`, and the websockets 0, 1, 2 and control; then every stream goes its own way | all outputs ended and the operation's end known: done |
//!
//! What LXD does, and what follows from it:
//!
//! * The command starts when 0, 1 and 2 are connected, and fails after 5 s without (10 s since 6.9 and in Incus). So they
//!   are opened at the same time, but for 0, which waits for control: a command may end as soon as it can start, and
//!   when control is connected in that moment, 5.0.2 dies of it (a nil pointer: 1 of some 3,000 short commands, 16 at a
//!   time), or never ends the operation. So two handshakes follow each other, however many websockets there are.
//! * An output ends with an empty text message. LXD then drops the connection without a close frame. A stream that ends
//!   any other way was cut off, and the result is [`Error::Truncated`], never success.
//! * An operation is forgotten 5 s after its end, which a long output easily outlasts. So `/wait` is asked at once, and
//!   its answer kept.
//! * When an output's connection breaks while the command still writes to it, LXD reads no more of what it writes, and a
//!   command that writes much then waits for ever. It is not killed for that: it may be in the middle of something. Only a
//!   `timeout` ends it.
//! * A refused control is no failure: only 0, 1 and 2 are needed. But when its connection broke, it may have been open for
//!   LXD, which then kills the command: such an end is none of the command's own.
//! * Both outputs end only when the command has. LXD then waits for its reader of control; control is closed, so that it
//!   waits for nothing.
//! * A command that reads no input closes 0 at its end. Not being able to write to it is no error. But when its connection
//!   broke before anything was written, the command may have read an end that was none of the caller's.
//! * With a terminal there are only 0, which goes both ways, and control, and the command starts with both. 5.0.2 ends the
//!   operation when 0 is closed after the command's end. What is typed has no end: a terminal's is ^D.
//! * A console is such a terminal, of the instance and not of a command. It has no exit code and no end mark, and ends
//!   when control is closed. 5.0.2 loses what is typed at once, and fails then: so typing waits for
//!   [`limits::CONSOLE_CALM`].
//! * Whoever leaves a console closes 0, and control only a moment after the server has closed 0 as well. For when the server sees the
//!   end of control first, 5.0.2 closes 0 while it may still write to it, and dies of that ("concurrent write to websocket
//!   connection": 1 of some 30 with one more container busy; `lxc console` has the same).
//! * What is asked of the command while it runs comes as one more input of the caller's, a line for each message that is
//!   to be sent over control, and waits until that is open. Only that nobody waits any more counts at once.
//! * Nothing is sent over 1 and 2, and to old servers not even pongs: see [`ReceiveOnly`].
//! * The server pings each socket every 10 s, so each has a receive outstanding, unless its own output is full.

mod end;
mod input;
mod orders;
mod output;

use alloc::{
    collections::{BTreeMap, VecDeque},
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, time::Duration};

use http::Method;

use self::{
    input::Input,
    orders::Orders,
    output::{End, Output},
};
use super::{DETACH, ExecOutput, ORDERS, SIGKILL, Sink, Source, signal};
use crate::{
    Changed, Endpoint, Error, Failure, ReceiveOnly, Request, Response,
    endpoint::bare,
    error::FailureKind,
    flow::{Action, Flow, Id, Ids, Message, Peer, Reply, Sock, Step, ended, http, unopened, wait::Watcher},
    limits,
    resources::{OperationId, console::PostConsole, exec::PostExec},
};

const INPUT: Sock = Sock(0);
const CONTROL: Sock = Sock(3);

/// Runs a command to its end.
pub(crate) struct Attached {
    begin: Begin,
    input: Input,
    /// Stdout and stderr, or the terminal.
    outputs: Vec<Output>,
    /// Whether control is open.
    control: bool,
    /// What broke control while it was opened.
    uncontrolled: Option<String>,
    orders: Option<Orders>,
    limit: Option<Duration>,
    timed_out: bool,
    /// Whether the caller has left a console.
    detached: bool,
    /// Whether the server has not said yet that it has seen that.
    leaving: bool,
    state: State,
    ids: Ids,
    outbox: VecDeque<(Id, Action)>,
    pending: BTreeMap<Id, Pending>,
    /// What went wrong while connecting; the operation's own error says more, if it has one.
    trouble: Option<Error>,
    /// Counts what arrives on the outputs and what was handed on, so that silence is seen. A ping is neither.
    progress: u64,
}

#[derive(Debug)]
enum State {
    Post,
    Run(Watcher, OperationId),
    /// The command has ended with this code; output may still be on its way.
    Drain(i32),
    Done,
}

/// What an outstanding action was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Post,
    Wait,
    Look,
    Open(Sock),
    Recv(Sock),
    SendInput,
    ReadInput,
    Close,
    ReadOrders,
    SendOrder,
    Write(usize),
    /// The command has taken too long.
    Deadline,
    /// What is typed at a console is not lost any more.
    Calm,
    /// The server has heeded that a console was left, or has not said so for long.
    Leave,
    /// It was killed for that, and has not ended.
    Overdue,
    /// All streams have ended, and the operation's end is not known yet.
    Settle,
    /// The operation has ended, and nothing has arrived since the counter stood here.
    Silence(u64),
}

/// What it begins with.
#[derive(Debug)]
pub(crate) enum Begin {
    Exec(PostExec),
    Console(PostConsole),
}

impl Begin {
    fn request(&self) -> Result<Request, Error> {
        match self {
            Self::Exec(post) => post.request(),
            Self::Console(post) => post.request(),
        }
    }

    fn response(&self, response: Response) -> Result<Changed<()>, Error> {
        match self {
            Self::Exec(post) => post.response(response),
            Self::Console(post) => post.response(response),
        }
    }

    fn has_terminal(&self) -> bool {
        match self {
            Self::Exec(post) => post.post.interactive,
            Self::Console(_) => true,
        }
    }
}

impl fmt::Debug for Attached {
    /// Not what goes in and comes out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Attached");
        shown.field("begin", &self.begin).field("state", &self.state).field("pending", &self.pending);
        shown.finish_non_exhaustive()
    }
}

impl Attached {
    pub(crate) fn new(begin: Begin, source: Source, sinks: [Sink; 2]) -> Self {
        let [stdout, stderr] = sinks;
        let outputs = if begin.has_terminal() {
            [Output::new("terminal", INPUT, stdout)].into()
        } else {
            [Output::new("stdout", Sock(1), stdout), Output::new("stderr", Sock(2), stderr)].into()
        };
        Self {
            begin,
            input: Input { request: None, source, open: false, busy: false, done: false, unsent: None },
            outputs,
            control: false,
            uncontrolled: None,
            orders: None,
            limit: None,
            timed_out: false,
            detached: false,
            leaving: false,
            state: State::Post,
            ids: Ids::default(),
            outbox: VecDeque::new(),
            pending: BTreeMap::new(),
            trouble: None,
            progress: 0,
        }
    }

    /// Takes what the caller asks from [`ORDERS`].
    pub(crate) fn ordered(mut self) -> Self {
        self.orders = Some(Orders::default());
        self
    }

    /// Kills the command when it takes longer.
    pub(crate) fn limited(mut self, limit: Option<Duration>) -> Self {
        self.limit = limit;
        self
    }

    /// Its operation, from when it has begun until its end is known.
    pub(crate) fn operation(&self) -> Option<&OperationId> {
        match &self.state {
            State::Run(_, id) => Some(id),
            _ => None,
        }
    }

    fn has_terminal(&self) -> bool {
        self.begin.has_terminal()
    }

    fn is_console(&self) -> bool {
        matches!(self.begin, Begin::Console(_))
    }

    fn start(&mut self, what: Pending, action: Action) {
        let id = self.ids.next();
        self.pending.insert(id, what);
        self.outbox.push_back((id, action));
    }

    /// Whether a console is not left yet.
    fn is_closing(&self) -> bool {
        self.leaving || self.is_pending(|pending| *pending == Pending::Close)
    }

    fn is_pending(&self, what: impl Fn(&Pending) -> bool) -> bool {
        self.pending.values().any(what)
    }

    fn posted(&mut self, response: Response) -> Result<(), Error> {
        let operation = match self.begin.response(response) {
            Ok(Changed::Running(operation)) => operation,
            Ok(Changed::Done(())) => return Err(Error::Protocol("a command ran without an operation".into())),
            Err(error) => {
                let request = self.begin.request()?;
                return Err(error.answering(request.method(), request.uri()));
            }
        };
        let mut watcher = Watcher::new(operation.id.clone(), None);
        self.start(Pending::Wait, Action::Http(Peer(0), watcher.request()?));
        let streams: &[_] = if self.has_terminal() { &[] } else { &[(Sock(1), "1"), (Sock(2), "2")] };
        for (sock, name) in [(CONTROL, "control")].iter().chain(streams).chain(&[(INPUT, "0")]).copied() {
            let mut request = bare(Method::GET, &operation.websocket(name)?)?;
            if sock != INPUT && sock != CONTROL {
                request.extensions_mut().insert(ReceiveOnly);
            }
            if sock == INPUT {
                self.input.request = Some(request);
            } else {
                self.start(Pending::Open(sock), Action::Open(Peer(0), sock, request));
            }
        }
        if let Some(limit) = self.limit {
            self.start(Pending::Deadline, Action::Sleep(limit));
        }
        self.state = State::Run(watcher, operation.id);
        Ok(())
    }

    fn opened(&mut self, sock: Sock, result: Result<Reply, Failure>) -> Result<(), Error> {
        // With 0 the command starts, and may end.
        let input = if sock == CONTROL { self.input.request.take() } else { None };
        if let Some(request) = input {
            self.start(Pending::Open(INPUT), Action::Open(Peer(0), INPUT, request));
        }
        let trouble = match result {
            Ok(Reply::Opened) => {
                if sock == INPUT && self.is_console() {
                    self.start(Pending::Calm, Action::Sleep(limits::CONSOLE_CALM));
                }
                self.input.open |= sock == INPUT && !self.is_console();
                self.control |= sock == CONTROL;
                if sock == CONTROL {
                    self.give_orders();
                }
                match self.outputs.iter_mut().find(|output| output.sock == sock) {
                    Some(output) => output.open = true,
                    None => self.start(Pending::Recv(sock), Action::Recv(sock)),
                }
                return Ok(());
            }
            other if sock == CONTROL && !self.has_terminal() => {
                self.uncontrolled = other.err().map(|failure| failure.to_string());
                return Ok(());
            }
            other => unopened(other),
        };
        match self.outputs.iter_mut().find(|output| output.sock == sock) {
            Some(output) => output.end = Some(End::Cut(trouble.to_string())),
            None => self.input.unsent = self.input.source.has_more().then(|| trouble.to_string()),
        }
        self.trouble.get_or_insert(trouble);
        self.look()
    }

    fn received(&mut self, sock: Sock, result: Result<Reply, Failure>) -> Result<(), Error> {
        let console = self.is_console();
        let message = match result {
            Ok(Reply::Message(message)) => Ok(message),
            Ok(_) => Err("it was answered with something else".into()),
            Err(failure) => Err(failure.to_string()),
        };
        let Some(output) = self.outputs.iter_mut().find(|output| output.sock == sock) else {
            // Nothing is said on 0 and control; receiving there answers pings and sees the end.
            match message {
                Ok(Some(_)) => self.start(Pending::Recv(sock), Action::Recv(sock)),
                _ => {
                    self.input.done |= sock == INPUT;
                    self.control &= sock != CONTROL;
                }
            }
            return Ok(());
        };
        output.receiving = false;
        if output.end.is_some() {
            match message {
                Ok(Some(_)) if self.leaving => self.start(Pending::Recv(sock), Action::Recv(sock)),
                // It says so a moment before it heeds it.
                _ if self.leaving => self.start(Pending::Leave, Action::Sleep(limits::CONSOLE_LEFT)),
                _ => {}
            }
            return Ok(());
        }
        self.progress += u64::from(!matches!(message, Ok(Some(Message::Ping))));
        match message {
            Ok(Some(Message::Text(text))) if text.is_empty() => output.end = Some(End::Whole),
            Ok(Some(Message::Text(text))) => output.take(text.into())?,
            Ok(Some(Message::Binary(data))) => output.take(data)?,
            Ok(Some(Message::Ping)) => {}
            Ok(None) if console => output.end = Some(End::Whole),
            Ok(None) => output.end = Some(End::Cut("the connection was closed without the end mark".into())),
            Err(reason) => output.end = Some(End::Cut(reason)),
        }
        Ok(())
    }

    /// Starts whatever can go on now.
    fn advance(&mut self) {
        for index in 0..self.outputs.len() {
            let Some(output) = self.outputs.get_mut(index) else { continue };
            if output.open && output.end.is_none() && !output.receiving && output.queue.len() < limits::WINDOW {
                output.receiving = true;
                let sock = output.sock;
                self.start(Pending::Recv(sock), Action::Recv(sock));
            }
            let Some(output) = self.outputs.get_mut(index) else { continue };
            let data = if output.writing { None } else { output.queue.pop_front() };
            if let (Sink::Write(port), Some(data)) = (output.sink, data) {
                output.writing = true;
                self.start(Pending::Write(index), Action::Write(port, data));
            }
        }
        self.take_input();
        if let Some(orders) = self.orders.as_mut().filter(|orders| !orders.busy && !orders.done) {
            orders.busy = true;
            self.start(Pending::ReadOrders, Action::Read(ORDERS));
        }
        let whole = self.outputs.iter().all(|output| output.end == Some(End::Whole));
        if whole && self.has_terminal() && !self.is_console() && core::mem::take(&mut self.input.open) {
            self.input.done = true;
            self.start(Pending::Close, Action::Close(INPUT));
        } else if whole
            && !self.leaving
            && (!self.has_terminal() || self.is_console())
            && core::mem::take(&mut self.control)
        {
            self.start(Pending::Close, Action::Close(CONTROL));
        }
        let ended = self.outputs.iter().all(|output| output.end.is_some());
        match self.state {
            State::Run(..) if ended && !self.is_pending(|p| matches!(p, Pending::Settle | Pending::Look)) => {
                self.start(Pending::Settle, Action::Sleep(limits::EXEC_SETTLE));
            }
            State::Drain(_) if !ended && !self.is_pending(|p| matches!(p, Pending::Silence(_))) => {
                self.start(Pending::Silence(self.progress), Action::Sleep(limits::EXEC_DRAIN));
            }
            _ => {}
        }
    }
}

impl Flow for Attached {
    type Output = ExecOutput;

    fn next(&mut self) -> Result<Step<ExecOutput>, Error> {
        if matches!(self.state, State::Post) && self.pending.is_empty() {
            let request = self.begin.request()?;
            self.start(Pending::Post, Action::Http(Peer(0), request));
        }
        if let Some((id, action)) = self.outbox.pop_front() {
            return Ok(Step::Do(id, action));
        }
        match self.state {
            State::Drain(_) if self.detached && self.is_closing() => Ok(Step::Wait),
            State::Drain(code) if self.outputs.iter().all(Output::is_settled) => {
                self.state = State::Done;
                self.result(code).map(Step::Done)
            }
            State::Done => Err(ended()),
            _ => Ok(Step::Wait),
        }
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        let Some(pending) = self.pending.remove(&id) else { return Ok(()) };
        match pending {
            Pending::Post => self.posted(http(result)?)?,
            Pending::Wait => self.waited(result)?,
            Pending::Look => self.looked(result)?,
            Pending::Open(sock) => self.opened(sock, result)?,
            Pending::Recv(sock) => self.received(sock, result)?,
            Pending::SendInput => self.sent_input(&result),
            Pending::ReadInput => self.read(result)?,
            Pending::Write(index) => {
                result?;
                self.progress += 1;
                if let Some(output) = self.outputs.get_mut(index) {
                    output.writing = false;
                }
            }
            Pending::Close | Pending::SendOrder => {}
            Pending::ReadOrders => self.take_orders(result)?,
            Pending::Deadline => self.late()?,
            Pending::Calm => self.input.open = true,
            Pending::Leave => self.leaving = false,
            Pending::Overdue if matches!(self.state, State::Run(..)) => return Err(self.overdue()),
            Pending::Overdue => {}
            Pending::Settle => self.look()?,
            Pending::Silence(since) => self.silence(since),
        }
        self.advance();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
