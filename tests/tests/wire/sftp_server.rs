//! A server of SFTP that gives what a test says, however bad.

use std::collections::BTreeMap;

use crate::server::Talk;

pub(crate) const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: sftp\r\nConnection: Upgrade\r\n\r\n";

pub(crate) const VERSION: &[u8] = b"\0\0\0\x05\x02\0\0\0\x03";

/// A packet of the client's.
pub(crate) fn packet(talk: &mut Talk) -> Option<Vec<u8>> {
    let length = talk.take(4)?;
    talk.take(u32::from_be_bytes(length.try_into().unwrap()) as usize)
}

fn text(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u32).to_be_bytes()[..], text].concat()
}

fn answer(number: u8, id: &[u8], fields: &[u8]) -> Vec<u8> {
    [&(5 + fields.len() as u32).to_be_bytes()[..], &[number], id, fields].concat()
}

pub(crate) fn status(id: &[u8], code: u32) -> Vec<u8> {
    answer(101, id, &[&code.to_be_bytes()[..], &text(b"of the test"), &text(b"")].concat())
}

/// What a server says of a name: its mode, with the kind, and its size.
#[derive(Clone, Copy)]
pub(crate) struct Said(pub(crate) u32, pub(crate) u64);

impl Said {
    fn encoded(self) -> Vec<u8> {
        let Self(mode, size) = self;
        [&5_u32.to_be_bytes()[..], &size.to_be_bytes(), &mode.to_be_bytes()].concat()
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
        talk.say([SWITCHING.as_bytes(), VERSION].concat());
        packet(&mut talk);
        let (mut open, mut last) = (BTreeMap::new(), 0_u32);
        for _ in 0..requests {
            let Some(asked) = packet(&mut talk) else { return };
            let (number, id, rest) = (asked[0], &asked[1..5], &asked[5..]);
            let length = u32::from_be_bytes(*rest.first_chunk().unwrap()) as usize;
            let (first, after) = (&rest[4..4 + length], &rest[4 + length..]);
            let reply = match number {
                // open, opendir
                3 | 11 => {
                    last += 1;
                    let handle = last.to_be_bytes().to_vec();
                    open.insert(handle.clone(), (first.to_vec(), false));
                    answer(102, id, &text(&handle))
                }
                5 => {
                    let offset = u64::from_be_bytes(*after.first_chunk().unwrap());
                    let length = u64::from(u32::from_be_bytes(*after[8..].first_chunk().unwrap()));
                    match self.size.saturating_sub(offset).min(length) {
                        0 => status(id, 1),
                        some => answer(103, id, &text(&vec![b'x'; some as usize])),
                    }
                }
                12 => {
                    let (path, read) = open.get_mut(first).unwrap();
                    let entries = self.directories.get(path).unwrap_or(&self.everywhere);
                    if entries.is_empty() || (*read && !self.endless) {
                        status(id, 1)
                    } else {
                        *read = true;
                        let mut fields = (entries.len() as u32).to_be_bytes().to_vec();
                        for (name, said) in entries {
                            fields.extend([text(name), text(b""), said.encoded()].concat());
                        }
                        answer(104, id, &fields)
                    }
                }
                17 => answer(105, id, &DIRECTORY.encoded()),
                19 => {
                    let fields = [&1_u32.to_be_bytes()[..], &text(&self.target), &text(b""), &[0; 4]].concat();
                    answer(104, id, &fields)
                }
                _ => status(id, 0),
            };
            if !talk.say(reply) {
                return;
            }
        }
    }
}
