//! What goes wrong on the way, by a seed.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

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

impl Default for Faults {
    fn default() -> Self {
        Self::none()
    }
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

    /// The same, however often: for who tries by hand what comes of it.
    #[must_use]
    pub fn lasting(self) -> Self {
        Self { left: u32::MAX, ..self }
    }

    /// Whether this goes wrong now.
    fn strikes(&mut self, kind: Fault) -> bool {
        let strikes = self.left > 0 && self.kinds.contains(&kind) && self.random.next() % self.one_in == 0;
        self.left -= u32::from(strikes);
        strikes
    }

    fn moment(&mut self, most: Duration) -> Duration {
        Duration::from_micros(self.random.next() % most.as_micros().max(1) as u64)
    }

    /// A number below another one.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random.next() % limit.max(1) as u64).unwrap_or_default()
    }

    /// How long something is on its way: not long, unless it is delayed.
    pub(crate) fn way(&mut self) -> Duration {
        let delay = self.delay();
        Duration::from_micros(50) + self.moment(Duration::from_millis(2)) + delay
    }

    /// How much longer than usual something takes.
    pub(crate) fn delay(&mut self) -> Duration {
        if self.strikes(Fault::Delay) { self.moment(DELAY) } else { Duration::ZERO }
    }

    /// Whether a connection is refused.
    pub(crate) fn refuse(&mut self) -> bool {
        self.strikes(Fault::Refuse)
    }

    /// What becomes of a request that is about to be sent.
    pub(crate) fn plan(&mut self, upgrade: bool) -> Plan {
        let kinds = if upgrade {
            [
                (Fault::DropRequest, Fate::Lost),
                (Fault::RefuseUpgrade, Fate::Refused),
                (Fault::Stall, Fate::Stalled),
                (Fault::Reset, Fate::Reset),
            ]
            .as_slice()
        } else {
            &[
                (Fault::DropRequest, Fate::Lost),
                (Fault::DropAnswer, Fate::Unanswered),
                (Fault::Cut, Fate::Cut),
                (Fault::WrongLength, Fate::Short),
                (Fault::Html, Fate::Page),
                (Fault::Stall, Fate::Stalled),
            ]
        };
        Plan {
            fate: kinds.iter().find(|(fault, _)| self.strikes(*fault)).map_or(Fate::Whole, |(_, fate)| *fate),
            twice: !upgrade && self.strikes(Fault::Duplicate),
            away: self.strikes(Fault::Restart).then(|| self.moment(AWAY)),
            full: self.strikes(Fault::FullDisk).then(|| self.moment(FULL)),
        }
    }

    /// What comes of an answer.
    pub(crate) fn answer(&mut self, fate: Fate, mut response: Response<Bytes>) -> Arrival {
        let length = response.body().len();
        match fate {
            Fate::Stalled => Arrival::Never,
            Fate::Unanswered | Fate::Lost => Arrival::Lost,
            Fate::Cut if length > 0 => Arrival::Cut(response),
            Fate::Short if length > 0 => {
                let at = self.below(length);
                response.body_mut().truncate(at);
                Arrival::Whole(response)
            }
            Fate::Page | Fate::Refused => Arrival::Whole(page()),
            _ => Arrival::Whole(response),
        }
    }

    /// What becomes of a message on what was upgraded: of one in four, what was meant for the connection.
    pub(crate) fn carry(&mut self, fate: Fate) -> Carry {
        match fate {
            Fate::Stalled if self.below(4) == 0 => Carry::Stalled,
            Fate::Reset if self.below(4) == 0 => Carry::Broken,
            _ if self.strikes(Fault::Cut) => Carry::InTwo,
            _ => Carry::Whole,
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.left == 0 || self.kinds.is_empty() {
            return f.write_str("nothing goes wrong");
        }
        write!(f, "of {} things one goes wrong by each of {:?}", self.one_in, self.kinds)
    }
}

/// How long a delay is at most.
const DELAY: Duration = Duration::from_secs(20);

/// How long a daemon takes at most to start again.
const AWAY: Duration = Duration::from_secs(4);

/// How long a disk is full at most.
const FULL: Duration = Duration::from_secs(5);

/// After how long the system notices that a peer is gone which says nothing.
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(60);

/// What becomes of a request, and of all that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) fate: Fate,
    /// The request comes twice.
    pub(crate) twice: bool,
    /// The daemon starts again meanwhile, and is away for so long.
    pub(crate) away: Option<Duration>,
    /// The disk is full from now on, for so long.
    pub(crate) full: Option<Duration>,
}

/// What becomes of a request, of its answer, or of what it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Whole,
    /// It never comes to its server.
    Lost,
    /// A proxy answers in its place, without asking.
    Refused,
    /// Done, and the answer is lost.
    Unanswered,
    Cut,
    /// Taken for whole too early.
    Short,
    /// Done, and a proxy answers.
    Page,
    /// Nothing comes.
    Stalled,
    /// It breaks some time.
    Reset,
}

/// What comes of an answer.
#[derive(Debug)]
pub(crate) enum Arrival {
    Whole(Response<Bytes>),
    /// A part of it, and the connection breaks.
    Cut(Response<Bytes>),
    /// Nothing, and the connection breaks.
    Lost,
    /// Nothing, and the connection stays.
    Never,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carry {
    Whole,
    /// Its bytes come in two pieces.
    InTwo,
    /// It does not come, nor does anything after it.
    Stalled,
    /// The connection breaks instead.
    Broken,
}

/// What a proxy says whose server does not answer.
fn page() -> Response<Bytes> {
    let page = Bytes::from_static(b"<html><head><title>502 Bad Gateway</title></head></html>");
    let mut response = Response::new(page);
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}
