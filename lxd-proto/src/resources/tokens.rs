//! Tokens: a secret that is made by an operation, which waits for its use.

use core::ops::Deref;

use super::{Operation, OperationId};
use crate::{Answer, Changed, Error, Response};

/// A token that was made, and what it is revoked with: `lxd.operation(token.operation.clone()).cancel()`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Issued<T> {
    /// The token.
    pub token: T,
    /// The operation that waits for its use. It ends when the token was used, expires or is revoked.
    pub operation: OperationId,
}

impl<T> Deref for Issued<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.token
    }
}

impl<T> Issued<T> {
    /// Reads the answer to a request for a token, out of the operation that came.
    pub(crate) fn read(response: &Response, token: impl FnOnce(&Operation) -> Result<T, Error>) -> Result<Self, Error> {
        match Changed::<Nothing>::read(response)? {
            Changed::Running(operation) => Ok(Self { token: token(&operation)?, operation: operation.id }),
            Changed::Done(Nothing) => Err(Error::Protocol("no token came where one was asked for".into())),
        }
    }
}

/// The operation waits for the token's use, so nobody waits for it.
struct Nothing;

impl Answer for Nothing {
    fn done(_: &Response, _: &str) -> Result<Self, Error> {
        Ok(Self)
    }

    fn finished(_: &Operation) -> Result<Self, Error> {
        Ok(Self)
    }
}

/// What an operation says of its token, for errors without the secret in them.
pub(crate) fn unreadable(_: serde_json::Error) -> Error {
    Error::Protocol("it made a token without what tokens hold".into())
}
