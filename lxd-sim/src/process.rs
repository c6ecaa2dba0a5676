//! How a command runs: a piece at a time, as far as its streams and the time allow.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;

use crate::{
    Sim,
    instances::{Key, Status},
    programs::{self, Next},
    shell::{self, Command, Expanded, Redirection},
    sim::Timer,
    tree::{Data, Node},
};

/// How much is written at once.
const PIECE: usize = 1 << 15;

/// How many steps a command goes before others have their turn.
const AT_ONCE: usize = 256;

/// What a shell is told of its own number.
const OWN: &str = "42";

/// What uses streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Command,
    /// The console, where a shell is.
    Console,
}

/// How a command ended.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// With this code.
    Ended(i32),
    /// It could not be begun.
    Refused(i32, &'static str),
}

/// What a command does.
#[derive(Debug)]
pub(crate) struct Task {
    command: Option<Vec<String>>,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) user: u64,
    pub(crate) group: u64,
    pub(crate) cwd: String,
    /// Its size: width and height.
    pub(crate) terminal: Option<(u64, u64)>,
    pub(crate) input: Input,
    /// What a terminal shows of what is typed.
    echoed: Vec<u8>,
    /// Of a shell.
    script: VecDeque<Command>,
    is_shell: bool,
    /// What runs now, under its name.
    current: Option<(String, Program)>,
    /// Where its outputs go: those of the shell, and those of what runs now.
    targets: [Target; 2],
    mine: [Target; 2],
    code: i32,
    /// The shell is dead, and what it had begun runs on.
    orphaned: bool,
    /// A signal has come.
    killed: Option<i32>,
}

/// What is read by a command.
#[derive(Debug, Default)]
pub(crate) struct Input {
    data: BytesMut,
    /// Of a line that is still being typed.
    line: Vec<u8>,
    ended: bool,
}

impl Input {
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    pub(crate) fn len(&self) -> usize {
        self.data.len()
    }
}

/// Where an output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// To who asked: stdout or stderr.
    Stream(usize),
    File(String),
    Nowhere,
}

/// What runs.
#[derive(Debug)]
pub(crate) enum Program {
    /// Hands on so many bytes of these, and ends with this code.
    Copy(VecDeque<Source>, u64, i32),
    /// Reads everything first.
    Collect(Collect, Vec<u8>, VecDeque<Source>),
    /// Reads a line into a variable.
    Line(String),
    /// Lets time pass.
    Sleep(Duration),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Collect {
    Count,
    Sort { numbers: bool },
}

/// Where bytes come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Input,
    Bytes(Arc<Vec<u8>>, usize),
    Zeros,
    Random(u64),
    Again(Vec<u8>),
}

impl Source {
    pub(crate) fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::Bytes(Arc::new(text.into()), 0)
    }
}

enum Progress {
    Goes,
    Blocked,
}

impl Task {
    pub(crate) fn new(command: Vec<String>, variables: BTreeMap<String, String>) -> Self {
        Self {
            command: Some(command),
            variables,
            user: 0,
            group: 0,
            cwd: "/".into(),
            terminal: None,
            input: Input::default(),
            echoed: Vec::new(),
            script: VecDeque::new(),
            is_shell: false,
            current: None,
            targets: [Target::Stream(0), Target::Stream(1)],
            mine: [Target::Stream(0), Target::Stream(1)],
            code: 0,
            orphaned: false,
            killed: None,
        }
    }

    /// Something is typed, or sent. A terminal shows it, gives it line by line, and knows ^C and ^D.
    pub(crate) fn typed(&mut self, data: &[u8]) {
        if self.terminal.is_none() {
            self.input.data.extend_from_slice(data);
            return;
        }
        for byte in data {
            match byte {
                3 => self.signal(2),
                4 if self.input.line.is_empty() => self.input.ended = true,
                4 => self.input.data.extend_from_slice(&std::mem::take(&mut self.input.line)),
                b'\r' | b'\n' => {
                    self.echoed.push(b'\n');
                    self.input.line.push(b'\n');
                    self.input.data.extend_from_slice(&std::mem::take(&mut self.input.line));
                }
                other => {
                    self.echoed.push(*other);
                    self.input.line.push(*other);
                }
            }
        }
    }

    /// A signal that nobody catches.
    pub(crate) fn signal(&mut self, number: i32) {
        let ignored = [17, 18, 23, 28];
        if ignored.contains(&number) {
            return;
        }
        if self.is_shell && self.current.is_some() && !self.script.is_empty() && self.terminal.is_none() {
            // It hits the shell; what the shell waits for holds its outputs.
            self.script.clear();
            self.orphaned = true;
            self.code = 128 + number;
        } else if !self.orphaned {
            self.killed = Some(128 + number);
        }
    }

    /// Whether it, or what it runs, is called so.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let own = self.command.as_ref().and_then(|command| command.first()).is_some_and(|own| own == name);
        own || (self.is_shell && name == "sh") || self.current.as_ref().is_some_and(|(own, _)| own == name)
    }
}

impl Sim {
    /// Lets a command go on as far as it can.
    pub(crate) fn run(&mut self, id: &str) {
        // Out of the map while it runs, for it may look at the others.
        let Some(process) = self.processes.get_mut(id) else { return };
        if !process.runs() {
            return;
        }
        if process.kind == Kind::Console {
            return self.console_typed(id);
        }
        let frozen = self.instances.get(&process.key).is_some_and(|inside| inside.status == Status::Frozen);
        if frozen {
            return self.after(Duration::from_millis(50), Timer::Process(id.into()));
        }
        for _ in 0..AT_ONCE {
            let Some(process) = self.processes.get_mut(id) else { return };
            let echoed = std::mem::take(&mut process.task.echoed);
            if !echoed.is_empty() {
                self.write(id, 0, &echoed);
            }
            let Some(process) = self.processes.get_mut(id) else { return };
            if let Some(code) = process.task.killed {
                return self.over(id, Fate::Ended(code));
            }
            if let Some(command) = process.task.command.take() {
                if let Err(fate) = self.begin_command(id, &command) {
                    return self.over(id, fate);
                }
                continue;
            }
            if process.task.current.is_some() {
                match self.step(id) {
                    Progress::Goes => continue,
                    Progress::Blocked => return,
                }
            }
            let task = &mut process.task;
            let Some(command) = task.script.pop_front() else {
                let code = task.code;
                return self.over(id, Fate::Ended(code));
            };
            if command.if_good && task.code != 0 {
                continue;
            }
            task.variables.insert("?".into(), task.code.to_string());
            task.variables.insert("$".into(), OWN.into());
            task.mine = task.targets.clone();
            let expanded = command.expand(&task.variables);
            if let Some(fate) = self.shell_command(id, expanded) {
                return self.over(id, fate);
            }
        }
        // One that writes for ever, and to nobody, lets others go on too.
        self.after(Duration::from_millis(1), Timer::Process(id.into()));
    }

    /// Begins what was asked for, or what a shell hands over to.
    fn begin_command(&mut self, id: &str, command: &[String]) -> Result<(), Fate> {
        let next = programs::begin(self, id, command);
        let Some(process) = self.processes.get_mut(id) else { return Ok(()) };
        let task = &mut process.task;
        match next {
            Next::Run(program) => task.current = Some((base(command), program)),
            Next::Script(script) => match shell::parse(&script) {
                Ok(commands) => {
                    task.is_shell = true;
                    task.script = commands.into();
                    // The last one takes the shell's place, as most shells do it.
                }
                Err(what) => {
                    let text = format!("sh: the simulation's shell does not know {what}\n");
                    task.mine = [Target::Stream(1), Target::Stream(1)];
                    task.current = Some(("sh".into(), Program::Copy([Source::text(text)].into(), u64::MAX, 2)));
                }
            },
            Next::Missing => return Err(Fate::Refused(127, "Command not found")),
            Next::NotExecutable => return Err(Fate::Refused(126, "Command not executable")),
        }
        Ok(())
    }

    /// What a shell does itself; everything else is begun.
    fn shell_command(&mut self, id: &str, command: Expanded) -> Option<Fate> {
        let Expanded { words, redirections } = command;
        let first = words.first().map_or("", String::as_str);
        for redirection in &redirections {
            self.redirect(id, redirection);
        }
        let process = self.processes.get_mut(id)?;
        let task = &mut process.task;
        let argument = words.get(1).map_or("", String::as_str);
        match first {
            "" => {
                task.targets = task.mine.clone();
                task.code = 0;
            }
            "exit" => return Some(Fate::Ended(argument.parse().unwrap_or(task.code) & 255)),
            "exec" if words.len() == 1 => {
                task.targets = task.mine.clone();
                task.code = 0;
            }
            "exec" => {
                task.targets = task.mine.clone();
                task.script.clear();
                task.is_shell = false;
                let words = words[1..].to_vec();
                if let Err(Fate::Refused(code, _)) = self.begin_command(id, &words) {
                    return Some(Fate::Ended(code));
                }
            }
            "cd" => task.cwd = absolute(&task.cwd, argument),
            ":" => task.code = 0,
            "read" => {
                let name = words.last().cloned().unwrap_or_default();
                task.current = Some(("sh".into(), Program::Line(name)));
            }
            "kill" if words.last().is_some_and(|last| last == OWN) => {
                return Some(Fate::Ended(128 + programs::signal(argument)));
            }
            _ => {
                let runs = self.begin_command(id, &words);
                let task = &mut self.processes.get_mut(id)?.task;
                if let Err(Fate::Refused(code, _)) = runs {
                    let text = format!("sh: {first}: not found\n");
                    task.mine[0] = task.mine[1].clone();
                    task.current = Some(("sh".into(), Program::Copy([Source::text(text)].into(), u64::MAX, code)));
                }
            }
        }
        None
    }

    fn redirect(&mut self, id: &str, redirection: &Redirection) {
        let now = self.seconds();
        let Some(process) = self.processes.get_mut(id) else { return };
        let task = &mut process.task;
        let index = |fd: &u8| usize::from(*fd == 2);
        match redirection {
            Redirection::Like(fd, like) => task.mine[index(fd)] = task.mine[index(like)].clone(),
            Redirection::Closed(fd) => task.mine[index(fd)] = Target::Nowhere,
            Redirection::To(fd, path, appends) => {
                let path = absolute(&task.cwd, path);
                task.mine[index(fd)] = Target::File(path.clone());
                let key = process.key.clone();
                let Some(inside) = self.instances.get_mut(&key) else { return };
                if !appends && !path.starts_with("/dev/") {
                    let _ = inside.tree.put(path.as_bytes(), Node::file("", now), true);
                }
            }
            Redirection::From(_) => {}
        }
    }

    /// Lets what runs now do a piece.
    fn step(&mut self, id: &str) -> Progress {
        let now = self.now;
        let Some(process) = self.processes.get_mut(id) else { return Progress::Blocked };
        let room = process.task.mine.iter().all(|target| match target {
            Target::Stream(_) if process.task.terminal.is_some() => process.has_room("0"),
            Target::Stream(0) => process.has_room("1"),
            Target::Stream(_) => process.has_room("2"),
            _ => true,
        });
        let task = &mut process.task;
        let Some((name, mut program)) = task.current.take() else { return Progress::Goes };
        let (mut written, mut code) = (Vec::new(), None);
        let mut wait = None;
        match &mut program {
            Program::Sleep(until) if now >= *until => code = Some(0),
            Program::Sleep(until) => wait = Some(*until),
            Program::Copy(..) if !room => wait = Some(Duration::MAX),
            Program::Copy(sources, left, end) => match sources.front_mut() {
                None => code = Some(*end),
                Some(_) if *left == 0 => code = Some(*end),
                Some(source) => {
                    let most = usize::try_from(*left).unwrap_or(PIECE).min(PIECE);
                    match read(source, &mut task.input, most) {
                        Some(piece) if piece.is_empty() => drop(sources.pop_front()),
                        Some(piece) => {
                            *left = left.saturating_sub(piece.len() as u64);
                            written = piece;
                        }
                        None => wait = Some(Duration::MAX),
                    }
                }
            },
            Program::Collect(what, all, sources) => match sources.front_mut() {
                None => {
                    let result = programs::collected(*what, all);
                    program = Program::Copy([Source::text(result)].into(), u64::MAX, 0);
                }
                Some(source) => match read(source, &mut task.input, PIECE) {
                    Some(piece) if piece.is_empty() => drop(sources.pop_front()),
                    Some(piece) => all.extend(piece),
                    None => wait = Some(Duration::MAX),
                },
            },
            Program::Line(name) => match task.input.data.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    let line = task.input.data.split_to(end + 1);
                    let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                    task.variables.insert(name.clone(), line);
                    code = Some(0);
                }
                None if task.input.ended => code = Some(1),
                None => wait = Some(Duration::MAX),
            },
        }
        match code {
            None => task.current = Some((name, program)),
            Some(_) if task.orphaned => {}
            Some(code) => task.code = code,
        }
        if let Some(until) = wait {
            if until != Duration::MAX {
                self.after(until.saturating_sub(now), Timer::Process(id.into()));
            }
            return Progress::Blocked;
        }
        if !written.is_empty() {
            self.write(id, 0, &written);
        }
        Progress::Goes
    }

    /// Writes to an output of what runs now.
    fn write(&mut self, id: &str, output: usize, data: &[u8]) {
        let now = self.seconds();
        let Some(process) = self.processes.get_mut(id) else { return };
        let key = process.key.clone();
        match process.task.mine[output].clone() {
            Target::Nowhere => {}
            Target::File(path) => match path.as_str() {
                "/dev/null" => {}
                "/dev/console" => self.console_shows(&key, &with_returns(data)),
                path => self.append(&key, path, data, now),
            },
            Target::Stream(stream) => {
                if let Some(recorded) = &mut process.recorded {
                    recorded[stream].extend_from_slice(data);
                } else if process.task.terminal.is_some() {
                    self.write_stream(id, "0", &with_returns(data));
                } else {
                    self.write_stream(id, if stream == 0 { "1" } else { "2" }, data);
                }
            }
        }
    }

    fn append(&mut self, key: &Key, path: &str, data: &[u8], now: u64) {
        let Some(inside) = self.instances.get_mut(key) else { return };
        if let Ok(node) = inside.tree.get_mut(path.as_bytes(), true) {
            node.modified = now;
            if let Data::File(_) = node.data {
                node.content_mut().into_iter().for_each(|content| content.extend_from_slice(data));
            }
            return;
        }
        let _ = inside.tree.put(path.as_bytes(), Node::file(data, now), true);
    }

    /// The console's shell: it shows a prompt, and does lines of `echo`.
    fn console_typed(&mut self, id: &str) {
        let Some(process) = self.processes.get_mut(id) else { return };
        let (key, task) = (process.key.clone(), &mut process.task);
        let mut shown = with_returns(&std::mem::take(&mut task.echoed));
        while let Some(end) = task.input.data.iter().position(|byte| *byte == b'\n') {
            let line = task.input.data.split_to(end + 1);
            let commands = shell::parse(String::from_utf8_lossy(&line).trim()).unwrap_or_default();
            for command in commands {
                let words = command.expand(&task.variables).words;
                match words.split_first() {
                    Some((first, rest)) if first == "echo" => shown.extend(format!("{}\r\n", rest.join(" ")).bytes()),
                    Some((first, _)) => shown.extend(format!("sh: {first}: not found\r\n").bytes()),
                    None => {}
                }
            }
            shown.extend(b"/ # ");
        }
        if !shown.is_empty() {
            self.console_shows(&key, &shown);
        }
    }
}

/// A piece of a source; nothing in it at its end, and nothing at all when it has to be waited for.
fn read(source: &mut Source, input: &mut Input, most: usize) -> Option<Vec<u8>> {
    Some(match source {
        Source::Input => {
            let length = input.data.len().min(most);
            if length == 0 && !input.ended {
                return None;
            }
            input.data.split_to(length).to_vec()
        }
        Source::Bytes(bytes, at) => {
            let piece = bytes.get(*at..bytes.len().min(*at + most)).unwrap_or_default().to_vec();
            *at += piece.len();
            piece
        }
        Source::Zeros => vec![0; most],
        Source::Random(state) => {
            let mut random = crate::random::Random::new(*state);
            *state = random.next();
            (0..most).map(|_| random.next().to_be_bytes()[0]).collect()
        }
        Source::Again(text) => text.repeat((most / text.len().max(1)).max(1)),
    })
}

/// As a terminal shows it.
fn with_returns(data: &[u8]) -> Vec<u8> {
    data.iter()
        .flat_map(|byte| if *byte == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(byte) })
        .copied()
        .collect()
}

pub(crate) fn absolute(cwd: &str, path: &str) -> String {
    if path.starts_with('/') { path.into() } else { format!("{}/{path}", cwd.trim_end_matches('/')) }
}

fn base(command: &[String]) -> String {
    command.first().and_then(|name| name.rsplit('/').next()).unwrap_or_default().into()
}
