//! The acceptance cases against real servers.

mod exec;
mod life;
