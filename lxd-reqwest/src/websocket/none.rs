//! What there is without the feature `tungstenite`: no websocket.

use lxd_proto::{Failure, FailureKind, Request, flow::Reply};

use crate::{http::Http, socket::Socket};

/// There is none.
pub(crate) async fn open(_: &Http, _: Request) -> Result<Result<Box<dyn Socket>, Reply>, Failure> {
    Err(Failure::new(FailureKind::Unsupported, "websockets need the feature `tungstenite`"))
}
