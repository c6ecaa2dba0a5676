//! What must be true of whatever comes in, as functions: the property tests ask them, and so do the fuzz targets.

use bytes::{Bytes, BytesMut};
use lxd_proto::{
    Element, Endpoint, Envelope, Error, Fingerprint, List, Listing, Path, Response, TrustToken,
    multipart::{Part, Piece, Splitter},
    resources::{Event, Instance, Operation},
    sftp::{Decoder, Received},
    simplestreams::{Catalogue, Wanted, catalogues},
};

/// A text in pieces of these sizes, again and again; an empty one is a piece too.
pub(crate) fn cut<'a>(whole: &'a [u8], sizes: &'a [u8]) -> impl Iterator<Item = Bytes> + 'a {
    let mut sizes = sizes.iter().copied().filter(|_| sizes.iter().any(|size| *size > 0)).cycle();
    let mut rest = whole;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(sizes.next().map_or(rest.len(), usize::from).min(rest.len()));
        rest = after;
        Some(Bytes::copy_from_slice(piece))
    })
}

fn answer(status: u16, body: &[u8]) -> Response {
    http::Response::builder().status(status).body(Bytes::copy_from_slice(body)).unwrap()
}

/// What decides. All else may be broken.
#[derive(serde::Deserialize)]
struct Kind {
    r#type: String,
}

/// Only a success is one: of HTTP, and of LXD's own type.
pub(crate) fn envelope(status: u16, body: &[u8]) {
    if let Ok(envelope) = Envelope::open(&answer(status, body)) {
        assert!((200..300).contains(&status));
        let Kind { r#type } = serde_json::from_slice(body).unwrap();
        let kind = if matches!(envelope, Envelope::Sync(_)) { "sync" } else { "async" };
        assert_eq!(r#type, kind);
    }
}

/// The elements of a list come out the same wherever it is cut, and those of a whole one are those of the answer.
pub(crate) fn list(status: u16, body: &[u8], sizes: &[u8]) {
    let list = List::<Instance>::new(());
    let read = |pieces: &mut dyn Iterator<Item = Bytes>| {
        let mut elements = list.elements(answer(status, b"").into_parts().0);
        let mut found = Vec::new();
        loop {
            match elements.take() {
                Ok(Element::Next(instance)) => found.push(instance),
                Ok(Element::NotYet) => match pieces.next() {
                    Some(piece) => elements.push(piece),
                    None => elements.finish(),
                },
                Ok(Element::End) => return (found, true),
                Err(_) => return (found, false),
            }
        }
    };
    let whole = read(&mut cut(body, &[]));
    let pieces = read(&mut cut(body, sizes));
    assert_eq!(whole.1, pieces.1, "cut, it is no list any more, or one at last");
    // Of what is none, the elements before the error may have been handed out.
    assert!(whole.0.iter().zip(&pieces.0).all(|(one, two)| one == two), "cut, it has other elements");
    assert!(!whole.1 || whole.0.len() == pieces.0.len(), "cut, it has more elements, or fewer");
    if let Ok(collected) = list.response(answer(status, body)) {
        assert!(whole.0 == collected || !whole.1, "taken one by one, it is another list");
    }
}

/// The packets of SFTP are the same wherever they are cut.
pub(crate) fn sftp(bytes: &[u8], sizes: &[u8]) {
    let read = |pieces: &mut dyn Iterator<Item = Bytes>| {
        let mut decoder = Decoder::default();
        let mut found: Vec<Received> = Vec::new();
        for piece in pieces {
            decoder.push(&piece);
            loop {
                match decoder.take() {
                    Ok(Some(packet)) => found.push(packet),
                    Ok(None) => break,
                    Err(error) => return (found, Some(error)),
                }
            }
        }
        (found, None)
    };
    assert!(read(&mut cut(bytes, &[])) == read(&mut cut(bytes, sizes)), "cut, these are other packets");
}

/// The files of a multipart body are the same wherever it is cut.
pub(crate) fn multipart(boundary: &str, body: &[u8], sizes: &[u8]) {
    assert_eq!(split(boundary, cut(body, &[])), split(boundary, cut(body, sizes)));
}

/// Takes a multipart body apart: its files, and whether it was whole.
pub(crate) fn split(boundary: &str, pieces: impl Iterator<Item = Bytes>) -> (Vec<(Part, BytesMut)>, Result<(), Error>) {
    let mut files: Vec<(Part, BytesMut)> = Vec::new();
    let mut splitter = match Splitter::new(boundary) {
        Ok(splitter) => splitter,
        Err(error) => return (files, Err(error)),
    };
    for piece in pieces {
        splitter.push(piece);
        loop {
            match splitter.next() {
                Ok(Some(Piece::Part(part))) => {
                    assert!(!part.filename.contains(['/', '\\', '\0']) && !matches!(&*part.filename, "." | ".."));
                    files.push((part, BytesMut::new()));
                }
                Ok(Some(Piece::Data(data))) => files.last_mut().expect("a file has begun").1.extend_from_slice(&data),
                Ok(None) => break,
                Err(error) => return (files, Err(error)),
            }
        }
    }
    let end = splitter.finish();
    (files, end)
}

/// What is read as an event is JSON, and of the kind that it says.
pub(crate) fn event(json: &[u8]) {
    let Ok(event) = Event::read(json) else { return };
    // What is in keys that nobody reads need not be text.
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(json).is_ok();
    assert!(is_json, "only JSON is an event");
    if let Ok(Kind { r#type }) = serde_json::from_slice(json) {
        assert_eq!(event.kind.as_str(), r#type);
    }
    if let Some(operation) = event.operation() {
        looked_at(operation);
    }
}

/// All that an operation says can be asked for, and it ends as its status says.
pub(crate) fn operation(json: &[u8]) {
    if let Ok(operation) = serde_json::from_slice::<Operation>(json) {
        looked_at(&operation);
        if operation.outcome().is_none() {
            assert!((200..400).contains(&operation.status_code.0) && operation.err.is_empty());
        }
    }
}

fn looked_at(operation: &Operation) {
    let _ = (operation.progress(), operation.return_code());
    let shown = format!("{operation:?}");
    for name in ["0", "1", "2", "control"] {
        // A short one may be a word of the rest.
        if let Some(secret) = operation.websocket_secret(name).filter(|secret| secret.len() > 32) {
            let elsewhere = [&operation.description, &operation.err, &operation.status, &operation.location];
            assert!(elsewhere.iter().any(|text| text.contains(secret)) || !shown.contains(secret), "a secret is shown");
        }
    }
}

/// A token that is read is the same when it is written and read again, and shows nothing of its secret.
pub(crate) fn token(text: &str) {
    if let Ok(token) = text.parse::<TrustToken>() {
        assert!(token.encode().expose().parse::<TrustToken>().unwrap() == token);
        let mut without = token.clone();
        without.secret = "".into();
        assert_eq!(format!("{token:?}"), format!("{without:?}"));
    }
    if let Ok(fingerprint) = text.parse::<Fingerprint>() {
        assert_eq!(fingerprint.to_string(), text.to_ascii_lowercase());
    }
}

/// The files of a catalogue's images are below the server's address, and what is found is what was looked for.
pub(crate) fn catalogue(json: &[u8]) {
    let _ = catalogues(json);
    let Ok(catalogue) = Catalogue::read(json) else { return };
    for image in catalogue.images() {
        for file in &image.files {
            assert!(!file.path.starts_with('/') && file.path.split('/').all(|name| !matches!(name, "." | "..")));
        }
        for name in &image.aliases {
            if let Ok(found) = catalogue.find(&Wanted::new(name).architecture(&image.architecture)) {
                assert!(found.aliases.contains(name) && found.architecture == image.architecture);
            }
        }
    }
}

/// A name stays in its segment and a value in its parameter, and both can be read again.
pub(crate) fn uri(name: &str, value: &[u8]) {
    let built = Path::root().join("instances").name(name).join("files").query("path", value).uri();
    if matches!(name, "" | "." | "..") {
        assert!(built.is_err());
    } else if let Ok(uri) = built {
        let segments: Vec<_> = uri.path().split('/').collect();
        assert_eq!((segments.len(), segments[1], segments[2], segments[4]), (5, "1.0", "instances", "files"));
        assert_eq!(decoded(segments[3]), name.as_bytes());
        let (key, text) = uri.query().unwrap().split_once('=').unwrap();
        assert_eq!((key, decoded(text)), ("path", value.to_vec()));
        // As other HTTP stacks read it.
        assert_eq!(uri.to_string().parse::<http::Uri>().unwrap(), uri);
    } else {
        assert!(name.len() + value.len() > 10_000, "what is short enough can be built");
    }
}

/// The bytes of a text that is percent-encoded.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        assert!(byte.is_ascii_alphanumeric() || b"-._~%/".contains(&byte), "{text}");
        match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                out.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            byte => out.push(byte),
        }
    }
    out
}
