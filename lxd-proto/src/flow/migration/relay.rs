//! What carries messages from a websocket of one server to one of the other, and back.
//!
//! A message is received only when the last one was sent, so nothing queues here. An end on one side is an end on the
//! other, after all that was received before.

use alloc::{collections::VecDeque, vec::Vec};

use http::Method;

use super::{Migrated, Migration, Pending, Side, secrets};
use crate::{
    Error, Failure, Resource,
    endpoint::bare,
    flow::{Action, Message, Reply, Sock, unopened},
    resources::Operation,
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

impl<M: Migrated> Migration<M> {
    /// Opens all websockets of both servers.
    pub(super) fn connect(&mut self) -> Result<(), Error> {
        let (Some(here), Some(there)) = (&self.here.operation, &self.there.operation) else { return Ok(()) };
        let mut opened = Vec::new();
        for (index, (name, secret)) in secrets(here).into_iter().enumerate() {
            let Some(opposite) = secrets(there).remove(&name) else { continue };
            let (near, far) = pair(index);
            for (side, sock, operation, secret) in
                [(Side::Here, near, here, secret), (Side::There, far, there, opposite)]
            {
                let path = Operation::path(&operation.id).join("websocket").query("secret", secret.expose());
                opened.push((side, sock, bare(Method::GET, &path)?));
            }
        }
        for (side, sock, request) in opened {
            let peer = self.end(side).peer;
            self.start(Pending::Open(side, sock), Action::Open(peer, sock, request));
        }
        Ok(())
    }

    pub(super) fn opened(&mut self, side: Side, sock: Sock, result: Result<Reply, Failure>) -> Result<(), Error> {
        let trouble = match result {
            Ok(Reply::Opened) => {
                self.relay.opened(sock);
                return Ok(());
            }
            other => unopened(other),
        };
        self.end(side).trouble.get_or_insert(trouble);
        self.cancel(Side::Here)?;
        self.cancel(Side::There)
    }

    /// Starts whatever the websockets can go on with.
    pub(super) fn carry(&mut self) {
        while let Some((line, action)) = self.relay.next() {
            let pending = match action {
                Action::Recv(_) => Pending::Receive(line),
                Action::Send(..) => Pending::Send(line),
                _ => Pending::Close,
            };
            self.start(pending, action);
        }
    }
}
