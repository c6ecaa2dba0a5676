use std::io::{Read, Write, sink};

use super::*;
use crate::testing::{certificate, lxd_certificate, refusing_port, serve, serve_plain};

const LONG: Duration = Duration::from_secs(20);

fn at(port: u16) -> Address {
    Address::Https { host: "localhost".into(), port }
}

fn kind(result: Result<ServerCertificate, Error>) -> FailureKind {
    let Err(Error::Transport(failure)) = result else { panic!("{result:?}") };
    failure.kind
}

#[test]
fn a_look_shows_the_certificate_and_sends_nothing() {
    let server = certificate(|params| params.not_after = rcgen::date_time_ymd(2001, 1, 1));
    let (port, seen) = serve(server.clone());
    let certificate = fetch_certificate(&at(port), None, LONG).unwrap();
    assert_eq!(certificate.der(), server.cert[0].as_ref());
    assert_eq!(certificate.names(), ["lxdhost"]);
    assert_eq!(certificate.trust().pin(), Some(certificate.fingerprint()));
    assert_eq!(ServerTrust::certificate_pem(certificate.pem()).unwrap().pin(), certificate.trust().pin());
    let seen = seen.join().unwrap();
    assert_eq!(seen.client, None);
    assert_eq!(seen.sent.unwrap(), b"");
}

#[test]
fn what_is_pinned_after_a_look_is_trusted() {
    let server = lxd_certificate();
    let (port, _) = serve(server.clone());
    let trust = fetch_certificate(&at(port), None, LONG).unwrap().trust();
    assert_eq!(trust, ServerTrust::Pin(trust::fingerprint(&server.cert[0])));
}

#[test]
fn a_refusing_port_is_no_matter_of_certificates() {
    let refusing = refusing_port();
    let error = fetch_certificate(&at(refusing.port), None, LONG).unwrap_err();
    assert!(!error.to_string().contains("certificate"), "{error}");
    assert_eq!(kind(Err(error)), FailureKind::Connect);
}

#[test]
fn a_server_without_tls() {
    let (port, _) = serve_plain(|mut stream| {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        io::copy(&mut stream, &mut sink())
    });
    assert_eq!(kind(fetch_certificate(&at(port), None, LONG)), FailureKind::Tls);
}

#[test]
fn a_server_that_hangs_up() {
    let (port, _) = serve_plain(|mut stream| stream.read(&mut [0; 1 << 14]).map(drop));
    assert_eq!(kind(fetch_certificate(&at(port), None, LONG)), FailureKind::Tls);
}

#[test]
fn a_silent_server_is_left_in_time() {
    let (port, silent) = serve_plain(|mut stream| io::copy(&mut stream, &mut sink()));
    let result = fetch_certificate(&at(port), None, Duration::from_millis(50));
    assert_eq!(kind(result), FailureKind::Timeout(Phase::Connect));
    silent.join().unwrap().unwrap();
}

#[test]
fn a_unix_socket_has_none() {
    let error = fetch_certificate(&Address::Unix("/x".into()), None, LONG).unwrap_err();
    assert!(matches!(error, Error::Address(_)), "{error}");
}
