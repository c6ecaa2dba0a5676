//! The caller's own readers and writers.

use std::{
    fmt,
    fs::File,
    io::{self, Read, Write},
    path::Path,
    sync::mpsc::{Receiver, channel},
};

use bytes::Bytes;
use lxd_proto::{Pipe, Tap};

/// What the caller sends: bytes, or a reader. See [`lxd_proto::Payload`].
pub type Payload = lxd_proto::Payload<Reader>;

/// Any reader; made from one with `into()`.
pub struct Reader(pub(crate) Box<dyn Read + Send>);

impl<R: Read + Send + 'static> From<R> for Reader {
    fn from(reader: R) -> Self {
        Self(Box::new(reader))
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

/// Any writer; made from one with `into()`. It is flushed after each piece.
pub struct Writer(pub(crate) Box<dyn Write + Send>);

impl<W: Write + Send + 'static> From<W> for Writer {
    fn from(writer: W) -> Self {
        Self(Box::new(writer))
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

/// What is pushed into it is read from it.
pub(crate) fn pipe() -> (Pipe, Reader) {
    let (sender, pieces) = channel();
    // Nobody reads any more when the flow is over.
    (Pipe::new(move |piece| drop(sender.send(piece))), Reader::from(Pieces { pieces, rest: Bytes::new() }))
}

struct Pieces {
    pieces: Receiver<Bytes>,
    rest: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = self.pieces.recv().unwrap_or_default();
        }
        let length = self.rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.rest.split_to(length));
        Ok(length)
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

impl Read for Tapped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.0.read(buffer)?;
        if !buffer.is_empty() {
            self.tap.saw(&buffer[..length]);
        }
        Ok(length)
    }
}

/// A file's content, with the length that the file has now.
///
/// # Errors
/// When it cannot be opened.
pub fn file(path: impl AsRef<Path>) -> io::Result<Payload> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok(Payload::sized(file, length))
}
