//! SFTP: an instance's files, many requests at a time.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use lxd_proto::{
    flow::Message,
    sftp::{
        Answer as Reply, Ask as Request, Asked, Attributes, BytePath, Decoder, Entry, File, OpenFlags, Status, version,
    },
};

use crate::{
    Exchange, Sim,
    answer::{Answer, Refusal},
    ask::Ask,
    instances::Key,
    sockets::Socket,
    tree::{Data, Fault, Names, Node, Tree, path},
};

/// The largest file that is held: everything is in memory.
pub(crate) const LARGEST: u64 = 1 << 28;

/// The longest name.
const NAME: usize = 255;

/// How many entries of a directory one answer holds.
const ENTRIES: usize = 100;

/// A connection.
#[derive(Debug)]
pub(crate) struct Session {
    key: Key,
    decoder: Decoder,
    open: BTreeMap<Bytes, Open>,
    last: u32,
}

#[derive(Debug)]
enum Open {
    /// Where it is, and whether it is only written to at its end.
    File(Names, bool),
    /// What of it was not given yet.
    Directory(Vec<Entry>),
}

impl Sim {
    pub(crate) fn open_sftp(&mut self, ask: &Ask, key: &Key) -> Result<Answer, Refusal> {
        if !ask.upgrades_to("sftp") {
            return Err(Refusal::bad("Missing or invalid upgrade header"));
        }
        let session = Session { key: key.clone(), decoder: Decoder::default(), open: BTreeMap::new(), last: 0 };
        self.upgrade(ask.exchange, Socket::Sftp(Box::new(session)));
        Ok(Answer::Later)
    }

    /// A piece has come. It says whether the connection goes on.
    pub(crate) fn sftp_received(&mut self, exchange: Exchange, session: &mut Session, message: Message) -> bool {
        let Message::Binary(piece) = message else { return true };
        session.decoder.push(&piece);
        let mut out = BytesMut::new();
        let goes_on = loop {
            match session.decoder.take_asked() {
                Ok(None) => break true,
                Ok(Some(Asked::Init(_))) => version(&mut out),
                Ok(Some(Asked::Ask(id, ask))) => {
                    let now = self.seconds();
                    let reply = match self.instances.get_mut(&session.key) {
                        Some(_) if self.disk_is_full && matches!(ask, Request::Write(..)) => Err(full()),
                        Some(inside) => session.reply(&mut inside.tree, now, ask),
                        None => Err(Reply::Status(Status::NoConnection, "the instance is gone".into())),
                    };
                    reply.unwrap_or_else(|refusal| refusal).encode(id, &mut out);
                }
                Ok(Some(Asked::Unknown(id))) => {
                    Reply::Status(Status::Unsupported, "operation unsupported".into()).encode(id, &mut out);
                }
                _ => break false,
            }
        };
        if !out.is_empty() {
            self.say(exchange, Message::Binary(out.freeze()));
        }
        goes_on
    }
}

impl Session {
    fn reply(&mut self, tree: &mut Tree, now: u64, ask: Request) -> Result<Reply, Reply> {
        let done = Reply::Status(Status::Ok, String::new());
        match ask {
            Request::Open(at, flags) => self.open(tree, now, &at, flags),
            Request::Close(file) => self.open.remove(file.handle()).map(|_| done).ok_or_else(unknown),
            Request::Read(file, offset, length) => {
                let content = self.file(tree, &file)?.content().ok_or_else(|| refused(Fault::IsADirectory))?;
                let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
                let end = content.len().min(begin.saturating_add(length as usize));
                match &content[begin..end] {
                    [] => Err(Reply::Status(Status::Eof, "EOF".into())),
                    piece => Ok(Reply::Data(Bytes::copy_from_slice(piece))),
                }
            }
            Request::Write(file, offset, data) => {
                let appends = matches!(self.open.get(file.handle()), Some(Open::File(_, true)));
                let node = self.file(tree, &file)?;
                node.modified = now;
                let content = node.content_mut().ok_or_else(|| refused(Fault::IsADirectory))?;
                let offset = if appends { content.len() as u64 } else { offset };
                let end = offset.saturating_add(data.len() as u64);
                if end > LARGEST {
                    return Err(full());
                }
                let (begin, end) = (offset as usize, end as usize);
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[begin..end].copy_from_slice(&data);
                Ok(done)
            }
            Request::Lstat(at) => found(tree, &at, false),
            Request::Stat(at) => found(tree, &at, true),
            Request::Fstat(file) => Ok(Reply::Attributes(attributes(self.file(tree, &file)?))),
            Request::Setstat(at, said) => {
                set(tree.get_mut(at.as_bytes(), true).map_err(refused)?, now, said).map(|()| done)
            }
            Request::Fsetstat(file, said) => set(self.file(tree, &file)?, now, said).map(|()| done),
            Request::Opendir(at) => {
                let node = tree.get(at.as_bytes(), true).map_err(refused)?;
                let entries = node.entries().ok_or_else(|| refused(Fault::NotADirectory))?;
                let entry = |(name, node): (&Vec<u8>, &Node)| Entry::new(&name[..], attributes(node));
                Ok(self.handle(Open::Directory(entries.iter().map(entry).rev().collect())))
            }
            Request::Readdir(file) => match self.open.get_mut(file.handle()) {
                Some(Open::Directory(left)) if left.is_empty() => Err(Reply::Status(Status::Eof, "EOF".into())),
                Some(Open::Directory(left)) => {
                    let rest = left.len().saturating_sub(ENTRIES);
                    Ok(Reply::Names(left.drain(rest..).rev().collect()))
                }
                _ => Err(unknown()),
            },
            Request::Remove(at) | Request::Rmdir(at) => tree.remove(at.as_bytes()).map(|_| done).map_err(refused),
            Request::Mkdir(at) => {
                named(&at)?;
                match tree.get(at.as_bytes(), false) {
                    Ok(_) => Err(refused(Fault::Exists)),
                    Err(Fault::NotFound) => {
                        tree.put(at.as_bytes(), Node::directory(now), false).map(|()| done).map_err(refused)
                    }
                    Err(fault) => Err(refused(fault)),
                }
            }
            Request::Realpath(at) => Ok(Reply::Names(vec![Entry::new(clean(at.as_bytes()), Attributes::default())])),
            // Go's server calls the system's rename for both.
            Request::Rename(from, to) | Request::PosixRename(from, to) => {
                named(&to)?;
                tree.rename(from.as_bytes(), to.as_bytes(), true).map(|()| done).map_err(refused)
            }
            Request::Readlink(at) => match &tree.get(at.as_bytes(), false).map_err(refused)?.data {
                Data::Link(target) => Ok(Reply::Names(vec![Entry::new(&target[..], Attributes::default())])),
                _ => Err(Reply::Status(Status::Failure, "invalid argument".into())),
            },
            Request::Symlink(at, target) => {
                named(&at)?;
                match tree.get(at.as_bytes(), false) {
                    Ok(_) => Err(refused(Fault::Exists)),
                    Err(_) => {
                        let link = Node::link(target.as_bytes(), now);
                        tree.put(at.as_bytes(), link, false).map(|()| done).map_err(refused)
                    }
                }
            }
            _ => Err(Reply::Status(Status::Unsupported, "operation unsupported".into())),
        }
    }

    fn open(&mut self, tree: &mut Tree, now: u64, at: &BytePath, flags: OpenFlags) -> Result<Reply, Reply> {
        named(at)?;
        let names = tree.resolve(at.as_bytes(), true).map_err(refused)?;
        match tree.at_mut(&names) {
            Some(_) if flags.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE) => return Err(refused(Fault::Exists)),
            Some(node) if node.entries().is_some() && flags.contains(OpenFlags::WRITE) => {
                return Err(refused(Fault::IsADirectory));
            }
            Some(node) if flags.contains(OpenFlags::TRUNCATE) => {
                node.modified = now;
                node.content_mut().into_iter().for_each(Vec::clear);
            }
            Some(_) => {}
            None if flags.contains(OpenFlags::CREATE) => tree.put_at(&names, Node::file("", now)).map_err(refused)?,
            None => return Err(refused(Fault::NotFound)),
        }
        Ok(self.handle(Open::File(names, flags.contains(OpenFlags::APPEND))))
    }

    fn handle(&mut self, open: Open) -> Reply {
        self.last += 1;
        let handle = Bytes::from(self.last.to_string());
        self.open.insert(handle.clone(), open);
        Reply::Handle(handle)
    }

    fn file<'a>(&self, tree: &'a mut Tree, file: &File) -> Result<&'a mut Node, Reply> {
        match self.open.get(file.handle()) {
            Some(Open::File(names, _)) => tree.at_mut(names).ok_or_else(|| refused(Fault::NotFound)),
            _ => Err(unknown()),
        }
    }
}

fn found(tree: &Tree, at: &BytePath, follow: bool) -> Result<Reply, Reply> {
    Ok(Reply::Attributes(attributes(tree.get(at.as_bytes(), follow).map_err(refused)?)))
}

fn attributes(node: &Node) -> Attributes {
    let time = u32::try_from(node.modified).unwrap_or(u32::MAX);
    let mut found = Attributes::default().with_size(node.size()).with_owner(node.uid, node.gid).with_times(time, time);
    found.mode = Some(node.whole_mode());
    found
}

fn set(node: &mut Node, now: u64, said: Attributes) -> Result<(), Reply> {
    if let Some(size) = said.size {
        if size > LARGEST {
            return Err(full());
        }
        node.modified = now;
        node.content_mut().ok_or_else(|| refused(Fault::IsADirectory))?.resize(size as usize, 0);
    }
    if let Some((uid, gid)) = said.owner {
        (node.uid, node.gid) = (uid, gid);
    }
    if let Some(mode) = said.permissions() {
        node.mode = mode;
    }
    if let Some((_, modified)) = said.times {
        node.modified = modified.into();
    }
    Ok(())
}

/// Refuses names that no file system takes.
fn named(at: &BytePath) -> Result<(), Reply> {
    let name = at.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    if name.len() > NAME { Err(Reply::Status(Status::Failure, "file name too long".into())) } else { Ok(()) }
}

fn refused(fault: Fault) -> Reply {
    let status = if fault == Fault::NotFound { Status::NoSuchFile } else { Status::Failure };
    Reply::Status(status, fault.text().into())
}

fn full() -> Reply {
    Reply::Status(Status::Failure, "no space left on device".into())
}

fn unknown() -> Reply {
    Reply::Status(Status::Failure, "invalid handle".into())
}

/// An absolute path without `.` and `..`, whatever is there.
fn clean(at: &[u8]) -> Vec<u8> {
    let mut names = Names::new();
    for part in at.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(names.pop()),
            part => names.push(part.to_vec()),
        }
    }
    path(&names)
}
