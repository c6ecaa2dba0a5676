//! A connection that speaks SFTP, as a part of a flow: what is asked goes out, answers come in, in any order.
//!
//! | state | does | and then |
//! |---|---|---|
//! | `Closed` | `GET /1.0/instances/{name}/sftp`, which becomes SFTP | `Greeting` |
//! | `Greeting` | says its version | the server says its own: `Open` |
//! | `Open` | sends what is asked and receives, both at once | |
//!
//! At most [`limits::SFTP_WINDOW`] requests are out, so what can come is bounded. A packet that answers none of them is
//! the end. The server is always listened to, so that it never waits for us while we wait for it.

use alloc::{boxed::Box, collections::BTreeMap, format, string::String};

use bytes::{Bytes, BytesMut};

use super::{Answer, Ask, Attributes, BytePath, Decoder, Entry, File, Received, SftpError, Status, packets};
use crate::{
    Error, Failure, Request,
    error::{FailureKind, Phase},
    flow::{Action, Id, Ids, Message, Peer, Reply, Sock, unopened},
    limits,
};

const SOCK: Sock = Sock(0);

/// So many ticks are [`limits::SFTP_SILENCE`].
const TICKS: u8 = (limits::SFTP_SILENCE.as_secs() / limits::SFTP_SILENCE_TICK.as_secs()) as u8;

#[derive(Debug)]
pub(crate) struct Line {
    state: State,
    request: Request,
    ids: Ids,
    decoder: Decoder,
    out: BytesMut,
    receive: Option<Id>,
    send: Option<Id>,
    timer: Option<Id>,
    /// How often it has ticked since something moved.
    silent: u8,
    last: u32,
    asked: BTreeMap<u32, Asked>,
    posix_rename: bool,
    broken: Option<Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Opening(Id),
    Greeting,
    Open,
}

/// What was asked.
#[derive(Clone, Debug)]
struct Asked {
    verb: &'static str,
    path: BytePath,
    /// Nobody waits for the answer any more.
    abandoned: bool,
}

impl Line {
    pub(crate) fn new(request: Request, ids: Ids) -> Self {
        Self {
            state: State::Closed,
            request,
            ids,
            decoder: Decoder::default(),
            out: BytesMut::new(),
            receive: None,
            send: None,
            timer: None,
            silent: 0,
            last: 0,
            asked: BTreeMap::new(),
            posix_rename: false,
            broken: None,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether one more may be asked now.
    pub(crate) fn has_room(&self) -> bool {
        self.asked.len() < limits::SFTP_WINDOW
    }

    /// Asks for something. What comes of it is an answer with the same number.
    ///
    /// # Errors
    /// A path that cannot be sent.
    pub(crate) fn ask(&mut self, ask: Ask) -> Result<u32, Error> {
        let ask = match ask {
            Ask::Rename(from, to) if self.posix_rename => Ask::PosixRename(from, to),
            ask => ask,
        };
        let (verb, path) = ask.about();
        let second = match &ask {
            Ask::Rename(_, second) | Ask::PosixRename(_, second) | Ask::Symlink(_, second) => second.as_bytes(),
            _ => &[],
        };
        if [path.as_bytes(), second].iter().any(|path| path.contains(&0) || path.len() > limits::SFTP_PATH) {
            return Err(Error::InvalidInput(format!("{path:?} cannot be a path")));
        }
        self.last = self.last.wrapping_add(1);
        self.asked.insert(self.last, Asked { verb, path, abandoned: false });
        ask.encode(self.last, &mut self.out);
        Ok(self.last)
    }

    /// The number of what was asked last.
    pub(crate) fn last(&self) -> u32 {
        self.last
    }

    /// Nobody waits any more for what is asked now.
    pub(crate) fn abandon(&mut self) {
        self.asked.values_mut().for_each(|asked| asked.abandoned = true);
    }

    /// What is to be started now.
    ///
    /// # Errors
    /// The line is broken.
    pub(crate) fn next(&mut self) -> Result<Option<(Id, Action)>, Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let id = self.ids.next();
        if self.state == State::Closed {
            self.state = State::Opening(id);
            return Ok(Some((id, Action::Upgrade(Peer(0), SOCK, self.request.clone()))));
        }
        let greeting = self.state == State::Greeting;
        if !greeting && !self.is_open() {
            return Ok(None);
        }
        if self.receive.is_none() {
            self.receive = Some(id);
            return Ok(Some((id, Action::Recv(SOCK))));
        }
        if self.send.is_none() && !self.out.is_empty() {
            // Piece by piece, so that a slow line is not taken for a dead one.
            let piece = self.out.split_to(self.out.len().min(limits::CHUNK)).freeze();
            self.send = Some(id);
            return Ok(Some((id, Action::Send(SOCK, Message::Binary(piece)))));
        }
        if self.timer.is_none() && (greeting || !self.asked.is_empty()) {
            self.timer = Some(id);
            return Ok(Some((id, Action::Sleep(limits::SFTP_SILENCE_TICK))));
        }
        Ok(None)
    }

    /// Something that was started is finished.
    ///
    /// # Errors
    /// It could not be opened.
    pub(crate) fn handle(&mut self, id: Id, result: Result<Reply, Failure>) -> Result<(), Error> {
        if self.timer == Some(id) {
            self.timer = None;
            self.ticked();
        } else if self.receive == Some(id) {
            self.receive = None;
            self.silent = 0;
            self.received(result);
        } else if self.send == Some(id) {
            self.send = None;
            self.silent = 0;
            // Receiving says why, if the server still has something to say.
            if result.is_err() {
                self.out.clear();
            }
        } else if self.state == State::Opening(id) {
            if !matches!(result, Ok(Reply::Opened)) {
                return Err(unopened(result).answering(self.request.method(), self.request.uri()));
            }
            self.state = State::Greeting;
            packets::init(&mut self.out);
        }
        Ok(())
    }

    fn received(&mut self, result: Result<Reply, Failure>) {
        match result {
            Ok(Reply::Message(Some(Message::Binary(piece)))) => self.decoder.push(&piece),
            Ok(Reply::Message(Some(_))) => {}
            Ok(_) => self.lose(Failure::new(FailureKind::Broken, "the server closed the connection for SFTP").into()),
            Err(failure) => self.lose(failure.into()),
        }
    }

    fn lose(&mut self, error: Error) {
        self.broken.get_or_insert(error);
    }

    fn ticked(&mut self) {
        self.silent = if self.asked.is_empty() && self.is_open() { 0 } else { self.silent + 1 };
        // The first tick may have come at once.
        if self.silent > TICKS {
            let text = format!("the server was silent for {} s", limits::SFTP_SILENCE.as_secs());
            self.lose(Failure::new(FailureKind::Timeout(Phase::Idle), text).into());
        }
    }

    /// The next answer that has come, and which request it is to.
    ///
    /// # Errors
    /// The server does not speak SFTP, or not with us.
    pub(crate) fn answer(&mut self) -> Result<Option<(u32, Answered)>, Error> {
        let found = self.find_answer();
        if let Err(error) = &found {
            self.lose(error.clone());
        }
        found
    }

    fn find_answer(&mut self) -> Result<Option<(u32, Answered)>, Error> {
        while let Some(received) = self.decoder.take()? {
            match (received, self.state) {
                (Received::Version { version: 3.., posix_rename }, State::Greeting) => {
                    self.state = State::Open;
                    self.posix_rename = posix_rename;
                }
                (Received::Answer(id, answer), State::Open) => {
                    let Some(asked) = self.asked.remove(&id) else {
                        return Err(Error::Protocol(format!("an answer of SFTP to {id}, which was not asked")));
                    };
                    if !asked.abandoned {
                        return Ok(Some((id, Answered { asked, answer })));
                    }
                    // What nobody waits for must not stay open.
                    if let ("open" | "opendir", Answer::Handle(handle)) = (asked.verb, answer) {
                        self.ask(Ask::Close(File { handle, path: asked.path }))?;
                        self.abandon_last();
                    }
                }
                _ => return Err(Error::Protocol("no greeting of SFTP".into())),
            }
        }
        Ok(None)
    }

    /// Closes a file, whatever comes of it.
    pub(crate) fn close(&mut self, file: File) -> Result<(), Error> {
        self.ask(Ask::Close(file))?;
        self.abandon_last();
        Ok(())
    }

    fn abandon_last(&mut self) {
        if let Some(asked) = self.asked.get_mut(&self.last) {
            asked.abandoned = true;
        }
    }
}

/// An answer, and what was asked.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    asked: Asked,
    answer: Answer,
}

impl Answered {
    /// It is done.
    pub(crate) fn done(self) -> Result<(), Error> {
        match self.answer {
            Answer::Status(Status::Ok, _) => Ok(()),
            _ => Err(self.wrong()),
        }
    }

    /// It is open.
    pub(crate) fn file(self) -> Result<File, Error> {
        match self.answer {
            Answer::Handle(handle) if handle.len() <= limits::SFTP_HANDLE => Ok(File { handle, path: self.asked.path }),
            _ => Err(self.wrong()),
        }
    }

    pub(crate) fn attributes(self) -> Result<Attributes, Error> {
        match self.answer {
            Answer::Attributes(attributes) => Ok(attributes),
            _ => Err(self.wrong()),
        }
    }

    /// What was read, unless that was the end.
    pub(crate) fn data(self) -> Result<Option<Bytes>, Error> {
        match self.answer {
            Answer::Data(data) => Ok(Some(data)),
            Answer::Status(Status::Eof, _) => Ok(None),
            _ => Err(self.wrong()),
        }
    }

    /// Some entries, unless that was the end.
    pub(crate) fn names(self) -> Result<Option<alloc::vec::Vec<Entry>>, Error> {
        match self.answer {
            Answer::Names(entries) => Ok(Some(entries)),
            Answer::Status(Status::Eof, _) => Ok(None),
            _ => Err(self.wrong()),
        }
    }

    /// One path.
    pub(crate) fn path(self) -> Result<BytePath, Error> {
        match self.answer {
            Answer::Names(mut entries) if entries.len() == 1 => Ok(entries.remove(0).name),
            _ => Err(self.wrong()),
        }
    }

    /// The server's error, or that it is no answer to what was asked.
    fn wrong(self) -> Error {
        let Asked { verb, path, .. } = self.asked;
        match self.answer {
            Answer::Status(status, message) if status != Status::Ok => {
                Error::Sftp(Box::new(SftpError { verb, path, status, message }))
            }
            _ => Error::Protocol(String::from(verb) + " was answered with something else"),
        }
    }
}
