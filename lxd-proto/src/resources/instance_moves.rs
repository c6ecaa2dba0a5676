//! Giving an instance another place, another content, or none.

use alloc::{string::String, vec::Vec};

use http::Method;

use super::{Instance, InstancePost, InstanceSnapshot, InstanceSource};
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
}

impl Endpoint for MoveInstance {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        json(Method::POST, &Instance::path(&self.instance), &self.post)
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
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
    /// migrate live. The cluster member is the client's [`target`](crate::Lxd::target).
    pub fn move_to(&self, mut post: InstancePost) -> Call<C, MoveInstance> {
        post.migration = true;
        if post.name.is_empty() {
            post.name.clone_from(&self.at);
        }
        Call::new(&self.client, MoveInstance { instance: self.at.clone(), post })
    }

    /// Copies it, with its configuration and its snapshots, on this server: `GET /1.0/instances/{name}`, and then
    /// `POST /1.0/instances`. Without a name the server chooses one.
    pub fn copy_to(&self, name: impl Into<String>) -> Run<C, InTurn<Copy>> {
        Run::new(&self.client, InTurn::new(Copy::new(self.at.clone(), None, name.into())))
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
