//! What a `GET` of an object gives.

use alloc::string::String;
use core::{fmt, ops::Deref};

use bytes::Bytes;
use http::header;
use serde::de::DeserializeOwned;

use crate::{Error, Response, envelope, headers};

/// The version of an object's writable part, opaque. A `PUT` or `PATCH` with it fails with
/// [`PreconditionFailed`](crate::error::ApiErrorKind::PreconditionFailed) when somebody else was faster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag(String);

impl ETag {
    /// The version as the server wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An object with its version and the very bytes that it came in.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Fetched<R> {
    /// The object.
    pub value: R,
    /// Its version, where LXD has one (5.0.2 has none for storage pools).
    pub etag: Option<ETag>,
    /// The JSON it was read from, which holds also what this version of the library does not know.
    pub raw: Bytes,
}

impl<R: fmt::Debug> fmt::Debug for Fetched<R> {
    /// Not the JSON: it shows what the value hides.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").field("value", &self.value).field("etag", &self.etag).finish_non_exhaustive()
    }
}

impl<R: DeserializeOwned> Fetched<R> {
    /// Reads the answer to a `GET`.
    pub(crate) fn read(what: &'static str, response: &Response) -> Result<Self, Error> {
        let (value, raw) = envelope::object(what, response)?;
        let etag = headers::text(response.headers(), header::ETAG);
        Ok(Self { value, etag: etag.map(|text| ETag(text.into())), raw })
    }
}

impl<R> Deref for Fetched<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.value
    }
}
