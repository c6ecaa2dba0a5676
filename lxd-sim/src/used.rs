//! Who uses an object, and what follows its new name.

use serde_json::Value;

use crate::{
    Sim,
    ask::{Object, object, text, texts},
    kinds::Kind,
    objects::Place,
};

impl Sim {
    /// The URLs of what uses an object.
    pub(crate) fn used_by(&self, place: &Place) -> Vec<String> {
        let users = self.objects.all("instance").chain(self.objects.all("profile"));
        let uses = |user: &Place, object: &Object| match place.kind {
            "project" => user.project == place.name(),
            "profile" => {
                user.kind == "instance"
                    && self.project_of(crate::kinds::named("profile"), &user.project) == place.project
                    && texts(object, "profiles").iter().any(|name| name == place.name())
            }
            "network" => devices(object).any(|device| {
                text(device, "type") == "nic"
                    && [text(device, "network"), text(device, "parent")].contains(&place.name())
            }),
            "network ACL" => devices(object).any(|device| has_acl(text(device, "security.acls"), place.name())),
            "storage pool" => {
                devices(object).any(|device| text(device, "type") == "disk" && text(device, "pool") == place.name())
            }
            "storage volume" => {
                let [pool, kind, name] = place.names.as_slice() else { return false };
                let project = self.project_of(crate::kinds::named("storage volume"), &user.project);
                kind == "custom"
                    && project == place.project
                    && devices(object).any(|device| text(device, "pool") == pool && text(device, "source") == name)
            }
            _ => false,
        };
        let mut urls: Vec<String> =
            users.filter(|(user, object)| uses(user, object)).map(|(user, _)| self.url(user)).collect();
        let more: &[&str] = match place.kind {
            "project" => &["image", "network", "network ACL", "network zone", "storage volume"],
            "network ACL" => &["network"],
            "storage pool" => &["storage volume"],
            "network zone" => &["network"],
            _ => &[],
        };
        for (user, object) in more.iter().flat_map(|kind| self.objects.all(crate::kinds::named(kind).name)) {
            let config = object_config(object);
            let uses = match place.kind {
                "project" => user.project == place.name(),
                "storage pool" => user.names.first().map(String::as_str) == Some(place.name()),
                "network ACL" => user.project == place.project && has_acl(text(&config, "security.acls"), place.name()),
                _ => config.iter().any(|(key, value)| key.starts_with("dns.zone") && value == place.name()),
            };
            if uses {
                urls.push(self.url(user));
            }
        }
        urls
    }

    /// What names an object by its name names it by the new one.
    pub(crate) fn follow(&mut self, kind: &Kind, from: &str, to: &Place) {
        let users: Vec<Place> = self.objects.all("instance").map(|(place, _)| place.clone()).collect();
        for user in users {
            let Some(object) = self.objects.get_mut(&user) else { continue };
            match kind.name {
                "profile" => {
                    let names = object.get_mut("profiles").and_then(Value::as_array_mut).into_iter().flatten();
                    names.filter(|name| **name == from).for_each(|name| *name = to.name().into());
                }
                "storage volume" => {
                    let devices = object.get_mut("devices").and_then(Value::as_object_mut).into_iter().flatten();
                    for (_, device) in devices {
                        if device["type"] == "disk"
                            && device["source"] == from
                            && device["pool"] == to.names[0].as_str()
                        {
                            device["source"] = to.name().into();
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

fn devices(object: &Object) -> impl Iterator<Item = &Object> {
    object.get("devices").and_then(Value::as_object).into_iter().flatten().filter_map(|(_, device)| device.as_object())
}

fn object_config(of: &Object) -> Object {
    object(of, "config")
}

fn has_acl(list: &str, name: &str) -> bool {
    list.split(',').any(|acl| acl.trim() == name)
}
