//! The caller's own readers and writers.

use std::{
    fmt, io,
    path::Path,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use lxd_proto::{Pipe, Tap};
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

/// What the caller sends: bytes, or a reader. See [`lxd_proto::Payload`].
pub type Payload = lxd_proto::Payload<Reader>;

/// Any async reader; made from one with `into()`.
pub struct Reader(pub(crate) Pin<Box<dyn AsyncRead + Send>>);

impl<R: AsyncRead + Send + 'static> From<R> for Reader {
    fn from(reader: R) -> Self {
        Self(Box::pin(reader))
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

/// Any async writer; made from one with `into()`. It is flushed after each piece.
pub struct Writer(pub(crate) Pin<Box<dyn AsyncWrite + Send>>);

impl<W: AsyncWrite + Send + 'static> From<W> for Writer {
    fn from(writer: W) -> Self {
        Self(Box::pin(writer))
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

/// What is pushed into it is read from it.
pub(crate) fn pipe() -> (Pipe, Reader) {
    let (sender, pieces) = unbounded_channel();
    // Nobody reads any more when the flow is over.
    (Pipe::new(move |piece| drop(sender.send(piece))), Reader::from(Pieces { pieces, rest: Bytes::new() }))
}

struct Pieces {
    pieces: UnboundedReceiver<Bytes>,
    rest: Bytes,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            self.rest = ready!(self.pieces.poll_recv(context)).unwrap_or_default();
        }
        let length = self.rest.len().min(buffer.remaining());
        buffer.put_slice(&self.rest.split_to(length));
        Poll::Ready(Ok(()))
    }
}

/// What it gives is shown to the tap.
pub(crate) fn tap(reader: Reader, tap: Tap) -> Reader {
    Reader::from(Tapped { reader, tap })
}

struct Tapped {
    reader: Reader,
    tap: Tap,
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, full) = (buffer.filled().len(), buffer.remaining() == 0);
        ready!(self.reader.0.as_mut().poll_read(context, buffer))?;
        if !full {
            self.tap.saw(&buffer.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

/// A file's content, with the length that the file has now.
///
/// # Errors
/// When it cannot be opened.
pub async fn file(path: impl AsRef<Path>) -> io::Result<Payload> {
    let mut file = File::open(path).await?;
    file.set_max_buf_size(crate::http::PIECE);
    let length = file.metadata().await?.len();
    Ok(Payload::sized(file, length))
}
