//! Copying a tree from one side to the other; which of them is remote makes no difference here.
//!
//! | state | does | and then |
//! |---|---|---|
//! | `Begin` | looks at both roots; where there is no SFTP, begins again by the files API | both are of one kind: `Busy` |
//! | `Busy` | lists directories on both sides, a few at once; copies what is in them, more at once | nothing is left: done; the way breaks: `Broken` |
//! | `Broken` | waits for what the local disk is doing, so that the report is right and nothing happens after it | fails |
//!
//! A directory gets its attributes when all below it is done: it may allow no writing, and writing changes its time.
//! Directories are listed last in, first out, and only while there is little else to do, so that not much has to be
//! remembered.

mod compare;
mod directory;
mod file;
mod link;
mod replies;
mod report;
mod tasks;

use alloc::{
    boxed::Box,
    collections::{BTreeMap, VecDeque},
    format,
    string::String,
    vec::Vec,
};

use self::{
    compare::Comparing,
    directory::{Node, NodeId, There},
    file::Copying,
    replies::{attributes, done, entries, target, unexpected, unfit},
    tasks::Task,
};
use super::{
    Deed, DiskAction, DiskReply, Making, Report, Slot, Way,
    by_files::ByFiles,
    by_sftp::BySftp,
    options::Options,
    remote::{Place, Remote, is_no_instance},
};
use crate::{
    Error, Failure, FailureKind,
    flow::{Action, Flow, Id, Ids, Reply, Step, ended},
    sftp::{Attributes, BytePath, FileKind, request},
};

/// Copies a tree. Made by [`Files::push_tree`](crate::resources::Files::push_tree) and
/// [`pull_tree`](crate::resources::Files::pull_tree).
#[derive(Debug)]
pub struct TreeFlow {
    instance: String,
    path: BytePath,
    push: bool,
    nonce: u64,
    pub(super) options: Options,
    state: State,
    remote: Option<Box<dyn Remote>>,
    ids: Ids,
    local: BTreeMap<Id, u32>,
    outbox: VecDeque<(Id, Action)>,
    /// Counts what is asked of both sides, and names everything else.
    last: u32,
    waiting: BTreeMap<u32, Waiting>,
    report: Report,
    /// How much memory the report takes, and what is to be done.
    size: usize,
    leaves: Vec<Task>,
    directories: Vec<Task>,
    nodes: BTreeMap<NodeId, Node>,
    listings: usize,
    active: usize,
    files: BTreeMap<Slot, Copying>,
    compared: BTreeMap<Slot, Comparing>,
    /// How many bytes the files have that were begun.
    bytes: u64,
    pieces: usize,
    /// Which file a piece was asked for last.
    turn: Slot,
    /// Why it cannot go on.
    reason: Option<Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Begin,
    Busy,
    Broken,
    Done,
}

/// Which side is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    From,
    To,
}

/// What an answer is for.
#[derive(Debug)]
enum Waiting {
    SourceRoot,
    TargetRoot(Attributes),
    Made(NodeId),
    /// What is there already.
    There(NodeId),
    Source(NodeId, There),
    Extra(NodeId),
    Leave(NodeId),
    Opened(Slot),
    Created(Slot),
    Piece(Slot, u64, usize),
    Written(Slot, u64),
    Finished(Slot),
    /// A file, or a piece of it, that may be the same as the one that is there.
    Compared(Slot, Side),
    /// A link's target; whether something is there, and whether that may be the same.
    Target(NodeId, BytePath, bool, bool),
    /// The target of the one that is there.
    TargetThere(NodeId, BytePath, BytePath),
    Linked(NodeId, Making),
    Removed(NodeId, BytePath),
    /// However it ends.
    Cleanup,
}

impl TreeFlow {
    pub(super) fn new(instance: String, path: BytePath, push: bool, nonce: u64) -> Self {
        Self {
            instance,
            path,
            push,
            nonce,
            options: Options { without_setuid: !push, ..Options::default() },
            state: State::New,
            remote: None,
            ids: Ids::odd(),
            local: BTreeMap::new(),
            outbox: VecDeque::new(),
            last: 0,
            waiting: BTreeMap::new(),
            report: Report::default(),
            size: 0,
            leaves: Vec::new(),
            directories: Vec::new(),
            nodes: BTreeMap::new(),
            listings: 0,
            active: 0,
            files: BTreeMap::new(),
            compared: BTreeMap::new(),
            bytes: 0,
            pieces: 0,
            turn: 0,
            reason: None,
        }
    }

    fn number(&mut self) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.last
    }

    /// What is made has another name in the same directory until it is whole.
    fn making(&mut self, path: &BytePath, attributes: Attributes, replaces: bool) -> Making {
        let number = self.number();
        let name = format!(".lxd-{:016x}-{number}", self.nonce);
        let temporary = match path.as_bytes().iter().rposition(|byte| *byte == b'/') {
            Some(slash) => BytePath::from(path.as_bytes().get(..slash).unwrap_or_default()).join(name.as_bytes()),
            None => name.into(),
        };
        Making { attributes, replaces, ..Making::new(temporary, path) }
    }

    fn ask(&mut self, side: Side, action: DiskAction, waiting: Waiting) {
        if self.state == State::Broken {
            return;
        }
        let token = self.number();
        self.waiting.insert(token, waiting);
        match (&mut self.remote, (side == Side::From) == self.push) {
            (Some(remote), false) => remote.start(token, action),
            _ => {
                let id = self.ids.next();
                self.local.insert(id, token);
                self.outbox.push_back((id, Action::Disk(action)));
            }
        }
    }

    fn finished(&mut self, token: u32, result: Result<DiskReply, Error>) -> Result<(), Error> {
        let Some(waiting) = self.waiting.remove(&token) else { return Ok(()) };
        match waiting {
            Waiting::SourceRoot => {
                let found = attributes(result)?;
                let source = found.ok_or_else(|| unfit(&self.path, None, FileKind::Directory))?;
                match (source.kind(), &mut self.remote) {
                    (FileKind::File, Some(remote)) => remote.place().is_file(),
                    (FileKind::Directory, _) => {}
                    (kind, _) => return Err(unfit(&self.path, Some(kind), FileKind::Directory)),
                }
                self.ask(Side::To, DiskAction::Stat(BytePath::default()), Waiting::TargetRoot(source));
            }
            Waiting::TargetRoot(source) => {
                let found = attributes(result)?;
                self.state = State::Busy;
                match (source.kind(), found.map(|found| found.kind())) {
                    (FileKind::Directory, None) => self.enter(None, BytePath::default(), source, false)?,
                    (FileKind::Directory, Some(FileKind::Directory)) => {
                        self.enter(None, BytePath::default(), source, true)?;
                    }
                    (FileKind::File, Some(FileKind::File) | None) => self.only(source, found)?,
                    (wanted, found) => {
                        self.state = State::Begin;
                        return Err(unfit(&self.path, found, wanted));
                    }
                }
            }
            Waiting::Made(node) => match done(result, || self.path_of(node)) {
                Ok(()) => self.list(node, There::new()),
                Err(error) => self.give_up(node, error)?,
            },
            Waiting::There(node) => match entries(result) {
                Ok(entries) => {
                    let there = entries.into_iter().map(|entry| (entry.name, entry.attributes));
                    self.list(node, there.collect());
                }
                Err(error) => self.give_up(node, error)?,
            },
            Waiting::Source(node, there) => match entries(result) {
                Ok(entries) => self.listed(node, entries, there)?,
                Err(error) => self.give_up(node, error)?,
            },
            Waiting::Extra(node) => match entries(result) {
                Ok(entries) => self.emptied(node, entries)?,
                Err(error) => self.give_up(node, error)?,
            },
            Waiting::Leave(node) => self.left(node, result.map(drop))?,
            Waiting::Opened(slot) => self.opened(slot, result.map(drop), Side::From)?,
            Waiting::Created(slot) => self.opened(slot, result.map(drop), Side::To)?,
            Waiting::Piece(slot, offset, length) => self.piece(slot, offset, length, result)?,
            Waiting::Written(slot, length) => self.written(slot, length, result.map(drop))?,
            Waiting::Finished(slot) => self.copied(slot, result)?,
            Waiting::Compared(slot, side) => self.compared(slot, side, result)?,
            Waiting::Target(parent, path, exists, compare) => {
                self.read_link(parent, path, exists, compare, target(result))?;
            }
            Waiting::TargetThere(parent, path, wanted) => match target(result) {
                Ok(there) if there == wanted => self.leaf_done(parent, path, Ok(Deed::Unchanged))?,
                _ => self.link(parent, path, true, wanted)?,
            },
            Waiting::Linked(parent, making) => self.linked(parent, making, result)?,
            Waiting::Removed(parent, path) => self.leaf_done(parent, path, result.map(|_| Deed::Removed))?,
            Waiting::Cleanup => {}
        }
        Ok(())
    }

    fn begin(&mut self, way: Way) -> Result<(), Error> {
        let place = Place::new(self.path.clone());
        self.remote = Some(match way {
            Way::Sftp => Box::new(BySftp::new(request(&self.instance)?, place)),
            Way::Files => Box::new(ByFiles::new(self.instance.clone(), place)),
        });
        self.state = State::Begin;
        self.report.way = way;
        self.options.no_special_modes = way == Way::Files && self.push;
        self.waiting.clear();
        self.local.clear();
        self.outbox.clear();
        self.ask(Side::From, DiskAction::Stat(BytePath::default()), Waiting::SourceRoot);
        Ok(())
    }

    fn proceed(&mut self) -> Result<Step<Report>, Error> {
        if self.state == State::New {
            self.begin(self.options.way)?;
        }
        loop {
            let Some(remote) = &mut self.remote else { return Err(ended()) };
            remote.proceed()?;
            while let Some((token, result)) = self.remote.as_mut().and_then(|remote| remote.finished()) {
                self.finished(token, result)?;
            }
            if self.state == State::Busy {
                self.start()?;
            }
            if self.state == State::Done && self.waiting.is_empty() {
                return self.end().map(Step::Done);
            }
            if let Some((id, action)) = self.outbox.pop_front() {
                return Ok(Step::Do(id, action));
            }
            let Some(remote) = &mut self.remote else { return Err(ended()) };
            remote.proceed()?;
            if let Some((id, action)) = remote.next()? {
                return Ok(Step::Do(id, action));
            }
            match remote.finished() {
                Some((token, result)) => self.finished(token, result)?,
                None => return Ok(Step::Wait),
            }
        }
    }

    /// It cannot go on. What the local disk is doing goes on nevertheless.
    fn break_off(&mut self, error: Error) -> Result<(), Error> {
        match (self.state, error) {
            (State::Broken, _) => return Ok(()),
            (State::New | State::Begin, error) | (_, error @ Error::Tree(_)) => return Err(error),
            (_, reason) => self.reason = Some(reason),
        }
        self.state = State::Broken;
        for (id, _) in self.outbox.drain(..) {
            self.local.remove(&id);
        }
        let mut remote = self.remote.take();
        while let Some((token, result)) = remote.as_mut().and_then(|remote| remote.finished()) {
            self.finished(token, result).or_else(|error| self.break_off(error))?;
        }
        Ok(())
    }
}

impl Flow for TreeFlow {
    type Output = Report;

    fn next(&mut self) -> Result<Step<Report>, Error> {
        if self.state != State::Broken {
            match self.proceed() {
                Err(error) => self.break_off(error)?,
                step => return step,
            }
        }
        if self.local.is_empty() { Err(self.broken()) } else { Ok(Step::Wait) }
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        let handled = match (self.local.remove(&id), &mut self.remote) {
            (Some(token), _) => {
                let result = match result {
                    Ok(Reply::Disk(reply)) => Ok(reply),
                    Ok(_) => Err(unexpected()),
                    Err(failure) => Err(failure.into()),
                };
                self.finished(token, result)
            }
            (None, Some(remote)) => match remote.handle(id, result) {
                Err(error) if self.state == State::Begin && is_without_sftp(&error) => self.begin(Way::Files),
                handled => handled,
            },
            (None, None) => Ok(()),
        };
        handled.or_else(|error| self.break_off(error))
    }
}

/// The server is too old for SFTP, something on the way lets no other protocol through, or the transport has none.
fn is_without_sftp(error: &Error) -> bool {
    match error {
        Error::Api(api) => (api.status == 404 && !is_no_instance(error)) || api.message.contains("upgrade header"),
        Error::Transport(failure) => failure.kind == FailureKind::Unsupported,
        _ => false,
    }
}
