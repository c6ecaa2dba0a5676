use alloc::{string::ToString, vec};

use proptest::{
    collection::{btree_map, vec as list},
    prelude::{Just, Strategy, any, prop_oneof, proptest},
};
use serde_json::{Value, json};

use super::*;
use crate::error::ApiErrorKind;

fn elements(status: u16) -> Elements<Value> {
    let response = http::Response::builder().status(status).header("content-type", "x/y").body(()).unwrap();
    Elements::new("a value", response.into_parts().0, |metadata| {
        Ok(decode::<Option<_>>("values", metadata.as_bytes())?.unwrap_or_default())
    })
}

/// Reads an answer that comes in these chunks.
fn read<'a>(status: u16, chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Value>, Error> {
    let mut collected = Box::new(Collected::new(elements(status)));
    for chunk in chunks {
        collected.push(Bytes::copy_from_slice(chunk))?;
    }
    collected.finish()
}

/// Reads it in every way in which two cuts can divide it, which come to the same.
fn divided(status: u16, answer: &str) -> Result<Vec<Value>, Error> {
    let (answer, whole) = (answer.as_bytes(), read(status, [answer.as_bytes()]));
    let same = |read: Result<_, Error>| match (&read, &whole) {
        // Of what is cut, less is shown.
        (Err(Error::Decode { .. }), Err(Error::Decode { .. })) => {}
        (read, whole) => assert_eq!(read, whole, "{}", String::from_utf8_lossy(answer)),
    };
    same(read(status, answer.chunks(1)));
    for first in 0..=answer.len() {
        for second in [first + 1, first + 2, first + 7, answer.len()] {
            let second = second.clamp(first, answer.len());
            same(read(status, [&answer[..first], &answer[first..second], &answer[second..]]));
        }
    }
    whole
}

#[test]
fn lists() {
    for (answer, list) in [
        (r#"{"type":"sync","status":"Success","metadata":[]}"#, json!([])),
        (
            r#"{"type":"sync","metadata":[1,20,-3.5e1,true,null,"a,]\"\\"]}"#,
            json!([1, 20, -35.0, true, null, "a,]\"\\"]),
        ),
        (
            "\n{ \"type\" : \"sync\" ,\r\n\t\"metadata\" : [ {\"a\" : [ ] } , [ { } ] ] , \"more\" : [1] }\n",
            json!([{"a": []}, [{}]]),
        ),
        // In any order.
        (r#"{"metadata":[{"metadata":["x"]}],"type":"sync"}"#, json!([{"metadata": ["x"]}])),
        // Other keys with such names, and texts that look like it.
        (
            r#"{"a":{"metadata":[1]},"b":"\"metadata\":[","x\"metadata":[2],"type":"sync","metadata":["é\ud83d\ude00"]}"#,
            json!(["é😀"]),
        ),
        // Go's word for an empty list, and no word at all.
        (r#"{"type":"sync","metadata":null}"#, json!([])),
        (r#"{"type":"sync"}"#, json!([])),
        // A name that is written in another way is found at the end.
        (r#"{"type":"sync","meta\u0064ata":[1,2]}"#, json!([1, 2])),
    ] {
        assert_eq!(Value::Array(divided(200, answer).unwrap()), list, "{answer}");
    }
}

#[test]
fn what_is_no_list() {
    for (status, answer, name) in [
        (200, r#"{"type":"sync","metadata":{"a":[1]}}"#, "Decode"),
        (200, r#"{"type":"sync","metadata":[1 2]}"#, "Decode"),
        (200, r#"{"type":"sync","metadata":[1,]}"#, "Decode"),
        (200, r#"{"type":"sync","metadata":[,1]}"#, "Decode"),
        (200, r#"{"type":"sync","metadata":[{"a":1}}"#, "Decode"),
        (200, r#"{"type":"sync","metadata":[{"a":[1}]}"#, "Decode"),
        (200, r#"{"type":"sync","metadata":[1]"#, "Decode"),
        (200, r#"{"type":"sync","metadata":[1]}}"#, "NotLxd"),
        (200, r#"{"type":"sync","metadata":[1],"metadata":[2]}"#, "NotLxd"),
        (200, r#"{"type":"sync","metadata":null,"metadata":[2]}"#, "NotLxd"),
        (200, r#"{"type":"surprise","metadata":[1]}"#, "NotLxd"),
        (200, r#"{"metadata":[1],"type":"error","error_code":403,"error":"no"}"#, "Api"),
        (200, r#"{"type":"error","error_code":403,"error":"no","metadata":[{"#, "Api"),
        (403, r#"{"type":"error","error":"no","metadata":[1]}"#, "Api"),
        (500, r#"{"type":"sync","metadata":[1]}"#, "NotLxd"),
        (502, "<html>Bad Gateway</html>", "NotLxd"),
        (200, "<html>[1]</html>", "NotLxd"),
        (200, "[1]", "NotLxd"),
        (200, "", "NotLxd"),
        (200, r#"{"type":"async","operation":"/1.0/operations/x","metadata":[1]}"#, "Protocol"),
        (200, r#"{"type":"async","operation":"/1.0/operations/x","metadata":{}}"#, "Protocol"),
        (200, r#"{"type":"async","metadata":[1]}"#, "Protocol"),
    ] {
        let error = divided(status, answer).unwrap_err();
        let shown = format!("{error:?}");
        assert!(shown.starts_with(name), "{status} {answer}: {shown}");
        if name == "Api" {
            assert_eq!((error.api(), error.to_string().as_str()), (Some(ApiErrorKind::Forbidden), "no (403)"));
        }
    }
}

#[test]
fn what_is_cut_off_is_never_whole() {
    for answer in [
        r#"{"type":"sync","status_code":200,"metadata":[{"a":[1,"b"]},12,"c"],"more":{}}"#,
        r#"{"metadata":[1,2],"type":"sync"}"#,
        r#"{"type":"sync","metadata":null}"#,
    ] {
        assert!(divided(200, answer).is_ok());
        for end in 1..answer.len() {
            let error = divided(200, &answer[..end]).unwrap_err();
            assert!(matches!(error, Error::Decode { .. }), "{}: {error:?}", &answer[..end]);
        }
    }
}

/// What comes before it is there, and it is not taken for something that may follow.
#[test]
fn what_is_no_text() {
    for bad in [&b"\"\xff\"]}"[..], b"\"\xc3\"]}", b"\xff", b"\"\xe2\x82"] {
        let answer = ["{\"type\":\"sync\",\"metadata\":[\"é\",1,".as_bytes(), bad].concat();
        for size in [1, 2, answer.len()] {
            let mut elements = elements(200);
            let mut seen = vec![];
            let mut chunks = answer.chunks(size);
            let error = loop {
                match elements.take() {
                    Ok(Element::Next(element)) => seen.push(element),
                    Ok(Element::NotYet) => match chunks.next() {
                        Some(chunk) => elements.push(Bytes::copy_from_slice(chunk)),
                        None => elements.finish(),
                    },
                    Ok(Element::End) => panic!("{bad:?} is no text"),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, Error::Decode { .. }), "{error:?}");
            assert_eq!(seen, [json!("é"), json!(1)]);
        }
    }
}

/// Each element is there as soon as the byte after it is, however little comes at a time.
#[test]
fn elements_come_as_they_arrive() {
    let mut elements = elements(200);
    let mut seen = vec![];
    for (index, byte) in br#"{"type":"sync","metadata":[{"a":"],"},23,[[]]]}"#.iter().enumerate() {
        elements.push(Bytes::copy_from_slice(&[*byte]));
        while let Element::Next(element) = elements.take().unwrap() {
            seen.push((index, element));
        }
    }
    assert_eq!(seen, [(37, json!({"a": "],"})), (40, json!(23)), (45, json!([[]]))]);
    assert_eq!(elements.take().unwrap(), Element::NotYet);
    elements.finish();
    assert_eq!(elements.take().unwrap(), Element::End);
    assert_eq!(elements.take().unwrap(), Element::End);
}

/// However much is sent, only an element and a chunk of it are held.
#[test]
fn what_is_held_has_limits() {
    let endless = |status, begin: &'static str, on: &'static [u8], most: usize| {
        let mut elements = elements(status);
        elements.push(begin.into());
        let mut sent = 0;
        let error = loop {
            match elements.take() {
                Ok(Element::Next(_)) => {}
                Ok(Element::NotYet) => elements.push(Bytes::from_static(on)),
                Ok(Element::End) => panic!("it has no end"),
                Err(error) => break error,
            }
            sent += on.len();
            assert!(elements.envelope.len() + elements.text.len() + elements.chunk.len() <= most);
            if sent > 4 * most {
                return None;
            }
        };
        Some(format!("{error:?}").split(' ').next().unwrap().into())
    };
    static PIECE: [u8; 1 << 16] = [b'1'; 1 << 16];
    static BLANK: [u8; 1 << 16] = [b' '; 1 << 16];
    let most = limits::ELEMENT + (2 << 16);
    let ended = |name| Some(String::from(name));
    assert_eq!(endless(200, r#"{"type":"sync","metadata":["#, &PIECE, most), ended("Decode"));
    assert_eq!(endless(200, r#"{"type":"sync","metadata":[""#, &PIECE, most), ended("TooLarge"));
    assert_eq!(endless(200, r#"{"type":"sync","metadata":"#, &PIECE, most), ended("TooLarge"));
    assert_eq!(endless(200, r#"{"type":"sync","metadata":[],"x":"#, &PIECE, most), ended("TooLarge"));
    assert_eq!(endless(200, "<html>", &PIECE, most), ended("NotLxd"));
    assert_eq!(endless(500, "<html>", &PIECE, most), ended("Transport(Failure"));
    assert_eq!(endless(200, r#"{"type":"sync","metadata":[7"#, b",true ", 1 << 16), None);
    assert_eq!(endless(200, r#"{"type":"sync","metadata":["#, &BLANK, most), None);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        r#"[\[\]{},:"\\ ]{0,8}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            list(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    /// Any list in any pieces is what serde_json reads of it whole.
    #[test]
    fn any_list(values in list(value(), 0..6), pretty in any::<bool>(), cuts in list(1_usize..40, 1..40)) {
        let answer = json!({"type": "sync", "a": values, "metadata": values, "z": values});
        let text = if pretty { serde_json::to_string_pretty(&answer) } else { serde_json::to_string(&answer) }.unwrap();
        let mut rest = text.as_bytes();
        let mut cuts = cuts.iter().cycle();
        let chunks = core::iter::from_fn(|| {
            let (chunk, behind) = rest.split_at((*cuts.next()?).min(rest.len()));
            rest = behind;
            (!chunk.is_empty()).then_some(chunk)
        });
        assert_eq!(read(200, chunks).unwrap(), values);
    }

    /// Whatever comes, it is taken for what it is taken for whole, or refused.
    #[test]
    fn any_text(text in r#"(\{"type":"sync",)?("metadata":)?[\[\]{},:"\\ 0-9a]{0,24}"#, size in 1_usize..9) {
        let whole = read(200, [text.as_bytes()]);
        assert_eq!(read(200, text.as_bytes().chunks(size)).is_ok(), whole.is_ok());
        if let Ok(list) = whole {
            let answer: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(answer.get("metadata").filter(|list| !list.is_null()).unwrap_or(&json!([])), &Value::Array(list));
        }
    }
}
