//! An async LXD client: `lxd-proto` over reqwest and tokio, with Unix sockets, pinned TLS, proxies and websockets.
//!
//! ```no_run
//! use lxd_reqwest::{Client, prelude::*, resources::InstancesPost};
//!
//! # async fn example() -> Result<(), lxd_reqwest::Error> {
//! let lxd = Client::local()?;
//! lxd.instances().create(InstancesPost::from_alias("c1", "busybox")).wait().await?;
//! let c1 = lxd.instance("c1");
//! c1.start().wait().await?;
//! let output = c1.exec(["uname", "-a"]).output().await?;
//! println!("{}", String::from_utf8_lossy(&output.stdout));
//! # Ok(())
//! # }
//! ```
//!
//! What can be said to LXD is documented in [`lxd_proto`]; how to find a server and be trusted in [`lxd_host`]. This crate
//! only sends: it knows nothing of a single endpoint. The example `tour-async` takes a container through its whole life.
//!
//! * HTTPS connections are kept alive and shared by all clones of a [`Client`]. A `GET` whose kept connection turns out
//!   to be dead is sent again, once.
//! * A client belongs to one tokio runtime: the connections of all its clones end with the runtime that opened them.
//! * Bodies are streamed in both directions, with exactly their declared length. An error that the server answers in the
//!   middle of an upload is the error of the call, if it gives the client time to read it, as LXD does: a server that
//!   hangs up at once may be seen as a broken connection.
//! * Nothing is spawned for a flow: dropping the future of a call (or a stream of events, or a body) closes its
//!   connections, and sends nothing more.
//! * Commands and events need websockets: the feature `tungstenite`, which is on unless it is switched off. SFTP does not.
//! * It needs tokio, with its timers and I/O enabled.
//!
//! At the level `trace`, the crate `tungstenite` logs what goes over the wire, secrets too. This crate, and that one at
//! any other level, never do.

mod bytestream;
mod client;
mod disk;
mod http;
mod io;
mod socket;
mod streams;
mod upgrade;
mod upload;
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
    pub use lxd_proto::{Async, Client as _, Lxd};
}
