//! The caller's reader on its way to the server, and the limits of time while it is.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use lxd_proto::{Failure, FailureKind, Phase};
use tokio::{
    io::ReadBuf,
    time::{Instant, sleep_until},
};

use crate::{Reader, http::PIECE};

/// How long the phases of one exchange may take.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) head: Duration,
    pub(crate) idle: Duration,
    pub(crate) total: Option<Instant>,
}

/// The time until an upload is looked at again is at least this.
const LEAST: Duration = Duration::from_millis(1);

/// How an upload stands, which both its own stream and the one who waits for the answer know.
#[derive(Clone, Default)]
pub(crate) struct Upload(Arc<Mutex<State>>);

struct State {
    waiting: Waiting,
    since: Instant,
    trouble: Option<Failure>,
    answer: Answer,
    waker: Option<Waker>,
}

#[derive(Clone, Copy)]
enum Waiting {
    /// For the answer: all was sent.
    Answer,
    /// For the server, to take more.
    Server,
    /// For the caller's reader, which may take its time.
    Caller,
}

/// The answer, which ends an upload also in its middle.
#[derive(Clone, Copy)]
enum Answer {
    None,
    /// Its body is being received, which would end with the connection.
    Begun,
    Over,
}

impl Default for State {
    fn default() -> Self {
        Self { waiting: Waiting::Answer, since: Instant::now(), trouble: None, answer: Answer::None, waker: None }
    }
}

impl Upload {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self, waiting: Waiting) {
        let mut state = self.state();
        (state.waiting, state.since) = (waiting, Instant::now());
    }

    /// What was wrong with the caller's reader.
    pub(crate) fn trouble(&self) -> Option<Failure> {
        self.state().trouble.take()
    }

    /// The answer has begun. When it is dropped, it is over.
    pub(crate) fn answered(self) -> Answered {
        self.state().answer = Answer::Begun;
        Answered(self)
    }

    /// Ends when a phase has taken too long.
    pub(crate) async fn watch(&self, limits: Limits) -> Phase {
        loop {
            let (waiting, since) = {
                let state = self.state();
                (state.waiting, state.since)
            };
            // Until then, whatever is waited for now, another wait cannot have been too long.
            let again = Instant::now() + limits.idle.min(limits.head).max(LEAST);
            let (end, phase) = match waiting {
                Waiting::Answer => (since + limits.head, Phase::Head),
                Waiting::Server => (since + limits.idle, Phase::Idle),
                Waiting::Caller => (again, Phase::Idle),
            };
            let (end, phase) = match limits.total {
                Some(total) if total < end => (total, Phase::Total),
                _ => (end, phase),
            };
            if end <= Instant::now() {
                return phase;
            }
            sleep_until(end.min(again)).await;
        }
    }
}

/// An answer that is being received.
pub(crate) struct Answered(Upload);

impl Drop for Answered {
    fn drop(&mut self) {
        let waker = {
            let mut state = self.0.state();
            state.answer = Answer::Over;
            state.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

/// The caller's reader: all of it, or exactly its declared length. (hyper would cut off what a longer reader has too
/// much, and call it a success; and it would send the rest of a body that the server has refused.)
pub(crate) struct Sending {
    reader: Reader,
    left: Option<u64>,
    last: Option<Bytes>,
    /// What was read while the piece before it was sent.
    ahead: Option<Result<Bytes, Failure>>,
    upload: Upload,
    buffer: Vec<u8>,
}

impl Sending {
    pub(crate) fn new(reader: Reader, length: Option<u64>, upload: Upload) -> Self {
        Self { reader, left: length, last: None, ahead: None, upload, buffer: Vec::new() }
    }

    fn poll_read(&mut self, context: &mut Context<'_>, most: usize) -> Poll<Result<Bytes, Failure>> {
        self.buffer.resize(most, 0);
        let mut buffer = ReadBuf::new(&mut self.buffer);
        ready!(self.reader.0.as_mut().poll_read(context, &mut buffer))
            .map_err(|error| Failure::from_error(FailureKind::Reader, &error))?;
        Poll::Ready(Ok(Bytes::copy_from_slice(buffer.filled())))
    }

    /// Whether all that was declared has been handed on.
    fn is_over(&self) -> bool {
        self.left == Some(0) && self.last.is_none() && self.ahead.is_none()
    }

    /// The next piece, empty at the end.
    pub(crate) fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, Failure>> {
        let Some(left) = self.left else { return self.poll_read(context, PIECE) };
        if left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE);
            let piece = ready!(self.poll_read(context, most))?;
            if piece.is_empty() {
                return Poll::Ready(Err(Failure::new(FailureKind::BodyLength, "the reader ended too early")));
            }
            let left = left - piece.len() as u64;
            self.left = Some(left);
            if left > 0 {
                return Poll::Ready(Ok(piece));
            }
            self.last = Some(piece);
        }
        // The last piece is sent only when it is known to be the last.
        if !ready!(self.poll_read(context, 1))?.is_empty() {
            return Poll::Ready(Err(Failure::new(FailureKind::BodyLength, "the reader has more")));
        }
        Poll::Ready(Ok(self.last.take().unwrap_or_default()))
    }
}

impl Stream for Sending {
    type Item = Result<Bytes, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        {
            let mut state = self.upload.state();
            match state.answer {
                Answer::None => {}
                Answer::Begun => {
                    state.waker = Some(context.waker().clone());
                    return Poll::Pending;
                }
                // It closes the connection, which can serve no other request.
                Answer::Over => {
                    let refused = Failure::new(FailureKind::Cancelled, "the server has answered before the end");
                    return Poll::Ready(Some(Err(refused)));
                }
            }
            // So that a reader that gives nothing for a while does not keep a refused upload.
            state.waker = Some(context.waker().clone());
        }
        self.upload.now(Waiting::Caller);
        let piece = match self.ahead.take() {
            Some(piece) => piece,
            None => ready!(self.poll_piece(context)),
        };
        if matches!(&piece, Ok(piece) if !piece.is_empty()) && !self.is_over() {
            if let Poll::Ready(next) = self.poll_piece(context) {
                self.ahead = Some(next);
            }
        }
        match piece {
            Ok(piece) => {
                // After the last byte that was declared, hyper asks for no more.
                let last = piece.is_empty() || self.is_over();
                self.upload.now(if last { Waiting::Answer } else { Waiting::Server });
                Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
            }
            Err(failure) => {
                self.upload.state().trouble = Some(failure.clone());
                Poll::Ready(Some(Err(failure)))
            }
        }
    }
}
