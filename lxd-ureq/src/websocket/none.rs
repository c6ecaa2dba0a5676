//! What there is without the feature `tungstenite`: no websocket.

use lxd_proto::{Failure, FailureKind, Request, flow::Reply};

use crate::{
    conn::{Hangup, Target},
    socket::Socket,
};

/// There is none.
pub(crate) fn open(_: &Target, _: Request, _: &Hangup) -> Result<Result<Box<dyn Socket>, Reply>, Failure> {
    Err(Failure::new(FailureKind::Unsupported, "websockets need the feature `tungstenite`"))
}
