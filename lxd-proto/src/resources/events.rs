//! What happens on the server, as it happens: `/1.0/events`.

use alloc::{
    boxed::Box,
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use core::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use http::Method;
use serde_json::Value;

use super::Operation;
use crate::{
    Async, Blocking, Client, Error, Request, Sending, Streams,
    compat::{Timestamp, model, open_enum},
    endpoint::bare,
    flow::{AsyncIo, BlockingIo, Driver, Scoped, events::EventFlow},
    uri::Path,
};

open_enum! {
    /// What kind of event it is.
    pub enum EventType {
        /// A line of the server's log.
        Logging = "logging",
        /// An operation that began, changed or ended.
        Operation = "operation",
        /// An object that was made, changed or removed.
        Lifecycle = "lifecycle",
        /// What OVN says (5.18).
        Ovn = "ovn",
        /// A network ACL's log (Incus).
        NetworkAcl = "network-acl",
        /// Who logged in, and who was refused (6.9).
        Security = "security",
    }
}

model! {
    /// An event.
    pub struct Event {
        /// What kind it is.
        #[serde(rename = "type")]
        pub kind: EventType,
        /// When it happened.
        pub timestamp: Timestamp,
        /// On which cluster member; `none` without a cluster.
        pub location: String,
        /// In which project, if in one.
        pub project: String,
        /// The event itself; see [`lifecycle`](Event::lifecycle), [`operation`](Event::operation) and
        /// [`logging`](Event::logging).
        pub metadata: Hidden,
    }

    /// An object was made, changed or removed.
    pub struct Lifecycle {
        /// What happened, as `instance-created`.
        pub action: String,
        /// The object's URL.
        pub source: String,
        /// More, by key.
        pub context: BTreeMap<String, Value>,
        /// Who did it.
        pub requestor: Requestor,
        /// The object's name (`event_lifecycle_name_and_project`, 5.19).
        pub name: String,
        /// The object's project (`event_lifecycle_name_and_project`, 5.19).
        pub project: String,
    }

    /// Who did something.
    pub struct Requestor {
        /// Who.
        pub username: String,
        /// How: `unix`, `tls`.
        pub protocol: String,
        /// From where.
        pub address: String,
    }

    /// A line of the server's log.
    pub struct Logging {
        /// The line.
        pub message: String,
        /// `debug`, `info`, `warning`, `error`.
        pub level: String,
        /// More, by key.
        pub context: BTreeMap<String, Value>,
    }
}

/// An event's own part, as JSON. It may hold secrets (an operation's do), so `Debug` does not show it.
#[derive(Clone, Default, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub Value);

impl core::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("..")
    }
}

impl Event {
    /// The object's change, if this is a lifecycle event.
    pub fn lifecycle(&self) -> Option<Lifecycle> {
        self.read(&EventType::Lifecycle)
    }

    /// The operation as it is now, if this is an operation's event.
    pub fn operation(&self) -> Option<Operation> {
        self.read(&EventType::Operation)
    }

    /// The line, if this is a logging event.
    pub fn logging(&self) -> Option<Logging> {
        self.read(&EventType::Logging)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, kind: &EventType) -> Option<T> {
        (self.kind == *kind).then(|| T::deserialize(&self.metadata.0).ok())?
    }
}

/// Opens the events: `GET /1.0/events` as a websocket.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GetEvents {
    /// Which kinds; none means all that the client may see.
    pub types: Vec<EventType>,
    /// Of all projects, and not of the client's.
    pub all_projects: bool,
}

impl GetEvents {
    /// The request.
    ///
    /// # Errors
    /// None but for a kind that cannot be sent.
    pub fn request(&self) -> Result<Request, Error> {
        let mut path = Path::root().join("events");
        if !self.types.is_empty() {
            let types: Vec<_> = self.types.iter().map(ToString::to_string).collect();
            path = path.query("type", types.join(","));
        }
        if self.all_projects {
            path = path.query("all-projects", "true");
        }
        bare(Method::GET, &path)
    }
}

/// The server's events, not yet listened to.
///
/// ```no_run
/// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
/// use lxd_proto::{Lxd, resources::EventType};
///
/// // From here on nothing is missed.
/// for event in lxd.events().types([EventType::Lifecycle]).subscribe().send()? {
///     if let Some(lifecycle) = event?.lifecycle() {
///         println!("{} {}", lifecycle.action, lifecycle.source);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Events<C> {
    client: C,
    get: GetEvents,
}

impl<C: Client> Events<C> {
    pub(crate) fn new(client: &C) -> Self {
        Self { client: client.clone(), get: GetEvents::default() }
    }

    /// Only events of these kinds.
    #[must_use]
    pub fn types(mut self, types: impl IntoIterator<Item = EventType>) -> Self {
        self.get.types = types.into_iter().collect();
        self
    }

    /// Of all projects (extension `event_all_projects` is as old as projects).
    #[must_use]
    pub fn all_projects(mut self) -> Self {
        self.get.all_projects = true;
        self
    }

    /// Listens: see [`Subscription`].
    pub fn subscribe(self) -> Subscribe<C> {
        Subscribe { client: self.client, flow: EventFlow::new(self.get) }
    }
}

/// A subscription to the server's events, not yet begun.
#[derive(Debug)]
#[must_use = "nothing happens until it is sent (blocking) or awaited (async)"]
pub struct Subscribe<C: Client> {
    client: C,
    flow: EventFlow,
}

impl<C: Blocking> Subscribe<C> {
    /// Begins to listen.
    ///
    /// # Errors
    /// What LXD answered, or what went wrong on the way.
    pub fn send(self) -> Result<Subscription<C::Io>, Error> {
        let flow = Scoped::new(self.flow, [self.client.scope().clone()].into());
        let mut driver = Driver::new(flow, self.client.io(Streams::default()));
        // The first result is that it listens.
        driver.run()?;
        Ok(Subscription(driver))
    }
}

impl<C: Async> IntoFuture for Subscribe<C> {
    type Output = Result<Subscription<C::Io>, Error>;
    type IntoFuture = Sending<Subscription<C::Io>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let flow = Scoped::new(self.flow, [self.client.scope().clone()].into());
            let mut driver = Driver::new(flow, self.client.io(Streams::default()));
            poll_fn(|context| driver.poll_run(context)).await?;
            Ok(Subscription(driver))
        })
    }
}

/// The server's events, as they happen: an iterator (blocking) or a stream (async) of `Result<Event, Error>`.
///
/// The server listens to us before this is there, so a list that is read now and the events that follow have no gap
/// between them. It has no end. After an error it connects again when it is asked again; what happened in between is
/// lost.
#[derive(Debug)]
pub struct Subscription<I>(Driver<Scoped<EventFlow>, I>);

impl<I: BlockingIo> Iterator for Subscription<I> {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.0.run().transpose() {
                return Some(event);
            }
        }
    }
}

impl<I: AsyncIo> Stream for Subscription<I> {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = ready!(self.0.poll_run(context)).transpose() {
                return Poll::Ready(Some(event));
            }
        }
    }
}
