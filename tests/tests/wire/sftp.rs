//! Connections that become SFTP, or do not.

use bytes::BytesMut;
use lxd_proto::{
    Error, FailureKind, Lxd,
    sftp::{Ask, Asked, Status},
};
use lxd_tests::Lab;

use crate::{
    server::{Fake, Way, error, json_answer},
    sftp_server::{self, SWITCHING, asked, reply, version},
};

crate::cases! {
    either_way: refused, another_protocol, in_small_pieces, early_words, hung_up, given_up;
}

/// There is no such file, of the request 1.
fn none() -> BytesMut {
    reply(1, &sftp_server::status(Status::NoSuchFile))
}

fn status<C: Lab>(fake: &Fake) -> Result<Status, Error> {
    let mut sftp = fake.lxd::<C>().instance("c1").sftp().send()?;
    match sftp.stat("/x").send() {
        Err(Error::Sftp(error)) => Ok(error.status),
        Err(error) => Err(error),
        Ok(found) => panic!("{found:?}"),
    }
}

fn refused<C: Lab>(way: Way) {
    let fake = Fake::new(way, |_, mut talk| {
        let asked = talk.asked().unwrap();
        assert_eq!(asked.line(), "GET /1.0/instances/c1/sftp HTTP/1.1");
        assert_eq!(asked.header("upgrade"), Some("sftp"));
        assert_eq!(asked.header("connection").map(str::to_lowercase).as_deref(), Some("upgrade"));
        talk.say(json_answer(400, &error(400, "Missing or invalid upgrade header")));
        talk.rest();
    });
    match status::<C>(&fake) {
        Err(Error::Api(error)) => {
            assert_eq!((error.status, &*error.message), (400, "Missing or invalid upgrade header"));
            assert_eq!(error.request, "GET /1.0/instances/c1/sftp");
        }
        other => panic!("{other:?}"),
    }
    let fake = Fake::answering(way, |_, talk| {
        talk.say("HTTP/1.1 200 X\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno");
    });
    assert!(matches!(status::<C>(&fake), Err(Error::NotLxd { status: 200, .. })));
}

fn another_protocol<C: Lab>(way: Way) {
    let fake = Fake::new(way, |_, mut talk| {
        talk.asked();
        talk.say(SWITCHING.replace("sftp", "spice"));
        talk.rest();
    });
    match status::<C>(&fake) {
        Err(Error::Transport(failure)) => assert_eq!(failure.kind, FailureKind::Broken),
        other => panic!("{other:?}"),
    }
}

fn in_small_pieces<C: Lab>(way: Way) {
    let fake = Fake::new(way, |_, mut talk| {
        talk.asked();
        SWITCHING.as_bytes().chunks(7).all(|piece| talk.say(piece));
        assert_eq!(asked(&mut talk), Some(Asked::Init(3)));
        version().chunks(1).all(|piece| talk.say(piece));
        assert_eq!(asked(&mut talk), Some(Asked::Ask(1, Ask::Stat("/x".into()))));
        none().chunks(1).all(|piece| talk.say(piece));
        assert!(talk.rest().is_empty());
    });
    assert_eq!(status::<C>(&fake).unwrap(), Status::NoSuchFile);
}

/// What comes together with the answer's head is not lost.
fn early_words<C: Lab>(way: Way) {
    let fake = Fake::new(way, |_, mut talk| {
        talk.asked();
        talk.say([SWITCHING.as_bytes(), &version()].concat());
        asked(&mut talk);
        asked(&mut talk);
        talk.say(none());
        talk.rest();
    });
    assert_eq!(status::<C>(&fake).unwrap(), Status::NoSuchFile);
}

fn hung_up<C: Lab>(way: Way) {
    for words in 0..3 {
        let fake = Fake::new(way, move |_, mut talk| {
            talk.asked();
            talk.say(SWITCHING);
            asked(&mut talk);
            if words > 0 {
                talk.say(version());
                asked(&mut talk);
            }
            if words > 1 {
                talk.say(&none()[..9]);
            }
            talk.close();
        });
        match status::<C>(&fake) {
            Err(Error::Transport(failure)) => assert_eq!(failure.kind, FailureKind::Broken, "{words}"),
            other => panic!("{other:?}"),
        }
    }
}

/// A session that is dropped closes its connection.
fn given_up<C: Lab>(way: Way) {
    let fake = Fake::new(way, |_, mut talk| {
        talk.asked();
        talk.say([SWITCHING.as_bytes(), &version()].concat());
        asked(&mut talk);
        assert!(talk.rest().is_empty());
    });
    drop(fake.lxd::<C>().instance("c1").sftp().send().unwrap());
}
