//! Files in an instance, one by one.

use crate::{
    Sim,
    answer::{Answer, Refusal},
    ask::Ask,
    instances::Key,
    route::lacking,
};

impl Sim {
    pub(crate) fn of_files(&mut self, ask: &Ask, _: &Key) -> Result<Answer, Refusal> {
        Err(lacking(ask))
    }
}
