//! Doing something and waiting for its end, whether the server does it at once or as an operation.
//!
//! | state | asks | and then |
//! |---|---|---|
//! | `Ask` | the endpoint's request | `sync`: done; `async`: `Wait` |
//! | `Wait` | `GET /1.0/operations/{id}/wait?timeout=15` | the operation ended: done; it runs: `Wait`; an error or silence: `Look` |
//! | `Look` | `GET /1.0/operations/{id}` | the operation ended: done; it runs: `Wait`; 404: [`Outcome::Unknown`] |
//!
//! An operation lives 5 s after its end, so the first `/wait` follows at once, and its answer is the result. It has a
//! short timeout of its own, which is asked again: so a dead connection or a server that never answers is noticed within
//! [`limits::WAIT`] + [`limits::WAIT_GRACE`], and no clock is needed.
//!
//! `/wait` has three dialects. Up to 5.14, 5.0.2 and in Incus: a failure is `sync` with the failed operation, a timeout
//! `sync` with the running one. 5.15 to 5.19: both are HTTP errors. Since 5.20 and 5.0.3: both are `"type": "error"`, at
//! HTTP 200. An error can therefore mean either, and the operation itself is looked at.

use alloc::{boxed::Box, format, vec::Vec};
use core::time::Duration;

use http::Method;

use super::{InTurn, Sequence, Turn, ended};
use crate::{
    Answer, Changed, Client, Endpoint, Error, Request, Response, Run,
    endpoint::{LongPoll, bare},
    envelope,
    error::{OperationError, Outcome},
    limits,
    resources::{Operation, OperationId},
    uri::Path,
};

/// How many refusals of `/wait`, one after the other, are taken for a server that will never answer it.
const REFUSALS: u8 = 8;

/// Watches one operation: which request is next, and what its answer means.
#[derive(Debug)]
pub(crate) struct Watcher {
    id: OperationId,
    look: bool,
    refusals: u8,
    left: Option<Duration>,
    trouble: Option<Error>,
    seen: Option<Operation>,
}

impl Watcher {
    pub(crate) fn new(id: OperationId, limit: Option<Duration>) -> Self {
        Self { id, look: false, refusals: 0, left: limit, trouble: None, seen: None }
    }

    /// The next request.
    pub(crate) fn request(&mut self) -> Result<Request, Error> {
        let path = Path::root().join("operations").name(self.id.as_str());
        if self.look {
            return bare(Method::GET, &path);
        }
        let slice = self.left.map_or(limits::WAIT, |left| left.min(limits::WAIT)).max(Duration::from_secs(1));
        self.left = self.left.map(|left| left.saturating_sub(slice));
        let seconds = slice.as_secs() + u64::from(slice.subsec_nanos() > 0);
        let mut request = bare(Method::GET, &path.join("wait").query("timeout", format!("{seconds}")))?;
        request.extensions_mut().insert(LongPoll(slice + limits::WAIT_GRACE));
        Ok(request)
    }

    /// Looks at the operation with the next request instead of waiting for it.
    pub(crate) fn look(&mut self) {
        self.look = true;
    }

    /// What the answer means: the operation, when it succeeded, or nothing while it runs.
    pub(crate) fn answer(&mut self, answer: Result<Response, Error>) -> Result<Option<Operation>, Error> {
        let looked = core::mem::take(&mut self.look);
        let answer = answer.and_then(|response| envelope::sync::<Operation>("an operation", &response));
        match answer {
            Ok(operation) if operation.status_code.is_final() => return self.settle(operation).map(Some),
            Ok(operation) => {
                if !looked {
                    self.refusals = 0;
                }
                self.seen = Some(operation);
            }
            // Only here: a 404 from `/wait` can also be why the operation failed.
            Err(error) if looked && error.is_not_found() => return Err(self.end(Outcome::Unknown)),
            // The connection is gone and does not come back: say what went wrong first.
            Err(error) if looked => return Err(self.trouble.take().unwrap_or(error)),
            Err(error) => {
                // "context deadline exceeded" is how 5.15 and later say that the timeout passed.
                let timeout = matches!(&error, Error::Api(api) if api.message.contains("deadline"));
                self.refusals = if timeout { 0 } else { self.refusals + 1 };
                if self.refusals > REFUSALS {
                    return Err(error);
                }
                self.trouble = Some(error);
                self.look = true;
                return Ok(None);
            }
        }
        if self.left == Some(Duration::ZERO) {
            return Err(self.end(Outcome::StillRunning));
        }
        Ok(None)
    }

    fn settle(&mut self, operation: Operation) -> Result<Operation, Error> {
        match operation.outcome() {
            None => Ok(operation),
            Some(outcome) => {
                self.seen = Some(operation);
                Err(self.end(outcome))
            }
        }
    }

    fn end(&mut self, outcome: Outcome) -> Error {
        Error::Operation(Box::new(OperationError { id: self.id.clone(), outcome, operation: self.seen.take() }))
    }
}

/// Does what an endpoint says, and waits for its end. Made by [`Call::wait`](crate::Call::wait).
#[derive(Debug)]
pub struct Wait<E, A> {
    endpoint: E,
    limit: Option<Duration>,
    state: State<A>,
}

#[derive(Debug)]
enum State<A> {
    Ask,
    Watch(Watcher),
    Done(Option<A>),
}

impl<E, A> Wait<E, A> {
    pub(crate) fn new(endpoint: E) -> Self {
        Self { endpoint, limit: None, state: State::Ask }
    }
}

impl<C: Client, E, A> Run<C, InTurn<Wait<E, A>>> {
    /// Waits at most this long (in whole seconds, at least one) and then fails with [`Outcome::StillRunning`]; the
    /// operation goes on. By default the wait has no end but the operation's.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.flow.sequence.limit = Some(limit.max(Duration::from_secs(1)));
        self
    }
}

impl<A: Answer, E: Endpoint<Output = Changed<A>>> Sequence for Wait<E, A> {
    type Output = A;

    fn turn(&mut self) -> Result<Turn<A>, Error> {
        let request = match &mut self.state {
            State::Ask => self.endpoint.request()?,
            State::Watch(watcher) => watcher.request()?,
            State::Done(answer) => return answer.take().map(Turn::Done).ok_or_else(ended),
        };
        Ok(Turn::Ask(request))
    }

    fn answer(&mut self, answer: Result<Response, Error>) -> Result<(), Error> {
        match &mut self.state {
            State::Ask => {
                self.state = match self.endpoint.response(answer?)? {
                    Changed::Done(answer) => State::Done(Some(answer)),
                    Changed::Running(operation) => State::Watch(Watcher::new(operation.id, self.limit)),
                };
            }
            State::Watch(watcher) => {
                if let Some(operation) = watcher.answer(answer)? {
                    let done = Changed::Done(A::finished(&operation)?);
                    self.endpoint.check(&done)?;
                    if let Changed::Done(answer) = done {
                        self.state = State::Done(Some(answer));
                    }
                }
            }
            State::Done(_) => {}
        }
        Ok(())
    }

    fn extensions(&self) -> Vec<&'static str> {
        self.endpoint.extensions()
    }
}
