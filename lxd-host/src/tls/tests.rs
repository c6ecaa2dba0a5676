use std::time::{Duration, Instant};

use lxd_proto::{Failure, FailureKind};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd};
use rustls::{
    ClientConnection, StreamOwned,
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

use crate::{
    ClientIdentity, Remote, ServerTrust, dial, failure,
    testing::{certificate, certified, lxd_certificate, refusing_port, serve, serve_plain, serve_with},
    trust::fingerprint,
};

/// Connects, shakes hands, says "hello" and closes.
fn hello(remote: &Remote) -> Result<(), Failure> {
    let lxd_proto::Address::Https { host, port } = &remote.address else { panic!() };
    let deadline = Instant::now() + Duration::from_secs(20);
    let stream = dial(host, *port, remote.proxy.as_ref(), Some(deadline))?;
    let config = remote.tls_config().unwrap();
    let tls = ClientConnection::new(config.into(), remote.server_name().unwrap()).unwrap();
    let mut tls = StreamOwned::new(tls, stream);
    let result = (|| {
        std::io::Write::write_all(&mut tls, b"hello")?;
        tls.conn.send_close_notify();
        tls.conn.complete_io(&mut tls.sock)
    })();
    result.map(drop).map_err(|error| failure(&error))
}

fn remote(port: u16, trust: ServerTrust) -> Remote {
    // `localhost` is not in the certificate: under a pin the name does not matter.
    Remote::https(&format!("localhost:{port}"), trust).unwrap()
}

fn pin(certified: &CertifiedKey) -> ServerTrust {
    ServerTrust::Pin(fingerprint(&certified.cert[0]))
}

#[test]
fn the_pinned_server_is_trusted_whatever_its_names() {
    for versions in [[&TLS12], [&TLS13]] {
        for change in [(|_| {}) as fn(&mut CertificateParams), authority, expired, not_yet_valid, nameless] {
            let server = certificate(change);
            for trust in [pin(&server), ServerTrust::Certificate(server.cert[0].to_vec())] {
                let (port, seen) = serve_with(server.clone(), &versions);
                hello(&remote(port, trust)).unwrap();
                let seen = seen.join().unwrap();
                assert_eq!(seen.sent.unwrap(), b"hello");
                assert_eq!(seen.alpn.unwrap(), b"http/1.1");
                assert_eq!(seen.client, None);
            }
        }
    }
}

fn authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

fn expired(params: &mut CertificateParams) {
    params.not_after = date_time_ymd(2001, 1, 1);
}

fn not_yet_valid(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(3001, 1, 1);
}

fn nameless(params: &mut CertificateParams) {
    params.subject_alt_names.clear();
}

#[test]
fn keys_of_another_kind() {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::default();
    authority(&mut params);
    let server = certified(params.self_signed(&key).unwrap().der().clone(), &key);
    let (port, _) = serve(server.clone());
    hello(&remote(port, pin(&server))).unwrap();
}

#[test]
fn another_server_is_told_nothing_and_both_fingerprints_are_named() {
    let (pinned, server) = (lxd_certificate(), lxd_certificate());
    for versions in [[&TLS12], [&TLS13]] {
        let (port, seen) = serve_with(server.clone(), &versions);
        let failure = hello(&remote(port, pin(&pinned))).unwrap_err();
        let expected = fingerprint(&pinned.cert[0]).to_string();
        let found = fingerprint(&server.cert[0]).to_string();
        assert_eq!(failure.kind, FailureKind::WrongCertificate { expected, found });
        assert!(seen.join().unwrap().sent.is_err());
    }
}

#[test]
fn a_stolen_certificate_is_no_use_without_its_key() {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let mut thief = lxd_certificate();
    thief.key = certified(thief.cert[0].clone(), &key).key;
    for versions in [[&TLS12], [&TLS13]] {
        let (port, seen) = serve_with(thief.clone(), &versions);
        let failure = hello(&remote(port, pin(&thief))).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Tls, "{failure}");
        assert!(seen.join().unwrap().sent.is_err());
    }
}

#[test]
fn an_authority_vouches_for_names() {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::default();
    authority(&mut ca);
    let root = ca.self_signed(&ca_key).unwrap().der().to_vec();
    let issuer = Issuer::new(ca, ca_key);
    let trust = ServerTrust::Authority(vec![root]);
    let signed = |name: &str, change: fn(&mut CertificateParams)| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        certified(params.signed_by(&key, &issuer).unwrap().der().clone(), &key)
    };

    let (port, seen) = serve(signed("localhost", |_| {}));
    hello(&remote(port, trust.clone())).unwrap();
    assert_eq!(seen.join().unwrap().sent.unwrap(), b"hello");

    for wrong in [signed("elsewhere", |_| {}), signed("localhost", expired), lxd_certificate()] {
        let (port, seen) = serve(wrong);
        let failure = hello(&remote(port, trust.clone())).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Tls, "{failure}");
        assert!(seen.join().unwrap().sent.is_err());
    }
}

#[test]
fn no_authority_vouches_for_nobody() {
    let (port, _) = serve(lxd_certificate());
    let failure = hello(&remote(port, ServerTrust::Authority(Vec::new()))).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Tls, "{failure}");
}

#[test]
fn the_system_does_not_vouch_for_lxds_own_certificate() {
    for change in [(|_| {}) as fn(&mut CertificateParams), authority] {
        let (port, _) = serve(certificate(change));
        let remote = remote(port, ServerTrust::System);
        match remote.tls_config() {
            Ok(_) => {
                let failure = hello(&remote).unwrap_err();
                assert_eq!(failure.kind, FailureKind::Tls, "{failure}");
                assert!(failure.message.contains("pin it"), "{failure}");
            }
            // Where the tests run there may be none.
            Err(error) => assert!(error.to_string().contains("no authorities"), "{error}"),
        }
    }
}

#[test]
fn junk_is_no_authority() {
    let remote = remote(1, ServerTrust::Authority(vec![b"junk".to_vec()]));
    assert!(matches!(remote.tls_config(), Err(crate::Error::Certificate(_))));
}

#[test]
fn the_server_sees_the_identity() {
    let identity = ClientIdentity::generate("me@here").unwrap();
    for versions in [[&TLS12], [&TLS13]] {
        let server = lxd_certificate();
        let (port, seen) = serve_with(server.clone(), &versions);
        hello(&remote(port, pin(&server)).identity(identity.clone())).unwrap();
        let seen = seen.join().unwrap();
        assert_eq!(fingerprint(&seen.client.unwrap()), identity.fingerprint());
    }
}

#[test]
fn a_refusing_port_has_nothing_to_do_with_certificates() {
    let refusing = refusing_port();
    let failure = hello(&remote(refusing.port, pin(&lxd_certificate()))).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Connect, "{failure}");
    assert!(!failure.to_string().contains("certificate"), "{failure}");
}

#[test]
fn plain_http_is_no_tls() {
    let (port, _) = serve_plain(|mut stream| {
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        std::io::copy(&mut stream, &mut std::io::sink())
    });
    let failure = hello(&remote(port, pin(&lxd_certificate()))).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Tls, "{failure}");
}
