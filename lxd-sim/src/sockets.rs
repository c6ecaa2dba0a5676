//! Connections that are no HTTP any more.

use std::collections::BTreeMap;

use lxd_proto::flow::Message;
use serde_json::Value;

use crate::{
    Exchange, Output, Sim,
    answer::{Answer, Refusal},
    ask::Ask,
    sftp::Session,
};

/// What a connection has become.
#[derive(Debug)]
pub(crate) enum Socket {
    /// Events are told.
    Events,
    /// A stream of a command or console: the operation, and which.
    Stream(String, String),
    /// A websocket of a migration: the operation, and which.
    Migration(String, String),
    /// SFTP.
    Sftp(Box<Session>),
}

impl Sim {
    pub(crate) fn upgrade(&mut self, exchange: Exchange, socket: Socket) {
        self.sockets.insert(exchange, socket);
        self.out.push_back(Output::Upgraded { exchange });
    }

    /// Closes a connection without a word, as LXD does.
    pub(crate) fn hang_up(&mut self, exchange: Exchange) {
        self.subscribers.remove(&exchange);
        if self.sockets.remove(&exchange).is_some() {
            self.out.push_back(Output::Close { exchange });
        }
    }

    /// Opens a websocket of an operation, by its secret.
    pub(crate) fn attach(&mut self, ask: &Ask, id: &str) -> Result<Answer, Refusal> {
        let Some(operation) = self.operations.get(id) else { return Ok(Answer::Later) };
        let wrong = |old: &str| if self.is_old() { Refusal::internal(old) } else { Refusal::forbidden() };
        let Some(secret) = ask.query.get("secret") else { return Err(wrong("missing secret")) };
        let Some((name, _)) = operation.secrets.iter().find(|(_, there)| *there == secret) else {
            return Err(wrong("permission denied"));
        };
        if operation.is_over() {
            return Err(Refusal::internal("Only running operations can be connected"));
        }
        if !ask.upgrades_to("websocket") {
            return Err(Refusal::bad("Bad Request"));
        }
        let name = name.clone();
        let migrates = self.migrations.contains_key(id);
        let is_taken = |socket: &Socket| match socket {
            Socket::Stream(of, taken) | Socket::Migration(of, taken) => of == id && *taken == name,
            _ => false,
        };
        let taken = self.sockets.values().any(is_taken);
        let socket = if migrates { Socket::Migration } else { Socket::Stream };
        self.upgrade(ask.exchange, socket(id.into(), name.clone()));
        match migrates {
            // It is upgraded, and fails then.
            _ if taken => self.hang_up(ask.exchange),
            true => self.migration_opened(id, &name, ask.exchange),
            false => self.stream_opened(id, &name, ask.exchange),
        }
        Ok(Answer::Later)
    }

    pub(crate) fn received(&mut self, exchange: Exchange, message: Message) {
        match self.sockets.remove(&exchange) {
            None => {}
            Some(Socket::Events) => drop(self.sockets.insert(exchange, Socket::Events)),
            Some(Socket::Stream(id, fd)) => {
                self.sockets.insert(exchange, Socket::Stream(id.clone(), fd.clone()));
                self.stream_received(&id, &fd, message);
            }
            Some(Socket::Migration(id, name)) => {
                self.sockets.insert(exchange, Socket::Migration(id.clone(), name.clone()));
                self.migration_received(&id, &name, message);
            }
            Some(Socket::Sftp(mut session)) => {
                let goes_on = self.sftp_received(exchange, &mut session, message);
                self.sockets.insert(exchange, Socket::Sftp(session));
                if !goes_on {
                    self.hang_up(exchange);
                }
            }
        }
    }

    pub(crate) fn taken(&mut self, exchange: Exchange) {
        match self.sockets.get(&exchange) {
            Some(Socket::Events) => self.event_taken(exchange),
            Some(Socket::Stream(id, fd)) => {
                let (id, fd) = (id.clone(), fd.clone());
                self.stream_taken(&id, &fd);
            }
            Some(Socket::Migration(id, name)) => {
                let (id, name) = (id.clone(), name.clone());
                self.migration_taken(&id, &name);
            }
            _ => {}
        }
    }

    pub(crate) fn closed(&mut self, exchange: Exchange) {
        self.subscribers.remove(&exchange);
        self.stop_waiting(exchange);
        match self.sockets.remove(&exchange) {
            Some(Socket::Stream(id, fd)) => self.stream_closed(&id, &fd),
            Some(Socket::Migration(id, _)) => self.migration_closed(&id),
            _ => {}
        }
    }

    /// New secrets for these streams.
    pub(crate) fn secrets(&mut self, names: &[&str]) -> BTreeMap<String, String> {
        names.iter().map(|name| ((*name).to_owned(), self.random.secret())).collect()
    }
}

/// Secrets as an operation shows them.
pub(crate) fn shown(secrets: &BTreeMap<String, String>) -> Value {
    secrets
        .iter()
        .map(|(name, secret)| (name.clone(), Value::from(secret.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
