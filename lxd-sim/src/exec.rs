//! Commands.

use lxd_proto::flow::Message;

use crate::{
    Exchange, Sim,
    answer::{Answer, Refusal},
    ask::Ask,
    instances::Key,
    route::lacking,
    sockets::Socket,
};

#[derive(Debug)]
pub(crate) struct Process {
    key: Key,
}

impl Process {
    pub(crate) fn is_of(&self, key: &Key) -> bool {
        self.key == *key
    }
}

impl Sim {
    pub(crate) fn exec(&mut self, ask: &Ask, _: &Key) -> Result<Answer, Refusal> {
        Err(lacking(ask))
    }

    pub(crate) fn run(&mut self, _: &str) {}
    pub(crate) fn attached_by_now(&mut self, _: &str) {}
    pub(crate) fn takes_more(&self, _: &Socket) -> bool { true }
    pub(crate) fn end_processes(&mut self, _: &Key) {}
    pub(crate) fn abandon(&mut self, _: &str) {}
    pub(crate) fn stream_opened(&mut self, _: &str, _: &str, _: Exchange) {}
    pub(crate) fn stream_received(&mut self, _: &str, _: &str, _: Message) {}
    pub(crate) fn stream_taken(&mut self, _: &str, _: &str) {}
    pub(crate) fn stream_closed(&mut self, _: &str, _: &str) {}
}
