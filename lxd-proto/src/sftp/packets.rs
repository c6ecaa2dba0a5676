//! The packets of SFTP, version 3, as bytes.

use alloc::{format, string::String, vec::Vec};

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{Attributes, BytePath, Entry, File, Status};
use crate::{Error, limits};

/// How a file is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OpenFlags(pub(crate) u32);

impl OpenFlags {
    /// To read from it.
    pub const READ: Self = Self(1);
    /// To write to it.
    pub const WRITE: Self = Self(2);
    /// Everything is written to its end.
    pub const APPEND: Self = Self(4);
    /// It is made if it is not there.
    pub const CREATE: Self = Self(8);
    /// It is emptied.
    pub const TRUNCATE: Self = Self(16);
    /// It is an error if it is there; with [`CREATE`](Self::CREATE).
    pub const EXCLUSIVE: Self = Self(32);
}

impl core::ops::BitOr for OpenFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ask {
    /// Open a file: [`Answer::Handle`].
    Open(BytePath, OpenFlags),
    /// Close what was opened.
    Close(File),
    /// Read so many bytes at most from an offset on: [`Answer::Data`], or [`Status::Eof`].
    Read(File, u64, u32),
    /// Write at an offset.
    Write(File, u64, Bytes),
    /// What a path is, not following a link: [`Answer::Attributes`].
    Lstat(BytePath),
    /// What an open file is: [`Answer::Attributes`].
    Fstat(File),
    /// Set what is said. A link is followed.
    Setstat(BytePath, Attributes),
    /// The same of an open file.
    Fsetstat(File, Attributes),
    /// Open a directory: [`Answer::Handle`].
    Opendir(BytePath),
    /// The next entries of an open directory: [`Answer::Names`], or [`Status::Eof`].
    Readdir(File),
    /// Remove what is no directory.
    Remove(BytePath),
    /// Make a directory.
    Mkdir(BytePath),
    /// Remove an empty directory.
    Rmdir(BytePath),
    /// The absolute path without `.` and `..`: [`Answer::Names`] with one.
    Realpath(BytePath),
    /// What a path is, following a link: [`Answer::Attributes`].
    Stat(BytePath),
    /// Give it another path, at which there may be nothing yet.
    Rename(BytePath, BytePath),
    /// The same, over what is there: the extension `posix-rename@openssh.com`.
    PosixRename(BytePath, BytePath),
    /// Where a link points to: [`Answer::Names`] with one.
    Readlink(BytePath),
    /// Make a link at the first path that points to the second.
    ///
    /// On the wire the target comes first: OpenSSH's order, which is LXD's too, and not that of the specification.
    Symlink(BytePath, BytePath),
}

pub(super) const POSIX_RENAME: &[u8] = b"posix-rename@openssh.com";

impl Ask {
    /// Its name, and the path that it is about.
    pub fn about(&self) -> (&'static str, BytePath) {
        let (verb, path) = match self {
            Self::Open(path, _) => ("open", path),
            Self::Close(file) => ("close", &file.path),
            Self::Read(file, ..) => ("read", &file.path),
            Self::Write(file, ..) => ("write", &file.path),
            Self::Lstat(path) => ("lstat", path),
            Self::Fstat(file) => ("fstat", &file.path),
            Self::Setstat(path, _) => ("setstat", path),
            Self::Fsetstat(file, _) => ("fsetstat", &file.path),
            Self::Opendir(path) => ("opendir", path),
            Self::Readdir(file) => ("readdir", &file.path),
            Self::Remove(path) => ("remove", path),
            Self::Mkdir(path) => ("mkdir", path),
            Self::Rmdir(path) => ("rmdir", path),
            Self::Realpath(path) => ("realpath", path),
            Self::Stat(path) => ("stat", path),
            Self::Rename(path, _) | Self::PosixRename(path, _) => ("rename", path),
            Self::Readlink(path) => ("readlink", path),
            Self::Symlink(path, _) => ("symlink", path),
        };
        (verb, path.clone())
    }

    /// The packet, with this id.
    pub fn encode(&self, id: u32, out: &mut BytesMut) {
        let begin = out.len();
        out.put_u32(0);
        out.put_u8(self.number());
        out.put_u32(id);
        match self {
            Self::Open(path, flags) => {
                text(out, &path.bytes());
                out.put_u32(flags.0);
                Attributes::default().encode(out);
            }
            Self::Close(file) | Self::Fstat(file) | Self::Readdir(file) => text(out, &file.handle),
            Self::Read(file, offset, length) => {
                text(out, &file.handle);
                out.put_u64(*offset);
                out.put_u32(*length);
            }
            Self::Write(file, offset, data) => {
                text(out, &file.handle);
                out.put_u64(*offset);
                text(out, data);
            }
            Self::Setstat(path, attributes) => {
                text(out, &path.bytes());
                attributes.encode(out);
            }
            Self::Fsetstat(file, attributes) => {
                text(out, &file.handle);
                attributes.encode(out);
            }
            Self::Mkdir(path) => {
                text(out, &path.bytes());
                Attributes::default().encode(out);
            }
            Self::Lstat(path)
            | Self::Opendir(path)
            | Self::Remove(path)
            | Self::Rmdir(path)
            | Self::Realpath(path)
            | Self::Stat(path)
            | Self::Readlink(path) => text(out, &path.bytes()),
            Self::PosixRename(from, to) => {
                text(out, POSIX_RENAME);
                text(out, &from.bytes());
                text(out, &to.bytes());
            }
            Self::Rename(first, second) | Self::Symlink(second, first) => {
                text(out, &first.bytes());
                text(out, &second.bytes());
            }
        }
        close(out, begin);
    }

    fn number(&self) -> u8 {
        match self {
            Self::Open(..) => 3,
            Self::Close(_) => 4,
            Self::Read(..) => 5,
            Self::Write(..) => 6,
            Self::Lstat(_) => 7,
            Self::Fstat(_) => 8,
            Self::Setstat(..) => 9,
            Self::Fsetstat(..) => 10,
            Self::Opendir(_) => 11,
            Self::Readdir(_) => 12,
            Self::Remove(_) => 13,
            Self::Mkdir(_) => 14,
            Self::Rmdir(_) => 15,
            Self::Realpath(_) => 16,
            Self::Stat(_) => 17,
            Self::Rename(..) => 18,
            Self::Readlink(_) => 19,
            Self::Symlink(..) => 20,
            Self::PosixRename(..) => 200,
        }
    }
}

/// The first packet, which has no id.
pub fn init(out: &mut BytesMut) {
    out.put_slice(&[0, 0, 0, 5, 1, 0, 0, 0, 3]);
}

pub(super) fn text(out: &mut BytesMut, text: &[u8]) {
    // Longer ones were refused before.
    out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
    out.put_slice(text);
}

/// Puts the length before a packet.
pub(super) fn close(out: &mut BytesMut, begin: usize) {
    let length = u32::try_from(out.len().saturating_sub(begin + 4)).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(begin..begin + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// How it went, with the server's text.
    Status(Status, String),
    /// What the server calls an open file or directory.
    Handle(Bytes),
    /// What was read.
    Data(Bytes),
    /// Entries, or one path.
    Names(Vec<Entry>),
    /// What is known of a file.
    Attributes(Attributes),
}

/// A packet of the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// The first: its version, and whether it knows [`Ask::PosixRename`].
    Version {
        /// 3 is what everybody speaks.
        version: u32,
        /// Whether it can rename over what is there.
        posix_rename: bool,
    },
    /// The answer to the request with this id.
    Answer(u32, Answer),
}

/// Reads packets, in whatever pieces they come. It holds at most one that is not whole, and what was pushed last.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    /// A piece has come.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The fields of the next packet, if it is whole.
    pub(super) fn fields(&mut self) -> Result<Option<Fields>, Error> {
        let Some(length) = self.buffer.first_chunk().map(|length| u32::from_be_bytes(*length)) else {
            return Ok(None);
        };
        let whole = usize::try_from(length).unwrap_or(usize::MAX);
        if whole > limits::SFTP_PACKET {
            return Err(Error::TooLarge { what: "a packet of SFTP", limit: limits::SFTP_PACKET as u64 });
        }
        if self.buffer.len() < whole + 4 {
            return Ok(None);
        }
        self.buffer.advance(4);
        Ok(Some(Fields(self.buffer.split_to(whole).freeze())))
    }

    /// The next packet of a server's, if it is whole.
    ///
    /// # Errors
    /// [`Error::TooLarge`] and [`Error::Protocol`]; nothing can be read after that.
    pub fn take(&mut self) -> Result<Option<Received>, Error> {
        let Some(mut fields) = self.fields()? else { return Ok(None) };
        let number = fields.u8()?;
        if number == 2 {
            return version(&mut fields).map(Some);
        }
        let id = fields.u32()?;
        let answer = match number {
            101 => {
                let status = Status::of(fields.u32()?);
                // Very old servers have no text.
                let message = if fields.0.is_empty() { Bytes::new() } else { fields.bytes()? };
                Answer::Status(status, String::from_utf8_lossy(&message).into_owned())
            }
            102 => Answer::Handle(Bytes::copy_from_slice(&fields.bytes()?)),
            103 => Answer::Data(fields.bytes()?),
            104 => {
                let mut entries = Vec::new();
                for _ in 0..fields.u32()? {
                    // Copied, for a short name must not keep its whole packet.
                    let name = BytePath::from(&fields.bytes()?[..]);
                    // As `ls -l` shows it.
                    fields.bytes()?;
                    entries.push(Entry { name, attributes: Attributes::decode(&mut fields)? });
                }
                Answer::Names(entries)
            }
            105 => Answer::Attributes(Attributes::decode(&mut fields)?),
            other => return Err(Error::Protocol(format!("a packet of SFTP with the type {other}"))),
        };
        Ok(Some(Received::Answer(id, answer)))
    }
}

fn version(fields: &mut Fields) -> Result<Received, Error> {
    let version = fields.u32()?;
    let mut posix_rename = false;
    while !fields.0.is_empty() {
        let name = fields.bytes()?;
        let is_first = fields.bytes()? == "1";
        posix_rename |= name == POSIX_RENAME && is_first;
    }
    Ok(Received::Version { version, posix_rename })
}

/// What is left of a packet.
pub(super) struct Fields(Bytes);

impl Fields {
    pub(super) fn short() -> Error {
        Error::Protocol("a packet of SFTP ends too early".into())
    }

    pub(super) fn u8(&mut self) -> Result<u8, Error> {
        self.0.try_get_u8().map_err(|_| Self::short())
    }

    pub(super) fn u32(&mut self) -> Result<u32, Error> {
        self.0.try_get_u32().map_err(|_| Self::short())
    }

    pub(super) fn u64(&mut self) -> Result<u64, Error> {
        self.0.try_get_u64().map_err(|_| Self::short())
    }

    pub(super) fn bytes(&mut self) -> Result<Bytes, Error> {
        let length = usize::try_from(self.u32()?).map_err(|_| Self::short())?;
        if length > self.0.len() {
            return Err(Self::short());
        }
        Ok(self.0.split_to(length))
    }
}
