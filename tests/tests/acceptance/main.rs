//! The acceptance cases against real servers.

mod cancel;
mod certificates;
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
mod operations;
mod own_websockets;
mod profiles;
mod remotes;
mod scope;
mod server;
mod snapshots;
mod storage_pools;
mod storage_volume_snapshots;
mod storage_volumes;
mod tour;
