//! A shell that knows commands one after the other, `&&`, quotes, variables and redirections, and nothing else: no pipes,
//! no loops, no jobs.

use std::collections::BTreeMap;

/// A command, with where its outputs go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// Whether it only runs when the one before it has succeeded.
    pub(crate) if_good: bool,
    words: Vec<Vec<Part>>,
    redirections: Vec<(u8, Way, Vec<Part>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Unquoted, so that it is cut at spaces.
    Bare(String),
    Variable(String),
    Sum(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Write,
    Append,
    Read,
    /// To another one's, or nowhere.
    Same,
}

/// Where something is written, or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Redirection {
    From(String),
    To(u8, String, bool),
    Like(u8, u8),
    Closed(u8),
}

/// A command whose variables are replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expanded {
    pub(crate) words: Vec<String>,
    pub(crate) redirections: Vec<Redirection>,
}

/// Takes a script apart.
///
/// # Errors
/// What it does not know.
pub(crate) fn parse(script: &str) -> Result<Vec<Command>, String> {
    let mut commands = Vec::new();
    let mut text = script.trim_start();
    if text.starts_with("#!") {
        text = text.split_once('\n').map_or("", |(_, rest)| rest);
    }
    let mut rest = text.chars().peekable();
    let mut command = Command { if_good: false, words: Vec::new(), redirections: Vec::new() };
    let mut target: Option<(u8, Way)> = None;
    loop {
        while rest.next_if(|c| *c == ' ' || *c == '\t').is_some() {}
        let Some(first) = rest.peek().copied() else { break };
        let mut finish = |if_good: bool, command: &mut Command| {
            let next = Command { if_good, words: Vec::new(), redirections: Vec::new() };
            let done = std::mem::replace(command, next);
            if !done.words.is_empty() || !done.redirections.is_empty() {
                commands.push(done);
            }
        };
        match first {
            ';' | '\n' => {
                rest.next();
                finish(false, &mut command);
                continue;
            }
            '&' => {
                rest.next();
                if rest.next_if_eq(&'&').is_none() {
                    return Err("jobs in the background".into());
                }
                finish(true, &mut command);
                continue;
            }
            '#' => {
                while rest.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            '|' | '(' | ')' | '`' | '{' | '}' => return Err(format!("{first:?}")),
            '<' | '>' => {
                rest.next();
                target = Some(way(first, 1, &mut rest));
                continue;
            }
            _ => {}
        }
        let word = word(&mut rest)?;
        if let ([Part::Bare(number)], Some('>')) = (word.as_slice(), rest.peek()) {
            if let Ok(fd) = number.parse::<u8>() {
                rest.next();
                target = Some(way('>', fd, &mut rest));
                continue;
            }
        }
        match target.take() {
            Some((fd, way)) => command.redirections.push((fd, way, word)),
            None => command.words.push(word),
        }
        if let [Part::Bare(keyword)] = command.words.first().map_or(&[][..], Vec::as_slice) {
            if ["while", "for", "if", "case", "until", "trap", "function"].contains(&keyword.as_str()) {
                return Err(format!("{keyword:?}"));
            }
        }
    }
    commands.push(command);
    Ok(commands)
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn way(first: char, fd: u8, rest: &mut Rest<'_>) -> (u8, Way) {
    if first == '<' {
        (0, Way::Read)
    } else if rest.next_if_eq(&'>').is_some() {
        (fd, Way::Append)
    } else if rest.next_if_eq(&'&').is_some() {
        (fd, Way::Same)
    } else {
        (fd, Way::Write)
    }
}

fn word(rest: &mut Rest<'_>) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    while let Some(c) = rest.peek().copied() {
        match c {
            ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
            '\'' => {
                rest.next();
                let text = rest.by_ref().take_while(|c| *c != '\'').collect();
                parts.push(Part::Text(text));
            }
            '"' => {
                rest.next();
                parts.push(Part::Text(String::new()));
                while let Some(c) = rest.next_if(|c| *c != '"') {
                    match c {
                        '$' => parts.push(variable(rest)?),
                        '\\' => parts.extend(rest.next().map(|c| Part::Text(c.into()))),
                        '`' => return Err("'`'".into()),
                        c => parts.push(Part::Text(c.into())),
                    }
                }
                rest.next();
            }
            '$' => {
                rest.next();
                parts.push(variable(rest)?);
            }
            '\\' => {
                rest.next();
                parts.extend(rest.next().map(|c| Part::Text(c.into())));
            }
            c => {
                rest.next();
                match parts.last_mut() {
                    Some(Part::Bare(text)) => text.push(c),
                    _ => parts.push(Part::Bare(c.into())),
                }
            }
        }
    }
    Ok(parts)
}

fn variable(rest: &mut Rest<'_>) -> Result<Part, String> {
    if rest.next_if_eq(&'(').is_some() {
        if rest.next_if_eq(&'(').is_none() {
            return Err("'$('".into());
        }
        let sum = rest.by_ref().take_while(|c| *c != ')').collect();
        rest.next_if_eq(&')');
        return Ok(Part::Sum(sum));
    }
    let braced = rest.next_if_eq(&'{').is_some();
    let mut name = String::new();
    while let Some(c) =
        rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_' || (name.is_empty() && "?$#".contains(*c)))
    {
        name.push(c);
        if "?$#".contains(c) {
            break;
        }
    }
    if braced && rest.next() != Some('}') {
        return Err("'${'".into());
    }
    Ok(if name.is_empty() { Part::Text("$".into()) } else { Part::Variable(name) })
}

impl Command {
    /// Replaces its variables.
    pub(crate) fn expand(&self, variables: &BTreeMap<String, String>) -> Expanded {
        let words = self.words.iter().flat_map(|parts| expand(parts, variables)).collect();
        let redirection = |(fd, way, parts): &(u8, Way, Vec<Part>)| {
            let text = expand(parts, variables).join(" ");
            match way {
                Way::Read => Redirection::From(text),
                Way::Write | Way::Append => Redirection::To(*fd, text, *way == Way::Append),
                Way::Same => text.parse().map_or(Redirection::Closed(*fd), |like| Redirection::Like(*fd, like)),
            }
        };
        Expanded { words, redirections: self.redirections.iter().map(redirection).collect() }
    }
}

fn expand(parts: &[Part], variables: &BTreeMap<String, String>) -> Vec<String> {
    let (mut text, mut is_quoted) = (String::new(), false);
    for part in parts {
        match part {
            Part::Text(more) => {
                is_quoted = true;
                text.push_str(more);
            }
            Part::Bare(more) => text.push_str(more),
            Part::Variable(name) => text.push_str(variables.get(name).map_or("", String::as_str)),
            Part::Sum(sum) => text.push_str(&added(sum, variables).to_string()),
        }
    }
    if is_quoted {
        return vec![text];
    }
    text.split_whitespace().map(String::from).collect()
}

/// `a+b-c`.
fn added(sum: &str, variables: &BTreeMap<String, String>) -> i64 {
    let (mut total, mut sign, mut term) = (0, 1, String::new());
    for c in sum.chars().chain(['+']) {
        if c == '+' || c == '-' {
            let name = term.trim().trim_start_matches('$');
            let value = variables.get(name).map_or(name, String::as_str);
            total += sign * value.parse::<i64>().unwrap_or(0);
            sign = if c == '-' { -1 } else { 1 };
            term.clear();
        } else {
            term.push(c);
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_taken_apart() {
        let variables = BTreeMap::from([("NAME".to_owned(), "a  value".to_owned()), ("?".into(), "3".into())]);
        let expanded = |script: &str| {
            let commands = parse(script).unwrap();
            commands.iter().map(|command| command.expand(&variables).words.join("|")).collect::<Vec<_>>()
        };
        assert_eq!(expanded("echo 'a b' \"$NAME\" $NAME$?; exit $?"), ["echo|a b|a  value|a|value3", "exit|3"]);
        assert_eq!(expanded("echo hi-$((40+2)) && true\n"), ["echo|hi-42", "true", ""]);
        let redirected = parse("echo x >&2 2>/dev/null >>f 2>&-").unwrap()[0].expand(&variables).redirections;
        let expected = [
            Redirection::Like(1, 2),
            Redirection::To(2, "/dev/null".into(), false),
            Redirection::To(1, "f".into(), true),
            Redirection::Closed(2),
        ];
        assert_eq!(redirected, expected);
        assert!(parse("cat & wait").is_err() && parse("a | b").is_err() && parse("while :; do x; done").is_err());
    }
}
