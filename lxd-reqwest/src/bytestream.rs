//! A connection that has become another protocol: a stream of bytes, in both directions.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http::header;
use lxd_host::failure;
use lxd_proto::{
    Failure, FailureKind, Request,
    flow::{Id, Message, Reply},
    limits,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    http::Http,
    socket::Socket,
    upgrade::{Upgraded, upgrade},
};

struct ByteStream {
    stream: reqwest::Upgraded,
    receive: Option<Id>,
    send: VecDeque<(Id, Bytes)>,
    close: Option<Id>,
    buffer: Vec<u8>,
}

/// Changes the protocol as the request says, or gives the answer that refuses it.
pub(crate) async fn open(http: &Http, request: Request) -> Result<Result<Box<dyn Socket>, Reply>, Failure> {
    let asked = request.headers().get(header::UPGRADE).cloned();
    let stream = match upgrade(http, request).await? {
        Upgraded::Refused(response) => return Ok(Err(Reply::Http(response))),
        Upgraded::Open(_, headers) if headers.get(header::UPGRADE) != asked.as_ref() => {
            return Err(Failure::new(FailureKind::Broken, "the server speaks another protocol than was asked for"));
        }
        Upgraded::Open(stream, _) => stream,
    };
    let (send, buffer) = (VecDeque::new(), vec![0; limits::CHUNK]);
    Ok(Ok(Box::new(ByteStream { stream, receive: None, send, close: None, buffer })))
}

impl ByteStream {
    /// Sends the first piece.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut stream = Pin::new(&mut self.stream);
        while let Some((_, piece)) = self.send.front_mut().filter(|(_, piece)| !piece.is_empty()) {
            match ready!(stream.as_mut().poll_write(context, piece))? {
                0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                written => piece.advance(written),
            }
        }
        stream.poll_flush(context)
    }

    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        let mut buffer = ReadBuf::new(&mut self.buffer);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        let piece = buffer.filled();
        Poll::Ready(Ok((!piece.is_empty()).then(|| Bytes::copy_from_slice(piece))))
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

    fn pump(&mut self, context: &mut Context<'_>, finished: &mut VecDeque<(Id, Result<Reply, Failure>)>) {
        while !self.send.is_empty() {
            let Poll::Ready(result) = self.poll_send(context) else { break };
            let result = result.map(|()| Reply::Done).map_err(|error| failure(&error));
            finished.extend(self.send.pop_front().map(|(id, _)| (id, result)));
        }
        if let (true, Some(id)) = (self.send.is_empty(), self.close) {
            if let Poll::Ready(result) = Pin::new(&mut self.stream).poll_shutdown(context) {
                self.close = None;
                finished.push_back((id, result.map(|()| Reply::Done).map_err(|error| failure(&error))));
            }
        }
        if let Some(id) = self.receive {
            if let Poll::Ready(result) = self.poll_receive(context) {
                self.receive = None;
                let message = |piece: Option<Bytes>| Reply::Message(piece.map(Message::Binary));
                finished.push_back((id, result.map(message).map_err(|error| failure(&error))));
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.receive.is_none() && self.send.is_empty() && self.close.is_none()
    }

    fn outstanding(&self) -> Vec<Id> {
        self.receive.into_iter().chain(self.send.iter().map(|(id, _)| *id)).chain(self.close).collect()
    }
}
