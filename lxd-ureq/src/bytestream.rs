//! A connection that has become another protocol: a stream of bytes, in both directions.

use std::{
    collections::VecDeque,
    io::{Read, Write},
    os::fd::{AsFd, BorrowedFd},
};

use bytes::{Buf, Bytes};
use http::header;
use lxd_host::failure;
use lxd_proto::{
    Failure, FailureKind, Request,
    flow::{Id, Message, Reply},
    limits,
};
use rustix::event::PollFlags;

use crate::{
    conn::{Conn, Hangup, Target, would_block},
    socket::{Socket, interest},
    upgrade::{Upgraded, upgrade},
};

struct ByteStream {
    conn: Conn,
    /// What came with the answer's head.
    early: Bytes,
    receive: Option<Id>,
    send: VecDeque<(Id, Bytes)>,
    close: Option<Id>,
    closed: bool,
    buffer: Vec<u8>,
}

/// Changes the protocol as the request says, or gives the answer that refuses it.
pub(crate) fn open(
    target: &Target,
    request: &Request,
    hangup: &Hangup,
) -> Result<Result<Box<dyn Socket>, Reply>, Failure> {
    let (conn, early) = match upgrade(target, request, hangup)? {
        Upgraded::Refused(response) => return Ok(Err(Reply::Http(response))),
        Upgraded::Open(conn, response, received) => {
            let protocol = |headers: &http::HeaderMap| headers.get(header::UPGRADE).cloned();
            if protocol(response.headers()) != protocol(request.headers()) {
                return Err(Failure::new(FailureKind::Broken, "the server speaks another protocol than was asked for"));
            }
            (conn, received.into())
        }
    };
    let (send, buffer) = (VecDeque::new(), vec![0; limits::CHUNK]);
    Ok(Ok(Box::new(ByteStream { conn, early, receive: None, send, close: None, closed: false, buffer })))
}

impl ByteStream {
    /// Sends what can be sent now of the first piece, and says whether that was all of it.
    fn send_piece(&mut self) -> std::io::Result<()> {
        while let Some((_, piece)) = self.send.front_mut().filter(|(_, piece)| !piece.is_empty()) {
            let written = self.conn.write(piece)?;
            piece.advance(written);
        }
        self.conn.flush()
    }

    fn receive_piece(&mut self) -> std::io::Result<Option<Bytes>> {
        if !self.early.is_empty() {
            return Ok(Some(std::mem::take(&mut self.early)));
        }
        if self.closed {
            return Ok(None);
        }
        let length = self.conn.read(&mut self.buffer)?;
        Ok((length > 0).then(|| Bytes::copy_from_slice(&self.buffer[..length])))
    }
}

impl Socket for ByteStream {
    fn receive(&mut self, id: Id) {
        self.receive = Some(id);
    }

    fn send(&mut self, id: Id, message: Message) {
        let piece = match message {
            Message::Binary(piece) => piece,
            Message::Text(text) => text.into(),
            _ => Bytes::new(),
        };
        self.send.push_back((id, piece));
    }

    fn close(&mut self, id: Id) {
        self.close = Some(id);
    }

    fn pump(&mut self, finished: &mut VecDeque<(Id, Result<Reply, Failure>)>) {
        while !self.send.is_empty() {
            let result = match self.send_piece() {
                Err(error) if would_block(&error) => break,
                result => result.map(|()| Reply::Done).map_err(|error| failure(&error)),
            };
            finished.extend(self.send.pop_front().map(|(id, _)| (id, result)));
        }
        if self.send.is_empty() {
            if let Some(id) = self.close.take() {
                self.closed = true;
                finished.push_back((id, Ok(Reply::Done)));
            }
        }
        if let Some(id) = self.receive {
            let result = match self.receive_piece() {
                Err(error) if would_block(&error) => return,
                result => result.map_err(|error| failure(&error)),
            };
            self.receive = None;
            finished.push_back((id, result.map(|piece| Reply::Message(piece.map(Message::Binary)))));
        }
    }

    fn ready(&mut self, _: PollFlags) {}

    fn interest(&self) -> PollFlags {
        interest(self.receive.is_some(), !self.send.is_empty())
    }

    fn outstanding(&self) -> Vec<Id> {
        self.receive.into_iter().chain(self.send.iter().map(|(id, _)| *id)).chain(self.close).collect()
    }
}

impl AsFd for ByteStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.conn.as_fd()
    }
}
