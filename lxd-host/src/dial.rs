//! Connections over TCP, straight or through a proxy, with a limit that holds for every step.

mod deadline;
mod http;
mod socks;

use std::{
    io,
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    sync::mpsc,
    thread,
    time::Instant,
};

use lxd_proto::{Failure, FailureKind, Phase};

pub(crate) use self::deadline::{Deadline, Timed};
use crate::{Proxy, ProxyKind, failure, keepalive};

/// Connects to a host, through the proxy if there is one, until the deadline if there is one.
///
/// A name is looked up, and all its addresses are tried in their order; with a deadline, each gets its share of what is
/// left, so that one that swallows everything does not use it up. The connection comes back without delay for small
/// writes, with [`keepalive`], and without time limits of its own.
///
/// The deadline holds for the look-up too: that cannot be cancelled, so it happens in a thread of its own, which may
/// outlive the call.
///
/// # Errors
///
/// [`FailureKind::Connect`] when there is no such host or nothing listens there, [`FailureKind::Proxy`] when the proxy
/// cannot be reached or refuses, [`FailureKind::Timeout`] with [`Phase::Connect`] when the time is up.
pub fn dial(host: &str, port: u16, proxy: Option<&Proxy>, deadline: Option<Instant>) -> Result<TcpStream, Failure> {
    let deadline = Deadline(deadline);
    let stream = match proxy {
        None => tcp(host, port, deadline)?,
        Some(proxy) => through(proxy, host, port, deadline)?,
    };
    let unlimited = stream.set_read_timeout(None).and_then(|()| stream.set_write_timeout(None));
    unlimited.map_err(|error| Failure::from_error(FailureKind::Connect, &error))?;
    Ok(stream)
}

fn tcp(host: &str, port: u16, deadline: Deadline) -> Result<TcpStream, Failure> {
    let addresses = resolve(host, port, deadline)?;
    let mut reasons = Vec::new();
    let mut late = false;
    for (tried, address) in addresses.iter().enumerate() {
        match connect(*address, deadline.share(addresses.len() - tried)) {
            Ok(stream) => {
                keepalive::set(&stream);
                return Ok(stream);
            }
            Err(error) => {
                late = error.kind() == io::ErrorKind::TimedOut;
                reasons.push(format!("{address}: {error}"));
            }
        }
    }
    let kind = if late { FailureKind::Timeout(Phase::Connect) } else { FailureKind::Connect };
    Err(Failure::new(kind, reasons.join("; ")))
}

fn connect(address: SocketAddr, deadline: Deadline) -> io::Result<TcpStream> {
    match deadline.left()? {
        None => TcpStream::connect(address),
        Some(left) => TcpStream::connect_timeout(&address, left),
    }
}

/// All addresses of a host, at least one.
fn resolve(host: &str, port: u16, deadline: Deadline) -> Result<Vec<SocketAddr>, Failure> {
    if let Ok(ip) = host.parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let named = |error: io::Error| match failure(&error).kind {
        FailureKind::Timeout(_) => Failure::new(FailureKind::Timeout(Phase::Connect), format!("looking up {host}")),
        _ => Failure::new(FailureKind::Connect, format!("{host}: {error}")),
    };
    let addresses = look_up(host.to_owned(), port, deadline).map_err(named)?;
    if addresses.is_empty() {
        return Err(Failure::new(FailureKind::Connect, format!("{host} has no address")));
    }
    Ok(addresses)
}

fn look_up(host: String, port: u16, deadline: Deadline) -> io::Result<Vec<SocketAddr>> {
    let look_up = move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
    let Some(left) = deadline.left()? else {
        return look_up();
    };
    let (sender, receiver) = mpsc::sync_channel(1);
    // Nobody listens any more when the time was up.
    thread::Builder::new().name("lxd-lookup".into()).spawn(move || drop(sender.send(look_up())))?;
    receiver.recv_timeout(left).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn through(proxy: &Proxy, host: &str, port: u16, deadline: Deadline) -> Result<TcpStream, Failure> {
    if proxy.kind != ProxyKind::Socks5 {
        return tunnel(proxy, host, port, deadline);
    }
    let addresses = resolve(host, port, deadline)?;
    let mut last = None;
    for (tried, address) in addresses.iter().enumerate() {
        match tunnel(proxy, &address.ip().to_string(), port, deadline.share(addresses.len() - tried)) {
            Ok(stream) => return Ok(stream),
            Err(failure) => last = Some(failure),
        }
    }
    Err(last.unwrap_or_else(|| Failure::new(FailureKind::Connect, format!("{host} has no address"))))
}

fn tunnel(proxy: &Proxy, host: &str, port: u16, deadline: Deadline) -> Result<TcpStream, Failure> {
    let stream = tcp(&proxy.host, proxy.port, deadline).map_err(|failure| blame(proxy, &failure))?;
    let mut timed = Timed { stream: &stream, deadline };
    let result = match proxy.kind {
        ProxyKind::Http => http::connect(&mut timed, host, port, proxy.login.as_ref()),
        ProxyKind::Socks5 | ProxyKind::Socks5h => socks::connect(&mut timed, host, port, proxy.login.as_ref()),
    };
    result.map_err(|error| blame(proxy, &failure(&error)))?;
    Ok(stream)
}

/// Whatever goes wrong on the way is the proxy's fault, except that the time is up.
fn blame(proxy: &Proxy, failure: &Failure) -> Failure {
    let (kind, reason) = match failure.kind {
        FailureKind::Timeout(_) => (FailureKind::Timeout(Phase::Connect), failure.message.as_str()),
        FailureKind::Broken => (FailureKind::Proxy, "it hung up"),
        _ => (FailureKind::Proxy, failure.message.as_str()),
    };
    Failure::new(kind, format!("{proxy}: {reason}"))
}

#[cfg(test)]
mod tests;
