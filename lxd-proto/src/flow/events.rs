//! Listening to what happens on the server.
//!
//! | state | does | and then |
//! |---|---|---|
//! | `Closed` | `GET /1.0/events` as a websocket | `Open`; the first time a failure is the end, later it is `Resting` |
//! | `Open` | receives one message after the other, in order | each is an event; an end, a failure or silence is `Lost` |
//! | `Lost` | closes the websocket | `Resting` |
//! | `Resting` | lets time pass: none, 250 ms, 500 ms, .. up to 10 s | `Closed` |
//!
//! When it is `Open` again, events may be missing, and a [`Gap`] says so. What no waiting heals is the end: LXD's refusal
//! (4xx), another certificate, a transport without websockets. TLS that fails once may be a server that is just ending;
//! twice in a row is the end.
//!
//! The server pings every 10 s, so silence is a dead connection. There is no clock here: a timer ticks, and ticks without
//! a message between are counted. So a caller who is away for an hour, while nothing is received, finds one tick and no
//! silence.

use alloc::{boxed::Box, format};
use core::time::Duration;

use super::{Action, Flow, Id, Ids, Message, Peer, Reply, Sock, Step};
use crate::{
    Error, Failure,
    envelope::Envelope,
    error::{FailureKind, Phase},
    limits,
    resources::{Event, Gap, Notice, events::GetEvents},
};

const SOCK: Sock = Sock(0);

/// So many ticks are [`limits::SILENCE`].
const TICKS: u8 = (limits::SILENCE.as_secs() / limits::SILENCE_TICK.as_secs()) as u8;

/// What a flow that listens gives, again and again.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard<T> {
    /// It has begun to listen: what happens from here on is heard.
    Begun,
    /// This, and more may follow.
    Next(T),
    /// This, and it is the last.
    Last(T),
}

/// Gives the server's events, one by one. Made by [`Events::subscribe`](crate::resources::Events::subscribe).
#[derive(Debug)]
pub struct EventFlow {
    get: GetEvents,
    state: State,
    ids: Ids,
    timer: Option<Id>,
    ready: Option<Heard<Notice>>,
    /// Why the last connection was lost.
    lost: Option<Error>,
    /// How often it was connected again since a connection held.
    tries: u32,
    tls_failed: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    Opening(Id),
    Open { receive: Option<Id>, silent: u8, held: u8 },
    Lost,
    Closing(Id),
    Resting(Option<Id>),
}

impl EventFlow {
    pub(crate) fn new(get: GetEvents) -> Self {
        Self::numbered(get, Ids::default())
    }

    /// As a part of another flow, which has ids of its own.
    pub(crate) fn numbered(get: GetEvents, ids: Ids) -> Self {
        Self { get, state: State::Closed, ids, timer: None, ready: None, lost: None, tries: 0, tls_failed: false }
    }

    fn opened(&mut self, result: Result<Reply, Failure>) -> Result<(), Error> {
        self.state = State::Closed;
        let error = match result {
            Ok(Reply::Opened) => {
                self.state = State::Open { receive: None, silent: 0, held: 0 };
                self.tls_failed = false;
                self.ready = Some(match self.lost.take() {
                    None => Heard::Begun,
                    Some(reason) => Heard::Next(Notice::Gap(Gap { reason })),
                });
                return Ok(());
            }
            Ok(Reply::Http(response)) => {
                let request = self.get.request()?;
                let refused = Envelope::open(&response).err();
                let refused = refused.unwrap_or_else(|| Error::Protocol("events without a websocket".into()));
                refused.answering(request.method(), request.uri())
            }
            Ok(_) => Failure::new(FailureKind::Other, "it was answered with something else").into(),
            Err(failure) => failure.into(),
        };
        let tls_failed = error.transport().is_some_and(|failure| failure.kind == FailureKind::Tls);
        if self.lost.is_none() || !heals(&error) || (tls_failed && self.tls_failed) {
            return Err(error);
        }
        self.tls_failed = tls_failed;
        self.state = State::Resting(None);
        Ok(())
    }

    fn lose(&mut self, failure: Failure) {
        self.lost = Some(Error::Transport(Box::new(failure)));
        self.state = State::Lost;
    }

    fn received(&mut self, result: Result<Reply, Failure>) {
        let event = match &result {
            Ok(Reply::Message(Some(Message::Text(text)))) => Event::of_text(text),
            Ok(Reply::Message(Some(Message::Binary(data)))) => Event::read(data),
            Ok(Reply::Message(Some(Message::Ping))) => return,
            Ok(_) => return self.lose(Failure::new(FailureKind::Broken, "the server closed the events")),
            Err(failure) => return self.lose(failure.clone()),
        };
        // What cannot be read is no reason to lose the others.
        self.ready = Some(Heard::Next(event.map_or_else(|reason| Notice::Gap(Gap { reason }), Notice::Event)));
    }

    fn ticked(&mut self) {
        let State::Open { silent, held, .. } = &mut self.state else { return };
        *silent += 1;
        *held = held.saturating_add(1);
        if *held >= TICKS {
            self.tries = 0;
        }
        // The first tick may have come at once.
        if *silent > TICKS {
            let text = format!("the server was silent for {} s", limits::SILENCE.as_secs());
            self.lose(Failure::new(FailureKind::Timeout(Phase::Idle), text));
        }
    }
}

/// How long to wait before it is connected again.
fn rest(tries: u32) -> Duration {
    match tries.checked_sub(1) {
        None => Duration::ZERO,
        Some(doubled) => limits::RECONNECT_FIRST.saturating_mul(1 << doubled.min(16)).min(limits::RECONNECT),
    }
}

/// Whether connecting once more can help.
pub(super) fn heals(error: &Error) -> bool {
    let status = |status| status >= 500 || matches!(status, 408 | 425 | 429);
    match error {
        Error::Api(error) => status(error.status),
        Error::NotLxd { status: code, .. } => status(*code),
        Error::Transport(failure) => {
            !matches!(failure.kind, FailureKind::WrongCertificate { .. } | FailureKind::Unsupported)
        }
        // An answer that was cut off.
        Error::Decode { .. } => true,
        _ => false,
    }
}

impl Flow for EventFlow {
    type Output = Heard<Notice>;

    fn next(&mut self) -> Result<Step<Heard<Notice>>, Error> {
        if let Some(notice) = self.ready.take() {
            return Ok(Step::Done(notice));
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
            State::Open { .. } if self.timer.is_none() => {
                self.timer = Some(id);
                Action::Sleep(limits::SILENCE_TICK)
            }
            State::Lost => {
                self.state = State::Closing(id);
                Action::Close(SOCK)
            }
            State::Resting(timer @ None) => {
                *timer = Some(id);
                Action::Sleep(rest(self.tries))
            }
            State::Opening(_) | State::Open { .. } | State::Closing(_) | State::Resting(_) => return Ok(Step::Wait),
        };
        Ok(Step::Do(id, action))
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        if self.timer == Some(id) {
            self.timer = None;
            self.ticked();
            return Ok(());
        }
        match &mut self.state {
            State::Opening(opening) if *opening == id => return self.opened(result),
            State::Open { receive, silent, .. } if *receive == Some(id) => {
                (*receive, *silent) = (None, 0);
                self.received(result);
            }
            // However it ended, the websocket is given up.
            State::Closing(closing) if *closing == id => self.state = State::Resting(None),
            State::Resting(Some(timer)) if *timer == id => {
                self.tries = self.tries.saturating_add(1);
                self.state = State::Closed;
            }
            _ => {}
        }
        Ok(())
    }
}
