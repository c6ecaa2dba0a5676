//! A directory as `lxc` keeps its configuration in.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use lxd_host::fetch_certificate;

use crate::{env, trusted, unique};

/// Makes one with this `config.yml`, the identity that server `one` trusts, and that server's certificate for the remotes
/// that are named.
///
/// # Panics
/// When it cannot be written.
pub fn lxc_directory(yaml: &str, remotes: &[&str]) -> PathBuf {
    let directory = PathBuf::from(env("LXD_TEST_DIR")).join(unique("lxc"));
    let write = |name: &str, content: &[u8]| fs::write(directory.join(name), content).expect("a file");
    fs::create_dir_all(directory.join("servercerts")).expect("a directory");
    write("config.yml", yaml.as_bytes());
    let https = env("LXD_TEST_HTTPS").parse().expect("an address");
    let seen = fetch_certificate(&https, None, Duration::from_secs(10)).expect("a certificate");
    for remote in remotes {
        write(&format!("servercerts/{remote}.crt"), seen.pem().as_bytes());
    }
    write("client.crt", trusted().certificate_pem().as_ref());
    write("client.key", trusted().key_pem().expose().as_ref());
    fs::set_permissions(directory.join("client.key"), fs::Permissions::from_mode(0o600)).expect("a private file");
    directory
}
