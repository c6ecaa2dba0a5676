//! The ways to a real server: found, named, by address; what clients show and believe, and what they keep.

use std::time::Duration;

use lxd_host::{ClientIdentity, Remote, ServerTrust, Timeouts, fetch_certificate};
use lxd_proto::{Address, Error, FailureKind, Lxd, error::ApiErrorKind, resources::ProfilesPost};
use lxd_tests::{Lab, Server, child, env, everywhere, lxc_directory, pinned, trusted, unique, with_websockets};

everywhere!(ask_nothing_before_they_are_asked, know_their_project, have_typed_errors, have_every_collection);

/// pylxd: P004, P010, P011, P027, P028, P029, P030.
/// pylxd: W31.
fn ask_nothing_before_they_are_asked<C: Lab>(server: &Server<C>) {
    // A client for a server that isn't there can be made; the first call tells.
    let absent = C::connect(Remote::unix("/nonexistent/unix.socket"));
    let failed = absent.server().get().send().unwrap_err();
    // The transport of one's own knows one kind.
    assert!(C::NAME == "own" || failed.transport().unwrap().kind == FailureKind::Connect, "{failed}");
    assert!(C::NAME == "own" || failed.to_string().contains("/nonexistent/unix.socket"), "{failed}");

    // What the server said is not kept: each call asks again.
    let name = unique("fresh");
    let other = C::connect(server.remote.clone());
    let key = format!("user.{name}");
    assert!(!other.server().get().send().unwrap().config.contains_key(&key));
    let set = |value: &str| [(key.clone(), value.into())].into();
    server.lxd.server().patch(|server| server.config = Some(set("1"))).wait().send().unwrap();
    let seen = other.server().get().send().unwrap();
    assert_eq!(seen.config[&key], "1");
    assert!(seen.is_trusted() && !seen.environment.server_clustered);
    server.lxd.server().patch(|server| server.config = Some(set(""))).wait().send().unwrap();
}

/// pylxd: P025, P037, P102.
fn know_their_project<C: Lab>(server: &Server<C>) {
    let project = server.project("clients");
    let inside = server.lxd.project(&project.name);
    inside.profiles().create(ProfilesPost::new("inside")).wait().send().unwrap();
    assert_eq!(inside.server().get().send().unwrap().environment.project, project.name);
    // The client that it was made of is in the project that it was in.
    assert!(server.lxd.profile("inside").get().send().unwrap_err().is_not_found());
    assert_eq!(server.lxd.project(&project.name).profile("inside").at(), inside.profile("inside").at());
    assert_eq!(
        inside.profile("inside").get().send().unwrap().value,
        project.lxd.profile("inside").get().send().unwrap().value
    );
    let nowhere = server.lxd.project(unique("none")).profiles().names().send().unwrap_err();
    assert!(nowhere.is_not_found(), "{nowhere}");
}

/// pylxd: P080, P081, P082, P083, P084, P086.
/// pylxd: W25.
fn have_typed_errors<C: Lab>(server: &Server<C>) {
    let lxd = &server.lxd;
    let name = unique("errors");
    let missing = lxd.profile(&name).get().send().unwrap_err();
    assert!(missing.is_not_found());
    assert!(missing.to_string().starts_with(&format!("GET /1.0/profiles/{name}: ")), "{missing}");
    lxd.profiles().create(ProfilesPost::new(&name)).wait().send().unwrap();
    let double = lxd.profiles().create(ProfilesPost::new(&name)).wait().send().unwrap_err();
    assert_eq!(double.api(), Some(ApiErrorKind::Other), "500 on 5.0.2, 409 later: {double}");
    let taken = lxd.profile("default").rename(&name).wait().send().unwrap_err();
    assert!(matches!(taken.api(), Some(ApiErrorKind::Forbidden | ApiErrorKind::Conflict)), "{taken}");
    lxd.profile(&name).delete().wait().send().unwrap();

    // Before anything is sent.
    assert!(matches!(lxd.profile("..").get().send(), Err(Error::InvalidName { .. })));
    assert!(matches!(lxd.profile("").delete().send(), Err(Error::InvalidName { .. })));
    let lacking = lxd.images().list().all_projects().send().unwrap_err();
    assert_eq!(lacking, Error::MissingExtension("images_all_projects"));
    // Anyway: 5.0.2 takes no notice of what it does not know.
    lxd.unchecked().images().list().all_projects().send().unwrap();
}

/// pylxd: P038, P104, P105, P107.
fn have_every_collection<C: Lab>(server: &Server<C>) {
    let lxd = &server.lxd;
    assert!(!lxd.certificates().names().send().unwrap().is_empty());
    assert!(!lxd.images().names().send().unwrap().is_empty());
    assert!(lxd.profiles().names().send().unwrap().contains(&"default".into()));
    assert_eq!(lxd.profiles().get("default").send().unwrap().name, "default");
    lxd.instances().names().send().unwrap();
    lxd.operations().names().send().unwrap();
}

mod found {
    use super::*;

    with_websockets!(by_the_environment, by_their_name, by_their_address);

    /// pylxd: P012, P013, P016.
    fn by_the_environment<C: Lab>(_: &Server<C>) {
        if let Some(expected) = child::about() {
            let remote = Remote::local().unwrap();
            assert_eq!(remote.address, Address::Unix(expected));
            assert!(C::connect(remote).server().get().send().unwrap().is_trusted());
            return;
        }
        let socket = env("LXD_TEST_UNIX");
        let mut by_socket = child::again(&socket);
        by_socket.env("LXD_SOCKET", &socket).env("LXD_DIR", "/nonexistent");
        child::assert_passes(by_socket);
        let mut by_directory = child::again(&socket);
        by_directory.env("LXD_DIR", socket.strip_suffix("/unix.socket").unwrap());
        child::assert_passes(by_directory);
    }

    /// pylxd: P020, P023.
    /// pylxd: W44.
    fn by_their_name<C: Lab>(_: &Server<C>) {
        if child::is_one() {
            let prod = C::connect(Remote::named("prod").unwrap());
            assert!(prod.server().get().send().unwrap().is_trusted());
            prod.events().subscribe().send().unwrap();
            let adapters =
                [lxd_ureq::Client::from_remote("prod").map(drop), lxd_reqwest::Client::from_remote("prod").map(drop)];
            assert!(adapters.iter().all(Result::is_ok), "{adapters:?}");
            return;
        }
        let yaml = format!("remotes:\n  prod:\n    addr: {}\n    protocol: lxd\n", env("LXD_TEST_HTTPS"));
        let directory = lxc_directory(&yaml, &["prod"]);
        let mut named = child::again("it");
        named.env("LXD_CONF", &directory).env("LXD_GLOBAL_CONF", "/nonexistent");
        child::assert_passes(named);
    }

    /// pylxd: P009, P014, P015, P017, P018, P019, P021, P022, P026, P041.
    /// pylxd: W09, W10, W45.
    fn by_their_address<C: Lab>(_: &Server<C>) {
        let https = env("LXD_TEST_HTTPS");
        let pin = pinned(&https).trust;
        // With a slash too many, or without a scheme.
        for address in [https.clone(), format!("{https}/"), https.replace("https://", "")] {
            let remote = Remote::https(&address, pin.clone()).unwrap().identity(trusted());
            assert!(C::connect(remote).server().get().send().unwrap().is_trusted(), "{address}");
        }
        for address in ["http://127.0.0.1:8443", "https://[::1:8443", "ftp://host", "", "https://host:port"] {
            let refused = Remote::https(address, pin.clone()).unwrap_err().to_string();
            assert!(refused.contains("is not a server's address"), "{refused}");
        }
        // Made here, and unknown there.
        let made = Remote::https(&https, pin.clone()).unwrap().identity(ClientIdentity::generate("made").unwrap());
        assert!(!C::connect(made).server().get().send().unwrap().is_trusted());

        // LXD's own certificate is signed by nobody: only its pin vouches for it, on websockets too.
        for trust in [ServerTrust::System, ServerTrust::authority_pem(trusted().certificate_pem()).unwrap()] {
            let lxd = C::connect(Remote::https(&https, trust).unwrap().identity(trusted()));
            assert_eq!(lxd.server().get().send().unwrap_err().transport().unwrap().kind, FailureKind::Tls);
            assert_eq!(lxd.events().subscribe().send().err().unwrap().transport().unwrap().kind, FailureKind::Tls);
        }
        let pem = fetch_certificate(&https.parse().unwrap(), None, Duration::from_secs(10)).unwrap().pem();
        let by_certificate = Remote::https(&https, ServerTrust::certificate_pem(pem).unwrap()).unwrap();
        C::connect(by_certificate.identity(trusted())).events().subscribe().send().unwrap();
    }
}

mod limited {
    use super::*;

    with_websockets!(by_time);

    /// pylxd: P024, P044.
    /// pylxd: W23.
    fn by_time<C: Lab>(server: &Server<C>) {
        // What waits on purpose is not limited: the container takes longer to be stopped than any answer may.
        let container = server.stubborn("slow");
        let timeouts = Timeouts { total: Some(Duration::from_secs(5)), ..Timeouts::default() };
        let hasty = C::connect(server.remote.clone().timeouts(timeouts));
        let stop = hasty.instance(container.name()).stop().within(Duration::from_secs(7)).wait().send();
        assert!(stop.unwrap_err().operation().is_some(), "the operation itself fails, and not its client");
        hasty.server().get().send().unwrap();
    }
}
