//! What is done with a link.

use super::{Deed, DiskAction, DiskReply, Making, NodeId, Side, TreeFlow, Waiting, replies::done};
use crate::{
    Error,
    sftp::{Attributes, BytePath, FileKind},
};

impl TreeFlow {
    pub(super) fn read_link(
        &mut self,
        parent: NodeId,
        path: BytePath,
        exists: bool,
        compare: bool,
        target: Result<BytePath, Error>,
    ) -> Result<(), Error> {
        match target {
            Ok(target) if compare => {
                let look = DiskAction::Readlink(path.clone());
                self.ask(Side::To, look, Waiting::TargetThere(parent, path, target));
                Ok(())
            }
            Ok(target) => self.link(parent, path, exists, target),
            Err(error) => self.leaf_done(parent, path, Err(error)),
        }
    }

    pub(super) fn link(&mut self, parent: NodeId, path: BytePath, exists: bool, target: BytePath) -> Result<(), Error> {
        self.count_lost(&path, &Attributes { mode: Some(0o120_777), ..Attributes::default() });
        if self.options.dry_run {
            return self.leaf_done(parent, path, Ok(Deed::Symlink));
        }
        let making = self.making(&path, Attributes::default(), exists);
        self.ask(Side::To, DiskAction::Symlink(making.clone(), target), Waiting::Linked(parent, making));
        Ok(())
    }

    pub(super) fn linked(
        &mut self,
        parent: NodeId,
        making: Making,
        result: Result<DiskReply, Error>,
    ) -> Result<(), Error> {
        let result = done(result, || making.path.clone());
        if result.is_err() {
            self.ask(Side::To, DiskAction::Remove(making.temporary, FileKind::Symlink), Waiting::Cleanup);
        }
        self.leaf_done(parent, making.path, result.map(|()| Deed::Symlink))
    }
}
