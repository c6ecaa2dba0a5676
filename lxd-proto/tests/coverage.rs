//! Everything that LXD's REST API has, and which of it the library sends.

use std::collections::BTreeSet;

use crate::{
    calls::{CALLS, matches, recorded},
    support::fixtures::{self, Exchange},
};

/// What no call sends, and why; see [`matches`]. [`Lxd::api`](lxd_proto::Lxd::api) can send all of it.
const NOT_SENT: &[(&str, &str)] = &[
    ("GET /", "the API has one version"),
    ("POST /1.0/storage-pools/*/volumes", "the same as `POST` to the volumes of a type, which is sent"),
];

/// What is sent though LXD's specification does not say it.
const UNSAID: &[(&str, &str)] = &[("DELETE /1.0/instances/*/logs/*", "up to 5.21; 6.9 answers 501")];

/// What must be answered first for the request to be sent.
const AFTER: &[(&str, &str)] =
    &[("GET /1.0/operations/*/wait", "instance-start"), ("GET /1.0/operations/*/websocket", "exec-ws-3fds")];

/// LXD 6.9's verbs and paths, with `*` for each name.
fn api() -> BTreeSet<String> {
    fixtures::text("lxd-6.9-api.txt").lines().map(String::from).collect()
}

/// A request as it came to the transport, without what the table does not tell: a query but for the recursion.
fn bare(asked: &str) -> String {
    let request = asked.lines().next().unwrap();
    let request = request.split_once(": ").map_or(request, |(_, opened)| opened);
    match request.split_once('?') {
        Some((path, query)) if query.starts_with("recursion=") => {
            format!("{path}?{}", query.split('&').next().unwrap())
        }
        Some((path, _)) => path.into(),
        None => request.into(),
    }
}

#[test]
fn every_call_sends_what_the_table_says() {
    for (request, call) in CALLS {
        let answer = AFTER.iter().find(|row| row.0 == *request).map(|row| Exchange::load("lxd-6.9", row.1).response());
        let lxd = recorded(answer);
        let _ = call(&lxd);
        let asked: Vec<_> = lxd.io().asked.iter().map(|asked| bare(asked)).collect();
        assert!(asked.iter().any(|asked| matches(request, asked)), "{request}: {asked:?}");
    }
}

#[test]
fn the_whole_api_is_sent_or_excepted() {
    let api = api();
    let (mut excepted_by, mut missing) = (BTreeSet::new(), Vec::new());
    for request in &api {
        let sent = CALLS.iter().any(|row| row.0 == request);
        let exceptions: Vec<_> = NOT_SENT.iter().filter(|row| matches(row.0, request)).map(|row| row.0).collect();
        match (sent, exceptions.as_slice()) {
            (true, []) => {}
            (true, _) => panic!("{request} is sent, and need not be excepted"),
            (false, []) => missing.push(request),
            (false, exceptions) => excepted_by.extend(exceptions.iter().copied()),
        }
    }
    assert!(missing.is_empty(), "neither sent nor excepted: {missing:#?}");
    let needless: Vec<_> = NOT_SENT.iter().filter(|row| !excepted_by.contains(row.0)).collect();
    assert!(needless.is_empty(), "LXD has nothing like it: {needless:#?}");

    let unsaid: Vec<_> = CALLS.iter().map(|row| row.0).filter(|request| !api.contains(*request)).collect();
    assert_eq!(unsaid, UNSAID.iter().map(|row| row.0).collect::<Vec<_>>(), "LXD's specification does not say it");
}
