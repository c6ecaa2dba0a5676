//! What mutations come to, on servers of both ages.

use alloc::{boxed::Box, string::String};

use http::header;

use crate::{
    Error, Response,
    envelope::Envelope,
    headers,
    resources::Operation,
    uri::{Path, name_in_list},
};

/// What a mutation gives at its end: in the `sync` answer of one server, in the operation of another.
pub trait Answer: Sized + Send + 'static {
    /// Reads it from a `sync` answer.
    ///
    /// # Errors
    /// [`Error::Decode`] or [`Error::Protocol`].
    fn done(response: &Response, metadata: &str) -> Result<Self, Error>;

    /// Reads it from an operation that succeeded.
    ///
    /// # Errors
    /// [`Error::Protocol`].
    fn finished(operation: &Operation) -> Result<Self, Error>;
}

impl Answer for () {
    fn done(_: &Response, _: &str) -> Result<Self, Error> {
        Ok(())
    }

    fn finished(_: &Operation) -> Result<Self, Error> {
        Ok(())
    }
}

/// What was made, by its name: also the one that the server chose.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Created {
    /// The name; empty when the server said none.
    pub name: String,
}

impl Answer for Created {
    fn done(response: &Response, _: &str) -> Result<Self, Error> {
        let location = headers::text(response.headers(), header::LOCATION);
        Ok(Self { name: last_segment(location.unwrap_or_default()) })
    }

    fn finished(operation: &Operation) -> Result<Self, Error> {
        let url = operation.entity_url().or_else(|| operation.resource_url());
        Ok(Self { name: last_segment(url.unwrap_or_default()) })
    }
}

pub(crate) fn last_segment(url: &str) -> String {
    name_in_list(url, &Path::root()).and_then(|name| name.rsplit('/').next().map(String::from)).unwrap_or_default()
}

/// What a mutation came to: done at once, or running as an operation. Which of the two is the server's business, and
/// changes with its version; `wait()` on the call gives the same value for both.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the work may still be running, and may fail"]
pub enum Changed<A> {
    /// It is done.
    Done(A),
    /// It goes on as this operation.
    Running(Box<Operation>),
}

impl<A: Answer> Changed<A> {
    /// Reads the answer to a mutation.
    ///
    /// # Errors
    /// Those of [`Envelope::open`], and of the answer itself.
    pub fn read(response: &Response) -> Result<Self, Error> {
        match Envelope::open(response)? {
            Envelope::Sync(metadata) => A::done(response, metadata).map(Self::Done),
            Envelope::Async(operation) => Ok(Self::Running(operation)),
        }
    }
}
