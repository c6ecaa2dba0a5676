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

mod fetch;
mod one_by_one;

use alloc::{boxed::Box, vec::Vec};
use core::{
    future::{Future, poll_fn},
    pin::Pin,
};

use http::{Method, Uri};

pub use fetch::{Collect, Incoming};
pub use one_by_one::{Arriving, OneByOne};

use crate::{
    Answer, Async, Blocking, Changed, Client, Endpoint, Error, Flow, Listing, Request, Response, Streams, extensions,
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
        OneByOne::new(self)
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
