//! What is done with a file.

use bytes::Bytes;

use super::{
    Deed, DiskAction, DiskReply, NodeId, Side, Slot, TreeFlow, Waiting,
    replies::{done, unexpected},
};
use crate::{
    Error, limits,
    sftp::{Attributes, BytePath, FileKind},
};

/// A file that is being copied.
#[derive(Debug)]
pub(super) struct Copying {
    parent: NodeId,
    path: BytePath,
    temporary: BytePath,
    size: u64,
    /// From here on nothing is asked for yet.
    next: u64,
    /// What is asked of either side, and not answered.
    pending: usize,
    from: bool,
    to: bool,
    /// Why it cannot be copied.
    failed: Option<Error>,
}

impl Copying {
    /// Whether a piece can be asked for.
    fn has_more(&self) -> bool {
        self.from && self.to && self.failed.is_none() && self.next < self.size
    }

    /// Of many pieces that were not there any more, the first says where it ended.
    fn fail(&mut self, error: Error) {
        match (&mut self.failed, error) {
            (Some(Error::Shorter { found, .. }), Error::Shorter { found: other, .. }) => *found = other.min(*found),
            (Some(_), _) => {}
            (failed, error) => *failed = Some(error),
        }
    }
}

impl TreeFlow {
    pub(super) fn copy(
        &mut self,
        parent: NodeId,
        path: BytePath,
        attributes: Attributes,
        exists: bool,
    ) -> Result<(), Error> {
        self.count_lost(&path, &attributes);
        let size = attributes.size.unwrap_or(0);
        self.bytes = self.bytes.saturating_add(size);
        if let Some(limit) = self.options.at_most.filter(|limit| self.bytes > *limit) {
            return Err(Error::TooLarge { what: "a tree", limit });
        }
        if self.options.dry_run {
            self.report.progress.bytes += size;
            return self.leaf_done(parent, path, Ok(Deed::File));
        }
        let wanted = self.options.attributes(&attributes);
        let (slot, making) = (self.number(), self.making(&path, wanted, exists));
        let temporary = making.temporary.clone();
        self.ask(Side::To, DiskAction::Create(slot, making), Waiting::Created(slot));
        if size > 0 {
            self.ask(Side::From, DiskAction::Open(slot, path.clone()), Waiting::Opened(slot));
        }
        let pending = if size > 0 { 2 } else { 1 };
        let (from, to, failed) = (false, false, None);
        let copying = Copying { parent, path, temporary, size, next: 0, pending, from, to, failed };
        self.files.insert(slot, copying);
        Ok(())
    }

    pub(super) fn opened(&mut self, slot: Slot, result: Result<(), Error>, side: Side) -> Result<(), Error> {
        if let (Some(file), true) = (self.files.get_mut(&slot), result.is_ok()) {
            match side {
                Side::From => file.from = true,
                Side::To => file.to = true,
            }
        }
        self.answered(slot, result)
    }

    /// Asks for pieces, of each file in its turn.
    pub(super) fn pump(&mut self) {
        while self.pieces < limits::TREE_PIECES {
            let after = self.turn.wrapping_add(1);
            let mut files = self.files.range(after..).chain(self.files.range(..after));
            let Some(slot) = files.find(|(_, file)| file.has_more()).map(|(slot, _)| *slot) else { break };
            let Some(file) = self.files.get_mut(&slot) else { break };
            let left = usize::try_from(file.size - file.next).unwrap_or(usize::MAX);
            let (offset, length) = (file.next, left.min(limits::CHUNK));
            file.next += length as u64;
            file.pending += 1;
            self.pieces += 1;
            self.turn = slot;
            self.ask(Side::From, DiskAction::Read(slot, offset, length), Waiting::Piece(slot, offset, length));
        }
    }

    pub(super) fn piece(
        &mut self,
        slot: Slot,
        offset: u64,
        length: usize,
        result: Result<DiskReply, Error>,
    ) -> Result<(), Error> {
        let data = match result {
            Ok(DiskReply::Data(data)) if data.len() == length => Ok(data),
            Ok(DiskReply::Data(data)) => Err(self.shorter(slot, offset, &data)),
            Ok(_) => Err(unexpected()),
            Err(error) => Err(error),
        };
        match data {
            Ok(data) => {
                self.ask(Side::To, DiskAction::Write(slot, offset, data), Waiting::Written(slot, length as u64));
                Ok(())
            }
            Err(error) => {
                self.pieces = self.pieces.saturating_sub(1);
                self.answered(slot, Err(error))
            }
        }
    }

    fn shorter(&self, slot: Slot, offset: u64, data: &Bytes) -> Error {
        let (path, size) = self.files.get(&slot).map(|file| (file.path.clone(), file.size)).unwrap_or_default();
        let kept = offset.saturating_add(data.len() as u64);
        Error::Shorter { path: alloc::format!("{path}"), said: size, found: kept }
    }

    pub(super) fn written(&mut self, slot: Slot, length: u64, result: Result<(), Error>) -> Result<(), Error> {
        self.pieces = self.pieces.saturating_sub(1);
        if let (Some(file), true) = (self.files.get(&slot), result.is_ok()) {
            self.report.progress.bytes += length;
            let path = file.path.clone();
            if file.size > length {
                self.tell(&path, Deed::Piece);
            }
        }
        self.answered(slot, result)
    }

    /// One side has answered. Goes on when both have.
    fn answered(&mut self, slot: Slot, result: Result<(), Error>) -> Result<(), Error> {
        let Some(file) = self.files.get_mut(&slot) else { return Ok(()) };
        file.pending = file.pending.saturating_sub(1);
        if let Err(error) = result {
            file.fail(error);
        }
        if file.pending > 0 || (file.failed.is_none() && file.next < file.size) {
            return Ok(());
        }
        let (from, to, failed) = (file.from, file.to, file.failed.take());
        if from {
            self.ask(Side::From, DiskAction::Close(slot), Waiting::Cleanup);
        }
        match failed {
            Some(error) => {
                if to {
                    self.ask(Side::To, DiskAction::Discard(slot), Waiting::Cleanup);
                }
                self.done(slot, Err(error))
            }
            None => {
                self.ask(Side::To, DiskAction::Finish(slot), Waiting::Finished(slot));
                Ok(())
            }
        }
    }

    pub(super) fn copied(&mut self, slot: Slot, result: Result<DiskReply, Error>) -> Result<(), Error> {
        let Some(file) = self.files.get(&slot) else { return Ok(()) };
        let result = done(result, || file.path.clone());
        if result.is_err() {
            let remove = DiskAction::Remove(file.temporary.clone(), FileKind::File);
            self.ask(Side::To, remove, Waiting::Cleanup);
        }
        self.done(slot, result)
    }

    fn done(&mut self, slot: Slot, result: Result<(), Error>) -> Result<(), Error> {
        let Some(file) = self.files.remove(&slot) else { return Ok(()) };
        self.leaf_done(file.parent, file.path, result.map(|()| Deed::File))
    }
}
