//! Writes the simulation's own image to stdout: `cargo run -p lxd-sim --example image > image.tar`.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(&lxd_sim::image())
}
