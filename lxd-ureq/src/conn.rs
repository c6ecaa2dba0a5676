//! A connection: a Unix socket, TCP or TLS over TCP, straight or through a proxy. It is under HTTP and websockets alike,
//! never blocks by itself, and waits with `poll` until a deadline.

use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    mem,
    net::{Shutdown, TcpStream},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use lxd_host::{Remote, failure};
use lxd_proto::{Address, Failure, FailureKind, Phase, is_keepalive};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, FdFlags},
    net::{self, AddressFamily, SocketAddrUnix, SocketType},
};
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};

/// A server, and what it takes to reach it.
pub(crate) struct Target {
    remote: Remote,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

impl Target {
    pub(crate) fn new(mut remote: Remote) -> Result<Self, lxd_host::Error> {
        remote.timeouts = remote.timeouts.bounded();
        let tls = match remote.address {
            Address::Unix(_) => None,
            Address::Https { .. } => Some((Arc::new(remote.tls_config()?), remote.server_name()?)),
        };
        Ok(Self { remote, tls })
    }

    pub(crate) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Connects, with TLS where the address says so, and not longer than until `total`.
    pub(crate) fn dial(&self, hangup: Option<&Hangup>, total: Option<Instant>) -> Result<Conn, Failure> {
        let connect = Instant::now() + self.remote.timeouts.connect;
        let deadline = Some(total.map_or(connect, |total| total.min(connect)));
        let socket = match &self.remote.address {
            Address::Unix(path) => Socket::Unix(connect_unix(path, deadline).map_err(|error| {
                let late = error.kind() == ErrorKind::TimedOut;
                let kind = if late { FailureKind::Timeout(Phase::Connect) } else { FailureKind::Connect };
                Failure::new(kind, format!("{path}: {error}"))
            })?),
            Address::Https { host, port } => {
                Socket::Tcp(lxd_host::dial(host, *port, self.remote.proxy.as_ref(), deadline)?)
            }
        };
        socket.set_nonblocking().map_err(|error| Failure::from_error(FailureKind::Connect, &error))?;
        let mut conn = Conn { socket: Arc::new(socket), tls: None, deaf: false, mute: false, silent: false };
        if let Some(hangup) = hangup {
            hangup.register(&conn.socket)?;
        }
        if let Some((config, name)) = &self.tls {
            let tls = ClientConnection::new(config.clone(), name.clone());
            conn.tls = Some(Box::new(tls.map_err(|error| Failure::from_error(FailureKind::Tls, &error))?));
            conn.handshake(deadline).map_err(|error| match failure(&error) {
                Failure { kind: FailureKind::Timeout(_), message } => {
                    Failure::new(FailureKind::Timeout(Phase::Connect), message)
                }
                Failure { kind: FailureKind::Broken, message } => Failure::new(FailureKind::Tls, message),
                failure => failure,
            })?;
        }
        Ok(conn)
    }
}

/// `UnixStream::connect`, but a server that accepts nobody any more, its queue full, is left in time.
fn connect_unix(path: &str, deadline: Option<Instant>) -> io::Result<UnixStream> {
    let socket = net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    // Nothing below a millisecond, which the system could take for no limit.
    let left =
        deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
    net::sockopt::set_socket_timeout(&socket, net::sockopt::Timeout::Send, left)?;
    match net::connect(&socket, &SocketAddrUnix::new(path)?) {
        Err(Errno::AGAIN) => Err(ErrorKind::TimedOut.into()),
        connected => Ok(connected.map(|()| socket.into())?),
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.remote.address)
    }
}

/// Ends connections from another thread: what a flow has under way, when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Hangup(Mutex<(bool, Vec<Weak<Socket>>)>);

impl Hangup {
    fn register(&self, socket: &Arc<Socket>) -> Result<(), Failure> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.0 {
            return Err(Failure::new(FailureKind::Cancelled, "nobody waits for it any more"));
        }
        state.1.retain(|socket| socket.strong_count() > 0);
        state.1.push(Arc::downgrade(socket));
        Ok(())
    }

    pub(crate) fn hang_up(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = true;
        for socket in state.1.drain(..).filter_map(|socket| socket.upgrade()) {
            socket.shutdown();
        }
    }
}

#[derive(Debug)]
enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Socket {
    fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            Self::Unix(socket) => socket.set_nonblocking(true),
            Self::Tcp(socket) => socket.set_nonblocking(true),
        }
    }

    /// The other side notices; whoever reads or writes here does too. It may be closed already.
    fn shutdown(&self) {
        let _ = match self {
            Self::Unix(socket) => socket.shutdown(Shutdown::Both),
            Self::Tcp(socket) => socket.shutdown(Shutdown::Both),
        };
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(socket) => socket.as_fd(),
            Self::Tcp(socket) => socket.as_fd(),
        }
    }
}

impl Read for &Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Unix(socket) => (&mut &*socket).read(buffer),
            Socket::Tcp(socket) => (&mut &*socket).read(buffer),
        }
    }
}

impl Write for &Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Unix(socket) => (&mut &*socket).write(buffer),
            Socket::Tcp(socket) => (&mut &*socket).write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection. `Read` and `Write` try once, and say `WouldBlock` instead of waiting.
#[derive(Debug)]
pub(crate) struct Conn {
    socket: Arc<Socket>,
    tls: Option<Box<ClientConnection>>,
    /// The peer reads no more; see [`Conn::deafen`].
    deaf: bool,
    /// The peer may never read; see [`Conn::mute`].
    mute: bool,
    /// The peer had said nothing when it was last looked, and nothing was done since.
    silent: bool,
}

impl Conn {
    fn handshake(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        loop {
            self.flush_by(deadline)?;
            let Some(tls) = &mut self.tls else { return Ok(()) };
            if !tls.is_handshaking() {
                return Ok(());
            }
            match tls.read_tls(&mut &*self.socket) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {
                    let processed = tls.process_new_packets();
                    if let Err(error) = processed {
                        // The alert tells the server why; whether it arrives does not matter.
                        let _ = tls.write_tls(&mut &*self.socket);
                        return Err(io::Error::new(ErrorKind::InvalidData, error));
                    }
                }
                Err(error) if would_block(&error) => {
                    self.wait(PollFlags::IN, deadline)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// From now on, what cannot be written any more is swallowed, so that what was received can still be read.
    ///
    /// LXD pings each websocket first. When it has closed by the time of the answer, that fails, and the reader of the
    /// websocket would give up with everything that the server had sent before still unread (seen on 5.0.2: 1 of 50
    /// short commands).
    #[cfg(feature = "tungstenite")]
    pub(crate) fn deafen(mut self) -> Self {
        self.deaf = true;
        self
    }

    /// From now on, answers that the peer would not read are swallowed: see [`lxd_proto::ReceiveOnly`].
    #[cfg(feature = "tungstenite")]
    pub(crate) fn mute(mut self, mute: bool) -> Self {
        self.mute = mute;
        self
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether the connection is idle: nothing to read, and no end.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.silent = matches!(self.read(&mut [0]), Err(error) if would_block(&error));
        self.silent
    }

    pub(crate) fn read_by(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        loop {
            match self.read(buffer) {
                Err(error) if would_block(&error) => self.wait(PollFlags::IN, deadline)?,
                result => return result,
            };
        }
    }

    /// Writes everything, or stops when the peer speaks first: `false`. An HTTP server that answers in the middle of a
    /// body has refused it, and will not read the rest.
    pub(crate) fn write_by(&mut self, mut data: &[u8], deadline: Option<Instant>) -> io::Result<bool> {
        while !data.is_empty() || self.wants_write() {
            // Where it was just looked, it is not looked again.
            if !mem::take(&mut self.silent) {
                let ready = self.wait(PollFlags::IN | PollFlags::OUT, deadline)?;
                if ready.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) && self.has_input() {
                    return Ok(false);
                }
            }
            match self.write(data) {
                Ok(written) => data = &data[written..],
                Err(error) if would_block(&error) => {}
                // It may have answered before it hung up.
                Err(error) if is_gone(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn flush_by(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        loop {
            match self.flush() {
                Err(error) if would_block(&error) => self.wait(PollFlags::OUT, deadline)?,
                result => return result,
            };
        }
    }

    fn wants_write(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Whether the peer has said something: under TLS, tickets and the like do not count.
    fn has_input(&mut self) -> bool {
        let Some(tls) = &mut self.tls else { return true };
        loop {
            match tls.read_tls(&mut &*self.socket) {
                Ok(0) => return true,
                Ok(_) => match tls.process_new_packets() {
                    Ok(state) if state.plaintext_bytes_to_read() > 0 || state.peer_has_closed() => return true,
                    Ok(_) => {}
                    Err(_) => return true,
                },
                Err(error) => return !would_block(&error),
            }
        }
    }

    fn wait(&self, interest: PollFlags, deadline: Option<Instant>) -> io::Result<PollFlags> {
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let mut fds = [PollFd::new(&*self.socket, interest)];
            match poll_for(&mut fds, left)? {
                0 if left.is_some_and(|left| left.is_zero()) => return Err(ErrorKind::TimedOut.into()),
                0 => {}
                _ => return Ok(fds[0].revents()),
            }
        }
    }
}

impl AsFd for Conn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Read for Conn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return (&*self.socket).read(buffer) };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if would_block(&error) => {}
                result => return result,
            }
            if tls.read_tls(&mut &*self.socket)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            tls.process_new_packets().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
    }
}

impl Write for Conn {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.mute && is_keepalive(data) {
            return Ok(data.len());
        }
        let written =
            match &mut self.tls {
                None => (&*self.socket).write(data),
                // Never more than one piece is buffered, so that `WouldBlock` is said in time.
                Some(tls) => flush_tls(tls, &self.socket).and_then(|()| tls.writer().write(data)).and_then(|written| {
                    match flush_tls(tls, &self.socket) {
                        Err(error) if !would_block(&error) => Err(error),
                        _ => Ok(written),
                    }
                }),
            };
        match written {
            Err(error) if self.deaf && is_gone(&error) => Ok(data.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.tls.as_mut().map_or(Ok(()), |tls| flush_tls(tls, &self.socket)) {
            Err(error) if self.deaf && is_gone(&error) => Ok(()),
            flushed => flushed,
        }
    }
}

fn flush_tls(tls: &mut ClientConnection, socket: &Socket) -> io::Result<()> {
    while tls.wants_write() {
        tls.write_tls(&mut &*socket)?;
    }
    Ok(())
}

/// `poll`, where an interruption is the same as nothing yet. The time is rounded up to a millisecond.
pub(crate) fn poll_for(fds: &mut [PollFd<'_>], time: Option<Duration>) -> io::Result<usize> {
    let time = time.map(|time| Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    });
    match poll(fds, time.as_ref()) {
        Err(Errno::INTR) => Ok(0),
        polled => Ok(polled?),
    }
}

pub(crate) fn would_block(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}
