//! A list, one element after the other, while it arrives: chunks of the answer go in, elements come out.
//!
//! | place | holds | and then |
//! |---|---|---|
//! | `Outside` | the envelope without its list | the `[` of `metadata`: `Begin`; the end of the answer: the envelope decides |
//! | `Begin` | nothing | `]`: `Outside`; an element |
//! | `Element` | what there is of an element that is not whole | its end: `Separator` |
//! | `Separator` | nothing | `,`: `Element`; `]`: `Outside` |
//!
//! What arrives is text first: that it is UTF-8 is seen once for all of it, which takes much less time than once for each
//! text in it. Elements are read from there. Only one that is not whole yet is looked at again, when its end is there: a
//! scan of brackets and quotes knows where that is. So the time is that of reading JSON once, and the memory that of one
//! chunk and one element, however long the list is.
//!
//! The envelope is judged by the same code as every other, with its list cut out. Its `type` may come after the list, so
//! only the end says that the list was whole.

use alloc::{
    boxed::Box,
    format,
    string::String,
    vec::{IntoIter, Vec},
};
use core::{fmt, str};

use bytes::{Buf, Bytes};
use memchr::memchr2;
use serde::de::DeserializeOwned;
use serde_json::Deserializer;

use crate::{Error, client::too_large, endpoint::Receive, envelope::Envelope, error::decode, limits, uri::excerpt};

/// How much text there is at a time, but for an element that is larger. It stays between all elements that are made and
/// dropped, so it must not be among them: glibc allocates from a heap that it divides at two thirds of the speed. This
/// much has a place of its own.
const TEXT: usize = 256 << 10;

/// A list that arrives: see [`Listing`](crate::Listing).
///
/// ```
/// use lxd_proto::{Element, Elements, List, Listing, resources::Profile};
///
/// let (head, ()) = http::Response::new(()).into_parts();
/// let mut profiles: Elements<Profile> = List::<Profile>::new(()).elements(head);
/// profiles.push(br#"{"type": "sync", "metadata": [{"name": "default"}, {"na"#.as_slice().into());
/// assert!(matches!(profiles.take()?, Element::Next(profile) if profile.name == "default"));
/// assert!(matches!(profiles.take()?, Element::NotYet));
/// profiles.push(br#"me": "web"}]}"#.as_slice().into());
/// profiles.finish();
/// assert!(matches!(profiles.take()?, Element::Next(profile) if profile.name == "web"));
/// assert!(matches!(profiles.take()?, Element::End));
/// # Ok::<(), lxd_proto::Error>(())
/// ```
pub struct Elements<T> {
    what: &'static str,
    other: ReadOther<T>,
    head: http::Response<()>,
    place: Place,
    /// The envelope, with `null` for its list.
    envelope: Vec<u8>,
    limit: usize,
    /// The list was found, or is none.
    found: bool,
    scan: Scan,
    chunk: Bytes,
    /// What is read next, from here on.
    text: String,
    at: usize,
    /// How much of an element that is not whole was scanned.
    scanned: usize,
    finished: bool,
    rest: IntoIter<T>,
}

/// Reads a list that is no JSON array.
type ReadOther<T> = fn(&str) -> Result<Vec<T>, Error>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Outside,
    Begin,
    Element,
    Separator,
}

/// What there is of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<T> {
    /// The next element.
    Next(T),
    /// It has not arrived yet: push the next chunk, or finish.
    NotYet,
    /// There is none any more. The list was whole, and the answer a success.
    End,
}

impl<T: DeserializeOwned> Elements<T> {
    /// The list in the answer with this head. `other` reads a list that is no array, which is taken whole: `null` and
    /// whatever else the kind of object has.
    pub(crate) fn new(what: &'static str, head: http::response::Parts, other: ReadOther<T>) -> Self {
        let success = head.status.is_success();
        Self {
            what,
            other,
            head: http::Response::from_parts(head, ()),
            place: Place::Outside,
            envelope: Vec::new(),
            limit: if success { limits::ELEMENT } else { limits::ERROR_ANSWER as usize },
            found: !success,
            scan: Scan::default(),
            chunk: Bytes::new(),
            text: String::new(),
            at: 0,
            scanned: 0,
            finished: false,
            rest: Vec::new().into_iter(),
        }
    }

    /// Takes the next chunk of the answer's body, when [`take`](Self::take) has said that it needs one.
    pub fn push(&mut self, chunk: Bytes) {
        self.chunk = if self.chunk.is_empty() { chunk } else { [&self.chunk[..], &chunk].concat().into() };
    }

    /// There are no more chunks: the body is whole.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The next element, if it is there.
    ///
    /// # Errors
    /// Those of [`Envelope::open`], [`Error::Decode`] for an element that cannot be read and for an answer that ends too
    /// early, [`Error::TooLarge`] for one of more than [`limits::ELEMENT`]. Nothing comes after an error.
    pub fn take(&mut self) -> Result<Element<T>, Error> {
        loop {
            if let Some(element) = self.rest.next() {
                return Ok(Element::Next(element));
            }
            let goes_on = match self.place {
                Place::Outside => {
                    self.outside()?;
                    false
                }
                Place::Begin | Place::Separator => self.between()?,
                Place::Element => match self.element()? {
                    None => false,
                    Some(element) => {
                        self.place = Place::Separator;
                        return Ok(Element::Next(element));
                    }
                },
            };
            if goes_on || self.fill()? {
                continue;
            }
            if !self.finished {
                return Ok(Element::NotYet);
            }
            if !self.end()? {
                return Ok(Element::End);
            }
        }
    }

    /// Goes on to what has arrived and was not looked at. Whether there was any.
    fn fill(&mut self) -> Result<bool, Error> {
        if self.place == Place::Outside {
            return Ok(!self.chunk.is_empty());
        }
        self.text.drain(..core::mem::take(&mut self.at));
        if !self.text.is_empty() {
            self.text.reserve(TEXT);
        }
        let piece = &self.chunk[..self.chunk.len().min(TEXT)];
        let text = match str::from_utf8(piece) {
            Ok(text) => text,
            // Behind what is text there may be the first bytes of a character, or none.
            Err(error) => match (str::from_utf8(&piece[..error.valid_up_to()]), error.error_len()) {
                (Ok(""), Some(_)) => {
                    let (reason, excerpt) = (format!("{error}"), beginning(piece));
                    return Err(Error::Decode { what: self.what, reason, excerpt });
                }
                (text, _) => text.unwrap_or_default(),
            },
        };
        self.text.push_str(text);
        let length = text.len();
        self.chunk.advance(length);
        if self.chunk.is_empty() {
            // Its buffer can be used again.
            self.chunk = Bytes::new();
        }
        Ok(length > 0)
    }

    /// Keeps the envelope, up to its list or to its end.
    fn outside(&mut self) -> Result<(), Error> {
        let chunk = core::mem::take(&mut self.chunk);
        if self.found {
            self.envelope.extend_from_slice(&chunk);
        } else {
            for (index, byte) in chunk.iter().enumerate() {
                if *byte == b'[' && self.scan.is_in_object() && is_metadata(&self.envelope) {
                    self.found = true;
                    self.place = Place::Begin;
                    self.chunk = chunk.slice(index + 1..);
                    return self.begin();
                }
                self.scan.step(*byte);
                self.envelope.push(*byte);
            }
        }
        if self.envelope.len() <= self.limit {
            return Ok(());
        }
        if !self.head.status().is_success() {
            return Err(too_large(self.limit as u64).into());
        }
        // What is no JSON is not LXD's.
        let limit = self.limit as u64;
        match self.open().err() {
            Some(error @ Error::NotLxd { .. }) => Err(error),
            _ => Err(Error::TooLarge { what: "LXD's answer around a list", limit }),
        }
    }

    /// The list begins. What came before may have said already that this is no success.
    fn begin(&mut self) -> Result<(), Error> {
        self.envelope.extend_from_slice(b"null");
        match Envelope::around(&self.head, &[&self.envelope[..], b"}"].concat()).and_then(Envelope::into_metadata) {
            // The type may come after the list.
            Ok(_) | Err(Error::NotLxd { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The envelope's metadata, but for the list.
    fn open(&self) -> Result<&str, Error> {
        Envelope::around(&self.head, &self.envelope)?.into_metadata()
    }

    /// Goes on to the next element, or out of the list. Whether it has come there.
    fn between(&mut self) -> Result<bool, Error> {
        let text = self.text[self.at..].trim_ascii_start();
        self.at = self.text.len() - text.len();
        let (place, length) = match (self.place, text.as_bytes().first()) {
            (_, None) => return Ok(false),
            (_, Some(b']')) => (Place::Outside, 1),
            (Place::Begin, Some(_)) => (Place::Element, 0),
            (_, Some(b',')) => (Place::Element, 1),
            (_, Some(_)) => {
                return Err(Error::Decode {
                    what: self.what,
                    reason: "expected `,` or `]` after an element".into(),
                    excerpt: beginning(text.as_bytes()),
                });
            }
        };
        (self.place, self.at) = (place, self.at + length);
        if place == Place::Outside {
            self.chunk = [&self.text.as_bytes()[self.at..], &self.chunk].concat().into();
        }
        Ok(true)
    }

    /// Reads an element, if it is whole. The byte after it must be there too: before that, a number has no end.
    fn element(&mut self) -> Result<Option<T>, Error> {
        let text = &self.text[self.at..];
        if self.scanned == 0 {
            let mut elements = Deserializer::from_str(text).into_iter();
            match elements.next() {
                Some(Ok(element)) if elements.byte_offset() < text.len() => {
                    self.at += elements.byte_offset();
                    return Ok(Some(element));
                }
                Some(Err(error)) if !error.is_eof() => {
                    let (reason, excerpt) = (format!("{error}"), beginning(text.as_bytes()));
                    return Err(Error::Decode { what: self.what, reason, excerpt });
                }
                _ => self.scan = Scan::default(),
            }
        }
        if let Some(length) = self.scan.end(&text.as_bytes()[self.scanned..]) {
            let end = core::mem::take(&mut self.scanned) + length;
            self.at += end;
            return decode(self.what, &text.as_bytes()[..end]).map(Some);
        }
        self.scanned = text.len();
        match limits::ELEMENT {
            limit if self.scanned > limit => Err(Error::TooLarge { what: self.what, limit: limit as u64 }),
            _ => Ok(None),
        }
    }

    /// The body is over. Whether there is more to be handed out.
    fn end(&mut self) -> Result<bool, Error> {
        if self.place != Place::Outside {
            return Err(Error::Decode {
                what: "LXD's answer",
                reason: "it ends in the middle of the list".into(),
                excerpt: beginning(&self.envelope),
            });
        }
        let list = self.open()?;
        if self.found {
            return Ok(false);
        }
        self.rest = (self.other)(list)?.into_iter();
        self.found = true;
        Ok(true)
    }
}

impl<T> fmt::Debug for Elements<T> {
    /// Not the content: it may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elements").field("what", &self.what).field("place", &self.place).finish_non_exhaustive()
    }
}

/// A list that is collected while it arrives.
pub(crate) struct Collected<T> {
    elements: Elements<T>,
    list: Vec<T>,
    received: u64,
}

impl<T: DeserializeOwned + Send> Collected<T> {
    pub(crate) fn new(elements: Elements<T>) -> Self {
        Self { elements, list: Vec::new(), received: 0 }
    }

    fn collect(&mut self) -> Result<(), Error> {
        while let Element::Next(element) = self.elements.take()? {
            self.list.push(element);
            // `{}` is two bytes on the wire, and many more here.
            if (self.list.len() * size_of::<T>()) as u64 > limits::ANSWER {
                return Err(too_large(limits::ANSWER).into());
            }
        }
        Ok(())
    }

    /// The list of an answer that is whole already.
    pub(crate) fn whole(elements: Elements<T>, body: Bytes) -> Result<Vec<T>, Error> {
        let mut collected = Box::new(Self::new(elements));
        collected.push(body)?;
        collected.finish()
    }
}

impl<T: DeserializeOwned + Send> Receive<Vec<T>> for Collected<T> {
    fn push(&mut self, chunk: Bytes) -> Result<(), Error> {
        self.received += chunk.len() as u64;
        if self.received > limits::ANSWER {
            return Err(too_large(limits::ANSWER).into());
        }
        self.elements.push(chunk);
        self.collect()
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<T>, Error> {
        self.elements.finish();
        self.collect()?;
        Ok(self.list)
    }
}

fn beginning(text: &[u8]) -> String {
    excerpt(&String::from_utf8_lossy(&text[..text.len().min(limits::EXCERPT)]))
}

/// Whether an envelope stops before the value of `metadata`.
fn is_metadata(envelope: &[u8]) -> bool {
    let key = envelope.trim_ascii_end().strip_suffix(b":");
    let before = key.and_then(|key| key.trim_ascii_end().strip_suffix(b"\"metadata\""));
    // A quote behind a backslash begins no key.
    before.is_some_and(|before| before.last() != Some(&b'\\'))
}

/// Where the object in `metadata` begins.
pub(crate) fn object(answer: &[u8]) -> Option<usize> {
    let mut scan = Scan::default();
    for (index, byte) in answer.iter().enumerate() {
        if *byte == b'{' && scan.is_in_object() && is_metadata(&answer[..index]) {
            return Some(index);
        }
        scan.step(*byte);
    }
    None
}

/// How deep in brackets, and whether in a text.
#[derive(Debug, Default)]
struct Scan {
    depth: usize,
    text: bool,
    escaped: bool,
}

impl Scan {
    fn step(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.text => self.escaped = true,
            b'"' => self.text = !self.text,
            _ if self.text => {}
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    /// Directly in the outermost object.
    fn is_in_object(&self) -> bool {
        self.depth == 1 && !self.text
    }

    /// Where the element of a list ends that goes on here: the place of its comma, or of the list's bracket.
    fn end(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = chunk.get(at) {
            if self.depth == 0 && !self.text && matches!(byte, b',' | b']') {
                return Some(at);
            }
            self.step(*byte);
            at += 1;
            if self.text && !self.escaped {
                // Most of it is text, which is passed by at once.
                let rest = &chunk[at..];
                at += memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
