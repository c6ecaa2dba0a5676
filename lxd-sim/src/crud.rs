//! The generic verbs, for every kind by the same rules: list, read, create, replace, change, rename, delete.

use http::Method;
use lxd_proto::Renamable;
use lxd_proto::resources::Profile;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

use crate::{
    Sim,
    answer::{Answer, Refusal},
    ask::{Ask, Object, object, text},
    etag, filter,
    kinds::{Kind, named},
    objects::{Place, merge},
    operations::New,
    rules::Within,
};

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name as a part of a URL.
pub(crate) fn encoded(name: &str) -> String {
    percent_encode(name.as_bytes(), SEGMENT).to_string()
}

impl Sim {
    /// Does what is asked of a list of a kind, below these parents.
    pub(crate) fn of_list(&mut self, kind: &'static Kind, ask: &Ask, parents: &[String]) -> Result<Answer, Refusal> {
        if matches!(kind.rules.within, Within::Feature(_)) && !self.project_exists(ask.project()) {
            return Err(Refusal::not_found(format!("Failed loading project {:?}: Project not found", ask.project())));
        }
        self.parents_exist(kind, ask, parents)?;
        match ask.method {
            Method::GET => self.list(kind, ask, parents),
            Method::POST if kind.verbs.create => self.create(kind, ask, parents),
            _ => Err(Refusal::new(501, "not implemented")),
        }
    }

    /// Does what is asked of an object.
    pub(crate) fn of_object(&mut self, kind: &'static Kind, ask: &Ask, names: &[String]) -> Result<Answer, Refusal> {
        let place = self.place(kind, ask.project(), names);
        self.objects.get(&place).ok_or_else(|| missing(kind, ask, place.name()))?;
        match ask.method {
            Method::GET | Method::HEAD => Ok(self.fetched(kind, &self.shown(&place))),
            Method::PUT if kind.verbs.replace => self.edit(kind, ask, &place, true),
            Method::PATCH if kind.verbs.patch => self.edit(kind, ask, &place, false),
            Method::POST if kind.verbs.rename => self.rename(kind, ask, &place),
            Method::DELETE if kind.verbs.delete => self.delete(kind, ask, &place),
            _ => Err(Refusal::new(501, "not implemented")),
        }
    }

    fn parents_exist(&self, kind: &Kind, ask: &Ask, parents: &[String]) -> Result<(), Refusal> {
        let Some((name, above)) = parents.split_last() else { return Ok(()) };
        let parent = match kind.name {
            "network forward" => "network",
            "network zone record" => "network zone",
            "storage volume" => return Ok(()),
            _ => "storage volume",
        };
        let (parent, names) = (named(parent), [above, std::slice::from_ref(name)].concat());
        let there = self.objects.get(&self.place(parent, ask.project(), &names));
        there.map(drop).ok_or_else(|| Refusal::not_found(parent.rules.missing))
    }

    /// Where an object of a kind is, when somebody in a project names it.
    pub(crate) fn place(&self, kind: &Kind, project: &str, names: &[impl AsRef<str>]) -> Place {
        Place::new(kind, &self.project_of(kind, project), names)
    }

    /// The project that has the objects of a kind that are seen from a project.
    pub(crate) fn project_of(&self, kind: &Kind, project: &str) -> String {
        match kind.rules.within {
            Within::Server => String::new(),
            Within::Project => project.into(),
            Within::Feature(feature) if self.project_has(project, feature) => project.into(),
            Within::Feature(_) => "default".into(),
        }
    }

    /// The URL of an object, as lists and `used_by` show it.
    pub(crate) fn url(&self, place: &Place) -> String {
        let mut names = place.names.iter().map(|name| encoded(name));
        let mut url = String::from("/1.0");
        for word in &named(place.kind).list {
            url.push('/');
            url.push_str(&word.clone().or_else(|| names.next()).unwrap_or_default());
        }
        url.push('/');
        url.push_str(&names.next().unwrap_or_default());
        if !matches!(place.project.as_str(), "" | "default") {
            url.push_str("?project=");
            url.push_str(&encoded(&place.project));
        }
        url
    }

    fn list(&self, kind: &Kind, ask: &Ask, parents: &[String]) -> Result<Answer, Refusal> {
        let project = self.project_of(kind, ask.project());
        let is_wanted = |place: &&Place| {
            let within = place.names.len() == parents.len() + 1 && place.names.starts_with(parents);
            within && (place.project == project || ask.all_projects()) && self.may_see(ask, place)
        };
        let places = self.objects.all(kind.name).map(|(place, _)| place).filter(is_wanted);
        let objects = places.map(|place| (self.url(place), self.shown(place)));
        listed(ask, objects)
    }

    /// An object as it is shown: with what uses it.
    pub(crate) fn shown(&self, place: &Place) -> Object {
        let mut object = self.objects.get(place).cloned().unwrap_or_default();
        if object.contains_key("used_by") {
            object.insert("used_by".into(), json!(self.used_by(place)));
        }
        object
    }

    pub(crate) fn fetched(&self, kind: &Kind, object: &Object) -> Answer {
        let value = Value::Object(object.clone());
        if self.is_old() && !kind.rules.versioned {
            return Answer::Done(value);
        }
        Answer::Fetched(value, writable(kind, object))
    }

    fn create(&mut self, kind: &'static Kind, ask: &Ask, parents: &[String]) -> Result<Answer, Refusal> {
        let post = ask.object()?;
        let name = text(&post, kind.key).to_owned();
        let names = [parents, &[name]].concat();
        let place = self.place(kind, ask.project(), &names);
        let begun = self.make(kind, &place, post, true);
        let url = self.url(&place);
        self.answered(
            kind,
            ask,
            place,
            &format!("Creating {}", kind.name),
            begun.map(|()| "created"),
            Answer::Created(url),
        )
    }

    /// Makes an object of what was posted.
    pub(crate) fn make(&mut self, kind: &Kind, place: &Place, post: Object, is_new: bool) -> Result<(), Refusal> {
        if is_new {
            (kind.rules.name)(place.name())?;
            if self.objects.get(place).is_some() {
                return Err((kind.rules.exists)(place.name()));
            }
        }
        let mut made = (kind.rules.fresh)().as_object().cloned().unwrap_or_default();
        for (key, value) in post {
            // Null is "not said".
            if made.contains_key(&key) && !value.is_null() {
                made.insert(key, value);
            }
        }
        made.insert(kind.key.into(), place.name().into());
        (kind.rules.check)(self, place, &mut made)?;
        self.objects.put(place.clone(), made);
        if kind.name == "project" {
            self.project_made(place.name());
        }
        Ok(())
    }

    fn edit(&mut self, kind: &'static Kind, ask: &Ask, place: &Place, whole: bool) -> Result<Answer, Refusal> {
        let said = ask.object()?;
        let begun = self.edited(kind, ask, place, &said, whole);
        let verb = format!("Updating {}", kind.name);
        self.answered(kind, ask, place.clone(), &verb, begun.map(|()| "updated"), Answer::empty())
    }

    /// Replaces what can be written of an object, or changes what is said of it.
    pub(crate) fn edited(
        &mut self,
        kind: &Kind,
        ask: &Ask,
        place: &Place,
        said: &Object,
        whole: bool,
    ) -> Result<(), Refusal> {
        let Some(mut object) = self.objects.get(place).cloned() else {
            return Err(Refusal::not_found(kind.rules.missing));
        };
        if !self.is_old() || kind.rules.guarded {
            etag::check(ask, &writable(kind, &object))?;
        }
        let said_entries = said.contains_key("entries");
        let mut said: Object = said.clone();
        said.retain(|key, value| !kind.read_only.contains(&key.as_str()) && !value.is_null());
        if whole {
            let fresh = (kind.rules.fresh)();
            for (key, value) in fresh.as_object().into_iter().flatten() {
                if !kind.read_only.contains(&key.as_str()) {
                    object.insert(key.clone(), value.clone());
                }
            }
            object.extend(said);
        } else {
            merge(&mut object, &said);
        }
        if kind.name == "network zone record" && !said_entries && self.is_old() {
            // 5.0.2 forgets them when they are not said again.
            object.insert("entries".into(), json!([]));
        }
        (kind.rules.check)(self, place, &mut object)?;
        self.objects.put(place.clone(), object);
        Ok(())
    }

    fn rename(&mut self, kind: &'static Kind, ask: &Ask, place: &Place) -> Result<Answer, Refusal> {
        let name = text(&ask.object()?, <Profile as Renamable>::KEY).to_owned();
        (kind.rules.name)(&name)?;
        (kind.rules.leave)(self, place)
            .map_err(|refusal| Refusal::new(refusal.code, refusal.text.replace("deleted", "renamed")))?;
        let mut to = place.clone();
        to.names.pop();
        to.names.push(name.clone());
        if self.objects.get(&to).is_some() {
            let code = if kind.name == "profile" { 500 } else { 409 };
            return Err(Refusal::new(code, format!("Name {name:?} already in use")));
        }
        if kind.name == "network" && !self.used_by(place).is_empty() {
            return Err(Refusal::bad("Network is currently in use"));
        }
        self.moved(kind, place, &to);
        let url = self.url(&to);
        self.lifecycle(kind, "renamed", &to, Some(json!({"old_name": place.name()})));
        if kind.name == "project" {
            return Ok(self.done_in_background(ask, "Renaming project", &[]));
        }
        self.answered(kind, ask, to, &format!("Renaming {}", kind.name), Ok(""), Answer::Created(url))
    }

    /// Gives an object, with all that is in it, another name.
    pub(crate) fn moved(&mut self, kind: &Kind, from: &Place, to: &Place) {
        let inside: &[&str] = match kind.name {
            "network" => &["network", "network forward"],
            "storage volume" => &["storage volume", "volume snapshot", "volume backup"],
            "project" => return self.rename_project(from.name(), to.name()),
            name => &[name],
        };
        // The names are from the table, so that they live as long as the program.
        let inside: Vec<&'static str> = inside.iter().map(|name| named(name).name).collect();
        self.objects.move_tree(&inside, from, Some(to));
        if let Some(object) = self.objects.get_mut(to) {
            object.insert(kind.key.into(), to.name().into());
        }
        self.follow(kind, from.name(), to);
    }

    fn delete(&mut self, kind: &'static Kind, ask: &Ask, place: &Place) -> Result<Answer, Refusal> {
        (kind.rules.leave)(self, place)?;
        if let Some((code, text)) = kind.rules.in_use {
            if !self.used_by(place).is_empty() {
                return Err(Refusal::new(code, text));
            }
        }
        self.objects.remove(place);
        if kind.name == "network" {
            self.objects.move_tree(&[named("network forward").name], place, None);
        }
        if kind.name == "network zone" {
            self.objects.move_tree(&[named("network zone record").name], place, None);
        }
        if kind.name == "project" {
            self.objects.remove(&Place::new(named("profile"), place.name(), &["default"]));
        }
        let verb = format!("Deleting {}", kind.name);
        self.answered(kind, ask, place.clone(), &verb, Ok("deleted"), Answer::empty())
    }

    /// The answer to a change: at once, or, on servers that do it so, as an operation.
    fn answered(
        &mut self,
        kind: &'static Kind,
        ask: &Ask,
        place: Place,
        description: &str,
        done: Result<&'static str, Refusal>,
        answer: Answer,
    ) -> Result<Answer, Refusal> {
        let is_operation = kind.rules.background.is_some_and(|extension| self.has(extension));
        match done {
            Err(refusal) if !is_operation || refusal.code == 412 => return Err(refusal),
            Ok(action) if !action.is_empty() => self.lifecycle(kind, action, &place, None),
            _ => {}
        }
        if !is_operation {
            return Ok(answer);
        }
        let url = self.url(&place);
        let new = New::task(description, ask.project()).about("entity_url", &url);
        let failed = done.err();
        Ok(self.begin(new, move |_, _| failed.map_or(Ok(Value::Null), Err)))
    }

    /// The operation of something that is done already.
    pub(crate) fn done_in_background(&mut self, ask: &Ask, what: &str, resources: &[(&'static str, String)]) -> Answer {
        let mut new = New::task(what, ask.project());
        for (kind, url) in resources {
            new = new.on(kind, url);
        }
        self.begin(new, |_, _| Ok(Value::Null))
    }
}

/// That there is no such object, in the words of 5.0.2, which differ with the verb.
fn missing(kind: &Kind, ask: &Ask, name: &str) -> Refusal {
    let text = kind.rules.missing;
    Refusal::not_found(match (kind.name, ask.method.as_str()) {
        ("profile", "GET") => format!("Fetch profile: {text}"),
        ("profile", "PUT") => format!("Failed to retrieve profile {name:?}: {text}"),
        ("profile", "PATCH") => format!("Failed to retrieve profile={name:?}: {text}"),
        ("project", "DELETE") => format!("Fetch project {name:?}: {text}"),
        ("network", "PUT" | "PATCH") => format!("Failed loading network: {text}"),
        ("network forward", "PUT") => format!("Failed updating forward: {text}"),
        _ => text.to_owned(),
    })
}

/// What can be written of an object: what its version is of.
pub(crate) fn writable(kind: &Kind, object: &Object) -> Value {
    let mut object = object.clone();
    object.retain(|key, _| !kind.read_only.contains(&key.as_str()) && key != kind.key);
    Value::Object(object)
}

/// A list as it is asked for: URLs, or objects, of which some are wanted.
pub(crate) fn listed(ask: &Ask, objects: impl Iterator<Item = (String, Object)>) -> Result<Answer, Refusal> {
    let filter = filter::Filter::read(ask)?;
    let chosen = objects.filter(|(_, object)| filter.takes(object));
    let list: Vec<Value> = match ask.recursion() {
        0 => chosen.map(|(url, _)| url.into()).collect(),
        _ => chosen.map(|(_, object)| object.into()).collect(),
    };
    Ok(Answer::Done(list.into()))
}

/// The configuration of an object.
pub(crate) fn config(of: &Object) -> Object {
    object(of, "config")
}
