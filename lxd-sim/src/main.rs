//! `lxd-sim --socket PATH [--https ADDRESS:PORT] [--password PASSWORD] [--new] [--faults SEED]`: a simulated LXD at a
//! desk.

use std::{fs, process::ExitCode};

use lxd_sim::{Config, Faults, Listen, Server, Version};

const USAGE: &str = "usage: lxd-sim --socket PATH [--https ADDRESS:PORT] [--password PASSWORD] [--new] [--faults SEED]
    --new            behaves like 6.9, and not like 5.0.2
    --faults SEED    things go wrong at its connections, for as long as it runs; the seed decides which of these and how
                     often: delays, requests or answers that are lost, answers that are cut or of the wrong length,
                     requests that come twice, a proxy's page, refused connections and upgrades, silence, resets,
                     restarts, a full disk";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lxd-sim: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let (mut config, mut listen) = (Config::default(), Listen::default());
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{flag} needs a value\n{USAGE}"));
        match flag.as_str() {
            "--socket" => listen.socket = Some(value()?.into()),
            "--https" => listen.https = Some(value()?.parse()?),
            "--faults" => listen.faults = Faults::of(value()?.parse()?).lasting(),
            "--password" => config.password = Some(value()?),
            "--new" => {
                let password = config.password.take();
                config = Config::new(Version::Lxd6_9);
                config.password = password;
            }
            _ => return Err(USAGE.into()),
        }
    }
    let socket = listen.socket.clone().ok_or(USAGE)?;
    let faults = listen.faults.clone();
    // What another one has left.
    if std::os::unix::net::UnixStream::connect(&socket).is_err() {
        let _ = fs::remove_file(&socket);
    }
    let server = Server::start_with(config, listen)?;
    println!("a simulated LXD listens at unix:{}", server.socket().display());
    if let (Some(url), Some(fingerprint)) = (server.https(), server.fingerprint()) {
        println!("and at {url}, with the certificate {fingerprint}");
    }
    println!("{faults}");
    loop {
        std::thread::park();
    }
}
