//! Running a command with requests alone: it reads nothing, and what it writes goes nowhere or is recorded.
//!
//! | state | asks | and then |
//! |---|---|---|
//! | `Post` | `POST /1.0/instances/{name}/exec` | the operation: `Watch` |
//! | `Watch` | as any operation | the command ended: `Read`, or done; it could not be run: `Remove` |
//! | `Read` | `GET` of stdout's log, then of stderr's | `Remove` |
//! | `Remove` | `DELETE` of both | done |
//!
//! LXD opens both logs before the command and the command writes to them itself, so at the operation's end they are whole.
//! They stay until the instance is removed, also those of a command that could not be run. Up to 5.14 they are in `logs`,
//! since then in `logs/exec-output`, and the operation's metadata say where. When they do not, as in a failure of some
//! servers, the logs' names still follow from the operation's.

use alloc::{collections::VecDeque, format, string::String, vec::Vec};

use http::Method;

use super::ExecOutput;
use crate::{
    Changed, Endpoint, Error, Request, Response,
    crud::{Listed, Resource},
    endpoint::bare,
    envelope::Envelope,
    flow::{Sequence, Turn, ended, wait::Watcher},
    resources::{
        Operation, OperationId,
        exec::PostExec,
        instance_logs::{ExecOutput as Recording, InstanceLog},
    },
    uri::{Path, name_in_list},
};

const NAMES: [&str; 2] = ["stdout", "stderr"];

/// Runs a command to its end.
#[derive(Debug)]
pub(crate) struct Detached {
    post: PostExec,
    state: State,
    /// What is told when all is cleared away.
    result: Result<ExecOutput, Error>,
    /// The logs that are still to be removed.
    litter: VecDeque<Path>,
}

#[derive(Debug)]
enum State {
    Post,
    Watch(Watcher, OperationId),
    /// Stdout, then stderr.
    Read(usize),
    Remove,
    Done,
}

impl Detached {
    pub(crate) fn new(post: PostExec) -> Self {
        Self { post, state: State::Post, result: Ok(ExecOutput::default()), litter: VecDeque::new() }
    }

    /// It is not run at all.
    pub(crate) fn refused(post: PostExec, error: Error) -> Self {
        Self { state: State::Done, result: Err(error), ..Self::new(post) }
    }

    fn watched(&mut self, answer: Result<Response, Error>) -> Result<(), Error> {
        let State::Watch(watcher, id) = &mut self.state else { return Ok(()) };
        match watcher.answer(answer) {
            Ok(None) => {}
            Ok(Some(operation)) => {
                let code = operation.return_code();
                let code = code.ok_or_else(|| Error::Protocol("a command ended without an exit code".into()))?;
                self.result = Ok(ExecOutput { code, ..ExecOutput::default() });
                self.state = State::Done;
                if self.post.post.record_output {
                    let logs = logs(&self.post.instance, &operation);
                    self.litter =
                        logs.ok_or_else(|| Error::Protocol("a recorded command ended without its logs".into()))?.into();
                    self.state = State::Read(0);
                }
            }
            Err(error) => {
                // Without an answer there is nobody to ask for more.
                let Some(failed) = error.operation().filter(|_| self.post.post.record_output) else {
                    return Err(error);
                };
                let known = failed.operation.as_ref().and_then(|operation| logs(&self.post.instance, operation));
                self.litter = known.map_or_else(|| guessed(&self.post.instance, id).into(), VecDeque::from);
                self.result = Err(error);
                self.state = State::Remove;
            }
        }
        Ok(())
    }

    fn read(&mut self, index: usize, answer: Result<Response, Error>) {
        let read = answer.and_then(|response| match Envelope::open(&response) {
            Err(error) if response.status().as_u16() >= 400 => Err(error),
            _ => Ok(response.into_body()),
        });
        self.state = if index == 0 && read.is_ok() { State::Read(1) } else { State::Remove };
        match (read, &mut self.result) {
            (Ok(text), Ok(output)) if index == 0 => output.stdout = text,
            (Ok(text), Ok(output)) => output.stderr = text,
            (Err(error), _) => self.result = Err(error),
            (Ok(_), Err(_)) => {}
        }
    }
}

/// Where a command's output was recorded, as its operation says.
fn logs(instance: &str, operation: &Operation) -> Option<[Path; 2]> {
    let output = operation.metadata.get("output")?;
    let log = |key: &str| {
        let url = output.get(key)?.as_str()?;
        let name = name_in_list(url, &Recording::list(&instance.into()))?;
        let at = (String::from(instance), name);
        Some(if url.contains("/logs/exec-output/") { Recording::path(&at) } else { InstanceLog::path(&at) })
    };
    Some([log("1")?, log("2")?])
}

/// Where a command's output may have been recorded.
fn guessed(instance: &str, id: &OperationId) -> [Path; 4] {
    let at = |stream| (String::from(instance), format!("exec_{id}.{stream}"));
    let [stdout, stderr] = NAMES.map(at);
    [Recording::path(&stdout), Recording::path(&stderr), InstanceLog::path(&stdout), InstanceLog::path(&stderr)]
}

impl Sequence for Detached {
    type Output = ExecOutput;

    fn turn(&mut self) -> Result<Turn<ExecOutput>, Error> {
        let request: Result<Request, Error> = match &mut self.state {
            State::Post => self.post.request(),
            State::Watch(watcher, _) => watcher.request(),
            State::Read(index) => bare(Method::GET, self.litter.get(*index).ok_or_else(ended)?),
            State::Remove => match self.litter.front() {
                Some(log) => bare(Method::DELETE, log),
                None => {
                    self.state = State::Done;
                    return self.turn();
                }
            },
            State::Done => return core::mem::replace(&mut self.result, Err(ended())).map(Turn::Done),
        };
        request.map(Turn::Ask)
    }

    fn answer(&mut self, answer: Result<Response, Error>) -> Result<(), Error> {
        match self.state {
            State::Post => match self.post.response(answer?)? {
                Changed::Running(operation) => {
                    self.state = State::Watch(Watcher::new(operation.id.clone(), None), operation.id);
                }
                Changed::Done(()) => return Err(Error::Protocol("a command ran without an operation".into())),
            },
            State::Watch(..) => self.watched(answer)?,
            State::Read(index) => self.read(index, answer),
            State::Remove => {
                // What was recorded is told, whether or not it could be removed.
                self.litter.pop_front();
            }
            State::Done => {}
        }
        Ok(())
    }

    fn extensions(&self) -> Vec<&'static str> {
        if self.post.post.record_output { ["container_exec_recording"].into() } else { Vec::new() }
    }
}
