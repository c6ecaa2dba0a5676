//! Fingerprints and trust tokens: what decides whom a secret is sent to.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Error,
    compat::{Secret, Timestamp},
};

/// A whole SHA-256 in lower-case hex: of a certificate's DER, or of an image. Nothing else can be one, so it is safe in
/// a file name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint whose bytes these are.
    pub const fn from_bytes(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl core::str::FromStr for Fingerprint {
    type Err = Error;

    /// Reads 64 hexadecimal digits, of any case.
    fn from_str(hex: &str) -> Result<Self, Error> {
        let refused = || Error::InvalidInput(format!("{hex:?} is not a fingerprint: it must be 64 hexadecimal digits"));
        let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| u8::try_from(d).ok()).collect();
        if digits.len() != 64 || hex.len() != 64 {
            return Err(refused());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = <alloc::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        hex.parse().map_err(serde::de::Error::custom)
    }
}

/// A trust token, as `lxc config trust add` prints it: base64 of JSON. It is used once, by a client that wants to be
/// trusted, and says which certificate the server must show before the secret may be sent.
///
/// Incus has the same tokens, without a type.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct TrustToken {
    /// The name that the new client will have.
    #[serde(default)]
    pub client_name: String,
    /// The SHA-256 of the server's certificate.
    pub fingerprint: Fingerprint,
    /// Where the server listens, as `host:port`.
    #[serde(default, deserialize_with = "crate::compat::null_default")]
    pub addresses: Vec<String>,
    /// What proves to the server that the client was invited.
    pub secret: Secret,
    /// Until when the token is good; unset means for ever.
    #[serde(default)]
    pub expires_at: Timestamp,
    /// What is added: empty for a certificate, else an identity (since 6.2 and 5.21.3).
    #[serde(default, rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
}

impl core::str::FromStr for TrustToken {
    type Err = Error;

    /// Reads a token as it was printed; white space around and within it is ignored.
    fn from_str(text: &str) -> Result<Self, Error> {
        decode_token(text)
    }
}

impl TrustToken {
    /// The token as LXD wants to see it again.
    pub fn encode(&self) -> Secret {
        encode_token(self)
    }
}

/// Reads a token of any kind: base64 of JSON.
pub(crate) fn decode_token<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let compact: String = text.split_whitespace().collect();
    let json = STANDARD.decode(compact).map_err(|error| Error::Token(format!("it is not base64: {error}")))?;
    // The JSON's own errors are not shown: they can quote the secret.
    serde_json::from_slice(&json).map_err(|_| Error::Token("it does not hold what LXD's tokens hold".into()))
}

/// Writes a token of any kind.
pub(crate) fn encode_token(token: &impl Serialize) -> Secret {
    Secret::from(STANDARD.encode(serde_json::to_vec(token).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn only_whole_fingerprints_are_fingerprints() {
        let hex = "b9c1636727129e6c9c8c4e54e652a56c22ee99dfe69ec3f55bb15abd8f330920";
        assert_eq!(hex.parse::<Fingerprint>().unwrap().to_string(), hex);
        assert_eq!(hex.to_uppercase().parse::<Fingerprint>().unwrap().to_string(), hex);
        for wrong in ["", "b9c1", "../../x", &hex.replace('b', "g"), &(format!("{hex}00")), &hex.replace("b9", "ü")] {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_recorded_token() {
        let text = "eyJjbGllbnRfbmFtZSI6ICJ0b2siLCAiZmluZ2VycHJpbnQiOiAiYjljMTYzNjcyNzEyOWU2YzljOGM0ZTU0ZTY1MmE1NmMyMmVlOTlkZmU2OWVjM2Y1NWJiMTVhYmQ4ZjMzMDkyMCIsICJhZGRyZXNzZXMiOiBbIjEyNy4wLjAuMToxOTQ0NiJdLCAic2VjcmV0IjogIjAzMzgyN2Q0ZjgwNjJkYTcyNGY0MjAzNDNjYjgzMjI1NjMzOTY2OTJhNWJmMDU5MjEzMTA5MzFmZGY4YTU1YWUiLCAiZXhwaXJlc19hdCI6ICIwMDAxLTAxLTAxVDAwOjAwOjAwWiJ9";
        let token: TrustToken = format!(" {}\n{}\n", &text[..40], &text[40..]).parse().unwrap();
        assert_eq!(token.client_name, "tok");
        assert_eq!(token.addresses, ["127.0.0.1:19446"]);
        assert!(token.expires_at.is_unset());
        assert!(!format!("{token:?}").contains("033827d4"));
        assert_eq!(token.encode().expose().parse::<TrustToken>().unwrap(), token);
    }

    #[test]
    fn junk_is_refused_without_being_shown() {
        let secret = STANDARD.encode(r#"{"secret":"hunter2","fingerprint":"xx"}"#);
        for junk in ["", "%%%", "e30=", secret.as_str()] {
            let error = junk.parse::<TrustToken>().unwrap_err();
            assert!(matches!(error, Error::Token(_)));
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
