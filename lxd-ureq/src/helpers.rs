//! Helper threads, for what can only block, and the bell that ends the poll when one has something to say.

use std::{
    io::{ErrorKind, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use bytes::Bytes;
use lxd_proto::{
    Failure, FailureKind,
    flow::{Id, Reply, Sock},
    limits,
};

use crate::{conn::Hangup, socket::Socket};

/// What a helper comes to.
pub(crate) enum Outcome {
    Finished(Result<Reply, Failure>),
    Opened(Sock, Box<dyn Socket>),
}

/// A helper that does one thing again and again.
pub(crate) type Service = Sender<(Id, Bytes)>;

/// The helpers of one flow. Dropped, they are hung up; one that sits in a reader or writer of the caller ends when that
/// returns.
pub(crate) struct Helpers {
    sender: Sender<(Id, Outcome)>,
    receiver: Receiver<(Id, Outcome)>,
    bell: Option<(Arc<UnixStream>, UnixStream)>,
    busy: usize,
    hangup: Arc<Hangup>,
}

impl Helpers {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver, bell: None, busy: 0, hangup: Arc::default() }
    }

    pub(crate) fn hangup(&self) -> &Arc<Hangup> {
        &self.hangup
    }

    pub(crate) fn are_idle(&self) -> bool {
        self.busy == 0
    }

    /// What becomes readable when a helper has something to say. There is none as long as there is no helper.
    pub(crate) fn bell(&self) -> Option<BorrowedFd<'_>> {
        self.bell.as_ref().map(|(_, ear)| ear.as_fd())
    }

    /// Does something once.
    pub(crate) fn run(&mut self, id: Id, job: impl FnOnce() -> Outcome + Send + 'static) {
        self.busy += 1;
        let report = self.reporter();
        self.spawn(id, move || report(id, job()));
    }

    /// Does something whenever it is asked to, with what it is given.
    pub(crate) fn serve(&mut self, mut job: impl FnMut(Bytes) -> Result<Reply, Failure> + Send + 'static) -> Service {
        let (service, orders) = channel::<(Id, Bytes)>();
        let report = self.reporter();
        self.spawn(Id(0), move || {
            for (id, data) in orders {
                report(id, Outcome::Finished(job(data)));
            }
        });
        service
    }

    /// Asks a service.
    pub(crate) fn ask(&mut self, service: &Service, id: Id, data: Bytes) {
        self.busy += 1;
        if service.send((id, data)).is_err() {
            self.fail(id, "the helper thread is gone");
        }
    }

    /// The bell has rung, however often: what is said is in the channel.
    pub(crate) fn heard(&mut self) {
        if let Some((_, ear)) = &mut self.bell {
            while matches!(ear.read(&mut [0; 64]), Ok(1..)) {}
        }
    }

    /// What a helper has come to, if there is anything.
    pub(crate) fn next(&mut self) -> Option<(Id, Outcome)> {
        let next = self.receiver.try_recv().ok()?;
        self.busy = self.busy.saturating_sub(1);
        Some(next)
    }

    fn reporter(&mut self) -> impl Fn(Id, Outcome) + Send + 'static {
        if self.bell.is_none() {
            self.bell = bell().ok();
        }
        let bell = self.bell.as_ref().map(|(button, _)| button.clone());
        let sender = self.sender.clone();
        move |id, outcome| {
            // Nobody listens any more when the flow was dropped. A full bell has been rung.
            let heard = sender.send((id, outcome)).is_ok();
            if let Some(bell) = bell.as_deref().filter(|_| heard) {
                let _ = (&mut &*bell).write(&[1]);
            }
        }
    }

    fn spawn(&self, id: Id, job: impl FnOnce() + Send + 'static) {
        let spawned = if self.bell.is_some() {
            thread::Builder::new().name("lxd-helper".into()).spawn(job).map(drop)
        } else {
            Err(ErrorKind::OutOfMemory.into())
        };
        if let Err(error) = spawned {
            self.fail(id, &format!("no helper thread: {error}"));
        }
    }

    fn fail(&self, id: Id, why: &str) {
        let failure = Failure::new(FailureKind::Other, why);
        // The receiver is our own.
        let _ = self.sender.send((id, Outcome::Finished(Err(failure))));
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        self.hangup.hang_up();
    }
}

fn bell() -> std::io::Result<(Arc<UnixStream>, UnixStream)> {
    let (button, ear) = UnixStream::pair()?;
    button.set_nonblocking(true)?;
    ear.set_nonblocking(true)?;
    Ok((Arc::new(button), ear))
}

/// The next piece of the caller's input.
pub(crate) fn read_piece(reader: &mut dyn Read) -> Result<Reply, Failure> {
    let mut piece = vec![0; limits::CHUNK];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(Reply::Data(None)),
            Ok(length) => {
                piece.truncate(length);
                return Ok(Reply::Data(Some(piece.into())));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::from_error(FailureKind::Reader, &error)),
        }
    }
}

/// Writes to the caller's output, and flushes it.
pub(crate) fn write_piece(writer: &mut dyn Write, data: &[u8]) -> Result<Reply, Failure> {
    let written = writer.write_all(data).and_then(|()| writer.flush());
    written.map(|()| Reply::Done).map_err(|error| Failure::from_error(FailureKind::Writer, &error))
}
