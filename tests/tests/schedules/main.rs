//! Whole flows against simulated servers on which things go wrong by a seed: through the core alone, in virtual time, and
//! through each adapter, over sockets.
//!
//! Each seed is a schedule of each scenario. What must be true in the end, whatever went wrong on the way: no update is
//! lost, nothing is made twice, nothing is taken for a success that is none, nothing that broke off for whole, no secret is
//! shown, and everything ends.
//!
//! | | |
//! |---|---|
//! | `LXD_SIM_SCHEDULES=1000000` | so many schedules; otherwise about 2,000 |
//! | `LXD_SIM_SEED=7` | this one alone, of each scenario |
//!
//! In virtual time a seed gives the same run each time. With an adapter it gives the same decisions, as far as they do not
//! depend on who was faster.

mod memory;
mod scenarios;
mod trees;
mod world;

use std::{
    collections::BTreeMap,
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    process,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use lxd_sim::Faults;
use lxd_tests::BlockOn;
use scenarios::scenarios;
use world::{Listening, World};

/// Without another number: for each run of all tests.
const FEW: u64 = 2_000;

/// What takes longer does not end.
const END: Duration = Duration::from_secs(60);

/// A schedule: two servers, and what will go wrong.
pub(crate) struct Run<W> {
    pub(crate) seed: u64,
    world: W,
    pub(crate) faults: Faults,
}

impl<W: World> Run<W> {
    fn new(seed: u64) -> Self {
        Self { seed, world: W::new(seed), faults: Faults::of(seed) }
    }

    /// A client of a server, to prepare something, and to look at what has become of it.
    pub(crate) fn client(&self, server: usize) -> W::Client {
        self.world.client(server)
    }

    /// A client of a server, while things go wrong.
    pub(crate) fn hurried(&self, server: usize) -> W::Client {
        self.world.hurried(server)
    }

    /// From here on things go wrong, for this client of the first server.
    pub(crate) fn disturb(&self) -> W::Client {
        self.world.disturb(&self.faults);
        self.hurried(0)
    }

    /// From here on nothing does, for this one.
    pub(crate) fn calm(&self) -> W::Client {
        self.world.calm();
        self.client(0)
    }
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Plays schedules in so many threads, and prints how many.
fn play<W: World>(name: &str, threads: usize) {
    let scenarios = scenarios::<W>();
    let each = scenarios.len() as u64;
    let schedules = match number("LXD_SIM_SEED") {
        Some(seed) => seed * each..(seed + 1) * each,
        None => 0..number("LXD_SIM_SCHEDULES").unwrap_or(FEW),
    };
    let (begin, next) = (Instant::now(), AtomicU64::new(schedules.start));
    let (succeeded, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let playing = Mutex::new(BTreeMap::new());
    let work = |thread: usize| {
        loop {
            let schedule = next.fetch_add(1, Relaxed);
            if schedule >= schedules.end {
                return;
            }
            let (seed, (scenario, play)) = (schedule / each, scenarios[(schedule % each) as usize]);
            playing.lock().unwrap().insert(thread, (Instant::now(), scenario, seed));
            match catch_unwind(AssertUnwindSafe(|| play(&Run::new(seed)))) {
                Ok(true) => drop(succeeded.fetch_add(1, Relaxed)),
                Ok(false) => drop(failed.fetch_add(1, Relaxed)),
                Err(_) => {
                    next.store(schedules.end, Relaxed);
                    panic!("{name}: {scenario} broke a promise; again with LXD_SIM_SEED={seed}");
                }
            }
            playing.lock().unwrap().remove(&thread);
        }
    };
    thread::scope(|scope| {
        let (all, over) = mpsc::channel::<()>();
        for thread in 0..threads {
            let (all, work) = (all.clone(), &work);
            scope.spawn(move || {
                let _all = all;
                work(thread);
            });
        }
        drop(all);
        while over.recv_timeout(Duration::from_secs(1)) == Err(mpsc::RecvTimeoutError::Timeout) {
            let playing = playing.lock().unwrap();
            if let Some((_, scenario, seed)) = playing.values().find(|(begin, ..)| begin.elapsed() > END) {
                eprintln!("{name}: {scenario} does not end; again with LXD_SIM_SEED={seed}");
                process::exit(1);
            }
        }
    });
    let (succeeded, failed, time) = (succeeded.into_inner(), failed.into_inner(), begin.elapsed());
    let sum = succeeded + failed;
    println!("{name}: {sum} schedules in {time:.1?}: {succeeded} came to their end, {failed} to an error");
    assert!(succeeded > 0, "nothing ever succeeds");
}

#[test]
fn the_core_breaks_no_promise() {
    play::<lxd_sim::World>("core", thread::available_parallelism().map_or(1, usize::from));
}

/// Most of the time they wait.
const WAITING: usize = 32;

#[test]
fn ureq_breaks_no_promise() {
    play::<Listening<lxd_ureq::Client>>("ureq", WAITING);
}

#[test]
fn reqwest_breaks_no_promise() {
    play::<Listening<BlockOn>>("reqwest", WAITING);
}

/// The same seed gives the same, to the last answer.
#[test]
fn a_seed_is_reproduced() {
    for seed in 0..40 {
        for (name, scenario) in scenarios::<lxd_sim::World>() {
            let play = || {
                let run = Run::new(seed);
                (scenario(&run), run.world.now())
            };
            assert_eq!(play(), play(), "{name} with {seed}");
        }
    }
}
