//! Any path of the server's API, for what has no handle here.
//!
//! ```no_run
//! # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
//! use lxd_proto::{Lxd, Path};
//!
//! #[derive(serde::Deserialize)]
//! struct Integration { description: String }
//!
//! // Names are one segment, whatever is in them.
//! let ours = lxd.api(Path::root().join("network-integrations").name("my own")); // Incus
//! let integration = ours.get::<Integration>().send()?;
//! println!("{}", integration.description);
//! let body = serde_json::json!({"description": "new", "config": {}});
//! ours.put(&body).if_match(integration.etag.clone()).wait().send()?;
//! # Ok(())
//! # }
//! ```

use alloc::string::ToString;
use core::{fmt, marker::PhantomData};

use http::{HeaderMap, Method};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Answer, Call, Changed, Client, Download, ETag, Endpoint, Error, Fetch, Fetched, Path, Request, Response, Streams,
    crud::conditional,
    endpoint::{bare, json},
    error::decode,
    resources::Operation,
};

/// A path of the server's API. Made by [`Lxd::api`](crate::Lxd::api).
#[derive(Clone, Debug)]
pub struct Api<C> {
    client: C,
    path: Path,
}

impl<C: Client> Api<C> {
    pub(crate) fn new(client: &C, path: Path) -> Self {
        Self { client: client.clone(), path }
    }

    /// Reads it: `GET`, with the metadata as any type. Keys that the type does not have are ignored.
    pub fn get<T: DeserializeOwned + Send + 'static>(&self) -> Call<C, ApiGet<T>> {
        Call::new(&self.client, ApiGet { path: self.path.clone(), kind: PhantomData })
    }

    /// Reads what is no JSON: `GET`, with the body as it comes.
    pub fn download(&self) -> Fetch<C, ApiDownload> {
        Fetch::with(&self.client, ApiDownload(self.path.clone()), Streams::default())
    }

    /// `POST` with a JSON body.
    pub fn post(&self, body: &impl Serialize) -> Call<C, ApiChange> {
        self.change(Method::POST, Some(body))
    }

    /// `PUT` with a JSON body.
    pub fn put(&self, body: &impl Serialize) -> Call<C, ApiChange> {
        self.change(Method::PUT, Some(body))
    }

    /// `PATCH` with a JSON body.
    pub fn patch(&self, body: &impl Serialize) -> Call<C, ApiChange> {
        self.change(Method::PATCH, Some(body))
    }

    /// `DELETE`.
    pub fn delete(&self) -> Call<C, ApiChange> {
        self.change(Method::DELETE, None::<&()>)
    }

    fn change(&self, method: Method, body: Option<&impl Serialize>) -> Call<C, ApiChange> {
        // What cannot be written as JSON is told when the request is built, as every other wrong input.
        let body = body.map(|body| serde_json::to_value(body).map_err(|error| Error::InvalidInput(error.to_string())));
        Call::new(&self.client, ApiChange { method, path: self.path.clone(), body, if_match: None })
    }
}

/// `GET` of any path.
pub struct ApiGet<T> {
    path: Path,
    kind: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for ApiGet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ApiGet").field(&self.path).finish()
    }
}

impl<T: DeserializeOwned + Send + 'static> Endpoint for ApiGet<T> {
    type Output = Fetched<T>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &self.path)
    }

    fn response(&self, response: Response) -> Result<Fetched<T>, Error> {
        Fetched::read("the answer", &response)
    }
}

/// A change of any path. It gives the answer's metadata, or those of the operation that it became.
#[derive(Clone)]
pub struct ApiChange {
    method: Method,
    path: Path,
    body: Option<Result<Value, Error>>,
    if_match: Option<ETag>,
}

impl fmt::Debug for ApiChange {
    /// Not the body: it may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ApiChange").field(&self.method).field(&self.path).finish()
    }
}

impl Endpoint for ApiChange {
    type Output = Changed<Value>;

    fn request(&self) -> Result<Request, Error> {
        let request = match &self.body {
            Some(body) => json(self.method.clone(), &self.path, body.as_ref().map_err(Clone::clone)?)?,
            None => bare(self.method.clone(), &self.path)?,
        };
        conditional(request, self.if_match.as_ref())
    }

    fn response(&self, response: Response) -> Result<Changed<Value>, Error> {
        Changed::read(&response)
    }
}

impl<C: Client> Call<C, ApiChange> {
    /// Fails with [`PreconditionFailed`](crate::error::ApiErrorKind::PreconditionFailed) when the object has another
    /// version by now.
    pub fn if_match(mut self, etag: Option<ETag>) -> Self {
        self.endpoint.if_match = etag;
        self
    }
}

impl Answer for Value {
    fn done(_: &Response, metadata: &str) -> Result<Self, Error> {
        decode("the answer", metadata.as_bytes())
    }

    fn finished(operation: &Operation) -> Result<Self, Error> {
        Ok(operation.metadata.to_value())
    }
}

/// `GET` of any path, with the body as it comes.
#[derive(Clone, Debug)]
pub struct ApiDownload(Path);

impl Download for ApiDownload {
    type Head = HeaderMap;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &self.0)
    }

    fn head(&self, head: &http::response::Parts) -> Result<HeaderMap, Error> {
        Ok(head.headers.clone())
    }
}
