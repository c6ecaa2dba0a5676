//! SFTP: its packets as bytes, and sessions with servers that are slow, out of order, or bad.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use lxd_proto::{
    Error, Failure, FailureKind, Lxd, Phase,
    flow::{Action, BlockingIo, Id, Message, Reply},
    limits,
    sftp::{
        Answer, Ask, Attributes, BytePath, Decoder, Entry, File, FileKind, OpenFlags, Received, Sftp, SftpError,
        Status, init,
    },
};
use proptest::{
    collection::vec,
    option,
    prelude::{Strategy, any, proptest},
    sample::Index,
};

use crate::support::client::{Client, Io};

fn packet(number: u8, fields: &[u8]) -> Vec<u8> {
    [&u32::try_from(fields.len() + 1).unwrap().to_be_bytes()[..], &[number], fields].concat()
}

fn text(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text].concat()
}

fn numbered(number: u8, id: u32, fields: &[u8]) -> Vec<u8> {
    packet(number, &[&id.to_be_bytes()[..], fields].concat())
}

fn status(id: u32, code: u32, message: &str) -> Vec<u8> {
    numbered(101, id, &[&code.to_be_bytes()[..], &text(message.as_bytes()), &text(b"")].concat())
}

fn ok(id: u32) -> Vec<u8> {
    status(id, 0, "")
}

fn eof(id: u32) -> Vec<u8> {
    status(id, 1, "EOF")
}

fn data(id: u32, bytes: &[u8]) -> Vec<u8> {
    numbered(103, id, &text(bytes))
}

fn names(id: u32, entries: &[&[u8]]) -> Vec<u8> {
    let mut fields = u32::try_from(entries.len()).unwrap().to_be_bytes().to_vec();
    for entry in entries {
        fields.extend([text(entry), text(b"-rw-r--r--"), vec![0, 0, 0, 4, 0, 0, 0x81, 0xa4]].concat());
    }
    numbered(104, id, &fields)
}

/// As LXD 5.0.2 greets.
fn version() -> Vec<u8> {
    let extensions = ["hardlink@openssh.com", "1", "posix-rename@openssh.com", "1", "statvfs@openssh.com", "2"];
    let extensions: Vec<u8> = extensions.iter().flat_map(|part| text(part.as_bytes())).collect();
    packet(2, &[&3_u32.to_be_bytes()[..], &extensions].concat())
}

fn encoded(ask: &Ask) -> Vec<u8> {
    let mut out = BytesMut::new();
    ask.encode(7, &mut out);
    out.to_vec()
}

#[test]
fn packets_as_they_are_sent() {
    let file = || File::new(Bytes::from_static(b"h"), "/x");
    let path = || BytePath::from(&b"/x\xff"[..]);
    let set = Attributes::default().with_size(1).with_owner(2, 3).with_mode(0o4751).with_times(4, 5);
    let mut out = BytesMut::new();
    init(&mut out);
    assert_eq!(&out[..], packet(1, &[0, 0, 0, 3]));
    let of_path = text(b"/x\xff");
    let of_file = text(b"h");
    // setuid is said in Go's way too.
    let attributes = [
        &[0, 0, 0, 15][..],
        &1_u64.to_be_bytes(),
        &[0, 0, 0, 2, 0, 0, 0, 3],
        &(0o4751_u32 | 1 << 23).to_be_bytes(),
        &[0, 0, 0, 4, 0, 0, 0, 5],
    ]
    .concat();
    let offset = 0x0102_0304_0506_0708_u64.to_be_bytes();
    let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
    for (ask, number, fields) in [
        (Ask::Open(path(), flags), 3, [&of_path[..], &[0, 0, 0, 0x1a, 0, 0, 0, 0]].concat()),
        (Ask::Close(file()), 4, of_file.clone()),
        (Ask::Read(file(), 0x0102_0304_0506_0708, 9), 5, [&of_file[..], &offset, &[0, 0, 0, 9]].concat()),
        (Ask::Write(file(), 0x0102_0304_0506_0708, "ab".into()), 6, [&of_file[..], &offset, &text(b"ab")].concat()),
        (Ask::Lstat(path()), 7, of_path.clone()),
        (Ask::Fstat(file()), 8, of_file.clone()),
        (Ask::Setstat(path(), set), 9, [of_path.clone(), attributes.clone()].concat()),
        (Ask::Fsetstat(file(), set), 10, [of_file.clone(), attributes].concat()),
        (Ask::Opendir(path()), 11, of_path.clone()),
        (Ask::Readdir(file()), 12, of_file),
        (Ask::Remove(path()), 13, of_path.clone()),
        (Ask::Mkdir(path()), 14, [&of_path[..], &[0; 4]].concat()),
        (Ask::Rmdir(path()), 15, of_path.clone()),
        (Ask::Realpath(path()), 16, of_path.clone()),
        (Ask::Stat(path()), 17, of_path.clone()),
        (Ask::Rename("a".into(), "b".into()), 18, [text(b"a"), text(b"b")].concat()),
        (Ask::Readlink(path()), 19, of_path),
        (Ask::Symlink("link".into(), "target".into()), 20, [text(b"target"), text(b"link")].concat()),
        (
            Ask::PosixRename("a".into(), "b".into()),
            200,
            [text(b"posix-rename@openssh.com"), text(b"a"), text(b"b")].concat(),
        ),
    ] {
        assert_eq!(encoded(&ask), numbered(number, 7, &fields), "{ask:?}");
    }
}

fn decode(bytes: &[u8]) -> Result<Vec<Received>, Error> {
    let mut decoder = Decoder::default();
    decoder.push(bytes);
    core::iter::from_fn(|| decoder.take().transpose()).collect()
}

/// Bytes that LXD 5.0.2 has sent.
#[test]
fn packets_as_they_come() {
    assert_eq!(decode(&version()).unwrap(), [Received::Version { version: 3, posix_rename: true }]);
    assert_eq!(
        decode(&packet(2, &3_u32.to_be_bytes())).unwrap(),
        [Received::Version { version: 3, posix_rename: false }]
    );
    let stat = b"\x00\x00\x00\x0f\x00\x00\x00\x00\x00\x00\x00\x06\x00\x00\x03\xe8\x00\x00\x00d\x00\x00\xa1\xffk\x02}\xa3k\x02}\xa3";
    let Received::Answer(9, Answer::Attributes(found)) = decode(&numbered(105, 9, stat)).unwrap().remove(0) else {
        panic!("attributes");
    };
    assert_eq!((found.kind(), found.size, found.owner), (FileKind::Symlink, Some(6), Some((1000, 100))));
    assert_eq!((found.permissions(), found.times), (Some(0o777), Some((0x6b02_7da3, 0x6b02_7da3))));
    let refused = numbered(101, 1, b"\0\0\0\x04\0\0\0\x1amkdir /root/d: file exists\0\0\0\0");
    let refused = decode(&refused).unwrap();
    assert_eq!(refused, [Received::Answer(1, Answer::Status(Status::Failure, "mkdir /root/d: file exists".into()))]);
    let real = decode(&numbered(104, 2, b"\0\0\0\x01\0\0\0\x04/etc\0\0\0\x04/etc\0\0\0\0")).unwrap();
    let Received::Answer(2, Answer::Names(entries)) = &real[0] else { panic!("names") };
    assert_eq!((entries.len(), &entries[0].name), (1, &"/etc".into()));
    // With attributes that nobody here knows.
    let extended = b"\x80\0\0\0\0\0\0\x01\0\0\0\x01a\0\0\0\x01b";
    let found = decode(&numbered(105, 9, extended)).unwrap();
    assert_eq!(found, [Received::Answer(9, Answer::Attributes(Attributes::default()))]);
}

#[test]
fn bad_packets_are_errors() {
    for bytes in [
        packet(99, &[0; 8]),
        vec![0, 0, 0, 0],
        vec![0, 0, 0, 1, 101],
        packet(102, &[0, 0, 0, 1, 0, 0, 0, 9, b'x']),
        numbered(104, 1, &[0xff; 4]),
        numbered(105, 1, &[0xff; 4]),
        numbered(101, 1, &[]),
        packet(2, &[0, 0, 0, 3, 0, 0, 0, 1]),
    ] {
        assert!(matches!(decode(&bytes), Err(Error::Protocol(_))), "{bytes:?}");
    }
    let large = u32::try_from(limits::SFTP_PACKET + 1).unwrap().to_be_bytes();
    assert!(matches!(decode(&large), Err(Error::TooLarge { .. })));
    assert!(decode(&[0, 0, 0, 9, 101, 0]).unwrap().is_empty());
}

fn attributes() -> impl Strategy<Value = Attributes> {
    let pair = || option::of((any::<u32>(), any::<u32>()));
    (option::of(any::<u64>()), pair(), option::of(any::<u32>()), pair()).prop_map(|(size, owner, mode, times)| {
        let mut attributes = Attributes::default();
        (attributes.size, attributes.owner, attributes.mode, attributes.times) = (size, owner, mode, times);
        attributes
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn broken_packets_are_read_without_panic(edits in vec((any::<Index>(), any::<u8>()), 0..4), cut in any::<Index>()) {
        let whole = [version(), names(1, &[b"a", b"\xff"]), status(2, 4, "no"), data(3, b"data"), ok(4)].concat();
        let mut bytes = whole.clone();
        for (at, byte) in &edits {
            *at.get_mut(&mut bytes) = *byte;
        }
        bytes.truncate(cut.index(whole.len() + 1));
        let _ = decode(&bytes);
    }

    /// Wherever the pieces are cut, the same comes out.
    #[test]
    fn pieces_make_the_same_packets(cuts in vec(any::<Index>(), 0..12)) {
        let whole = [version(), names(1, &[b"a", b"\xff"]), status(2, 4, "no"), data(3, &[7; 70_000]), ok(4)].concat();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(whole.len())).chain([0, whole.len()]).collect();
        cuts.sort_unstable();
        let (mut decoder, mut found) = (Decoder::default(), Vec::new());
        for piece in cuts.windows(2) {
            decoder.push(&whole[piece[0]..piece[1]]);
            while let Some(packet) = decoder.take().unwrap() {
                found.push(packet);
            }
        }
        assert_eq!(found, decode(&whole).unwrap());
    }

    #[test]
    fn attributes_come_back(said in attributes()) {
        let sent = encoded(&Ask::Setstat("/".into(), said));
        let fields = &sent[4 + 1 + 4 + 5..];
        let found = decode(&numbered(105, 1, fields)).unwrap();
        let Received::Answer(1, Answer::Attributes(found)) = found[0] else { panic!("attributes") };
        assert_eq!((found.size, found.owner, found.times), (said.size, said.owner, said.times));
        assert_eq!(found.mode.map(|mode| mode & 0o7777), said.permissions());
    }

    /// Whatever a server says, a session ends.
    #[test]
    fn sessions_end(noise in vec(vec(any::<u8>(), 0..60), 0..6), greets in any::<bool>()) {
        let mut noise = VecDeque::from(noise);
        let mut server = Server::new(move |_, _, _| noise.pop_front().unwrap_or_default());
        server.greets = greets;
        server.silent = true;
        if let Ok(mut sftp) = server.client().instance("c1").sftp().send() {
            let _ = sftp.read("/x").send();
            let _ = sftp.readdir("/x").send();
            let _ = sftp.write("/x", vec![0; 100_000]).send();
        }
    }
}

type Talk = Box<dyn FnMut(u8, u32, &[u8]) -> Vec<u8> + Send>;

/// A server of SFTP that is the test.
struct Server {
    answer: Talk,
    received: Vec<u8>,
    /// What it says, in pieces of this size.
    said: VecDeque<Vec<u8>>,
    piece: usize,
    greets: bool,
    /// It hangs up when it has nothing to say; else that fails the test.
    silent: bool,
    /// How many requests wait until they are answered, the last first.
    backlog: usize,
    held: Vec<Vec<u8>>,
    most: usize,
    /// How often time has passed.
    ticks: u32,
    outstanding: Vec<(Id, Action)>,
    asked: Vec<(u8, Vec<u8>)>,
}

impl Server {
    fn new(answer: impl FnMut(u8, u32, &[u8]) -> Vec<u8> + Send + 'static) -> Self {
        Self {
            answer: Box::new(answer),
            received: Vec::new(),
            said: VecDeque::new(),
            piece: usize::MAX,
            greets: true,
            silent: false,
            backlog: 1,
            held: Vec::new(),
            most: 0,
            ticks: 0,
            outstanding: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn client(self) -> Client<Self> {
        Client::new(self)
    }

    fn session(self) -> Sftp<Io<Self>> {
        self.client().instance("c1").sftp().send().unwrap()
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
        while let Some(length) = self.received.first_chunk().map(|length| u32::from_be_bytes(*length) as usize) {
            if self.received.len() < length + 4 {
                return;
            }
            let rest = self.received.split_off(length + 4);
            let packet = std::mem::replace(&mut self.received, rest);
            if packet[4] == 1 {
                if self.greets {
                    self.said.push_back(version());
                }
                continue;
            }
            let id = u32::from_be_bytes(*packet[5..].first_chunk().unwrap());
            self.asked.push((packet[4], packet[9..].to_vec()));
            self.held.push((self.answer)(packet[4], id, &packet[9..]));
            self.most = self.most.max(self.held.len());
        }
    }

    fn take(&mut self, wanted: impl Fn(&Action) -> bool) -> Option<Id> {
        let index = self.outstanding.iter().position(|(_, action)| wanted(action))?;
        Some(self.outstanding.remove(index).0)
    }
}

impl BlockingIo for Server {
    fn start(&mut self, id: Id, action: Action) {
        match &action {
            Action::Upgrade(_, _, request) => {
                assert_eq!(request.uri().path(), "/1.0/instances/c1/sftp");
                assert_eq!(
                    (&request.headers()["connection"], &request.headers()["upgrade"]),
                    (&"Upgrade".parse().unwrap(), &"sftp".parse().unwrap())
                );
            }
            Action::Send(_, Message::Binary(bytes)) => {
                assert!(bytes.len() <= limits::CHUNK);
                let bytes = bytes.clone();
                self.hear(&bytes);
            }
            _ => {}
        }
        assert!(self.outstanding.len() < 4);
        self.outstanding.push((id, action));
    }

    fn finish(&mut self) -> (Id, Result<Reply, Failure>) {
        if let Some(id) = self.take(|action| matches!(action, Action::Upgrade(..))) {
            return (id, Ok(Reply::Opened));
        }
        if let Some(id) = self.take(|action| matches!(action, Action::Send(..))) {
            return (id, Ok(Reply::Done));
        }
        if self.held.len() >= self.backlog || self.said.is_empty() {
            while let Some(answer) = self.held.pop() {
                self.said.extend(answer.chunks(self.piece.min(answer.len().max(1))).map(<[u8]>::to_vec));
            }
        }
        match self.said.pop_front() {
            Some(piece) => {
                let id = self.take(|action| matches!(action, Action::Recv(_))).expect("it listens");
                (id, Ok(Reply::Message(Some(Message::Binary(piece.into())))))
            }
            None if self.silent => {
                let id = self.take(|action| matches!(action, Action::Recv(_))).expect("it listens");
                (id, Ok(Reply::Message(None)))
            }
            // Time passes.
            None => {
                self.ticks += 1;
                let id = self.take(|action| matches!(action, Action::Sleep(_))).expect("it waits for something");
                (id, Ok(Reply::Done))
            }
        }
    }
}

/// A server with one file of this content, which it gives in pieces of this size at most.
fn with_file(content: Vec<u8>, said: u64, most: usize) -> Server {
    Server::new(move |number, id, body| match number {
        3 => numbered(102, id, &text(b"h")),
        4 => ok(id),
        8 => numbered(105, id, &[&[0, 0, 0, 1][..], &said.to_be_bytes()].concat()),
        5 => {
            let offset = u64::from_be_bytes(*body[5..].first_chunk().unwrap()) as usize;
            let length = u32::from_be_bytes(*body[13..].first_chunk().unwrap()) as usize;
            assert!(length <= limits::SFTP_PIECE as usize);
            match content.get(offset..(offset + length.min(most)).min(content.len())) {
                Some(piece) if !piece.is_empty() => data(id, piece),
                _ => eof(id),
            }
        }
        other => panic!("{other}"),
    })
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 251) as u8).collect()
}

/// Whole, in any order, in short pieces, and of any size, whatever the server has said of that.
#[test]
fn files_are_read_whole() {
    for length in [0, 1, 32_767, 32_768, 32_769, 3_000_000] {
        let content = content(length);
        for said in [0, length / 2, length, length * 2 + 1] {
            for (backlog, piece, most) in [(1, usize::MAX, 40_000), (64, 5_000, 40_000), (7, usize::MAX, 20_000)] {
                let mut server = with_file(content.clone(), said as u64, most);
                (server.backlog, server.piece) = (backlog, piece);
                let client = server.client();
                let mut sftp = client.instance("c1").sftp().send().unwrap();
                assert!(sftp.read("/x").send().unwrap() == content, "{length} {said} {backlog} {most}");
                let server = client.io();
                assert_eq!(server.asked.last().unwrap().0, 4);
                assert!(server.most <= limits::SFTP_WINDOW);
                if length == 3_000_000 && said == length && backlog == 64 {
                    assert_eq!(server.most, limits::SFTP_WINDOW);
                }
            }
        }
    }
}

#[test]
fn a_part_of_a_file_is_read() {
    let mut sftp = with_file(content(100_000), 0, 40_000).session();
    let file = sftp.open("/x", OpenFlags::READ).send().unwrap();
    for (offset, length) in [(0, 0), (0, 1), (1, 70_000), (99_990, 100), (100_000, 5), (200_000, 5)] {
        let begin = usize::try_from(offset).unwrap().min(100_000);
        let expected = &content(100_000)[begin..(begin + length).min(100_000)];
        assert!(sftp.read_at(&file, offset, length).send().unwrap() == expected, "{offset} {length}");
    }
}

#[test]
fn files_are_written_whole() {
    for length in [0, 1, 32_768, 32_769, 3_000_000] {
        let mut server = Server::new(move |number, id, _| match number {
            3 => numbered(102, id, &text(b"h")),
            _ => ok(id),
        });
        server.backlog = 64;
        let client = server.client();
        let mut sftp = client.instance("c1").sftp().send().unwrap();
        let said = Attributes::default().with_mode(0o600).with_owner(1, 2);
        sftp.write_with("/x", content(length), said).send().unwrap();
        let server = client.io();
        let mut written = vec![0; length];
        for (_, body) in server.asked.iter().filter(|(number, _)| *number == 6) {
            let offset = u64::from_be_bytes(*body[5..].first_chunk().unwrap()) as usize;
            written[offset..offset + body.len() - 17].copy_from_slice(&body[17..]);
        }
        assert!(written == content(length));
        // The owner first, and both before the content.
        let order: Vec<_> = server.asked.iter().map(|(number, _)| *number).filter(|number| *number != 6).collect();
        assert_eq!(order, [3, 10, 10, 4]);
        assert_eq!(server.asked[1].1[5..9], [0, 0, 0, 2]);
        assert!(server.most <= limits::SFTP_WINDOW);
    }
}

fn sftp_error<T: std::fmt::Debug>(result: Result<T, Error>) -> Box<SftpError> {
    match result.unwrap_err() {
        Error::Sftp(error) => error,
        other => panic!("{other}"),
    }
}

/// What an operation has opened is closed when it fails, and the session goes on.
#[test]
fn a_failure_closes_the_file() {
    let server = Server::new(|number, id, _| match number {
        3 => numbered(102, id, &text(b"h")),
        6 => status(id, 4, "no space left on device"),
        4 => ok(id),
        17 => numbered(105, id, &[0; 4]),
        other => panic!("{other}"),
    });
    let client = server.client();
    let mut sftp = client.instance("c1").sftp().send().unwrap();
    let error = sftp_error(sftp.write("/x", vec![0; 100_000]).send());
    assert_eq!((error.verb, error.status), ("write", Status::Failure));
    assert_eq!(error.to_string(), "write /x: no space left on device");
    sftp.stat("/x").send().unwrap();
    assert_eq!(client.io().asked.iter().filter(|(number, _)| *number == 4).count(), 1);
}

#[test]
fn a_close_that_fails_is_a_failure() {
    let mut sftp = Server::new(|number, id, _| match number {
        3 => numbered(102, id, &text(b"h")),
        4 => status(id, 4, "quota"),
        _ => ok(id),
    })
    .session();
    assert_eq!(sftp_error(sftp.write("/x", "x").send()).message, "quota");
}

/// A server's nonsense is an error, and the end of the session.
#[test]
fn nonsense_ends_the_session() {
    type Nonsense = fn(u8, u32) -> Vec<u8>;
    let nonsense: [(&str, Nonsense); 8] = [
        ("which was not asked", |_, id| ok(id + 1)),
        ("something else", |_, id| data(id, b"x")),
        ("something else", |_, id| names(id, &[])),
        ("something else", |_, id| ok(id)),
        ("is larger", |_, _| vec![0xff; 9]),
        ("type 99", |_, id| numbered(99, id, &[])),
        ("no greeting", |_, _| version()),
        ("ends too early", |_, id| numbered(105, id, &[0xff])),
    ];
    for (expected, answer) in nonsense {
        let mut server = Server::new(move |number, id, _| answer(number, id));
        server.silent = true;
        let mut sftp = server.session();
        let error = sftp.stat("/x").send().unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(expected == "something else" || sftp.stat("/x").send().is_err(), "{expected}");
    }
    let mut sftp = Server::new(|number, id, _| match number {
        3 => numbered(102, id, &text(b"h")),
        5 => data(id, b""),
        _ => numbered(105, id, &[0; 4]),
    })
    .session();
    assert!(matches!(sftp.read("/x").send(), Err(Error::Protocol(_))));
    let mut sftp = Server::new(|_, id, _| numbered(102, id, &text(&[b'h'; 257]))).session();
    assert!(matches!(sftp.open("/x", OpenFlags::READ).send(), Err(Error::Protocol(_))));
}

/// An endless directory takes no more memory than its limit.
#[test]
fn endless_directories_are_errors() {
    let many = vec![vec![b'x'; 250]; 800];
    let mut sftp = Server::new(move |number, id, _| match number {
        11 => numbered(102, id, &text(b"h")),
        4 => ok(id),
        _ => names(id, &many.iter().map(Vec::as_slice).collect::<Vec<_>>()),
    })
    .session();
    assert!(matches!(sftp.readdir("/x").send(), Err(Error::TooLarge { what: "a directory's list", .. })));
}

#[test]
fn directories_are_listed_whole() {
    let mut pieces = VecDeque::from([vec![&b"."[..], b"..", b"a"], vec![b"\xff"]]);
    let client = Server::new(move |number, id, _| match number {
        11 => numbered(102, id, &text(b"h")),
        4 => ok(id),
        _ => pieces.pop_front().map_or_else(|| eof(id), |piece| names(id, &piece)),
    })
    .client();
    let mut sftp = client.instance("c1").sftp().send().unwrap();
    let entries = sftp.readdir("/x").send().unwrap();
    let found: Vec<&Entry> = entries.iter().collect();
    assert_eq!(found.iter().map(|entry| entry.name.as_bytes()).collect::<Vec<_>>(), [&b"a"[..], b"\xff"]);
    assert!(found.iter().all(|entry| entry.attributes.kind() == FileKind::File));
    assert_eq!(client.io().asked.last().unwrap().0, 4);
}

/// A server that says nothing any more is left.
#[test]
fn silence_is_an_end() {
    let timed_out = |error: Error| match error {
        Error::Transport(failure) => failure.kind == FailureKind::Timeout(Phase::Idle),
        _ => false,
    };
    let mut server = Server::new(|_, _, _| Vec::new());
    server.greets = false;
    let client = server.client();
    assert!(timed_out(client.instance("c1").sftp().send().unwrap_err()));
    // The first may have come at once, where something was asked just before.
    assert_eq!(client.io().ticks, 1 + 60 / 15);
    let mut sftp = Server::new(|_, _, _| Vec::new()).session();
    assert!(timed_out(sftp.stat("/x").send().unwrap_err()));
}

/// Where the server cannot rename over what is there by an extension, it is asked in the old way.
#[test]
fn renamed_without_the_extension() {
    let mut server = Server::new(|_, id, _| ok(id));
    server.greets = false;
    server.said.push_back(packet(2, &3_u32.to_be_bytes()));
    let client = server.client();
    let mut sftp = client.instance("c1").sftp().send().unwrap();
    sftp.rename("/a", "/b").send().unwrap();
    assert_eq!(client.io().asked, [(18, [text(b"/a"), text(b"/b")].concat())]);
}

#[test]
fn paths_that_cannot_be_sent() {
    let mut sftp = Server::new(|_, id, _| numbered(105, id, &[0; 4])).session();
    for path in [vec![b'a', 0], vec![b'a'; 32 * 1024 + 1]] {
        assert!(matches!(sftp.stat(path.clone()).send(), Err(Error::InvalidInput(_))));
        assert!(matches!(sftp.symlink("/x", path).send(), Err(Error::InvalidInput(_))));
    }
    sftp.stat("/x").send().unwrap();
}

#[test]
fn paths_are_joined() {
    for (directory, joined) in [("/", "/x"), ("/a", "/a/x"), ("/a/", "/a/x"), ("", "x")] {
        assert_eq!(BytePath::from(directory).join(b"x"), joined);
    }
    assert_eq!(format!("{:?} {}", BytePath::from(b"\xff"), BytePath::from(b"\xff")), "\"\\xff\" \u{fffd}");
}
