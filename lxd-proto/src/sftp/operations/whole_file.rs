//! A whole file: opened, read or written, and closed.

use alloc::{boxed::Box, vec::Vec};
use core::mem;

use bytes::Bytes;

use super::{Operation, ReadAt, WriteAt};
use crate::{
    Error, limits,
    sftp::{Answered, Ask, Attributes, BytePath, File, Line, OpenFlags, transfer::Writing},
};

/// A whole file: opened, read or written, and closed.
pub(crate) struct WholeFile<M: Whole> {
    path: BytePath,
    whole: M,
    state: Stage<M>,
}

enum Stage<M: Whole> {
    Begin,
    Opening,
    Open(File),
    /// What it is, or becomes, is asked for or said.
    Attributes(File, usize),
    Busy(File, Box<M::Content>),
    Closing(<M::Content as Operation>::Output),
    Done(<M::Content as Operation>::Output),
    Over,
}

/// What is done with a whole file.
pub(crate) trait Whole: Send {
    /// What is done with its content.
    type Content: Operation<Output: Send>;

    const FLAGS: OpenFlags;

    /// What is asked before, if anything.
    fn before(&self, file: &File) -> Vec<Ask>;

    /// With the last answer to that.
    fn content(&mut self, file: File, before: Option<Answered>) -> Result<Self::Content, Error>;
}

/// Reads it.
pub(crate) struct Get;

impl Whole for Get {
    type Content = ReadAt;

    const FLAGS: OpenFlags = OpenFlags::READ;

    fn before(&self, file: &File) -> Vec<Ask> {
        [Ask::Fstat(file.clone())].into()
    }

    fn content(&mut self, file: File, before: Option<Answered>) -> Result<ReadAt, Error> {
        let attributes = before.map(Answered::attributes).transpose()?.unwrap_or_default();
        // One byte more, so that a file that is too large is noticed.
        Ok(ReadAt::new(file, 0, limits::ANSWER + 1, attributes.size.unwrap_or(0)))
    }
}

/// Writes it.
pub(crate) struct Put {
    pub(crate) content: Bytes,
    pub(crate) attributes: Attributes,
}

impl Whole for Put {
    type Content = WriteAt;

    const FLAGS: OpenFlags = OpenFlags(OpenFlags::WRITE.0 | OpenFlags::CREATE.0 | OpenFlags::TRUNCATE.0);

    /// The mode comes first, so that nobody reads what is not for them.
    fn before(&self, file: &File) -> Vec<Ask> {
        self.attributes.in_order().map(|attributes| Ask::Fsetstat(file.clone(), attributes)).collect()
    }

    fn content(&mut self, file: File, before: Option<Answered>) -> Result<WriteAt, Error> {
        before.map_or(Ok(()), Answered::done)?;
        Ok(WriteAt(Writing::new(file, 0, mem::take(&mut self.content))))
    }
}

impl<M: Whole> WholeFile<M> {
    pub(crate) fn new(path: BytePath, whole: M) -> Self {
        Self { path, whole, state: Stage::Begin }
    }
}

impl<M: Whole> Operation for WholeFile<M> {
    type Output = <M::Content as Operation>::Output;

    fn proceed(&mut self, line: &mut Line) -> Result<Option<Self::Output>, Error> {
        loop {
            self.state = match mem::replace(&mut self.state, Stage::Over) {
                Stage::Begin => {
                    line.ask(Ask::Open(self.path.clone(), M::FLAGS))?;
                    Stage::Opening
                }
                Stage::Open(file) => {
                    let asks = self.whole.before(&file);
                    let pending = asks.len();
                    for ask in asks {
                        line.ask(ask)?;
                    }
                    if pending > 0 {
                        Stage::Attributes(file, pending)
                    } else {
                        let content = Box::new(self.whole.content(file.clone(), None)?);
                        self.state = Stage::Busy(file, content);
                        continue;
                    }
                }
                Stage::Busy(file, mut content) => match content.proceed(line)? {
                    Some(output) => {
                        line.ask(Ask::Close(file))?;
                        Stage::Closing(output)
                    }
                    None => Stage::Busy(file, content),
                },
                Stage::Done(output) => return Ok(Some(output)),
                waiting => waiting,
            };
            return Ok(None);
        }
    }

    fn answered(&mut self, id: u32, answered: Answered) -> Result<(), Error> {
        match mem::replace(&mut self.state, Stage::Over) {
            Stage::Opening => self.state = Stage::Open(answered.file()?),
            Stage::Attributes(file, pending @ 2..) => {
                self.state = Stage::Attributes(file, pending - 1);
                return answered.done();
            }
            Stage::Attributes(file, _) => match self.whole.content(file.clone(), Some(answered)) {
                Ok(content) => self.state = Stage::Busy(file, Box::new(content)),
                Err(error) => {
                    self.state = Stage::Open(file);
                    return Err(error);
                }
            },
            Stage::Busy(file, mut content) => {
                let taken = content.answered(id, answered);
                self.state = Stage::Busy(file, content);
                return taken;
            }
            Stage::Closing(output) => {
                // Some say only now that the disk is full.
                answered.done()?;
                self.state = Stage::Done(output);
            }
            other => self.state = other,
        }
        Ok(())
    }

    fn held(&mut self) -> Option<File> {
        match mem::replace(&mut self.state, Stage::Over) {
            Stage::Open(file) | Stage::Attributes(file, _) | Stage::Busy(file, _) => Some(file),
            _ => None,
        }
    }
}
