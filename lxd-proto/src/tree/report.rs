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

/// By what a tree goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Way {
    /// By [SFTP](crate::sftp): fast, and nothing is lost.
    #[default]
    Sftp,
    /// By the [files API](crate::resources::Files), where a server, a proxy or a transport knows no SFTP. It is slower, and
    /// less can be done:
    ///
    /// * In the instance nothing has another name until it is whole: what is there is removed, and then written anew. A
    ///   file that could not be written whole is removed again, if the server still answers.
    /// * [`Lost`] counts what cannot be kept.
    /// * Of what is pulled, a name that is not UTF-8 or has control characters (but tabs and line breaks), a pipe and a
    ///   socket are [left out](Report::left_out), as of no known kind. A device looks like an empty file. A pipe is known
    ///   by not opening within [`limits::FILES_OPEN`](crate::limits::FILES_OPEN), and 5.0.2 cannot stop an instance of
    ///   which a pipe is being opened: leave those out by [`filter`](crate::Run::filter).
    /// * What is pushed has the time at which it was, so that [`changed_only`](crate::Run::changed_only) knows nothing
    ///   again; [`changed_content_only`](crate::Run::changed_content_only) does.
    /// * A directory that is there keeps its owner and mode. Where it should have others, that is an error of its own.
    Files,
}

/// Of how many things something could not be kept, because the files API has no word for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// The time of what was pushed.
    pub times: u64,
    /// Setuid, setgid and sticky: of what was pushed and had one of them, and of all that was pulled, for what it has is
    /// not said.
    pub modes: u64,
    /// Whether all of a file that was pushed was kept: it cannot be asked about one that has control characters (but tabs
    /// and line breaks) in its name, and 5.0.2 says yes on a full disk, too.
    pub sizes: u64,
    /// The target of a link that was pulled as it is: it is said as an absolute path.
    pub targets: u64,
}

/// What was done, and what not. In a dry run: what would be done.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// How much of what.
    pub progress: Progress,
    /// By what it went.
    pub way: Way,
    /// What could not be kept.
    pub lost: Lost,
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

/// Something of a kind that is not copied: a pipe, a socket or a device, or what the [way](Way) does not know.
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
