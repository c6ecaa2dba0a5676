//! The server's side of the packets: what is read of a client, and what is said to it.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    Answer, Ask, Attributes, BytePath, Decoder, File, OpenFlags,
    packets::{Fields, POSIX_RENAME, close, text},
};
use crate::Error;

/// A packet of a client's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asked {
    /// The first: its version.
    Init(u32),
    /// A request with its id. The [`File`]s in it have no path.
    Ask(u32, Ask),
    /// A request with its id that nobody here knows.
    Unknown(u32),
}

/// The first packet of a server's: version 3, with `posix-rename@openssh.com`.
pub fn version(out: &mut BytesMut) {
    let begin = out.len();
    out.put_u32(0);
    out.put_u8(2);
    out.put_u32(3);
    text(out, POSIX_RENAME);
    text(out, b"1");
    close(out, begin);
}

impl Decoder {
    /// The next packet of a client's, if it is whole.
    ///
    /// # Errors
    /// [`Error::TooLarge`] and [`Error::Protocol`]; nothing can be read after that.
    pub fn take_asked(&mut self) -> Result<Option<Asked>, Error> {
        let Some(mut fields) = self.fields()? else { return Ok(None) };
        let number = fields.u8()?;
        let id = fields.u32()?;
        if number == 1 {
            return Ok(Some(Asked::Init(id)));
        }
        Ok(Some(Ask::decode(number, &mut fields)?.map_or(Asked::Unknown(id), |ask| Asked::Ask(id, ask))))
    }
}

impl OpenFlags {
    /// Whether all of these are said.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Ask {
    /// What a packet with this number asks, if that is known.
    fn decode(number: u8, fields: &mut Fields) -> Result<Option<Self>, Error> {
        Ok(Some(match number {
            3 => Self::Open(path(fields)?, OpenFlags(fields.u32()?)),
            4 => Self::Close(file(fields)?),
            5 => Self::Read(file(fields)?, fields.u64()?, fields.u32()?),
            6 => Self::Write(file(fields)?, fields.u64()?, fields.bytes()?),
            7 => Self::Lstat(path(fields)?),
            8 => Self::Fstat(file(fields)?),
            9 => Self::Setstat(path(fields)?, Attributes::decode(fields)?),
            10 => Self::Fsetstat(file(fields)?, Attributes::decode(fields)?),
            11 => Self::Opendir(path(fields)?),
            12 => Self::Readdir(file(fields)?),
            13 => Self::Remove(path(fields)?),
            14 => Self::Mkdir(path(fields)?),
            15 => Self::Rmdir(path(fields)?),
            16 => Self::Realpath(path(fields)?),
            17 => Self::Stat(path(fields)?),
            18 => Self::Rename(path(fields)?, path(fields)?),
            19 => Self::Readlink(path(fields)?),
            20 => {
                let target = path(fields)?;
                Self::Symlink(path(fields)?, target)
            }
            200 if fields.bytes()? == POSIX_RENAME => Self::PosixRename(path(fields)?, path(fields)?),
            _ => return Ok(None),
        }))
    }
}

/// Copied, for a short path must not keep its whole packet.
fn path(fields: &mut Fields) -> Result<BytePath, Error> {
    Ok(BytePath::from(&fields.bytes()?[..]))
}

fn file(fields: &mut Fields) -> Result<File, Error> {
    Ok(File::new(Bytes::copy_from_slice(&fields.bytes()?), BytePath::default()))
}

impl Answer {
    /// The packet, to the request with this id.
    pub fn encode(&self, id: u32, out: &mut BytesMut) {
        let begin = out.len();
        out.put_u32(0);
        out.put_u8(match self {
            Self::Status(..) => 101,
            Self::Handle(_) => 102,
            Self::Data(_) => 103,
            Self::Names(_) => 104,
            Self::Attributes(_) => 105,
        });
        out.put_u32(id);
        match self {
            Self::Status(status, message) => {
                out.put_u32(status.code());
                text(out, message.as_bytes());
                // In no language.
                text(out, b"");
            }
            Self::Handle(bytes) | Self::Data(bytes) => text(out, bytes),
            Self::Names(entries) => {
                out.put_u32(u32::try_from(entries.len()).unwrap_or(u32::MAX));
                for entry in entries {
                    text(out, entry.name.as_bytes());
                    text(out, entry.name.as_bytes());
                    entry.attributes.encode_found(out);
                }
            }
            Self::Attributes(attributes) => attributes.encode_found(out),
        }
        close(out, begin);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::sftp::{Entry, Received, Status};

    #[test]
    fn both_sides_understand_each_other() {
        let file = File::new("h".into(), "");
        let said = Attributes::default().with_size(1).with_owner(2, 3).with_mode(0o640).with_times(4, 5);
        let asks = [
            Ask::Open("/a".into(), OpenFlags::READ | OpenFlags::CREATE),
            Ask::Close(file.clone()),
            Ask::Read(file.clone(), 5 << 30, 7),
            Ask::Write(file.clone(), 1, "data".into()),
            Ask::Lstat("/a".into()),
            Ask::Fstat(file.clone()),
            Ask::Setstat("/a".into(), said),
            Ask::Fsetstat(file.clone(), said),
            Ask::Opendir("/".into()),
            Ask::Readdir(file),
            Ask::Remove("/a".into()),
            Ask::Mkdir("/d".into()),
            Ask::Rmdir("/d".into()),
            Ask::Realpath("..".into()),
            Ask::Stat("/a".into()),
            Ask::Rename("/a".into(), "/b".into()),
            Ask::Readlink("/l".into()),
            Ask::Symlink("/l".into(), "/target".into()),
            Ask::PosixRename("/a".into(), "/b".into()),
        ];
        let (mut decoder, mut packets) = (Decoder::default(), BytesMut::new());
        crate::sftp::init(&mut packets);
        asks.iter().zip(1..).for_each(|(ask, id)| ask.encode(id, &mut packets));
        decoder.push(&packets);
        assert_eq!(decoder.take_asked().unwrap(), Some(Asked::Init(3)));
        for (ask, id) in asks.into_iter().zip(1..) {
            assert_eq!(decoder.take_asked().unwrap(), Some(Asked::Ask(id, ask)));
        }
        assert_eq!(decoder.take_asked().unwrap(), None);

        let found = Attributes { mode: Some(0o100_640), ..said };
        let answers = [
            Answer::Status(Status::NoSuchFile, "none".into()),
            Answer::Handle("h".into()),
            Answer::Data("data".into()),
            Answer::Names(vec![Entry::new("a", found), Entry::new(&b"\xff"[..], Attributes::default())]),
            Answer::Attributes(found),
        ];
        packets.clear();
        version(&mut packets);
        answers.iter().zip(1..).for_each(|(answer, id)| answer.encode(id, &mut packets));
        decoder.push(&packets);
        assert_eq!(decoder.take().unwrap(), Some(Received::Version { version: 3, posix_rename: true }));
        for (answer, id) in answers.into_iter().zip(1..) {
            assert_eq!(decoder.take().unwrap(), Some(Received::Answer(id, answer)));
        }
    }
}
