//! What the crate promises, tested from outside and without any I/O: a client whose transport is the test itself.

mod answers;
mod auth;
mod calls;
mod captures;
mod consoles;
mod coverage;
mod drafts;
mod events;
mod exec;
mod exec_sequences;
mod extensions;
mod flows;
mod image_flows;
mod machines;
mod migration;
mod properties;
mod ready;
mod recorded;
mod requests;
mod secrets;
mod sftp;
mod storage;
mod support;
mod trees;
