//! Handles without a transport.

use core::convert::Infallible;

use crate::{Client, Scope};

/// A client that cannot send anything, for those who have a connection of their own: the handles say what is wanted, and
/// give the request, what reads the answer, or the flow.
///
/// ```
/// use bytes::Bytes;
/// use lxd_proto::{
///     Flow, Lxd, Offline,
///     flow::{Action, Reply, Step},
/// };
///
/// let lxd = Offline::default().project("web");
///
/// let profile = lxd.profile("default").get();
/// let request = profile.request()?;
/// assert_eq!(request.uri(), "/1.0/profiles/default?project=web");
/// // Send it with whatever you have; hand the answer back.
/// let answer = http::Response::new(Bytes::from_static(br#"{"type": "sync", "metadata": {"name": "default"}}"#));
/// assert_eq!(profile.response(answer)?.name, "default");
///
/// // What takes more than one request is a state machine.
/// let (mut start, _) = lxd.instance("c1").start().wait().into_flow();
/// let Step::Do(id, Action::Http(_, request)) = start.next()? else { unreachable!() };
/// assert_eq!((request.method().as_str(), request.uri().path()), ("PUT", "/1.0/instances/c1/state"));
/// let answer = http::Response::new(Bytes::from_static(br#"{"type": "sync", "metadata": null}"#));
/// start.handle(id, Ok(Reply::Http(answer)))?;
/// assert!(matches!(start.next()?, Step::Done(_)));
/// # Ok::<(), lxd_proto::Error>(())
/// ```
///
/// Nobody looks for API extensions then: [`Call::extensions`](crate::Call::extensions) and
/// [`Flow::extensions`](crate::Flow::extensions) name them. Bodies are bytes: there are no readers and no writers.
#[derive(Clone, Debug, Default)]
pub struct Offline {
    scope: Scope,
}

impl Client for Offline {
    type Reader = Infallible;
    type Writer = Infallible;
    type Body = Infallible;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn with_scope(&self, scope: Scope) -> Self {
        Self { scope }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use bytes::Bytes;

    use super::*;
    use crate::{
        Body, Flow, Lxd, Payload,
        flow::{Action, Step},
    };

    #[test]
    fn a_body_of_bytes_is_in_the_request() {
        let upload = Offline::default().images().upload("tarball");
        let request = upload.request().unwrap();
        assert_eq!(request.body(), &Body::Bytes(Bytes::from_static(b"tarball")));

        let (mut put, mut streams) = Offline::default().instance("c1").files().put("/f", "text").into_flow();
        let Ok(Step::Do(_, Action::Http(_, request))) = put.next() else { panic!("no request") };
        let request = streams.redeem(request).unwrap();
        assert_eq!(request.headers()["content-length"], "4");
        assert!(matches!(request.body(), Payload::Bytes(bytes) if bytes == "text"));
    }

    #[test]
    fn an_error_says_what_it_answers() {
        let get = Offline::default().project("p").instance("c1").get();
        let answer = r#"{"type": "error", "error_code": 404, "error": "Instance not found"}"#;
        let error = get.response(http::Response::new(answer.into())).unwrap_err();
        assert_eq!(error.to_string(), "GET /1.0/instances/c1?project=p: Instance not found (404)");
    }

    #[test]
    fn it_says_what_the_server_must_have() {
        assert_eq!(Offline::default().images().list().all_projects().extensions(), ["images_all_projects"]);
    }
}
