use std::sync::{Arc, Barrier};

use rcgen::{CertificateParams, KeyPair};

use super::*;

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_made_is_kept_and_found_again() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("a/b");
    let made = ClientIdentity::load_or_create(&directory).unwrap();
    assert_eq!(names(&directory), [CERTIFICATE, KEY]);
    for again in [ClientIdentity::load(&directory), ClientIdentity::load_or_create(&directory)] {
        assert_eq!(again.unwrap().fingerprint(), made.fingerprint());
    }
    assert_eq!(fs::read_to_string(directory.join(CERTIFICATE)).unwrap(), made.certificate_pem());
    assert!(fs::read_to_string(directory.join(KEY)).unwrap().starts_with(made.key_pem().expose()));
}

#[cfg(unix)]
#[test]
fn only_the_user_may_read_the_key() {
    use std::os::unix::fs::PermissionsExt;

    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("a");
    ClientIdentity::load_or_create(&directory).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&directory.join(KEY)), 0o600);
}

#[test]
fn many_at_once_have_one_identity() {
    for _ in 0..10 {
        let home = tempfile::tempdir().unwrap();
        let barrier = Arc::new(Barrier::new(8));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (directory, barrier) = (home.path().join("a"), barrier.clone());
                std::thread::spawn(move || {
                    barrier.wait();
                    ClientIdentity::load_or_create(directory).unwrap().fingerprint()
                })
            })
            .collect();
        let mut found: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        found.dedup();
        assert_eq!(found.len(), 1);
        assert_eq!(names(&home.path().join("a")), [CERTIFICATE, KEY]);
    }
}

#[test]
fn a_process_that_died_in_between_is_completed() {
    let home = tempfile::tempdir().unwrap();
    let made = ClientIdentity::load_or_create(home.path()).unwrap();
    fs::remove_file(home.path().join(CERTIFICATE)).unwrap();
    assert_eq!(ClientIdentity::load_or_create(home.path()).unwrap().fingerprint(), made.fingerprint());
    assert_eq!(names(home.path()), [CERTIFICATE, KEY]);
}

#[test]
fn half_a_pair_is_left_alone() {
    let identity = ClientIdentity::generate("me@here").unwrap();
    for (there, content) in [(CERTIFICATE, identity.certificate_pem()), (KEY, identity.key_pem().expose().to_owned())] {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(there), &content).unwrap();
        let error = ClientIdentity::load_or_create(home.path()).unwrap_err();
        assert!(matches!(error, Error::Identity { .. }));
        assert!(error.to_string().contains(&format!("{there} is there, but")), "{error}");
        assert!(ClientIdentity::load(home.path()).is_err());
        assert_eq!(names(home.path()), [there]);
        assert_eq!(fs::read_to_string(home.path().join(there)).unwrap(), content);
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let error = ClientIdentity::load_or_create(file.join("a")).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
}

#[test]
fn its_forms() {
    let identity = ClientIdentity::generate("me@here").unwrap();
    let again = ClientIdentity::from_pem(identity.certificate_pem(), identity.key_pem().expose()).unwrap();
    assert_eq!(again.fingerprint(), identity.fingerprint());
    let der = STANDARD.decode(identity.certificate_base64()).unwrap();
    assert_eq!(trust::fingerprint(&der), identity.fingerprint());
    assert_eq!(format!("{identity:?}"), format!("ClientIdentity({})", identity.fingerprint()));
    // What is in it: the names, P-384, and that it is for clients.
    for part in [&b"LXD"[..], b"me@here", &[0x2b, 0x81, 0x04, 0x00, 0x22], &[0x2b, 6, 1, 5, 5, 7, 3, 2]] {
        assert!(der.windows(part.len()).any(|window| window == part), "{part:?}");
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (one, other) = (ClientIdentity::generate("a").unwrap(), ClientIdentity::generate("b").unwrap());
    let error = ClientIdentity::from_pem(one.certificate_pem(), other.key_pem().expose()).unwrap_err();
    assert!(error.to_string().contains("do not make an identity"), "{error}");
    assert!(ClientIdentity::from_pem(other.key_pem().expose(), one.certificate_pem()).is_err());
}

#[test]
fn a_chain_stays_whole() {
    let ca = KeyPair::generate().unwrap();
    let ca = CertificateParams::default().self_signed(&ca).unwrap();
    let identity = ClientIdentity::generate("a").unwrap();
    let chain = identity.certificate_pem() + &pem::encode("CERTIFICATE", ca.der());
    let read = ClientIdentity::from_pem(&chain, identity.key_pem().expose()).unwrap();
    assert_eq!(read.fingerprint(), identity.fingerprint());
    assert_eq!(read.certificate_pem(), chain);
}
