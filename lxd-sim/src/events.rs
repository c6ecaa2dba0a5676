//! Events, to who listens. `/1.0/events`.

use std::time::Duration;

use http::Method;
use lxd_proto::flow::Message;
use serde_json::{Value, json};

use crate::{
    Exchange, Output, Sim,
    answer::{Answer, Refusal},
    ask::Ask,
    kinds::Kind,
    objects::Place,
    sim::Timer,
    sockets::Socket,
};

/// How often LXD asks whether anybody is there.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// How many events wait for who does not take them; the rest is lost, and the connection with it.
const QUEUE: usize = 4096;

/// Somebody who listens.
#[derive(Debug)]
pub(crate) struct Subscriber {
    types: Vec<String>,
    /// All of them, if nothing.
    project: Option<String>,
    untaken: usize,
}

impl Sim {
    pub(crate) fn of_events(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        if !ask.is(Method::GET) {
            return Err(Refusal::new(501, "not implemented"));
        }
        let all = ["logging", "operation", "lifecycle", "ovn", "network-acl"];
        let types: Vec<String> = match ask.query.get("type").filter(|types| !types.is_empty()) {
            Some(types) => types.split(',').map(String::from).collect(),
            None => all.map(String::from).into(),
        };
        if let Some(other) = types.iter().find(|name| !all.contains(&name.as_str())) {
            let code = if self.is_old() { 500 } else { 400 };
            return Err(Refusal::new(code, format!("{other} isn't a supported event type")));
        }
        if !ask.upgrades_to("websocket") {
            return Err(Refusal::bad("Bad Request"));
        }
        let project = (!ask.all_projects()).then(|| ask.project().to_owned());
        self.upgrade(ask.exchange, Socket::Events);
        self.subscribers.insert(ask.exchange, Subscriber { types, project, untaken: 0 });
        self.after(KEEPALIVE, Timer::Keepalive(ask.exchange));
        Ok(Answer::Later)
    }

    pub(crate) fn keepalive(&mut self, exchange: Exchange) {
        if self.sockets.contains_key(&exchange) {
            self.say(exchange, Message::Ping);
            self.after(KEEPALIVE, Timer::Keepalive(exchange));
        }
    }

    pub(crate) fn event_taken(&mut self, exchange: Exchange) {
        if let Some(subscriber) = self.subscribers.get_mut(&exchange) {
            subscriber.untaken = subscriber.untaken.saturating_sub(1);
        }
    }

    /// Whether anybody listens to such events: most of the time nobody does, and they are long.
    fn is_heard(&self, kind: &str) -> bool {
        self.subscribers.values().any(|subscriber| subscriber.types.iter().any(|wanted| wanted == kind))
    }

    fn event(&mut self, kind: &str, project: &str, metadata: Value) {
        let mut event = json!({"type": kind, "timestamp": self.time(), "metadata": metadata, "location": "none"});
        if !project.is_empty() {
            event["project"] = project.into();
        }
        let text = event.to_string();
        let mut lost = Vec::new();
        for (exchange, subscriber) in &mut self.subscribers {
            let here = project.is_empty() || subscriber.project.as_ref().is_none_or(|wanted| wanted == project);
            if !here || !subscriber.types.iter().any(|wanted| wanted == kind) {
                continue;
            }
            if subscriber.untaken == QUEUE {
                lost.push(*exchange);
                continue;
            }
            subscriber.untaken += 1;
            let (exchange, message) = (*exchange, Message::Text(text.clone()));
            self.out.push_back(Output::Message { exchange, message });
        }
        for exchange in lost {
            self.hang_up(exchange);
        }
    }

    pub(crate) fn operation_event(&mut self, id: &str) {
        if !self.is_heard("operation") {
            return;
        }
        let Some(operation) = self.operations.get(id) else { return };
        let (project, shown) = (operation.project.clone(), operation.shown(false));
        self.event("operation", &project, shown);
    }

    /// Says that something was done to an object.
    pub(crate) fn lifecycle(&mut self, kind: &Kind, action: &str, place: &Place, context: Option<Value>) {
        let (url, event) = (self.url(place), kind.rules.event);
        let project = if place.project.is_empty() { "default" } else { &place.project };
        self.happened(&format!("{event}-{action}"), project, &url, place.name(), context);
    }

    pub(crate) fn happened(&mut self, action: &str, project: &str, url: &str, name: &str, context: Option<Value>) {
        if !self.is_heard("lifecycle") {
            return;
        }
        let mut metadata = json!({"action": action, "source": url});
        if let Some(context) = context {
            metadata["context"] = context;
        }
        metadata["requestor"] = json!({"username": "root", "protocol": "unix", "address": "@"});
        if self.has("event_lifecycle_name_and_project") {
            metadata["name"] = name.into();
            metadata["project"] = project.into();
        }
        self.event("lifecycle", project, metadata);
    }
}
