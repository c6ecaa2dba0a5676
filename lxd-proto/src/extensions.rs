//! Which API extensions a server has, and what that means for a call: a missing one is an error before anything is sent.
//!
//! LXD has no version to go by: each addition to its API has a name, and `GET /1.0` lists those that the server has. A
//! server that lacks one often says nothing of it (an unknown `filter` gives the whole list), so calls that need one look
//! first. A client asks once, at the first such call; its clones share the answer.

use alloc::{boxed::Box, collections::BTreeSet, string::String, sync::Arc};
use core::fmt;

use once_cell::race::OnceBox;

use crate::{Async, Blocking, Client, Error, Get, Scope, call::Call, resources::Server};

/// What a client knows of its server's API extensions. A part of its [`Scope`](crate::Scope).
#[derive(Clone, Default)]
pub struct Extensions {
    known: Arc<OnceBox<BTreeSet<String>>>,
    unchecked: bool,
}

impl Extensions {
    /// Every call is sent, whatever the server has.
    pub fn unchecked() -> Self {
        Self { unchecked: true, ..Self::default() }
    }

    /// Whether the server is known to have all of these.
    pub(crate) fn have(&self, needed: &[&'static str]) -> bool {
        let known = |known: &BTreeSet<String>| needed.iter().all(|name| known.contains(*name));
        self.unchecked || needed.is_empty() || self.known.get().is_some_and(known)
    }

    /// Keeps what the server has, and says whether that is enough. What is missing is not kept for sure: the daemon may
    /// be upgraded while this client lives.
    pub(crate) fn learn(&self, server: &Server, needed: &[&'static str]) -> Result<(), Error> {
        self.known.get_or_init(|| Box::new(server.api_extensions.iter().cloned().collect()));
        needed.iter().try_for_each(|name| server.require(name))
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.get().map(BTreeSet::len);
        f.debug_struct("Extensions").field("unchecked", &self.unchecked).field("known", &known).finish()
    }
}

impl PartialEq for Extensions {
    /// What was learned so far makes no other scope.
    fn eq(&self, other: &Self) -> bool {
        self.unchecked == other.unchecked
    }
}

impl Eq for Extensions {}

/// Makes sure that the server has what a call needs: `GET /1.0`, unless that is known.
pub(crate) fn require<C: Blocking>(client: &C, needed: &[&'static str]) -> Result<(), Error> {
    let extensions = &client.scope().extensions;
    if extensions.have(needed) {
        return Ok(());
    }
    extensions.learn(&server(client).send()?.value, needed)
}

/// As [`require`].
pub(crate) async fn require_async<C: Async>(client: &C, needed: &[&'static str]) -> Result<(), Error> {
    if client.scope().extensions.have(needed) {
        return Ok(());
    }
    let server = server(client).await?;
    client.scope().extensions.learn(&server, needed)
}

/// The server that is asked, whatever project or cluster member the call is for.
fn server<C: Client>(client: &C) -> Call<C, Get<Server>> {
    let scope = Scope { project: None, target: None, ..client.scope().clone() };
    Call::new(&client.with_scope(scope), Get::new(()))
}
