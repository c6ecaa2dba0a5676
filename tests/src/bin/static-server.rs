//! A server that answers always the same, so that a measurement is of the client alone: `static-server SOCKET`.
//!
//! It says on what else it listens: a port for plain HTTP, and an address with the pin of its certificate.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::net::UnixListener,
    sync::Arc,
    thread,
};

use lxd_host::{
    ClientIdentity,
    rustls::{
        ServerConfig, ServerConnection, StreamOwned,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use lxd_proto::Fingerprint;
use lxd_tests::generated::{self, Instances, MANY, instance};
use sha2::{Digest, Sha256};
use tungstenite::{
    handshake::derive_accept_key,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How many elements are written at once.
const BATCH: usize = 200;

fn main() -> Result<()> {
    let socket = std::env::args().nth(1).ok_or("static-server SOCKET")?;
    let (unix, plain, secure) =
        (UnixListener::bind(socket)?, TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    let identity = ClientIdentity::generate("static")?;
    let tls = Arc::new(
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(identity.certificate_pem().as_bytes())?],
                PrivateKeyDer::from_pem_slice(identity.key_pem().expose().as_bytes())?,
            )?,
    );
    println!("{} {}#{}", plain.local_addr()?, secure.local_addr()?, identity.fingerprint());
    thread::spawn(move || {
        for socket in plain.incoming().flatten() {
            let _ = socket.set_nodelay(true);
            thread::spawn(move || serve(socket));
        }
    });
    thread::spawn(move || {
        for socket in secure.incoming().flatten() {
            let _ = socket.set_nodelay(true);
            let Ok(connection) = ServerConnection::new(tls.clone()) else { continue };
            thread::spawn(move || serve(StreamOwned::new(connection, socket)));
        }
    });
    for socket in unix.incoming().flatten() {
        thread::spawn(move || serve(socket));
    }
    Ok(())
}

/// Answers every request of a connection, until the client hangs up.
fn serve(stream: impl Read + Write) -> io::Result<()> {
    let server = r#"{"type":"sync","metadata":{"api_version":"1.0","api_extensions":["api_filtering"]}}"#;
    let (instance, mut stream) = (instance(), BufReader::with_capacity(64 << 10, stream));
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let (mut header, mut key, mut length) = (String::new(), String::new(), 0);
        while stream.read_line(&mut header)? > 2 {
            if let Some((name, value)) = header.trim_end().split_once(": ") {
                match &*name.to_ascii_lowercase() {
                    "sec-websocket-key" => value.clone_into(&mut key),
                    "content-length" => length = value.parse().unwrap_or(0),
                    _ => {}
                }
            }
            header.clear();
        }
        match line.split(' ').nth(1) {
            None => return Ok(()),
            Some("/1.0/instances?recursion=2") => list(stream.get_mut())?,
            Some("/1.0/events") => events(stream.get_mut(), &key)?,
            Some(path) if path.ends_with("/export") => image(stream.get_mut())?,
            Some("/1.0/images") => take_image(&mut stream, length)?,
            Some(path) if path.starts_with("/1.0/operations/") => taken(stream.get_mut(), path)?,
            Some("/1.0") => answer(stream.get_mut(), server)?,
            Some(_) => answer(stream.get_mut(), &instance)?,
        }
    }
}

fn answer(stream: &mut impl Write, body: &str) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nEtag: \"1\"";
    let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes())?;
    stream.flush()
}

/// An image that is one file of 8 GiB of zeros.
fn image(stream: &mut impl Write) -> io::Result<()> {
    let size = 8_u64 << 30;
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n")?;
    io::copy(&mut io::repeat(0).take(size), stream)?;
    stream.flush()
}

/// Takes an image. Its operation has for its id what was taken: the fingerprint and the size.
fn take_image(stream: &mut BufReader<impl Read + Write>, size: u64) -> io::Result<()> {
    let (mut hash, mut rest) = (Sha256::new(), size);
    while rest > 0 {
        let piece = stream.fill_buf()?;
        let length = piece.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        hash.update(&piece[..length]);
        stream.consume(length);
        rest -= length as u64;
    }
    let id = format!("{}-{size}", Fingerprint::from_bytes(hash.finalize().into()));
    let operation = format!(r#"{{"id":"{id}","status_code":103}}"#);
    let body = format!(r#"{{"type":"async","operation":"/1.0/operations/{id}","metadata":{operation}}}"#);
    answer(stream.get_mut(), &body)
}

/// Says that an image was taken.
fn taken(stream: &mut impl Write, path: &str) -> io::Result<()> {
    let id = path.split('/').nth(3).unwrap_or_default();
    let (fingerprint, size) = id.split_once('-').unwrap_or_default();
    let image = format!(r#"{{"fingerprint":"{fingerprint}","size":"{size}"}}"#);
    answer(stream, &format!(r#"{{"type":"sync","metadata":{{"id":"{id}","status_code":200,"metadata":{image}}}}}"#))
}

fn list(stream: &mut impl Write) -> io::Result<()> {
    let (instances, [begin, end]) = (Instances::default(), Instances::AROUND);
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    let mut piece = begin.as_bytes().to_vec();
    for number in 0..MANY {
        if number > 0 {
            piece.push(b',');
        }
        instances.write(number, &mut piece);
        if (number + 1) % BATCH == 0 || number + 1 == MANY {
            if number + 1 == MANY {
                piece.extend_from_slice(end.as_bytes());
            }
            write!(stream, "{:x}\r\n", piece.len())?;
            piece.extend_from_slice(b"\r\n");
            stream.write_all(&piece)?;
            piece.clear();
        }
    }
    stream.write_all(b"0\r\n\r\n")?;
    stream.flush()
}

/// Sends the recorded events again and again, as fast as it can, until the client hangs up.
fn events(stream: &mut impl Write, key: &str) -> io::Result<()> {
    let (head, accept) =
        ("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n", derive_accept_key(key.as_bytes()));
    write!(stream, "{head}Upgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")?;
    stream.flush()?;
    let mut messages = Vec::new();
    for event in generated::events() {
        // Writing to a Vec cannot fail.
        let _ = Frame::message(event, OpCode::Data(Data::Text), true).format(&mut messages);
    }
    loop {
        stream.write_all(&messages)?;
    }
}
