//! Becoming trusted, with a token or a password, without telling the secret to anybody else.
//!
//! | state | asks | and then |
//! |---|---|---|
//! | `Look` | `GET /1.0` | `auth` is `trusted`: done, and no secret was sent; else `Ask` |
//! | `Ask` | `POST /1.0/certificates` with the secret | done; "already trusted" is success too |
//!
//! A token goes to the server whose certificate it names and to no other: the client must have that certificate pinned,
//! so that the handshake fails before a byte of the request is sent. In which field it goes depends on the server:
//! `trust_token` where the extension `explicit_trust_token` is listed (6.1, 5.21.2) and in Incus, else `password`.

use alloc::{format, string::String};

use http::Method;

use super::{Sequence, Turn};
use crate::{
    Endpoint, Error, Fingerprint, Get, Request, Response, TrustToken,
    compat::Secret,
    crud::Changed,
    endpoint::json,
    resources::{CertificatesPost, Issued, Server},
    uri::Path,
};

/// What proves that a client may be trusted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Proof {
    /// A token that somebody trusted made: `lxc config trust add`.
    Token(TrustToken),
    /// The server's trust password, `core.trust_password` (up to 5.21).
    Password(Secret),
}

impl From<TrustToken> for Proof {
    fn from(token: TrustToken) -> Self {
        Self::Token(token)
    }
}

impl From<Issued<TrustToken>> for Proof {
    fn from(issued: Issued<TrustToken>) -> Self {
        Self::Token(issued.token)
    }
}

/// Makes the client's certificate trusted. Made by
/// [`Collection::trust`](crate::Collection::trust) of certificates.
#[derive(Debug)]
pub struct Trust {
    proof: Proof,
    name: String,
    pin: Option<Fingerprint>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Look,
    Ask { explicit: bool },
    Done,
}

impl Trust {
    pub(crate) fn new(proof: Proof, name: String, pin: Option<Fingerprint>) -> Self {
        Self { proof, name, pin, state: State::Look }
    }

    fn ask(&self, explicit: bool) -> Result<Request, Error> {
        let mut post = CertificatesPost::client(&self.name);
        let token = match &self.proof {
            Proof::Password(password) => {
                post.password = Some(password.clone());
                return json(Method::POST, &Path::root().join("certificates"), &post);
            }
            Proof::Token(token) => token,
        };
        match self.pin {
            Some(pin) if pin == token.fingerprint => {}
            Some(pin) => {
                let text = format!("it is for the server {}, but {pin} is pinned", token.fingerprint);
                return Err(Error::Token(text));
            }
            None => {
                let text = format!("pin its server's certificate first, {}", token.fingerprint);
                return Err(Error::Token(text));
            }
        }
        if !token.kind.is_empty() {
            let identity = serde_json::json!({ "trust_token": token.encode().expose() });
            return json(Method::POST, &Path::root().join("auth/identities/tls"), &identity);
        }
        let field = if explicit { &mut post.trust_token } else { &mut post.password };
        *field = Some(token.encode());
        json(Method::POST, &Path::root().join("certificates"), &post)
    }
}

impl Sequence for Trust {
    type Output = ();

    fn turn(&mut self) -> Result<Turn<()>, Error> {
        let request = match self.state {
            State::Look => Get::<Server>::new(()).request()?,
            State::Ask { explicit } => self.ask(explicit)?,
            State::Done => return Ok(Turn::Done(())),
        };
        Ok(Turn::Ask(request))
    }

    fn answer(&mut self, answer: Result<Response, Error>) -> Result<(), Error> {
        let response = answer?;
        self.state = match self.state {
            State::Look => {
                let server = Get::<Server>::new(()).response(response)?;
                let explicit = server.takes_tokens();
                if server.is_trusted() { State::Done } else { State::Ask { explicit } }
            }
            State::Ask { .. } => match Changed::<()>::read(&response) {
                Ok(_) => State::Done,
                // 5.0.2: 400 "Client is already trusted"; 6.x: 409.
                Err(Error::Api(error)) if error.status == 409 || error.message.contains("already trusted") => {
                    State::Done
                }
                Err(error) => return Err(error),
            },
            State::Done => State::Done,
        };
        Ok(())
    }
}
