//! What the crate promises, tested from outside and without any I/O: a client whose transport is the test itself.

mod answers;
mod captures;
mod drafts;
mod events;
mod exec;
mod extensions;
mod flows;
mod image_flows;
mod properties;
mod ready;
mod requests;
mod secrets;
mod storage;
mod support;
