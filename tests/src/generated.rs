//! Answers without a server: a list of any length, of instances as a real one has them.

use serde_json::Value;

const INSTANCES: &str = include_str!("../../lxd-proto/tests/fixtures/lxd-6.9/instances-r2.json");
const INSTANCE: &str = include_str!("../../lxd-proto/tests/fixtures/lxd-6.9/instance.json");
const SNAPSHOTS: &str = include_str!("../../lxd-proto/tests/fixtures/lxd-6.9/snapshots-r1.json");

/// The list that the benchmarks measure with has so many elements.
pub const MANY: usize = 100_000;

fn metadata(fixture: &str) -> Value {
    let fixture: Value = serde_json::from_str(fixture).expect("a fixture");
    fixture["body"]["metadata"].clone()
}

/// The answer to `GET /1.0/instances/i1`.
pub fn instance() -> String {
    let fixture: Value = serde_json::from_str(INSTANCE).expect("a fixture");
    fixture["body"].to_string()
}

/// The elements of `GET /1.0/instances?recursion=2`: a container of 4.5 KB under many names.
#[derive(Clone, Debug)]
pub struct Instances(String, String);

impl Default for Instances {
    fn default() -> Self {
        let instances = metadata(INSTANCES);
        let mut instance = instances[2].clone();
        let snapshot = metadata(SNAPSHOTS)[0].clone();
        instance["snapshots"] = vec![snapshot].into();
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
