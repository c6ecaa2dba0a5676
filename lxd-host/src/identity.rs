//! By what a client is known.

mod create;

use std::{fmt, fs, path::Path, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use lxd_proto::{Fingerprint, Secret};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    sign::CertifiedKey,
};

use crate::{Error, pem, trust};

/// The file names that `lxc` uses.
pub(crate) const CERTIFICATE: &str = "client.crt";
pub(crate) const KEY: &str = "client.key";

/// A client's certificate and private key: by what a server knows it.
///
/// The certificate is shown to the server in every handshake; the server trusts it once somebody added it there, by
/// `lxc config trust add` or with a trust token. The files are `lxc`'s own (`client.crt` and `client.key`), so both can
/// share them. Cloning is cheap, and `Debug` hides the key.
#[derive(Clone)]
pub struct ClientIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl ClientIdentity {
    /// Makes a new identity in memory, as `lxc` makes its own: ECDSA on P-384, good for ten years (from an hour ago,
    /// for servers whose clock is behind), with this name (usually `user@host`).
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] when the system gives no random numbers.
    pub fn generate(name: &str) -> Result<Self, Error> {
        create::generate(name)
    }

    /// Reads an identity from two PEM texts: the certificate (and those that signed it, if any), and its key in any of
    /// the usual forms. They may be one and the same text.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] when either is missing, the key is encrypted, or the two do not belong together.
    pub fn from_pem(certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, Error> {
        let chain = pem::certificates(certificate.as_ref())
            .map_err(|reason| Error::Certificate(format!("the client's certificate: {reason}")))?;
        let key = pem::private_key(key.as_ref())
            .map_err(|reason| Error::Certificate(format!("the client's key: {reason}")))?;
        Self::new(chain, key)
    }

    /// Reads `client.crt` and `client.key` from a directory, usually `lxc`'s (see
    /// [`Config::directory`](crate::Config::directory)).
    ///
    /// # Errors
    ///
    /// [`Error::Identity`] when one of them is missing or cannot be read, and as in [`from_pem`](Self::from_pem).
    pub fn load(directory: impl AsRef<Path>) -> Result<Self, Error> {
        let directory = directory.as_ref();
        let read = |name: &str| {
            let path = directory.join(name);
            fs::read(&path).map_err(|error| Error::Identity { path, reason: error.to_string() })
        };
        Self::from_pem(read(CERTIFICATE)?, read(KEY)?)
            .map_err(|error| Error::Identity { path: directory.to_owned(), reason: error.to_string() })
    }

    /// Reads `client.crt` and `client.key` from a directory, or makes them there.
    ///
    /// What is made has the name `user@host`; a directory that is not there is made for this user alone, and so is the
    /// key's file. Several processes may do this at the same time: one of them wins, and all have the winner's
    /// identity. Files that are there are never changed, and none is ever there in part: should the process die between
    /// the two files, the next one completes the pair (the key's file holds a copy of the certificate for that).
    ///
    /// # Errors
    ///
    /// [`Error::Identity`] when only one of the two is there, or when they can be neither read nor written.
    pub fn load_or_create(directory: impl AsRef<Path>) -> Result<Self, Error> {
        create::load_or_create(directory.as_ref())
    }

    pub(crate) fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, Error> {
        CertifiedKey::from_der(chain.clone(), key.clone_key(), &ring::default_provider()).map_err(|error| {
            Error::Certificate(format!("the client's certificate and key do not make an identity: {error}"))
        })?;
        Ok(Self { chain, key: Arc::new(key) })
    }

    /// The SHA-256 by which the server names this client.
    pub fn fingerprint(&self) -> Fingerprint {
        trust::fingerprint(self.certificate())
    }

    /// The certificate in PEM form.
    pub fn certificate_pem(&self) -> String {
        self.chain.iter().map(|certificate| pem::encode("CERTIFICATE", certificate)).collect()
    }

    /// The certificate as `POST /1.0/certificates` wants it: base64 of its DER form, without PEM's lines.
    pub fn certificate_base64(&self) -> String {
        STANDARD.encode(self.certificate())
    }

    /// The private key in PEM form, to be kept somewhere safe.
    pub fn key_pem(&self) -> Secret {
        let label = match &*self.key {
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            _ => "PRIVATE KEY",
        };
        Secret::from(pem::encode(label, self.key.secret_der()))
    }

    /// The client's own certificate: the first of the chain, which is never empty.
    fn certificate(&self) -> &[u8] {
        self.chain.first().map_or(&[], |certificate| certificate)
    }

    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    pub(crate) fn key(&self) -> &PrivateKeyDer<'static> {
        &self.key
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientIdentity({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests;
