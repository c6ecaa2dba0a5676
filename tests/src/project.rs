//! Projects of the tests' own.

use lxd_proto::{
    Blocking, Lxd,
    resources::{ImageAliasesPost, ProjectsPost},
};

use crate::{Lab, Server, env, unique};

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

impl<C: Lab> Project<C> {
    /// Uploads the image of the tests, with an alias.
    pub fn image(&self, alias: &str) {
        let tarball = std::fs::read(env("LXD_TEST_IMAGE")).expect("the image");
        let image = self.lxd.images().upload(tarball).wait().send().expect("an image");
        let post = ImageAliasesPost::new(alias, image.fingerprint.to_string());
        self.lxd.image_aliases().create(post).wait().send().expect("an alias");
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
