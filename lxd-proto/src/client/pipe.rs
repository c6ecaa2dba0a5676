//! What goes beside a request's body and a command's input.

use alloc::{
    boxed::Box,
    sync::{Arc, Weak},
};
use core::fmt;

use bytes::Bytes;

/// What looks at all that a reader gives; see [`Client::tap`](crate::Client::tap).
pub struct Tap(Box<Saw>);

type Saw = dyn FnMut(&[u8]) + Send;

impl Tap {
    /// One that is shown piece after piece, and then an empty one.
    pub(crate) fn new(saw: impl FnMut(&[u8]) + Send + 'static) -> Self {
        Self(Box::new(saw))
    }

    /// The reader has given this; at its end, nothing.
    pub fn saw(&mut self, piece: &[u8]) {
        (self.0)(piece);
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}

/// The way into a pipe; see [`Client::pipe`](crate::Client::pipe).
pub struct Pipe(Arc<dyn Fn(Bytes) + Send + Sync>);

impl Pipe {
    /// A pipe into which is pushed by this. It must not wait.
    pub fn new(push: impl Fn(Bytes) + Send + Sync + 'static) -> Self {
        Self(Arc::new(push))
    }

    pub(crate) fn downgrade(&self) -> WeakPipe {
        WeakPipe(Arc::downgrade(&self.0))
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pipe")
    }
}

/// A way into a pipe that does not keep it.
#[derive(Clone)]
pub(crate) struct WeakPipe(Weak<dyn Fn(Bytes) + Send + Sync>);

impl WeakPipe {
    /// Pushes a line, if the pipe is still there.
    pub(crate) fn push(&self, line: &str) {
        if let Some(push) = self.0.upgrade() {
            push(alloc::format!("{line}\n").into());
        }
    }
}

impl fmt::Debug for WeakPipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pipe")
    }
}
