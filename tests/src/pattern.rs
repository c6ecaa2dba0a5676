//! Bytes that can be told from all others at the same place, made and checked without being held.

use std::{
    io::{self, Read, Write},
    pin::Pin,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use lxd_proto::{
    Failure, FailureKind,
    sftp::Attributes,
    tree::{Disk, DiskAction, DiskReply},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A prime number, so that a piece is never the same as its neighbours.
const PERIOD: usize = 65_521;

static BLOCK: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 1u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..PERIOD).map(|_| random()).collect()
});

/// The bytes from a place on, as many as are at hand.
fn piece(at: u64) -> &'static [u8] {
    &BLOCK[usize::try_from(at % PERIOD as u64).unwrap_or(0)..]
}

/// The pattern as a reader, blocking and async.
#[derive(Debug)]
pub struct Pattern {
    at: u64,
    size: u64,
}

impl Pattern {
    /// So many bytes of it.
    pub fn new(size: u64) -> Self {
        Self { at: 0, size }
    }
}

impl Read for Pattern {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.size - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let mut filled = 0;
        while filled < most {
            let piece = piece(self.at);
            let length = piece.len().min(most - filled);
            buffer[filled..filled + length].copy_from_slice(&piece[..length]);
            self.at += length as u64;
            filled += length;
        }
        Ok(filled)
    }
}

impl AsyncRead for Pattern {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let length = self.read(buffer.initialize_unfilled())?;
        buffer.advance(length);
        Poll::Ready(Ok(()))
    }
}

/// A writer, blocking and async, that takes the pattern and nothing else. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Checked(Arc<Mutex<u64>>);

impl Checked {
    /// How many bytes have come.
    pub fn length(&self) -> u64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether exactly so many bytes have come.
    ///
    /// # Errors
    /// When it were others.
    pub fn is_whole(&self, size: u64) -> io::Result<()> {
        let length = self.length();
        if length == size { Ok(()) } else { Err(io::Error::other(format!("{length} of {size} bytes have come"))) }
    }
}

impl Write for Checked {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = data;
        while !rest.is_empty() {
            let piece = piece(*at);
            let length = piece.len().min(rest.len());
            if rest[..length] != piece[..length] {
                return Err(io::Error::other(format!("other bytes after {} of them", *at)));
            }
            *at += length as u64;
            rest = &rest[length..];
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One file of the pattern as a local disk, to be copied by itself, or that takes the pattern and nothing else. It takes
/// no place. Clones are the same.
#[derive(Clone, Debug)]
pub struct PatternFile(u64, Arc<AtomicU64>);

impl PatternFile {
    /// A file of this size.
    pub fn new(size: u64) -> Self {
        Self(size, Arc::default())
    }

    /// How many bytes were written, if the file became whole.
    pub fn written(&self) -> u64 {
        self.1.load(Ordering::SeqCst)
    }
}

impl Disk for PatternFile {
    fn act(&self, action: DiskAction) -> Result<DiskReply, Failure> {
        let failed = |text| Err(Failure::new(FailureKind::Disk, text));
        match action {
            DiskAction::Stat(_) => {
                let mut attributes = Attributes::default().with_size(self.0).with_times(1, 1);
                attributes.mode = Some(0o100_600);
                // As a target it is not there yet.
                return Ok(DiskReply::Attributes((self.0 > 0).then_some(attributes)));
            }
            DiskAction::Read(_, offset, length) => {
                let (mut data, mut pattern) = (vec![0; length], Pattern { at: offset, size: self.0 });
                return match pattern.read(&mut data) {
                    Ok(read) if read == length => Ok(DiskReply::Data(data.into())),
                    _ => failed("it ended early"),
                };
            }
            DiskAction::Write(_, offset, data) => {
                let (mut expected, size) = (vec![0; data.len()], offset + data.len() as u64);
                let read = Pattern { at: offset, size }.read(&mut expected);
                if !matches!(read, Ok(read) if read == data.len()) || expected != data {
                    return failed("another byte came");
                }
                self.1.fetch_add(data.len() as u64, Ordering::SeqCst);
            }
            DiskAction::Discard(_) => self.1.store(0, Ordering::SeqCst),
            _ => {}
        }
        Ok(DiskReply::Done)
    }

    fn nonce(&self) -> u64 {
        0
    }
}

impl AsyncWrite for Checked {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.write(data))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
