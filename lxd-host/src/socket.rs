//! Which socket the local server listens on.

use std::io;

use lxd_proto::SocketCandidate;

use crate::{Error, error::TriedSocket};

/// The first candidate that accepts a connection.
pub(crate) fn find(candidates: Vec<SocketCandidate>) -> Result<SocketCandidate, Error> {
    let mut tried = Vec::new();
    for candidate in candidates {
        match connect(&candidate.path) {
            Ok(()) => return Ok(candidate),
            Err(error) => tried.push(TriedSocket { candidate, kind: error.kind(), reason: reason(&error) }),
        }
    }
    Err(Error::NoSocket { tried })
}

#[cfg(unix)]
fn connect(path: &str) -> io::Result<()> {
    std::os::unix::net::UnixStream::connect(path).map(drop)
}

#[cfg(not(unix))]
fn connect(_: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What the error means here, and what to do about it.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "not there".into(),
        io::ErrorKind::PermissionDenied => {
            "permission denied; is the user in the group `lxd` (Incus: `incus-admin`), since this login?".into()
        }
        io::ErrorKind::ConnectionRefused => "the socket is there, but no daemon listens; is LXD running?".into(),
        io::ErrorKind::Unsupported => "this system has no Unix sockets; use a remote over HTTPS".into(),
        _ => error.to_string(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn candidate(path: &std::path::Path, because: &'static str) -> SocketCandidate {
        SocketCandidate { path: path.to_str().unwrap().into(), because }
    }

    #[test]
    fn the_first_that_listens_is_taken_and_the_others_are_explained() {
        let dir = tempfile::tempdir().unwrap();
        let absent = candidate(&dir.path().join("absent"), "LXD_DIR is set");
        let dead = candidate(&dir.path().join("dead"), "the snap has it there");
        drop(UnixListener::bind(&dead.path).unwrap());
        let Error::NoSocket { tried } = find(vec![absent.clone(), dead.clone()]).unwrap_err() else { panic!() };
        let kinds: Vec<_> = tried.iter().map(|tried| tried.kind).collect();
        assert_eq!(kinds, [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused]);
        let text = Error::NoSocket { tried }.to_string();
        assert!(text.contains("absent (LXD_DIR is set): not there; "), "{text}");
        assert!(text.contains("dead (the snap has it there): the socket is there, but no daemon listens"), "{text}");

        let alive = candidate(&dir.path().join("alive"), "Debian's package has it there");
        let _listener = UnixListener::bind(&alive.path).unwrap();
        assert_eq!(find(vec![absent, dead, alive.clone()]).unwrap(), alive);
    }

    #[test]
    fn nothing_anywhere_asks_for_the_package() {
        let absent = candidate(std::path::Path::new("/nowhere/x"), "LXD_SOCKET is set");
        let text = find(vec![absent]).unwrap_err().to_string();
        assert!(text.ends_with("/nowhere/x (LXD_SOCKET is set): not there. Is LXD installed and running?"), "{text}");
    }

    #[test]
    fn a_forbidden_socket_names_the_group() {
        assert!(reason(&io::ErrorKind::PermissionDenied.into()).contains("group `lxd`"));
    }
}
