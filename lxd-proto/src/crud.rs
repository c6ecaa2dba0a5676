//! The generic verbs: create, read, update, rename and delete, written once for every kind of object.
//!
//! About 77 % of LXD's verb and path pairs are these. A kind says in [`Resource`] where it is, and by implementing
//! [`Listed`], [`Creatable`], [`Editable`], [`Patchable`], [`Renamable`] and [`Deletable`] what can be done to it: a verb
//! that LXD does not have for a kind does not compile.

mod changed;
mod choice;
mod fetched;

use alloc::{boxed::Box, collections::BTreeMap, string::String, vec::Vec};
use core::fmt;

use http::{Method, header};
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use changed::last_segment;
pub use changed::{Answer, Changed, Created};
pub use choice::{Choice, Chosen};
pub use fetched::{ETag, Fetched};

use crate::{
    Elements, Endpoint, Error, Listing, Request, Response,
    compat::Needs,
    elements::Collected,
    endpoint::{Receive, bare, json, set_header},
    entitlements,
    envelope::Envelope,
    error::decode,
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
