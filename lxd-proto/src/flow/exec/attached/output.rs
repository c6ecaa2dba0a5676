//! What comes out.

use alloc::{boxed::Box, collections::VecDeque, string::String};

use bytes::{Bytes, BytesMut};

use super::{Attached, ExecOutput, SIGKILL, Sink, Sock, limits};
use crate::{Error, error::Truncated};

pub(super) struct Output {
    pub(super) name: &'static str,
    pub(super) sock: Sock,
    pub(super) sink: Sink,
    pub(super) open: bool,
    pub(super) receiving: bool,
    pub(super) writing: bool,
    pub(super) queue: VecDeque<Bytes>,
    pub(super) collected: BytesMut,
    pub(super) received: u64,
    pub(super) end: Option<End>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    Cut(String),
}

impl Output {
    pub(super) fn new(name: &'static str, sock: Sock, sink: Sink) -> Self {
        let (queue, collected) = (VecDeque::new(), BytesMut::new());
        Self {
            name,
            sock,
            sink,
            open: false,
            receiving: false,
            writing: false,
            queue,
            collected,
            received: 0,
            end: None,
        }
    }

    /// Ended, and handed on to the last byte.
    pub(super) fn is_settled(&self) -> bool {
        self.end.is_some() && self.queue.is_empty() && !self.writing
    }

    pub(super) fn take(&mut self, data: Bytes) -> Result<(), Error> {
        self.received += data.len() as u64;
        match self.sink {
            Sink::Write(_) if !data.is_empty() => self.queue.push_back(data),
            Sink::Collect if self.received > limits::OUTPUT => {
                return Err(Error::TooLarge { what: "the command's output", limit: limits::OUTPUT });
            }
            Sink::Collect => self.collected.extend_from_slice(&data),
            _ => {}
        }
        Ok(())
    }
}

impl Attached {
    /// Nothing has arrived for long after the command's end: what is not there by now will not come.
    pub(super) fn silence(&mut self, since: u64) {
        let busy = self.outputs.iter().any(|output| output.writing || !output.queue.is_empty());
        if since != self.progress || busy {
            return;
        }
        for output in self.outputs.iter_mut().filter(|output| output.end.is_none()) {
            output.end = Some(End::Cut(String::from("nothing more came after the command had ended")));
        }
    }

    pub(super) fn result(&mut self, code: i32) -> Result<ExecOutput, Error> {
        let mut collected = self.outputs.iter_mut().map(|output| core::mem::take(&mut output.collected).freeze());
        let (stdout, stderr) = (collected.next().unwrap_or_default(), collected.next().unwrap_or_default());
        drop(collected);
        let output = ExecOutput { code, stdout, stderr, timed_out: self.timed_out };
        let cut = self.outputs.iter().find_map(|output| match &output.end {
            Some(End::Whole) => None,
            Some(End::Cut(reason)) => Some((output.name, output.received, reason.clone())),
            None => Some((output.name, output.received, String::new())),
        });
        let unsent = self.input.unsent.take().map(|reason| ("stdin", 0, reason));
        let killed = self.uncontrolled.take().filter(|_| code == 128 + SIGKILL).map(|reason| ("control", 0, reason));
        match cut.or(unsent).or(killed) {
            None => Ok(output),
            Some((stream, received, reason)) => {
                Err(Error::Truncated(Box::new(Truncated { stream, received, reason, output })))
            }
        }
    }
}
