//! Events of a server that falls silent, where only time tells that the connection is dead, and of one that never does.

use std::{thread, time::Instant};

use lxd_proto::{
    Error, FailureKind, Lxd, Phase, limits,
    resources::{Gap, Notice},
};
use lxd_tests::Lab;

use crate::server::{Fake, PING, Way, event, frame};

crate::cases! {
    once: silence_is_a_gap, pings_are_no_silence, many_without_a_pause;
}

fn number(notice: Option<Result<Notice, Error>>) -> String {
    let event = notice.expect("it has no end").and_then(Notice::into_event).expect("an event");
    event.logging().expect("a line").message.clone()
}

fn silence_is_a_gap<C: Lab>() {
    let fake = Fake::new(Way::Tls, |connection, mut talk| {
        let asked = talk.asked().unwrap();
        talk.open_websocket(&asked, &event(connection));
        // For twice as long as a connection's own limit.
        (0..2).for_each(|_| talk.keep_silent());
    });
    let mut events = fake.lxd::<C>().events().subscribe().send().unwrap();
    assert_eq!(number(events.next()), "0");
    let begin = Instant::now();
    let Some(Ok(Notice::Gap(Gap { reason, .. }))) = events.next() else { panic!("no gap") };
    let took = begin.elapsed();
    assert_eq!(reason.transport().unwrap().kind, FailureKind::Timeout(Phase::Idle));
    // It is looked every 5 s; as much again is for a busy machine.
    assert!(took >= limits::SILENCE && took <= limits::SILENCE * 4 / 3, "{took:?}");
    assert_eq!(number(events.next()), "1");
    assert_eq!(fake.connections(), 2);
}

fn pings_are_no_silence<C: Lab>() {
    let fake = Fake::new(Way::Tls, |_, mut talk| {
        let asked = talk.asked().unwrap();
        talk.open_websocket(&asked, &event(0));
        // As LXD does, and for longer than silence may last.
        for _ in 0..4 {
            thread::sleep(limits::SILENCE / 3);
            talk.say(frame(PING, b""));
        }
        talk.say(event(1));
        talk.rest();
    });
    let mut events = fake.lxd::<C>().events().subscribe().send().unwrap();
    assert_eq!((number(events.next()), number(events.next())), ("0".into(), "1".into()));
    assert_eq!(fake.connections(), 1);
}

/// A task of tokio's that has done much is given nothing more until it has let others go on.
fn many_without_a_pause<C: Lab>() {
    const MANY: usize = 5_000;
    let fake = Fake::new(Way::Unix, |_, mut talk| {
        let asked = talk.asked().unwrap();
        talk.open_websocket(&asked, &(0..MANY).flat_map(event).collect::<Vec<_>>());
        talk.rest();
    });
    let mut events = fake.lxd::<C>().events().subscribe().send().unwrap();
    for wanted in 0..MANY {
        assert_eq!(number(events.next()), wanted.to_string());
    }
}
