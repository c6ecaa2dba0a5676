//! Whole trees of files, or single ones: pushed into an instance, or pulled out of one, by [SFTP](crate::sftp). Where a
//! server, a proxy or a transport has none, the same calls go by the files API, which can do less: [`Way::Files`] says what,
//! and [`Report::way`] by what it went.
//!
//! ```no_run
//! # fn example<C: lxd_proto::Blocking>(lxd: C, site: impl lxd_proto::tree::Disk) -> Result<(), lxd_proto::Error> {
//! use lxd_proto::{Lxd, tree::Owners};
//!
//! // `site` is `lxd_host::Directory::open("site")?`
//! let push = lxd.instance("c1").files().push_tree(site, "/srv/www");
//! let report = push.owners(Owners::Fixed(33, 33)).changed_only().delete_extra().send()?;
//! println!("{} files with {} bytes; {} were the same", report.files, report.bytes, report.unchanged);
//! # Ok(())
//! # }
//! ```
//!
//! Directories, files and symbolic links are copied, with their modes and times; links as links. What else there is
//! (pipes, sockets, devices) is [left out](Report::left_out), and said. Hard links become files of their own.
//!
//! * A file is written under a name of its own, `.lxd-..`, and renamed when it is whole: a break leaves the old one or the
//!   new one. Running it again completes it, and with [`changed_only`](Run::changed_only) sends only the rest. What has
//!   such a name when the connection breaks stays in the instance; [`delete_extra`](Run::delete_extra) removes it.
//! * What cannot be copied is no reason to give up the rest. In the end it is an error, [`Error::Tree`], with the whole
//!   [`Report`]; a broken connection is the same error, at once.
//! * A file is the same as the one that is there by size and time, or
//!   [by its content](Run::changed_content_only).
//! * What was not in the target's list is not replaced: so two names that are the same to a local directory, for they
//!   differ in case only, are not lost to each other, but the second is [`Error::NameTaken`].
//! * A file that grows meanwhile is copied up to the size that it had; one that shrinks is an error.
//! * A bad server can do no harm outside the tree, nor take memory without bound: names are checked, the local
//!   [`Disk`] follows no link below its root, and [`limits::TREE`], [`limits::TREE_DEPTH`] and
//!   [`limits::SFTP_DIRECTORY`] hold. How much may be pulled is [`at_most`](Run::at_most).

mod by_files;
mod by_sftp;
mod copy;
mod disk;
mod options;
mod remote;
mod report;

use alloc::sync::Arc;

pub use copy::TreeFlow;
pub use disk::{Deed, Disk, DiskAction, DiskReply, Making, Slot};
pub use options::Owners;
pub use report::{Event, Failed, LeftOut, Lost, Progress, Report, TreeError, Way};

use crate::{Client, Run, Streams, resources::Files, sftp::BytePath};
#[allow(unused_imports)] // for the documentation
use crate::{Error, limits};

impl<C: Client> Files<C> {
    /// Copies a local tree into the instance, so that the directory `to` has what the local one has: see
    /// [`tree`](crate::tree). The directory above `to` must be there. Where the local root is a file
    /// (`lxd_host::Directory::only`), `to` becomes that file.
    pub fn push_tree(&self, from: impl Disk, to: impl Into<BytePath>) -> Run<C, TreeFlow> {
        self.tree(from, to.into(), true)
    }

    /// Copies a tree out of the instance, so that the local directory has what the directory `from` has: see
    /// [`tree`](crate::tree). Programs lose setuid and setgid unless [`setuid`](Run::setuid) keeps them.
    /// Where `from` is a file, the local root must be one, too.
    pub fn pull_tree(&self, from: impl Into<BytePath>, to: impl Disk) -> Run<C, TreeFlow> {
        self.tree(to, from.into(), false)
    }

    fn tree(&self, disk: impl Disk, path: BytePath, push: bool) -> Run<C, TreeFlow> {
        let flow = TreeFlow::new(self.instance.clone(), path, push, disk.nonce());
        let mut streams = Streams::default();
        streams.disk = Some(Arc::new(disk));
        Run::with(&self.client, flow, streams)
    }
}
