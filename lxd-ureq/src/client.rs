//! The client: a way to one server.

use std::{panic::resume_unwind, sync::Arc, thread};

use lxd_host::Remote;
use lxd_proto::{Blocking, Failure, Fingerprint, Joining, Pipe, Scope, Streams, Tap};

use crate::{Body, Io, Payload, Reader, Writer, conn::Hangup, http::Http};

/// A way to one server, cheap to clone: clones share their connections. What it can say is in
/// [`Lxd`](lxd_proto::Lxd).
#[derive(Clone, Debug)]
pub struct Client {
    http: Arc<Http>,
    pin: Option<Fingerprint>,
    scope: Scope,
}

impl Client {
    /// A client for a server. Nothing is sent yet.
    ///
    /// # Errors
    /// When the remote's certificates or keys cannot be used.
    pub fn new(remote: Remote) -> Result<Self, lxd_host::Error> {
        let (pin, scope) = (remote.trust.pin(), remote.scope.clone());
        Ok(Self { http: Arc::new(Http::new(remote)?), pin, scope })
    }

    /// A client for the server of this machine; see [`Remote::local`].
    ///
    /// # Errors
    /// When there is none, with every place that was tried.
    pub fn local() -> Result<Self, lxd_host::Error> {
        Self::new(Remote::local()?)
    }

    /// A client for a remote of `lxc`'s configuration; see [`Remote::named`].
    ///
    /// # Errors
    /// When there is no such remote, or it cannot be used.
    pub fn from_remote(name: &str) -> Result<Self, lxd_host::Error> {
        Self::new(Remote::named(name)?)
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// The same way over connections of its own, which can be hung up.
    pub(crate) fn apart(&self, hangup: Arc<Hangup>) -> Self {
        Self { http: Arc::new(self.http.apart(hangup)), ..self.clone() }
    }
}

impl lxd_proto::Client for Client {
    type Reader = Reader;
    type Writer = Writer;
    type Body = Body;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn with_scope(&self, scope: Scope) -> Self {
        Self { scope, ..self.clone() }
    }

    fn pin(&self) -> Option<Fingerprint> {
        self.pin
    }

    fn tap(&self, reader: Reader, tap: Tap) -> Reader {
        crate::streams::tap(reader, tap)
    }

    fn pipe(&self) -> Option<(Pipe, Reader)> {
        Some(crate::streams::pipe())
    }
}

impl Blocking for Client {
    type Io = Io;

    fn fetch(&self, request: ::http::Request<Payload>) -> Result<::http::Response<Body>, Failure> {
        self.http.fetch(request)
    }

    fn chunk(body: &mut Body) -> Result<Option<bytes::Bytes>, Failure> {
        body.chunk()
    }

    fn io(&self, streams: Streams<Self>) -> Io {
        Io::new(self, streams)
    }

    fn spawn<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<Joining<T>> {
        let thread = thread::Builder::new().name("lxd-spawned".into()).spawn(job).ok()?;
        Some(Box::new(|| Ok(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))))
    }
}
