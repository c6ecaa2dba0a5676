//! What can be said of a kind of object.

use alloc::vec::Vec;
use core::fmt;

use serde::{Serialize, de::DeserializeOwned};

use super::Answer;
use crate::{Error, compat::Needs, error::decode, uri::Path};

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
