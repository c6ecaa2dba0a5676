//! What LXD itself answers when it refuses.

use alloc::string::String;

/// LXD's own error: `{"type": "error", "error_code": .., "error": ".."}`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{request}{}{message} ({status})", if request.is_empty() { "" } else { ": " })]
#[non_exhaustive]
pub struct ApiError {
    /// LXD's `error_code`, which is the HTTP status but for operations' `/wait` (200 on the wire since 5.20).
    pub status: u16,
    /// LXD's text.
    pub message: String,
    /// Verb and path of the request, without secrets.
    pub request: String,
}

impl ApiError {
    pub(crate) fn new(status: u16, message: String) -> Self {
        Self { status, message, request: String::new() }
    }

    /// The error's kind, by its code, and once by its text.
    pub fn kind(&self) -> ApiErrorKind {
        match self.status {
            500 if self.message.contains("forkfile.sock") => ApiErrorKind::HelperLost,
            400 => ApiErrorKind::BadRequest,
            401 => ApiErrorKind::Unauthorized,
            403 => ApiErrorKind::Forbidden,
            404 => ApiErrorKind::NotFound,
            409 => ApiErrorKind::Conflict,
            412 => ApiErrorKind::PreconditionFailed,
            423 => ApiErrorKind::Locked,
            501 => ApiErrorKind::NotImplemented,
            503 => ApiErrorKind::Unavailable,
            _ => ApiErrorKind::Other,
        }
    }
}

/// The kinds of errors that LXD answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiErrorKind {
    /// 400: the request is wrong.
    BadRequest,
    /// 401: OIDC clients must log in.
    Unauthorized,
    /// 403: not trusted, or not allowed.
    Forbidden,
    /// 404: no such object.
    NotFound,
    /// 409: in use, or there already.
    Conflict,
    /// 412: changed since it was read.
    PreconditionFailed,
    /// 423: locked.
    Locked,
    /// 501: this server does not do that.
    NotImplemented,
    /// 503: starting or shutting down.
    Unavailable,
    /// 500 that names `forkfile.sock`: LXD's helper for the files of an instance lost its socket, and nothing was done.
    /// Of several instances whose files are asked for at once, the end of one's helper can remove the socket of another's
    /// (LXD to 6.9 at least, its issue 18403). Each further request is refused too while that helper is there, which ends
    /// after 15 s without any: so leave the instance's files alone for 16 s, and ask again.
    HelperLost,
    /// Any other code; 500 is LXD's word for most things that went wrong.
    Other,
}
