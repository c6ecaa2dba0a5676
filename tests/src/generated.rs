//! Answers without a server: a list of any length, of instances as a real one has them.

use serde_json::{Value, value::RawValue};

const FIXTURES: &str = include_str!("../../lxd-proto/tests/fixtures/lxd-6.9.jsonl");

/// The list that the benchmarks measure with has so many elements.
pub const MANY: usize = 100_000;

/// What was recorded under this name.
fn line<'a>(fixtures: &'a str, name: &str) -> &'a str {
    let begin = format!(r#"{{"name":"{name}","#);
    fixtures.lines().find(|line| line.starts_with(&begin)).expect("a fixture")
}

/// The body of a recorded answer.
fn answer(name: &str) -> Value {
    serde_json::from_str::<Value>(line(FIXTURES, name)).expect("a fixture")["body"].take()
}

/// So many events are taken by the benchmarks.
pub const EVENTS: usize = 2_000_000;

/// Events as LXD 5.0.2 sent them, each a websocket's message: of operations, lifecycles and logs.
pub fn events() -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Recorded<'a> {
        #[serde(borrow)]
        messages: Vec<&'a RawValue>,
    }
    let line = line(include_str!("../../lxd-proto/tests/fixtures/lxd-5.0.2.jsonl"), "events-of-each-shape");
    let recorded: Recorded<'_> = serde_json::from_str(line).expect("a fixture");
    recorded.messages.iter().map(ToString::to_string).collect()
}

/// The answer to `GET /1.0/instances/i1`.
pub fn instance() -> String {
    answer("instance").to_string()
}

/// The elements of `GET /1.0/instances?recursion=2`: a container of 4.5 KB under many names.
#[derive(Clone, Debug)]
pub struct Instances(String, String);

impl Default for Instances {
    fn default() -> Self {
        let mut instance = answer("instances-r2")["metadata"][2].take();
        instance["snapshots"] = vec![answer("snapshots-r1")["metadata"][0].take()].into();
        instance["name"] = "NAME".into();
        let text = instance.to_string();
        let (begin, end) = text.split_once("NAME").expect("its name");
        Self(begin.into(), end.into())
    }
}

impl Instances {
    /// Appends the JSON of one of them.
    pub fn write(&self, number: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
        out.extend_from_slice(format!("c{number:06}").as_bytes());
        out.extend_from_slice(self.1.as_bytes());
    }

    /// The whole answer around the elements, before and after them.
    pub const AROUND: [&'static str; 2] = [
        r#"{"type":"sync","status":"Success","status_code":200,"operation":"","error_code":0,"error":"","metadata":["#,
        "]}\n",
    ];
}
