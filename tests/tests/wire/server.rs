//! A server that does what a test says, and remembers what it was asked.

use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::{
        fd::AsFd,
        unix::net::{UnixListener, UnixStream},
    },
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use lxd_host::{
    ClientIdentity, Remote, ServerTrust, Timeouts,
    rustls::{
        ServerConfig, ServerConnection, StreamOwned,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use lxd_sim::AnyClient;
use lxd_tests::Lab;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};
use tempfile::TempDir;

/// When a server waits this long for its client, the test has failed.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// How the server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Unix,
    Tls,
}

/// By what all servers over TLS are known. (It is made as a client's, which under a pin makes no difference.)
pub(crate) static IDENTITY: LazyLock<ClientIdentity> =
    LazyLock::new(|| ClientIdentity::generate("lxd").expect("a certificate"));

static TLS: LazyLock<Arc<ServerConfig>> = LazyLock::new(|| {
    let certificate = CertificateDer::from_pem_slice(IDENTITY.certificate_pem().as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(IDENTITY.key_pem().expose().as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_client_cert_verifier(Arc::new(AnyClient::default()))
        .with_single_cert(vec![certificate], key);
    Arc::new(config.expect("a configuration"))
});

/// A server. Dropped, it waits for the end of all its connections, and fails the test if one of them failed; so it is
/// made before the client, which is dropped first then.
pub(crate) struct Fake {
    remote: Remote,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
    _directory: Option<TempDir>,
}

#[derive(Default)]
struct State {
    connections: AtomicUsize,
    seen: Mutex<Vec<Asked>>,
    stopped: AtomicBool,
}

impl Fake {
    /// Talks on each connection, in a thread of its own, as the function does; it is told which connection it is.
    pub(crate) fn new(way: Way, talk: impl Fn(usize, Talk) + Send + Sync + 'static) -> Self {
        let state = Arc::new(State::default());
        let (remote, directory, accept) = listen(way);
        let shared = state.clone();
        let acceptor = thread::spawn(move || serve(&shared, &*accept, Arc::new(talk)));
        Self { remote, state, acceptor: Some(acceptor), _directory: directory }
    }

    /// Answers every request of every connection.
    pub(crate) fn answering(way: Way, answer: impl Fn(&Asked, &mut Talk) + Send + Sync + 'static) -> Self {
        Self::new(way, move |_, mut talk| {
            while let Some(asked) = talk.asked() {
                answer(&asked, &mut talk);
            }
        })
    }

    pub(crate) fn remote(&self) -> Remote {
        self.remote.clone()
    }

    pub(crate) fn lxd<C: Lab>(&self) -> C {
        C::connect(self.remote())
    }

    /// A client with other limits of time.
    pub(crate) fn lxd_within<C: Lab>(&self, timeouts: Timeouts) -> C {
        C::connect(self.remote().timeouts(timeouts))
    }

    /// How many connections were accepted.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Everything that was asked on any connection.
    pub(crate) fn seen(&self) -> Vec<Asked> {
        self.state.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first lines of all requests, without their end.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(|asked| asked.line().replace(" HTTP/1.1", "")).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        // The acceptor looks up, and sees that it is over.
        match &self.remote.address {
            lxd_proto::Address::Unix(path) => drop(UnixStream::connect(path)),
            lxd_proto::Address::Https { host, port } => drop(TcpStream::connect((host.as_str(), *port))),
        }
        match self.acceptor.take().map(JoinHandle::join) {
            Some(Err(panic)) if !thread::panicking() => std::panic::resume_unwind(panic),
            _ => {}
        }
    }
}

type Accept = Box<dyn Fn() -> io::Result<Stream> + Send>;

fn listen(way: Way) -> (Remote, Option<TempDir>, Accept) {
    match way {
        Way::Unix => {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join("unix.socket");
            let listener = UnixListener::bind(&path).expect("a socket");
            let remote = Remote::unix(path.to_str().expect("a path"));
            (remote, Some(directory), Box::new(move || listener.accept().map(|(socket, _)| Stream::Unix(socket))))
        }
        Way::Tls => {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = listener.local_addr().expect("an address").port();
            let remote = Remote::https(&format!("127.0.0.1:{port}"), ServerTrust::Pin(IDENTITY.fingerprint()));
            (remote.expect("a remote"), None, Box::new(move || listener.accept().and_then(|(socket, _)| tls(socket))))
        }
    }
}

/// The server's side of TLS; the handshake happens with the first read or write.
pub(crate) fn tls(socket: TcpStream) -> io::Result<Stream> {
    socket.set_nodelay(true)?;
    let tls = ServerConnection::new(TLS.clone()).map_err(io::Error::other)?;
    Ok(Stream::Tls(Box::new(StreamOwned::new(tls, socket))))
}

fn serve(state: &Arc<State>, accept: &dyn Fn() -> io::Result<Stream>, talk: Arc<dyn Fn(usize, Talk) + Send + Sync>) {
    let mut threads = Vec::new();
    loop {
        let stream = accept().expect("a connection");
        if state.stopped.load(Ordering::SeqCst) {
            break;
        }
        let number = state.connections.fetch_add(1, Ordering::SeqCst);
        let (talk, state) = (talk.clone(), state.clone());
        threads.push(thread::spawn(move || talk(number, Talk::new(stream, state))));
    }
    for thread in threads {
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// A connection, as the server has it.
pub(crate) enum Stream {
    Unix(UnixStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Stream {
    fn set_timeouts(&self) -> io::Result<()> {
        match self {
            Self::Unix(socket) => {
                socket.set_read_timeout(Some(LONG)).and_then(|()| socket.set_write_timeout(Some(LONG)))
            }
            Self::Tls(tls) => {
                tls.sock.set_read_timeout(Some(LONG)).and_then(|()| tls.sock.set_write_timeout(Some(LONG)))
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(socket) => socket.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(socket) => socket.write(data),
            Self::Tls(tls) => tls.write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Unix(socket) => socket.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

/// One connection of a server's. Dropped, it is closed.
pub(crate) struct Talk {
    stream: Stream,
    received: Vec<u8>,
    state: Arc<State>,
}

impl Talk {
    fn new(stream: Stream, state: Arc<State>) -> Self {
        stream.set_timeouts().expect("time limits");
        Self { stream, received: Vec::new(), state }
    }

    /// Whether more came. A client that hangs up may do it in any way.
    fn more(&mut self) -> bool {
        let mut piece = [0; 16 << 10];
        match self.stream.read(&mut piece) {
            Ok(length) => {
                self.received.extend_from_slice(&piece[..length]);
                length > 0
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("the client neither said anything nor hung up")
            }
            Err(_) => false,
        }
    }

    /// The next request's head, without its body; or nothing, when the client hung up.
    pub(crate) fn head(&mut self) -> Option<Asked> {
        let end = loop {
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if !self.more() {
                assert!(self.received.is_empty(), "half a request: {:?}", String::from_utf8_lossy(&self.received));
                return None;
            }
        };
        let rest = self.received.split_off(end + 4);
        let head = String::from_utf8(std::mem::replace(&mut self.received, rest)).expect("a head in UTF-8");
        let asked = Asked { head, body: Vec::new() };
        self.seen().push(asked.clone());
        Some(asked)
    }

    /// The next whole request; or nothing, when the client hung up.
    pub(crate) fn asked(&mut self) -> Option<Asked> {
        let mut asked = self.head()?;
        let length = asked.header("content-length").map(|length| length.parse().expect("a length"));
        asked.body = match (length, asked.header("transfer-encoding")) {
            (Some(length), _) => self.take(length)?,
            (None, Some(_)) => self.chunks()?,
            (None, None) => Vec::new(),
        };
        let mut seen = self.seen();
        if let Some(last) = seen.iter_mut().rev().find(|seen| seen.head == asked.head) {
            last.body.clone_from(&asked.body);
        }
        drop(seen);
        Some(asked)
    }

    /// Exactly so many bytes; or nothing, when the client hung up before.
    pub(crate) fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.received.len() < length {
            if !self.more() {
                return None;
            }
        }
        let rest = self.received.split_off(length);
        Some(std::mem::replace(&mut self.received, rest))
    }

    fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") {
                line.extend(self.take(1)?);
            }
            let length = std::str::from_utf8(&line).expect("a chunk").trim();
            let length = usize::from_str_radix(length, 16).expect("a chunk's length");
            let chunk = self.take(length + 2)?;
            if length == 0 {
                return Some(body);
            }
            body.extend_from_slice(&chunk[..length]);
        }
    }

    /// All that the client still sends, until it hangs up.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        std::mem::take(&mut self.received)
    }

    /// Says nothing, not even TLS's part, until the client hangs up.
    pub(crate) fn keep_silent(&mut self) {
        let mut raw: Box<dyn Read + '_> = match &mut self.stream {
            Stream::Unix(socket) => Box::new(socket),
            Stream::Tls(tls) => Box::new(&mut tls.sock),
        };
        while matches!(raw.read(&mut [0; 4096]), Ok(1..)) {}
    }

    /// Sends this, if the client still listens.
    pub(crate) fn say(&mut self, text: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(text.as_ref()).and_then(|()| self.stream.flush()).is_ok()
    }

    /// Answers with JSON.
    pub(crate) fn answer(&mut self, status: u16, body: &Value) -> bool {
        self.say(json_answer(status, body))
    }

    /// Answers as LXD does, with this as `metadata`.
    pub(crate) fn sync(&mut self, metadata: &Value) -> bool {
        self.answer(200, &json!({"type": "sync", "status": "Success", "status_code": 200, "metadata": metadata}))
    }

    /// Opens the websocket that was asked for, and sends these frames with the answer, so that they come together.
    pub(crate) fn open_websocket(&mut self, asked: &Asked, frames: &[u8]) -> bool {
        let key = asked.header("sec-websocket-key").expect("a websocket's request");
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
        let head = format!("{head}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
        self.say([head.as_bytes(), frames].concat())
    }

    /// Waits until the client has sent something, and does not read it.
    pub(crate) fn wait_for_input(&self) {
        let fd = match &self.stream {
            Stream::Unix(socket) => socket.as_fd(),
            Stream::Tls(tls) => tls.sock.as_fd(),
        };
        let limit = Timespec { tv_sec: LONG.as_secs() as i64, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&limit)).expect("a socket");
        assert_eq!(ready, 1, "the client says nothing");
    }

    /// Without TLS.
    pub(crate) fn raw(&mut self) -> &mut TcpStream {
        match &mut self.stream {
            Stream::Unix(_) => panic!("there is no TLS here anyway"),
            Stream::Tls(tls) => &mut tls.sock,
        }
    }

    /// Closes the connection as those do who are done with it: over TLS it is said.
    pub(crate) fn close(mut self) {
        if let Stream::Tls(tls) = &mut self.stream {
            tls.conn.send_close_notify();
            let _ = tls.flush();
        }
    }

    /// Closes the connection so that the client sees an error, and not an end.
    pub(crate) fn reset(self) {
        match &self.stream {
            // It does by itself when something was not read.
            Stream::Unix(_) => {}
            Stream::Tls(tls) => {
                let now = Some(Duration::ZERO);
                rustix::net::sockopt::set_socket_linger(&tls.sock, now).expect("a socket");
            }
        }
    }

    /// The certificate that the client has shown.
    pub(crate) fn client_certificate(&self) -> Option<Vec<u8>> {
        match &self.stream {
            Stream::Unix(_) => None,
            Stream::Tls(tls) => Some(tls.conn.peer_certificates()?.first()?.to_vec()),
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Vec<Asked>> {
        self.state.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One whole message of a websocket's, as a server sends it.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        length @ 0..=125 => frame.push(length as u8),
        length => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const PING: u8 = 9;

/// An event, as a websocket's message.
pub(crate) fn event(number: usize) -> Vec<u8> {
    let event = json!({"type": "logging", "metadata": {"message": number.to_string()}});
    frame(TEXT, event.to_string().as_bytes())
}

/// The operation of a command, whose websockets have these secrets.
pub(crate) fn command() -> Value {
    let fds = json!({"0": "s3cr3t0", "1": "s3cr3t1", "2": "s3cr3t2", "control": "s3cr3t3"});
    // And of a copy.
    let metadata = json!({"fds": fds, "control": "s3cr3t4", "fs": "s3cr3t5"});
    let operation = json!({"id": "1", "status": "Running", "status_code": 103, "metadata": metadata});
    json!({"type": "async", "status_code": 100, "operation": "/1.0/operations/1", "metadata": operation})
}

/// An answer of HTTP with JSON in it.
pub(crate) fn json_answer(status: u16, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// LXD's own error.
pub(crate) fn error(status: u16, text: &str) -> Value {
    json!({"type": "error", "error_code": status, "error": text, "metadata": null})
}

/// A request, as it came.
#[derive(Clone)]
pub(crate) struct Asked {
    /// With all its lines.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    pub(crate) fn method(&self) -> &str {
        self.line().split(' ').next().unwrap_or_default()
    }

    pub(crate) fn target(&self) -> &str {
        self.line().split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} and {} bytes", self.head, self.body.len())
    }
}
