//! Which objects of a list are wanted, and of which projects.

use alloc::{string::String, vec::Vec};
use core::{fmt, marker::PhantomData};

use super::{AcrossProjects, Filterable, List, Listed, Names};
use crate::{Endpoint, entitlements, uri::Path};

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
