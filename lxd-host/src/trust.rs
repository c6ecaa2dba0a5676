//! By what a server is known.

use std::{fmt, fs, path::Path};

use lxd_proto::Fingerprint;
use sha2::{Digest, Sha256};

use crate::{Error, pem};

/// By what a server is known.
///
/// LXD's certificate is self-signed, and its names are the machine's host name and the loopback addresses, so neither
/// an authority nor a name can vouch for it: it is pinned. There is no way to accept just any certificate; to see one
/// before trusting it there is [`fetch_certificate`](crate::fetch_certificate).
///
/// Under a pin ([`Pin`](Self::Pin) and [`Certificate`](Self::Certificate), which mean the same) the SHA-256 of the
/// server's own certificate must match, and the handshake must prove that the server holds its key. Nothing else
/// counts: no name, no issuer, and no date. The dates are left out on purpose. They limit how long an authority
/// vouches for somebody, and nobody but the pin vouches here: an expired pinned certificate is still the same server,
/// and refusing it would lock its owner out for a wrong clock. (LXD's own client does refuse it.)
///
/// With an authority or the system's roots, the usual rules hold: names, dates and issuers are all checked.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerTrust {
    /// The certificate with this SHA-256, as `lxc info`, trust tokens and
    /// [`fetch_certificate`](crate::fetch_certificate) show it.
    Pin(Fingerprint),
    /// This very certificate (DER), as `lxc` keeps it in `servercerts`.
    Certificate(Vec<u8>),
    /// Certificates that these authorities (DER) signed for the server's name: LXD's PKI mode, `lxc`'s `client.ca`.
    Authority(Vec<Vec<u8>>),
    /// Certificates that the system's authorities (or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name) signed for
    /// the server's name, for a server with a public certificate.
    System,
}

impl ServerTrust {
    /// Trusts the first certificate in a PEM text.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] when there is none.
    pub fn certificate_pem(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let certificates = pem::certificates(pem.as_ref()).map_err(Error::Certificate)?;
        Ok(Self::Certificate(certificates.first().map_or_else(Vec::new, |first| first.to_vec())))
    }

    /// Trusts the first certificate in a PEM file: a server's `server.crt`, or one of `lxc`'s `servercerts`.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] with the file's name when it cannot be read or holds none.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        read(path.as_ref(), Self::certificate_pem)
    }

    /// Trusts what any of the certificates in a PEM text signed.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] when there is none.
    pub fn authority_pem(pem: impl AsRef<[u8]>) -> Result<Self, Error> {
        let certificates = pem::certificates(pem.as_ref()).map_err(Error::Certificate)?;
        Ok(Self::Authority(certificates.iter().map(|certificate| certificate.to_vec()).collect()))
    }

    /// Trusts what any of the certificates in a PEM file signed.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] with the file's name when it cannot be read or holds none.
    pub fn authority_pem_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        read(path.as_ref(), Self::authority_pem)
    }

    /// The fingerprint that the server's certificate must have, when it is pinned.
    pub fn pin(&self) -> Option<Fingerprint> {
        match self {
            Self::Pin(fingerprint) => Some(*fingerprint),
            Self::Certificate(der) => Some(fingerprint(der)),
            Self::Authority(_) | Self::System => None,
        }
    }
}

impl From<Fingerprint> for ServerTrust {
    fn from(fingerprint: Fingerprint) -> Self {
        Self::Pin(fingerprint)
    }
}

impl fmt::Debug for ServerTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pin(fingerprint) => write!(f, "Pin({fingerprint})"),
            Self::Certificate(der) => write!(f, "Certificate({})", fingerprint(der)),
            Self::Authority(roots) => {
                let roots: Vec<_> = roots.iter().map(|root| fingerprint(root)).collect();
                f.debug_tuple("Authority").field(&roots).finish()
            }
            Self::System => f.write_str("System"),
        }
    }
}

/// The SHA-256 by which LXD names a certificate.
pub(crate) fn fingerprint(der: &[u8]) -> Fingerprint {
    Fingerprint::from_bytes(Sha256::digest(der).into())
}

fn read(path: &Path, parse: impl Fn(Vec<u8>) -> Result<ServerTrust, Error>) -> Result<ServerTrust, Error> {
    let named = |reason: String| Error::Certificate(format!("{}: {reason}", path.display()));
    let pem = fs::read(path).map_err(|error| named(error.to_string()))?;
    parse(pem).map_err(|error| named(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_certificate_is_a_pin() {
        let der = testing::lxd_certificate().cert.remove(0).to_vec();
        let text = pem::encode("CERTIFICATE", &der);
        let trust = ServerTrust::certificate_pem(&text).unwrap();
        assert_eq!(trust, ServerTrust::Certificate(der.clone()));
        assert_eq!(trust.pin(), Some(fingerprint(&der)));
        assert_eq!(format!("{trust:?}"), format!("Certificate({})", fingerprint(&der)));
        let authority = ServerTrust::authority_pem(text.repeat(2)).unwrap();
        assert_eq!(authority, ServerTrust::Authority(vec![der.clone(), der]));
        assert_eq!(authority.pin(), None);
    }

    #[test]
    fn a_file_that_is_none_is_named() {
        let error = ServerTrust::from_pem_file("/nowhere/server.crt").unwrap_err();
        assert!(error.to_string().starts_with("/nowhere/server.crt: "), "{error}");
        assert!(ServerTrust::certificate_pem("no PEM").is_err());
        assert!(ServerTrust::authority_pem("").is_err());
    }
}
