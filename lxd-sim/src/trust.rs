//! Who is trusted, and how somebody comes to be: certificates, the trust password, and tokens.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    Caller, Sim,
    answer::{Answer, Refusal},
    ask::{Ask, Object, flag, text, texts},
    etag::hex,
    kinds::named,
    objects::Place,
    operations::New,
    rules::Rules,
};

pub(crate) const RULES: Rules = Rules {
    event: "certificate",
    missing: "Certificate not found",
    fresh: || json!({"name": "", "type": "client", "restricted": false, "projects": [], "certificate": ""}),
    check: |_, _, certificate| match text(certificate, "type") {
        "client" | "server" | "metrics" => Ok(()),
        _ => Err(Refusal::bad("Invalid certificate type")),
    },
    ..Rules::PLAIN
};

impl Sim {
    pub(crate) fn is_trusted(&self, ask: &Ask) -> bool {
        match ask.from {
            Caller::Unix => true,
            Caller::Tls(_) => self.certificate_of(ask).is_some(),
        }
    }

    /// Whether somebody sees an object in a list: of the projects, only those that are theirs.
    pub(crate) fn may_see(&self, ask: &Ask, place: &Place) -> bool {
        let restricted = self.certificate_of(ask).filter(|own| flag(own, "restricted") && place.kind == "project");
        restricted.is_none_or(|own| texts(own, "projects").iter().any(|name| name == place.name()))
    }

    fn certificate_of(&self, ask: &Ask) -> Option<&Object> {
        let Caller::Tls(Some(fingerprint)) = ask.from else { return None };
        self.objects.get(&Place::new(named("certificate"), "", &[fingerprint.to_string()]))
    }

    /// Whether somebody may ask this at all.
    pub(crate) fn may(&self, ask: &Ask, path: &[&str]) -> bool {
        let Caller::Tls(_) = ask.from else { return true };
        let Some(certificate) = self.certificate_of(ask) else {
            return match path {
                ["/"] | [] => path != [""; 0] || ask.is(Method::GET),
                ["certificates"] => ask.is(Method::POST),
                ["images"] | ["images", _] | ["images", _, "export"] => ask.is(Method::GET) || self.is_pushed(ask),
                ["images", "aliases", _] => ask.is(Method::GET),
                // Their secrets say who may.
                ["operations", _, "websocket"] => true,
                ["operations", _, "wait"] => ask.query.contains_key("secret"),
                _ => false,
            };
        };
        if text(certificate, "type") == "metrics" {
            return matches!(path, ["/"] | [] | ["metrics"]) && ask.is(Method::GET);
        }
        if !flag(certificate, "restricted") {
            return true;
        }
        let projects = texts(certificate, "projects");
        let mine = ask.all_projects() || projects.iter().any(|name| name == ask.project());
        match path {
            ["/"] | [] => ask.is(Method::GET),
            ["certificates"] | ["projects"] | ["events"] | ["operations", ..] => {
                ask.is(Method::GET) || path[0] == "operations"
            }
            ["certificates", fingerprint] => {
                ask.is(Method::GET) || (text(certificate, "fingerprint") == *fingerprint && !ask.is(Method::DELETE))
            }
            ["projects", name, ..] => ask.is(Method::GET) && projects.iter().any(|there| there == name),
            ["storage-pools"] | ["storage-pools", _] | ["storage-pools", _, "resources"] => ask.is(Method::GET),
            _ => mine,
        }
    }

    fn is_pushed(&self, ask: &Ask) -> bool {
        ask.is(Method::POST) && ask.header("x-lxd-secret").is_some()
    }

    /// What is asked of the trust store.
    pub(crate) fn of_certificates(&mut self, ask: &Ask, path: &[&str]) -> Result<Answer, Refusal> {
        let kind = named("certificate");
        match (&ask.method, path) {
            (&Method::POST, []) => self.add_certificate(ask),
            (&Method::GET, []) => self.generic(ask),
            (_, [prefix]) => {
                let all: Vec<Place> = self.objects.all(kind.name).map(|(place, _)| place.clone()).collect();
                let mut found = all.into_iter().filter(|place| place.name().starts_with(*prefix) && prefix.len() > 3);
                let place = found.next().ok_or_else(|| Refusal::not_found(kind.rules.missing))?;
                if ask.is(Method::DELETE) {
                    self.objects.remove(&place);
                    self.lifecycle(kind, "deleted", &place, None);
                    return Ok(Answer::empty());
                }
                if self.certificate_of(ask).is_some_and(|own| flag(own, "restricted")) && !ask.is(Method::GET) {
                    // Its own, and nothing of it but the certificate itself.
                    let there = self.objects.get(&place).cloned().unwrap_or_default();
                    let said = ask.object()?;
                    let differs = |key: &&str| said.get(*key).is_some_and(|value| there.get(*key) != Some(value));
                    if ["name", "type", "restricted", "projects"].iter().any(differs) {
                        return Err(Refusal::forbidden());
                    }
                }
                self.of_object(kind, ask, &place.names)
            }
            _ => Err(Refusal::not_found("not found")),
        }
    }

    fn add_certificate(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        let mut post = ask.object()?;
        let trusted = self.is_trusted(ask);
        if flag(&post, "token") {
            return if trusted { self.make_token(ask, &post) } else { Err(Refusal::forbidden()) };
        }
        if text(&post, "type").is_empty() {
            post.insert("type".into(), "client".into());
        }
        if !trusted {
            let key = if self.has("explicit_trust_token") { "trust_token" } else { "password" };
            if !self.has("explicit_trust_token") && text(&post, "password").is_empty() {
                return Err(Refusal::forbidden());
            }
            if self.has("explicit_trust_token") && !text(&post, "password").is_empty() {
                return Err(Refusal::new(501, "Trust passwords are not supported"));
            }
            if ask.certificate.is_none() {
                return Err(Refusal::bad("No client certificate provided"));
            }
            self.prove(&mut post, key)?;
        } else if !text(&post, "password").is_empty() && self.certificate_of(ask).is_some() {
            return Err(Refusal::bad("Client is already trusted"));
        }
        let der = match text(&post, "certificate") {
            "" => ask.certificate.clone().ok_or_else(|| Refusal::bad("No client certificate provided"))?,
            given => decode(given)?,
        };
        let fingerprint = hex(&Sha256::digest(&der));
        let kind = named("certificate");
        let place = Place::new(kind, "", &[&fingerprint]);
        if self.objects.get(&place).is_some() {
            return Err(Refusal::conflict("Certificate already in trust store"));
        }
        post.insert("certificate".into(), pem(&der).into());
        if text(&post, "name").is_empty() {
            post.insert("name".into(), fingerprint[..12].into());
        }
        self.make(kind, &place, post, false)?;
        self.lifecycle(kind, "created", &place, None);
        Ok(Answer::Created(self.url(&place)))
    }

    /// Whether a password, or a token that was issued and not used yet, is right. A token says what it is for.
    fn prove(&mut self, post: &mut Object, key: &str) -> Result<(), Refusal> {
        let said = text(post, key).to_owned();
        let token = STANDARD.decode(&said).ok().and_then(|json| serde_json::from_slice::<Object>(&json).ok());
        if let Some(token) = token {
            let secret = text(&token, "secret");
            let issued = self.operations.iter().find(|(_, operation)| {
                let metadata = operation.metadata.as_ref().filter(|_| !operation.is_over());
                metadata.is_some_and(|metadata| metadata.contains_key("request") && text(metadata, "secret") == secret)
            });
            let (id, request) = issued
                .and_then(|(id, operation)| {
                    Some((id.clone(), operation.metadata.as_ref()?.get("request")?.as_object()?.clone()))
                })
                .ok_or_else(Refusal::forbidden)?;
            for key in ["name", "type", "restricted", "projects"] {
                post.extend(request.get(key).map(|value| (key.to_owned(), value.clone())));
            }
            self.end(&id, Ok(Value::Null));
            return Ok(());
        }
        let password = self.server_config().get("core.trust_password").cloned();
        match password.as_ref().and_then(Value::as_str) {
            Some(password) if password == said && key == "password" => Ok(()),
            _ => Err(Refusal::forbidden()),
        }
    }

    fn make_token(&mut self, ask: &Ask, post: &Object) -> Result<Answer, Refusal> {
        let addresses = self.addresses();
        if addresses.is_empty() {
            return Err(Refusal::bad("Can't issue token when server isn't listening on network"));
        }
        let secret = self.random.secret();
        let fingerprint = hex(&Sha256::digest(self.config.certificate.as_deref().unwrap_or_default()));
        let request = json!({
            "name": text(post, "name"), "type": text(post, "type"), "restricted": flag(post, "restricted"),
            "projects": texts(post, "projects"), "certificate": "", "password": "", "token": true,
        });
        let new = New::task("Executing operation", ask.project()).class("token").cancellable();
        let new = new.saying(json!({
            "addresses": addresses, "fingerprint": fingerprint, "request": request, "secret": secret,
        }));
        Ok(Answer::Running(self.open(new)))
    }
}

fn decode(certificate: &str) -> Result<Vec<u8>, Refusal> {
    let base64: String = certificate.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(&base64).map_err(|_| {
        let at = base64.bytes().position(|byte| !byte.is_ascii_alphanumeric() && !b"+/=".contains(&byte));
        Refusal::bad(format!("illegal base64 data at input byte {}", at.unwrap_or(base64.len() / 4 * 4)))
    })
}

/// A certificate as text.
pub(crate) fn pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> =
        (0..base64.len()).step_by(64).filter_map(|at| base64.get(at..base64.len().min(at + 64))).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
