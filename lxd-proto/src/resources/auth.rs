//! Who may do what: `/1.0/auth`. Groups have permissions, and identities are in groups.
//!
//! Extension `access_management` (5.21), and what came later says so. Up to 5.20, and for clients that are no identities
//! of groups, [certificates](super::Certificate) decide.

use alloc::string::String;

use super::{
    AuthGroup, BearerIdentity, Identity, IdentityInfo, IdentityProviderGroup, ListPermissions, OidcIdentity,
    OidcSession, Permission, TlsIdentity,
};
use crate::{Call, Client, Collection, Get, Object};

/// Who may do what: `/1.0/auth`.
#[derive(Clone, Debug)]
pub struct Auth<C> {
    client: C,
}

impl<C: Client> Auth<C> {
    pub(crate) fn new(client: &C) -> Self {
        Self { client: client.clone() }
    }

    /// All groups: `/1.0/auth/groups` (extension `access_management`).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{
    ///     Lxd,
    ///     resources::{AuthGroupsPost, Permission},
    /// };
    ///
    /// let all_of_it = Permission::new("project", "/1.0/projects/web", "operator");
    /// lxd.auth().groups().create(AuthGroupsPost::new("web", [all_of_it])).wait().send()?;
    /// lxd.auth().oidc_identity("jane.doe@example.com").edit(|jane| jane.groups.push("web".into())).send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn groups(&self) -> Collection<C, AuthGroup> {
        Collection::new(&self.client, ())
    }

    /// One group: `/1.0/auth/groups/{name}`.
    pub fn group(&self, name: impl Into<String>) -> Object<C, AuthGroup> {
        Object::new(&self.client, name.into())
    }

    /// All identities, to be read: `/1.0/auth/identities` (extension `access_management`). Their names are those of their
    /// method and their own, as `tls/laptop`. What can be done with one depends on its method.
    pub fn identities(&self) -> Collection<C, Identity> {
        Collection::new(&self.client, ())
    }

    /// The identity that asks, with all groups that it is in: `GET /1.0/auth/identities/current` (extension
    /// `access_management`). Over HTTPS only.
    pub fn current_identity(&self) -> Call<C, Get<IdentityInfo>> {
        Call::new(&self.client, Get::new(()))
    }

    /// The identities that have a certificate: `/1.0/auth/identities/tls` (extension `access_management`; to make and
    /// remove one, `access_management_tls`, 6.2 and 5.21.3).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::Lxd;
    ///
    /// // Whoever is trusted invites ..
    /// let token = lxd.auth().tls_identities().token("laptop").groups(["web"]).send()?;
    /// // .. and a client that has this server's certificate pinned becomes that identity.
    /// # let stranger = lxd;
    /// stranger.certificates().trust("laptop", token).send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn tls_identities(&self) -> Collection<C, TlsIdentity> {
        Collection::new(&self.client, ())
    }

    /// One identity that has a certificate, by its name or fingerprint: `/1.0/auth/identities/tls/{name}`.
    pub fn tls_identity(&self, name: impl Into<String>) -> Object<C, TlsIdentity> {
        Object::new(&self.client, name.into())
    }

    /// The identities of an OpenID Connect provider: `/1.0/auth/identities/oidc` (extension `access_management`). One
    /// is there from its first login on.
    pub fn oidc_identities(&self) -> Collection<C, OidcIdentity> {
        Collection::new(&self.client, ())
    }

    /// One identity of an OpenID Connect provider, by its email address: `/1.0/auth/identities/oidc/{email}`.
    pub fn oidc_identity(&self, email: impl Into<String>) -> Object<C, OidcIdentity> {
        Object::new(&self.client, email.into())
    }

    /// The identities that show a token with each request: `/1.0/auth/identities/bearer` (extension
    /// `auth_bearer_devlxd`, 6.6).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Lxd, resources::IdentitiesBearerPost};
    ///
    /// lxd.auth().bearer_identities().create(IdentitiesBearerPost::client("ci")).wait().send()?;
    /// let issued = lxd.auth().bearer_identity("ci").issue_token().expiry("30d").send()?;
    /// # fn keep(secret: &str) {}
    /// keep(issued.token.expose());
    /// lxd.auth().bearer_identity("ci").revoke_token().wait().send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bearer_identities(&self) -> Collection<C, BearerIdentity> {
        Collection::new(&self.client, ())
    }

    /// One identity that shows a token with each request, by its name or id: `/1.0/auth/identities/bearer/{name}`.
    pub fn bearer_identity(&self, name: impl Into<String>) -> Object<C, BearerIdentity> {
        Object::new(&self.client, name.into())
    }

    /// All groups of identity providers: `/1.0/auth/identity-provider-groups` (extension `access_management`).
    pub fn identity_provider_groups(&self) -> Collection<C, IdentityProviderGroup> {
        Collection::new(&self.client, ())
    }

    /// One group of an identity provider: `/1.0/auth/identity-provider-groups/{name}`.
    pub fn identity_provider_group(&self, name: impl Into<String>) -> Object<C, IdentityProviderGroup> {
        Object::new(&self.client, name.into())
    }

    /// All permissions that there can be, on all that there is: `GET /1.0/auth/permissions` (extension
    /// `access_management`). In a [project](crate::Lxd::project), those on what is in it.
    pub fn permissions(&self) -> Call<C, ListPermissions<Permission>> {
        Call::new(&self.client, ListPermissions::default())
    }

    /// All logins of OpenID Connect that last: `/1.0/auth/oidc-sessions` (extension `auth_oidc_sessions`, 6.6).
    pub fn oidc_sessions(&self) -> Collection<C, OidcSession> {
        Collection::new(&self.client, None)
    }

    /// Those of one user: `/1.0/auth/oidc-sessions?email={email}` (extension `auth_oidc_sessions`, 6.6).
    pub fn oidc_sessions_of(&self, email: impl Into<String>) -> Collection<C, OidcSession> {
        Collection::new(&self.client, Some(email.into()))
    }

    /// One login: `/1.0/auth/oidc-sessions/{uuid}`. To remove it ends it.
    pub fn oidc_session(&self, uuid: impl Into<String>) -> Object<C, OidcSession> {
        Object::new(&self.client, uuid.into())
    }
}
