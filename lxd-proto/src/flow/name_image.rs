//! Names for an image that was uploaded: LXD takes none with an upload.
//!
//! | state | asks | and then |
//! |---|---|---|
//! | `Upload` | what [`Wait`] asks, until the image is there | `Name` |
//! | `Name` | `POST /1.0/images/aliases`, and where that is an operation its `/wait`, for each name | done |

use alloc::{collections::VecDeque, string::String, vec::Vec};

use super::{
    InTurn, Sequence, Turn, ended,
    wait::{Wait, Watcher},
};
use crate::{
    Changed, Client, Create, Endpoint, Error, Request, Response, Run,
    resources::{CreatedImage, ImageAlias, ImageAliasesEntry, ImageAliasesPost, ImageUpload},
};

/// Gives an image its names, one after the other.
#[derive(Debug, Default)]
pub(super) struct Naming {
    aliases: VecDeque<ImageAlias>,
    /// The operation that makes the first of them.
    watching: Option<Watcher>,
}

impl Naming {
    pub(super) fn new(aliases: Vec<ImageAlias>) -> Self {
        Self { aliases: aliases.into(), watching: None }
    }

    fn add(&mut self, name: String) {
        self.aliases.push_back(ImageAlias { name, ..ImageAlias::default() });
    }

    /// What is asked next, until it has all its names.
    pub(super) fn request(&mut self, image: &CreatedImage) -> Option<Result<Request, Error>> {
        if let Some(watcher) = &mut self.watching {
            return Some(watcher.request());
        }
        let alias = self.aliases.front()?;
        let mut post = ImageAliasesPost::new(&alias.name, alloc::format!("{}", image.fingerprint));
        post.description.clone_from(&alias.description);
        Some(Create::<ImageAliasesEntry>::new((), post).request())
    }

    pub(super) fn answer(&mut self, answer: Result<Response, Error>) -> Result<(), Error> {
        let made = match &mut self.watching {
            Some(watcher) => watcher.answer(answer)?.is_some(),
            None => match Changed::<()>::read(&answer?)? {
                Changed::Done(()) => true,
                Changed::Running(operation) => {
                    self.watching = Some(Watcher::new(operation.id, None));
                    false
                }
            },
        };
        if made {
            self.watching = None;
            self.aliases.pop_front();
        }
        Ok(())
    }
}

/// Uploads an image and gives it names. Made by [`alias`](Run::alias).
#[derive(Debug)]
pub struct NamedUpload {
    upload: Wait<ImageUpload, CreatedImage>,
    image: Option<CreatedImage>,
    naming: Naming,
}

impl<C: Client> Run<C, InTurn<Wait<ImageUpload, CreatedImage>>> {
    /// Gives it a name when it is there: `POST /1.0/images/aliases`. Where that fails, because another image has the name,
    /// the image stays.
    pub fn alias(self, name: impl Into<String>) -> Run<C, InTurn<NamedUpload>> {
        let named = NamedUpload { upload: self.flow.sequence, image: None, naming: Naming::default() };
        Run::with(&self.client, InTurn::new(named), self.streams).alias(name)
    }
}

impl<C: Client> Run<C, InTurn<NamedUpload>> {
    /// Gives it one more name.
    pub fn alias(mut self, name: impl Into<String>) -> Self {
        self.flow.sequence.naming.add(name.into());
        self
    }
}

impl Sequence for NamedUpload {
    type Output = CreatedImage;

    fn turn(&mut self) -> Result<Turn<CreatedImage>, Error> {
        if self.image.is_none() {
            match self.upload.turn()? {
                Turn::Done(image) => self.image = Some(image),
                asked => return Ok(asked),
            }
        }
        let image = self.image.ok_or_else(ended)?;
        self.naming.request(&image).map_or(Ok(Turn::Done(image)), |request| request.map(Turn::Ask))
    }

    fn answer(&mut self, answer: Result<Response, Error>) -> Result<(), Error> {
        if self.image.is_none() { self.upload.answer(answer) } else { self.naming.answer(answer) }
    }

    fn extensions(&self) -> Vec<&'static str> {
        self.upload.extensions()
    }
}
