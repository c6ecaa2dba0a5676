//! The console of a container.

use std::{
    io::Read,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use lxd_proto::{Error, flow::exec::ConsoleControl, resources::Console};
use lxd_tests::{
    Lab, Server, output, payload,
    process::{POOLED, Resources},
    with_websockets,
};

use crate::{
    exec::{LATE, Telling},
    exec_control::{Typed, read_until},
};

// That it ends with the instance is shown on answers alone: 5.0.2 can die of it.
with_websockets!(typed_shown_and_left);

/// Leaves the console when the test is over, before the instance is removed.
struct Leave(ConsoleControl);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.detach();
    }
}

type Attached = (Sender<Vec<u8>>, Receiver<Vec<u8>>, thread::JoinHandle<Result<bytes::Bytes, Error>>);

/// Attaches in a thread, to type and to see what is shown.
fn attach<C: Lab>(console: Console<C>) -> Attached {
    let ((type_in, typed), (tell, told)) = (channel(), channel());
    let run = console.stdin(payload::<C>(Typed(typed), None)).stdout(output::<C>(Telling(tell))).attach();
    (type_in, told, thread::spawn(move || run.send()))
}

fn typed_shown_and_left<C: Lab>(server: &Server<C>) {
    let instance = server.running("console");
    let before = Resources::now();
    // Twice: whoever has left it is in nobody's way.
    for word in ["one", "two"] {
        let (control, console) = instance.console().size(80, 24).controlled().unwrap();
        let (type_in, told, run) = attach(console);
        let _leave = Leave(control.clone());
        // The shell begins with the first key that it sees, and it may not be there yet.
        let end = Instant::now() + Duration::from_secs(60);
        let mut text = Vec::new();
        while !text.contains(&b'#') {
            assert!(Instant::now() < end, "no prompt, but {text:?}");
            type_in.send(b"\n".to_vec()).unwrap();
            text.extend(told.recv_timeout(Duration::from_secs(1)).unwrap_or_default());
        }
        type_in.send(format!("echo {word}-$((40+2))\n").into_bytes()).unwrap();
        read_until(&told, &format!("{word}-42"));
        // Inside nothing is seen of that: 5.0.2 does not hand it on to a container.
        control.resize(101, 41);
        type_in.send(b"echo still $((1+1))\n".to_vec()).unwrap();
        read_until(&told, "still 2");
        let begin = Instant::now();
        control.detach();
        assert_eq!(run.join().unwrap().unwrap(), "");
        assert!(begin.elapsed() < LATE, "{:?}", begin.elapsed());
        drop(type_in);
    }
    before.assert_flat(POOLED);
    // It was all logged as well.
    let mut log = String::new();
    C::reader(instance.console_log().send().unwrap().body).read_to_string(&mut log).unwrap();
    assert!(log.contains("one-42") && log.contains("two-42"), "{log}");

    let error = instance.console().vga().attach().send().unwrap_err();
    assert!(matches!(&error, Error::Api(api) if api.status == 400), "{error:?}");
}
