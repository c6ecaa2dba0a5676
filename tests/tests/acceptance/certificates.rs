//! Who is trusted, and becoming so.

use lxd_host::ClientIdentity;
use lxd_proto::{
    Error, Lxd, Proof, Secret,
    error::ApiErrorKind,
    resources::{CertificatePatch, CertificateType, CertificatesPost},
};
use lxd_tests::{Lab, Server, env, everywhere, pinned, secret, stranger, trusted, unique, with_websockets};

everywhere!(are_listed, are_added_changed_and_removed);

/// pylxd: P252, P253, P258.
fn are_listed<C: Lab>(server: &Server<C>) {
    let fingerprint = trusted().fingerprint().to_string();
    let certificates = server.lxd.certificates();
    assert!(certificates.names().send().unwrap().contains(&fingerprint));
    assert!(certificates.list().send().unwrap().iter().any(|certificate| certificate.fingerprint == fingerprint));
    let got = certificates.get(&fingerprint).send().unwrap();
    assert_eq!(got.certificate.trim(), trusted().certificate_pem().trim());
    assert_eq!((&got.kind, got.restricted), (&CertificateType::Client, false));
    assert_eq!(certificates.get(&fingerprint[..12]).send().unwrap().fingerprint, fingerprint);
    assert!(certificates.get(&"0".repeat(64)).send().unwrap_err().is_not_found());
}

/// pylxd: P254, P256, P257, P258.
fn are_added_changed_and_removed<C: Lab>(server: &Server<C>) {
    let (identity, name) = (stranger(), unique("added"));
    let mut post = CertificatesPost::client(&name);
    post.certificate = Some(identity.certificate_base64());
    let created = server.lxd.certificates().create(post.clone()).wait().send().unwrap();
    assert_eq!(created.name, identity.fingerprint().to_string());
    assert!(server.lxd.certificates().create(post).wait().send().is_err());

    let certificate = server.lxd.certificate(identity.fingerprint().to_string());
    let made = certificate.get().send().unwrap();
    assert_eq!((made.name.as_str(), made.restricted), (&*name, false));
    certificate.edit(|certificate| certificate.name = "edited".into()).send().unwrap();
    assert_eq!(certificate.get().send().unwrap().name, "edited");
    let patch = |patch: &mut CertificatePatch| {
        patch.name = Some("patched".into());
        patch.restricted = Some(true);
        patch.projects = Some(vec!["default".into()]);
    };
    certificate.patch(patch).wait().send().unwrap();
    let patched = certificate.get().send().unwrap();
    assert_eq!(
        (patched.name.as_str(), patched.restricted, &*patched.projects),
        ("patched", true, &["default".into()][..])
    );
    let mut put = certificate.get().send().unwrap().writable().unwrap();
    put.projects.clear();
    certificate.replace(put).wait().send().unwrap();
    assert!(certificate.get().send().unwrap().projects.is_empty());
    let late = certificate.patch(|p| p.name = Some("late".into())).if_match(made.etag.clone()).wait().send();
    assert!(late.unwrap_err().is_precondition_failed());
    certificate.delete().wait().send().unwrap();
    assert!(certificate.get().send().unwrap_err().is_not_found());
    assert!(certificate.delete().wait().send().unwrap_err().is_not_found());
}

mod over_https {
    use super::*;

    with_websockets!(
        trusted_by_password,
        trusted_by_token,
        a_certificate_is_added_with_a_password,
        a_token_is_for_some_projects,
        a_token_is_revoked,
        a_token_is_for_its_own_server,
        who_is_removed_is_a_stranger_again,
    );

    fn guest<C: Lab>(identity: &ClientIdentity) -> C {
        Server::at(pinned(&env("LXD_TEST_HTTPS")).identity(identity.clone())).lxd
    }

    fn is_trusted<C: Lab>(lxd: &C) -> bool {
        let trusted = lxd.server().get().send().unwrap().is_trusted();
        match lxd.instances().names().send() {
            Ok(_) => assert!(trusted),
            Err(refused) => assert!(!trusted && refused.api() == Some(ApiErrorKind::Forbidden), "{refused}"),
        }
        trusted
    }

    /// pylxd: P034.
    fn trusted_by_password<C: Lab>(server: &Server<C>) {
        let (identity, name) = (stranger(), unique("password"));
        let lxd: C = guest(&identity);
        let password = |text: &str| Proof::Password(Secret::new(text));
        let wrong = "not the password at all";
        secret(wrong);
        let refused = lxd.certificates().trust(&name, password(wrong)).send().unwrap_err();
        assert_eq!(refused.api(), Some(ApiErrorKind::Forbidden), "{refused}");
        assert!(!format!("{refused} {refused:?}").contains(wrong));
        assert!(!is_trusted(&lxd));

        let right = env("LXD_TEST_PASSWORD");
        secret(&right);
        lxd.certificates().trust(&name, password(&right)).send().unwrap();
        assert!(is_trusted(&lxd));
        let certificate = server.lxd.certificate(identity.fingerprint().to_string());
        assert_eq!(certificate.get().send().unwrap().name, name);
        // Who is trusted already needs no proof.
        lxd.certificates().trust(&name, password(wrong)).send().unwrap();
        certificate.delete().wait().send().unwrap();
    }

    /// pylxd: P035, P036, P255.
    fn trusted_by_token<C: Lab>(server: &Server<C>) {
        let name = unique("token");
        let token = server.lxd.certificates().token(&name).send().unwrap();
        secret(token.secret.expose());
        secret(token.encode().expose());
        assert_eq!(token.client_name, name);
        assert_eq!(token.addresses, ["127.0.0.1:8443"]);
        // As a person would carry it over.
        let carried: lxd_proto::TrustToken = token.encode().expose().parse().unwrap();
        assert_eq!(carried, token.token);

        let identity = stranger();
        let lxd: C = guest(&identity);
        assert!(!is_trusted(&lxd));
        lxd.certificates().trust(&name, carried).send().unwrap();
        assert!(is_trusted(&lxd));
        let certificate = server.lxd.certificate(identity.fingerprint().to_string());
        assert_eq!(certificate.get().send().unwrap().name, name);
        // A second time it is trusted already; for somebody else the token is used up.
        lxd.certificates().trust(&name, token.clone()).send().unwrap();
        let other: C = guest(&stranger());
        let refused = other.certificates().trust(&name, token).send().unwrap_err();
        assert_eq!(refused.api(), Some(ApiErrorKind::Forbidden), "{refused}");
        assert!(!is_trusted(&other));
        certificate.delete().wait().send().unwrap();
    }

    /// Somebody who is not trusted has somebody else trusted, and knows the password.
    ///
    /// pylxd: P254.
    fn a_certificate_is_added_with_a_password<C: Lab>(server: &Server<C>) {
        let (identity, name) = (stranger(), unique("by-password"));
        let password = env("LXD_TEST_PASSWORD");
        secret(&password);
        let mut post = CertificatesPost::client(&name);
        post.certificate = Some(identity.certificate_base64());
        let lxd: C = guest(&stranger());
        assert!(lxd.certificates().create(post.clone()).wait().send().is_err());
        post.password = Some(password.into());
        let created = lxd.certificates().create(post).wait().send().unwrap();
        assert_eq!(created.name, identity.fingerprint().to_string());
        assert!(is_trusted(&guest::<C>(&identity)));
        assert!(!is_trusted(&lxd));
        let certificate = server.lxd.certificate(created.name);
        assert_eq!(certificate.get().send().unwrap().name, name);
        certificate.delete().wait().send().unwrap();
        // A server without tokens of their own is not sent one.
        let mut post = CertificatesPost::client(&name);
        post.trust_token = Some("token".into());
        let error = server.lxd.certificates().create(post).wait().send().unwrap_err();
        assert_eq!(error, Error::MissingExtension("explicit_trust_token"));
    }

    /// pylxd: P255.
    fn a_token_is_for_some_projects<C: Lab>(server: &Server<C>) {
        let (project, name) = (server.project("restricted"), unique("restricted"));
        let token = server.lxd.certificates().token(&name).restricted_to([&project.name]).send().unwrap();
        secret(token.secret.expose());
        secret(token.encode().expose());
        // 5.0.2 has no tokens that end.
        assert!(token.expires_at.is_unset());
        let identity = stranger();
        let lxd: C = guest(&identity);
        lxd.certificates().trust(&name, token).send().unwrap();
        let certificate = server.lxd.certificate(identity.fingerprint().to_string());
        let trusted = certificate.get().send().unwrap();
        assert_eq!((trusted.restricted, &trusted.projects), (true, &vec![project.name.clone()]));
        assert_eq!(lxd.projects().names().send().unwrap(), [&*project.name]);
        lxd.project(&project.name).instances().names().send().unwrap();
        let elsewhere = lxd.instances().names().send().unwrap_err();
        assert_eq!(elsewhere.api(), Some(ApiErrorKind::Forbidden), "{elsewhere:?}");
        certificate.delete().wait().send().unwrap();
    }

    /// pylxd: P255.
    fn a_token_is_revoked<C: Lab>(server: &Server<C>) {
        let name = unique("revoked");
        let token = server.lxd.certificates().token(&name).send().unwrap();
        secret(token.secret.expose());
        secret(token.encode().expose());
        server.lxd.operation(token.operation.clone()).cancel().wait().send().unwrap();
        let lxd: C = guest(&stranger());
        let refused = lxd.certificates().trust(&name, token).send().unwrap_err();
        assert_eq!(refused.api(), Some(ApiErrorKind::Forbidden), "{refused}");
        assert!(!is_trusted(&lxd));
    }

    /// pylxd: P035.
    /// pylxd: W43.
    fn a_token_is_for_its_own_server<C: Lab>(server: &Server<C>) {
        let token = server.lxd.certificates().token(unique("astray")).send().unwrap();
        secret(token.secret.expose());
        let two = Server::<C>::at(pinned(&env("LXD_TEST_HTTPS2")).identity(stranger())).lxd;
        let refused = two.certificates().trust("astray", token.clone()).send().unwrap_err();
        assert!(matches!(refused, Error::Token(_)), "{refused}");
        assert!(!is_trusted(&two));
        // It was not used up.
        let identity = stranger();
        let one: C = guest(&identity);
        one.certificates().trust("astray", token).send().unwrap();
        assert!(is_trusted(&one));
        server.lxd.certificate(identity.fingerprint().to_string()).delete().wait().send().unwrap();
    }

    fn who_is_removed_is_a_stranger_again<C: Lab>(server: &Server<C>) {
        let identity = stranger();
        let lxd: C = guest(&identity);
        assert!(!is_trusted(&lxd));
        let mut post = CertificatesPost::client(unique("removed"));
        post.certificate = Some(identity.certificate_base64());
        server.lxd.certificates().create(post).wait().send().unwrap();
        assert!(is_trusted(&lxd));
        // One is allowed to remove oneself.
        lxd.certificate(identity.fingerprint().to_string()).delete().wait().send().unwrap();
        assert!(!is_trusted(&lxd));
    }
}
