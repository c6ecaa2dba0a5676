//! Trusted clients: `/1.0/certificates`.

use alloc::{string::String, vec::Vec};

use http::Method;

use crate::{
    Call, Client, Collection, Endpoint, Error, Request, Response, Run, TrustToken,
    compat::{Secret, model, open_enum, request, writable},
    crud::{Creatable, Created, Deletable, Editable, Listed, Patchable, resource},
    endpoint::json,
    entitlements::Entitled,
    flow::{
        InTurn,
        trust::{Proof, Trust},
    },
};

use super::tokens::Issued;

open_enum! {
    /// What a certificate may be used for.
    pub enum CertificateType {
        /// By a client.
        Client = "client",
        /// Only to read metrics.
        Metrics = "metrics",
        /// By a member of the cluster.
        Server = "server",
    }
}

model! {
    /// A trusted certificate.
    pub struct Certificate {
        /// Its SHA-256, hex.
        pub fingerprint: String,
        /// The certificate, PEM.
        pub certificate: String,
        /// Its name in the list.
        pub name: String,
        /// What it may be used for.
        #[serde(rename = "type")]
        pub kind: CertificateType,
        /// Whether it may see only some projects.
        pub restricted: bool,
        /// Which projects, if restricted.
        pub projects: Vec<String>,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }
}

writable! {
    /// What can be written of a [`Certificate`].
    pub struct CertificatePut / CertificatePatch {
        /// The certificate, PEM.
        pub certificate: String,
        /// Its name in the list.
        pub name: String,
        /// What it may be used for.
        #[serde(rename = "type")]
        pub kind: CertificateType,
        /// Whether it may see only some projects.
        pub restricted: bool,
        /// Which projects, if restricted.
        pub projects: Vec<String>,
    }
}

request! {
    /// A certificate to be trusted: `POST /1.0/certificates`.
    pub struct CertificatesPost {
        /// Its name in the list.
        pub name: String,
        /// What it may be used for.
        #[serde(rename = "type")]
        pub kind: CertificateType,
        /// The certificate: base64 of its DER, without the lines of PEM. None means the one of this connection.
        pub certificate: Option<String>,
        /// Whether it may see only some projects.
        pub restricted: bool,
        /// Which projects, if restricted.
        pub projects: Vec<String>,
        /// The trust password; on servers without `explicit_trust_token` also a token.
        pub password: Option<Secret>,
        /// A token (`explicit_trust_token`).
        pub trust_token: Option<Secret> = "explicit_trust_token",
        /// Asks for a token instead of adding a certificate.
        pub token: bool,
    }
}

impl CertificatesPost {
    /// A client's certificate of this name, without the certificate itself.
    pub fn client(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: CertificateType::Client, ..Self::default() }
    }
}

resource! { Certificate, "certificate": "certificates" }

impl Creatable for Certificate {
    type Post = CertificatesPost;
    /// Its name is the fingerprint.
    type Answer = Created;
}

impl Editable for Certificate {
    type Put = CertificatePut;
    const READ_ONLY: &'static [&'static str] = &["fingerprint", "access_entitlements"];
}

impl Patchable for Certificate {
    type Patch = CertificatePatch;
}

impl Deletable for Certificate {}
impl Entitled for Certificate {}

/// Asks for a token that somebody else becomes trusted with: `POST /1.0/certificates` with `token: true`.
#[derive(Clone, Debug)]
pub struct TokenRequest(pub CertificatesPost);

impl Endpoint for TokenRequest {
    type Output = Issued<TrustToken>;

    fn request(&self) -> Result<Request, Error> {
        json(Method::POST, &Certificate::list(&()), &self.0)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Issued::read(&response, |_| ("client_name", self.0.name.as_str().into()))
    }

    fn extensions(&self) -> Vec<&'static str> {
        Vec::from(["certificate_token"])
    }
}

impl<C: Client> Call<C, TokenRequest> {
    /// The client will see only these projects (extension `certificate_project`).
    pub fn restricted_to<P: Into<String>>(mut self, projects: impl IntoIterator<Item = P>) -> Self {
        self.endpoint.0.restricted = true;
        self.endpoint.0.projects = projects.into_iter().map(Into::into).collect();
        self
    }
}

impl<C: Client> Collection<C, Certificate> {
    /// Makes a token that a client of this name becomes trusted with, once: `POST /1.0/certificates` (extension
    /// `certificate_token`). The server must listen on HTTPS (`core.https_address`), and says itself how long the token
    /// is good (`core.remote_token_expiry`; by default for ever). It is revoked by [`Issued::operation`].
    pub fn token(&self, name: impl Into<String>) -> Call<C, TokenRequest> {
        let post = CertificatesPost { token: true, ..CertificatesPost::client(name) };
        Call::new(&self.client, TokenRequest(post))
    }

    /// Makes this client's own certificate trusted, under this name: `GET /1.0`, then `POST /1.0/certificates`. When it
    /// is trusted already nothing is sent, and that is success.
    ///
    /// # Errors
    /// [`Error::Token`] when a token is for another server than the client has pinned; the secret is not sent then.
    pub fn trust(&self, name: impl Into<String>, proof: impl Into<Proof>) -> Run<C, InTurn<Trust>> {
        let trust = Trust::new(proof.into(), name.into(), self.client.pin());
        Run::new(&self.client, InTurn::new(trust))
    }
}
