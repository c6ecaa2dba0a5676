//! Tokens of identities: `POST /1.0/auth/identities/tls` with `token: true`, `POST /1.0/cluster/links` without a token, and
//! `/1.0/auth/identities/bearer/{name}/token`.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::fmt;

use http::Method;
use serde::{Deserialize, de::DeserializeOwned};

use super::{BearerIdentity, ClusterLink, ClusterLinksPost, IdentitiesTlsPost, TlsIdentity, tokens::held};
use crate::{
    Call, Client, Collection, Endpoint, Error, Object, Request, Response, TrustToken,
    compat::Secret,
    crud::{Changed, Creatable, Resource},
    endpoint::{bare, json},
    envelope::Envelope,
    uri::Path,
};

fn read<T: DeserializeOwned>(response: &Response) -> Result<T, Error> {
    held(serde_json::from_str(Envelope::metadata(response)?))
}

/// Asks for a token that somebody else becomes this with: `POST` to the list. Until then it is pending; to remove it
/// revokes the token.
pub struct PendingToken<R: Creatable> {
    post: R::Post,
}

impl<R: Creatable<In = ()>> Endpoint for PendingToken<R> {
    type Output = TrustToken;

    fn request(&self) -> Result<Request, Error> {
        json(Method::POST, &R::list(&()), &self.post)
    }

    fn response(&self, response: Response) -> Result<TrustToken, Error> {
        read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        R::EXTENSION.into_iter().chain(R::needs(&self.post)).collect()
    }
}

impl<R: Creatable> fmt::Debug for PendingToken<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PendingToken({})", R::KIND)
    }
}

impl<C: Client> Collection<C, TlsIdentity> {
    /// Makes a token that a client becomes the identity of this name with, once: `POST /1.0/auth/identities/tls` (extension
    /// `access_management_tls`, 6.2 and 5.21.3). The server must listen on HTTPS (`core.https_address`), and says itself how
    /// long the token is good (`core.remote_token_expiry`; by default for ever). To remove the identity revokes it.
    pub fn token(&self, name: impl Into<String>) -> Call<C, PendingToken<TlsIdentity>> {
        let post = IdentitiesTlsPost { name: name.into(), token: true, ..IdentitiesTlsPost::default() };
        Call::new(&self.client, PendingToken { post })
    }
}

impl<C: Client> Call<C, PendingToken<TlsIdentity>> {
    /// The names of the groups that the identity will be in.
    pub fn groups<G: Into<String>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.endpoint.post.groups = groups.into_iter().map(Into::into).collect();
        self
    }
}

impl<C: Client> Collection<C, ClusterLink> {
    /// Makes a link of this name, and a token that the other cluster completes it with, once:
    /// `POST /1.0/cluster/links` (extension `cluster_links`, 6.8). To remove the link revokes it.
    pub fn token(&self, name: impl Into<String>) -> Call<C, PendingToken<ClusterLink>> {
        Call::new(&self.client, PendingToken { post: ClusterLinksPost::pending(name.into()) })
    }
}

impl<C: Client> Call<C, PendingToken<ClusterLink>> {
    /// The names of the groups that say what the other cluster may do here.
    pub fn auth_groups<G: Into<String>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.endpoint.post.auth_groups = groups.into_iter().map(Into::into).collect();
        self
    }
}

/// What an identity shows with each request, as `Authorization: Bearer`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct IdentityBearerToken {
    /// The token, a JWT.
    pub token: Secret,
}

fn token_path(identity: &String) -> Path {
    BearerIdentity::path(identity).join("token")
}

/// `POST /1.0/auth/identities/bearer/{name}/token`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssueToken {
    identity: String,
    /// For how long it is good, as `30d` or `1H 30M`; none leaves that to the server.
    pub expiry: Option<String>,
}

impl Endpoint for IssueToken {
    type Output = IdentityBearerToken;

    fn request(&self) -> Result<Request, Error> {
        let post: BTreeMap<_, _> = self.expiry.iter().map(|expiry| ("expiry", expiry)).collect();
        json(Method::POST, &token_path(&self.identity), &post)
    }

    fn response(&self, response: Response) -> Result<IdentityBearerToken, Error> {
        read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        BearerIdentity::EXTENSION.into_iter().collect()
    }
}

impl<C: Client> Call<C, IssueToken> {
    /// It is good for this long, as `30d` or `1H 30M`: years `y`, months `m`, weeks `w`, days `d`, hours `H`, minutes `M`,
    /// seconds `S`. When nothing is said, it is good for ten years.
    pub fn expiry(mut self, expiry: impl Into<String>) -> Self {
        self.endpoint.expiry = Some(expiry.into());
        self
    }
}

/// `DELETE /1.0/auth/identities/bearer/{name}/token`.
#[derive(Clone, Debug)]
pub struct RevokeToken {
    identity: String,
}

impl Endpoint for RevokeToken {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::DELETE, &token_path(&self.identity))
    }

    fn response(&self, response: Response) -> Result<Changed<()>, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        BearerIdentity::EXTENSION.into_iter().collect()
    }
}

impl<C: Client> Object<C, BearerIdentity> {
    /// Makes its token. The one that it had is good no more: `POST /1.0/auth/identities/bearer/{name}/token` (extension
    /// `auth_bearer_devlxd`, 6.6).
    pub fn issue_token(&self) -> Call<C, IssueToken> {
        Call::new(&self.client, IssueToken { identity: self.at.clone(), expiry: None })
    }

    /// Its token is good no more: `DELETE /1.0/auth/identities/bearer/{name}/token` (extension `auth_bearer_devlxd`, 6.6).
    pub fn revoke_token(&self) -> Call<C, RevokeToken> {
        Call::new(&self.client, RevokeToken { identity: self.at.clone() })
    }
}
