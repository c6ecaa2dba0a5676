//! Copying an instance, or a snapshot of one, on its own server.
//!
//! | state | asks | and then |
//! |---|---|---|
//! | `Look` | `GET` of the instance or snapshot | its configuration becomes the copy's: `Create` |
//! | `Create` | `POST /1.0/instances`, and the operation's `/wait` | done |
//!
//! 5.0.2 gives a copy nothing that is not said, not even a root disk ("No root device could be found"); later servers take
//! what the source has. So all of it is said.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use super::{Needed, Peer, Sequence, Turn, wait::Wait};
use crate::{
    Client, Create, Created, Endpoint, Error, Get, Request, Response, Run,
    flow::InTurn,
    resources::{Config, Instance, InstanceSnapshot, InstanceSource, InstancesPost},
};

/// What changes what is made.
pub(crate) type Adjust = Box<dyn FnOnce(&mut InstancesPost) + Send>;

/// Copies an instance, or a snapshot of one. Made by [`Object::copy_to`](crate::Object::copy_to).
pub struct Copy {
    instance: String,
    snapshot: Option<String>,
    name: String,
    adjust: Option<Adjust>,
    needed: Vec<&'static str>,
    state: State,
}

#[derive(Debug)]
enum State {
    Look,
    Create(Box<Wait<Create<Instance>, Created>>),
}

impl fmt::Debug for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { instance, snapshot, name, .. } = self;
        f.debug_struct("Copy")
            .field("instance", instance)
            .field("snapshot", snapshot)
            .field("name", name)
            .finish_non_exhaustive()
    }
}

impl Copy {
    pub(crate) fn new(instance: String, snapshot: Option<String>, name: String) -> Self {
        Self { instance, snapshot, name, adjust: None, needed: Vec::new(), state: State::Look }
    }

    fn look(&self) -> Result<Request, Error> {
        match &self.snapshot {
            Some(snapshot) => Get::<InstanceSnapshot>::new((self.instance.clone(), snapshot.clone())).request(),
            None => Get::<Instance>::new(self.instance.clone()).request(),
        }
    }

    /// What is sent to make the copy.
    fn post(&self, response: Response) -> Result<InstancesPost, Error> {
        let name = self.name.as_str();
        let mut post = match &self.snapshot {
            Some(snapshot) => {
                let found =
                    Get::<InstanceSnapshot>::new((self.instance.clone(), snapshot.clone())).response(response)?;
                let mut post =
                    InstancesPost::new(name, InstanceSource::copy(alloc::format!("{}/{snapshot}", self.instance)));
                (post.architecture, post.config) = (found.value.architecture, found.value.config);
                (post.devices, post.profiles) = (found.value.devices, Some(found.value.profiles));
                post.ephemeral = found.value.ephemeral;
                post
            }
            None => {
                let found = Get::<Instance>::new(self.instance.clone()).response(response)?;
                like(found.value, name, InstanceSource::copy(&self.instance))
            }
        };
        own(&mut post.config);
        Ok(post)
    }
}

/// All that a copy has of its source.
pub(crate) fn like(instance: Instance, name: &str, source: InstanceSource) -> InstancesPost {
    let mut post = InstancesPost::new(name, source);
    (post.architecture, post.config) = (instance.architecture, instance.config);
    (post.devices, post.profiles) = (instance.devices, Some(instance.profiles));
    (post.ephemeral, post.description) = (instance.ephemeral, instance.description);
    post.kind = instance.kind;
    own(&mut post.config);
    post
}

/// Leaves out what belongs to the source alone, such as its MAC addresses.
fn own(config: &mut Config) {
    config.retain(|key, _| !key.starts_with("volatile.") || key == "volatile.base_image");
}

impl Sequence for Copy {
    type Output = Created;

    fn turn(&mut self) -> Result<Turn<Created>, Error> {
        match &mut self.state {
            State::Look => self.look().map(Turn::Ask),
            State::Create(create) => {
                let mut turn = create.turn()?;
                if let Turn::Ask(request) = &mut turn {
                    // What changes it may ask for what the server lacks.
                    request.extensions_mut().insert(Needed(Peer(0), core::mem::take(&mut self.needed)));
                }
                Ok(turn)
            }
        }
    }

    fn answer(&mut self, answer: Result<Response, Error>) -> Result<(), Error> {
        match &mut self.state {
            State::Create(create) => create.answer(answer),
            State::Look => {
                let mut post = self.post(answer?)?;
                if let Some(adjust) = self.adjust.take() {
                    adjust(&mut post);
                }
                let create = Create::new((), post);
                self.needed = create.extensions();
                self.state = State::Create(Box::new(Wait::new(create)));
                Ok(())
            }
        }
    }
}

impl<C: Client> Run<C, InTurn<Copy>> {
    /// Changes what is made: other profiles, say, or only the instance without its snapshots. What is set here and needs an
    /// API extension that the server lacks is [`Error::MissingExtension`], before anything is made.
    pub fn adjust(mut self, change: impl FnOnce(&mut InstancesPost) + Send + 'static) -> Self {
        self.flow.sequence.adjust = Some(Box::new(change));
        self
    }
}
