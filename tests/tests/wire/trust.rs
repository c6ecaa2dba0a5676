//! A trust token's secret is for one server, and for nobody else.

use lxd_host::ServerTrust;
use lxd_proto::{Error, FailureKind, Fingerprint, Lxd, TrustToken};
use lxd_tests::Lab;
use serde_json::json;

use crate::server::{Fake, IDENTITY, Way};

crate::cases! {
    once: a_token_for_this_server, a_token_for_another_server, another_server_than_the_token_is_for, a_token_without_a_pin;
}

const SECRET: &str = "033827d4f8062da724f420343cb83225";

fn token(fingerprint: Fingerprint) -> TrustToken {
    serde_json::from_value(json!({"client_name": "me", "fingerprint": fingerprint, "secret": SECRET})).unwrap()
}

/// A server that trusts nobody yet.
fn server(way: Way) -> Fake {
    Fake::answering(way, |asked, talk| {
        if asked.method() == "GET" {
            talk.sync(&json!({"auth": "untrusted", "api_extensions": ["explicit_trust_token"]}));
        } else {
            talk.sync(&json!(null));
        }
    })
}

/// Nothing that the server was sent has the secret in it, plain or in the token.
fn assert_unseen(fake: &Fake, token: &TrustToken) {
    for asked in fake.seen() {
        let body = String::from_utf8_lossy(&asked.body);
        assert!(!body.contains(SECRET) && !body.contains(token.encode().expose()), "{body}");
        assert_eq!(asked.method(), "GET");
    }
}

fn a_token_for_this_server<C: Lab>() {
    let fake = server(Way::Tls);
    let token = token(IDENTITY.fingerprint());
    fake.lxd::<C>().certificates().trust("me", token.clone()).send().unwrap();
    let seen = fake.seen();
    assert_eq!(fake.lines(), ["GET /1.0", "POST /1.0/certificates"]);
    assert!(String::from_utf8_lossy(&seen[1].body).contains(token.encode().expose()));
}

/// pylxd: W43.
fn a_token_for_another_server<C: Lab>() {
    let fake = server(Way::Tls);
    let token = token(Fingerprint::from_bytes([7; 32]));
    let failed = fake.lxd::<C>().certificates().trust("me", token.clone()).send().unwrap_err();
    assert!(matches!(failed, Error::Token(_)), "{failed:?}");
    assert!(!format!("{failed} {failed:?}").contains(SECRET));
    assert_unseen(&fake, &token);
}

fn another_server_than_the_token_is_for<C: Lab>() {
    let fake = server(Way::Tls);
    let token = token(Fingerprint::from_bytes([7; 32]));
    let mut remote = fake.remote();
    remote.trust = ServerTrust::Pin(token.fingerprint);
    let failed = C::connect(remote).certificates().trust("me", token).send().unwrap_err();
    let kind = failed.transport().map(|failure| &failure.kind);
    assert!(matches!(kind, Some(FailureKind::WrongCertificate { .. })), "{failed:?}");
    assert!(fake.seen().is_empty());
}

fn a_token_without_a_pin<C: Lab>() {
    // A Unix socket shows no certificate.
    let fake = server(Way::Unix);
    let token = token(IDENTITY.fingerprint());
    let failed = fake.lxd::<C>().certificates().trust("me", token.clone()).send().unwrap_err();
    assert!(matches!(failed, Error::Token(_)), "{failed:?}");
    assert_unseen(&fake, &token);
}
