//! The client: a way to one server.

use std::{panic::resume_unwind, sync::Arc};

use lxd_host::Remote;
use lxd_proto::{Async, Failure, FailureKind, Fingerprint, Pipe, Scope, Streams, Tap, Task};
use tokio::{runtime::Handle, task::JoinSet};

use crate::{Body, Io, Payload, Reader, Writer, http::Http};

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

    pub(crate) fn http(&self) -> &Arc<Http> {
        &self.http
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

impl Async for Client {
    type Io = Io;

    async fn fetch(&self, request: ::http::Request<Payload>) -> Result<::http::Response<Body>, Failure> {
        self.http.fetch(request).await
    }

    async fn chunk(body: &mut Body) -> Result<Option<bytes::Bytes>, Failure> {
        body.chunk().await
    }

    fn io(&self, streams: Streams<Self>) -> Io {
        Io::new(self, streams)
    }

    fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> Option<Task<T>> {
        let mut tasks = JoinSet::new();
        tasks.spawn_on(task, &Handle::try_current().ok()?);
        // Dropped, it ends what is in it.
        Some(Box::pin(async move {
            match tasks.join_next().await {
                Some(Ok(output)) => Ok(output),
                Some(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
                _ => Err(Failure::new(FailureKind::Cancelled, "the runtime has ended")),
            }
        }))
    }
}
