//! What this process has taken from the machine: tests compare before and after.

use std::{
    fs,
    time::{Duration, Instant},
};

/// How many idle connections an adapter's pool keeps.
pub const POOLED: usize = 8;

/// How many file descriptors are open, and how many threads there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Open file descriptors.
    pub files: usize,
    /// Threads.
    pub threads: usize,
}

impl Resources {
    /// As it is now.
    pub fn now() -> Self {
        let count = |path| fs::read_dir(path).map_or(0, Iterator::count);
        Self { files: count("/proc/self/fd"), threads: count("/proc/self/task") }
    }

    /// Fails unless there is soon no more than this, but for what a pool of connections may keep: closing and ending is
    /// not awaited by those who begin it.
    ///
    /// # Panics
    /// When there is more.
    pub fn assert_flat(self, pooled: usize) {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let now = Self::now();
            if now.files <= self.files + pooled && now.threads <= self.threads {
                return;
            }
            assert!(Instant::now() < end, "before {self:?}, now {now:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The most memory that this process had at once since the last call, in KiB.
///
/// # Panics
/// When there is no `/proc`.
pub fn peak_memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    // Begins again with what it has now.
    fs::write("/proc/self/clear_refs", "5").expect("/proc");
    line.trim_end_matches("kB").trim().parse().expect("a number")
}
