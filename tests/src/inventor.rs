//! A server of the future, seen through a client: every object has keys that nobody knows yet.

use std::{
    fmt,
    io::{self, Cursor, Read},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use lxd_proto::{Blocking, Client, Failure, FailureKind, Fingerprint, Payload, Scope, Streams, flow::Sequential};
use serde_json::{Map, Value, json};

use crate::Lab;

/// The key that the future invented, in every object at every depth.
pub const INVENTED: &str = "invented_in_the_future";

/// Adds invented keys to what a client reads, and takes them out again of what it writes.
#[derive(Clone)]
pub struct Inventor<C> {
    inner: C,
    seen: Arc<Mutex<Seen>>,
}

/// What went through.
#[derive(Default)]
struct Seen {
    read: Value,
    written: Vec<Value>,
}

impl<C> Inventor<C> {
    /// The same way with the future in it.
    pub fn new(inner: C) -> Self {
        Self { inner, seen: Arc::default() }
    }

    /// The object that was read last, and all that was written since.
    pub fn seen(&self) -> (Value, Vec<Value>) {
        let mut seen = self.seen.lock().expect("no panic");
        (seen.read.take(), std::mem::take(&mut seen.written))
    }
}

impl<C: Client> fmt::Debug for Inventor<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inventor({:?})", self.inner)
    }
}

impl<C: Lab> Client for Inventor<C> {
    type Reader = C::Reader;
    type Writer = C::Writer;
    type Body = Box<dyn Read + Send>;

    fn scope(&self) -> &Scope {
        self.inner.scope()
    }

    fn with_scope(&self, scope: Scope) -> Self {
        Self { inner: self.inner.with_scope(scope), seen: self.seen.clone() }
    }

    fn pin(&self) -> Option<Fingerprint> {
        self.inner.pin()
    }
}

impl<C: Lab> Blocking for Inventor<C> {
    type Io = Sequential<Self>;

    fn fetch(&self, request: http::Request<Payload<C::Reader>>) -> Result<http::Response<Self::Body>, Failure> {
        let (mut request, payload) = request.into_parts();
        let (method, operation) = (request.method.clone(), request.uri.path().starts_with("/1.0/operations/"));
        let mut seen = self.seen.lock().expect("no panic");
        let payload = match payload {
            Payload::Bytes(bytes) if method == http::Method::PUT => {
                let mut body: Value = serde_json::from_slice(&bytes).expect("JSON");
                seen.written.push(body.clone());
                forget(&mut body);
                let bytes = body.to_string();
                request.headers.insert(http::header::CONTENT_LENGTH, bytes.len().into());
                bytes.into()
            }
            payload => payload,
        };
        let (mut head, mut body) = self.inner.exchange(http::Request::from_parts(request, payload))?.into_parts();
        if method == http::Method::GET && !operation {
            let mut answer: Value = serde_json::from_slice(&body).expect("JSON");
            invent(&mut answer["metadata"]);
            if let Value::Object(object) = &mut answer["metadata"] {
                object.extend(future());
            }
            seen.read = answer["metadata"].clone();
            body = answer.to_string().into();
            head.headers.insert(http::header::CONTENT_LENGTH, body.len().into());
        }
        Ok(http::Response::from_parts(head, Box::new(Cursor::new(body))))
    }

    fn chunk(body: &mut Self::Body) -> Result<Option<Bytes>, Failure> {
        let mut whole = Vec::new();
        let length = body
            .read_to_end(&mut whole)
            .map_err(|error: io::Error| Failure::from_error(FailureKind::Broken, &error))?;
        Ok((length > 0).then(|| whole.into()))
    }

    fn io(&self, streams: Streams<Self>) -> Self::Io {
        Sequential::new(self, streams)
    }
}

/// What only the object itself has: values of every type.
fn future() -> Map<String, Value> {
    let values = json!({
        "future_object": {"a": [1, null, {"b": -1.5, "c": ""}], "d": {}},
        "future_list": [],
        "future_null": null,
        "future_number": u64::MAX,
        "future_bool": false,
    });
    values.as_object().cloned().unwrap_or_default()
}

/// Adds the invented key to every object, as a text, which fits into maps of configuration too.
fn invent(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                invent(value);
                // Devices are maps in a map.
                if key.ends_with("devices") {
                    value[INVENTED] = json!({INVENTED: "a device"});
                }
            }
            object.insert(INVENTED.into(), format!("ü\n{}", object.len()).into());
        }
        Value::Array(items) => items.iter_mut().for_each(invent),
        _ => {}
    }
}

/// Takes out all that was invented: the real server knows none of it.
fn forget(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, _| key != INVENTED && !future().contains_key(key));
            object.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}
