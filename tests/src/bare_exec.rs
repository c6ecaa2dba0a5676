//! Commands run by hand over a Unix socket: the least that it takes. `tests/bench` compares the adapters with it.

use std::{
    io::{BufRead, BufReader, Error, Read, Result, Write},
    os::unix::net::UnixStream,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::pattern::{Checked, Pattern};

/// What goes into a message of stdin.
const PIECE: usize = 64 << 10;

/// A connection that is kept, for one request after the other.
struct Kept(BufReader<UnixStream>);

impl Kept {
    fn open(socket: &str) -> Result<Self> {
        Ok(Self(BufReader::new(UnixStream::connect(socket)?)))
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Value> {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: lxd\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.0.get_mut().write_all(request.as_bytes())?;
        let (mut line, mut length) = (String::new(), 0);
        while self.0.read_line(&mut line)? > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(Error::other)?;
            }
            line.clear();
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        serde_json::from_slice(&body).map_err(Error::other)
    }

    /// Begins a command: its operation, with its secrets.
    fn begin(&mut self, instance: &str, command: &str, attached: bool) -> Result<Value> {
        let post = json!({"command": [command], "wait-for-websocket": attached, "interactive": false});
        let mut answer = self.ask("POST", &format!("/1.0/instances/{instance}/exec"), &post.to_string())?;
        Ok(answer["metadata"].take())
    }

    /// Waits for its end.
    fn end(&mut self, operation: &Value) -> Result<()> {
        let id = operation["id"].as_str().unwrap_or_default();
        let answer = self.ask("GET", &format!("/1.0/operations/{id}/wait"), "")?;
        if answer["metadata"]["metadata"]["return"] == 0 { Ok(()) } else { Err(Error::other(answer.to_string())) }
    }
}

/// Runs `true` so often, so many at a time.
///
/// # Errors
/// When one of them could not be run.
pub fn run_true(socket: &str, instance: &str, times: usize, parallel: usize) -> Result<()> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut kept = Kept::open(socket)?;
        while next.fetch_add(1, Ordering::Relaxed) < times {
            let operation = kept.begin(instance, "true", false)?;
            kept.end(&operation)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..parallel).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker"))
    })
}

/// Sends so many bytes through `cat`, and checks what comes back.
///
/// # Errors
/// When not all of them came back.
pub fn run_cat(socket: &str, instance: &str, size: u64) -> Result<()> {
    let mut kept = Kept::open(socket)?;
    let operation = kept.begin(instance, "cat", true)?;
    let open = |stream: &str| -> Result<WebSocket<UnixStream>> {
        let (id, secret) = (operation["id"].as_str(), operation["metadata"]["fds"][stream].as_str());
        let (id, secret) = (id.unwrap_or_default(), secret.unwrap_or_default());
        let url = format!("ws://lxd/1.0/operations/{id}/websocket?secret={secret}");
        Ok(tungstenite::client(url, UnixStream::connect(socket)?).map_err(Error::other)?.0)
    };
    let (control, mut output, error) = (open("control")?, open("1")?, open("2")?);
    let mut input = open("0")?;
    thread::scope(|scope| {
        let end = scope.spawn(|| kept.end(&operation));
        let sent = scope.spawn(move || {
            let mut pattern = Pattern::new(size);
            loop {
                let mut piece = vec![0; PIECE];
                let length = pattern.read(&mut piece)?;
                piece.truncate(length);
                let message = if length > 0 { Message::binary(piece) } else { Message::text("") };
                input.send(message).map_err(Error::other)?;
                if length == 0 {
                    return Ok::<_, Error>(input);
                }
            }
        });
        let mut checked = Checked::default();
        loop {
            match output.read().map_err(Error::other)? {
                Message::Binary(data) => checked.write_all(&data)?,
                Message::Text(_) => break,
                _ => {}
            }
        }
        // LXD waits for its reader of control.
        drop((control, error));
        sent.join().expect("the sender")?;
        end.join().expect("the waiter")?;
        checked.is_whole(size)
    })
}
