//! Layer 3: what people type. A client and a value, sent or awaited.
//!
//! | type | made of | gives |
//! |---|---|---|
//! | [`Call`] | an [`Endpoint`] | its output |
//! | [`Run`] | a [`Flow`] | its result |
//! | [`Fetch`] | a [`Download`] | an answer whose body is still arriving |
//!
//! With a [`Blocking`] client each has `.send()`; with an [`Async`] one each is a future: `.await`. Until then nothing
//! happens. `.request()` gives the request of a call without sending it.

use alloc::boxed::Box;
use core::{
    future::{Future, poll_fn},
    pin::Pin,
};

use bytes::Bytes;

use crate::{
    Answer, Async, Blocking, Changed, Client, Download, Endpoint, Error, Failure, Flow, Request, Scope, Streams,
    client::Whole,
    envelope::Envelope,
    extensions,
    flow::{Driver, InTurn, Scoped, wait::Wait},
};

/// The future of a call.
pub type Sending<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

macro_rules! call {
    ($($(#[$meta:meta])* $name:ident, $field:ident: $what:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Debug)]
        #[must_use = "nothing happens until it is sent (blocking) or awaited (async)"]
        pub struct $name<C: Client, $what> {
            pub(crate) client: C,
            pub(crate) $field: $what,
            pub(crate) streams: Streams<C>,
        }

        impl<C: Client, $what> $name<C, $what> {
            pub(crate) fn new(client: &C, $field: $what) -> Self {
                Self::with(client, $field, Streams::default())
            }

            pub(crate) fn with(client: &C, $field: $what, streams: Streams<C>) -> Self {
                Self { client: client.clone(), $field, streams }
            }
        }
    )*};
}

call! {
    /// One exchange, not yet sent.
    Call, endpoint: E;
    /// A flow, not yet begun.
    Run, flow: F;
    /// A download, not yet begun.
    Fetch, download: D;
}

impl<C: Client, E: Endpoint> Call<C, E> {
    /// The request as it would be sent, without sending it.
    ///
    /// # Errors
    /// As for [`Endpoint::request`].
    pub fn request(&self) -> Result<Request, Error> {
        scoped(self.endpoint.request()?, self.client.scope())
    }
}

impl<C: Client, E: Endpoint<Output = Changed<A>>, A: Answer> Call<C, E> {
    /// Waits for the end as well: what comes is the same whether the server did it at once or as an operation.
    pub fn wait(self) -> Run<C, InTurn<Wait<E, A>>> {
        Run::with(&self.client, InTurn::new(Wait::new(self.endpoint)), self.streams)
    }
}

impl<C: Blocking, E: Endpoint> Call<C, E> {
    /// Sends the request and reads the answer.
    ///
    /// # Errors
    /// What LXD answered, or what went wrong on the way.
    pub fn send(mut self) -> Result<E::Output, Error> {
        extensions::require(&self.client, &self.endpoint.extensions())?;
        let request = self.request()?;
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let mut response = self.client.exchange(self.streams.redeem(request)?)?;
        self.client.scope().adopt(response.headers_mut());
        self.endpoint.response(response).map_err(|error| error.answering(&method, &uri))
    }
}

impl<C: Async, E: Endpoint> IntoFuture for Call<C, E> {
    type Output = Result<E::Output, Error>;
    type IntoFuture = Sending<E::Output>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            extensions::require_async(&self.client, &self.endpoint.extensions()).await?;
            let request = self.request()?;
            let (method, uri) = (request.method().clone(), request.uri().clone());
            let mut response = self.client.exchange(self.streams.redeem(request)?).await?;
            self.client.scope().adopt(response.headers_mut());
            self.endpoint.response(response).map_err(|error| error.answering(&method, &uri))
        })
    }
}

impl<C: Blocking, F: Flow> Run<C, F> {
    /// Runs the flow to its end.
    ///
    /// # Errors
    /// What LXD answered, or what went wrong on the way.
    pub fn send(self) -> Result<F::Output, Error> {
        extensions::require(&self.client, &self.flow.extensions())?;
        let flow = Scoped::new(self.flow, self.streams.scopes(&self.client));
        Driver::new(flow, self.client.io(self.streams)).run()
    }
}

impl<C: Async, F: Flow + 'static> IntoFuture for Run<C, F> {
    type Output = Result<F::Output, Error>;
    type IntoFuture = Sending<F::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            extensions::require_async(&self.client, &self.flow.extensions()).await?;
            let flow = Scoped::new(self.flow, self.streams.scopes(&self.client));
            let mut driver = Driver::new(flow, self.client.io(self.streams));
            poll_fn(|context| driver.poll_run(context)).await
        })
    }
}

impl<C: Client, D: Download> Fetch<C, D> {
    /// Receives the whole body into memory, within [`limits::ANSWER`](crate::limits::ANSWER).
    pub fn bytes(self) -> Collect<C, D> {
        Collect(self)
    }

    /// The request as it would be sent, without sending it.
    ///
    /// # Errors
    /// As for [`Download::request`].
    pub fn request(&self) -> Result<Request, Error> {
        scoped(self.download.request()?, self.client.scope())
    }

    fn open(&self, head: &mut http::response::Parts) -> Result<D::Head, Error> {
        self.client.scope().adopt(&mut head.headers);
        self.download.head(head)
    }
}

/// An answer whose body is still arriving: a blocking client's body is a `Read`, an async client's an `AsyncRead`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Incoming<H, B> {
    /// What the answer's head says.
    pub head: H,
    /// The body. It ends with an error when it is cut off.
    pub body: B,
}

impl<C: Blocking, D: Download> Fetch<C, D> {
    /// Sends the request, and returns when the answer's head is there.
    ///
    /// # Errors
    /// What LXD answered, or what went wrong on the way.
    pub fn send(mut self) -> Result<Incoming<D::Head, C::Body>, Error> {
        extensions::require(&self.client, &self.download.extensions())?;
        let request = self.request()?;
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let (mut head, mut body) = self.client.fetch(self.streams.redeem(request)?)?.into_parts();
        if !head.status.is_success() {
            let mut whole = Whole::new(&head);
            while let Some(chunk) = C::chunk(&mut body)? {
                whole.push(chunk)?;
            }
            return Err(refused(head, whole.finish()).answering(&method, &uri));
        }
        Ok(Incoming { head: self.open(&mut head)?, body })
    }
}

impl<C: Async, D: Download> IntoFuture for Fetch<C, D> {
    type Output = Result<Incoming<D::Head, C::Body>, Error>;
    type IntoFuture = Sending<Incoming<D::Head, C::Body>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            extensions::require_async(&self.client, &self.download.extensions()).await?;
            let request = self.request()?;
            let (method, uri) = (request.method().clone(), request.uri().clone());
            let (mut head, mut body) = self.client.fetch(self.streams.redeem(request)?).await?.into_parts();
            if !head.status.is_success() {
                let mut whole = Whole::new(&head);
                while let Some(chunk) = C::chunk(&mut body).await? {
                    whole.push(chunk)?;
                }
                return Err(refused(head, whole.finish()).answering(&method, &uri));
            }
            Ok(Incoming { head: self.open(&mut head)?, body })
        })
    }
}

/// A download into memory, not yet begun.
#[derive(Debug)]
#[must_use = "nothing happens until it is sent (blocking) or awaited (async)"]
pub struct Collect<C: Client, D>(Fetch<C, D>);

impl<C: Blocking, D: Download> Collect<C, D> {
    /// Sends the request and receives the whole body.
    ///
    /// # Errors
    /// What LXD answered, or what went wrong on the way.
    pub fn send(self) -> Result<Bytes, Error> {
        let mut incoming = self.0.send()?;
        let mut whole = Whole::success();
        while let Some(chunk) = C::chunk(&mut incoming.body)? {
            whole.push(chunk)?;
        }
        Ok(whole.finish())
    }
}

impl<C: Async, D: Download> IntoFuture for Collect<C, D> {
    type Output = Result<Bytes, Error>;
    type IntoFuture = Sending<Bytes>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut incoming = self.0.await?;
            let mut whole = Whole::success();
            while let Some(chunk) = C::chunk(&mut incoming.body).await? {
                whole.push(chunk)?;
            }
            Ok(whole.finish())
        })
    }
}

fn scoped(mut request: Request, scope: &Scope) -> Result<Request, Error> {
    scope.apply(&mut request)?;
    Ok(request)
}

/// The error that a download was answered with.
fn refused(head: http::response::Parts, body: Bytes) -> Error {
    let response = http::Response::from_parts(head, body);
    match Envelope::open(&response) {
        Err(error) => error,
        Ok(_) => Failure::new(crate::error::FailureKind::Other, "a refusal that is none").into(),
    }
}
