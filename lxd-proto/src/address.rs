//! Where a server is: addresses, and the places where a local server's socket may be.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use core::fmt;

use crate::Error;

/// The port that LXD listens on when nothing else is said.
pub const DEFAULT_PORT: u16 = 8443;

/// A server's address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A Unix socket by its path.
    Unix(String),
    /// HTTPS over TCP. The host is a name or an IP address (IPv6 without brackets).
    Https {
        /// Name or IP address.
        host: String,
        /// TCP port.
        port: u16,
    },
}

impl Address {
    /// `host:port`, as in an HTTP `Host` header: IPv6 addresses in brackets. A Unix socket has none.
    pub fn authority(&self) -> Option<String> {
        match self {
            Self::Unix(_) => None,
            Self::Https { host, port } if host.contains(':') => Some(format!("[{host}]:{port}")),
            Self::Https { host, port } => Some(format!("{host}:{port}")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.authority()) {
            (Self::Unix(path), _) => write!(f, "unix:{path}"),
            (_, authority) => write!(f, "https://{}", authority.unwrap_or_default()),
        }
    }
}

impl core::str::FromStr for Address {
    type Err = Error;

    /// Reads `unix:/path`, `unix:///path`, `https://host`, `https://host:port`, `https://[::1]:port` or, as trust tokens
    /// have them, `host:port` without a scheme. The port is 8443 when none is given.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = |why: &str| Error::InvalidInput(format!("{text:?} is not a server's address: {why}"));
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            let absolute = path.starts_with('/') && !path.contains('\0');
            return absolute.then(|| Self::Unix(path.to_owned())).ok_or_else(|| refused("the path must be absolute"));
        }
        let rest = text.strip_prefix("https://").unwrap_or(text);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains("://") {
            return Err(refused("only unix: and https: can be used"));
        }
        let (host, port) = match rest.strip_prefix('[').map(|rest| rest.split_once(']')) {
            Some(None) => return Err(refused("a bracket is not closed")),
            Some(Some((host, ""))) => (host, None),
            Some(Some((host, port))) => {
                (host, Some(port.strip_prefix(':').ok_or_else(|| refused("after the bracket"))?))
            }
            None => match rest.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') => (host, Some(port)),
                _ => (rest, None),
            },
        };
        let port = match port {
            Some(port) => {
                port.parse().ok().filter(|port| *port != 0).ok_or_else(|| refused("the port is no number"))?
            }
            None => DEFAULT_PORT,
        };
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if host.is_empty() || !host.chars().all(named) {
            return Err(refused("the host is no name and no IP address"));
        }
        Ok(Self::Https { host: host.to_owned(), port })
    }
}

/// A place where a local server's socket may be, and why it is looked for there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketCandidate {
    /// The socket's path.
    pub path: String,
    /// Which rule named it.
    pub because: &'static str,
}

/// The places to look for a local server's socket, best first. `env` reads an environment variable.
///
/// `LXD_SOCKET` and `LXD_DIR` are orders: with them nothing else is tried. Then the snap's socket, Debian's, and
/// Incus's. (LXD's own client has the first four; it prefers the snap's when that is writable.)
pub fn socket_candidates(env: impl Fn(&str) -> Option<String>) -> Vec<SocketCandidate> {
    let set = |name| env(name).filter(|value| !value.is_empty());
    let candidate = |path: &str, because| SocketCandidate { path: path.to_owned(), because };
    for (name, because) in [("LXD_SOCKET", "LXD_SOCKET is set"), ("INCUS_SOCKET", "INCUS_SOCKET is set")] {
        if let Some(path) = set(name) {
            return [candidate(path.strip_prefix("unix:").unwrap_or(&path), because)].into();
        }
    }
    for (name, because) in [("LXD_DIR", "LXD_DIR is set"), ("INCUS_DIR", "INCUS_DIR is set")] {
        if let Some(dir) = set(name) {
            return [candidate(&format!("{}/unix.socket", dir.trim_end_matches('/')), because)].into();
        }
    }
    [
        candidate("/var/snap/lxd/common/lxd/unix.socket", "the snap has it there"),
        candidate("/var/lib/lxd/unix.socket", "Debian's package has it there"),
        candidate("/run/incus/unix.socket", "Incus has it there"),
        candidate("/var/lib/incus/unix.socket", "Incus has it there"),
    ]
    .into()
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn addresses() {
        let https = |host: &str, port| Address::Https { host: host.into(), port };
        for (text, expected) in [
            ("unix:/run/x.socket", Address::Unix("/run/x.socket".into())),
            ("unix:///run/x.socket", Address::Unix("/run/x.socket".into())),
            ("https://lxd.example", https("lxd.example", 8443)),
            ("https://lxd.example:1/", https("lxd.example", 1)),
            ("https://[::1]:9", https("::1", 9)),
            ("https://[fe80::1]", https("fe80::1", 8443)),
            ("10.0.0.1:8443", https("10.0.0.1", 8443)),
            ("::1", https("::1", 8443)),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address, expected, "{text}");
            assert_eq!(address.to_string().parse::<Address>().unwrap(), expected, "{text}");
        }
        for wrong in [
            "",
            "unix:",
            "unix:x",
            "http://x",
            "https://",
            "https://x:y",
            "https://x:0",
            "https://[::1",
            "https://a/b",
            "https://a b",
        ] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn sockets() {
        let env = |set: &'static [(&str, &str)]| {
            move |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).into())
        };
        let paths = |candidates: Vec<SocketCandidate>| candidates.into_iter().map(|c| c.path).collect::<Vec<_>>();
        assert_eq!(paths(socket_candidates(env(&[("LXD_SOCKET", "/a"), ("LXD_DIR", "/b")]))), ["/a"]);
        assert_eq!(paths(socket_candidates(env(&[("LXD_DIR", "/b/")]))), ["/b/unix.socket"]);
        assert_eq!(paths(socket_candidates(env(&[("INCUS_DIR", "/c")]))), ["/c/unix.socket"]);
        assert_eq!(paths(socket_candidates(env(&[("INCUS_SOCKET", "unix:/d")]))), ["/d"]);
        assert_eq!(paths(socket_candidates(env(&[("LXD_DIR", "")]))).len(), 4);
    }
}
