//! How a tree is copied, and what follows from that for one thing in it.

use alloc::boxed::Box;
use core::fmt;

use super::{Event, TreeFlow, Way};
use crate::{
    Client, Run,
    sftp::{Attributes, BytePath, FileKind},
};

/// To whom what is copied belongs.
#[derive(Default)]
#[non_exhaustive]
pub enum Owners {
    /// Whom the system makes it belong to: in an instance root, here whoever runs this.
    #[default]
    Default,
    /// The same numbers.
    Kept,
    /// This user and group.
    Fixed(u32, u32),
    /// What this gives for a user and group.
    Mapped(Box<dyn Fn(u32, u32) -> (u32, u32) + Send>),
}

impl fmt::Debug for Owners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("Default"),
            Self::Kept => f.write_str("Kept"),
            Self::Fixed(uid, gid) => write!(f, "Fixed({uid}, {gid})"),
            Self::Mapped(_) => f.write_str("Mapped"),
        }
    }
}

type Filter = Box<dyn FnMut(&BytePath, FileKind) -> bool + Send>;
type Watch = Box<dyn FnMut(Event<'_>) + Send>;

#[derive(Default)]
pub(super) struct Options {
    pub(super) way: Way,
    /// The way knows no setuid, setgid and sticky.
    pub(super) no_special_modes: bool,
    pub(super) owners: Owners,
    pub(super) file_mode: Option<u32>,
    pub(super) directory_mode: Option<u32>,
    pub(super) without_setuid: bool,
    pub(super) changed_only: bool,
    pub(super) by_content: bool,
    pub(super) delete_extra: bool,
    pub(super) dry_run: bool,
    pub(super) at_most: Option<u64>,
    pub(super) filter: Option<Filter>,
    pub(super) watch: Option<Watch>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Options");
        shown.field("owners", &self.owners).field("changed_only", &self.changed_only);
        shown.field("delete_extra", &self.delete_extra).field("dry_run", &self.dry_run).finish_non_exhaustive()
    }
}

/// What is to be done with something, by what it is and what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Make the directory, or go into that which is there.
    Directory,
    /// Copy the file.
    File,
    /// Make the link, or see whether that which is there is the same.
    Symlink,
    /// It is the same.
    Unchanged,
    /// Copy the file if its content is another.
    Compare,
    LeaveOut(FileKind),
    /// This is in its place.
    InTheWay(FileKind),
}

impl Options {
    pub(super) fn wants(&mut self, path: &BytePath, kind: FileKind) -> bool {
        self.filter.as_mut().is_none_or(|filter| filter(path, kind))
    }

    /// What something gets from what its source has.
    pub(super) fn attributes(&self, source: &Attributes) -> Attributes {
        let is_directory = source.kind() == FileKind::Directory;
        let fixed = if is_directory { self.directory_mode } else { self.file_mode };
        let kept = if self.without_setuid && !is_directory { 0o1777 } else { 0o7777 };
        let possible = if self.no_special_modes { 0o777 } else { 0o7777 };
        let mode = fixed.or_else(|| source.permissions().map(|mode| mode & kept)).map(|mode| mode & possible);
        let owner = match (&self.owners, source.owner) {
            (Owners::Kept, owner) => owner,
            (Owners::Fixed(uid, gid), _) => Some((*uid, *gid)),
            (Owners::Mapped(map), Some((uid, gid))) => Some(map(uid, gid)),
            (Owners::Default | Owners::Mapped(_), _) => None,
        };
        Attributes { size: None, owner, mode, times: source.times }
    }

    /// What is to be done with something of this kind, where that is there.
    pub(super) fn plan(&self, source: &Attributes, there: Option<&Attributes>) -> Plan {
        let (kind, other) = (source.kind(), there.map(Attributes::kind));
        match (kind, other) {
            (FileKind::Directory, None | Some(FileKind::Directory)) => Plan::Directory,
            (FileKind::Directory, Some(other)) => Plan::InTheWay(other),
            (FileKind::File | FileKind::Symlink, Some(FileKind::Directory)) => Plan::InTheWay(FileKind::Directory),
            (FileKind::File, _) if there.is_some_and(|there| self.is_same(source, there)) => {
                if self.by_content {
                    Plan::Compare
                } else {
                    Plan::Unchanged
                }
            }
            (FileKind::File, _) => Plan::File,
            (FileKind::Symlink, _) => Plan::Symlink,
            (kind, _) => Plan::LeaveOut(kind),
        }
    }

    /// By size and time, and by all that would be set. Where the content is compared too, the time means nothing.
    fn is_same(&self, source: &Attributes, there: &Attributes) -> bool {
        let wanted = self.attributes(source);
        let modified = |attributes: &Attributes| attributes.times.map(|(_, modified)| modified);
        self.changed_only
            && there.kind() == FileKind::File
            && source.size == there.size
            && (self.by_content || modified(source) == modified(there))
            && wanted.permissions() == there.permissions()
            && wanted.owner.is_none_or(|owner| there.owner == Some(owner))
    }
}

impl<C: Client> Run<C, TreeFlow> {
    /// To whom it belongs. A link belongs to whom the system makes it belong to.
    pub fn owners(mut self, owners: Owners) -> Self {
        self.flow.options.owners = owners;
        self
    }

    /// Gives all files these permissions, `0o7777` at most, and not their own.
    pub fn file_mode(mut self, mode: u32) -> Self {
        self.flow.options.file_mode = Some(mode & 0o7777);
        self
    }

    /// Gives all directories these permissions, `0o7777` at most, and not their own.
    pub fn directory_mode(mut self, mode: u32) -> Self {
        self.flow.options.directory_mode = Some(mode & 0o7777);
        self
    }

    /// Keeps setuid and setgid of what is pulled: what an instance calls a program of root's is one here, if root pulls
    /// it. What is pushed keeps them anyway.
    pub fn setuid(mut self) -> Self {
        self.flow.options.without_setuid = false;
        self
    }

    /// Copies no file that is there with the same size and time of modification, and with the mode and owner that it
    /// would get.
    pub fn changed_only(mut self) -> Self {
        self.flow.options.changed_only = true;
        self
    }

    /// Copies no file that is there with the same content, and with the mode and owner that it would get; its time stays
    /// as it is. Files of the same size are read on both sides for that.
    pub fn changed_content_only(mut self) -> Self {
        self.flow.options.by_content = true;
        self.changed_only()
    }

    /// Goes by the files API, also where there is SFTP: see [`Way::Files`].
    pub fn by_files_api(mut self) -> Self {
        self.flow.options.way = Way::Files;
        self
    }

    /// Removes what is in the target and not in the source. What [`filter`](Self::filter) leaves out stays.
    pub fn delete_extra(mut self) -> Self {
        self.flow.options.delete_extra = true;
        self
    }

    /// Only looks what would be done: see the report, and [`watch`](Self::watch).
    pub fn dry_run(mut self) -> Self {
        self.flow.options.dry_run = true;
        self
    }

    /// Stops with [`Error::TooLarge`](crate::Error::TooLarge) as the reason before more bytes of files than these are
    /// copied.
    pub fn at_most(mut self, bytes: u64) -> Self {
        self.flow.options.at_most = Some(bytes);
        self
    }

    /// Copies (and removes) only what this wants, by its path below the root and its kind. Of a directory that it does
    /// not want, nothing is looked at.
    pub fn filter(mut self, wants: impl FnMut(&BytePath, FileKind) -> bool + Send + 'static) -> Self {
        self.flow.options.filter = Some(Box::new(wants));
        self
    }

    /// Is told of each thing, and of each piece of a file, what was done.
    pub fn watch(mut self, watch: impl FnMut(Event<'_>) + Send + 'static) -> Self {
        self.flow.options.watch = Some(Box::new(watch));
        self
    }
}
