//! An instance's state, and what changes it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    Sim,
    answer::{Answer, Refusal},
    ask::{Ask, flag, text},
    instances::{Key, Status, instance_place},
    kinds::named,
    operations::{New, Step, Work},
};

/// How long a container takes to shut down.
const SHUTDOWN: Duration = Duration::from_millis(20);

/// How long LXD waits for that if nobody says how long.
const PATIENCE: u64 = 600;

impl Sim {
    pub(crate) fn state(&self, key: &Key) -> Value {
        let Some(inside) = self.instances.get(key) else { return Value::Null };
        let mut state = json!({
            "status": format!("{:?}", inside.status), "status_code": inside.status.code(), "disk": {},
            "memory": {"usage": 0, "usage_peak": 0, "swap_usage": 0, "swap_usage_peak": 0}, "network": null, "pid": 0,
            "processes": 0, "cpu": {"usage": 0},
        });
        if !inside.is_running() {
            return state;
        }
        let processes = self.processes.values().filter(|process| process.is_of(key)).count();
        state["memory"]["usage"] = (800_000).into();
        state["memory"]["usage_peak"] = (1_200_000).into();
        state["cpu"]["usage"] = (13_000_000).into();
        state["pid"] = inside.pid.into();
        state["processes"] = (2 + processes).into();
        state["network"] = self.interfaces(key);
        state
    }

    fn interfaces(&self, key: &Key) -> Value {
        let address = |family: &str, address: &str, netmask: &str, scope: &str| json!({"family": family, "address": address, "netmask": netmask, "scope": scope});
        let counters = json!({
            "bytes_received": 0, "bytes_sent": 0, "packets_received": 0, "packets_sent": 0, "errors_received": 0,
            "errors_sent": 0, "packets_dropped_outbound": 0, "packets_dropped_inbound": 0,
        });
        let mut interfaces = json!({"lo": {
            "addresses": [address("inet", "127.0.0.1", "8", "local"), address("inet6", "::1", "128", "local")],
            "counters": counters, "hwaddr": "", "host_name": "", "mtu": 65536, "state": "up", "type": "loopback",
        }});
        let place = instance_place(key);
        for (name, device) in self.expanded(&place).1 {
            let device = device.as_object().cloned().unwrap_or_default();
            let network = [text(&device, "network"), text(&device, "parent")].into_iter().find(|name| !name.is_empty());
            if text(&device, "type") != "nic" {
                continue;
            }
            let inside = if text(&device, "name").is_empty() { name.clone() } else { text(&device, "name").into() };
            for (_, hwaddr, ip) in
                self.addresses_on(&place, network.unwrap_or_default()).into_iter().filter(|(of, ..)| *of == name)
            {
                interfaces[&inside] = json!({
                    "addresses": [address("inet", &ip, "24", "global")], "counters": counters, "hwaddr": hwaddr,
                    "host_name": format!("veth{}", &hwaddr[9..].replace(':', "")), "mtu": 1500, "state": "up",
                    "type": "broadcast",
                });
            }
        }
        interfaces
    }

    pub(crate) fn change_state(&mut self, ask: &Ask, key: &Key) -> Result<Answer, Refusal> {
        let said = ask.object()?;
        let (action, force) = (text(&said, "action").to_owned(), flag(&said, "force"));
        let timeout = said.get("timeout").and_then(Value::as_i64).unwrap_or(-1);
        let timeout = Duration::from_secs(u64::try_from(timeout).ok().filter(|time| *time > 0).unwrap_or(PATIENCE));
        let new = New::task(described(&action)?, &key.0).on("instances", &format!("/1.0/instances/{}", key.1));
        let key = key.clone();
        Ok(self.begin_long(new, move |sim, _| sim.act(&key, &action, force, timeout)))
    }

    /// The same for all instances of a project. 5.0.2 tries each, and says which could not.
    pub(crate) fn change_all(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        let said = crate::ask::object(&ask.object()?, "state");
        let (action, force) = (text(&said, "action").to_owned(), flag(&said, "force"));
        let wanted = |status: Status| match action.as_str() {
            "start" => status == Status::Stopped,
            "freeze" | "stop" | "restart" => status != Status::Stopped,
            _ => status != Status::Running,
        };
        let here =
            self.instances.iter().filter(|((project, _), inside)| project == ask.project() && wanted(inside.status));
        let keys: Vec<Key> = here.map(|(key, _)| key.clone()).collect();
        let new = keys.iter().fold(New::task(described(&action)?, ask.project()), |new, key| {
            new.on("instances", &format!("/1.0/instances/{}", key.1))
        });
        Ok(self.begin(new, move |sim, _| {
            let mut failed = Vec::new();
            for key in keys {
                match sim.act(&key, &action, force, Duration::from_secs(PATIENCE)) {
                    Step::Done(Err(refusal)) => failed.push(format!("{}: {}", key.1, refusal.text)),
                    Step::Done(Ok(_)) => {}
                    // It would end soon by itself.
                    Step::Later(..) => sim.stop(&key, action == "restart"),
                }
            }
            if failed.is_empty() {
                Ok(Value::Null)
            } else {
                Err(Refusal::bad(format!("Failed for {}", failed.join(", "))))
            }
        }))
    }

    fn act(&mut self, key: &Key, action: &str, force: bool, timeout: Duration) -> Step {
        let Some(inside) = self.instances.get_mut(key) else {
            return Step::Done(Err(Refusal::not_found("Instance not found")));
        };
        let status = inside.status;
        let done = match (action, status) {
            ("start", Status::Stopped) => self.start(key).map(|()| "started"),
            ("start", _) => Err(Refusal::bad("The instance is already running")),
            ("freeze", Status::Running) => {
                inside.status = Status::Frozen;
                Ok("paused")
            }
            ("freeze" | "unfreeze", Status::Stopped) => Err(Refusal::bad("The container isn't running")),
            ("unfreeze", _) => {
                inside.status = Status::Running;
                Ok("resumed")
            }
            ("freeze", _) => Err(Refusal::bad("The container is already frozen")),
            (_, Status::Stopped) => Err(Refusal::bad("The instance is already stopped")),
            _ if force => {
                self.stop(key, action == "restart");
                Ok(if action == "restart" { "restarted" } else { "stopped" })
            }
            _ => return self.shut_down(key, action == "restart", timeout),
        };
        Step::Done(done.map(|action| {
            self.lifecycle(named("instance"), action, &instance_place(key), None);
            Value::Null
        }))
    }

    pub(crate) fn start(&mut self, key: &Key) -> Result<(), Refusal> {
        let now = self.time();
        let pid = 1000 + self.random.next() % 30_000;
        let place = instance_place(key);
        if self.root_pool(&place).is_none() {
            return Err(Refusal::internal("Failed getting root disk: No root device could be found"));
        }
        if let Some(object) = self.objects.get_mut(&place) {
            object.insert("last_used_at".into(), now.into());
            object["config"]["volatile.last_state.power"] = "RUNNING".into();
        }
        if let Some(inside) = self.instances.get_mut(key) {
            inside.status = Status::Running;
            inside.pid = pid;
            inside.console = b"\r\nSimulated container\r\n\r\n/ # ".to_vec();
            inside.logs.insert("lxc.conf".into(), format!("lxc.log.level = trace\nlxc.uts.name = {}\n", key.1).into());
            inside.logs.insert("lxc.log".into(), "".into());
        }
        self.apply_templates(key, "start");
        Ok(())
    }

    pub(crate) fn stop(&mut self, key: &Key, again: bool) {
        self.end_processes(key);
        let (place, pid) = (instance_place(key), self.random.next() % 30_000 + 40_000);
        let Some(inside) = self.instances.get_mut(key) else { return };
        inside.pid = pid;
        inside.status = if again { Status::Running } else { Status::Stopped };
        let object = self.objects.get_mut(&place);
        let ephemeral = object.is_some_and(|object| {
            object["config"]["volatile.last_state.power"] = if again { "RUNNING" } else { "STOPPED" }.into();
            flag(object, "ephemeral")
        });
        if ephemeral && !again {
            self.delete_instance(key);
        }
    }

    /// Asks a container to end; it does so soon, unless it does not listen.
    fn shut_down(&mut self, key: &Key, again: bool, timeout: Duration) -> Step {
        let place = instance_place(key);
        let config = self.expanded(&place).0;
        // What the tests use for one that takes no notice.
        let is_stubborn = text(&config, "raw.lxc").contains("lxc.signal.halt");
        let is_frozen = self.instances.get(key).is_some_and(|inside| inside.status == Status::Frozen);
        let (wait, ends) = if is_stubborn || is_frozen { (timeout, false) } else { (SHUTDOWN, true) };
        let key = key.clone();
        let work: Work = Box::new(move |sim, _| {
            if !sim.instances.get(&key).is_some_and(crate::instances::Inside::is_running) {
                // Somebody else has stopped it meanwhile.
                return Step::Done(Ok(Value::Null));
            }
            if !ends {
                let why = "Failed shutting down instance, status is \"Running\": context deadline exceeded";
                return Step::Done(Err(Refusal::internal(why)));
            }
            sim.lifecycle(named("instance"), if again { "restarted" } else { "shutdown" }, &instance_place(&key), None);
            sim.stop(&key, again);
            Step::Done(Ok(Value::Null))
        });
        Step::Later(wait, work)
    }
}

/// What an operation says of itself.
fn described(action: &str) -> Result<&'static str, Refusal> {
    Ok(match action {
        "start" => "Starting instance",
        "stop" => "Stopping instance",
        "restart" => "Restarting instance",
        "freeze" => "Freezing instance",
        "unfreeze" => "Unfreezing instance",
        other => return Err(Refusal::bad(format!("Unknown action: '{other}'"))),
    })
}
