//! Bodies of answers.

use bytes::{Bytes, BytesMut};

use crate::{Async, Blocking, Failure, FailureKind, Response, limits};

/// Receives an answer's body, within its limit.
pub(crate) fn receive<C: Blocking>(
    head: http::response::Parts,
    mut body: C::Body,
    limit: u64,
) -> Result<Response, Failure> {
    let mut whole = Whole::new(&head, limit);
    while let Some(chunk) = C::chunk(&mut body)? {
        whole.push(chunk)?;
    }
    Ok(Response::from_parts(head, whole.finish()))
}

/// As [`receive`].
pub(crate) async fn receive_async<C: Async>(
    head: http::response::Parts,
    mut body: C::Body,
    limit: u64,
) -> Result<Response, Failure> {
    let mut whole = Whole::new(&head, limit);
    while let Some(chunk) = C::chunk(&mut body).await? {
        whole.push(chunk)?;
    }
    Ok(Response::from_parts(head, whole.finish()))
}

/// Collects an answer's body, within its limit.
#[derive(Debug)]
pub(crate) struct Whole {
    first: Bytes,
    rest: BytesMut,
    limit: u64,
}

impl Whole {
    pub(crate) fn new(head: &http::response::Parts, limit: u64) -> Self {
        let failed = head.status.as_u16() >= 400;
        Self { limit: if failed { limits::ERROR_ANSWER } else { limit }, ..Self::success() }
    }

    pub(crate) fn success() -> Self {
        Self { first: Bytes::new(), rest: BytesMut::new(), limit: limits::ANSWER }
    }

    /// Most answers come in one piece, which is kept without a copy.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Result<(), Failure> {
        let length = (self.first.len() + self.rest.len() + chunk.len()) as u64;
        if length > self.limit {
            return Err(too_large(self.limit));
        }
        if self.first.is_empty() && self.rest.is_empty() {
            self.first = chunk;
        } else {
            self.rest.extend_from_slice(&core::mem::take(&mut self.first));
            self.rest.extend_from_slice(&chunk);
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Bytes {
        if self.rest.is_empty() { self.first } else { self.rest.freeze() }
    }
}

/// An answer has more bytes than this.
pub(crate) fn too_large(limit: u64) -> Failure {
    Failure::new(FailureKind::TooLarge, alloc::format!("more than {limit} bytes were sent"))
}
