//! How a dead peer is noticed on a connection that is silent on purpose: a `/wait`, the event stream, a console.
//!
//! With these values together it is noticed in about a minute, with data under way or without. [`dial`](crate::dial())
//! sets them; an HTTP library that dials by itself should be given the same.

use std::{net::TcpStream, time::Duration};

/// How long a connection is silent before the first probe.
pub const IDLE: Duration = Duration::from_secs(30);
/// The time between two probes.
pub const INTERVAL: Duration = Duration::from_secs(10);
/// How many probes stay unanswered before the connection is given up.
pub const PROBES: u32 = 3;
/// How long sent data may stay unacknowledged (Linux).
pub const UNACKNOWLEDGED: Duration = Duration::from_secs(60);

/// Sets what the system has of it. Nothing depends on it, so what it has not is no error.
pub(crate) fn set(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    #[cfg(unix)]
    {
        use rustix::net::sockopt;
        let _ = sockopt::set_tcp_keepidle(stream, IDLE);
        let _ = sockopt::set_tcp_keepintvl(stream, INTERVAL);
        let _ = sockopt::set_tcp_keepcnt(stream, PROBES);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let _ = sockopt::set_tcp_user_timeout(stream, u32::try_from(UNACKNOWLEDGED.as_millis()).unwrap_or(u32::MAX));
        let _ = sockopt::set_socket_keepalive(stream, true);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::net::TcpListener;

    use rustix::net::sockopt;

    use super::*;

    #[test]
    fn it_is_set() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        set(&stream);
        assert!(stream.nodelay().unwrap());
        assert!(sockopt::socket_keepalive(&stream).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&stream).unwrap(), IDLE);
        assert_eq!(sockopt::tcp_keepintvl(&stream).unwrap(), INTERVAL);
        assert_eq!(sockopt::tcp_keepcnt(&stream).unwrap(), PROBES);
    }
}
