//! A first look at a server.

use std::{io, time::Duration, time::Instant};

use lxd_proto::{Address, Failure, FailureKind, Fingerprint, Phase};
use rustls::{ClientConnection, pki_types::CertificateDer};

use crate::{
    Error, Proxy, ServerTrust,
    dial::{Deadline, Timed},
    failure, pem, tls, trust,
};

/// The certificate that a server showed. Whether it is the right one is for somebody to say who knows its fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCertificate {
    der: Vec<u8>,
}

impl ServerCertificate {
    /// The SHA-256 by which LXD names it, to be compared with what `lxc info` shows on the server.
    pub fn fingerprint(&self) -> Fingerprint {
        trust::fingerprint(&self.der)
    }

    /// The certificate itself, in DER form.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate in PEM form, as `lxc` keeps it in `servercerts`.
    pub fn pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der)
    }

    /// The DNS names in it, for people to look at: LXD puts its machine's host name there.
    pub fn names(&self) -> Vec<String> {
        let der = CertificateDer::from(self.der.as_slice());
        let parsed = webpki::EndEntityCert::try_from(&der);
        parsed.map_or_else(|_| Vec::new(), |parsed| parsed.valid_dns_names().map(Into::into).collect())
    }

    /// The trust in this certificate alone, for whoever found it to be the right one.
    pub fn trust(&self) -> ServerTrust {
        ServerTrust::Pin(self.fingerprint())
    }
}

/// Looks at a server's certificate, for somebody to compare its fingerprint and pin it from then on.
///
/// This is a look and nothing more: any certificate is accepted, and then the connection is closed. No request and no
/// client certificate is sent. It blocks; in async code it belongs into a thread for blocking work.
///
/// # Errors
///
/// [`Error::Address`] for a Unix socket; [`Error::Transport`] when the server cannot be reached or speaks no TLS, or
/// not within the time.
pub fn fetch_certificate(
    address: &Address,
    proxy: Option<&Proxy>,
    timeout: Duration,
) -> Result<ServerCertificate, Error> {
    let name = tls::server_name(address)?;
    let Address::Https { host, port } = address else {
        return Err(Error::Address(format!("{address} has no certificate: it is a Unix socket")));
    };
    let deadline = Instant::now().checked_add(timeout);
    let stream = crate::dial(host, *port, proxy, deadline)?;
    let config = tls::by_leaf(|_| Ok(()))?.with_no_client_auth();
    let mut tls = ClientConnection::new(config.into(), name).map_err(|error| failure(&error))?;
    let mut timed = Timed { stream: &stream, deadline: Deadline(deadline) };
    // This returns when the handshake is over: nothing else is to be sent.
    let shaken = tls.complete_io(&mut timed);
    let der = tls.peer_certificates().and_then(|chain| chain.first()).map(|leaf| leaf.to_vec());
    match (shaken, der) {
        (Ok(_), Some(der)) => {
            tls.send_close_notify();
            // The look is done; the server need not be there any more.
            let _ = tls.complete_io(&mut timed);
            Ok(ServerCertificate { der })
        }
        (Ok(_), None) => Err(Failure::new(FailureKind::Tls, "the server showed no certificate").into()),
        (Err(error), _) => Err(shaking(&error).into()),
    }
}

/// What it means that a handshake ended this way.
fn shaking(error: &io::Error) -> Failure {
    let failure = failure(error);
    match failure.kind {
        FailureKind::Timeout(_) => Failure::new(FailureKind::Timeout(Phase::Connect), failure.message),
        FailureKind::Broken => Failure::new(FailureKind::Tls, format!("in the handshake: {}", failure.message)),
        _ => failure,
    }
}

#[cfg(test)]
mod tests;
