//! Flows that have one request out at a time, which most are: the next request follows from the last answer.

use alloc::vec::Vec;

use http::{Method, Uri};

use super::{Action, Flow, Id, Peer, Reply, Step};
use crate::{Error, Failure, Request, Response};

/// What a sequence does now.
#[derive(Debug)]
#[non_exhaustive]
pub enum Turn<T> {
    /// Sends this, and is told the answer.
    Ask(Request),
    /// Sends this to another server of the flow, and is told the answer.
    AskPeer(Peer, Request),
    /// As [`Action::Relay`], from the flow's own server to another, and is told the answer.
    Relay(Request, Peer, Request),
    /// This is the result.
    Done(T),
}

/// Steps that are one request each.
pub trait Sequence: Send {
    /// What it gives in the end.
    type Output: Send;

    /// The next request, or the end.
    ///
    /// # Errors
    /// The end without a result.
    fn turn(&mut self) -> Result<Turn<Self::Output>, Error>;

    /// The answer to the last request, of any HTTP status.
    ///
    /// # Errors
    /// The end without a result.
    fn answer(&mut self, answer: Result<Response, Error>) -> Result<(), Error>;

    /// As [`Flow::extensions`].
    fn extensions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// Runs a [`Sequence`] as a [`Flow`]. LXD's errors say which request they answer.
#[derive(Debug)]
pub struct InTurn<S> {
    pub(crate) sequence: S,
    last: Id,
    out: Option<(Method, Uri)>,
}

impl<S: Sequence> InTurn<S> {
    /// The sequence as a flow.
    pub fn new(sequence: S) -> Self {
        Self { sequence, last: Id(0), out: None }
    }
}

impl<S: Sequence> Flow for InTurn<S> {
    type Output = S::Output;

    fn next(&mut self) -> Result<Step<S::Output>, Error> {
        if self.out.is_some() {
            return Ok(Step::Wait);
        }
        let action = match self.sequence.turn()? {
            Turn::Done(output) => return Ok(Step::Done(output)),
            Turn::Ask(request) => Action::Http(Peer(0), request),
            Turn::AskPeer(peer, request) => Action::Http(peer, request),
            Turn::Relay(get, peer, post) => Action::Relay(Peer(0), get.into(), peer, post.into()),
        };
        self.last = Id(self.last.0.wrapping_add(1));
        let asked = match &action {
            Action::Http(_, request) => Some(request),
            Action::Relay(_, _, _, post) => Some(&**post),
            _ => None,
        };
        self.out = asked.map(|request| (request.method().clone(), request.uri().clone()));
        Ok(Step::Do(self.last, action))
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        if id != self.last {
            return Ok(());
        }
        let Some((method, uri)) = self.out.take() else { return Ok(()) };
        self.sequence.answer(super::http(result)).map_err(|error| error.answering(&method, &uri))
    }

    fn extensions(&self) -> Vec<&'static str> {
        self.sequence.extensions()
    }
}
