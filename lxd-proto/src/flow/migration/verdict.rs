//! What a try comes to: the end, the next address, or the end of the other side too.

use super::{Action, Migrated, Migration, MigrationAttempt, Pending, Side, State, limits, other};
use crate::{Error, error::Outcome};

impl<M: Migrated> Migration<M> {
    /// What it comes to when both sides have ended, or one has and the other should.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        if self.is_pending(|pending| matches!(pending, Pending::Post(_))) {
            return Ok(());
        }
        let failed = match (self.here.succeeded(), self.there.succeeded()) {
            (Some(true), Some(true)) if self.moved => {
                self.state = State::Remove(None);
                let request = self.what.remove()?;
                self.ask(Pending::Remove, Side::Here, request);
                return Ok(());
            }
            (Some(true), Some(true)) => {
                self.state = State::Done;
                return Ok(());
            }
            (Some(false), _) => Side::Here,
            (_, Some(false)) => Side::There,
            _ => return Ok(()),
        };
        let left = other(failed);
        if !self.end(left).runs() {
            return self.over();
        }
        // A request that was refused tells the other side nothing.
        if self.end(failed).operation.is_none() {
            return self.give_up(left);
        }
        let tried = self.route.tried;
        let is_grace = |pending| pending == Pending::Grace(tried);
        if !self.end(left).cancelled && !self.is_pending(is_grace) {
            self.start(Pending::Grace(tried), Action::Sleep(limits::MIGRATION_GRACE));
        }
        Ok(())
    }

    /// One side has failed, and the other goes on: with the next address, if it was not connected to, or not at all.
    pub(super) fn give_up(&mut self, left: Side) -> Result<(), Error> {
        if self.waiting() == Some(left) && self.is_worth_another() {
            let error = self.end(other(left)).error();
            let (here, there) = if left == Side::There { (error, None) } else { (None, error) };
            self.attempts.push(MigrationAttempt { address: self.route.address(), here, there });
            self.route.tried += 1;
            return self.begin();
        }
        self.cancel(left)
    }

    /// Whether the connecting side may fare better with another address.
    fn is_worth_another(&mut self) -> bool {
        let Some(waiting) = self.waiting() else { return false };
        let another = self.route.tried + 1 < self.route.addresses.len();
        another
            && match &self.end(other(waiting)).result {
                Some(Err(Error::Operation(error))) => matches!(error.outcome, Outcome::Failed(_)),
                // 5.0.2 connects before it answers a push.
                Some(Err(Error::Api(error))) => error.status >= 500,
                _ => false,
            }
    }

    /// Both have ended, and not both well.
    fn over(&mut self) -> Result<(), Error> {
        let unconnected = match self.waiting().map(|side| &self.end(side).result) {
            Some(Some(Err(Error::Operation(error)))) => match &error.outcome {
                Outcome::Failed(reason) => is_unconnected(reason),
                _ => false,
            },
            _ => false,
        };
        let again = unconnected && self.is_worth_another();
        let (here, there) = (self.here.error(), self.there.error());
        // What was refused at once needs no more words.
        let plain = |error: &Error| error.operation().is_none();
        match (here, there) {
            (Some(error), None) | (None, Some(error)) if self.attempts.is_empty() && plain(&error) => Err(error),
            (here, there) => {
                self.attempts.push(MigrationAttempt { address: self.route.address(), here, there });
                if again {
                    self.route.tried += 1;
                    return self.begin();
                }
                Err(Error::Migration(core::mem::take(&mut self.attempts)))
            }
        }
    }
}

/// Nobody connected in time.
pub(super) fn is_unconnected(reason: &str) -> bool {
    reason.to_lowercase().contains("timed out")
}
