//! Trees of files over a server of SFTP in memory, that can go away after any byte.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
};

use bytes::{Bytes, BytesMut};
use lxd_proto::{
    Error, Failure, FailureKind, Flow, Lxd, Offline, Response,
    flow::{Action, Message, Reply, Step},
    sftp::{Answer, Ask, Asked, Attributes, BytePath, Decoder, Entry, Status, version},
    tree::{Disk, DiskAction, DiskReply, Report},
};

/// A local directory with these files.
struct Files(BTreeMap<&'static str, Vec<u8>>, Mutex<BTreeMap<u32, Vec<u8>>>);

fn attributes(mode: u32, size: usize) -> Attributes {
    let mut attributes = Attributes::default().with_size(size as u64).with_times(1, 2);
    attributes.mode = Some(mode);
    attributes
}

/// All may read `b`.
fn mode(name: &str) -> u32 {
    if name == "b" { 0o100_644 } else { 0o100_640 }
}

impl Disk for Files {
    fn act(&self, action: DiskAction) -> Result<DiskReply, Failure> {
        let mut open = self.1.lock().unwrap();
        Ok(match action {
            DiskAction::Stat(_) => DiskReply::Attributes(Some(attributes(0o040_755, 0))),
            DiskAction::List(_) => {
                let entry =
                    |(name, content): (&&str, &Vec<u8>)| Entry::new(*name, attributes(mode(name), content.len()));
                DiskReply::Entries(self.0.iter().map(entry).collect())
            }
            DiskAction::Open(slot, path) => {
                open.insert(slot, self.0[path.to_string().as_str()].clone());
                DiskReply::Done
            }
            DiskAction::Read(slot, offset, length) => {
                let offset = offset as usize;
                DiskReply::Data(Bytes::copy_from_slice(&open[&slot][offset..offset + length]))
            }
            DiskAction::Close(_) => DiskReply::Done,
            other => panic!("{other:?}"),
        })
    }

    fn nonce(&self) -> u64 {
        7
    }
}

/// What a server of SFTP has, and what it has not answered yet.
#[derive(Default)]
struct Server {
    files: BTreeMap<BytePath, Vec<u8>>,
    /// Which mode something had when it was written.
    modes: BTreeMap<BytePath, u32>,
    open: BTreeMap<Bytes, BytePath>,
    decoder: Decoder,
    /// How many bytes have come.
    taken: usize,
    /// It is gone after so many.
    most: usize,
    said: VecDeque<BytesMut>,
}

impl Server {
    fn is_gone(&self) -> bool {
        self.taken >= self.most
    }

    fn hear(&mut self, bytes: &[u8]) {
        let heard = bytes.len().min(self.most - self.taken);
        self.taken += heard;
        self.decoder.push(&bytes[..heard]);
        while let Some(asked) = self.decoder.take_asked().unwrap() {
            let mut packet = BytesMut::new();
            match asked {
                Asked::Init(_) => version(&mut packet),
                Asked::Ask(id, ask) => self.answer(ask).encode(id, &mut packet),
                other => panic!("{other:?}"),
            }
            self.said.push_back(packet);
        }
    }

    fn answer(&mut self, ask: Ask) -> Answer {
        let status = |status: Status| Answer::Status(status, String::new());
        match ask {
            Ask::Open(path, _) => {
                self.files.insert(path.clone(), Vec::new());
                self.modes.insert(path.clone(), 0o644);
                let handle = Bytes::from(self.open.len().to_string());
                self.open.insert(handle.clone(), path);
                Answer::Handle(handle)
            }
            Ask::Write(file, offset, data) => {
                let (file, offset) = (self.files.get_mut(&self.open[file.handle()]).unwrap(), offset as usize);
                file.resize(file.len().max(offset + data.len()), 0);
                file[offset..offset + data.len()].copy_from_slice(&data);
                status(Status::Ok)
            }
            Ask::Opendir(_) => Answer::Handle("directory".into()),
            Ask::Readdir(_) => status(Status::Eof),
            Ask::Stat(_) => Answer::Attributes(attributes(0o040_755, 0)),
            Ask::Fsetstat(file, said) => {
                let path = &self.open[file.handle()];
                if let (Some(mode), true) = (said.permissions(), self.files[path].is_empty()) {
                    self.modes.insert(path.clone(), mode);
                }
                status(Status::Ok)
            }
            Ask::PosixRename(from, to) => {
                if let Some(mode) = self.modes.remove(&from) {
                    self.modes.insert(to.clone(), mode);
                }
                let file = self.files.remove(&from).unwrap();
                self.files.insert(to, file);
                status(Status::Ok)
            }
            Ask::Close(_) | Ask::Setstat(..) => status(Status::Ok),
            other => panic!("{other:?}"),
        }
    }
}

/// Pushes, until the server is gone.
fn push(server: &mut Server, files: &BTreeMap<&'static str, Vec<u8>>) -> Result<Report, Error> {
    let disk = Files(files.clone(), Mutex::default());
    let (mut flow, streams) = Offline::default().instance("c1").files().push_tree(disk, "/t").into_flow();
    let mut receiving = None;
    loop {
        let (id, action) = match flow.next()? {
            Step::Done(report) => return Ok(report),
            Step::Do(id, action) => (id, action),
            Step::Wait => {
                let message = server.said.pop_front().filter(|_| !server.is_gone());
                assert!(message.is_some() || server.is_gone(), "everybody waits");
                let message = message.map(|message| Message::Binary(message.freeze()));
                flow.handle(receiving.take().unwrap(), Ok(Reply::Message(message)))?;
                continue;
            }
        };
        match action {
            Action::Upgrade(..) => flow.handle(id, Ok(Reply::Opened))?,
            Action::Send(_, Message::Binary(bytes)) => {
                server.hear(&bytes);
                flow.handle(id, Ok(Reply::Done))?;
            }
            Action::Disk(action) => flow.handle(id, streams.on_disk(action).map(Reply::Disk))?,
            Action::Recv(_) => receiving = Some(id),
            Action::Sleep(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Under its own name there is the old file or the new one, and what is said to be done is.
#[test]
fn a_push_that_ends_after_any_byte_leaves_no_half_file() {
    let content = |length: usize| (0..length).map(|at| (at * 7 + at / 251) as u8).collect::<Vec<_>>();
    let files: BTreeMap<_, _> = [("a", content(90)), ("b", content(33_000)), ("empty", Vec::new())].into();
    let new = |most| {
        let old = [("/t/a".into(), b"old".to_vec())].into();
        Server { files: old, most, ..Server::default() }
    };
    let mut server = new(usize::MAX);
    assert_eq!(push(&mut server, &files).unwrap().files, 3);
    let whole = server.files.clone();
    assert_eq!(whole.len(), 3);
    // While it was written, nobody could read it who cannot now.
    assert_eq!((server.modes[&"/t/a".into()], server.modes[&"/t/b".into()]), (0o600, 0o644));
    // Every byte of every packet, and of the large pieces some.
    let cuts = (0..server.taken).filter(|cut| *cut < 1_500 || server.taken - cut < 1_500 || cut % 97 == 0);
    let mut states = std::collections::BTreeSet::new();
    for cut in cuts {
        let mut server = new(cut);
        let said = match push(&mut server, &files) {
            Err(Error::Tree(error)) => {
                assert!(error.reason.is_some());
                error.report.files
            }
            Err(Error::Transport(_)) => 0,
            other => panic!("{other:?}"),
        };
        let named = || server.files.iter().filter(|(path, _)| !path.as_bytes().starts_with(b"/t/.lxd-"));
        for (path, there) in named() {
            let is_old = *path == "/t/a" && there == b"old";
            assert!(is_old || whole.get(path) == Some(there), "{cut}: {path:?}");
        }
        let done = named().filter(|(path, there)| whole.get(*path) == Some(*there)).count() as u64;
        assert!(said <= done && done <= said + 3, "{cut}: {said} of {done}");
        states.insert((said, done));
    }
    assert!(states.len() > 3, "{states:?}");
}

/// A directory that keeps nothing.
struct Nothing;

impl Disk for Nothing {
    fn act(&self, action: DiskAction) -> Result<DiskReply, Failure> {
        Ok(match action {
            DiskAction::Stat(_) => DiskReply::Attributes(None),
            _ => DiskReply::Done,
        })
    }

    fn nonce(&self) -> u64 {
        7
    }
}

/// What the files API says of `/t`, which has two empty files and one of a byte.
fn files_api(target: &str, range: Option<&http::HeaderValue>) -> Response {
    let (kind, body) = match target.rsplit_once("path=/t") {
        Some((_, "")) => ("directory", r#"{"type": "sync", "metadata": ["a", "b", "large"]}"#),
        Some((_, "/large")) => ("file", "x"),
        _ => ("file", ""),
    };
    assert!(range.is_some() || kind == "directory");
    let (status, last) = if body.len() == 1 { (206, "bytes 0-0/1") } else { (200, "") };
    let answer = http::Response::builder().status(status).header("X-LXD-type", kind).header("X-LXD-mode", "0644");
    answer.header("Content-Range", last).body(body.into()).unwrap()
}

/// What the local disk was told to do before the way broke is done and counted, and nothing happens after the end.
#[test]
fn a_pull_that_breaks_waits_for_the_disk() {
    let files = Offline::default().instance("c1").files();
    let (mut flow, streams) = files.pull_tree("/t", Nothing).by_files_api().into_flow();
    let (mut finishing, mut piece) = (Vec::new(), None);
    let waits = |flow: &mut dyn Flow<Output = Report>| matches!(flow.next(), Ok(Step::Wait));
    while finishing.len() < 2 || piece.is_none() {
        let Step::Do(id, action) = flow.next().unwrap() else { panic!("everybody waits") };
        match action {
            Action::Http(_, request) if request.headers().get("range").is_some_and(|range| range == "bytes=0-0") => {
                piece = Some(id);
            }
            Action::Http(_, request) => {
                let answer = files_api(&request.uri().to_string(), request.headers().get("range"));
                flow.handle(id, Ok(Reply::Http(answer))).unwrap();
            }
            Action::Disk(DiskAction::Finish(_)) => finishing.push(id),
            Action::Disk(action) => flow.handle(id, streams.on_disk(action).map(Reply::Disk)).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    assert!(waits(&mut flow));
    flow.handle(piece.unwrap(), Err(Failure::new(FailureKind::Broken, "gone"))).unwrap();
    for id in finishing {
        assert!(waits(&mut flow));
        flow.handle(id, Ok(Reply::Disk(DiskReply::Done))).unwrap();
    }
    let Err(Error::Tree(error)) = flow.next() else { panic!() };
    assert_eq!((error.report.files, error.report.failed.len()), (2, 0));
    assert!(matches!(error.reason, Some(Error::Transport(failure)) if failure.kind == FailureKind::Broken));
}
