//! Files in an instance, one by one. `/1.0/instances/{name}/files`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Method;
use serde_json::json;

use crate::{
    Sim,
    answer::{Answer, Refusal, raw},
    ask::Ask,
    clock,
    instances::Key,
    tree::{Data, Fault, Node, path},
};

impl Sim {
    pub(crate) fn of_files(&mut self, ask: &Ask, key: &Key) -> Result<Answer, Refusal> {
        let at = ask.query.get("path").filter(|path| !path.is_empty());
        let at = at.ok_or_else(|| Refusal::bad("Missing path argument"))?.as_bytes().to_vec();
        let (action, name) =
            (|action: &str| format!("instance-file-{action}"), String::from_utf8_lossy(&at).into_owned());
        let answer = match ask.method {
            Method::GET | Method::HEAD => self.read_file(ask, key, &at)?,
            Method::POST => self.write_file(ask, key, &at)?,
            Method::DELETE => {
                let inside = self.instances.get_mut(key).ok_or_else(|| Refusal::not_found("Instance not found"))?;
                inside.tree.remove(&at).map_err(refused)?;
                Answer::empty()
            }
            _ => return Err(Refusal::new(501, "not implemented")),
        };
        let done = match ask.method {
            Method::GET => "retrieved",
            Method::POST => "pushed",
            Method::DELETE => "deleted",
            _ => return Ok(answer),
        };
        let url = format!("/1.0/instances/{}", key.1);
        self.happened(&action(done), &key.0, &url, &key.1, Some(json!({"file": name})));
        Ok(answer)
    }

    fn read_file(&self, ask: &Ask, key: &Key, at: &[u8]) -> Result<Answer, Refusal> {
        let inside = self.instances.get(key).ok_or_else(|| Refusal::not_found("Instance not found"))?;
        let node = inside.tree.get(at, false).map_err(refused)?;
        let kind = match node.data {
            Data::Directory(_) => "directory",
            Data::Link(_) => "symlink",
            _ => "file",
        };
        let mut headers = vec![
            ("x-lxd-uid", node.uid.to_string()),
            ("x-lxd-gid", node.gid.to_string()),
            ("x-lxd-mode", format!("{:04o}", node.mode)),
            ("x-lxd-type", kind.to_owned()),
            ("x-lxd-modified", clock::go(Duration::from_secs(node.modified))),
        ];
        let content: Arc<Vec<u8>> = match &node.data {
            Data::Directory(entries) => {
                let names: Vec<_> = entries.keys().map(|name| String::from_utf8_lossy(name)).collect();
                headers.push(("content-type", "application/json".into()));
                let envelope = json!({
                    "type": "sync", "status": "Success", "status_code": 200, "operation": "", "error_code": 0,
                    "error": "", "metadata": names,
                });
                return Ok(raw(envelope.to_string(), &headers));
            }
            Data::Link(target) if target.starts_with(b"/") => Arc::new(target.clone()),
            Data::Link(target) => {
                let mut names = inside.tree.resolve(at, false).map_err(refused)?;
                names.pop();
                names.push(target.clone());
                Arc::new(path(&names))
            }
            Data::File(content) => content.clone(),
            Data::Special(_) => Arc::default(),
        };
        if ask.is(Method::HEAD) {
            headers.push(("content-type", "application/json".into()));
            return Ok(raw("", &headers));
        }
        let name = String::from_utf8_lossy(at.rsplit(|byte| *byte == b'/').next().unwrap_or_default()).into_owned();
        headers.push(("content-disposition", format!("inline;filename={name}")));
        headers.push(("accept-ranges", "bytes".into()));
        Ok(ranged(ask, &content, headers))
    }

    fn write_file(&mut self, ask: &Ask, key: &Key, at: &[u8]) -> Result<Answer, Refusal> {
        let now = self.seconds();
        let number = |name: &str| ask.header(name).and_then(|text| text.parse::<u32>().ok());
        let mode = ask.header("x-lxd-mode").and_then(|text| match text.starts_with('0') {
            true => u32::from_str_radix(text, 8).ok(),
            false => text.parse().ok(),
        });
        let inside = self.instances.get_mut(key).ok_or_else(|| Refusal::not_found("Instance not found"))?;
        let tree = &mut inside.tree;
        // LXD keeps nothing then, and says that all went well (5.0.2).
        let body = if self.disk_is_full { Bytes::new() } else { ask.body.clone() };
        let owned = |mut node: Node, default: u32| {
            node.mode = mode.unwrap_or(default) & 0o7777;
            (node.uid, node.gid) = (number("x-lxd-uid").unwrap_or(0), number("x-lxd-gid").unwrap_or(0));
            node
        };
        match ask.header("x-lxd-type").unwrap_or("file") {
            "file" => {
                let appends = ask.header("x-lxd-write") == Some("append");
                match tree.get_mut(at, true) {
                    Ok(node) => {
                        node.modified = now;
                        let content = node.content_mut().ok_or_else(|| refused(Fault::IsADirectory))?;
                        if !appends {
                            content.clear();
                        }
                        // An existing file keeps its owner and mode.
                        content.extend_from_slice(&body);
                    }
                    Err(Fault::NotFound) if appends => return Err(refused(Fault::NotFound)),
                    Err(Fault::NotFound) => {
                        tree.put(at, owned(Node::file(&body[..], now), 0o644), true).map_err(refused)?;
                    }
                    Err(fault) => return Err(refused(fault)),
                }
            }
            "directory" => {
                if tree.get(at, true).is_ok_and(|node| node.entries().is_none()) {
                    return Err(refused(Fault::NotADirectory));
                }
                tree.put_deep(at, owned(Node::directory(now), 0o750));
            }
            "symlink" => {
                let target = ask.body.to_vec();
                match tree.get(at, false).map(|node| &node.data) {
                    Ok(Data::Link(there)) if *there == target => {}
                    Ok(_) => return Err(refused(Fault::Exists)),
                    Err(_) => tree.put(at, owned(Node::link(target, now), 0o777), false).map_err(refused)?,
                }
            }
            other => return Err(Refusal::bad(format!("Bad file type: {other}"))),
        }
        Ok(Answer::empty())
    }
}

/// Content, or the part of it that is asked for.
pub(crate) fn ranged(ask: &Ask, content: &[u8], mut headers: Vec<(&'static str, String)>) -> Answer {
    let range = ask.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let size = content.len();
    let (begin, end) = match range.map(|(first, last)| (first.parse::<usize>(), last.parse::<usize>())) {
        Some((Ok(first), last)) if first < size => (first, last.map_or(size, |last| size.min(last.saturating_add(1)))),
        Some((Err(_), Ok(last))) if size > 0 => (size.saturating_sub(last), size),
        _ => (0, size),
    };
    if (begin, end) == (0, size) && (range.is_none() || size == 0) {
        return raw(content.to_vec(), &headers);
    }
    headers.push(("content-range", format!("bytes {begin}-{}/{size}", end.saturating_sub(1))));
    match raw(content.get(begin..end).unwrap_or_default().to_vec(), &headers) {
        Answer::Raw(mut response) => {
            *response.status_mut() = http::StatusCode::PARTIAL_CONTENT;
            Answer::Raw(response)
        }
        other => other,
    }
}

fn refused(fault: Fault) -> Refusal {
    match fault {
        Fault::NotFound => Refusal::not_found("Not Found"),
        Fault::NotEmpty => Refusal::internal("sftp: \"Failure\" (SSH_FX_FAILURE)"),
        other => Refusal::internal(other.text()),
    }
}
