//! A file system in memory.

use std::{collections::BTreeMap, sync::Arc};

/// How many links a path may lead through.
const LINKS: usize = 40;

/// What is at a path.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) data: Data,
    /// Permissions: `0o7777` at most.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Seconds since 1970.
    pub(crate) modified: u64,
}

#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// Shared with snapshots until one of them is written to.
    File(Arc<Vec<u8>>),
    Directory(BTreeMap<Vec<u8>, Node>),
    Link(Vec<u8>),
    /// A pipe, a socket or a device: the upper bits of its mode.
    Special(u32),
}

/// Why something cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    NotFound,
    NotADirectory,
    IsADirectory,
    NotEmpty,
    Exists,
    TooManyLinks,
}

impl Fault {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::NotFound => "no such file or directory",
            Self::NotADirectory => "not a directory",
            Self::IsADirectory => "is a directory",
            Self::NotEmpty => "directory not empty",
            Self::Exists => "file exists",
            Self::TooManyLinks => "too many levels of symbolic links",
        }
    }
}

impl Node {
    pub(crate) fn new(data: Data, mode: u32, modified: u64) -> Self {
        Self { data, mode, uid: 0, gid: 0, modified }
    }

    pub(crate) fn directory(modified: u64) -> Self {
        Self::new(Data::Directory(BTreeMap::new()), 0o755, modified)
    }

    pub(crate) fn file(content: impl Into<Vec<u8>>, modified: u64) -> Self {
        Self::new(Data::File(Arc::new(content.into())), 0o644, modified)
    }

    pub(crate) fn link(target: impl Into<Vec<u8>>, modified: u64) -> Self {
        Self::new(Data::Link(target.into()), 0o777, modified)
    }

    /// The mode with the kind in its upper bits.
    pub(crate) fn whole_mode(&self) -> u32 {
        self.mode
            | match &self.data {
                Data::File(_) => 0o100_000,
                Data::Directory(_) => 0o040_000,
                Data::Link(_) => 0o120_000,
                Data::Special(kind) => *kind,
            }
    }

    pub(crate) fn size(&self) -> u64 {
        match &self.data {
            Data::File(content) => content.len() as u64,
            Data::Link(target) => target.len() as u64,
            Data::Directory(_) => 4096,
            Data::Special(_) => 0,
        }
    }

    pub(crate) fn entries(&self) -> Option<&BTreeMap<Vec<u8>, Self>> {
        if let Data::Directory(entries) = &self.data { Some(entries) } else { None }
    }

    fn entries_mut(&mut self) -> Option<&mut BTreeMap<Vec<u8>, Self>> {
        if let Data::Directory(entries) = &mut self.data { Some(entries) } else { None }
    }

    pub(crate) fn content(&self) -> Option<&Arc<Vec<u8>>> {
        if let Data::File(content) = &self.data { Some(content) } else { None }
    }

    pub(crate) fn content_mut(&mut self) -> Option<&mut Vec<u8>> {
        if let Data::File(content) = &mut self.data { Some(Arc::make_mut(content)) } else { None }
    }
}

/// A whole file system.
#[derive(Clone, Debug)]
pub(crate) struct Tree(pub(crate) Node);

/// Names from the root on, without links, `.` and `..`.
pub(crate) type Names = Vec<Vec<u8>>;

impl Tree {
    pub(crate) fn new(modified: u64) -> Self {
        Self(Node::directory(modified))
    }

    /// Where a path leads, whether anything is there or not: every link on the way is followed, and the last one if that
    /// is wanted.
    pub(crate) fn resolve(&self, path: &[u8], follow: bool) -> Result<Names, Fault> {
        let mut left: Vec<Vec<u8>> = parts(path).rev().map(<[u8]>::to_vec).collect();
        let (mut names, mut links) = (Names::new(), 0);
        while let Some(part) = left.pop() {
            match part.as_slice() {
                b"." => continue,
                b".." => {
                    names.pop();
                    continue;
                }
                _ => {}
            }
            names.push(part);
            let is_last = left.is_empty();
            let target = match self.at(&names).map(|node| &node.data) {
                Some(Data::Link(target)) if follow || !is_last => target,
                Some(Data::Directory(_)) => continue,
                Some(_) if !is_last => return Err(Fault::NotADirectory),
                None if !is_last => return Err(Fault::NotFound),
                _ => continue,
            };
            links += 1;
            if links > LINKS {
                return Err(Fault::TooManyLinks);
            }
            if target.first() == Some(&b'/') {
                names.clear();
            } else {
                drop(names.pop());
            }
            left.extend(parts(target).rev().map(<[u8]>::to_vec));
        }
        Ok(names)
    }

    pub(crate) fn at(&self, names: &[Vec<u8>]) -> Option<&Node> {
        names.iter().try_fold(&self.0, |node, name| node.entries()?.get(name))
    }

    pub(crate) fn at_mut(&mut self, names: &[Vec<u8>]) -> Option<&mut Node> {
        names.iter().try_fold(&mut self.0, |node, name| node.entries_mut()?.get_mut(name))
    }

    pub(crate) fn get(&self, path: &[u8], follow: bool) -> Result<&Node, Fault> {
        self.at(&self.resolve(path, follow)?).ok_or(Fault::NotFound)
    }

    pub(crate) fn get_mut(&mut self, path: &[u8], follow: bool) -> Result<&mut Node, Fault> {
        let names = self.resolve(path, follow)?;
        self.at_mut(&names).ok_or(Fault::NotFound)
    }

    /// Puts something at a path, over what is there unless that is a directory.
    pub(crate) fn put(&mut self, path: &[u8], node: Node, follow: bool) -> Result<(), Fault> {
        let names = self.resolve(path, follow)?;
        self.put_at(&names, node)
    }

    pub(crate) fn put_at(&mut self, names: &[Vec<u8>], node: Node) -> Result<(), Fault> {
        let modified = node.modified;
        let Some((name, directory)) = names.split_last() else { return Err(Fault::Exists) };
        let parent = self.at_mut(directory).ok_or(Fault::NotFound)?;
        let entries = parent.entries_mut().ok_or(Fault::NotADirectory)?;
        if entries.get(name).is_some_and(|there| there.entries().is_some()) {
            return Err(Fault::IsADirectory);
        }
        entries.insert(name.clone(), node);
        parent.modified = modified;
        Ok(())
    }

    /// The same with all directories on the way.
    pub(crate) fn put_deep(&mut self, path: &[u8], node: Node) {
        let names: Vec<&[u8]> = parts(path).filter(|part| *part != b"." && *part != b"..").collect();
        let Some((last, directories)) = names.split_last() else { return };
        let mut here = &mut self.0;
        for name in directories {
            if here.entries().is_none() {
                return;
            }
            let Some(entries) = here.entries_mut() else { return };
            here = entries.entry(name.to_vec()).or_insert_with(|| Node::directory(node.modified));
        }
        let Some(entries) = here.entries_mut() else { return };
        match (entries.get_mut(*last), &node.data) {
            // A directory whose entries came first.
            (Some(there), Data::Directory(_)) if there.entries().is_some() => {
                (there.mode, there.uid, there.gid, there.modified) = (node.mode, node.uid, node.gid, node.modified);
            }
            _ => drop(entries.insert(last.to_vec(), node)),
        }
    }

    /// Takes away what is at a path, and no full directory.
    pub(crate) fn remove(&mut self, path: &[u8]) -> Result<Node, Fault> {
        let names = self.resolve(path, false)?;
        let node = self.at(&names).ok_or(Fault::NotFound)?;
        if node.entries().is_some_and(|entries| !entries.is_empty()) {
            return Err(Fault::NotEmpty);
        }
        let (name, directory) = names.split_last().ok_or(Fault::NotEmpty)?;
        let entries = self.at_mut(directory).and_then(Node::entries_mut).ok_or(Fault::NotFound)?;
        entries.remove(name).ok_or(Fault::NotFound)
    }

    /// Gives something another path, over what is there if that is wanted.
    pub(crate) fn rename(&mut self, from: &[u8], to: &[u8], over: bool) -> Result<(), Fault> {
        let (from, to) = (self.resolve(from, false)?, self.resolve(to, false)?);
        let node = self.at(&from).ok_or(Fault::NotFound)?;
        let there = self.at(&to);
        if from == to {
            return Ok(());
        }
        match there {
            Some(_) if !over => return Err(Fault::Exists),
            Some(there) if there.entries().is_some_and(|entries| !entries.is_empty()) => return Err(Fault::NotEmpty),
            Some(there) if there.entries().is_some() != node.entries().is_some() => return Err(Fault::Exists),
            _ => {}
        }
        let (name, directory) = to.split_last().ok_or(Fault::Exists)?;
        self.at(directory).ok_or(Fault::NotFound)?.entries().ok_or(Fault::NotADirectory)?;
        let (old, from) = from.split_last().ok_or(Fault::NotFound)?;
        let entries = self.at_mut(from).and_then(Node::entries_mut).ok_or(Fault::NotFound)?;
        let node = entries.remove(old).ok_or(Fault::NotFound)?;
        let entries = self.at_mut(directory).and_then(Node::entries_mut).ok_or(Fault::NotFound)?;
        entries.insert(name.clone(), node);
        Ok(())
    }
}

fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty())
}

/// Names as a path.
pub(crate) fn path(names: &[Vec<u8>]) -> Vec<u8> {
    let mut path = Vec::new();
    for name in names {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    if path.is_empty() { b"/".to_vec() } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_and_loops_end() {
        let mut tree = Tree::new(0);
        tree.put_deep(b"/a/b/file", Node::file("x", 0));
        tree.put(b"/a/link", Node::link("b/../b", 0), false).unwrap();
        tree.put(b"/loop", Node::link("/loop", 0), false).unwrap();
        assert_eq!(path(&tree.resolve(b"/a/link/file", true).unwrap()), b"/a/b/file");
        assert_eq!(tree.get(b"/loop", true).err(), Some(Fault::TooManyLinks));
        assert!(tree.get(b"/loop", false).is_ok());
        assert_eq!(tree.get(b"/a/b/file/more", true).err(), Some(Fault::NotADirectory));
        assert_eq!(tree.remove(b"/a/b").err(), Some(Fault::NotEmpty));
        tree.rename(b"/a/b", b"/c", false).unwrap();
        assert_eq!(tree.get(b"/c/file", true).unwrap().size(), 1);
        assert_eq!(tree.put(b"/no/where", Node::file("", 0), true), Err(Fault::NotFound));
    }
}
