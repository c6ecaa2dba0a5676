//! Commands that run beside the caller.

use alloc::boxed::Box;
use core::{fmt, future::poll_fn};

use super::OperationId;
use crate::{
    Async, Blocking, Client, Error, Failure, FailureKind, Joining, Run, Sending, Task,
    flow::{
        Driver, ended,
        exec::{Background, Control, ExecOutput, Stage},
    },
};

/// A command that is to run beside the caller, not yet begun.
#[must_use = "nothing runs until it is sent (blocking) or awaited (async)"]
pub struct Spawn<C: Client>(pub(super) Result<(Run<C, Background>, Control), Error>);

impl<C: Client> fmt::Debug for Spawn<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spawn").field(&self.0).finish()
    }
}

/// How a command ended.
type End = Result<ExecOutput, Error>;

/// A command that runs by itself.
///
/// Dropped, it is given up: its connections are closed, with which LXD kills it, and its thread or task ends. A thread
/// that sits in a reader or writer of the caller ends when that returns.
pub struct Child<J> {
    operation: OperationId,
    control: Control,
    /// Gone when somebody waits for it.
    end: Option<J>,
}

impl<J> Child<J> {
    /// Its operation, which somebody else can [wait](crate::Object::wait) for too.
    pub fn id(&self) -> &OperationId {
        &self.operation
    }

    /// Sends it a signal, by number, as 15 for `SIGTERM` (extension `container_exec_signal_handling`).
    pub fn signal(&self, number: i32) {
        self.control.signal(number);
    }

    /// Kills it: `SIGKILL`. What it has started goes on. How it ended is still to be waited for.
    pub fn kill(&self) {
        self.control.kill();
    }

    /// Gives its terminal another size.
    pub fn resize(&self, columns: u16, lines: u16) {
        self.control.resize(columns, lines);
    }

    /// The same for another thread or task, while this one waits.
    pub fn control(&self) -> Control {
        self.control.clone()
    }
}

impl Child<Joining<End>> {
    /// Waits for its end, and gives how it ended, as [`output`](super::Exec::output) does.
    ///
    /// # Errors
    /// As for [`output`](super::Exec::output).
    pub fn wait(mut self) -> Result<ExecOutput, Error> {
        self.end.take().ok_or_else(ended)?()?
    }
}

impl Child<Task<End>> {
    /// Waits for its end, and gives how it ended, as [`output`](super::Exec::output) does. When nobody waits for that any
    /// more, it is given up.
    ///
    /// # Errors
    /// As for [`output`](super::Exec::output).
    pub async fn wait(mut self) -> Result<ExecOutput, Error> {
        self.end.take().ok_or_else(ended)?.await?
    }
}

impl<J> Drop for Child<J> {
    fn drop(&mut self) {
        if self.end.is_some() {
            self.control.leave();
        }
    }
}

impl<J> fmt::Debug for Child<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Child").field(&self.operation).finish()
    }
}

impl<C: Blocking> Spawn<C> {
    /// Begins it, and returns when LXD has accepted it.
    ///
    /// # Errors
    /// What LXD answered, or what went wrong on the way; [`Unsupported`](FailureKind::Unsupported), when the transport has
    /// no pipes or no threads.
    pub fn send(self) -> Result<Child<Joining<End>>, Error> {
        let (run, control) = self.0?;
        let client = run.client.clone();
        let (flow, streams) = run.into_flow();
        let mut driver = Driver::new(flow, client.io(streams));
        let operation = begun(driver.run()?)?;
        let end = client.spawn(move || driver.run().and_then(over));
        Ok(Child { operation, control, end: Some(end.ok_or_else(unsupported)?) })
    }
}

impl<C: Async> IntoFuture for Spawn<C> {
    type Output = Result<Child<Task<End>>, Error>;
    type IntoFuture = Sending<Child<Task<End>>>;

    /// As [`send`](Spawn::send).
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (run, control) = self.0?;
            let client = run.client.clone();
            let (flow, streams) = run.into_flow();
            let mut driver = Driver::new(flow, client.io(streams));
            let operation = begun(poll_fn(|context| driver.poll_run(context)).await?)?;
            let end = client.spawn(async move { poll_fn(|context| driver.poll_run(context)).await.and_then(over) });
            Ok(Child { operation, control, end: Some(end.ok_or_else(unsupported)?) })
        })
    }
}

fn begun(stage: Stage) -> Result<OperationId, Error> {
    match stage {
        Stage::Begun(operation) => Ok(operation),
        Stage::Ended(_) => Err(ended()),
    }
}

fn over(stage: Stage) -> End {
    match stage {
        Stage::Ended(output) => Ok(output),
        Stage::Begun(_) => Err(ended()),
    }
}

fn unsupported() -> Error {
    Failure::new(FailureKind::Unsupported, "this transport has no threads or tasks").into()
}
