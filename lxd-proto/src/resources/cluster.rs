//! The cluster that a server is a member of: `/1.0/cluster`.

use alloc::{format, string::String, vec::Vec};

use http::Method;
use serde::{Deserialize, Serialize};

use super::{ClusterGroup, ClusterMember};
use crate::{
    Call, Client, Collection, Endpoint, Error, Fingerprint, Object, Request, Response, Run,
    compat::{Secret, Timestamp, model, request, writable},
    crud::{Changed, Resource},
    endpoint::json,
    flow::{InTurn, join::Join},
    trust::{decode_token, encode_token},
    uri::Path,
};

model! {
    /// The cluster that a server is a member of, if it is of one.
    ///
    /// It is not [`Editable`](crate::Editable): a `PUT` in which nothing is said makes LXD leave the cluster. What can be
    /// done with it has names of its own: [`enable`](Object::enable), [`join`](Object::join),
    /// [`disable`](Object::disable).
    ///
    /// ```compile_fail
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::Lxd;
    ///
    /// lxd.cluster().edit(|cluster| ()).send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub struct Cluster {
        /// The server's name in it; empty without one.
        pub server_name: String,
        /// Whether the server is a member of one.
        pub enabled: bool,
        /// What a server that joins must say of itself.
        pub member_config: Vec<ClusterMemberConfigKey>,
    }
}

writable! {
    /// What each member has for itself: a storage pool's source, for example.
    pub struct ClusterMemberConfigKey {
        /// What has the key: `storage-pool` or `network`.
        pub entity: String,
        /// Its name.
        pub name: String,
        /// The key.
        pub key: String,
        /// The value, on the server that joins.
        pub value: String,
        /// What the key is, in words.
        pub description: String,
    }
}

request! {
    /// A certificate for the whole cluster: `PUT /1.0/cluster/certificate`.
    pub struct ClusterCertificatePut {
        /// The certificate, PEM.
        pub cluster_certificate: String,
        /// Its key, PEM.
        pub cluster_certificate_key: Secret,
    }
}

impl ClusterCertificatePut {
    /// This certificate with its key, both PEM.
    pub fn new(certificate: impl Into<String>, key: impl Into<Secret>) -> Self {
        Self { cluster_certificate: certificate.into(), cluster_certificate_key: key.into() }
    }
}

impl Resource for Cluster {
    const KIND: &'static str = "cluster";
    const EXTENSION: Option<&'static str> = Some("clustering");
    type At = ();

    fn path((): &()) -> Path {
        Path::root().join("cluster")
    }
}

/// A token that a server joins a cluster with, once, as `lxc cluster add` prints it: base64 of JSON. It says which
/// certificate the cluster must show before the secret may be sent.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct ClusterMemberJoinToken {
    /// The name that the new member will have.
    pub server_name: String,
    /// The SHA-256 of the cluster's certificate.
    pub fingerprint: Fingerprint,
    /// Where the cluster's members listen, as `host:port`.
    #[serde(default, deserialize_with = "crate::compat::null_default")]
    pub addresses: Vec<String>,
    /// What proves to the cluster that the server was invited.
    pub secret: Secret,
    /// Until when the token is good; unset means for ever.
    #[serde(default)]
    pub expires_at: Timestamp,
}

impl core::str::FromStr for ClusterMemberJoinToken {
    type Err = Error;

    /// Reads a token as it was printed; white space around and within it is ignored.
    fn from_str(text: &str) -> Result<Self, Error> {
        decode_token(text)
    }
}

impl ClusterMemberJoinToken {
    /// The token as LXD wants to see it again.
    pub fn encode(&self) -> Secret {
        encode_token(self)
    }
}

/// How a server joins a cluster.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClusterJoin {
    /// The name that it will have there.
    pub server_name: String,
    /// Where it will listen, as `host:port`; empty where it listens already.
    pub server_address: String,
    /// Where a member of the cluster listens, as `host:port`.
    pub cluster_address: String,
    /// What it says of itself: [`Cluster::member_config`] of a member, with its own values.
    pub member_config: Vec<ClusterMemberConfigKey>,
    pub(crate) cluster_certificate: String,
    proof: Proof,
}

#[derive(Clone, Debug)]
enum Proof {
    Token(Secret),
    Password(Secret),
}

impl ClusterJoin {
    /// With a token. The cluster's certificate is what one of [`addresses`](ClusterMemberJoinToken::addresses) shows, as
    /// PEM, and its fingerprint.
    ///
    /// # Errors
    /// [`Error::Token`] when that is not the certificate that the token is for, or the token says no address: somebody
    /// else than the cluster would be told the secret.
    pub fn with_token(
        token: &ClusterMemberJoinToken,
        server_address: impl Into<String>,
        shown: Fingerprint,
        certificate: impl Into<String>,
    ) -> Result<Self, Error> {
        if shown != token.fingerprint {
            return Err(Error::Token(format!("it is for the cluster {}, but {shown} was shown", token.fingerprint)));
        }
        let address = token.addresses.first();
        let cluster_address = address.ok_or_else(|| Error::Token("it says no address".into()))?.clone();
        Ok(Self {
            server_name: token.server_name.clone(),
            server_address: server_address.into(),
            cluster_address,
            member_config: Vec::new(),
            cluster_certificate: certificate.into(),
            proof: Proof::Token(token.encode()),
        })
    }

    /// With the cluster's trust password, `core.trust_password` (up to 5.21). The certificate, PEM, is the one that the
    /// cluster must show before it is told.
    pub fn with_password(
        server_name: impl Into<String>,
        server_address: impl Into<String>,
        cluster_address: impl Into<String>,
        certificate: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        Self {
            server_name: server_name.into(),
            server_address: server_address.into(),
            cluster_address: cluster_address.into(),
            member_config: Vec::new(),
            cluster_certificate: certificate.into(),
            proof: Proof::Password(password.into()),
        }
    }

    /// The field that the proof goes in, by whether the server has `explicit_trust_token`.
    pub(crate) fn proof(&self, explicit: bool) -> (&'static str, &Secret) {
        match &self.proof {
            Proof::Token(token) if explicit => ("cluster_token", token),
            Proof::Token(secret) | Proof::Password(secret) => ("cluster_password", secret),
        }
    }
}

/// `PUT /1.0/cluster`, to begin a cluster or to leave one.
#[derive(Clone, Debug)]
pub struct PutCluster {
    /// The first member's name; none to leave.
    enable: Option<String>,
}

impl Endpoint for PutCluster {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        let put = match &self.enable {
            Some(name) => serde_json::json!({ "enabled": true, "server_name": name }),
            None => serde_json::json!({ "enabled": false }),
        };
        json(Method::PUT, &Cluster::path(&()), &put)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        Vec::from(["clustering"])
    }
}

/// `PUT /1.0/cluster/certificate`.
#[derive(Clone, Debug)]
pub struct ReplaceCertificate {
    put: ClusterCertificatePut,
}

impl Endpoint for ReplaceCertificate {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        json(Method::PUT, &Cluster::path(&()).join("certificate"), &self.put)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        Vec::from(["clustering_update_cert"])
    }
}

/// What can be done with the cluster, besides the generic verbs.
impl<C: Client> Object<C, Cluster> {
    /// Makes the server the first member of a new cluster, under this name: `PUT /1.0/cluster` with `enabled`. It must
    /// listen on HTTPS at an address of its own (`core.https_address`), which stays the cluster's.
    pub fn enable(&self, server_name: impl Into<String>) -> Call<C, PutCluster> {
        Call::new(&self.client, PutCluster { enable: Some(server_name.into()) })
    }

    /// Makes the server a member of a cluster that there is, and waits for it: `GET /1.0`, then `PUT /1.0/cluster`
    /// (extension `clustering_join`). It must have no instances, pools or networks of its own.
    ///
    /// Its HTTPS certificate becomes the cluster's, so that a client which has the old one pinned cannot go on: better
    /// use its Unix socket.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(m1: C, m2: C, shown: lxd_proto::Fingerprint, pem: String) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::ClusterJoin};
    ///
    /// let token = m1.cluster().members().token("m2").send()?;
    /// // `lxd_host::fetch_certificate` asks `token.addresses` which certificate they show.
    /// let mut join = ClusterJoin::with_token(&token, "10.0.0.2:8443", shown, pem)?;
    /// join.member_config = m1.cluster().get().send()?.value.member_config;
    /// m2.cluster().join(join).send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn join(&self, join: ClusterJoin) -> Run<C, InTurn<Join>> {
        Run::new(&self.client, InTurn::new(Join::new(join)))
    }

    /// Makes the server leave the cluster and **forget all that it knows**, its own instances too: `PUT /1.0/cluster` with
    /// `enabled: false`. The daemon starts again, with a new database; on 5.0.2 that can break the connection before the
    /// answer is there.
    ///
    /// The cluster is not told. Who wants to remove a member deletes [that](Self::member), which does this by itself; this
    /// is for a server whose cluster is gone.
    pub fn disable(&self) -> Call<C, PutCluster> {
        Call::new(&self.client, PutCluster { enable: None })
    }

    /// Gives all members a new HTTPS certificate: `PUT /1.0/cluster/certificate` (extension `clustering_update_cert`).
    /// Clients that have the old one pinned cannot go on.
    pub fn replace_certificate(&self, put: ClusterCertificatePut) -> Call<C, ReplaceCertificate> {
        Call::new(&self.client, ReplaceCertificate { put })
    }

    /// Its members: `/1.0/cluster/members`.
    pub fn members(&self) -> Collection<C, ClusterMember> {
        Collection::new(&self.client, ())
    }

    /// One of its members: `/1.0/cluster/members/{name}`.
    pub fn member(&self, name: impl Into<String>) -> Object<C, ClusterMember> {
        Object::new(&self.client, name.into())
    }

    /// Its groups: `/1.0/cluster/groups` (extension `clustering_groups`). With `@` before its name, one can be a
    /// [`target`](crate::Lxd::target) for new instances.
    pub fn groups(&self) -> Collection<C, ClusterGroup> {
        Collection::new(&self.client, ())
    }

    /// One of its groups: `/1.0/cluster/groups/{name}`.
    pub fn group(&self, name: impl Into<String>) -> Object<C, ClusterGroup> {
        Object::new(&self.client, name.into())
    }
}
