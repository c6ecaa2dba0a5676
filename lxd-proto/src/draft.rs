//! An object that is being changed: what differs from what was read, and what others changed meanwhile.
//!
//! A [`Draft`] is a value. It is made of an answer, changed like the struct it is, and knows which keys differ, however
//! deep. [`Object::save`](crate::Object::save) writes it back.
//!
//! ```no_run
//! # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
//! use lxd_proto::Lxd;
//!
//! let mut web = lxd.profile("web").get().send()?.draft()?;
//! web.config.insert("limits.cpu".into(), "2".into());
//! for change in web.changes()? {
//!     println!("{change}"); // config["limits.cpu"]: "1" -> "2"
//! }
//! web = lxd.profile("web").save(&web).send()?;
//! assert!(!web.is_changed()?);
//! # Ok(())
//! # }
//! ```

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{
    fmt,
    ops::{Deref, DerefMut},
};

use serde_json::{Map, Value};

use crate::{
    Editable, Error, Fetched,
    error::{Outdated, decode},
};

type Json = Map<String, Value>;

/// An object as it was read, and its writable part as it shall be.
#[derive(Clone)]
pub struct Draft<R: Editable> {
    read: Fetched<R>,
    put: R::Put,
}

impl<R: Editable> Draft<R> {
    pub(crate) fn new(read: Fetched<R>) -> Result<Self, Error> {
        Ok(Self { put: read.writable()?, read })
    }

    /// The object as it was read, with what cannot be written and with its version.
    pub fn read(&self) -> &Fetched<R> {
        &self.read
    }

    /// Whether something differs from what was read.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    pub fn is_changed(&self) -> Result<bool, Error> {
        Ok(!self.changes()?.is_empty())
    }

    /// What differs from what was read, also deep inside of `config` and `devices`.
    ///
    /// # Errors
    /// [`Error::Decode`] or [`Error::InvalidInput`] for a writable part of your own that cannot be written as JSON.
    pub fn changes(&self) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        // Both as this version writes them: what it does not know is no change.
        compare(&object(&self.read.writable()?)?, &object(&self.put)?, &mut Vec::new(), &mut changes);
        Ok(changes)
    }

    /// Takes all changes back, without asking the server.
    ///
    /// # Errors
    /// [`Error::Decode`].
    pub fn rollback(&mut self) -> Result<(), Error> {
        self.put = self.read.writable()?;
        Ok(())
    }

    /// The same changes to what the object is by now. Where others changed the same key, these changes win; see
    /// [`conflicts`](Self::conflicts).
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    pub fn rebase(&self, newer: Fetched<R>) -> Result<Self, Error> {
        let mut object = newer.writable_object()?;
        apply(self.changes()?, &mut object);
        let put = serde_json::from_value(Value::Object(object)).map_err(invalid)?;
        Ok(Self { read: newer, put })
    }

    /// Which changes others made since it was read.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    pub fn others(&self, newer: &Fetched<R>) -> Result<Vec<Change>, Error> {
        let mut others = Vec::new();
        compare(&self.read.writable_object()?, &newer.writable_object()?, &mut Vec::new(), &mut others);
        Ok(others)
    }

    /// Which of these changes others made too, and otherwise.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    pub fn conflicts(&self, newer: &Fetched<R>) -> Result<Vec<Change>, Error> {
        Ok(self.outdated(newer)?.conflicts)
    }

    /// What a `PUT` of it sends: the object as it was read, with the keys that differ; nothing when none does.
    pub(crate) fn body(&self) -> Result<Option<Json>, Error> {
        let changes = self.changes()?;
        if changes.is_empty() {
            return Ok(None);
        }
        let mut body = self.read.writable_object()?;
        apply(changes, &mut body);
        Ok(Some(body))
    }

    /// The error for a draft of an object that others changed.
    pub(crate) fn outdated(&self, newer: &Fetched<R>) -> Result<Outdated, Error> {
        let (mine, others) = (self.changes()?, self.others(newer)?);
        let against = |mine: &&Change| others.iter().any(|other| other.touches(mine) && other.after != mine.after);
        let conflicts = mine.iter().filter(against).cloned().collect();
        Ok(Outdated { what: R::KIND, mine, others, conflicts })
    }
}

impl<R: Editable> Deref for Draft<R> {
    type Target = R::Put;

    fn deref(&self) -> &R::Put {
        &self.put
    }
}

impl<R: Editable> DerefMut for Draft<R> {
    fn deref_mut(&mut self) -> &mut R::Put {
        &mut self.put
    }
}

impl<R: Editable> fmt::Debug for Draft<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("put", &self.put).field("etag", &self.read.etag).finish_non_exhaustive()
    }
}

/// A key whose value differs. Lists are compared whole.
///
/// It is shown to people with its values, so not where those are secrets; `Debug`, for logs, leaves the values out.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The keys that lead to it, the outermost first.
    pub path: Vec<String>,
    /// What it was; none when there was no such key.
    pub before: Option<Value>,
    /// What it is; none when there is no such key any more.
    pub after: Option<Value>,
}

impl Change {
    /// Whether one of the two is inside of the other, or they are the same.
    fn touches(&self, other: &Self) -> bool {
        self.path.iter().zip(&other.path).all(|(one, two)| one == two)
    }

    /// Where it is, as `config["limits.cpu"]`.
    pub fn place(&self) -> String {
        let mut keys = self.path.iter();
        let first = keys.next().cloned().unwrap_or_default();
        keys.fold(first, |place, key| format!("{place}[{key:?}]"))
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Change({})", self.place())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".into(), Value::to_string);
        write!(f, "{}: {} -> {}", self.place(), show(&self.before), show(&self.after))
    }
}

/// Says what differs between two objects. An absent key and `null` differ.
fn compare(before: &Json, after: &Json, path: &mut Vec<String>, changes: &mut Vec<Change>) {
    let added = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(added) {
        path.push(key.clone());
        match (before.get(key), after.get(key)) {
            (Some(Value::Object(before)), Some(Value::Object(after))) => compare(before, after, path, changes),
            (before, after) if before == after => {}
            (before, after) => {
                changes.push(Change { path: path.clone(), before: before.cloned(), after: after.cloned() });
            }
        }
        path.pop();
    }
}

/// Makes changes to an object.
fn apply(changes: Vec<Change>, object: &mut Json) {
    for change in changes {
        set(object, &change.path, change.after);
    }
}

fn set(object: &mut Json, path: &[String], value: Option<Value>) {
    match (path, value) {
        ([], _) => {}
        ([key], Some(value)) => drop(object.insert(key.clone(), value)),
        ([key], None) => drop(object.remove(key)),
        // Of what is gone nothing is left to be removed.
        ([key, ..], None) if !object.get(key).is_some_and(Value::is_object) => {}
        ([key, rest @ ..], value) => {
            let inner = object.entry(key.as_str()).or_insert(Value::Null);
            // Go writes `null` for an empty map.
            if !inner.is_object() {
                *inner = Value::Object(Json::new());
            }
            if let Value::Object(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

fn object(value: &impl serde::Serialize) -> Result<Json, Error> {
    match serde_json::to_value(value) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(Error::InvalidInput(format!("{other} is no object"))),
        Err(error) => Err(invalid(error)),
    }
}

fn invalid(error: serde_json::Error) -> Error {
    Error::InvalidInput(error.to_string())
}

impl<R: Editable> Fetched<R> {
    /// The object, to be changed and [saved](crate::Object::save).
    ///
    /// # Errors
    /// [`Error::Decode`].
    pub fn draft(self) -> Result<Draft<R>, Error> {
        Draft::new(self)
    }

    /// The JSON object that a `PUT` would send to change nothing.
    fn writable_object(&self) -> Result<Json, Error> {
        let mut object: Json = decode(R::KIND, &self.raw)?;
        object.retain(|key, _| !R::READ_ONLY.contains(&key.as_str()));
        Ok(object)
    }

    /// The part of the object that can be written, with the keys that nobody here knows.
    ///
    /// # Errors
    /// [`Error::Decode`].
    pub fn writable(&self) -> Result<R::Put, Error> {
        let object = self.writable_object()?;
        serde_json::from_value(Value::Object(object)).map_err(|error| Error::Decode {
            what: R::KIND,
            reason: error.to_string(),
            excerpt: String::new(),
        })
    }
}

#[cfg(test)]
mod tests;
