//! Running a command.
//!
//! | way | how | when |
//! |---|---|---|
//! | [`attached`] | its streams are websockets | something goes in or comes out |
//! | [`detached`] | requests alone | nothing does, or its output is to be recorded |

mod attached;
mod detached;

use alloc::vec::Vec;

use bytes::Bytes;

pub(crate) use attached::Attached;
pub(crate) use detached::Detached;

use super::{Flow, Id, InTurn, Port, Reply, Step};
use crate::{Error, Failure};

/// What the caller's stdin is read from.
pub const STDIN: Port = Port(0);
/// What the command's stdout is written to.
pub const STDOUT: Port = Port(1);
/// What the command's stderr is written to.
pub const STDERR: Port = Port(2);

/// How a command ended, and what it wrote where nothing else was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecOutput {
    /// Its exit code; 128 + n when signal n ended it.
    pub code: i32,
    /// What it wrote to stdout, unless that went to a writer or nowhere.
    pub stdout: Bytes,
    /// What it wrote to stderr, unless that went to a writer or nowhere.
    pub stderr: Bytes,
}

impl ExecOutput {
    /// Whether the exit code is 0.
    pub fn success(&self) -> bool {
        self.code == 0
    }
}

/// Where an output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sink {
    Collect,
    Write(Port),
    Discard,
}

/// Where the input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Bytes(Bytes),
    Read(Port),
}

/// Runs a command to its end. Made by [`Exec::output`](crate::resources::Exec::output) and its siblings.
#[derive(Debug)]
pub struct ExecFlow(Way);

#[derive(Debug)]
enum Way {
    Attached(Attached),
    Detached(InTurn<Detached>),
}

impl From<Attached> for ExecFlow {
    fn from(attached: Attached) -> Self {
        Self(Way::Attached(attached))
    }
}

impl From<Detached> for ExecFlow {
    fn from(detached: Detached) -> Self {
        Self(Way::Detached(InTurn::new(detached)))
    }
}

impl Flow for ExecFlow {
    type Output = ExecOutput;

    fn next(&mut self) -> Result<Step<ExecOutput>, Error> {
        match &mut self.0 {
            Way::Attached(flow) => flow.next(),
            Way::Detached(flow) => flow.next(),
        }
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        match &mut self.0 {
            Way::Attached(flow) => flow.handle(id, result),
            Way::Detached(flow) => flow.handle(id, result),
        }
    }

    fn extensions(&self) -> Vec<&'static str> {
        match &self.0 {
            Way::Attached(flow) => flow.extensions(),
            Way::Detached(flow) => flow.extensions(),
        }
    }
}
