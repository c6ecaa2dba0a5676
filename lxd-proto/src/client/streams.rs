//! What belongs to one call.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};
use core::fmt;

use http::{HeaderValue, header};

use super::{Client, Payload, Pipe};
use crate::{
    Failure, FailureKind, Request, Scope,
    endpoint::{Body, Input},
    flow::{Peer, Port},
    tree::{Disk, DiskAction, DiskReply},
};

/// What the caller lends to one call: bodies for its requests, and for a flow a command's input and output and the other
/// servers.
pub struct Streams<C: Client> {
    bodies: Vec<Option<Payload<C::Reader>>>,
    /// What [`Read`](crate::flow::Action::Read) reads from.
    pub readers: BTreeMap<Port, C::Reader>,
    /// What [`Write`](crate::flow::Action::Write) writes to.
    pub writers: BTreeMap<Port, C::Writer>,
    peers: Vec<C>,
    /// What [`Disk`](crate::flow::Action::Disk) acts on.
    pub disk: Option<Arc<dyn Disk>>,
    /// What pushes into one of the readers, which ends with all this.
    pub(crate) pipe: Option<Pipe>,
}

impl<C: Client> fmt::Debug for Streams<C> {
    /// Readers and writers need no `Debug` of their own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").field("bodies", &self.bodies).field("peers", &self.peers).finish_non_exhaustive()
    }
}

impl<C: Client> Default for Streams<C> {
    fn default() -> Self {
        Self {
            bodies: Vec::new(),
            readers: BTreeMap::new(),
            writers: BTreeMap::new(),
            peers: Vec::new(),
            disk: None,
            pipe: None,
        }
    }
}

impl<C: Client> Streams<C> {
    /// Takes a body, and gives the ticket for it.
    pub fn body(&mut self, payload: Payload<C::Reader>) -> Input {
        self.bodies.push(Some(payload));
        Input(self.bodies.len() - 1)
    }

    /// Those of a flow with another server, and what the flow calls that.
    pub(crate) fn with_peer(other: &C) -> (Self, Peer) {
        (Self { peers: [other.clone()].into(), ..Self::default() }, Peer(1))
    }

    /// Another server of a flow. The first, the client's own, is not here.
    pub fn peer(&self, peer: Peer) -> Option<&C> {
        usize::from(peer.0).checked_sub(1).and_then(|index| self.peers.get(index))
    }

    /// The same for another type of client, for a client that wraps one.
    pub fn map<D: Client>(
        self,
        client: impl Fn(C) -> D,
        reader: impl Fn(C::Reader) -> D::Reader,
        writer: impl Fn(C::Writer) -> D::Writer,
    ) -> Streams<D> {
        Streams {
            bodies: self.bodies.into_iter().map(|body| body.map(|body| body.map(&reader))).collect(),
            readers: self.readers.into_iter().map(|(port, stream)| (port, reader(stream))).collect(),
            writers: self.writers.into_iter().map(|(port, stream)| (port, writer(stream))).collect(),
            peers: self.peers.into_iter().map(client).collect(),
            disk: self.disk,
            pipe: self.pipe,
        }
    }

    /// Does something on the caller's disk, and may block for it.
    ///
    /// # Errors
    /// What the disk could not do, or that there is none.
    pub fn on_disk(&self, action: DiskAction) -> Result<DiskReply, Failure> {
        let disk = self.disk.as_ref().ok_or_else(|| Failure::new(FailureKind::Disk, "there is none"))?;
        disk.act(action)
    }

    /// The scopes of all servers of a flow, in order.
    pub(crate) fn scopes(&self, own: &C) -> Vec<Scope> {
        core::iter::once(own).chain(&self.peers).map(|client| client.scope().clone()).collect()
    }

    /// Puts the caller's body into a request, with its length in the header when it is known.
    ///
    /// # Errors
    /// When the body was sent before: a reader can be read once.
    pub fn redeem(&mut self, request: Request) -> Result<http::Request<Payload<C::Reader>>, Failure> {
        let (mut head, body) = request.into_parts();
        let payload = self.payload(body)?;
        if let (Some(length), false) = (payload.length(), matches!(payload, Payload::Empty)) {
            head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        Ok(http::Request::from_parts(head, payload))
    }

    /// Puts the caller's bodies that are bytes where their tickets are.
    pub(crate) fn fill(&self, body: Body) -> Body {
        match body {
            Body::Input(input) => match self.bodies.get(input.0) {
                Some(Some(Payload::Bytes(bytes))) => Body::Bytes(bytes.clone()),
                _ => body,
            },
            Body::Chain(pieces) => Body::Chain(pieces.into_iter().map(|piece| self.fill(piece)).collect()),
            Body::Empty | Body::Bytes(_) => body,
        }
    }

    fn payload(&mut self, body: Body) -> Result<Payload<C::Reader>, Failure> {
        Ok(match body {
            Body::Empty => Payload::Empty,
            Body::Bytes(bytes) => Payload::Bytes(bytes),
            Body::Input(input) => match self.bodies.get_mut(input.0) {
                // Bytes can be sent again.
                Some(Some(Payload::Bytes(bytes))) => Payload::Bytes(bytes.clone()),
                body => body.and_then(Option::take).ok_or_else(|| {
                    Failure::new(FailureKind::Reader, "the body was sent before, and cannot be read again")
                })?,
            },
            Body::Chain(pieces) => {
                Payload::Chain(pieces.into_iter().map(|piece| self.payload(piece)).collect::<Result<_, _>>()?)
            }
        })
    }
}
