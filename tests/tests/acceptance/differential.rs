//! The simulation beside a real LXD 5.0.2: the requests of `differential.txt`, to both, in turn. The answers are the same,
//! but for what is volatile and what is known to differ.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use lxd_host::Remote;
use lxd_proto::{Lxd, resources::ImageAliasesPost};
use lxd_tests::{Daemon, Lab, Server, cases, env};
use serde_json::Value;

cases!(ureq_unix, lxd_ureq::Client, unix, answers_are_those_of_a_real_one);

/// Keys whose values are another each time, or the machine's.
const VOLATILE: &[&str] = &[
    "created_at",
    "updated_at",
    "last_used_at",
    "uploaded_at",
    "id",
    "operation",
    "environment",
    "pid",
    "cpu",
    "memory",
    "processes",
    "counters",
    "hwaddr",
    "host_name",
    "source",
    "uuid",
    "size",
    "core.https_address",
    "progress",
    "create_instance_from_image_unpack_progress",
    "container_progress",
];

/// Requests whose answers differ, each with its reason. They are in lxd-sim's documentation too.
const KNOWN: &[(&str, &str)] = &[];

/// What was answered, without what is volatile.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Value,
}

fn answers_are_those_of_a_real_one<C: Lab>(server: &Server<C>) {
    let daemon = Daemon::start(server, 8540);
    let real = daemon.unix::<C>();
    let (mut config, mut listen) = (lxd_sim::Config::default(), lxd_sim::Listen::default());
    config.password = Some("known to nobody".into());
    listen.https = Some(([127, 0, 0, 1], 0).into());
    let simulation = lxd_sim::Server::start_with(config, listen).unwrap();
    let socket = simulation.socket().display().to_string();
    let simulated = Server::<C>::at(Remote::unix(&*socket)).lxd;
    // As tests/server makes a real one.
    simulated.network("lxdbr0").delete().wait().send().unwrap();
    let tarball = std::fs::read(env("LXD_TEST_IMAGE")).unwrap();
    let image = simulated.images().upload(tarball).filename("busybox.tar.gz").wait().send().unwrap();
    let image = image.fingerprint.to_string();
    simulated.image_aliases().create(ImageAliasesPost::new("busybox", &image)).wait().send().unwrap();

    let sockets = [real.remote.address.to_string().trim_start_matches("unix:").to_owned(), socket];
    let (mut asked, mut differ, mut told) = (0, Vec::new(), String::new());
    let lines = include_str!("differential.txt").lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        asked += 1;
        let [real, simulated] = [&sockets[0], &sockets[1]].map(|socket| run(socket, &line.replace("$image", &image)));
        if real != simulated {
            differ.push(line);
            told += &format!("{line}\n  real      {real:?}\n  simulated {simulated:?}\n");
        }
    }
    println!("{asked} requests, {} with another answer", differ.len());
    assert!(asked >= 300);
    let mut known: Vec<&str> = KNOWN.iter().map(|(line, _)| *line).collect();
    known.sort_unstable();
    differ.sort_unstable();
    differ.dedup();
    assert!(differ == known, "{told}");
}

/// Sends one request, and waits for what it began.
fn run(socket: &str, line: &str) -> Vec<Answer> {
    let (line, header) = line.split_once(" | ").unwrap_or((line, ""));
    let mut words = line.splitn(3, ' ');
    let (method, path, body) = (words.next().unwrap(), words.next().unwrap(), words.next());
    let body = body.map(|body| serde_json::from_str::<Value>(body).unwrap());
    let mut answers = vec![ask(socket, method, path, body.as_ref(), header)];
    if let Some(operation) = answers[0].1.take() {
        answers.push(ask(socket, "GET", &format!("{operation}/wait?timeout=60"), None, ""));
    }
    answers.into_iter().map(|(answer, _)| answer).collect()
}

/// The answer, and the operation that it names.
fn ask(socket: &str, method: &str, path: &str, body: Option<&Value>, header: &str) -> (Answer, Option<String>) {
    let (kind, content) = match body {
        Some(Value::String(text)) => ("application/octet-stream", text.clone()),
        Some(object) => ("application/json", object.to_string()),
        None => ("application/json", String::new()),
    };
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    let mut stream = UnixStream::connect(socket).unwrap();
    let length = content.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: lxd\r\nConnection: close\r\nContent-Type: {kind}\r\n{header}");
    stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n{content}").as_bytes()).unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let end = response.parse(&received).unwrap().unwrap();
    let status = response.code.unwrap();
    let text = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value).into_owned())
    };
    let chunked = text("transfer-encoding").is_some();
    let body = if chunked { unchunked(&received[end..]) } else { received[end..].to_vec() };
    let operation = text("location").filter(|url| status == 202 && url.starts_with("/1.0/operations/"));
    let shown = ["x-lxd-type", "x-lxd-mode", "x-lxd-uid", "x-lxd-gid", "location", "content-type", "content-range"];
    let mut headers: BTreeMap<String, String> =
        shown.iter().filter_map(|name| Some(((*name).to_owned(), scrubbed(&text(name)?)))).collect();
    if text("etag").is_some() {
        headers.insert("etag".into(), "some".into());
    }
    let body = match serde_json::from_slice(&body) {
        Ok(mut json) => {
            scrub(&mut json);
            json
        }
        Err(_) => scrubbed(&String::from_utf8_lossy(&body)).into(),
    };
    (Answer { status, headers, body }, operation)
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(httparse::Status::Complete((start, size @ 1..))) = httparse::parse_chunk_size(rest) {
        let (start, size) = (start, usize::try_from(size).unwrap());
        body.extend_from_slice(&rest[start..start + size]);
        rest = &rest[start + size + 2..];
    }
    body
}

/// Takes away what is volatile, and the order of lists. What is null or empty is the same as what is not said.
fn scrub(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, _| !VOLATILE.contains(&key.as_str()) && !key.starts_with("volatile."));
            object.values_mut().for_each(scrub);
            object.retain(|_, value| {
                let empty = value.as_array().is_some_and(Vec::is_empty)
                    || value.as_object().is_some_and(serde_json::Map::is_empty);
                !value.is_null() && !empty
            });
        }
        Value::Array(list) => {
            list.iter_mut().for_each(scrub);
            list.sort_by_key(Value::to_string);
        }
        Value::String(text) => *text = scrubbed(text),
        _ => {}
    }
}

/// Hashes and ids are another each time.
fn scrubbed(text: &str) -> String {
    let is_id = |word: &str| {
        let hex = word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        hex && (word.len() == 64 || (word.len() == 36 && word.contains('-')))
    };
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_alphanumeric() || c == '-' {
            word.push(c);
            continue;
        }
        out += if is_id(&word) { "ID" } else { &word };
        word.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}
