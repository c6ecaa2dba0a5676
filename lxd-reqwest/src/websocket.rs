//! A websocket.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use http::header;
use lxd_proto::{
    Failure, FailureKind, ReceiveOnly, Request, ask_for_websocket,
    flow::{Id, Message, Reply},
    is_keepalive, limits,
};
use reqwest::Upgraded as Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::{
    Error,
    error::ProtocolError,
    handshake::{client::generate_key, derive_accept_key},
    protocol::{Role, WebSocketConfig},
};

use crate::{
    http::Http,
    socket::Socket,
    upgrade::{Upgraded, upgrade},
};

/// An open websocket, with what is outstanding on it.
struct WebSocket {
    inner: tungstenite::WebSocket<Wire>,
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
pub(crate) async fn open(http: &Http, mut request: Request) -> Result<Result<Box<dyn Socket>, Reply>, Failure> {
    let key = generate_key();
    ask_for_websocket(&mut request, &key)?;
    let mute = request.extensions().get::<ReceiveOnly>().is_some();
    let stream = match upgrade(http, request).await? {
        Upgraded::Refused(response) => return Ok(Err(Reply::Http(response))),
        Upgraded::Open(stream, headers) => {
            let accept = headers.get(header::SEC_WEBSOCKET_ACCEPT);
            if accept.is_none_or(|accept| accept != derive_accept_key(key.as_bytes()).as_str()) {
                return Err(Failure::new(
                    FailureKind::Broken,
                    "the server opened another websocket than was asked for",
                ));
            }
            stream
        }
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(limits::MESSAGE))
        .max_frame_size(Some(limits::MESSAGE))
        .max_write_buffer_size(2 * limits::MESSAGE);
    let wire = Wire { stream, mute, waker: Waker::noop().clone() };
    let inner = tungstenite::WebSocket::from_raw_socket(wire, Role::Client, Some(config));
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

    fn pump(&mut self, context: &mut Context<'_>, finished: &mut VecDeque<(Id, Result<Reply, Failure>)>) {
        self.inner.get_mut().waker.clone_from(context.waker());
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

    fn is_idle(&self) -> bool {
        self.receive.is_none() && self.send.is_empty()
    }

    fn outstanding(&self) -> Vec<Id> {
        self.receive.into_iter().chain(self.send.iter().map(|(id, _)| *id)).collect()
    }
}

fn broken(error: &Error) -> Failure {
    let kind = if matches!(error, Error::Capacity(_)) { FailureKind::TooLarge } else { FailureKind::Broken };
    Failure::from_error(kind, error)
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}

/// A connection that tries once, and says `WouldBlock` instead of waiting: then it wakes the task that tried last. What
/// cannot be written any more is swallowed, so that what was received can still be read.
///
/// LXD pings each websocket first. When it has closed by the time of the answer, that fails, and the reader of the
/// websocket would give up with everything that the server had sent before still unread (seen on 5.0.2: 1 of 50 short
/// commands).
///
/// When it is mute as well, answers that the server would not read are swallowed: see [`ReceiveOnly`].
struct Wire {
    stream: Stream,
    mute: bool,
    waker: Waker,
}

impl Wire {
    fn attempt<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut Stream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        match poll(Pin::new(&mut self.stream), &mut Context::from_waker(&self.waker)) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

fn swallow<T>(result: io::Result<T>, instead: T) -> io::Result<T> {
    result.or_else(|error| match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::NotConnected => {
            Ok(instead)
        }
        _ => Err(error),
    })
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        self.attempt(|stream, context| stream.poll_read(context, &mut buffer))?;
        Ok(buffer.filled().len())
    }
}

impl Write for Wire {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.mute && is_keepalive(data) {
            return Ok(data.len());
        }
        swallow(self.attempt(|stream, context| stream.poll_write(context, data)), data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        swallow(self.attempt(Stream::poll_flush), ())
    }
}
