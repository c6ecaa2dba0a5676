//! What groups may do: `/1.0/auth/permissions`. Extension `access_management` (5.21).

use alloc::{boxed::Box, string::String, vec::Vec};
use core::{fmt, marker::PhantomData};

use http::{Method, response::Parts};
use serde::de::DeserializeOwned;

use crate::{
    Call, Client, Elements, Endpoint, Error, Listing, Request, Response,
    compat::{model, writable},
    elements::Collected,
    endpoint::{Receive, bare},
    error::decode,
    uri::Path,
};

const KIND: &str = "permission";

writable! {
    /// A permission: what may be done with one object.
    pub struct Permission {
        /// What kind of object: `server`, `project`, `instance` and so on.
        pub entity_type: String,
        /// The object's URL, as `/1.0/instances/c1?project=default`.
        pub url: String,
        /// What may be done: `can_view`, `operator` and so on, for each kind its own.
        pub entitlement: String,
    }
}

impl Permission {
    /// This may be done with this object.
    pub fn new(entity_type: impl Into<String>, url: impl Into<String>, entitlement: impl Into<String>) -> Self {
        Self { entity_type: entity_type.into(), url: url.into(), entitlement: entitlement.into(), ..Self::default() }
    }
}

model! {
    /// A permission, and who has it.
    pub struct PermissionInfo {
        /// What kind of object.
        pub entity_type: String,
        /// The object's URL.
        pub url: String,
        /// What may be done.
        pub entitlement: String,
        /// The names of the groups that have it.
        pub groups: Vec<String>,
    }
}

/// `GET /1.0/auth/permissions`, of [`Permission`]s or of [`PermissionInfo`]s.
pub struct ListPermissions<T> {
    entity_type: Option<String>,
    /// Whether the answer says who has them (`recursion=1`).
    groups: bool,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Send + 'static> Endpoint for ListPermissions<T> {
    type Output = Vec<T>;

    fn request(&self) -> Result<Request, Error> {
        let path = Path::root().join("auth/permissions");
        let path = if self.groups { path.query("recursion", "1") } else { path };
        bare(Method::GET, &self.entity_type.iter().fold(path, |path, kind| path.query("entity-type", kind)))
    }

    fn response(&self, response: Response) -> Result<Vec<T>, Error> {
        let (head, body) = response.into_parts();
        Collected::whole(self.elements(head), body)
    }

    fn receive(&self, head: Parts) -> Box<dyn Receive<Vec<T>> + '_> {
        Box::new(Collected::new(self.elements(head)))
    }

    fn extensions(&self) -> Vec<&'static str> {
        Vec::from(["access_management"])
    }
}

impl<T: DeserializeOwned + Send + 'static> Listing for ListPermissions<T> {
    type Item = T;

    fn elements(&self, head: Parts) -> Elements<T> {
        Elements::new(KIND, head, |list| Ok(decode::<Option<_>>(KIND, list.as_bytes())?.unwrap_or_default()))
    }
}

impl<C: Client, T: DeserializeOwned + Send + 'static> Call<C, ListPermissions<T>> {
    /// Only those on one kind of object: `instance`, for example.
    pub fn of(mut self, entity_type: impl Into<String>) -> Self {
        self.endpoint.entity_type = Some(entity_type.into());
        self
    }
}

impl<C: Client> Call<C, ListPermissions<Permission>> {
    /// With the groups that have them: `recursion=1`.
    pub fn with_groups(self) -> Call<C, ListPermissions<PermissionInfo>> {
        let list = ListPermissions { entity_type: self.endpoint.entity_type, groups: true, of: PhantomData };
        Call::with(&self.client, list, self.streams)
    }
}

impl Default for ListPermissions<Permission> {
    /// All of them, without the groups that have them.
    fn default() -> Self {
        Self { entity_type: None, groups: false, of: PhantomData }
    }
}

impl<T> fmt::Debug for ListPermissions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entity_type, groups, .. } = self;
        f.debug_struct("ListPermissions").field("entity_type", entity_type).field("groups", groups).finish()
    }
}
