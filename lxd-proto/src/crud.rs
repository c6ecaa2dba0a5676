//! The generic verbs: create, read, update, rename and delete, written once for every kind of object.
//!
//! About 77 % of LXD's verb and path pairs are these. A kind says in [`Resource`] where it is, and by implementing
//! [`Listed`], [`Creatable`], [`Editable`], [`Patchable`], [`Renamable`] and [`Deletable`] what can be done to it: a verb
//! that LXD does not have for a kind does not compile.

mod changed;
mod choice;
mod fetched;
mod kinds;
mod verbs;

pub(crate) use changed::last_segment;
pub use changed::{Answer, Changed, Created};
pub use choice::{Choice, Chosen};
pub use fetched::{ETag, Fetched};
pub(crate) use kinds::resource;
pub use kinds::{
    AcrossProjects, Creatable, Deletable, Editable, Filterable, Forcible, Listed, Patchable, Renamable, Resource,
};
pub(crate) use verbs::conditional;
pub use verbs::{Create, Delete, Exists, Get, List, Names, Patch, Rename, Replace};
