//! A connection that is no HTTP any more, and never blocks: what can be sent or received is, and the rest waits for `poll`.

use std::{collections::VecDeque, os::fd::AsFd};

use lxd_proto::{
    Failure,
    flow::{Id, Message, Reply},
};
use rustix::event::PollFlags;

/// What to wait for, when something is to be received or to be sent.
pub(crate) fn interest(receiving: bool, sending: bool) -> PollFlags {
    let mut interest = PollFlags::empty();
    interest.set(PollFlags::IN, receiving);
    interest.set(PollFlags::OUT, sending);
    interest
}

/// A websocket or a stream of bytes, with what is outstanding on it.
pub(crate) trait Socket: AsFd + Send {
    fn receive(&mut self, id: Id);

    fn send(&mut self, id: Id, message: Message);

    fn close(&mut self, id: Id);

    /// Does what can be done now, and says what is finished.
    fn pump(&mut self, finished: &mut VecDeque<(Id, Result<Reply, Failure>)>);

    /// What `poll` has said of it.
    fn ready(&mut self, flags: PollFlags);

    /// What to wait for, if anything is outstanding.
    fn interest(&self) -> PollFlags;

    /// What is outstanding when it is given up.
    fn outstanding(&self) -> Vec<Id>;
}
