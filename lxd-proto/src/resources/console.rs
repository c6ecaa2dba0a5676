//! The console of a running instance: `/1.0/instances/{name}/console`.

use alloc::string::String;

use http::Method;

use super::{
    Instance,
    exec::{attach, pipe},
};
use crate::{
    Client, Endpoint, Error, Object, Payload, Pipe, Request, Response, Run,
    compat::{is_default, open_enum},
    crud::{Changed, Resource},
    endpoint::json,
    flow::exec::{Begin, ConsoleControl, ConsoleFlow, Sink},
};

open_enum! {
    /// What kind of console it is.
    pub enum ConsoleType {
        /// Text.
        Console = "console",
        /// The screen of a virtual machine, by the SPICE protocol (extension `console_vga_type`).
        Vga = "vga",
    }
}

/// How a console is attached: the body of `POST /1.0/instances/{name}/console`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct InstanceConsolePost {
    /// Its columns; 0 leaves that to the server.
    #[serde(skip_serializing_if = "is_default")]
    pub width: u16,
    /// Its lines; 0 leaves that to the server.
    #[serde(skip_serializing_if = "is_default")]
    pub height: u16,
    /// What kind it is.
    #[serde(rename = "type")]
    pub kind: ConsoleType,
}

/// `POST /1.0/instances/{name}/console`.
#[derive(Clone, Debug)]
pub struct PostConsole {
    /// The instance's name.
    pub instance: String,
    /// How it is attached.
    pub post: InstanceConsolePost,
}

impl Endpoint for PostConsole {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        json(Method::POST, &Instance::path(&self.instance).join("console"), &self.post)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }
}

/// A console, not yet attached.
///
/// ```no_run
/// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
/// use lxd_proto::Lxd;
///
/// let (control, console) = lxd.instance("c1").console().size(80, 24).controlled()?;
/// // Here in a thread of its own; with an async client in a task.
/// let shown = std::thread::spawn(move || console.stdin("\n").attach().send());
/// std::thread::sleep(std::time::Duration::from_secs(5));
/// control.detach();
/// println!("{}", String::from_utf8_lossy(&shown.join().unwrap()?));
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is attached until `attach()` is sent or awaited"]
pub struct Console<C: Client> {
    client: C,
    endpoint: PostConsole,
    stdin: Payload<C::Reader>,
    stdout: Option<C::Writer>,
    orders: Option<(Pipe, C::Reader)>,
}

impl<C: Client> core::fmt::Debug for Console<C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Console").field(&self.endpoint).finish()
    }
}

impl<C: Client> Console<C> {
    fn new(client: &C, instance: String) -> Self {
        let post = InstanceConsolePost { width: 0, height: 0, kind: ConsoleType::Console };
        let endpoint = PostConsole { instance, post };
        Self { client: client.clone(), endpoint, stdin: Payload::Empty, stdout: None, orders: None }
    }

    /// Its size.
    pub fn size(mut self, columns: u16, lines: u16) -> Self {
        (self.endpoint.post.width, self.endpoint.post.height) = (columns, lines);
        self
    }

    /// The screen of a virtual machine instead, as the bytes of one connection of the SPICE protocol (extension
    /// `console_vga_type`).
    pub fn vga(mut self) -> Self {
        self.endpoint.post.kind = ConsoleType::Vga;
        self
    }

    /// What is typed: bytes, a text, or a reader (see [`Payload`]). Its end is not the console's. 5.0.2 loses what comes
    /// right after it was attached, so typing begins half a second later.
    pub fn stdin(mut self, input: impl Into<Payload<C::Reader>>) -> Self {
        self.stdin = input.into();
        self
    }

    /// Hands what is shown on to a writer, as it comes.
    pub fn stdout(mut self, writer: impl Into<C::Writer>) -> Self {
        self.stdout = Some(writer.into());
        self
    }

    /// Lets it be left, and get another size.
    ///
    /// # Errors
    /// [`Unsupported`](crate::FailureKind::Unsupported), when the transport has no pipes.
    pub fn controlled(mut self) -> Result<(ConsoleControl, Self), Error> {
        let (pipe, reader) = pipe(&self.client)?;
        let control = ConsoleControl(pipe.downgrade());
        self.orders = Some((pipe, reader));
        Ok((control, self))
    }

    /// Attaches to it, until it is left or the instance stops: `POST /1.0/instances/{name}/console`, and its websockets.
    /// Collects what is shown and goes to no writer, within [`limits::OUTPUT`](crate::limits::OUTPUT).
    ///
    /// An instance has one console for one at a time. It shows what comes from then on; for what was before see
    /// [`console_log`](Object::console_log).
    pub fn attach(self) -> Run<C, ConsoleFlow> {
        let outputs = [(self.stdout, Sink::Collect), (None, Sink::Discard)];
        let (flow, streams) = attach::<C>(Begin::Console(self.endpoint), self.stdin, outputs, self.orders);
        Run::with(&self.client, ConsoleFlow(flow), streams)
    }
}

impl<C: Client> Object<C, Instance> {
    /// Its console (extension `console`).
    pub fn console(&self) -> Console<C> {
        Console::new(&self.client, self.at.clone())
    }
}
