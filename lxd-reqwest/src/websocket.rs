//! A websocket.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;
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
            let wire = Wire { stream, mute, readable: Bell::default(), writable: Bell::default() };
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
        listen(self, context);
        self.pump(finished);
        // What has rung in the meantime has rung for nobody. It is not tried at once: a task that has done much has to
        // yield, and until then each try fails.
        if listen(self, context) {
            context.waker().wake_by_ref();
        }
    }

    fn is_idle(&self) -> bool {
        !self.is_receiving() && !self.is_sending()
    }

    fn outstanding(&self) -> Vec<Id> {
        self.outstanding()
    }
}

/// Hears for the task where the websocket is blocked, and says whether it is worth trying again.
fn listen(socket: &mut WebSocket<Wire>, context: &Context<'_>) -> bool {
    let ((read, write), wire) = (socket.blocked(), socket.connection());
    let (read, write) = (read && wire.readable.has_rung(context), write && wire.writable.has_rung(context));
    socket.ready(read, write);
    read || write
}

/// Wakes the task that asked last, and remembers that it did: one task has many connections.
#[derive(Default)]
struct Bell(Arc<Rope>);

#[derive(Default)]
struct Rope {
    rung: AtomicBool,
    task: AtomicWaker,
}

impl Bell {
    fn has_rung(&self, context: &Context<'_>) -> bool {
        self.0.task.register(context.waker());
        self.0.rung.swap(false, Ordering::AcqRel)
    }

    fn waker(&self) -> Waker {
        self.0.clone().into()
    }
}

impl Wake for Rope {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// A connection that tries once, and says `WouldBlock` instead of waiting: then a bell rings when it is worth trying. What
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
    readable: Bell,
    writable: Bell,
}

fn at_once<T>(tried: Poll<io::Result<T>>) -> io::Result<T> {
    match tried {
        Poll::Ready(result) => result,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
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
        let waker = self.readable.waker();
        at_once(Pin::new(&mut self.stream).poll_read(&mut Context::from_waker(&waker), &mut buffer))?;
        Ok(buffer.filled().len())
    }
}

impl Write for Wire {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.mute && is_keepalive(data) {
            return Ok(data.len());
        }
        let waker = self.writable.waker();
        swallow(at_once(Pin::new(&mut self.stream).poll_write(&mut Context::from_waker(&waker), data)), data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let waker = self.writable.waker();
        swallow(at_once(Pin::new(&mut self.stream).poll_flush(&mut Context::from_waker(&waker))), ())
    }
}
