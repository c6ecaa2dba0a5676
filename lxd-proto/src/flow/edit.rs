//! Changing an object that others change too, and losing nothing of theirs.
//!
//! | state | asks | and then |
//! |---|---|---|
//! | `Get` | `GET` of the object | the caller's closure changes its writable part; nothing changed: done |
//! | `Put` | `PUT` with `If-Match` | done, or an operation: `Watch`; 412, somebody was faster: `Get` |
//! | `Watch` | the operation's `/wait` | done; it failed with 412: `Get` |
//!
//! What is sent is the object as it was read, with the keys that the closure changed: a key that nobody here knows stays
//! as it was, and a key that the server did not send is not sent.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use http::Method;
use serde_json::{Map, Value};

use super::{Sequence, Turn, ended, wait::Watcher};
use crate::{
    Changed, Endpoint, Error, Request, Response,
    crud::{ETag, Editable, Get, conditional},
    endpoint::json,
    limits,
};

/// What changes an object's writable part. It runs again on the new value when somebody else was faster.
pub type Change<P> = Box<dyn FnMut(&mut P) + Send>;

/// Reads an object, changes it, and writes it back. Made by [`Object::edit`](crate::Object::edit).
pub struct Edit<R: Editable> {
    at: R::At,
    change: Change<R::Put>,
    state: State,
    tries: u32,
}

#[derive(Debug)]
enum State {
    Get,
    Put(Map<String, Value>, Option<ETag>),
    Watch(Watcher),
    Done,
}

impl<R: Editable> fmt::Debug for Edit<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edit").field("at", &self.at).field("tries", &self.tries).finish_non_exhaustive()
    }
}

impl<R: Editable> Edit<R> {
    pub(crate) fn new(at: R::At, change: Change<R::Put>) -> Self {
        Self { at, change, state: State::Get, tries: 0 }
    }

    fn put(&self, body: &Map<String, Value>, etag: Option<&ETag>) -> Result<Request, Error> {
        conditional(json(Method::PUT, &R::path(&self.at), body)?, etag)
    }

    /// Somebody else was faster: starts again, as often as is sensible.
    fn again(&mut self, error: Error) -> Result<State, Error> {
        self.tries += 1;
        if self.tries >= limits::EDIT_TRIES { Err(error) } else { Ok(State::Get) }
    }
}

impl<R: Editable> Sequence for Edit<R> {
    type Output = ();

    fn turn(&mut self) -> Result<Turn<()>, Error> {
        let request = match &mut self.state {
            State::Get => Get::<R>::new(self.at.clone()).request()?,
            State::Watch(watcher) => watcher.request()?,
            State::Done => return Ok(Turn::Done(())),
            State::Put(body, etag) => {
                let (body, etag) = (core::mem::take(body), etag.take());
                self.put(&body, etag.as_ref())?
            }
        };
        Ok(Turn::Ask(request))
    }

    fn answer(&mut self, answer: Result<Response, Error>) -> Result<(), Error> {
        self.state = match core::mem::replace(&mut self.state, State::Done) {
            State::Get => {
                let mut draft = Get::<R>::new(self.at.clone()).response(answer?)?.draft()?;
                (self.change)(&mut draft);
                match draft.body()? {
                    Some(body) => State::Put(body, draft.read().etag.clone()),
                    None => State::Done,
                }
            }
            State::Put(..) => match Changed::<()>::read(&answer?) {
                Ok(Changed::Done(())) => State::Done,
                Ok(Changed::Running(operation)) => State::Watch(Watcher::new(operation.id, None)),
                Err(error) if error.is_precondition_failed() => self.again(error)?,
                Err(error) => return Err(error),
            },
            State::Watch(mut watcher) => match watcher.answer(answer) {
                Ok(Some(_)) => State::Done,
                Ok(None) => State::Watch(watcher),
                Err(error) if error.is_precondition_failed() => self.again(error)?,
                Err(error) => return Err(error),
            },
            State::Done => return Err(ended()),
        };
        Ok(())
    }

    fn extensions(&self) -> Vec<&'static str> {
        R::EXTENSION.into_iter().collect()
    }
}
