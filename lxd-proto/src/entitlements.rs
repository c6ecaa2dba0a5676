//! What the asker may do with an object: the server says it on demand, of what it is asked for.

use alloc::{string::String, vec::Vec};

use crate::{
    Call, Client, Endpoint,
    crud::{Get, List, Listed, Resource},
    uri::Path,
};

/// The API extension for that.
pub(crate) const EXTENSION: &str = "entities_with_entitlements";

/// A kind of object of which the server says what the asker may do with it, in its field `access_entitlements`.
pub trait Entitled: Resource {}

/// A call whose answer says what the asker may do with what it gives: see
/// [`Call::with_access_entitlements`](crate::Call::with_access_entitlements).
pub trait SaysEntitlements: Endpoint {
    /// What it gives.
    type Of: Entitled;

    /// What the asker may want to do.
    fn entitlements(&mut self) -> &mut Vec<String>;
}

impl<R: Entitled> SaysEntitlements for Get<R> {
    type Of = R;

    fn entitlements(&mut self) -> &mut Vec<String> {
        &mut self.access_entitlements
    }
}

impl<R: Entitled + Listed> SaysEntitlements for List<R> {
    type Of = R;

    fn entitlements(&mut self) -> &mut Vec<String> {
        &mut self.choice.access_entitlements
    }
}

impl<C: Client, E: SaysEntitlements> Call<C, E> {
    /// Asks which of these the asker may do with each object: `can_edit`, `can_delete` and so on, for each kind its own
    /// (extension `entities_with_entitlements`, 6.3). They are in the object's `access_entitlements` then.
    ///
    /// The server says nothing to those who may do everything, such as clients of its socket: only to those whose groups
    /// decide.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::Lxd;
    ///
    /// for instance in lxd.instances().list().with_access_entitlements(["can_edit", "can_delete"]).send()? {
    ///     println!("{}: {:?}", instance.name, instance.access_entitlements);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_access_entitlements<T: Into<String>>(mut self, wanted: impl IntoIterator<Item = T>) -> Self {
        self.endpoint.entitlements().extend(wanted.into_iter().map(Into::into));
        self
    }
}

/// The path with what is wanted in it.
pub(crate) fn asked(path: Path, wanted: &[String]) -> Path {
    if wanted.is_empty() { path } else { path.query("with-access-entitlements", wanted.join(",")) }
}

/// What the server must have to say it.
pub(crate) fn extension(wanted: &[String]) -> Option<&'static str> {
    (!wanted.is_empty()).then_some(EXTENSION)
}
