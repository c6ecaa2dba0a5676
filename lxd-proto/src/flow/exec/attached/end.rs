//! How the command ends, and what tells.

use alloc::format;

use http::Method;

use super::{Action, Attached, CONTROL, Message, Peer, Pending, Reply, SIGKILL, State, http, limits, signal};
use crate::{
    Error, Failure,
    endpoint::bare,
    error::{FailureKind, Outcome, Phase},
    flow::wait::Watcher,
    resources::Operation,
    uri::Path,
};

impl Attached {
    /// The command has taken too long: it is killed, by control or else by the end of all streams.
    pub(super) fn late(&mut self) -> Result<(), Error> {
        if !matches!(self.state, State::Run(..)) {
            return Ok(());
        }
        if !self.control {
            return Err(self.overdue());
        }
        self.timed_out = true;
        self.start(Pending::SendOrder, Action::Send(CONTROL, Message::Text(signal(SIGKILL))));
        self.start(Pending::Overdue, Action::Sleep(limits::EXEC_KILL));
        Ok(())
    }

    pub(super) fn overdue(&self) -> Error {
        let limit = self.limit.unwrap_or_default();
        Failure::new(FailureKind::Timeout(Phase::Total), format!("the command had not ended after {limit:?}")).into()
    }

    pub(super) fn waited(&mut self, result: Result<Reply, Failure>) -> Result<(), Error> {
        let State::Run(watcher, _) = &mut self.state else { return Ok(()) };
        match watcher.answer(http(result)) {
            Ok(Some(operation)) => self.finished(&operation),
            Ok(None) => {
                let request = watcher.request()?;
                self.start(Pending::Wait, Action::Http(Peer(0), request));
                Ok(())
            }
            Err(error) => self.failed(error),
        }
    }

    /// Looks at the operation beside its `/wait`.
    pub(super) fn look(&mut self) -> Result<(), Error> {
        let State::Run(_, id) = &self.state else { return Ok(()) };
        if !self.is_pending(|pending| *pending == Pending::Look) {
            let request = bare(Method::GET, &Path::root().join("operations").name(id.as_str()))?;
            self.start(Pending::Look, Action::Http(Peer(0), request));
        }
        Ok(())
    }

    pub(super) fn looked(&mut self, result: Result<Reply, Failure>) -> Result<(), Error> {
        let State::Run(_, id) = &self.state else { return Ok(()) };
        let mut watcher = Watcher::new(id.clone(), None);
        watcher.look();
        match watcher.answer(http(result)) {
            Ok(Some(operation)) => self.finished(&operation),
            Ok(None) => Ok(()),
            Err(error) => self.failed(error),
        }
    }

    fn finished(&mut self, operation: &Operation) -> Result<(), Error> {
        let code = operation.return_code().or_else(|| self.is_console().then_some(0));
        self.state = State::Drain(code.ok_or_else(|| Error::Protocol("a command ended without an exit code".into()))?);
        // Nobody reads it any more.
        self.input.done = true;
        Ok(())
    }

    fn failed(&mut self, error: Error) -> Result<(), Error> {
        let attached = self.is_console() && self.outputs.iter().all(|output| output.open);
        let failed = error.operation().is_some_and(|error| matches!(error.outcome, Outcome::Failed(_)));
        if !(attached && failed) {
            return Err(self.blame(error));
        }
        // So ends every console on 5.0.2, when its instance stops ("write /dev/pts/ptmx: file already closed").
        self.state = State::Drain(0);
        self.input.done = true;
        Ok(())
    }

    /// The error to give: when the sockets could not be connected, that is the cause of the operation's failure.
    fn blame(&mut self, error: Error) -> Error {
        let unconnected = match error.operation().map(|error| &error.outcome) {
            Some(Outcome::Failed(reason)) => reason.contains("websocket"),
            Some(Outcome::Unknown) | None => true,
            Some(_) => false,
        };
        if unconnected { self.trouble.take().unwrap_or(error) } else { error }
    }
}
