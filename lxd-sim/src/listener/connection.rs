//! A connection: HTTP/1.1, and what it becomes when that is asked for.

use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    rc::Rc,
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use lxd_proto::{flow::Message, limits};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tungstenite::{
    WebSocket,
    handshake::derive_accept_key,
    protocol::{Role, WebSocketConfig},
};

use super::{
    LARGEST_BODY,
    cut::Cuttable,
    shared::{Open, Shared, in_haste},
};
use crate::{
    Caller, ClientCertificate, Input, Output,
    faults::{Arrival, Carry, Fate, KEEPALIVE, Plan},
};

/// So many bytes the head of an answer has about.
const HEAD: usize = 150;

/// How long it is between two pieces of a message.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a connection ends without an answer.
#[derive(Debug)]
struct Lost;

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lost")
    }
}

impl std::error::Error for Lost {}

pub(super) async fn serve<S>(stream: S, from: Caller, certificate: Option<Vec<u8>>, shared: Rc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (stream, cut) = Cuttable::new(stream);
    let answer = |request: Request<Incoming>| {
        let (shared, certificate, cut) = (shared.clone(), certificate.clone().map(ClientCertificate), cut.clone());
        async move {
            let upgrade = request.headers().contains_key(header::UPGRADE);
            let plan = shared.fault(|faults| faults.plan(upgrade));
            shared.strike(&plan);
            let Some(response) = answer(request, from, certificate, plan, &shared).await else { return Err(Lost) };
            shared.delay().await;
            match shared.fault(|faults| faults.answer(plan.fate, response)) {
                Arrival::Whole(response) => Ok(response.map(Full::new)),
                Arrival::Cut(response) => {
                    cut.after(shared.fault(|faults| faults.below(HEAD + response.body().len())));
                    Ok(response.map(Full::new))
                }
                Arrival::Lost => Err(Lost),
                Arrival::Never => {
                    in_haste(KEEPALIVE).await;
                    Err(Lost)
                }
            }
        }
    };
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
    tokio::select! {
        // The client has gone, or what was to happen to it has: there is nobody to tell.
        _ = connection.with_upgrades() => {}
        () = shared.restarted.notified() => {}
    }
}

/// What the simulation answers, or nothing when it is not asked or its answer is lost.
async fn answer(
    mut request: Request<Incoming>,
    from: Caller,
    certificate: Option<ClientCertificate>,
    plan: Plan,
    shared: &Rc<Shared>,
) -> Option<Response<Bytes>> {
    let upgrade = hyper::upgrade::on(&mut request);
    let (mut head, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            let mut response = Response::new(Bytes::from(format!("the body: {error}\n")));
            *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            return Some(response);
        }
    };
    if matches!(plan.fate, Fate::Lost | Fate::Refused) {
        return Some(Response::default());
    }
    shared.delay().await;
    if let Some(certificate) = certificate {
        head.extensions.insert(certificate);
    }
    let asked = head.headers.clone();
    let mut open = shared.open();
    let request = Request::from_parts(head, body);
    if plan.twice {
        shared.input(Input::Request { exchange: open.exchange, from, request: request.clone() });
        open.outputs.recv().await?;
    }
    shared.input(Input::Request { exchange: open.exchange, from, request });
    match open.outputs.recv().await? {
        Output::Response { response, .. } => Some(response),
        Output::Upgraded { .. } => {
            let websocket = asked.contains_key(header::SEC_WEBSOCKET_KEY);
            tokio::task::spawn_local(upgraded(upgrade, websocket, plan.fate, open, shared.clone()));
            Some(switching(&asked))
        }
        _ => None,
    }
}

fn switching(asked: &HeaderMap) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.extend(asked.get(header::UPGRADE).map(|protocol| (header::UPGRADE, protocol.clone())));
    let key = asked.get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    headers.extend(key.and_then(|key| Some((header::SEC_WEBSOCKET_ACCEPT, key.parse().ok()?))));
    response
}

/// Hands on messages both ways until one side has enough.
async fn upgraded(upgrade: OnUpgrade, websocket: bool, fate: Fate, mut open: Open, shared: Rc<Shared>) {
    let Ok(stream) = upgrade.await else { return };
    let (mut reader, mut writer) = tokio::io::split(TokioIo::new(stream));
    let mut codec = Codec::new(websocket);
    let mut piece = vec![0; 1 << 16];
    let (mut ends, mut owed) = (false, 0);
    loop {
        loop {
            match codec.decode() {
                Ok(Some(message)) => shared.input(Input::Message { exchange: open.exchange, message }),
                Ok(None) => break,
                Err(()) => {
                    // It has closed; what it still takes is an answer to that.
                    let last = tokio::time::timeout(Duration::from_millis(100), writer.write_all(codec.outgoing()));
                    let _ = last.await;
                    return;
                }
            }
        }
        if codec.outgoing().is_empty() {
            for _ in 0..std::mem::take(&mut owed) {
                shared.input(Input::Taken { exchange: open.exchange });
            }
            if ends {
                break;
            }
        }
        let (takes, idle) = (shared.takes(open.exchange), codec.outgoing().is_empty());
        tokio::select! {
            read = reader.read(&mut piece), if takes && !ends => match read {
                Ok(0) | Err(_) => break,
                Ok(size) => codec.received(&piece[..size]),
            },
            output = open.outputs.recv(), if idle => match output {
                Some(Output::Message { message, .. }) => {
                    shared.delay().await;
                    let carried = shared.fault(|faults| faults.carry(fate));
                    match carried {
                        Carry::Whole | Carry::InTwo => {}
                        Carry::Stalled => return in_haste(KEEPALIVE).await,
                        Carry::Broken => return,
                    }
                    owed += 1;
                    ends |= codec.encode(message).is_err();
                    if carried == Carry::InTwo {
                        let size = codec.outgoing().len();
                        let first = shared.fault(|faults| faults.below(size));
                        let written = writer.write(&codec.outgoing()[..first]).await;
                        codec.written(written.unwrap_or(0));
                        in_haste(PAUSE).await;
                    }
                }
                _ => ends = true,
            },
            written = writer.write(codec.outgoing()), if !idle => match written {
                Ok(0) | Err(_) => break,
                Ok(size) => codec.written(size),
            },
            () = shared.changed.notified(), if !takes => {}
        }
    }
    let _ = writer.flush().await;
    let _ = writer.shutdown().await;
}

/// Bytes as messages.
enum Codec {
    WebSocket(Box<WebSocket<Pipes>>),
    /// Each piece is a message.
    Raw(Pipes),
}

/// What came in and was not read yet, and what is to go out.
#[derive(Default)]
struct Pipes {
    incoming: BytesMut,
    outgoing: BytesMut,
}

impl Codec {
    fn new(websocket: bool) -> Self {
        if !websocket {
            return Self::Raw(Pipes::default());
        }
        let config =
            WebSocketConfig::default().max_message_size(Some(limits::MESSAGE)).max_frame_size(Some(limits::MESSAGE));
        Self::WebSocket(Box::new(WebSocket::from_raw_socket(Pipes::default(), Role::Server, Some(config))))
    }

    fn pipes(&mut self) -> &mut Pipes {
        match self {
            Self::WebSocket(socket) => socket.get_mut(),
            Self::Raw(pipes) => pipes,
        }
    }

    fn received(&mut self, piece: &[u8]) {
        self.pipes().incoming.extend_from_slice(piece);
    }

    fn outgoing(&mut self) -> &[u8] {
        &self.pipes().outgoing
    }

    fn written(&mut self, size: usize) {
        self.pipes().outgoing.advance(size);
    }

    /// The next message; an error is the end.
    fn decode(&mut self) -> Result<Option<Message>, ()> {
        let socket = match self {
            Self::WebSocket(socket) => socket,
            Self::Raw(pipes) if pipes.incoming.is_empty() => return Ok(None),
            Self::Raw(pipes) => {
                return Ok(Some(Message::Binary(pipes.incoming.split().freeze())));
            }
        };
        loop {
            return match socket.read() {
                Ok(tungstenite::Message::Text(text)) => Ok(Some(Message::Text(text.as_str().to_owned()))),
                Ok(tungstenite::Message::Binary(bytes)) => Ok(Some(Message::Binary(bytes))),
                Ok(tungstenite::Message::Close(_)) => Err(()),
                Ok(_) => continue,
                Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(None),
                Err(_) => Err(()),
            };
        }
    }

    fn encode(&mut self, message: Message) -> Result<(), ()> {
        let socket = match (self, message) {
            (Self::Raw(pipes), Message::Binary(bytes)) => {
                pipes.outgoing.extend_from_slice(&bytes);
                return Ok(());
            }
            (Self::Raw(_), _) => return Ok(()),
            (Self::WebSocket(socket), message) => (socket, message),
        };
        let (socket, message) = socket;
        let message = match message {
            Message::Text(text) => tungstenite::Message::text(text),
            Message::Binary(bytes) => tungstenite::Message::binary(bytes),
            _ => tungstenite::Message::Ping("keepalive".into()),
        };
        socket.send(message).map_err(drop)
    }
}

impl Read for Pipes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.incoming.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let size = buffer.len().min(self.incoming.len());
        buffer[..size].copy_from_slice(&self.incoming.split_to(size));
        Ok(size)
    }
}

impl Write for Pipes {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.outgoing.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
