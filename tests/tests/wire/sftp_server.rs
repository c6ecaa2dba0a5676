//! A server of SFTP that gives what a test says, however bad.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use lxd_proto::sftp::{Answer, Ask, Asked, Attributes, Decoder, Entry, Status};

use crate::server::Talk;

pub(crate) const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: sftp\r\nConnection: Upgrade\r\n\r\n";

/// The server's first packet.
pub(crate) fn version() -> BytesMut {
    let mut packet = BytesMut::new();
    lxd_proto::sftp::version(&mut packet);
    packet
}

/// A packet of the client's.
pub(crate) fn asked(talk: &mut Talk) -> Option<Asked> {
    let length = talk.take(4)?;
    let packet = talk.take(u32::from_be_bytes(*length.first_chunk().unwrap()) as usize)?;
    let mut decoder = Decoder::default();
    decoder.push(&[length, packet].concat());
    decoder.take_asked().unwrap()
}

/// A packet of the server's.
pub(crate) fn reply(id: u32, answer: &Answer) -> BytesMut {
    let mut packet = BytesMut::new();
    answer.encode(id, &mut packet);
    packet
}

pub(crate) fn status(status: Status) -> Answer {
    Answer::Status(status, "of the test".into())
}

/// What a server says of a name: its mode, with the kind, and its size.
#[derive(Clone, Copy)]
pub(crate) struct Said(pub(crate) u32, pub(crate) u64);

impl From<Said> for Attributes {
    fn from(Said(mode, size): Said) -> Self {
        let mut attributes = Self::default().with_size(size);
        attributes.mode = Some(mode);
        attributes
    }
}

pub(crate) const DIRECTORY: Said = Said(0o040_755, 0);
pub(crate) const LINK: Said = Said(0o120_777, 1);

pub(crate) fn file(size: u64) -> Said {
    Said(0o100_644, size)
}

/// What a bad server has: the entries of each directory, the targets of links, and whether its lists end.
#[derive(Clone, Default)]
pub(crate) struct Bad {
    pub(crate) directories: BTreeMap<Vec<u8>, Vec<(Vec<u8>, Said)>>,
    pub(crate) target: Vec<u8>,
    /// What is in every other directory.
    pub(crate) everywhere: Vec<(Vec<u8>, Said)>,
    /// Lists have no end.
    pub(crate) endless: bool,
    /// Files have this many bytes, whatever was said.
    pub(crate) size: u64,
}

impl Bad {
    pub(crate) fn with(entries: &[(&[u8], Said)]) -> Self {
        let entries = entries.iter().map(|(name, said)| (name.to_vec(), *said)).collect();
        Self { directories: [(b"/t".to_vec(), entries)].into(), size: u64::MAX, ..Self::default() }
    }

    pub(crate) fn and(mut self, path: &[u8], entries: &[(&[u8], Said)]) -> Self {
        let entries = entries.iter().map(|(name, said)| (name.to_vec(), *said)).collect();
        self.directories.insert(path.to_vec(), entries);
        self
    }

    /// Talks until the client has enough.
    pub(crate) fn talk(&self, talk: Talk) {
        self.talk_for(talk, usize::MAX);
    }

    /// Answers so many requests, and hangs up.
    pub(crate) fn talk_for(&self, mut talk: Talk, requests: usize) {
        talk.asked();
        talk.say([SWITCHING.as_bytes(), &version()].concat());
        asked(&mut talk);
        let (mut open, mut last) = (BTreeMap::new(), 0_u32);
        for _ in 0..requests {
            let Some(Asked::Ask(id, ask)) = asked(&mut talk) else { return };
            let answer = match ask {
                Ask::Open(path, _) | Ask::Opendir(path) => {
                    last += 1;
                    let handle = Bytes::from(last.to_string());
                    open.insert(handle.clone(), (path, false));
                    Answer::Handle(handle)
                }
                Ask::Read(_, offset, length) => match self.size.saturating_sub(offset).min(length.into()) {
                    0 => status(Status::Eof),
                    some => Answer::Data(vec![b'x'; some as usize].into()),
                },
                Ask::Readdir(file) => {
                    let (path, read) = open.get_mut(file.handle()).unwrap();
                    let entries = self.directories.get(path.as_bytes()).unwrap_or(&self.everywhere);
                    if entries.is_empty() || (*read && !self.endless) {
                        status(Status::Eof)
                    } else {
                        *read = true;
                        Answer::Names(
                            entries.iter().map(|(name, said)| Entry::new(&name[..], (*said).into())).collect(),
                        )
                    }
                }
                Ask::Stat(_) => Answer::Attributes(DIRECTORY.into()),
                Ask::Readlink(_) => Answer::Names(vec![Entry::new(&self.target[..], Attributes::default())]),
                _ => status(Status::Ok),
            };
            if !talk.say(reply(id, &answer)) {
                return;
            }
        }
    }
}
