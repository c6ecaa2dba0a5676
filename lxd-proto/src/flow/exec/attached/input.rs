//! What goes in.

use alloc::string::String;

use bytes::Bytes;

use super::{Action, Attached, Failure, INPUT, Message, Pending, Reply, Request, Source, limits};
use crate::Error;

pub(super) struct Input {
    /// What opens it, until control has been.
    pub(super) request: Option<Request>,
    pub(super) source: Source,
    pub(super) open: bool,
    pub(super) busy: bool,
    pub(super) done: bool,
    /// What broke it before anything was sent, where there was something.
    pub(super) unsent: Option<String>,
}

impl Source {
    /// Whether there may be something that was not taken yet.
    pub(super) fn has_more(&self) -> bool {
        !matches!(self, Self::Bytes(rest) if rest.is_empty())
    }
}

impl Attached {
    /// Asks for more of it, or sends it.
    pub(super) fn take_input(&mut self) {
        if !self.input.open || self.input.busy || self.input.done {
            return;
        }
        match &mut self.input.source {
            Source::Bytes(rest) if rest.is_empty() => self.end_input(),
            Source::Bytes(rest) => {
                let piece = rest.split_to(rest.len().min(limits::CHUNK));
                self.send_input(piece);
            }
            Source::Read(port) => {
                let port = *port;
                self.input.busy = true;
                self.start(Pending::ReadInput, Action::Read(port));
            }
        }
    }

    pub(super) fn read(&mut self, result: Result<Reply, Failure>) -> Result<(), Error> {
        self.input.busy = false;
        if self.input.done {
            return Ok(());
        }
        match result? {
            Reply::Data(Some(data)) => self.send_input(data),
            _ => self.end_input(),
        }
        Ok(())
    }

    fn send_input(&mut self, data: Bytes) {
        if !self.input.done {
            self.input.busy = true;
            self.start(Pending::SendInput, Action::Send(INPUT, Message::Binary(data)));
        }
    }

    fn end_input(&mut self) {
        if !core::mem::replace(&mut self.input.done, true) && !self.has_terminal() {
            self.start(Pending::SendInput, Action::Send(INPUT, Message::Text(String::new())));
        }
    }

    pub(super) fn sent_input(&mut self, result: &Result<Reply, Failure>) {
        self.input.busy = false;
        // The command has closed its stdin, or has ended.
        self.input.done |= result.is_err();
    }
}
