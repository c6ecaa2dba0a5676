//! One of the two servers of a copy.

use alloc::boxed::Box;

use super::verdict::is_unconnected;
use crate::{
    Error,
    error::Outcome,
    flow::{Peer, wait::Watcher},
    resources::Operation,
};

/// One of the two servers.
#[derive(Debug)]
pub(super) struct End {
    pub(super) peer: Peer,
    pub(super) operation: Option<Box<Operation>>,
    pub(super) watcher: Option<Watcher>,
    /// Which of its operations this is.
    pub(super) number: usize,
    pub(super) result: Option<Result<Operation, Error>>,
    pub(super) cancelled: bool,
    /// Why its websockets cannot be used.
    pub(super) trouble: Option<Error>,
}

impl End {
    pub(super) fn new(peer: Peer) -> Self {
        let (operation, watcher, result, trouble) = (None, None, None, None);
        Self { peer, operation, watcher, number: 0, result, cancelled: false, trouble }
    }

    pub(super) fn reset(&mut self) {
        *self = Self { number: self.number + 1, ..Self::new(self.peer) };
    }

    /// Whether it succeeded, if it has ended.
    pub(super) fn succeeded(&self) -> Option<bool> {
        self.result.as_ref().map(Result::is_ok)
    }

    /// It runs, as far as is known.
    pub(super) fn runs(&self) -> bool {
        self.operation.is_some() && self.result.is_none()
    }

    /// What went wrong on its side, and not only because the other side did.
    pub(super) fn error(&mut self) -> Option<Error> {
        let error = self.result.take().and_then(Result::err);
        let given_up = |error: &Error| match error.operation().map(|error| &error.outcome) {
            Some(Outcome::Cancelled) => true,
            Some(Outcome::Failed(reason)) => is_unconnected(reason),
            _ => false,
        };
        self.trouble.take().or_else(|| error.filter(|error| !(self.cancelled && given_up(error))))
    }
}
