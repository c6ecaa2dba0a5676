//! One error for everything: what LXD said, what the wire did, and what was wrong before anything was sent.
//!
//! Both adapters return it as it is. A transport of your own maps its failures to [`Failure`], which is plain data.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use crate::{
    Change, Fingerprint,
    flow::{exec::ExecOutput, ready::Ready},
    limits,
    resources::{Operation, OperationId},
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

    /// A stream ended without its end mark. What arrived is incomplete.
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

/// LXD's own error: `{"type": "error", "error_code": .., "error": ".."}`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{request}{}{message} ({status})", if request.is_empty() { "" } else { ": " })]
#[non_exhaustive]
pub struct ApiError {
    /// LXD's `error_code`, which is the HTTP status but for operations' `/wait` (200 on the wire since 5.20).
    pub status: u16,
    /// LXD's text.
    pub message: String,
    /// Verb and path of the request, without secrets.
    pub request: String,
}

impl ApiError {
    pub(crate) fn new(status: u16, message: String) -> Self {
        Self { status, message, request: String::new() }
    }

    /// The error's kind, by its code, and once by its text.
    pub fn kind(&self) -> ApiErrorKind {
        match self.status {
            500 if self.message.contains("forkfile.sock") => ApiErrorKind::HelperLost,
            400 => ApiErrorKind::BadRequest,
            401 => ApiErrorKind::Unauthorized,
            403 => ApiErrorKind::Forbidden,
            404 => ApiErrorKind::NotFound,
            409 => ApiErrorKind::Conflict,
            412 => ApiErrorKind::PreconditionFailed,
            423 => ApiErrorKind::Locked,
            501 => ApiErrorKind::NotImplemented,
            503 => ApiErrorKind::Unavailable,
            _ => ApiErrorKind::Other,
        }
    }
}

/// The kinds of errors that LXD answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiErrorKind {
    /// 400: the request is wrong.
    BadRequest,
    /// 401: OIDC clients must log in.
    Unauthorized,
    /// 403: not trusted, or not allowed.
    Forbidden,
    /// 404: no such object.
    NotFound,
    /// 409: in use, or there already.
    Conflict,
    /// 412: changed since it was read.
    PreconditionFailed,
    /// 423: locked.
    Locked,
    /// 501: this server does not do that.
    NotImplemented,
    /// 503: starting or shutting down.
    Unavailable,
    /// 500 that names `forkfile.sock`: LXD's helper for the files of an instance lost its socket, and nothing was done.
    /// Of several instances whose files are asked for at once, the end of one's helper can remove the socket of another's
    /// (LXD to 6.9 at least, its issue 18403). Each further request is refused too while that helper is there, which ends
    /// after 15 s without any: so leave the instance's files alone for 16 s, and ask again.
    HelperLost,
    /// Any other code; 500 is LXD's word for most things that went wrong.
    Other,
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

/// A command's output that is incomplete.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{stream} was cut off after {received} bytes: {reason}")]
pub struct Truncated {
    /// Which stream was cut off first: `stdout` or `stderr`.
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

/// An operation that did not succeed.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationError {
    /// Which operation.
    pub id: OperationId,
    /// How it ended.
    pub outcome: Outcome,
    /// What the server last said of it: its `err`, metadata, and times.
    pub operation: Option<Operation>,
}

/// How an operation that did not succeed stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It failed, with LXD's text.
    Failed(String),
    /// It was cancelled.
    Cancelled,
    /// It was still running when the caller's time was up. It goes on.
    StillRunning,
    /// The server does not know it any more: it ended more than 5 s ago, or the server was restarted. It may have
    /// succeeded or failed; look at what it was to change.
    Unknown,
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.operation {
            Some(operation) if !operation.description.is_empty() => operation.description.as_str(),
            _ => "operation",
        };
        write!(f, "{what} ({}): ", self.id)?;
        match &self.outcome {
            Outcome::Failed(reason) => f.write_str(reason),
            Outcome::Cancelled => f.write_str("was cancelled"),
            Outcome::StillRunning => f.write_str("was still running when the time was up"),
            Outcome::Unknown => f.write_str("its end is unknown: the server does not have it any more"),
        }
    }
}

impl core::error::Error for OperationError {}

/// Something that the transport could not do, as plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub kind: FailureKind,
    /// The whole chain of causes as text.
    pub message: String,
}

impl Failure {
    /// A failure with a text of its own.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The connection broke, with this error.
    pub fn broken(error: impl core::error::Error + 'static) -> Self {
        Self::from_error(FailureKind::Broken, &error)
    }

    /// A failure with an error's whole chain of causes as its text.
    pub fn from_error(kind: FailureKind, error: &(dyn core::error::Error + 'static)) -> Self {
        Self { kind, message: chain(error) }
    }
}

/// An error with all its causes, each text once.
fn chain(error: &(dyn core::error::Error + 'static)) -> String {
    let mut message = alloc::format!("{error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = alloc::format!("{error}");
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    message
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl core::error::Error for Failure {}

/// What the transport could not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FailureKind {
    /// No connection: nothing listens there, or not for us. The request was not sent.
    #[error("cannot connect")]
    Connect,
    /// The server's certificate is not the pinned one. Nothing was sent. Fingerprints are SHA-256 in hex.
    #[error("the server's certificate is {found}, but {expected} is pinned")]
    WrongCertificate {
        /// The pinned fingerprint.
        expected: String,
        /// The fingerprint of the certificate that the server showed.
        found: String,
    },
    /// The TLS handshake failed otherwise. The request was not sent.
    #[error("TLS failed")]
    Tls,
    /// The proxy refused or failed. The request was not sent.
    #[error("the proxy failed")]
    Proxy,
    /// It took longer than the limit for this phase.
    #[error("no {0} in time")]
    Timeout(Phase),
    /// The connection broke, or the server closed it, in the middle of the exchange. The server may have acted on the
    /// request.
    #[error("the connection broke")]
    Broken,
    /// A request's body was shorter or longer than its declared length.
    #[error("the body does not have its declared length")]
    BodyLength,
    /// The caller's own reader failed.
    #[error("the input could not be read")]
    Reader,
    /// The caller's own writer failed.
    #[error("the output could not be written")]
    Writer,
    /// The caller's own disk failed, or refused.
    #[error("the local disk failed")]
    Disk,
    /// The answer is larger than [`limits::ANSWER`], or a websocket's message larger than
    /// [`limits::MESSAGE`].
    #[error("the answer is too large")]
    TooLarge,
    /// This transport does not do that (websockets without their feature, for example).
    #[error("not supported by this transport")]
    Unsupported,
    /// The action was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// Anything else.
    #[error("the transport failed")]
    Other,
}

/// The four phases of an exchange, each with its own limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Phase {
    /// Until the connection (with TLS) stands.
    #[error("connection")]
    Connect,
    /// From the sent request to the head of the answer.
    #[error("answer")]
    Head,
    /// Between two pieces of a body.
    #[error("byte")]
    Idle,
    /// The whole exchange.
    #[error("end of the exchange")]
    Total,
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
