//! For adapters: a websocket over a connection that never blocks.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, ErrorKind, Read, Write},
};

use http::{HeaderMap, header};
use lxd_proto::{
    Failure, FailureKind, Request, ask_for_websocket,
    flow::{Id, Message, Reply},
    limits,
};
use tungstenite::{
    Error,
    error::ProtocolError,
    handshake::{client::generate_key, derive_accept_key},
    protocol::{Role, WebSocketConfig},
};

/// A websocket that is asked for.
#[derive(Debug)]
pub struct Handshake {
    key: String,
}

impl Handshake {
    /// Has this request ask for one.
    ///
    /// # Errors
    /// As [`ask_for_websocket`].
    pub fn begin(request: &mut Request) -> Result<Self, Failure> {
        let key = generate_key();
        ask_for_websocket(request, &key)?;
        Ok(Self { key })
    }

    /// The server has switched: its answer's headers, the connection, and what came over it after them.
    ///
    /// # Errors
    /// [`Broken`](FailureKind::Broken) when it has not answered this request.
    pub fn finish<S: Read + Write>(
        self,
        answer: &HeaderMap,
        connection: S,
        received: Vec<u8>,
    ) -> Result<WebSocket<S>, Failure> {
        let accept = answer.get(header::SEC_WEBSOCKET_ACCEPT);
        if accept.is_none_or(|accept| accept != derive_accept_key(self.key.as_bytes()).as_str()) {
            return Err(Failure::new(FailureKind::Broken, "the server opened another websocket than was asked for"));
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(limits::MESSAGE))
            .max_frame_size(Some(limits::MESSAGE))
            .max_write_buffer_size(2 * limits::MESSAGE);
        let inner = tungstenite::WebSocket::from_partially_read(connection, received, Role::Client, Some(config));
        Ok(WebSocket { inner, receive: None, send: VecDeque::new(), deaf: false, full: false })
    }
}

/// An open websocket, with what is outstanding on it. Its connection says `WouldBlock` instead of waiting.
pub struct WebSocket<S> {
    inner: tungstenite::WebSocket<S>,
    receive: Option<Id>,
    send: VecDeque<(Id, Outgoing)>,
    /// Nothing can be read until the connection is ready again. To try it all the same is dear: tungstenite clears its
    /// buffer for each try.
    deaf: bool,
    /// Nothing can be written until then.
    full: bool,
}

enum Outgoing {
    Message(tungstenite::Message),
    /// Handed over, and not yet on its way.
    Flush,
    Close,
}

impl<S: Read + Write> WebSocket<S> {
    /// Begins to receive a message.
    pub fn receive(&mut self, id: Id) {
        self.receive = Some(id);
    }

    /// Begins to send a message.
    pub fn send(&mut self, id: Id, message: Message) {
        let message = match message {
            Message::Text(text) => tungstenite::Message::text(text),
            Message::Binary(bytes) => tungstenite::Message::binary(bytes),
            // The transport's own business.
            _ => return self.send.push_back((id, Outgoing::Flush)),
        };
        self.send.push_back((id, Outgoing::Message(message)));
    }

    /// Begins to close it, after what is to be sent.
    pub fn close(&mut self, id: Id) {
        self.send.push_back((id, Outgoing::Close));
    }

    /// The connection can be read from, or written to, where it said `WouldBlock` before.
    pub fn ready(&mut self, read: bool, write: bool) {
        self.deaf &= !read;
        self.full &= !write;
    }

    /// Whether nothing can be read, or written, until the connection is [`ready`](Self::ready).
    pub fn blocked(&self) -> (bool, bool) {
        (self.deaf, self.full)
    }

    /// Does what can be done now, and says what is finished. After `WouldBlock` nothing can, until the connection is
    /// [`ready`](Self::ready).
    pub fn pump(&mut self, finished: &mut VecDeque<(Id, Result<Reply, Failure>)>) {
        while let Some((id, outgoing)) = if self.full { None } else { self.send.pop_front() } {
            let result = match outgoing {
                Outgoing::Message(message) => self.inner.write(message),
                Outgoing::Close => self.inner.close(None),
                Outgoing::Flush => Ok(()),
            };
            match result.and_then(|()| self.inner.flush()) {
                Err(Error::Io(error)) if would_block(&error) => {
                    self.send.push_front((id, Outgoing::Flush));
                    self.full = true;
                }
                Ok(()) => finished.push_back((id, Ok(Reply::Done))),
                Err(error) => finished.push_back((id, Err(broken(&error)))),
            }
        }
        while let Some(id) = if self.deaf { None } else { self.receive.take() } {
            let message = match self.inner.read() {
                Err(Error::Io(error)) if would_block(&error) => {
                    self.receive = Some(id);
                    self.deaf = true;
                    continue;
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

    /// Whether a message is to be received.
    pub fn is_receiving(&self) -> bool {
        self.receive.is_some()
    }

    /// Whether something is to be sent.
    pub fn is_sending(&self) -> bool {
        !self.send.is_empty()
    }

    /// What is outstanding.
    pub fn outstanding(&self) -> Vec<Id> {
        self.receive.into_iter().chain(self.send.iter().map(|(id, _)| *id)).collect()
    }

    /// Its connection.
    pub fn connection(&mut self) -> &mut S {
        self.inner.get_mut()
    }
}

#[cfg(unix)]
impl<S: std::os::fd::AsFd> std::os::fd::AsFd for WebSocket<S> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.inner.get_ref().as_fd()
    }
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("receive", &self.receive).finish_non_exhaustive()
    }
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}

fn broken(error: &Error) -> Failure {
    let kind = if matches!(error, Error::Capacity(_)) { FailureKind::TooLarge } else { FailureKind::Broken };
    Failure::from_error(kind, error)
}
