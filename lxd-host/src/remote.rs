use lxd_proto::{Address, Scope, socket_candidates};
use rustls::pki_types::ServerName;

use crate::{ClientIdentity, Config, Error, Proxy, ServerTrust, Timeouts, socket, tls};

/// A server, and everything that a client must know to talk to it. An adapter makes its client from one.
///
/// It is a plain value: made by one of the constructors, changed by the methods or by its fields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Remote {
    /// Where the server is.
    pub address: Address,
    /// By what the server is known. Not used on a Unix socket.
    pub trust: ServerTrust,
    /// By what this client is known; without one the server takes it for a guest. Not used on a Unix socket, where the
    /// socket's permissions decide.
    pub identity: Option<ClientIdentity>,
    /// The proxy on the way, if there is one. Not used on a Unix socket.
    pub proxy: Option<Proxy>,
    /// How long each phase of an exchange may take.
    pub timeouts: Timeouts,
    /// The project and cluster member of every request.
    pub scope: Scope,
}

impl Remote {
    /// The server on this machine.
    ///
    /// `LXD_SOCKET`, `LXD_DIR` and Incus's equals of them are obeyed; without them the usual places are tried in their
    /// order, and the first that accepts a connection is taken.
    ///
    /// # Errors
    ///
    /// [`Error::NoSocket`] with every place that was tried and what is wrong there.
    pub fn local() -> Result<Self, Error> {
        Ok(Self::unix(socket::find(socket_candidates(|name| std::env::var(name).ok()))?.path))
    }

    /// The server behind a Unix socket. Nothing is tried yet.
    pub fn unix(path: impl Into<String>) -> Self {
        // Nothing vouches for anybody here, so a client that were to speak TLS after all would trust nobody.
        Self::new(Address::Unix(path.into()), ServerTrust::Authority(Vec::new()))
    }

    /// The server at an address: `https://host:port`, `host:port` or `host`. The port is 8443 when none is given.
    /// Nothing is tried yet.
    ///
    /// ```
    /// use lxd_host::{Remote, ServerTrust};
    ///
    /// let pin = "b9c1636727129e6c9c8c4e54e652a56c22ee99dfe69ec3f55bb15abd8f330920".parse()?;
    /// let remote = Remote::https("lxd.example", ServerTrust::Pin(pin))?.project("web");
    /// assert_eq!(remote.address.to_string(), "https://lxd.example:8443");
    /// # Ok::<(), lxd_proto::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Address`] when it is none of these.
    pub fn https(address: &str, trust: ServerTrust) -> Result<Self, Error> {
        match address.parse().map_err(|error: lxd_proto::Error| Error::Address(error.to_string()))? {
            Address::Unix(_) => Err(Error::Address(format!("{address:?} is a Unix socket, not an https address"))),
            address => Ok(Self::new(address, trust)),
        }
    }

    /// A remote by the name that `lxc remote list` shows, as `lxc` itself would reach it: with its certificates, its
    /// project, and the proxy that the environment names. See [`Config::load`] and [`Config::remote`].
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRemote`] with the names that there are, and what the methods above say.
    pub fn named(name: &str) -> Result<Self, Error> {
        Config::load()?.remote(name)?.proxy_from_env()
    }

    fn new(address: Address, trust: ServerTrust) -> Self {
        Self { address, trust, identity: None, proxy: None, timeouts: Timeouts::default(), scope: Scope::default() }
    }

    /// Shows the server this client's certificate.
    #[must_use]
    pub fn identity(mut self, identity: ClientIdentity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Goes through a proxy.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Goes through the proxy that this process's environment names for the server, if it names one; see
    /// [`Proxy::from_env`]. Only this method and [`named`](Self::named) look there.
    ///
    /// # Errors
    ///
    /// [`Error::Proxy`] when the environment holds no proxy's URL.
    pub fn proxy_from_env(mut self) -> Result<Self, Error> {
        if let Address::Https { host, .. } = &self.address {
            self.proxy = Proxy::from_env(|name| std::env::var(name).ok(), host)?;
        }
        Ok(self)
    }

    /// Sets the limits of time.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Works in a project instead of `default`.
    #[must_use]
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.scope.project = Some(project.into());
        self
    }

    /// The TLS side of a client for this server: its trust, its identity, TLS 1.2 and 1.3, and `http/1.1` by ALPN.
    ///
    /// The provider is ring's, named in the configuration: the process's default is neither used nor set.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] when an authority or the identity cannot be used, or the system has no authorities.
    pub fn tls_config(&self) -> Result<rustls::ClientConfig, Error> {
        tls::config(&self.trust, self.identity.as_ref())
    }

    /// The name that the TLS handshake is about: what the server's certificate must be for, except under a pin.
    ///
    /// # Errors
    ///
    /// [`Error::Address`] when the host is no name, or the server is behind a Unix socket.
    pub fn server_name(&self) -> Result<ServerName<'static>, Error> {
        tls::server_name(&self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_https_remote_is_no_socket() {
        for wrong in ["unix:/x", "http://x", ""] {
            assert!(matches!(Remote::https(wrong, ServerTrust::System), Err(Error::Address(_))), "{wrong}");
        }
    }

    #[test]
    fn a_unix_remote_has_a_tls_config_too() {
        // Async HTTP libraries want one even for a Unix socket.
        let config = Remote::unix("/x").tls_config().unwrap();
        assert_eq!(config.alpn_protocols, [b"http/1.1"]);
        assert!(Remote::unix("/x").server_name().is_err());
    }

    #[test]
    fn server_names() {
        for (host, name) in [("lxd.example", "lxd.example"), ("10.0.0.1", "10.0.0.1"), ("[fe80::1%eth0]:1", "fe80::1")]
        {
            let remote = Remote::https(host, ServerTrust::System).unwrap();
            assert_eq!(remote.server_name().unwrap().to_str(), name);
        }
    }

    #[test]
    fn a_remote_shows_no_secret() {
        let identity = ClientIdentity::generate("me@here").unwrap();
        let key = identity.key_pem();
        let remote = Remote::unix("/x").identity(identity).proxy("http://u:hunter2@p".parse().unwrap());
        let text = format!("{remote:?}");
        assert!(!text.contains("hunter2"));
        assert!(!key.expose().lines().filter(|line| line.len() == 64).any(|line| text.contains(line)));
    }
}
