//! The generic verbs of lists and objects, as one types them.

use alloc::{boxed::Box, string::String};

use crate::{
    Call, Client, Draft, Run,
    crud::{
        AcrossProjects, Chosen, Creatable, Create, Deletable, Delete, ETag, Editable, Exists, Filterable, Forcible,
        Get, List, Listed, Names, Patch, Patchable, Renamable, Rename, Replace, Resource,
    },
    flow::{InTurn, edit::Edit, save::Save},
};

/// All objects of one kind, in one place.
#[derive(Clone, Debug)]
pub struct Collection<C, R: Listed> {
    pub(crate) client: C,
    pub(crate) within: R::In,
}

impl<C: Client, R: Listed> Collection<C, R> {
    pub(crate) fn new(client: &C, within: R::In) -> Self {
        Self { client: client.clone(), within }
    }

    /// The objects, whole: `GET` with `recursion=1`.
    pub fn list(&self) -> Call<C, List<R>> {
        Call::new(&self.client, List::new(self.within.clone()))
    }

    /// Their names: `GET`.
    pub fn names(&self) -> Call<C, Names<R>> {
        Call::new(&self.client, Names::new(self.within.clone()))
    }

    /// One of them: `GET` of the object.
    pub fn get(&self, name: &str) -> Call<C, Get<R>> {
        Call::new(&self.client, Get::new(R::at(&self.within, name)))
    }
}

impl<C: Client, R: Creatable> Collection<C, R> {
    /// Makes one: `POST`.
    pub fn create(&self, post: R::Post) -> Call<C, Create<R>> {
        Call::new(&self.client, Create::new(self.within.clone(), post))
    }
}

/// One object. Nothing is asked of the server until a call is sent.
#[derive(Clone, Debug)]
pub struct Object<C, R: Resource> {
    pub(crate) client: C,
    pub(crate) at: R::At,
}

impl<C: Client, R: Resource> Object<C, R> {
    pub(crate) fn new(client: &C, at: R::At) -> Self {
        Self { client: client.clone(), at }
    }

    /// What names it: a name, or a name with its parents'.
    pub fn at(&self) -> &R::At {
        &self.at
    }

    /// The object as it is now: `GET`.
    pub fn get(&self) -> Call<C, Get<R>> {
        Call::new(&self.client, Get::new(self.at.clone()))
    }

    /// Whether it is there: `GET`, of which 404 is an answer and no error.
    pub fn exists(&self) -> Call<C, Exists<R>> {
        Call::new(&self.client, Exists::new(self.at.clone()))
    }
}

impl<C: Client, R: Editable> Object<C, R> {
    /// Reads the object, lets the closure change its writable part, writes it back with `If-Match`, and waits for the
    /// end: `GET`, then `PUT`. When somebody else changed it in between, the closure runs again on the new value, at most
    /// [`limits::EDIT_TRIES`](crate::limits::EDIT_TRIES) times. Where nothing changes, nothing is written.
    ///
    /// Keys that this version does not know stay as they are.
    ///
    /// The server checks the version only where it has one (not for storage pools on 5.0.2, for example), and only of
    /// what it counts as a part of it: an instance's description is none.
    pub fn edit(&self, change: impl FnMut(&mut R::Put) + Send + 'static) -> Run<C, InTurn<Edit<R>>> {
        Run::new(&self.client, InTurn::new(Edit::new(self.at.clone(), Box::new(change))))
    }

    /// Writes back what differs in a draft, with `If-Match`, waits for the end, and gives the draft of what the object is
    /// then: `PUT`, then `GET`. Where nothing differs, nothing is sent. When only the last `GET` fails, that is the error, and
    /// the object is saved: read it again.
    ///
    /// When others changed the object since it was read, nothing is written, and [`Error::Outdated`](crate::Error) says who
    /// changed what; [`merge`](Run::merge) saves all the same when nobody else changed the same keys. What
    /// [`edit`](Self::edit) says of versions holds here too.
    pub fn save(&self, draft: &Draft<R>) -> Run<C, InTurn<Save<R>>> {
        Run::new(&self.client, InTurn::new(Save::new(self.at.clone(), draft.clone())))
    }

    /// Replaces all that can be written: `PUT`. What is missing becomes empty. See [`edit`](Self::edit) for changes, and
    /// [`Fetched::writable`](crate::Fetched::writable) for a value to begin with.
    pub fn replace(&self, put: R::Put) -> Call<C, Replace<R>> {
        Call::new(&self.client, Replace::new(self.at.clone(), put))
    }
}

impl<C: Client, R: Patchable> Object<C, R> {
    /// Sends only the keys that the closure sets: `PATCH` (extension `patch`). Maps such as `config` are merged: a key with
    /// an empty text is removed.
    ///
    /// [`edit`](Self::edit) is the better way on 5.0.2: there the description of an instance, a storage pool or a volume
    /// becomes empty when it is not given, and the patch of an image's alias fails after 20 s, in which the server does
    /// nothing else.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::Lxd;
    ///
    /// lxd.profile("web").patch(|web| web.description = Some("what serves pages".into())).wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn patch(&self, set: impl FnOnce(&mut R::Patch)) -> Call<C, Patch<R>> {
        let mut patch = R::Patch::default();
        set(&mut patch);
        Call::new(&self.client, Patch::new(self.at.clone(), patch))
    }
}

impl<C: Client, R: Renamable> Object<C, R> {
    /// Gives it another name: `POST` to the object.
    pub fn rename(&self, name: impl Into<String>) -> Call<C, Rename<R>> {
        Call::new(&self.client, Rename::new(self.at.clone(), name.into()))
    }
}

impl<C: Client, R: Deletable> Object<C, R> {
    /// Removes it: `DELETE`.
    pub fn delete(&self) -> Call<C, Delete<R>> {
        Call::new(&self.client, Delete::new(self.at.clone()))
    }
}

impl<C: Client, E: Chosen> Call<C, E>
where
    E::Of: Filterable,
{
    /// Only the objects that match: `field eq value` or `field ne value`, joined by `and` or `or`; strings are regular
    /// expressions (each kind has an extension for that, [`Filterable::EXTENSION`]).
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.endpoint.choice().filter(filter);
        self
    }
}

impl<C: Client, E: Chosen> Call<C, E>
where
    E::Of: AcrossProjects,
{
    /// Of all projects (each kind has an extension for that, [`AcrossProjects::EXTENSION`]).
    pub fn all_projects(mut self) -> Self {
        self.endpoint.choice().all_projects();
        self
    }
}

impl<C: Client, R: Forcible> Call<C, Delete<R>> {
    /// Removes it also where the server would rather not: a project with all that is in it, a cluster's member that does
    /// not answer (some kinds have an extension for that, [`Forcible::EXTENSION`]).
    pub fn force(mut self) -> Self {
        self.endpoint.force();
        self
    }
}

impl<C: Client, R: Editable> Call<C, Replace<R>> {
    /// Fails with [`PreconditionFailed`](crate::error::ApiErrorKind::PreconditionFailed) when the object has another
    /// version by now.
    pub fn if_match(mut self, etag: Option<ETag>) -> Self {
        self.endpoint.if_match = etag;
        self
    }
}

impl<C: Client, R: Patchable> Call<C, Patch<R>> {
    /// Fails with [`PreconditionFailed`](crate::error::ApiErrorKind::PreconditionFailed) when the object has another
    /// version by now.
    pub fn if_match(mut self, etag: Option<ETag>) -> Self {
        self.endpoint.if_match = etag;
        self
    }
}
