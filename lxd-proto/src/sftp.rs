//! Files of an instance by SFTP, version 3: `GET /1.0/instances/{name}/sftp`, which becomes another protocol.
//!
//! It is the fast way for many files, and says what the files API cannot: any name, all kinds of files, and that a disk
//! is full. A [session](Sftp) is one connection; each of its calls is sent or awaited like all others:
//!
//! ```no_run
//! # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
//! use lxd_proto::Lxd;
//!
//! let mut sftp = lxd.instance("c1").sftp().send()?;
//! sftp.mkdir("/srv/www").send()?;
//! sftp.write("/srv/www/index.html", "hello").send()?;
//! for entry in sftp.readdir("/srv/www").send()? {
//!     println!("{} has {:?} bytes", entry.name, entry.attributes.size);
//! }
//! assert_eq!(&sftp.read("/srv/www/index.html").send()?[..], b"hello");
//! # Ok(())
//! # }
//! ```
//!
//! Below that are the protocol's [packets](Ask), which need no session, no client and no I/O: see [`Decoder`]. The other
//! side's are there too, for servers that tests make: see [`Asked`].

mod attributes;
mod error;
mod line;
pub(crate) mod operations;
mod packets;
mod server;
mod session;
pub(crate) mod transfer;

use bytes::Bytes;

pub use attributes::{Attributes, BytePath, Entry, FileKind};
pub use error::{SftpError, Status};
pub(crate) use line::{Answered, Line};
pub use packets::{Answer, Ask, Decoder, OpenFlags, Received, init};
pub use server::{Asked, version};
pub(crate) use session::request;
pub use session::{Connect, Doing, Sftp};

/// A file or directory that is open in a session. It means nothing in another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub(crate) handle: Bytes,
    pub(crate) path: BytePath,
}

impl File {
    /// An open file that the server calls this; the path is for errors.
    pub fn new(handle: Bytes, path: impl Into<BytePath>) -> Self {
        Self { handle, path: path.into() }
    }

    /// What the server calls it.
    pub fn handle(&self) -> &Bytes {
        &self.handle
    }

    /// The path that it was opened by.
    pub fn path(&self) -> &BytePath {
        &self.path
    }
}
