//! Answers that are cut off, too large, or not LXD's at all.

use std::time::Duration;

use lxd_host::Timeouts;
use lxd_proto::{Error, FailureKind, Lxd, limits};
use lxd_tests::Lab;
use serde_json::json;

use crate::server::{Fake, Way, error, json_answer};

crate::cases! {
    either_way: bad_answers, no_answer, endless_answers, endless_heads, a_cut_off_file;
    once: redirects, good_answers;
}

/// What an answer of HTTP is to be called; everything else is a whole answer with a JSON body.
const BAD: &[(&str, &str, &str)] = &[
    ("a short body", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"type\":\"sync\"", "Broken"),
    ("a body that is not there", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "Broken"),
    ("a chunk cut off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{\"type\":", "Broken"),
    (
        "no last chunk",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1d\r\n{\"type\":\"sync\",\"metadata\":{}\r\n",
        "Broken",
    ),
    ("no chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nwhat is this\r\n", "Broken"),
    ("half a head", "HTTP/1.1 200 OK\r\nContent-Le", "Broken"),
    ("another protocol", "SSH-2.0-OpenSSH_9.6\r\n", "Broken"),
    ("garbage", "\u{0}\u{1}\u{2}\r\n\r\n\r\n", "Broken"),
    ("another protocol that nobody asked for", "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "NotLxd"),
    ("no number", "HTTP/1.1 two hundred\r\n\r\n", "Broken"),
    ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "Broken"),
    ("a cut off list", "HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{\"type\":\"sync\",\"metadata\":", "Decode"),
    (
        "a proxy's page",
        "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 24\r\n\r\n<h1>502 Bad Gateway</h1>",
        "NotLxd",
    ),
    ("an empty page", "HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", "NotLxd"),
    (
        "an error at 200",
        "HTTP/1.1 200 OK\r\nContent-Length: 53\r\n\r\n{\"type\":\"error\",\"error_code\":403,\"error\":\"forbidden\"}\n",
        "Api",
    ),
    (
        "no operation",
        "HTTP/1.1 202 Accepted\r\nContent-Length: 32\r\n\r\n{\"type\":\"async\",\"metadata\":null}",
        "Protocol",
    ),
];

/// The error's variant, and of a failure its kind.
fn name(error: &Error) -> String {
    let text = match error {
        Error::Transport(failure) => format!("{:?}", failure.kind),
        error => format!("{error:?}"),
    };
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().into()
}

/// pylxd: P057.
/// pylxd: W45.
fn bad_answers<C: Lab>(way: Way) {
    for (what, answer, expected) in BAD {
        let fake = Fake::new(way, move |_, mut talk| {
            talk.asked();
            talk.say(answer);
        });
        let lxd: C = fake.lxd();
        let failed = lxd.server().get().send().unwrap_err();
        assert_eq!(name(&failed), *expected, "{what}: {failed:?}");
        match *expected {
            "NotLxd" if what.contains("proxy") => {
                let text = failed.to_string();
                assert!(text.contains("502") && text.contains("text/html") && text.contains("Bad Gateway"), "{text}");
            }
            "Api" => assert_eq!(failed.to_string(), "GET /1.0: forbidden (403)"),
            _ => {}
        }
    }
}

fn no_answer<C: Lab>(way: Way) {
    for resets in [true, false] {
        let fake = Fake::new(way, move |_, mut talk| {
            talk.asked();
            if resets {
                talk.reset();
            }
        });
        let lxd: C = fake.lxd();
        assert_eq!(name(&lxd.server().get().send().unwrap_err()), "Broken");
        // A GET may be asked again, and nothing else.
        assert_eq!(fake.seen().len(), 2);
        assert_eq!(name(&lxd.profile("x").delete().send().unwrap_err()), "Broken");
        assert_eq!(fake.lines().split_off(2), ["DELETE /1.0/profiles/x"]);
    }
}

fn endless_answers<C: Lab>(way: Way) {
    for head in ["Transfer-Encoding: chunked", "Content-Length: 99999999999", "Connection: close"] {
        let fake = Fake::new(way, move |_, mut talk| {
            talk.asked();
            talk.say(format!("HTTP/1.1 500 X\r\n{head}\r\n\r\n"));
            let chunked = head.contains("chunked");
            let piece = if chunked { format!("1000\r\n{}\r\n", "x".repeat(0x1000)) } else { "x".repeat(0x1000) };
            let mut sent = 0;
            while talk.say(&piece) {
                sent += piece.len();
                assert!(sent < 64 << 20, "the client reads on and on");
            }
        });
        let lxd: C = fake.lxd();
        let failed = lxd.server().get().send().unwrap_err();
        assert_eq!(name(&failed), "TooLarge", "{failed:?}");
        assert!(failed.to_string().contains(&limits::ERROR_ANSWER.to_string()), "{failed}");
        let failed = lxd.instance("c1").files().get("/x").send().err().unwrap();
        assert_eq!(name(&failed), "TooLarge", "{failed:?}");
    }
}

fn endless_heads<C: Lab>(way: Way) {
    for (begin, on) in [
        ("HTTP/1.1 200 OK\r\n", "X-More: and more\r\n"),
        ("HTTP/1.1 200 OK\r\nX: ", "and more "),
        ("HTTP/1.1 ", "and more "),
        ("", "HTTP/1.1 100 Continue\r\n\r\n"),
    ] {
        let fake = Fake::new(way, move |_, mut talk| {
            talk.asked();
            talk.say(begin);
            let piece = on.repeat(1000);
            let mut sent = 0;
            while talk.say(&piece) {
                sent += piece.len();
                // Preludes are skipped until the time is up: they take no memory.
                assert!(sent < 64 << 20 || begin.is_empty(), "the client reads on and on");
            }
        });
        let lxd: C = fake.lxd_within(Timeouts { head: Duration::from_secs(2), ..Timeouts::default() });
        for failed in [
            lxd.profile("x").delete().send().map(drop).unwrap_err(),
            lxd.events().subscribe().send().map(drop).unwrap_err(),
        ] {
            assert!(failed.transport().is_some(), "{on}: {failed:?}");
        }
    }
}

fn a_cut_off_file<C: Lab>(way: Way) {
    for head in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
        for resets in [false, true] {
            let fake = Fake::new(way, move |_, mut talk| {
                talk.asked();
                let chunk = if head.contains("chunked") { "ffff\r\n" } else { "" };
                talk.say(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{chunk}{}", "x".repeat(5000)));
                if resets {
                    talk.reset();
                }
            });
            let lxd: C = fake.lxd();
            let file = lxd.instance("c1").files().get("/x").send().unwrap();
            let mut content = Vec::new();
            let failed = C::reader(file.body).read_to_end(&mut content).unwrap_err();
            let failure = lxd_host::failure(&failed);
            assert_eq!(failure.kind, FailureKind::Broken, "{failed:?}");
            if !resets {
                assert_eq!(content.len(), 5000);
            }
            let failed = lxd.instance("c1").files().get("/x").bytes().send().unwrap_err();
            assert_eq!(name(&failed), "Broken", "{failed:?}");
        }
    }
}

/// pylxd: P044.
fn redirects<C: Lab>() {
    for status in [301, 302, 303, 307, 308] {
        let fake = Fake::answering(Way::Unix, move |_, talk| {
            talk.say(format!("HTTP/1.1 {status} X\r\nLocation: /1.0/elsewhere\r\nContent-Length: 0\r\n\r\n"));
        });
        let lxd: C = fake.lxd();
        assert_eq!(name(&lxd.server().get().send().unwrap_err()), "NotLxd");
        assert_eq!(name(&lxd.profile("x").delete().send().unwrap_err()), "NotLxd");
        assert_eq!(fake.lines(), ["GET /1.0", "DELETE /1.0/profiles/x"]);
    }
}

fn good_answers<C: Lab>() {
    let body = json!({"type": "sync", "metadata": {"api_version": "1.0"}});
    let text = body.to_string();
    let chunked =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{text}\r\n0\r\n\r\n", text.len());
    for answer in [
        json_answer(200, &body),
        chunked,
        format!("HTTP/1.1 100 Continue\r\n\r\n{}", json_answer(200, &body)),
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{text}"),
        format!("HTTP/1.0 200 OK\r\n\r\n{text}"),
    ] {
        let fake = Fake::new(Way::Unix, {
            let answer = answer.clone();
            move |_, mut talk| {
                talk.asked();
                // In pieces, so that nothing depends on what comes together.
                answer.as_bytes().chunks(7).for_each(|piece| assert!(talk.say(piece)));
            }
        });
        let lxd: C = fake.lxd();
        assert_eq!(lxd.server().get().send().unwrap().api_version, "1.0", "{answer}");
        assert_eq!(fake.seen().len(), 1);
    }
    let fake = Fake::answering(Way::Unix, |_, talk| {
        talk.answer(404, &error(404, "no such thing"));
    });
    assert!(fake.lxd::<C>().server().get().send().unwrap_err().is_not_found());
}
