//! Images that no server has yet, and a server that gives them away.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use lxd_proto::Fingerprint;
use serde_json::json;
use sha2::{Digest, Sha256};

/// The SHA-256 of several pieces, one after the other, as LXD computes an image's fingerprint.
pub fn fingerprint(pieces: &[&[u8]]) -> Fingerprint {
    let hash = pieces.iter().fold(Sha256::new(), |hash, piece| hash.chain_update(piece));
    Fingerprint::from_bytes(hash.finalize().into())
}

/// An image as one file: something that LXD takes and gives, though nothing runs in it. The mark makes it unique.
pub fn unified(mark: &str) -> Vec<u8> {
    tarball(&[("metadata.yaml", &metadata_yaml(mark)), ("rootfs/etc/mark", mark)])
}

/// The same as two files: metadata and root file system.
pub fn split(mark: &str) -> (Vec<u8>, Vec<u8>) {
    (tarball(&[("metadata.yaml", &metadata_yaml(mark))]), tarball(&[("etc/mark", mark)]))
}

fn metadata_yaml(mark: &str) -> String {
    let architecture = std::env::consts::ARCH;
    format!("architecture: {architecture}\ncreation_date: 1700000000\nproperties:\n  os: Test\n  mark: {mark}\n")
}

/// An uncompressed tarball of small files.
fn tarball(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tarball = Vec::new();
    for (name, text) in files {
        let mut header = [0; 512];
        let mut field = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
        field(0, name);
        field(100, "0000644\0");
        field(108, "0000000\0");
        field(116, "0000000\0");
        field(124, &format!("{:011o}\0", text.len()));
        field(136, "14534271000\0");
        field(148, "        0");
        field(257, "ustar\0");
        field(263, "00");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        tarball.extend_from_slice(&header);
        tarball.extend_from_slice(text.as_bytes());
        tarball.resize(tarball.len().next_multiple_of(512), 0);
    }
    tarball.resize((tarball.len() + 1024).next_multiple_of(10240), 0);
    tarball
}

/// An image server on loopback, until the test's process ends: one image, by simplestreams and by its address.
#[derive(Debug)]
pub struct ImageServer {
    /// Its address.
    pub url: String,
    /// The image's fingerprint.
    pub fingerprint: Fingerprint,
    /// Its catalogue.
    pub catalogue: String,
}

/// The alias of the image that an [`ImageServer`] has.
pub const STREAMED: &str = "streamed/1";

impl ImageServer {
    /// Serves this image.
    ///
    /// # Panics
    /// When there is no port.
    pub fn start(image: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let fingerprint = fingerprint(&[&image]);
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let product = format!("test:1:{architecture}:default");
        let index = json!({
            "format": "index:1.0",
            "index": {"images": {
                "datatype": "image-downloads", "format": "products:1.0", "path": "streams/v1/images.json",
                "products": [product],
            }},
        });
        let item = json!({
            "ftype": "lxd_combined.tar.gz", "path": "image.tar", "size": image.len(),
            "sha256": fingerprint.to_string(),
        });
        let catalogue = json!({
            "content_id": "images", "datatype": "image-downloads", "format": "products:1.0",
            "products": {product: {
                "aliases": STREAMED, "arch": architecture, "os": "Test", "release": "1", "release_title": "1",
                "variant": "default", "version": "1", "supported": true,
                "versions": {"20260101_00:00": {"items": {"lxd_combined.tar.gz": item}}},
            }},
        });
        let catalogue = catalogue.to_string();
        let files: HashMap<_, _> = [
            ("/streams/v1/index.json", index.to_string().into_bytes()),
            ("/streams/v1/images.json", catalogue.clone().into_bytes()),
            ("/image.tar", image),
            ("/direct", Vec::new()),
        ]
        .into();
        let files = Arc::new(files);
        // What LXD asks for before it fetches an image by its address.
        let direct = format!("LXD-Image-Hash: {fingerprint}\r\nLXD-Image-URL: {url}/image.tar\r\n");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (files, direct) = (Arc::clone(&files), direct.clone());
                thread::spawn(move || answer(stream, &files, &direct));
            }
        });
        Self { url, fingerprint, catalogue }
    }
}

/// Answers one request, and closes the connection.
fn answer(mut stream: TcpStream, files: &HashMap<&str, Vec<u8>>, direct: &str) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let line = lines.next()?;
    let (method, path) = line.split_once(' ').map(|(method, rest)| (method, rest.split(' ').next().unwrap_or("")))?;
    lines.find(String::is_empty)?;
    let (status, body) = match files.get(path) {
        Some(body) => ("200 OK", body.as_slice()),
        None => ("404 Not Found", &[][..]),
    };
    let more = if path == "/direct" { direct } else { "" };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n").ok()?;
    if method == "GET" {
        stream.write_all(body).ok()?;
    }
    Some(())
}
