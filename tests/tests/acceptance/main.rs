//! The acceptance cases against real servers.

mod cancel;
mod certificates;
mod cluster;
mod concurrent;
mod events;
mod exec;
mod files;
mod future;
mod futures;
mod images;
mod instances;
mod kill;
mod life;
mod networks;
mod operations;
mod own_websockets;
mod profiles;
mod projects;
mod remotes;
mod scope;
mod server;
mod snapshots;
mod tour;
mod warnings;
