//! What is in a directory: its names, and then what each of them is.
//!
//! The list is JSON, in which a name that is not UTF-8 is another one, and an answer has a file's name in its head, where
//! control characters make it no HTTP any more. LXD calls everything a file that is no directory and no link; a pipe is
//! one that does not open. All those are in the list as what is of no known kind.

use alloc::{string::String, vec::Vec};

use super::{ByFiles, For};
use crate::{
    AtMost, Endpoint, Error, LongPoll, Request, Response, limits,
    resources::files::{ListDirectory, Stat},
    sftp::{Attributes, BytePath, Entry},
    tree::DiskReply,
};

#[derive(Debug)]
pub(super) struct Listing {
    path: BytePath,
    begun: bool,
    /// What is to be looked at.
    names: Vec<String>,
    /// How much is being looked at, and one for the names.
    pending: usize,
    entries: Vec<Entry>,
}

impl Listing {
    pub(super) fn new(path: BytePath) -> Self {
        Self { path, begun: false, names: Vec::new(), pending: 1, entries: Vec::new() }
    }
}

impl ByFiles {
    /// The next request for a list, if there is one.
    pub(super) fn next_listed(&mut self) -> Result<Option<(Request, For)>, Error> {
        loop {
            let open = self.listings.iter_mut().find(|(_, listing)| !listing.begun || !listing.names.is_empty());
            let Some((token, listing)) = open else { return Ok(None) };
            let token = *token;
            if !listing.begun {
                listing.begun = true;
                let path = self.place.path(&listing.path);
                let list = ListDirectory { instance: self.instance.clone(), path };
                return Ok(Some((bounded(list.request()?), For::Names(token))));
            }
            let Some(name) = listing.names.pop() else { continue };
            listing.pending += 1;
            let name = BytePath::from(name);
            if !name.is_name() || !can_be_in_a_head(name.as_bytes()) {
                self.unknown(token, name);
                continue;
            }
            let path = listing.path.join(name.as_bytes());
            let mut request = bounded(self.look(&path).request()?);
            request.extensions_mut().insert(LongPoll(limits::FILES_OPEN));
            return Ok(Some((request, For::Entry(token, name))));
        }
    }

    pub(super) fn names(&mut self, token: u32, response: Response) {
        let Some(listing) = self.listings.get_mut(&token) else { return };
        let path = self.place.path(&listing.path);
        match (ListDirectory { instance: self.instance.clone(), path }).response(response) {
            Ok(names) => {
                listing.names = names;
                self.listed(token, None);
            }
            Err(error) => self.unlisted(token, error),
        }
    }

    pub(super) fn entry(&mut self, token: u32, name: BytePath, response: Response) {
        let Some(listing) = self.listings.get(&token) else { return };
        match self.look(&listing.path.join(name.as_bytes())).response(response) {
            Ok(info) => self.listed(token, Some(Entry::new(name, info.attributes()))),
            // It was another name.
            Err(error) if error.is_not_found() && is_replaced(&name) => self.unknown(token, name),
            // It was removed meanwhile.
            Err(error) if error.is_not_found() => self.listed(token, None),
            // A socket, which nothing can open.
            Err(Error::Api(error)) if error.message.contains("no such device or address") => self.unknown(token, name),
            Err(error) => self.unlisted(token, error),
        }
    }

    /// It is not there, or opens when it likes: asks the server for what needs no opening.
    pub(super) fn doubt(&mut self, token: u32, name: BytePath) -> Result<(), Error> {
        let Some(listing) = self.listings.get(&token) else { return Ok(()) };
        let path = self.place.path(&listing.path.join(name.as_bytes()));
        let head = Stat { instance: self.instance.clone(), path }.request()?;
        self.queue.push_back((head, For::Doubt(token, name)));
        Ok(())
    }

    pub(super) fn unknown(&mut self, token: u32, name: BytePath) {
        self.listed(token, Some(Entry::new(name, Attributes::default())));
    }

    /// One thing is known. All?
    fn listed(&mut self, token: u32, entry: Option<Entry>) {
        let Some(listing) = self.listings.get_mut(&token) else { return };
        listing.entries.extend(entry);
        listing.pending = listing.pending.saturating_sub(1);
        if listing.pending == 0 && listing.names.is_empty() {
            let entries = self.listings.remove(&token).map(|listing| listing.entries).unwrap_or_default();
            self.end(token, Ok(DiskReply::Entries(entries)));
        }
    }

    fn unlisted(&mut self, token: u32, error: Error) {
        if self.listings.remove(&token).is_some() {
            self.end(token, Err(error));
        }
    }
}

fn bounded(mut request: Request) -> Request {
    request.extensions_mut().insert(AtMost(limits::FILES_DIRECTORY));
    request
}

/// LXD makes a space of what breaks a line, and leaves other control characters as they are.
pub(super) fn can_be_in_a_head(name: &[u8]) -> bool {
    name.iter().all(|byte| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\n' | b'\r'))
}

/// Whether a name is not the one that it was.
fn is_replaced(name: &BytePath) -> bool {
    core::str::from_utf8(name.as_bytes()).is_ok_and(|name| name.contains(char::REPLACEMENT_CHARACTER))
}
