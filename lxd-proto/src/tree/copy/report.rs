//! What is said of what was done.

use super::TreeFlow;
use crate::{
    Error, limits,
    sftp::{Attributes, BytePath, FileKind},
    tree::{Deed, Event, Failed, LeftOut, Report, TreeError, Way, by_files::can_be_seen},
};

impl TreeFlow {
    /// Counts what cannot be kept of something that is copied.
    pub(super) fn count_lost(&mut self, path: &BytePath, source: &Attributes) {
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

    pub(super) fn tell(&mut self, path: &BytePath, deed: Deed) {
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

    pub(super) fn fail(&mut self, path: BytePath, error: Error) -> Result<(), Error> {
        self.tell(&path, Deed::Failed);
        self.remember(path.as_bytes().len())?;
        if self.report.failed.len() >= limits::TREE_FAILURES {
            return Err(error);
        }
        self.report.failed.push(Failed { path, error });
        Ok(())
    }

    pub(super) fn leave_out(&mut self, path: BytePath, kind: FileKind) -> Result<(), Error> {
        self.tell(&path, Deed::LeftOut);
        self.remember(size_of::<LeftOut>() + path.as_bytes().len())?;
        self.report.left_out.push(LeftOut { path, kind });
        Ok(())
    }

    pub(super) fn remember(&mut self, size: usize) -> Result<(), Error> {
        self.size += size;
        if self.size > limits::TREE {
            return Err(Error::TooLarge { what: "a tree's list", limit: limits::TREE as u64 });
        }
        Ok(())
    }

    pub(super) fn end(&mut self) -> Result<Report, Error> {
        let report = core::mem::take(&mut self.report);
        if report.failed.is_empty() { Ok(report) } else { Err(TreeError { reason: None, report }.into()) }
    }

    /// Says what was done before it broke.
    pub(super) fn broken(&mut self) -> Error {
        TreeError { reason: self.reason.take(), report: core::mem::take(&mut self.report) }.into()
    }
}
