//! Downloads.

use alloc::boxed::Box;

use bytes::Bytes;

use super::{Begun, Fetch, Sending, begin, begin_async, ready};
use crate::{
    Async, Blocking, Client, Download, Error, Failure, FailureKind, Request, Response,
    client::{Whole, receive, receive_async},
    envelope::Envelope,
    limits,
};

impl<C: Client, D: Download> Fetch<C, D> {
    /// Receives the whole body into memory, within [`limits::ANSWER`](crate::limits::ANSWER), and looks whether it is what
    /// was asked for, where that can be known: see [`Download::check`].
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

/// What was asked for, and what comes.
type Arriving<D, B> = (D, Incoming<<D as Download>::Head, B>);

impl<C: Blocking, D: Download> Fetch<C, D> {
    /// Sends the request, and returns when the answer's head is there.
    ///
    /// # Errors
    /// What LXD answered, or what went wrong on the way.
    pub fn send(self) -> Result<Incoming<D::Head, C::Body>, Error> {
        self.begin().map(|(_, incoming)| incoming)
    }

    fn begin(self) -> Result<Arriving<D, C::Body>, Error> {
        let Begun { head, body, asked } =
            begin(&self.client, &self.download.extensions(), self.request(), self.streams)?;
        if !head.status.is_success() {
            return Err(asked.answered(refused(&receive::<C>(head, body, limits::ANSWER)?)));
        }
        let head = self.download.head(&head)?;
        Ok((self.download, Incoming { head, body }))
    }
}

impl<C: Async, D: Download> IntoFuture for Fetch<C, D> {
    type Output = Result<Incoming<D::Head, C::Body>, Error>;
    type IntoFuture = Sending<Incoming<D::Head, C::Body>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.begin_async().await.map(|(_, incoming)| incoming) })
    }
}

impl<C: Async, D: Download> Fetch<C, D> {
    async fn begin_async(self) -> Result<Arriving<D, C::Body>, Error> {
        let Begun { head, body, asked } =
            begin_async(&self.client, &self.download.extensions(), self.request(), self.streams).await?;
        if !head.status.is_success() {
            return Err(asked.answered(refused(&receive_async::<C>(head, body, limits::ANSWER).await?)));
        }
        let head = self.download.head(&head)?;
        Ok((self.download, Incoming { head, body }))
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
        let (download, mut incoming) = self.0.begin()?;
        let mut whole = Whole::success();
        while let Some(chunk) = C::chunk(&mut incoming.body)? {
            whole.push(chunk)?;
        }
        let whole = whole.finish();
        download.check(&incoming.head, &whole)?;
        Ok(whole)
    }
}

impl<C: Async, D: Download> IntoFuture for Collect<C, D> {
    type Output = Result<Bytes, Error>;
    type IntoFuture = Sending<Bytes>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (download, mut incoming) = self.0.begin_async().await?;
            let mut whole = Whole::success();
            while let Some(chunk) = C::chunk(&mut incoming.body).await? {
                whole.push(chunk)?;
            }
            let whole = whole.finish();
            download.check(&incoming.head, &whole)?;
            Ok(whole)
        })
    }
}

/// The error that a download was answered with.
fn refused(response: &Response) -> Error {
    match Envelope::open(response) {
        Err(error) => error,
        Ok(_) => Failure::new(FailureKind::Other, "a refusal that is none").into(),
    }
}
