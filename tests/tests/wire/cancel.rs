//! Whatever is given up in its middle closes its connection, and sends nothing more.

use std::{
    future::poll_fn,
    io::Read,
    pin::pin,
    sync::{
        Mutex,
        mpsc::{Receiver, channel},
    },
    task::Poll,
};

use futures_util::StreamExt;
use lxd_proto::{
    Lxd,
    resources::{ProfilePut, Ready},
};
use lxd_tests::{BlockOn, Lab, child, payload, process::Resources};
use serde_json::json;

use crate::server::{Asked, BINARY, Fake, LONG, PING, TEXT, Talk, Way, command, error, event, frame, json_answer};

crate::cases! {
    either_way: a_body, events;
    once: handles;
}

/// A server on whose connections everything is as it should be but slow: it says when it has got a request that it
/// does not answer to the end, and when that connection was closed without another word.
struct Slow {
    fake: Fake,
    begun: Receiver<()>,
    ended: Receiver<usize>,
}

impl Slow {
    /// The function begins with an answer, or gives it whole: then it is true.
    fn new(way: Way, answer: impl Fn(&mut Talk, &Asked) -> bool + Send + Sync + 'static) -> Self {
        let ((begins, begun), (ends, ended)) = (channel(), channel());
        let (begins, ends) = (Mutex::new(begins), Mutex::new(ends));
        let fake = Fake::new(way, move |_, mut talk| {
            while let Some(asked) = talk.head() {
                if asked.target() == "/1.0" {
                    talk.sync(&json!({}));
                } else if !answer(&mut talk, &asked) {
                    let _ = begins.lock().unwrap().send(());
                    let _ = ends.lock().unwrap().send(talk.rest().len());
                    return;
                }
            }
        });
        Self { fake, begun, ended }
    }

    fn has_begun(&self) {
        self.begun.recv_timeout(LONG).unwrap();
    }

    /// How much was sent after the request's head, until the connection was closed.
    fn rest(&self) -> usize {
        self.ended.recv_timeout(LONG).unwrap()
    }
}

fn a_body<C: Lab>(way: Way) {
    for head in ["Content-Length: 1000000", "Transfer-Encoding: chunked"] {
        let slow = Slow::new(way, move |talk, _| {
            let chunk = if head.contains("chunked") { "ffff\r\n" } else { "" };
            talk.say(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{chunk}{}", "x".repeat(5000)));
            false
        });
        let lxd: C = slow.fake.lxd();
        for read in [0, 100, 5000] {
            let mut body = C::reader(lxd.instance("c1").files().get("/x").send().unwrap().body);
            body.read_exact(&mut vec![0; read]).unwrap();
            drop(body);
            assert_eq!(slow.rest(), 0);
            // The client itself goes on.
            lxd.server().get().send().unwrap();
        }
    }
}

fn events<C: Lab>(way: Way) {
    let fake = Fake::new(way, |_, mut talk| {
        let asked = talk.asked().unwrap();
        talk.open_websocket(&asked, &[event(0), event(1)].concat());
        assert_eq!(talk.rest(), b"");
    });
    let lxd: C = fake.lxd();
    for taken in 0..3 {
        let mut events = lxd.events().subscribe().send().unwrap();
        for _ in 0..taken {
            events.next().unwrap().unwrap();
        }
    }
    // Also while the client lives.
    drop(fake);
    drop(lxd);
}

/// As many file descriptors and threads when all is over as there were, whatever was given up and whatever failed. This
/// needs a process of its own.
fn handles<C: Lab>() {
    if !child::is_one() {
        return child::assert_passes(child::again("it"));
    }
    let round = || {
        for way in [Way::Unix, Way::Tls] {
            let fake = quick(way);
            let lxd: C = fake.lxd();
            lxd.server().get().send().unwrap();
            let _ = lxd.instance("c1").files().get("/x").send().unwrap();
            lxd.events().subscribe().send().unwrap().next().unwrap().unwrap();
            lxd.instance("c1").exec(["x"]).output().send().unwrap();
            let _ = lxd.instances().list().stream().send().unwrap();
            lxd.operation("1".parse().unwrap()).updates().send().unwrap().next().unwrap().unwrap();
            lxd.instance("c1").exec(["x"]).spawn().send().unwrap().wait().unwrap();
            drop(lxd.instance("c1").exec(["x"]).spawn().send().unwrap());
            drop(lxd.instance("c1").exec(["x"]).interactive(80, 24).spawn().send().unwrap());
            let refused = Fake::new(way, |_, mut talk| {
                if talk.head().is_some() {
                    talk.say(json_answer(500, &error(500, "no")));
                }
            });
            let lxd: C = refused.lxd();
            lxd.events().subscribe().send().map(drop).unwrap_err();
            lxd.images().upload(payload::<C>(std::io::repeat(b'x').take(1 << 20), Some(1 << 20))).send().unwrap_err();
        }
    };
    // Once for what is made once: a runtime, a server's certificate.
    round();
    let before = Resources::now();
    (0..10).for_each(|_| round());
    before.assert_flat(0);
}

type Client = lxd_reqwest::Client;

fn run<F: Future>(future: F) -> F::Output {
    BlockOn::block_on(future)
}

/// Runs a future until the server has so many requests of it, and gives it up.
fn give_up<F: Future + Send>(slow: &Slow, requests: usize, future: F)
where
    F::Output: Send,
{
    std::thread::scope(|scope| {
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let running = scope.spawn(move || {
            let mut future = Box::pin(future);
            run(poll_fn(|context| match pin!(&mut stopped).poll(context) {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending => future.as_mut().poll(context).map(|_| panic!("it came to an end")),
            }));
        });
        (0..requests).for_each(|_| slow.has_begun());
        stop.send(()).unwrap();
        running.join().unwrap();
    });
}

/// A client that is async, over both ways.
fn each_way(test: impl Fn(Way)) {
    [Way::Unix, Way::Tls].into_iter().for_each(test);
}

#[test]
fn a_future() {
    each_way(|way| {
        let slow = Slow::new(way, |_, _| false);
        let lxd: BlockOn = slow.fake.lxd();
        let lxd: &Client = &lxd.0;
        give_up(&slow, 1, lxd.profile("x").get().into_future());
        assert_eq!(slow.rest(), 0);
        give_up(&slow, 1, lxd.profile("x").edit(|_| {}).into_future());
        assert_eq!(slow.rest(), 0);
        give_up(&slow, 1, lxd.instance("c1").start().wait().into_future());
        // The request's own body.
        slow.rest();
        assert_eq!(slow.fake.seen().len(), 3);
        run(lxd.server().get().into_future()).unwrap();
    });
}

#[test]
fn an_upload() {
    const SIZE: u64 = 512 << 20;
    each_way(|way| {
        let slow = Slow::new(way, |_, _| false);
        let lxd: BlockOn = slow.fake.lxd();
        for length in [Some(SIZE), None] {
            let reader = lxd_reqwest::Reader::from(tokio::io::AsyncReadExt::take(tokio::io::repeat(b'x'), SIZE));
            let upload = lxd.0.images().upload(lxd_proto::Payload::Reader(reader, length));
            give_up(&slow, 1, upload.into_future());
            assert!(slow.rest() < SIZE as usize / 2);
        }
    });
}

#[test]
fn a_command() {
    each_way(|way| {
        // Before its websockets are open, and after.
        for opens in [false, true] {
            let slow = Slow::new(way, move |talk, asked| {
                if asked.method() == "POST" {
                    let length = asked.header("content-length").unwrap().parse().unwrap();
                    return talk.take(length).is_some() && talk.answer(202, &command());
                }
                if opens && asked.header("upgrade").is_some() {
                    talk.open_websocket(asked, &frame(PING, b"keepalive"));
                }
                false
            });
            let lxd: BlockOn = slow.fake.lxd();
            // The websockets, of which the last is opened when control was, and `/wait`.
            let requests = if opens { 5 } else { 4 };
            give_up(&slow, requests, lxd.0.instance("c1").exec(["sleep", "1000"]).output().into_future());
            for _ in 0..requests {
                slow.rest();
            }
            run(lxd.0.server().get().into_future()).unwrap();
        }
    });
}

/// A server that answers everything, and lets the connection die of nothing.
fn quick(way: Way) -> Fake {
    Fake::new(way, |_, mut talk| {
        while let Some(asked) = talk.head() {
            let target = asked.target().to_owned();
            if asked.header("upgrade").is_some() {
                let frames = match target.split_once('&').map_or(&*target, |(target, _)| target).chars().last() {
                    // What comes from a terminal too, and what nobody looks at when there is none.
                    Some('0' | '1' | '2') => [frame(BINARY, b"hello"), frame(TEXT, b"")].concat(),
                    Some('s' | 'n') => [event(0), event(1)].concat(),
                    _ => Vec::new(),
                };
                talk.open_websocket(&asked, &frames);
                talk.rest();
                return;
            }
            let length = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if talk.take(length).is_none() {
                return;
            }
            if target == "/1.0" {
                let environment = json!({"addresses": ["192.0.2.1:8443"], "certificate": "PEM"});
                talk.sync(&json!({"environment": environment}));
            } else if matches!(asked.method(), "POST" | "PUT") {
                talk.answer(202, &command());
            } else if target.contains("/operations/") {
                let output = json!({"1": "/1.0/instances/c1/logs/a.stdout", "2": "/1.0/instances/c1/logs/a.stderr"});
                let metadata = json!({"return": 0, "output": output, "fingerprint": "0".repeat(64)});
                talk.sync(&json!({"id": "1", "status": "Success", "status_code": 200, "metadata": metadata}));
            } else {
                talk.sync(&json!({"config": {}, "status": "Running", "status_code": 103}));
            }
        }
    })
}

/// Polls a future at most so many times, and drops it. With `eager`, as often as the runtime can; else when it is woken.
async fn poll_times<F: Future>(future: F, times: usize, eager: bool) {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        if polled == times {
            return Poll::Ready(());
        }
        polled += 1;
        if eager || polled == times {
            context.waker().wake_by_ref();
        }
        future.as_mut().poll(context).map(drop)
    })
    .await;
}

/// This needs a process of its own, because what is left behind is counted: no task, thread or descriptor of the client's,
/// nor of the server's on the other side.
#[test]
fn after_any_number_of_polls() {
    if !child::is_one() {
        return child::assert_passes(child::again("it"));
    }
    each_way(|way| {
        let fake = quick(way);
        let round = |most: usize| {
            let lxd: BlockOn = fake.lxd();
            let lxd = &lxd.0;
            for times in 0..most {
                for eager in [false, true] {
                    run(give_up_everything(lxd, times, eager));
                }
            }
            run(lxd.server().get().into_future()).unwrap();
            assert!(run(lxd.instance("c1").exec(["x"]).output().into_future()).unwrap().success());
        };
        // Once for what is made once.
        round(1);
        let before = Resources::now();
        round(40);
        before.assert_flat(0);
    });
}

/// Begins everything that can be awaited, polls it so often, and drops it.
async fn give_up_everything(lxd: &Client, times: usize, eager: bool) {
    let (c1, other) = (lxd.instance("c1"), lxd.project("p"));
    macro_rules! give_up {
        ($($what:expr),* $(,)?) => { $(poll_times($what.into_future(), times, eager).await;)* };
    }
    let reader = || lxd_reqwest::Reader::from(tokio::io::AsyncReadExt::take(tokio::io::repeat(b'x'), 300_000));
    give_up!(
        lxd.server().get(),
        lxd.profile("x").edit(|put: &mut ProfilePut| put.description = "y".into()),
        c1.files().get("/x").bytes(),
        lxd.images().upload(lxd_proto::Payload::sized(reader(), 300_000)),
        lxd.instances().list().stream(),
        c1.start().wait(),
        lxd.operation("1".parse().unwrap()).wait(),
        c1.wait_until(Ready::Running),
        c1.exec(["x"]).stdin("hello").output(),
        c1.exec(["x"]).stdin(lxd_proto::Payload::reader(reader())).stdout(tokio::io::sink()).status(),
        c1.exec(["x"]).status(),
        c1.exec(["x"]).recorded().output(),
        c1.exec(["x"]).interactive(80, 24).stdin("hello").output(),
        c1.console().stdin("hello").attach(),
        c1.copy_to("c2"),
        c1.copy_to_server(&other),
        c1.copy_to_server(&other).push(),
        c1.move_to_server(&other).relay(),
        lxd.image("ab12").copy_to(&other),
    );
    let child = async {
        let Ok(child) = c1.exec(["x"]).spawn().await else { return };
        child.resize(80, 24);
        drop(child.wait().await);
    };
    poll_times(child, times, eager).await;
    drop(c1.exec(["x"]).spawn().await);
    let events = async {
        let Ok(mut events) = lxd.events().subscribe().await else { return };
        drop((events.next().await, events.next().await));
    };
    poll_times(events, times, eager).await;
    let updates = async {
        let Ok(mut updates) = lxd.operation("1".parse().unwrap()).updates().await else { return };
        while updates.next().await.is_some() {}
    };
    poll_times(updates, times, eager).await;
}
