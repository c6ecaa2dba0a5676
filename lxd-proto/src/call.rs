//! Layer 3: what people type. A client and a value, sent or awaited.
//!
//! | type | made of | gives |
//! |---|---|---|
//! | [`Call`] | an [`Endpoint`] | its output |
//! | [`Run`] | a [`Flow`] | its result |
//! | [`Fetch`] | a [`Download`] | an answer whose body is still arriving |
//! | [`OneByOne`] | a [`Listing`] | the elements of a list that is still arriving |
//!
//! With a [`Blocking`] client each has `.send()`; with an [`Async`] one each is a future: `.await`. Until then nothing
//! happens. `.request()` gives the request of a call without sending it.

use alloc::{boxed::Box, vec::Vec};
use core::{
    fmt,
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use http::{Method, Uri};
use serde::de::DeserializeOwned;

use crate::{
    Answer, Async, Blocking, Changed, Client, Download, Element, Elements, Endpoint, Error, Failure, Flow, Listing,
    Request, Response, Streams,
    client::{Whole, receive, receive_async},
    envelope::Envelope,
    extensions,
    flow::{Driver, InTurn, Scoped, wait::Wait},
    limits,
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
    /// The request as it would be sent, without sending it. Its body is only a ticket ([`Body::Input`](crate::Body)) when it
    /// comes from a reader.
    ///
    /// # Errors
    /// As for [`Endpoint::request`].
    pub fn request(&self) -> Result<Request, Error> {
        ready(&self.client, &self.streams, self.endpoint.request()?)
    }

    /// Reads the answer to [`request`](Self::request), for those who sent it by themselves: see
    /// [`Offline`](crate::Offline).
    ///
    /// # Errors
    /// As for [`Endpoint::response`].
    pub fn response(&self, mut response: Response) -> Result<E::Output, Error> {
        self.client.scope().adopt(response.headers_mut());
        let answered = self.endpoint.response(response);
        answered.map_err(|error| match self.request() {
            Ok(request) => error.answering(request.method(), request.uri()),
            Err(_) => error,
        })
    }

    /// The API extensions that the server must have for it. They are looked for when it is sent or awaited.
    pub fn extensions(&self) -> Vec<&'static str> {
        self.endpoint.extensions()
    }
}

impl<C: Client, E: Endpoint<Output = Changed<A>>, A: Answer> Call<C, E> {
    /// Waits for the end as well: what comes is the same whether the server did it at once or as an operation.
    pub fn wait(self) -> Run<C, InTurn<Wait<E, A>>> {
        Run::with(&self.client, InTurn::new(Wait::new(self.endpoint)), self.streams)
    }
}

impl<C: Client, E: Listing> Call<C, E> {
    /// The elements one by one, while the list arrives: however long it is, it is never held whole.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::Lxd;
    ///
    /// for instance in lxd.instances().list_full().filter("status eq Running").stream().send()? {
    ///     let instance = instance?;
    ///     println!("{} has {} snapshots", instance.name, instance.snapshots.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(self) -> OneByOne<C, E> {
        OneByOne(self)
    }
}

impl<C: Blocking, E: Endpoint> Call<C, E> {
    /// Sends the request and reads the answer.
    ///
    /// # Errors
    /// What LXD answered, or what went wrong on the way.
    pub fn send(self) -> Result<E::Output, Error> {
        let Begun { head, mut body, asked } =
            begin(&self.client, &self.endpoint.extensions(), self.request(), self.streams)?;
        let mut answer = self.endpoint.receive(head);
        while let Some(chunk) = C::chunk(&mut body)? {
            answer.push(chunk).map_err(|error| asked.answered(error))?;
        }
        answer.finish().map_err(|error| asked.answered(error))
    }
}

impl<C: Async, E: Endpoint> IntoFuture for Call<C, E> {
    type Output = Result<E::Output, Error>;
    type IntoFuture = Sending<E::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Begun { head, mut body, asked } =
                begin_async(&self.client, &self.endpoint.extensions(), self.request(), self.streams).await?;
            let mut answer = self.endpoint.receive(head);
            while let Some(chunk) = C::chunk(&mut body).await? {
                answer.push(chunk).map_err(|error| asked.answered(error))?;
            }
            answer.finish().map_err(|error| asked.answered(error))
        })
    }
}

impl<C: Client, F: Flow> Run<C, F> {
    /// The flow, which puts the project and all that into its requests, and the caller's streams, for a driver of one's
    /// own. [`Streams::redeem`] gives the requests their bodies.
    pub fn into_flow(self) -> (Scoped<F>, Streams<C>) {
        (Scoped::new(self.flow, self.streams.scopes(&self.client)), self.streams)
    }
}

impl<C: Blocking, F: Flow> Run<C, F> {
    /// Runs the flow to its end.
    ///
    /// # Errors
    /// What LXD answered, or what went wrong on the way.
    pub fn send(self) -> Result<F::Output, Error> {
        extensions::require(&self.client, &self.flow.extensions())?;
        let client = self.client.clone();
        let (flow, streams) = self.into_flow();
        Driver::new(flow, client.io(streams)).run()
    }
}

impl<C: Async, F: Flow + 'static> IntoFuture for Run<C, F> {
    type Output = Result<F::Output, Error>;
    type IntoFuture = Sending<F::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            extensions::require_async(&self.client, &self.flow.extensions()).await?;
            let client = self.client.clone();
            let (flow, streams) = self.into_flow();
            let mut driver = Driver::new(flow, client.io(streams));
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
        ready(&self.client, &self.streams, self.download.request()?)
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
    pub fn send(self) -> Result<Incoming<D::Head, C::Body>, Error> {
        let Begun { head, body, asked } =
            begin(&self.client, &self.download.extensions(), self.request(), self.streams)?;
        if !head.status.is_success() {
            return Err(asked.answered(refused(&receive::<C>(head, body, limits::ANSWER)?)));
        }
        Ok(Incoming { head: self.download.head(&head)?, body })
    }
}

impl<C: Async, D: Download> IntoFuture for Fetch<C, D> {
    type Output = Result<Incoming<D::Head, C::Body>, Error>;
    type IntoFuture = Sending<Incoming<D::Head, C::Body>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Begun { head, body, asked } =
                begin_async(&self.client, &self.download.extensions(), self.request(), self.streams).await?;
            if !head.status.is_success() {
                return Err(asked.answered(refused(&receive_async::<C>(head, body, limits::ANSWER).await?)));
            }
            Ok(Incoming { head: self.download.head(&head)?, body })
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

/// A list that is to be taken one by one, not yet asked for.
#[derive(Debug)]
#[must_use = "nothing happens until it is sent (blocking) or awaited (async)"]
pub struct OneByOne<C: Client, E>(Call<C, E>);

impl<C: Blocking, E: Listing> OneByOne<C, E> {
    /// Sends the request, and returns when the answer's head is there.
    ///
    /// # Errors
    /// What LXD answered, or what went wrong on the way.
    pub fn send(self) -> Result<Arriving<C, E::Item>, Error> {
        let call = self.0;
        let begun = begin(&call.client, &call.endpoint.extensions(), call.request(), call.streams)?;
        let refused = !begun.head.status.is_success();
        let mut arriving = Arriving::new(&call.endpoint, begun);
        match refused.then(|| arriving.next()) {
            Some(Some(Err(error))) => Err(error),
            _ => Ok(arriving),
        }
    }
}

impl<C: Async, E: Listing> IntoFuture for OneByOne<C, E> {
    type Output = Result<Arriving<C, E::Item>, Error>;
    type IntoFuture = Sending<Arriving<C, E::Item>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let call = self.0;
            let begun = begin_async(&call.client, &call.endpoint.extensions(), call.request(), call.streams).await?;
            let refused = !begun.head.status.is_success();
            let mut arriving = Arriving::new(&call.endpoint, begun);
            if refused {
                if let Some(Err(error)) = poll_fn(|context| Pin::new(&mut arriving).poll_next(context)).await {
                    return Err(error);
                }
            }
            Ok(arriving)
        })
    }
}

/// The elements of a list that is still arriving: an iterator (blocking) or a stream (async) of `Result<T, Error>`.
///
/// After an error there is nothing more. Only when it ends without one was the list whole: its end is also the end of
/// the answer. Dropping it before closes the connection.
pub struct Arriving<C: Client, T> {
    source: Source<C>,
    elements: Elements<T>,
    asked: Asked,
}

/// Where the chunks come from.
enum Source<C: Client> {
    Body(C::Body),
    /// One that is on its way, so that nothing is lost when nobody waits for it any more.
    Coming(Coming<C>),
    Over,
}

type Coming<C> = Pin<Box<dyn Future<Output = (Result<Option<Bytes>, Failure>, <C as Client>::Body)> + Send>>;

impl<C: Client, T: DeserializeOwned> Arriving<C, T> {
    fn new<E: Listing<Item = T>>(endpoint: &E, Begun { head, body, asked }: Begun<C>) -> Self {
        Self { source: Source::Body(body), elements: endpoint.elements(head), asked }
    }

    /// What is there without another chunk.
    fn take(&mut self) -> Poll<Option<Result<T, Error>>> {
        if matches!(self.source, Source::Over) {
            return Poll::Ready(None);
        }
        match self.elements.take() {
            Ok(Element::Next(element)) => Poll::Ready(Some(Ok(element))),
            Ok(Element::NotYet) => Poll::Pending,
            Ok(Element::End) => {
                self.source = Source::Over;
                Poll::Ready(None)
            }
            Err(error) => Poll::Ready(Some(Err(self.failed(error)))),
        }
    }

    fn received(&mut self, chunk: Result<Option<Bytes>, Failure>) -> Result<(), Error> {
        match chunk {
            Ok(Some(chunk)) => self.elements.push(chunk),
            Ok(None) => self.elements.finish(),
            Err(failure) => return Err(self.failed(failure.into())),
        }
        Ok(())
    }

    fn failed(&mut self, error: Error) -> Error {
        self.source = Source::Over;
        self.asked.answered(error)
    }
}

impl<C: Blocking, T: DeserializeOwned> Iterator for Arriving<C, T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Poll::Ready(element) = self.take() {
                return element;
            }
            let Source::Body(body) = &mut self.source else { return None };
            let chunk = C::chunk(body);
            if let Err(error) = self.received(chunk) {
                return Some(Err(error));
            }
        }
    }
}

impl<C: Async, T: DeserializeOwned> Stream for Arriving<C, T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Poll::Ready(element) = this.take() {
                return Poll::Ready(element);
            }
            let mut coming = match mem::replace(&mut this.source, Source::Over) {
                Source::Body(mut body) => Box::pin(async move { (C::chunk(&mut body).await, body) }),
                Source::Coming(coming) => coming,
                Source::Over => return Poll::Ready(None),
            };
            let Poll::Ready((chunk, body)) = coming.as_mut().poll(context) else {
                this.source = Source::Coming(coming);
                return Poll::Pending;
            };
            this.source = Source::Body(body);
            if let Err(error) = this.received(chunk) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

/// Nothing in it is pinned where it is.
impl<C: Client, T> Unpin for Arriving<C, T> {}

impl<C: Client, T> fmt::Debug for Arriving<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arriving").field("elements", &self.elements).finish_non_exhaustive()
    }
}

/// An exchange of which the answer's head is there.
struct Begun<C: Client> {
    head: http::response::Parts,
    body: C::Body,
    asked: Asked,
}

/// What was asked, for errors.
struct Asked(Method, Uri);

impl Asked {
    fn answered(&self, error: Error) -> Error {
        error.answering(&self.0, &self.1)
    }
}

/// Makes sure that the server can do it, and sends the request.
fn begin<C: Blocking>(
    client: &C,
    extensions: &[&'static str],
    request: Result<Request, Error>,
    mut streams: Streams<C>,
) -> Result<Begun<C>, Error> {
    extensions::require(client, extensions)?;
    let request = request?;
    let asked = Asked(request.method().clone(), request.uri().clone());
    let (mut head, body) = client.fetch(streams.redeem(request)?)?.into_parts();
    client.scope().adopt(&mut head.headers);
    Ok(Begun { head, body, asked })
}

/// As [`begin`].
async fn begin_async<C: Async>(
    client: &C,
    extensions: &[&'static str],
    request: Result<Request, Error>,
    mut streams: Streams<C>,
) -> Result<Begun<C>, Error> {
    extensions::require_async(client, extensions).await?;
    let request = request?;
    let asked = Asked(request.method().clone(), request.uri().clone());
    let (mut head, body) = client.fetch(streams.redeem(request)?).await?.into_parts();
    client.scope().adopt(&mut head.headers);
    Ok(Begun { head, body, asked })
}

/// A request with its scope, and with the caller's body if that is not a reader.
fn ready<C: Client>(client: &C, streams: &Streams<C>, mut request: Request) -> Result<Request, Error> {
    client.scope().apply(&mut request)?;
    Ok(request.map(|body| streams.fill(body)))
}

/// The error that a download was answered with.
fn refused(response: &Response) -> Error {
    match Envelope::open(response) {
        Err(error) => error,
        Ok(_) => Failure::new(crate::error::FailureKind::Other, "a refusal that is none").into(),
    }
}
