//! A remote of `lxc`'s configuration.

use std::{fs, os::unix::fs::PermissionsExt};

use lxd_host::{Config, fetch_certificate};
use lxd_proto::Lxd;
use lxd_tests::{Lab, Server, env, trusted, unique, with_websockets};

with_websockets!(by_its_name);

fn by_its_name<C: Lab>(server: &Server<C>) {
    let project = server.project("remote");
    let directory = std::path::PathBuf::from(env("LXD_TEST_DIR")).join(unique("conf"));
    fs::create_dir_all(directory.join("servercerts")).unwrap();
    let https = env("LXD_TEST_HTTPS");
    let yaml = format!(
        "default-remote: prod\nremotes:\n  prod:\n    addr: {https}\n    auth_type: tls\n    project: {}\n    \
         protocol: lxd\n    public: false\n  here:\n    addr: unix://{}\n  guest:\n    addr: {https}\n    public: true\n",
        project.name,
        env("LXD_TEST_UNIX"),
    );
    fs::write(directory.join("config.yml"), yaml).unwrap();
    let seen = fetch_certificate(&https.parse().unwrap(), None, std::time::Duration::from_secs(10)).unwrap();
    for name in ["prod", "guest"] {
        fs::write(directory.join("servercerts").join(format!("{name}.crt")), seen.pem()).unwrap();
    }
    fs::write(directory.join("client.crt"), trusted().certificate_pem()).unwrap();
    let key = directory.join("client.key");
    fs::write(&key, trusted().key_pem().expose()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();

    let config = Config::read(&directory, None).unwrap();
    assert_eq!(config.default_remote(), "prod");
    let prod = C::connect(config.remote("prod").unwrap());
    let seen = prod.server().get().send().unwrap();
    assert!(seen.is_trusted());
    assert_eq!(seen.environment.project, project.name);
    assert_eq!(prod.profiles().names().send().unwrap(), ["default"]);
    assert!(C::connect(config.remote("here").unwrap()).server().get().send().unwrap().is_trusted());
    assert!(!C::connect(config.remote("guest").unwrap()).server().get().send().unwrap().is_trusted());
    let unknown = config.remote("staging").unwrap_err().to_string();
    assert!(unknown.contains("staging") && unknown.contains("prod"), "{unknown}");
}
