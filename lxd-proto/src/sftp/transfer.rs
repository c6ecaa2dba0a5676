//! A file's content in pieces, many of them on the way at once.

use alloc::{collections::BTreeMap, format, vec::Vec};

use bytes::Bytes;

use super::{Answered, Ask, File, Line};
use crate::{Error, limits};

/// Reads from an open file: at most to `end`, or to the file's own.
#[derive(Debug)]
pub(crate) struct Reading {
    file: File,
    next: u64,
    end: u64,
    /// Up to here there should be something. Beyond, one piece after the other is tried.
    expected: u64,
    /// What came shorter than asked.
    again: Vec<(u64, u32)>,
    pending: BTreeMap<u32, (u64, u32)>,
}

impl Reading {
    pub(crate) fn new(file: File, begin: u64, end: u64, expected: u64) -> Self {
        Self { file, next: begin, end, expected, again: Vec::new(), pending: BTreeMap::new() }
    }

    /// Asks for as much as may be on the way.
    pub(crate) fn ask(&mut self, line: &mut Line) -> Result<(), Error> {
        while line.has_room() {
            let (offset, length) = match self.again.pop() {
                Some(again) => again,
                None if self.next >= self.end || (self.next >= self.expected && !self.pending.is_empty()) => break,
                None => {
                    let left = u32::try_from(self.end - self.next).unwrap_or(u32::MAX);
                    let length = left.min(limits::SFTP_PIECE);
                    self.next += u64::from(length);
                    (self.next - u64::from(length), length)
                }
            };
            let id = line.ask(Ask::Read(self.file.clone(), offset, length))?;
            self.pending.insert(id, (offset, length));
        }
        Ok(())
    }

    /// What came, and where it belongs. Nothing beyond the file's end, of which this may only now be known.
    pub(crate) fn answered(&mut self, id: u32, answered: Answered) -> Result<Option<(u64, Bytes)>, Error> {
        let Some((offset, length)) = self.pending.remove(&id) else { return Ok(None) };
        let Some(data) = answered.data()? else {
            self.end = self.end.min(offset);
            self.again.retain(|(again, _)| *again < offset);
            return Ok(None);
        };
        let came = u32::try_from(data.len()).unwrap_or(u32::MAX);
        if came == 0 || came > length {
            return Err(Error::Protocol(format!("{came} of {length} bytes were read")));
        }
        if came < length {
            self.again.push((offset + u64::from(came), length - came));
        }
        Ok(Some((offset, data)))
    }

    /// Whether all has come. Then the file's end is known, or as much was read as was to be.
    pub(crate) fn is_done(&self) -> bool {
        self.pending.is_empty() && self.again.is_empty() && self.next >= self.end
    }

    /// Where it ended.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }
}

/// Writes to an open file.
#[derive(Debug)]
pub(crate) struct Writing {
    file: File,
    offset: u64,
    rest: Bytes,
    pending: Vec<u32>,
}

impl Writing {
    pub(crate) fn new(file: File, offset: u64, data: Bytes) -> Self {
        Self { file, offset, rest: data, pending: Vec::new() }
    }

    /// Sends as much as may be on the way.
    pub(crate) fn ask(&mut self, line: &mut Line) -> Result<(), Error> {
        while line.has_room() && !self.rest.is_empty() {
            let length = self.rest.len().min(limits::SFTP_PIECE as usize);
            let data = self.rest.split_to(length);
            self.pending.push(line.ask(Ask::Write(self.file.clone(), self.offset, data))?);
            self.offset += length as u64;
        }
        Ok(())
    }

    /// One piece is written.
    pub(crate) fn answered(&mut self, id: u32, answered: Answered) -> Result<(), Error> {
        self.pending.retain(|pending| *pending != id);
        answered.done()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty() && self.pending.is_empty()
    }
}
