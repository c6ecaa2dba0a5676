//! The server itself, to those it trusts and to others.

use lxd_proto::{Error, FailureKind, Fingerprint, Lxd, error::ApiErrorKind, resources::InstancesPost};
use lxd_tests::{Lab, Server, env, everywhere, pinned, stranger, unique, with_websockets};
use serde_json::json;

everywhere!(a_trusted_client_sees_everything, its_configuration_is_changed, no_extension_is_taken_for_granted);

/// pylxd: P028, P029.
fn a_trusted_client_sees_everything<C: Lab>(server: &Server<C>) {
    let seen = server.lxd.server().get().send().unwrap();
    assert!(seen.is_trusted() && !seen.is_incus() && !seen.public);
    assert_eq!((seen.api_version.as_str(), seen.api_status.as_str()), ("1.0", "stable"));
    assert_eq!(seen.config["core.https_address"], "127.0.0.1:8443");
    assert!(seen.etag.is_some());
    let environment = &seen.environment;
    assert_eq!((environment.server.as_str(), environment.project.as_str()), ("lxd", "default"));
    assert_eq!(environment.addresses, ["127.0.0.1:8443"]);
    assert_eq!(environment.storage, "dir");
    assert!(environment.storage_supported_drivers.iter().any(|driver| driver.name == "dir" && !driver.remote));
    assert!(environment.certificate.starts_with("-----BEGIN CERTIFICATE-----"));
    let pin = pinned(&env("LXD_TEST_HTTPS")).trust.pin().unwrap();
    assert_eq!(environment.certificate_fingerprint.parse::<Fingerprint>().unwrap(), pin);
}

/// pylxd: P032, P033.
fn no_extension_is_taken_for_granted<C: Lab>(server: &Server<C>) {
    let seen = server.lxd.server().get().send().unwrap();
    assert!(seen.has_extension("instance_file_head"));
    assert_eq!(seen.require("instance_file_head"), Ok(()));
    assert_eq!(seen.require("telepathy"), Err(Error::MissingExtension("telepathy")));
}

/// pylxd: P307.
fn its_configuration_is_changed<C: Lab>(server: &Server<C>) {
    // A key of its own, because other tests change others at the same time.
    let key = format!("user.{}", unique("key"));
    let one = server.lxd.server();
    let old = one.get().send().unwrap();
    one.patch(|p| p.config = Some([(key.clone(), json!("patched"))].into())).wait().send().unwrap();
    assert_eq!(one.get().send().unwrap().config[&key], "patched");

    let refused = one
        .patch(|p| p.config = Some([(key.clone(), json!("too late"))].into()))
        .if_match(old.etag.clone())
        .wait()
        .send();
    assert!(refused.unwrap_err().is_precondition_failed());
    let refused = one.replace(old.writable().unwrap()).if_match(old.etag.clone()).wait().send();
    assert!(refused.unwrap_err().is_precondition_failed());

    let (edited, removed) = (key.clone(), key.clone());
    one.edit(move |server| drop(server.config.insert(edited.clone(), "edited".into()))).send().unwrap();
    assert_eq!(one.get().send().unwrap().config[&key], "edited");
    // LXD keeps a key of the user's that is left out; an empty one is removed.
    one.edit(move |server| drop(server.config.insert(removed.clone(), "".into()))).send().unwrap();
    let new = one.get().send().unwrap();
    assert!(!new.config.contains_key(&key));
    assert_eq!(new.config["core.https_address"], "127.0.0.1:8443");
}

mod over_https {
    use super::*;

    with_websockets!(a_stranger_sees_little, a_wrong_certificate_is_refused);

    /// pylxd: P027, P029, P057.
    fn a_stranger_sees_little<C: Lab>(_: &Server<C>) {
        let lxd = Server::<C>::at(pinned(&env("LXD_TEST_HTTPS")).identity(stranger())).lxd;
        let seen = lxd.server().get().send().unwrap();
        assert_eq!(seen.auth, "untrusted");
        assert!(!seen.is_trusted() && !seen.is_incus());
        assert!(seen.has_extension("instance_file_head"));
        assert!(seen.config.is_empty() && seen.environment.server.is_empty());

        let refused = lxd.instances().list().send().unwrap_err();
        assert_eq!(refused.api(), Some(ApiErrorKind::Forbidden), "{refused}");
        assert!(refused.to_string().contains("GET /1.0/instances"), "{refused}");
        let refused = lxd.instances().create(InstancesPost::empty("mine")).wait().send().unwrap_err();
        assert_eq!(refused.api(), Some(ApiErrorKind::Forbidden), "{refused}");
        let refused = lxd.events().subscribe().send().err().unwrap();
        assert_eq!(refused.api(), Some(ApiErrorKind::Forbidden), "{refused}");
    }

    /// pylxd: P022.
    /// pylxd: W09.
    fn a_wrong_certificate_is_refused<C: Lab>(_: &Server<C>) {
        let mut remote = pinned(&env("LXD_TEST_HTTPS"));
        remote.trust = pinned(&env("LXD_TEST_HTTPS2")).trust;
        let lxd = Server::<C>::at(remote).lxd;
        let wrong = |error: &Error| {
            let kind = &error.transport().expect("the transport's failure").kind;
            assert!(matches!(kind, FailureKind::WrongCertificate { .. }), "{kind:?}");
        };
        wrong(&lxd.server().get().send().unwrap_err());
        wrong(&lxd.events().subscribe().send().err().unwrap());
    }
}
