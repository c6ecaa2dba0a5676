//! What the tests share.

pub(crate) mod client;
pub(crate) mod fixtures;
pub(crate) mod promises;
pub(crate) mod script;
pub(crate) mod show;
