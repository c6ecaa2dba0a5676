//! The acceptance cases against real servers.

mod life;
mod own_websockets;
mod tour;
