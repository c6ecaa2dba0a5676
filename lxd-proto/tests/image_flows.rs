//! Transcripts of what is copied, and the names and fingerprints that servers of both ages give.

use bytes::Bytes;
use lxd_proto::{
    Error, Fingerprint, Lxd,
    error::Outcome,
    multipart::Piece,
    resources::{ImagesPost, InstanceBackupsPost, InstancesPost},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::answers::{Client, answering};
use crate::support::script::{Answer, error, operation, play, running, sync};

const URL: &str = "/1.0/operations/op-1";
const WAIT: &str = "GET /1.0/operations/op-1/wait?timeout=15\n(long poll: 20s)";
const FINGERPRINT: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const SECRET: &str = "POST /1.0/images/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/secret";

/// An operation that succeeded, with what it says.
fn done(metadata: Value, resources: Value) -> Answer {
    sync(json!({"id": "op-1", "class": "task", "status_code": 200, "metadata": metadata, "resources": resources}))
}

fn image(public: bool) -> Answer {
    sync(json!({
        "fingerprint": FINGERPRINT, "filename": "f", "public": public, "auto_update": true,
        "properties": {"os": "x"}, "aliases": [{"name": "a", "description": "the one"}],
        "profiles": ["default"], "expires_at": "1970-01-01T00:00:00Z",
    }))
}

fn server(addresses: &[&str]) -> Answer {
    sync(json!({"environment": {"addresses": addresses, "certificate": "PEM"}}))
}

fn secret() -> Answer {
    let operation = json!({"id": "op-s", "class": "token", "status_code": 103, "metadata": {"secret": "s3cret"}});
    let body = json!({"type": "async", "operation": "/1.0/operations/op-s", "metadata": operation});
    crate::support::script::http(202, &[], body.to_string())
}

fn post(address: &str, secret: &str) -> String {
    format!(
        "POST /1.0/images\ncontent-type: application/json\n\n\
        {{\"source\":{{\"type\":\"image\",\"mode\":\"pull\",\"server\":\"https://{address}\",\"protocol\":\"lxd\",\
        \"certificate\":\"PEM\",\"fingerprint\":\"{FINGERPRINT}\"{secret}}},\"filename\":\"f\",\"public\":false,\
        \"auto_update\":true,\"properties\":{{\"os\":\"x\"}},\"aliases\":[{{\"name\":\"a\",\"description\":\"the one\"}}]}}"
    )
    .replace("\"public\":false,", if secret.is_empty() { "\"public\":true," } else { "" })
}

/// pylxd: W37.
#[test]
fn an_image_goes_to_another_server() {
    let made = json!({"fingerprint": FINGERPRINT, "size": "7"});
    let (one, two) = ("10.0.0.1:8443", "[fd00::1]:8443");
    let private = ",\"secret\":\"s3cret\"";
    let get = "GET /1.0/images/0123".to_owned();
    // The first address does not work; the secret's operation is ended, whatever that is answered.
    let copied = play(
        [
            (get.clone(), image(false)),
            ("GET /1.0".into(), server(&[one, two])),
            (SECRET.into(), secret()),
            (post(one, private), running(URL)),
            (WAIT.into(), operation(400, "connection refused")),
            (post(two, private), running(URL)),
            (WAIT.into(), done(made.clone(), json!({}))),
            ("DELETE /1.0/operations/op-s".into(), error(404, "not found")),
        ],
        |lxd| lxd.image("0123").copy_to(lxd).copy_aliases().send(),
    );
    assert_eq!(copied.unwrap().size, 7);

    // A public one needs no secret.
    let copied = play(
        [
            (get.clone(), image(true)),
            ("GET /1.0".into(), server(&[one])),
            (post(one, ""), running(URL)),
            (WAIT.into(), done(made, json!({}))),
        ],
        |lxd| lxd.image("0123").copy_to(lxd).copy_aliases().send(),
    );
    assert_eq!(copied.unwrap().fingerprint.to_string(), FINGERPRINT);

    // None works.
    let failed = play(
        [
            (get.clone(), image(false)),
            ("GET /1.0".into(), server(&[one])),
            (SECRET.into(), secret()),
            (post(one, private), running(URL)),
            (WAIT.into(), operation(400, "no route")),
            ("DELETE /1.0/operations/op-s".into(), sync(json!({}))),
        ],
        |lxd| lxd.image("0123").copy_to(lxd).copy_aliases().send(),
    );
    let failed = failed.unwrap_err();
    assert_eq!(failed.operation().unwrap().outcome, Outcome::Failed("no route".into()));

    // A server that listens nowhere is told before anything is sent to the other.
    let nowhere =
        play([(get, image(false)), ("GET /1.0".into(), server(&[]))], |lxd| lxd.image("0123").copy_to(lxd).send());
    assert!(matches!(nowhere, Err(Error::InvalidInput(text)) if text.contains("core.https_address")));
}

#[test]
fn a_copy_says_all_that_the_source_has() {
    let source = json!({
        "name": "c1", "type": "container", "architecture": "x86_64", "description": "first", "profiles": ["web"],
        "config": {"user.a": "1", "volatile.eth0.hwaddr": "00:16:3e:00:00:01", "volatile.base_image": "ab12"},
        "devices": {"none": {"type": "none"}}, "expanded_config": {"limits.cpu": "1"},
    });
    let create = r#"POST /1.0/instances
content-type: application/json

{"name":"c2","source":{"type":"copy","source":"c1"},"type":"container","description":"first","architecture":"x86_64","config":{"user.a":"1","volatile.base_image":"ab12"},"devices":{"none":{"type":"none"}},"profiles":["web"]}"#;
    let copied = play(
        [
            ("GET /1.0/instances/c1", sync(source)),
            (create, running(URL)),
            (WAIT, done(json!({}), json!({"instances": ["/1.0/instances/c2", "/1.0/instances/c1"]}))),
        ],
        |lxd| lxd.instance("c1").copy_to("c2").send(),
    );
    assert_eq!(copied.unwrap().name, "c2");
}

/// pylxd (recorded): P120: what 6.9 answers, too.
/// pylxd: W03.
#[test]
fn the_names_that_servers_choose() {
    let old = |url: &str| done(json!({}), json!({"instances": [url], "containers": [url]}));
    let new = |url: &str| done(json!({"entity_url": url}), json!({}));
    for answer in [
        old("/1.0/instances/vocal-mongoose"),
        old("/1.0/instances/vocal-mongoose?project=p"),
        new("/1.0/instances/vocal-mongoose"),
        new("/1.0/instances/vocal-mongoose?project=p"),
    ] {
        let made = play([("POST /1.0/instances", running(URL)), (WAIT, answer)], |lxd| {
            lxd.instances().create(InstancesPost::empty("")).wait().send()
        });
        assert_eq!(made.unwrap().name, "vocal-mongoose");
    }
    for answer in [
        done(json!({}), json!({"instances": ["/1.0/instances/i1"], "backups": ["/1.0/backups/b1"]})),
        new("/1.0/instances/i1/backups/b1"),
    ] {
        let made = play([("POST /1.0/instances/i1/backups", running(URL)), (WAIT, answer)], |lxd| {
            lxd.instance("i1").backups().create(InstanceBackupsPost::default()).wait().send()
        });
        assert_eq!(made.unwrap().name, "b1");
    }
    let published = done(json!({"fingerprint": FINGERPRINT, "entity_url": "/1.0/projects/default"}), json!({}));
    let made = play([("POST /1.0/images", running(URL)), (WAIT, published)], |lxd| {
        lxd.images().create(ImagesPost::from_instance("i1")).wait().send()
    });
    assert_eq!(made.unwrap().fingerprint.to_string(), FINGERPRINT);
}

/// pylxd (recorded): P228: LXD 5.0.2 still fetches it.
#[test]
fn an_address_that_a_new_server_refuses() {
    let why = "Image download from client-specified URL is not supported";
    let refused = play([("POST /1.0/images", error(400, why))], |lxd| {
        lxd.images().create(ImagesPost::from_url("https://s/x")).wait().send()
    });
    assert_eq!(refused.unwrap_err().to_string(), format!("POST /1.0/images: {why} (400)"));
}

fn sent(content_type: &str, body: &'static [u8]) -> Client {
    answering([http::Response::builder().header("content-type", content_type).body(body.into()).unwrap()])
}

/// The whole body of an image that is answered with this, for the fingerprint that is asked for.
fn collected(asked: &str, content_type: &str, body: &'static [u8]) -> Result<Bytes, Error> {
    sent(content_type, body).image(asked).export().bytes().send()
}

/// The same image's files.
fn received(asked: &str, content_type: &str, body: &'static [u8]) -> Result<Vec<u8>, Error> {
    let mut files = Vec::new();
    for piece in sent(content_type, body).image(asked).export().pieces().send()? {
        if let Piece::Data(data) = piece? {
            files.extend_from_slice(&data);
        }
    }
    Ok(files)
}

#[test]
fn an_image_that_comes_is_the_one_that_was_asked_for() {
    let two = b"--B\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\nim\r\n\
        --B\r\nContent-Disposition: form-data; name=\"rootfs\"\r\n\r\nage\r\n--B--\r\n";
    for (content_type, body) in [("application/octet-stream", &b"image"[..]), ("multipart/form-data; boundary=B", two)]
    {
        let image = Fingerprint::from_bytes(Sha256::digest("image").into()).to_string();
        for asked in [&image, &image[..12], &image.to_uppercase()] {
            assert_eq!(received(asked, content_type, body).unwrap(), b"image");
        }
        assert_eq!(collected(&image, content_type, body).unwrap(), body);
        let flipped = body.to_vec().leak();
        let last = flipped.iter().rposition(|byte| *byte == b'g').unwrap();
        flipped[last] ^= 1;
        let came = Fingerprint::from_bytes(Sha256::digest("imafe").into());
        let wrong = received(&image, content_type, flipped).unwrap_err();
        assert_eq!(wrong, Error::WrongFingerprint { asked: image.clone(), came });
        assert_eq!(collected(&image, content_type, flipped).unwrap_err(), wrong);
        assert!(wrong.to_string().contains("do not use it"), "{wrong}");
    }
    // Wherever a byte is flipped: what is taken for whole is the image.
    let image = Fingerprint::from_bytes(Sha256::digest("image").into()).to_string();
    for at in 0..two.len() {
        for bit in 0..8 {
            let flipped = two.to_vec().leak();
            flipped[at] ^= 1 << bit;
            let content_type = "multipart/form-data; boundary=B";
            let taken = received(&image, content_type, flipped);
            assert_eq!(taken.is_ok(), collected(&image, content_type, flipped).is_ok(), "{at} {bit}");
            if let Ok(taken) = taken {
                assert_eq!(taken, b"image", "{at} {bit}");
            }
        }
    }
}

/// By push the other server gives a secret, and this one connects to it.
#[test]
fn an_image_is_pushed() {
    let accept = format!(
        "POST /1.0/images?project=p\ncontent-type: application/json\n\n\
        {{\"source\":{{\"type\":\"image\",\"mode\":\"push\",\"fingerprint\":\"{FINGERPRINT}\"}},\"filename\":\"f\",\
        \"auto_update\":true,\"properties\":{{\"os\":\"x\"}},\"aliases\":[{{\"name\":\"ours\",\"description\":\"\"}}]}}"
    );
    let push = |address: &str| {
        format!(
            "POST /1.0/images/{FINGERPRINT}/export\ncontent-type: application/json\n\n{{\"target\":\"https://{address}\",\
            \"secret\":\"s3cret\",\"certificate\":\"PEM\",\"project\":\"p\"}}"
        )
    };
    let (one, two) = ("10.0.0.1:8443", "[fd00::1]:8443");
    let copied = play(
        [
            ("GET /1.0/images/0123".into(), image(false)),
            ("GET /1.0?project=p".into(), server(&[one, two])),
            (accept, secret()),
            (push(one), error(500, "no route")),
            (push(two), running(URL)),
            (WAIT.into(), done(json!({}), json!({}))),
            ("DELETE /1.0/operations/op-s?project=p".into(), sync(json!({}))),
        ],
        |lxd| lxd.image("0123").copy_to(&lxd.project("p")).alias("ours").push().send(),
    );
    assert_eq!(copied.unwrap().fingerprint.to_string(), FINGERPRINT);
}

/// What is uploaded gets its names one after the other, whether a server makes them at once or as operations.
#[test]
fn an_uploaded_image_is_named() {
    let fingerprint = Fingerprint::from_bytes(Sha256::digest("image").into()).to_string();
    let upload = "POST /1.0/images?project=p\ncontent-type: application/octet-stream\nx-lxd-public: true\n\nimage";
    let alias = |name: &str| {
        format!(
            "POST /1.0/images/aliases?project=p\ncontent-type: application/json\n\n\
            {{\"name\":\"{name}\",\"target\":\"{fingerprint}\"}}"
        )
    };
    let wait = "GET /1.0/operations/op-1/wait?timeout=15&project=p\n(long poll: 20s)".to_owned();
    let made = || done(json!({"fingerprint": &fingerprint, "size": 7}), json!({}));
    let uploaded = play(
        [
            (upload.into(), running(URL)),
            (wait.clone(), made()),
            (alias("one"), sync(json!(null))),
            (alias("two"), running(URL)),
            (wait.clone(), operation(200, "")),
        ],
        |lxd| lxd.project("p").images().upload("image").public().wait().alias("one").alias("two").send(),
    );
    assert_eq!(uploaded.unwrap().size, 7);
    // The name of another image is not taken away, and no more is tried.
    let refused = play(
        [(upload.into(), running(URL)), (wait, made()), (alias("one"), error(409, "Alias already exists"))],
        |lxd| lxd.project("p").images().upload("image").public().wait().alias("one").alias("two").send(),
    );
    assert!(refused.unwrap_err().is_conflict());
}

/// Relayed it is uploaded as it comes, and gets its names afterwards.
#[test]
fn an_image_is_relayed() {
    let relay = format!(
        "GET /1.0/images/{FINGERPRINT}/export\nrelayed: POST /1.0/images?project=p\n\
        content-type: application/octet-stream\nx-lxd-filename: f\nx-lxd-fingerprint: {FINGERPRINT}\n\
        x-lxd-properties: os=x\nx-lxd-public: true"
    );
    let alias = |name: &str, description: &str| {
        format!(
            "POST /1.0/images/aliases?project=p\ncontent-type: application/json\n\n\
            {{\"name\":\"{name}\"{description},\"target\":\"{FINGERPRINT}\"}}"
        )
    };
    let wait = "GET /1.0/operations/op-1/wait?timeout=15&project=p".to_owned();
    let copied = play(
        [
            ("GET /1.0/images/0123".into(), image(true)),
            (relay.clone(), running(URL)),
            (wait.clone(), done(json!({"fingerprint": FINGERPRINT, "size": 7}), json!({}))),
            (alias("a", ",\"description\":\"the one\""), sync(json!(null))),
            (alias("ours", ""), running(URL)),
            (wait, operation(200, "")),
        ],
        |lxd| lxd.image("0123").copy_to(&lxd.project("p")).copy_aliases().alias("ours").relay().send(),
    );
    assert_eq!(copied.unwrap().size, 7);
    let refused = play([("GET /1.0/images/0123".into(), image(true)), (relay, error(403, "no"))], |lxd| {
        lxd.image("0123").copy_to(&lxd.project("p")).relay().send()
    });
    assert!(matches!(refused, Err(Error::Api(error)) if error.status == 403));
}
