use lxd_proto::Address;

use super::*;
use crate::{pem, testing, trust::fingerprint};

const YAML: &str = "
default-remote: prod
remotes:
  prod:
    addr: https://10.0.0.1:8443
    auth_type: tls
    project: web
    protocol: lxd
    public: false
  pub: {addr: 'https://pub.example', public: true, project: null, protocol: ~}
  images: {addr: 'https://images.example', protocol: simplestreams, public: true}
  sso: {addr: 'https://sso.example:8443', auth_type: oidc}
  socket: {addr: 'unix:/run/x.socket'}
  slashes: {addr: 'unix:///run/y.socket'}
  plain: {addr: 'http://x'}
  ../x: {addr: 'https://evil.example'}
  a/b: {addr: 'https://evil.example'}
  ..: {addr: 'https://evil.example'}
aliases:
  ls: list
";

fn reason(config: &Config, name: &str) -> String {
    config.remote(name).unwrap_err().to_string()
}

#[test]
fn remotes_of_a_text() {
    let config = Config::parse(YAML).unwrap();
    assert_eq!(config.default_remote(), "prod");
    let prod = config.remote("prod").unwrap();
    assert_eq!(prod.address, Address::Https { host: "10.0.0.1".into(), port: 8443 });
    assert_eq!(prod.scope.project.as_deref(), Some("web"));
    assert_eq!(prod.trust, ServerTrust::System);
    assert!(prod.identity.is_none() && prod.proxy.is_none());
    assert_eq!(config.remote("pub").unwrap().scope.project, None);
    assert_eq!(config.remote("socket").unwrap().address, Address::Unix("/run/x.socket".into()));
    assert_eq!(config.remote("slashes").unwrap().address, Address::Unix("/run/y.socket".into()));
    assert!(config.remotes().any(|(name, remote)| name == "local" && remote.addr == "unix://"));
}

#[test]
fn what_cannot_be_used_says_why() {
    let config = Config::parse(YAML).unwrap();
    assert!(reason(&config, "images").contains("image server"));
    assert!(reason(&config, "sso").contains("OIDC"));
    assert!(reason(&config, "plain").contains("only unix: and https:"));
    let unknown = reason(&config, "prd");
    assert!(unknown.contains("\"prd\"") && unknown.contains("local, plain, prod"), "{unknown}");
}

#[test]
fn empty_and_junk() {
    for empty in ["", "---\n", "remotes:\n", "{}", "# nothing\n", "default-remote: null"] {
        let config = Config::parse(empty).unwrap();
        assert_eq!(config.default_remote(), "local");
        assert_eq!(config.remotes().map(|(name, _)| name).collect::<Vec<_>>(), ["local"], "{empty:?}");
    }
    for junk in ["x", "[1, 2]", "remotes: 1", "remotes: {x: 1}", "remotes: {x: {addr: [1]}}", "a: [", "\0", "*a", "\t:"]
    {
        let error = Config::parse(junk).unwrap_err();
        assert!(error.to_string().starts_with("config.yml: "), "{junk:?}: {error}");
    }
}

#[test]
fn a_missing_file_is_an_empty_one_and_a_broken_one_is_named() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(Config::read(home.path(), None).unwrap().remotes().count(), 1);
    assert_eq!(Config::read(home.path().join("no"), Some(home.path().join("no"))).unwrap().remotes().count(), 1);
    let file = home.path().join("config.yml");
    fs::write(&file, "remotes: 1").unwrap();
    let error = Config::read(home.path(), None).unwrap_err();
    assert!(error.to_string().starts_with(file.to_str().unwrap()), "{error}");
}

/// A directory with these files in it.
fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("servercerts")).unwrap();
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

fn some_pem() -> (String, Vec<u8>) {
    let der = testing::lxd_certificate().cert[0].to_vec();
    (pem::encode("CERTIFICATE", &der), der)
}

#[test]
fn certificates_beside_it() {
    let (pinned, der) = some_pem();
    let identity = ClientIdentity::generate("me@here").unwrap();
    let (certificate, key) = (identity.certificate_pem(), identity.key_pem());
    let files = [
        ("config.yml", YAML),
        ("servercerts/prod.crt", &pinned),
        ("client.crt", &certificate),
        ("client.key", key.expose()),
    ];
    let home = directory(&files);
    let config = Config::read(home.path(), None).unwrap();
    let prod = config.remote("prod").unwrap();
    assert_eq!(prod.trust, ServerTrust::Certificate(der.clone()));
    assert_eq!(prod.trust.pin(), Some(fingerprint(&der)));
    assert_eq!(prod.identity.unwrap().fingerprint(), identity.fingerprint());
    let public = config.remote("pub").unwrap();
    assert_eq!(public.trust, ServerTrust::System);
    assert!(public.identity.is_none());
    assert!(config.remote("socket").unwrap().identity.is_none());

    fs::write(home.path().join("client.ca"), &pinned).unwrap();
    assert_eq!(config.remote("pub").unwrap().trust, ServerTrust::Authority(vec![der.clone()]));
    assert_eq!(config.remote("prod").unwrap().trust, ServerTrust::Certificate(der));

    fs::remove_file(home.path().join("client.key")).unwrap();
    assert!(matches!(config.remote("prod"), Err(Error::Identity { .. })));
    fs::write(home.path().join("servercerts/prod.crt"), "junk").unwrap();
    assert!(reason(&config, "prod").contains("servercerts/prod.crt: "));
}

#[test]
fn names_lead_nowhere() {
    let (stray, _) = some_pem();
    let home = directory(&[("config.yml", YAML), ("x.crt", &stray), (".crt", &stray)]);
    let config = Config::read(home.path(), None).unwrap();
    for name in ["../x", "a/b", ".."] {
        assert!(reason(&config, name).contains("cannot be the name of a file"), "{name}");
    }
    for name in ["", ".", "..", "a\\b", "a\0b", "c:x"] {
        assert!(!is_file_name(name), "{name}");
    }
}

#[test]
fn what_all_users_have_lies_beneath() {
    let (pinned, der) = some_pem();
    let ours = directory(&[("config.yml", "remotes: {prod: {addr: 'https://ours'}}")]);
    let all = "default-remote: shared\nremotes: {prod: {addr: 'https://all'}, shared: {addr: 'https://shared'}}";
    let everybodys = directory(&[("config.yml", all), ("servercerts/shared.crt", &pinned)]);
    fs::write(ours.path().join("servercerts/shared.crt"), "junk").unwrap();
    let config = Config::read(ours.path(), Some(everybodys.path().into())).unwrap();
    assert_eq!(config.default_remote(), "local");
    let prod = config.remote("prod").unwrap();
    assert_eq!(prod.address.to_string(), "https://ours:8443");
    let shared = config.remote("shared").unwrap();
    assert_eq!(shared.address.to_string(), "https://shared:8443");
    assert_eq!(shared.trust, ServerTrust::Certificate(der));
}

#[test]
fn directories() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_str().unwrap().to_owned();
    let find = |conf: Option<&str>| {
        let conf = conf.map(str::to_owned);
        Config::directory(|name| match name {
            "LXD_CONF" => conf.clone(),
            "HOME" => Some(path.clone()),
            _ => None,
        })
        .unwrap()
    };
    let (own, snap) = (home.path().join(".config/lxc"), home.path().join("snap/lxd/common/config"));
    assert_eq!(find(None), own);
    fs::create_dir_all(&snap).unwrap();
    assert_eq!(find(None), snap);
    fs::create_dir_all(&own).unwrap();
    assert_eq!(find(None), own);
    assert_eq!(find(Some("/conf")), Path::new("/conf"));
    assert_eq!(find(Some("")), own);
    assert!(Config::directory(|_| None).unwrap_err().to_string().contains("HOME"));
}
