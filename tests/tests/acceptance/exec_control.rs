//! Commands that are talked to while they run.

use std::{
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use lxd_proto::{
    Error, FailureKind, Joining, Lxd, Phase,
    flow::exec::ExecOutput,
    limits,
    resources::{Child, Exec},
};
use lxd_tests::{
    Lab, Server, output,
    process::{POOLED, Resources},
    unique, with_websockets,
};

use crate::exec::{LATE, Telling, assert_ended, sh};

with_websockets!(
    a_terminal_is_resized,
    signals_arrive,
    nobody_has_to_ask,
    one_is_dropped,
    a_timeout_kills,
    an_early_end_is_in_time
);

type Running = Child<Joining<Result<ExecOutput, Error>>>;

/// Begins a command, and gives what it writes.
fn begin<C: Lab>(exec: Exec<C>) -> (Receiver<Vec<u8>>, Running) {
    let (tell, told) = channel();
    (told, exec.stdout(output::<C>(Telling(tell))).spawn().send().unwrap())
}

/// Waits until a command has written this.
pub(crate) fn read_until(told: &Receiver<Vec<u8>>, wanted: &str) {
    let mut text = String::new();
    while !text.contains(wanted) {
        let piece = told.recv_timeout(LATE).unwrap_or_else(|_| panic!("{wanted:?} never came, but {text:?}"));
        text += &String::from_utf8_lossy(&piece);
    }
}

/// pylxd: P173.
fn a_terminal_is_resized<C: Lab>(server: &Server<C>) {
    let instance = server.running("control");
    let before = Resources::now();
    // It sees the first size, waits for another, and then for what is typed.
    let script =
        "stty size; while [ \"$(stty size)\" = '41 101' ]; do sleep 0.02; done; stty size; read line; exit $line";
    let (type_in, typed) = channel::<Vec<u8>>();
    let terminal = sh(&instance, script).interactive(101, 41).stdin(lxd_tests::payload::<C>(Typed(typed), None));
    let (told, run) = begin(terminal);
    let control = run.control();
    read_until(&told, "41 101");
    run.resize(132, 43);
    read_until(&told, "43 132");
    type_in.send(b"7\n".to_vec()).unwrap();
    let done = run.wait().unwrap();
    assert_eq!((done.code, done.timed_out), (7, false));
    drop(type_in);
    // The end of the command is also the end of what could still be asked of it.
    before.assert_flat(POOLED);
    control.kill();

    // Only ^D ends what is typed, and not the end of the reader.
    let (type_in, typed) = channel::<Vec<u8>>();
    let cat = instance.exec(["cat"]).interactive(80, 24).stdin(lxd_tests::payload::<C>(Typed(typed), None));
    let (told, run) = begin(cat);
    type_in.send(b"line\n".to_vec()).unwrap();
    read_until(&told, "line\r\nline\r\n");
    type_in.send(b"\x04".to_vec()).unwrap();
    drop(type_in);
    assert_eq!(run.wait().unwrap().code, 0);
}

/// A reader of what is typed.
pub(crate) struct Typed(pub(crate) Receiver<Vec<u8>>);

impl std::io::Read for Typed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let typed = self.0.recv().unwrap_or_default();
        buffer[..typed.len()].copy_from_slice(&typed);
        Ok(typed.len())
    }
}

/// pylxd: P161.
/// pylxd: P172.
fn signals_arrive<C: Lab>(server: &Server<C>) {
    let instance = server.running("control");
    for interactive in [false, true] {
        for (number, code) in [(1, 129), (2, 130), (9, 137), (15, 143)] {
            let exec = sh(&instance, "echo ready; exec sleep 1000");
            let exec = if interactive { exec.interactive(80, 24) } else { exec };
            let (told, run) = begin(exec);
            read_until(&told, "ready");
            let asked = Instant::now();
            if number == 9 {
                run.kill();
            } else {
                run.signal(number);
            }
            assert_eq!(run.wait().unwrap().code, code, "{number}, interactive: {interactive}");
            assert!(asked.elapsed() < LATE, "{:?}", asked.elapsed());
        }
    }
    // Several, in their order.
    let script = "trap 'echo one' USR1; trap 'echo two; exit 5' USR2; echo ready; while :; do sleep 0.02; done";
    let (told, run) = begin(sh(&instance, script));
    let control = run.control();
    read_until(&told, "ready");
    control.signal(10);
    read_until(&told, "one");
    run.signal(12);
    read_until(&told, "two");
    assert_eq!(run.wait().unwrap().code, 5);
    assert_ended(&instance, "sleep");
}

/// It runs by itself, whatever becomes of those who may ask, and its operation is there for others.
fn nobody_has_to_ask<C: Lab>(server: &Server<C>) {
    let instance = server.running("control");
    let (told, run) = begin(sh(&instance, "echo out; exit 3"));
    drop(run.control());
    read_until(&told, "out");
    let other = C::connect(server.remote.clone());
    assert_eq!(other.operation(run.id().clone()).wait().send().unwrap().return_code(), Some(3));
    assert_eq!(run.wait().unwrap().code, 3);
    // What was asked before its websockets were there is not lost.
    let run = instance.exec(["sleep", "1000"]).spawn().send().unwrap();
    run.kill();
    assert_eq!(run.wait().unwrap().code, 137);
    let run = instance.exec(["cat"]).stdin("in").stderr(output::<C>(std::io::sink())).spawn().send().unwrap();
    assert_eq!(run.wait().unwrap().stdout, "in");

    let refused = instance.exec(["true"]).recorded().spawn().send().unwrap_err();
    assert!(matches!(refused, Error::InvalidInput(_)), "{refused:?}");
    let missing = server.lxd.instance(unique("nobody")).exec(["true"]).spawn().send().unwrap_err();
    assert!(missing.is_not_found(), "{missing:?}");
    let failed = instance.exec(["/no/such/program"]).spawn().send().unwrap().wait().unwrap_err();
    assert!(failed.operation().is_some(), "{failed:?}");
}

/// Its thread and its connections end, and with them the command, however far it was.
fn one_is_dropped<C: Lab>(server: &Server<C>) {
    let instance = server.running("control");
    assert!(instance.exec(["true"]).spawn().send().unwrap().wait().unwrap().success());
    let before = Resources::now();
    for interactive in [false, true] {
        for round in 0..8 {
            let exec = sh(&instance, "echo ready; exec sleep 1000");
            let (told, run) = begin(if interactive { exec.interactive(80, 24) } else { exec });
            // At once, and when it runs.
            if round % 2 == 1 {
                read_until(&told, "ready");
            }
            drop(run);
        }
    }
    before.assert_flat(POOLED);
    assert_ended(&instance, "sleep");
    // What comes of a writer that takes nothing is the writer's own.
    let (go, gate) = channel::<()>();
    let run = instance.exec(["yes"]).stdout(output::<C>(Blocked(gate))).spawn().send().unwrap();
    drop(run);
    drop(go);
    before.assert_flat(POOLED);
    assert_ended(&instance, "yes");
}

/// A writer that takes nothing until its sender is gone.
struct Blocked(Receiver<()>);

impl std::io::Write for Blocked {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.recv();
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// pylxd: P172.
fn a_timeout_kills<C: Lab>(server: &Server<C>) {
    let instance = server.running("control");
    let before = Resources::now();
    for interactive in [false, true] {
        let begin = Instant::now();
        let exec = sh(&instance, "echo early; exec sleep 1000").timeout(Duration::from_secs(1));
        let exec = if interactive { exec.interactive(80, 24) } else { exec };
        let done = exec.output().send().unwrap();
        assert_eq!((done.code, done.timed_out, done.stdout.trim_ascii()), (137, true, &b"early"[..]));
        let took = begin.elapsed();
        assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(1) + LATE, "{took:?}");
        assert_ended(&instance, "sleep");
    }
    // What it has started keeps the outputs open, but nobody waiting.
    let begin = Instant::now();
    let error = sh(&instance, "sleep 1000; exit 0").timeout(Duration::from_millis(200)).status().send().unwrap_err();
    assert_eq!(error.transport().unwrap().kind, FailureKind::Timeout(Phase::Total), "{error:?}");
    assert!(begin.elapsed() < limits::EXEC_KILL + LATE, "{:?}", begin.elapsed());
    before.assert_flat(POOLED);
}

fn an_early_end_is_in_time<C: Lab>(server: &Server<C>) {
    let instance = server.running("control");
    let begin = Instant::now();
    let done = sh(&instance, "exit 4").timeout(Duration::from_secs(100)).status().send().unwrap();
    assert_eq!((done.code, done.timed_out), (4, false));
    assert!(begin.elapsed() < LATE, "{:?}", begin.elapsed());
}
