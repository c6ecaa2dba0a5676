//! A tree that is pulled from a server that calls its files what the input says.

use std::collections::VecDeque;

use bytes::Bytes;
use lxd_proto::{
    Failure, FailureKind, Lxd,
    flow::{Action, BlockingIo, Id, Message, Reply},
    sftp::{Attributes, BytePath},
    tree::{Disk, DiskAction, DiskReply, Making},
};

use crate::{Choices, client::Client};

type Answer = Result<Reply, Failure>;

/// Whatever the server says, nothing is asked of the disk that is outside its root, and the pull ends.
pub fn tree(data: &[u8]) {
    let world =
        World { choices: Choices::new(data), outstanding: Vec::new(), asked: Vec::new(), says: VecDeque::new() };
    let _ = Client::new(world).instance("c1").files().pull_tree("/x", Nowhere).send();
}

/// What is asked of a disk comes to the transport here.
struct Nowhere;

impl Disk for Nowhere {
    fn act(&self, action: DiskAction) -> Result<DiskReply, Failure> {
        panic!("{action:?}")
    }

    fn nonce(&self) -> u64 {
        7
    }
}

struct World {
    choices: Choices,
    outstanding: Vec<(Id, Action)>,
    /// What has come of the packets that are not whole.
    asked: Vec<u8>,
    says: VecDeque<Bytes>,
}

impl World {
    /// Answers all packets that are whole.
    fn serve(&mut self) {
        while let Some(length) = self.asked.first_chunk().map(|length| u32::from_be_bytes(*length) as usize) {
            if self.asked.len() < length + 4 {
                return;
            }
            let packet: Vec<u8> = self.asked.drain(..length + 4).skip(4).collect();
            let answer = self.answered(&packet);
            let length = u32::try_from(answer.len()).unwrap();
            self.says.push_back([&length.to_be_bytes()[..], &answer].concat().into());
        }
    }

    fn answered(&mut self, packet: &[u8]) -> Vec<u8> {
        let (number, id) = (packet[0], packet.get(1..5).unwrap_or_default());
        let answer = |number: u8, fields: &[u8]| [&[number], id, fields].concat();
        let status = |code: u8| answer(101, &[0, 0, 0, code]);
        match (number, self.choices.byte()) {
            (1, _) => vec![2, 0, 0, 0, 3],
            (_, None) => status(1),
            (_, Some(0xff)) => status(4),
            (3 | 11, _) => answer(102, &text(b"h")),
            (5, Some(choice)) if choice < 0x80 => answer(103, &text(&self.choices.bytes())),
            (7 | 8 | 17, Some(choice)) => answer(105, &attributes(if packet.len() < 12 { 0 } else { choice })),
            (12, Some(choice)) if choice < 0xc0 => {
                let entry = |choice, name: &[u8]| [text(name), text(b"-"), attributes(choice)].concat();
                let entries: Vec<_> = (0..choice % 4).map(|_| entry(choice, &self.choices.bytes())).collect();
                answer(104, &[&[0, 0, 0, choice % 4][..], &entries.concat()].concat())
            }
            (19, _) => {
                let target = self.choices.bytes();
                answer(104, &[&[0, 0, 0, 1][..], &text(&target), &text(b""), &attributes(0)].concat())
            }
            (5 | 12, _) => status(1),
            _ => status(0),
        }
    }

    fn done(&mut self, action: &Action) -> Answer {
        match action {
            Action::Upgrade(..) => Ok(Reply::Opened),
            Action::Send(_, Message::Binary(piece)) => {
                self.asked.extend_from_slice(piece);
                self.serve();
                Ok(Reply::Done)
            }
            Action::Recv(_) => Ok(Reply::Message(self.says.pop_front().map(Message::Binary))),
            Action::Disk(action) => Ok(Reply::Disk(on_disk(action)?)),
            _ => Ok(Reply::Done),
        }
    }
}

impl BlockingIo for World {
    fn start(&mut self, id: Id, action: Action) {
        self.outstanding.push((id, action));
    }

    fn finish(&mut self) -> (Id, Answer) {
        // What waits for the server waits until it says something, unless there is nothing else.
        let silent = self.says.is_empty();
        let ready =
            |action: &Action| !matches!(action, Action::Sleep(_)) && !(silent && matches!(action, Action::Recv(_)));
        let next = self.outstanding.iter().position(|(_, action)| ready(action));
        let next = next.or_else(|| self.outstanding.iter().position(|(_, action)| matches!(action, Action::Recv(_))));
        let (id, action) = self.outstanding.remove(next.unwrap_or_default());
        let answer = self.done(&action);
        (id, answer)
    }
}

fn text(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text].concat()
}

/// Of a directory, a file, a link or a pipe.
fn attributes(choice: u8) -> Vec<u8> {
    let mode: u32 = [0o040_755, 0o100_644, 0o120_777, 0o010_600][usize::from(choice / 4 % 4)];
    [&[0, 0, 0, 5][..], &u64::from(choice / 16).to_be_bytes(), &mode.to_be_bytes()].concat()
}

fn on_disk(action: &DiskAction) -> Result<DiskReply, Failure> {
    let mut directory = Attributes::default();
    directory.mode = Some(0o040_755);
    let (paths, reply): (Vec<&BytePath>, _) = match action {
        DiskAction::Stat(path) if path.as_bytes().is_empty() => (vec![], DiskReply::Attributes(Some(directory))),
        DiskAction::Setstat(path, _) | DiskAction::List(path) if path.as_bytes().is_empty() => {
            (vec![], if matches!(action, DiskAction::List(_)) { DiskReply::Entries(vec![]) } else { DiskReply::Done })
        }
        DiskAction::Stat(path) => (vec![path], DiskReply::Attributes(None)),
        DiskAction::List(path) => (vec![path], DiskReply::Entries(vec![])),
        DiskAction::Create(_, Making { path, .. }) | DiskAction::Mkdir(path, _) => (vec![path], DiskReply::Done),
        DiskAction::Setstat(path, _) | DiskAction::Remove(path, _) => (vec![path], DiskReply::Done),
        DiskAction::Symlink(Making { path, .. }, _) => (vec![path], DiskReply::Done),
        DiskAction::Write(..) | DiskAction::Finish(_) | DiskAction::Discard(_) | DiskAction::Close(_) => {
            (vec![], DiskReply::Done)
        }
        other => panic!("a pull asks for {other:?}"),
    };
    for path in paths {
        let path = path.as_bytes();
        let safe = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.contains(&0);
        assert!(path.split(|byte| *byte == b'/').all(safe), "{path:?} is not below the root");
    }
    if path_is_full(action) { Err(Failure::new(FailureKind::Disk, "full")) } else { Ok(reply) }
}

/// Some names cannot be made.
fn path_is_full(action: &DiskAction) -> bool {
    matches!(action, DiskAction::Create(_, Making { path, .. }) | DiskAction::Mkdir(path, _) if path.as_bytes().len() % 8 == 7)
}
