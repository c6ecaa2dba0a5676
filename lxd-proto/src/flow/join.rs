//! Making a server a member of a cluster.
//!
//! | state | asks | and then |
//! |---|---|---|
//! | `Look` | `GET /1.0` | which field the token goes in: `Put` |
//! | `Put` | `PUT /1.0/cluster` with the cluster's address, certificate and the proof | done, or an operation: `Watch` |
//! | `Watch` | the operation's `/wait` | done |
//!
//! The server tells the proof to the cluster, whose certificate it is given, and to nobody else.

use http::Method;
use serde_json::{Value, json};

use super::{Sequence, Turn, wait::Watcher};
use crate::{
    Changed, Endpoint, Error, Get, Request, Response,
    crud::Resource,
    endpoint,
    resources::{Cluster, ClusterJoin, Server},
};
use alloc::vec::Vec;

/// Makes a server a member. Made by [`Object::join`](crate::Object::join) of the cluster.
#[derive(Debug)]
pub struct Join {
    join: ClusterJoin,
    state: State,
}

#[derive(Debug)]
enum State {
    Look,
    Put { explicit: bool },
    Watch(Watcher),
    Done,
}

impl Join {
    pub(crate) fn new(join: ClusterJoin) -> Self {
        Self { join, state: State::Look }
    }

    fn put(&self, explicit: bool) -> Result<Request, Error> {
        let join = &self.join;
        let (key, proof) = join.proof(explicit);
        let mut body = json!({
            "enabled": true,
            "server_name": join.server_name,
            "server_address": join.server_address,
            "cluster_address": join.cluster_address,
            "cluster_certificate": join.cluster_certificate,
            "member_config": join.member_config,
        });
        body[key] = Value::String(proof.expose().into());
        endpoint::json(Method::PUT, &Cluster::path(&()), &body)
    }
}

impl Sequence for Join {
    type Output = ();

    fn turn(&mut self) -> Result<Turn<()>, Error> {
        let request = match &mut self.state {
            State::Look => Get::<Server>::new(()).request()?,
            State::Put { explicit } => {
                let explicit = *explicit;
                self.put(explicit)?
            }
            State::Watch(watcher) => watcher.request()?,
            State::Done => return Ok(Turn::Done(())),
        };
        Ok(Turn::Ask(request))
    }

    fn answer(&mut self, answer: Result<Response, Error>) -> Result<(), Error> {
        self.state = match core::mem::replace(&mut self.state, State::Done) {
            State::Look => {
                let server = Get::<Server>::new(()).response(answer?)?;
                State::Put { explicit: server.takes_tokens() }
            }
            State::Put { .. } => match Changed::<()>::read(&answer?)? {
                Changed::Done(()) => State::Done,
                Changed::Running(operation) => State::Watch(Watcher::new(operation.id, None)),
            },
            State::Watch(mut watcher) => match watcher.answer(answer)? {
                Some(_) => State::Done,
                None => State::Watch(watcher),
            },
            State::Done => State::Done,
        };
        Ok(())
    }

    fn extensions(&self) -> Vec<&'static str> {
        Vec::from(["clustering_join"])
    }
}
