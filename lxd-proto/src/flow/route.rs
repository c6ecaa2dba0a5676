//! How two servers come together for a copy.

use alloc::{format, string::String, vec::Vec};

use crate::{Error, resources::Server};

/// Who connects to whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The one that gets it, to the one that has it.
    #[default]
    Pull,
    /// The one that has it, to the one that gets it.
    Push,
    /// Neither: this process stands between.
    Relay,
}

/// The mode, and the way to the server that is connected to.
#[derive(Debug, Default)]
pub(crate) struct Route {
    pub(crate) mode: Mode,
    /// Where that server is found by the other one, one to be tried after the other.
    pub(crate) addresses: Vec<String>,
    pub(crate) tried: usize,
    /// That server's certificate, PEM.
    pub(crate) certificate: String,
}

impl Route {
    /// Takes what that server says of itself; addresses only if the caller gave none. `which` it is, is for the error.
    pub(crate) fn learn(&mut self, server: Server, which: &str) -> Result<(), Error> {
        let environment = server.environment;
        self.certificate = environment.certificate;
        if self.addresses.is_empty() {
            self.addresses = environment.addresses.iter().map(|address| format!("https://{address}")).collect();
        }
        if self.addresses.is_empty() {
            let text = format!("{which} listens on no address (`core.https_address`), or does not say on which");
            return Err(Error::InvalidInput(text));
        }
        Ok(())
    }

    /// The address whose turn it is; empty when there is none.
    pub(crate) fn address(&self) -> String {
        self.addresses.get(self.tried).cloned().unwrap_or_default()
    }
}
