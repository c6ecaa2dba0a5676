//! A websocket.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use lxd_host::websocket::{Handshake, WebSocket};
use lxd_proto::{
    Failure, ReceiveOnly, Request,
    flow::{Id, Message, Reply},
    is_keepalive,
};
use reqwest::Upgraded as Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    http::Http,
    socket::Socket,
    upgrade::{Upgraded, upgrade},
};

/// Opens a websocket, or gives the answer that refuses it.
pub(crate) async fn open(http: &Http, mut request: Request) -> Result<Result<Box<dyn Socket>, Reply>, Failure> {
    let handshake = Handshake::begin(&mut request)?;
    let mute = request.extensions().get::<ReceiveOnly>().is_some();
    Ok(match upgrade(http, request).await? {
        Upgraded::Refused(response) => Err(Reply::Http(response)),
        Upgraded::Open(stream, headers) => {
            let wire = Wire { stream, mute, waker: Waker::noop().clone() };
            Ok(Box::new(handshake.finish(&headers, wire, Vec::new())?))
        }
    })
}

impl Socket for WebSocket<Wire> {
    fn receive(&mut self, id: Id) {
        self.receive(id);
    }

    fn send(&mut self, id: Id, message: Message) {
        self.send(id, message);
    }

    fn close(&mut self, id: Id) {
        self.close(id);
    }

    fn pump(&mut self, context: &mut Context<'_>, finished: &mut VecDeque<(Id, Result<Reply, Failure>)>) {
        self.connection().waker.clone_from(context.waker());
        self.pump(finished);
    }

    fn is_idle(&self) -> bool {
        !self.is_receiving() && !self.is_sending()
    }

    fn outstanding(&self) -> Vec<Id> {
        self.outstanding()
    }
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
