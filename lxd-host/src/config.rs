//! The remotes that `lxc` knows.

mod file;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

pub use self::file::ConfigRemote;
use self::file::File;
use crate::{
    ClientIdentity, Error, Remote, ServerTrust,
    identity::{CERTIFICATE, KEY},
};

const LOCAL: &str = "local";

/// `lxc`'s configuration: its remotes, with the certificates beside them. It is only ever read.
///
/// The remote `local` is always there. `lxc`'s built-in image servers are not: they are no LXD.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    directory: Option<PathBuf>,
    global: Option<PathBuf>,
    default_remote: Option<String>,
    remotes: BTreeMap<String, ConfigRemote>,
}

impl Config {
    /// Reads the configuration that `lxc` would use for this user.
    ///
    /// Its directory is [`Config::directory`]. Beneath it lie the remotes of `/etc/lxd` (or `LXD_GLOBAL_CONF`), for all
    /// users of the machine. `LXC_REMOTE` names the default remote, if it is set.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when neither `LXD_CONF` nor `HOME` is set, or a file is there and cannot be understood. A file
    /// that is missing is an empty one.
    pub fn load() -> Result<Self, Error> {
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let global = env("LXD_GLOBAL_CONF").unwrap_or_else(|| "/etc/lxd".into());
        let mut config = Self::read(Self::directory(env)?, Some(PathBuf::from(global)))?;
        config.default_remote = env("LXC_REMOTE").or(config.default_remote);
        Ok(config)
    }

    /// Where `lxc` keeps its configuration and its identity: `LXD_CONF`, else the snap's `~/snap/lxd/common/config`
    /// when there is only that, else `~/.config/lxc`. `env` reads an environment variable.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when neither `LXD_CONF` nor `HOME` is set.
    pub fn directory(env: impl Fn(&str) -> Option<String>) -> Result<PathBuf, Error> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(directory) = set("LXD_CONF") {
            return Ok(directory);
        }
        let home = set("HOME").ok_or_else(|| Error::Config {
            path: "~/.config/lxc".into(),
            reason: "neither LXD_CONF nor HOME is set, so nobody knows where this is".into(),
        })?;
        let own = home.join(".config/lxc");
        let snap = home.join("snap/lxd/common/config");
        Ok(if snap.is_dir() && !own.is_dir() { snap } else { own })
    }

    /// Reads the configuration in a directory, with another one's remotes beneath it.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when a file is there and cannot be understood. A file that is missing is an empty one.
    pub fn read(directory: impl Into<PathBuf>, global: Option<PathBuf>) -> Result<Self, Error> {
        let directory = directory.into();
        let mut config = read(&directory)?;
        if let Some(global) = &global {
            for (name, remote) in read(global)?.remotes {
                config.remotes.entry(name).or_insert(ConfigRemote { global: true, ..remote });
            }
        }
        Ok(Self { directory: Some(directory), global, ..config }.with_local())
    }

    /// Reads the text of a `config.yml`. There are no certificates beside it, so its remotes have neither pins nor an
    /// identity.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when it is not YAML, or not of this shape.
    pub fn parse(yaml: &str) -> Result<Self, Error> {
        parse(yaml, Path::new("config.yml")).map(Self::with_local)
    }

    fn with_local(mut self) -> Self {
        self.remotes
            .entry(LOCAL.into())
            .or_insert_with(|| ConfigRemote { addr: "unix://".into(), ..Default::default() });
        self
    }

    /// The names of all remotes and what the files say about them, in alphabetical order.
    pub fn remotes(&self) -> impl Iterator<Item = (&str, &ConfigRemote)> {
        self.remotes.iter().map(|(name, remote)| (name.as_str(), remote))
    }

    /// The name of the remote that is meant when none is named: `local` unless the configuration says otherwise.
    pub fn default_remote(&self) -> &str {
        self.default_remote.as_deref().unwrap_or(LOCAL)
    }

    /// A remote by its name, ready for a client.
    ///
    /// A server over HTTPS is trusted by its certificate in `servercerts` when that is there, else by the authority in
    /// `client.ca`, else by the system's authorities; and it sees the identity in `client.crt` and `client.key`, if
    /// there is one and the remote is not a public one. For a remote of the local machine, [`Remote::local`] looks for
    /// the socket. The remote's project is its project. Proxies are left to [`Remote::proxy_from_env`].
    ///
    /// # Errors
    ///
    /// [`Error::UnknownRemote`]; [`Error::Config`] for an image server, for one that wants OIDC, and for a name that
    /// would lead out of the directory; [`Error::Identity`] and [`Error::Certificate`] for files that cannot be used.
    pub fn remote(&self, name: &str) -> Result<Remote, Error> {
        let Some(entry) = self.remotes.get(name) else {
            return Err(Error::UnknownRemote { name: name.into(), known: self.remotes.keys().cloned().collect() });
        };
        let refused = |reason: &str| self.refused(name, entry, reason);
        if !is_file_name(name) {
            return Err(refused("its name cannot be the name of a file"));
        }
        if entry.protocol == "simplestreams" {
            return Err(refused("it is an image server (simplestreams), not LXD; use it as the source of an image"));
        }
        if entry.auth_type == "oidc" {
            return Err(refused("it wants an OIDC login, which is not supported; use a TLS certificate"));
        }
        let mut remote = match entry.addr.strip_prefix("unix:") {
            Some("" | "//") => Remote::local()?,
            Some(path) => Remote::unix(path.strip_prefix("//").unwrap_or(path)),
            None => {
                let remote = Remote::https(&entry.addr, self.trust(name, entry)?)
                    .map_err(|error| refused(&error.to_string()))?;
                Remote { identity: self.identity(entry)?, ..remote }
            }
        };
        remote.scope.project.clone_from(&entry.project);
        Ok(remote)
    }

    fn refused(&self, name: &str, entry: &ConfigRemote, reason: &str) -> Error {
        let directory = self.directory_of(entry).map_or_else(PathBuf::new, Path::to_path_buf);
        Error::Config { path: directory.join("config.yml"), reason: format!("the remote {name:?}: {reason}") }
    }

    /// The directory that a remote comes from, where its certificate is too.
    fn directory_of(&self, entry: &ConfigRemote) -> Option<&Path> {
        if entry.global { self.global.as_deref() } else { self.directory.as_deref() }
    }

    fn trust(&self, name: &str, entry: &ConfigRemote) -> Result<ServerTrust, Error> {
        let certificate = self.directory_of(entry).map(|dir| dir.join("servercerts").join(format!("{name}.crt")));
        let authority = self.directory.as_ref().map(|directory| directory.join("client.ca"));
        match (certificate.filter(|path| path.exists()), authority.filter(|path| path.exists())) {
            (Some(certificate), _) => ServerTrust::from_pem_file(certificate),
            (None, Some(authority)) => ServerTrust::authority_pem_file(authority),
            (None, None) => Ok(ServerTrust::System),
        }
    }

    fn identity(&self, entry: &ConfigRemote) -> Result<Option<ClientIdentity>, Error> {
        match &self.directory {
            // Half an identity is an error, and not none: the server would only say "not trusted".
            Some(directory) if !entry.public && [CERTIFICATE, KEY].iter().any(|name| directory.join(name).exists()) => {
                ClientIdentity::load(directory).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// Whether a name is one plain part of a path, on any system.
fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', ':', '\0'])
}

fn read(directory: &Path) -> Result<Config, Error> {
    let path = directory.join("config.yml");
    match fs::read_to_string(&path) {
        Ok(yaml) => parse(&yaml, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Config::default()),
        Err(error) => Err(Error::Config { path, reason: error.to_string() }),
    }
}

fn parse(yaml: &str, path: &Path) -> Result<Config, Error> {
    let file: Option<File> =
        yaml_serde::from_str(yaml).map_err(|error| Error::Config { path: path.into(), reason: error.to_string() })?;
    let File { default_remote, remotes } = file.unwrap_or_default();
    Ok(Config { default_remote, remotes: remotes.unwrap_or_default(), ..Config::default() })
}

#[cfg(test)]
mod tests;
