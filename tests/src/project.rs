//! Projects of the tests' own.

use lxd_proto::{Blocking, Lxd, resources::ProjectsPost};

use crate::{Lab, Server, unique};

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
        let post = ProjectsPost::new(&name).config("features.images", "true").config("features.profiles", "true");
        self.lxd.projects().create(post).wait().send().expect("a project");
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
        let _ = self.outside.projects().one(&self.name).delete().wait().send();
    }
}
