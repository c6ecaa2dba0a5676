//! Writing a [`Draft`] back.
//!
//! | state | asks | and then |
//! |---|---|---|
//! | `Put` | `PUT` with `If-Match`; nothing differs: done | `Read`, or an operation: `Watch`; 412, somebody was faster: `Compare` |
//! | `Watch` | the operation's `/wait` | `Read`; it failed with 412: `Compare` |
//! | `Compare` | `GET` of the object | others changed other keys, and that may be merged: `Put`; else [`Error::Outdated`] |
//! | `Read` | `GET` of the object | done |

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use http::Method;

use super::{InTurn, Sequence, Turn, ended, wait::Watcher};
use crate::{
    Changed, Client, Draft, Endpoint, Error, Fetched, Request, Response, Run,
    crud::{Editable, Get, conditional},
    endpoint::json,
    limits,
};

/// Writes a draft back, and reads what the object is then. Made by [`Object::save`](crate::Object::save).
pub struct Save<R: Editable> {
    at: R::At,
    draft: Draft<R>,
    merge: bool,
    tries: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    Put,
    Watch(Watcher),
    Compare,
    Read,
    Done,
}

impl<R: Editable> fmt::Debug for Save<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save").field("at", &self.at).field("draft", &self.draft).finish_non_exhaustive()
    }
}

impl<R: Editable> Save<R> {
    pub(crate) fn new(at: R::At, draft: Draft<R>) -> Self {
        Self { at, draft, merge: false, tries: 0, state: State::Put }
    }

    /// What is to be sent, if something is.
    fn put(&self) -> Result<Option<Request>, Error> {
        let Some(body) = self.draft.body()? else { return Ok(None) };
        let request = json(Method::PUT, &R::path(&self.at), &body)?;
        conditional(request, self.draft.read().etag.as_ref()).map(Some)
    }

    fn fetched(&self, answer: Result<Response, Error>) -> Result<Fetched<R>, Error> {
        Get::<R>::new(self.at.clone()).response(answer?)
    }

    /// Somebody else was faster.
    fn compare(&mut self, newer: Fetched<R>) -> Result<State, Error> {
        self.tries += 1;
        let outdated = self.draft.outdated(&newer)?;
        if !self.merge || !outdated.conflicts.is_empty() || self.tries >= limits::EDIT_TRIES {
            return Err(Error::Outdated(Box::new(outdated)));
        }
        self.draft = self.draft.rebase(newer)?;
        Ok(State::Put)
    }
}

impl<C: Client, R: Editable> Run<C, InTurn<Save<R>>> {
    /// When others changed the object since it was read, but no key that differs in the draft, saves on top of that.
    pub fn merge(mut self) -> Self {
        self.flow.sequence.merge = true;
        self
    }
}

impl<R: Editable> Sequence for Save<R> {
    type Output = Draft<R>;

    fn turn(&mut self) -> Result<Turn<Draft<R>>, Error> {
        let request = match &mut self.state {
            State::Put => self.put()?,
            State::Watch(watcher) => Some(watcher.request()?),
            State::Compare | State::Read => Some(Get::<R>::new(self.at.clone()).request()?),
            State::Done => None,
        };
        Ok(request.map_or_else(|| Turn::Done(self.draft.clone()), Turn::Ask))
    }

    fn answer(&mut self, answer: Result<Response, Error>) -> Result<(), Error> {
        self.state = match core::mem::replace(&mut self.state, State::Done) {
            State::Put => match Changed::<()>::read(&answer?) {
                Ok(Changed::Done(())) => State::Read,
                Ok(Changed::Running(operation)) => State::Watch(Watcher::new(operation.id, None)),
                Err(error) if error.is_precondition_failed() => State::Compare,
                Err(error) => return Err(error),
            },
            State::Watch(mut watcher) => match watcher.answer(answer) {
                Ok(Some(_)) => State::Read,
                Ok(None) => State::Watch(watcher),
                Err(error) if error.is_precondition_failed() => State::Compare,
                Err(error) => return Err(error),
            },
            State::Compare => {
                let newer = self.fetched(answer)?;
                self.compare(newer)?
            }
            State::Read => {
                self.draft = self.fetched(answer)?.draft()?;
                State::Done
            }
            State::Done => return Err(ended()),
        };
        Ok(())
    }

    fn extensions(&self) -> Vec<&'static str> {
        R::EXTENSION.into_iter().collect()
    }
}
