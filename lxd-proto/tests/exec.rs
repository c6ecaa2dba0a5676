//! Running a command: whatever comes in whatever order, the output is whole or the result is an error.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use lxd_proto::{
    Error, Failure, FailureKind, Lxd, Payload, Phase, Response,
    error::Outcome,
    flow::{Action, BlockingIo, Id, Message, Port, Reply, Sock, exec::ExecOutput},
    limits,
    resources::Exec,
};
use serde_json::{Value, json};

use crate::support::{
    client::Client,
    fixtures::{self, Exchange, SERVERS},
    script::{Answer, Script, error, failure, operation, play, running, sync},
};

/// What happens on the server, as the flow sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// A piece of stdout.
    Out,
    /// The end mark of stdout.
    OutEnd,
    /// Stdout is closed without the end mark.
    OutClosed,
    /// Stdout's connection breaks.
    OutBroken,
    /// The end mark of stderr.
    ErrEnd,
    /// Stderr is closed without the end mark.
    ErrClosed,
    /// The operation ends well, with exit code 0.
    Success,
    /// The operation fails.
    Fails,
    /// A ping, on whatever still receives.
    Ping,
    /// Control is refused, as 5.0.2 does when the command was faster.
    ControlRefused,
    /// Nobody reads stdin any more.
    InClosed,
    /// A short time passes.
    Tick,
    /// The caller asks something of the command.
    Order,
}

/// How the server answers.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// Websockets are open at once, and not only when something happens on them.
    eager: bool,
    /// `/wait` tells the operation's end, and not only who looks at it learns it.
    tells: bool,
}

/// A server that runs one command: it answers in the order of a script, and then all that is still outstanding.
#[derive(Debug)]
struct World {
    script: VecDeque<Event>,
    manner: Manner,
    /// The websocket that stdout comes from; a terminal has only 0.
    out: u8,
    /// How the operation ended.
    end: Option<Event>,
    outstanding: BTreeMap<Id, Action>,
    pieces: u8,
    answers: u32,
}

const PIECE: &[&str] = &["one ", "two "];

impl World {
    fn new(script: &[Event], manner: Manner) -> Self {
        let script = script.iter().copied().collect();
        Self { script, manner, out: 1, end: None, outstanding: BTreeMap::new(), pieces: 0, answers: 0 }
    }

    fn find(&self, which: impl Fn(&Action) -> bool) -> Option<Id> {
        self.outstanding.iter().find(|(_, action)| which(action)).map(|(id, _)| *id)
    }

    fn receiving(&self, sock: u8) -> Option<Id> {
        self.find(|action| matches!(action, Action::Recv(Sock(there)) if *there == sock))
    }

    fn opening(&self, socks: impl Fn(u8) -> bool) -> Option<Id> {
        self.find(|action| matches!(action, Action::Open(_, Sock(sock), _) if socks(*sock)))
    }

    fn asking(&self, path_end: &str) -> Option<Id> {
        self.find(|action| matches!(action, Action::Http(_, request) if request.uri().path().ends_with(path_end)))
    }

    fn sending(&self, sock: u8) -> Option<Id> {
        self.find(|action| matches!(action, Action::Send(Sock(there), _) if *there == sock))
    }

    fn sleeping(&self, times: impl Fn(Duration) -> bool) -> Option<Id> {
        self.find(|action| matches!(action, Action::Sleep(time) if times(*time)))
    }

    /// What is answered at once, whatever else goes on.
    fn at_once(&self) -> Option<(Id, Answer)> {
        let to_come = |event| self.script.contains(&event);
        let http = |response: &Response| Ok(Reply::Http(response.clone()));
        let post = || Some((self.asking("/exec")?, http(&POSTED)));
        let look = || {
            let id = self.asking("/op-1")?;
            let state = match self.end {
                None if self.script.is_empty() => error(404, "not found"),
                None => operation(103, ""),
                Some(Event::Success) => http(&SUCCESS),
                Some(_) => operation(400, "boom"),
            };
            Some((id, state))
        };
        let open = || {
            let kept = to_come(Event::ControlRefused);
            self.manner.eager.then(|| self.opening(|sock| sock != 3 || !kept))?.map(|id| (id, Ok(Reply::Opened)))
        };
        let input = || (!to_come(Event::InClosed)).then(|| self.sending(0))?;
        let send = || self.sending(3).or_else(input).map(|id| (id, Ok(Reply::Done)));
        let close = || Some((self.find(|action| matches!(action, Action::Close(_)))?, Ok(Reply::Done)));
        post().or_else(look).or_else(open).or_else(send).or_else(close)
    }

    /// What the script says. An event on a websocket that is not open yet opens it first.
    fn scripted(&mut self) -> Option<(Id, Answer)> {
        let message = |message| Ok(Reply::Message(message));
        let refused = || Err(Failure::new(FailureKind::Broken, "of the test"));
        loop {
            let event = *self.script.front()?;
            let (sock, id, answer) = match event {
                Event::Out => {
                    let piece = PIECE[usize::from(self.pieces)];
                    let piece = Message::Binary(Bytes::from_static(piece.as_bytes()));
                    (self.out, self.receiving(self.out), message(Some(piece)))
                }
                Event::OutEnd => (self.out, self.receiving(self.out), message(Some(Message::Text(String::new())))),
                Event::OutClosed => (self.out, self.receiving(self.out), message(None)),
                Event::OutBroken => (self.out, self.receiving(self.out), refused()),
                Event::ErrEnd => (2, self.receiving(2), message(Some(Message::Text(String::new())))),
                Event::ErrClosed => (2, self.receiving(2), message(None)),
                Event::InClosed => (0, self.sending(0), refused()),
                Event::ControlRefused => {
                    let text = "Only running operations can be connected";
                    (3, self.opening(|sock| sock == 3), error(500, text))
                }
                Event::Success | Event::Fails if !self.manner.tells => {
                    self.end = self.script.pop_front();
                    return self.at_once().or_else(|| self.scripted());
                }
                Event::Success => (9, self.asking("/wait"), Ok(Reply::Http(SUCCESS.clone()))),
                Event::Fails => (9, self.asking("/wait"), operation(400, "boom")),
                Event::Order => {
                    let reading = self.find(|action| matches!(action, Action::Read(Port(3))));
                    // Through a control that is going to be refused nothing is asked.
                    let sock = if self.script.contains(&Event::ControlRefused) { 9 } else { 3 };
                    (sock, reading, Ok(Reply::Data(Some(Bytes::from_static(b"{}\n")))))
                }
                Event::Ping => {
                    let id = [1, 2, 3, 0].into_iter().find_map(|sock| self.receiving(sock));
                    (9, id, message(Some(Message::Ping)))
                }
                Event::Tick => (9, self.sleeping(|time| time < Duration::from_secs(1)), Ok(Reply::Done)),
            };
            if let (None, Some(open)) = (id, self.opening(|there| there == sock)) {
                return Some((open, Ok(Reply::Opened)));
            }
            // Stdin is opened when control was, or was refused.
            if let (None, 0, Some(control)) = (id, sock, self.opening(|there| there == 3)) {
                let refusal = self.script.iter().position(|event| *event == Event::ControlRefused);
                let answer = refusal.and_then(|at| self.script.remove(at)).map_or(Ok(Reply::Opened), |_| refused());
                return Some((control, answer));
            }
            self.script.pop_front();
            match event {
                Event::Out => self.pieces += 1,
                Event::Success | Event::Fails => self.end = Some(event),
                _ => {}
            }
            match id {
                Some(id) => return Some((id, answer)),
                // When the command has ended nothing is sent to it.
                None if event == Event::InClosed => assert!(self.end.is_some(), "nothing is sent: {self:#?}"),
                None => assert!(
                    matches!(event, Event::Ping | Event::Tick | Event::Order),
                    "{event:?} meets nothing: {self:#?}"
                ),
            }
        }
    }

    /// All that can be answered when the script is over. A websocket on which nothing happens stays silent.
    fn rest(&self) -> Option<(Id, Answer)> {
        let silent = || Err(Failure::new(FailureKind::Timeout(Phase::Head), "of the test"));
        let opened = || Some((self.opening(|_| true)?, Ok(Reply::Opened)));
        let slept = |long| Some((self.sleeping(|time| (time > Duration::from_secs(1)) == long)?, Ok(Reply::Done)));
        let waited = || Some((self.asking("/wait")?, silent()));
        opened().or_else(|| slept(false)).or_else(waited).or_else(|| slept(true))
    }
}

impl BlockingIo for World {
    fn start(&mut self, id: Id, action: Action) {
        assert!(self.outstanding.insert(id, action).is_none(), "{id:?} is used twice");
    }

    fn finish(&mut self) -> (Id, Answer) {
        self.answers += 1;
        assert!(self.answers < 100, "there is no end: {self:#?}");
        let next = self.at_once().or_else(|| self.scripted()).or_else(|| self.at_once()).or_else(|| self.rest());
        let (id, answer) = next.unwrap_or_else(|| panic!("waits for nothing: {self:#?}"));
        self.outstanding.remove(&id);
        (id, answer)
    }
}

/// The answer to the `POST`, and the operation at its good end. Made once: the test below asks for them often.
static POSTED: LazyLock<Response> = LazyLock::new(|| {
    let fds = json!({"0": "s0", "1": "s1", "2": "s2", "control": "s3"});
    let body = json!({"type": "async", "operation": "/1.0/operations/op-1", "metadata": {"metadata": {"fds": fds}}});
    http::Response::new(body.to_string().into())
});
static SUCCESS: LazyLock<Response> =
    LazyLock::new(|| match sync(json!({"id": "op-1", "status_code": 200, "metadata": {"return": 0}})) {
        Ok(Reply::Http(response)) => response,
        _ => unreachable!(),
    });

/// What must come out, from the script alone.
fn expected(script: &[Event]) -> String {
    let has = |event| script.contains(&event);
    let pieces = script.iter().filter(|event| **event == Event::Out).count();
    let data = PIECE[..pieces].concat();
    match (has(Event::Success), has(Event::Fails), has(Event::OutEnd), has(Event::ErrEnd)) {
        (false, false, ..) => "unknown".into(),
        (_, true, ..) => "failed: boom".into(),
        (true, _, true, true) => format!("whole: {data}"),
        (true, _, true, false) => format!("stderr cut off after 0 bytes: {data}"),
        (true, _, false, _) => format!("stdout cut off after {} bytes: {data}", data.len()),
    }
}

fn outcome(result: Result<ExecOutput, Error>) -> String {
    let data = |output: &ExecOutput| {
        assert_eq!((output.code, &output.stderr[..]), (0, &b""[..]));
        String::from_utf8(output.stdout.to_vec()).unwrap()
    };
    match result {
        Ok(output) => format!("whole: {}", data(&output)),
        Err(Error::Truncated(cut)) => {
            format!("{} cut off after {} bytes: {}", cut.stream, cut.received, data(&cut.output))
        }
        Err(Error::Operation(error)) => match error.outcome {
            Outcome::Failed(text) => format!("failed: {text}"),
            Outcome::Unknown => "unknown".into(),
            other => format!("{other:?}"),
        },
        Err(error) => error.to_string(),
    }
}

/// Every order of every choice of up to seven events; one of them, or two of six, are extras.
#[test]
fn every_interleaving() {
    // What happens on one connection keeps its order; everything else is free.
    let outs = (0..=2).flat_map(|pieces| {
        let end = |end: &[Event]| [vec![Event::Out; pieces], end.to_vec()].concat();
        [end(&[]), end(&[Event::OutEnd]), end(&[Event::OutClosed]), end(&[Event::OutBroken])]
    });
    let runs: usize = thread::scope(|scope| {
        let threads: Vec<_> = outs.map(|out| scope.spawn(move || interleavings_with(&out))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    println!("{runs} interleavings");
}

/// Runs the command in every order in which these events of stdout can go with all others.
fn interleavings_with(out: &[Event]) -> usize {
    let mut runs = 0;
    let extras = [Event::Ping, Event::ControlRefused, Event::InClosed, Event::Tick, Event::Order];
    for err in [&[][..], &[Event::ErrEnd], &[Event::ErrClosed]] {
        for end in [&[][..], &[Event::Success], &[Event::Fails]] {
            for chosen in 0_u32..1 << extras.len() {
                let mut lines = vec![out, err, end];
                lines
                    .extend(extras.chunks(1).enumerate().filter(|(bit, _)| chosen >> bit & 1 == 1).map(|(_, one)| one));
                let events: usize = lines.iter().map(|line| line.len()).sum();
                let manners =
                    [(true, true), (false, true), (true, false)].map(|(eager, tells)| Manner { eager, tells });
                // What is asked goes its own way, so one event less shows as much.
                let manners = match (chosen.count_ones(), events + usize::from(chosen >> 4 == 1)) {
                    (0 | 1, ..=7) => &manners[..],
                    (2, ..=6) => &manners[..1],
                    _ => continue,
                };
                interleave(&mut lines, &mut Vec::new(), &mut |script| {
                    for manner in manners {
                        runs += 1;
                        let lxd = Client::new(World::new(script, *manner));
                        let exec = lxd.instance("c1").exec(["x"]);
                        let ordered = script.contains(&Event::Order);
                        let result = if ordered { spawned(exec) } else { exec.output().send() };
                        assert_eq!(outcome(result), expected(script), "{manner:?} {script:?}");
                    }
                });
            }
        }
    }
    runs
}

/// A command that is begun, and then waited for.
fn spawned<I: BlockingIo + Send + 'static>(exec: Exec<Client<I>>) -> Result<ExecOutput, Error> {
    exec.spawn().send()?.wait()
}

/// The same with a terminal.
#[test]
fn every_interleaving_of_a_terminal() {
    let mut runs = 0;
    let extras = [Event::Ping, Event::Tick, Event::Order];
    for pieces in 0..=2 {
        for out_end in [&[][..], &[Event::OutEnd], &[Event::OutClosed], &[Event::OutBroken]] {
            let out = [vec![Event::Out; pieces], out_end.to_vec()].concat();
            for (end, chosen) in
                [&[][..], &[Event::Success], &[Event::Fails]].iter().flat_map(|end| (0_u32..8).map(move |n| (*end, n)))
            {
                let mut lines = vec![&out[..], end];
                lines
                    .extend(extras.chunks(1).enumerate().filter(|(bit, _)| chosen >> bit & 1 == 1).map(|(_, one)| one));
                // Two extras at most, and only as many events as that is quick.
                if chosen.count_ones() > 2 || lines.iter().map(|line| line.len()).sum::<usize>() > 5 {
                    continue;
                }
                interleave(&mut lines, &mut Vec::new(), &mut |script| {
                    for (eager, tells) in [(true, true), (false, true), (true, false), (false, false)] {
                        runs += 1;
                        let world = World { out: 0, ..World::new(script, Manner { eager, tells }) };
                        let lxd = Client::new(world);
                        let result = spawned(lxd.instance("c1").exec(["x"]).interactive(80, 24));
                        // There is no stderr that could be cut off.
                        let wanted = expected(&[script, &[Event::ErrEnd]].concat()).replace("stdout", "terminal");
                        assert_eq!(outcome(result), wanted, "{eager} {tells} {script:?}");
                    }
                });
            }
        }
    }
    println!("{runs} interleavings");
}

/// Visits every order in which the lines can be merged.
fn interleave(lines: &mut [&[Event]], merged: &mut Vec<Event>, visit: &mut impl FnMut(&[Event])) {
    if lines.iter().all(|line| line.is_empty()) {
        return visit(merged);
    }
    for index in 0..lines.len() {
        let line = lines[index];
        if let Some((first, rest)) = line.split_first() {
            (lines[index], _) = (rest, merged.push(*first));
            interleave(lines, merged, visit);
            (lines[index], _) = (line, merged.pop());
        }
    }
}

/// Answers the first action that it has an answer for, the oldest first. The second argument says that there was none for
/// any, and that it is time for what comes last.
struct Server<F> {
    answer: F,
    outstanding: Vec<(Id, Action)>,
    answers: u32,
}

impl<F: FnMut(&Action, bool) -> Option<Answer>> Server<F> {
    fn client(answer: F) -> Client<Self> {
        Client::new(Self { answer, outstanding: Vec::new(), answers: 0 })
    }
}

impl<F: FnMut(&Action, bool) -> Option<Answer>> BlockingIo for Server<F> {
    fn start(&mut self, id: Id, action: Action) {
        self.outstanding.push((id, action));
    }

    fn finish(&mut self) -> (Id, Answer) {
        self.answers += 1;
        assert!(self.answers < 5000, "there is no end: {:#?}", self.outstanding);
        for idle in [false, true] {
            let answers = self.outstanding.iter().enumerate();
            let first = answers.filter_map(|(index, (_, action))| Some((index, (self.answer)(action, idle)?))).next();
            if let Some((index, answer)) = first {
                return (self.outstanding.remove(index).0, answer);
            }
        }
        panic!("waits for nothing: {:#?}", self.outstanding);
    }
}

/// The usual answers: all websockets open, all input is taken, and the command ends well when nothing else happens.
fn usual(action: &Action, idle: bool) -> Option<Answer> {
    match action {
        Action::Http(_, request) if request.method() == "POST" => Some(Ok(Reply::Http(POSTED.clone()))),
        Action::Http(..) => idle.then(|| Ok(Reply::Http(SUCCESS.clone()))),
        Action::Open(..) => Some(Ok(Reply::Opened)),
        Action::Send(..) | Action::Close(_) => Some(Ok(Reply::Done)),
        _ => None,
    }
}

fn binary(data: impl Into<Bytes>) -> Answer {
    Ok(Reply::Message(Some(Message::Binary(data.into()))))
}

fn mark() -> Answer {
    Ok(Reply::Message(Some(Message::Text(String::new()))))
}

/// A slow writer stops its own stream and no other, and everything is written in order.
#[test]
fn a_slow_writer() {
    const PIECES: usize = 20;
    let seen = Arc::new(Mutex::new((0, 0, String::new(), Vec::new())));
    let log = Arc::clone(&seen);
    let lxd = Server::client(move |action, idle| {
        let (out, err, written, ahead) = &mut *log.lock().unwrap();
        match action {
            Action::Recv(Sock(1)) if *out < PIECES => {
                *out += 1;
                Some(binary(format!("{out},")))
            }
            Action::Recv(Sock(2)) if *err < PIECES => {
                *err += 1;
                Some(binary("e"))
            }
            Action::Recv(Sock(1 | 2)) => Some(mark()),
            // Nothing else can go on: all that is received ahead of the writer is received.
            Action::Write(Port(1), data) if idle => {
                assert_eq!(*err, PIECES);
                ahead.push(*out - written.split_terminator(',').count());
                *written += std::str::from_utf8(data).unwrap();
                Some(Ok(Reply::Done))
            }
            other => usual(other, idle),
        }
    });
    let output = lxd.instance("c1").exec(["x"]).stdout("a writer").output().send().unwrap();
    assert_eq!((&output.stdout[..], output.stderr.len()), (&b""[..], PIECES));
    let (_, _, written, ahead) = &*seen.lock().unwrap();
    assert_eq!(*written, (1..=PIECES).map(|piece| format!("{piece},")).collect::<String>());
    assert_eq!(ahead.iter().max(), Some(&(limits::WINDOW + 1)), "{ahead:?}");
}

/// Input is sent piece by piece, the next when the last was taken, and ends with an empty text.
#[test]
fn input() {
    fn sent(stdin: impl Into<Payload<&'static str>>, read: impl Fn(usize) -> Answer + Send + 'static) -> Vec<String> {
        let seen = Arc::new(Mutex::new((0, Vec::new())));
        let log = Arc::clone(&seen);
        let lxd = Server::client(move |action, idle| {
            let (reads, sent) = &mut *log.lock().unwrap();
            match action {
                Action::Read(Port(0)) => {
                    *reads += 1;
                    Some(read(*reads))
                }
                Action::Send(Sock(0), Message::Text(text)) => {
                    sent.push(format!("{text:?}"));
                    Some(Ok(Reply::Done))
                }
                Action::Send(Sock(0), Message::Binary(data)) => {
                    sent.push(data.len().to_string());
                    Some(Ok(Reply::Done))
                }
                Action::Recv(Sock(1 | 2)) => idle.then(mark),
                other => usual(other, idle),
            }
        });
        let result = lxd.instance("c1").exec(["cat"]).stdin(stdin).output().send();
        assert_eq!(result.unwrap(), ExecOutput::default());
        let (_, sent) = std::mem::take(&mut *seen.lock().unwrap());
        sent
    }
    let never = |_| -> Answer { panic!("nothing is to be read") };
    assert_eq!(sent(Payload::Empty, never), ["\"\""]);
    assert_eq!(sent("hello", never), ["5", "\"\""]);
    let (chunk, rest) = (limits::CHUNK.to_string(), 7.to_string());
    let bytes = vec![0; 2 * limits::CHUNK + 7];
    assert_eq!(sent(bytes, never), [&chunk, &chunk, &rest, "\"\""]);

    let three = |reads| Ok(Reply::Data((reads <= 3).then(|| Bytes::from(vec![0; reads]))));
    assert_eq!(sent(Payload::reader("a reader"), three), ["1", "2", "3", "\"\""]);
}

/// An endless input ends with the command, or when nobody reads it any more; neither is an error.
#[test]
fn a_command_that_does_not_read_all() {
    for breaks in [true, false] {
        let reads = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&reads);
        let lxd = Server::client(move |action, idle| match (action, count.load(Relaxed)) {
            (Action::Read(_), _) => {
                count.fetch_add(1, Relaxed);
                Some(Ok(Reply::Data(Some(Bytes::from_static(b"more")))))
            }
            (Action::Send(..), 3..) if breaks => Some(failure(FailureKind::Broken)),
            (Action::Http(_, request), 3..) if request.method() == "GET" && (!breaks || idle) => {
                Some(Ok(Reply::Http(SUCCESS.clone())))
            }
            (Action::Recv(Sock(1 | 2)), 3..) if !breaks || idle => Some(mark()),
            (other, _) => usual(other, idle),
        });
        let result = lxd.instance("c1").exec(["head"]).stdin(Payload::reader("endless")).status().send();
        assert_eq!(outcome(result), "whole: ");
        // Of what somebody else may want to read no more is taken than was needed.
        assert!((3..=4).contains(&reads.load(Relaxed)), "{reads:?}");
    }
}

/// The server that pings for ever is there; the output that does not come is not.
#[test]
fn pings_are_no_output() {
    let mut pings = 0;
    let lxd = Server::client(move |action, idle| match action {
        // Several pings for each time that passes.
        Action::Recv(Sock(0 | 1 | 3)) if pings % 5 != 4 => {
            pings += 1;
            Some(Ok(Reply::Message(Some(Message::Ping))))
        }
        Action::Recv(Sock(2)) => Some(mark()),
        Action::Http(_, request) if request.method() == "GET" => Some(Ok(Reply::Http(SUCCESS.clone()))),
        Action::Sleep(_) if idle => {
            pings += 1;
            Some(Ok(Reply::Done))
        }
        other => usual(other, idle),
    });
    let result = lxd.instance("c1").exec(["x"]).output().send();
    assert_eq!(outcome(result), "stdout cut off after 0 bytes: ");
}

/// What is asked and answered, one after the other.
#[test]
fn transcripts() {
    type Run = fn(Exec<Client<Script>>) -> Result<ExecOutput, Error>;
    type Step = (&'static str, Answer);
    let output: Run = |exec| exec.output().send();
    let reading: Run = |exec| exec.stdin(Payload::reader("a reader")).output().send();
    let writing: Run = |exec| exec.stdout("a writer").output().send();

    let post = || ("POST /1.0/instances/c1/exec", Ok(Reply::Http(POSTED.clone())));
    let open = |sock: usize, answer| {
        let text = [
            "open 0: GET /1.0/operations/op-1/websocket?secret=s0",
            "open 1: GET /1.0/operations/op-1/websocket?secret=s1",
            "open 2: GET /1.0/operations/op-1/websocket?secret=s2",
            "open 3: GET /1.0/operations/op-1/websocket?secret=s3",
        ];
        (text[sock], answer)
    };
    let opened = |sock| open(sock, Ok(Reply::Opened));
    let (wait, look) = ("GET /1.0/operations/op-1/wait?timeout=15", "GET /1.0/operations/op-1");
    let success = || (wait, Ok(Reply::Http(SUCCESS.clone())));
    let ends = || [opened(1), opened(2), ("receive 1", mark()), ("receive 2", mark())];
    let timed_out = || operation(400, "Timed out waiting for websockets to connect");

    let cases: Vec<(_, _, Vec<Vec<Step>>)> = vec![
        ("whole: ", output, vec![vec![post()], ends().into(), vec![success()]]),
        (
            "whole: text",
            output,
            vec![
                vec![post(), opened(1), ("receive 1", Ok(Reply::Message(Some(Message::Text("text".into())))))],
                vec![opened(2), ("receive 1", mark()), ("receive 2", mark()), success()],
            ],
        ),
        // The streams have ended and `/wait` says nothing: the operation was forgotten before it was asked for.
        (
            "unknown",
            output,
            vec![vec![post()], ends().into(), vec![("sleep 500ms", Ok(Reply::Done)), (look, error(404, "not found"))]],
        ),
        (
            "whole: ",
            output,
            vec![
                vec![post(), (wait, failure(FailureKind::Broken)), (look, operation(103, ""))],
                ends().into(),
                vec![success()],
            ],
        ),
        // A websocket that is refused is why the operation fails, or is gone.
        (
            "permission denied (500)",
            output,
            vec![vec![
                post(),
                open(1, error(500, "permission denied")),
                (look, operation(103, "")),
                (wait, timed_out()),
            ]],
        ),
        (
            "cannot connect: of the test",
            output,
            vec![vec![
                post(),
                opened(3),
                open(0, failure(FailureKind::Connect)),
                (look, operation(103, "")),
                (wait, timed_out()),
            ]],
        ),
        ("no (403)", output, vec![vec![post(), open(2, error(403, "no")), (look, error(404, "not found"))]]),
        // But when the operation knows better, it says it.
        (
            "failed: Command not found",
            output,
            vec![vec![
                post(),
                open(1, error(500, "no")),
                (look, operation(103, "")),
                (wait, operation(400, "Command not found")),
            ]],
        ),
        // Nobody reads stdin any more, so that it cannot be read any more is no matter. Before, it is.
        (
            "whole: ",
            reading,
            vec![
                vec![
                    post(),
                    opened(3),
                    opened(0),
                    ("receive 0", Ok(Reply::Message(None))),
                    ("read 0", failure(FailureKind::Reader)),
                ],
                ends().into(),
                vec![success()],
            ],
        ),
        (
            "whole: ",
            reading,
            vec![
                vec![post(), opened(3), opened(0), success(), ("read 0", failure(FailureKind::Reader))],
                ends().into(),
            ],
        ),
        (
            "the input could not be read: of the test",
            reading,
            vec![vec![post(), opened(3), opened(0), ("read 0", failure(FailureKind::Reader))]],
        ),
        (
            "the output could not be written: of the test",
            writing,
            vec![vec![
                post(),
                opened(1),
                ("receive 1", binary("data")),
                ("write 1: b\"data\"", failure(FailureKind::Writer)),
            ]],
        ),
        // A writer was slow, so nothing was received for long; what comes then is not late.
        (
            "whole: ",
            writing,
            vec![
                vec![post(), opened(1), opened(2), ("receive 2", mark())],
                (0..=limits::WINDOW).map(|_| ("receive 1", binary("x"))).collect(),
                vec![success(), ("sleep 10s", Ok(Reply::Done))],
                (0..=limits::WINDOW).map(|_| ("write 1: b\"x\"", Ok(Reply::Done))).collect(),
                vec![("sleep 10s", Ok(Reply::Done)), ("receive 1", mark())],
            ],
        ),
        // What cannot be.
        (
            "POST /1.0/instances/c1/exec: no (404)",
            output,
            vec![vec![("POST /1.0/instances/c1/exec", error(404, "no"))]],
        ),
        (
            "the server broke LXD's protocol: a command ran without an operation",
            output,
            vec![vec![("POST /1.0/instances/c1/exec", sync(json!({})))]],
        ),
        (
            "the server broke LXD's protocol: a command without a secret for its websocket control",
            output,
            vec![vec![("POST /1.0/instances/c1/exec", running("/1.0/operations/op-1"))]],
        ),
        (
            "the server broke LXD's protocol: a command ended without an exit code",
            output,
            vec![vec![post(), (wait, operation(200, ""))]],
        ),
    ];
    for (expected, run, steps) in cases {
        let shown = format!("{expected:?} from {steps:#?}");
        let result = play(steps.into_iter().flatten(), |lxd| run(lxd.instance("c1").exec(["x"])));
        assert_eq!(outcome(result), expected, "{shown}");
    }
}

/// What is asked of a command, and what ends one that takes too long.
#[test]
fn asked_and_killed() {
    const LIMIT: Duration = Duration::from_secs(7);
    type Step = (String, Answer);
    let step = |asked: &str, answer| -> Step { (asked.into(), answer) };
    let post = || step("POST /1.0/instances/c1/exec", Ok(Reply::Http(POSTED.clone())));
    let opened =
        |sock: u8| (format!("open {sock}: GET /1.0/operations/op-1/websocket?secret=s{sock}"), Ok(Reply::Opened));
    let ends = || {
        let end = step("GET /1.0/operations/op-1/wait?timeout=15", Ok(Reply::Http(SUCCESS.clone())));
        vec![opened(1), opened(2), step("receive 1", mark()), step("receive 2", mark()), end]
    };
    let data = |text: &'static str| Ok(Reply::Data(Some(Bytes::from_static(text.as_bytes()))));
    let send = |text: &str, answer| (format!("send 3: {text:?}"), answer);

    // One line, one message, however they are read; one that cannot be sent is not the command's failure.
    let steps = [
        vec![post(), opened(3), step("read 3", data("a\nb\nc")), send("a", Ok(Reply::Done))],
        vec![send("b", failure(FailureKind::Broken)), step("read 3", data("\n")), send("c", Ok(Reply::Done))],
        vec![step("read 3", Ok(Reply::Data(None)))],
        ends(),
    ];
    let result = play(steps.concat(), |lxd| {
        let child = lxd.instance("c1").exec(["x"]).spawn().send().unwrap();
        assert_eq!(child.id().as_str(), "op-1");
        child.wait()
    });
    assert_eq!(outcome(result), "whole: ");

    let limited = |steps: [Vec<Step>; 2]| {
        play(steps.concat(), |lxd| lxd.instance("c1").exec(["x"]).timeout(LIMIT).output().send())
    };
    let kill = || {
        let signal = send(r#"{"command":"signal","signal":9}"#, Ok(Reply::Done));
        vec![post(), opened(3), step("sleep 7s", Ok(Reply::Done)), signal]
    };
    assert!(limited([kill(), ends()]).unwrap().timed_out);
    // In time, and only then.
    assert!(!limited([vec![post(), opened(3)], ends()]).unwrap().timed_out);
    for steps in
        [[kill(), vec![step("sleep 5s", Ok(Reply::Done))]], [vec![post()], vec![step("sleep 7s", Ok(Reply::Done))]]]
    {
        let error = limited(steps).unwrap_err();
        assert_eq!(error.transport().unwrap().kind, FailureKind::Timeout(Phase::Total));
    }
}

/// Commands that ran on real servers.
#[test]
fn real_transcripts() {
    for server in SERVERS {
        let exchange = |name| Exchange::load(server, name);
        let posted: Value = serde_json::from_slice(&exchange("exec-ws-3fds").body()).unwrap();
        let (url, fds) = (posted["operation"].as_str().unwrap(), &posted["metadata"]["metadata"]["fds"]);
        let sock = |fd: &str| fd.parse().unwrap_or(3);
        let mut steps =
            vec![("POST /1.0/instances/i1/exec".to_owned(), Ok(Reply::Http(exchange("exec-ws-3fds").response())))];
        for fd in ["control", "1", "2", "0"] {
            let open = format!("open {}: GET {url}/websocket?secret={}", sock(fd), fds[fd].as_str().unwrap());
            steps.push((open, Ok(Reply::Opened)));
        }
        let transcript = fixtures::messages(server, "exec-ws-3fds-transcript");
        for frame in &transcript {
            let sock: u8 = sock(frame["fd"].as_str().unwrap());
            let data = frame["data"].as_str().unwrap_or_default();
            steps.push(match (frame["dir"].as_str().unwrap(), frame["opcode"].as_u64()) {
                ("send", Some(2)) => (format!("send {sock}: b{data:?}"), Ok(Reply::Done)),
                ("send", Some(1)) => (format!("send {sock}: {data:?}"), Ok(Reply::Done)),
                ("recv", Some(2)) => (format!("receive {sock}"), binary(data.to_owned())),
                ("recv", Some(1)) => (format!("receive {sock}"), mark()),
                ("end", None) if sock == 0 => (format!("receive {sock}"), failure(FailureKind::Broken)),
                ("end", None) => (format!("receive {sock}"), Ok(Reply::Message(None))),
                other => panic!("{other:?}"),
            });
        }
        steps.push((format!("GET {url}/wait?timeout=15"), Ok(Reply::Http(exchange("exec-ws-3fds-op").response()))));
        let result = play(steps, |lxd| {
            lxd.instance("i1").exec(["sh", "-c", "cat; echo E >&2; exit 5"]).stdin("line1\nline2\n").output().send()
        });
        let output = result.unwrap();
        assert_eq!((output.code, &output.stdout[..], &output.stderr[..]), (5, &b"line1\nline2\n"[..], &b"E\n"[..]));
    }
}
