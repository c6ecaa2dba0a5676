//! Running a command.
//!
//! | way | how | when |
//! |---|---|---|
//! | attached | its streams are websockets | something goes in or comes out |
//! | detached | requests alone | nothing does, or its output is to be recorded |

mod attached;
mod detached;

use alloc::{format, string::String, vec::Vec};

use bytes::Bytes;

pub(crate) use attached::{Attached, Begin};
pub(crate) use detached::Detached;

use super::{Flow, Id, InTurn, Port, Reply, Step};
use crate::{Error, Failure, client::WeakPipe, resources::OperationId};

/// What the caller's stdin is read from.
pub const STDIN: Port = Port(0);
/// What the command's stdout is written to.
pub const STDOUT: Port = Port(1);
/// What the command's stderr is written to.
pub const STDERR: Port = Port(2);

/// What the caller asks of the command is read from: lines of JSON, as LXD's control takes them.
pub const ORDERS: Port = Port(3);

pub(crate) const SIGKILL: i32 = 9;

/// An order that LXD does not know: whoever gave it is gone.
const DETACH: &str = "detach";

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
    /// Whether it was killed because it took longer than its [`timeout`](crate::resources::Exec::timeout).
    pub timed_out: bool,
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

/// Asks a command that runs. Made by [`Child::control`](crate::resources::Child::control); its clones ask the same command,
/// from any thread.
///
/// What is asked before the command has its websockets is asked when it has. What is asked after its end does nothing.
#[derive(Clone, Debug)]
pub struct Control(pub(crate) WeakPipe);

impl Control {
    /// Sends it a signal, by number, as 15 for `SIGTERM` (extension `container_exec_signal_handling`).
    pub fn signal(&self, number: i32) {
        self.0.push(&signal(number));
    }

    /// Kills it: `SIGKILL`. What it has started goes on.
    pub fn kill(&self) {
        self.signal(SIGKILL);
    }

    /// Gives its terminal another size.
    pub fn resize(&self, columns: u16, lines: u16) {
        self.0.push(&resize(columns, lines));
    }

    /// Gives it up: nobody waits for it any more.
    pub(crate) fn leave(&self) {
        self.0.push(DETACH);
    }
}

/// Asks of a console that is attached. Made by [`Console::controlled`](crate::resources::Console::controlled); its clones
/// ask the same console, from any thread. What is asked after its end does nothing.
#[derive(Clone, Debug)]
pub struct ConsoleControl(pub(crate) WeakPipe);

impl ConsoleControl {
    /// Gives it another size.
    pub fn resize(&self, columns: u16, lines: u16) {
        self.0.push(&resize(columns, lines));
    }

    /// Leaves it.
    pub fn detach(&self) {
        self.0.push(DETACH);
    }
}

fn resize(columns: u16, lines: u16) -> String {
    // LXD wants the numbers as texts.
    format!(r#"{{"command":"window-resize","args":{{"width":"{columns}","height":"{lines}"}}}}"#)
}

fn signal(number: i32) -> String {
    format!(r#"{{"command":"signal","signal":{number}}}"#)
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

/// A command that says when it has begun, and then how it ended.
#[derive(Debug)]
pub(crate) struct Background {
    flow: Attached,
    begun: bool,
}

/// What becomes of a command in the background, one after the other.
#[derive(Debug)]
pub(crate) enum Stage {
    Begun(OperationId),
    Ended(ExecOutput),
}

impl From<Attached> for Background {
    fn from(flow: Attached) -> Self {
        Self { flow, begun: false }
    }
}

impl Flow for Background {
    type Output = Stage;

    fn next(&mut self) -> Result<Step<Stage>, Error> {
        if let Some(operation) = self.flow.operation().filter(|_| !self.begun) {
            let begun = Stage::Begun(operation.clone());
            self.begun = true;
            return Ok(Step::Done(begun));
        }
        Ok(match self.flow.next()? {
            Step::Done(output) => Step::Done(Stage::Ended(output)),
            Step::Do(id, action) => Step::Do(id, action),
            Step::Wait => Step::Wait,
        })
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        self.flow.handle(id, result)
    }
}

/// Attaches to a console, until it is left or the instance stops. Gives what was shown, unless that went to a writer.
#[derive(Debug)]
pub struct ConsoleFlow(pub(crate) Attached);

impl Flow for ConsoleFlow {
    type Output = Bytes;

    fn next(&mut self) -> Result<Step<Bytes>, Error> {
        Ok(match self.0.next()? {
            Step::Done(output) => Step::Done(output.stdout),
            Step::Do(id, action) => Step::Do(id, action),
            Step::Wait => Step::Wait,
        })
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        self.0.handle(id, result)
    }

    fn extensions(&self) -> Vec<&'static str> {
        ["console"].into()
    }
}
