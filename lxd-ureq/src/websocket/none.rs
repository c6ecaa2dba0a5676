//! What there is without the feature `tungstenite`: no websocket.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, BorrowedFd},
};

use lxd_proto::{
    Failure, FailureKind, Request,
    flow::{Id, Message, Reply},
};
use rustix::event::PollFlags;

use crate::conn::{Hangup, Target};

/// There is none.
pub(crate) enum Socket {}

impl Socket {
    pub(crate) fn open(_: &Target, _: &Request, _: &Hangup) -> Result<Result<Self, Reply>, Failure> {
        Err(Failure::new(FailureKind::Unsupported, "websockets need the feature `tungstenite`"))
    }

    pub(crate) fn receive(&mut self, _: Id) {
        match *self {}
    }

    pub(crate) fn send(&mut self, _: Id, _: Message) {
        match *self {}
    }

    pub(crate) fn close(&mut self, _: Id) {
        match *self {}
    }

    pub(crate) fn pump(&mut self, _: &mut VecDeque<(Id, Result<Reply, Failure>)>) {
        match *self {}
    }

    pub(crate) fn interest(&self) -> PollFlags {
        match *self {}
    }

    pub(crate) fn outstanding(self) -> std::iter::Empty<Id> {
        match self {}
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match *self {}
    }
}
