//! What a side has answered, where only one thing can be right.

use alloc::{string::ToString, vec::Vec};

use crate::{
    Error,
    sftp::{Attributes, BytePath, Entry, FileKind},
    tree::DiskReply,
};

pub(super) fn attributes(result: Result<DiskReply, Error>) -> Result<Option<Attributes>, Error> {
    match result? {
        DiskReply::Attributes(found) => Ok(found),
        _ => Err(unexpected()),
    }
}

/// It is done, unless its name was taken.
pub(super) fn done(result: Result<DiskReply, Error>, path: impl FnOnce() -> BytePath) -> Result<(), Error> {
    match result? {
        DiskReply::Done => Ok(()),
        DiskReply::Taken => Err(Error::NameTaken { path: path().to_string() }),
        _ => Err(unexpected()),
    }
}

/// Something else is in its place, or nothing.
pub(super) fn unfit(path: &BytePath, found: Option<FileKind>, wanted: FileKind) -> Error {
    let wanted = if wanted == FileKind::Directory { "directory" } else { "file" };
    let found = found.map_or_else(|| "nothing".into(), |found| found.to_string());
    Error::WrongFileType { path: path.to_string(), found, wanted }
}

pub(super) fn entries(result: Result<DiskReply, Error>) -> Result<Vec<Entry>, Error> {
    match result? {
        DiskReply::Entries(entries) => Ok(entries),
        _ => Err(unexpected()),
    }
}

pub(super) fn target(result: Result<DiskReply, Error>) -> Result<BytePath, Error> {
    match result? {
        DiskReply::Target(target) => Ok(target),
        _ => Err(unexpected()),
    }
}

pub(super) fn unexpected() -> Error {
    Error::Protocol("a disk answered with something else".into())
}
