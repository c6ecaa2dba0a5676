//! A websocket.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, BorrowedFd},
};

use http::header;
use lxd_proto::{
    Failure, FailureKind, ReceiveOnly, Request, ask_for_websocket,
    flow::{Id, Message, Reply},
    limits,
};
use rustix::event::PollFlags;
use tungstenite::{
    Error,
    error::ProtocolError,
    handshake::{client::generate_key, derive_accept_key},
    protocol::{Role, WebSocketConfig},
};

use crate::{
    conn::{Conn, Hangup, Target, would_block},
    socket::Socket,
    upgrade::{Upgraded, upgrade},
};

/// An open websocket, with what is outstanding on it.
struct WebSocket {
    inner: tungstenite::WebSocket<Conn>,
    receive: Option<Id>,
    send: VecDeque<(Id, Outgoing)>,
}

enum Outgoing {
    Message(tungstenite::Message),
    /// Handed over, and not yet on its way.
    Flush,
    Close,
}

/// Opens a websocket, or gives the answer that refuses it.
pub(crate) fn open(
    target: &Target,
    mut request: Request,
    hangup: &Hangup,
) -> Result<Result<Box<dyn Socket>, Reply>, Failure> {
    let key = generate_key();
    ask_for_websocket(&mut request, &key)?;
    let (conn, received) = match upgrade(target, &request, hangup)? {
        Upgraded::Refused(response) => return Ok(Err(Reply::Http(response))),
        Upgraded::Open(conn, response, received) => {
            let accept = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
            if accept.is_none_or(|accept| accept != derive_accept_key(key.as_bytes()).as_str()) {
                return Err(Failure::new(
                    FailureKind::Broken,
                    "the server opened another websocket than was asked for",
                ));
            }
            (conn, received)
        }
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(limits::MESSAGE))
        .max_frame_size(Some(limits::MESSAGE))
        .max_write_buffer_size(2 * limits::MESSAGE);
    let mute = request.extensions().get::<ReceiveOnly>().is_some();
    let inner =
        tungstenite::WebSocket::from_partially_read(conn.deafen().mute(mute), received, Role::Client, Some(config));
    Ok(Ok(Box::new(WebSocket { inner, receive: None, send: VecDeque::new() })))
}

impl Socket for WebSocket {
    fn receive(&mut self, id: Id) {
        self.receive = Some(id);
    }

    fn send(&mut self, id: Id, message: Message) {
        let message = match message {
            Message::Text(text) => tungstenite::Message::text(text),
            Message::Binary(bytes) => tungstenite::Message::binary(bytes),
            // The transport's own business.
            _ => return self.send.push_back((id, Outgoing::Flush)),
        };
        self.send.push_back((id, Outgoing::Message(message)));
    }

    fn close(&mut self, id: Id) {
        self.send.push_back((id, Outgoing::Close));
    }

    fn pump(&mut self, finished: &mut VecDeque<(Id, Result<Reply, Failure>)>) {
        while let Some((id, outgoing)) = self.send.pop_front() {
            let result = match outgoing {
                Outgoing::Message(message) => self.inner.write(message),
                Outgoing::Close => self.inner.close(None),
                Outgoing::Flush => Ok(()),
            };
            match result.and_then(|()| self.inner.flush()) {
                Err(Error::Io(error)) if would_block(&error) => {
                    self.send.push_front((id, Outgoing::Flush));
                    break;
                }
                Ok(()) => finished.push_back((id, Ok(Reply::Done))),
                Err(error) => finished.push_back((id, Err(broken(&error)))),
            }
        }
        while let Some(id) = self.receive.take() {
            let message = match self.inner.read() {
                Err(Error::Io(error)) if would_block(&error) => {
                    self.receive = Some(id);
                    break;
                }
                Ok(tungstenite::Message::Text(text)) => Ok(Some(Message::Text(text.as_str().to_owned()))),
                Ok(tungstenite::Message::Binary(bytes)) => Ok(Some(Message::Binary(bytes))),
                Ok(tungstenite::Message::Ping(_)) => Ok(Some(Message::Ping)),
                Ok(tungstenite::Message::Close(_)) => Ok(None),
                Ok(_) => {
                    self.receive = Some(id);
                    continue;
                }
                // LXD closes without a close frame.
                Err(Error::ConnectionClosed | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Ok(None),
                Err(error) => Err(broken(&error)),
            };
            finished.push_back((id, message.map(Reply::Message)));
        }
    }

    fn interest(&self) -> PollFlags {
        let mut interest = PollFlags::empty();
        interest.set(PollFlags::IN, self.receive.is_some());
        interest.set(PollFlags::OUT, !self.send.is_empty());
        interest
    }

    fn outstanding(&self) -> Vec<Id> {
        self.receive.into_iter().chain(self.send.iter().map(|(id, _)| *id)).collect()
    }
}

impl AsFd for WebSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.get_ref().as_fd()
    }
}

fn broken(error: &Error) -> Failure {
    let kind = if matches!(error, Error::Capacity(_)) { FailureKind::TooLarge } else { FailureKind::Broken };
    Failure::from_error(kind, error)
}
