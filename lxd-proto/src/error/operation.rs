//! Operations that did not succeed.

use alloc::string::String;
use core::fmt;

use crate::resources::{Operation, OperationId};

/// An operation that did not succeed.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationError {
    /// Which operation.
    pub id: OperationId,
    /// How it ended.
    pub outcome: Outcome,
    /// What the server last said of it: its `err`, metadata, and times.
    pub operation: Option<Operation>,
}

/// How an operation that did not succeed stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It failed, with LXD's text.
    Failed(String),
    /// It was cancelled.
    Cancelled,
    /// It was still running when the caller's time was up. It goes on.
    StillRunning,
    /// The server does not know it any more: it ended more than 5 s ago, or the server was restarted. It may have
    /// succeeded or failed; look at what it was to change.
    Unknown,
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.operation {
            Some(operation) if !operation.description.is_empty() => operation.description.as_str(),
            _ => "operation",
        };
        write!(f, "{what} ({}): ", self.id)?;
        match &self.outcome {
            Outcome::Failed(reason) => f.write_str(reason),
            Outcome::Cancelled => f.write_str("was cancelled"),
            Outcome::StillRunning => f.write_str("was still running when the time was up"),
            Outcome::Unknown => f.write_str("its end is unknown: the server does not have it any more"),
        }
    }
}

impl core::error::Error for OperationError {}
