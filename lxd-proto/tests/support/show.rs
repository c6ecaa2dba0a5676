//! Requests and actions as text, to be compared with what they should be.

use lxd_proto::{
    Body, LongPoll, Request,
    flow::{Action, Message},
};

/// A request as it would be on the wire, with its headers sorted, without a length that is that of its body, and without
/// what Incus's headers say again.
pub(crate) fn request(request: &Request) -> String {
    let mut text = format!("{} {}", request.method(), request.uri());
    let length = match request.body() {
        Body::Bytes(bytes) => bytes.len().to_string(),
        _ => String::new(),
    };
    let mut headers: Vec<_> = request
        .headers()
        .iter()
        .filter(|(name, value)| *name != "content-length" || *value != length.as_str())
        .filter(|(name, value)| {
            let again = name.as_str().strip_prefix("x-incus-").map(|rest| format!("x-lxd-{rest}"));
            again.is_none_or(|lxd| request.headers().get(lxd) != Some(value))
        })
        .collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in headers {
        text += &format!("\n{name}: {}", value.to_str().unwrap());
    }
    if let Some(LongPoll(time)) = request.extensions().get() {
        text += &format!("\n(long poll: {time:?})");
    }
    let body = body(request.body());
    if body.is_empty() { text } else { text + "\n\n" + &body }
}

fn body(of: &Body) -> String {
    match of {
        Body::Empty => String::new(),
        Body::Bytes(bytes) => std::str::from_utf8(bytes).unwrap().into(),
        Body::Input(input) => format!("<input {}>", input.index()),
        Body::Chain(pieces) => pieces.iter().map(body).collect(),
    }
}

/// An action in one line, but for its request's headers and body.
pub(crate) fn action(action: &Action) -> String {
    match action {
        Action::Http(_, http) => request(http),
        Action::Relay(_, get, _, post) => format!("{}\nrelayed: {}", request(get), request(post)),
        Action::Open(_, sock, http) => format!("open {}: {}", sock.0, request(http)),
        Action::Upgrade(_, sock, http) => format!("upgrade {}: {}", sock.0, request(http)),
        Action::Recv(sock) => format!("receive {}", sock.0),
        Action::Send(sock, Message::Text(text)) => format!("send {}: {text:?}", sock.0),
        Action::Send(sock, Message::Binary(data)) => format!("send {}: {data:?}", sock.0),
        Action::Close(sock) => format!("close {}", sock.0),
        Action::Read(port) => format!("read {}", port.0),
        Action::Write(port, data) => format!("write {}: {data:?}", port.0),
        Action::Sleep(time) => format!("sleep {time:?}"),
        Action::Disk(action) => format!("disk {action:?}"),
        other => panic!("an action that the tests do not know: {other:?}"),
    }
}
