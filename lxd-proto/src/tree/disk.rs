//! A tree on one side of a copy, local or remote: what is asked of it, as data.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use crate::{
    Failure,
    sftp::{Attributes, BytePath, Entry, FileKind},
};

/// A local directory, and all that is below it. `lxd_host::Directory` is one.
///
/// It must follow no link below its root, and refuse paths that leave it: names come from a server that may be bad. Each
/// name between slashes is one, not empty, `.` or `..`, and without NUL; where a system has more that separates names
/// (`\`, `C:`), it is the disk that refuses those.
pub trait Disk: Send + Sync + 'static {
    /// Does something, and may block for it.
    ///
    /// # Errors
    /// What the disk could not do, as [`FailureKind::Disk`](crate::FailureKind::Disk).
    fn act(&self, action: DiskAction) -> Result<DiskReply, Failure>;

    /// A number that no other copy of this time has. It is a part of the names under which files are written.
    fn nonce(&self) -> u64;
}

impl fmt::Debug for dyn Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

/// Names a file that is open for a copy.
pub type Slot = u32;

/// A file or a link that is being made. Until it is whole it has a name of its own, where that can be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Making {
    /// Where it is until it is whole: in the same directory.
    pub temporary: BytePath,
    /// Where it is then.
    pub path: BytePath,
    /// What a file gets.
    pub attributes: Attributes,
    /// Whether something was there, which it replaces. Else there must be nothing: see [`DiskReply::Taken`].
    pub replaces: bool,
}

impl Making {
    /// What is first at one path, and then at another.
    pub fn new(temporary: impl Into<BytePath>, path: impl Into<BytePath>) -> Self {
        Self { temporary: temporary.into(), path: path.into(), attributes: Attributes::default(), replaces: false }
    }
}

/// What is asked of a tree. Paths are relative to its root, which is the empty path. Where the root is a file, the empty
/// path is that file, and others are beside it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiskAction {
    /// What a path is; of the root itself, a link is followed: [`DiskReply::Attributes`].
    Stat(BytePath),
    /// What is in a directory, without `.` and `..`: [`DiskReply::Entries`].
    List(BytePath),
    /// Where a link points to: [`DiskReply::Target`].
    Readlink(BytePath),
    /// Open a file to read from it, and nothing else than a file.
    Open(Slot, BytePath),
    /// Read at most so many bytes at an offset, fewer only at the end: [`DiskReply::Data`].
    Read(Slot, u64, usize),
    /// Close it.
    Close(Slot),
    /// Make a new file to write to it, which nobody may read who could not read it in the end.
    Create(Slot, Making),
    /// Write at an offset.
    Write(Slot, u64, Bytes),
    /// What was created becomes whole: it gets its attributes and its path, and is closed.
    Finish(Slot),
    /// What was created is closed and removed.
    Discard(Slot),
    /// Make a directory that only we may read. Its attributes follow, by [`Setstat`](Self::Setstat), when all is in it.
    Mkdir(BytePath, Attributes),
    /// Make a link that points to this target.
    Symlink(Making, BytePath),
    /// Set the attributes of a directory.
    Setstat(BytePath, Attributes),
    /// Remove something; a directory only if it is empty.
    Remove(BytePath, FileKind),
}

impl fmt::Debug for DiskAction {
    /// Not the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stat(path) => write!(f, "Stat({path:?})"),
            Self::List(path) => write!(f, "List({path:?})"),
            Self::Readlink(path) => write!(f, "Readlink({path:?})"),
            Self::Open(slot, path) => write!(f, "Open({slot}, {path:?})"),
            Self::Read(slot, offset, length) => write!(f, "Read({slot}, {offset}, {length})"),
            Self::Close(slot) => write!(f, "Close({slot})"),
            Self::Create(slot, making) => write!(f, "Create({slot}, {:?})", making.path),
            Self::Write(slot, offset, data) => write!(f, "Write({slot}, {offset}, {})", data.len()),
            Self::Finish(slot) => write!(f, "Finish({slot})"),
            Self::Discard(slot) => write!(f, "Discard({slot})"),
            Self::Mkdir(path, _) => write!(f, "Mkdir({path:?})"),
            Self::Symlink(making, target) => write!(f, "Symlink({:?}, {target:?})", making.path),
            Self::Setstat(path, _) => write!(f, "Setstat({path:?})"),
            Self::Remove(path, kind) => write!(f, "Remove({path:?}, {kind})"),
        }
    }
}

/// What a tree answers.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiskReply {
    /// What a path is, or that it is not there.
    Attributes(Option<Attributes>),
    /// What is in a directory.
    Entries(Vec<Entry>),
    /// Where a link points to.
    Target(BytePath),
    /// What was read.
    Data(Bytes),
    /// It is done.
    Done,
    /// It is not done: there is something with this name, where there was nothing in the list. It may be a name that
    /// differs in case only, in a directory to which that is the same.
    Taken,
}

impl fmt::Debug for DiskReply {
    /// Not the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attributes(attributes) => write!(f, "Attributes({attributes:?})"),
            Self::Entries(entries) => write!(f, "Entries({})", entries.len()),
            Self::Target(target) => write!(f, "Target({target:?})"),
            Self::Data(data) => write!(f, "Data({})", data.len()),
            Self::Done => f.write_str("Done"),
            Self::Taken => f.write_str("Taken"),
        }
    }
}

/// What was done with something, or would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Deed {
    /// A directory is made, or was there and has what it should have.
    Directory,
    /// A file is copied.
    File,
    /// A link is made.
    Symlink,
    /// It was the same.
    Unchanged,
    /// It was extra, and is removed.
    Removed,
    /// It is of a kind that is not copied.
    LeftOut,
    /// It could not be done.
    Failed,
    /// A piece of a file is copied, and more will follow.
    Piece,
}
