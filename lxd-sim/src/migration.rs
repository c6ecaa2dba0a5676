//! Instances that go from one server to another, carried by the client: each side has an operation with the websockets
//! `control` and `fs`.
//!
//! What goes over them is the simulation's own: on `fs` an archive, as a backup's; on control what that is long, from the
//! one that has it, and back whether it was taken.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use lxd_proto::flow::Message;
use serde_json::{Value, json};

use crate::{
    Exchange, Sim,
    answer::{Answer, Refusal},
    archive::unpack,
    ask::{Ask, Object, flag, object, text},
    inside::{from_index, index, to_archive},
    instances::{Inside, Key, instance_place},
    operations::New,
    route::lacking,
    sim::Timer,
    sockets::shown,
};

/// How long both websockets may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How much of it goes in a message.
const PIECE: usize = 16 << 10;

/// How many messages may be on their way.
const WINDOW: usize = 8;

/// The most that is taken.
const LARGEST: u64 = 1 << 28;

/// One side of it, as long as it goes on.
#[derive(Debug)]
pub(crate) struct Migration {
    side: Side,
    /// What is open, by its name.
    open: BTreeMap<String, Exchange>,
}

#[derive(Debug)]
enum Side {
    /// It sends the rest of this.
    Source { rest: Bytes, untaken: usize },
    /// It makes this of what it gets, of which there is to be so much.
    Sink { key: Key, post: Object, received: Vec<u8>, length: Option<u64> },
}

impl Sim {
    /// An instance, or a snapshot of it, is offered to a client that carries it to another server.
    pub(crate) fn offer_instance(
        &mut self,
        ask: &Ask,
        key: &Key,
        snapshot: Option<&str>,
        post: &Object,
    ) -> Result<Answer, Refusal> {
        if post.get("target").is_some_and(|target| !target.is_null()) || flag(post, "live") {
            return Err(lacking(ask));
        }
        let now = self.seconds();
        let object = self.objects.get(&instance_place(key)).cloned().unwrap_or_default();
        let inside = self.inside(key)?;
        let whole = !flag(post, "instance_only") && !flag(post, "container_only");
        let archive = match snapshot {
            Some(name) => {
                let missing = || Refusal::not_found("Snapshot not found");
                let taken = inside.snapshots.iter().find(|taken| taken.name == name).ok_or_else(missing)?;
                let copy = Inside { tree: taken.tree.clone(), snapshots: Vec::new(), ..inside.clone() };
                to_archive(&key.1, &object, &copy, false, now)
            }
            None => to_archive(&key.1, &object, inside, whole, now),
        };
        let new = New::task("Migrating instance", &key.0).on_instance(&key.1).cancellable();
        Ok(self.begin_migration(new, Side::Source { rest: archive, untaken: 0 }))
    }

    /// An instance that a client brings from another server.
    pub(crate) fn receive_instance(
        &mut self,
        ask: &Ask,
        key: &Key,
        post: Object,
        source: &Object,
    ) -> Result<Answer, Refusal> {
        if text(source, "mode") != "push" || flag(source, "live") {
            return Err(lacking(ask));
        }
        if self.instances.contains_key(key) && !flag(source, "refresh") {
            return Err(Refusal::internal(format!("Instance {:?} already exists", key.1)));
        }
        self.check_profiles(&key.0, &post)
            .map_err(|name| Refusal::internal(format!("Requested profile {name:?} doesn't exist")))?;
        let new = New::task("Creating instance", &key.0).on_instance(&key.1).cancellable();
        let side = Side::Sink { key: key.clone(), post, received: Vec::new(), length: None };
        Ok(self.begin_migration(new, side))
    }

    fn begin_migration(&mut self, new: New, side: Side) -> Answer {
        let secrets = self.secrets(&["control", "fs"]);
        let id = self.open(new.class("websocket").saying(shown(&secrets)).with_secrets(secrets));
        self.migrations.insert(id.clone(), Migration { side, open: BTreeMap::new() });
        self.after(CONNECT, Timer::Connected(id.clone()));
        Answer::Running(id)
    }

    /// Not all websockets are open in time.
    pub(crate) fn connected_by_now(&mut self, id: &str) {
        if self.migrations.get(id).is_some_and(|migration| migration.open.len() < 2) {
            self.migration_failed(id, "Timed out waiting for migration connections");
        }
    }

    pub(crate) fn migration_opened(&mut self, id: &str, name: &str, exchange: Exchange) {
        let Some(migration) = self.migrations.get_mut(id) else { return };
        migration.open.insert(name.into(), exchange);
        if let (Side::Source { rest, .. }, 2) = (&migration.side, migration.open.len()) {
            let length = json!({"length": rest.len()});
            self.control(id, &length);
            self.send_more(id);
        }
    }

    pub(crate) fn migration_received(&mut self, id: &str, name: &str, message: Message) {
        let Some(Migration { side, .. }) = self.migrations.get_mut(id) else { return };
        let read = |said: &str| serde_json::from_str::<Value>(said).unwrap_or_default();
        match (side, name, message) {
            (Side::Source { .. }, "control", Message::Text(said)) => match read(&said)["message"].as_str() {
                Some("") => self.migration_over(id, Ok(Value::Null)),
                why => {
                    let why = why.unwrap_or_default().to_owned();
                    self.migration_failed(id, &why);
                }
            },
            (Side::Sink { length, .. }, "control", Message::Text(said)) => {
                *length = read(&said)["length"].as_u64().filter(|length| *length <= LARGEST);
                self.take_instance(id);
            }
            (Side::Sink { received, .. }, "fs", Message::Binary(data)) if received.len() as u64 <= LARGEST => {
                received.extend_from_slice(&data);
                self.take_instance(id);
            }
            _ => {}
        }
    }

    pub(crate) fn migration_taken(&mut self, id: &str, name: &str) {
        let Some(Migration { side: Side::Source { untaken, .. }, .. }) = self.migrations.get_mut(id) else { return };
        if name == "fs" {
            *untaken = untaken.saturating_sub(1);
            self.send_more(id);
        }
    }

    /// A websocket is closed before it was over.
    pub(crate) fn migration_closed(&mut self, id: &str) {
        self.migration_failed(id, "websocket: close 1006 (abnormal closure): unexpected EOF");
    }

    /// An operation is over, whatever came of it.
    pub(crate) fn end_migration(&mut self, id: &str) {
        for exchange in self.migrations.remove(id).into_iter().flat_map(|migration| migration.open.into_values()) {
            self.hang_up(exchange);
        }
    }

    fn migration_over(&mut self, id: &str, result: Result<Value, Refusal>) {
        if self.migrations.contains_key(id) {
            self.end_migration(id);
            self.end(id, result);
        }
    }

    fn migration_failed(&mut self, id: &str, why: &str) {
        self.migration_over(id, Err(Refusal::bad(why)));
    }

    fn control(&mut self, id: &str, said: &Value) {
        let exchange = self.migrations.get(id).and_then(|migration| migration.open.get("control")).copied();
        if let Some(exchange) = exchange {
            self.say(exchange, Message::Text(said.to_string()));
        }
    }

    fn send_more(&mut self, id: &str) {
        let Some(Migration { side: Side::Source { rest, untaken }, open }) = self.migrations.get_mut(id) else {
            return;
        };
        let Some(exchange) = open.get("fs").copied() else { return };
        let mut pieces = Vec::new();
        while !rest.is_empty() && *untaken < WINDOW {
            *untaken += 1;
            pieces.push(rest.split_to(rest.len().min(PIECE)));
        }
        pieces.into_iter().for_each(|piece| self.say(exchange, Message::Binary(piece)));
    }

    /// All of it is there: it becomes an instance.
    fn take_instance(&mut self, id: &str) {
        let Some(Migration { side: Side::Sink { key, post, received, length }, .. }) = self.migrations.get(id) else {
            return;
        };
        if *length != Some(received.len() as u64) {
            return;
        }
        let archive = unpack(received);
        let inside = from_index(&archive, &index(&archive).unwrap_or_default());
        let result = self.make_received(&key.clone(), post.clone(), inside);
        let said = result.as_ref().err().map_or("", |refusal| &refusal.text);
        self.control(id, &json!({"message": said}));
        self.migration_over(id, result.map(|()| Value::Null));
    }

    fn make_received(&mut self, key: &Key, post: Object, inside: Inside) -> Result<(), Refusal> {
        if self.disk_is_full {
            return Err(Refusal::internal("no space left on device"));
        }
        match self.instances.get_mut(key).filter(|_| flag(&object(&post, "source"), "refresh")) {
            Some(there) => {
                (there.tree, there.snapshots) = (inside.tree, inside.snapshots);
                Ok(())
            }
            None => self.add_instance(key, post, inside),
        }
    }
}
