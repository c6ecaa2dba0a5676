//! Commands that are talked to while they run.

use std::{
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use lxd_proto::{Error, FailureKind, Phase, flow::exec::ExecOutput, limits, resources::Exec};
use lxd_tests::{
    Lab, Server, output,
    process::{POOLED, Resources},
    with_websockets,
};

use crate::exec::{LATE, Telling, assert_ended, sh};

with_websockets!(a_terminal_is_resized, signals_arrive, nobody_has_to_ask, a_timeout_kills, an_early_end_is_in_time);

/// Runs a command in a thread, and gives what it writes.
fn begin<C: Lab>(exec: Exec<C>) -> (Receiver<Vec<u8>>, thread::JoinHandle<Result<ExecOutput, Error>>) {
    let (tell, told) = channel();
    let run = exec.stdout(output::<C>(Telling(tell))).output();
    (told, thread::spawn(move || run.send()))
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
    let (control, exec) = sh(&instance, script).interactive(101, 41).controlled().unwrap();
    let (type_in, typed) = channel::<Vec<u8>>();
    let (told, run) = begin(exec.stdin(lxd_tests::payload::<C>(Typed(typed), None)));
    read_until(&told, "41 101");
    control.resize(132, 43);
    read_until(&told, "43 132");
    type_in.send(b"7\n".to_vec()).unwrap();
    let done = run.join().unwrap().unwrap();
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
    assert_eq!(run.join().unwrap().unwrap().code, 0);
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
            let (control, exec) = exec.controlled().unwrap();
            let (told, run) = begin(exec);
            read_until(&told, "ready");
            let asked = Instant::now();
            if number == 9 {
                control.kill();
            } else {
                control.signal(number);
            }
            assert_eq!(run.join().unwrap().unwrap().code, code, "{number}, interactive: {interactive}");
            assert!(asked.elapsed() < LATE, "{:?}", asked.elapsed());
        }
    }
    // Several, in their order, and asked before it has begun.
    let script = "trap 'echo one' USR1; trap 'echo two; exit 5' USR2; echo ready; while :; do sleep 0.02; done";
    let (control, exec) = sh(&instance, script).controlled().unwrap();
    let clone = control.clone();
    let (told, run) = begin(exec);
    read_until(&told, "ready");
    clone.signal(10);
    read_until(&told, "one");
    control.signal(12);
    read_until(&told, "two");
    assert_eq!(run.join().unwrap().unwrap().code, 5);
    assert_ended(&instance, "sleep");
}

fn nobody_has_to_ask<C: Lab>(server: &Server<C>) {
    let instance = server.running("control");
    let (control, exec) = sh(&instance, "echo out; exit 3").controlled().unwrap();
    drop(control);
    let done = exec.output().send().unwrap();
    assert_eq!((done.code, &done.stdout[..]), (3, &b"out\n"[..]));
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
