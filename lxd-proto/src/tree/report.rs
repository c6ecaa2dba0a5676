//! What was done, and what not.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use super::Deed;
use crate::{
    Error,
    sftp::{BytePath, FileKind},
};

/// How far a copy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How many directories are as they should be.
    pub directories: u64,
    /// How many files were copied.
    pub files: u64,
    /// How many links were made.
    pub symlinks: u64,
    /// How many files and links were the same already.
    pub unchanged: u64,
    /// How many things were removed that were extra.
    pub removed: u64,
    /// How many bytes of files were copied.
    pub bytes: u64,
}

/// What has just happened to one path, for those who show it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The path below the tree's root.
    pub path: &'a BytePath,
    /// What was done; in a dry run, what would be.
    pub deed: Deed,
    /// All together until now.
    pub progress: Progress,
}

/// What was done, and what not. In a dry run: what would be done.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// How much of what.
    pub progress: Progress,
    /// What is of a kind that is not copied.
    pub left_out: Vec<LeftOut>,
    /// What could not be done. Of a report that is no error's, this is empty.
    pub failed: Vec<Failed>,
}

impl core::ops::Deref for Report {
    type Target = Progress;

    fn deref(&self) -> &Progress {
        &self.progress
    }
}

/// Something of a kind that is not copied: a pipe, a socket or a device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// Its path below the tree's root.
    pub path: BytePath,
    /// What it is.
    pub kind: FileKind,
}

/// Something that could not be copied or removed. What is below it was not tried.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Failed {
    /// Its path below the tree's root.
    pub path: BytePath,
    /// Why.
    pub error: Error,
}

/// A tree that was not copied whole. Running it again completes it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TreeError {
    /// What broke it off; without, it went to its end, and [`Report::failed`] says what failed.
    pub reason: Option<Error>,
    /// What was done until then.
    pub report: Report,
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Progress { files, bytes, .. } = self.report.progress;
        let failed = &self.report.failed;
        match (&self.reason, failed.first()) {
            (Some(reason), _) => write!(f, "after {files} files with {bytes} bytes: {reason}"),
            (None, Some(first)) => write!(f, "{} were not copied; the first is {first}", failed.len()),
            (None, None) => f.write_str("the tree was not copied"),
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.error)
    }
}

impl core::error::Error for TreeError {}

impl From<TreeError> for Error {
    fn from(error: TreeError) -> Self {
        Self::Tree(Box::new(error))
    }
}
