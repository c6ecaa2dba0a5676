//! A request, taken apart.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::{Caller, Exchange, answer::Refusal};

/// The certificate that the caller showed by TLS, as DER: an extension of a request.
#[derive(Clone, Debug)]
pub struct ClientCertificate(pub Vec<u8>);

/// An object as it is on the wire.
pub(crate) type Object = Map<String, Value>;

/// A request.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) exchange: Exchange,
    pub(crate) from: Caller,
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) method: Method,
    /// The names after `/1.0`, decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Ask {
    pub(crate) fn read(exchange: Exchange, from: Caller, request: Request<Bytes>) -> Result<Self, Refusal> {
        let (head, body) = request.into_parts();
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        // A name may hold an encoded slash: cut first, decoded afterwards.
        let mut path: Vec<String> = head.uri.path().split('/').skip(1).map(decoded).collect();
        match path.first().map(String::as_str) {
            // With a slash at its end it is another path.
            Some("1.0") if path.last().is_some_and(|last| !last.is_empty()) => drop(path.remove(0)),
            Some("") if path.len() == 1 => path = vec!["/".into()],
            _ => return Err(Refusal::not_found("not found")),
        }
        let query = head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let query = query.map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key), decoded(&value.replace('+', " ")))
        });
        Ok(Self {
            exchange,
            from,
            certificate: head.extensions.get::<ClientCertificate>().map(|certificate| certificate.0.clone()),
            query: query.collect(),
            method: head.method,
            path,
            headers: head.headers,
            body,
        })
    }

    pub(crate) fn is(&self, method: Method) -> bool {
        self.method == method
    }

    pub(crate) fn project(&self) -> &str {
        self.query.get("project").filter(|name| !name.is_empty()).map_or("default", String::as_str)
    }

    pub(crate) fn all_projects(&self) -> bool {
        self.query.get("all-projects").is_some_and(|value| is_true(value))
    }

    /// 0, 1 or 2: LXD takes what is no number for 0.
    pub(crate) fn recursion(&self) -> u8 {
        let value = self.query.get("recursion").map_or("", String::as_str);
        value.split(';').next().and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn if_match(&self) -> Option<&str> {
        Some(self.header(header::IF_MATCH.as_str())?.trim_matches('"'))
    }

    pub(crate) fn is_json(&self) -> bool {
        self.header("content-type").is_none_or(|kind| kind.starts_with("application/json"))
    }

    /// The body's object, with Go's words for what is none.
    pub(crate) fn object(&self) -> Result<Object, Refusal> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Refusal::bad("json: cannot unmarshal into Go value")),
            Err(_) if self.body.trim_ascii().is_empty() => Err(Refusal::bad("EOF")),
            Err(error) if error.is_eof() => Err(Refusal::bad("unexpected EOF")),
            Err(error) => Err(Refusal::bad(error.to_string())),
        }
    }

    /// Whether the connection is to become this protocol.
    pub(crate) fn upgrades_to(&self, protocol: &str) -> bool {
        self.header("upgrade").is_some_and(|name| name.eq_ignore_ascii_case(protocol))
    }
}

/// What LXD takes for yes.
pub(crate) fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on")
}

/// A text in an object, or an empty one.
pub(crate) fn text<'a>(object: &'a Object, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// An object in an object, or an empty one.
pub(crate) fn object(of: &Object, key: &str) -> Object {
    of.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Whether something is said and true.
pub(crate) fn flag(object: &Object, key: &str) -> bool {
    object.get(key).and_then(Value::as_bool).unwrap_or_default()
}

/// The texts of a list.
pub(crate) fn texts(object: &Object, key: &str) -> Vec<String> {
    let list = object.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(String::from).collect()
}
