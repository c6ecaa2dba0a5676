//! Who answers which path.

use http::Method;
use serde_json::json;

use crate::{
    Sim,
    answer::{Answer, Refusal},
    ask::Ask,
    kinds::kinds,
};

/// First words of LXD's API of which the simulation has nothing.
const LACKING: &[&str] =
    &["cluster", "replicators", "metadata", "storage-volumes", "network-allocations", "virtual-machines", "containers"];

impl Sim {
    pub(crate) fn route(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
        if !self.may(ask, &path) {
            return Err(Refusal::forbidden());
        }
        match path.as_slice() {
            ["/"] => Ok(Answer::Done(json!(["/1.0"]))),
            [] => self.of_server(ask),
            ["metrics"] if ask.is(Method::GET) => Ok(self.metrics()),
            ["resources"] if ask.is(Method::GET) => Ok(Answer::Done(self.resources())),
            ["cluster"] if ask.is(Method::GET) => Ok(self.no_cluster()),
            ["cluster", "members" | "groups", ..] => Err(Refusal::internal("Server is not clustered")),
            ["events"] => self.of_events(ask),
            ["operations", rest @ ..] => self.of_operations(ask, rest),
            ["projects", name, "state"] if ask.is(Method::GET) => self.project_state(name),
            ["certificates", rest @ ..] => self.of_certificates(ask, rest),
            ["networks", rest @ ..] => self.of_networks(ask, rest),
            ["storage-pools", rest @ ..] => self.of_storage(ask, rest),
            ["images", rest @ ..] => self.of_images(ask, rest),
            ["instances", rest @ ..] => self.of_instances(ask, rest),
            _ => self.generic(ask),
        }
    }

    /// Kinds of objects without anything of their own.
    pub(crate) fn generic(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        let there = |sim: &Self, extension: Option<&str>| extension.is_none_or(|extension| sim.has(extension));
        for kind in kinds().iter().filter(|kind| there(self, kind.extension)) {
            if let Some(parents) = kind.listed_at(&ask.path) {
                return self.of_list(kind, ask, &parents);
            }
        }
        for kind in kinds().iter().filter(|kind| there(self, kind.extension)) {
            if let Some(names) = kind.found_at(&ask.path) {
                return self.of_object(kind, ask, &names);
            }
        }
        let known = |word: &String| {
            let of_kind = kinds().iter().filter(|kind| there(self, kind.extension));
            LACKING.contains(&word.as_str())
                || of_kind.into_iter().any(|kind| kind.list.first() == Some(&Some(word.clone())))
        };
        match ask.path.first().filter(|word| known(word)) {
            Some(_) => Err(lacking(ask)),
            None => Err(Refusal::not_found("not found")),
        }
    }
}

/// What LXD has, and the simulation has not.
pub(crate) fn lacking(ask: &Ask) -> Refusal {
    Refusal::new(501, format!("the simulation does not have {} /1.0/{}", ask.method, ask.path.join("/")))
}
