//! What can be copied to another server, and where to.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use crate::{Answer, Error, Request, Response, Secret};

/// What can be copied to another server.
pub trait Migrated: Send {
    /// What the copy is.
    type Output: Answer + Send;

    /// The next request for what is copied, until all is known.
    ///
    /// # Errors
    /// When a name cannot be sent.
    fn look(&self) -> Result<Option<Request>, Error>;

    /// What is copied, or a part of that, as its server has it.
    ///
    /// # Errors
    /// When it cannot be copied, or moved, as it is.
    fn looked(&mut self, response: Response, moved: bool) -> Result<(), Error>;

    /// The request to the server that has it: to send it to a server that waits, or to wait itself.
    ///
    /// # Errors
    /// When a name cannot be sent.
    fn offer(&self, to: Option<Waiting>) -> Result<Request, Error>;

    /// The request to the server that gets it: to fetch it from a server that waits, or to wait itself.
    ///
    /// # Errors
    /// When a name cannot be sent.
    fn accept(&self, from: Option<Waiting>) -> Result<Request, Error>;

    /// The API extensions that the server that gets it must have, once it was looked at.
    fn accepting(&self) -> Vec<&'static str>;

    /// The request that removes it, once it was moved.
    ///
    /// # Errors
    /// When a name cannot be sent.
    fn remove(&self) -> Result<Request, Error>;

    /// Where it goes.
    fn destination(&mut self) -> &mut Destination;

    /// As [`Flow::extensions`](crate::flow::Flow::extensions).
    fn extensions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// Where a copy goes on the other server.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Destination {
    /// Its name there.
    pub name: String,
    /// The storage pool that it goes to; empty means what it says itself.
    pub pool: String,
    /// Whether a copy that is there already is brought up to date.
    pub refresh: bool,
}

/// A server's operation that waits to be connected to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Waiting {
    /// The server's certificate, PEM.
    pub certificate: String,
    /// The operation's URL.
    pub operation: String,
    /// The secrets of its websockets, by their names.
    pub secrets: BTreeMap<String, Secret>,
}
