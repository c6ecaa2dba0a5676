//! Lists that are taken one by one while they arrive.

use std::{pin::pin, time::Duration};

use futures_util::{FutureExt, StreamExt};
use lxd_proto::{Blocking, Error, FailureKind, Lxd, limits};
use lxd_tests::{BlockOn, Lab};

use crate::server::{Fake, LONG, Way, error, json_answer};

crate::cases! {
    either_way: as_it_arrives, endless_lists, cut_off_lists, huge_elements, left_early;
    once: refusals;
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn profile(number: usize) -> String {
    format!(r#"{{"name":"p{number}","description":"{}"}},"#, "x".repeat(100))
}

fn names<C: Blocking>(lxd: &C) -> Result<Vec<String>, Error> {
    lxd.profiles().list().stream().send()?.map(|profile| Ok(profile?.name)).collect()
}

/// The server sends the next element when the one before it has been taken.
fn as_it_arrives<C: Lab>(way: Way) {
    let (taken, next) = std::sync::mpsc::channel();
    let next = std::sync::Mutex::new(next);
    let fake = Fake::new(way, move |_, mut talk| {
        talk.asked();
        assert!(talk.say(format!("{HEAD}{}", chunk(r#"{"type":"sync","metadata":["#))));
        for number in 0..3 {
            assert!(talk.say(chunk(&profile(number))));
            let taken: String = next.lock().unwrap().recv_timeout(LONG).expect("it is not handed on");
            assert_eq!(taken, format!("p{number}"));
        }
        assert!(talk.say(chunk(r#"{"name":"last"}]}"#)) && talk.say("0\r\n\r\n"));
    });
    let lxd: C = fake.lxd();
    let mut list = lxd.profiles().list().stream().send().unwrap();
    for _ in 0..3 {
        taken.send(list.next().unwrap().unwrap().name).unwrap();
    }
    assert_eq!(list.next().unwrap().unwrap().name, "last");
    assert!(list.next().is_none() && list.next().is_none());
}

/// A list without end can be read on and on: nothing of it is kept.
fn endless_lists<C: Lab>(way: Way) {
    const MANY: usize = 200_000;
    let fake = Fake::new(way, |_, mut talk| {
        talk.asked();
        talk.say(format!("{HEAD}{}", chunk(r#"{"type":"sync","metadata":["#)));
        let piece = chunk(&(0..1000).map(profile).collect::<String>());
        while talk.say(&piece) {}
    });
    let lxd: C = fake.lxd();
    let mut list = lxd.profiles().list().stream().send().unwrap();
    let first = list.by_ref().take(MANY / 10).filter(|profile| profile.is_ok()).count();
    let before = peak_memory();
    let rest = list.by_ref().take(MANY - first).filter(|profile| profile.is_ok()).count();
    assert_eq!(first + rest, MANY);
    // Other cases run in this process at the same time when it is not nextest that runs them.
    if std::env::var_os("NEXTEST").is_some() {
        // The kernel counts roughly, and may say less than before.
        let grown = peak_memory().saturating_sub(before);
        assert!(grown < 4 << 20, "{grown} of {}", MANY * profile(0).len());
    }
}

/// The most memory that this process ever had.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().map_or(0, |kib: u64| kib << 10)
}

fn cut_off_lists<C: Lab>(way: Way) {
    let (begin, list) = (r#"{"type":"sync","metadata":["#, profile(1));
    for (head, rest, kind) in [
        ("Content-Length: 1000", "{\"na", "Broken"),
        ("Content-Length: 1000", "{}]", "Broken"),
        ("Connection: close", "{\"na", "Decode"),
        ("Connection: close", "{}", "Decode"),
        ("Connection: close", "{}]", "Decode"),
        ("Connection: close", "{}]}", ""),
        ("Connection: close", "nothing", "Decode"),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{begin}{list}{rest}");
        let fake = Fake::new(way, move |_, mut talk| {
            talk.asked();
            talk.say(&answer);
            talk.close();
        });
        let lxd: C = fake.lxd();
        let mut list = lxd.profiles().list().stream().send().unwrap();
        assert_eq!(list.next().unwrap().unwrap().name, "p1");
        let failed = list.by_ref().find_map(Result::err);
        let collected = lxd.profiles().list().send();
        for failed in [failed, collected.err()] {
            let found = match &failed {
                None => "",
                Some(Error::Decode { .. }) => "Decode",
                Some(Error::Transport(failure)) if failure.kind == FailureKind::Broken => "Broken",
                Some(_) => "other",
            };
            assert_eq!(found, kind, "{head} {rest}: {failed:?}");
        }
        assert!(list.next().is_none());
    }
}

fn huge_elements<C: Lab>(way: Way) {
    let fake = Fake::new(way, |_, mut talk| {
        talk.asked();
        talk.say(format!("{HEAD}{}", chunk(r#"{"type":"sync","metadata":[{"name":""#)));
        let piece = chunk(&"x".repeat(1 << 16));
        let mut sent = 0;
        while talk.say(&piece) {
            sent += piece.len();
            assert!(sent < limits::ELEMENT + (8 << 20), "the client reads on and on");
        }
    });
    let lxd: C = fake.lxd();
    for failed in [names(&lxd).unwrap_err(), lxd.profiles().list().send().unwrap_err()] {
        assert!(matches!(failed, Error::TooLarge { what: "profile", .. }), "{failed:?}");
    }
}

/// Who has enough of a list hangs up, and can ask for something else.
fn left_early<C: Lab>(way: Way) {
    let fake = Fake::new(way, |connection, mut talk| {
        talk.asked();
        if connection == 0 {
            talk.say(format!("{HEAD}{}{}", chunk(r#"{"type":"sync","metadata":["#), chunk(&profile(0))));
            assert!(talk.rest().is_empty());
        } else {
            talk.say(json_answer(200, &serde_json::json!({"type": "sync", "metadata": []})));
        }
    });
    let lxd: C = fake.lxd();
    let mut list = lxd.profiles().list().stream().send().unwrap();
    assert_eq!(list.next().unwrap().unwrap().name, "p0");
    drop(list);
    assert!(names(&lxd).unwrap().is_empty());
}

/// A refusal is an error at once, and says what was asked.
fn refusals<C: Lab>() {
    for status in [200, 403] {
        let fake = Fake::answering(Way::Unix, move |_, talk| {
            talk.answer(status, &error(403, "not you"));
        });
        let lxd: C = fake.lxd();
        let failed = match lxd.profiles().list().stream().send() {
            Err(failed) => failed,
            Ok(mut list) if status == 200 => list.next().unwrap().unwrap_err(),
            Ok(_) => panic!("it was refused"),
        };
        assert_eq!(failed.to_string(), "GET /1.0/profiles?recursion=1: not you (403)");
    }
}

/// An async stream loses nothing when what waits for its next element is dropped.
#[test]
fn nobody_waits() {
    let (say, said) = std::sync::mpsc::channel::<String>();
    let said = std::sync::Mutex::new(said);
    let fake = Fake::new(Way::Unix, move |_, mut talk| {
        talk.asked();
        talk.say(format!("{HEAD}{}", chunk(r#"{"type":"sync","metadata":["#)));
        while let Ok(text) = said.lock().unwrap().recv_timeout(LONG) {
            assert!(talk.say(text));
        }
    });
    let lxd: BlockOn = fake.lxd();
    BlockOn::block_on(async {
        let mut list = lxd.0.profiles().list().stream().await.unwrap();
        for number in 0..3 {
            // In two parts, between which the element is asked for and given up.
            let profile = profile(number);
            let (begin, end) = profile.split_at(profile.len() / 2);
            assert!(list.next().now_or_never().is_none());
            say.send(chunk(begin)).unwrap();
            assert!(tokio::time::timeout(Duration::from_millis(20), list.next()).await.is_err());
            say.send(chunk(end)).unwrap();
            let next = tokio::time::timeout(LONG, pin!(list.next())).await.expect("it was lost");
            assert_eq!(next.unwrap().unwrap().name, format!("p{number}"));
        }
        say.send(chunk("{}]}") + "0\r\n\r\n").unwrap();
        drop(say);
        assert!(list.next().await.unwrap().is_ok());
        assert!(list.next().await.is_none());
    });
}
