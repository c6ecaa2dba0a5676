//! Requests with a body from the caller's reader: it is refused half way, ends too early or too late, or fails.

use std::{
    io::{self, Read},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
};

use lxd_proto::{
    Error, FailureKind, Fingerprint, Lxd, Payload,
    limits::CHUNK,
    multipart::{Piece, Splitter},
};
use lxd_tests::{Lab, image, payload};
use serde_json::{Value, json};

use crate::server::{Asked, Fake, LONG, Talk, Way, error};

crate::cases! {
    either_way: refused_half_way, wrong_lengths, a_reader_that_fails, every_byte_arrives,
        an_altered_image;
}

const KIB: usize = 1 << 10;
const MIB: u64 = 1 << 20;

fn upload<C: Lab>(lxd: &C, content: Payload<C::Reader>) -> Result<(), Error> {
    lxd.images().upload(content).send().map(drop)
}

/// An image's operation, as LXD answers an upload.
fn taken() -> Value {
    json!({"type": "async", "status_code": 100, "operation": "/1.0/operations/1", "metadata": {"id": "1"}})
}

/// Counts what is read.
struct Counted<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.0.read(buffer)?;
        self.1.fetch_add(length as u64, Ordering::SeqCst);
        Ok(length)
    }
}

/// What a server does after it has refused the rest of a body.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    /// Reads it all the same, until the client hangs up.
    TakesIt,
    /// Reads no more, and waits until the client has gone on.
    Waits,
    /// Hangs up with most of it unread.
    HangsUp,
}

fn refused_half_way<C: Lab>(way: Way) {
    for then in [Then::TakesIt, Then::Waits, Then::HangsUp] {
        let (went_on, waiting) = mpsc::channel();
        let waiting = Mutex::new(waiting);
        let fake = Fake::new(way, move |_, mut talk| {
            while let Some(asked) = talk.head() {
                if asked.method() == "GET" {
                    talk.sync(&json!({}));
                    continue;
                }
                if talk.take(100 * KIB).is_none() {
                    return;
                }
                let body = error(404, "Instance not found").to_string();
                let length = body.len();
                talk.say(format!("HTTP/1.1 404 X\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"));
                if then == Then::HangsUp {
                    return talk.reset();
                }
                if then == Then::Waits {
                    waiting.lock().unwrap().recv_timeout(LONG).unwrap();
                }
                let sent = talk.rest().len() as u64;
                assert!(sent < 32 * MIB, "{sent} bytes were sent for a request that was refused");
            }
        });
        let lxd: C = fake.lxd();
        for size in [64 * MIB, 512 * MIB] {
            for declared in [Some(size), None] {
                for _ in 0..10 {
                    let read = Arc::new(AtomicU64::new(0));
                    let reader = Counted(io::repeat(b'x').take(size), read.clone());
                    assert_refused(&lxd, payload::<C>(reader, declared), then);
                    let _ = went_on.send(());
                    let read = read.load(Ordering::SeqCst);
                    assert!(read < 32 * MIB, "{read} bytes were read for it");
                }
            }
        }
        assert_refused(&lxd, vec![b'x'; 64 << 20].into(), then);
        let _ = went_on.send(());
        lxd.server().get().send().unwrap();
    }
}

fn assert_refused<C: Lab>(lxd: &C, content: Payload<C::Reader>, then: Then) {
    let refused = upload(lxd, content).unwrap_err();
    // hyper loses an answer when the server, unlike LXD, hangs up before it could be read.
    if then == Then::HangsUp && C::NAME == "reqwest" && !refused.is_not_found() {
        return assert_eq!(refused.transport().unwrap().kind, FailureKind::Broken, "{refused:?}");
    }
    assert_eq!(refused.to_string(), "POST /1.0/images: Instance not found (404)", "{then:?}");
    assert!(refused.is_not_found());
}

/// Takes whole uploads, and says so.
fn take_uploads(asked: &Asked, talk: &mut Talk) {
    if asked.method() == "POST" {
        talk.answer(202, &taken())
    } else {
        talk.sync(&json!({}))
    };
}

/// What a server makes of an upload: the fingerprint of all its files, of which a byte is another.
fn altered(asked: &Asked, at: Option<usize>) -> Fingerprint {
    let mut files = asked.body.clone();
    let kind = asked.header("content-type").unwrap();
    if let Some((_, boundary)) = kind.split_once("boundary=") {
        let mut splitter = Splitter::new(boundary).unwrap();
        splitter.push(std::mem::take(&mut files).into());
        while let Some(piece) = splitter.next().unwrap() {
            if let Piece::Data(data) = piece {
                files.extend_from_slice(&data);
            }
        }
    }
    if let Some(at) = at {
        files[at] ^= 1;
    }
    image::fingerprint(&[&files])
}

/// What was sent is known, whatever the server says that it has got.
fn an_altered_image<C: Lab>(way: Way) {
    let (flip, made) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
    let (flipped, making) = (flip.clone(), made.clone());
    let fake = Fake::answering(way, move |asked, talk| {
        if asked.method() == "POST" {
            *making.lock().unwrap() = Some(altered(asked, *flipped.lock().unwrap()));
            talk.answer(202, &taken());
        } else {
            let fingerprint = making.lock().unwrap().unwrap().to_string();
            let metadata = json!({"fingerprint": fingerprint, "size": "3"});
            talk.sync(&json!({"id": "1", "status": "Success", "status_code": 200, "metadata": metadata}));
        }
    });
    let images = fake.lxd::<C>().images();
    let reader = |length: Option<u64>| payload::<C>(Pieces(vec![7; 100_000], 10_000), length);
    let small = || Payload::from("small");
    let upload = |what: usize| match what {
        0 => images.upload(small()),
        1 => images.upload(reader(Some(100_000))),
        2 => images.upload(reader(None)),
        3 => images.upload_split(small(), reader(None)),
        4 => images.upload_split(reader(Some(100_000)), small()),
        _ => images.upload_split(reader(None), reader(Some(100_000))),
    };
    for (what, length) in [5, 100_000, 100_000, 100_005, 100_005, 200_000].into_iter().enumerate() {
        *flip.lock().unwrap() = None;
        let whole = upload(what).wait().send().unwrap();
        assert_eq!(Some(whole.fingerprint), *made.lock().unwrap());
        for at in [0, 4, length / 2, length - 1] {
            *flip.lock().unwrap() = Some(at);
            match upload(what).wait().send().unwrap_err() {
                Error::AlteredUpload { sent, kept } => {
                    assert_eq!((sent, Some(kept)), (whole.fingerprint, *made.lock().unwrap()));
                }
                other => panic!("{other}"),
            }
        }
    }
}

/// Gives its bytes in small pieces.
struct Pieces(Vec<u8>, usize);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.0.len().min(self.1).min(buffer.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0.drain(..length);
        Ok(length)
    }
}

fn wrong_lengths<C: Lab>(way: Way) {
    let fake = Fake::answering(way, take_uploads);
    let lxd: C = fake.lxd();
    for (declared, real) in [
        (1000, 999),
        (1000, 0),
        (1000, 1001),
        (1000, 5000),
        (0, 1),
        (CHUNK, CHUNK - 1),
        (CHUNK, CHUNK + 1),
        (3 * CHUNK, 3 * CHUNK - 1),
        (3 * CHUNK, 3 * CHUNK + 1),
    ] {
        for piece in [usize::MAX, 100] {
            let reader = Pieces(vec![b'x'; real], piece);
            let failed = upload(&lxd, payload::<C>(reader, Some(declared as u64))).unwrap_err();
            let kind = failed.transport().map(|failure| failure.kind.clone());
            assert_eq!(kind, Some(FailureKind::BodyLength), "{declared} {real}: {failed:?}");
            lxd.server().get().send().unwrap();
        }
    }
    // What was not whole never looked whole to the server.
    assert!(fake.seen().iter().all(|asked| asked.method() == "GET" || asked.body.is_empty()), "{:?}", fake.seen());
}

/// Fails after what is in it.
struct Failing(io::Take<io::Repeat>);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the disk is on fire")),
            length => Ok(length),
        }
    }
}

fn a_reader_that_fails<C: Lab>(way: Way) {
    let fake = Fake::answering(way, take_uploads);
    let lxd: C = fake.lxd();
    for size in [0, 300_000] {
        for declared in [None, Some(MIB)] {
            let reader = Failing(io::repeat(b'x').take(size));
            let failed = upload(&lxd, payload::<C>(reader, declared)).unwrap_err();
            let failure = failed.transport().unwrap();
            assert_eq!(failure.kind, FailureKind::Reader, "{failed:?}");
            assert!(failure.message.contains("the disk is on fire"), "{failed:?}");
            lxd.server().get().send().unwrap();
        }
    }
    assert!(fake.seen().iter().all(|asked| asked.body.is_empty()), "{:?}", fake.seen());
}

fn every_byte_arrives<C: Lab>(way: Way) {
    let fake = Fake::answering(way, take_uploads);
    let lxd: C = fake.lxd();
    let bytes: Vec<u8> = (0..3 * MIB as usize + 17).map(|index| (index % 251) as u8).collect();
    for size in [0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, bytes.len()] {
        for declared in [None, Some(size as u64)] {
            for piece in [usize::MAX, 10_000] {
                upload(&lxd, payload::<C>(Pieces(bytes[..size].to_vec(), piece), declared)).unwrap();
                let asked = fake.seen().pop().unwrap();
                assert_eq!(asked.header("content-length").map(|length| length.parse().unwrap()), declared, "{asked:?}");
                assert!(asked.body == bytes[..size], "{size} {declared:?}: {asked:?}");
            }
        }
    }
}
