//! The tunnel of an HTTP proxy (RFC 9110, 9.3.6).

use std::io::{self, Read, Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use lxd_proto::Secret;

/// More than any proxy says before it opens the tunnel.
const LONGEST_HEAD: usize = 16 << 10;

pub(super) fn connect(
    stream: &mut (impl Read + Write),
    host: &str,
    port: u16,
    login: Option<&(String, Secret)>,
) -> io::Result<()> {
    // A name with a line break in it would be a second header.
    if host.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(io::Error::other(format!("{host:?} is no name of a host")));
    }
    let authority = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    if let Some((user, password)) = login {
        let login = STANDARD.encode(format!("{user}:{}", password.expose()));
        request.push_str(&format!("Proxy-Authorization: Basic {login}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes())?;
    let head = head(stream)?;
    let status = String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next().unwrap_or_default());
    let mut words = status.split_whitespace();
    let version = words.next().unwrap_or_default();
    match words.next() {
        Some(code) if version.starts_with("HTTP/1.") && code.len() == 3 && code.starts_with('2') => Ok(()),
        Some("407") if login.is_none() => Err(io::Error::other("it wants a login (407)")),
        Some("407") => Err(io::Error::other("it refuses the login (407)")),
        _ => {
            let status: String = status.chars().take(100).collect();
            Err(io::Error::other(format!("it refused to connect to {authority}: {status:?}")))
        }
    }
}

/// The answer's head. It is read byte by byte: what follows belongs to the server.
fn head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == LONGEST_HEAD {
            return Err(io::Error::other("its answer does not end"));
        }
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    Ok(head)
}
