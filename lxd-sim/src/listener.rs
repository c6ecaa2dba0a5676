//! A simulation behind a Unix socket, and behind TCP with TLS: a thread of its own, and one task for each connection.

mod connection;
mod cut;
mod shared;
mod tls;

use std::{
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    rc::Rc,
    sync::mpsc,
    thread::JoinHandle,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lxd_proto::Fingerprint;
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, UnixListener},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};
use tokio_rustls::TlsAcceptor;

use crate::{Caller, Config, Faults};
use shared::Shared;
pub use tls::AnyClient;

/// How large the body of a request may be: everything is held in memory.
pub const LARGEST_BODY: usize = 1 << 29;

/// Where a [`Server`] listens.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Listen {
    /// The path of its Unix socket; by default one in a temporary directory.
    pub socket: Option<PathBuf>,
    /// Its address for HTTPS, where port 0 is any that is free; by default none.
    pub https: Option<SocketAddr>,
    /// What goes wrong at its connections; by default nothing. Each takes a hundredth of the time that it would take
    /// elsewhere.
    pub faults: Faults,
}

/// A simulated server that listens. Dropped, it hangs up and is gone.
///
/// ```
/// let server = lxd_sim::Server::start()?;
/// // Any client of LXD: lxd_ureq::Client::new(lxd_host::Remote::unix(server.socket().display().to_string()))
/// assert!(server.socket().exists());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Server {
    socket: PathBuf,
    https: Option<SocketAddr>,
    certificate: Option<Fingerprint>,
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
    _directory: Option<TempDir>,
}

/// Something that is asked of a server from outside. It is done when this is dropped.
enum Order {
    Disturb(Faults, mpsc::Sender<()>),
    Calm(mpsc::Sender<()>),
}

impl Server {
    /// One as fresh as [`Config::default`] says, behind a Unix socket in a temporary directory.
    ///
    /// # Errors
    /// When there can be no socket or thread.
    pub fn start() -> io::Result<Self> {
        Self::start_with(Config::default(), Listen::default())
    }

    /// One like this. Its clock is the machine's; behind HTTPS it has a certificate of its own, which nobody signed.
    ///
    /// # Errors
    /// When there can be no socket, certificate or thread.
    pub fn start_with(mut config: Config, listen: Listen) -> io::Result<Self> {
        config.epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let (socket, directory) = match listen.socket {
            Some(socket) => (socket, None),
            None => {
                let directory = tempfile::Builder::new().prefix("lxd-sim-").tempdir()?;
                (directory.path().join("unix.socket"), Some(directory))
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let entered = runtime.enter();
        let unix = UnixListener::bind(&socket)?;
        let (mut https, mut certificate, mut secured) = (None, None, None);
        if let Some(address) = listen.https {
            let listener = std::net::TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            https = Some(listener.local_addr()?);
            let made = tls::certificate(&config.server_name)?;
            certificate = Some(tls::fingerprint(&made.der));
            config.certificate = Some(made.der.clone());
            config.https_address = https.map(|address| address.to_string());
            secured = Some((TcpListener::from_std(listener)?, tls::acceptor(made)?));
        }
        drop(entered);
        let (orders, ordered) = unbounded_channel();
        let serve = move || {
            let local = tokio::task::LocalSet::new();
            runtime.block_on(local.run_until(async {
                let shared = Shared::new(config, listen.faults);
                tokio::task::spawn_local(Shared::keep_time(shared.clone()));
                if let Some((listener, acceptor)) = secured {
                    tokio::task::spawn_local(listen_for_tls(listener, acceptor, shared.clone()));
                }
                tokio::task::spawn_local(listen_here(unix, shared.clone()));
                obey(ordered, &shared).await;
            }));
        };
        let thread = std::thread::Builder::new().name("lxd-sim".into()).spawn(serve)?;
        Ok(Self { socket, https, certificate, orders: Some(orders), thread: Some(thread), _directory: directory })
    }

    /// From now on this goes wrong at its connections.
    pub fn disturb(&self, faults: Faults) {
        self.order(|done| Order::Disturb(faults, done));
    }

    /// From now on nothing goes wrong any more, and what is down comes back: to look at what has become of it all.
    pub fn calm(&self) {
        self.order(Order::Calm);
    }

    fn order(&self, order: impl FnOnce(mpsc::Sender<()>) -> Order) {
        let (done, wait) = mpsc::channel();
        if self.orders.as_ref().is_some_and(|orders| orders.send(order(done)).is_ok()) {
            let _ = wait.recv();
        }
    }

    /// The path of its Unix socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its address for HTTPS, as `https://127.0.0.1:8443`.
    pub fn https(&self) -> Option<String> {
        self.https.map(|address| format!("https://{address}"))
    }

    /// The fingerprint of the certificate that it shows.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.certificate
    }
}

/// Until there is nobody any more who could ask for something.
async fn obey(mut orders: UnboundedReceiver<Order>, shared: &Shared) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Disturb(faults, _done) => shared.disturb(faults),
            Order::Calm(_done) => shared.calm(),
        }
    }
}

async fn listen_here(listener: UnixListener, shared: Rc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        if !shared.refuses() {
            tokio::task::spawn_local(connection::serve(stream, Caller::Unix, None, shared.clone()));
        }
    }
}

async fn listen_for_tls(listener: TcpListener, acceptor: TlsAcceptor, shared: Rc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        if shared.refuses() {
            continue;
        }
        let (acceptor, shared) = (acceptor.clone(), shared.clone());
        tokio::task::spawn_local(async move {
            let _ = stream.set_nodelay(true);
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            let shown = shown.map(|certificate| certificate.to_vec());
            let from = Caller::Tls(shown.as_deref().map(tls::fingerprint));
            connection::serve(stream, from, shown, shared).await;
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.socket);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("socket", &self.socket).field("https", &self.https).finish_non_exhaustive()
    }
}
