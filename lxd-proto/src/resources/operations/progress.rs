//! How far an operation is.

use alloc::string::String;

use serde_json::Value;

use super::{Operation, OperationMetadata};

/// How far an operation is, as far as it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Which step: `download`, `create_instance_from_image_unpack`, `fs` (a migration), ...
    pub stage: String,
    /// How much of the step is done, in percent.
    pub percent: Option<u8>,
    /// How many bytes of the step are done. LXD says it where it does not know how many there are.
    pub processed: Option<u64>,
    /// Bytes in a second.
    pub speed: Option<u64>,
    /// The same as LXD writes it for people, as `rootfs: 42% (12.30MB/s)`.
    pub text: String,
}

impl Operation {
    /// How far it is, if it says so: a download, the unpacking or packing of an image, a copy, a backup.
    ///
    /// LXD says it twice, as numbers in `progress` and as text in `download_progress`, `fs_progress` and so on; some work
    /// has only the text, whose sizes are rounded. Servers after 6.9 say it in events only:
    /// [`updates`](crate::Object::updates) gives it in each case.
    pub fn progress(&self) -> Option<Progress> {
        Progress::in_metadata(&self.metadata)
    }
}

impl Progress {
    fn in_metadata(metadata: &OperationMetadata) -> Option<Self> {
        let object = metadata.get("progress").and_then(Value::as_object);
        let stage = object.and_then(|object| object.get("stage")?.as_str());
        // What an earlier step said stays there.
        let texts = metadata.iter().filter_map(|(key, text)| Some((key.strip_suffix("_progress")?, text.as_str()?)));
        let text = texts.filter(|(of, text)| !text.is_empty() && stage.is_none_or(|stage| *of == stage)).last();
        if object.is_none() && text.is_none() {
            return None;
        }
        let mut progress = text.map_or_else(Self::default, |(stage, text)| Self::in_text(stage, text));
        if let Some(object) = object {
            let number = |key: &str| number(object.get(key)?);
            progress.stage = stage.unwrap_or_default().into();
            progress.percent = number("percent").and_then(|percent| percent.try_into().ok()).or(progress.percent);
            progress.processed = number("processed").or(progress.processed);
            progress.speed = number("speed").or(progress.speed);
        }
        Some(progress)
    }

    /// `rootfs: 42% (12.30MB/s)`, `rootfs: 12.30MB (1.20MB/s)`, `rootfs: 1.20MB/s`, or no numbers at all.
    fn in_text(stage: &str, text: &str) -> Self {
        let mut progress = Self { stage: stage.into(), text: text.into(), ..Self::default() };
        let numbers = text.rsplit_once(": ").map_or(text, |(_, numbers)| numbers);
        for word in numbers.split_whitespace() {
            let word = word.trim_matches(['(', ')']);
            if let Some(percent) = word.strip_suffix('%') {
                progress.percent = percent.parse().ok();
            } else if let Some(speed) = word.strip_suffix("/s") {
                progress.speed = size(speed);
            } else {
                progress.processed = size(word).or(progress.processed);
            }
        }
        progress
    }
}

/// LXD sends its numbers as text.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// `12.30MB` as LXD writes sizes: in steps of 1000, with two decimals.
fn size(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| c != '.' && !c.is_ascii_digit())?);
    let unit: u128 = match unit {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "PB" => 1_000_000_000_000_000,
        "EB" => 1_000_000_000_000_000_000,
        _ => return None,
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let scale = 10_u128.checked_pow(u32::try_from(decimals.len()).ok()?)?;
    let decimals = if decimals.is_empty() { 0 } else { decimals.parse::<u64>().ok()?.into() };
    let bytes = u128::from(whole.parse::<u64>().ok()?).checked_mul(unit)? + unit.checked_mul(decimals)? / scale;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn progress(metadata: Value) -> Option<Progress> {
        let operation: Operation = serde_json::from_value(json!({"metadata": metadata})).unwrap();
        operation.progress()
    }

    fn numbers(metadata: Value) -> (String, Option<u8>, Option<u64>, Option<u64>) {
        let progress = progress(metadata).unwrap();
        (progress.stage, progress.percent, progress.processed, progress.speed)
    }

    #[test]
    fn as_text() {
        for (text, percent, processed, speed) in [
            ("rootfs: 42% (12.3MB/s)", Some(42), None, Some(12_300_000)),
            ("metadata: 100% (1.91GB/s)", Some(100), None, Some(1_910_000_000)),
            ("Unpack: 7%", Some(7), None, None),
            ("c1/snap: 0: 12.05kB (999B/s)", None, Some(12_050), Some(999)),
            ("c1: 3.00TB/s", None, None, Some(3_000_000_000_000)),
            ("Remapping container filesystem", None, None, None),
            ("Migrating \"t3\" in project \"default\" from \"m2\"", None, None, None),
            ("x: 300% (99999999999999999999EB/s) .MB 1.2.3MB 5 日", None, None, None),
        ] {
            let expected = ("fs".into(), percent, processed, speed);
            assert_eq!(numbers(json!({"fs_progress": text})), expected, "{text}");
            assert_eq!(progress(json!({"fs_progress": text})).unwrap().text, text);
        }
    }

    #[test]
    fn as_numbers() {
        // As 5.0.2 and 6.9 send it; what an earlier step said is still there.
        let unpack = json!({
            "download_progress": "metadata: 100% (1.91GB/s)",
            "create_instance_from_image_unpack_progress": "Unpack: 10% (642.90MB/s)",
            "progress": {"percent": "10", "speed": "642896382", "stage": "create_instance_from_image_unpack"},
        });
        assert_eq!(progress(unpack.clone()).unwrap().text, "Unpack: 10% (642.90MB/s)");
        let stage = String::from("create_instance_from_image_unpack");
        assert_eq!(numbers(unpack), (stage, Some(10), None, Some(642_896_382)));
        let download =
            json!({"progress": {"percent": "100", "processed": "440", "speed": "2085", "stage": "download"}});
        assert_eq!(numbers(download), ("download".into(), Some(100), Some(440), Some(2085)));
        let odd = json!({"progress": {"percent": 5, "processed": "-1", "speed": "fast", "stage": null}});
        assert_eq!(numbers(odd), (String::new(), Some(5), None, None));
    }

    #[test]
    fn none() {
        for metadata in [json!(null), json!({}), json!({"container_progress": ""}), json!({"progress": "half"})] {
            assert_eq!(progress(metadata.clone()), None, "{metadata}");
        }
    }
}
