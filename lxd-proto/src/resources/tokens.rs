//! Tokens: a secret that is made by an operation, which waits for its use.

use core::ops::Deref;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

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

/// A token that was read, or an error without the JSON's own, which can quote the secret.
pub(super) fn held<T>(token: serde_json::Result<T>) -> Result<T, Error> {
    token.map_err(|_| Error::Protocol("it made a token without what tokens hold".into()))
}

impl<T: DeserializeOwned> Issued<T> {
    /// Reads the answer to a request for a token, out of the operation that came. `name` gives the token's field for the
    /// name of who will use it, and that name.
    pub(crate) fn read(
        response: &Response,
        name: impl FnOnce(&Operation) -> (&'static str, Value),
    ) -> Result<Self, Error> {
        match Changed::<Nothing>::read(response)? {
            Changed::Running(operation) => {
                let value = |key| operation.metadata.get(key).cloned().unwrap_or_default();
                let (key, name) = name(&operation);
                let token = json!({
                    key: name,
                    "fingerprint": value("fingerprint"),
                    "addresses": value("addresses"),
                    "secret": value("secret"),
                    "expires_at": value("expiresAt").as_str().unwrap_or("0001-01-01T00:00:00Z"),
                });
                Ok(Self { token: held(serde_json::from_value(token))?, operation: operation.id })
            }
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
