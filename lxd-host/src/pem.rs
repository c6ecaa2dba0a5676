//! PEM: the text form of certificates and keys.

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// The PEM form of DER bytes, in lines of 64 characters.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

/// All certificates in a PEM text, in their order; at least one.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("not a certificate in PEM form: {error}"))?;
    if certificates.is_empty() {
        return Err("there is no `-----BEGIN CERTIFICATE-----` in it".into());
    }
    Ok(certificates)
}

/// The first private key in a PEM text. The parser's own errors are not shown: they can quote the key.
pub(crate) fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    if pem.windows(9).any(|word| word == b"ENCRYPTED") {
        return Err("the key is encrypted; decrypt it, for example with `openssl pkey`".into());
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| "there is no private key in PEM form in it".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        for length in [1, 47, 48, 49, 500] {
            let der = vec![7; length];
            let pem = encode("CERTIFICATE", &der) + &encode("CERTIFICATE", &[1]);
            assert!(pem.lines().all(|line| line.len() <= 64));
            assert_eq!(certificates(pem.as_bytes()).unwrap(), [CertificateDer::from(der), vec![1].into()]);
        }
    }

    #[test]
    fn junk_is_refused_and_keys_are_not_quoted() {
        assert!(certificates(b"").is_err());
        assert!(certificates(b"-----BEGIN CERTIFICATE-----\nAAAA").is_err());
        let broken = b"-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----\n";
        assert!(!private_key(broken).unwrap_err().contains("hunter2"));
        let locked = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(private_key(locked).unwrap_err().contains("encrypted"));
    }
}
