//! Proxies between here and the server.

mod environment;

use std::{fmt, str::FromStr};

use lxd_proto::Secret;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::Error;

/// What kind of proxy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyKind {
    /// An HTTP proxy that is asked for a tunnel with `CONNECT`.
    Http,
    /// SOCKS 5; the server's name is looked up here.
    Socks5,
    /// SOCKS 5; the server's name is looked up by the proxy.
    Socks5h,
}

impl ProxyKind {
    fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }
}

/// A proxy between here and the server.
///
/// It is read from a URL: `http://[user:password@]host[:port]`, `socks5://..` or `socks5h://..`. A text without a
/// scheme is an HTTP proxy. The ports are 80 and 1080 when none is given. Neither `Debug` nor `Display` show the
/// password.
///
/// ```
/// let proxy: lxd_host::Proxy = "socks5h://me:secret@proxy.example".parse()?;
/// assert_eq!(proxy.to_string(), "socks5h://me:..@proxy.example:1080");
/// # Ok::<(), lxd_host::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proxy {
    /// What kind it is.
    pub kind: ProxyKind,
    /// Its name or IP address (IPv6 without brackets).
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The user's name and password, if it wants them.
    pub login: Option<(String, Secret)>,
}

impl Proxy {
    /// The proxy that the environment names for this host, or none. `env` reads an environment variable.
    ///
    /// The first of `HTTPS_PROXY`, `https_proxy`, `ALL_PROXY` and `all_proxy` that is set counts, unless `NO_PROXY` or
    /// `no_proxy` excepts the host: a list of names (with all names below them), IP addresses, networks
    /// (`10.0.0.0/8`), or `*`. This machine itself (`localhost` and the loopback addresses) is always excepted, as in
    /// LXD's own client.
    ///
    /// # Errors
    ///
    /// [`Error::Proxy`] when the variable holds no proxy's URL: going around a proxy that was asked for would be worse.
    pub fn from_env(env: impl Fn(&str) -> Option<String>, host: &str) -> Result<Option<Self>, Error> {
        environment::proxy(env, host)
    }

    /// The whole URL with the password in it, for an HTTP library that wants it so.
    pub fn url(&self) -> Secret {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let login = match &self.login {
            Some((user, password)) => format!("{}:{}@", encode(user), encode(password.expose())),
            None => String::new(),
        };
        Secret::from(format!("{}://{login}{}", self.kind.scheme(), self.authority()))
    }

    fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.kind.scheme())?;
        if let Some((user, _)) = &self.login {
            write!(f, "{user}:..@")?;
        }
        f.write_str(&self.authority())
    }
}

impl FromStr for Proxy {
    type Err = Error;

    /// Reads a proxy's URL. A path behind it is refused, a closing slash is not.
    fn from_str(url: &str) -> Result<Self, Error> {
        // The text itself is never shown: it may hold a password.
        let refused = |why: &str| Error::Proxy(format!("the proxy's URL cannot be used: {why}"));
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let kind = match scheme.to_ascii_lowercase().as_str() {
            "http" => ProxyKind::Http,
            "socks5" => ProxyKind::Socks5,
            "socks5h" => ProxyKind::Socks5h,
            _ => return Err(refused("it must begin with http://, socks5:// or socks5h://")),
        };
        let (login, rest) = match rest.rsplit_once('@') {
            Some((login, rest)) => (Some(login), rest),
            None => (None, rest),
        };
        let decode = |text| percent_decode_str(text).decode_utf8().map_err(|_| refused("the login is not UTF-8"));
        let login = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            Some((user, password)) => Some((decode(user)?.into_owned(), Secret::new(&decode(password)?))),
            None => None,
        };
        let (host, port) = host_and_port(rest.strip_suffix('/').unwrap_or(rest))
            .ok_or_else(|| refused("its host and port must be like proxy.example:3128"))?;
        let port = port.unwrap_or_else(|| kind.default_port());
        Ok(Self { kind, host: host.to_owned(), port, login })
    }
}

fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
        None if port.is_empty() => None,
        None => return None,
    };
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    (!host.is_empty() && host.chars().all(named)).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, shown, whole) in [
            ("http://proxy:3128", "http://proxy:3128", "http://proxy:3128"),
            ("http://proxy/", "http://proxy:80", "http://proxy:80"),
            ("proxy:3128", "http://proxy:3128", "http://proxy:3128"),
            ("HTTP://u:p%40%3a@proxy", "http://u:..@proxy:80", "http://u:p%40%3A@proxy:80"),
            ("socks5://u@10.0.0.1", "socks5://u:..@10.0.0.1:1080", "socks5://u:@10.0.0.1:1080"),
            ("socks5h://u:a@b@[::1]:9", "socks5h://u:..@[::1]:9", "socks5h://u:a%40b@[::1]:9"),
        ] {
            let proxy: Proxy = url.parse().unwrap();
            assert_eq!(proxy.to_string(), shown);
            assert_eq!(proxy.url().expose(), whole);
            assert_eq!(proxy.url().expose().parse::<Proxy>().unwrap(), proxy);
        }
    }

    #[test]
    fn the_password_is_never_shown() {
        let proxy: Proxy = "http://me:hunter2@proxy".parse().unwrap();
        assert!(!format!("{proxy:?} {proxy}").contains("hunter2"));
        for wrong in ["https://u:hunter2@x", "http://u:hunter2@", "http://u:hunter2@x/path", "http://u:hunter2@x:y"] {
            assert!(!wrong.parse::<Proxy>().unwrap_err().to_string().contains("hunter2"));
        }
    }

    #[test]
    fn what_is_no_proxy() {
        for wrong in
            ["", "http://", "ftp://x", "http://x:0", "http://x:70000", "http://[::1", "http://[::1]x", "http://a b"]
        {
            assert!(wrong.parse::<Proxy>().is_err(), "{wrong}");
        }
    }
}
