//! Files in an instance: `/1.0/instances/{name}/files`.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use bytes::Bytes;
use http::{HeaderMap, Method, header, response::Parts};

use super::Instance;
use crate::{
    Call, Client, Download, Endpoint, Error, Fetch, Payload, Request, Response, Run, Streams,
    compat::{Timestamp, open_enum},
    crud::{Changed, Deletable, Delete, Resource},
    endpoint::{Body, bare, set_header, with_body},
    envelope::{self, Envelope},
    flow::{InTurn, push::Push},
    headers,
    sftp::{Attributes, BytePath},
    uri::Path,
};

open_enum! {
    /// What a path is. LXD shows a device, a pipe or a socket as a file.
    pub enum FileType {
        /// A file.
        File = "file",
        /// A directory.
        Directory = "directory",
        /// A symbolic link.
        Symlink = "symlink",
    }
}

/// What LXD says of a path, in headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileInfo {
    /// What it is.
    pub kind: FileType,
    /// The owner's number in the instance.
    pub uid: Option<u32>,
    /// The group's number in the instance.
    pub gid: Option<u32>,
    /// Its permissions, `0o7777` at most.
    pub mode: Option<u32>,
    /// When it was modified, as Go prints a time: `2026-11-21 20:16:57 +0000 UTC`.
    pub modified: Option<String>,
    /// Its size in bytes, where the server says it: not for a directory, and not for `stat` on 5.0.2.
    pub size: Option<u64>,
}

impl FileInfo {
    /// When it was modified, in seconds since 1970.
    pub fn modified_at(&self) -> Option<i64> {
        let text = self.modified.as_deref()?;
        // After the number of its zone stands the zone's name.
        let (date, rest) = text.split_once(' ')?;
        let (time, rest) = rest.split_once(' ')?;
        let (hours, minutes) = rest.split(' ').next()?.split_at_checked(3)?;
        Some(Timestamp::new(&format!("{date}T{time}{hours}:{minutes}")).unix()?.0)
    }

    /// The same in SFTP's words.
    pub(crate) fn attributes(&self) -> Attributes {
        let kind = match self.kind {
            FileType::File => 0o100_000,
            FileType::Directory => 0o040_000,
            FileType::Symlink => 0o120_000,
            _ => 0,
        };
        // A time before 1970 or after 2106 cannot be said.
        let modified = self.modified_at().map(|seconds| u32::try_from(seconds.max(0)).unwrap_or(u32::MAX));
        let mut found = Attributes { size: self.size, owner: self.uid.zip(self.gid), ..Attributes::default() };
        found.mode = Some(kind | self.mode.unwrap_or(0));
        found.times = modified.map(|modified| (modified, modified));
        found
    }

    fn read(headers: &HeaderMap) -> Self {
        let text = |name| headers::text(headers, name);
        let number = |name| text(name).and_then(|text| text.parse().ok());
        Self {
            kind: text(headers::TYPE).unwrap_or("file").into(),
            uid: number(headers::UID),
            gid: number(headers::GID),
            mode: text(headers::MODE).and_then(|text| u32::from_str_radix(text, 8).ok()).map(|mode| mode & 0o7777),
            modified: text(headers::MODIFIED).map(String::from),
            size: headers::content_length(headers),
        }
    }

    fn expect(self, kind: FileType, wanted: &'static str, path: &BytePath) -> Result<Self, Error> {
        if self.kind == kind {
            return Ok(self);
        }
        Err(Error::WrongFileType { path: path.to_string(), found: self.kind.to_string(), wanted })
    }
}

/// Where a path's content and attributes are.
fn files(instance: &String, path: &BytePath) -> Path {
    Instance::path(instance).join("files").query("path", path.as_bytes())
}

/// The range of a file's last byte. An empty file has it too, with no byte in it. Of the first byte of an empty file 5.0.2
/// answers 416 with more than the announced body, and drops the connection when the next request is on its way.
const LAST_BYTE: &str = "bytes=-1";

/// A path in an instance; only `DELETE` of the generic verbs works on it.
#[derive(Debug, serde::Deserialize, Clone)]
pub struct File;

impl Resource for File {
    const KIND: &'static str = "file";
    /// The instance, and the path.
    type At = (String, BytePath);

    fn path((instance, path): &(String, BytePath)) -> Path {
        files(instance, path)
    }
}

impl Deletable for File {}

/// `GET /1.0/instances/{name}/files` of a file.
#[derive(Clone, Debug)]
pub struct GetFile {
    /// The instance's name.
    pub instance: String,
    /// The path in the instance.
    pub path: BytePath,
}

impl Download for GetFile {
    type Head = FileInfo;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &files(&self.instance, &self.path))
    }

    fn head(&self, head: &Parts) -> Result<FileInfo, Error> {
        let info = FileInfo::read(&head.headers);
        match info.kind {
            // The content of a link is its target, as a text.
            FileType::Symlink => Ok(info),
            _ => info.expect(FileType::File, "file", &self.path),
        }
    }
}

/// `GET /1.0/instances/{name}/files` of a directory.
#[derive(Clone, Debug)]
pub struct ListDirectory {
    /// The instance's name.
    pub instance: String,
    /// The path in the instance.
    pub path: BytePath,
}

impl Endpoint for ListDirectory {
    type Output = Vec<String>;

    fn request(&self) -> Result<Request, Error> {
        // Of a file only one byte is sent, so that a wrong guess costs nothing.
        let mut request = bare(Method::GET, &files(&self.instance, &self.path))?;
        set_header(&mut request, header::RANGE, LAST_BYTE)?;
        Ok(request)
    }

    fn response(&self, response: Response) -> Result<Vec<String>, Error> {
        if response.status().as_u16() < 400 || response.status().as_u16() == 416 {
            FileInfo::read(response.headers()).expect(FileType::Directory, "directory", &self.path)?;
        }
        Ok(envelope::sync::<Option<_>>("a directory", &response)?.unwrap_or_default())
    }
}

/// `HEAD /1.0/instances/{name}/files` (extension `instance_file_head`).
#[derive(Clone, Debug)]
pub struct Stat {
    /// The instance's name.
    pub instance: String,
    /// The path in the instance.
    pub path: BytePath,
}

impl Endpoint for Stat {
    type Output = FileInfo;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::HEAD, &files(&self.instance, &self.path))
    }

    fn response(&self, response: Response) -> Result<FileInfo, Error> {
        if response.status().is_success() {
            return Ok(FileInfo::read(response.headers()));
        }
        // An answer to HEAD has no body, so LXD's text is lost.
        let status = response.status();
        let message = format!("{}: {}", self.path, status.canonical_reason().unwrap_or("refused"));
        Err(Error::Api(crate::error::ApiError::new(status.as_u16(), message).into()))
    }
}

/// `GET` of a file's last byte: what it is, with its size, which a `HEAD` does not say on 5.0.2. Of a link, that is its
/// target's length; of a directory there is none.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) instance: String,
    pub(crate) path: BytePath,
}

impl Endpoint for Look {
    type Output = FileInfo;

    fn request(&self) -> Result<Request, Error> {
        ListDirectory { instance: self.instance.clone(), path: self.path.clone() }.request()
    }

    fn response(&self, response: Response) -> Result<FileInfo, Error> {
        let size = match response.status().as_u16() {
            // 416 is another server's answer for an empty file.
            206 | 416 => whole_size(&response),
            200 => Some(response.body().len() as u64),
            _ => return Err(refused(&response)),
        };
        let info = FileInfo::read(response.headers());
        match info.kind {
            FileType::File if size.is_none() => Err(Error::Protocol(format!("{} has no size", self.path))),
            FileType::Directory => Ok(FileInfo { size: None, ..info }),
            _ => Ok(FileInfo { size, ..info }),
        }
    }
}

/// `GET` of a part of a file: fewer bytes only where it ends.
#[derive(Clone, Debug)]
pub(crate) struct GetPart {
    pub(crate) instance: String,
    pub(crate) path: BytePath,
    pub(crate) offset: u64,
    pub(crate) length: usize,
}

impl Endpoint for GetPart {
    type Output = Bytes;

    fn request(&self) -> Result<Request, Error> {
        let mut request = bare(Method::GET, &files(&self.instance, &self.path))?;
        let last = self.offset.saturating_add(self.length as u64).saturating_sub(1);
        set_header(&mut request, header::RANGE, &format!("bytes={}-{last}", self.offset))?;
        Ok(request)
    }

    fn response(&self, response: Response) -> Result<Bytes, Error> {
        if response.status().as_u16() < 400 {
            FileInfo::read(response.headers()).expect(FileType::File, "file", &self.path)?;
        }
        let whole = || whole_size(&response).unwrap_or(0);
        let there = usize::try_from(whole().saturating_sub(self.offset)).unwrap_or(usize::MAX).min(self.length);
        match response.status().as_u16() {
            206 if response.body().len() == there => Ok(response.into_body()),
            200 | 206 => Err(Error::Protocol(format!("another part of {} than was asked for", self.path))),
            416 if there == 0 => Ok(Bytes::new()),
            _ => Err(refused(&response)),
        }
    }
}

/// `GET` of a link: where it points to, made absolute.
#[derive(Clone, Debug)]
pub(crate) struct ReadLink {
    pub(crate) instance: String,
    pub(crate) path: BytePath,
}

impl Endpoint for ReadLink {
    type Output = BytePath;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &files(&self.instance, &self.path))
    }

    fn response(&self, response: Response) -> Result<BytePath, Error> {
        if response.status().as_u16() >= 400 {
            return Err(refused(&response));
        }
        FileInfo::read(response.headers()).expect(FileType::Symlink, "symlink", &self.path)?;
        Ok(response.into_body().into())
    }
}

/// The size of the whole file, in the answer to a request for a part.
fn whole_size(response: &Response) -> Option<u64> {
    headers::text(response.headers(), header::CONTENT_RANGE)?.rsplit('/').next()?.parse().ok()
}

fn refused(response: &Response) -> Error {
    Envelope::open(response).err().unwrap_or_else(|| Error::Protocol("a file's answer that is none".into()))
}

/// `POST /1.0/instances/{name}/files`: a file, a directory or a link.
#[derive(Clone, Debug)]
pub struct PutFile {
    pub(crate) instance: String,
    pub(crate) path: BytePath,
    pub(crate) kind: FileType,
    pub(crate) body: Body,
    pub(crate) append: bool,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) mode: Option<u32>,
}

impl PutFile {
    pub(crate) fn new(instance: &str, path: BytePath, kind: FileType, body: Body) -> Self {
        Self { instance: instance.into(), path, kind, body, append: false, uid: None, gid: None, mode: None }
    }
}

impl Endpoint for PutFile {
    type Output = ();

    fn request(&self) -> Result<Request, Error> {
        let path = files(&self.instance, &self.path);
        let mut request = with_body(Method::POST, &path, "application/octet-stream", self.body.clone())?;
        set_header(&mut request, headers::TYPE, self.kind.as_str())?;
        set_header(&mut request, headers::WRITE, if self.append { "append" } else { "overwrite" })?;
        for (name, value) in [(headers::UID, self.uid), (headers::GID, self.gid)] {
            if let Some(value) = value {
                set_header(&mut request, name, &value.to_string())?;
            }
        }
        if let Some(mode) = self.mode {
            // Without the leading zero, also before four digits, it would be read as a decimal number.
            set_header(&mut request, headers::MODE, &format!("0{mode:03o}"))?;
        }
        Ok(request)
    }

    fn response(&self, response: Response) -> Result<(), Error> {
        match Changed::<()>::read(&response)? {
            Changed::Done(()) => Ok(()),
            Changed::Running(_) => Err(Error::Protocol("a file became an operation".into())),
        }
    }
}

/// The files of an instance, by their absolute paths, which need not be UTF-8.
///
/// ```no_run
/// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
/// use lxd_proto::Lxd;
///
/// let files = lxd.instance("c1").files();
/// files.mkdir("/srv/www").send()?;
/// files.put("/srv/www/index.html", "hello").mode(0o644).send()?;
/// assert_eq!(files.list("/srv/www").send()?, ["index.html"]);
/// // `get` hands the content on as it comes; `bytes` collects it.
/// assert_eq!(&files.get("/srv/www/index.html").bytes().send()?[..], b"hello");
/// # Ok(())
/// # }
/// ```
///
/// LXD can lose its way to an instance's files while those of others are asked for too: see
/// [`HelperLost`](crate::error::ApiErrorKind::HelperLost).
#[derive(Clone, Debug)]
pub struct Files<C> {
    pub(crate) client: C,
    pub(crate) instance: String,
}

impl<C: Client> Files<C> {
    pub(crate) fn new(client: &C, instance: String) -> Self {
        Self { client: client.clone(), instance }
    }

    /// Receives a file as it comes: `GET`. `.bytes()` has it whole. A link's content is its target (extension
    /// `file_get_symlink`).
    ///
    /// A file with a control character in its name (but for tabs and line breaks) cannot be received: LXD puts the name
    /// into a header as it is, which is no HTTP any more.
    pub fn get(&self, path: impl Into<BytePath>) -> Fetch<C, GetFile> {
        Fetch::new(&self.client, GetFile { instance: self.instance.clone(), path: path.into() })
    }

    /// Writes a file, or over one: `POST`. Where the length is known, the server's word that it took everything is
    /// checked ([`Error::Incomplete`]; 5.0.2 says so on a full disk too).
    ///
    /// A push that breaks leaves a part of the file behind: the server writes in place.
    pub fn put(&self, path: impl Into<BytePath>, content: impl Into<Payload<C::Reader>>) -> Run<C, InTurn<Push>> {
        self.push(path.into(), content.into(), false)
    }

    /// Writes to the end of a file that is there: `POST` (extension `file_append`). Whether all of it arrived is checked as for
    /// [`put`](Self::put).
    pub fn append(&self, path: impl Into<BytePath>, content: impl Into<Payload<C::Reader>>) -> Run<C, InTurn<Push>> {
        self.push(path.into(), content.into(), true)
    }

    fn push(&self, path: BytePath, content: Payload<C::Reader>, append: bool) -> Run<C, InTurn<Push>> {
        let mut streams = Streams::default();
        let length = content.length();
        let body = Body::Input(streams.body(content));
        let put = PutFile { append, ..PutFile::new(&self.instance, path, FileType::File, body) };
        Run::with(&self.client, InTurn::new(Push::new(put, length)), streams)
    }

    /// Makes a directory: `POST` (extension `directory_manipulation`). One that is there already is no error.
    pub fn mkdir(&self, path: impl Into<BytePath>) -> Call<C, PutFile> {
        Call::new(&self.client, PutFile::new(&self.instance, path.into(), FileType::Directory, Body::Empty))
    }

    /// Makes a symbolic link at `path` that points to `target`: `POST` (extension `file_symlinks`).
    pub fn symlink(&self, path: impl Into<BytePath>, target: impl Into<BytePath>) -> Call<C, PutFile> {
        let body = Body::Bytes(target.into().bytes());
        Call::new(&self.client, PutFile::new(&self.instance, path.into(), FileType::Symlink, body))
    }

    /// The names in a directory: `GET`.
    pub fn list(&self, path: impl Into<BytePath>) -> Call<C, ListDirectory> {
        Call::new(&self.client, ListDirectory { instance: self.instance.clone(), path: path.into() })
    }

    /// What a path is, without its content: `HEAD` (extension `instance_file_head`). A link is not followed.
    pub fn stat(&self, path: impl Into<BytePath>) -> Call<C, Stat> {
        Call::new(&self.client, Stat { instance: self.instance.clone(), path: path.into() })
    }

    /// Removes a file, a link or an empty directory: `DELETE` (extension `file_delete`).
    pub fn delete(&self, path: impl Into<BytePath>) -> Call<C, Delete<File>> {
        Call::new(&self.client, Delete::new((self.instance.clone(), path.into())))
    }
}

macro_rules! attributes {
    ($run:ty, $($at:tt)+) => {
        impl<C: Client> $run {
            /// The owner's number in the instance; by default 0, or as it was.
            pub fn uid(mut self, uid: u32) -> Self {
                self.$($at)+.uid = Some(uid);
                self
            }

            /// The group's number in the instance; by default 0, or as it was.
            pub fn gid(mut self, gid: u32) -> Self {
                self.$($at)+.gid = Some(gid);
                self
            }

            /// The permissions, `0o7777` at most; by default the server's choice, or as they were. An existing file
            /// keeps its own (until `instances_files_modify_permissions`, 6.1).
            pub fn mode(mut self, mode: u32) -> Self {
                self.$($at)+.mode = Some(mode & 0o7777);
                self
            }
        }
    };
}

attributes!(Run<C, InTurn<Push>>, flow.sequence.put);
attributes!(Call<C, PutFile>, endpoint);
