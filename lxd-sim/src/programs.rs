//! The programs that every instance has, whatever its image.

use std::time::Duration;

use crate::{
    Sim,
    process::{Collect, Program, Source, absolute},
    tree::{Data, Fault, Node},
};

/// What becomes of a command line.
pub(crate) enum Next {
    Run(Program),
    /// A shell's.
    Script(String),
    Missing,
    NotExecutable,
}

/// Where programs are.
const PATH: &[&str] = &["/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/", "/usr/local/bin/"];

/// Begins a program.
pub(crate) fn begin(sim: &mut Sim, id: &str, command: &[String]) -> Next {
    let Some((program, arguments)) = command.split_first() else { return Next::Missing };
    let name = PATH.iter().find_map(|path| program.strip_prefix(path)).unwrap_or(program);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if program.contains('/') && name == program {
        return of_file(sim, id, program);
    }
    let done = |text: String, code: i32| Next::Run(Program::Copy([Source::text(text)].into(), u64::MAX, code));
    let quiet = |code: i32| done(String::new(), code);
    let Some(process) = sim.processes.get(id) else { return Next::Missing };
    let (task, key) = (&process.task, process.key.clone());
    match name {
        "true" => quiet(0),
        "false" => quiet(1),
        "echo" => match arguments.split_first() {
            Some((&"-n", rest)) => done(rest.join(" "), 0),
            _ => done(format!("{}\n", arguments.join(" ")), 0),
        },
        "printf" => done(arguments.first().unwrap_or(&"").replace("\\n", "\n"), 0),
        "yes" => {
            let line = if arguments.is_empty() { "y\n".into() } else { format!("{}\n", arguments.join(" ")) };
            Next::Run(Program::Copy([Source::Again(line.into())].into(), u64::MAX, 0))
        }
        "pwd" => done(format!("{}\n", task.cwd), 0),
        "env" => {
            let hidden = |name: &&String| ["?", "$"].contains(&name.as_str());
            let lines = task
                .variables
                .iter()
                .filter(|(name, _)| !hidden(name))
                .map(|(name, value)| format!("{name}={value}\n"));
            done(lines.collect(), 0)
        }
        "id" => done(
            match arguments.first() {
                Some(&"-u") => format!("{}\n", task.user),
                Some(&"-g") => format!("{}\n", task.group),
                _ => format!("uid={} gid={}\n", task.user, task.group),
            },
            0,
        ),
        "stty" => match task.terminal {
            Some((width, height)) => done(format!("{height} {width}\n"), 0),
            None => quiet(1),
        },
        "hostname" => done(format!("{}\n", key.1), 0),
        "uname" => done("Linux\n".into(), 0),
        "sleep" => {
            let seconds: f64 = arguments.first().and_then(|text| text.parse().ok()).unwrap_or(0.0);
            let until = sim.now.saturating_add(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX / 2));
            Next::Run(Program::Sleep(until))
        }
        "pidof" => {
            let others = sim.processes.iter().filter(|(other, process)| *other != id && process.is_of(&key));
            let runs = others.into_iter().any(|(_, process)| arguments.iter().any(|name| process.task.is_called(name)));
            if runs { done("42\n".into(), 0) } else { quiet(1) }
        }
        "sh" | "ash" | "bash" => match arguments.as_slice() {
            ["-c", script, ..] => Next::Script((*script).into()),
            [path, ..] => of_file(sim, id, path),
            [] => Next::Script(String::new()),
        },
        "cat" => read_files(sim, id, &arguments, u64::MAX),
        "head" => match arguments.as_slice() {
            ["-c", count, files @ ..] => read_files(sim, id, files, count.parse().unwrap_or(0)),
            _ => quiet(1),
        },
        "wc" | "sort" => {
            let what = if name == "wc" { Collect::Count } else { Collect::Sort { numbers: arguments.contains(&"-n") } };
            let files: Vec<&str> = arguments.iter().copied().filter(|argument| !argument.starts_with('-')).collect();
            match read_files(sim, id, &files, u64::MAX) {
                Next::Run(Program::Copy(sources, _, 0)) => Next::Run(Program::Collect(what, Vec::new(), sources)),
                other => other,
            }
        }
        "kill" => quiet(0),
        "ls" | "mkdir" | "rm" | "touch" | "ln" | "test" | "chmod" | "mkfifo" | "sync" | "rmdir" => {
            let cwd = task.cwd.clone();
            match on_files(sim, &key, &cwd, name, &arguments) {
                Ok(text) => done(text, 0),
                Err(why) => done(format!("{name}: {why}\n"), 1),
            }
        }
        _ => Next::Missing,
    }
}

/// A file that is a program: a script.
fn of_file(sim: &Sim, id: &str, path: &str) -> Next {
    let Some(process) = sim.processes.get(id) else { return Next::Missing };
    let path = absolute(&process.task.cwd, path);
    let node = sim.instances.get(&process.key).and_then(|inside| inside.tree.get(path.as_bytes(), true).ok());
    match node.map(|node| (node.content(), node.mode)) {
        None => Next::Missing,
        Some((Some(content), mode)) if mode & 0o111 != 0 => Next::Script(String::from_utf8_lossy(content).into_owned()),
        Some(_) => Next::NotExecutable,
    }
}

/// Hands on files, or the input.
fn read_files(sim: &mut Sim, id: &str, files: &[&str], most: u64) -> Next {
    let seed = sim.random.next();
    let Some(process) = sim.processes.get(id) else { return Next::Missing };
    let inside = sim.instances.get(&process.key);
    let source = |path: &&str| match *path {
        "-" => Source::Input,
        "/dev/zero" => Source::Zeros,
        "/dev/urandom" => Source::Random(seed),
        "/dev/null" => Source::text(""),
        "/proc/uptime" => Source::text(format!("{}.00 0.00\n", sim.now.as_secs())),
        path => {
            let path = absolute(&process.task.cwd, path);
            let node = inside.and_then(|inside| inside.tree.get(path.as_bytes(), true).ok());
            match node.and_then(Node::content) {
                Some(content) => Source::Bytes(content.clone(), 0),
                None => Source::text(format!("cat: {path}: {}\n", Fault::NotFound.text())),
            }
        }
    };
    let missing = |path: &&str| {
        let path = absolute(&process.task.cwd, path);
        let special = ["/dev/zero", "/dev/urandom", "/dev/null", "/proc/uptime"].contains(&path.as_str());
        !special && inside.is_none_or(|inside| inside.tree.get(path.as_bytes(), true).is_err())
    };
    let failed = files.iter().any(|path| *path != "-" && missing(path));
    let sources = if files.is_empty() { [Source::Input].into() } else { files.iter().map(source).collect() };
    Next::Run(Program::Copy(sources, most, i32::from(failed)))
}

/// What reads everything first gives this.
pub(crate) fn collected(what: Collect, all: &[u8]) -> Vec<u8> {
    match what {
        Collect::Count => format!("{}\n", all.len()).into_bytes(),
        Collect::Sort { numbers } => {
            let text = String::from_utf8_lossy(all);
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_by_key(|line| (if numbers { line.trim().parse::<i64>().unwrap_or(0) } else { 0 }, *line));
            lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes()
        }
    }
}

/// The number of a signal, as `kill` takes it.
pub(crate) fn signal(argument: &str) -> i32 {
    match argument.trim_start_matches('-').trim_start_matches("SIG") {
        "HUP" => 1,
        "INT" => 2,
        "KILL" => 9,
        number => number.parse().unwrap_or(15),
    }
}

fn on_files(
    sim: &mut Sim,
    key: &(String, String),
    cwd: &str,
    name: &str,
    arguments: &[&str],
) -> Result<String, String> {
    let now = sim.seconds();
    let Some(inside) = sim.instances.get_mut(key) else { return Err("no instance".into()) };
    let tree = &mut inside.tree;
    let is_set = |flag: char| arguments.iter().any(|argument| argument.starts_with('-') && argument.contains(flag));
    let paths: Vec<String> =
        arguments.iter().filter(|argument| !argument.starts_with('-')).map(|path| absolute(cwd, path)).collect();
    let fault = |path: &str, fault: Fault| format!("{path}: {}", fault.text());
    let mut shown = String::new();
    match name {
        "ls" => {
            for path in if paths.is_empty() { vec![cwd.to_owned()] } else { paths } {
                let node = tree.get(path.as_bytes(), true).map_err(|why| fault(&path, why))?;
                match node.entries() {
                    Some(entries) => {
                        entries.keys().for_each(|name| shown += &format!("{}\n", String::from_utf8_lossy(name)));
                    }
                    None => shown += &format!("{path}\n"),
                }
            }
        }
        "ln" => {
            let (target, path) =
                (arguments.iter().rev().nth(1).unwrap_or(&""), paths.last().cloned().unwrap_or_default());
            tree.put(path.as_bytes(), Node::link(*target, now), false).map_err(|why| fault(&path, why))?;
        }
        "chmod" => {
            let mode = arguments.first().and_then(|mode| u32::from_str_radix(mode, 8).ok()).unwrap_or(0o644);
            for path in &paths[1..] {
                tree.get_mut(path.as_bytes(), true).map_err(|why| fault(path, why))?.mode = mode;
            }
        }
        "test" => {
            let there = paths.last().is_some_and(|path| tree.get(path.as_bytes(), true).is_ok());
            return if there { Ok(String::new()) } else { Err(String::new()) };
        }
        _ => {
            for path in &paths {
                let bytes = path.as_bytes();
                let done = match name {
                    "mkdir" if is_set('p') => {
                        tree.put_deep(format!("{path}/.").as_bytes(), Node::directory(now));
                        let there = tree.get(bytes, true).is_ok();
                        if there { Ok(()) } else { tree.put(bytes, Node::directory(now), true) }
                    }
                    "mkdir" => match tree.get(bytes, false) {
                        Ok(_) => Err(Fault::Exists),
                        Err(_) => tree.put(bytes, Node::directory(now), true),
                    },
                    "mkfifo" => tree.put(bytes, Node::new(Data::Special(0o010_000), 0o644, now), true),
                    "touch" => match tree.get_mut(bytes, true) {
                        Ok(node) => {
                            node.modified = now;
                            Ok(())
                        }
                        Err(_) => tree.put(bytes, Node::file("", now), true),
                    },
                    "rm" if is_set('r') => {
                        remove_all(tree, bytes);
                        Ok(())
                    }
                    "rm" | "rmdir" => {
                        tree.remove(bytes).map(drop).or_else(|why| if is_set('f') { Ok(()) } else { Err(why) })
                    }
                    _ => Ok(()),
                };
                done.map_err(|why| fault(path, why))?;
            }
        }
    }
    Ok(shown)
}

fn remove_all(tree: &mut crate::tree::Tree, path: &[u8]) {
    let entries = tree.get(path, false).ok().and_then(Node::entries);
    let names: Vec<Vec<u8>> = entries.map(|entries| entries.keys().cloned().collect()).unwrap_or_default();
    for name in names {
        remove_all(tree, &[path, b"/", &name].concat());
    }
    let _ = tree.remove(path);
}
