//! What can be wrong before the first request, each text with what to do about it.

use std::{fmt, io, path::PathBuf};

use lxd_proto::{Failure, SocketCandidate};

/// Why a server cannot be reached as it was asked for.
///
/// It becomes the core's [`lxd_proto::Error`] with `?`: a [`Transport`](Self::Transport) failure stays one, everything
/// else is a [`Setup`](lxd_proto::Error::Setup) with the same text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No local server: none of the places where its socket may be has one that answers.
    #[error("no local LXD can be reached: {}", list(.tried))]
    NoSocket {
        /// Each place, and what is wrong with it.
        tried: Vec<TriedSocket>,
    },

    /// `lxc`'s configuration has no remote of this name.
    #[error("there is no remote {name:?}; there are: {}. Add one with `lxc remote add`", .known.join(", "))]
    UnknownRemote {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },

    /// `lxc`'s configuration cannot be read, or one of its remotes cannot be used.
    #[error("{}: {reason}", .path.display())]
    Config {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// The client's own certificate and key cannot be read, made or kept.
    #[error("{}: {reason}", .path.display())]
    Identity {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// A certificate or key that cannot be used.
    #[error("{0}")]
    Certificate(String),

    /// Not an address of a server, or not of the right kind.
    #[error("{0}")]
    Address(String),

    /// Not a proxy's URL.
    #[error("{0}")]
    Proxy(String),

    /// The server could not be reached, or the handshake with it failed.
    #[error(transparent)]
    Transport(#[from] Failure),
}

impl From<Error> for lxd_proto::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Transport(failure) => failure.into(),
            other => Self::Setup(other.to_string()),
        }
    }
}

/// A place where a local server's socket was looked for in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TriedSocket {
    /// The place, and which rule named it.
    pub candidate: SocketCandidate,
    /// What the system said to the attempt to connect.
    pub kind: io::ErrorKind,
    /// The same as text, with what to do about it.
    pub reason: String,
}

impl fmt::Display for TriedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.candidate.path, self.candidate.because, self.reason)
    }
}

fn list(tried: &[TriedSocket]) -> String {
    let places = tried.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let absent = tried.iter().all(|tried| tried.kind == io::ErrorKind::NotFound);
    if absent { places + ". Is LXD installed and running?" } else { places }
}

#[cfg(test)]
mod tests {
    use lxd_proto::FailureKind;

    use super::*;

    #[test]
    fn a_failure_stays_a_failure_for_the_core_and_the_rest_is_setup() {
        let failure = Failure::new(FailureKind::Connect, "refused");
        let error = lxd_proto::Error::from(Error::Transport(failure.clone()));
        assert_eq!(error.transport(), Some(&failure));
        let error = Error::UnknownRemote { name: "x".into(), known: vec!["local".into(), "prod".into()] };
        let text = "there is no remote \"x\"; there are: local, prod. Add one with `lxc remote add`";
        assert_eq!(lxd_proto::Error::from(error), lxd_proto::Error::Setup(text.into()));
    }
}
