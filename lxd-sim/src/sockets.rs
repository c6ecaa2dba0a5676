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
        let taken =
            self.sockets.values().any(|socket| matches!(socket, Socket::Stream(of, fd) if of == id && *fd == name));
        self.upgrade(ask.exchange, Socket::Stream(id.into(), name.clone()));
        if taken {
            // It is upgraded, and fails then.
            self.hang_up(ask.exchange);
        } else {
            self.stream_opened(id, &name, ask.exchange);
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
            _ => {}
        }
    }

    pub(crate) fn closed(&mut self, exchange: Exchange) {
        self.subscribers.remove(&exchange);
        self.stop_waiting(exchange);
        if let Some(Socket::Stream(id, fd)) = self.sockets.remove(&exchange) {
            self.stream_closed(&id, &fd);
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
