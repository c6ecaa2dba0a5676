//! Giving an instance another place, another content, or none.

use alloc::{string::String, vec::Vec};

use http::Method;

use super::{Instance, InstancePost, InstanceSnapshot, InstanceSource, Operation};
use crate::{
    Call, Client, Endpoint, Error, Object, Request, Response, Run,
    compat::Needs,
    crud::{Changed, Resource},
    endpoint::json,
    flow::{InTurn, copy::Copy},
};

/// `POST /1.0/instances/{name}`: another place, or another name.
#[derive(Clone, Debug)]
pub struct MoveInstance {
    instance: String,
    post: InstancePost,
    /// Whether the client says on which cluster member.
    targeted: bool,
}

impl Endpoint for MoveInstance {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        // LXD would wait for another server to fetch it.
        if self.post.pool.is_empty() && self.post.project.is_empty() && self.post.target.is_none() && !self.targeted {
            let text = "an instance is moved to a pool, a project, or the cluster member that is the client's target";
            return Err(Error::InvalidInput(text.into()));
        }
        json(Method::POST, &Instance::path(&self.instance), &self.post)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        self.post.needs()
    }
}

/// `POST /1.0/instances/{name}` for another server that is to fetch it.
#[derive(Clone, Debug)]
pub struct OfferInstance {
    instance: String,
    post: InstancePost,
}

impl Endpoint for OfferInstance {
    type Output = Operation;

    fn request(&self) -> Result<Request, Error> {
        json(Method::POST, &Instance::path(&self.instance), &self.post)
    }

    fn response(&self, response: Response) -> Result<Operation, Error> {
        match Changed::<()>::read(&response)? {
            Changed::Running(operation) => Ok(*operation),
            Changed::Done(()) => Err(Error::Protocol("an instance was offered without an operation".into())),
        }
    }

    fn extensions(&self) -> Vec<&'static str> {
        self.post.needs()
    }
}

/// `POST /1.0/instances/{name}/rebuild`: another content, and the same configuration.
#[derive(Clone, Debug)]
pub struct Rebuild {
    instance: String,
    source: InstanceSource,
}

impl Endpoint for Rebuild {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        #[derive(serde::Serialize)]
        struct InstanceRebuildPost<'a> {
            source: &'a InstanceSource,
        }
        let post = InstanceRebuildPost { source: &self.source };
        json(Method::POST, &Instance::path(&self.instance).join("rebuild"), &post)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        ["instances_rebuild"].into()
    }
}

/// Other places for an instance.
///
/// ```no_run
/// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
/// use lxd_proto::{Lxd, resources::{InstancePost, InstanceSource}};
///
/// let c1 = lxd.instance("c1");
/// c1.copy_to("c2").send()?;
/// c1.copy_to("c3").adjust(|copy| copy.profiles = Some(vec!["web".into()])).send()?;
/// c1.move_to(InstancePost::to_pool("fast")).wait().send()?;
/// lxd.target("member2").instance("c1").move_to(InstancePost::default()).wait().send()?;
/// lxd.instance("c2").rebuild(InstanceSource::alias("busybox")).wait().send()?;
/// # Ok(())
/// # }
/// ```
impl<C: Client> Object<C, Instance> {
    /// Gives it another pool, project or cluster member: `POST /1.0/instances/{name}`. It must be stopped, unless it can
    /// migrate live. The cluster member is the client's [`target`](crate::Lxd::target). Without any of them it is
    /// [`Error::InvalidInput`]; for another server see [`move_to_server`](Self::move_to_server).
    pub fn move_to(&self, post: InstancePost) -> Call<C, MoveInstance> {
        let targeted = self.client.scope().target.is_some();
        Call::new(&self.client, MoveInstance { instance: self.at.clone(), post: self.migrating(post), targeted })
    }

    /// Offers it to another server, which fetches it with the secrets in the operation's metadata: `POST
    /// /1.0/instances/{name}`. LXD waits 10 s for that. This is one request of those that
    /// [`copy_to_server`](Self::copy_to_server) makes.
    pub fn offer(&self, post: InstancePost) -> Call<C, OfferInstance> {
        Call::new(&self.client, OfferInstance { instance: self.at.clone(), post: self.migrating(post) })
    }

    /// Copies it, with its configuration and its snapshots, on this server: `GET /1.0/instances/{name}`, and then
    /// `POST /1.0/instances`. Without a name the server chooses one.
    pub fn copy_to(&self, name: impl Into<String>) -> Run<C, InTurn<Copy>> {
        Run::new(&self.client, InTurn::new(Copy::new(self.at.clone(), None, name.into())))
    }

    fn migrating(&self, mut post: InstancePost) -> InstancePost {
        post.migration = true;
        if post.name.is_empty() {
            post.name.clone_from(&self.at);
        }
        post
    }

    /// Gives it the content of an image, or none, and keeps its configuration: `POST /1.0/instances/{name}/rebuild`
    /// (extension `instances_rebuild`, 5.15). Its present content is lost.
    pub fn rebuild(&self, source: InstanceSource) -> Call<C, Rebuild> {
        Call::new(&self.client, Rebuild { instance: self.at.clone(), source })
    }
}

impl<C: Client> Object<C, InstanceSnapshot> {
    /// Makes an instance of it: `GET /1.0/instances/{name}/snapshots/{snapshot}`, and then `POST /1.0/instances`.
    pub fn copy_to(&self, name: impl Into<String>) -> Run<C, InTurn<Copy>> {
        let (instance, snapshot) = self.at.clone();
        Run::new(&self.client, InTurn::new(Copy::new(instance, Some(snapshot), name.into())))
    }
}
