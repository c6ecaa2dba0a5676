//! Time as LXD writes it.

use std::time::Duration;

/// LXD's "never".
pub(crate) const NEVER: &str = "0001-01-01T00:00:00Z";

/// What an instance has that never ran.
pub(crate) const EPOCH: &str = "1970-01-01T00:00:00Z";

/// A time since 1970 in RFC 3339.
pub(crate) fn rfc3339(time: Duration) -> String {
    let (year, month, day) = date(time.as_secs() / 86_400);
    let (second, nanos) = (time.as_secs() % 86_400, time.subsec_nanos());
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = if nanos == 0 { String::new() } else { format!(".{nanos:09}").trim_end_matches('0').to_owned() };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// A time since 1970 as Go prints one.
pub(crate) fn go(time: Duration) -> String {
    let text = rfc3339(Duration::from_secs(time.as_secs()));
    format!("{} {} +0000 UTC", &text[..10], &text[11..19])
}

/// Year, month and day of so many days after 1970-01-01, by counting years from March on.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + 400 * era + carry, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_lxd_writes_them() {
        assert_eq!(rfc3339(Duration::from_secs(1_767_225_600)), "2026-01-01T00:00:00Z");
        assert_eq!(rfc3339(Duration::new(951_827_696, 120_000_000)), "2000-02-29T12:34:56.12Z");
        assert_eq!(go(Duration::from_secs(1_700_000_000)), "2023-11-14 22:13:20 +0000 UTC");
    }
}
