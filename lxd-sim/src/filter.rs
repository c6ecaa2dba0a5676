//! Which objects of a list are wanted: `field eq value and field ne value`.

use serde_json::Value;

use crate::{
    answer::Refusal,
    ask::{Ask, Object},
};

/// Clauses, from left to right; each but the first with `and` or `or` before it.
#[derive(Debug, Default)]
pub(crate) struct Filter(Vec<Clause>);

#[derive(Debug)]
struct Clause {
    or: bool,
    not: bool,
    field: String,
    equal: bool,
    value: String,
}

impl Filter {
    pub(crate) fn read(ask: &Ask) -> Result<Self, Refusal> {
        match ask.query.get("filter") {
            Some(text) if !text.is_empty() => {
                Self::parse(text).map_err(|error| Refusal::internal(format!("Invalid filter: {error}")))
            }
            _ => Ok(Self::default()),
        }
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let mut words = words(text)?.into_iter().peekable();
        let (mut clauses, mut or) = (Vec::new(), false);
        loop {
            let not = words.next_if(|word| word.eq_ignore_ascii_case("not")).is_some();
            let field = words.next().ok_or("unterminated expression")?;
            let equal = match words.next().ok_or("clause has no operator")?.as_str() {
                "eq" => true,
                "ne" => false,
                _ => return Err("invalid operator"),
            };
            let value = words.next().ok_or("clause has no value")?;
            clauses.push(Clause { or, not, field, equal, value });
            or = match words.next().as_deref() {
                None => return Ok(Self(clauses)),
                Some("and") => false,
                Some("or") => true,
                Some(_) => return Err("invalid boolean operator"),
            };
        }
    }

    pub(crate) fn takes(&self, object: &Object) -> bool {
        let mut takes = true;
        for (index, clause) in self.0.iter().enumerate() {
            let fits = clause.fits(object);
            takes = match (index, clause.or) {
                (0, _) => fits,
                (_, true) => takes || fits,
                (_, false) => takes && fits,
            };
        }
        takes
    }
}

impl Clause {
    fn fits(&self, object: &Object) -> bool {
        let matches = match find(object, &self.field) {
            Some(Value::String(there)) => is_like(there, &self.value),
            Some(there @ (Value::Bool(_) | Value::Number(_))) => there.to_string().as_str() == self.value,
            _ => false,
        };
        (matches == self.equal) != self.not
    }
}

/// A field by a path with dots, of which a map's key may have some itself.
fn find<'a>(object: &'a Object, path: &str) -> Option<&'a Value> {
    if let Some(value) = object.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    find(object.get(first)?.as_object()?, rest)
}

/// The words, with those between quotes taken together.
fn words(text: &str) -> Result<Vec<String>, &'static str> {
    let (mut words, mut quoted) = (Vec::new(), None::<Vec<&str>>);
    for word in text.split_whitespace() {
        match &mut quoted {
            None if word.starts_with('"') => quoted = Some(vec![&word[1..]]),
            None => words.push(word.to_owned()),
            Some(parts) => match word.strip_suffix('"') {
                Some(last) => {
                    parts.push(last);
                    words.push(parts.join(" "));
                    quoted = None;
                }
                None => parts.push(word),
            },
        }
    }
    if quoted.is_some() { Err("unterminated quote") } else { Ok(words) }
}

/// The part of regular expressions that people write: `.*`, `.`, `|` and anchors, without regard to case. LXD takes all
/// of Go's.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.to_lowercase(), pattern.to_lowercase());
    let is_anchored = pattern.contains('^') || pattern.contains('$');
    pattern.split('|').any(|pattern| {
        let (begin, end) = (pattern.starts_with('^') || !is_anchored, pattern.ends_with('$') || !is_anchored);
        let pattern = pattern.trim_start_matches('^').trim_end_matches('$');
        let mut starts =
            text.char_indices().map(|(at, _)| at).chain([text.len()]).take(if begin { 1 } else { usize::MAX });
        starts.any(|at| fits(&text[at..], pattern, end))
    })
}

fn fits(text: &str, pattern: &str, to_the_end: bool) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() || !to_the_end };
    let (escaped, one) = match first {
        '\\' => (true, pattern.chars().nth(1).unwrap_or('\\')),
        other => (false, other),
    };
    let after = &pattern[if escaped { 1 + one.len_utf8() } else { one.len_utf8() }.min(pattern.len())..];
    let matches = |c: char| (one == '.' && !escaped) || c == one;
    let next = text.chars().next().filter(|c| matches(*c));
    match after.chars().next() {
        Some(many @ ('*' | '+')) => {
            let rest = &after[1..];
            let again = next.is_some_and(|c| {
                let left = &text[c.len_utf8()..];
                fits(left, pattern, to_the_end) || (many == '+' && fits(left, rest, to_the_end))
            });
            again || (many == '*' && fits(text, rest, to_the_end))
        }
        _ => next.is_some_and(|c| fits(&text[c.len_utf8()..], after, to_the_end)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_choose() {
        let object = json!({"name": "Web-1", "status": "Running", "config": {"user.k": "two words"}, "public": true});
        let takes = |filter: &str| Filter::parse(filter).map(|filter| filter.takes(object.as_object().unwrap()));
        for (filter, expected) in [
            ("name eq web-1", true),
            ("name eq web", false),
            ("name eq web.*", true),
            ("name eq ^we", true),
            ("name eq a|web-.", true),
            ("not name eq web-1", false),
            ("config.user.k eq \"two words\"", true),
            ("public eq true and status ne Stopped", true),
            ("public eq false or status eq running", true),
            ("nosuch eq x", false),
        ] {
            assert_eq!(takes(filter), Ok(expected), "{filter}");
        }
        assert!(takes("name").is_err() && takes("name eq \"x").is_err() && takes("name like x").is_err());
    }
}
