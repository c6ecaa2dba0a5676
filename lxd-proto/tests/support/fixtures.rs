//! Real answers of real servers.

use std::{collections::BTreeMap, fs, path::PathBuf};

use bytes::Bytes;
use lxd_proto::Response;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// The servers that the answers are from, one from before most calls became asynchronous and one from after.
pub(crate) const SERVERS: [&str; 2] = ["lxd-5.0.2", "lxd-6.9"];

/// Two of the older ones that are a cluster.
pub(crate) const CLUSTER: &str = "lxd-5.0.2-cluster";

/// An exchange with a real server.
#[derive(Deserialize)]
pub(crate) struct Exchange {
    pub(crate) name: String,
    /// Verb and path.
    pub(crate) request: String,
    pub(crate) status: u16,
    headers: BTreeMap<String, String>,
    /// JSON as it came, or any other text as a string.
    body: Box<RawValue>,
}

impl Exchange {
    pub(crate) fn load(server: &str, name: &str) -> Self {
        serde_json::from_str(&line(server, name)).unwrap()
    }

    /// All exchanges of a server.
    pub(crate) fn all(server: &str) -> Vec<Self> {
        let text = recording(server);
        let exchanges = text.lines().filter(|line| line.contains(r#"","request":""#));
        exchanges.map(|line| serde_json::from_str(line).unwrap()).collect()
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

/// What was recorded of websockets: events, or the frames of a command.
pub(crate) fn messages(server: &str, name: &str) -> Vec<Value> {
    #[derive(Deserialize)]
    struct Recording {
        messages: Vec<Value>,
    }
    serde_json::from_str::<Recording>(&line(server, name)).unwrap().messages
}

/// The names of all fixtures of a server.
pub(crate) fn names(server: &str) -> Vec<String> {
    recording(server).lines().map(|line| name(line).to_owned()).collect()
}

fn line(server: &str, wanted: &str) -> String {
    let text = recording(server);
    let line = text.lines().find(|line| name(line) == wanted);
    line.unwrap_or_else(|| panic!("{server} has no {wanted}")).to_owned()
}

/// The first value of a line.
fn name(line: &str) -> &str {
    line.strip_prefix(r#"{"name":""#).and_then(|line| line.split('"').next()).expect("a name")
}

fn recording(server: &str) -> String {
    text(&format!("{server}.jsonl"))
}

/// A file of fixtures.
pub(crate) fn text(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
