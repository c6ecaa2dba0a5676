//! Archives: tar, as it is or behind gzip.

use std::collections::BTreeMap;

use crate::tree::{Data, Node, Tree};

/// How much an archive may hold.
const LARGEST: usize = 1 << 28;

/// What an archive is packed with, if it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Tar,
    Gzip,
    /// Another that LXD knows, and the simulation cannot look into.
    Foreign(&'static str),
}

impl Packing {
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let begins = |magic: &[u8]| bytes.starts_with(magic);
        match () {
            () if begins(&[0x1f, 0x8b]) => Some(Self::Gzip),
            () if begins(b"\xfd7zXZ\0") => Some(Self::Foreign("tar.xz")),
            () if begins(b"BZh") => Some(Self::Foreign("tar.bz2")),
            () if begins(b"\x28\xb5\x2f\xfd") => Some(Self::Foreign("tar.zst")),
            () if begins(b"hsqs") => Some(Self::Foreign("squashfs")),
            () if begins(b"QFI\xfb") => Some(Self::Foreign("qcow2")),
            () if bytes.get(257..262) == Some(b"ustar") => Some(Self::Tar),
            () => None,
        }
    }

    /// How a file with it ends.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Tar => "tar",
            Self::Gzip => "tar.gz",
            Self::Foreign(ending) => ending,
        }
    }
}

/// Everything that is in an archive. What cannot be read is left out.
pub(crate) fn unpack(bytes: &[u8]) -> Tree {
    match Packing::of(bytes) {
        Some(Packing::Tar) => untar(bytes),
        Some(Packing::Gzip) => untar(&gunzip(bytes).unwrap_or_default()),
        _ => Tree::new(0),
    }
}

fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let flags = *bytes.get(3)?;
    let mut at = 10;
    if flags & 4 != 0 {
        at += 2 + usize::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            at += bytes.get(at..)?.iter().position(|byte| *byte == 0)? + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    miniz_oxide::inflate::decompress_to_vec_with_limit(bytes.get(at..)?, LARGEST).ok()
}

fn untar(mut bytes: &[u8]) -> Tree {
    let mut tree = Tree::new(0);
    let (mut long, mut target) = (None::<Vec<u8>>, None::<Vec<u8>>);
    while let Some((header, rest)) = bytes.split_at_checked(512) {
        if header[0] == 0 {
            break;
        }
        let size = number(&header[124..136]) as usize;
        let Some(content) = rest.get(..size) else { break };
        bytes = rest.get(size.next_multiple_of(512)..).unwrap_or_default();
        let mut name = text(&header[..100]).to_vec();
        if &header[257..263] == b"ustar\0" && header[345] != 0 {
            name = [text(&header[345..500]), b"/", &name].concat();
        }
        match header[156] {
            b'L' => {
                long = Some(text(content).to_vec());
                continue;
            }
            b'K' => {
                target = Some(text(content).to_vec());
                continue;
            }
            b'x' => {
                let records = pax(content);
                long = records.get("path").cloned().or(long);
                target = records.get("linkpath").cloned().or(target);
                continue;
            }
            b'g' => continue,
            _ => {}
        }
        let name = long.take().unwrap_or(name);
        let link = target.take().unwrap_or_else(|| text(&header[157..257]).to_vec());
        let modified = number(&header[136..148]);
        let mut node = match header[156] {
            b'0' | 0 | b'7' => Node::file(content, modified),
            b'1' => match tree.get(&link, false) {
                Ok(there) => there.clone(),
                Err(_) => continue,
            },
            b'2' => Node::link(link, modified),
            b'3' => Node::new(Data::Special(0o020_000), 0, modified),
            b'4' => Node::new(Data::Special(0o060_000), 0, modified),
            b'5' => Node::directory(modified),
            b'6' => Node::new(Data::Special(0o010_000), 0, modified),
            _ => continue,
        };
        let half = |range: std::ops::Range<usize>| u32::try_from(number(&header[range])).unwrap_or_default();
        node.mode = half(100..108) & 0o7777;
        (node.uid, node.gid) = (half(108..116), half(116..124));
        tree.put_deep(&name, node);
    }
    tree
}

fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn number(field: &[u8]) -> u64 {
    let digits = field.iter().filter(|byte| (b'0'..=b'7').contains(byte));
    digits.fold(0, |number, digit| number.wrapping_mul(8) + u64::from(digit - b'0'))
}

/// Records of the form `length key=value\n`.
fn pax(mut content: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut records = BTreeMap::new();
    while let Some(space) = content.iter().position(|byte| *byte == b' ') {
        let length: usize = String::from_utf8_lossy(&content[..space]).parse().unwrap_or(0);
        let Some(record) = content.get(space + 1..length.saturating_sub(1)) else { break };
        content = content.get(length..).unwrap_or_default();
        if let Some(equals) = record.iter().position(|byte| *byte == b'=') {
            records.insert(String::from_utf8_lossy(&record[..equals]).into_owned(), record[equals + 1..].to_vec());
        }
    }
    records
}

/// A tar archive in the making.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// Adds something, and what is below it.
    pub(crate) fn add(&mut self, name: &[u8], node: &Node) {
        let (kind, content, target): (u8, &[u8], &[u8]) = match &node.data {
            Data::File(content) => (b'0', content, b""),
            Data::Directory(_) => (b'5', b"", b""),
            Data::Link(target) => (b'2', b"", target),
            Data::Special(0o020_000) => (b'3', b"", b""),
            Data::Special(0o060_000) => (b'4', b"", b""),
            Data::Special(_) => (b'6', b"", b""),
        };
        if name.len() > 100 {
            self.header(b"././@LongLink", b'L', name.len() + 1, node, b"");
            self.content(&[name, b"\0"].concat());
        }
        if target.len() > 100 {
            self.header(b"././@LongLink", b'K', target.len() + 1, node, b"");
            self.content(&[target, b"\0"].concat());
        }
        self.header(name, kind, content.len(), node, target);
        self.content(content);
        for (entry, node) in node.entries().into_iter().flatten() {
            self.add(&[name, b"/", entry].concat(), node);
        }
    }

    fn header(&mut self, name: &[u8], kind: u8, size: usize, node: &Node, target: &[u8]) {
        let mut header = [0; 512];
        let mut field = |at: usize, room: usize, text: &[u8]| {
            let length = text.len().min(room);
            header[at..at + length].copy_from_slice(&text[..length]);
        };
        field(0, 100, name);
        field(100, 8, format!("{:07o}", node.mode).as_bytes());
        field(108, 8, format!("{:07o}", node.uid).as_bytes());
        field(116, 8, format!("{:07o}", node.gid).as_bytes());
        field(124, 12, format!("{size:011o}").as_bytes());
        field(136, 12, format!("{:011o}", node.modified).as_bytes());
        field(148, 8, b"        ");
        field(156, 1, &[kind]);
        field(157, 100, target);
        field(257, 8, b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        self.0.extend_from_slice(&header);
    }

    fn content(&mut self, content: &[u8]) {
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.resize((self.0.len() + 1024).next_multiple_of(10_240), 0);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let mut tree = Tree::new(7);
        let long = format!("/d/{}", "x".repeat(150));
        tree.put_deep(b"/d/file", Node { uid: 3, gid: 4, mode: 0o4750, ..Node::file("content", 9) });
        tree.put_deep(long.as_bytes(), Node::link("y".repeat(120), 9));
        let mut writer = Writer::default();
        writer.add(b"d", tree.get(b"/d", true).unwrap());
        let packed = writer.finish();
        assert_eq!(Packing::of(&packed), Some(Packing::Tar));
        let unpacked = unpack(&packed);
        assert_eq!(format!("{:?}", unpacked.get(b"/d", true)), format!("{:?}", tree.get(b"/d", true)));
        let gzip =
            [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &miniz_oxide::deflate::compress_to_vec(&packed, 1)].concat();
        assert!(unpack(&gzip).get(b"/d/file", true).is_ok());
        assert_eq!(Packing::of(b"garbage"), None);
    }
}
