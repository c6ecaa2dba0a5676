//! Projects, which the library does not have yet: endpoints of one's own, as anybody can write them.

use bytes::Bytes;
use http::{Method, Request};
use lxd_proto::{Blocking, Body, Changed, Endpoint, Error, Lxd, Path, Response};
use serde_json::json;

use crate::{Lab, Server, unique};

/// `POST /1.0/projects`.
#[derive(Debug)]
struct CreateProject(String);

impl Endpoint for CreateProject {
    type Output = Changed<()>;

    fn request(&self) -> Result<lxd_proto::Request, Error> {
        // Images and profiles of its own.
        let post = json!({"name": self.0, "config": {"features.images": "true", "features.profiles": "true"}});
        let mut request = Request::new(Body::Bytes(Bytes::from(post.to_string())));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Path::root().join("projects").uri()?;
        Ok(request)
    }

    fn response(&self, response: Response) -> Result<Changed<()>, Error> {
        Changed::read(&response)
    }
}

/// `DELETE /1.0/projects/{name}`.
#[derive(Debug)]
struct DeleteProject(String);

impl Endpoint for DeleteProject {
    type Output = Changed<()>;

    fn request(&self) -> Result<lxd_proto::Request, Error> {
        let mut request = Request::new(Body::Empty);
        *request.method_mut() = Method::DELETE;
        *request.uri_mut() = Path::root().join("projects").name(&self.0).uri()?;
        Ok(request)
    }

    fn response(&self, response: Response) -> Result<Changed<()>, Error> {
        Changed::read(&response)
    }
}

/// A project with images and profiles of its own, removed with all that is in it when the test is over.
#[derive(Debug)]
pub struct Project<C: Blocking> {
    /// A client in this project.
    pub lxd: C,
    /// Its name.
    pub name: String,
    outside: C,
}

impl<C: Lab> Server<C> {
    /// A project of the test's own.
    pub fn project(&self, what: &str) -> Project<C> {
        let name = unique(what);
        self.lxd.call(CreateProject(name.clone())).wait().send().expect("a project");
        Project { lxd: self.lxd.project(&name), name, outside: self.lxd.clone() }
    }
}

impl<C: Blocking> Drop for Project<C> {
    fn drop(&mut self) {
        for instance in self.lxd.instances().names().send().unwrap_or_default() {
            let _ = self.lxd.instance(&instance).stop().force().wait().send();
            let _ = self.lxd.instance(instance).delete().wait().send();
        }
        for image in self.lxd.images().names().send().unwrap_or_default() {
            let _ = self.lxd.image(image).delete().wait().send();
        }
        for profile in self.lxd.profiles().names().send().unwrap_or_default() {
            let _ = self.lxd.profile(profile).delete().wait().send();
        }
        let _ = self.outside.call(DeleteProject(self.name.clone())).wait().send();
    }
}
