use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// Until when everything must have happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(pub(crate) Option<Instant>);

impl Deadline {
    /// What is left of the time, or `None` without a limit.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] when nothing is left.
    pub(crate) fn left(self) -> io::Result<Option<Duration>> {
        let Some(deadline) = self.0 else {
            return Ok(None);
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(late()) } else { Ok(Some(left)) }
    }

    /// The end of one share of what is left.
    pub(crate) fn share(self, shares: usize) -> Self {
        match self.left() {
            Ok(Some(left)) => Self(Instant::now().checked_add(left / u32::try_from(shares).unwrap_or(u32::MAX).max(1))),
            _ => self,
        }
    }
}

/// A stream whose every read and write ends at the deadline.
pub(crate) struct Timed<'a> {
    pub(crate) stream: &'a TcpStream,
    pub(crate) deadline: Deadline,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.deadline.left()?)?;
        self.stream.read(buffer).map_err(said)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.deadline.left()?)?;
        self.stream.write(bytes).map_err(said)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A socket's own time limit is reported as "resource temporarily unavailable".
fn said(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { late() } else { error }
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::serve_plain;

    #[test]
    fn a_peer_that_never_stops_does_not_move_the_deadline() {
        let (port, talker) = serve_plain(|mut stream| while stream.write_all(b"x").is_ok() {});
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut timed =
            Timed { stream: &stream, deadline: Deadline(Instant::now().checked_add(Duration::from_secs(20))) };
        timed.read_exact(&mut [0; 10]).unwrap();
        timed.deadline = Deadline(Some(Instant::now()));
        assert_eq!(timed.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(timed.write(&[0]).unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(stream);
        talker.join().unwrap();
    }

    #[test]
    fn shares() {
        assert!(Deadline(None).share(2).left().unwrap().is_none());
        let deadline = Deadline(Instant::now().checked_add(Duration::from_secs(3600)));
        let share = deadline.share(4).left().unwrap().unwrap();
        assert!(share <= Duration::from_secs(900) && share > Duration::from_secs(800));
        assert!(Deadline(Some(Instant::now())).share(4).left().is_err());
    }
}
