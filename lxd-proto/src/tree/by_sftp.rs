//! The tree in the instance by SFTP, many things at once.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, VecDeque},
    vec,
    vec::Vec,
};

use super::{
    DiskAction, DiskReply, Making, Slot,
    remote::{Finished, Place, Remote, not_open},
};
use crate::{
    Error, Failure, Request,
    flow::{Action, Id, Ids, Reply},
    sftp::{
        Answered, Ask, Attributes, File, FileKind, Line, OpenFlags,
        operations::{One, Operation, ReadAt, Readdir, WriteAt},
        transfer::Writing,
    },
};

type Running = Box<dyn Operation<Output = DiskReply>>;

pub(super) struct BySftp {
    line: Line,
    place: Place,
    files: BTreeMap<Slot, File>,
    /// What becomes of those that are written.
    making: BTreeMap<Slot, Making>,
    running: BTreeMap<u32, Running>,
    /// Which of those waits for which answer.
    waiting: BTreeMap<u32, u32>,
    /// What is being opened.
    opening: BTreeMap<u32, Slot>,
    /// Whether something is new, or was answered.
    moved: bool,
    finished: VecDeque<Finished>,
}

impl BySftp {
    pub(super) fn new(request: Request, place: Place) -> Self {
        Self {
            line: Line::new(request, Ids::even()),
            place,
            files: BTreeMap::new(),
            making: BTreeMap::new(),
            running: BTreeMap::new(),
            waiting: BTreeMap::new(),
            opening: BTreeMap::new(),
            moved: true,
            finished: VecDeque::new(),
        }
    }

    /// What is asked, and what comes of it. Nothing, when the file that it is about is not open.
    fn operation(&mut self, token: u32, action: DiskAction) -> Option<Running> {
        Some(match action {
            DiskAction::Stat(path) => {
                let whole = self.place.path(&path);
                let ask = if path.as_bytes().is_empty() { Ask::Stat(whole) } else { Ask::Lstat(whole) };
                Box::new(One::new(ask, |answered| match answered.attributes() {
                    Ok(attributes) => Ok(DiskReply::Attributes(Some(attributes))),
                    Err(error) if error.is_not_found() => Ok(DiskReply::Attributes(None)),
                    Err(error) => Err(error),
                }))
            }
            DiskAction::List(path) => Box::new(Then(Readdir::new(self.place.path(&path)), DiskReply::Entries)),
            DiskAction::Readlink(path) => Box::new(One::new(Ask::Readlink(self.place.path(&path)), |answered| {
                answered.path().map(DiskReply::Target)
            })),
            DiskAction::Open(slot, path) => {
                self.opening.insert(token, slot);
                Box::new(Open::new(Ask::Open(self.place.path(&path), OpenFlags::READ), Attributes::default()))
            }
            DiskAction::Create(slot, making) => {
                self.opening.insert(token, slot);
                let (flags, path) = (OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE, &making.temporary);
                let path = self.place.path(path);
                // LXD's server makes it 0644. That is right from the beginning where all may read it in the end, and one
                // request less for most files.
                let for_all = making.attributes.permissions().is_some_and(|mode| mode & 0o044 == 0o044);
                let first = if for_all { Attributes::default() } else { Attributes::default().with_mode(0o600) };
                self.making.insert(slot, making);
                Box::new(Open::new(Ask::Open(path, flags), first))
            }
            DiskAction::Read(slot, offset, length) => {
                let length = length as u64;
                let file = self.files.get(&slot)?.clone();
                Box::new(Then(ReadAt::new(file, offset, length, length), DiskReply::Data))
            }
            DiskAction::Write(slot, offset, data) => {
                let file = self.files.get(&slot)?.clone();
                Box::new(Then(WriteAt(Writing::new(file, offset, data)), |()| DiskReply::Done))
            }
            DiskAction::Close(slot) => Box::new(Steps::new([vec![Ask::Close(self.files.remove(&slot)?)]])),
            DiskAction::Finish(slot) => {
                let (file, making) = (self.files.remove(&slot)?, self.making.remove(&slot)?);
                let mut first: Vec<_> =
                    making.attributes.in_order().map(|attributes| Ask::Fsetstat(file.clone(), attributes)).collect();
                first.push(Ask::Close(file));
                Box::new(Steps::new([first, vec![self.rename(&making)]]))
            }
            DiskAction::Discard(slot) => {
                let (file, making) = (self.files.remove(&slot)?, self.making.remove(&slot)?);
                let path = self.place.path(&making.temporary);
                Box::new(Steps::new([vec![Ask::Close(file)], vec![Ask::Remove(path)]]))
            }
            DiskAction::Mkdir(path, _) => {
                let (path, mode) = (self.place.path(&path), Attributes::default().with_mode(0o700));
                Box::new(Steps::new([vec![Ask::Mkdir(path.clone())], vec![Ask::Setstat(path, mode)]]))
            }
            DiskAction::Symlink(making, target) => {
                let make = Ask::Symlink(self.place.path(&making.temporary), target);
                Box::new(Steps::new([vec![make], vec![self.rename(&making)]]))
            }
            DiskAction::Setstat(path, attributes) => {
                let path = self.place.path(&path);
                let asks = attributes.in_order().map(|attributes| Ask::Setstat(path.clone(), attributes));
                Box::new(Steps::new([asks.collect::<Vec<_>>()]))
            }
            DiskAction::Remove(path, FileKind::Directory) => {
                Box::new(Steps::new([vec![Ask::Rmdir(self.place.path(&path))]]))
            }
            DiskAction::Remove(path, _) => Box::new(Steps::new([vec![Ask::Remove(self.place.path(&path))]])),
        })
    }

    fn rename(&self, making: &Making) -> Ask {
        Ask::Rename(self.place.path(&making.temporary), self.place.path(&making.path))
    }

    fn end(&mut self, token: u32, result: Result<DiskReply, Error>) {
        let (operation, slot) = (self.running.remove(&token), self.opening.remove(&token));
        match (operation.and_then(|mut operation| operation.held()), slot) {
            (Some(file), Some(slot)) if result.is_ok() => drop(self.files.insert(slot, file)),
            // It cannot be refused: it was sent before.
            (Some(file), _) => drop(self.line.close(file)),
            _ => {}
        }
        self.finished.push_back((token, result));
    }
}

impl Remote for BySftp {
    fn place(&mut self) -> &mut Place {
        &mut self.place
    }

    fn start(&mut self, token: u32, action: DiskAction) {
        self.moved = true;
        match self.operation(token, action) {
            Some(operation) => drop(self.running.insert(token, operation)),
            None => self.finished.push_back((token, Err(not_open()))),
        }
    }

    fn proceed(&mut self) -> Result<(), Error> {
        while let Some((id, answered)) = self.line.answer()? {
            self.moved = true;
            let Some(token) = self.waiting.remove(&id) else { continue };
            let Some(operation) = self.running.get_mut(&token) else { continue };
            if let Err(error) = operation.answered(id, answered) {
                self.end(token, Err(error));
            }
        }
        if !self.line.is_open() || !core::mem::take(&mut self.moved) {
            return Ok(());
        }
        let mut ended = Vec::new();
        for (token, operation) in &mut self.running {
            let before = self.line.last();
            let done = operation.proceed(&mut self.line).transpose();
            let asked = self.line.last().wrapping_sub(before);
            self.waiting.extend((1..=asked).map(|number| (before.wrapping_add(number), *token)));
            ended.extend(done.map(|result| (*token, result)));
        }
        for (token, result) in ended {
            self.end(token, result);
        }
        Ok(())
    }

    fn finished(&mut self) -> Option<Finished> {
        self.finished.pop_front()
    }

    fn next(&mut self) -> Result<Option<(Id, Action)>, Error> {
        self.line.next()
    }

    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        self.line.handle(id, result)
    }
}

/// What comes of an operation, in a tree's words.
struct Then<O: Operation>(O, fn(O::Output) -> DiskReply);

impl<O: Operation> Operation for Then<O> {
    type Output = DiskReply;

    fn proceed(&mut self, line: &mut Line) -> Result<Option<DiskReply>, Error> {
        Ok(self.0.proceed(line)?.map(self.1))
    }

    fn answered(&mut self, id: u32, answered: Answered) -> Result<(), Error> {
        self.0.answered(id, answered)
    }

    fn held(&mut self) -> Option<File> {
        self.0.held()
    }
}

/// Opens a file, which is then held, and gives it its first attributes: servers do not heed those of `open`.
struct Open {
    open: One<File>,
    file: Option<File>,
    attributes: Attributes,
    set: Option<Steps>,
}

impl Open {
    fn new(ask: Ask, attributes: Attributes) -> Self {
        Self { open: One::new(ask, Answered::file), file: None, attributes, set: None }
    }
}

impl Operation for Open {
    type Output = DiskReply;

    fn proceed(&mut self, line: &mut Line) -> Result<Option<DiskReply>, Error> {
        if self.set.is_none() {
            let Some(file) = self.open.proceed(line)? else { return Ok(None) };
            let asks = self.attributes.in_order().map(|attributes| Ask::Fsetstat(file.clone(), attributes));
            self.set = Some(Steps::new([asks.collect()]));
            self.file = Some(file);
        }
        self.set.as_mut().map_or(Ok(None), |set| set.proceed(line))
    }

    fn answered(&mut self, id: u32, answered: Answered) -> Result<(), Error> {
        match &mut self.set {
            Some(set) => set.answered(id, answered),
            None => self.open.answered(id, answered),
        }
    }

    fn held(&mut self) -> Option<File> {
        self.file.take()
    }
}

/// Requests in groups: each group at once, and one group after the other.
struct Steps {
    groups: VecDeque<Vec<Ask>>,
    pending: usize,
}

impl Steps {
    fn new<const N: usize>(groups: [Vec<Ask>; N]) -> Self {
        Self { groups: groups.into(), pending: 0 }
    }
}

impl Operation for Steps {
    type Output = DiskReply;

    fn proceed(&mut self, line: &mut Line) -> Result<Option<DiskReply>, Error> {
        while self.pending == 0 {
            let Some(group) = self.groups.pop_front() else { return Ok(Some(DiskReply::Done)) };
            for ask in group {
                line.ask(ask)?;
                self.pending += 1;
            }
        }
        Ok(None)
    }

    fn answered(&mut self, _: u32, answered: Answered) -> Result<(), Error> {
        self.pending = self.pending.saturating_sub(1);
        answered.done()
    }
}

impl core::fmt::Debug for BySftp {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BySftp").field("place", &self.place).field("line", &self.line).finish_non_exhaustive()
    }
}
