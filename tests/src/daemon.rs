//! Daemons that one test has for itself, to kill them.

use std::process::{Command, Stdio};

use lxd_host::{ClientIdentity, Remote};
use lxd_proto::Address;

use crate::{Lab, Server, env, pinned};

/// An LXD of the test's own. Dropped, it is stopped, and its directory removed.
#[derive(Debug)]
pub struct Daemon {
    directory: String,
    port: u16,
}

impl Daemon {
    /// Starts one. `port` is the first of four, one for each adapter and way: no other test may have them.
    pub fn start<C: Lab>(like: &Server<C>, port: u16) -> Self {
        let daemon = Self::new(like, port);
        daemon.start_again();
        daemon.server(&["trust", &daemon.directory, &env("LXD_TEST_CERT")]);
        daemon
    }

    /// Starts one that has nothing yet: no pool, no image, no port that it listens on.
    pub fn bare<C: Lab>(like: &Server<C>, port: u16) -> Self {
        let daemon = Self::new(like, port);
        daemon.wait_until_ready();
        daemon
    }

    /// Starts it unless it runs, and waits until it answers.
    pub fn wait_until_ready(&self) {
        self.server(&["start", &self.directory]);
    }

    fn new<C: Lab>(like: &Server<C>, port: u16) -> Self {
        let port = port + u16::from(C::NAME == "reqwest") + 2 * u16::from(is_https(like));
        Self { directory: format!("{}/{port}", env("LXD_TEST_DIR")), port }
    }

    /// Where it listens, or could.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A client of it, by its Unix socket.
    pub fn unix<C: Lab>(&self) -> Server<C> {
        Server::at(Remote::unix(format!("{}/lxd/unix.socket", self.directory)))
    }

    /// A client of it, by the same way as `like`.
    pub fn connect<C: Lab>(&self, like: &Server<C>) -> Server<C> {
        if !is_https(like) {
            return self.unix();
        }
        let read = |name| std::fs::read(env(name)).expect("the client's certificate");
        let identity = ClientIdentity::from_pem(read("LXD_TEST_CERT"), read("LXD_TEST_KEY")).expect("an identity");
        Server::at(pinned(&format!("https://{}", self.address())).identity(identity))
    }

    /// Kills the daemon, not its containers.
    pub fn kill(&self) {
        self.server(&["kill", &self.directory]);
    }

    /// Starts it again.
    pub fn start_again(&self) {
        self.server(&["start", &self.directory, &self.port.to_string()]);
    }

    fn server(&self, args: &[&str]) {
        let status = Command::new(env("LXD_TEST_SERVER")).args(args).stdout(Stdio::null()).status();
        assert!(status.expect("tests/server").success(), "tests/server {args:?}");
    }
}

fn is_https<C>(server: &Server<C>) -> bool {
    matches!(server.remote.address, Address::Https { .. })
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = Command::new(env("LXD_TEST_SERVER")).args(["stop", &self.directory]).stdout(Stdio::null()).status();
    }
}
