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
    replies::{attributes, done, entries, target, unexpected, wrong_root},
};
use super::{
    Deed, DiskAction, DiskReply, Event, Failed, LeftOut, Making, Report, Slot, TreeError, Way,
    by_files::{ByFiles, can_be_seen},
    by_sftp::BySftp,
    options::Options,
    remote::{Place, Remote, is_no_instance},
};
use crate::{
    Error, Failure, FailureKind,
    flow::{Action, Flow, Id, Ids, Reply, Step, ended},
    limits,
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

/// Something to be done, in a directory.
#[derive(Debug)]
enum Task {
    Directory { parent: NodeId, path: BytePath, attributes: Attributes, exists: bool },
    File { parent: NodeId, path: BytePath, attributes: Attributes, exists: bool, compare: bool },
    Symlink { parent: NodeId, path: BytePath, exists: bool, compare: bool },
    Remove { parent: NodeId, path: BytePath, kind: FileKind },
}

impl Task {
    fn path(&self) -> &BytePath {
        match self {
            Self::Directory { path, .. }
            | Self::File { path, .. }
            | Self::Symlink { path, .. }
            | Self::Remove { path, .. } => path,
        }
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.path().as_bytes().len()
    }
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

    /// Counts what cannot be kept of something that is copied.
    fn count_lost(&mut self, path: &BytePath, source: &Attributes) {
        let lost = &mut self.report.lost;
        match (self.report.way, source.kind()) {
            (Way::Sftp, _) => {}
            (Way::Files, FileKind::Symlink) => lost.targets += u64::from(!self.push),
            (Way::Files, _) => {
                lost.times += u64::from(self.push);
                let special = source.permissions().is_some_and(|mode| mode & 0o7000 != 0);
                lost.modes += u64::from(!self.push || special);
                lost.sizes += u64::from(self.push && source.size > Some(0) && !can_be_seen(path));
            }
        }
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

    fn tell(&mut self, path: &BytePath, deed: Deed) {
        let progress = &mut self.report.progress;
        match deed {
            Deed::Directory => progress.directories += 1,
            Deed::File => progress.files += 1,
            Deed::Symlink => progress.symlinks += 1,
            Deed::Unchanged => progress.unchanged += 1,
            Deed::Removed => progress.removed += 1,
            _ => {}
        }
        if let Some(watch) = &mut self.options.watch {
            watch(Event { path, deed, progress: *progress });
        }
    }

    fn fail(&mut self, path: BytePath, error: Error) -> Result<(), Error> {
        self.tell(&path, Deed::Failed);
        self.remember(path.as_bytes().len())?;
        if self.report.failed.len() >= limits::TREE_FAILURES {
            return Err(error);
        }
        self.report.failed.push(Failed { path, error });
        Ok(())
    }

    fn leave_out(&mut self, path: BytePath, kind: FileKind) -> Result<(), Error> {
        self.tell(&path, Deed::LeftOut);
        self.remember(size_of::<LeftOut>() + path.as_bytes().len())?;
        self.report.left_out.push(LeftOut { path, kind });
        Ok(())
    }

    fn remember(&mut self, size: usize) -> Result<(), Error> {
        self.size += size;
        if self.size > limits::TREE {
            return Err(Error::TooLarge { what: "a tree's list", limit: limits::TREE as u64 });
        }
        Ok(())
    }

    fn add(&mut self, task: Task) -> Result<(), Error> {
        self.remember(task.size())?;
        match task {
            Task::Directory { .. } | Task::Remove { kind: FileKind::Directory, .. } => self.directories.push(task),
            leaf => self.leaves.push(leaf),
        }
        Ok(())
    }

    /// Starts what may be started.
    fn start(&mut self) -> Result<(), Error> {
        while self.active < limits::TREE_AT_ONCE {
            let Some(task) = self.leaves.pop() else { break };
            self.size = self.size.saturating_sub(task.size());
            self.active += 1;
            match task {
                Task::File { parent, path, attributes, compare: true, .. } => self.compare(parent, path, attributes),
                Task::File { parent, path, attributes, exists, .. } => self.copy(parent, path, attributes, exists)?,
                Task::Symlink { parent, path, exists, compare } => {
                    let look = DiskAction::Readlink(path.clone());
                    self.ask(Side::From, look, Waiting::Target(parent, path, exists, compare));
                }
                Task::Remove { parent, path, kind } => self.remove(parent, path, kind)?,
                Task::Directory { .. } => {}
            }
        }
        while self.listings < limits::TREE_LISTINGS && self.leaves.len() < limits::TREE_AT_ONCE {
            let Some(task) = self.directories.pop() else { break };
            self.size = self.size.saturating_sub(task.size());
            match task {
                Task::Directory { parent, path, attributes, exists } => {
                    self.enter(Some(parent), path, attributes, exists)?;
                }
                Task::Remove { parent, path, .. } => self.empty(parent, path)?,
                _ => {}
            }
        }
        self.pump();
        Ok(())
    }

    fn finished(&mut self, token: u32, result: Result<DiskReply, Error>) -> Result<(), Error> {
        let Some(waiting) = self.waiting.remove(&token) else { return Ok(()) };
        match waiting {
            Waiting::SourceRoot => {
                let found = attributes(result)?;
                let source = found.ok_or_else(|| wrong_root(&self.path, "nothing", FileKind::Directory))?;
                match (source.kind(), &mut self.remote) {
                    (FileKind::File, Some(remote)) => remote.place().is_file(),
                    (FileKind::Directory, _) => {}
                    (kind, _) => return Err(wrong_root(&self.path, &format!("{kind}"), FileKind::Directory)),
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
                        let found = found.unwrap_or(FileKind::Unknown);
                        return Err(wrong_root(&self.path, &format!("{found}"), wanted));
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

    fn remove(&mut self, parent: NodeId, path: BytePath, kind: FileKind) -> Result<(), Error> {
        if self.options.dry_run {
            return self.leaf_done(parent, path, Ok(Deed::Removed));
        }
        self.ask(Side::To, DiskAction::Remove(path.clone(), kind), Waiting::Removed(parent, path));
        Ok(())
    }

    /// Something that is no directory is done.
    fn leaf_done(&mut self, parent: NodeId, path: BytePath, result: Result<Deed, Error>) -> Result<(), Error> {
        self.active = self.active.saturating_sub(1);
        match result {
            Ok(deed) => self.tell(&path, deed),
            Err(error) => self.fail(path, error)?,
        }
        self.child_done(parent)
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

    fn end(&mut self) -> Result<Report, Error> {
        let report = core::mem::take(&mut self.report);
        if report.failed.is_empty() { Ok(report) } else { Err(TreeError { reason: None, report }.into()) }
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

    /// Says what was done before it broke.
    fn broken(&mut self) -> Error {
        TreeError { reason: self.reason.take(), report: core::mem::take(&mut self.report) }.into()
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
