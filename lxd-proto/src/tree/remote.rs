//! The tree in the instance, by whichever way: does what is asked of a tree, many things at once.

use super::{DiskAction, DiskReply};
use crate::{
    Error, Failure,
    flow::{Action, Id, Reply},
    sftp::BytePath,
};

/// What was asked, by its token, and what came of it.
pub(super) type Finished = (u32, Result<DiskReply, Error>);

pub(super) trait Remote: Send + core::fmt::Debug {
    /// Where the tree is.
    fn place(&mut self) -> &mut Place;

    /// Does something, sooner or later.
    fn start(&mut self, token: u32, action: DiskAction);

    /// Reads what has come, and goes on with what can.
    ///
    /// # Errors
    /// The way is broken.
    fn proceed(&mut self) -> Result<(), Error>;

    /// What is finished.
    fn finished(&mut self) -> Option<Finished>;

    /// What is to be started now; ids are even.
    ///
    /// # Errors
    /// The way is broken.
    fn next(&mut self) -> Result<Option<(Id, Action)>, Error>;

    /// Something that was started is finished.
    ///
    /// # Errors
    /// The way cannot be gone, or is broken.
    fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error>;
}

/// Where a tree is in the instance.
#[derive(Clone, Debug)]
pub(super) struct Place {
    root: BytePath,
    /// What is not the root is beside it, and not below.
    is_file: bool,
}

impl Place {
    pub(super) fn new(root: BytePath) -> Self {
        Self { root, is_file: false }
    }

    /// The root is a file, or will be one.
    pub(super) fn is_file(&mut self) {
        self.is_file = true;
    }

    /// The root is a link, and what it points to is meant.
    pub(super) fn follow(&mut self, target: &BytePath) {
        self.root = target.clone();
    }

    pub(super) fn path(&self, path: &BytePath) -> BytePath {
        let root = self.root.as_bytes();
        match path.as_bytes() {
            b"" => self.root.clone(),
            name if self.is_file => {
                let name_at = root.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
                BytePath::from(root.get(..name_at).unwrap_or_default()).join(name)
            }
            name => self.root.join(name),
        }
    }
}

pub(super) fn not_open() -> Error {
    Error::Protocol("a file that is not open".into())
}

/// There is no such instance. Of what is not there in an instance LXD says less. (Incus 6.0.4 says first what it did.)
pub(super) fn is_no_instance(error: &Error) -> bool {
    matches!(error, Error::Api(error) if error.message.ends_with("Instance not found"))
}
