//! Projects.

use serde_json::json;

use crate::{
    Sim,
    answer::{Answer, Refusal},
    ask::{is_true, text},
    crud::config,
    kinds::named,
    objects::Place,
    rules::{Rules, known_keys},
};

pub(crate) const RULES: Rules = Rules {
    event: "project",
    missing: "Project not found",
    fresh: || json!({"description": "", "config": {}, "used_by": []}),
    exists: |name| {
        let why = "Failed adding database record: This \"projects\" entry already exists";
        Refusal::conflict(format!("Failed creating project {name:?}: {why}"))
    },
    name: |name| match name {
        "" => Err(Refusal::bad("No name provided")),
        name if name.contains('/') => Err(Refusal::bad("Project names may not contain slashes")),
        name if name.contains(' ') => Err(Refusal::bad("Project names may not contain spaces")),
        name if name.contains('_') => Err(Refusal::bad("Project names may not contain underscores")),
        "." | ".." | "*" => Err(Refusal::bad(format!("Reserved project name {name:?}"))),
        _ => Ok(()),
    },
    check: |sim, place, project| {
        let known = |key: &str| {
            ["features.", "limits.", "restricted", "backups.", "images."].iter().any(|prefix| key.starts_with(prefix))
        };
        let mut config = config(project);
        known_keys(&config, known, |key| Refusal::bad(format!("Invalid project configuration key {key:?}")))?;
        if sim.objects.get(place).is_none() {
            for feature in ["features.images", "features.profiles", "features.storage.volumes"] {
                config.entry(feature).or_insert_with(|| "true".into());
            }
        }
        project.insert("config".into(), config.into());
        Ok(())
    },
    leave: |sim, place| {
        if place.name() == "default" {
            return Err(Refusal::new(403, "The 'default' project cannot be deleted"));
        }
        let used = sim.used_by(place);
        let default = format!("/1.0/profiles/default?project={}", place.name());
        let is_empty = used.iter().all(|url| *url == default);
        if is_empty { Ok(()) } else { Err(Refusal::bad("Only empty projects can be removed")) }
    },
    background: Some("project_delete_operation"),
    ..Rules::PLAIN
};

impl Sim {
    /// Whether a project has its own of something.
    pub(crate) fn project_has(&self, project: &str, feature: &str) -> bool {
        let place = Place::new(named("project"), "", &[project]);
        let config = self.objects.get(&place).map(config).unwrap_or_default();
        project == "default" || is_true(text(&config, feature))
    }

    /// How many of something a project may have.
    pub(crate) fn project_limit(&self, project: &str, key: &str) -> Option<usize> {
        let place = Place::new(named("project"), "", &[project]);
        text(&self.objects.get(&place).map(config)?, key).parse().ok()
    }

    pub(crate) fn project_exists(&self, project: &str) -> bool {
        self.objects.get(&Place::new(named("project"), "", &[project])).is_some()
    }

    /// A project that has its own profiles gets a first one.
    pub(crate) fn project_made(&mut self, project: &str) {
        if self.project_has(project, "features.profiles") {
            self.add(
                "profile",
                project,
                &["default"],
                json!({"description": format!("Default LXD profile for project {project}")}),
            );
        }
    }

    pub(crate) fn rename_project(&mut self, from: &str, to: &str) {
        self.objects.rename_project(from, to);
        let of_it: Vec<_> = self.instances.keys().filter(|(project, _)| project == from).cloned().collect();
        for (project, name) in of_it {
            if let Some(inside) = self.instances.remove(&(project, name.clone())) {
                self.instances.insert((to.into(), name), inside);
            }
        }
        let (kind, old) = (named("project"), Place::new(named("project"), "", &[from]));
        if let Some(mut project) = self.objects.remove(&old) {
            project.insert("name".into(), to.into());
            self.objects.put(Place::new(kind, "", &[to]), project);
        }
    }

    pub(crate) fn project_state(&self, name: &str) -> Result<Answer, Refusal> {
        let place = Place::new(named("project"), "", &[name]);
        let project = self.objects.get(&place).ok_or_else(|| Refusal::not_found("Project not found"))?;
        let config = config(project);
        let instances = self.instances.iter().filter(|((project, _), _)| project == name).count();
        let networks = self.objects.below("network", name, &[]).count();
        let limit = |key: &str| text(&config, key).parse::<i64>().unwrap_or(-1);
        let resource = |key: &str, usage: usize| json!({"Limit": limit(&format!("limits.{key}")), "Usage": usage});
        Ok(Answer::Done(json!({"resources": {
            "containers": resource("containers", instances), "cpu": resource("cpu", 0), "disk": resource("disk", 0),
            "instances": resource("instances", instances), "memory": resource("memory", 0),
            "networks": resource("networks", networks), "processes": resource("processes", 0),
            "virtual-machines": resource("virtual-machines", 0),
        }})))
    }
}
