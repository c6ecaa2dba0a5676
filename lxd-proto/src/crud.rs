//! The generic verbs: create, read, update, rename and delete, written once for every kind of object.
//!
//! About 77 % of LXD's verb and path pairs are these. A kind says in [`Resource`] where it is, and by implementing
//! [`Listed`], [`Creatable`], [`Editable`], [`Patchable`], [`Renamable`] and [`Deletable`] what can be done to it: a verb
//! that LXD does not have for a kind does not compile.

use alloc::{boxed::Box, collections::BTreeMap, string::String, vec::Vec};
use core::{fmt, marker::PhantomData, ops::Deref};

use bytes::Bytes;
use http::{Method, header};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Elements, Endpoint, Error, Listing, Request, Response,
    compat::Needs,
    elements::Collected,
    endpoint::{Receive, bare, json, set_header},
    entitlements,
    envelope::{self, Envelope},
    error::decode,
    headers,
    resources::Operation,
    uri::{Path, name_in_list},
};

/// A kind of object, as LXD describes one in full.
pub trait Resource: DeserializeOwned + Clone + Send + Sync + 'static {
    /// What it is called in errors.
    const KIND: &'static str;

    /// The API extension that brought it, if it is younger than the API.
    const EXTENSION: Option<&'static str> = None;

    /// What names one: a name, or a name with its parents', or nothing for the server itself.
    type At: Clone + fmt::Debug + Send + Sync + 'static;

    /// Where it is.
    fn path(at: &Self::At) -> Path;
}

/// A kind of object that is in a list: `GET` of the list's path.
pub trait Listed: Resource {
    /// What names the list: nothing, or the parents' names.
    type In: Clone + fmt::Debug + Send + Sync + 'static;

    /// Where the list is.
    fn list(within: &Self::In) -> Path;

    /// What names the object that has this name in the list.
    fn at(within: &Self::In, name: &str) -> Self::At;

    /// Reads a list, of objects or of their URLs. LXD's are arrays, but for operations.
    ///
    /// # Errors
    /// [`Error::Decode`].
    fn read_list<T: DeserializeOwned>(metadata: &str) -> Result<Vec<T>, Error> {
        Ok(decode::<Option<_>>(Self::KIND, metadata.as_bytes())?.unwrap_or_default())
    }
}

/// Says where the objects of a kind are, by names in a list of the server, or in one of another object:
/// `resource! { Kind, "what it is called" ("extension"): "list" }` and `resource! { Kind, "..": Parent / "list" }`.
macro_rules! resource {
    ($name:ident, $kind:literal $(($extension:literal))?: $list:literal) => {
        impl $crate::crud::Resource for $name {
            const KIND: &'static str = $kind;
            $(const EXTENSION: Option<&'static str> = Some($extension);)?
            type At = alloc::string::String;

            fn path(at: &Self::At) -> $crate::uri::Path {
                <Self as $crate::crud::Listed>::list(&()).name(at)
            }
        }

        impl $crate::crud::Listed for $name {
            type In = ();

            fn list((): &()) -> $crate::uri::Path {
                $crate::uri::Path::root().join($list)
            }

            fn at((): &(), name: &str) -> Self::At {
                name.into()
            }
        }
    };
    ($name:ident, $kind:literal $(($extension:literal))?: $parent:ident / $list:literal) => {
        impl $crate::crud::Resource for $name {
            const KIND: &'static str = $kind;
            $(const EXTENSION: Option<&'static str> = Some($extension);)?
            #[doc = concat!("What names the [`", stringify!($parent), "`], and the name in it.")]
            type At = (<$parent as $crate::crud::Resource>::At, alloc::string::String);

            fn path((parent, name): &Self::At) -> $crate::uri::Path {
                <Self as $crate::crud::Listed>::list(parent).name(name)
            }
        }

        impl $crate::crud::Listed for $name {
            #[doc = concat!("What names the [`", stringify!($parent), "`].")]
            type In = <$parent as $crate::crud::Resource>::At;

            fn list(parent: &Self::In) -> $crate::uri::Path {
                <$parent as $crate::crud::Resource>::path(parent).join($list)
            }

            fn at(parent: &Self::In, name: &str) -> Self::At {
                (parent.clone(), name.into())
            }
        }
    };
}

pub(crate) use resource;

/// A kind of object whose list the server filters.
pub trait Filterable: Listed {
    /// The API extension for that. A server without it gives the whole list and says nothing.
    const EXTENSION: &'static str;
}

/// A kind of object that is in projects and can be listed of all of them.
pub trait AcrossProjects: Listed {
    /// The API extension for that.
    const EXTENSION: &'static str;
}

/// A kind of object that is made by `POST` to its list.
pub trait Creatable: Listed {
    /// What is sent.
    type Post: Serialize + Needs + Send + Sync + 'static;

    /// What making one gives, besides the object.
    type Answer: Answer;

    /// The API extensions that what is asked for needs, besides the kind's own.
    fn needs(post: &Self::Post) -> Vec<&'static str> {
        post.needs()
    }
}

/// A kind of object that is replaced by `PUT`.
pub trait Editable: Resource {
    /// The part of it that can be written.
    type Put: Serialize + DeserializeOwned + Clone + fmt::Debug + Send + Sync + 'static;

    /// The keys of the whole that are not in [`Put`](Self::Put).
    const READ_ONLY: &'static [&'static str];
}

/// A kind of object that is changed key by key with `PATCH`.
pub trait Patchable: Editable {
    /// What is sent: the keys of [`Put`](Editable::Put), each of which can be left out.
    type Patch: Serialize + Default + Clone + fmt::Debug + Send + Sync + 'static;
}

/// A kind of object that is renamed by `POST` to it.
pub trait Renamable: Resource {
    /// The key of the new name.
    const KEY: &'static str = "name";
}

/// A kind of object that is removed by `DELETE`.
pub trait Deletable: Resource {}

/// A kind of object that the server removes also where it would rather not, when it is told to: `DELETE` with `force`.
pub trait Forcible: Deletable {
    /// The API extension for that, if it is younger than the kind.
    const EXTENSION: Option<&'static str>;
}

/// What a mutation gives at its end: in the `sync` answer of one server, in the operation of another.
pub trait Answer: Sized + Send + 'static {
    /// Reads it from a `sync` answer.
    ///
    /// # Errors
    /// [`Error::Decode`] or [`Error::Protocol`].
    fn done(response: &Response, metadata: &str) -> Result<Self, Error>;

    /// Reads it from an operation that succeeded.
    ///
    /// # Errors
    /// [`Error::Protocol`].
    fn finished(operation: &Operation) -> Result<Self, Error>;
}

impl Answer for () {
    fn done(_: &Response, _: &str) -> Result<Self, Error> {
        Ok(())
    }

    fn finished(_: &Operation) -> Result<Self, Error> {
        Ok(())
    }
}

/// What was made, by its name: also the one that the server chose.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Created {
    /// The name; empty when the server said none.
    pub name: String,
}

impl Answer for Created {
    fn done(response: &Response, _: &str) -> Result<Self, Error> {
        let location = headers::text(response.headers(), header::LOCATION);
        Ok(Self { name: last_segment(location.unwrap_or_default()) })
    }

    fn finished(operation: &Operation) -> Result<Self, Error> {
        let url = operation.entity_url().or_else(|| operation.resource_url());
        Ok(Self { name: last_segment(url.unwrap_or_default()) })
    }
}

pub(crate) fn last_segment(url: &str) -> String {
    name_in_list(url, &Path::root()).and_then(|name| name.rsplit('/').next().map(String::from)).unwrap_or_default()
}

/// What a mutation came to: done at once, or running as an operation. Which of the two is the server's business, and
/// changes with its version; `wait()` on the call gives the same value for both.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the work may still be running, and may fail"]
pub enum Changed<A> {
    /// It is done.
    Done(A),
    /// It goes on as this operation.
    Running(Box<Operation>),
}

impl<A: Answer> Changed<A> {
    /// Reads the answer to a mutation.
    ///
    /// # Errors
    /// Those of [`Envelope::open`], and of the answer itself.
    pub fn read(response: &Response) -> Result<Self, Error> {
        match Envelope::open(response)? {
            Envelope::Sync(metadata) => A::done(response, metadata).map(Self::Done),
            Envelope::Async(operation) => Ok(Self::Running(operation)),
        }
    }
}

/// The version of an object's writable part, opaque. A `PUT` or `PATCH` with it fails with
/// [`PreconditionFailed`](crate::error::ApiErrorKind::PreconditionFailed) when somebody else was faster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag(String);

impl ETag {
    /// The version as the server wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An object with its version and the very bytes that it came in.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Fetched<R> {
    /// The object.
    pub value: R,
    /// Its version, where LXD has one (5.0.2 has none for storage pools).
    pub etag: Option<ETag>,
    /// The JSON it was read from, which holds also what this version of the library does not know.
    pub raw: Bytes,
}

impl<R: fmt::Debug> fmt::Debug for Fetched<R> {
    /// Not the JSON: it shows what the value hides.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").field("value", &self.value).field("etag", &self.etag).finish_non_exhaustive()
    }
}

impl<R: DeserializeOwned> Fetched<R> {
    /// Reads the answer to a `GET`.
    pub(crate) fn read(what: &'static str, response: &Response) -> Result<Self, Error> {
        let (value, raw) = envelope::object(what, response)?;
        let etag = headers::text(response.headers(), header::ETAG);
        Ok(Self { value, etag: etag.map(|text| ETag(text.into())), raw })
    }
}

impl<R> Deref for Fetched<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.value
    }
}

/// Which objects of a list are wanted.
pub struct Choice<R> {
    filter: Option<String>,
    only: Option<&'static str>,
    all_projects: bool,
    pub(crate) access_entitlements: Vec<String>,
    extensions: Vec<&'static str>,
    kind: PhantomData<fn() -> R>,
}

impl<R: Filterable> Choice<R> {
    /// Only the objects that match: `field eq value` or `field ne value`, joined by `and` or `or`; strings are regular
    /// expressions.
    pub fn filter(&mut self, filter: impl Into<String>) {
        self.filter = Some(filter.into());
        self.extensions.push(<R as Filterable>::EXTENSION);
    }

    /// Those of the objects that match this too, whatever else is said.
    pub(crate) fn only(filter: &'static str) -> Self {
        let extensions = [<R as Filterable>::EXTENSION].into();
        Self { only: Some(filter), extensions, ..Self::default() }
    }
}

impl<R: AcrossProjects> Choice<R> {
    /// Those of all projects, and not only of the client's.
    pub fn all_projects(&mut self) {
        self.all_projects = true;
        self.extensions.push(<R as AcrossProjects>::EXTENSION);
    }
}

impl<R: Listed> Choice<R> {
    /// A list's path with the choice in it.
    pub(crate) fn of(&self, path: Path) -> Path {
        let path = match (&self.filter, self.only) {
            // LXD knows no parentheses, and goes from left to right: what is said last counts for all before it.
            (Some(filter), Some(only)) => path.query("filter", alloc::format!("{filter} and {only}")),
            (Some(filter), None) => path.query("filter", filter),
            (None, Some(only)) => path.query("filter", only),
            (None, None) => path,
        };
        let path = if self.all_projects { path.query("all-projects", "true") } else { path };
        entitlements::asked(path, &self.access_entitlements)
    }

    pub(crate) fn extensions(&self) -> Vec<&'static str> {
        let chosen = self.extensions.iter().copied().chain(entitlements::extension(&self.access_entitlements));
        R::EXTENSION.into_iter().chain(chosen).collect()
    }
}

impl<R> Default for Choice<R> {
    /// All of the client's project.
    fn default() -> Self {
        Self {
            filter: None,
            only: None,
            all_projects: false,
            access_entitlements: Vec::new(),
            extensions: Vec::new(),
            kind: PhantomData,
        }
    }
}

impl<R> Clone for Choice<R> {
    fn clone(&self) -> Self {
        let (filter, extensions) = (self.filter.clone(), self.extensions.clone());
        Self { filter, access_entitlements: self.access_entitlements.clone(), extensions, ..*self }
    }
}

impl<R> fmt::Debug for Choice<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { filter, only, all_projects, access_entitlements, .. } = self;
        f.debug_struct("Choice")
            .field("filter", filter)
            .field("only", only)
            .field("all_projects", all_projects)
            .field("access_entitlements", access_entitlements)
            .finish()
    }
}

/// A list of which some can be chosen: see [`Call::filter`](crate::Call::filter) and
/// [`Call::all_projects`](crate::Call::all_projects).
pub trait Chosen: Endpoint {
    /// What is listed.
    type Of: Listed;

    /// Which, and of which projects.
    fn choice(&mut self) -> &mut Choice<Self::Of>;
}

impl<R: Listed> Chosen for List<R> {
    type Of = R;

    fn choice(&mut self) -> &mut Choice<R> {
        &mut self.choice
    }
}

impl<R: Listed> Chosen for Names<R> {
    type Of = R;

    fn choice(&mut self) -> &mut Choice<R> {
        &mut self.choice
    }
}

/// Declares a verb's value, with a constructor from what names its object and the fields that must be said.
macro_rules! verb {
    ($($(#[$meta:meta])* pub struct $name:ident<$resource:ident: $bound:ident> {
        $at:ident: $at_type:ty, $($field:ident: $type:ty,)*
        $(; $($(#[$option_meta:meta])* pub $option:ident: $option_type:ty,)*)?
    })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct $name<$resource: $bound> {
            $at: $at_type,
            $($field: $type,)*
            $($($(#[$option_meta])* pub $option: $option_type,)*)?
        }

        impl<$resource: $bound> $name<$resource> {
            /// The request for this object or list.
            pub fn new($at: $at_type, $($field: $type,)*) -> Self {
                Self { $at, $($field,)* $($($option: Default::default(),)*)? }
            }
        }
    )*};
}

verb! {
    /// `GET` of one object.
    pub struct Get<R: Resource> { at: R::At, ;
        /// What the asker may want to do with it, of which the server says what it may.
        pub access_entitlements: Vec<String>,
    }

    /// Whether an object is there: `GET` of it.
    pub struct Exists<R: Resource> { at: R::At, }

    /// `GET` of a list with its objects (`recursion=1`).
    pub struct List<R: Listed> { within: R::In, ;
        /// Which, and of which projects.
        pub choice: Choice<R>,
    }

    /// `GET` of a list's names (`recursion=0`).
    pub struct Names<R: Listed> { within: R::In, ;
        /// Which, and of which projects.
        pub choice: Choice<R>,
    }

    /// `POST` to a list.
    pub struct Create<R: Creatable> { within: R::In, post: R::Post, }

    /// `PUT` of an object: what is missing becomes empty.
    pub struct Replace<R: Editable> { at: R::At, put: R::Put, ;
        /// Fail with 412 when the object has another version by now.
        pub if_match: Option<ETag>,
    }

    /// `PATCH` of an object: keys that are given are set, maps are merged.
    pub struct Patch<R: Patchable> { at: R::At, patch: R::Patch, ;
        /// Fail with 412 when the object has another version by now.
        pub if_match: Option<ETag>,
    }

    /// `POST` to an object, with its new name.
    pub struct Rename<R: Renamable> { at: R::At, name: String, }
}

/// `DELETE` of an object.
#[derive(Clone, Debug)]
pub struct Delete<R: Deletable> {
    at: R::At,
    force: bool,
    extensions: Vec<&'static str>,
}

impl<R: Deletable> Delete<R> {
    /// The request for this object.
    pub fn new(at: R::At) -> Self {
        Self { at, force: false, extensions: R::EXTENSION.into_iter().collect() }
    }
}

impl<R: Forcible> Delete<R> {
    /// Also where the server would rather not.
    pub fn force(&mut self) {
        self.force = true;
        self.extensions.extend(<R as Forcible>::EXTENSION);
    }
}

impl<R: Resource> Endpoint for Get<R> {
    type Output = Fetched<R>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &entitlements::asked(R::path(&self.at), &self.access_entitlements))
    }

    fn response(&self, response: Response) -> Result<Fetched<R>, Error> {
        Fetched::read(R::KIND, &response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        R::EXTENSION.into_iter().chain(entitlements::extension(&self.access_entitlements)).collect()
    }
}

impl<R: Resource> Endpoint for Exists<R> {
    type Output = bool;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &R::path(&self.at))
    }

    fn response(&self, response: Response) -> Result<bool, Error> {
        match Envelope::metadata(&response) {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn extensions(&self) -> Vec<&'static str> {
        R::EXTENSION.into_iter().collect()
    }
}

impl<R: Listed> Endpoint for List<R> {
    type Output = Vec<R>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &self.choice.of(R::list(&self.within).query("recursion", "1")))
    }

    fn response(&self, response: Response) -> Result<Vec<R>, Error> {
        let (head, body) = response.into_parts();
        Collected::whole(self.elements(head), body)
    }

    fn receive(&self, head: http::response::Parts) -> Box<dyn Receive<Vec<R>>> {
        Box::new(Collected::new(self.elements(head)))
    }

    fn extensions(&self) -> Vec<&'static str> {
        self.choice.extensions()
    }
}

impl<R: Listed> Listing for List<R> {
    type Item = R;

    fn elements(&self, head: http::response::Parts) -> Elements<R> {
        Elements::new(R::KIND, head, R::read_list)
    }
}

impl<R: Listed> Endpoint for Names<R> {
    type Output = Vec<String>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &self.choice.of(R::list(&self.within)))
    }

    fn response(&self, response: Response) -> Result<Vec<String>, Error> {
        let urls: Vec<String> = R::read_list(Envelope::metadata(&response)?)?;
        let list = R::list(&self.within);
        let unnamed = |url: &String| Error::Protocol(alloc::format!("{url:?} in a list names nothing"));
        urls.iter().map(|url| name_in_list(url, &list).ok_or_else(|| unnamed(url))).collect()
    }

    fn extensions(&self) -> Vec<&'static str> {
        self.choice.extensions()
    }
}

impl<R: Creatable> Endpoint for Create<R> {
    type Output = Changed<R::Answer>;

    fn request(&self) -> Result<Request, Error> {
        json(Method::POST, &R::list(&self.within), &self.post)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        R::EXTENSION.into_iter().chain(R::needs(&self.post)).collect()
    }
}

impl<R: Editable> Endpoint for Replace<R> {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        conditional(json(Method::PUT, &R::path(&self.at), &self.put)?, self.if_match.as_ref())
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        R::EXTENSION.into_iter().collect()
    }
}

impl<R: Patchable> Endpoint for Patch<R> {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        conditional(json(Method::PATCH, &R::path(&self.at), &self.patch)?, self.if_match.as_ref())
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        R::EXTENSION.into_iter().collect()
    }
}

impl<R: Renamable> Endpoint for Rename<R> {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        json(Method::POST, &R::path(&self.at), &BTreeMap::from([(R::KEY, &self.name)]))
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        R::EXTENSION.into_iter().collect()
    }
}

impl<R: Deletable> Endpoint for Delete<R> {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        let path = R::path(&self.at);
        // Some handlers of LXD look for `1`, and not for `true`.
        bare(Method::DELETE, &if self.force { path.query("force", "1") } else { path })
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        self.extensions.clone()
    }
}

/// Makes a request conditional on the object's version.
pub(crate) fn conditional(mut request: Request, if_match: Option<&ETag>) -> Result<Request, Error> {
    if let Some(etag) = if_match {
        set_header(&mut request, header::IF_MATCH, etag.as_str())?;
    }
    Ok(request)
}
