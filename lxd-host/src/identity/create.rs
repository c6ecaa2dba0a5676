//! Making an identity, and keeping it in two files that other processes may be making at the same time.
//!
//! The key's file comes first, and the name is only ever given to a whole file, so whoever names it first has won. It
//! holds the certificate too: from it anybody can write the second file, the same one every time. So there is no moment
//! at which a process may die and leave a pair that cannot be completed.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    time::SystemTime,
};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use tempfile::NamedTempFile;
use time::{Duration, OffsetDateTime};

use super::{CERTIFICATE, ClientIdentity, KEY};
use crate::{Error, pem};

pub(super) fn generate(name: &str) -> Result<ClientIdentity, Error> {
    let failed = |error: rcgen::Error| Error::Certificate(format!("no certificate can be made: {error}"));
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).map_err(failed)?;
    let now = OffsetDateTime::from(SystemTime::now());
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "LXD");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now - Duration::HOUR;
    params.not_after = now + Duration::days(3650);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.self_signed(&key).map_err(failed)?;
    ClientIdentity::new(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
}

pub(super) fn load_or_create(directory: &Path) -> Result<ClientIdentity, Error> {
    let exists = |name: &str| {
        let path = directory.join(name);
        path.try_exists().map_err(|error| Error::Identity { path, reason: error.to_string() })
    };
    // The certificate is looked for first: as it is written last, it cannot appear without its key in between.
    match (exists(CERTIFICATE)?, exists(KEY)?) {
        (true, true) => ClientIdentity::load(directory),
        (true, false) => Err(half(directory, CERTIFICATE, KEY)),
        (false, true) => complete(directory),
        (false, false) => create(directory),
    }
}

fn create(directory: &Path) -> Result<ClientIdentity, Error> {
    let at = |error: io::Error| Error::Identity { path: directory.to_owned(), reason: error.to_string() };
    make_private(directory).map_err(at)?;
    let identity = generate(&user_at_host())?;
    keep(directory, KEY, &(identity.key_pem().expose().to_owned() + &identity.certificate_pem())).map_err(at)?;
    complete(directory)
}

/// Writes the certificate that the key's file holds, unless that happened meanwhile.
fn complete(directory: &Path) -> Result<ClientIdentity, Error> {
    let path = directory.join(KEY);
    let content = fs::read(&path).map_err(|error| Error::Identity { path, reason: error.to_string() })?;
    let certificate = pem::certificates(&content).map_err(|_| half(directory, KEY, CERTIFICATE))?;
    let certificate: String = certificate.iter().map(|certificate| pem::encode("CERTIFICATE", certificate)).collect();
    keep(directory, CERTIFICATE, &certificate)
        .map_err(|error| Error::Identity { path: directory.to_owned(), reason: error.to_string() })?;
    ClientIdentity::load(directory)
}

/// Gives a whole file its name, unless there is one of that name already. Only this user may read it.
fn keep(directory: &Path, name: &str, content: &str) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(content.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(directory.join(name)) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

fn half(directory: &Path, there: &str, missing: &str) -> Error {
    Error::Identity {
        path: directory.to_owned(),
        reason: format!(
            "{there} is there, but {missing} is not; bring {missing} back from where it went, or move {there} away to \
             have a new identity made (which servers do not trust yet)"
        ),
    }
}

fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// The name that `lxc` gives its certificate. It only tells people which certificate is whose.
fn user_at_host() -> String {
    let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(set).unwrap_or_else(|| "unknown".into());
    #[cfg(unix)]
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let host = set(&"COMPUTERNAME").unwrap_or_else(|| "unknown".into());
    format!("{user}@{host}")
}
