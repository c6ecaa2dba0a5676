//! Running commands in an instance: `/1.0/instances/{name}/exec`.

mod spawn;

pub use spawn::{Child, Spawn};

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use core::time::Duration;

use http::Method;

use super::{Instance, OperationId};
use crate::{
    Call, Client, Endpoint, Error, Failure, FailureKind, Payload, Pipe, Request, Response, Run, Secret, Streams,
    compat::is_default,
    crud::{Changed, Resource},
    endpoint::json,
    flow::exec::{Attached, Begin, Control, Detached, ExecFlow, ORDERS, STDERR, STDIN, STDOUT, Sink, Source},
};

/// What is run, and how: the body of `POST /1.0/instances/{name}/exec`. Its keys have hyphens.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct InstanceExecPost {
    /// The program and its arguments. There is no shell, unless it is the program.
    pub command: Vec<String>,
    /// Whether the streams are websockets.
    pub wait_for_websocket: bool,
    /// Whether it gets a terminal.
    pub interactive: bool,
    /// Variables of its environment, besides those that LXD sets.
    pub environment: BTreeMap<String, String>,
    /// The user's number; 0 is root.
    pub user: u32,
    /// The group's number.
    pub group: u32,
    /// Where it begins; empty means the user's home.
    pub cwd: String,
    /// Whether its output is written to logs on the server.
    #[serde(skip_serializing_if = "is_default")]
    pub record_output: bool,
    /// The terminal's columns; 0 leaves that to the server.
    #[serde(skip_serializing_if = "is_default")]
    pub width: u16,
    /// The terminal's lines; 0 leaves that to the server.
    #[serde(skip_serializing_if = "is_default")]
    pub height: u16,
}

/// `POST /1.0/instances/{name}/exec`.
#[derive(Clone, Debug)]
pub struct PostExec {
    /// The instance's name.
    pub instance: String,
    /// What is run.
    pub post: InstanceExecPost,
}

impl Endpoint for PostExec {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        json(Method::POST, &Instance::path(&self.instance).join("exec"), &self.post)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }
}

/// A command, not yet run. As [`std::process::Command`](https://doc.rust-lang.org/std/process/struct.Command.html), but
/// in an instance.
///
/// ```no_run
/// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
/// use lxd_proto::Lxd;
///
/// let sorted = lxd.instance("c1").exec(["sort", "-n"]).stdin("3\n1\n2\n").output().send()?;
/// assert_eq!((sorted.code, &sorted.stdout[..]), (0, &b"1\n2\n3\n"[..]));
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing runs until `output()` or `status()` is sent or awaited"]
pub struct Exec<C: Client> {
    client: C,
    endpoint: PostExec,
    stdin: Payload<C::Reader>,
    stdout: Option<C::Writer>,
    stderr: Option<C::Writer>,
    timeout: Option<Duration>,
}

impl<C: Client> core::fmt::Debug for Exec<C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Exec").field(&self.endpoint).finish()
    }
}

impl<C: Client> Exec<C> {
    pub(crate) fn new(client: &C, instance: String, command: Vec<String>) -> Self {
        let post = InstanceExecPost { command, wait_for_websocket: true, ..InstanceExecPost::default() };
        let endpoint = PostExec { instance, post };
        Self { client: client.clone(), endpoint, stdin: Payload::Empty, stdout: None, stderr: None, timeout: None }
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.endpoint.post.environment.insert(name.into(), value.into());
        self
    }

    /// Runs it as this user, by number (extension `container_exec_user_group_cwd`). By default as root, 0.
    pub fn user(mut self, user: u32) -> Self {
        self.endpoint.post.user = user;
        self
    }

    /// Runs it in this group, by number (extension `container_exec_user_group_cwd`). By default 0.
    pub fn group(mut self, group: u32) -> Self {
        self.endpoint.post.group = group;
        self
    }

    /// Runs it in this directory (extension `container_exec_user_group_cwd`). By default in the user's home.
    pub fn cwd(mut self, directory: impl Into<String>) -> Self {
        self.endpoint.post.cwd = directory.into();
        self
    }

    /// Gives it this to read: bytes, a text, or a reader (see [`Payload`]). By default its stdin is empty.
    pub fn stdin(mut self, input: impl Into<Payload<C::Reader>>) -> Self {
        self.stdin = input.into();
        self
    }

    /// Hands its stdout on to a writer, as it comes.
    pub fn stdout(mut self, writer: impl Into<C::Writer>) -> Self {
        self.stdout = Some(writer.into());
        self
    }

    /// Hands its stderr on to a writer, as it comes.
    pub fn stderr(mut self, writer: impl Into<C::Writer>) -> Self {
        self.stderr = Some(writer.into());
        self
    }

    /// Gives it a terminal of this size. What it shows comes as stdout, and there is no stderr; what is typed has no end,
    /// so what reads to the end wants a `^D` (`"\x04"`). `TERM` is not set: see [`env`](Self::env).
    ///
    /// A terminal is for somebody who looks at it: 5.0.2 loses what a command shows just before its end (most of it when
    /// the command is short, and without a sign).
    pub fn interactive(mut self, columns: u16, lines: u16) -> Self {
        self.endpoint.post.interactive = true;
        (self.endpoint.post.width, self.endpoint.post.height) = (columns, lines);
        self
    }

    /// Kills it when it has not ended after this time, counted from when LXD has accepted it. What it wrote until then
    /// comes as ever, and [`timed_out`](crate::flow::exec::ExecOutput::timed_out) is set.
    ///
    /// What the command has started itself is not killed. When that keeps the outputs open, or the command cannot be
    /// killed, the call fails with [`Timeout`](crate::FailureKind::Timeout), [`limits::EXEC_KILL`](crate::limits::EXEC_KILL)
    /// later at the most.
    ///
    /// Without one, a command waits for as long as it likes; and one whose output's connection broke may wait for ever for
    /// somebody to read the rest.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Lets the server record its output, and reads and removes the records when it has ended. So it needs no websockets,
    /// which a transport may not have (extension `container_exec_recording`).
    ///
    /// It is not chosen by itself, as it has a price: what the command writes fills the server's disk, without any limit;
    /// a call that is dropped leaves command and records behind; and nothing comes before the end. The command reads
    /// nothing, and its output goes to no writer: otherwise the call fails with [`Error::InvalidInput`].
    pub fn recorded(mut self) -> Self {
        self.endpoint.post.record_output = true;
        self
    }

    /// Runs it to its end, and collects what goes to no writer, within [`limits::OUTPUT`](crate::limits::OUTPUT).
    ///
    /// The call fails with [`Error::Truncated`] when an output is not whole, or when the command was given nothing to read
    /// because a connection broke, and with [`Error::Operation`] when the command could not be started. An exit code that is
    /// not 0 is no error.
    pub fn output(self) -> Run<C, ExecFlow> {
        self.run(Sink::Collect)
    }

    /// Runs it to its end, and throws away what goes to no writer. Fails as [`output`](Self::output) does.
    ///
    /// A command that reads nothing and writes to no writer needs no websockets, and gets none. It is faster, and runs on
    /// when the call is dropped; any other is killed then.
    pub fn status(self) -> Run<C, ExecFlow> {
        self.run(Sink::Discard)
    }

    /// Begins it, and lets it run beside the caller: in a thread of its own, or with an async client in a task. So it can be
    /// signalled, killed and resized while it runs. What goes to no writer is collected, as by [`output`](Self::output).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::Lxd;
    ///
    /// let server = lxd.instance("c1").exec(["httpd", "-f"]).spawn().send()?;
    /// println!("operation {}", server.id());
    /// server.signal(15);
    /// assert_eq!(server.wait()?.code, 128 + 15);
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn(self) -> Spawn<C> {
        if self.endpoint.post.record_output {
            return Spawn(Err(Error::InvalidInput("a recorded command cannot be talked to".into())));
        }
        let orders = match pipe(&self.client) {
            Ok(orders) => orders,
            Err(error) => return Spawn(Err(error)),
        };
        let control = Control(orders.0.downgrade());
        let outputs = [(self.stdout, Sink::Collect), (self.stderr, Sink::Collect)];
        let (flow, streams) = attach::<C>(Begin::Exec(self.endpoint), self.stdin, outputs, Some(orders));
        Spawn(Ok((Run::with(&self.client, flow.limited(self.timeout).into(), streams), control)))
    }

    /// Lets it have a terminal, and gives the paths of its websockets without connecting them, for a terminal in a browser:
    /// `POST /1.0/instances/{name}/exec`. What was said of its streams does not count.
    ///
    /// It begins when they are connected; when that takes longer than 5 s, its operation fails.
    pub fn terminal(self) -> Call<C, OpenTerminal> {
        let mut exec = self.endpoint;
        exec.post.interactive = true;
        Call::new(&self.client, OpenTerminal(exec))
    }

    fn run(mut self, otherwise: Sink) -> Run<C, ExecFlow> {
        let recorded = self.endpoint.post.record_output;
        let apart = self.timeout.is_none() && !self.endpoint.post.interactive;
        let silent = apart && self.stdin.length() == Some(0) && self.stdout.is_none() && self.stderr.is_none();
        if recorded || (silent && otherwise == Sink::Discard) {
            self.endpoint.post.wait_for_websocket = false;
            self.endpoint.post.record_output &= otherwise == Sink::Collect;
            let detached = if silent {
                Detached::new(self.endpoint)
            } else {
                let why = "a recorded command cannot be talked to, and writes to no writer";
                Detached::refused(self.endpoint, Error::InvalidInput(why.into()))
            };
            return Run::new(&self.client, detached.into());
        }
        let outputs = [(self.stdout, otherwise), (self.stderr, otherwise)];
        let (flow, streams) = attach::<C>(Begin::Exec(self.endpoint), self.stdin, outputs, None);
        Run::with(&self.client, flow.limited(self.timeout).into(), streams)
    }
}

/// A pipe for what is asked of a command or a console while it runs.
pub(super) fn pipe<C: Client>(client: &C) -> Result<(Pipe, C::Reader), Error> {
    let unsupported = || Failure::new(FailureKind::Unsupported, "this transport has no pipes").into();
    client.pipe().ok_or_else(unsupported)
}

/// What goes on over websockets, with the caller's streams: what is read, the writers of stdout and stderr with what
/// becomes of those that have none, and what is asked while it runs.
pub(super) fn attach<C: Client>(
    begin: Begin,
    stdin: Payload<C::Reader>,
    outputs: [(Option<C::Writer>, Sink); 2],
    orders: Option<(Pipe, C::Reader)>,
) -> (Attached, Streams<C>) {
    let mut streams = Streams::default();
    let source = match stdin {
        // Nobody but the core chains payloads, and only for requests.
        Payload::Empty | Payload::Chain(_) => Source::Bytes(Default::default()),
        Payload::Bytes(bytes) => Source::Bytes(bytes),
        Payload::Reader(reader, _) => {
            streams.readers.insert(STDIN, reader);
            Source::Read(STDIN)
        }
    };
    let [stdout, stderr] = outputs;
    let sinks = [(STDOUT, stdout), (STDERR, stderr)].map(|(port, (writer, otherwise))| match writer {
        Some(writer) => {
            streams.writers.insert(port, writer);
            Sink::Write(port)
        }
        None => otherwise,
    });
    let flow = Attached::new(begin, source, sinks);
    let Some((pipe, reader)) = orders else { return (flow, streams) };
    streams.pipe = Some(pipe);
    streams.readers.insert(ORDERS, reader);
    (flow.ordered(), streams)
}

/// `POST /1.0/instances/{name}/exec` with `interactive`.
#[derive(Clone, Debug)]
pub struct OpenTerminal(PostExec);

/// A terminal that nobody is connected to yet.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Terminal {
    /// The command's operation, which says how it ends.
    pub operation: OperationId,
    /// Path and query of the websocket of what is typed and shown: binary messages. Whoever has it can connect, once.
    pub data: Secret,
    /// The same of the websocket that takes the terminal's new size and signals: text messages with JSON.
    pub control: Secret,
}

impl Endpoint for OpenTerminal {
    type Output = Terminal;

    fn request(&self) -> Result<Request, Error> {
        self.0.request()
    }

    fn response(&self, response: Response) -> Result<Terminal, Error> {
        let Changed::Running(operation) = Changed::<()>::read(&response)? else {
            return Err(Error::Protocol("a command was begun without an operation".into()));
        };
        let path = |name| -> Result<Secret, Error> { Ok(operation.websocket(name)?.uri()?.to_string().into()) };
        Ok(Terminal { data: path("0")?, control: path("control")?, operation: operation.id.clone() })
    }
}

impl<C: Client> Call<C, OpenTerminal> {
    /// The terminal's size when it begins.
    pub fn size(mut self, columns: u16, lines: u16) -> Self {
        (self.endpoint.0.post.width, self.endpoint.0.post.height) = (columns, lines);
        self
    }
}
