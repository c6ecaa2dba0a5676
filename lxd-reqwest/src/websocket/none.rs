//! What there is without the feature `tungstenite`: no websocket.

use std::{collections::VecDeque, task::Context};

use lxd_proto::{
    Failure, FailureKind, Request,
    flow::{Id, Message, Reply},
};

use crate::http::Http;

/// There is none.
pub(crate) enum Socket {}

impl Socket {
    pub(crate) async fn open(_: &Http, _: Request) -> Result<Result<Self, Reply>, Failure> {
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

    pub(crate) fn pump(&mut self, _: &mut Context<'_>, _: &mut VecDeque<(Id, Result<Reply, Failure>)>) {
        match *self {}
    }

    pub(crate) fn is_idle(&self) -> bool {
        match *self {}
    }

    pub(crate) fn outstanding(self) -> std::iter::Empty<Id> {
        match self {}
    }
}
