//! Servers for the tests: TLS on loopback, one connection each.

use std::{
    io::{self, Read},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread::{self, JoinHandle},
};

use lxd_sim::AnyClient;
use rcgen::{CertificateParams, DnType, IsCa, KeyPair, PKCS_ECDSA_P384_SHA384};
use rustls::{
    ServerConfig, ServerConnection, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// A certificate as LXD makes its own: self-signed, no authority, for the host's name and loopback only.
pub(crate) fn lxd_certificate() -> CertifiedKey {
    certificate(|_| {})
}

/// The same, but for something.
pub(crate) fn certificate(change: impl FnOnce(&mut CertificateParams)) -> CertifiedKey {
    let names = ["lxdhost", "127.0.0.1", "::1"].map(String::from);
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "root@lxdhost");
    params.is_ca = IsCa::ExplicitNoCa;
    change(&mut params);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    certified(params.self_signed(&key).unwrap().der().clone(), &key)
}

pub(crate) fn certified(certificate: CertificateDer<'static>, key: &KeyPair) -> CertifiedKey {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    CertifiedKey::new(vec![certificate], ring::sign::any_supported_type(&key).unwrap())
}

/// What a server saw of its client.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The certificate that the client showed.
    pub(crate) client: Option<Vec<u8>>,
    /// Everything that the client sent, if the handshake succeeded.
    pub(crate) sent: io::Result<Vec<u8>>,
    /// The protocol that was agreed on.
    pub(crate) alpn: Option<Vec<u8>>,
}

/// Serves one connection until its client closes it. Returns the port.
pub(crate) fn serve(certified: CertifiedKey) -> (u16, JoinHandle<Seen>) {
    serve_with(certified, rustls::ALL_VERSIONS)
}

pub(crate) fn serve_with(
    certified: CertifiedKey,
    versions: &[&'static SupportedProtocolVersion],
) -> (u16, JoinHandle<Seen>) {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(Arc::new(AnyClient::default()))
        .with_cert_resolver(Arc::new(Always(Arc::new(certified))));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    serve_plain(move |stream| {
        let mut stream = rustls::StreamOwned::new(ServerConnection::new(config.into()).unwrap(), stream);
        let mut sent = Vec::new();
        let sent = stream.read_to_end(&mut sent).map(|_| sent);
        let client = stream.conn.peer_certificates().map(|chain| chain[0].to_vec());
        Seen { client, sent, alpn: stream.conn.alpn_protocol().map(<[u8]>::to_vec) }
    })
}

/// Serves one connection by a function.
pub(crate) fn serve_plain<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, thread::spawn(move || serve(listener.accept().unwrap().0)))
}

/// A port on which nobody listens, as long as this lives.
pub(crate) struct RefusingPort {
    pub(crate) port: u16,
    /// The connection whose own port it is, so that nobody else gets it meanwhile.
    _holds_it: (TcpListener, TcpStream),
}

pub(crate) fn refusing_port() -> RefusingPort {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    RefusingPort { port: stream.local_addr().unwrap().port(), _holds_it: (listener, stream) }
}

/// Shows one certificate, also where rustls would see that it has another key.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}
