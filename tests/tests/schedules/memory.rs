//! A local tree in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use lxd_proto::{
    Failure, FailureKind,
    sftp::{Attributes, BytePath, Entry},
    tree::{Disk, DiskAction, DiskReply, Making},
};

/// Something in a tree, with its permissions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Directory(u32),
    File(u32, Bytes),
    Link(BytePath),
    Pipe,
}

impl Node {
    fn attributes(&self) -> Attributes {
        let (mode, size) = match self {
            Self::Directory(mode) => (0o040_000 | mode, 0),
            Self::File(mode, content) => (0o100_000 | mode, content.len()),
            Self::Link(target) => (0o120_777, target.as_bytes().len()),
            Self::Pipe => (0o010_600, 0),
        };
        let mut attributes = Attributes::default().with_size(size as u64).with_owner(0, 0).with_times(7, 7);
        attributes.mode = Some(mode);
        attributes
    }
}

/// What is in a tree, by paths; the root is the empty one.
pub(crate) type Tree = BTreeMap<Vec<u8>, Node>;

/// A tree as a disk. Clones share it.
#[derive(Clone)]
pub(crate) struct Memory {
    tree: Arc<Mutex<Tree>>,
    open: Arc<Mutex<BTreeMap<u32, Vec<u8>>>>,
    /// What the files that are written will be.
    made: Arc<Mutex<BTreeMap<u32, Making>>>,
    nonce: u64,
}

impl Memory {
    pub(crate) fn new(tree: Tree, nonce: u64) -> Self {
        Self { tree: Arc::new(Mutex::new(tree)), open: Arc::default(), made: Arc::default(), nonce }
    }

    pub(crate) fn tree(&self) -> Tree {
        self.tree.lock().unwrap().clone()
    }
}

impl Disk for Memory {
    fn act(&self, action: DiskAction) -> Result<DiskReply, Failure> {
        let missing = || Failure::new(FailureKind::Disk, "it is not there");
        let (mut tree, mut open) = (self.tree.lock().unwrap(), self.open.lock().unwrap());
        Ok(match action {
            DiskAction::Stat(path) => DiskReply::Attributes(tree.get(path.as_bytes()).map(Node::attributes)),
            DiskAction::List(path) => {
                let above = if path.as_bytes().is_empty() { vec![] } else { [path.as_bytes(), b"/"].concat() };
                let names = tree.iter().filter_map(|(there, node)| Some((there.strip_prefix(&above[..])?, node)));
                let names = names.filter(|(name, _)| !name.is_empty() && !name.contains(&b'/'));
                DiskReply::Entries(names.map(|(name, node)| Entry::new(name, node.attributes())).collect())
            }
            DiskAction::Readlink(path) => match tree.get(path.as_bytes()) {
                Some(Node::Link(target)) => DiskReply::Target(target.clone()),
                _ => return Err(missing()),
            },
            DiskAction::Open(slot, path) => match tree.get(path.as_bytes()) {
                Some(Node::File(_, content)) => {
                    open.insert(slot, content.to_vec());
                    DiskReply::Done
                }
                _ => return Err(missing()),
            },
            DiskAction::Read(slot, offset, length) => {
                let content = open.get(&slot).ok_or_else(missing)?;
                let begin = content.len().min(offset as usize);
                DiskReply::Data(Bytes::copy_from_slice(&content[begin..content.len().min(begin + length)]))
            }
            DiskAction::Close(slot) | DiskAction::Discard(slot) => {
                self.made.lock().unwrap().remove(&slot);
                open.remove(&slot).ok_or_else(missing)?;
                DiskReply::Done
            }
            DiskAction::Create(slot, making) => {
                open.insert(slot, Vec::new());
                self.made.lock().unwrap().insert(slot, making);
                DiskReply::Done
            }
            DiskAction::Write(slot, offset, data) => {
                let content = open.get_mut(&slot).ok_or_else(missing)?;
                let end = offset as usize + data.len();
                content.resize(content.len().max(end), 0);
                content[offset as usize..end].copy_from_slice(&data);
                DiskReply::Done
            }
            DiskAction::Finish(slot) => {
                let content = open.remove(&slot).ok_or_else(missing)?;
                let making = self.made.lock().unwrap().remove(&slot).ok_or_else(missing)?;
                let mode = making.attributes.permissions().unwrap_or(0o600);
                tree.insert(making.path.as_bytes().to_vec(), Node::File(mode, content.into()));
                DiskReply::Done
            }
            DiskAction::Mkdir(path, attributes) => {
                let mode = attributes.permissions().unwrap_or(0o700);
                tree.insert(path.as_bytes().to_vec(), Node::Directory(mode));
                DiskReply::Done
            }
            DiskAction::Symlink(making, target) => {
                tree.insert(making.path.as_bytes().to_vec(), Node::Link(target));
                DiskReply::Done
            }
            DiskAction::Setstat(path, attributes) => {
                let node = tree.get_mut(path.as_bytes()).ok_or_else(missing)?;
                if let (Node::Directory(mode), Some(set)) = (node, attributes.permissions()) {
                    *mode = set;
                }
                DiskReply::Done
            }
            DiskAction::Remove(path, _) => {
                tree.remove(path.as_bytes()).ok_or_else(missing)?;
                DiskReply::Done
            }
            other => return Err(Failure::new(FailureKind::Unsupported, format!("{other:?}"))),
        })
    }

    fn nonce(&self) -> u64 {
        self.nonce
    }
}
