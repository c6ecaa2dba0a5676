//! A transport of one's own with websockets: the README's for requests, tungstenite, and a thread for each action.
//! The caller's readers and writers are left out: those would be two more lines in `start`.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, mpsc};
use std::{collections::BTreeMap, net::Shutdown, os::unix::net::UnixStream, thread};

use lxd_proto::{
    Blocking, Client, Failure, FailureKind, Payload, Response, Scope, Streams,
    flow::{Action, BlockingIo, Id, Message, Reply, Sock},
};
use tungstenite::{Error, HandshakeError, Message as Frame, WebSocket, error::ProtocolError, protocol::Role};

use crate::Own;

/// The README's transport, with websockets.
#[derive(Clone, Debug)]
pub struct OwnWebSockets(pub Own);

impl Client for OwnWebSockets {
    type Reader = <Own as Client>::Reader;
    type Writer = <Own as Client>::Writer;
    type Body = <Own as Client>::Body;
    fn scope(&self) -> &Scope { self.0.scope() }
    fn with_scope(&self, scope: Scope) -> Self { Self(self.0.with_scope(scope)) }
}

impl Blocking for OwnWebSockets {
    type Io = Threads;
    fn fetch(&self, request: http::Request<Payload<Self::Reader>>) -> Result<http::Response<Self::Body>, Failure> {
        self.0.fetch(request)
    }
    fn chunk(body: &mut Self::Body) -> Result<Option<bytes::Bytes>, Failure> { Own::chunk(body) }
    fn io(&self, streams: Streams<Self>) -> Threads {
        Threads { client: self.clone(), streams, sockets: Arc::default(), finished: mpsc::channel() }
    }
}

/// Runs each action in a thread of its own. That keeps the order: flows send one message of a socket after the other.
pub struct Threads {
    client: OwnWebSockets,
    streams: Streams<OwnWebSockets>,
    sockets: Arc<Mutex<BTreeMap<Sock, Socket>>>,
    finished: (mpsc::Sender<Finished>, mpsc::Receiver<Finished>),
}

type Finished = (Id, Result<Reply, Failure>);
impl Threads {
    fn run(&self, id: Id, action: impl FnOnce() -> Result<Reply, Failure> + Send + 'static) {
        let sender = self.finished.0.clone();
        // Nobody listens any more when the flow was dropped.
        thread::spawn(move || drop(sender.send((id, action()))));
    }

    fn socket(&self, sock: Sock) -> Result<Socket, Failure> {
        let closed = || Failure::new(FailureKind::Broken, "this websocket is not open");
        self.sockets.lock().unwrap().get(&sock).cloned().ok_or_else(closed)
    }
}

impl BlockingIo for Threads {
    fn start(&mut self, id: Id, action: Action) {
        let (client, sockets) = (self.client.clone(), self.sockets.clone());
        match action {
            Action::Http(_, request) => {
                let request = self.streams.redeem(request);
                self.run(id, move || client.exchange(request?).map(Reply::Http));
            }
            Action::Open(_, sock, request) => self.run(id, move || {
                let answer = open(&client.0.0, request.uri())?;
                Ok(answer.map_or_else(Reply::Http, |socket| {
                    sockets.lock().unwrap().insert(sock, socket);
                    Reply::Opened
                }))
            }),
            Action::Recv(sock) => {
                let socket = self.socket(sock);
                self.run(id, move || receive(&mut socket?.0.lock().unwrap()));
            }
            Action::Send(sock, message) => {
                let socket = self.socket(sock);
                self.run(id, move || send(&mut socket?.1.lock().unwrap(), message));
            }
            Action::Sleep(time) => self.run(id, move || { thread::sleep(time); Ok(Reply::Done) }),
            _ => self.run(id, || Err(Failure::new(FailureKind::Unsupported, "left out"))),
        }
    }

    fn finish(&mut self) -> Finished { self.finished.1.recv().expect("this has a sender too") }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.sockets.lock().unwrap().values().for_each(|socket| drop(socket.2.0.shutdown(Shutdown::Both)));
    }
}

/// A websocket, twice over one connection: the first only receives and the second only sends, so that both can wait.
type Socket = (Arc<Mutex<WebSocket<Half>>>, Arc<Mutex<WebSocket<Half>>>, Half);

fn open(path: &str, uri: &http::Uri) -> Result<Result<Socket, Response>, Failure> {
    let connection = Half(Arc::new(UnixStream::connect(path).map_err(Failure::broken)?), Arc::default());
    let sending = WebSocket::from_raw_socket(connection.clone(), Role::Client, None);
    match tungstenite::client(format!("ws://lxd{uri}"), connection.clone()) {
        Ok((receiving, _)) => Ok(Ok((Arc::new(Mutex::new(receiving)), Arc::new(Mutex::new(sending)), connection))),
        Err(HandshakeError::Failure(Error::Http(reply))) => Ok(Err(reply.map(|body| body.unwrap_or_default().into()))),
        Err(error) => Err(Failure::broken(error)),
    }
}

fn receive(socket: &mut WebSocket<Half>) -> Result<Reply, Failure> {
    Ok(Reply::Message(match socket.read() {
        Ok(Frame::Text(text)) => Some(Message::Text(text.to_string())),
        Ok(Frame::Binary(data)) => Some(Message::Binary(data)),
        Ok(Frame::Close(_)) => None,
        Ok(_) => Some(Message::Ping),
        // LXD closes without a word.
        Err(Error::ConnectionClosed | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => None,
        Err(error) => return Err(Failure::broken(error)),
    }))
}

fn send(socket: &mut WebSocket<Half>, message: Message) -> Result<Reply, Failure> {
    let frame = match message {
        Message::Text(text) => Frame::text(text),
        Message::Binary(data) => Frame::binary(data),
        _ => return Ok(Reply::Done),
    };
    socket.send(frame).map(|()| Reply::Done).map_err(Failure::broken)
}

/// A connection that is read and written at once, whole frames at a time. What cannot be written any more is swallowed:
/// LXD closes after its last data, and a failed answer to its ping must not keep that from being read.
#[derive(Clone)]
struct Half(Arc<UnixStream>, Arc<Mutex<()>>);

impl Read for Half {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> { (&*self.0).read(buffer) }
}

impl Write for Half {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let _whole = self.1.lock();
        match (&*self.0).write_all(data) {
            Err(error) if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => Err(error),
            _ => Ok(data.len()),
        }
    }
    fn flush(&mut self) -> io::Result<()> { Ok(()) }
}
