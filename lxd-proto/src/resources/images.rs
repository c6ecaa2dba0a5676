//! Images and their aliases: `/1.0/images`, `/1.0/images/aliases`.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{Config, InstanceType, Operation};
use crate::{
    Answer, Call, Client, Collection, Endpoint, Error, Fingerprint, Payload, Request, Response, Streams,
    compat::{Timestamp, model, request, writable},
    crud::{
        AcrossProjects, Changed, Creatable, Deletable, Editable, Filterable, Listed, Patchable, Renamable, Resource,
    },
    endpoint::{Body, set_header, with_body},
    headers,
    uri::Path,
};

model! {
    /// An image.
    pub struct Image {
        /// Its SHA-256, hex.
        pub fingerprint: String,
        /// Its names.
        pub aliases: Vec<ImageAlias>,
        /// Its architecture, as `x86_64`.
        pub architecture: String,
        /// Whether it is kept up to date.
        pub auto_update: bool,
        /// Whether the server fetched it by itself, for an instance.
        pub cached: bool,
        /// When it was made; unset or 1970 means unknown.
        pub created_at: Timestamp,
        /// When it is out of date; unset or 1970 means never.
        pub expires_at: Timestamp,
        /// When an instance was last made of it.
        pub last_used_at: Timestamp,
        /// When the server got it.
        pub uploaded_at: Timestamp,
        /// The name of its file.
        pub filename: String,
        /// The profiles that instances made of it get.
        pub profiles: Vec<String>,
        /// What it is, by key: `os`, `release`, `description`.
        pub properties: Config,
        /// Whether untrusted clients may have it.
        pub public: bool,
        /// Its size in bytes.
        pub size: i64,
        /// What is made of it.
        #[serde(rename = "type")]
        pub kind: InstanceType,
        /// Where it is updated from.
        pub update_source: Option<ImageSource>,
        /// The project it is in (`images_all_projects`, 6.3).
        pub project: String,
    }

    /// A name of an image, as the image has it.
    pub struct ImageAlias {
        /// The name.
        pub name: String,
        /// What it is for.
        pub description: String,
    }

    /// Where an image is updated from.
    pub struct ImageSource {
        /// The alias there.
        pub alias: String,
        /// The server's certificate, PEM.
        pub certificate: String,
        /// `lxd` or `simplestreams`.
        pub protocol: String,
        /// The server's address.
        pub server: String,
        /// What is made of it.
        pub image_type: InstanceType,
    }

    /// A name of an image.
    pub struct ImageAliasesEntry {
        /// The name. It may hold `/`.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// The image's fingerprint.
        pub target: String,
        /// What is made of the image.
        #[serde(rename = "type")]
        pub kind: InstanceType,
    }
}

writable! {
    /// What can be written of an [`Image`].
    pub struct ImagePut / ImagePatch {
        /// Whether it is kept up to date.
        pub auto_update: bool,
        /// When it is out of date.
        pub expires_at: Timestamp,
        /// The profiles that instances made of it get.
        pub profiles: Vec<String>,
        /// What it is, by key.
        pub properties: Config,
        /// Whether untrusted clients may have it.
        pub public: bool,
    }

    /// What can be written of an [`ImageAliasesEntry`].
    pub struct ImageAliasesEntryPut / ImageAliasesEntryPatch {
        /// What it is for.
        pub description: String,
        /// The image's fingerprint.
        pub target: String,
    }
}

request! {
    /// An alias to be made: `POST /1.0/images/aliases`.
    pub struct ImageAliasesPost {
        /// The name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// The image's fingerprint.
        pub target: String,
    }
}

impl ImageAliasesPost {
    /// This name for this image.
    pub fn new(name: impl Into<String>, fingerprint: impl Into<String>) -> Self {
        Self { name: name.into(), target: fingerprint.into(), description: String::new() }
    }
}

impl Resource for Image {
    const KIND: &'static str = "image";
    type At = String;

    fn path(at: &String) -> Path {
        Self::list(&()).name(at)
    }
}

impl Listed for Image {
    type In = ();

    fn list((): &()) -> Path {
        Path::root().join("images")
    }

    fn at((): &(), fingerprint: &str) -> String {
        fingerprint.into()
    }
}

impl Editable for Image {
    type Put = ImagePut;
    const READ_ONLY: &'static [&'static str] = &[
        "access_entitlements",
        "aliases",
        "architecture",
        "cached",
        "created_at",
        "filename",
        "fingerprint",
        "last_used_at",
        "locations",
        "project",
        "release_codename",
        "release_title",
        "size",
        "type",
        "update_source",
        "uploaded_at",
    ];
}

impl Patchable for Image {
    type Patch = ImagePatch;
}

impl Deletable for Image {}

impl Filterable for Image {
    const EXTENSION: &'static str = "api_filtering";
}

impl AcrossProjects for Image {
    const EXTENSION: &'static str = "images_all_projects";
}

impl Resource for ImageAliasesEntry {
    const KIND: &'static str = "image alias";
    type At = String;

    fn path(at: &String) -> Path {
        Self::list(&()).name(at)
    }
}

impl Listed for ImageAliasesEntry {
    type In = ();

    fn list((): &()) -> Path {
        Path::root().join("images/aliases")
    }

    fn at((): &(), name: &str) -> String {
        name.into()
    }
}

impl Creatable for ImageAliasesEntry {
    type Post = ImageAliasesPost;
    type Answer = ();
}

impl Editable for ImageAliasesEntry {
    type Put = ImageAliasesEntryPut;
    const READ_ONLY: &'static [&'static str] = &["access_entitlements", "name", "type"];
}

impl Patchable for ImageAliasesEntry {
    type Patch = ImageAliasesEntryPatch;
}

impl Renamable for ImageAliasesEntry {}
impl Deletable for ImageAliasesEntry {}

/// `POST /1.0/images` with an image's own file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImageUpload {
    body: Body,
    /// The name that the file gets.
    pub filename: Option<String>,
    /// Whether untrusted clients may have it.
    pub public: bool,
    /// What it is, by key, besides what it says itself.
    pub properties: BTreeMap<String, String>,
    /// What the server must compute as its fingerprint.
    pub fingerprint: Option<Fingerprint>,
}

/// An image that the server took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadedImage {
    /// Its SHA-256, as the server computed it.
    pub fingerprint: Fingerprint,
    /// Its size in bytes.
    pub size: u64,
}

impl Answer for UploadedImage {
    fn done(_: &Response, _: &str) -> Result<Self, Error> {
        Err(Error::Protocol("an image was taken without an operation".into()))
    }

    fn finished(operation: &Operation) -> Result<Self, Error> {
        let fingerprint = operation.metadata.get("fingerprint").and_then(Value::as_str).unwrap_or_default();
        let size = operation.metadata.get("size");
        // 5.0.2 writes the size as text.
        let size = size.and_then(|size| size.as_u64().or_else(|| size.as_str()?.parse().ok()));
        Ok(Self { fingerprint: fingerprint.parse()?, size: size.unwrap_or_default() })
    }
}

impl Endpoint for ImageUpload {
    type Output = Changed<UploadedImage>;

    fn request(&self) -> Result<Request, Error> {
        let mut request = with_body(Method::POST, &Image::list(&()), "application/octet-stream", self.body.clone())?;
        if let Some(filename) = &self.filename {
            set_header(&mut request, headers::FILENAME, filename)?;
        }
        if let Some(fingerprint) = &self.fingerprint {
            set_header(&mut request, headers::FINGERPRINT, &alloc::format!("{fingerprint}"))?;
        }
        if self.public {
            set_header(&mut request, headers::PUBLIC, "true")?;
        }
        if !self.properties.is_empty() {
            let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
            let pairs = self.properties.iter().map(|(key, value)| alloc::format!("{}={}", encode(key), encode(value)));
            set_header(&mut request, headers::PROPERTIES, &pairs.collect::<Vec<_>>().join("&"))?;
        }
        Ok(request)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }
}

impl<C: Client> Collection<C, Image> {
    /// Uploads an image that is one file (metadata and root file system together): `POST /1.0/images`. The content is
    /// streamed. With `.wait()`, the result has its fingerprint.
    pub fn upload(&self, content: impl Into<Payload<C::Reader>>) -> Call<C, ImageUpload> {
        let mut streams = Streams::default();
        let body = Body::Input(streams.body(content.into()));
        let upload =
            ImageUpload { body, filename: None, public: false, properties: BTreeMap::new(), fingerprint: None };
        Call::with(&self.client, upload, streams)
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

    /// What its fingerprint must be; the server fails the upload when it is another.
    pub fn fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.endpoint.fingerprint = Some(fingerprint);
        self
    }
}
