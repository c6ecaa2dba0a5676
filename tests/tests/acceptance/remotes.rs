//! A remote of `lxc`'s configuration.

use lxd_host::Config;
use lxd_proto::Lxd;
use lxd_tests::{Lab, Server, env, lxc_directory, with_websockets};

with_websockets!(by_its_name);

fn by_its_name<C: Lab>(server: &Server<C>) {
    let project = server.project("remote");
    let https = env("LXD_TEST_HTTPS");
    let yaml = format!(
        "default-remote: prod\nremotes:\n  prod:\n    addr: {https}\n    auth_type: tls\n    project: {}\n    \
         protocol: lxd\n    public: false\n  here:\n    addr: unix://{}\n  guest:\n    addr: {https}\n    public: true\n",
        project.name,
        env("LXD_TEST_UNIX"),
    );
    let directory = lxc_directory(&yaml, &["prod", "guest"]);

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
