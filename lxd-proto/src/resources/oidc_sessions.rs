//! Logins of OpenID Connect: `/1.0/auth/oidc-sessions`. Extension `auth_oidc_sessions` (6.6).

use alloc::string::String;

use crate::{
    compat::{Timestamp, model},
    crud::{Deletable, Listed, Resource},
    uri::Path,
};

model! {
    /// A login that lasts.
    pub struct OidcSession {
        /// Its id.
        pub uuid: String,
        /// The user's email address.
        pub email: String,
        /// The user's name.
        pub username: String,
        /// The address that the user came from.
        pub ip: String,
        /// What the user came with.
        pub user_agent: String,
        /// When it ends.
        pub expires_at: Timestamp,
        /// When it began.
        pub created_at: Timestamp,
    }
}

impl Resource for OidcSession {
    const KIND: &'static str = "OIDC session";
    const EXTENSION: Option<&'static str> = Some("auth_oidc_sessions");
    /// Its id.
    type At = String;

    fn path(uuid: &String) -> Path {
        Self::list(&None).name(uuid)
    }
}

impl Listed for OidcSession {
    /// The email address of the user whose logins they are, or of all users.
    type In = Option<String>;

    fn list(email: &Option<String>) -> Path {
        let path = Path::root().join("auth/oidc-sessions");
        email.iter().fold(path, |path, email| path.query("email", email))
    }

    fn at(_: &Option<String>, uuid: &str) -> String {
        uuid.into()
    }
}

impl Deletable for OidcSession {}
