//! The caller's own readers and writers.

use std::{
    fmt,
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

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

/// A file's content, with the length that the file has now.
///
/// # Errors
/// When it cannot be opened.
pub fn file(path: impl AsRef<Path>) -> io::Result<Payload> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok(Payload::sized(file, length))
}
