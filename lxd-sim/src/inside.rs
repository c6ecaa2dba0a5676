//! What an instance has besides its state: logs, console, metadata, backups.

use crate::{
    Sim,
    answer::{Answer, Refusal},
    ask::Ask,
    instances::Key,
    route::lacking,
};

impl Sim {
    pub(crate) fn of_console(&mut self, ask: &Ask, _: &Key) -> Result<Answer, Refusal> {
        Err(lacking(ask))
    }

    pub(crate) fn of_logs(&mut self, ask: &Ask, _: &Key, _: &[&str]) -> Result<Answer, Refusal> {
        Err(lacking(ask))
    }

    pub(crate) fn of_metadata(&mut self, ask: &Ask, _: &Key, _: &[&str]) -> Result<Answer, Refusal> {
        Err(lacking(ask))
    }

    pub(crate) fn of_backups(&mut self, ask: &Ask, _: &Key, _: &[&str]) -> Result<Answer, Refusal> {
        Err(lacking(ask))
    }
}
