//! Several files in one body, `multipart/form-data`: how LXD takes and gives an image that is split in two.

use alloc::{format, string::String, vec::Vec};

use bytes::{Bytes, BytesMut};

use crate::{Body, Error, limits};

/// What stands between the parts that are sent. No file that is worth sending holds it after a line break and two
/// hyphens, and the core has no randomness to make another one.
const BOUNDARY: &str = "lxd-proto-5b8f0c1e7d2a49c6b3f1a80e64d97c25";

/// The content type of what [`encode`] makes.
pub(crate) const CONTENT_TYPE: &str = "multipart/form-data; boundary=lxd-proto-5b8f0c1e7d2a49c6b3f1a80e64d97c25";

/// These files, each with its part's name and its own, in this order.
pub(crate) fn encode<'a>(files: impl IntoIterator<Item = (&'static str, &'a str, Body)>) -> Body {
    let mut pieces = Vec::new();
    let mut separator = "";
    for (name, filename, body) in files {
        let filename = filename.replace('\\', "\\\\").replace('"', "\\\"");
        // A line break would begin another header.
        let filename = filename.replace(char::is_control, "_");
        let head = format!(
            "{separator}--{BOUNDARY}\r\n\
            Content-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n\
            Content-Type: application/octet-stream\r\n\r\n"
        );
        pieces.extend([Body::Bytes(head.into()), body]);
        separator = "\r\n";
    }
    pieces.push(Body::Bytes(format!("{separator}--{BOUNDARY}--\r\n").into()));
    Body::Chain(pieces)
}

/// The beginning of a file in a multipart body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// The part's name: `metadata`, `rootfs` or `rootfs.img`; empty for an image that is one file.
    pub name: String,
    /// The file's name, without any directory, so that it is safe to use.
    pub filename: String,
}

impl Part {
    pub(crate) fn new(name: &str, filename: &str) -> Self {
        let filename = filename.rsplit(['/', '\\', '\0']).next().unwrap_or_default();
        let filename = if matches!(filename, "." | "..") { "" } else { filename };
        Self { name: name.into(), filename: filename.into() }
    }

    /// Reads a part's headers.
    fn read(head: &str) -> Self {
        let disposition = head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case("content-disposition").then_some(value)
        });
        let value = |key| parameter(disposition.unwrap_or_default(), key).unwrap_or_default();
        Self::new(&value("name"), &value("filename"))
    }
}

/// The value of `key=value` or `key="value"` in a header's value. In quotes a backslash stands before what it is not.
pub(crate) fn parameter(header: &str, key: &str) -> Option<String> {
    let mut rest = header;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after);
        // Before the first parameter stands what the header is about.
        let name = name.rsplit(';').next().unwrap_or_default().trim();
        if name.eq_ignore_ascii_case(key) {
            return Some(value);
        }
        rest = after;
    }
}

/// The value that a text begins with, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.trim_start().strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim().into(), &text[end..]);
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (index, character) in quoted.char_indices() {
        match character {
            '"' if !escaped => return (value, &quoted[index + 1..]),
            '\\' if !escaped => escaped = true,
            _ => {
                value.push(character);
                escaped = false;
            }
        }
    }
    (value, "")
}

/// A piece of a multipart body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A file begins.
    Part(Part),
    /// The file goes on.
    Data(Bytes),
}

/// Takes a multipart body apart while it arrives. It holds no more than one of the pieces that it is given, and a
/// part's head.
///
/// ```
/// use lxd_proto::multipart::{Piece, Splitter};
///
/// let mut splitter = Splitter::new("B")?;
/// splitter.push("--B\r\nContent-Disposition: form-data; name=\"rootfs\"\r\n\r\nda".into());
/// let Some(Piece::Part(part)) = splitter.next()? else { panic!("a file begins") };
/// assert_eq!(part.name, "rootfs");
/// assert_eq!(splitter.next()?, Some(Piece::Data("da".into())));
/// assert_eq!(splitter.next()?, None);
/// splitter.push("ta\r\n--B--\r\n".into());
/// assert_eq!(splitter.next()?, Some(Piece::Data("ta".into())));
/// assert_eq!(splitter.next()?, None);
/// splitter.finish()?;
/// # Ok::<(), lxd_proto::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Splitter {
    delimiter: Vec<u8>,
    buffer: Bytes,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first part, whose delimiter has no line break before it.
    Before,
    /// After a delimiter: a head follows, or the end.
    Delimiter,
    Head,
    Data,
    End,
}

impl Splitter {
    /// For a body whose parts are between this.
    ///
    /// # Errors
    /// [`Error::Protocol`] when that can be no boundary.
    pub fn new(boundary: &str) -> Result<Self, Error> {
        if !(1..=70).contains(&boundary.len()) {
            return Err(Error::Protocol("a multipart answer without boundary".into()));
        }
        let delimiter = format!("\r\n--{boundary}").into();
        Ok(Self { delimiter, buffer: Bytes::new(), state: State::Before })
    }

    /// Takes the next piece of the body. What was taken before should have been [handed out](Self::next).
    pub fn push(&mut self, piece: Bytes) {
        if self.buffer.is_empty() {
            self.buffer = piece;
        } else {
            let mut both = BytesMut::from(&self.buffer[..]);
            both.extend_from_slice(&piece);
            self.buffer = both.freeze();
        }
    }

    /// The next that is known, or nothing until more of the body is there.
    ///
    /// # Errors
    /// [`Error::Protocol`] for what is no multipart body.
    #[allow(clippy::should_implement_trait)] // nothing is not its end
    pub fn next(&mut self) -> Result<Option<Piece>, Error> {
        loop {
            match self.state {
                State::Before => {
                    let Some(first) = self.delimiter.get(2..) else { return Err(no_multipart()) };
                    let known = first.len().min(self.buffer.len());
                    if self.buffer[..known] != first[..known] {
                        return Err(no_multipart());
                    }
                    if self.buffer.len() < first.len() {
                        return Ok(None);
                    }
                    self.skip(first.len(), State::Delimiter);
                }
                State::Delimiter => match &self.buffer[..] {
                    [b'\r', b'\n', ..] => self.skip(2, State::Head),
                    [b'-', b'-', ..] => self.skip(2, State::End),
                    [] | [b'\r' | b'-'] => return Ok(None),
                    _ => return Err(no_multipart()),
                },
                State::Head => {
                    let Some(end) = self.buffer.windows(4).take(limits::PART_HEAD).position(|four| four == b"\r\n\r\n")
                    else {
                        // All places where it may end are known.
                        let known = self.buffer.len() >= limits::PART_HEAD + 3;
                        return if known { Err(no_multipart()) } else { Ok(None) };
                    };
                    let part = Part::read(&String::from_utf8_lossy(&self.buffer[..end]));
                    self.skip(end + 4, State::Data);
                    return Ok(Some(Piece::Part(part)));
                }
                State::Data => match self.data() {
                    0 if self.buffer.starts_with(&self.delimiter) => self.skip(self.delimiter.len(), State::Delimiter),
                    0 => return Ok(None),
                    length => return Ok(Some(Piece::Data(self.buffer.split_to(length)))),
                },
                State::End => {
                    self.buffer.clear();
                    return Ok(None);
                }
            }
        }
    }

    /// The body has ended.
    ///
    /// # Errors
    /// [`Error::Protocol`] when it is not whole.
    pub fn finish(&self) -> Result<(), Error> {
        match self.state {
            State::End => Ok(()),
            _ => Err(Error::Protocol("a multipart answer was cut off".into())),
        }
    }

    /// How much of what is there belongs to the file for sure: all before what is, or may become, a delimiter.
    fn data(&self) -> usize {
        let mut from = 0;
        while let Some(found) = self.buffer[from..].iter().position(|byte| *byte == b'\r') {
            let rest = &self.buffer[from + found..];
            let known = rest.len().min(self.delimiter.len());
            if rest[..known] == self.delimiter[..known] {
                return from + found;
            }
            from += found + 1;
        }
        self.buffer.len()
    }

    fn skip(&mut self, length: usize, next: State) {
        drop(self.buffer.split_to(length));
        self.state = next;
    }
}

fn no_multipart() -> Error {
    Error::Protocol("this is no multipart answer".into())
}

#[cfg(test)]
mod tests {
    use proptest::{
        collection::vec,
        prelude::{any, proptest},
        sample::select,
    };

    use super::*;

    /// What comes of a body that arrives in pieces of this size.
    fn split(body: &[u8], size: usize) -> Result<Vec<(Part, Vec<u8>)>, Error> {
        split_at("B", body, size)
    }

    fn split_at(boundary: &str, body: &[u8], size: usize) -> Result<Vec<(Part, Vec<u8>)>, Error> {
        let mut splitter = Splitter::new(boundary)?;
        let mut files: Vec<(Part, Vec<u8>)> = Vec::new();
        for piece in body.chunks(size) {
            splitter.push(Bytes::copy_from_slice(piece));
            while let Some(piece) = splitter.next()? {
                match piece {
                    Piece::Part(part) => files.push((part, Vec::new())),
                    Piece::Data(data) => {
                        assert!(!data.is_empty());
                        files.last_mut().unwrap().1.extend_from_slice(&data);
                    }
                }
            }
        }
        splitter.finish()?;
        Ok(files)
    }

    #[test]
    fn parameters_may_be_quoted() {
        let header = r#"form-data; name="a;b\"c\\"; Filename = "x=y.tar" ; size=3"#;
        for (key, value) in [("name", r#"a;b"c\"#), ("filename", "x=y.tar"), ("size", "3")] {
            assert_eq!(parameter(header, key).as_deref(), Some(value), "{key}");
        }
        for (header, key) in [("", "a"), ("form-data", "form-data"), ("a=1", "b"), (r#"a="b=1"#, "b")] {
            assert_eq!(parameter(header, key), None, "{header}");
        }
        assert_eq!(parameter(r#"a="open"#, "a").as_deref(), Some("open"));
    }

    #[test]
    fn names_go_there_and_back() {
        for filename in ["a b.tar", "a;b\".tar", "grün=1.tar"] {
            let Body::Chain(pieces) = encode([("rootfs", filename, Body::Empty)]) else { panic!("several pieces") };
            let text: Vec<u8> = pieces
                .iter()
                .flat_map(|piece| match piece {
                    Body::Bytes(bytes) => bytes.to_vec(),
                    _ => Vec::new(),
                })
                .collect();
            let mut splitter = Splitter::new(BOUNDARY).unwrap();
            splitter.push(text.into());
            assert_eq!(
                splitter.next().unwrap(),
                Some(Piece::Part(Part { name: "rootfs".into(), filename: filename.into() }))
            );
        }
    }

    #[test]
    fn a_body_is_taken_apart_wherever_it_is_cut() {
        let odd = b"\r\n--\r\n--A\r\r\n-\n--B--";
        let body = [
            b"--B\r\nContent-Disposition: form-data; name=\"metadata\"; filename=\"../../etc/meta.tar\"\r\n\r\n",
            &odd[..],
            b"\r\n--B\r\ncontent-type: x\r\ncontent-disposition:form-data;name=rootfs\r\n\r\n",
            b"\r\n--B--\r\nwhat follows does not count",
        ]
        .concat();
        for size in 1..=body.len() {
            let files = split(&body, size).unwrap();
            assert_eq!(files[0], (Part::new("metadata", "meta.tar"), odd.to_vec()), "{size}");
            assert_eq!(files[1], (Part::new("rootfs", ""), Vec::new()), "{size}");
            assert_eq!(files.len(), 2);
        }
        let whole = body.len() - b"--\r\nwhat follows does not count".len();
        for end in 0..=whole {
            assert!(split(&body[..end], 7).is_err(), "{end}");
        }
    }

    /// A head may have so many bytes, wherever it is cut.
    #[test]
    fn the_longest_head() {
        let head = |length| ["--B\r\n", &"x".repeat(length), "\r\n\r\n\r\n--B--"].concat().into_bytes();
        for size in [500, limits::PART_HEAD + 6, limits::PART_HEAD + 7, usize::MAX] {
            assert!(split(&head(limits::PART_HEAD - 1), size).is_ok(), "{size}");
            assert!(split(&head(limits::PART_HEAD), size).is_err(), "{size}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let long = [b"--B\r\n", &[b'x'; limits::PART_HEAD + 4][..]].concat();
        for body in [&b"<html>"[..], b"--C\r\n", b"--B x", &long] {
            assert_eq!(split(body, 4096), Err(no_multipart()));
        }
        assert!(Splitter::new("").is_err());
        assert!(Splitter::new(&"x".repeat(71)).is_err());
    }

    #[test]
    fn what_is_sent_can_be_taken_apart() {
        assert!(CONTENT_TYPE.ends_with(BOUNDARY));
        let files = [("metadata", "a", Body::Empty), ("rootfs", "c", Body::Bytes("data".into()))];
        let Body::Chain(pieces) = encode(files) else { panic!("several pieces") };
        let mut splitter = Splitter::new(BOUNDARY).unwrap();
        for piece in pieces {
            if let Body::Bytes(bytes) = piece {
                splitter.push(bytes);
            }
        }
        assert_eq!(splitter.next(), Ok(Some(Piece::Part(Part::new("metadata", "a")))));
        assert_eq!(splitter.next(), Ok(Some(Piece::Part(Part::new("rootfs", "c")))));
        assert_eq!(splitter.next(), Ok(Some(Piece::Data("data".into()))));
        assert_eq!(splitter.next(), Ok(None));
        splitter.finish().unwrap();
    }

    proptest! {
        /// Whatever is sent, under whatever name, comes out again wherever the body is cut.
        #[test]
        fn any_files_go_there_and_back(
            filename in "\\PC{0,12}[\r\n\"\\\\;/]{0,3}\\PC{0,4}",
            one in vec(select(b"\r\n-Bx".to_vec()), 0..40),
            two in vec(any::<u8>(), 0..40),
            size in 1_usize..200,
        ) {
            let files = [("metadata", &*filename, Body::Bytes(one.clone().into())), ("rootfs", "r", Body::Bytes(two.clone().into()))];
            let Body::Chain(pieces) = encode(files) else { panic!("several pieces") };
            let body: Vec<u8> = pieces.iter().flat_map(|piece| match piece {
                Body::Bytes(bytes) => bytes.to_vec(),
                _ => panic!("bytes alone"),
            }).collect();
            // Line breaks are not sent in a name, and directories not believed.
            let filename = filename.replace(char::is_control, "_");
            let found = split_at(BOUNDARY, &body, size).unwrap();
            assert_eq!(found, [(Part::new("metadata", &filename), one), (Part::new("rootfs", "r"), two)]);
        }
    }
}
