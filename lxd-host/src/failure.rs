//! What any transport's error means.

use std::{error::Error as StdError, io};

use lxd_proto::{Failure, FailureKind, Phase};
use rustls::CertificateError;

use crate::WrongCertificate;

/// Says what an error of a transport means, whatever it is wrapped in.
///
/// The whole chain of causes is searched, also where `source()` does not lead: into an [`io::Error`]'s own error, and
/// into rustls' [`Other`](rustls::Error::Other). A [`Failure`] that is found there is handed on as it is. The text is
/// the whole chain; where a certificate is the matter, it also says what to do.
///
/// A time that was up is a [`Timeout(Phase::Idle)`](Phase::Idle): only the caller knows in which phase it was.
///
/// ```
/// use lxd_proto::FailureKind;
///
/// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// assert_eq!(lxd_host::failure(&refused).kind, FailureKind::Connect);
/// ```
pub fn failure(error: &(dyn StdError + 'static)) -> Failure {
    if let Some(failure) = find(error, &|error| error.downcast_ref::<Failure>().cloned()) {
        return failure;
    }
    let kind = find(error, &kind).unwrap_or(FailureKind::Other);
    if matches!(kind, FailureKind::WrongCertificate { .. }) {
        return Failure::new(kind, RENEWED);
    }
    let mut failure = Failure::from_error(kind, error);
    if find(error, &|error| error.downcast_ref().filter(|tls| is_self_signed(tls)).map(|_| ())).is_some() {
        failure.message.push_str(SELF_SIGNED);
    }
    failure
}

/// The kind has the fingerprints, and the chain of causes only repeats them.
const RENEWED: &str = "was it renewed? Compare it with what `lxc info` shows on the server, and pin the new one if \
                       they are the same";

/// What everybody meets who takes LXD for a web server.
const SELF_SIGNED: &str = "; if this is LXD's own certificate, nobody but its fingerprint vouches for it: look at it \
                           (`fetch_certificate`, or `lxc info` on the server) and pin it";

fn is_self_signed(error: &rustls::Error) -> bool {
    // The second is what becomes of "an authority is used as a server", which LXD's old certificates are.
    matches!(error, rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_)))
}

/// The first answer along the chain of causes. What is inside an I/O error is asked before it: it knows more.
fn find<T>(error: &(dyn StdError + 'static), look: &dyn Fn(&(dyn StdError + 'static)) -> Option<T>) -> Option<T> {
    let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inside
        .and_then(|inside| find(inside, look))
        .or_else(|| look(error))
        .or_else(|| error.source().and_then(|cause| find(cause, look)))
}

fn kind(error: &(dyn StdError + 'static)) -> Option<FailureKind> {
    if let Some(error) = error.downcast_ref::<WrongCertificate>() {
        Some(wrong_certificate(error))
    } else if let Some(rustls::Error::Other(other)) = error.downcast_ref() {
        Some(find(&*other.0, &kind).unwrap_or(FailureKind::Tls))
    } else if error.is::<rustls::Error>() {
        Some(FailureKind::Tls)
    } else {
        error.downcast_ref::<io::Error>().and_then(|error| io_kind(error.kind()))
    }
}

fn wrong_certificate(error: &WrongCertificate) -> FailureKind {
    FailureKind::WrongCertificate { expected: error.expected.to_string(), found: error.found.to_string() }
}

fn io_kind(kind: io::ErrorKind) -> Option<FailureKind> {
    use io::ErrorKind as Io;
    match kind {
        Io::ConnectionRefused
        | Io::NotFound
        | Io::PermissionDenied
        | Io::AddrNotAvailable
        | Io::HostUnreachable
        | Io::NetworkUnreachable
        | Io::NetworkDown => Some(FailureKind::Connect),
        Io::TimedOut | Io::WouldBlock => Some(FailureKind::Timeout(Phase::Idle)),
        Io::UnexpectedEof | Io::BrokenPipe | Io::ConnectionReset | Io::ConnectionAborted | Io::NotConnected => {
            Some(FailureKind::Broken)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::{fmt, sync::Arc};

    use rustls::OtherError;

    use super::*;
    use crate::trust::fingerprint;

    /// What HTTP libraries do: an error that only wraps another.
    #[derive(Debug)]
    struct Wrapped(Box<dyn StdError + Send + Sync>);

    impl fmt::Display for Wrapped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("error sending request")
        }
    }

    impl StdError for Wrapped {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&*self.0)
        }
    }

    fn wrapped(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Wrapped {
        Wrapped(Box::new(Wrapped(error.into())))
    }

    #[test]
    fn io_errors_by_kind_however_deep() {
        for (io, expected) in [
            (io::ErrorKind::ConnectionRefused, FailureKind::Connect),
            (io::ErrorKind::NotFound, FailureKind::Connect),
            (io::ErrorKind::PermissionDenied, FailureKind::Connect),
            (io::ErrorKind::NetworkUnreachable, FailureKind::Connect),
            (io::ErrorKind::WouldBlock, FailureKind::Timeout(Phase::Idle)),
            (io::ErrorKind::TimedOut, FailureKind::Timeout(Phase::Idle)),
            (io::ErrorKind::UnexpectedEof, FailureKind::Broken),
            (io::ErrorKind::ConnectionReset, FailureKind::Broken),
            (io::ErrorKind::Other, FailureKind::Other),
        ] {
            assert_eq!(failure(&io::Error::from(io)).kind, expected);
            let deep = wrapped(io::Error::other(io::Error::from(io)));
            assert_eq!(failure(&deep).kind, expected);
            assert!(failure(&deep).message.starts_with("error sending request: "), "{}", failure(&deep));
        }
    }

    #[test]
    fn tls_errors_are_found_inside_io_errors() {
        let tls = || rustls::Error::General("bad".into());
        assert_eq!(failure(&tls()).kind, FailureKind::Tls);
        let io = io::Error::new(io::ErrorKind::InvalidData, tls());
        assert_eq!(failure(&io).kind, FailureKind::Tls);
        assert_eq!(failure(&wrapped(io)).kind, FailureKind::Tls);
        let unknown = rustls::Error::Other(OtherError(Arc::new(io::Error::other("x"))));
        assert_eq!(failure(&unknown).kind, FailureKind::Tls);
    }

    #[test]
    fn a_wrong_certificate_is_found_through_everything() {
        let wrong = WrongCertificate { expected: fingerprint(b"a"), found: fingerprint(b"b") };
        let expected = FailureKind::WrongCertificate {
            expected: fingerprint(b"a").to_string(),
            found: fingerprint(b"b").to_string(),
        };
        let tls = rustls::Error::from(OtherError(Arc::new(wrong)));
        let error = wrapped(io::Error::new(io::ErrorKind::InvalidData, tls));
        assert_eq!(failure(&error).kind, expected);
        let text = failure(&error).to_string();
        assert!(text.contains("pin the new one"), "{text}");
        assert_eq!(text.matches(&fingerprint(b"b").to_string()).count(), 1, "{text}");
    }

    #[test]
    fn a_failure_is_handed_on_unchanged() {
        let inner = Failure::new(FailureKind::Proxy, "407");
        assert_eq!(failure(&wrapped(io::Error::other(inner.clone()))), inner);
    }
}
