//! What a client adds to every request: project and cluster member.

use alloc::string::String;

use http::HeaderMap;

use crate::{Error, Extensions, Request, headers, uri};

/// What a client adds to every request. A value: changing the scope makes another client and leaves this one as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The project; none means `default`.
    pub project: Option<String>,
    /// The cluster member (or `@group`) to work on; none leaves it to the cluster.
    pub target: Option<String>,
    /// What is known of the server's API extensions, and whether calls look at it.
    pub extensions: Extensions,
}

impl Scope {
    /// Adds the scope to a request that does not say otherwise itself, and says what is in LXD's headers (`X-LXD-*`) in
    /// Incus's (`X-Incus-*`) too: each server knows only its own. LXD answers 400 to a project beside
    /// `all-projects`, so that is left alone.
    ///
    /// # Errors
    /// [`Error::InvalidName`] when the URI becomes too long: without its scope the request would be another one.
    pub fn apply(&self, request: &mut Request) -> Result<(), Error> {
        let of_all = uri::has_query(request.uri(), "all-projects");
        if let Some(project) = self.project.as_ref().filter(|_| !of_all) {
            *request.uri_mut() = uri::with_query(request.uri(), "project", project)?;
        }
        if let Some(target) = &self.target {
            *request.uri_mut() = uri::with_query(request.uri(), "target", target)?;
        }
        headers::say_twice(request.headers_mut());
        Ok(())
    }

    /// Gives an answer's headers the names that the core reads: LXD's, where Incus has its own.
    pub fn adopt(&self, headers: &mut HeaderMap) {
        headers::adopt(headers);
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec::Vec};

    use http::{HeaderValue, Method};

    use super::*;
    use crate::{endpoint, uri::Path};

    #[test]
    fn a_request_gets_the_scope_once() {
        let scope = Scope { project: Some("a b".into()), target: Some("@g".into()), ..Scope::default() };
        let mut request = endpoint::bare(Method::GET, &Path::root().join("instances")).unwrap();
        request.headers_mut().insert(headers::UID, HeaderValue::from_static("0"));
        scope.apply(&mut request).unwrap();
        scope.apply(&mut request).unwrap();
        assert_eq!(request.uri().to_string(), "/1.0/instances?project=a%20b&target=%40g");
        for header in ["x-lxd-uid", "x-incus-uid"] {
            assert_eq!(request.headers().get_all(header).iter().collect::<Vec<_>>(), ["0"]);
        }
    }

    #[test]
    fn all_projects_excludes_a_project() {
        let scope = Scope { project: Some("p".into()), ..Scope::default() };
        let mut request = endpoint::bare(Method::GET, &Path::root().query("all-projects", "true")).unwrap();
        scope.apply(&mut request).unwrap();
        assert_eq!(request.uri().to_string(), "/1.0?all-projects=true");
    }

    #[test]
    fn an_incus_answer_is_read_like_lxds() {
        let mut headers = HeaderMap::new();
        headers.insert("x-incus-mode", HeaderValue::from_static("0644"));
        Scope::default().adopt(&mut headers);
        assert_eq!(headers[headers::MODE], "0644");
    }
}
