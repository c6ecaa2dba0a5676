//! Times as servers write them.

use alloc::boxed::Box;
use core::fmt;

use serde::{Deserialize, Serialize};

/// A time as the server wrote it: RFC 3339, up to nanoseconds, any zone.
///
/// It stays text, so that writing it back changes nothing and no date library is forced on anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Timestamp(Box<str>);

impl Timestamp {
    /// A time in RFC 3339, for example `2030-01-31T12:00:00Z`.
    pub fn new(rfc3339: &str) -> Self {
        Self(rfc3339.into())
    }

    /// The text as the server wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the server means "never": Go's zero time (year 1) or no text at all.
    pub fn is_unset(&self) -> bool {
        self.0.is_empty() || self.0.starts_with("0001-01-01T00:00:00")
    }

    /// Seconds since 1970 and the nanoseconds within, or nothing when the text is no RFC 3339 time.
    pub fn unix(&self) -> Option<(i64, u32)> {
        let (date, rest) = self.0.split_at_checked(10)?;
        let (time, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(8)?;
        let [year, month, day] = numbers(date, '-')?;
        let [hour, minute, second] = numbers(time, ':')?;
        let fraction_end = rest.find(|c: char| c != '.' && !c.is_ascii_digit())?;
        let (fraction, zone) = rest.split_at(fraction_end);
        let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
        if !valid {
            return None;
        }
        let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
        Some((seconds - zone_seconds(zone)?, nanoseconds(fraction)?))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut out = [0; N];
    for slot in &mut out {
        let part = parts.next()?;
        *slot = part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(out)
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    if fraction.is_empty() {
        return Some(0);
    }
    let digits = fraction.strip_prefix('.')?;
    let mut value = 0;
    for index in 0..9 {
        let digit = digits.as_bytes().get(index).map_or(0, |b| b.wrapping_sub(b'0'));
        value = value * 10 + u32::from(digit);
    }
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(value)
}

fn zone_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let [hours, minutes] = numbers(zone.strip_prefix(['+', '-'])?, ':')?;
    Some(sign * (hours * 3_600 + minutes * 60))
}

/// Days in the proleptic Gregorian calendar, counted in eras of 400 years that begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some((0, 0))),
            ("2026-11-21T20:51:48.244510815Z", Some((1_795_294_308, 244_510_815))),
            ("2026-11-21T20:51:48.5+01:00", Some((1_795_290_708, 500_000_000))),
            ("2000-02-29T23:59:60-00:30", Some((951_870_600, 0))),
            ("1969-12-31T23:59:59Z", Some((-1, 0))),
            ("0001-01-01T00:00:00Z", Some((-62_135_596_800, 0))),
            ("", None),
            ("2026-11-21", None),
            ("2026-13-21T00:00:00Z", None),
            ("2026-11-21T00:00:00", None),
            ("2026-11-21T00:00:00.Z", None),
            ("2026-+1-21T00:00:00Z", None),
            ("日本語日本語日本語", None),
        ] {
            assert_eq!(Timestamp::new(text).unix(), expected, "{text}");
        }
        assert!(Timestamp::default().is_unset());
        assert!(Timestamp::new("0001-01-01T00:00:00Z").is_unset());
        assert!(!Timestamp::new("1970-01-01T00:00:00Z").is_unset());
    }
}
