//! SFTP.

use lxd_proto::flow::Message;

use crate::{
    Exchange, Sim,
    answer::{Answer, Refusal},
    ask::Ask,
    instances::Key,
    route::lacking,
};

#[derive(Debug)]
pub(crate) struct Session;

impl Sim {
    pub(crate) fn open_sftp(&mut self, ask: &Ask, _: &Key) -> Result<Answer, Refusal> {
        Err(lacking(ask))
    }

    pub(crate) fn sftp_received(&mut self, _: Exchange, _: &mut Session, _: Message) -> bool {
        true
    }
}
