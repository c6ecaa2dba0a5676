//! The acceptance cases against real servers.

mod life;
mod tour;
