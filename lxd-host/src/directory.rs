//! A local tree, as a copy wants it: everything is below one directory that is open, and no link is followed.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{self, ErrorKind},
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, fs::FileExt},
    },
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lxd_proto::{
    Failure, FailureKind,
    sftp::{Attributes, BytePath, Entry, FileKind},
    tree::{Disk, DiskAction, DiskReply, Making, Slot},
};
use rustix::{
    fs::{self, AtFlags, Dir, Mode, OFlags, Stat, Timespec, Timestamps},
    io::Errno,
    process::{Gid, Uid},
};

/// How a directory is opened: it, and not what a link points to.
const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// How many bytes of names are read of one directory.
const NAMES: usize = lxd_proto::limits::SFTP_DIRECTORY;

/// A local directory and all that is below it, to be pushed into an instance or filled out of one.
///
/// It is opened once. From then on everything is reached from there, name by name, and no link below it is followed, so
/// what an instance calls its files can be nowhere else. What is not whole when this is dropped is removed.
#[derive(Debug)]
pub struct Directory {
    root: Arc<OwnedFd>,
    /// The only file of it that is meant.
    only: Option<BytePath>,
    nonce: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<Slot, Open>,
    /// The directory that was used last, for the next name is often in it too.
    last: Option<(Vec<u8>, Arc<OwnedFd>)>,
}

#[derive(Debug)]
struct Open {
    file: Arc<File>,
    /// What it becomes, if it is written, and where.
    making: Option<(Arc<OwnedFd>, Making)>,
}

impl Directory {
    /// Opens a directory that is there. A link to one is followed.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let flags = DIRECTORY.difference(OFlags::NOFOLLOW);
        let root = fs::open(path.as_ref(), flags, Mode::empty())?;
        // Random, but not for secrets.
        let nonce = RandomState::new().hash_one(std::process::id());
        Ok(Self { root: Arc::new(root), only: None, nonce, state: Mutex::default() })
    }

    /// Opens a directory, which is made if it is not there. The one above it must be.
    ///
    /// # Errors
    /// When it can neither be made nor opened.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        match std::fs::create_dir(path.as_ref()) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Self::open(path),
        }
    }

    /// One file, which need not be there yet, to be copied by itself: what a push or pull calls the other side is then a
    /// file, too. A link is not followed.
    ///
    /// # Errors
    /// When the directory that it is in cannot be opened, or there is no name.
    pub fn only(file: impl AsRef<Path>) -> io::Result<Self> {
        let file = file.as_ref();
        let name = file.file_name().ok_or_else(|| no_name(file.as_os_str().as_bytes()))?;
        let around = file.parent().filter(|around| !around.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        Ok(Self { only: Some(name.as_bytes().into()), ..Self::open(around)? })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory with this path below the root.
    fn directory(&self, path: &[u8]) -> io::Result<Arc<OwnedFd>> {
        if path.is_empty() {
            return Ok(self.root.clone());
        }
        if let Some((last, directory)) = &self.state().last {
            if last == path {
                return Ok(directory.clone());
            }
        }
        let mut directory = self.root.clone();
        for name in path.split(|byte| *byte == b'/') {
            directory = Arc::new(fs::openat(&directory, checked(name)?, DIRECTORY, Mode::empty())?);
        }
        self.state().last = Some((path.to_vec(), directory.clone()));
        Ok(directory)
    }

    /// The directory that something is in, and its name there.
    fn place<'a>(&'a self, path: &'a BytePath) -> io::Result<(Arc<OwnedFd>, &'a OsStr)> {
        let path = self.only.as_ref().filter(|_| path.as_bytes().is_empty()).unwrap_or(path).as_bytes();
        let (directory, name) = match path.iter().rposition(|byte| *byte == b'/') {
            // An absolute path has no name before its first slash.
            Some(0) => return Err(no_name(path)),
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&path[..0], path),
        };
        Ok((self.directory(directory)?, checked(name)?))
    }

    fn file(&self, slot: Slot) -> io::Result<Arc<File>> {
        self.state().files.get(&slot).map(|open| open.file.clone()).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn close(&self, slot: Slot) -> io::Result<Open> {
        self.state().files.remove(&slot).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn stat(&self, path: &BytePath) -> io::Result<Option<Attributes>> {
        if path.as_bytes().is_empty() && self.only.is_none() {
            return Ok(Some(attributes(&fs::fstat(&self.root)?)));
        }
        let (directory, name) = self.place(path)?;
        match fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(attributes(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn list(&self, path: &BytePath) -> io::Result<Vec<Entry>> {
        let directory = self.directory(path.as_bytes())?;
        let (mut entries, mut size) = (Vec::new(), 0);
        for entry in Dir::read_from(&directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            size += size_of::<Entry>() + name.to_bytes().len();
            if size > NAMES {
                return Err(io::Error::other("the directory has too many names"));
            }
            match fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => entries.push(Entry::new(name.to_bytes(), attributes(&stat))),
                // It was removed meanwhile.
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(entries)
    }

    fn open_file(&self, slot: Slot, path: &BytePath) -> io::Result<()> {
        let (directory, name) = self.place(path)?;
        // A pipe must not be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = fs::openat(&directory, name, flags, Mode::empty())?;
        if attributes(&fs::fstat(&file)?).kind() != FileKind::File {
            return Err(io::Error::other("it is no file any more"));
        }
        self.state().files.insert(slot, Open { file: Arc::new(file.into()), making: None });
        Ok(())
    }

    fn create_file(&self, slot: Slot, making: Making) -> io::Result<()> {
        let (directory, name) = self.place(&making.temporary)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(&directory, name, flags, Mode::RUSR | Mode::WUSR)?;
        self.state().files.insert(slot, Open { file: Arc::new(file.into()), making: Some((directory, making)) });
        Ok(())
    }

    fn finish(&self, slot: Slot) -> io::Result<DiskReply> {
        let mut open = self.close(slot)?;
        let (directory, making) = open.making.as_ref().ok_or(ErrorKind::NotFound)?;
        set(&*open.file, making.attributes)?;
        let renamed = self.rename(directory, making)?;
        if renamed == DiskReply::Done {
            open.making = None;
        }
        Ok(renamed)
    }

    fn symlink(&self, making: &Making, target: &BytePath) -> io::Result<DiskReply> {
        let (directory, name) = self.place(&making.temporary)?;
        self.place(&making.path)?;
        fs::symlinkat(OsStr::from_bytes(target.as_bytes()), &directory, name)?;
        self.rename(&directory, making)
    }

    /// Gives what is made its name, over what should be there, and over nothing else. So what is one name to this
    /// directory, whatever its rules, is not lost to another.
    fn rename(&self, directory: &OwnedFd, making: &Making) -> io::Result<DiskReply> {
        let ((_, old), (_, new)) = (self.place(&making.temporary)?, self.place(&making.path)?);
        if making.replaces {
            fs::renameat(directory, old, directory, new)?;
            return Ok(DiskReply::Done);
        }
        match rename_new(directory, old, new) {
            Ok(()) => Ok(DiskReply::Done),
            Err(Errno::EXIST) => Ok(DiskReply::Taken),
            Err(error) => Err(error.into()),
        }
    }

    fn read(&self, slot: Slot, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = self.file(slot)?;
        let (mut data, mut filled) = (vec![0; length], 0);
        while filled < length {
            match file.read_at(&mut data[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        data.truncate(filled);
        Ok(data)
    }

    fn remove(&self, path: &BytePath, kind: FileKind) -> io::Result<()> {
        let (directory, name) = self.place(path)?;
        let flags = if kind == FileKind::Directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        // It may be another one later.
        self.state().last = None;
        Ok(fs::unlinkat(&directory, name, flags)?)
    }

    fn try_to(&self, action: DiskAction) -> io::Result<DiskReply> {
        match action {
            DiskAction::Stat(path) => return self.stat(&path).map(DiskReply::Attributes),
            DiskAction::List(path) => return self.list(&path).map(DiskReply::Entries),
            DiskAction::Readlink(path) => {
                let (directory, name) = self.place(&path)?;
                let target = fs::readlinkat(&directory, name, Vec::new())?;
                return Ok(DiskReply::Target(target.into_bytes().into()));
            }
            DiskAction::Read(slot, offset, length) => {
                return self.read(slot, offset, length).map(|data| DiskReply::Data(data.into()));
            }
            DiskAction::Open(slot, path) => self.open_file(slot, &path)?,
            DiskAction::Close(slot) => drop(self.close(slot)?),
            DiskAction::Create(slot, making) => self.create_file(slot, making)?,
            DiskAction::Write(slot, offset, data) => self.file(slot)?.write_all_at(&data, offset)?,
            DiskAction::Finish(slot) => return self.finish(slot),
            // Dropped, it is removed.
            DiskAction::Discard(slot) => drop(self.close(slot)?),
            DiskAction::Mkdir(path, _) => {
                let (directory, name) = self.place(&path)?;
                match fs::mkdirat(&directory, name, Mode::RWXU) {
                    Err(Errno::EXIST) => return Ok(DiskReply::Taken),
                    made => made?,
                }
            }
            DiskAction::Symlink(making, target) => return self.symlink(&making, &target),
            DiskAction::Setstat(path, attributes) => set(&*self.directory(path.as_bytes())?, attributes)?,
            DiskAction::Remove(path, kind) => self.remove(&path, kind)?,
            _ => return Err(ErrorKind::Unsupported.into()),
        }
        Ok(DiskReply::Done)
    }
}

impl Disk for Directory {
    fn act(&self, action: DiskAction) -> Result<DiskReply, Failure> {
        self.try_to(action).map_err(|error| Failure::from_error(FailureKind::Disk, &error))
    }

    fn nonce(&self) -> u64 {
        self.nonce
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some((directory, making)) = self.making.take() {
            // It is not whole, and nobody else's.
            let name = making.temporary.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            let _ = fs::unlinkat(&directory, OsStr::from_bytes(name), AtFlags::empty());
        }
    }
}

/// Renames to a name that nothing has.
fn rename_new(directory: &OwnedFd, old: &OsStr, new: &OsStr) -> Result<(), Errno> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    match fs::renameat_with(directory, old, directory, new, fs::RenameFlags::NOREPLACE) {
        // This file system, or the system, has no such rename.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        renamed => return renamed,
    }
    match fs::statat(directory, new, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => fs::renameat(directory, old, directory, new),
        Ok(_) => Err(Errno::EXIST),
        Err(error) => Err(error),
    }
}

/// One name, which leads nowhere else.
fn checked(name: &[u8]) -> io::Result<&OsStr> {
    if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') || name.contains(&0) {
        return Err(no_name(name));
    }
    Ok(OsStr::from_bytes(name))
}

fn no_name(name: &[u8]) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, format!("{} is no name", name.escape_ascii()))
}

#[allow(clippy::useless_conversion)] // these types are not the same everywhere
fn attributes(stat: &Stat) -> Attributes {
    // A time before 1970 or after 2106 cannot be said.
    let time = |seconds: i64| u32::try_from(seconds.max(0)).unwrap_or(u32::MAX);
    let mut found = Attributes::default()
        .with_size(stat.st_size as u64)
        .with_owner(stat.st_uid, stat.st_gid)
        .with_times(time(stat.st_atime.into()), time(stat.st_mtime.into()));
    found.mode = Some(stat.st_mode.into());
    found
}

#[allow(clippy::useless_conversion, clippy::unnecessary_fallible_conversions)]
/// Sets what is said, the owner first: who gets another one loses setuid and setgid.
fn set(file: &impl std::os::fd::AsFd, attributes: Attributes) -> io::Result<()> {
    if let Some((uid, gid)) = attributes.owner {
        fs::fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    if let Some(mode) = attributes.permissions() {
        fs::fchmod(file, Mode::from_bits_truncate(mode.try_into().unwrap_or_default()))?;
    }
    if let Some((read, modified)) = attributes.times {
        let time = |seconds: u32| Timespec { tv_sec: seconds.into(), tv_nsec: 0 };
        fs::futimens(file, &Timestamps { last_access: time(read), last_modification: time(modified) })?;
    }
    Ok(())
}
