//! Following one operation to its end.
//!
//! | state | does | and then |
//! |---|---|---|
//! | `Listen` | listens to the server's operations | each change of ours is given; a gap: `Due` |
//! | `Due` | `GET /1.0/operations/{id}` | as it is now is given; 404: [`Outcome::Unknown`]; a failure that may heal: `Later` |
//! | `Later` | listens as well, for [`limits::LOOK_AGAIN`] | `Due` |
//!
//! It listens before it looks, so nothing is between. LXD sends events side by side: one that is older than what was seen
//! is left out. Whenever the operation has ended, that is the last.

use alloc::boxed::Box;

use http::Method;

use super::{
    Action, Flow, Id, Ids, Peer, Reply, Step,
    events::{EventFlow, Heard, heals},
    http,
};
use crate::{
    Error, Failure,
    crud::Resource,
    endpoint::bare,
    envelope,
    error::{OperationError, Outcome},
    limits,
    resources::{EventType, Notice, Operation, OperationId, events::GetEvents},
};

/// Gives an operation whenever it changes, until its end. Made by [`Object::updates`](crate::Object::updates).
#[derive(Debug)]
pub struct UpdatesFlow {
    id: OperationId,
    events: EventFlow,
    ids: Ids,
    state: State,
    ready: Option<Heard<Operation>>,
    last: Option<Operation>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Listen,
    Due,
    Looking(Id),
    Later(Option<Id>),
}

impl UpdatesFlow {
    pub(crate) fn new(id: OperationId) -> Self {
        let get = GetEvents { types: [EventType::Operation].into(), all_projects: false };
        let events = EventFlow::numbered(get, Ids::even());
        Self { id, events, ids: Ids::odd(), state: State::Listen, ready: None, last: None }
    }

    fn looked(&mut self, result: Result<Reply, Failure>) -> Result<(), Error> {
        self.state = State::Listen;
        match http(result).and_then(|response| envelope::sync("an operation", &response)) {
            Ok(operation) => self.seen(operation),
            Err(error) if error.is_not_found() => Err(self.end(Outcome::Unknown)),
            Err(error) if heals(&error) => {
                self.state = State::Later(None);
                Ok(())
            }
            Err(error) => {
                let request = bare(Method::GET, &Operation::path(&self.id))?;
                Err(error.answering(request.method(), request.uri()))
            }
        }
    }

    fn seen(&mut self, operation: Operation) -> Result<(), Error> {
        let outcome = operation.outcome();
        if let (Some(last), Some(Outcome::StillRunning)) = (&self.last, &outcome) {
            let older = last.updated_at.unix().zip(operation.updated_at.unix()).is_some_and(|(last, new)| new < last);
            if older || *last == operation {
                return Ok(());
            }
        }
        self.last = Some(operation.clone());
        self.ready = Some(match outcome {
            Some(Outcome::StillRunning) => Heard::Next(operation),
            None => Heard::Last(operation),
            Some(outcome) => return Err(self.end(outcome)),
        });
        Ok(())
    }

    fn end(&mut self, outcome: Outcome) -> Error {
        Error::Operation(Box::new(OperationError { id: self.id.clone(), outcome, operation: self.last.take() }))
    }
}

impl Flow for UpdatesFlow {
    type Output = Heard<Operation>;

    fn next(&mut self) -> Result<Step<Heard<Operation>>, Error> {
        loop {
            if let Some(operation) = self.ready.take() {
                return Ok(Step::Done(operation));
            }
            match self.state {
                State::Listen | State::Later(Some(_)) => {}
                State::Due => {
                    let id = self.ids.next();
                    self.state = State::Looking(id);
                    let request = bare(Method::GET, &Operation::path(&self.id))?;
                    return Ok(Step::Do(id, Action::Http(Peer(0), request)));
                }
                State::Later(None) => {
                    let id = self.ids.next();
                    self.state = State::Later(Some(id));
                    return Ok(Step::Do(id, Action::Sleep(limits::LOOK_AGAIN)));
                }
                State::Looking(_) => return Ok(Step::Wait),
            }
            match self.events.next()? {
                Step::Do(id, action) => return Ok(Step::Do(id, action)),
                Step::Wait => return Ok(Step::Wait),
                Step::Done(Heard::Begun) => {
                    self.state = State::Due;
                    return Ok(Step::Done(Heard::Begun));
                }
                Step::Done(Heard::Next(Notice::Gap(_)) | Heard::Last(_)) => self.state = State::Due,
                Step::Done(Heard::Next(Notice::Event(event))) => {
                    if let Some(operation) = event.into_operation().filter(|operation| operation.id == self.id) {
                        self.seen(operation)?;
                    }
                }
            }
        }
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        match self.state {
            _ if id.is_even() => self.events.handle(id, result),
            State::Looking(looking) if looking == id => self.looked(result),
            State::Later(Some(timer)) if timer == id => {
                self.state = State::Due;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
