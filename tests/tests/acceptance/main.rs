//! The acceptance cases against real servers.

mod cancel;
mod exec;
mod futures;
mod kill;
mod life;
