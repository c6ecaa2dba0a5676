//! What kind of server is simulated.

use std::{borrow::Cow, sync::LazyLock, time::Duration};

/// The version of LXD that a [`Sim`](crate::Sim) behaves like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// 5.0.2, which most distributions have. `/wait` of what failed is a success that holds the operation.
    #[default]
    Lxd5_0_2,
    /// 6.9. Changes of pools, networks, volumes and profiles are operations, and `/wait` of what failed is an error.
    Lxd6_9,
}

impl Version {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lxd5_0_2 => "5.0.2",
            Self::Lxd6_9 => "6.9",
        }
    }

    /// Its API extensions.
    pub fn extensions(self) -> &'static [&'static str] {
        static OLD: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("extensions/lxd-5.0.2.txt").lines().collect());
        static NEW: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("extensions/lxd-6.9.txt").lines().collect());
        match self {
            Self::Lxd5_0_2 => &OLD,
            Self::Lxd6_9 => &NEW,
        }
    }
}

/// What `/wait` answers when an operation has failed, or takes too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Waiting {
    /// The operation, as 5.0.2 and what is before 5.15.
    Operation,
    /// An error with its own HTTP status, as 5.15 to 5.19.
    HttpError,
    /// An error with the HTTP status 200, as 5.0.3 and what is since 5.20.
    Error,
}

/// What a [`Sim`](crate::Sim) begins with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How it behaves.
    pub version: Version,
    /// Its API extensions; by default those of its version. What it has of 6.9 alone needs them, as with a real one.
    pub extensions: Cow<'static, [&'static str]>,
    /// What its `/wait` answers; by default as its version.
    pub waiting: Waiting,
    /// Its name; by default `sim`.
    pub server_name: String,
    /// Decides everything that is random: ids, secrets, addresses. The same requests with the same seed give the same
    /// answers.
    pub seed: u64,
    /// The trust password, `core.trust_password`; none by default.
    pub password: Option<String>,
    /// The certificate that the server shows over TLS, as DER; none by default.
    pub certificate: Option<Vec<u8>>,
    /// Where it listens for HTTPS, `core.https_address`; nowhere by default.
    pub https_address: Option<String>,
    /// The time at which its clock begins, since 1970; by default that of 2026-01-01.
    pub epoch: Duration,
    /// How long an operation takes that does nothing slow; by default 1 ms.
    pub latency: Duration,
}

impl Config {
    /// A server of this version.
    pub fn new(version: Version) -> Self {
        Self {
            version,
            extensions: version.extensions().into(),
            waiting: match version {
                Version::Lxd5_0_2 => Waiting::Operation,
                Version::Lxd6_9 => Waiting::Error,
            },
            server_name: "sim".into(),
            seed: 0,
            password: None,
            certificate: None,
            https_address: None,
            epoch: Duration::from_secs(1_767_225_600),
            latency: Duration::from_millis(1),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new(Version::default())
    }
}
