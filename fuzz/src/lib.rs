//! The fuzz targets, one function each. What must be true of whatever comes in is asked by the property tests too.

// Not all of it is used here and there.
#[allow(dead_code)]
#[path = "../../lxd-proto/tests/support/client.rs"]
mod client;
mod flows;
#[allow(dead_code)]
#[path = "../../lxd-proto/tests/support/promises.rs"]
mod promises;
mod trees;

pub use flows::{console, exec};
pub use trees::tree;

/// LXD's envelope, and a list in it, cut anywhere: the sizes of the pieces, 255, and the answer.
pub fn envelope(data: &[u8]) {
    let (sizes, body) = divided(data);
    promises::envelope(200, body);
    promises::envelope(u16::from(sizes.first().copied().unwrap_or_default()) * 2 + 100, body);
    promises::list(200, body, sizes);
}

/// An event's text.
pub fn events(data: &[u8]) {
    promises::event(data);
}

/// An operation's text.
pub fn operations(data: &[u8]) {
    promises::operation(data);
}

/// Packets, cut anywhere: the sizes of the pieces, 255, and what a server of SFTP says.
pub fn sftp(data: &[u8]) {
    let (sizes, bytes) = divided(data);
    promises::sftp(bytes, sizes);
}

/// A body whose boundary is `B`, cut anywhere.
pub fn multipart(data: &[u8]) {
    let (sizes, body) = divided(data);
    promises::multipart("B", body, sizes);
}

/// A trust token, or a fingerprint.
pub fn tokens(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        promises::token(text);
    }
}

/// `lxc`'s `config.yml`: what is read can be asked for all that it names, and is no remote with an address of no kind.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(config) = lxd_host::Config::parse(text) else { return };
    let names: Vec<_> = config.remotes().map(|(name, _)| name.to_owned()).collect();
    assert!(names.iter().any(|name| name == "local"));
    for name in names.iter().map(String::as_str).chain([config.default_remote()]) {
        // Without a directory there is nothing to be read beside it.
        let _ = config.remote(name);
    }
}

/// A catalogue of images.
pub fn simplestreams(data: &[u8]) {
    promises::catalogue(data);
}

/// A name, 255, and a path.
pub fn uri(data: &[u8]) {
    let (name, path) = divided(data);
    if let Ok(name) = std::str::from_utf8(name) {
        promises::uri(name, path);
    }
}

/// What is before the first byte of 255 (which no text holds), and what is behind it.
fn divided(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == 255) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (&[], data),
    }
}

/// The input as decisions, until it is over.
pub(crate) struct Choices(std::vec::IntoIter<u8>);

impl Choices {
    pub(crate) fn new(data: &[u8]) -> Self {
        Self(data.to_vec().into_iter())
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.0.next()
    }

    /// As many bytes as the next says, at most 31.
    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        let length = usize::from(self.byte().unwrap_or_default() % 32);
        self.0.by_ref().take(length).collect()
    }
}
