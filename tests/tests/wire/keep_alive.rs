//! Connections that are kept for the next request, and what happens when one is dead.

use std::{
    sync::{Barrier, mpsc},
    thread,
};

use lxd_proto::{Error, FailureKind, Lxd};
use lxd_tests::Lab;
use serde_json::json;

use crate::server::{Fake, LONG, Way, error};

crate::cases! {
    either_way: one_connection, closed_while_idle, a_safe_request_is_sent_again_once, all_kept_ones_are_dead, a_change_is_never_sent_again;
}

fn kind(error: &Error) -> Option<FailureKind> {
    error.transport().map(|failure| failure.kind.clone())
}

/// Whether connections are kept at all: reqwest keeps none to a Unix socket, see `idle_connections` there.
fn keeps<C: Lab>(way: Way) -> bool {
    C::NAME == "ureq" || !matches!(way, Way::Unix)
}

/// pylxd: P042, P043.
/// pylxd: W22.
fn one_connection<C: Lab>(way: Way) {
    let fake = Fake::answering(way, |asked, talk| {
        if asked.target().contains("nothing") {
            talk.answer(404, &error(404, "no such profile"));
        } else {
            talk.sync(&json!({}));
        }
    });
    let lxd: C = fake.lxd();
    for _ in 0..20 {
        lxd.server().get().send().unwrap();
    }
    // A refusal is an answer like any other, and clones share connections.
    assert!(lxd.profile("nothing").get().send().unwrap_err().is_not_found());
    lxd.project("other").clone().server().get().send().unwrap();
    assert_eq!(fake.seen().len(), 22);
    let named = format!("lxd-{}/", C::NAME);
    assert!(fake.seen().iter().all(|asked| asked.header("user-agent").is_some_and(|it| it.starts_with(&named))));
    // hyper puts a connection back a little after an answer's end, and dials another if it is asked before.
    let most = match C::NAME {
        "ureq" => 1,
        _ if keeps::<C>(way) => 3,
        _ => 22,
    };
    assert!(fake.connections() <= most, "{} connections", fake.connections());
}

fn closed_while_idle<C: Lab>(way: Way) {
    let (closed, is_closed) = mpsc::channel();
    let fake = Fake::new(way, move |_, mut talk| {
        if talk.asked().is_some() {
            talk.sync(&json!({}));
        }
        drop(talk);
        let _ = closed.send(());
    });
    let lxd: C = fake.lxd();
    for round in 0..20 {
        // hyper sees the end a little later than it comes, and a change is not sent twice: so only ureq promises this.
        if round % 2 == 1 && C::NAME == "ureq" {
            let _ = lxd.profile("x").delete().send().unwrap();
        } else {
            lxd.server().get().send().unwrap();
        }
        is_closed.recv_timeout(LONG).unwrap();
    }
}

/// pylxd: P044.
fn a_safe_request_is_sent_again_once<C: Lab>(way: Way) {
    if !keeps::<C>(way) {
        return;
    }
    // How many connections die after the first request was answered, and whether that is one too many.
    for (dead, survives) in [(1, true), (2, false)] {
        for resets in [false, true] {
            let fake = Fake::new(way, move |number, mut talk| {
                let mut answered = 0;
                while talk.asked().is_some() {
                    if number < dead && (number > 0 || answered > 0) {
                        if resets {
                            talk.reset();
                        }
                        return;
                    }
                    answered += 1;
                    talk.sync(&json!({}));
                }
            });
            let lxd: C = fake.lxd();
            lxd.server().get().send().unwrap();
            let again = lxd.profile("x").get().send();
            assert_eq!(again.as_ref().err().map(kind), (!survives).then_some(Some(FailureKind::Broken)));
            // hyper may dial another connection although one is coming back, and then use either: see `one_connection`.
            let spare = usize::from(C::NAME != "ureq");
            let expected = ["GET /1.0", "GET /1.0/profiles/x", "GET /1.0/profiles/x"];
            let lines = fake.lines();
            assert!(lines == expected || spare == 1 && lines == expected[..2], "{lines:?}");
            assert!((2..=2 + spare).contains(&fake.connections()), "{}", fake.connections());
        }
    }
}

/// What a firewall or a proxy does that forgets silent connections: the next use of each fails.
fn all_kept_ones_are_dead<C: Lab>(way: Way) {
    if !keeps::<C>(way) {
        return;
    }
    const KEPT: usize = 3;
    let together = Barrier::new(KEPT);
    let fake = Fake::new(way, move |number, mut talk| {
        while talk.asked().is_some() {
            if number < KEPT {
                together.wait();
                talk.sync(&json!({}));
                talk.asked();
                return;
            }
            talk.sync(&json!({}));
        }
    });
    let lxd: C = fake.lxd();
    thread::scope(|scope| {
        for _ in 0..KEPT {
            scope.spawn(|| lxd.server().get().send().unwrap());
        }
    });
    lxd.server().get().send().unwrap();
    assert_eq!((fake.seen().len(), fake.connections()), (KEPT + 2, KEPT + 1));
}

/// pylxd: P044.
fn a_change_is_never_sent_again<C: Lab>(way: Way) {
    let fake = Fake::new(way, |_, mut talk| {
        while let Some(asked) = talk.asked() {
            if asked.method() != "GET" {
                return;
            }
            talk.sync(&json!({}));
        }
    });
    let lxd: C = fake.lxd();
    lxd.server().get().send().unwrap();
    let failed = lxd.profile("x").delete().send().unwrap_err();
    assert_eq!(kind(&failed), Some(FailureKind::Broken), "{failed:?}");
    let failed = lxd.profile("x").rename("y").send().unwrap_err();
    assert_eq!(kind(&failed), Some(FailureKind::Broken), "{failed:?}");
    assert_eq!(fake.lines(), ["GET /1.0", "DELETE /1.0/profiles/x", "POST /1.0/profiles/x"]);
}
