//! The whole client side of LXD as values and state machines. It does no I/O: it builds `http::Request`s and reads
//! `http::Response`s, operations, websocket messages, events and SFTP. What sends them is yours, or an adapter's:
//! `lxd-ureq` (blocking) or `lxd-reqwest` (async).
//!
//! # Three layers
//!
//! Each is usable without the one above.
//!
//! 1. [`Endpoint`]: one exchange, as a value that builds its request and reads its answer.
//! 2. [`Flow`]: many steps, as a state machine: waiting for an operation, running a command, changing an object that
//!    others change too.
//! 3. Handles: what people type. [`Lxd`] begins every sentence: `lxd.instance("c1").start().wait()`. They are the same
//!    for blocking, async and your own [`Client`]s ([`Blocking`] or [`Async`]); with [`Offline`] they make values of the
//!    two layers below.
//!
//! ```no_run
//! use lxd_proto::{Blocking, Error, Lxd, resources::InstancesPost};
//!
//! fn hello(lxd: impl Blocking) -> Result<(), Error> {
//!     lxd.instances().create(InstancesPost::from_alias("c1", "busybox")).wait().send()?;
//!     let c1 = lxd.instance("c1");
//!     c1.start().wait().send()?;
//!     let output = c1.exec(["echo", "hello"]).output().send()?;
//!     assert_eq!(&output.stdout[..], b"hello\n");
//!     Ok(())
//! }
//! ```
//!
//! # What this crate never does
//!
//! I/O, clocks, threads, randomness, the environment: its own code is `no_std`, so the compiler says so. It does not
//! panic on anything that a server or a user sends, and its memory is bounded by [`limits`].

#![no_std]

extern crate alloc;

mod address;
pub mod api;
mod call;
mod client;
pub mod compat;
mod crud;
mod draft;
mod elements;
mod endpoint;
mod entitlements;
mod envelope;
pub mod error;
mod extensions;
pub mod flow;
mod handle;
mod headers;
pub mod limits;
pub mod multipart;
mod offline;
pub mod resources;
mod scope;
pub mod sftp;
pub mod simplestreams;
#[cfg(feature = "proptest")]
pub mod strategies;
pub mod tree;
mod trust;
mod uri;

pub use address::{Address, DEFAULT_PORT, SocketCandidate, socket_candidates};
pub use call::{Arriving, Call, Collect, Fetch, Incoming, OneByOne, Run, Sending};
pub use client::{Async, Blocking, Client, Joining, Payload, Pipe, Streams, Tap, Task};
pub use compat::Secret;
pub use crud::{
    AcrossProjects, Answer, Changed, Choice, Chosen, Creatable, Create, Created, Deletable, Delete, ETag, Editable,
    Exists, Fetched, Filterable, Forcible, Get, List, Listed, Names, Patch, Patchable, Renamable, Rename, Replace,
    Resource,
};
pub use draft::{Change, Draft};
pub use elements::{Element, Elements};
pub use endpoint::{
    AtMost, Body, Download, Endpoint, Input, Listing, LongPoll, Receive, ReceiveOnly, Request, Response,
    ask_for_websocket, is_keepalive,
};
pub use entitlements::{Entitled, SaysEntitlements};
pub use envelope::Envelope;
pub use error::{Error, Failure, FailureKind, Phase};
pub use extensions::Extensions;
pub use flow::{Flow, trust::Proof};
pub use handle::{Collection, Lxd, Object};
pub use offline::Offline;
pub use scope::Scope;
pub use trust::{Fingerprint, TrustToken};
pub use uri::{Path, redacted};
