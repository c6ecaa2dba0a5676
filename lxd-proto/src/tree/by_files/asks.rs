//! The requests, and how their answers are read.

use alloc::{boxed::Box, format};

use bytes::Bytes;

use super::ByFiles;
use crate::{
    AtMost, Endpoint, Error, Request, Response,
    crud::Delete,
    endpoint::Body,
    limits,
    resources::{
        FileType,
        files::{File, GetPart, Look, PutFile, ReadLink},
    },
    sftp::{Attributes, BytePath},
    tree::{DiskReply, remote::is_no_instance},
};

/// How an answer is read.
pub(super) type Read = Box<dyn FnOnce(Response) -> Result<DiskReply, Error> + Send>;

/// A request, and how its answer is read.
pub(super) struct Ask(pub(super) Request, pub(super) Read);

/// An endpoint's request whose answer has no more bytes than these, and how it is read.
fn ask<E: Endpoint>(
    endpoint: E,
    limit: u64,
    read: impl FnOnce(Result<E::Output, Error>) -> Result<DiskReply, Error> + Send + 'static,
) -> Result<Ask, Error> {
    Ok(ask_with(endpoint.request()?, endpoint, limit, read))
}

fn ask_with<E: Endpoint>(
    mut request: Request,
    endpoint: E,
    limit: u64,
    read: impl FnOnce(Result<E::Output, Error>) -> Result<DiskReply, Error> + Send + 'static,
) -> Ask {
    request.extensions_mut().insert(AtMost(limit));
    let asked = (request.method().clone(), request.uri().clone());
    let read: Read = Box::new(move |response| {
        read(endpoint.response(response)).map_err(|error| error.answering(&asked.0, &asked.1))
    });
    Ask(request, read)
}

impl ByFiles {
    pub(super) fn look(&self, path: &BytePath) -> Look {
        Look { instance: self.instance.clone(), path: self.place.path(path) }
    }

    fn ask_look(
        &self,
        path: &BytePath,
        read: impl FnOnce(Result<Attributes, Error>) -> Result<DiskReply, Error> + Send + 'static,
    ) -> Result<Ask, Error> {
        ask(self.look(path), limits::FILES_DIRECTORY, |info| read(info.map(|info| info.attributes())))
    }

    pub(super) fn ask_stat(&self, path: &BytePath) -> Result<Ask, Error> {
        self.ask_look(path, |found| match found {
            Ok(attributes) => Ok(DiskReply::Attributes(Some(attributes))),
            Err(error) if error.is_not_found() && !is_no_instance(&error) => Ok(DiskReply::Attributes(None)),
            Err(error) => Err(error),
        })
    }

    pub(super) fn ask_link(&self, path: &BytePath) -> Result<Ask, Error> {
        let link = ReadLink { instance: self.instance.clone(), path: self.place.path(path) };
        ask(link, limits::SFTP_PATH as u64, |target| target.map(DiskReply::Target))
    }

    pub(super) fn ask_part(&self, path: &BytePath, offset: u64, length: usize) -> Result<Ask, Error> {
        let part = GetPart { instance: self.instance.clone(), path: self.place.path(path), offset, length };
        ask(part, length as u64, |data| data.map(DiskReply::Data))
    }

    pub(super) fn ask_delete(&self, path: &BytePath) -> Result<Ask, Error> {
        let delete = Delete::<File>::new((self.instance.clone(), self.place.path(path)));
        ask(delete, limits::ERROR_ANSWER, |deleted| deleted.map(|_| DiskReply::Done))
    }

    /// Removes it if it is there.
    pub(super) fn ask_clear(&self, path: &BytePath) -> Result<Ask, Error> {
        let Ask(request, read) = self.ask_delete(path)?;
        let read: Read = Box::new(move |response| match read(response) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(DiskReply::Done),
        });
        Ok(Ask(request, read))
    }

    pub(super) fn ask_put(
        &self,
        path: &BytePath,
        kind: FileType,
        content: Option<Bytes>,
        attributes: Attributes,
    ) -> Result<Ask, Error> {
        let put = self.put(path, kind, content.unwrap_or_default());
        let (uid, gid) = attributes.owner.unzip();
        ask_to_put(PutFile { mode: attributes.permissions(), uid, gid, ..put })
    }

    pub(super) fn ask_append(&self, path: &BytePath, content: Bytes) -> Result<Ask, Error> {
        ask_to_put(PutFile { append: true, ..self.put(path, FileType::File, content) })
    }

    fn put(&self, path: &BytePath, kind: FileType, content: Bytes) -> PutFile {
        PutFile::new(&self.instance, self.place.path(path), kind, Body::Bytes(content))
    }

    /// A directory that is there keeps what it has: says so, where that is something else than wanted.
    pub(super) fn ask_whether_set(&self, path: &BytePath, wanted: Attributes) -> Result<Ask, Error> {
        let shown = self.place.path(path);
        self.ask_look(path, move |found| {
            let found = found?;
            let is_set = wanted.permissions().is_none_or(|mode| found.permissions() == Some(mode))
                && wanted.owner.is_none_or(|owner| found.owner == Some(owner));
            let cannot = || format!("the files API cannot give {shown}, which was there, another owner or mode");
            if is_set { Ok(DiskReply::Done) } else { Err(Error::InvalidInput(cannot())) }
        })
    }

    /// The server keeps no more than fits on its disk, and 5.0.2 does not say so.
    pub(super) fn ask_whether_whole(&self, path: &BytePath, sent: u64) -> Result<Ask, Error> {
        let shown = self.place.path(path);
        self.ask_look(path, move |found| match found?.size {
            Some(kept) if kept == sent => Ok(DiskReply::Done),
            kept => Err(Error::Incomplete { path: format!("{shown}"), sent, kept: kept.unwrap_or(0) }),
        })
    }
}

fn ask_to_put(mut put: PutFile) -> Result<Ask, Error> {
    let request = put.request()?;
    // It is not needed to read the answer.
    put.body = Body::Empty;
    Ok(ask_with(request, put, limits::ERROR_ANSWER, |put| put.map(|()| DiskReply::Done)))
}
