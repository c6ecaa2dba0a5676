//! The acceptance cases against real servers.

mod certificates;
mod concurrent;
mod events;
mod exec;
mod files;
mod future;
mod images;
mod instances;
mod life;
mod operations;
mod profiles;
mod remotes;
mod scope;
mod server;
mod snapshots;
mod tour;
