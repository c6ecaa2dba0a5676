//! The simulated servers that the cases run on without root and without LXD: one process, one world.

use std::{
    fs,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use lxd_host::{ClientIdentity, Remote};
use lxd_proto::{
    Lxd,
    resources::{CertificatesPost, ImageAliasesPost},
};
use lxd_sim::{Config, Listen, Server};
use tempfile::TempDir;

/// Servers `one` and `two`, and what `tests/run` would have made for them.
struct World {
    one: Server,
    two: Server,
    directory: TempDir,
}

const PASSWORD: &str = "the password of the simulation";

/// Whether this process uses them, and not those of `tests/run`.
static USED: AtomicBool = AtomicBool::new(false);

/// Makes this process use them.
pub(crate) fn begin() {
    USED.store(true, Ordering::Relaxed);
}

/// Whether it does.
pub(crate) fn is_used() -> bool {
    USED.load(Ordering::Relaxed)
}

/// What a variable of `tests/run` is here, in a process that uses the simulation.
pub(crate) fn value(name: &str) -> Option<String> {
    if !is_used() {
        return None;
    }
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(World::begin);
    let file = |name: &str| Some(world.directory.path().join(name).display().to_string());
    match name {
        "LXD_TEST_UNIX" => Some(world.one.socket().display().to_string()),
        "LXD_TEST_UNIX2" => Some(world.two.socket().display().to_string()),
        "LXD_TEST_HTTPS" => world.one.https(),
        "LXD_TEST_HTTPS2" => world.two.https(),
        "LXD_TEST_PASSWORD" => Some(PASSWORD.into()),
        "LXD_TEST_DIR" => file(""),
        "LXD_TEST_CERT" => file("client.crt"),
        "LXD_TEST_KEY" => file("client.key"),
        "LXD_TEST_IMAGE" => file("busybox.tar.gz"),
        // Nobody looks for them: the log is that of `tests/run`.
        "LXD_TEST_SECRETS" => file("secrets"),
        _ => None,
    }
}

impl World {
    fn begin() -> Self {
        let directory = tempfile::Builder::new().prefix("lxd-tests-").tempdir().expect("a directory");
        let start = |name: &str| {
            let mut config = Config::default();
            config.server_name = name.into();
            config.password = Some(PASSWORD.into());
            let socket = directory.path().join(name).join("unix.socket");
            fs::create_dir(directory.path().join(name)).expect("a directory");
            let mut listen = Listen::default();
            listen.socket = Some(socket);
            listen.https = Some(([127, 0, 0, 1], 0).into());
            let server = Server::start_with(config, listen).expect("a simulation");
            let lxd = lxd_ureq::Client::new(Remote::unix(server.socket().display().to_string())).expect("a client");
            (server, lxd)
        };
        let ((one, lxd), (two, other)) = (start("one"), start("two"));
        let tarball = lxd_sim::image();
        for lxd in [&lxd, &other] {
            let image = lxd.images().upload(tarball.clone()).wait().send().expect("an image");
            let post = ImageAliasesPost::new("busybox", image.fingerprint.to_string());
            lxd.image_aliases().create(post).wait().send().expect("an alias");
        }
        let identity = ClientIdentity::generate("tests").expect("an identity");
        let mut post = CertificatesPost::client("tests");
        post.certificate = Some(identity.certificate_base64());
        lxd.certificates().create(post).wait().send().expect("trust");
        let write = |name: &str, content: &[u8]| fs::write(directory.path().join(name), content).expect("a file");
        write("client.crt", identity.certificate_pem().as_bytes());
        write("client.key", identity.key_pem().expose().as_bytes());
        write("busybox.tar.gz", &tarball);
        Self { one, two, directory }
    }
}
