//! What a server answers when it does not do what it was asked.

use alloc::string::String;

use super::BytePath;

/// The server did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{verb} {path}: {}", if message.is_empty() { status.text() } else { message.as_str() })]
#[non_exhaustive]
pub struct SftpError {
    /// What was asked, in SFTP's word.
    pub verb: &'static str,
    /// Of which path.
    pub path: BytePath,
    /// Why not.
    pub status: Status,
    /// The server's text.
    pub message: String,
}

/// A status of SFTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// 0: it is done.
    Ok,
    /// 1: there is no more.
    Eof,
    /// 2: there is no such file.
    NoSuchFile,
    /// 3: it is not allowed.
    PermissionDenied,
    /// 4: anything else, as something that is there already, or a full disk; the text says what.
    Failure,
    /// 5: the server did not understand.
    BadMessage,
    /// 6 or 7: the server has lost its own connection.
    NoConnection,
    /// 8: this server does not do that.
    Unsupported,
    /// Another number.
    Other(u32),
}

impl Status {
    pub(crate) fn of(code: u32) -> Self {
        match code {
            0 => Self::Ok,
            1 => Self::Eof,
            2 => Self::NoSuchFile,
            3 => Self::PermissionDenied,
            4 => Self::Failure,
            5 => Self::BadMessage,
            6 | 7 => Self::NoConnection,
            8 => Self::Unsupported,
            other => Self::Other(other),
        }
    }

    pub(super) fn code(self) -> u32 {
        match self {
            Self::Ok => 0,
            Self::Eof => 1,
            Self::NoSuchFile => 2,
            Self::PermissionDenied => 3,
            Self::Failure => 4,
            Self::BadMessage => 5,
            Self::NoConnection => 6,
            Self::Unsupported => 8,
            Self::Other(code) => code,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Ok => "done",
            Self::Eof => "no more",
            Self::NoSuchFile => "no such file",
            Self::PermissionDenied => "permission denied",
            Self::Failure | Self::Other(_) => "failed",
            Self::BadMessage => "not understood",
            Self::NoConnection => "the connection is lost",
            Self::Unsupported => "not supported",
        }
    }
}
