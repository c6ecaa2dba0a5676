//! A connection that is no HTTP any more, and is polled: what can be sent or received is, and the rest wakes the task
//! later.

use std::{collections::VecDeque, task::Context};

use lxd_proto::{
    Failure,
    flow::{Id, Message, Reply},
};

/// A websocket or a stream of bytes, with what is outstanding on it.
pub(crate) trait Socket: Send {
    fn receive(&mut self, id: Id);

    fn send(&mut self, id: Id, message: Message);

    fn close(&mut self, id: Id);

    /// Does what can be done now, and says what is finished.
    fn pump(&mut self, context: &mut Context<'_>, finished: &mut VecDeque<(Id, Result<Reply, Failure>)>);

    fn is_idle(&self) -> bool;

    /// What is outstanding when it is given up.
    fn outstanding(&self) -> Vec<Id>;
}
