//! The caller's own readers and writers.

use std::{fmt, io, path::Path, pin::Pin};

use tokio::{
    fs::File,
    io::{AsyncRead, AsyncWrite},
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
