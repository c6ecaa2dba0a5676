//! What an LXD client needs from the machine it runs on: where the server is, by what it is known, and by what this
//! client is known; and local trees of files. It speaks no HTTP: the adapters (`lxd-ureq`, `lxd-reqwest`, or your own)
//! take a [`Remote`] and do that.
//!
//! | | |
//! |---|---|
//! | [`Remote`] | a server, and everything that a client must know to talk to it |
//! | [`ServerTrust`], [`fetch_certificate`] | by what a server is known; a first look at one |
//! | [`ClientIdentity`] | by what a client is known: a certificate and its key |
//! | [`Config`] | the remotes that `lxc` knows, and where it keeps its identity |
//! | [`Proxy`], [`Timeouts`] | what is on the way, and how long it may take |
//! | [`Directory`] | a local tree, to be pushed or pulled |
//! | [`dial`](dial()), [`keepalive`], [`failure`](failure()) | for adapters: a connection, and what its errors mean |
//! | `websocket` | for adapters: a websocket over a connection (feature `tungstenite`) |
//!
//! # Which server
//!
//! ```no_run
//! use lxd_host::Remote;
//!
//! let here = Remote::local()?; // the daemon on this machine, over its Unix socket
//! let there = Remote::named("prod")?; // what `lxc remote list` shows as `prod`, with its certificates
//! # Ok::<(), lxd_host::Error>(())
//! ```
//!
//! # A server that is seen for the first time
//!
//! LXD's certificate is self-signed: what vouches for a server is its fingerprint. A trust token holds it; without one,
//! somebody has to compare it with what `lxc info` shows on the server. From then on it is pinned.
//!
//! ```no_run
//! use std::time::Duration;
//! use lxd_host::{ClientIdentity, Config, Remote, fetch_certificate};
//!
//! let address = "https://lxd.example:8443";
//! let seen = fetch_certificate(&address.parse()?, None, Duration::from_secs(10))?;
//! println!("{address} shows {} (for {:?}). Is that right?", seen.fingerprint(), seen.names());
//! # fn people_say_yes() -> bool { true }
//! if people_say_yes() {
//!     // The identity that `lxc` uses too; made when there is none yet.
//!     let identity = ClientIdentity::load_or_create(Config::directory(|name| std::env::var(name).ok())?)?;
//!     let remote = Remote::https(address, seen.trust())?.identity(identity);
//!     // Any adapter makes a client of `remote`. The server still has to trust the identity: add it there with a
//!     // token, or with `lxc config trust add`.
//! }
//! # Ok::<(), lxd_proto::Error>(())
//! ```
//!
//! # What is never done
//!
//! No certificate is accepted unseen, there is no switch that turns verification off, the process's default TLS
//! provider is neither used nor set, and the environment is only read where it is said.

mod config;
mod dial;
#[cfg(unix)]
mod directory;
mod error;
mod failure;
mod fetch;
mod identity;
pub mod keepalive;
mod pem;
mod proxy;
mod remote;
mod socket;
#[cfg(test)]
mod testing;
mod timeouts;
mod tls;
mod trust;
#[cfg(feature = "tungstenite")]
pub mod websocket;

/// The TLS library whose types are in this crate's signatures.
pub use rustls;

#[cfg(unix)]
pub use self::directory::Directory;
pub use self::{
    config::{Config, ConfigRemote},
    dial::dial,
    error::{Error, TriedSocket},
    failure::failure,
    fetch::{ServerCertificate, fetch_certificate},
    identity::ClientIdentity,
    proxy::{Proxy, ProxyKind},
    remote::Remote,
    timeouts::Timeouts,
    tls::WrongCertificate,
    trust::ServerTrust,
};
