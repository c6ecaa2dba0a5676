//! Copying an image to another server: one of them connects to the other, or this process stands between.
//!
//! | state | asks | and then |
//! |---|---|---|
//! | `Image` | here: `GET /1.0/images/{fingerprint}` | relayed: `Relay`; else `Server` |
//! | `Server` | whoever is connected to: `GET /1.0`, for its addresses and its certificate | by pull, and public: `Post`; else `Secret` |
//! | `Secret` | by pull, here: `POST /1.0/images/{fingerprint}/secret`; by push, there: `POST /1.0/images` | `Post` |
//! | `Post` | whoever connects, with the next of the addresses: by pull, there: `POST /1.0/images`; by push, here: `POST /1.0/images/{fingerprint}/export` | `Watch`; an error: `Post`, or `Forget` after the last |
//! | `Relay` | here: `GET /1.0/images/{fingerprint}/export`, which goes on there: `POST /1.0/images` | `Watch` |
//! | `Watch` | whoever does it: the operation's `/wait` | it failed: `Post`, or `Forget` after the last; else `Forget`; relayed: `Alias` |
//! | `Forget` | who gave the secret: `DELETE` of its operation | done. Without, a server that shuts down waits for it |
//! | `Alias` | there: `POST /1.0/images/aliases` for each | done |
//!
//! Where a server is reached from here says nothing about the way from the other one, so its own addresses are used.
//! An uploaded image gets no aliases by itself, and cannot be kept up to date: the server does not know where it is from.

use alloc::{string::String, vec::Vec};

use http::Method;

use super::{
    Needed, Peer, Sequence, Turn, ended,
    name_image::Naming,
    route::{Mode, Route},
    wait::Watcher,
};
use crate::{
    Answer, Changed, Client, Create, Download, Endpoint, Error, Get, Request, Resource, Response, Run,
    endpoint::bare,
    error::Outcome,
    flow::InTurn,
    resources::{
        CreatedImage, ExportImage, Image, ImageAlias, ImageExportPost, ImageSecret, ImageUpload, ImagesPost,
        ImagesPostSource, Operation, Server,
        image_sources::{CreateImageSecret, PushImage},
    },
};

/// Copies an image to another server. Made by [`Object::copy_to`](crate::Object::copy_to).
#[derive(Debug)]
pub struct CopyImage {
    fingerprint: String,
    project: String,
    /// The project there.
    target: String,
    peer: Peer,
    route: Route,
    public: Option<bool>,
    auto_update: Option<bool>,
    copy_aliases: bool,
    aliases: Vec<ImageAlias>,
    profiles: Vec<String>,
    private: bool,
    size: u64,
    post: ImagesPost,
    secret: Option<ImageSecret>,
    state: State,
}

#[derive(Debug)]
enum State {
    Image,
    Server,
    Secret,
    Post,
    Relay,
    Watch(Watcher),
    Forget(Result<CreatedImage, Error>),
    Alias(CreatedImage, Naming),
    Done(Option<Result<CreatedImage, Error>>),
}

impl CopyImage {
    pub(crate) fn new(fingerprint: String, project: String, target: String, peer: Peer) -> Self {
        Self {
            fingerprint,
            project,
            target,
            peer,
            route: Route::default(),
            public: None,
            auto_update: None,
            copy_aliases: false,
            aliases: Vec::new(),
            profiles: Vec::new(),
            private: true,
            size: 0,
            post: ImagesPost::default(),
            secret: None,
            state: State::Image,
        }
    }

    fn image(&mut self, image: Image) {
        let copied = if self.copy_aliases { image.aliases } else { Vec::new() };
        let project = core::mem::take(&mut self.project);
        let source = match self.route.mode {
            Mode::Push => ImagesPostSource { kind: "image".into(), mode: "push".into(), ..Default::default() },
            _ => ImagesPostSource { project, ..ImagesPostSource::pull(String::new(), "lxd") },
        };
        self.post = ImagesPost {
            source,
            filename: image.filename,
            public: self.public.unwrap_or(image.public),
            auto_update: self.auto_update.unwrap_or(image.auto_update),
            properties: image.properties,
            aliases: copied.into_iter().chain(core::mem::take(&mut self.aliases)).collect(),
            expires_at: Some(image.expires_at).filter(|time| time.unix().is_some_and(|(seconds, _)| seconds > 0)),
            profiles: core::mem::take(&mut self.profiles),
            ..ImagesPost::default()
        };
        self.post.source.fingerprint.clone_from(&image.fingerprint);
        self.fingerprint = image.fingerprint;
        self.size = image.size.try_into().unwrap_or_default();
        self.private = !image.public;
        self.state = if self.route.mode == Mode::Relay { State::Relay } else { State::Server };
    }

    fn server(&mut self, server: Server) -> Result<(), Error> {
        let which = if self.route.mode == Mode::Push { "the other server" } else { "the image's server" };
        self.route.learn(server, which)?;
        self.state = if self.private || self.route.mode == Mode::Push { State::Secret } else { State::Post };
        Ok(())
    }

    /// What is asked of the server that is connected to.
    fn ask_waiting(&self, request: Result<Request, Error>) -> Result<Turn<CreatedImage>, Error> {
        let ask = |request| {
            if self.route.mode == Mode::Push { Turn::AskPeer(self.peer, request) } else { Turn::Ask(request) }
        };
        request.map(ask)
    }

    /// What is asked of the one that connects, or gets it.
    fn ask_connecting(&self, request: Result<Request, Error>) -> Result<Turn<CreatedImage>, Error> {
        let ask = |request| {
            if self.route.mode == Mode::Push { Turn::Ask(request) } else { Turn::AskPeer(self.peer, request) }
        };
        request.map(ask)
    }

    /// Asks for a secret, and reads it from the operation that ends with it.
    fn secret(&self) -> Result<Request, Error> {
        match self.route.mode {
            Mode::Push => Create::<Image>::new((), self.post.clone()).request(),
            _ => CreateImageSecret { fingerprint: self.fingerprint.clone() }.request(),
        }
    }

    /// Tells the one that connects by which address.
    fn connect(&self) -> Result<Request, Error> {
        let address = self.route.address();
        if self.route.mode == Mode::Push {
            let push = PushImage {
                fingerprint: self.fingerprint.clone(),
                post: ImageExportPost {
                    target: address,
                    secret: self.secret.as_ref().map(|made| made.secret.clone()),
                    certificate: self.route.certificate.clone(),
                    project: self.target.clone(),
                    ..ImageExportPost::default()
                },
            };
            let mut request = push.request()?;
            request.extensions_mut().insert(Needed(Peer(0), push.extensions()));
            return Ok(request);
        }
        let mut post = self.post.clone();
        (post.source.server, post.source.certificate) = (address, self.route.certificate.clone());
        post.source.secret = self.secret.as_ref().map(|made| made.secret.clone());
        Create::<Image>::new((), post).request()
    }

    fn relay(&self) -> Result<Turn<CreatedImage>, Error> {
        let mut upload = ImageUpload::relayed();
        upload.filename = Some(self.post.filename.clone()).filter(|name| !name.is_empty());
        (upload.public, upload.properties) = (self.post.public, self.post.properties.clone());
        (upload.profiles, upload.fingerprint) = (self.post.profiles.clone(), Some(self.fingerprint.parse()?));
        let export = ExportImage::new(self.fingerprint.clone()).request()?;
        Ok(Turn::Relay(export, self.peer, upload.request()?))
    }

    /// It failed with this address: the next one may work.
    fn failed(&mut self, error: Error) {
        self.route.tried += 1;
        let again = self.route.mode != Mode::Relay && self.route.tried < self.route.addresses.len();
        self.state = if again { State::Post } else { State::Forget(Err(error)) };
    }

    fn succeeded(&mut self, operation: &Operation) -> Result<(), Error> {
        self.state = match self.route.mode {
            Mode::Pull => State::Forget(CreatedImage::finished(operation)),
            // Only the one that gets it says what it is, and nobody waits for that.
            Mode::Push => State::Forget(Ok(CreatedImage { fingerprint: self.fingerprint.parse()?, size: self.size })),
            Mode::Relay => {
                let aliases = core::mem::take(&mut self.post.aliases);
                State::Alias(CreatedImage::finished(operation)?, Naming::new(aliases))
            }
        };
        Ok(())
    }
}

impl Sequence for CopyImage {
    type Output = CreatedImage;

    fn turn(&mut self) -> Result<Turn<CreatedImage>, Error> {
        match core::mem::replace(&mut self.state, State::Done(None)) {
            State::Forget(result) if self.secret.is_none() => self.state = State::Done(Some(result)),
            state => self.state = state,
        }
        match &mut self.state {
            State::Image => Get::<Image>::new(self.fingerprint.clone()).request().map(Turn::Ask),
            State::Server => self.ask_waiting(Get::<Server>::new(()).request()),
            State::Secret => self.ask_waiting(self.secret()),
            State::Post => self.ask_connecting(self.connect()),
            State::Relay => self.relay(),
            State::Watch(watcher) => {
                let request = watcher.request();
                self.ask_connecting(request)
            }
            State::Forget(_) => {
                let secret = self.secret.as_ref().ok_or_else(ended)?;
                self.ask_waiting(bare(Method::DELETE, &Operation::path(&secret.operation)))
            }
            State::Alias(made, naming) => match naming.request(made) {
                Some(request) => self.ask_connecting(request),
                None => Ok(Turn::Done(*made)),
            },
            State::Done(result) => result.take().ok_or_else(ended)?.map(Turn::Done),
        }
    }

    fn answer(&mut self, answer: Result<Response, Error>) -> Result<(), Error> {
        match &mut self.state {
            State::Image => {
                let image = Get::<Image>::new(self.fingerprint.clone()).response(answer?)?;
                self.image(image.value);
            }
            State::Server => {
                let server = Get::<Server>::new(()).response(answer?)?;
                self.server(server.value)?;
            }
            State::Secret => {
                let create = CreateImageSecret { fingerprint: self.fingerprint.clone() };
                self.secret = Some(create.response(answer?)?);
                self.state = State::Post;
            }
            State::Post | State::Relay => match answer {
                // Whether the other server got it is not known.
                Err(error) => self.state = State::Forget(Err(error)),
                Ok(response) => match Changed::<CreatedImage>::read(&response) {
                    Ok(Changed::Done(made)) => self.state = State::Forget(Ok(made)),
                    Ok(Changed::Running(operation)) => self.state = State::Watch(Watcher::new(operation.id, None)),
                    Err(error) => self.failed(error),
                },
            },
            State::Watch(watcher) => match watcher.answer(answer) {
                Ok(None) => {}
                Ok(Some(operation)) => self.succeeded(&operation)?,
                Err(Error::Operation(error)) if matches!(error.outcome, Outcome::Failed(_)) => {
                    self.failed(Error::Operation(error));
                }
                Err(error) => self.state = State::Forget(Err(error)),
            },
            // Used or not, it is of no more use; a server that ended it with its use says 404.
            State::Forget(_) => self.secret = None,
            State::Alias(_, naming) => naming.answer(answer)?,
            State::Done(_) => {}
        }
        Ok(())
    }

    fn extensions(&self) -> Vec<&'static str> {
        (self.route.mode == Mode::Push).then_some("images_push_relay").into_iter().collect()
    }
}

impl<C: Client> Run<C, InTurn<CopyImage>> {
    /// Has this server connect to the other one (extension `images_push_relay`). By default the other one connects to this.
    pub fn push(mut self) -> Self {
        self.flow.sequence.route.mode = Mode::Push;
        self
    }

    /// Carries it through this process, for servers that cannot reach each other; it is never held whole. The copy cannot
    /// be kept up to date. A transport of one's own may not be able to do it.
    pub fn relay(mut self) -> Self {
        self.flow.sequence.route.mode = Mode::Relay;
        self
    }

    /// Whether untrusted clients of the other server may have it. By default as here.
    pub fn public(mut self, public: bool) -> Self {
        self.flow.sequence.public = Some(public);
        self
    }

    /// Whether the other server keeps it up to date. By default as here.
    pub fn auto_update(mut self, auto_update: bool) -> Self {
        self.flow.sequence.auto_update = Some(auto_update);
        self
    }

    /// Gives it the names that it has here. One that the other server has already is an error.
    pub fn copy_aliases(mut self) -> Self {
        self.flow.sequence.copy_aliases = true;
        self
    }

    /// Gives it a name there.
    pub fn alias(mut self, name: impl Into<String>) -> Self {
        self.flow.sequence.aliases.push(ImageAlias { name: name.into(), ..ImageAlias::default() });
        self
    }

    /// The profiles that instances made of it get. By default `default`. 5.0.2 takes no notice of it; there the copy can
    /// be [edited](crate::Object::edit).
    pub fn profiles<P: Into<String>>(mut self, profiles: impl IntoIterator<Item = P>) -> Self {
        self.flow.sequence.profiles = profiles.into_iter().map(Into::into).collect();
        self
    }

    /// Where the server that is connected to is found by the other one, as `https://host:8443`. Said several times, they
    /// are tried in order. By default all the addresses that it says it has.
    pub fn address(mut self, url: impl Into<String>) -> Self {
        self.flow.sequence.route.addresses.push(url.into());
        self
    }
}
