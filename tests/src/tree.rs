//! Local trees with all that a tree can have, made and compared.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, FileTimes, Permissions},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{MetadataExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A directory of a test's own.
///
/// # Panics
/// When there can be none.
pub fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// Numbers that are always the same.
#[derive(Debug)]
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// Names that are hard to get right. Each is made unlike its neighbours by a number.
fn name(kind: u64, number: usize) -> Vec<u8> {
    let number = number.to_string().into_bytes();
    let part: &[u8] = match kind {
        0 => b"two words ",
        1 => b"100%",
        2 => b"line\nbreak",
        3 => b"\"quoted\" 'twice'",
        4 => b"\xff\xfe\xc3(",
        5 => b"-rf ",
        6 => b"back\\slash",
        7 => b"...",
        8 => "ümläut-日本".as_bytes(),
        9 => b"\x01\x7f\t",
        10 => return [vec![b'l'; 255 - number.len()], number].concat(),
        _ => b"plain-",
    };
    [part, &number].concat()
}

/// Makes a tree of so many things: files of many sizes, all mode bits, links to files, directories, nowhere and each
/// other.
///
/// # Panics
/// When the disk cannot.
pub fn make(root: &Path, things: usize) {
    let mut numbers = Numbers(7);
    let mut directories = vec![root.to_path_buf()];
    let mut files = Vec::new();
    let mut modes = Vec::new();
    for number in 0..things {
        let parent = &directories[numbers.next(directories.len() as u64) as usize];
        let path = parent.join(OsStr::from_bytes(&name(numbers.next(14), number)));
        match numbers.next(20) {
            0..3 if path.components().count() < 12 => {
                fs::create_dir(&path).expect("a directory");
                directories.push(path.clone());
                modes.push((path, [0o755, 0o700, 0o1777, 0o2750, 0o500, 0][numbers.next(6) as usize]));
            }
            3..6 => {
                let target = match numbers.next(4) {
                    0 => files.last().map_or_else(|| PathBuf::from("x"), PathBuf::clone),
                    1 => parent.clone(),
                    2 => PathBuf::from("/nowhere/\n"),
                    _ => PathBuf::from(path.file_name().expect("a name")),
                };
                symlink(target, &path).expect("a link");
            }
            _ => {
                let size =
                    if number % 100 == 7 { 300_001 } else { [0, 0, 1, 100, 5_000, 20_000][numbers.next(6) as usize] };
                let content: Vec<u8> = (0..size).map(|at: usize| (at * 31 + number) as u8).collect();
                fs::write(&path, content).expect("a file");
                files.push(path.clone());
                modes.push((path, numbers.next(0o10000) as u32));
            }
        }
    }
    // The deepest first, so that a directory keeps its time.
    for (path, mode) in modes.into_iter().rev() {
        finish(&path, mode, 1_000_000_000 + numbers.next(700_000_000));
    }
}

/// Gives something its mode and time.
///
/// # Panics
/// When the disk cannot.
pub fn finish(path: &Path, mode: u32, seconds: u64) {
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let file = fs::File::open(path).expect("it can be opened");
    file.set_times(FileTimes::new().set_modified(modified).set_accessed(modified)).expect("times");
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// Something in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// With its mode and time.
    Directory(u32, i64),
    /// With its mode, time and content, which is only told from others.
    File(u32, i64, u64, Vec<u8>),
    /// With its target.
    Symlink(Vec<u8>),
    /// Of another kind.
    Other,
}

/// All that is below a directory, by its path.
///
/// # Panics
/// When it cannot be read.
pub fn look(root: &Path) -> BTreeMap<Vec<u8>, Thing> {
    let mut found = BTreeMap::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let metadata = path.symlink_metadata().expect("it is there");
            let (mode, time) = (metadata.mode() & 0o7777, metadata.mtime());
            let thing = if metadata.is_dir() {
                todo.push(path.clone());
                Thing::Directory(mode, time)
            } else if metadata.is_symlink() {
                Thing::Symlink(fs::read_link(&path).expect("a link").into_os_string().into_vec())
            } else if metadata.is_file() {
                let content = fs::read(&path).expect("a file");
                Thing::File(mode, time, metadata.len(), Sha256::digest(content).to_vec())
            } else {
                Thing::Other
            };
            let below = path.strip_prefix(root).expect("it is below").as_os_str().as_bytes().to_vec();
            found.insert(below, thing);
        }
    }
    found
}

/// Fails unless both trees are the same, and says where they are not.
///
/// # Panics
/// When they differ.
pub fn assert_same(one: &Path, other: &Path) {
    let (one, mut other) = (look(one), look(other));
    for (path, thing) in one {
        let there = other.remove(&path);
        assert_eq!(there.as_ref(), Some(&thing), "{}", path.escape_ascii());
    }
    assert!(
        other.is_empty(),
        "too much: {:?}",
        other.keys().map(|path| path.escape_ascii().to_string()).collect::<Vec<_>>()
    );
}
