//! What the caller can choose.

use alloc::string::String;

use super::{Migrated, Migration, Mode};
use crate::{Client, Run, Streams};

impl<C: Client, M: Migrated> Run<C, Migration<M>> {
    pub(crate) fn migration(client: &C, other: &C, what: M, moved: bool) -> Self {
        let (streams, peer) = Streams::with_peer(other);
        Self::with(client, Migration::new(what, peer, moved), streams)
    }

    /// Its name there. By default as here.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.flow.what.destination().name = name.into();
        self
    }

    /// The storage pool that it goes to. By default what an instance's devices and profiles say, and for a volume the pool
    /// of the same name.
    pub fn pool(mut self, pool: impl Into<String>) -> Self {
        self.flow.what.destination().pool = pool.into();
        self
    }

    /// Brings a copy that is there already up to date, or makes one (extension `container_incremental_copy`, for a volume
    /// `custom_volume_refresh`).
    pub fn refresh(mut self) -> Self {
        self.flow.what.destination().refresh = true;
        self
    }

    /// Has this server connect to the other one. By default the other one connects to this.
    pub fn push(mut self) -> Self {
        self.flow.route.mode = Mode::Push;
        self
    }

    /// Carries everything through this process, for servers that cannot reach each other. By default the other server
    /// connects to this one.
    pub fn relay(mut self) -> Self {
        self.flow.route.mode = Mode::Relay;
        self
    }

    /// Where the server that is connected to is found by the other one, as `https://host:8443`. Said several times, they
    /// are tried in order. By default all the addresses that it says it has.
    pub fn address(mut self, url: impl Into<String>) -> Self {
        self.flow.route.addresses.push(url.into());
        self
    }
}
