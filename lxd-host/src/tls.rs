//! The rustls configuration that both adapters use, for HTTP and websockets alike.

use std::{fmt, sync::Arc};

use lxd_proto::{Address, Fingerprint};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme, WantsVerifier,
    client::{
        WantsClientCert,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::{ClientIdentity, Error, ServerTrust, trust};

/// The server's certificate is not the pinned one.
///
/// It travels inside rustls' errors and the adapters' (as [`rustls::Error::Other`]); [`failure`](crate::failure) finds
/// it there again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server's certificate is {found}, but {expected} is pinned")]
pub struct WrongCertificate {
    /// The pinned fingerprint.
    pub expected: Fingerprint,
    /// The fingerprint of the certificate that the server showed.
    pub found: Fingerprint,
}

/// What a client with this trust and this identity uses: TLS 1.2 and 1.3, `http/1.1` only.
pub(crate) fn config(trust: &ServerTrust, identity: Option<&ClientIdentity>) -> Result<ClientConfig, Error> {
    let builder = match trust {
        ServerTrust::Pin(fingerprint) => by_pin(*fingerprint)?,
        ServerTrust::Certificate(der) => by_pin(trust::fingerprint(der))?,
        ServerTrust::Authority(roots) => versions()?.with_root_certificates(authorities(roots)?),
        ServerTrust::System => versions()?.with_root_certificates(system_authorities()?),
    };
    let mut config = match identity {
        Some(identity) => builder
            .with_client_auth_cert(identity.chain().to_vec(), identity.key().clone_key())
            .map_err(|error| Error::Certificate(format!("the client's certificate cannot be used: {error}")))?,
        None => builder.with_no_client_auth(),
    };
    // LXD would choose HTTP/2, which has no upgrade to websockets.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// A configuration that judges a server by its own certificate, and by the proof that it holds the key to it.
pub(crate) fn by_leaf<F>(accept: F) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error>
where
    F: Fn(&[u8]) -> Result<(), rustls::Error> + Send + Sync + 'static,
{
    let verifier = Leaf { accept, algorithms: provider().signature_verification_algorithms };
    Ok(versions()?.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
}

fn by_pin(expected: Fingerprint) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error> {
    by_leaf(move |leaf| {
        let found = trust::fingerprint(leaf);
        if found == expected { Ok(()) } else { Err(OtherError(Arc::new(WrongCertificate { expected, found })).into()) }
    })
}

fn authorities(roots: &[Vec<u8>]) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for root in roots {
        let added = store.add(CertificateDer::from(root.as_slice()));
        added.map_err(|error| Error::Certificate(format!("an authority's certificate cannot be used: {error}")))?;
    }
    Ok(store)
}

/// The system's authorities, without those that cannot be read.
fn system_authorities() -> Result<RootCertStore, Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let why: String = found.errors.iter().map(|error| format!(" ({error})")).collect();
        return Err(Error::Certificate(format!(
            "the system has no authorities to trust{why}; install them (`ca-certificates`), or pin the server's \
             certificate"
        )));
    }
    Ok(store)
}

/// The provider is always named, never the process's default: installing one is the application's affair.
fn provider() -> CryptoProvider {
    ring::default_provider()
}

fn versions() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Certificate(format!("TLS cannot be set up: {error}")))
}

/// Judges the server's own certificate by a function, and the handshake's signatures by rustls' rules.
struct Leaf<F> {
    accept: F,
    algorithms: WebPkiSupportedAlgorithms,
}

impl<F> fmt::Debug for Leaf<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leaf(..)")
    }
}

impl<F> ServerCertVerifier for Leaf<F>
where
    F: Fn(&[u8]) -> Result<(), rustls::Error> + Send + Sync,
{
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        (self.accept)(leaf).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The name that a handshake with this address is about.
pub(crate) fn server_name(address: &Address) -> Result<ServerName<'static>, Error> {
    let Address::Https { host, .. } = address else {
        return Err(Error::Address(format!("{address} has no TLS: it is a Unix socket")));
    };
    // The zone of a link-local address (`fe80::1%eth0`) is known to this machine only.
    let host = host.split('%').next().unwrap_or_default();
    ServerName::try_from(host.to_owned()).map_err(|_| Error::Address(format!("{host:?} is no name of a server")))
}

#[cfg(test)]
mod tests;
