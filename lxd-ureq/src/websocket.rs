//! A websocket.

use std::collections::VecDeque;

use lxd_host::websocket::{Handshake, WebSocket};
use lxd_proto::{
    Failure, ReceiveOnly, Request,
    flow::{Id, Message, Reply},
};
use rustix::event::PollFlags;

use crate::{
    conn::{Conn, Hangup, Target},
    socket::{Socket, interest},
    upgrade::{Upgraded, upgrade},
};

/// Opens a websocket, or gives the answer that refuses it.
pub(crate) fn open(
    target: &Target,
    mut request: Request,
    hangup: &Hangup,
) -> Result<Result<Box<dyn Socket>, Reply>, Failure> {
    let handshake = Handshake::begin(&mut request)?;
    let mute = request.extensions().get::<ReceiveOnly>().is_some();
    Ok(match upgrade(target, &request, hangup)? {
        Upgraded::Refused(response) => Err(Reply::Http(response)),
        Upgraded::Open(conn, response, received) => {
            Ok(Box::new(handshake.finish(response.headers(), conn.deafen().mute(mute), received)?))
        }
    })
}

impl Socket for WebSocket<Conn> {
    fn receive(&mut self, id: Id) {
        self.receive(id);
    }

    fn send(&mut self, id: Id, message: Message) {
        self.send(id, message);
    }

    fn close(&mut self, id: Id) {
        self.close(id);
    }

    fn pump(&mut self, finished: &mut VecDeque<(Id, Result<Reply, Failure>)>) {
        self.pump(finished);
    }

    fn ready(&mut self, flags: PollFlags) {
        let over = PollFlags::HUP | PollFlags::ERR;
        self.ready(flags.intersects(PollFlags::IN | over), flags.intersects(PollFlags::OUT | over));
    }

    fn interest(&self) -> PollFlags {
        interest(self.is_receiving(), self.is_sending())
    }

    fn outstanding(&self) -> Vec<Id> {
        self.outstanding()
    }
}
