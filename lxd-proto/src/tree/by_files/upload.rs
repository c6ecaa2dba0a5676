//! A file that is written: its pieces come in any order, and are sent in theirs.

use alloc::collections::BTreeMap;

use bytes::Bytes;

use super::{ByFiles, listing::can_be_in_a_head};
use crate::{
    Error,
    resources::FileType,
    sftp::BytePath,
    tree::{DiskReply, Making, Slot, remote::not_open},
};

pub(super) struct Upload {
    making: Making,
    waiting: BTreeMap<u64, (u32, Bytes)>,
    /// How much is written.
    written: u64,
    begun: bool,
    busy: bool,
    failed: Option<Error>,
}

impl Upload {
    pub(super) fn new(making: Making) -> Self {
        Self { making, waiting: BTreeMap::new(), written: 0, begun: false, busy: false, failed: None }
    }

    /// The path, if there may be something by now.
    pub(super) fn begun(self) -> Option<BytePath> {
        self.begun.then_some(self.making.path)
    }
}

/// Whether it can be seen that a file is whole.
pub(in crate::tree) fn can_be_seen(path: &BytePath) -> bool {
    can_be_in_a_head(path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default())
}

impl ByFiles {
    pub(super) fn write(&mut self, token: u32, slot: Slot, offset: u64, data: Bytes) {
        let Some(upload) = self.uploads.get_mut(&slot) else { return self.end(token, Err(not_open())) };
        if let Some(error) = upload.failed.clone() {
            return self.end(token, Err(error));
        }
        upload.waiting.insert(offset, (token, data));
        self.send(slot);
    }

    /// Sends the next piece, if it is there and nothing else is on its way.
    fn send(&mut self, slot: Slot) {
        let Some(upload) = self.uploads.get_mut(&slot).filter(|upload| !upload.busy) else { return };
        let Some((token, data)) = upload.waiting.remove(&upload.written) else { return };
        let first = !upload.begun;
        (upload.busy, upload.begun) = (true, true);
        let making = upload.making.clone();
        self.writing.insert(token, (slot, data.len()));
        if first {
            self.begin(token, &making, data);
        } else {
            let append = self.ask_append(&making.path, data);
            self.ask(token, [append]);
        }
    }

    /// What is there keeps its owner and mode, and a link would be followed: so it is removed before.
    fn begin(&mut self, token: u32, making: &Making, data: Bytes) {
        let clear = making.replaces.then(|| self.ask_clear(&making.path));
        let put = self.ask_put(&making.path, FileType::File, Some(data), making.attributes);
        self.ask(token, clear.into_iter().chain([put]));
    }

    /// A piece is written, or not.
    pub(super) fn written(&mut self, slot: Slot, length: usize, result: Result<(), Error>) {
        let Some(upload) = self.uploads.get_mut(&slot) else { return };
        upload.busy = false;
        match result {
            Ok(()) => upload.written += length as u64,
            Err(error) => {
                let waiting = core::mem::take(&mut upload.waiting).into_values();
                self.finished.extend(waiting.map(|(token, _)| (token, Err(error.clone()))));
                upload.failed = Some(error);
            }
        }
        self.send(slot);
    }

    pub(super) fn finish(&mut self, token: u32, slot: Slot) {
        let Some(Upload { making, written, begun, .. }) = self.uploads.remove(&slot) else {
            return self.end(token, Err(not_open()));
        };
        self.finishing.insert(token, making.path.clone());
        if !begun {
            self.begin(token, &making, Bytes::new());
        } else if can_be_seen(&making.path) {
            let look = self.ask_whether_whole(&making.path, written);
            self.ask(token, [look]);
        } else {
            self.end(token, Ok(DiskReply::Done));
        }
    }
}
