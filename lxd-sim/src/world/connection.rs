//! One connection: a request and its answer, or what it became.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use lxd_proto::{
    Failure, FailureKind,
    flow::{Id, Message, Reply},
};

use super::{Event, Inner};
use crate::{
    Exchange, Input,
    faults::{Carry, Fate, KEEPALIVE, Plan},
};

type Heard = Result<Option<Message>, Failure>;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) server: usize,
    /// Who waits for the answer, until it is there.
    pub(super) asked: Option<(u64, Id)>,
    pub(super) answers_left: u32,
    pub(super) fate: Fate,
    /// What was heard and not received.
    inbox: VecDeque<Heard>,
    receiving: Option<(u64, Id)>,
    /// When the last message comes to either side: they keep their order.
    last_heard: Duration,
    last_said: Duration,
    over: bool,
}

impl Connection {
    pub(super) fn new(server: usize, asked: (u64, Id), plan: Plan) -> Self {
        Self {
            server,
            asked: Some(asked),
            answers_left: 1 + u32::from(plan.twice),
            fate: plan.fate,
            inbox: VecDeque::new(),
            receiving: None,
            last_heard: Duration::ZERO,
            last_said: Duration::ZERO,
            over: false,
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.over
    }

    /// Something is heard: for who receives, or for later.
    pub(super) fn hear(&mut self, message: Heard) -> Option<(u64, Id, Heard)> {
        if self.over {
            return None;
        }
        self.over = !matches!(message, Ok(Some(_)));
        match self.receiving.take() {
            Some((io, id)) => Some((io, id, message)),
            None => {
                self.inbox.push_back(message);
                None
            }
        }
    }

    /// What is to be received now, if there is something.
    pub(super) fn receive(&mut self, io: u64, id: Id) -> Option<Heard> {
        match self.inbox.pop_front() {
            None if self.over => Some(Ok(None)),
            None => {
                self.receiving = Some((io, id));
                None
            }
            heard => heard,
        }
    }

    /// Who still receives on what is closed here.
    pub(super) fn close(&mut self) -> Option<(u64, Id)> {
        self.over = true;
        self.receiving.take()
    }
}

impl Inner {
    /// A message goes from its server to the client: in order, and what is a stream of bytes cut anywhere.
    pub(super) fn carry(&mut self, exchange: Exchange, message: Message) {
        let Some(connection) = self.connections.get(&exchange) else { return };
        let carried = self.faults.carry(connection.fate);
        match (carried, message) {
            (Carry::Stalled, _) => self.stall(exchange),
            (Carry::Broken, _) => self.break_off(exchange),
            (Carry::InTwo, Message::Binary(data)) if data.len() > 1 => {
                let at = 1 + self.faults.below(data.len() - 1);
                self.hear_in_order(exchange, Ok(Some(Message::Binary(data.slice(..at)))));
                self.hear_in_order(exchange, Ok(Some(Message::Binary(data.slice(at..)))));
            }
            (_, message) => self.hear_in_order(exchange, Ok(Some(message))),
        }
    }

    /// Nothing is heard on it any more, nor said, until the system gives it up.
    fn stall(&mut self, exchange: Exchange) {
        self.at(self.now + KEEPALIVE, Event::Dead(exchange));
        if let Some(connection) = self.connections.get_mut(&exchange) {
            connection.last_heard = Duration::MAX;
        }
    }

    pub(super) fn hear_in_order(&mut self, exchange: Exchange, message: Heard) {
        let time = self.now + self.faults.way();
        let Some(connection) = self.connections.get_mut(&exchange) else { return };
        if connection.last_heard == Duration::MAX {
            return;
        }
        connection.last_heard = connection.last_heard.max(time);
        let time = connection.last_heard;
        self.at(time, Event::Hear(exchange, message));
    }

    /// The connection breaks, on both sides, at once.
    pub(super) fn break_off(&mut self, exchange: Exchange) {
        let Some(connection) = self.connections.get_mut(&exchange) else { return };
        let (server, broken) = (connection.server, Failure::new(FailureKind::Broken, "the connection was reset"));
        // What is on its way is lost with it.
        let (heard, waits) = (connection.hear(Err(broken.clone())), connection.asked.is_some());
        if let Some((io, id, heard)) = heard {
            self.finish(io, id, heard.map(Reply::Message));
        }
        if waits {
            self.soon(Event::Answer(exchange, Err(broken)));
        }
        self.tell(server, Input::Closed { exchange });
    }

    /// A message goes to the server. Whether there is still a connection for it.
    pub(super) fn say(&mut self, exchange: Exchange, message: Message) -> bool {
        let time = self.now + self.faults.way();
        let Some(connection) = self.connections.get_mut(&exchange).filter(|connection| connection.is_alive()) else {
            return false;
        };
        connection.last_said = connection.last_said.max(time);
        let (time, stalled) = (connection.last_said, connection.last_heard == Duration::MAX);
        if !stalled {
            self.at(time, Event::Say(exchange, message));
        }
        true
    }

    /// The client closes a connection: what it has said before still comes.
    pub(super) fn close(&mut self, exchange: Exchange) {
        let Some(connection) = self.connections.get_mut(&exchange) else { return };
        let (time, receiving) = (connection.last_said.max(self.now), connection.close());
        if let Some((io, id)) = receiving {
            self.finish(io, id, Ok(Reply::Message(None)));
        }
        self.at(time, Event::Close(exchange));
    }
}

/// Bytes that are whole, for who reads them as a stream.
pub(super) fn whole(body: Bytes) -> VecDeque<Result<Bytes, Failure>> {
    if body.is_empty() { VecDeque::new() } else { [Ok(body)].into() }
}
