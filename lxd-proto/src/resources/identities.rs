//! Who can do something: `/1.0/auth/identities`. Extension `access_management` (5.21); those with certificates are made and
//! removed since `access_management_tls` (6.2 and 5.21.3), those with tokens came with `auth_bearer_devlxd` (6.6).

use alloc::{string::String, vec::Vec};
use core::ops::Deref;

use crate::{
    compat::{Timestamp, model, open_enum, request, writable},
    crud::{Creatable, Created, Deletable, Editable, Listed, Patchable, Resource, resource},
    entitlements::Entitled,
    uri::Path,
};

use super::Permission;

open_enum! {
    /// How an identity proves who it is.
    pub enum AuthenticationMethod {
        /// By a certificate.
        Tls = "tls",
        /// By OpenID Connect.
        Oidc = "oidc",
        /// By a token of this server (6.6).
        Bearer = "bearer",
    }
}

open_enum! {
    /// What an identity is. What it may do is its groups' business, where nothing else is said.
    pub enum IdentityType {
        /// A client's certificate.
        ClientCertificate = "Client certificate",
        /// A token for a client that has not come yet.
        ClientCertificatePending = "Client certificate (pending)",
        /// A client's certificate that may do all in some projects.
        ClientCertificateRestricted = "Client certificate (restricted)",
        /// A client's certificate that may do all.
        ClientCertificateUnrestricted = "Client certificate (unrestricted)",
        /// A cluster member's certificate.
        ServerCertificate = "Server certificate",
        /// A certificate that may read the metrics of some projects.
        MetricsCertificateRestricted = "Metrics certificate (restricted)",
        /// A certificate that may read all metrics.
        MetricsCertificateUnrestricted = "Metrics certificate (unrestricted)",
        /// Another cluster's certificate (6.8).
        ClusterLinkCertificate = "Cluster link certificate",
        /// A token for another cluster that has not come yet (6.8).
        ClusterLinkCertificatePending = "Cluster link certificate (pending)",
        /// A user of an OpenID Connect provider.
        OidcClient = "OIDC client",
        /// Who has a token for this API (`auth_bearer`, 6.7).
        ClientTokenBearer = "Client token bearer",
        /// Who has a token for the API inside of instances (`auth_bearer_devlxd`, 6.6).
        DevLxdTokenBearer = "DevLXD token bearer",
    }
}

model! {
    /// An identity.
    pub struct Identity {
        /// How it proves who it is.
        pub authentication_method: AuthenticationMethod,
        /// What it is.
        #[serde(rename = "type")]
        pub kind: IdentityType,
        /// Its id: a certificate's fingerprint, a user's email address, or a UUID.
        pub id: String,
        /// Its name, or the user's.
        pub name: String,
        /// The names of the groups that it is in.
        pub groups: Vec<String>,
        /// Its certificate, PEM, if it has one (`access_management_tls`).
        pub tls_certificate: String,
        /// Until when its certificate or token is good; unset means for ever (`access_management_expiry`, after 6.9).
        pub expires_at: Timestamp,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }

    /// The identity that asks.
    pub struct IdentityInfo {
        /// How it proves who it is.
        pub authentication_method: AuthenticationMethod,
        /// What it is.
        #[serde(rename = "type")]
        pub kind: IdentityType,
        /// Its id.
        pub id: String,
        /// Its name, or the user's.
        pub name: String,
        /// The names of the groups that it is in itself.
        pub groups: Vec<String>,
        /// Its certificate, PEM, if it has one.
        pub tls_certificate: String,
        /// Until when its certificate or token is good; unset means for ever (`access_management_expiry`, after 6.9).
        pub expires_at: Timestamp,
        /// The names of all groups that it is in, also by its identity provider's groups.
        pub effective_groups: Vec<String>,
        /// What it may do by all these groups.
        pub effective_permissions: Vec<Permission>,
        /// Whether groups decide what it may do.
        pub fine_grained: bool,
    }
}

writable! {
    /// What can be written of an identity.
    pub struct IdentityPut / IdentityPatch {
        /// The names of the groups that it is in.
        pub groups: Vec<String>,
        /// Its certificate, PEM, if it has one (`access_management_tls`).
        pub tls_certificate: String,
    }
}

request! {
    /// An identity with a certificate to be made: `POST /1.0/auth/identities/tls`.
    pub struct IdentitiesTlsPost {
        /// Its name.
        pub name: String,
        /// Its certificate, PEM.
        pub certificate: String,
        /// Asks for a token instead of adding a certificate.
        pub token: bool,
        /// The names of the groups that it will be in.
        pub groups: Vec<String>,
    }

    /// An identity with a token to be made, without a token as yet: `POST /1.0/auth/identities/bearer`.
    pub struct IdentitiesBearerPost {
        /// What it is.
        #[serde(rename = "type")]
        pub kind: IdentityType,
        /// Its name.
        pub name: String,
        /// The names of the groups that it will be in.
        pub groups: Vec<String>,
    }
}

impl IdentitiesTlsPost {
    /// An identity of this name with this certificate, PEM.
    pub fn new(name: impl Into<String>, certificate: impl Into<String>) -> Self {
        Self { name: name.into(), certificate: certificate.into(), ..Self::default() }
    }
}

impl IdentitiesBearerPost {
    /// One of this name for this API (extension `auth_bearer`, 6.7).
    pub fn client(name: impl Into<String>) -> Self {
        Self { kind: IdentityType::ClientTokenBearer, name: name.into(), ..Self::default() }
    }

    /// One of this name for the API inside of instances.
    pub fn devlxd(name: impl Into<String>) -> Self {
        Self { kind: IdentityType::DevLxdTokenBearer, name: name.into(), ..Self::default() }
    }
}

impl Resource for Identity {
    const KIND: &'static str = "identity";
    const EXTENSION: Option<&'static str> = Some("access_management");
    /// Its method, and its name or id.
    type At = (AuthenticationMethod, String);

    fn path((method, name): &Self::At) -> Path {
        Self::list(&()).name(method.as_str()).name(name)
    }
}

impl Listed for Identity {
    type In = ();

    fn list((): &()) -> Path {
        Path::root().join("auth/identities")
    }

    /// Their names in the list have two parts, as `tls/laptop`.
    fn at((): &(), name: &str) -> Self::At {
        let (method, name) = name.split_once('/').unwrap_or_default();
        (method.into(), name.into())
    }
}

impl Entitled for Identity {}

impl Resource for IdentityInfo {
    const KIND: &'static str = "the identity that asks";
    const EXTENSION: Option<&'static str> = Some("access_management");
    type At = ();

    fn path((): &()) -> Path {
        Path::root().join("auth/identities/current")
    }
}

/// Declares the identities of one method, which LXD describes alike.
macro_rules! identity {
    ($($(#[$meta:meta])* $name:ident, $kind:literal ($extension:literal): $list:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Identity);

        impl Deref for $name {
            type Target = Identity;

            fn deref(&self) -> &Identity {
                &self.0
            }
        }

        resource! { $name, $kind ($extension): $list }

        impl Editable for $name {
            type Put = IdentityPut;
            const READ_ONLY: &'static [&'static str] =
                &["access_entitlements", "authentication_method", "expires_at", "id", "name", "type"];
        }

        impl Patchable for $name {
            type Patch = IdentityPatch;
        }

        impl Deletable for $name {}
        impl Entitled for $name {}
    )*};
}

identity! {
    /// An identity with a certificate, or with a token to show one.
    TlsIdentity, "TLS identity" ("access_management"): "auth/identities/tls";
    /// An identity of an OpenID Connect provider. It is made by its first login, and by nobody else:
    ///
    /// ```compile_fail
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::Lxd;
    ///
    /// lxd.auth().oidc_identities().create(Default::default()).send()?;
    /// # Ok(())
    /// # }
    /// ```
    OidcIdentity, "OIDC identity" ("access_management"): "auth/identities/oidc";
    /// An identity with a token that it shows with each request.
    BearerIdentity, "bearer identity" ("auth_bearer_devlxd"): "auth/identities/bearer";
}

impl Creatable for TlsIdentity {
    type Post = IdentitiesTlsPost;
    /// Its name is the fingerprint.
    type Answer = Created;

    fn needs(_: &IdentitiesTlsPost) -> Vec<&'static str> {
        Vec::from(["access_management_tls"])
    }
}

impl Creatable for BearerIdentity {
    type Post = IdentitiesBearerPost;
    /// Its name is the id.
    type Answer = Created;

    fn needs(post: &IdentitiesBearerPost) -> Vec<&'static str> {
        let client = post.kind == IdentityType::ClientTokenBearer;
        client.then_some("auth_bearer").into_iter().collect()
    }
}
