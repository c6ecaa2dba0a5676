//! Every sequence of up to seven things that can happen on a command's outputs and to its operation, and for each the one
//! right verdict: all of the output, or which of it was cut off and where, or why the operation failed.

use std::{sync::LazyLock, thread, time::Duration};

use lxd_proto::{
    Error, Failure, FailureKind, Lxd, Phase, Response,
    error::Outcome,
    flow::{Action, BlockingIo, Id, Message, Reply, Sock},
};
use serde_json::json;

use crate::support::{
    client::Client,
    script::{Answer, error, operation, sync},
};

/// How many things happen at most: one less, unless there is time (`tests/run --long`).
static MOST: LazyLock<usize> = LazyLock::new(|| if std::env::var_os("LXD_TEST_LONG").is_some() { 7 } else { 6 });

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// On one of the outputs, 1 or 2.
    On(u8, What),
    /// The operation ends well.
    Success,
    /// It fails, and with that all is said.
    Failure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Data,
    Ping,
    EndMark,
    /// Closed, with or without a close frame.
    Close,
    /// The connection breaks.
    AbruptEnd,
}

const WHATS: [What; 5] = [What::Data, What::Ping, What::EndMark, What::Close, What::AbruptEnd];

impl What {
    fn is_end(self) -> bool {
        !matches!(self, Self::Data | Self::Ping)
    }
}

/// All that can happen after this has.
fn nexts(so_far: &[Input]) -> Vec<Input> {
    if so_far.last() == Some(&Input::Failure) {
        return Vec::new();
    }
    let ended = |sock| so_far.iter().any(|input| matches!(input, Input::On(on, what) if *on == sock && what.is_end()));
    let socks = [1, 2].into_iter().filter(|sock| !ended(*sock));
    let mut nexts: Vec<_> = socks.flat_map(|sock| WHATS.map(|what| Input::On(sock, what))).collect();
    if !so_far.contains(&Input::Success) {
        nexts.extend([Input::Success, Input::Failure]);
    } else if nexts.is_empty() {
        // All is said.
        return Vec::new();
    }
    nexts
}

/// Runs everything that begins so, and says how much that was.
fn run_all(so_far: &mut Vec<Input>) -> usize {
    let result = Client::new(World::new(so_far)).instance("c1").exec(["x"]).output().send();
    let shown = shown(result);
    assert_eq!(shown, verdict(so_far), "{so_far:?}");
    let mut runs = 1;
    if so_far.len() < *MOST {
        for next in nexts(so_far) {
            so_far.push(next);
            runs += run_all(so_far);
            so_far.pop();
        }
    }
    runs
}

#[test]
fn every_sequence() {
    let runs: usize = thread::scope(|scope| {
        let threads: Vec<_> =
            nexts(&[]).into_iter().map(|first| scope.spawn(move || run_all(&mut vec![first]))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>() + run_all_of_nothing()
    });
    println!("{runs} sequences of up to {} inputs", *MOST);
    assert_eq!(runs, if *MOST == 7 { 389_593 } else { 87_193 });
}

/// Nothing happens at all.
fn run_all_of_nothing() -> usize {
    let result = Client::new(World::new(&[])).instance("c1").exec(["x"]).output().send();
    assert_eq!(shown(result), "unknown");
    1
}

/// What must come out, from what happened alone.
fn verdict(inputs: &[Input]) -> String {
    if inputs.contains(&Input::Failure) {
        return "failed: boom".into();
    }
    if !inputs.contains(&Input::Success) {
        return "unknown".into();
    }
    let pieces = |sock| inputs.iter().filter(|input| **input == Input::On(sock, What::Data)).count();
    let whole = |sock| inputs.contains(&Input::On(sock, What::EndMark));
    let (out, err) = (pieces(1), pieces(2));
    let data = format!("{} {}", "out".repeat(out), "error".repeat(err));
    match (whole(1), whole(2)) {
        (true, true) => format!("whole: {data}"),
        (false, _) => format!("stdout cut off after {}: {data}", 3 * out),
        (true, false) => format!("stderr cut off after {}: {data}", 5 * err),
    }
}

fn shown(result: Result<lxd_proto::flow::exec::ExecOutput, Error>) -> String {
    let data = |output: &lxd_proto::flow::exec::ExecOutput| {
        assert_eq!(output.code, 0);
        format!("{} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    match result {
        Ok(output) => format!("whole: {}", data(&output)),
        Err(Error::Truncated(cut)) => format!("{} cut off after {}: {}", cut.stream, cut.received, data(&cut.output)),
        Err(Error::Operation(error)) => match error.outcome {
            Outcome::Failed(text) => format!("failed: {text}"),
            Outcome::Unknown => "unknown".into(),
            other => format!("{other:?}"),
        },
        Err(error) => error.to_string(),
    }
}

/// A server on which these things happen, and then nothing more.
#[derive(Debug)]
struct World {
    /// The last one first.
    inputs: Vec<Input>,
    ended: Option<Input>,
    outstanding: Vec<(Id, Action)>,
}

static POSTED: LazyLock<Response> = LazyLock::new(|| {
    let fds = json!({"0": "s0", "1": "s1", "2": "s2", "control": "s3"});
    let body = json!({"type": "async", "operation": "/1.0/operations/op-1", "metadata": {"metadata": {"fds": fds}}});
    http::Response::new(body.to_string().into())
});

static SUCCESS: LazyLock<Answer> =
    LazyLock::new(|| sync(json!({"id": "op-1", "status_code": 200, "metadata": {"return": 0}})));

static FAILURE: LazyLock<Answer> = LazyLock::new(|| operation(400, "boom"));

impl World {
    fn new(inputs: &[Input]) -> Self {
        Self { inputs: inputs.iter().rev().copied().collect(), ended: None, outstanding: Vec::new() }
    }

    fn find(&self, which: impl Fn(&Action) -> bool) -> Option<usize> {
        self.outstanding.iter().position(|(_, action)| which(action))
    }

    fn asking(&self, path_end: &str) -> Option<usize> {
        self.find(|action| matches!(action, Action::Http(_, request) if request.uri().path().ends_with(path_end)))
    }

    fn sleeping(&self, long: bool) -> Option<usize> {
        self.find(|action| matches!(action, Action::Sleep(time) if (*time > Duration::from_secs(1)) == long))
    }

    /// What does not have to wait for anything.
    fn at_once(&self) -> Option<(usize, Answer)> {
        if let Some(post) = self.asking("/exec") {
            return Some((post, Ok(Reply::Http(POSTED.clone()))));
        }
        if let Some(look) = self.asking("/op-1") {
            let state = match self.ended {
                None if self.inputs.is_empty() => error(404, "not found"),
                None => operation(103, ""),
                Some(Input::Success) => SUCCESS.clone(),
                Some(_) => FAILURE.clone(),
            };
            return Some((look, state));
        }
        if let Some(open) = self.find(|action| matches!(action, Action::Open(..))) {
            return Some((open, Ok(Reply::Opened)));
        }
        Some((self.find(|action| matches!(action, Action::Send(..) | Action::Close(_)))?, Ok(Reply::Done)))
    }

    fn happens(&mut self) -> Option<(usize, Answer)> {
        let input = self.inputs.pop()?;
        let (index, answer) = match input {
            Input::Success => (self.asking("/wait"), SUCCESS.clone()),
            Input::Failure => (self.asking("/wait"), FAILURE.clone()),
            Input::On(sock, what) => {
                let receiving = self.find(|action| matches!(action, Action::Recv(Sock(on)) if *on == sock));
                let data = if sock == 1 { "out" } else { "error" };
                let message = match what {
                    What::Data => Ok(Some(Message::Binary(data.into()))),
                    What::Ping => Ok(Some(Message::Ping)),
                    What::EndMark => Ok(Some(Message::Text(String::new()))),
                    What::Close => Ok(None),
                    What::AbruptEnd => Err(Failure::new(FailureKind::Broken, "of the test")),
                };
                (receiving, message.map(Reply::Message))
            }
        };
        if !matches!(input, Input::On(..)) {
            self.ended = Some(input);
        }
        Some((index.unwrap_or_else(|| panic!("{input:?} meets nothing: {self:#?}")), answer))
    }

    /// Time passes.
    fn rest(&self) -> Option<(usize, Answer)> {
        let slept = |long| Some((self.sleeping(long)?, Ok(Reply::Done)));
        let silent = || Some((self.asking("/wait")?, Err(Failure::new(FailureKind::Timeout(Phase::Head), "silent"))));
        slept(false).or_else(silent).or_else(|| slept(true))
    }
}

impl BlockingIo for World {
    fn start(&mut self, id: Id, action: Action) {
        self.outstanding.push((id, action));
    }

    fn finish(&mut self) -> (Id, Answer) {
        let next = self.at_once().or_else(|| self.happens()).or_else(|| self.rest());
        let (index, answer) = next.unwrap_or_else(|| panic!("waits for nothing: {self:#?}"));
        (self.outstanding.swap_remove(index).0, answer)
    }
}
