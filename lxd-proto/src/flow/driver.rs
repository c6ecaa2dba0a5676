//! What runs a flow: the loop, the scope, and the smallest I/O that is enough for most.

use alloc::{collections::VecDeque, vec::Vec};
use core::task::{Context, Poll, ready};

use super::{Action, Flow, Id, Peer, Reply, Step, http};
use crate::{Blocking, Endpoint, Error, Failure, Get, Request, Scope, Streams, error::FailureKind, resources::Server};

/// Starts actions, and gives back what is finished, on the caller's thread.
pub trait BlockingIo {
    /// Starts an action; does not wait for it.
    fn start(&mut self, id: Id, action: Action);

    /// Waits until an action is finished. When nothing was started, it answers at once with a failure.
    fn finish(&mut self) -> (Id, Result<Reply, Failure>);
}

/// Starts actions, and gives back what is finished, in a task. Dropping it cancels everything.
pub trait AsyncIo: Send + Unpin {
    /// Starts an action; does not wait for it.
    fn start(&mut self, id: Id, action: Action);

    /// Waits until an action is finished. When nothing was started, it is ready at once with a failure.
    fn poll_finish(&mut self, context: &mut Context<'_>) -> Poll<(Id, Result<Reply, Failure>)>;
}

impl<I: BlockingIo + ?Sized> BlockingIo for &mut I {
    fn start(&mut self, id: Id, action: Action) {
        (**self).start(id, action);
    }

    fn finish(&mut self) -> (Id, Result<Reply, Failure>) {
        (**self).finish()
    }
}

impl<I: AsyncIo + ?Sized> AsyncIo for &mut I {
    fn start(&mut self, id: Id, action: Action) {
        (**self).start(id, action);
    }

    fn poll_finish(&mut self, context: &mut Context<'_>) -> Poll<(Id, Result<Reply, Failure>)> {
        (**self).poll_finish(context)
    }
}

/// A running flow. Each `run` drives it to its next result; most flows have one, events have many.
#[derive(Debug)]
#[must_use = "a flow runs only while it is driven"]
pub struct Driver<F, I> {
    flow: F,
    io: I,
}

impl<F: Flow, I> Driver<F, I> {
    /// A flow that has not begun.
    pub fn new(flow: F, io: I) -> Self {
        Self { flow, io }
    }
}

impl<F: Flow, I: BlockingIo> Driver<F, I> {
    /// Runs the flow to its next result.
    ///
    /// # Errors
    /// The flow's own.
    pub fn run(&mut self) -> Result<F::Output, Error> {
        loop {
            match self.flow.next()? {
                Step::Done(output) => return Ok(output),
                Step::Do(id, action) => self.io.start(id, action),
                Step::Wait => {
                    let (id, result) = self.io.finish();
                    self.flow.handle(id, result)?;
                }
            }
        }
    }
}

impl<F: Flow, I: AsyncIo> Driver<F, I> {
    /// Runs the flow to its next result.
    ///
    /// # Errors
    /// The flow's own.
    pub fn poll_run(&mut self, context: &mut Context<'_>) -> Poll<Result<F::Output, Error>> {
        loop {
            match self.flow.next()? {
                Step::Done(output) => return Poll::Ready(Ok(output)),
                Step::Do(id, action) => self.io.start(id, action),
                Step::Wait => {
                    let (id, result) = ready!(self.io.poll_finish(context));
                    self.flow.handle(id, result)?;
                }
            }
        }
    }
}

/// A flow whose requests get their server's scope, and whose answers LXD's names: see
/// [`Run::into_flow`](crate::Run::into_flow). What a request needs is made sure of before it is sent.
#[derive(Debug)]
pub struct Scoped<F> {
    flow: F,
    scopes: Vec<Scope>,
    sent: Vec<(Id, Peer)>,
    held: Option<Held>,
}

/// In the extensions of a flow's request: the API extensions that a server must have, where only the flow's middle says
/// which. They are made sure of before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Needed(pub(crate) Peer, pub(crate) Vec<&'static str>);

/// A request before which a server is asked what it can do.
#[derive(Debug)]
struct Held {
    id: Id,
    action: Action,
    asked: Peer,
    needed: Vec<&'static str>,
    answered: bool,
}

/// The question of what a server can do. No flow counts so far.
const ASKING: Id = Id(u32::MAX - 1);

impl<F> Scoped<F> {
    pub(crate) fn new(flow: F, scopes: Vec<Scope>) -> Self {
        Self { flow, scopes, sent: Vec::new(), held: None }
    }
}

impl<F: Flow> Flow for Scoped<F> {
    type Output = F::Output;

    fn next(&mut self) -> Result<Step<F::Output>, Error> {
        let mut step = match self.held.take_if(|held| held.answered) {
            Some(Held { id, action, .. }) => Ok(Step::Do(id, action)),
            None if self.held.is_some() => return Ok(Step::Wait),
            None => self.flow.next(),
        };
        let Ok(Step::Do(id, action)) = &mut step else { return step };
        let needed = requests(action).find_map(|(_, request)| request.extensions_mut().remove());
        if let Some(Needed(asked, needed)) = needed {
            let known = self.scopes.get(usize::from(asked.0));
            if !known.is_some_and(|scope| scope.extensions.have(&needed)) {
                self.held = Some(Held { id: *id, action: action.clone(), asked, needed, answered: false });
                return Ok(Step::Do(ASKING, Action::Http(asked, Get::<Server>::new(()).request()?)));
            }
        }
        let mut answering = None;
        for (peer, request) in requests(action) {
            if let Some(scope) = self.scopes.get(usize::from(peer.0)) {
                scope.apply(request)?;
                answering = Some((*id, peer));
            }
        }
        self.sent.extend(answering);
        step
    }

    fn handle(&mut self, id: Id, mut result: Result<Reply, Failure>) -> Result<(), Error> {
        if let Some(held) = self.held.as_mut().filter(|held| id == ASKING && !held.answered) {
            let server = Get::<Server>::new(()).response(http(result)?)?.value;
            if let Some(scope) = self.scopes.get(usize::from(held.asked.0)) {
                scope.extensions.learn(&server, &held.needed)?;
            }
            held.answered = true;
            return Ok(());
        }
        if let Some(index) = self.sent.iter().position(|(sent, _)| *sent == id) {
            let (_, peer) = self.sent.swap_remove(index);
            if let (Ok(Reply::Http(response)), Some(scope)) = (&mut result, self.scopes.get(usize::from(peer.0))) {
                scope.adopt(response.headers_mut());
            }
        }
        self.flow.handle(id, result)
    }

    fn extensions(&self) -> Vec<&'static str> {
        self.flow.extensions()
    }
}

/// The requests of an action with their servers. The last one's answer is the action's.
fn requests(action: &mut Action) -> impl Iterator<Item = (Peer, &mut Request)> {
    let (first, second) = match action {
        Action::Http(peer, request) | Action::Open(peer, _, request) | Action::Upgrade(peer, _, request) => {
            (Some((*peer, request)), None)
        }
        Action::Relay(from, get, to, post) => (Some((*from, &mut **get)), Some((*to, &mut **post))),
        _ => (None, None),
    };
    first.into_iter().chain(second)
}

/// The I/O of a transport that has requests and nothing else: one after the other, on the caller's thread. It runs every
/// flow that needs no websocket and no timer.
#[derive(Debug)]
pub struct Sequential<C: Blocking> {
    client: C,
    streams: Streams<C>,
    queue: VecDeque<(Id, Action)>,
}

impl<C: Blocking> Sequential<C> {
    /// The I/O of one flow.
    pub fn new(client: &C, streams: Streams<C>) -> Self {
        Self { client: client.clone(), streams, queue: VecDeque::new() }
    }
}

impl<C: Blocking> BlockingIo for Sequential<C> {
    fn start(&mut self, id: Id, action: Action) {
        self.queue.push_back((id, action));
    }

    fn finish(&mut self) -> (Id, Result<Reply, Failure>) {
        let Some((id, action)) = self.queue.pop_front() else {
            return (Id(0), Err(Failure::new(FailureKind::Other, "nothing was started")));
        };
        let result = match action {
            Action::Http(peer, request) => {
                let client = self.streams.peer(peer).unwrap_or(&self.client).clone();
                self.streams.redeem(request).and_then(|request| client.exchange(request)).map(Reply::Http)
            }
            Action::Disk(action) => self.streams.on_disk(action).map(Reply::Disk),
            _ => Err(Failure::new(FailureKind::Unsupported, "this transport has requests and nothing else")),
        };
        (id, result)
    }
}
