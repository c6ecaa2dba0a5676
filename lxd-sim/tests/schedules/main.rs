//! Whole flows against simulated servers on which things go wrong by a seed, through the core alone and in virtual time.
//!
//! Each seed is a schedule of each scenario. What must be true in the end, whatever went wrong on the way: no update is
//! lost, nothing is made twice, nothing is taken for a success that is none, nothing that broke off for whole, no secret is
//! shown, and everything ends.
//!
//! | | |
//! |---|---|
//! | `LXD_SIM_SCHEDULES=1000000` | so many schedules; otherwise 1,800 |
//! | `LXD_SIM_SEED=7` | this one alone, of each scenario |

mod memory;
mod scenarios;
mod trees;

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
    time::Instant,
};

use lxd_sim::{Config, Faults, Sim, Version, World};
use scenarios::SCENARIOS;

/// Without another number: for each run of all tests.
const FEW: u64 = 1_800;

/// A schedule: two servers, and what will go wrong.
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) world: World,
    pub(crate) faults: Faults,
}

impl Run {
    fn new(seed: u64) -> Self {
        let version = if seed % 2 == 0 { Version::Lxd5_0_2 } else { Version::Lxd6_9 };
        let server = |number: u64| {
            let mut config = Config::new(version);
            config.seed = seed * 2 + number;
            Sim::new(config)
        };
        Self { seed, world: World::new([server(0), server(1)], Faults::none()), faults: Faults::of(seed) }
    }

    /// From here on things go wrong.
    pub(crate) fn disturb(&self) {
        self.world.disturb(self.faults.clone());
    }
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn no_schedule_breaks_a_promise() {
    let seeds = match number("LXD_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("LXD_SIM_SCHEDULES").unwrap_or(FEW).div_ceil(SCENARIOS.len() as u64),
    };
    let (begin, next) = (Instant::now(), AtomicU64::new(seeds.start));
    let (succeeded, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Relaxed);
            if seed >= seeds.end {
                return;
            }
            for (name, scenario) in SCENARIOS {
                match catch_unwind(AssertUnwindSafe(|| scenario(&Run::new(seed)))) {
                    Ok(true) => drop(succeeded.fetch_add(1, Relaxed)),
                    Ok(false) => drop(failed.fetch_add(1, Relaxed)),
                    Err(_) => panic!("{name} broke a promise; again with LXD_SIM_SEED={seed}"),
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let (succeeded, failed, time) = (succeeded.into_inner(), failed.into_inner(), begin.elapsed());
    println!("{} schedules in {time:.1?}: {succeeded} came to their end, {failed} to an error", succeeded + failed);
    assert!(succeeded > 0, "nothing ever succeeds");
}

/// The same seed gives the same, to the last answer.
#[test]
fn a_seed_is_reproduced() {
    for seed in 0..40 {
        for (name, scenario) in SCENARIOS {
            let play = || {
                let run = Run::new(seed);
                (scenario(&run), run.world.now())
            };
            assert_eq!(play(), play(), "{name} with {seed}");
        }
    }
}
