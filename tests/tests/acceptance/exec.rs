//! Commands: every byte, every exit code, in time, and nothing left behind.

use std::{
    io::{self, Read, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use lxd_proto::{
    Error, FailureKind, Lxd, Object,
    error::Outcome,
    resources::{Instance, OperationId},
};
use lxd_tests::{
    Lab, Server, output,
    pattern::{Checked, Pattern},
    payload,
    process::{POOLED, Resources, peak_memory},
    unique, with_websockets,
};
use sha2::{Digest, Sha256};

with_websockets!(
    all_output_arrives,
    a_thousand_short_commands,
    a_hundred_at_once,
    much_goes_through_in_little_memory,
    output_over_the_window_waits_for_its_writer,
    a_slow_stdout_does_not_stop_stderr,
    an_endless_stdin_ends_with_the_command,
    a_silent_stdin_keeps_nobody_waiting,
    exit_codes,
    what_cannot_be_run,
    a_command_without_outputs_runs_on,
    streams_environment_and_user,
    input_from_bytes_and_readers,
    a_failing_writer_ends_the_command,
    a_failing_reader_ends_the_command,
    the_operation_is_gone,
);

/// A command takes some 50 ms, and 16 at a time on a machine with other work up to 1 s. What went wrong came after 9 s.
pub(crate) const LATE: Duration = Duration::from_secs(5);

pub(crate) fn sh<C: Lab>(instance: &Object<C, Instance>, script: impl Into<String>) -> lxd_proto::resources::Exec<C> {
    instance.exec(["sh".into(), "-c".into(), script.into()])
}

/// A writer whose bytes are hashed.
#[derive(Clone, Default)]
struct Hashing(Arc<Mutex<(u64, Sha256)>>);

impl Hashing {
    fn result(&self) -> (u64, [u8; 32]) {
        let (length, hash) = self.0.lock().unwrap().clone();
        (length, hash.finalize().into())
    }
}

impl Write for Hashing {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        state.0 += data.len() as u64;
        state.1.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// pylxd: P160, P161, P164, P169, P171.
/// pylxd: W08.
fn all_output_arrives<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    const MIB: u64 = 1 << 20;
    instance.files().put("/root/data", payload::<C>(Pattern::new(64 * MIB), Some(64 * MIB))).send().unwrap();
    let expected = |size: u64| {
        let mut hashing = Hashing::default();
        io::copy(&mut Pattern::new(size), &mut hashing).unwrap();
        (size, hashing.result())
    };
    let expected = [0, 40 << 10, MIB, 64 * MIB].map(expected);
    // 112 commands for each of the two ways to the server.
    let plan: Vec<_> = (0..112).map(|n| &expected[if n % 56 == 55 { 3 } else { n % 3 }]).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((number, (size, expected))) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    plan.get(number).map(|plan| (number, *plan))
                } {
                    let (script, hashing) = (format!("head -c {size} /root/data; exit {number}"), Hashing::default());
                    let done = sh(&instance, script).stdout(output::<C>(hashing.clone())).output().send().unwrap();
                    assert_eq!((done.code as usize, &done.stderr[..]), (number, &b""[..]));
                    assert!(hashing.result() == *expected, "{} of {size} bytes", hashing.result().0);
                }
            });
        }
    });
}

/// Runs short commands, and gives how long each took.
fn short_commands<C: Lab>(instance: &Object<C, Instance>, times: usize, parallel: usize) -> Vec<Duration> {
    let (next, took) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..parallel {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= times {
                        return;
                    }
                    let begin = Instant::now();
                    let done = instance.exec(["echo".into(), number.to_string()]).output().send().unwrap();
                    took.lock().unwrap().push(begin.elapsed());
                    assert_eq!((done.code, done.stdout), (0, format!("{number}\n").into()));
                }
            });
        }
    });
    took.into_inner().unwrap()
}

/// pylxd: W28.
fn a_thousand_short_commands<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    short_commands(&instance, 32, 16);
    let before = Resources::now();
    let took = short_commands(&instance, 1000, 16);
    assert_eq!(took.len(), 1000);
    assert_in_time(took);
    before.assert_flat(POOLED);
}

/// None may be late: longer than [`LATE`], and than 20 times what most took on a machine with much other work.
fn assert_in_time(mut took: Vec<Duration>) {
    took.sort();
    let (median, slowest) = (took[took.len() / 2], took[took.len() - 1]);
    assert!(slowest < LATE.max(20 * median), "the slowest took {slowest:?}, most {median:?}");
}

fn a_hundred_at_once<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    short_commands(&instance, 32, 16);
    let before = Resources::now();
    let took = short_commands(&instance, 100, 100);
    assert_eq!(took.len(), 100);
    assert_in_time(took);
    before.assert_flat(POOLED);
}

/// pylxd: W17.
fn much_goes_through_in_little_memory<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    let cat = |size| {
        let checked = Checked::default();
        let cat = instance.exec(["cat"]).stdin(payload::<C>(Pattern::new(size), None));
        let done = cat.stdout(output::<C>(checked.clone())).status().send().unwrap();
        checked.is_whole(size).unwrap();
        assert_eq!(done.code, 0);
    };
    server.lxd.server().get().send().unwrap();
    peak_memory();
    let idle = peak_memory();
    cat(256 << 20);
    let busy = peak_memory();
    assert!(busy < idle + (32 << 10), "{idle} KiB idle, {busy} KiB busy");
}

/// A writer that takes one piece for each `()` that it is sent, and all when there is no sender any more.
struct Slow(mpsc::Receiver<()>, Checked);

impl Write for Slow {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // Disconnected: no need to wait.
        let _ = self.0.recv();
        self.1.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A reader that says how much was taken of it.
struct Counted(Pattern, Arc<AtomicUsize>);

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.0.read(buffer)?;
        self.1.fetch_add(length, Ordering::Relaxed);
        Ok(length)
    }
}

/// pylxd: P170.
fn output_over_the_window_waits_for_its_writer<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    const SIZE: usize = 32 << 20;
    let (go, gate) = mpsc::channel();
    let (taken, checked) = (Arc::new(AtomicUsize::new(0)), Checked::default());
    let input = Counted(Pattern::new(SIZE as u64), taken.clone());
    let cat = instance.exec(["cat"]).stdin(payload::<C>(input, None));
    let cat = cat.stdout(output::<C>(Slow(gate, checked.clone()))).status();
    peak_memory();
    let idle = peak_memory();
    let cat = thread::spawn(move || cat.send());
    // It comes to a stand: nothing more is read from the input while nothing is taken of the output.
    let (mut last, mut still) = (0, 0);
    while last == 0 || still < 20 {
        thread::sleep(Duration::from_millis(25));
        let now = taken.load(Ordering::Relaxed);
        still = if now == last { still + 1 } else { 0 };
        last = now;
    }
    assert!(last < SIZE / 2, "{last} of {SIZE} bytes were read ahead");
    let busy = peak_memory();
    assert!(busy < idle + (16 << 10), "{idle} KiB idle, {busy} KiB before a writer that takes nothing");
    drop(go);
    assert_eq!(cat.join().unwrap().unwrap().code, 0);
    checked.is_whole(SIZE as u64).unwrap();
}

/// A writer that says that something has come.
pub(crate) struct Telling(pub(crate) mpsc::Sender<Vec<u8>>);

impl Write for Telling {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.send(data.to_vec()).map_err(io::Error::other)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn a_slow_stdout_does_not_stop_stderr<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    let (go, gate) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let checked = Checked::default();
    // More than all the buffers on the way hold, then a word on stderr.
    let script = "cat & cat /proc/uptime >/dev/null; echo here >&2; wait";
    let command = sh(&instance, script).stdin(payload::<C>(Pattern::new(32 << 20), None));
    let command = command.stdout(output::<C>(Slow(gate, checked.clone()))).stderr(output::<C>(Telling(tell))).status();
    let command = thread::spawn(move || command.send());
    assert_eq!(told.recv_timeout(LATE).unwrap(), b"here\n");
    drop(go);
    assert_eq!(command.join().unwrap().unwrap().code, 0);
}

fn an_endless_stdin_ends_with_the_command<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    let before = Resources::now();
    for _ in 0..5 {
        let begin = Instant::now();
        let done = instance.exec(["true"]).stdin(payload::<C>(Pattern::new(u64::MAX), None)).output().send().unwrap();
        assert_eq!(done.code, 0);
        assert!(begin.elapsed() < LATE, "{:?}", begin.elapsed());
    }
    before.assert_flat(POOLED);
}

/// A reader that says nothing until its sender is gone.
struct Silent(mpsc::Receiver<()>);

impl Read for Silent {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(0)
    }
}

fn a_silent_stdin_keeps_nobody_waiting<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    let before = Resources::now();
    let (held, silence) = mpsc::channel();
    let begin = Instant::now();
    let done = instance.exec(["true"]).stdin(payload::<C>(Silent(silence), None)).output().send().unwrap();
    assert_eq!(done.code, 0);
    assert!(begin.elapsed() < LATE, "{:?}", begin.elapsed());
    drop(held);
    before.assert_flat(POOLED);
}

/// pylxd: P161.
fn exit_codes<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    for (script, code) in
        [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137)]
    {
        assert_eq!(sh(&instance, script).output().send().unwrap().code, code, "{script}");
        assert_eq!(sh(&instance, script).status().send().unwrap().code, code, "{script}");
    }
}

fn what_cannot_be_run<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    instance.files().put("/root/text", "no program").mode(0o644).send().unwrap();
    for (program, code) in [("/no/such/program", 127), ("/root/text", 126)] {
        let begin = Instant::now();
        let error = instance.exec([program]).output().send().unwrap_err();
        let failed = error.operation().unwrap_or_else(|| panic!("{error:?}"));
        assert!(matches!(failed.outcome, Outcome::Failed(_)), "{error:?}");
        assert_eq!(failed.operation.as_ref().and_then(|operation| operation.return_code()), Some(code), "{error:?}");
        assert!(begin.elapsed() < LATE, "{:?}", begin.elapsed());
    }
    let error = server.lxd.instance(unique("nobody")).exec(["true"]).output().send().unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
}

/// LXD does not end an output that the command has closed before the command ends. So the end of both is its end, and
/// control can be closed then, which would kill a command that still runs.
fn a_command_without_outputs_runs_on<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    let done = sh(&instance, "exec >&- 2>&-; sleep 1; exit 7").output().send().unwrap();
    assert_eq!(done.code, 7);
}

/// pylxd: P160, P161, P162, P163, P168.
/// pylxd: W27.
/// pylxd: P175.
fn streams_environment_and_user<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    let done = sh(&instance, "echo out; echo err >&2").output().send().unwrap();
    assert_eq!((&done.stdout[..], &done.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));

    let asked = sh(&instance, "echo $NAME; pwd; id -u; id -g").env("NAME", "a value").cwd("/tmp").user(1000).group(100);
    assert_eq!(asked.output().send().unwrap().stdout, "a value\n/tmp\n1000\n100\n");

    // What is no text arrives as it is.
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(instance.exec(["cat"]).stdin(bytes.clone()).output().send().unwrap().stdout, bytes);
}

/// pylxd: P165, P166, P167.
/// pylxd: W07, W48.
fn input_from_bytes_and_readers<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    let sorted = instance.exec(["sort", "-n"]).stdin("3\n1\n2\n").output().send().unwrap();
    assert_eq!(sorted.stdout, "1\n2\n3\n");
    assert_eq!(instance.exec(["wc", "-c"]).output().send().unwrap().stdout, "0\n", "stdin is empty");
    let empty = instance.exec(["wc", "-c"]).stdin(payload::<C>(io::empty(), None));
    assert_eq!(empty.output().send().unwrap().stdout, "0\n", "a reader of nothing");
    let mut whole = Vec::new();
    Pattern::new(3_000_000).read_to_end(&mut whole).unwrap();
    let bytes = instance.exec(["cat"]).stdin(whole.clone()).output().send().unwrap();
    let reader = instance.exec(["cat"]).stdin(payload::<C>(Pattern::new(3_000_000), None)).output().send().unwrap();
    assert!(bytes.stdout == whole && reader.stdout == whole);
    // The command reads no more than it wants.
    let head = instance.exec(["head", "-c", "10"]).stdin(payload::<C>(Pattern::new(3_000_000), None));
    assert_eq!(head.output().send().unwrap().stdout, whole[..10]);
}

struct Failing;

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is on fire"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is on fire"))
    }
}

/// Waits until no process with this name is left in the instance.
pub(crate) fn assert_ended<C: Lab>(instance: &Object<C, Instance>, name: &str) {
    let end = Instant::now() + LATE;
    while sh(instance, format!("pidof {name}")).output().send().unwrap().code == 0 {
        assert!(Instant::now() < end, "{name} still runs");
    }
}

fn failed(error: &Error, kind: &FailureKind) {
    let failure = error.transport().unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!(failure.kind, *kind);
    assert!(failure.message.contains("the disk is on fire"), "{failure}");
}

/// pylxd: P170.
/// pylxd: W26.
fn a_failing_writer_ends_the_command<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    let before = Resources::now();
    let begin = Instant::now();
    let error = instance.exec(["yes"]).stdout(output::<C>(Failing)).output().send().unwrap_err();
    failed(&error, &FailureKind::Writer);
    assert!(begin.elapsed() < LATE, "{:?}", begin.elapsed());
    assert_ended(&instance, "yes");
    before.assert_flat(POOLED);
}

fn a_failing_reader_ends_the_command<C: Lab>(server: &Server<C>) {
    let instance = server.running("exec");
    let before = Resources::now();
    let error = instance.exec(["sleep", "1000"]).stdin(payload::<C>(Failing, None)).output().send().unwrap_err();
    failed(&error, &FailureKind::Reader);
    assert_ended(&instance, "sleep");
    before.assert_flat(POOLED);
}

fn the_operation_is_gone<C: Lab>(server: &Server<C>) {
    let id: OperationId = "01234567-89ab-cdef-0123-456789abcdef".parse().unwrap();
    let error = server.lxd.operation(id).wait().send().unwrap_err();
    assert_eq!(error.operation().unwrap().outcome, Outcome::Unknown);
}
