//! What goes between a client and a server.

use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};

use bytes::Bytes;
use proptest::{
    collection::vec as list,
    option,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::select,
};
use serde_json::json;

use super::values::text;
use crate::{
    Failure, FailureKind, Phase, Response,
    flow::Message,
    sftp::{Answer, Ask, Attributes, BytePath, Entry, File, OpenFlags, Status},
};

/// What LXD says when it refuses something, with the status that it says it with.
pub fn refusal() -> impl Strategy<Value = Response> {
    (select(vec![400_u16, 403, 404, 409, 412, 500, 501, 503]), text()).prop_map(|(code, text)| {
        let body = json!({"type": "error", "status": "", "error_code": code, "error": text, "metadata": null});
        let mut response = Response::new(body.to_string().into());
        *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
        response
    })
}

/// What is no answer of LXD's: a proxy's page, nothing, or half of an answer.
pub fn not_lxd() -> impl Strategy<Value = Response> {
    let bodies = ["", "<html><h1>Bad Gateway</h1></html>", "{}", "[]", "null", r#"{"type":"sync","metadata":{"a"#];
    (select(vec![200_u16, 302, 404, 502, 504]), select(bodies.to_vec())).prop_map(|(status, body)| {
        let mut response = Response::new(Bytes::from_static(body.as_bytes()));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        response
    })
}

/// A message of a websocket: data, LXD's end mark, a text, or a sign of life.
pub fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        4 => list(any::<u8>(), 0..64).prop_map(|data| Message::Binary(data.into())),
        1 => Just(Message::Text(String::new())),
        1 => text().prop_map(Message::Text),
        1 => Just(Message::Ping),
    ]
}

/// What a transport could not do.
pub fn failure() -> impl Strategy<Value = Failure> {
    let kinds = [
        FailureKind::Connect,
        FailureKind::Tls,
        FailureKind::Timeout(Phase::Head),
        FailureKind::Timeout(Phase::Idle),
        FailureKind::Broken,
        FailureKind::BodyLength,
        FailureKind::TooLarge,
        FailureKind::Other,
    ];
    select(kinds.to_vec()).prop_map(|kind| Failure::new(kind, "of the test"))
}

/// A path in an instance, of any bytes but 0.
pub fn byte_path() -> impl Strategy<Value = BytePath> {
    list(1_u8.., 0..40).prop_map(|bytes| BytePath::from(&bytes[..]))
}

/// What is known of a file.
pub fn attributes() -> impl Strategy<Value = Attributes> {
    let kinds = select(vec![0_u32, 0o100_000, 0o040_000, 0o120_000, 0o010_000]);
    let mode = (kinds, 0_u32..0o10000).prop_map(|(kind, mode)| kind | mode);
    let pair = || option::of(any::<(u32, u32)>());
    (option::of(any::<u64>()), pair(), option::of(mode), pair()).prop_map(|(size, owner, mode, times)| Attributes {
        size,
        owner,
        mode,
        times,
    })
}

/// A request of SFTP.
pub fn ask() -> impl Strategy<Value = Ask> {
    let path = byte_path;
    let handle = || list(any::<u8>(), 0..16);
    let file = || (handle(), byte_path()).prop_map(|(handle, path)| File::new(handle.into(), path));
    let data = list(any::<u8>(), 0..64).prop_map(Bytes::from);
    prop_oneof![
        (path(), 0_u32..64).prop_map(|(path, flags)| Ask::Open(path, OpenFlags(flags))),
        file().prop_map(Ask::Close),
        (file(), any::<u64>(), any::<u32>()).prop_map(|(file, offset, length)| Ask::Read(file, offset, length)),
        (file(), any::<u64>(), data).prop_map(|(file, offset, data)| Ask::Write(file, offset, data)),
        path().prop_map(Ask::Lstat),
        file().prop_map(Ask::Fstat),
        (path(), attributes()).prop_map(|(path, attributes)| Ask::Setstat(path, attributes)),
        (file(), attributes()).prop_map(|(file, attributes)| Ask::Fsetstat(file, attributes)),
        path().prop_map(Ask::Opendir),
        file().prop_map(Ask::Readdir),
        path().prop_map(Ask::Mkdir),
        (path(), path()).prop_map(|(from, to)| Ask::Rename(from, to)),
        (path(), path()).prop_map(|(from, to)| Ask::PosixRename(from, to)),
        (path(), path()).prop_map(|(link, target)| Ask::Symlink(link, target)),
    ]
}

/// An answer of SFTP.
pub fn answer() -> impl Strategy<Value = Answer> {
    let entry = (byte_path(), attributes()).prop_map(|(name, attributes)| Entry::new(name, attributes));
    prop_oneof![
        (0_u32..10, text()).prop_map(|(code, text)| Answer::Status(Status::of(code), text)),
        list(any::<u8>(), 0..16).prop_map(|handle| Answer::Handle(handle.into())),
        list(any::<u8>(), 0..64).prop_map(|data| Answer::Data(data.into())),
        list(entry, 0..4).prop_map(Answer::Names),
        attributes().prop_map(Answer::Attributes),
    ]
}

/// Where something is cut into pieces, as the pieces' sizes: for streams that may arrive in any.
pub fn pieces() -> impl Strategy<Value = Vec<usize>> {
    list(1_usize..200, 1..20)
}
