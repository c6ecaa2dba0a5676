//! Waiting until an instance is ready.
//!
//! | state | does | and then |
//! |---|---|---|
//! | `Listen` | listens to the server's lifecycle events | one of the instance, or a gap: `State` |
//! | `Kind` | `GET /1.0/instances/{name}` | whether it is a virtual machine; `State` |
//! | `State` | `GET /1.0/instances/{name}/state` | as it should be: done, or `Command`; it does not run: `Listen`; else `Rest` |
//! | `Command` | `POST /1.0/instances/{name}/exec` of `true`, and waits for it | it ran: done; else `Rest` |
//! | `Rest` | listens as well, for [`limits::LOOK_AGAIN`] | `State` |
//!
//! It listens before it looks, so nothing is between. That an instance starts or stops is an event; that it gets an
//! address, or that an agent answers, is none, so while the instance runs that is looked at again and again.
//!
//! The agent of a virtual machine comes, goes and comes again while the machine starts. There it has to be ready twice,
//! [`limits::STEADY`] apart, and nothing else between.

use alloc::{borrow::ToOwned, boxed::Box, string::String};
use core::{fmt, time::Duration};

use super::{
    Action, Flow, Id, Ids, Peer, Reply, Step,
    events::{EventFlow, Heard, heals},
    http,
    wait::Watcher,
};
use http::{Method, Uri};

use crate::{
    Changed, Client, Endpoint, Error, Failure, Request, Response, Run,
    compat::StatusCode,
    crud::Get,
    error::NotReady,
    limits,
    resources::{
        EventType, GetState, Instance, InstanceExecPost, InstanceState, InstanceType, LifecycleAction, Notice,
        events::GetEvents, exec::PostExec,
    },
};

/// What it is to be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ready {
    /// It runs. (Its programs may not be there yet.)
    Running,
    /// Its agent answers: commands and files work. A container has no agent, and needs none: it runs.
    Agent,
    /// It has an address that others reach: of the scope `global`.
    Address,
    /// A command can be run. This is tried, with `true`; that there is no such command is good enough.
    Exec,
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Agent => "answering by its agent",
            Self::Address => "reachable by an address",
            Self::Exec => "running commands",
        })
    }
}

/// Waits until an instance is ready. Made by [`Object::wait_until`](crate::Object::wait_until).
#[derive(Debug)]
pub struct WaitUntil {
    instance: String,
    ready: Ready,
    limit: Option<Duration>,
    timer: Option<Id>,
    events: EventFlow,
    ids: Ids,
    state: State,
    is_machine: Option<bool>,
    /// It was ready the last time.
    once: bool,
    seen: Option<InstanceState>,
    done: bool,
}

#[derive(Debug)]
enum State {
    Listen,
    Due(Look),
    Out(Id, Look, Asked),
    Rest(Option<Id>, Duration),
}

/// What is asked for.
type Asked = (Method, Uri);

#[derive(Debug)]
enum Look {
    Kind,
    State,
    Command,
    Watch(Box<Watcher>),
}

impl<C: Client> Run<C, WaitUntil> {
    /// Waits at most this long, and then fails with [`Error::NotReady`]. By default it waits as long as it takes.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.flow.limit = Some(limit);
        self
    }
}

impl WaitUntil {
    pub(crate) fn new(instance: String, ready: Ready) -> Self {
        let get = GetEvents { types: [EventType::Lifecycle].into(), all_projects: false };
        let events = EventFlow::numbered(get, Ids::even());
        let (ids, state) = (Ids::odd(), State::Listen);
        Self {
            instance,
            ready,
            limit: None,
            timer: None,
            events,
            ids,
            state,
            is_machine: None,
            once: false,
            seen: None,
            done: false,
        }
    }

    fn request(&self, look: &mut Look) -> Result<Request, Error> {
        match look {
            Look::Kind => Get::<Instance>::new(self.instance.clone()).request(),
            Look::State => self.get_state().request(),
            Look::Command => self.command().request(),
            Look::Watch(watcher) => watcher.request(),
        }
    }

    fn get_state(&self) -> GetState {
        GetState { instance: self.instance.clone() }
    }

    fn command(&self) -> PostExec {
        let post = InstanceExecPost { command: ["true".to_owned()].into(), ..InstanceExecPost::default() };
        PostExec { instance: self.instance.clone(), post }
    }

    /// What is to be looked at first.
    fn due(&self) -> State {
        State::Due(if self.is_machine.is_none() { Look::Kind } else { Look::State })
    }

    fn looked(&mut self, look: Look, answer: Result<Response, Error>) -> Result<State, Error> {
        match look {
            Look::Kind => {
                let instance = Get::<Instance>::new(self.instance.clone()).response(answer?)?;
                self.is_machine = Some(instance.kind == InstanceType::VirtualMachine);
                Ok(self.due())
            }
            Look::State => {
                let state = self.get_state().response(answer?)?;
                let next = self.judge(&state);
                self.seen = Some(state);
                Ok(next)
            }
            Look::Command => match answer.and_then(|response| self.command().response(response)) {
                Ok(Changed::Running(operation)) => {
                    Ok(State::Due(Look::Watch(Box::new(Watcher::new(operation.id, None)))))
                }
                answer => Ok(self.settle(answer.is_ok())),
            },
            Look::Watch(mut watcher) => match watcher.answer(answer) {
                Ok(None) => Ok(State::Due(Look::Watch(watcher))),
                Ok(Some(_)) => Ok(self.settle(true)),
                // It ran, or there is no such command, and somebody was there to say so.
                Err(error) => {
                    let operation = error.operation().and_then(|error| error.operation.as_ref());
                    let code = operation.and_then(|operation| operation.return_code());
                    Ok(self.settle(code.is_some_and(|code| code >= 0)))
                }
            },
        }
    }

    fn judge(&mut self, state: &InstanceState) -> State {
        if !matches!(state.status_code, StatusCode::RUNNING | StatusCode::READY) {
            self.once = false;
            return State::Listen;
        }
        let agent = self.is_machine != Some(true) || state.processes >= 0;
        match self.ready {
            Ready::Running => self.settle(true),
            Ready::Agent => self.settle(agent),
            Ready::Address => {
                let mut addresses = state.network.values().flat_map(|network| &network.addresses);
                self.settle(addresses.any(|address| address.scope == "global"))
            }
            Ready::Exec if agent => State::Due(Look::Command),
            Ready::Exec => self.settle(false),
        }
    }

    fn settle(&mut self, is_ready: bool) -> State {
        let needs_twice = self.is_machine == Some(true) && self.ready != Ready::Running;
        if is_ready && (self.once || !needs_twice) {
            self.done = true;
            return State::Listen;
        }
        self.once = is_ready;
        State::Rest(None, if is_ready { limits::STEADY } else { limits::LOOK_AGAIN })
    }

    /// Looks again if this can have made it ready, or not ready any more.
    fn heard(&mut self, notice: &Notice) {
        let matters = match notice {
            Notice::Gap(_) => true,
            Notice::Event(event) => event.lifecycle().is_some_and(|lifecycle| {
                let path = lifecycle.source.split('?').next();
                path.and_then(|path| path.strip_prefix("/1.0/instances/")) == Some(&*self.instance)
                    && changes(&lifecycle.action)
            }),
        };
        if matters {
            self.once = false;
            self.state = self.due();
        }
    }
}

/// Whether an instance that this happened to may be in another state than before. Commands and files are none of that.
fn changes(action: &LifecycleAction) -> bool {
    use LifecycleAction::{
        InstanceDeleted, InstancePaused, InstanceReady, InstanceRenamed, InstanceRestarted, InstanceRestored,
        InstanceResumed, InstanceShutdown, InstanceStarted, InstanceStopped,
    };
    matches!(
        action,
        InstanceDeleted
            | InstancePaused
            | InstanceReady
            | InstanceRenamed
            | InstanceRestarted
            | InstanceRestored
            | InstanceResumed
            | InstanceShutdown
            | InstanceStarted
            | InstanceStopped
    )
}

impl Flow for WaitUntil {
    type Output = InstanceState;

    fn next(&mut self) -> Result<Step<InstanceState>, Error> {
        if self.done {
            return self.seen.take().map(Step::Done).ok_or_else(super::ended);
        }
        if let (Some(limit), None) = (self.limit, self.timer) {
            let id = self.ids.next();
            self.timer = Some(id);
            return Ok(Step::Do(id, Action::Sleep(limit)));
        }
        loop {
            match core::mem::replace(&mut self.state, State::Listen) {
                State::Due(mut look) => {
                    let (id, request) = (self.ids.next(), self.request(&mut look)?);
                    self.state = State::Out(id, look, (request.method().clone(), request.uri().clone()));
                    return Ok(Step::Do(id, Action::Http(Peer(0), request)));
                }
                State::Rest(None, time) => {
                    let id = self.ids.next();
                    self.state = State::Rest(Some(id), time);
                    return Ok(Step::Do(id, Action::Sleep(time)));
                }
                out @ State::Out(..) => {
                    self.state = out;
                    return Ok(Step::Wait);
                }
                state => self.state = state,
            }
            match self.events.next()? {
                Step::Do(id, action) => return Ok(Step::Do(id, action)),
                Step::Wait => return Ok(Step::Wait),
                Step::Done(Heard::Begun) => self.state = self.due(),
                Step::Done(Heard::Next(notice) | Heard::Last(notice)) => self.heard(&notice),
            }
        }
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        if id.is_even() {
            return self.events.handle(id, result);
        }
        if self.timer == Some(id) {
            let status = self.seen.take().map(|state| state.status).unwrap_or_default();
            let (instance, wanted) = (self.instance.clone(), self.ready);
            return Err(Error::NotReady(Box::new(NotReady { instance, wanted, status })));
        }
        match core::mem::replace(&mut self.state, State::Listen) {
            State::Out(out, look, (method, uri)) if out == id => {
                self.state = match self.looked(look, http(result)) {
                    Err(error) if heals(&error) => State::Rest(None, limits::LOOK_AGAIN),
                    next => next.map_err(|error| error.answering(&method, &uri))?,
                };
            }
            State::Rest(Some(timer), _) if timer == id => self.state = self.due(),
            state => self.state = state,
        }
        Ok(())
    }
}
