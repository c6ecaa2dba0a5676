//! What is done with a link.

use super::{Deed, DiskAction, NodeId, Side, TreeFlow, Waiting};
use crate::{
    Error,
    sftp::{BytePath, FileKind},
};

impl TreeFlow {
    pub(super) fn read_link(
        &mut self,
        parent: NodeId,
        path: BytePath,
        compare: bool,
        target: Result<BytePath, Error>,
    ) -> Result<(), Error> {
        match target {
            Ok(target) if compare => {
                let look = DiskAction::Readlink(path.clone());
                self.ask(Side::To, look, Waiting::TargetThere(parent, path, target));
                Ok(())
            }
            Ok(target) => self.link(parent, path, target),
            Err(error) => self.leaf_done(parent, path, Err(error)),
        }
    }

    pub(super) fn link(&mut self, parent: NodeId, path: BytePath, target: BytePath) -> Result<(), Error> {
        if self.options.dry_run {
            return self.leaf_done(parent, path, Ok(Deed::Symlink));
        }
        let temporary = self.temporary(&path);
        let make = DiskAction::Symlink(temporary.clone(), target, path.clone());
        self.ask(Side::To, make, Waiting::Linked(parent, path, temporary));
        Ok(())
    }

    pub(super) fn linked(
        &mut self,
        parent: NodeId,
        path: BytePath,
        temporary: BytePath,
        result: Result<(), Error>,
    ) -> Result<(), Error> {
        if result.is_err() {
            self.ask(Side::To, DiskAction::Remove(temporary, FileKind::Symlink), Waiting::Cleanup);
        }
        self.leaf_done(parent, path, result.map(|()| Deed::Symlink))
    }
}
