//! What is known of a file, in SFTP's words.

use alloc::{string::String, vec::Vec};
use core::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::packets::Fields;
use crate::Error;

/// A path on the server: bytes, for names need not be UTF-8. It is shown as text, with `\u{fffd}` for what is none.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BytePath(Bytes);

impl BytePath {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path of something in this directory.
    #[must_use]
    pub fn join(&self, name: &[u8]) -> Self {
        let slash: &[u8] = if self.0.is_empty() || self.0.ends_with(b"/") { b"" } else { b"/" };
        Self([&self.0, slash, name].concat().into())
    }

    /// Whether it is one name, of something in a directory: not empty, `.` or `..`, and without `/` and NUL. A bad server may
    /// call its entries anything.
    pub fn is_name(&self) -> bool {
        !matches!(self.as_bytes(), b"" | b"." | b"..") && !self.0.contains(&b'/') && !self.0.contains(&0)
    }

    pub(crate) fn bytes(&self) -> Bytes {
        self.0.clone()
    }
}

impl fmt::Display for BytePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for BytePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl From<Bytes> for BytePath {
    fn from(path: Bytes) -> Self {
        Self(path)
    }
}

impl From<Vec<u8>> for BytePath {
    fn from(path: Vec<u8>) -> Self {
        Self(path.into())
    }
}

impl From<&[u8]> for BytePath {
    fn from(path: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(path))
    }
}

impl<const N: usize> From<&[u8; N]> for BytePath {
    fn from(path: &[u8; N]) -> Self {
        Self(Bytes::copy_from_slice(path))
    }
}

impl From<&str> for BytePath {
    fn from(path: &str) -> Self {
        path.as_bytes().into()
    }
}

impl From<String> for BytePath {
    fn from(path: String) -> Self {
        path.into_bytes().into()
    }
}

impl From<&String> for BytePath {
    fn from(path: &String) -> Self {
        path.as_bytes().into()
    }
}

impl From<&Self> for BytePath {
    fn from(path: &Self) -> Self {
        path.clone()
    }
}

impl PartialEq<str> for BytePath {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for BytePath {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// What something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A disk or the like.
    BlockDevice,
    /// A terminal or the like.
    CharDevice,
    /// Something else, or not said.
    Unknown,
}

impl FileKind {
    /// By the mode's upper bits.
    pub fn of(mode: u32) -> Self {
        match mode & 0o170_000 {
            0o100_000 => Self::File,
            0o040_000 => Self::Directory,
            0o120_000 => Self::Symlink,
            0o010_000 => Self::Fifo,
            0o140_000 => Self::Socket,
            0o060_000 => Self::BlockDevice,
            0o020_000 => Self::CharDevice,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Fifo => "pipe",
            Self::Socket => "socket",
            Self::BlockDevice => "block device",
            Self::CharDevice => "character device",
            Self::Unknown => "thing of no known kind",
        })
    }
}

/// What is known of a file, or what is to be set of it: only what is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attributes {
    /// The size in bytes. Set, it cuts or lengthens the file.
    pub size: Option<u64>,
    /// The owner's and the group's number in the instance.
    pub owner: Option<(u32, u32)>,
    /// Permissions, and in what is read the kind above them: see [`kind`](Self::kind).
    pub mode: Option<u32>,
    /// When it was read and when it was modified, in seconds since 1970.
    pub times: Option<(u32, u32)>,
}

const SIZE: u32 = 1;
const OWNER: u32 = 2;
const MODE: u32 = 4;
const TIMES: u32 = 8;
const EXTENDED: u32 = 1 << 31;

impl Attributes {
    /// With this size in bytes.
    #[must_use]
    pub fn with_size(self, size: u64) -> Self {
        Self { size: Some(size), ..self }
    }

    /// With this owner and group.
    #[must_use]
    pub fn with_owner(self, uid: u32, gid: u32) -> Self {
        Self { owner: Some((uid, gid)), ..self }
    }

    /// With these permissions, `0o7777` at most.
    #[must_use]
    pub fn with_mode(self, mode: u32) -> Self {
        Self { mode: Some(mode & 0o7777), ..self }
    }

    /// With these times, in seconds since 1970.
    #[must_use]
    pub fn with_times(self, read: u32, modified: u32) -> Self {
        Self { times: Some((read, modified)), ..self }
    }

    /// What it is.
    pub fn kind(&self) -> FileKind {
        self.mode.map_or(FileKind::Unknown, FileKind::of)
    }

    /// Its permissions, `0o7777` at most.
    pub fn permissions(&self) -> Option<u32> {
        self.mode.map(|mode| mode & 0o7777)
    }

    /// The same in the order in which it has to be done: Linux takes setuid and setgid from what gets another owner.
    pub(crate) fn in_order(self) -> impl Iterator<Item = Self> {
        let owner = Self { owner: self.owner, ..Self::default() };
        let rest = Self { owner: None, ..self };
        let (both, nothing) = (self.owner.is_some() && self.mode.is_some(), Self::default());
        let order = if both { [owner, rest] } else { [self, nothing] };
        order.into_iter().filter(move |said| *said != nothing)
    }

    /// What is to be set.
    pub(super) fn encode(&self, out: &mut BytesMut) {
        Self { mode: self.mode.map(for_go), ..*self }.encode_found(out);
    }

    /// What was found.
    pub(super) fn encode_found(&self, out: &mut BytesMut) {
        let said = |said: bool, flag| if said { flag } else { 0 };
        out.put_u32(
            said(self.size.is_some(), SIZE)
                | said(self.owner.is_some(), OWNER)
                | said(self.mode.is_some(), MODE)
                | said(self.times.is_some(), TIMES),
        );
        if let Some(size) = self.size {
            out.put_u64(size);
        }
        if let Some((uid, gid)) = self.owner {
            out.put_u32(uid);
            out.put_u32(gid);
        }
        if let Some(mode) = self.mode {
            out.put_u32(mode);
        }
        if let Some((read, modified)) = self.times {
            out.put_u32(read);
            out.put_u32(modified);
        }
    }

    pub(super) fn decode(fields: &mut Fields) -> Result<Self, Error> {
        let flags = fields.u32()?;
        let mut found = Self::default();
        if flags & SIZE != 0 {
            found.size = Some(fields.u64()?);
        }
        if flags & OWNER != 0 {
            found.owner = Some((fields.u32()?, fields.u32()?));
        }
        if flags & MODE != 0 {
            found.mode = Some(fields.u32()?);
        }
        if flags & TIMES != 0 {
            found.times = Some((fields.u32()?, fields.u32()?));
        }
        if flags & EXTENDED != 0 {
            for _ in 0..fields.u32()? {
                fields.bytes()?;
                fields.bytes()?;
            }
        }
        Ok(found)
    }
}

/// The mode as every server takes it. LXD 5.0.2's takes Go's bits for setuid, setgid and sticky, and drops the usual ones;
/// later ones do the opposite. So both are said, and neither minds the other's.
fn for_go(mode: u32) -> u32 {
    let go = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    go.iter().filter(|(unix, _)| mode & unix != 0).fold(mode & 0o7777, |mode, (_, go)| mode | go)
}

/// Something in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name, which need not be UTF-8. A bad server may have sent any: check it before it becomes a local name.
    pub name: BytePath,
    /// What is known of it. A link is not followed.
    pub attributes: Attributes,
}

impl Entry {
    /// Something with this name.
    pub fn new(name: impl Into<BytePath>, attributes: Attributes) -> Self {
        Self { name: name.into(), attributes }
    }
}
