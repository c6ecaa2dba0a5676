//! Websockets that are refused, too large, or closed the way LXD closes them.

use std::{
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use lxd_proto::{Error, FailureKind, Lxd, limits};
use lxd_tests::Lab;
use serde_json::json;

use crate::server::{Asked, BINARY, Fake, PING, TEXT, Talk, Way, command, error, event, frame, json_answer};

crate::cases! {
    either_way: refused, cut_off_refusals, another_websocket, a_message_too_large, in_small_pieces, closed_as_lxd_does,
        commands_closed_as_lxd_does, no_secret_is_shown, slow_handshakes;
}

/// The first event, or why there is none.
fn first<C: Lab>(lxd: &C) -> Result<String, Error> {
    let event = lxd.events().subscribe().send()?.next().expect("it has no end")?.into_event()?;
    Ok(event.logging().expect("a line").message.clone())
}

fn refused<C: Lab>(way: Way) {
    let body = error(500, "Only running operations can be connected").to_string();
    let (first_half, second_half) = body.split_at(20);
    let chunked = format!("{:x}\r\n{first_half}\r\n{:x}\r\n{second_half}\r\n0\r\n\r\n", 20, body.len() - 20);
    for (answer, hangs_up) in [
        (json_answer(500, &error(500, "Only running operations can be connected")), false),
        (format!("HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"), false),
        (format!("HTTP/1.1 500 X\r\nConnection: close\r\n\r\n{body}"), true),
    ] {
        for pieces in [7, usize::MAX] {
            let answer = answer.clone();
            let fake = Fake::new(way, move |_, mut talk| {
                talk.asked();
                // A client that has seen the end of the error need not wait for the last line break.
                answer.as_bytes().chunks(pieces).all(|piece| talk.say(piece));
                if hangs_up {
                    return talk.close();
                }
                talk.rest();
            });
            match first(&fake.lxd::<C>()) {
                Err(Error::Api(error)) => {
                    assert_eq!(error.message, "Only running operations can be connected");
                    assert_eq!(error.status, 500);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let fake = Fake::answering(way, |_, talk| {
        talk.say("HTTP/1.1 502 X\r\nContent-Type: text/html\r\nContent-Length: 18\r\n\r\n<h1>No gateway</h1");
    });
    assert!(matches!(first(&fake.lxd::<C>()), Err(Error::NotLxd { status: 502, .. })));
}

fn cut_off_refusals<C: Lab>(way: Way) {
    for answer in [
        "HTTP/1.1 500 X\r\nContent-Length: 100\r\n\r\n{\"type\":\"error\"",
        "HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"type\":",
        "HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\nwhat\r\n",
        "HTTP/1.1 500",
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "",
    ] {
        let fake = Fake::new(way, move |_, mut talk| {
            talk.asked();
            talk.say(answer);
        });
        let failed = first(&fake.lxd::<C>()).unwrap_err();
        assert_eq!(failed.transport().map(|f| &f.kind), Some(&FailureKind::Broken), "{answer:?}: {failed:?}");
    }
}

fn another_websocket<C: Lab>(way: Way) {
    for accept in ["Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", ""] {
        let fake = Fake::new(way, move |_, mut talk| {
            talk.asked();
            let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
            talk.say([format!("{head}{accept}\r\n").as_bytes(), &event(1)].concat());
            talk.rest();
        });
        let failed = first(&fake.lxd::<C>()).unwrap_err();
        assert_eq!(failed.transport().map(|f| &f.kind), Some(&FailureKind::Broken), "{failed:?}");
    }
}

fn a_message_too_large<C: Lab>(way: Way) {
    // Announced and never sent, and in fragments that have no end.
    let mut announced = vec![0x80 | TEXT, 127];
    announced.extend((limits::MESSAGE as u64 + 1).to_be_bytes());
    let mut enormous = vec![0x80 | BINARY, 127];
    enormous.extend((1_u64 << 62).to_be_bytes());
    let mut fragment = frame(BINARY, &vec![b'x'; 1 << 20]);
    fragment[0] = BINARY;
    for (frame, times) in [(announced, 1), (enormous, 1), (fragment, 32)] {
        let fake = Fake::new(way, move |_, mut talk| {
            let Some(asked) = talk.asked() else { return };
            talk.open_websocket(&asked, &[]);
            let mut frame = frame.clone();
            for _ in 0..times {
                talk.say(&frame);
                frame[0] = 0;
            }
            talk.rest();
        });
        let failed = first(&fake.lxd::<C>()).unwrap_err();
        assert_eq!(failed.transport().map(|f| &f.kind), Some(&FailureKind::TooLarge), "{failed:?}");
    }
}

fn in_small_pieces<C: Lab>(way: Way) {
    let fake = Fake::new(way, |_, mut talk| {
        let asked = talk.asked().unwrap();
        talk.open_websocket(&asked, &event(0)[..1]);
        for byte in &event(0)[1..] {
            talk.say([*byte]);
        }
        // Half of one, a ping within, and the other half.
        let (whole, ping) = (event(1), frame(PING, b"keepalive"));
        let text = &whole[2..];
        let (one, other) = text.split_at(20);
        let (mut one, mut other) = (frame(TEXT, one), frame(0, other));
        one[0] = TEXT;
        other[0] = 0x80;
        talk.say([one, ping, other].concat());
        talk.rest();
    });
    let mut events = fake.lxd::<C>().events().subscribe().send().unwrap();
    for number in 0..2 {
        let event = events.next().unwrap().unwrap().into_event().unwrap();
        assert_eq!(event.logging().unwrap().message, number.to_string());
    }
}

/// How LXD closes: without a close frame, and perhaps with an answer to its ping unread.
#[derive(Clone, Copy, Debug)]
enum Closing {
    /// Before the ping can be answered: the answer cannot be written.
    AtOnce,
    /// With the ping's answer unread: the connection is reset.
    Unread,
}

/// Opens the websocket that was asked for, says this, and closes it.
fn close_as_lxd(mut talk: Talk, asked: &Asked, frames: &[u8], closing: Closing) {
    let ping = frame(PING, b"keepalive");
    match closing {
        Closing::AtOnce => drop(talk.open_websocket(asked, &[&ping, frames].concat()).then_some(())),
        Closing::Unread => {
            talk.open_websocket(asked, &ping);
            talk.wait_for_input();
            talk.say(frames);
        }
    }
}

/// It was seen once in 50 times. Over TLS each time takes long, and everything above the connection is the same.
fn times(way: Way) -> usize {
    if way == Way::Unix { 200 } else { 50 }
}

fn closed_as_lxd_does<C: Lab>(way: Way) {
    for closing in [Closing::AtOnce, Closing::Unread] {
        let fake = Fake::new(way, move |_, mut talk| {
            if let Some(asked) = talk.asked() {
                let frames: Vec<u8> = (0..10).flat_map(event).collect();
                close_as_lxd(talk, &asked, &frames, closing);
            }
        });
        let lxd: C = fake.lxd();
        for _ in 0..times(way) {
            let mut events = lxd.events().subscribe().send().unwrap();
            for number in 0..10 {
                let event = events.next().unwrap().unwrap().into_event().unwrap();
                assert_eq!(event.logging().unwrap().message, number.to_string(), "{closing:?}");
            }
            // The end is said, once, and it listens again.
            let gap = events.next().unwrap().unwrap().into_event().unwrap_err();
            assert_eq!(gap.transport().map(|f| &f.kind), Some(&FailureKind::Broken), "{gap:?}");
            let event = events.next().unwrap().unwrap().into_event().unwrap();
            assert_eq!(event.logging().unwrap().message, "0");
        }
    }
}

fn commands_closed_as_lxd_does<C: Lab>(way: Way) {
    let fake = Fake::new(way, move |_, mut talk| {
        while let Some(asked) = talk.asked() {
            let target = asked.target();
            if asked.method() == "POST" {
                talk.answer(202, &command());
            } else if target.contains("/wait") {
                let metadata = json!({"return": 7});
                talk.sync(&json!({"id": "1", "status": "Success", "status_code": 200, "metadata": metadata}));
            } else {
                let data = match target.chars().last() {
                    Some('1') => vec![frame(BINARY, &[b'x'; 5000]), frame(BINARY, b"end"), frame(TEXT, b"")],
                    Some('2') => vec![frame(BINARY, b"oops"), frame(TEXT, b"")],
                    _ => Vec::new(),
                };
                return close_as_lxd(talk, &asked, &data.concat(), Closing::AtOnce);
            }
        }
    });
    let lxd: C = fake.lxd();
    for round in 0..times(way) {
        let output = lxd.instance("c1").exec(["true"]).output().send();
        let output = output.unwrap_or_else(|error| panic!("round {round}: {error:?}"));
        assert_eq!((output.code, output.stdout.len(), &output.stderr[..]), (7, 5003, &b"oops"[..]));
    }
}

/// When the command was asked for, and which of its websockets are open after how long.
#[derive(Default)]
struct Window {
    state: Mutex<(Option<Instant>, Vec<Opened>)>,
    changed: Condvar,
}

/// Which websocket, and after how long.
type Opened = (char, Duration);

impl Window {
    /// LXD gives a command's websockets so long.
    const LENGTH: Duration = Duration::from_secs(5);

    fn begin(&self) {
        *self.state.lock().unwrap() = (Some(Instant::now()), Vec::new());
    }

    fn opened(&self, name: char) {
        let (begun, opened) = &mut *self.state.lock().unwrap();
        opened.push((name, begun.unwrap().elapsed()));
        self.changed.notify_all();
    }

    /// Waits until the command starts, which it does with the websocket 0, or the time is over.
    fn starts(&self) -> bool {
        let state = self.state.lock().unwrap();
        let left = Self::LENGTH.saturating_sub(state.0.unwrap().elapsed());
        let waits = |(_, opened): &mut (_, Vec<Opened>)| opened.iter().all(|(name, _)| *name != '0');
        !self.changed.wait_timeout_while(state, left, waits).unwrap().1.timed_out()
    }
}

/// However long each handshake takes, all are done in time, because they go on at once.
fn slow_handshakes<C: Lab>(way: Way) {
    const SLOW: Duration = Duration::from_millis(1500);
    let window = Arc::new(Window::default());
    let there = window.clone();
    let fake = Fake::new(way, move |_, mut talk| {
        thread::sleep(SLOW);
        while let Some(asked) = talk.asked() {
            let name = asked.target().chars().last().unwrap();
            if asked.method() == "POST" {
                there.begin();
                talk.answer(202, &command());
            } else if asked.target().contains("/wait") {
                let (status, err) =
                    if there.starts() { (200, "") } else { (400, "Timed out waiting for websockets to connect") };
                talk.sync(&json!({"id": "1", "status_code": status, "err": err, "metadata": {"return": 7}}));
            } else {
                talk.open_websocket(&asked, &[]);
                there.opened(name);
                let data = match name {
                    '0' | '1' => [frame(BINARY, b"whole"), frame(TEXT, b"")].concat(),
                    '2' => frame(TEXT, b""),
                    _ => Vec::new(),
                };
                there.starts();
                talk.say(data);
                talk.rest();
                return;
            }
        }
    });
    let lxd: C = fake.lxd();
    for interactive in [false, true] {
        let exec = lxd.instance("c1").exec(["true"]);
        let exec = if interactive { exec.interactive(80, 24) } else { exec };
        let output = exec.output().send().unwrap();
        assert_eq!((output.code, &output.stdout[..]), (7, &b"whole"[..]), "interactive: {interactive}");
        let opened = std::mem::take(&mut window.state.lock().unwrap().1);
        assert_eq!(opened.len(), if interactive { 2 } else { 4 }, "{opened:?}");
        assert!(opened.iter().all(|(_, after)| *after < Window::LENGTH), "{opened:?}");
    }
}

fn no_secret_is_shown<C: Lab>(way: Way) {
    for answer in ["", "HTTP/1.1 what", "HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n"] {
        let fake = Fake::new(way, move |_, mut talk| {
            while let Some(asked) = talk.asked() {
                if asked.method() == "POST" {
                    talk.answer(202, &command());
                } else if asked.target().contains("secret") {
                    talk.say(answer);
                    return;
                } else {
                    let end = json!({"id": "1", "status": "Failure", "status_code": 400, "err": "no websocket"});
                    talk.sync(&end);
                }
            }
        });
        let failed = fake.lxd::<C>().instance("c1").exec(["true"]).output().send().unwrap_err();
        let text = format!("{failed} {failed:?}");
        assert!(!text.contains("s3cr3t"), "{text}");
    }
}
