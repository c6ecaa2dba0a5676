//! A websocket.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_util::Sink;
use http::header;
use lxd_proto::{
    Failure, FailureKind, ReceiveOnly, Request, ask_for_websocket,
    flow::{Id, Message, Reply},
    is_keepalive, limits,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Error,
        error::ProtocolError,
        handshake::{client::generate_key, derive_accept_key},
        protocol::{Role, WebSocketConfig},
    },
};

use crate::{
    http::Http,
    socket::Socket,
    upgrade::{Upgraded, upgrade},
};

/// An open websocket, with what is outstanding on it.
struct WebSocket {
    inner: WebSocketStream<Deaf>,
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
    let inner = WebSocketStream::from_raw_socket(Deaf { stream, mute }, Role::Client, Some(config)).await;
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
        while let Some((id, outgoing)) = self.send.front_mut() {
            let Poll::Ready(result) = poll_send(&mut self.inner, outgoing, context) else { break };
            finished.push_back((*id, result.map(|()| Reply::Done).map_err(|error| broken(&error))));
            self.send.pop_front();
        }
        while let Some(id) = self.receive {
            let Poll::Ready(message) = Pin::new(&mut self.inner).poll_next(context) else { break };
            let message = match message {
                Some(Ok(tungstenite::Message::Text(text))) => Ok(Some(Message::Text(text.as_str().to_owned()))),
                Some(Ok(tungstenite::Message::Binary(bytes))) => Ok(Some(Message::Binary(bytes))),
                Some(Ok(tungstenite::Message::Ping(_))) => Ok(Some(Message::Ping)),
                Some(Ok(tungstenite::Message::Close(_))) | None => Ok(None),
                Some(Ok(_)) => continue,
                // LXD closes without a close frame.
                Some(Err(Error::ConnectionClosed | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => {
                    Ok(None)
                }
                Some(Err(error)) => Err(broken(&error)),
            };
            self.receive = None;
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

fn poll_send(
    socket: &mut WebSocketStream<Deaf>,
    outgoing: &mut Outgoing,
    context: &mut Context<'_>,
) -> Poll<Result<(), Error>> {
    let mut socket = Pin::new(socket);
    match outgoing {
        Outgoing::Close => return socket.poll_close(context),
        Outgoing::Flush => {}
        Outgoing::Message(_) => {
            ready!(socket.as_mut().poll_ready(context))?;
            if let Outgoing::Message(message) = std::mem::replace(outgoing, Outgoing::Flush) {
                socket.as_mut().start_send(message)?;
            }
        }
    }
    socket.poll_flush(context)
}

fn broken(error: &Error) -> Failure {
    let kind = if matches!(error, Error::Capacity(_)) { FailureKind::TooLarge } else { FailureKind::Broken };
    Failure::from_error(kind, error)
}

/// A connection on which what cannot be written any more is swallowed, so that what was received can still be read.
///
/// LXD pings each websocket first. When it has closed by the time of the answer, that fails, and the reader of the
/// websocket would give up with everything that the server had sent before still unread (seen on 5.0.2: 1 of 50 short
/// commands).
///
/// When it is mute as well, answers that the server would not read are swallowed: see [`ReceiveOnly`].
struct Deaf {
    stream: reqwest::Upgraded,
    mute: bool,
}

fn swallow<T>(result: Poll<io::Result<T>>, instead: T) -> Poll<io::Result<T>> {
    match result {
        Poll::Ready(Err(error))
            if matches!(
                error.kind(),
                ErrorKind::BrokenPipe
                    | ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::NotConnected
            ) =>
        {
            Poll::Ready(Ok(instead))
        }
        result => result,
    }
}

impl AsyncRead for Deaf {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Deaf {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if self.mute && is_keepalive(data) {
            return Poll::Ready(Ok(data.len()));
        }
        swallow(Pin::new(&mut self.stream).poll_write(context, data), data.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        swallow(Pin::new(&mut self.stream).poll_flush(context), ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        swallow(Pin::new(&mut self.stream).poll_shutdown(context), ())
    }
}
