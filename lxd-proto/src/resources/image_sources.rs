//! Images that the server makes or fetches itself: of an instance, from an image server, from another LXD.

use alloc::{string::String, vec::Vec};

use http::Method;
use serde_json::Value;

use super::{Config, Image, ImageAlias, ImageAliasesEntry, InstanceType, Operation, OperationId};
use crate::{
    Answer, Call, Client, Endpoint, Error, Fetched, Fingerprint, Get, Object, Request, Response, Run, Streams,
    compat::{Needs, Secret, Timestamp, request},
    crud::{Changed, Resource},
    endpoint::{bare, json},
    flow::{InTurn, Sequence, Turn, copy_image::CopyImage},
};

request! {
    /// An image that the server makes or fetches itself: `POST /1.0/images`.
    pub struct ImagesPost {
        /// Where it comes from.
        pub source: ImagesPostSource = inner,
        /// The name of its file.
        pub filename: String,
        /// Whether untrusted clients may have it.
        pub public: bool,
        /// Whether it is kept up to date.
        pub auto_update: bool,
        /// What it is, by key, besides what it says itself.
        pub properties: Config,
        /// Its names (`image_create_aliases`).
        pub aliases: Vec<ImageAlias> = "image_create_aliases",
        /// When it is out of date (`images_expiry`).
        pub expires_at: Option<Timestamp> = "images_expiry",
        /// The profiles that instances made of it get (`image_profiles`).
        pub profiles: Vec<String> = "image_profiles",
        /// For an instance's image: `gzip`, `xz`, `none` (`image_compression_algorithm`).
        pub compression_algorithm: String = "image_compression_algorithm",
        /// For an instance's image: `unified` or `split`. Incus only.
        pub format: String,
    }

    /// Where an image comes from.
    pub struct ImagesPostSource {
        /// `image`, `instance`, `snapshot` or `url`.
        #[serde(rename = "type")]
        pub kind: String,
        /// `pull` or `push`: who connects.
        pub mode: String,
        /// The instance, or `instance/snapshot`.
        pub name: String,
        /// The image server's address.
        pub server: String,
        /// The image server's protocol: `lxd` or `simplestreams`.
        pub protocol: String,
        /// The image server's certificate, PEM, where it is not one of a known authority.
        pub certificate: String,
        /// The image's alias there.
        pub alias: String,
        /// The image's fingerprint there.
        pub fingerprint: String,
        /// What lets a private image be read.
        pub secret: Option<Secret>,
        /// The project it is in there (`image_source_project`).
        pub project: String = "image_source_project",
        /// What is made of the image, where an alias stands for both.
        pub image_type: InstanceType,
        /// The file's address.
        pub url: String,
        /// The image server by the name that the server has for it (`image_registries`).
        pub image_registry: String = "image_registries",
        /// Whether the image's aliases come too (`image_registries`).
        pub copy_aliases: bool = "image_registries",
    }
}

impl ImagesPost {
    /// An image of a stopped instance.
    pub fn from_instance(instance: impl Into<String>) -> Self {
        Self::of(ImagesPostSource { kind: "instance".into(), name: instance.into(), ..Default::default() })
    }

    /// An image of a snapshot.
    pub fn from_snapshot(instance: &str, snapshot: &str) -> Self {
        let name = alloc::format!("{instance}/{snapshot}");
        Self::of(ImagesPostSource { kind: "snapshot".into(), name, ..Default::default() })
    }

    /// An image of a server that speaks simplestreams, by its alias there.
    pub fn from_simplestreams(server: impl Into<String>, alias: impl Into<String>) -> Self {
        Self::of(ImagesPostSource { alias: alias.into(), ..ImagesPostSource::pull(server.into(), "simplestreams") })
    }

    /// An image of another LXD or Incus, by its alias there. A certificate that is not one of a known authority has to be
    /// said too. See [`copy_to`](crate::Object::copy_to), which finds out all of that.
    pub fn from_lxd(server: impl Into<String>, alias: impl Into<String>) -> Self {
        Self::of(ImagesPostSource { alias: alias.into(), ..ImagesPostSource::pull(server.into(), "lxd") })
    }

    /// An image by the address of its file, or of an answer that points there. LXD since 6.0 refuses it.
    pub fn from_url(url: impl Into<String>) -> Self {
        Self::of(ImagesPostSource { kind: "url".into(), mode: "pull".into(), url: url.into(), ..Default::default() })
    }

    fn of(source: ImagesPostSource) -> Self {
        Self { source, ..Self::default() }
    }

    /// Lets untrusted clients have it.
    #[must_use]
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }

    /// Gives it a name.
    #[must_use]
    pub fn alias(mut self, name: impl Into<String>) -> Self {
        self.aliases.push(ImageAlias { name: name.into(), ..ImageAlias::default() });
        self
    }

    /// Sets one of its properties.
    #[must_use]
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(key.into(), value.into());
        self
    }
}

impl ImagesPostSource {
    pub(crate) fn pull(server: String, protocol: &str) -> Self {
        Self { kind: "image".into(), mode: "pull".into(), server, protocol: protocol.into(), ..Self::default() }
    }
}

request! {
    /// Where an image is sent: `POST /1.0/images/{fingerprint}/export`.
    pub struct ImageExportPost {
        /// The other server's address, as `https://host:8443`.
        pub target: String,
        /// The secret that the other server gave for it.
        pub secret: Option<Secret>,
        /// The other server's certificate, PEM.
        pub certificate: String,
        /// The names it gets there.
        pub aliases: Vec<ImageAlias>,
        /// The project it goes to (`images_target_project`).
        pub project: String = "images_target_project",
        /// The profiles that instances made of it get (`image_copy_profile`).
        pub profiles: Vec<String> = "image_copy_profile",
    }
}

/// An image that the server took or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedImage {
    /// Its SHA-256, as the server computed it.
    pub fingerprint: Fingerprint,
    /// Its size in bytes.
    pub size: u64,
}

impl Answer for CreatedImage {
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

/// What lets one private image be read by somebody whom the server does not trust: until it is used, and for 5 s more.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ImageSecret {
    /// The secret.
    pub secret: Secret,
    /// The operation that ends with it. [Cancelled](crate::Object::cancel), the secret is no more after 5 s.
    pub operation: OperationId,
}

/// `POST /1.0/images/{fingerprint}/secret`.
#[derive(Clone, Debug)]
pub struct CreateImageSecret {
    pub(crate) fingerprint: String,
}

impl Endpoint for CreateImageSecret {
    type Output = ImageSecret;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::POST, &Image::path(&self.fingerprint).join("secret"))
    }

    fn response(&self, response: Response) -> Result<ImageSecret, Error> {
        let no_secret = || Error::Protocol("an image's secret without secret".into());
        match Changed::<()>::read(&response)? {
            Changed::Done(()) => Err(no_secret()),
            Changed::Running(operation) => {
                let secret = operation.metadata.get("secret").and_then(Value::as_str).ok_or_else(no_secret)?;
                Ok(ImageSecret { secret: secret.into(), operation: operation.id.clone() })
            }
        }
    }
}

/// Whether there was a newer image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refreshed {
    /// Whether there was one. It has another fingerprint, and the old one's aliases.
    pub refreshed: bool,
}

impl Answer for Refreshed {
    fn done(_: &Response, _: &str) -> Result<Self, Error> {
        Ok(Self { refreshed: false })
    }

    fn finished(operation: &Operation) -> Result<Self, Error> {
        Ok(Self { refreshed: operation.metadata.get("refreshed").and_then(Value::as_bool).unwrap_or_default() })
    }
}

/// `POST /1.0/images/{fingerprint}/refresh`.
#[derive(Clone, Debug)]
pub struct RefreshImage {
    fingerprint: String,
}

impl Endpoint for RefreshImage {
    type Output = Changed<Refreshed>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::POST, &Image::path(&self.fingerprint).join("refresh"))
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        ["image_force_refresh"].into()
    }
}

/// `POST /1.0/images/{fingerprint}/export`.
#[derive(Clone, Debug)]
pub struct PushImage {
    pub(crate) fingerprint: String,
    pub(crate) post: ImageExportPost,
}

impl Endpoint for PushImage {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        json(Method::POST, &Image::path(&self.fingerprint).join("export"), &self.post)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        ["images_push_relay"].into_iter().chain(self.post.needs()).collect()
    }
}

/// Finds the image that an alias stands for: `GET` of the alias, and then of the image.
#[derive(Debug)]
pub struct ImageOfAlias {
    alias: String,
    fingerprint: Option<String>,
    image: Option<Fetched<Image>>,
}

impl Sequence for ImageOfAlias {
    type Output = Fetched<Image>;

    fn turn(&mut self) -> Result<Turn<Fetched<Image>>, Error> {
        if let Some(image) = self.image.take() {
            return Ok(Turn::Done(image));
        }
        match &self.fingerprint {
            None => Get::<ImageAliasesEntry>::new(self.alias.clone()).request().map(Turn::Ask),
            Some(fingerprint) => Get::<Image>::new(fingerprint.clone()).request().map(Turn::Ask),
        }
    }

    fn answer(&mut self, answer: Result<Response, Error>) -> Result<(), Error> {
        match &self.fingerprint {
            None => {
                let alias = Get::<ImageAliasesEntry>::new(self.alias.clone()).response(answer?)?;
                self.fingerprint = Some(alias.value.target);
            }
            Some(fingerprint) => self.image = Some(Get::<Image>::new(fingerprint.clone()).response(answer?)?),
        }
        Ok(())
    }
}

impl<C: Client> Object<C, ImageAliasesEntry> {
    /// The image that it stands for: `GET /1.0/images/aliases/{name}`, and then `GET /1.0/images/{fingerprint}`.
    pub fn image(&self) -> Run<C, InTurn<ImageOfAlias>> {
        let sequence = ImageOfAlias { alias: self.at.clone(), fingerprint: None, image: None };
        Run::new(&self.client, InTurn::new(sequence))
    }
}

/// What can be done with an image, besides the generic verbs.
///
/// ```no_run
/// # fn example<C: lxd_proto::Blocking>(lxd: C, other: C) -> Result<(), lxd_proto::Error> {
/// use lxd_proto::{Lxd, resources::ImagesPost};
///
/// let web = ImagesPost::from_instance("c1").alias("web").property("os", "busybox");
/// let image = lxd.images().create(web).wait().send()?;
/// lxd.image(image.fingerprint.to_string()).copy_to(&other).copy_aliases().send()?;
///
/// let busybox = other.image_alias("busybox").image().send()?;
/// other.image(&busybox.fingerprint).refresh().wait().send()?;
/// # Ok(())
/// # }
/// ```
impl<C: Client> Object<C, Image> {
    /// Copies it to another server, which fetches it from this one: `GET /1.0/images/{fingerprint}` and `GET /1.0` here,
    /// for a private image `POST /1.0/images/{fingerprint}/secret`, and then `POST /1.0/images` there, for each address
    /// of this server until one works. Both servers may be reached by Unix sockets, if this one listens on HTTPS too
    /// (`core.https_address`). [`push`](Run::push) and [`relay`](Run::relay) are other ways for it.
    pub fn copy_to(&self, other: &C) -> Run<C, InTurn<CopyImage>> {
        let (streams, peer) = Streams::with_peer(other);
        let project = |client: &C| client.scope().project.clone().unwrap_or_default();
        let copy = CopyImage::new(self.at.clone(), project(&self.client), project(other), peer);
        Run::with(&self.client, InTurn::new(copy), streams)
    }

    /// Looks for a newer one where it came from: `POST /1.0/images/{fingerprint}/refresh` (extension
    /// `image_force_refresh`).
    pub fn refresh(&self) -> Call<C, RefreshImage> {
        Call::new(&self.client, RefreshImage { fingerprint: self.at.clone() })
    }

    /// Makes a secret with which an untrusted client can have it: `POST /1.0/images/{fingerprint}/secret`.
    pub fn secret(&self) -> Call<C, CreateImageSecret> {
        Call::new(&self.client, CreateImageSecret { fingerprint: self.at.clone() })
    }

    /// Has the server send it to another one, which waits for it: `POST /1.0/images/{fingerprint}/export` (extension
    /// `images_push_relay`).
    pub fn push(&self, post: ImageExportPost) -> Call<C, PushImage> {
        Call::new(&self.client, PushImage { fingerprint: self.at.clone(), post })
    }
}
