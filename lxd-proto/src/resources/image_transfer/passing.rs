//! An upload's fingerprint, computed while its files pass, one after the other.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::fmt;

use bytes::Bytes;
use once_cell::race::OnceBox;
use sha2::{Digest, Sha256};

use crate::{Client, Fingerprint, Payload, client::Tap};

/// The files of an upload.
#[derive(Clone, Default)]
pub(super) struct Passing(Vec<File>);

#[derive(Clone)]
enum File {
    Bytes(Bytes),
    /// Has the hash of it, and of all before it, when it has passed.
    Reader(Arc<OnceBox<Sha256>>),
}

impl Passing {
    /// The next file, looked at on its way.
    pub(super) fn watch<C: Client>(&mut self, client: &C, content: Payload<C::Reader>) -> Payload<C::Reader> {
        match content {
            Payload::Reader(reader, length) => {
                let (passed, before, mut hash) = (Arc::new(OnceBox::new()), self.0.clone(), None);
                self.0.push(File::Reader(passed.clone()));
                let tap = Tap::new(move |piece| {
                    let Some(hash) = hash.get_or_insert_with(|| hash_of(&before)) else { return };
                    hash.update(piece);
                    if piece.is_empty() {
                        // The end may be shown twice.
                        let _ = passed.set(Box::new(hash.clone()));
                    }
                });
                Payload::Reader(client.tap(reader, tap), length)
            }
            Payload::Bytes(bytes) => {
                self.0.push(File::Bytes(bytes.clone()));
                Payload::Bytes(bytes)
            }
            // Nothing, or several files in one, of which nobody looks at the parts.
            other => {
                let known = matches!(other, Payload::Empty);
                self.0.push(if known { File::Bytes(Bytes::new()) } else { File::Reader(Arc::default()) });
                other
            }
        }
    }

    /// The fingerprint, when all has passed and was looked at.
    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        let hash = hash_of(&self.0).filter(|_| !self.0.is_empty())?;
        Some(Fingerprint::from_bytes(hash.finalize().into()))
    }
}

/// The hash of files that have passed.
fn hash_of(files: &[File]) -> Option<Sha256> {
    match files.split_last() {
        None => Some(Sha256::new()),
        Some((File::Bytes(bytes), before)) => Some(hash_of(before)?.chain_update(bytes)),
        Some((File::Reader(passed), _)) => passed.get().cloned(),
    }
}

impl fmt::Debug for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passing({})", self.0.len())
    }
}
