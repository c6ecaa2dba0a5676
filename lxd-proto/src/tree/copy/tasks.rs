//! What is still to be done, how much of it at once, and what happens when it is.

use super::{Deed, DiskAction, NodeId, Side, TreeFlow, Waiting};
use crate::{
    Error, limits,
    sftp::{Attributes, BytePath, FileKind},
};

/// Something to be done, in a directory.
#[derive(Debug)]
pub(super) enum Task {
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
    pub(super) fn add(&mut self, task: Task) -> Result<(), Error> {
        self.remember(task.size())?;
        match task {
            Task::Directory { .. } | Task::Remove { kind: FileKind::Directory, .. } => self.directories.push(task),
            leaf => self.leaves.push(leaf),
        }
        Ok(())
    }

    /// Starts what may be started.
    pub(super) fn start(&mut self) -> Result<(), Error> {
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

    fn remove(&mut self, parent: NodeId, path: BytePath, kind: FileKind) -> Result<(), Error> {
        if self.options.dry_run {
            return self.leaf_done(parent, path, Ok(Deed::Removed));
        }
        self.ask(Side::To, DiskAction::Remove(path.clone(), kind), Waiting::Removed(parent, path));
        Ok(())
    }

    /// Something that is no directory is done.
    pub(super) fn leaf_done(
        &mut self,
        parent: NodeId,
        path: BytePath,
        result: Result<Deed, Error>,
    ) -> Result<(), Error> {
        self.active = self.active.saturating_sub(1);
        match result {
            Ok(deed) => self.tell(&path, deed),
            Err(error) => self.fail(path, error)?,
        }
        self.child_done(parent)
    }
}
