//! Images as files, in one piece or two: uploaded to the server, and received from it.

mod passing;

use alloc::{
    boxed::Box,
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use bytes::Bytes;
use http::{HeaderName, Method, header, response::Parts};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use self::passing::Passing;
use super::{CreatedImage, Image};
use crate::{
    Async, Blocking, Call, Client, Collection, Download, Endpoint, Error, Fetch, Fingerprint, Incoming, Object,
    Payload, Request, Response, Secret, Sending, Streams,
    crud::{Changed, Listed, Resource},
    endpoint::{Body, bare, set_header, with_body},
    headers,
    multipart::{self, Part, Piece, Splitter},
};

/// `POST /1.0/images` with an image's own file, or its two.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImageUpload {
    content: Content,
    passing: Passing,
    /// The name that the file gets.
    pub filename: Option<String>,
    /// Whether untrusted clients may have it.
    pub public: bool,
    /// What it is, by key, besides what it says itself.
    pub properties: BTreeMap<String, String>,
    /// The profiles that instances made of it get.
    pub profiles: Vec<String>,
    /// What the server must compute as its fingerprint.
    pub fingerprint: Option<Fingerprint>,
    /// Whether the second of two files is a virtual machine's disk.
    pub virtual_machine: bool,
}

#[derive(Clone, Debug)]
enum Content {
    Unified(Body),
    /// LXD wants the metadata first.
    Split {
        metadata: Body,
        rootfs: Body,
    },
}

impl ImageUpload {
    /// One whose content is what another server sends.
    pub(crate) fn relayed() -> Self {
        Self::new(Content::Unified(Body::Empty), Passing::default())
    }

    fn new(content: Content, passing: Passing) -> Self {
        Self {
            content,
            passing,
            filename: None,
            public: false,
            properties: BTreeMap::new(),
            profiles: Vec::new(),
            fingerprint: None,
            virtual_machine: false,
        }
    }
}

impl Endpoint for ImageUpload {
    type Output = Changed<CreatedImage>;

    fn request(&self) -> Result<Request, Error> {
        let (content_type, body) = match &self.content {
            Content::Unified(_) if self.virtual_machine => {
                return Err(Error::InvalidInput(
                    "an image in one file says itself that it is a virtual machine's".into(),
                ));
            }
            Content::Unified(body) => ("application/octet-stream", body.clone()),
            Content::Split { metadata, rootfs } => {
                let name = if self.virtual_machine { "rootfs.img" } else { "rootfs" };
                // 5.0.2 takes the file's name from here, and not from the header.
                let filename = self.filename.as_deref().unwrap_or(name);
                let files = [("metadata", "metadata", metadata.clone()), (name, filename, rootfs.clone())];
                (multipart::CONTENT_TYPE, multipart::encode(files))
            }
        };
        let mut request = with_body(Method::POST, &Image::list(&()), content_type, body)?;
        if let Some(filename) = &self.filename {
            set_header(&mut request, headers::FILENAME, filename)?;
        }
        if let Some(fingerprint) = &self.fingerprint {
            set_header(&mut request, headers::FINGERPRINT, &alloc::format!("{fingerprint}"))?;
        }
        if self.public {
            set_header(&mut request, headers::PUBLIC, "true")?;
        }
        let properties = self.properties.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        set_query(&mut request, headers::PROPERTIES, properties)?;
        set_query(&mut request, headers::PROFILES, self.profiles.iter().map(|name| ("profile", name.as_str())))?;
        Ok(request)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn check(&self, output: &Self::Output) -> Result<(), Error> {
        match (self.passing.fingerprint(), output) {
            (Some(sent), Changed::Done(CreatedImage { fingerprint: kept, .. })) if sent != *kept => {
                Err(Error::AlteredUpload { sent, kept: *kept })
            }
            _ => Ok(()),
        }
    }
}

/// Sets a header to what would be a URL's query.
fn set_query<'a>(
    request: &mut Request,
    header: HeaderName,
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), Error> {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let pairs: Vec<_> = pairs.map(|(key, value)| alloc::format!("{}={}", encode(key), encode(value))).collect();
    if pairs.is_empty() { Ok(()) } else { set_header(request, header, &pairs.join("&")) }
}

impl<C: Client> Collection<C, Image> {
    /// Uploads an image that is one file (metadata and root file system together): `POST /1.0/images`. The content is
    /// streamed. With `.wait()`, the result has its fingerprint, which is also computed here while the content passes:
    /// where the server has another one, that is [`Error::AlteredUpload`]. Names come after that:
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C, content: C::Reader) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, Payload};
    ///
    /// lxd.images().upload(Payload::reader(content)).public().wait().alias("web").send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn upload(&self, content: impl Into<Payload<C::Reader>>) -> Call<C, ImageUpload> {
        let (mut streams, mut passing) = (Streams::default(), Passing::default());
        let body = Body::Input(streams.body(passing.watch(&self.client, content.into())));
        Call::with(&self.client, ImageUpload::new(Content::Unified(body), passing), streams)
    }

    /// Uploads an image that is two files, the metadata (a tarball) and the root file system (squashfs, a tarball, or a
    /// virtual machine's disk, see [`virtual_machine`](Call::virtual_machine)): `POST /1.0/images`, multipart. Both are
    /// streamed. The fingerprint is that of both, one after the other, and checked as for [`upload`](Self::upload).
    pub fn upload_split(
        &self,
        metadata: impl Into<Payload<C::Reader>>,
        rootfs: impl Into<Payload<C::Reader>>,
    ) -> Call<C, ImageUpload> {
        let (mut streams, mut passing) = (Streams::default(), Passing::default());
        let metadata = Body::Input(streams.body(passing.watch(&self.client, metadata.into())));
        let rootfs = Body::Input(streams.body(passing.watch(&self.client, rootfs.into())));
        let content = Content::Split { metadata, rootfs };
        Call::with(&self.client, ImageUpload::new(content, passing), streams)
    }
}

impl<C: Client> Call<C, ImageUpload> {
    /// The name that the file gets.
    pub fn filename(mut self, name: impl Into<String>) -> Self {
        self.endpoint.filename = Some(name.into());
        self
    }

    /// Lets untrusted clients have it.
    pub fn public(mut self) -> Self {
        self.endpoint.public = true;
        self
    }

    /// Sets one of its properties.
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.endpoint.properties.insert(key.into(), value.into());
        self
    }

    /// The profiles that instances made of it get (extension `image_profiles`). By default `default`. 5.0.2 takes no
    /// notice of it; there the image can be [edited](crate::Object::edit).
    pub fn profiles<P: Into<String>>(mut self, profiles: impl IntoIterator<Item = P>) -> Self {
        self.endpoint.profiles = profiles.into_iter().map(Into::into).collect();
        self
    }

    /// What its fingerprint must be; the server fails the upload when it is another.
    pub fn fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.endpoint.fingerprint = Some(fingerprint);
        self
    }

    /// The second of an image's two files is a virtual machine's disk (qcow2). LXD tells that from the part's name. An
    /// image in one file says itself what it is, so there this is an error.
    pub fn virtual_machine(mut self) -> Self {
        self.endpoint.virtual_machine = true;
        self
    }
}

/// `GET /1.0/images/{fingerprint}/export`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExportImage {
    fingerprint: String,
    /// What lets an untrusted client have a private image.
    pub secret: Option<Secret>,
}

/// How an image is received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageFile {
    /// In one file. Its SHA-256 is the image's fingerprint.
    Unified {
        /// The file's name, without any directory, so that it is safe to use.
        filename: String,
        /// Its size in bytes, where the server says it.
        size: Option<u64>,
    },
    /// In two files. The body is both of them, which a [`Splitter`] takes apart; [`pieces`](crate::Fetch::pieces) does
    /// that.
    Split {
        /// What is between them.
        boundary: String,
    },
}

impl ExportImage {
    pub(crate) fn new(fingerprint: String) -> Self {
        Self { fingerprint, secret: None }
    }
}

impl Download for ExportImage {
    type Head = ImageFile;

    fn request(&self) -> Result<Request, Error> {
        let path = Image::path(&self.fingerprint).join("export");
        let path = self.secret.iter().fold(path, |path, secret| path.query("secret", secret.expose()));
        bare(Method::GET, &path)
    }

    fn head(&self, head: &Parts) -> Result<ImageFile, Error> {
        let text = |name| headers::text(&head.headers, name).unwrap_or_default();
        let content_type = text(header::CONTENT_TYPE);
        if content_type.starts_with("multipart/") {
            let boundary = multipart::parameter(content_type, "boundary").unwrap_or_default();
            return Ok(ImageFile::Split { boundary });
        }
        let disposition = text(header::CONTENT_DISPOSITION);
        let filename = multipart::parameter(disposition, "filename").unwrap_or_default();
        let size = headers::content_length(&head.headers);
        Ok(ImageFile::Unified { filename: Part::new("", &filename).filename, size })
    }

    /// Whether it has the fingerprint.
    fn check(&self, head: &ImageFile, body: &Bytes) -> Result<(), Error> {
        let mut hash = Sha256::new();
        match head {
            ImageFile::Unified { .. } => hash.update(body),
            ImageFile::Split { boundary } => {
                let mut splitter = Splitter::new(boundary)?;
                splitter.push(body.clone());
                while let Some(piece) = splitter.next()? {
                    if let Piece::Data(data) = piece {
                        hash.update(data);
                    }
                }
                splitter.finish()?;
            }
        }
        verify(&self.fingerprint, hash)
    }
}

/// All has come: is it what was asked for?
fn verify(asked: &str, hash: Sha256) -> Result<(), Error> {
    let (asked, came) = (asked.to_ascii_lowercase(), Fingerprint::from_bytes(hash.finalize().into()));
    if came.to_string().starts_with(&asked) { Ok(()) } else { Err(Error::WrongFingerprint { asked, came }) }
}

impl<C: Client> Object<C, Image> {
    /// The image's file or files, as they come: `GET /1.0/images/{fingerprint}/export`. The head says which of both the
    /// body is. [`pieces`](Fetch::pieces) reads both alike, and looks whether they are the image's, as
    /// [`bytes`](Fetch::bytes) does; who reads the body by himself has to do that, too.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::{fs::File, io::Write};
    ///
    /// use lxd_proto::{Lxd, multipart::Piece};
    ///
    /// let mut file = None;
    /// for piece in lxd.image("ab12").export().pieces().send()? {
    ///     match (piece?, &mut file) {
    ///         (Piece::Part(part), _) => file = Some(File::create(part.filename)?),
    ///         (Piece::Data(data), Some(file)) => file.write_all(&data)?,
    ///         (Piece::Data(_), None) => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn export(&self) -> Fetch<C, ExportImage> {
        Fetch::new(&self.client, ExportImage::new(self.at.clone()))
    }
}

impl<C: Client> Fetch<C, ExportImage> {
    /// Shows this [secret](Object::secret), with which an untrusted client can have a private image.
    pub fn secret(mut self, secret: Secret) -> Self {
        self.download.secret = Some(secret);
        self
    }

    /// The image file by file: where each begins, and what is in it. Its fingerprint is computed while it passes, and another
    /// than was asked for is an error at its end: until then, what is received is not to be used.
    pub fn pieces(self) -> Pieces<C> {
        Pieces(self)
    }
}

/// An image's files, not yet asked for.
#[derive(Debug)]
#[must_use = "nothing happens until it is sent (blocking) or awaited (async)"]
pub struct Pieces<C: Client>(Fetch<C, ExportImage>);

impl<C: Blocking> Pieces<C> {
    /// Sends the request, and returns when the answer's head is there.
    ///
    /// # Errors
    /// What LXD answered, or what went wrong on the way.
    pub fn send(self) -> Result<ImagePieces<C>, Error> {
        let asked = self.0.download.fingerprint.clone();
        ImagePieces::new(asked, self.0.send()?)
    }
}

impl<C: Async> IntoFuture for Pieces<C> {
    type Output = Result<ImagePieces<C>, Error>;
    type IntoFuture = Sending<ImagePieces<C>>;

    fn into_future(self) -> Self::IntoFuture {
        let asked = self.0.download.fingerprint.clone();
        Box::pin(async move { ImagePieces::new(asked, self.0.await?) })
    }
}

/// An image's files while they arrive. A blocking client iterates over them; an async one asks for the
/// [next](Self::next_piece). Only when they end without an error they are whole, and those that were asked for.
pub struct ImagePieces<C: Client> {
    asked: String,
    hash: Sha256,
    body: C::Body,
    splitter: Option<Splitter>,
    first: Option<Part>,
    over: bool,
}

impl<C: Client> core::fmt::Debug for ImagePieces<C> {
    /// A body needs no `Debug` of its own.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ImagePieces").field("over", &self.over).finish_non_exhaustive()
    }
}

impl<C: Client> ImagePieces<C> {
    fn new(asked: String, incoming: Incoming<ImageFile, C::Body>) -> Result<Self, Error> {
        let (splitter, first) = match incoming.head {
            ImageFile::Unified { filename, .. } => (None, Some(Part::new("", &filename))),
            ImageFile::Split { boundary } => (Some(Splitter::new(&boundary)?), None),
        };
        Ok(Self { asked, hash: Sha256::new(), body: incoming.body, splitter, first, over: false })
    }

    /// What is known without more of the body.
    fn known(&mut self) -> Result<Option<Piece>, Error> {
        if let Some(part) = self.first.take() {
            return Ok(Some(Piece::Part(part)));
        }
        let Some(splitter) = &mut self.splitter else { return Ok(None) };
        let piece = splitter.next()?;
        if let Some(Piece::Data(data)) = &piece {
            self.hash.update(data);
        }
        Ok(piece)
    }

    /// Takes more of the body, or its end.
    fn take(&mut self, chunk: Option<Bytes>) -> Result<Option<Piece>, Error> {
        match (chunk, &mut self.splitter) {
            (Some(chunk), Some(splitter)) => splitter.push(chunk),
            (Some(chunk), None) => {
                self.hash.update(&chunk);
                return Ok(Some(Piece::Data(chunk)));
            }
            (None, splitter) => {
                self.over = true;
                splitter.as_ref().map_or(Ok(()), Splitter::finish)?;
                verify(&self.asked, core::mem::take(&mut self.hash))?;
            }
        }
        Ok(None)
    }
}

impl<C: Blocking> Iterator for ImagePieces<C> {
    type Item = Result<Piece, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.over {
            let next = match self.known() {
                Ok(None) => C::chunk(&mut self.body).map_err(Error::from).and_then(|chunk| self.take(chunk)),
                known => known,
            };
            self.over |= next.is_err();
            if let Some(next) = next.transpose() {
                return Some(next);
            }
        }
        None
    }
}

impl<C: Async> ImagePieces<C> {
    /// The next piece, or nothing at the end.
    ///
    /// # Errors
    /// What went wrong on the way.
    pub async fn next_piece(&mut self) -> Result<Option<Piece>, Error> {
        while !self.over {
            let next = match self.known() {
                Ok(None) => match C::chunk(&mut self.body).await {
                    Ok(chunk) => self.take(chunk),
                    Err(failure) => Err(failure.into()),
                },
                known => known,
            };
            self.over |= next.is_err();
            if let Some(piece) = next? {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}
