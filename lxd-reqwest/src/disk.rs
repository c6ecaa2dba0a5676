//! A local tree, which can only block: one of tokio's threads for that does all that it is asked for at once, in order.
//! For many small files it is the hand-over to that thread which takes time.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use lxd_proto::{
    Failure, FailureKind,
    flow::{Id, Reply},
    tree::{Disk, DiskAction},
};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::io::Finished;

/// What is asked of a disk.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    asked: Vec<(Id, DiskAction)>,
    doing: Option<(Vec<Id>, JoinHandle<Vec<Finished>>)>,
}

impl Queue {
    pub(crate) fn push(&mut self, id: Id, action: DiskAction) {
        self.asked.push((id, action));
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.asked.is_empty() && self.doing.is_none()
    }

    /// Takes what is done, and begins what was asked meanwhile.
    pub(crate) fn pump(
        &mut self,
        disk: Option<&Arc<dyn Disk>>,
        context: &mut Context<'_>,
        out: &mut VecDeque<Finished>,
    ) {
        loop {
            if let Some((ids, task)) = &mut self.doing {
                let Poll::Ready(done) = Pin::new(task).poll(context) else { return };
                match done {
                    Ok(done) => out.extend(done),
                    // It has panicked.
                    Err(error) => fail(ids, out, &Failure::from_error(FailureKind::Disk, &error)),
                }
                self.doing = None;
            }
            if self.asked.is_empty() {
                return;
            }
            let asked = std::mem::take(&mut self.asked);
            let ids: Vec<_> = asked.iter().map(|(id, _)| *id).collect();
            let Some(disk) = disk.cloned() else {
                return fail(&ids, out, &Failure::new(FailureKind::Disk, "there is none"));
            };
            let act = move |(id, action)| (id, disk.act(action).map(Reply::Disk));
            self.doing = Some((ids, spawn_blocking(move || asked.into_iter().map(act).collect())));
        }
    }
}

fn fail(ids: &[Id], out: &mut VecDeque<Finished>, failure: &Failure) {
    out.extend(ids.iter().map(|id| (*id, Err(failure.clone()))));
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, sync::Mutex};

    use lxd_proto::tree::DiskReply;

    use super::*;

    /// Remembers what it was asked for, and cannot bear one path.
    #[derive(Default)]
    struct Noting(Mutex<Vec<String>>);

    impl Disk for Noting {
        fn act(&self, action: DiskAction) -> Result<DiskReply, Failure> {
            let shown = format!("{action:?}");
            assert!(!shown.contains("bad"), "of the test");
            self.0.lock().unwrap().push(shown);
            Ok(DiskReply::Done)
        }

        fn nonce(&self) -> u64 {
            0
        }
    }

    /// What comes of so many answers.
    async fn answers(queue: &mut Queue, disk: Option<&Arc<dyn Disk>>, count: usize) -> Vec<(u32, bool)> {
        let mut out = VecDeque::new();
        poll_fn(|context| {
            queue.pump(disk, context, &mut out);
            if out.len() < count { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        assert!(queue.is_idle());
        out.into_iter().map(|(id, result)| (id.0, result.is_ok())).collect()
    }

    #[tokio::test]
    async fn each_is_answered_once_and_in_order() {
        let (noting, mut queue) = (Arc::new(Noting::default()), Queue::default());
        let disk: Arc<dyn Disk> = noting.clone();
        let path = |number: u32| DiskAction::Stat(format!("{number}").as_str().into());
        (0..100).for_each(|number| queue.push(Id(number), path(number)));
        let done = answers(&mut queue, Some(&disk), 100).await;
        assert_eq!(done, (0..100).map(|number| (number, true)).collect::<Vec<_>>());
        assert_eq!(*noting.0.lock().unwrap(), (0..100).map(|number| format!("{:?}", path(number))).collect::<Vec<_>>());
        // A disk that panics is no reason to wait for ever, and there may be none.
        for (id, path) in [(1, "good"), (2, "bad"), (3, "other")] {
            queue.push(Id(id), DiskAction::Stat(path.into()));
        }
        assert_eq!(answers(&mut queue, Some(&disk), 3).await, [(1, false), (2, false), (3, false)]);
        queue.push(Id(4), DiskAction::Stat("good".into()));
        assert_eq!(answers(&mut queue, Some(&disk), 1).await, [(4, true)]);
        queue.push(Id(5), DiskAction::Stat("good".into()));
        assert_eq!(answers(&mut queue, None, 1).await, [(5, false)]);
    }
}
