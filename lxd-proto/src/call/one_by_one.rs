//! Lists whose elements are taken while they arrive.

use alloc::boxed::Box;
use core::{
    fmt,
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use serde::de::DeserializeOwned;

use super::{Asked, Begun, Call, Sending, begin, begin_async};
use crate::{Async, Blocking, Client, Element, Elements, Error, Failure, Listing};

/// A list that is to be taken one by one, not yet asked for.
#[derive(Debug)]
#[must_use = "nothing happens until it is sent (blocking) or awaited (async)"]
pub struct OneByOne<C: Client, E>(Call<C, E>);

impl<C: Client, E: Listing> OneByOne<C, E> {
    pub(super) fn new(call: Call<C, E>) -> Self {
        Self(call)
    }
}

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
