//! Every bound on memory and time that the core sets, in one place.

use core::time::Duration;

/// The largest answer that is held in memory: a list of 100,000 instances with their state has 446 MB.
pub const ANSWER: u64 = 1 << 30;

/// The largest element of a list, where the list is taken one by one or collected.
pub const ELEMENT: usize = 16 << 20;

/// The largest error answer that is read; LXD's own have a few hundred bytes.
pub const ERROR_ANSWER: u64 = 64 << 10;

/// How much of a foreign answer is looked at for an error's text.
pub(crate) const EXCERPT: usize = 1 << 10;

/// The largest websocket message that is accepted. LXD's data frames have at most 64 KiB; an event has a few KiB.
pub const MESSAGE: usize = 16 << 20;

/// How much a piece of the caller's input holds at most. What a command reads goes in messages of this size: smaller ones
/// cost LXD more.
pub const CHUNK: usize = 512 << 10;

/// The largest head of a part of a multipart answer; LXD's have about 200 bytes.
pub const PART_HEAD: usize = 8 << 10;

/// How many received messages wait for the caller's writer before no more are received.
pub const WINDOW: usize = 4;

/// The largest output that [`output()`](crate::resources::Exec::output) collects, stdout and stderr each.
pub const OUTPUT: u64 = 1 << 30;

/// How long the server may keep one `/wait` open. Then it is asked again, so a dead connection is noticed, and a proxy
/// that closes silent connections after 30 s or more does no harm.
pub const WAIT: Duration = Duration::from_secs(15);

/// How much longer than [`WAIT`] an answer to `/wait` may take before the operation itself is looked at.
pub const WAIT_GRACE: Duration = Duration::from_secs(5);

/// How long after the end of all streams of a command its `/wait` may be silent before the operation is looked at.
pub(crate) const EXEC_SETTLE: Duration = Duration::from_millis(500);

/// How long a stream of a command may be silent after the operation ended before it counts as cut off.
pub(crate) const EXEC_DRAIN: Duration = Duration::from_secs(10);

/// How long after one server's failure of a copy the other may say why, before it is cancelled.
pub(crate) const MIGRATION_GRACE: Duration = Duration::from_millis(500);
/// How long a command that was killed may take to end.
pub const EXEC_KILL: Duration = Duration::from_secs(5);

/// How long nothing is typed at a console that was just opened.
pub(crate) const CONSOLE_CALM: Duration = Duration::from_millis(500);

/// How long after the server has said that it saw a console left it is given to heed that.
pub(crate) const CONSOLE_LEFT: Duration = Duration::from_millis(100);

/// How long the server may take to see that a console is left.
pub(crate) const CONSOLE_LEAVE: Duration = Duration::from_secs(2);

/// How often [`edit`](crate::Object::edit) starts again when somebody else was faster.
pub const EDIT_TRIES: u32 = 16;

/// How long the events may be silent before their connection counts as dead. The server pings every 10 s, and a ping is
/// no silence. It is noticed up to 5 s later.
pub const SILENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether the events are silent.
pub(crate) const SILENCE_TICK: Duration = Duration::from_secs(5);

/// After how long lost events are connected again, when connecting at once has failed. Each time it takes twice as long.
pub(crate) const RECONNECT_FIRST: Duration = Duration::from_millis(250);

/// The longest time between two attempts to connect lost events again.
pub const RECONNECT: Duration = Duration::from_secs(10);

/// How long to wait before something is looked at again that no event tells: an instance's addresses, its agent, or what
/// could not be asked because the server was away.
pub const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// For how long a virtual machine's agent, which comes and goes while the machine starts, has to be there.
pub const STEADY: Duration = Duration::from_secs(2);

/// The largest packet of SFTP that is accepted: as OpenSSH. LXD's have 32 KiB and a few bytes.
pub const SFTP_PACKET: usize = 256 << 10;

/// How many bytes one request of SFTP reads or writes: the most that LXD's server gives at once.
pub const SFTP_PIECE: u32 = 32 << 10;

/// How many requests of SFTP are on the way at once.
pub const SFTP_WINDOW: usize = 64;

/// The longest path that is sent by SFTP; Linux takes none over 4 KiB.
pub(crate) const SFTP_PATH: usize = 32 << 10;

/// The longest name of an open file that is accepted; SFTP allows no longer one.
pub(crate) const SFTP_HANDLE: usize = 256;

/// How much memory the entries of one directory may take, which are some 500,000.
pub const SFTP_DIRECTORY: usize = 64 << 20;

/// How long the server may say nothing while SFTP's requests are on the way, before its connection counts as dead. That is
/// noticed up to 15 s later.
pub const SFTP_SILENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether SFTP's server is silent.
pub(crate) const SFTP_SILENCE_TICK: Duration = Duration::from_secs(15);

/// How many requests of the files API are on the way at once, for a tree.
pub const FILES_AT_ONCE: usize = 4;

/// The longest list of one directory that is accepted from the files API, in bytes.
pub const FILES_DIRECTORY: u64 = 16 << 20;

/// How long the server may take to open something in a directory, before it is taken for no file: a pipe opens only when
/// somebody writes to it.
pub const FILES_OPEN: Duration = Duration::from_secs(20);

/// How much memory the names may take that a copy of a tree has to remember: what is still to be done, what was left out.
pub const TREE: usize = 256 << 20;

/// How deep a tree may be that is copied.
pub const TREE_DEPTH: usize = 128;

/// After how many failures a copy of a tree is given up.
pub const TREE_FAILURES: usize = 1000;

/// How many things of a tree are copied at once.
pub(crate) const TREE_AT_ONCE: usize = 64;

/// How many bytes of a file are compared at once with those of the one that is there.
pub(crate) const TREE_COMPARED: usize = 64 << 10;

/// How many directories of a tree are listed at once.
pub(crate) const TREE_LISTINGS: usize = 4;

/// How many pieces of files, of [`CHUNK`] bytes at most, are on the way at once.
pub(crate) const TREE_PIECES: usize = 32;
