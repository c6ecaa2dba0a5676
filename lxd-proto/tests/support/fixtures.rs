//! Real answers of real servers.

use std::{collections::BTreeMap, fs, path::PathBuf};

use bytes::Bytes;
use lxd_proto::Response;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// The servers that the answers are from, one from before most calls became asynchronous and one from after.
pub(crate) const SERVERS: [&str; 2] = ["lxd-5.0.2", "lxd-6.9"];

/// An exchange with a real server.
#[derive(Deserialize)]
pub(crate) struct Exchange {
    status: u16,
    headers: BTreeMap<String, String>,
    /// JSON as it came, or any other text as a string.
    body: Box<RawValue>,
}

impl Exchange {
    pub(crate) fn load(server: &str, name: &str) -> Self {
        serde_json::from_str(&text(server, name)).unwrap()
    }

    /// The answer's body.
    pub(crate) fn body(&self) -> Bytes {
        match serde_json::from_str(self.body.get()) {
            Ok(Value::String(text)) => text.into(),
            _ => self.body.get().to_owned().into(),
        }
    }

    pub(crate) fn response(&self) -> Response {
        self.with(self.body())
    }

    /// The answer with another body.
    pub(crate) fn with(&self, body: impl Into<Bytes>) -> Response {
        let response = http::Response::builder().status(self.status);
        let response = self.headers.iter().fold(response, |response, (name, value)| response.header(name, value));
        response.body(body.into()).unwrap()
    }
}

/// A fixture's JSON, of any shape.
pub(crate) fn text(server: &str, name: &str) -> String {
    let path = folder(server).join(name).with_extension("json");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all fixtures of a server.
pub(crate) fn names(server: &str) -> Vec<String> {
    let files = fs::read_dir(folder(server)).unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<_> = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn folder(server: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(server)
}
