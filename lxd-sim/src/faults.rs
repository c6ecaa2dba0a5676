//! What goes wrong on the way, by a seed.

use std::time::Duration;

use crate::random::Random;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// It takes longer, so that what was sent later comes earlier on another connection.
    Delay,
    /// A request is lost, and its connection with it.
    DropRequest,
    /// The server does what it was asked, and its answer is lost.
    DropAnswer,
    /// An answer breaks off in the middle.
    Cut,
    /// An answer says a length that it has not: it is taken for whole too early.
    WrongLength,
    /// A request comes twice, as of a proxy that tries again, and the second answer is given.
    Duplicate,
    /// A proxy answers, with a page for people.
    Html,
    /// No connection is taken.
    Refuse,
    /// A websocket, or SFTP, is refused.
    RefuseUpgrade,
    /// Nothing more comes, and nobody says so.
    Stall,
    /// A connection breaks.
    Reset,
    /// The daemon starts again: its operations and websockets are gone, and for a while nobody answers.
    Restart,
    /// The disk is full for a while.
    FullDisk,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Delay,
        Self::DropRequest,
        Self::DropAnswer,
        Self::Cut,
        Self::WrongLength,
        Self::Duplicate,
        Self::Html,
        Self::Refuse,
        Self::RefuseUpgrade,
        Self::Stall,
        Self::Reset,
        Self::Restart,
        Self::FullDisk,
    ];
}

/// Decides what goes wrong. The same seed decides the same.
#[derive(Clone, Debug)]
pub struct Faults {
    random: Random,
    /// Which can happen at all.
    kinds: Vec<Fault>,
    /// One of so many things goes wrong.
    one_in: u64,
    /// So often at most: otherwise nothing would come to its end.
    left: u32,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self { random: Random::new(0), kinds: Vec::new(), one_in: 1, left: 0 }
    }

    /// Of each seed it is something else: which faults there are, how often, and how many.
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let chosen = random.next();
        let kinds = Fault::ALL.into_iter().enumerate().filter(|(index, _)| chosen >> index & 1 == 1);
        let kinds = kinds.map(|(_, kind)| kind).collect();
        let one_in = [2, 4, 8, 24][(random.next() % 4) as usize];
        let left = (random.next() % 6) as u32;
        Self { random, kinds, one_in, left }
    }

    /// Whether this can go wrong at all.
    pub fn can(&self, kind: Fault) -> bool {
        self.left > 0 && self.kinds.contains(&kind)
    }

    /// Whether this goes wrong now.
    pub(crate) fn strikes(&mut self, kind: Fault) -> bool {
        let strikes = self.left > 0 && self.kinds.contains(&kind) && self.random.next() % self.one_in == 0;
        self.left -= u32::from(strikes);
        strikes
    }

    /// How long something is on its way: not long, unless it is delayed.
    pub(crate) fn way(&mut self) -> Duration {
        let most = if self.strikes(Fault::Delay) { 20_000_000 } else { 2_000 };
        Duration::from_micros(50 + self.random.next() % most)
    }

    /// A number below another one.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random.next() % limit.max(1) as u64).unwrap_or_default()
    }
}
