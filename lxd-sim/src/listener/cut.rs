//! A connection that breaks in the middle of what it sends.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Lets a connection break, from elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Cut(Arc<AtomicUsize>);

impl Cut {
    /// So many bytes are still sent.
    pub(super) fn after(&self, bytes: usize) {
        self.0.store(bytes, Relaxed);
    }
}

/// A stream that is whole until somebody cuts it.
pub(super) struct Cuttable<S> {
    stream: S,
    left: Arc<AtomicUsize>,
}

impl<S> Cuttable<S> {
    pub(super) fn new(stream: S) -> (Self, Cut) {
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        (Self { stream, left: left.clone() }, Cut(left))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Cuttable<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cuttable<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.left.load(Relaxed);
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let data = &data[..data.len().min(left)];
        let written = Pin::new(&mut self.stream).poll_write(context, data);
        if let (Poll::Ready(Ok(size)), true) = (&written, left < usize::MAX) {
            self.left.store(left - size, Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
