//! Whether a file is the same as the one that is there, by its content.

use alloc::vec::Vec;

use bytes::Bytes;

use super::{Deed, DiskAction, DiskReply, NodeId, Side, Slot, TreeFlow, Waiting};
use crate::{
    Error, limits,
    sftp::{Attributes, BytePath},
};

/// Two files of one size, of which the same piece is read at once.
#[derive(Debug)]
pub(super) struct Comparing {
    parent: NodeId,
    path: BytePath,
    attributes: Attributes,
    /// Up to here they are the same.
    same: u64,
    /// How many answers are to come.
    pending: usize,
    /// Which of both are open.
    open: Vec<Side>,
    pieces: Vec<Bytes>,
    differs: bool,
}

impl Comparing {
    /// How long the next piece is; nothing at the end.
    fn next(&self) -> usize {
        let left = self.attributes.size.unwrap_or(0).saturating_sub(self.same);
        usize::try_from(left).unwrap_or(usize::MAX).min(limits::TREE_COMPARED)
    }
}

impl TreeFlow {
    pub(super) fn compare(&mut self, parent: NodeId, path: BytePath, attributes: Attributes) {
        let slot = self.number();
        for side in [Side::From, Side::To] {
            self.ask(side, DiskAction::Open(slot, path.clone()), Waiting::Compared(slot, side));
        }
        let (open, pieces) = (Vec::new(), Vec::new());
        let comparing = Comparing { parent, path, attributes, same: 0, pending: 2, open, pieces, differs: false };
        self.compared.insert(slot, comparing);
    }

    /// One side has answered. What cannot be compared is copied, and then it is said why that cannot be.
    pub(super) fn compared(&mut self, slot: Slot, side: Side, result: Result<DiskReply, Error>) -> Result<(), Error> {
        let Some(files) = self.compared.get_mut(&slot) else { return Ok(()) };
        files.pending = files.pending.saturating_sub(1);
        match result {
            Ok(DiskReply::Done) => files.open.push(side),
            Ok(DiskReply::Data(piece)) => files.pieces.push(piece),
            _ => files.differs = true,
        }
        if files.pending > 0 {
            return Ok(());
        }
        if let [one, other] = &files.pieces[..] {
            files.differs |= one != other || one.len() != files.next();
            files.same += one.len() as u64;
        }
        files.pieces.clear();
        let (offset, length) = (files.same, files.next());
        if length > 0 && !files.differs {
            files.pending = 2;
            for side in [Side::From, Side::To] {
                self.ask(side, DiskAction::Read(slot, offset, length), Waiting::Compared(slot, side));
            }
            return Ok(());
        }
        let Some(files) = self.compared.remove(&slot) else { return Ok(()) };
        for side in files.open {
            self.ask(side, DiskAction::Close(slot), Waiting::Cleanup);
        }
        if files.differs {
            return self.copy(files.parent, files.path, files.attributes, true);
        }
        self.leaf_done(files.parent, files.path, Ok(Deed::Unchanged))
    }
}
