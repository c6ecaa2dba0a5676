//! Who the server is, and who the client is.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
};

use lxd_host::{ClientIdentity, Remote, ServerTrust};
use lxd_proto::{Error, Failure, FailureKind, Fingerprint, Lxd};
use lxd_tests::Lab;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::server::{Fake, IDENTITY, LONG, Way, event};

crate::cases! {
    once: a_wrong_certificate, a_refused_port, no_tls, hung_up_in_the_handshake, the_client_shows_itself;
}

/// What a request, a change and a websocket fail with.
fn failures<C: Lab>(lxd: &C) -> [Failure; 3] {
    let events = lxd.events().subscribe().send();
    let failed = [
        lxd.server().get().send().map(drop).unwrap_err(),
        lxd.profile("x").delete().send().map(drop).unwrap_err(),
        events.map(drop).unwrap_err(),
    ];
    failed.map(|error| match error {
        Error::Transport(failure) => *failure,
        error => panic!("{error:?}"),
    })
}

/// pylxd: W09.
fn a_wrong_certificate<C: Lab>() {
    let fake = Fake::new(Way::Tls, |_, mut talk| assert_eq!(talk.rest(), b""));
    let pin = Fingerprint::from_bytes([7; 32]);
    let mut remote = fake.remote();
    remote.trust = ServerTrust::Pin(pin);
    for failure in failures(&C::connect(remote)) {
        let (expected, found) = (pin.to_string(), IDENTITY.fingerprint().to_string());
        assert_eq!(failure.kind, FailureKind::WrongCertificate { expected: expected.clone(), found: found.clone() });
        let text = Error::from(failure).to_string();
        assert!(text.contains(&expected) && text.contains(&found), "{text}");
    }
    assert_eq!(fake.connections(), 3);
    assert!(fake.seen().is_empty());
}

fn a_refused_port<C: Lab>() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let trust = ServerTrust::Pin(IDENTITY.fingerprint());
    let remote = Remote::https(&format!("127.0.0.1:{port}"), trust).unwrap();
    for failure in failures(&C::connect(remote)) {
        assert_eq!(failure.kind, FailureKind::Connect, "{failure}");
        let text = failure.to_string().to_lowercase();
        assert!(text.contains("refused"), "{text}");
        assert!(!text.contains("certificate") && !text.contains("tls") && !text.contains("pin"), "{text}");
    }
}

fn no_tls<C: Lab>() {
    let fake = Fake::new(Way::Tls, |_, mut talk| {
        let _ = talk.raw().write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        talk.keep_silent();
    });
    for failure in failures(&fake.lxd::<C>()) {
        assert_eq!(failure.kind, FailureKind::Tls, "{failure}");
    }
}

fn hung_up_in_the_handshake<C: Lab>() {
    for resets in [false, true] {
        let fake = Fake::new(Way::Tls, move |_, mut talk| {
            // The handshake has begun, so this is no refused connection.
            talk.raw().read_exact(&mut [0]).unwrap();
            if resets {
                talk.reset();
            }
        });
        for failure in failures(&fake.lxd::<C>()) {
            assert_eq!(failure.kind, FailureKind::Tls, "{failure}");
        }
        // Nothing was sent that could be sent again.
        assert_eq!(fake.connections(), 3);
    }
}

fn the_client_shows_itself<C: Lab>() {
    let (shown, certificates) = mpsc::channel();
    let fake = Fake::new(Way::Tls, move |_, mut talk| {
        while let Some(asked) = talk.asked() {
            let certificate = talk.client_certificate().map(|der| Fingerprint::from_bytes(Sha256::digest(der).into()));
            shown.send((asked.target().to_owned(), certificate)).unwrap();
            if asked.header("upgrade").is_some() {
                talk.open_websocket(&asked, &event(1));
            } else {
                talk.sync(&json!({}));
            }
        }
    });
    let identity = ClientIdentity::generate("me").unwrap();
    for (remote, expected) in
        [(fake.remote().identity(identity.clone()), Some(identity.fingerprint())), (fake.remote(), None)]
    {
        let lxd = C::connect(remote);
        lxd.server().get().send().unwrap();
        assert_eq!(certificates.recv_timeout(LONG).unwrap(), ("/1.0".into(), expected));
        let _event = lxd.events().subscribe().send().unwrap().next().unwrap().unwrap();
        assert_eq!(certificates.recv_timeout(LONG).unwrap(), ("/1.0/events".into(), expected));
    }
}
