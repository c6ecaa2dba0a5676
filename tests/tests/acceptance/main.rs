//! The acceptance cases against real servers.

mod cancel;
mod certificates;
mod concurrent;
mod events;
mod exec;
mod files;
mod future;
mod futures;
mod image_copies;
mod image_files;
mod image_sources;
mod images;
mod instance_kinds;
mod instance_parts;
mod instance_places;
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
mod tour;
