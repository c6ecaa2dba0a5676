//! Listening to what happens on the server.
//!
//! | state | does | and then |
//! |---|---|---|
//! | `Closed` | `GET /1.0/events` as a websocket | `Open`; a refusal or failure is an error |
//! | `Open` | receives one message after the other, in order | each is an event; an end is [`Error::Transport`] and `Closed` |
//!
//! The server pings every 10 s, so 30 s of silence are a dead connection. An error is not the end: asked again, the flow
//! connects again. What happened between is lost, and the error has said so.

use alloc::{boxed::Box, collections::VecDeque, format};
use core::time::Duration;

use super::{Action, Flow, Id, Ids, Message, Peer, Reply, Sock, Step};
use crate::{
    Error, Failure,
    envelope::Envelope,
    error::{FailureKind, Phase, decode},
    resources::events::{Event, GetEvents},
};

/// How long the server may be silent. It pings every 10 s.
pub const SILENCE: Duration = Duration::from_secs(30);

const SOCK: Sock = Sock(0);

/// Gives the server's events, one by one. Made by [`Events::subscribe`](crate::resources::Events::subscribe).
#[derive(Debug)]
pub struct EventFlow {
    get: GetEvents,
    state: State,
    ids: Ids,
    ready: VecDeque<Event>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    Opening(Id),
    Open { receive: Option<Id>, timer: Option<Id>, heard: bool },
}

impl EventFlow {
    pub(crate) fn new(get: GetEvents) -> Self {
        Self { get, state: State::Closed, ids: Ids::default(), ready: VecDeque::new() }
    }

    /// Whether the server sends what happens from now on.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    fn lost(&mut self, failure: Failure) -> Error {
        self.state = State::Closed;
        Error::Transport(Box::new(failure))
    }
}

impl Flow for EventFlow {
    type Output = Event;

    fn next(&mut self) -> Result<Step<Event>, Error> {
        if let Some(event) = self.ready.pop_front() {
            return Ok(Step::Done(event));
        }
        let id = self.ids.next();
        let action = match &mut self.state {
            State::Closed => {
                let request = self.get.request()?;
                self.state = State::Opening(id);
                Action::Open(Peer(0), SOCK, request)
            }
            State::Open { receive: receive @ None, .. } => {
                *receive = Some(id);
                Action::Recv(SOCK)
            }
            State::Open { timer: timer @ None, .. } => {
                *timer = Some(id);
                Action::Sleep(SILENCE)
            }
            State::Opening(_) | State::Open { .. } => return Ok(Step::Wait),
        };
        Ok(Step::Do(id, action))
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        match &mut self.state {
            State::Opening(opening) if *opening == id => match result {
                Ok(Reply::Opened) => self.state = State::Open { receive: None, timer: None, heard: false },
                Ok(Reply::Http(response)) => {
                    self.state = State::Closed;
                    let request = self.get.request()?;
                    let refused = Envelope::open(&response).err();
                    let refused = refused.unwrap_or_else(|| Error::Protocol("events without a websocket".into()));
                    return Err(refused.answering(request.method(), request.uri()));
                }
                Ok(_) => return Err(self.lost(Failure::new(FailureKind::Other, "it was answered with something else"))),
                Err(failure) => return Err(self.lost(failure)),
            },
            State::Open { receive, heard, .. } if *receive == Some(id) => {
                *receive = None;
                *heard = true;
                match result {
                    Ok(Reply::Message(Some(Message::Text(text)))) => {
                        self.ready.push_back(decode("an event", text.as_bytes())?);
                    }
                    Ok(Reply::Message(Some(Message::Binary(data)))) => self.ready.push_back(decode("an event", &data)?),
                    Ok(Reply::Message(Some(Message::Ping))) => {}
                    Ok(_) => {
                        let text = "the server closed the events; what happens until they are opened again is lost";
                        return Err(self.lost(Failure::new(FailureKind::Broken, text)));
                    }
                    Err(failure) => return Err(self.lost(failure)),
                }
            }
            State::Open { timer, heard, .. } if *timer == Some(id) => {
                *timer = None;
                if !core::mem::take(heard) {
                    let text = format!("the server was silent for {} s", SILENCE.as_secs());
                    return Err(self.lost(Failure::new(FailureKind::Timeout(Phase::Idle), text)));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
