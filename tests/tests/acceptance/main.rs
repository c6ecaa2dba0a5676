//! The acceptance cases against real servers.

mod api;
mod cancel;
mod certificates;
mod clients;
mod concurrent;
mod drafts;
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
mod terminal;
mod tour;
mod worked;
