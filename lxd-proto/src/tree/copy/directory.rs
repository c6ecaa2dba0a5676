//! What is done with a directory.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{Deed, DiskAction, Side, State, TreeFlow, Waiting, replies::unfit, tasks::Task};
use crate::{
    Error, limits,
    sftp::{Attributes, BytePath, Entry, FileKind},
    tree::options::Plan,
};

pub(super) type NodeId = u32;

/// What is in a directory of the target.
pub(super) type There = BTreeMap<BytePath, Attributes>;

/// A directory in which something is still to be done.
#[derive(Debug)]
pub(super) struct Node {
    parent: Option<NodeId>,
    path: BytePath,
    depth: usize,
    /// How much of what is in it, and one for itself until that is known.
    pending: usize,
    last: Last,
}

/// What is done with a directory when all in it is.
#[derive(Clone, Copy, Debug)]
enum Last {
    Set(Attributes),
    Nothing,
    Remove,
    /// It is no directory, but what a file that is copied by itself is in.
    Unseen,
}

impl TreeFlow {
    fn node(&mut self, parent: Option<NodeId>, path: BytePath, last: Last) -> Result<NodeId, Error> {
        let depth = parent.and_then(|parent| self.nodes.get(&parent)).map_or(0, |parent| parent.depth + 1);
        let id = self.number();
        self.nodes.insert(id, Node { parent, path, depth, pending: 1, last });
        self.listings += 1;
        Ok(id)
    }

    pub(super) fn enter(
        &mut self,
        parent: Option<NodeId>,
        path: BytePath,
        attributes: Attributes,
        exists: bool,
    ) -> Result<(), Error> {
        let wanted = self.options.attributes(&attributes);
        // The root keeps what it has.
        let last = if parent.is_none() && exists { Last::Nothing } else { Last::Set(wanted) };
        if matches!(last, Last::Set(_)) {
            self.count_lost(&path, &Attributes { size: None, ..attributes });
        }
        let node = self.node(parent, path.clone(), last)?;
        if self.nodes.get(&node).is_some_and(|node| node.depth > limits::TREE_DEPTH) {
            return self.give_up(node, Error::TooLarge { what: "a tree's depth", limit: limits::TREE_DEPTH as u64 });
        }
        match (exists, self.options.dry_run) {
            (true, _) => self.ask(Side::To, DiskAction::List(path), Waiting::There(node)),
            (false, false) => self.ask(Side::To, DiskAction::Mkdir(path, wanted), Waiting::Made(node)),
            (false, true) => self.list(node, There::new()),
        }
        Ok(())
    }

    /// Copies the root, which is a file.
    pub(super) fn only(&mut self, source: Attributes, there: Option<Attributes>) -> Result<(), Error> {
        let node = self.node(None, BytePath::default(), Last::Unseen)?;
        self.decide(node, BytePath::default(), source, there.as_ref())?;
        self.looked(node)
    }

    pub(super) fn path_of(&self, node: NodeId) -> BytePath {
        self.nodes.get(&node).map(|node| node.path.clone()).unwrap_or_default()
    }

    /// What is in the target's directory is known. What is in the source's?
    pub(super) fn list(&mut self, node: NodeId, there: There) {
        let path = self.path_of(node);
        self.ask(Side::From, DiskAction::List(path), Waiting::Source(node, there));
    }

    pub(super) fn listed(&mut self, node: NodeId, entries: Vec<Entry>, there: There) -> Result<(), Error> {
        let Some(path) = self.nodes.get(&node).map(|node| node.path.clone()) else { return Ok(()) };
        let mut seen = BTreeSet::new();
        for entry in entries {
            let within = path.join(entry.name.as_bytes());
            if let Err(error) = check(&entry.name) {
                self.fail(within, error)?;
            } else if !seen.insert(entry.name.clone()) {
                self.fail(within, Error::Protocol("a directory has this name twice".into()))?;
            } else if self.options.wants(&within, entry.attributes.kind()) {
                self.decide(node, within, entry.attributes, there.get(&entry.name))?;
            }
        }
        if self.options.delete_extra {
            for (name, attributes) in there.into_iter().filter(|(name, _)| !seen.contains(name)) {
                let (within, kind) = (path.join(name.as_bytes()), attributes.kind());
                if let Err(error) = check(&name) {
                    self.fail(within, error)?;
                } else if self.options.wants(&within, kind) {
                    self.child(node, Task::Remove { parent: node, path: within, kind })?;
                }
            }
        }
        self.looked(node)
    }

    fn decide(
        &mut self,
        parent: NodeId,
        path: BytePath,
        attributes: Attributes,
        there: Option<&Attributes>,
    ) -> Result<(), Error> {
        let exists = there.is_some();
        let compare = there.is_some_and(|there| there.kind() == FileKind::Symlink) && self.options.changed_only;
        let task = match self.options.plan(&attributes, there) {
            Plan::Directory => Task::Directory { parent, path, attributes, exists },
            Plan::File => Task::File { parent, path, attributes, exists, compare: false },
            Plan::Compare => Task::File { parent, path, attributes, exists, compare: true },
            Plan::Symlink => Task::Symlink { parent, path, exists, compare },
            Plan::Unchanged => {
                self.tell(&path, Deed::Unchanged);
                return Ok(());
            }
            Plan::LeaveOut(kind) => return self.leave_out(path, kind),
            Plan::InTheWay(kind) => {
                let error = unfit(&path, Some(kind), attributes.kind());
                return self.fail(path, error);
            }
        };
        self.child(parent, task)
    }

    fn child(&mut self, parent: NodeId, task: Task) -> Result<(), Error> {
        if let Some(node) = self.nodes.get_mut(&parent) {
            node.pending += 1;
        }
        self.add(task)
    }

    /// Removes what is in a directory, and then itself.
    pub(super) fn empty(&mut self, parent: NodeId, path: BytePath) -> Result<(), Error> {
        let node = self.node(Some(parent), path.clone(), Last::Remove)?;
        self.ask(Side::To, DiskAction::List(path), Waiting::Extra(node));
        Ok(())
    }

    pub(super) fn emptied(&mut self, node: NodeId, entries: Vec<Entry>) -> Result<(), Error> {
        let Some(path) = self.nodes.get(&node).map(|node| node.path.clone()) else { return Ok(()) };
        for entry in entries {
            let within = path.join(entry.name.as_bytes());
            match check(&entry.name) {
                Ok(()) => {
                    let kind = entry.attributes.kind();
                    self.child(node, Task::Remove { parent: node, path: within, kind })?;
                }
                Err(error) => self.fail(within, error)?,
            }
        }
        self.looked(node)
    }

    /// What is in it is known.
    fn looked(&mut self, node: NodeId) -> Result<(), Error> {
        self.listings = self.listings.saturating_sub(1);
        self.child_done(node)
    }

    /// A directory cannot be read or made.
    pub(super) fn give_up(&mut self, node: NodeId, error: Error) -> Result<(), Error> {
        self.listings = self.listings.saturating_sub(1);
        let Some(node) = self.nodes.remove(&node) else { return Ok(()) };
        self.fail(node.path, error)?;
        self.left_for(node.parent)
    }

    /// One thing in a directory is done.
    pub(super) fn child_done(&mut self, id: NodeId) -> Result<(), Error> {
        let Some(node) = self.nodes.get_mut(&id) else { return Ok(()) };
        node.pending = node.pending.saturating_sub(1);
        if node.pending > 0 {
            return Ok(());
        }
        let (path, last) = (node.path.clone(), node.last);
        let action = match last {
            Last::Set(attributes) => DiskAction::Setstat(path, attributes),
            Last::Remove => DiskAction::Remove(path, FileKind::Directory),
            Last::Nothing | Last::Unseen => return self.left(id, Ok(())),
        };
        if self.options.dry_run {
            return self.left(id, Ok(()));
        }
        self.ask(Side::To, action, Waiting::Leave(id));
        Ok(())
    }

    /// A directory is done.
    pub(super) fn left(&mut self, node: NodeId, result: Result<(), Error>) -> Result<(), Error> {
        let Some(node) = self.nodes.remove(&node) else { return Ok(()) };
        match (result, node.last) {
            (Err(error), _) => self.fail(node.path, error)?,
            (Ok(()), Last::Remove) => self.tell(&node.path, Deed::Removed),
            (Ok(()), Last::Unseen) => {}
            (Ok(()), _) => self.tell(&node.path, Deed::Directory),
        }
        self.left_for(node.parent)
    }

    fn left_for(&mut self, parent: Option<NodeId>) -> Result<(), Error> {
        match parent {
            Some(parent) => self.child_done(parent),
            None => {
                self.state = State::Done;
                Ok(())
            }
        }
    }
}

/// A name that is one, and stays in its directory.
fn check(name: &BytePath) -> Result<(), Error> {
    if name.is_name() {
        return Ok(());
    }
    Err(Error::InvalidName { name: alloc::format!("{}", name.as_bytes().escape_ascii()) })
}
