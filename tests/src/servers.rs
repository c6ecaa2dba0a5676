//! The servers that `tests/run` started, by its environment variables.

use std::{
    env::var,
    fmt,
    sync::atomic::{AtomicU32, Ordering},
};

use lxd_host::{ClientIdentity, Remote, fetch_certificate};
use lxd_proto::{
    Address, Blocking, Lxd, Object,
    resources::{Files, Instance, InstancesPost},
    sftp::Connect,
};

use crate::{Lab, secret, sim};

/// A variable of `tests/run`.
///
/// # Panics
/// When it is not set: these tests are run by `tests/run`.
pub fn env(name: &str) -> String {
    sim::value(name).or_else(|| var(name).ok()).unwrap_or_else(|| panic!("{name} is not set: run this with tests/run"))
}

/// A name that no other test uses.
pub fn unique(what: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{what}-{}-{number}", std::process::id())
}

/// A server, and a way to it.
pub struct Server<C> {
    /// A client that the server trusts.
    pub lxd: C,
    /// The same way, to make other clients of.
    pub remote: Remote,
}

impl<C: Lab> Server<C> {
    /// Server `one` by its Unix socket.
    pub fn unix() -> Self {
        Self::at(Remote::unix(env("LXD_TEST_UNIX")))
    }

    /// The simulated server `one` by its Unix socket: in this process, `two` is simulated too.
    pub fn sim() -> Self {
        sim::begin();
        Self::unix()
    }

    /// Server `two` by its Unix socket.
    pub fn two() -> Self {
        Self::at(Remote::unix(env("LXD_TEST_UNIX2")))
    }

    /// Server `one` by HTTPS, its certificate pinned, with the identity that it trusts.
    pub fn https() -> Self {
        Self::at(pinned(&env("LXD_TEST_HTTPS")).identity(trusted()))
    }

    /// The member `m1` of the cluster, by the same way as this server.
    pub fn cluster(&self) -> Self {
        self.by_the_same_way("LXD_TEST_CLUSTER_UNIX", "LXD_TEST_CLUSTER_HTTPS")
    }

    /// The member `m2` of the cluster, by the same way as this server.
    pub fn cluster2(&self) -> Self {
        self.by_the_same_way("LXD_TEST_CLUSTER_UNIX2", "LXD_TEST_CLUSTER_HTTPS2")
    }

    fn by_the_same_way(&self, unix: &str, https: &str) -> Self {
        match self.remote.address {
            Address::Https { .. } => Self::at(pinned(&env(https)).identity(trusted())),
            _ => Self::at(Remote::unix(env(unix))),
        }
    }

    /// A server of the test's own.
    pub fn at(remote: Remote) -> Self {
        crate::capture();
        Self { lxd: C::connect(remote.clone()), remote }
    }

    /// A stopped container of its own, removed when the test is over.
    pub fn stopped(&self, what: &str) -> Temporary<C> {
        let name = unique(what);
        self.lxd.instances().create(InstancesPost::from_alias(&name, "busybox")).wait().send().expect("a container");
        Temporary(self.lxd.instance(name))
    }

    /// A running container of its own that takes no notice of being asked to shut down.
    pub fn stubborn(&self, what: &str) -> Temporary<C> {
        let post = InstancesPost::from_alias(unique(what), "busybox").config("raw.lxc", "lxc.signal.halt = SIGCONT");
        let made = self.lxd.instances().create(post).wait().send().expect("a container");
        let container = Temporary(self.lxd.instance(made.name));
        container.start().wait().send().expect("a running container");
        container
    }

    /// A running container of its own, removed when the test is over.
    pub fn running(&self, what: &str) -> Temporary<C> {
        let container = self.stopped(what);
        container.start().wait().send().expect("a running container");
        container
    }
}

/// The identity that server `one` trusts.
pub fn trusted() -> ClientIdentity {
    let read = |name| std::fs::read(env(name)).expect("the client's certificate");
    let identity = ClientIdentity::from_pem(read("LXD_TEST_CERT"), read("LXD_TEST_KEY")).expect("an identity");
    secret(identity.key_pem().expose());
    identity
}

/// An identity that nobody has seen yet.
pub fn stranger() -> ClientIdentity {
    let identity = ClientIdentity::generate(&unique("stranger")).expect("an identity");
    secret(identity.key_pem().expose());
    identity
}

/// HTTPS to a server whose certificate is looked at and pinned.
pub fn pinned(url: &str) -> Remote {
    let address = url.parse().expect("an address");
    let certificate = fetch_certificate(&address, None, std::time::Duration::from_secs(10)).expect("a certificate");
    Remote::https(url, certificate.trust()).expect("a remote")
}

impl<C: Blocking> Temporary<C> {
    /// Its name.
    pub fn name(&self) -> &str {
        self.0.at()
    }

    /// Removes this one too when the test is over.
    pub fn of(instance: Object<C, Instance>) -> Self {
        Self(instance)
    }
}

/// An instance that is removed when the test is over, whether that passed or not.
pub struct Temporary<C: Blocking>(Object<C, Instance>);

impl<C: Blocking> std::ops::Deref for Temporary<C> {
    type Target = Object<C, Instance>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<C: Blocking> Temporary<C> {
    /// Waits until the init of one that runs has brought its loopback device up.
    pub fn settle(&self) {
        while self.0.state().send().expect("its state").network["lo"].addresses.is_empty() {}
    }

    /// Its files.
    pub fn files(&self) -> Files<C> {
        alone();
        self.0.files()
    }

    /// Its files by SFTP.
    pub fn sftp(&self) -> Connect<C> {
        alone();
        self.0.sftp()
    }
}

/// The end of the helper for one instance's files can take the socket of another's away
/// ([`HelperLost`](lxd_proto::error::ApiErrorKind::HelperLost)), so that tests that use files run alone.
fn alone() {
    if sim::is_used() {
        return;
    }
    if let Ok(group) = var("NEXTEST_TEST_GROUP") {
        assert_eq!(group, "alone", "a test that uses files belongs in this group (.config/nextest.toml)");
    }
}

impl<C: Blocking> Drop for Temporary<C> {
    fn drop(&mut self) {
        let _ = self.0.stop().force().wait().send();
        let _ = self.0.delete().wait().send();
    }
}

impl<C: Blocking> fmt::Debug for Temporary<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<C: fmt::Debug> fmt::Debug for Server<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lxd.fmt(f)
    }
}
