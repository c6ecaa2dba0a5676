//! The tree in the instance by the files API, a request for each step.
//!
//! | asked for | requests |
//! |---|---|
//! | what is in a directory | `GET` of it, and of the last byte of each thing in it, for its kind and size |
//! | a piece of a file | `GET` with a range |
//! | a directory, a link | `POST`, after `DELETE` of what was in a link's place |
//! | a file | `DELETE` of what was in its place, `POST` of its first piece, `POST` of each other to its end, `GET` of its last byte, for its size |
//!
//! What breaks half way is removed, if the server still answers.

mod asks;
mod listing;
mod upload;

use alloc::{
    collections::{BTreeMap, VecDeque},
    string::String,
};

pub(super) use self::upload::can_be_seen;
use self::{asks::Ask, listing::Listing, upload::Upload};
use super::{
    DiskAction, DiskReply, Slot,
    remote::{Finished, Place, Remote, not_open},
};
use crate::{
    Error, Failure, Phase, Request, Response,
    error::FailureKind,
    flow::{Action, Id, Ids, Peer, Reply, http},
    limits,
    resources::FileType,
    sftp::{Attributes, BytePath, FileKind},
};

pub(super) struct ByFiles {
    instance: String,
    place: Place,
    ids: Ids,
    /// What is to be sent, before the next thing in a directory is looked at.
    queue: VecDeque<(Request, For)>,
    sent: BTreeMap<Id, For>,
    /// What is asked next, when the step before it is done.
    steps: BTreeMap<u32, VecDeque<Ask>>,
    listings: BTreeMap<u32, Listing>,
    reading: BTreeMap<Slot, BytePath>,
    uploads: BTreeMap<Slot, Upload>,
    /// Which file a piece belongs to, and how long it is.
    writing: BTreeMap<u32, (Slot, usize)>,
    /// What is removed if it does not become whole.
    finishing: BTreeMap<u32, BytePath>,
    /// What asks for the root, and how many links may still be followed for that.
    root: (u32, u8),
    finished: VecDeque<Finished>,
}

/// How many links are followed one after the other: as Linux.
const LINKS: u8 = 40;

/// What an answer is for.
enum For {
    /// A step of what was asked for.
    Step(u32, asks::Read),
    /// The names in a directory.
    Names(u32),
    /// What one of them is.
    Entry(u32, BytePath),
    /// Whether one is there that could not be opened.
    Doubt(u32, BytePath),
    /// However it ends, this has failed before.
    Undo(u32, Error),
}

impl ByFiles {
    pub(super) fn new(instance: String, place: Place) -> Self {
        Self {
            instance,
            place,
            ids: Ids::even(),
            queue: VecDeque::new(),
            sent: BTreeMap::new(),
            steps: BTreeMap::new(),
            listings: BTreeMap::new(),
            reading: BTreeMap::new(),
            uploads: BTreeMap::new(),
            writing: BTreeMap::new(),
            finishing: BTreeMap::new(),
            root: (0, LINKS),
            finished: VecDeque::new(),
        }
    }

    /// Requests one after the other; what the last one gives is the answer.
    fn ask(&mut self, token: u32, asks: impl IntoIterator<Item = Result<Ask, Error>>) {
        match asks.into_iter().collect() {
            Ok(asks) => {
                self.steps.insert(token, asks);
                self.step(token, Ok(DiskReply::Done));
            }
            Err(error) => self.end(token, Err(error)),
        }
    }

    /// Goes on with the next request, or ends with what the last one gave.
    fn step(&mut self, token: u32, result: Result<DiskReply, Error>) {
        let next = self.steps.get_mut(&token).filter(|_| result.is_ok()).and_then(VecDeque::pop_front);
        match next {
            Some(Ask(request, read)) => self.queue.push_back((request, For::Step(token, read))),
            None => self.end(token, result),
        }
    }

    fn end(&mut self, token: u32, result: Result<DiskReply, Error>) {
        self.steps.remove(&token);
        let (wrote, unfinished) = (self.writing.remove(&token), self.finishing.remove(&token));
        if let (Some(path), Err(error)) = (unfinished, &result) {
            if let Ok(Ask(request, _)) = self.ask_delete(&path) {
                return self.queue.push_back((request, For::Undo(token, error.clone())));
            }
        }
        let outcome = result.as_ref().map(drop).map_err(Error::clone);
        self.finished.push_back((token, result));
        if let Some((slot, length)) = wrote {
            self.written(slot, length, outcome);
        }
    }

    /// What is asked next where the root is a link.
    fn follow(&mut self, token: u32, found: &Result<DiskReply, Error>) -> Option<Result<Ask, Error>> {
        let (asking, left) = &mut self.root;
        match found {
            _ if *asking != token => None,
            Ok(DiskReply::Attributes(Some(found))) if found.kind() == FileKind::Symlink && *left > 0 => {
                *left -= 1;
                Some(self.ask_link(&BytePath::default()))
            }
            Ok(DiskReply::Target(target)) => {
                self.place.follow(target);
                Some(self.ask_stat(&BytePath::default()))
            }
            _ => None,
        }
    }

    fn received(&mut self, what: For, response: Response) {
        match what {
            For::Step(token, read) => {
                let result = read(response);
                match self.follow(token, &result) {
                    Some(ask) => self.ask(token, [ask]),
                    None => self.step(token, result),
                }
            }
            For::Names(token) => self.names(token, response),
            For::Entry(token, name) => self.entry(token, name, response),
            For::Doubt(token, name) => self.unknown(token, name),
            For::Undo(token, error) => self.end(token, Err(error)),
        }
    }
}

impl Remote for ByFiles {
    fn place(&mut self) -> &mut Place {
        &mut self.place
    }

    fn start(&mut self, token: u32, action: DiskAction) {
        let asks = match action {
            DiskAction::Stat(path) => {
                if path.as_bytes().is_empty() {
                    self.root.0 = token;
                }
                [self.ask_stat(&path)]
            }
            DiskAction::Readlink(path) => [self.ask_link(&path)],
            DiskAction::Read(slot, offset, length) => match self.reading.get(&slot) {
                Some(path) => [self.ask_part(path, offset, length)],
                None => [Err(not_open())],
            },
            DiskAction::Mkdir(path, attributes) => [self.ask_put(&path, FileType::Directory, None, attributes)],
            DiskAction::Setstat(path, attributes) => [self.ask_whether_set(&path, attributes)],
            DiskAction::Remove(path, _) => [self.ask_delete(&path)],
            DiskAction::Symlink(making, target) => {
                let clear = making.replaces.then(|| self.ask_clear(&making.path));
                let target = Some(target.bytes());
                let put = self.ask_put(&making.path, FileType::Symlink, target, Attributes::default());
                return self.ask(token, clear.into_iter().chain([put]));
            }
            DiskAction::List(path) => return drop(self.listings.insert(token, Listing::new(path))),
            DiskAction::Write(slot, offset, data) => return self.write(token, slot, offset, data),
            DiskAction::Finish(slot) => return self.finish(token, slot),
            // Nothing is asked for it.
            DiskAction::Open(slot, path) => {
                self.reading.insert(slot, path);
                return self.end(token, Ok(DiskReply::Done));
            }
            DiskAction::Close(slot) => {
                self.reading.remove(&slot);
                return self.end(token, Ok(DiskReply::Done));
            }
            DiskAction::Create(slot, making) => {
                self.uploads.insert(slot, Upload::new(making));
                return self.end(token, Ok(DiskReply::Done));
            }
            DiskAction::Discard(slot) => {
                let begun = self.uploads.remove(&slot).and_then(Upload::begun);
                return self.ask(token, begun.map(|path| self.ask_clear(&path)));
            }
        };
        self.ask(token, asks);
    }

    fn proceed(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn finished(&mut self) -> Option<Finished> {
        self.finished.pop_front()
    }

    fn next(&mut self) -> Result<Option<(Id, Action)>, Error> {
        if self.sent.len() >= limits::FILES_AT_ONCE {
            return Ok(None);
        }
        let next = match self.queue.pop_front() {
            Some(next) => Some(next),
            None => self.next_listed()?,
        };
        Ok(next.map(|(request, what)| {
            let id = self.ids.next();
            self.sent.insert(id, what);
            (id, Action::Http(Peer(0), request))
        }))
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        let Some(what) = self.sent.remove(&id) else { return Ok(()) };
        match (http(result), what) {
            (Ok(response), what) => self.received(what, response),
            // What is no file, but looks like one, opens when it likes.
            (Err(Error::Transport(failure)), For::Entry(token, name))
                if failure.kind == FailureKind::Timeout(Phase::Head) =>
            {
                self.doubt(token, name)?;
            }
            (Err(error), For::Step(token, _)) if is_too_large(&error) => self.end(token, Err(error)),
            (Err(error), For::Names(token) | For::Entry(token, _)) if is_too_large(&error) => {
                self.listings.remove(&token);
                self.end(token, Err(error));
            }
            (Err(error), _) => return Err(error),
        }
        Ok(())
    }
}

fn is_too_large(error: &Error) -> bool {
    matches!(error, Error::Transport(failure) if failure.kind == FailureKind::TooLarge)
}

impl core::fmt::Debug for ByFiles {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ByFiles").field("place", &self.place).field("sent", &self.sent.len()).finish_non_exhaustive()
    }
}
