//! What the transport could not do.

use alloc::string::String;
use core::fmt;

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
    /// The answer is larger than [`limits::ANSWER`](crate::limits::ANSWER), or a websocket's message larger than
    /// [`limits::MESSAGE`](crate::limits::MESSAGE).
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
