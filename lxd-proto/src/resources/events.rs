//! What happens on the server, as it happens: `/1.0/events`.

mod event;
mod lifecycle;

use alloc::{boxed::Box, string::ToString, vec::Vec};
use core::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use http::Method;

pub use event::{Event, EventMetadata, EventType, Hidden, Lifecycle, LogLevel, Logging, Requestor, Security};
pub use lifecycle::LifecycleAction;

use super::Operation;
use crate::{
    Async, Blocking, Client, Error, Request, Sending, Streams,
    endpoint::bare,
    flow::{
        AsyncIo, BlockingIo, Driver, Flow, Scoped,
        events::{EventFlow, Heard},
    },
    uri::Path,
};

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

/// What a subscription gives.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // nearly all of them are events
pub enum Notice {
    /// Something happened.
    Event(Event),
    /// Here events may be missing.
    Gap(Gap),
}

/// Between the event before this and the next one others may have been lost. The server listens to us again (or still),
/// so who keeps a state reads it again now, and misses nothing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Gap {
    /// What went wrong: how the connection was lost, or why an event could not be read.
    pub reason: Error,
}

impl Notice {
    /// The event, or the gap's reason as an error, for those who cannot do with less than all.
    ///
    /// # Errors
    /// The gap's reason.
    pub fn into_event(self) -> Result<Event, Error> {
        match self {
            Self::Event(event) => Ok(event),
            Self::Gap(gap) => Err(gap.reason),
        }
    }

    /// The event, if it is one.
    pub fn event(&self) -> Option<&Event> {
        match self {
            Self::Event(event) => Some(event),
            Self::Gap(_) => None,
        }
    }

    /// As [`Event::lifecycle`].
    pub fn lifecycle(&self) -> Option<&Lifecycle> {
        self.event()?.lifecycle()
    }

    /// As [`Event::operation`].
    pub fn operation(&self) -> Option<&Operation> {
        self.event()?.operation()
    }

    /// As [`Event::logging`].
    pub fn logging(&self) -> Option<&Logging> {
        self.event()?.logging()
    }
}

/// The server's events, not yet listened to.
///
/// ```no_run
/// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
/// use lxd_proto::{
///     Lxd,
///     resources::{EventType, Notice},
/// };
///
/// // From here on nothing is missed.
/// for notice in lxd.events().types([EventType::Lifecycle]).subscribe().send()? {
///     match notice? {
///         Notice::Event(event) => {
///             if let Some(lifecycle) = event.lifecycle() {
///                 println!("{} {}", lifecycle.action, lifecycle.source);
///             }
///         }
///         Notice::Gap(gap) => println!("look again at everything: {}", gap.reason),
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

/// Listening to the server's events (or to [one operation](crate::Object::updates)), not yet begun.
#[derive(Debug)]
#[must_use = "nothing happens until it is sent (blocking) or awaited (async)"]
pub struct Subscribe<C: Client, F = EventFlow> {
    pub(crate) client: C,
    pub(crate) flow: F,
}

impl<C: Client, F: Flow> Subscribe<C, F> {
    fn driver<I>(self, io: impl FnOnce(&C) -> I) -> Driver<Scoped<F>, I> {
        let flow = Scoped::new(self.flow, [self.client.scope().clone()].into());
        Driver::new(flow, io(&self.client))
    }
}

impl<T, C: Blocking, F: Flow<Output = Heard<T>>> Subscribe<C, F> {
    /// Begins to listen.
    ///
    /// # Errors
    /// What LXD answered, or what went wrong on the way.
    pub fn send(self) -> Result<Subscription<C::Io, F>, Error> {
        let mut driver = self.driver(|client| client.io(Streams::default()));
        // The first result is that it listens.
        driver.run()?;
        Ok(Subscription(Some(driver)))
    }
}

impl<T, C: Async, F: Flow<Output = Heard<T>> + 'static> IntoFuture for Subscribe<C, F> {
    type Output = Result<Subscription<C::Io, F>, Error>;
    type IntoFuture = Sending<Subscription<C::Io, F>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut driver = self.driver(|client| client.io(Streams::default()));
            poll_fn(|context| driver.poll_run(context)).await?;
            Ok(Subscription(Some(driver)))
        })
    }
}

/// The server's events, as they happen: an iterator (blocking) or a stream (async) of `Result<Notice, Error>`.
///
/// The server listens to us before this is there, so a list that is read now and the events that follow have no gap
/// between them. Events come in the order in which the server sent them.
///
/// It goes on for ever. A connection that is lost, or silent for [`limits::SILENCE`](crate::limits::SILENCE), is
/// connected again: at once, and then less and less often, up to
/// [`limits::RECONNECT`](crate::limits::RECONNECT). When the server listens again, a [`Gap`] says that events may be
/// missing. It ends with an error that no waiting heals: LXD refuses us (4xx), its certificate is another one.
///
/// Nothing is received before it is asked for, so nothing queues here. The server does not wait for ever: who asks for
/// nothing for more than 30 s may be dropped by it, and then that is a gap too.
///
/// Of [one operation](crate::Object::updates) it gives `Result<Operation, Error>`, and ends with the operation.
#[derive(Debug)]
pub struct Subscription<I, F = EventFlow>(Option<Driver<Scoped<F>, I>>);

impl<I, F> Subscription<I, F> {
    /// What is given on, if anything. After the last there is nothing, and no connection.
    fn given<T>(&mut self, heard: Result<Heard<T>, Error>) -> Option<Result<T, Error>> {
        match heard {
            Ok(Heard::Begun) => None,
            Ok(Heard::Next(next)) => Some(Ok(next)),
            Ok(Heard::Last(last)) => {
                self.0 = None;
                Some(Ok(last))
            }
            Err(error) => {
                self.0 = None;
                Some(Err(error))
            }
        }
    }
}

impl<T, I: BlockingIo, F: Flow<Output = Heard<T>>> Iterator for Subscription<I, F> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let heard = self.0.as_mut()?.run();
            if let Some(given) = self.given(heard) {
                return Some(given);
            }
        }
    }
}

impl<T, I: AsyncIo, F: Flow<Output = Heard<T>> + Unpin> Stream for Subscription<I, F> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Some(driver) = &mut self.0 else { return Poll::Ready(None) };
            let heard = ready!(driver.poll_run(context));
            if let Some(given) = self.given(heard) {
                return Poll::Ready(Some(given));
            }
        }
    }
}
