//! Copying an image to another server, which fetches it.
//!
//! | state | asks | and then |
//! |---|---|---|
//! | `Image` | here: `GET /1.0/images/{fingerprint}` | `Server` |
//! | `Server` | here: `GET /1.0`, for its addresses and its certificate | the image is private: `Secret`; else `Post` |
//! | `Secret` | here: `POST /1.0/images/{fingerprint}/secret` | `Post` |
//! | `Post` | there: `POST /1.0/images` with the next of the addresses | `Watch`; an error: `Post`, or `Forget` after the last |
//! | `Watch` | there: the operation's `/wait` | it failed: `Post`, or `Forget` after the last; else `Forget` |
//! | `Forget` | here: `DELETE` of the secret's operation | done. Without, a server that shuts down waits for it |
//!
//! Where this server is reached from here says nothing about the way from the other one, so its own addresses are used.

use alloc::{format, string::String, vec::Vec};

use http::Method;

use super::{Peer, Sequence, Turn, ended, wait::Watcher};
use crate::{
    Answer, Changed, Client, Create, Endpoint, Error, Get, Request, Resource, Response, Run,
    endpoint::bare,
    error::Outcome,
    flow::InTurn,
    resources::{
        CreatedImage, Image, ImageAlias, ImageSecret, ImagesPost, ImagesPostSource, Operation, Server,
        image_sources::CreateImageSecret,
    },
};

/// Copies an image to another server. Made by [`Object::copy_to`](crate::Object::copy_to).
#[derive(Debug)]
pub struct CopyImage {
    fingerprint: String,
    project: String,
    peer: Peer,
    public: Option<bool>,
    auto_update: Option<bool>,
    copy_aliases: bool,
    aliases: Vec<ImageAlias>,
    profiles: Vec<String>,
    addresses: Vec<String>,
    tried: usize,
    private: bool,
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
    Watch(Watcher),
    Forget(Result<CreatedImage, Error>),
    Done(Option<Result<CreatedImage, Error>>),
}

impl CopyImage {
    pub(crate) fn new(fingerprint: String, project: String, peer: Peer) -> Self {
        Self {
            fingerprint,
            project,
            peer,
            public: None,
            auto_update: None,
            copy_aliases: false,
            aliases: Vec::new(),
            profiles: Vec::new(),
            addresses: Vec::new(),
            tried: 0,
            private: true,
            post: ImagesPost::default(),
            secret: None,
            state: State::Image,
        }
    }

    fn image(&mut self, image: Image) {
        let source = ImagesPostSource::pull(String::new(), "lxd");
        let copied = if self.copy_aliases { image.aliases } else { Vec::new() };
        self.post = ImagesPost {
            source: ImagesPostSource { project: core::mem::take(&mut self.project), ..source },
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
        self.private = !image.public;
        self.state = State::Server;
    }

    fn server(&mut self, server: Server) -> Result<(), Error> {
        self.post.source.certificate = server.environment.certificate;
        if self.addresses.is_empty() {
            self.addresses = server.environment.addresses.iter().map(|address| format!("https://{address}")).collect();
        }
        if self.addresses.is_empty() {
            let text = "the image's server listens on no address (`core.https_address`), or does not say on which";
            return Err(Error::InvalidInput(text.into()));
        }
        self.state = if self.private { State::Secret } else { State::Post };
        Ok(())
    }

    /// It failed with this address: the next one may work.
    fn failed(&mut self, error: Error) {
        self.tried += 1;
        self.state = if self.tried < self.addresses.len() { State::Post } else { State::Forget(Err(error)) };
    }
}

impl Sequence for CopyImage {
    type Output = CreatedImage;

    fn turn(&mut self) -> Result<Turn<CreatedImage>, Error> {
        let here = |request: Result<Request, Error>| request.map(Turn::Ask);
        if let (State::Forget(_), None) = (&self.state, &self.secret) {
            if let State::Forget(result) = core::mem::replace(&mut self.state, State::Done(None)) {
                self.state = State::Done(Some(result));
            }
        }
        match &mut self.state {
            State::Image => here(Get::<Image>::new(self.fingerprint.clone()).request()),
            State::Server => here(Get::<Server>::new(()).request()),
            State::Secret => here(CreateImageSecret { fingerprint: self.fingerprint.clone() }.request()),
            State::Post => {
                let mut post = self.post.clone();
                post.source.server = self.addresses.get(self.tried).cloned().unwrap_or_default();
                Create::<Image>::new((), post).request().map(|request| Turn::AskPeer(self.peer, request))
            }
            State::Watch(watcher) => watcher.request().map(|request| Turn::AskPeer(self.peer, request)),
            State::Forget(_) => {
                let secret = self.secret.as_ref().ok_or_else(ended)?;
                here(bare(Method::DELETE, &Operation::path(&secret.operation)))
            }
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
                let made = create.response(answer?)?;
                self.post.source.secret = Some(made.secret.clone());
                self.secret = Some(made);
                self.state = State::Post;
            }
            State::Post => match answer {
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
                Ok(Some(operation)) => self.state = State::Forget(CreatedImage::finished(&operation)),
                Err(Error::Operation(error)) if matches!(error.outcome, Outcome::Failed(_)) => {
                    self.failed(Error::Operation(error));
                }
                Err(error) => self.state = State::Forget(Err(error)),
            },
            // Used or not, it is of no more use; a server that ended it with its use says 404.
            State::Forget(_) => self.secret = None,
            State::Done(_) => {}
        }
        Ok(())
    }
}

impl<C: Client> Run<C, InTurn<CopyImage>> {
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

    /// Where the other server finds this one, as `https://host:8443`. Said several times, they are tried in order. By
    /// default all the addresses that this server says it has.
    pub fn address(mut self, url: impl Into<String>) -> Self {
        self.flow.sequence.addresses.push(url.into());
        self
    }
}
