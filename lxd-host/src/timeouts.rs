use std::time::Duration;

/// How long each phase of an exchange may take.
///
/// The phases are limited one by one because they say different things: a connection that does not come is a wrong
/// address or a firewall, a head that does not come is a busy server, and a body that stops is a dead peer, however
/// large the body is. One limit for all of them would have to be wrong for most.
///
/// What waits on purpose (an operation's `/wait`, the event stream, the websockets of exec and console) has no head,
/// idle or total limit: TCP keep-alive notices a dead peer there, see [`keepalive`](crate::keepalive).
///
/// ```
/// use std::time::Duration;
/// use lxd_host::Timeouts;
///
/// let timeouts = Timeouts { connect: Duration::from_secs(3), ..Timeouts::default() };
/// assert_eq!(timeouts.head, Duration::from_secs(300));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands: name lookup, TCP, proxy and TLS together. 10 s unless said otherwise.
    pub connect: Duration,
    /// From the sent request to the head of its answer. 300 s unless said otherwise: some requests do their whole work
    /// before they answer (an image from a URL, a backup on a slow disk).
    pub head: Duration,
    /// Between two pieces of a body, in either direction. 60 s unless said otherwise.
    pub idle: Duration,
    /// The whole exchange with its body. None unless said otherwise: how long a body may take depends on its size.
    pub total: Option<Duration>,
}

impl Timeouts {
    /// The same, with a year in place of anything longer: that can be added to every clock's time. For adapters.
    #[must_use]
    pub fn bounded(self) -> Self {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        Self {
            connect: self.connect.min(YEAR),
            head: self.head.min(YEAR),
            idle: self.idle.min(YEAR),
            total: self.total.map(|total| total.min(YEAR)),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            head: Duration::from_secs(300),
            idle: Duration::from_secs(60),
            total: None,
        }
    }
}
