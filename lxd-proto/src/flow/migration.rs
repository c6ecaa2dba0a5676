//! Copying or moving something to another server: the servers connect to each other, or this flow connects them.
//!
//! | state | does | and then |
//! |---|---|---|
//! | `Look` | here: `GET` of what is copied | relayed: `Run`; else `Server` |
//! | `Server` | `GET /1.0` of the server that is connected to, for its addresses and its certificate | `Run` |
//! | `Run` | `POST` to both servers, and both operations' `/wait`; relayed: also the websockets of both | both succeeded: done, or of a move `Remove` |
//! | `Remove` | here: `DELETE`, and its operation's `/wait` | done |
//!
//! One server waits to be connected to, and is asked first: by pull this one, by push the other one, relayed both. The
//! other is told where to connect, by one address after the other, for as long as the one that waits still does.
//!
//! What LXD does, and what follows from it:
//!
//! * Each side has an operation of its own, and either can fail alone. Only when both succeeded is the copy whole. Both
//!   are watched from their beginning, because an operation is forgotten 5 s after its end.
//! * Often the one that fails first is only told that the connection is gone. So the other has
//!   half a second to say its own reason before it is cancelled, and both errors are given.
//! * A server waits 10 s to be connected to, and then fails. An address that takes longer to fail uses that up, so what
//!   was not connected in time is begun again.
//! * An operation that cannot be cancelled (volumes' on 5.0.2) ends with those 10 s.
//! * Where a server is reached from here says nothing about the way from the other one, so its own addresses are used.

mod end;
mod migrated;
mod options;
mod relay;
mod verdict;

use alloc::{
    collections::{BTreeMap, VecDeque},
    format,
    string::String,
    vec::Vec,
};

use http::{Method, Uri};

use super::{
    Action, Flow, Id, Ids, Needed, Peer, Reply, Sock, Step, ended, http,
    route::{Mode, Route},
    wait::Watcher,
};
use crate::{
    Answer, Changed, Endpoint, Error, Failure, Get, Request, Resource, Response, Secret,
    endpoint::bare,
    error::MigrationAttempt,
    limits,
    resources::{Operation, Server},
};

use end::End;
pub use migrated::{Destination, Migrated, Waiting};
use relay::Relay;

/// Copies or moves something to another server. Made by
/// [`Object::copy_to_server`](crate::Object::copy_to_server) and
/// [`Object::move_to_server`](crate::Object::move_to_server).
#[derive(Debug)]
pub struct Migration<M> {
    pub(crate) what: M,
    route: Route,
    moved: bool,
    here: End,
    there: End,
    relay: Relay,
    attempts: Vec<MigrationAttempt>,
    /// What the server that gets it is still to be asked whether it has.
    needed: Vec<&'static str>,
    state: State,
    ids: Ids,
    outbox: VecDeque<(Id, Action)>,
    pending: BTreeMap<Id, (Pending, Option<(Method, Uri)>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Here,
    There,
}

#[derive(Debug)]
enum State {
    Look,
    Server,
    Run,
    Remove(Option<Watcher>),
    Done,
}

/// What an outstanding action was for. Those with a number belong to that try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Look,
    Server,
    Post(Side),
    Wait(Side, usize),
    /// The other side has failed, and this one may say why.
    Grace(usize),
    Cancel(Side, usize),
    /// It is cancelled, and should end.
    Ending(Side, usize),
    Open(Side, Sock),
    Receive(usize),
    Send(usize),
    Close,
    Remove,
    Removing,
}

impl<M: Migrated> Migration<M> {
    fn new(what: M, other: Peer, moved: bool) -> Self {
        Self {
            what,
            route: Route::default(),
            moved,
            here: End::new(Peer(0)),
            there: End::new(other),
            relay: Relay::default(),
            attempts: Vec::new(),
            needed: Vec::new(),
            state: State::Look,
            ids: Ids::default(),
            outbox: VecDeque::new(),
            pending: BTreeMap::new(),
        }
    }

    fn end(&mut self, side: Side) -> &mut End {
        match side {
            Side::Here => &mut self.here,
            Side::There => &mut self.there,
        }
    }

    /// Which server waits to be connected to.
    fn waiting(&self) -> Option<Side> {
        match self.route.mode {
            Mode::Pull => Some(Side::Here),
            Mode::Push => Some(Side::There),
            Mode::Relay => None,
        }
    }

    fn start(&mut self, pending: Pending, action: Action) {
        let id = self.ids.next();
        let asked = match &action {
            Action::Http(_, request) => Some((request.method().clone(), request.uri().clone())),
            _ => None,
        };
        self.pending.insert(id, (pending, asked));
        self.outbox.push_back((id, action));
    }

    fn ask(&mut self, pending: Pending, side: Side, mut request: Request) {
        // Before anything has begun on either side.
        if !self.needed.is_empty() {
            request.extensions_mut().insert(Needed(self.there.peer, core::mem::take(&mut self.needed)));
        }
        let peer = self.end(side).peer;
        self.start(pending, Action::Http(peer, request));
    }

    fn is_pending(&self, what: impl Fn(Pending) -> bool) -> bool {
        self.pending.values().any(|(pending, _)| what(*pending))
    }

    fn looked(&mut self, response: Response) -> Result<(), Error> {
        self.what.looked(response, self.moved)?;
        if let Some(request) = self.what.look()? {
            self.ask(Pending::Look, Side::Here, request);
            return Ok(());
        }
        self.needed = self.what.accepting();
        match self.waiting() {
            None => self.begin(),
            Some(side) => {
                self.state = State::Server;
                self.ask(Pending::Server, side, Get::<Server>::new(()).request()?);
                Ok(())
            }
        }
    }

    fn server(&mut self, response: Response) -> Result<(), Error> {
        let server = Get::<Server>::new(()).response(response)?.value;
        let which = if self.route.mode == Mode::Pull { "it is copied from" } else { "it is copied to" };
        self.route.learn(server, &format!("the server that {which}"))?;
        self.begin()
    }

    /// Begins with the next of the addresses.
    fn begin(&mut self) -> Result<(), Error> {
        self.state = State::Run;
        match self.waiting() {
            Some(side) if self.end(side).runs() => {
                let connecting = other(side);
                self.end(connecting).reset();
                self.post(connecting)
            }
            first => {
                self.here.reset();
                self.there.reset();
                self.post(first.unwrap_or(Side::There))
            }
        }
    }

    fn post(&mut self, side: Side) -> Result<(), Error> {
        let request = match (side, self.route.mode) {
            (Side::Here, Mode::Push) => self.what.offer(Some(self.opposite(&self.there)?)),
            (Side::Here, _) => self.what.offer(None),
            (Side::There, Mode::Pull) => self.what.accept(Some(self.opposite(&self.here)?)),
            (Side::There, _) => self.what.accept(None),
        }?;
        self.ask(Pending::Post(side), side, request);
        Ok(())
    }

    fn opposite(&self, end: &End) -> Result<Waiting, Error> {
        let operation = end.operation.as_ref().ok_or_else(ended)?;
        let address = self.route.addresses.get(self.route.tried).ok_or_else(ended)?;
        Ok(Waiting {
            certificate: self.route.certificate.clone(),
            operation: format!("{address}/1.0/operations/{}", operation.id),
            secrets: secrets(operation),
        })
    }

    fn posted(&mut self, side: Side, answer: Result<Response, Error>) -> Result<(), Error> {
        let operation = match answer.and_then(|response| Changed::<()>::read(&response)) {
            Ok(Changed::Running(operation)) => operation,
            Ok(Changed::Done(())) => {
                let error = Error::Protocol("something was copied without an operation".into());
                self.end(side).result = Some(Err(error));
                return Ok(());
            }
            Err(error) => {
                self.end(side).result = Some(Err(error));
                return Ok(());
            }
        };
        let mut watcher = Watcher::new(operation.id.clone(), None);
        let (request, end) = (watcher.request()?, self.end(side));
        (end.operation, end.watcher) = (Some(operation), Some(watcher));
        let number = end.number;
        self.ask(Pending::Wait(side, number), side, request);
        match other(side) {
            next if self.end(next).operation.is_none() && self.end(next).result.is_none() => self.post(next),
            _ if self.route.mode == Mode::Relay => self.connect(),
            _ => Ok(()),
        }
    }

    fn waited(&mut self, side: Side, number: usize, result: Result<Reply, Failure>) -> Result<(), Error> {
        let end = self.end(side);
        let Some(watcher) = end.watcher.as_mut().filter(|_| end.number == number && end.result.is_none()) else {
            return Ok(());
        };
        match watcher.answer(http(result)) {
            Ok(None) => {
                let request = watcher.request()?;
                self.ask(Pending::Wait(side, number), side, request);
            }
            Ok(Some(operation)) => end.result = Some(Ok(operation)),
            Err(error) => end.result = Some(Err(error)),
        }
        Ok(())
    }

    fn cancel(&mut self, side: Side) -> Result<(), Error> {
        let end = self.end(side);
        let number = end.number;
        if let (Some(operation), None, false) = (&end.operation, &end.result, end.cancelled) {
            let request = bare(Method::DELETE, &Operation::path(&operation.id))?;
            end.cancelled = true;
            self.ask(Pending::Cancel(side, number), side, request);
        }
        Ok(())
    }
}

fn other(side: Side) -> Side {
    match side {
        Side::Here => Side::There,
        Side::There => Side::Here,
    }
}

/// The secrets of an operation's websockets. It says other things of itself too, such as `entity_url`.
fn secrets(operation: &Operation) -> BTreeMap<String, Secret> {
    let names = ["control", "fs", "criu"];
    let secret = |name: &str| operation.metadata.get(name).and_then(|secret| secret.as_str());
    names.into_iter().filter_map(|name| Some((name.into(), secret(name)?.into()))).collect()
}

impl<M: Migrated> Flow for Migration<M> {
    type Output = M::Output;

    fn next(&mut self) -> Result<Step<M::Output>, Error> {
        if matches!(self.state, State::Look) && self.pending.is_empty() {
            let request = self.what.look()?.ok_or_else(ended)?;
            self.ask(Pending::Look, Side::Here, request);
        }
        if let Some((id, action)) = self.outbox.pop_front() {
            return Ok(Step::Do(id, action));
        }
        match self.state {
            State::Done => {
                let operation = self.there.result.take().and_then(Result::ok).ok_or_else(ended)?;
                M::Output::finished(&operation).map(Step::Done)
            }
            _ => Ok(Step::Wait),
        }
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        let Some((pending, asked)) = self.pending.remove(&id) else { return Ok(()) };
        let answering = |error: Error| match &asked {
            Some((method, uri)) => error.answering(method, uri),
            None => error,
        };
        match pending {
            Pending::Look => http(result).and_then(|response| self.looked(response)).map_err(answering)?,
            Pending::Server => http(result).and_then(|response| self.server(response)).map_err(answering)?,
            Pending::Post(side) => {
                self.posted(side, http(result))?;
                if let Some(Err(error)) = self.end(side).result.take_if(|result| result.is_err()) {
                    self.end(side).result = Some(Err(answering(error)));
                }
            }
            Pending::Wait(side, number) => self.waited(side, number, result)?,
            Pending::Grace(tried) if tried == self.route.tried => {
                let left = if self.here.runs() { Side::Here } else { Side::There };
                if self.end(left).runs() {
                    self.give_up(left)?;
                }
            }
            Pending::Cancel(side, number) if self.end(side).number == number && self.end(side).result.is_none() => {
                self.start(Pending::Ending(side, number), Action::Sleep(limits::WAIT));
            }
            Pending::Ending(side, number) => {
                let end = self.end(side);
                if end.number == number && end.result.is_none() {
                    let operation = end.operation.take().map(|operation| *operation).unwrap_or_default();
                    end.result = Some(Err(operation.still_running()));
                }
            }
            Pending::Open(side, sock) => self.opened(side, sock, result)?,
            Pending::Receive(line) => self.relay.received(line, result),
            Pending::Send(line) => self.relay.sent(line, &result),
            Pending::Grace(_) | Pending::Cancel(..) | Pending::Close => {}
            Pending::Remove => match http(result).and_then(|response| Changed::<()>::read(&response)) {
                Ok(Changed::Done(())) => self.state = State::Done,
                Ok(Changed::Running(operation)) => {
                    let mut watcher = Watcher::new(operation.id, None);
                    self.ask(Pending::Removing, Side::Here, watcher.request()?);
                    self.state = State::Remove(Some(watcher));
                }
                Err(error) => return Err(answering(error)),
            },
            Pending::Removing => {
                if let State::Remove(Some(watcher)) = &mut self.state {
                    match watcher.answer(http(result))? {
                        Some(_) => self.state = State::Done,
                        None => {
                            let request = watcher.request()?;
                            self.ask(Pending::Removing, Side::Here, request);
                        }
                    }
                }
            }
        }
        if matches!(self.state, State::Run) {
            self.settle()?;
        }
        if matches!(self.state, State::Run) {
            self.carry();
        }
        Ok(())
    }

    fn extensions(&self) -> Vec<&'static str> {
        let mode = match self.route.mode {
            Mode::Pull => None,
            Mode::Push => Some("container_push_target"),
            Mode::Relay => Some("container_push"),
        };
        mode.into_iter().chain(self.what.extensions()).collect()
    }
}
