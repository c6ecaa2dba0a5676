//! What is asked of the command while it runs.

use alloc::{string::String, vec::Vec};

use super::{
    Action, Attached, CONTROL, DETACH, End, Failure, FailureKind, INPUT, Message, Pending, Reply, State, limits,
};
use crate::Error;

/// What the caller asks of the command.
#[derive(Default)]
pub(super) struct Orders {
    /// What was read and is no whole line yet.
    pub(super) rest: Vec<u8>,
    /// Whole lines that wait for control.
    pub(super) lines: Vec<String>,
    pub(super) busy: bool,
    /// Nobody can ask any more.
    pub(super) done: bool,
}

impl Attached {
    pub(super) fn take_orders(&mut self, result: Result<Reply, Failure>) -> Result<(), Error> {
        let console = self.is_console();
        let Some(orders) = &mut self.orders else { return Ok(()) };
        orders.busy = false;
        let Ok(Reply::Data(Some(data))) = result else {
            orders.done = true;
            return Ok(());
        };
        orders.rest.extend_from_slice(&data);
        let whole = orders.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = orders.rest.drain(..whole).collect();
        orders.lines.extend(String::from_utf8_lossy(&lines).lines().map(String::from));
        if !console && orders.lines.iter().any(|line| line == DETACH) {
            return Err(Failure::new(FailureKind::Cancelled, "the command was given up").into());
        }
        self.give_orders();
        Ok(())
    }

    /// Sends what was asked, or forgets it when there is no control for that.
    pub(super) fn give_orders(&mut self) {
        if self.is_pending(|pending| *pending == Pending::Open(CONTROL)) {
            return;
        }
        let lines = self.orders.as_mut().map(|orders| core::mem::take(&mut orders.lines));
        for line in lines.into_iter().flatten().filter(|_| self.control).collect::<Vec<_>>() {
            if line == DETACH {
                return self.detach();
            }
            self.start(Pending::SendOrder, Action::Send(CONTROL, Message::Text(line)));
        }
    }

    /// Leaves the console: what is to come of it is nobody's any more.
    fn detach(&mut self) {
        self.state = State::Drain(0);
        (self.detached, self.input.done) = (true, true);
        let mut deaf = false;
        for output in &mut self.outputs {
            self.leaving = output.open && output.end.is_none();
            deaf = !core::mem::replace(&mut output.receiving, true);
            output.end.get_or_insert(End::Whole);
        }
        if self.leaving {
            self.start(Pending::Close, Action::Close(INPUT));
            self.start(Pending::Leave, Action::Sleep(limits::CONSOLE_LEAVE));
            if deaf {
                self.start(Pending::Recv(INPUT), Action::Recv(INPUT));
            }
        }
    }
}
