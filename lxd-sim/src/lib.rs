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
//! # What goes wrong
//!
//! [`Faults`] decide by a seed what goes wrong on the way to a server: in a [`World`], where all time is virtual and a seed
//! gives the same run each time, and at the connections of a [`Server`], where each takes a hundredth of the time, and a
//! seed gives the same decisions.
//!
//! | fault | in a world | at a server's connections |
//! |---|---|---|
//! | delay | up to 20 s for a request, an answer or a message; so they overtake each other on different connections | up to 200 ms |
//! | drop | a request is not asked, or an answer is lost | the connection ends without an answer |
//! | cut | an answer breaks off; a message comes in two | the connection ends after any byte of the answer; a message's bytes come in two pieces |
//! | wrong length | a part of an answer is taken for all | its head says the length of the part |
//! | duplicate | a request is asked twice, the second answer given | the same |
//! | a proxy's page | in place of the answer | the same |
//! | refuse | a connection, or an upgrade | a connection is closed at once, an upgrade answered with a page |
//! | stall | nothing comes; after a minute the connection breaks | after 600 ms |
//! | reset | what was upgraded breaks | the same |
//! | restart | operations and connections are gone, and nobody answers for up to 4 s | for up to 40 ms |
//! | full disk | no file gets longer for up to 5 s | for up to 50 ms |
//!
//! # Known differences
//!
//! - One server: no cluster, and no virtual machines.
//! - It opens no connections: images of other servers, copies and moves that one server asks the other for, and DHCP are
//!   not there. An instance goes to another simulated server when the client carries it ([`relay`](lxd_proto::Run::relay)),
//!   over websockets on which it looks like no real one's.
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
pub use config::{Config, Version, Waiting};
pub use faults::{Fault, Faults};
pub use images::image;
#[cfg(feature = "listener")]
pub use listener::{AnyClient, LARGEST_BODY, Listen, Server};
pub use sim::{Caller, Exchange, Input, Output, Sim};
pub use world::{Body, Direct, DirectIo, Kept, World};
