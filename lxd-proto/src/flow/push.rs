//! Pushing a file, and looking whether all of it arrived.
//!
//! | state | asks | and then |
//! |---|---|---|
//! | `Before` | its size, for an append | `Post`; 404: the file is new |
//! | `Post` | `POST /1.0/instances/{name}/files` | `After`, when the size that it should have is known; else done |
//! | `After` | its size | done, or [`Error::Incomplete`] |
//!
//! LXD 5.0.2 answers 200 to a small push (up to 32 KiB) on a full disk and keeps 0 bytes. The size is had from a `GET` of
//! the last byte: a `HEAD` has no `Content-Length` there. A link is followed by the push and not by the `GET`, so of it
//! nothing is known.

use alloc::{boxed::Box, string::ToString};

use super::{Sequence, Turn};
use crate::{
    Endpoint, Error, Response,
    resources::{
        FileType,
        files::{FileInfo, Look, PutFile},
    },
};

/// Pushes a file. Made by [`Files::put`](crate::resources::Files::put) and
/// [`append`](crate::resources::Files::append).
#[derive(Debug)]
pub struct Push {
    pub(crate) put: Box<PutFile>,
    pub(crate) length: Option<u64>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Before,
    Post { before: Option<u64> },
    After { expected: u64 },
    Done,
}

impl Push {
    pub(crate) fn new(put: PutFile, length: Option<u64>) -> Self {
        let state = if put.append && length.is_some() { State::Before } else { State::Post { before: Some(0) } };
        Self { put: Box::new(put), length, state }
    }

    fn look(&self) -> Look {
        Look { instance: self.put.instance.clone(), path: self.put.path.clone() }
    }
}

/// The content of a link is its target, and not what was written to where it points.
fn size(info: FileInfo) -> Option<u64> {
    info.size.filter(|_| info.kind == FileType::File)
}

impl Sequence for Push {
    type Output = ();

    fn turn(&mut self) -> Result<Turn<()>, Error> {
        let request = match self.state {
            State::Before | State::After { .. } => self.look().request()?,
            State::Post { .. } => self.put.request()?,
            State::Done => return Ok(Turn::Done(())),
        };
        Ok(Turn::Ask(request))
    }

    fn answer(&mut self, answer: Result<Response, Error>) -> Result<(), Error> {
        let response = answer?;
        self.state = match self.state {
            State::Before => match self.look().response(response) {
                Ok(before) => State::Post { before: size(before) },
                Err(error) if error.is_not_found() => State::Post { before: Some(0) },
                Err(error) => return Err(error),
            },
            State::Post { before } => {
                self.put.response(response)?;
                match before.zip(self.length) {
                    Some((before, length)) => State::After { expected: before.saturating_add(length) },
                    None => State::Done,
                }
            }
            State::After { expected } => match size(self.look().response(response)?) {
                Some(kept) if kept != expected => {
                    return Err(Error::Incomplete { path: self.put.path.to_string(), sent: expected, kept });
                }
                _ => State::Done,
            },
            State::Done => State::Done,
        };
        Ok(())
    }
}
