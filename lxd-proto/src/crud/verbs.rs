//! What can be done with any of them.

use alloc::{boxed::Box, collections::BTreeMap, string::String, vec::Vec};

use http::{Method, header};

use super::{
    Changed, Choice, Creatable, Deletable, ETag, Editable, Fetched, Forcible, Listed, Patchable, Renamable, Resource,
};
use crate::{
    Elements, Endpoint, Error, Listing, Request, Response,
    elements::Collected,
    endpoint::{Receive, bare, json, set_header},
    entitlements,
    envelope::Envelope,
    uri::name_in_list,
};

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
