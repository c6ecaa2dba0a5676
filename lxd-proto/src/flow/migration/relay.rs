//! What carries messages from a websocket of one server to one of the other, and back.
//!
//! A message is received only when the last one was sent, so nothing queues here. An end on one side is an end on the
//! other, after all that was received before.

use alloc::{collections::VecDeque, vec::Vec};

use crate::{
    Failure,
    flow::{Action, Message, Reply, Sock},
};

/// The lines between the servers' websockets, two for each pair: there and back.
#[derive(Debug, Default)]
pub(super) struct Relay {
    open: Vec<Sock>,
    lines: Vec<Line>,
    todo: VecDeque<(usize, Action)>,
}

#[derive(Debug)]
struct Line {
    from: Sock,
    to: Sock,
}

/// The websockets of a pair.
pub(super) fn pair(index: usize) -> (Sock, Sock) {
    let first = u8::try_from(index).unwrap_or(u8::MAX / 2).saturating_mul(2);
    (Sock(first), Sock(first.saturating_add(1)))
}

impl Relay {
    /// A websocket is open. With the second of a pair its lines begin.
    pub(super) fn opened(&mut self, sock: Sock) {
        self.open.push(sock);
        let opposite = Sock(sock.0 ^ 1);
        if self.open.contains(&opposite) {
            for (from, to) in [(sock, opposite), (opposite, sock)] {
                self.todo.push_back((self.lines.len(), Action::Recv(from)));
                self.lines.push(Line { from, to });
            }
        }
    }

    /// What is to be started next, and for which line.
    pub(super) fn next(&mut self) -> Option<(usize, Action)> {
        self.todo.pop_front()
    }

    pub(super) fn received(&mut self, index: usize, result: Result<Reply, Failure>) {
        let Some(line) = self.lines.get(index) else { return };
        let action = match result {
            Ok(Reply::Message(Some(Message::Ping))) => Action::Recv(line.from),
            Ok(Reply::Message(Some(message))) => Action::Send(line.to, message),
            // It ended, however: what became of it is the operations' to say.
            _ => Action::Close(line.to),
        };
        self.todo.push_back((index, action));
    }

    /// When it could not be sent, the line back learns that its websocket is gone.
    pub(super) fn sent(&mut self, index: usize, result: &Result<Reply, Failure>) {
        if let (Some(line), Ok(_)) = (self.lines.get(index), result) {
            self.todo.push_back((index, Action::Recv(line.from)));
        }
    }
}
