//! What people type.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
};

use bytes::Bytes;
use http::{HeaderValue, Method, header};

use super::{
    Answered, Ask, Attributes, BytePath, Entry, File, Line, OpenFlags,
    operations::{Get, Greet, One, Operation, Put, ReadAt, Readdir, Running, WholeFile, WriteAt},
    transfer::Writing,
};
use crate::{
    Async, Blocking, Client, Error, Object, Request, Sending, Streams,
    crud::Resource,
    endpoint::bare,
    flow::{AsyncIo, BlockingIo, Driver, Ids, Scoped},
    resources::Instance,
};

impl<C: Client> Object<C, Instance> {
    /// Its files by SFTP: `GET /1.0/instances/{name}/sftp`. The extension is as old as LXD 4.22 and has no name; an older
    /// server answers 404. A container need not run; a virtual machine needs its agent.
    pub fn sftp(&self) -> Connect<C> {
        Connect { client: self.client.clone(), instance: self.at.clone() }
    }
}

/// A session, not yet begun.
#[derive(Clone, Debug)]
#[must_use = "nothing happens until it is sent (blocking) or awaited (async)"]
pub struct Connect<C> {
    client: C,
    instance: String,
}

/// The request for SFTP.
pub(crate) fn request(instance: &String) -> Result<Request, Error> {
    let mut request = bare(Method::GET, &Instance::path(instance).join("sftp"))?;
    let headers = request.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("sftp"));
    Ok(request)
}

impl<C: Client> Connect<C> {
    /// The request as it would be sent, without sending it.
    ///
    /// # Errors
    /// [`Error::InvalidName`].
    pub fn request(&self) -> Result<Request, Error> {
        let mut request = request(&self.instance)?;
        self.client.scope().apply(&mut request)?;
        Ok(request)
    }

    fn session<I>(&self, io: I) -> Result<Sftp<I>, Error> {
        Ok(Sftp { line: Line::new(request(&self.instance)?, Ids::default()), io })
    }
}

impl<C: Blocking> Connect<C> {
    /// Begins the session.
    ///
    /// # Errors
    /// What LXD answered, or what went wrong on the way.
    pub fn send(self) -> Result<Sftp<C::Io>, Error> {
        let mut session = self.session(self.client.io(Streams::default()))?;
        let greeting =
            Scoped::new(Running::new(&mut session.line, Box::new(Greet)), [self.client.scope().clone()].into());
        Driver::new(greeting, &mut session.io).run()?;
        Ok(session)
    }
}

impl<C: Async> IntoFuture for Connect<C> {
    type Output = Result<Sftp<C::Io>, Error>;
    type IntoFuture = Sending<Sftp<C::Io>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut session = self.session(self.client.io(Streams::default()))?;
            let greeting =
                Scoped::new(Running::new(&mut session.line, Box::new(Greet)), [self.client.scope().clone()].into());
            let mut driver = Driver::new(greeting, &mut session.io);
            poll_fn(|context| driver.poll_run(context)).await?;
            drop(driver);
            Ok(session)
        })
    }
}

/// A session: one connection, on which one call follows the other. Files are sent and received with up to
/// [`limits::SFTP_WINDOW`](crate::limits::SFTP_WINDOW) requests on the way, of
/// [`limits::SFTP_PIECE`](crate::limits::SFTP_PIECE) bytes each.
///
/// Paths are bytes ([`BytePath`]), made of texts, bytes or (on Unix) `path.as_os_str().as_bytes()`. Relative ones begin at
/// the root. Where a call fails with [`Error::Sftp`], the session goes on. It ends when it is dropped. A future of an async
/// call may be dropped: what the server still answers is nobody's then, and what was opened is closed.
pub struct Sftp<I> {
    line: Line,
    io: I,
}

impl<I> fmt::Debug for Sftp<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sftp").field("line", &self.line).finish_non_exhaustive()
    }
}

/// A call of a session, not yet sent.
#[must_use = "nothing happens until it is sent (blocking) or awaited (async)"]
pub struct Doing<'a, I, T> {
    session: &'a mut Sftp<I>,
    operation: Box<dyn Operation<Output = T>>,
}

impl<I, T> fmt::Debug for Doing<'_, I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doing").field("session", &self.session).finish_non_exhaustive()
    }
}

impl<I: BlockingIo, T: Send> Doing<'_, I, T> {
    /// Does it.
    ///
    /// # Errors
    /// [`Error::Sftp`] with the server's own, and what went wrong on the way.
    pub fn send(self) -> Result<T, Error> {
        Driver::new(Running::new(&mut self.session.line, self.operation), &mut self.session.io).run()
    }
}

impl<'a, I: AsyncIo, T: Send + 'a> IntoFuture for Doing<'a, I, T> {
    type Output = Result<T, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Sftp { line, io } = self.session;
            let mut driver = Driver::new(Running::new(line, self.operation), io);
            poll_fn(|context| driver.poll_run(context)).await
        })
    }
}

macro_rules! calls {
    ($($(#[$meta:meta])* $name:ident($($arg:ident: $type:ty),*) -> $output:ty = $make:expr;)*) => {
        impl<I> Sftp<I> {$(
            $(#[$meta])*
            pub fn $name(&mut self, $($arg: $type),*) -> Doing<'_, I, $output> {
                Doing { session: self, operation: Box::new($make) }
            }
        )*}
    };
}

calls! {
    /// A whole file, within [`limits::ANSWER`](crate::limits::ANSWER). A link is followed.
    read(path: impl Into<BytePath>) -> Bytes = WholeFile::new(path.into(), Get);

    /// Writes a whole file, or over one, in place: when it breaks, a part is there. A link is followed. Owner and mode
    /// are the server's choice (on LXD 0 and 0644), or stay.
    write(path: impl Into<BytePath>, content: impl Into<Bytes>) -> () =
        WholeFile::new(path.into(), Put { content: content.into(), attributes: Attributes::default() });

    /// The same with these attributes, which it has before its content. So times do not stay as they are said.
    write_with(path: impl Into<BytePath>, content: impl Into<Bytes>, attributes: Attributes) -> () =
        WholeFile::new(path.into(), Put { content: content.into(), attributes });

    /// Opens a file. It stays open until it is closed, or the session ends.
    open(path: impl Into<BytePath>, flags: OpenFlags) -> File = One::new(Ask::Open(path.into(), flags), Answered::file);

    /// So many bytes of an open file, from an offset on; fewer where it ends.
    read_at(file: &File, offset: u64, length: usize) -> Bytes =
        ReadAt::new(file.clone(), offset, length as u64, length as u64);

    /// Writes at an offset of an open file.
    write_at(file: &File, offset: u64, data: impl Into<Bytes>) -> () =
        WriteAt(Writing::new(file.clone(), offset, data.into()));

    /// What an open file is.
    fstat(file: &File) -> Attributes = One::new(Ask::Fstat(file.clone()), Answered::attributes);

    /// Changes what is said of an open file; see [`setstat`](Self::setstat).
    fsetstat(file: &File, attributes: Attributes) -> () =
        One::all(attributes.in_order().map(|said| Ask::Fsetstat(file.clone(), said)), Answered::done);

    /// Closes a file. Some servers say only now that not all could be written.
    close(file: File) -> () = One::new(Ask::Close(file), Answered::done);

    /// What a path is. A link is followed.
    stat(path: impl Into<BytePath>) -> Attributes = One::new(Ask::Stat(path.into()), Answered::attributes);

    /// What a path is. A link is not followed.
    lstat(path: impl Into<BytePath>) -> Attributes = One::new(Ask::Lstat(path.into()), Answered::attributes);

    /// Changes what is said, and nothing else. A link is followed.
    setstat(path: impl Into<BytePath>, attributes: Attributes) -> () = {
        let path = path.into();
        One::all(attributes.in_order().map(|said| Ask::Setstat(path.clone(), said)), Answered::done)
    };

    /// What is in a directory, in the server's order, without `.` and `..`; within
    /// [`limits::SFTP_DIRECTORY`](crate::limits::SFTP_DIRECTORY).
    readdir(path: impl Into<BytePath>) -> Vec<Entry> = Readdir::new(path.into());

    /// Gives something another path, over what is there.
    rename(from: impl Into<BytePath>, to: impl Into<BytePath>) -> () =
        One::new(Ask::Rename(from.into(), to.into()), Answered::done);

    /// Removes a file or a link, and on LXD also an empty directory.
    remove(path: impl Into<BytePath>) -> () = One::new(Ask::Remove(path.into()), Answered::done);

    /// Makes a directory. LXD gives it the mode 0755 and the owner 0; [`setstat`](Self::setstat) changes that.
    mkdir(path: impl Into<BytePath>) -> () = One::new(Ask::Mkdir(path.into()), Answered::done);

    /// Removes an empty directory; LXD 5.0.2 removes a file too.
    rmdir(path: impl Into<BytePath>) -> () = One::new(Ask::Rmdir(path.into()), Answered::done);

    /// Makes a link at `path` that points to `target`.
    symlink(path: impl Into<BytePath>, target: impl Into<BytePath>) -> () =
        One::new(Ask::Symlink(path.into(), target.into()), Answered::done);

    /// Where a link points to.
    readlink(path: impl Into<BytePath>) -> BytePath = One::new(Ask::Readlink(path.into()), Answered::path);

    /// The absolute path, without `.` and `..`. LXD follows no links for it.
    realpath(path: impl Into<BytePath>) -> BytePath = One::new(Ask::Realpath(path.into()), Answered::path);
}
