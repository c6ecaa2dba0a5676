//! A blocking LXD client: `lxd-proto` over ureq, with Unix sockets, pinned TLS, proxies and websockets.
//!
//! ```no_run
//! use lxd_ureq::{Client, prelude::*, resources::InstancesPost};
//!
//! # fn main() -> Result<(), lxd_ureq::Error> {
//! let lxd = Client::local()?;
//! lxd.instances().create(InstancesPost::from_alias("c1", "busybox")).wait().send()?;
//! let c1 = lxd.instance("c1");
//! c1.start().wait().send()?;
//! let output = c1.exec(["uname", "-a"]).output().send()?;
//! println!("{}", String::from_utf8_lossy(&output.stdout));
//! # Ok(())
//! # }
//! ```
//!
//! What can be said to LXD is documented in [`lxd_proto`]; how to find a server and be trusted in [`lxd_host`]. This crate
//! only sends: it knows nothing of a single endpoint. The example `tour-blocking` takes a container through its whole life.
//!
//! * Connections are kept alive and shared by all clones of a [`Client`]. A `GET` whose kept connection turns out to be
//!   dead is sent again, once.
//! * Bodies are streamed in both directions, with exactly their declared length. An error that the server answers in the
//!   middle of an upload is the error of the call.
//! * Dropping whatever a call gave (an iterator of events, a body) closes its connections, and sends nothing more. A
//!   helper thread that sits in a reader or writer of yours ends when that returns.
//! * Commands and events need websockets: the feature `tungstenite`, which is on unless it is switched off. SFTP does not.
//! * It runs where there are Unix sockets and `poll`: Linux, macOS, the BSDs.
//!
//! At the level `trace`, the crates `ureq_proto` and `tungstenite` log what goes over the wire, secrets too. This crate,
//! and those two at any other level, never do.

mod bytestream;
mod client;
mod conn;
mod helpers;
mod http;
mod io;
mod socket;
mod streams;
mod upgrade;
#[cfg_attr(not(feature = "tungstenite"), path = "websocket/none.rs")]
mod websocket;

pub use client::Client;
pub use http::Body;
pub use io::Io;
pub use lxd_host::{self, ClientIdentity, Proxy, Remote, ServerTrust, Timeouts};
pub use lxd_proto::{self, Error, resources};
pub use streams::{Payload, Reader, Writer, file};

/// What most programs want to import: the verbs of every client.
pub mod prelude {
    pub use lxd_proto::{Blocking, Client as _, Lxd};
}
