//! What a session is asked for, each as a state machine over the session's [`Line`].

mod whole_file;

use alloc::{boxed::Box, vec::Vec};
use core::mem;

use bytes::Bytes;

use super::{
    Answered, Ask, BytePath, Entry, File, Line,
    transfer::{Reading, Writing},
};
use crate::{
    Error, Failure,
    flow::{Flow, Id, Reply, Step},
    limits,
};

pub(crate) use whole_file::{Get, Put, WholeFile};

/// Something that a session is asked for.
pub(crate) trait Operation: Send {
    type Output;

    /// Asks for what can be asked for now, until there is a result.
    fn proceed(&mut self, line: &mut Line) -> Result<Option<Self::Output>, Error>;

    /// An answer to something that it asked for.
    fn answered(&mut self, id: u32, answered: Answered) -> Result<(), Error>;

    /// What it has opened and not closed.
    fn held(&mut self) -> Option<File> {
        None
    }
}

/// An operation that goes on.
pub(crate) struct Running<'a, T> {
    line: &'a mut Line,
    operation: Box<dyn Operation<Output = T> + 'a>,
}

impl<'a, T> Running<'a, T> {
    pub(crate) fn new(line: &'a mut Line, operation: Box<dyn Operation<Output = T> + 'a>) -> Self {
        Self { line, operation }
    }
}

impl<T> Drop for Running<'_, T> {
    /// Whatever it has asked for and opened is nobody's any more. What is sent for that goes with the next operation.
    fn drop(&mut self) {
        self.line.abandon();
        if let Some(file) = self.operation.held() {
            // It cannot be refused: it was sent before.
            let _ = self.line.close(file);
        }
    }
}

impl<T: Send> Flow for Running<'_, T> {
    type Output = T;

    fn next(&mut self) -> Result<Step<T>, Error> {
        while let Some((id, answered)) = self.line.answer()? {
            self.operation.answered(id, answered)?;
        }
        if self.line.is_open() {
            if let Some(output) = self.operation.proceed(self.line)? {
                return Ok(Step::Done(output));
            }
        }
        Ok(self.line.next()?.map_or(Step::Wait, |(id, action)| Step::Do(id, action)))
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        self.line.handle(id, result)
    }
}

/// The session's beginning.
#[derive(Debug)]
pub(crate) struct Greet;

impl Operation for Greet {
    type Output = ();

    fn proceed(&mut self, _: &mut Line) -> Result<Option<()>, Error> {
        Ok(Some(()))
    }

    fn answered(&mut self, _: u32, _: Answered) -> Result<(), Error> {
        Ok(())
    }
}

type Read<T> = fn(Answered) -> Result<T, Error>;

/// One request and its answer, or several of the same kind, of which the last answer counts.
pub(crate) struct One<T> {
    asks: Vec<Ask>,
    pending: usize,
    read: Read<T>,
    output: Option<T>,
}

impl<T> One<T> {
    pub(crate) fn new(ask: Ask, read: Read<T>) -> Self {
        Self::all([ask], read)
    }

    pub(crate) fn all(asks: impl IntoIterator<Item = Ask>, read: Read<T>) -> Self {
        Self { asks: asks.into_iter().collect(), pending: 0, read, output: None }
    }
}

impl<T: Send> Operation for One<T> {
    type Output = T;

    fn proceed(&mut self, line: &mut Line) -> Result<Option<T>, Error> {
        for ask in mem::take(&mut self.asks) {
            self.pending += 1;
            line.ask(ask)?;
        }
        Ok(if self.pending == 0 { self.output.take() } else { None })
    }

    fn answered(&mut self, _: u32, answered: Answered) -> Result<(), Error> {
        self.pending = self.pending.saturating_sub(1);
        self.output = Some((self.read)(answered)?);
        Ok(())
    }
}

/// All entries of a directory.
pub(crate) struct Readdir {
    path: BytePath,
    state: Listing,
    entries: Vec<Entry>,
    size: usize,
}

enum Listing {
    Begin,
    Opening,
    Open(File),
    Reading(File),
    End(File),
    Closing,
    Done,
}

impl Readdir {
    pub(crate) fn new(path: BytePath) -> Self {
        Self { path, state: Listing::Begin, entries: Vec::new(), size: 0 }
    }
}

impl Operation for Readdir {
    type Output = Vec<Entry>;

    fn proceed(&mut self, line: &mut Line) -> Result<Option<Vec<Entry>>, Error> {
        self.state = match mem::replace(&mut self.state, Listing::Done) {
            Listing::Begin => {
                line.ask(Ask::Opendir(self.path.clone()))?;
                Listing::Opening
            }
            Listing::Open(file) => {
                line.ask(Ask::Readdir(file.clone()))?;
                Listing::Reading(file)
            }
            Listing::End(file) => {
                line.ask(Ask::Close(file))?;
                Listing::Closing
            }
            Listing::Done => return Ok(Some(mem::take(&mut self.entries))),
            waiting => waiting,
        };
        Ok(None)
    }

    fn answered(&mut self, _: u32, answered: Answered) -> Result<(), Error> {
        self.state = match mem::replace(&mut self.state, Listing::Done) {
            Listing::Opening => Listing::Open(answered.file()?),
            Listing::Reading(file) => match answered.names() {
                Ok(None) => Listing::End(file),
                Ok(Some(entries)) => {
                    self.state = Listing::Open(file);
                    return collect(&mut self.entries, &mut self.size, entries);
                }
                Err(error) => {
                    self.state = Listing::Open(file);
                    return Err(error);
                }
            },
            Listing::Closing => {
                answered.done()?;
                Listing::Done
            }
            other => other,
        };
        Ok(())
    }

    fn held(&mut self) -> Option<File> {
        match mem::replace(&mut self.state, Listing::Done) {
            Listing::Open(file) | Listing::Reading(file) | Listing::End(file) => Some(file),
            _ => None,
        }
    }
}

/// Adds what came to a directory's entries, within their limit.
pub(crate) fn collect(entries: &mut Vec<Entry>, size: &mut usize, more: Vec<Entry>) -> Result<(), Error> {
    if more.is_empty() {
        return Err(Error::Protocol("an empty piece of a directory".into()));
    }
    for entry in more {
        let name = entry.name.as_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        *size += size_of::<Entry>() + name.len();
        if *size > limits::SFTP_DIRECTORY {
            return Err(Error::TooLarge { what: "a directory's list", limit: limits::SFTP_DIRECTORY as u64 });
        }
        entries.push(entry);
    }
    Ok(())
}

/// What there is of an open file, from an offset on.
pub(crate) struct ReadAt {
    reading: Reading,
    offset: u64,
    data: Vec<u8>,
}

impl ReadAt {
    pub(crate) fn new(file: File, offset: u64, length: u64, expected: u64) -> Self {
        let end = offset.saturating_add(length);
        Self { reading: Reading::new(file, offset, end, offset.saturating_add(expected)), offset, data: Vec::new() }
    }
}

impl Operation for ReadAt {
    type Output = Bytes;

    fn proceed(&mut self, line: &mut Line) -> Result<Option<Bytes>, Error> {
        self.reading.ask(line)?;
        if !self.reading.is_done() {
            return Ok(None);
        }
        // What came from beyond the end was there before the file became shorter.
        let length = usize::try_from(self.reading.end() - self.offset).unwrap_or(usize::MAX);
        self.data.truncate(length);
        Ok(Some(mem::take(&mut self.data).into()))
    }

    fn answered(&mut self, id: u32, answered: Answered) -> Result<(), Error> {
        let Some((offset, data)) = self.reading.answered(id, answered)? else { return Ok(()) };
        let begin = usize::try_from(offset.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let end = begin.saturating_add(data.len());
        if end as u64 > limits::ANSWER {
            return Err(Error::TooLarge { what: "a file", limit: limits::ANSWER });
        }
        if self.data.len() < end {
            self.data.resize(end, 0);
        }
        if let Some(place) = self.data.get_mut(begin..end) {
            place.copy_from_slice(&data);
        }
        Ok(())
    }
}

/// Writes to an open file.
pub(crate) struct WriteAt(pub(crate) Writing);

impl Operation for WriteAt {
    type Output = ();

    fn proceed(&mut self, line: &mut Line) -> Result<Option<()>, Error> {
        self.0.ask(line)?;
        Ok(self.0.is_done().then_some(()))
    }

    fn answered(&mut self, id: u32, answered: Answered) -> Result<(), Error> {
        self.0.answered(id, answered)
    }
}
