//! A simulated LXD, for tests without root and without a daemon: a server that is a value. It does no I/O, has no clock
//! and no thread; the same inputs with the same seed give the same outputs.
//!
//! ```
//! use std::time::Duration;
//! use bytes::Bytes;
//! use http::Request;
//! use lxd_sim::{Caller, Config, Exchange, Input, Output, Sim};
//!
//! let mut sim = Sim::new(Config::default());
//! let request = Request::get("/1.0/profiles").body(Bytes::new())?;
//! sim.handle(Duration::ZERO, Input::Request { exchange: Exchange(1), from: Caller::Unix, request });
//! let Some(Output::Response { response, .. }) = sim.poll() else { panic!("no answer") };
//! assert!(String::from_utf8_lossy(response.body()).contains("/1.0/profiles/default"));
//! # Ok::<(), http::Error>(())
//! ```
//!
//! What the simulation does not have answers 501 and says so; nothing is invented. Its texts and codes are those that
//! real servers were seen to give: a test sends 469 requests to it and to a real LXD 5.0.2, and the answers are the same, but
//! for what is volatile (ids, times, sizes, process numbers and the like).
//!
//! # Known differences
//!
//! - One server: no cluster, and no virtual machines.
//! - It opens no connections: images of other servers, copies and moves between servers, and DHCP are not there.
//! - Everything is in memory: a file has at most 256 MiB and no holes, a request's body 512 MiB; volumes are not mounted in
//!   instances and have no backups; a custom volume's or pool's space is made up.
//! - Instances run a few built-in programs, whatever their image: `cat`, `echo`, `env`, `false`, `head -c`, `hostname`, `id`,
//!   `kill`, `ls`, `mkdir`, `mkfifo`, `printf`, `pwd`, `rm`, `sleep`, `sort`, `stty size`, `touch`, `true`, `wc -c`, `yes`, and
//!   a shell without pipes, loops, traps and jobs.
//! - Images are looked into when they are tar, plain or with gzip; others are kept, and make empty instances.
//! - Versions (`ETag`) are other hashes, filters know the simpler regular expressions, and lists are sorted by name.
//! - 6.9 is 5.0.2 with its extensions, its way of waiting, and its changes that are operations; its own objects are few.

mod answer;
mod archive;
mod ask;
mod auth;
mod clock;
mod config;
mod create;
mod crud;
mod etag;
mod events;
mod exec;
mod faults;
mod files;
mod filter;
mod images;
mod inside;
mod instance_state;
mod instances;
mod kinds;
#[cfg(feature = "listener")]
mod listener;
mod migration;
mod networks;
mod objects;
mod operations;
mod process;
mod profiles;
mod programs;
mod projects;
mod random;
mod route;
mod rules;
mod server;
mod sftp;
mod shell;
mod sim;
mod snapshots;
mod sockets;
mod storage;
mod tree;
mod trust;
mod used;
mod warnings;
mod world;

pub use ask::ClientCertificate;
pub use config::{Config, Version};
pub use faults::{Fault, Faults};
pub use images::image;
#[cfg(feature = "listener")]
pub use listener::{AnyClient, LARGEST_BODY, Listen, Server};
pub use sim::{Caller, Exchange, Input, Output, Sim};
pub use world::{Body, Direct, DirectIo, Kept, World};
