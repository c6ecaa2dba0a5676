//! Commands in an instance: how they are asked for, and what goes over their websockets.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use lxd_proto::flow::Message;
use serde_json::{Value, json};

use crate::{
    Exchange, Sim,
    answer::{Answer, Refusal},
    ask::{Ask, flag, object, text, texts},
    instances::{Key, Status, instance_place},
    operations::New,
    process::{Fate, Kind, Task},
    sim::Timer,
    sockets::{Socket, shown},
};

/// How long the websockets of a command may take.
const ATTACH: Duration = Duration::from_secs(5);

/// How much of an output may be on its way.
const WINDOW: usize = 1 << 20;

/// How much of an input is held.
const INPUT: usize = 1 << 18;

/// A command, or a console, with its streams.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) key: Key,
    pub(crate) kind: Kind,
    pub(crate) task: Task,
    pub(crate) streams: BTreeMap<String, Stream>,
    begun: bool,
    /// What was recorded of its outputs, if that is wanted.
    pub(crate) recorded: Option<[Vec<u8>; 2]>,
    /// It is over, and its terminal is still open.
    over: Option<i32>,
}

/// A websocket.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    exchange: Option<Exchange>,
    /// The sizes of the messages that were not taken yet.
    untaken: VecDeque<usize>,
    /// It is closed: what still writes to it waits for ever.
    lost: bool,
}

impl Process {
    pub(crate) fn is_of(&self, key: &Key) -> bool {
        self.key == *key
    }

    /// Whether it has begun, and is not over but for its terminal.
    pub(crate) fn runs(&self) -> bool {
        self.begun && self.over.is_none()
    }

    /// Whether more can be written to an output now.
    pub(crate) fn has_room(&self, fd: &str) -> bool {
        self.streams.get(fd).is_none_or(|stream| !stream.lost && stream.untaken.iter().sum::<usize>() < WINDOW)
    }
}

impl Sim {
    pub(crate) fn exec(&mut self, ask: &Ask, key: &Key) -> Result<Answer, Refusal> {
        let post = ask.object()?;
        match self.instances.get(key).map(|inside| inside.status) {
            Some(Status::Running) => {}
            Some(Status::Frozen) => return Err(Refusal::bad("Instance is frozen")),
            _ => return Err(Refusal::bad("Instance is not running")),
        }
        let (interactive, sockets, records) =
            (flag(&post, "interactive"), flag(&post, "wait-for-websocket"), flag(&post, "record-output"));
        if records && (interactive || sockets) && !self.is_old() {
            return Err(Refusal::bad("Cannot use \"record-output\" with websockets or a terminal"));
        }
        let command = texts(&post, "command");
        let number = |key: &str| post.get(key).and_then(Value::as_u64).unwrap_or_default();
        let mut environment = BTreeMap::from(
            [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        if number("user") == 0 {
            environment
                .extend([("HOME", "/root"), ("USER", "root")].map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        for (name, value) in self.expanded(&instance_place(key)).0 {
            let name = name.strip_prefix("environment.").map(String::from);
            environment.extend(name.map(|name| (name, value.as_str().unwrap_or_default().to_owned())));
        }
        for (name, value) in object(&post, "environment") {
            environment.insert(name, value.as_str().unwrap_or_default().to_owned());
        }
        let mut task = Task::new(command.clone(), environment.clone());
        (task.user, task.group) = (number("user"), number("group"));
        task.cwd = match text(&post, "cwd") {
            "" => environment.get("HOME").cloned().unwrap_or_else(|| "/".into()),
            cwd => cwd.to_owned(),
        };
        if interactive {
            task.terminal = Some((number("width").max(1), number("height").max(1)));
        }
        let fds: &[&str] = match (sockets, interactive) {
            (false, _) => &[],
            (_, true) => &["0", "control"],
            (_, false) => &["0", "1", "2", "control"],
        };
        let mut new = New::task("Executing command", &key.0).on_instance(&key.1);
        if sockets {
            let secrets = self.secrets(fds);
            new = new.class("websocket").saying(json!({
                "command": command, "environment": environment, "fds": shown(&secrets), "interactive": interactive,
            }));
            new = new.with_secrets(secrets);
        } else {
            task.input.end();
        }
        let id = self.open(new);
        self.happened(
            "instance-exec",
            &key.0,
            &format!("/1.0/instances/{}", key.1),
            &key.1,
            Some(json!({"command": command})),
        );
        let process = Process {
            key: key.clone(),
            kind: Kind::Command,
            task,
            streams: fds.iter().map(|fd| ((*fd).to_owned(), Stream::default())).collect(),
            begun: !sockets,
            recorded: records.then(Default::default),
            over: None,
        };
        self.processes.insert(id.clone(), process);
        if sockets {
            self.after(ATTACH, Timer::Attached(id.clone()));
        } else {
            let latency = self.config.latency;
            self.after(latency, Timer::Process(id.clone()));
        }
        Ok(Answer::Running(id))
    }

    /// Attaches to the console.
    pub(crate) fn open_console(&mut self, ask: &Ask, key: &Key) -> Result<Answer, Refusal> {
        let post = ask.object()?;
        match text(&post, "type") {
            "" | "console" => {}
            "vga" => return Err(Refusal::bad("VGA console is only supported by virtual machines")),
            other => return Err(Refusal::bad(format!("Unknown console type {other:?}"))),
        }
        if self.instances.get(key).map(|inside| inside.status) != Some(Status::Running) {
            return Err(Refusal::bad("Instance is not running"));
        }
        let secrets = self.secrets(&["0", "control"]);
        let new = New::task("Showing console", &key.0).class("websocket").on_instance(&key.1);
        let id = self.open(new.saying(json!({"fds": shown(&secrets)})).with_secrets(secrets));
        self.happened(
            "instance-console",
            &key.0,
            &format!("/1.0/instances/{}", key.1),
            &key.1,
            Some(json!({"type": "console"})),
        );
        let mut task = Task::new(vec!["sh".into()], BTreeMap::new());
        task.terminal = Some((80, 24));
        task.cwd = "/".into();
        let process = Process {
            key: key.clone(),
            kind: Kind::Console,
            task,
            streams: ["0", "control"].map(|fd| (fd.to_owned(), Stream::default())).into(),
            begun: false,
            recorded: None,
            over: None,
        };
        self.processes.insert(id.clone(), process);
        self.after(ATTACH, Timer::Attached(id.clone()));
        Ok(Answer::Running(id))
    }

    /// Not all websockets are open in time.
    pub(crate) fn attached_by_now(&mut self, id: &str) {
        if self.processes.get(id).is_some_and(|process| !process.begun) {
            self.hang_up_all(id);
            self.processes.remove(id);
            self.end(id, Err(Refusal::internal("Timed out waiting for websockets to connect")));
        }
    }

    pub(crate) fn takes_more(&self, socket: &Socket) -> bool {
        let Socket::Stream(id, fd) = socket else { return true };
        fd != "0"
            || self.processes.get(id).is_none_or(|process| process.task.input.len() < INPUT || process.over.is_some())
    }

    /// An instance stops: what runs in it is killed.
    pub(crate) fn end_processes(&mut self, key: &Key) {
        let ids: Vec<String> =
            self.processes.iter().filter(|(_, process)| process.is_of(key)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            let is_console = self.processes.get(&id).is_some_and(|process| process.kind == Kind::Console);
            if is_console {
                self.hang_up_all(&id);
                self.processes.remove(&id);
                self.end(&id, Ok(Value::Null));
            } else {
                self.over(&id, Fate::Ended(137));
            }
        }
    }

    /// An operation was cancelled.
    pub(crate) fn abandon(&mut self, id: &str) {
        self.hang_up_all(id);
        self.processes.remove(id);
    }

    pub(crate) fn stream_opened(&mut self, id: &str, fd: &str, exchange: Exchange) {
        let Some(process) = self.processes.get_mut(id) else { return };
        if let Some(stream) = process.streams.get_mut(fd) {
            stream.exchange = Some(exchange);
        }
        let terminal = process.task.terminal.is_some();
        let needed: &[&str] = if terminal { &["0", "control"] } else { &["0", "1", "2"] };
        let is_open = |fd: &&str| process.streams.get(*fd).is_some_and(|stream| stream.exchange.is_some());
        if !process.begun && needed.iter().all(is_open) {
            process.begun = true;
            self.after(Duration::ZERO, Timer::Process(id.into()));
        }
    }

    pub(crate) fn stream_received(&mut self, id: &str, fd: &str, message: Message) {
        let Some(process) = self.processes.get_mut(id) else { return };
        match (fd, message) {
            ("0", Message::Binary(data)) => process.task.typed(&data),
            ("0", Message::Text(text)) if text.is_empty() && process.task.terminal.is_none() => {
                process.task.input.end();
            }
            ("control", Message::Text(text)) => self.controlled(id, text.as_bytes()),
            ("control", Message::Binary(data)) => self.controlled(id, &data),
            _ => return,
        }
        self.run(id);
    }

    fn controlled(&mut self, id: &str, json: &[u8]) {
        let Ok(said) = serde_json::from_slice::<Value>(json) else { return };
        let Some(process) = self.processes.get_mut(id) else { return };
        let number = |key: &str| said["args"][key].as_str().and_then(|text| text.parse::<u64>().ok());
        match said["command"].as_str() {
            Some("window-resize") => {
                if let (Some(size), Some(width), Some(height)) =
                    (&mut process.task.terminal, number("width"), number("height"))
                {
                    *size = (width, height);
                }
            }
            Some("signal") => {
                let signal = said["signal"].as_i64().and_then(|number| i32::try_from(number).ok()).unwrap_or(9);
                process.task.signal(signal);
            }
            _ => {}
        }
    }

    pub(crate) fn stream_taken(&mut self, id: &str, fd: &str) {
        let Some(process) = self.processes.get_mut(id) else { return };
        if let Some(stream) = process.streams.get_mut(fd) {
            stream.untaken.pop_front();
        }
        self.run(id);
    }

    pub(crate) fn stream_closed(&mut self, id: &str, fd: &str) {
        let Some(process) = self.processes.get_mut(id) else { return };
        if let Some(stream) = process.streams.get_mut(fd) {
            *stream = Stream { lost: true, ..Stream::default() };
        }
        if let (Some(code), "0") = (process.over, fd) {
            return self.settled(id, code);
        }
        let controlled = process.streams.get("control").is_some_and(|stream| stream.exchange.is_some());
        match (process.kind, fd) {
            (Kind::Console, _) => {
                self.hang_up_all(id);
                self.processes.remove(id);
                return self.end(id, Ok(Value::Null));
            }
            (_, "control") => process.task.signal(9),
            (_, "1") if !controlled => process.task.signal(9),
            // A terminal that is gone.
            (_, "0") if process.task.terminal.is_some() => process.task.signal(1),
            (_, "0") => process.task.input.end(),
            _ => {}
        }
        self.run(id);
    }

    /// A piece of output is on its way.
    pub(crate) fn write_stream(&mut self, id: &str, fd: &str, data: &[u8]) {
        let Some(stream) = self.processes.get_mut(id).and_then(|process| process.streams.get_mut(fd)) else { return };
        let Some(exchange) = stream.exchange else { return };
        stream.untaken.push_back(data.len());
        self.say(exchange, Message::Binary(Bytes::copy_from_slice(data)));
    }

    fn hang_up_all(&mut self, id: &str) {
        let Some(process) = self.processes.get(id) else { return };
        let open: Vec<Exchange> = process.streams.values().filter_map(|stream| stream.exchange).collect();
        for exchange in open {
            self.hang_up(exchange);
        }
    }

    /// A command is over.
    pub(crate) fn over(&mut self, id: &str, fate: Fate) {
        let Some(process) = self.processes.get_mut(id) else { return };
        let code = match fate {
            Fate::Ended(code) => code,
            Fate::Refused(code, why) => {
                self.hang_up_all(id);
                self.remember(id);
                self.processes.remove(id);
                return self.fail(id, Refusal::bad(why), json!({"return": code}));
            }
        };
        let exchange = |fd: &str| process.streams.get(fd).and_then(|stream| stream.exchange);
        let is_terminal = process.task.terminal.is_some();
        let outputs: Vec<Exchange> = if is_terminal {
            exchange("0").into_iter().collect()
        } else {
            ["1", "2"].into_iter().filter_map(exchange).collect()
        };
        for output in &outputs {
            self.out.push_back(crate::Output::Message { exchange: *output, message: Message::Text(String::new()) });
        }
        if is_terminal && !outputs.is_empty() && self.is_old() {
            // 5.0.2 waits until the client closes its terminal.
            if let Some(process) = self.processes.get_mut(id) {
                process.over = Some(code);
            }
            return;
        }
        self.settled(id, code);
    }

    fn settled(&mut self, id: &str, code: i32) {
        self.hang_up_all(id);
        let output = self.remember(id);
        self.processes.remove(id);
        let mut metadata = json!({"return": code});
        if let Some(output) = output {
            metadata["output"] = output;
        }
        self.end(id, Ok(metadata));
    }

    /// Keeps what was recorded as log files.
    fn remember(&mut self, id: &str) -> Option<Value> {
        let directory = if self.is_old() { "logs" } else { "logs/exec-output" };
        let process = self.processes.get_mut(id)?;
        let recorded = process.recorded.take()?;
        let key = process.key.clone();
        let inside = self.instances.get_mut(&key)?;
        let mut urls = serde_json::Map::new();
        for ((fd, ending), content) in [("1", "stdout"), ("2", "stderr")].into_iter().zip(recorded) {
            let name = format!("exec_{id}.{ending}");
            urls.insert(fd.into(), format!("/1.0/instances/{}/{directory}/{name}", key.1).into());
            inside.logs.insert(name, content.into());
        }
        Some(urls.into())
    }

    /// Something was written to the console.
    pub(crate) fn console_shows(&mut self, key: &Key, data: &[u8]) {
        if let Some(inside) = self.instances.get_mut(key) {
            inside.console.extend_from_slice(data);
            let excess = inside.console.len().saturating_sub(1 << 17);
            inside.console.drain(..excess);
        }
        let attached = |(_, process): &(&String, &Process)| process.kind == Kind::Console && process.is_of(key);
        let ids: Vec<String> = self.processes.iter().filter(attached).map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.write_stream(&id, "0", data);
        }
    }

    pub(crate) fn of_console(&mut self, ask: &Ask, key: &Key) -> Result<Answer, Refusal> {
        let url = format!("/1.0/instances/{}", key.1);
        match ask.method.as_str() {
            "POST" => self.open_console(ask, key),
            "GET" => {
                let inside = self.instances.get(key).ok_or_else(|| Refusal::not_found("Instance not found"))?;
                if inside.console.is_empty() && !inside.is_running() {
                    let code = if self.is_old() { 500 } else { 404 };
                    return Err(Refusal::new(
                        code,
                        "The console log does not exist: open console.log: no such file or directory",
                    ));
                }
                let log = inside.console.clone();
                self.happened("instance-console-retrieved", &key.0, &url, &key.1, None);
                Ok(crate::answer::raw(log, &[("content-disposition", "inline;filename=".into())]))
            }
            "DELETE" => {
                if let Some(inside) = self.instances.get_mut(key) {
                    inside.console.clear();
                }
                self.happened("instance-console-reset", &key.0, &url, &key.1, None);
                Ok(Answer::empty())
            }
            _ => Err(Refusal::new(501, "not implemented")),
        }
    }
}
