//! The table of kinds: every object that has a name, and what can be done with it. Paths, keys and verbs are those of
//! `lxd-proto`'s own traits; only LXD's rules for them are said here.

use std::{marker::PhantomData, sync::OnceLock};

use lxd_proto::{
    Creatable, Deletable, Editable, Listed, Patchable, Renamable,
    resources::{
        AuthGroup, Certificate, IdentityProviderGroup, Image, ImageAliasesEntry, Instance, Network, NetworkAcl,
        NetworkForward, NetworkZone, NetworkZoneRecord, PlacementGroup, Profile, Project, StoragePool, StorageVolume,
        StorageVolumeAt, StorageVolumeSnapshot, StorageVolumeType, Warning,
    },
};
use percent_encoding::percent_decode_str;

use crate::{auth, images, instances, networks, profiles, projects, rules::Rules, storage, trust, warnings};

/// A kind of object.
#[derive(Debug)]
pub(crate) struct Kind {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The API extension that brought it.
    pub(crate) extension: Option<&'static str>,
    /// Where the list is: words, and nothing where a parent's name is.
    pub(crate) list: Vec<Option<String>>,
    /// The key of the name.
    pub(crate) key: &'static str,
    /// What is written of it is the rest.
    pub(crate) read_only: &'static [&'static str],
    pub(crate) verbs: Verbs,
    pub(crate) rules: Rules,
}

/// What can be done, by the same rules for all kinds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Verbs {
    pub(crate) create: bool,
    pub(crate) replace: bool,
    pub(crate) patch: bool,
    pub(crate) rename: bool,
    pub(crate) delete: bool,
}

/// A row of the table. Its verbs are those that the client has for the kind.
struct Row<R>(Kind, PhantomData<R>);

impl<R: Listed<In: Sample>> Row<R> {
    fn new(key: &'static str, rules: Rules) -> Self {
        let list = R::list(&R::In::sample()).uri().map(|uri| uri.path().to_owned()).unwrap_or_default();
        let segment = |text: &str| {
            let text = percent_decode_str(text).decode_utf8_lossy().into_owned();
            (text != NAME).then_some(text)
        };
        let list = list.split('/').skip(2).map(segment).collect();
        let (name, extension) = (R::KIND, R::EXTENSION);
        let (read_only, verbs): (&[&str], _) = (&[], Verbs::default());
        Self(Kind { name, extension, list, key, read_only, verbs, rules }, PhantomData)
    }

    fn create(mut self) -> Self
    where
        R: Creatable,
    {
        self.0.verbs.create = true;
        self
    }

    fn replace(mut self) -> Self
    where
        R: Editable,
    {
        self.0.verbs.replace = true;
        self.0.read_only = R::READ_ONLY;
        self
    }

    /// Replaced and changed.
    fn edit(self) -> Self
    where
        R: Patchable,
    {
        let mut row = self.replace();
        row.0.verbs.patch = true;
        row
    }

    fn rename(mut self) -> Self
    where
        R: Renamable,
    {
        self.0.verbs.rename = true;
        self
    }

    fn delete(mut self) -> Self
    where
        R: Deletable,
    {
        self.0.verbs.delete = true;
        self
    }

    fn row(self) -> Kind {
        self.0
    }
}

/// Names of parents, of which only the place matters.
trait Sample {
    fn sample() -> Self;
}

const NAME: &str = "{name}";

impl Sample for () {
    fn sample() -> Self {}
}

impl Sample for String {
    fn sample() -> Self {
        NAME.into()
    }
}

impl Sample for (String, StorageVolumeType) {
    fn sample() -> Self {
        (NAME.into(), NAME.into())
    }
}

impl Sample for StorageVolumeAt {
    fn sample() -> Self {
        (NAME.into(), NAME.into(), NAME.into())
    }
}

/// All of them.
pub(crate) fn kinds() -> &'static [Kind] {
    static KINDS: OnceLock<Vec<Kind>> = OnceLock::new();
    KINDS.get_or_init(|| {
        vec![
            // Made, changed and removed by the same rules.
            Row::<Project>::new("name", projects::RULES).create().edit().rename().delete().row(),
            Row::<Profile>::new("name", profiles::RULES).create().edit().rename().delete().row(),
            Row::<Network>::new("name", networks::NETWORK).create().edit().rename().delete().row(),
            Row::<NetworkAcl>::new("name", networks::ACL).create().edit().rename().delete().row(),
            Row::<NetworkForward>::new("listen_address", networks::FORWARD).create().edit().delete().row(),
            Row::<NetworkZone>::new("name", networks::ZONE).create().edit().delete().row(),
            Row::<NetworkZoneRecord>::new("name", networks::RECORD).create().edit().delete().row(),
            Row::<StoragePool>::new("name", storage::POOL).create().edit().delete().row(),
            Row::<ImageAliasesEntry>::new("name", images::ALIAS).create().edit().rename().delete().row(),
            Row::<AuthGroup>::new("name", auth::GROUP).create().edit().rename().delete().row(),
            Row::<IdentityProviderGroup>::new("name", auth::IDP_GROUP).create().edit().rename().delete().row(),
            Row::<PlacementGroup>::new("name", auth::PLACEMENT_GROUP).create().edit().rename().delete().row(),
            // Not made, or not removed, like the others.
            Row::<Certificate>::new("fingerprint", trust::RULES).edit().row(),
            Row::<Image>::new("fingerprint", images::RULES).edit().row(),
            Row::<Warning>::new("uuid", warnings::RULES).edit().delete().row(),
            Row::<StorageVolume>::new("name", storage::VOLUME).edit().row(),
            Row::<StorageVolumeSnapshot>::new("name", storage::SNAPSHOT).edit().row(),
            // Have a life of their own.
            Row::<Instance>::new("name", instances::RULES).edit().row(),
        ]
    })
}

/// The kind of a [`Place`](crate::objects::Place).
pub(crate) fn named(name: &str) -> &'static Kind {
    let found = kinds().iter().find(|kind| kind.name == name);
    // All names are from the table.
    found.unwrap_or_else(|| &kinds()[0])
}

impl Kind {
    /// The parents' names, when this is the path of its list.
    pub(crate) fn listed_at(&self, path: &[String]) -> Option<Vec<String>> {
        let fits = |(word, name): (&Option<String>, &String)| word.as_ref().is_none_or(|word| word == name);
        if path.len() != self.list.len() || !self.list.iter().zip(path).all(fits) {
            return None;
        }
        let parents = self.list.iter().zip(path).filter(|(word, _)| word.is_none());
        Some(parents.map(|(_, name)| name.clone()).collect())
    }

    /// The parents' names and its own, when this is its path.
    pub(crate) fn found_at(&self, path: &[String]) -> Option<Vec<String>> {
        let (name, list) = path.split_last()?;
        let mut names = self.listed_at(list)?;
        names.push(name.clone());
        Some(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_client() {
        let path = |text: &str| text.split('/').map(String::from).collect::<Vec<_>>();
        let found = |text: &str| kinds().iter().find_map(|kind| Some((kind.name, kind.found_at(&path(text))?)));
        assert_eq!(found("profiles/p"), Some(("profile", path("p"))));
        assert_eq!(found("networks/n/forwards/10.0.0.1"), Some(("network forward", path("n/10.0.0.1"))));
        let snapshot = "storage-pools/p/volumes/custom/v/snapshots/s";
        assert_eq!(found(snapshot), Some(("volume snapshot", path("p/custom/v/s"))));
        assert_eq!(found("profiles"), None);
    }
}
