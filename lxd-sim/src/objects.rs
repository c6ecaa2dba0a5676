//! All that is an object with a name and no life of its own.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{ask::Object, kinds::Kind};

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// What it is.
    pub(crate) kind: &'static str,
    /// The project that has it; empty for what is in none.
    pub(crate) project: String,
    /// Its parents' names, and its own.
    pub(crate) names: Vec<String>,
}

impl Place {
    pub(crate) fn new(kind: &Kind, project: &str, names: &[impl AsRef<str>]) -> Self {
        let names = names.iter().map(|name| name.as_ref().to_owned()).collect();
        Self { kind: kind.name, project: project.into(), names }
    }

    pub(crate) fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }
}

/// The objects.
#[derive(Debug, Default)]
pub(crate) struct Objects(BTreeMap<Place, Object>);

impl Objects {
    pub(crate) fn get(&self, place: &Place) -> Option<&Object> {
        self.0.get(place)
    }

    pub(crate) fn get_mut(&mut self, place: &Place) -> Option<&mut Object> {
        self.0.get_mut(place)
    }

    pub(crate) fn put(&mut self, place: Place, object: Object) {
        self.0.insert(place, object);
    }

    pub(crate) fn remove(&mut self, place: &Place) -> Option<Object> {
        self.0.remove(place)
    }

    /// All of a kind, of all projects and parents.
    pub(crate) fn all(&self, kind: &'static str) -> impl Iterator<Item = (&Place, &Object)> {
        let from = Place { kind, project: String::new(), names: Vec::new() };
        self.0.range(from..).take_while(move |(place, _)| place.kind == kind)
    }

    /// Those of a kind in a project and below these parents.
    pub(crate) fn below<'a>(
        &'a self,
        kind: &'static str,
        project: &'a str,
        parents: &'a [String],
    ) -> impl Iterator<Item = (&'a Place, &'a Object)> {
        let within = move |place: &Place| place.names.len() == parents.len() + 1 && place.names.starts_with(parents);
        self.all(kind).filter(move |(place, _)| place.project == project && within(place))
    }

    /// All that is in a project is in another from now on.
    pub(crate) fn rename_project(&mut self, from: &str, to: &str) {
        let places: Vec<Place> = self.0.keys().filter(|place| place.project == from).cloned().collect();
        for place in places {
            let Some(mut object) = self.0.remove(&place) else { continue };
            if object.contains_key("project") {
                object.insert("project".into(), to.into());
            }
            self.0.insert(Place { project: to.into(), ..place }, object);
        }
    }

    /// Everything that has this place among its parents, and itself, gets another name, or goes.
    pub(crate) fn move_tree(&mut self, kinds: &[&'static str], from: &Place, to: Option<&Place>) {
        let depth = from.names.len();
        let inside = |place: &Place| {
            kinds.contains(&place.kind) && place.project == from.project && place.names.starts_with(&from.names)
        };
        let places: Vec<Place> = self.0.keys().filter(|place| inside(place)).cloned().collect();
        for place in places {
            let Some(object) = self.0.remove(&place) else { continue };
            let Some(to) = to else { continue };
            let names = to.names.iter().chain(place.names.iter().skip(depth)).cloned().collect();
            self.0.insert(Place { names, project: to.project.clone(), ..place }, object);
        }
    }
}

/// Sets what is said, merging maps: what `PATCH` does.
pub(crate) fn merge(into: &mut Object, from: &Object) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Object(there)), Value::Object(new)) if key == "config" => {
                for (key, value) in new {
                    // An empty value is none: LXD removes the key.
                    match value.as_str() {
                        Some("") => drop(there.remove(key)),
                        _ => drop(there.insert(key.clone(), value.clone())),
                    }
                }
            }
            (Some(Value::Object(there)), Value::Object(new)) if key == "devices" || key == "properties" => {
                there.extend(new.clone());
            }
            _ => drop(into.insert(key.clone(), value.clone())),
        }
    }
}
