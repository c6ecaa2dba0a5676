//! Bodies of requests.

use alloc::{string::String, vec::Vec};
use core::fmt;

use bytes::Bytes;

/// What the caller sends: bytes, or a reader that is streamed and never held whole.
///
/// Bytes and texts become one by themselves (`"hello".into()`); for a reader see [`reader`](Self::reader) and
/// [`sized`](Self::sized).
#[derive(Default)]
#[non_exhaustive]
pub enum Payload<R> {
    /// Nothing.
    #[default]
    Empty,
    /// These bytes.
    Bytes(Bytes),
    /// What the reader gives. With a length, exactly so many bytes; without, the body is sent in chunks.
    Reader(R, Option<u64>),
    /// These, one after the other: a body of several parts. [`into_reader`](Self::into_reader) makes one reader of them.
    #[non_exhaustive]
    Chain(Vec<Self>),
}

impl<R> Payload<R> {
    /// All that a reader gives. When its length is known, [`sized`](Self::sized) is better: then the server's word that
    /// it took everything is checked, and some servers and proxies are faster.
    pub fn reader(reader: impl Into<R>) -> Self {
        Self::Reader(reader.into(), None)
    }

    /// Exactly `length` bytes from a reader; fewer or more are an error.
    pub fn sized(reader: impl Into<R>, length: u64) -> Self {
        Self::Reader(reader.into(), Some(length))
    }

    /// The same from another type of reader.
    pub fn map<T>(self, mut reader: impl FnMut(R) -> T) -> Payload<T> {
        self.map_dyn(&mut reader)
    }

    fn map_dyn<T>(self, reader: &mut dyn FnMut(R) -> T) -> Payload<T> {
        match self {
            Self::Empty => Payload::Empty,
            Self::Bytes(bytes) => Payload::Bytes(bytes),
            Self::Reader(inner, length) => Payload::Reader(reader(inner), length),
            Self::Chain(pieces) => Payload::Chain(pieces.into_iter().map(|piece| piece.map_dyn(reader)).collect()),
        }
    }

    /// The content as one reader, whatever it is, and its length, for transports that send nothing else. The closures
    /// make a reader of bytes, and one of two.
    pub fn into_reader(self, reader: impl Fn(Bytes) -> R, chain: impl Fn(R, R) -> R) -> (R, Option<u64>) {
        let length = self.length();
        (self.one_reader(&reader, &chain), length)
    }

    fn one_reader(self, reader: &dyn Fn(Bytes) -> R, chain: &dyn Fn(R, R) -> R) -> R {
        match self {
            Self::Reader(inner, _) => inner,
            Self::Bytes(bytes) => reader(bytes),
            Self::Empty => reader(Bytes::new()),
            Self::Chain(pieces) => {
                let pieces = pieces.into_iter().map(|piece| piece.one_reader(reader, chain));
                pieces.reduce(chain).unwrap_or_else(|| reader(Bytes::new()))
            }
        }
    }

    /// How many bytes, if that is known.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Reader(_, length) => *length,
            Self::Chain(pieces) => pieces.iter().try_fold(0, |sum: u64, piece| sum.checked_add(piece.length()?)),
        }
    }
}

impl<R> fmt::Debug for Payload<R> {
    /// Not the content: it may be secret, or large.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length() {
            Some(length) => write!(f, "Payload({length} bytes)"),
            None => f.write_str("Payload(a reader)"),
        }
    }
}

impl<R> From<Bytes> for Payload<R> {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl<R> From<Vec<u8>> for Payload<R> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl<R> From<String> for Payload<R> {
    fn from(text: String) -> Self {
        Self::Bytes(text.into())
    }
}

impl<R> From<&'static str> for Payload<R> {
    fn from(text: &'static str) -> Self {
        Self::Bytes(Bytes::from_static(text.as_bytes()))
    }
}

impl<R> From<&'static [u8]> for Payload<R> {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Bytes(Bytes::from_static(bytes))
    }
}
