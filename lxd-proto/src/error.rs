//! One error for everything: what LXD said, what the wire did, and what was wrong before anything was sent.
//!
//! Both adapters return it as it is. A transport of your own maps its failures to [`Failure`], which is plain data.

mod api;
mod failure;
mod operation;

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

pub use api::{ApiError, ApiErrorKind};
pub use failure::{Failure, FailureKind, Phase};
pub use operation::{OperationError, Outcome};

use crate::{
    Change, Fingerprint,
    flow::{exec::ExecOutput, ready::Ready},
    limits,
    sftp::{SftpError, Status},
    tree::TreeError,
};

/// Why a call did not succeed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// LXD answered with an error.
    #[error(transparent)]
    Api(Box<ApiError>),

    /// The server accepted the work, and the work did not succeed (or nobody can say).
    #[error(transparent)]
    Operation(Box<OperationError>),

    /// The request could not be sent or its answer not be received.
    #[error(transparent)]
    Transport(Box<Failure>),

    /// What answered is not LXD: a proxy's page, for example.
    #[error("HTTP {status} with an answer that is not LXD's ({content_type}): {excerpt}")]
    NotLxd {
        /// The HTTP status.
        status: u16,
        /// The answer's `Content-Type`.
        content_type: String,
        /// The first 200 characters of the answer.
        excerpt: String,
    },

    /// LXD answered with JSON that does not have the expected shape, or that ends too early.
    #[error("cannot read {what}: {reason}; the answer begins: {excerpt}")]
    Decode {
        /// What should have been there.
        what: &'static str,
        /// Where the JSON differs.
        reason: String,
        /// The first 200 characters of the JSON.
        excerpt: String,
    },

    /// The server broke a rule of LXD's protocol.
    #[error("the server broke LXD's protocol: {0}")]
    Protocol(String),

    /// A draft was not saved, because others changed the object since it was read.
    #[error(transparent)]
    Outdated(Box<Outdated>),

    /// Something was not copied to another server. What each server said, for each address that was tried.
    #[error("{}", attempts(.0))]
    Migration(Vec<MigrationAttempt>),

    /// A stream of a command ended without its end mark. What arrived is incomplete.
    #[error(transparent)]
    Truncated(Box<Truncated>),

    /// An instance was not ready when the caller's time was up.
    #[error(transparent)]
    NotReady(Box<NotReady>),

    /// A file was pushed, the server said yes, and the file has another size now (LXD 5.0.2 says yes on a full disk).
    #[error("{path} was pushed with {sent} bytes, but the server kept {kept}; is its disk full?")]
    Incomplete {
        /// The path in the instance.
        path: String,
        /// The size it should have.
        sent: u64,
        /// The size it has.
        kept: u64,
    },

    /// A server of SFTP did not do what it was asked.
    #[error(transparent)]
    Sftp(Box<SftpError>),

    /// A file of a tree ended before the size that its directory said.
    #[error("{path} should have {said} bytes, and ended after {found}")]
    Shorter {
        /// The path below the tree's root.
        path: String,
        /// The size that it should have.
        said: u64,
        /// Where it ended.
        found: u64,
    },

    /// Something of a tree has no place: its name is taken by something that was not in the directory's list. A directory
    /// to which upper and lower case are the same has no place for two names that differ in that.
    #[error("{path} is taken: by a name that differs in case only, or by something that has just been made")]
    NameTaken {
        /// The path below the tree's root.
        path: String,
    },

    /// A tree was not copied whole. What was done, and what failed.
    #[error(transparent)]
    Tree(Box<TreeError>),

    /// A name that cannot be a part of a path.
    #[error("{name:?} cannot be a name: it must not be empty, `.`, `..` or longer than a URI")]
    InvalidName {
        /// The name.
        name: String,
    },

    /// A value that cannot be sent.
    #[error("{0}")]
    InvalidInput(String),

    /// A path is a directory where a file was asked for, or the other way round.
    #[error("{path} is a {found}, not a {wanted}")]
    WrongFileType {
        /// The path in the instance.
        path: String,
        /// What it is.
        found: String,
        /// What the call works on.
        wanted: &'static str,
    },

    /// An image arrived whole, but it is not the one that was asked for. What was kept of it must not be used.
    #[error("the image that came has the fingerprint {came}, where {asked} was asked for: do not use it")]
    WrongFingerprint {
        /// The fingerprint that was asked for, or its beginning.
        asked: String,
        /// That of what came.
        came: Fingerprint,
    },

    /// An image was uploaded, and the server has another one: something on the way has changed it. It should be deleted.
    #[error("the server has made the image {kept} of what was uploaded as {sent}: delete it")]
    AlteredUpload {
        /// The fingerprint of what was sent.
        sent: Fingerprint,
        /// That of what the server has.
        kept: Fingerprint,
    },

    /// The server lacks an API extension that the call needs.
    #[error("this server lacks the API extension {0:?}")]
    MissingExtension(&'static str),

    /// A trust token that cannot be used, for example because it is for another server.
    #[error("the trust token cannot be used: {0}")]
    Token(String),

    /// The client could not be set up: no socket, no such remote, an unreadable key.
    #[error("{0}")]
    Setup(String),

    /// Something is larger than the limit that protects this process's memory (see [`limits`]).
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
}

impl Error {
    /// What kind of API error this is, if it is one.
    pub fn api(&self) -> Option<ApiErrorKind> {
        match self {
            Self::Api(error) => Some(error.kind()),
            _ => None,
        }
    }

    /// HTTP 404, or SFTP's word for it: there is no such object or file (or it may not be seen).
    pub fn is_not_found(&self) -> bool {
        let file = matches!(self, Self::Sftp(error) if error.status == Status::NoSuchFile);
        file || self.api() == Some(ApiErrorKind::NotFound)
    }

    /// HTTP 412: the object changed since it was read. A draft's [`Outdated`] says what. Where the change is an operation,
    /// that may fail with it too.
    pub fn is_precondition_failed(&self) -> bool {
        let operation = self.operation().and_then(|error| error.operation.as_ref());
        self.api() == Some(ApiErrorKind::PreconditionFailed)
            || operation.is_some_and(|operation| operation.err_code == 412)
            || matches!(self, Self::Outdated(_))
    }

    /// HTTP 409: something with this name is there already, or in the way.
    pub fn is_conflict(&self) -> bool {
        self.api() == Some(ApiErrorKind::Conflict)
    }

    /// A virtual machine's agent does not answer, and what happens inside of it needs that: commands, files.
    /// [`Ready::Agent`] waits for it. LXD says so by its text alone, in an answer (500) or at the end of a command's
    /// operation.
    pub fn is_without_agent(&self) -> bool {
        let text = match (self, self.operation().map(|error| &error.outcome)) {
            (Self::Api(error), _) => &error.message,
            (_, Some(Outcome::Failed(reason))) => reason,
            _ => return false,
        };
        text.contains("VM agent isn't currently running")
    }

    /// The failure of the transport, if it is one.
    pub fn transport(&self) -> Option<&Failure> {
        match self {
            Self::Transport(failure) => Some(failure),
            _ => None,
        }
    }

    /// How the operation ended, if the call was one that did not succeed. Of a copy to another server, the one there
    /// before the one here.
    pub fn operation(&self) -> Option<&OperationError> {
        match self {
            Self::Operation(error) => Some(error),
            Self::Migration(attempts) => attempts
                .last()
                .and_then(|last| [&last.there, &last.here].into_iter().flatten().find_map(Self::operation)),
            _ => None,
        }
    }

    /// Says in an API error which request it answers.
    pub(crate) fn answering(mut self, method: &http::Method, uri: &http::Uri) -> Self {
        if let Self::Api(error) = &mut self {
            error.request = alloc::format!("{method} {}", crate::uri::redacted(uri));
        }
        self
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Transport(Box::new(failure))
    }
}

/// Who changed what of an object that was to be saved. Nothing was written.
#[derive(Clone, PartialEq, thiserror::Error)]
#[error(
    "the {what} changed since it was read ({}); not saved: {}; changed by both: {}",
    list(others),
    list(mine),
    list(conflicts)
)]
pub struct Outdated {
    /// Which kind of object.
    pub what: &'static str,
    /// What was to be saved.
    pub mine: Vec<Change>,
    /// What others changed since it was read.
    pub others: Vec<Change>,
    /// Which of [`mine`](Self::mine) others changed too, and otherwise. Without any, [`merge`](crate::Run::merge) saves.
    pub conflicts: Vec<Change>,
}

impl fmt::Debug for Outdated {
    /// Not the values: they may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outdated({self})")
    }
}

/// Where changes are, without their values.
fn list(changes: &[Change]) -> String {
    let places: Vec<_> = changes.iter().map(Change::place).collect();
    if places.is_empty() { "nothing".into() } else { places.join(", ") }
}

/// A try to copy something to another server that did not succeed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MigrationAttempt {
    /// The address that one server connected to the other by; empty when it was relayed.
    pub address: String,
    /// What failed on the server that has it. Without, it was cancelled after the other had failed.
    pub here: Option<Error>,
    /// What failed on the server that should get it. Without, it was cancelled after the other had failed.
    pub there: Option<Error>,
}

/// What each server said.
fn attempts(attempts: &[MigrationAttempt]) -> String {
    let mut text = String::from("it was not copied");
    for MigrationAttempt { address, here, there } in attempts {
        for (server, error) in [("it is copied from", here), ("it is copied to", there)] {
            let Some(error) = error else { continue };
            let by = if address.is_empty() { String::new() } else { alloc::format!(" by {address}") };
            text += &alloc::format!("; the server that {server} said{by}: {error}");
        }
    }
    text
}

/// A command's output that is incomplete, or its input, or a command that LXD killed because its control broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{stream} was cut off after {received} bytes: {reason}")]
pub struct Truncated {
    /// Which stream was cut off first: `stdout` or `stderr`; or where those are whole, `stdin` or `control`, when that broke
    /// before it was used.
    pub stream: &'static str,
    /// How many bytes of it arrived.
    pub received: u64,
    /// What ended it.
    pub reason: String,
    /// What arrived, and the exit code.
    pub output: ExecOutput,
}

/// An instance that was not ready in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("instance {instance} was not {wanted} in time; it was {status}")]
pub struct NotReady {
    /// The instance's name.
    pub instance: String,
    /// What was waited for.
    pub wanted: Ready,
    /// How it stood when it was looked at last, in LXD's words.
    pub status: String,
}

/// Reads JSON. That it is UTF-8 is seen once for all of it, which takes much less time than once for each text.
pub(crate) fn parse<'a, T: serde::Deserialize<'a>>(json: &'a [u8]) -> serde_json::Result<T> {
    core::str::from_utf8(json).map_or_else(|_| serde_json::from_slice(json), serde_json::from_str)
}

/// Reads an answer's JSON into its type, or says what is wrong with it.
pub(crate) fn decode<'a, T: serde::Deserialize<'a>>(what: &'static str, json: &'a [u8]) -> Result<T, Error> {
    parse(json).map_err(|error| Error::Decode {
        what,
        reason: alloc::format!("{error}"),
        excerpt: crate::uri::excerpt(&String::from_utf8_lossy(&json[..json.len().min(limits::EXCERPT)])),
    })
}

/// Writes a request's body.
pub(crate) fn encode<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::InvalidInput(alloc::format!("{error}")))
}
