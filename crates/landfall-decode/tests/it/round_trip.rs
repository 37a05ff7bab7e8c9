//! For any table and any cut of its text, what was written is what is read; and no bytes make a decoder panic.

use proptest::prelude::*;

use crate::show::{Case, cell, file};

/// Writes a field as RFC 4180 has it: in quotes where it must be, or where `quoted` says so.
fn field(text: &Option<String>, quoted: bool, out: &mut String) {
    let Some(text) = text else { return };
    let must = text.is_empty() || text.contains([',', '"', '\n', '\r']) || text.starts_with('\u{feff}');
    if quoted || must {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        Just(Some(String::new())),
        "[a-z,\"\\r\\n]{1,6}".prop_map(Some),
        "\\PC{0,8}".prop_map(Some).prop_filter("NUL is no text", |text| !text.as_ref().is_some_and(|text| text.contains('\0'))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_table_reads_back_as_it_was_written(
        rows in prop::collection::vec((prop::collection::vec((text(), any::<bool>()), 3), any::<bool>()), 0..12),
        step in 1_usize..40,
        last_break: bool,
    ) {
        let mut written = "a,b,c\n".to_owned();
        for (index, (fields, crlf)) in rows.iter().enumerate() {
            for (place, (text, quoted)) in fields.iter().enumerate() {
                if place > 0 { written.push(','); }
                field(text, *quoted, &mut written);
            }
            if last_break || index + 1 < rows.len() {
                written.push_str(if *crlf { "\r\n" } else { "\n" });
            }
        }
        let case = Case { step, ..file(&written).declared("a text, b text, c text") };
        let (decoded, _, summary) = case.done().unwrap();
        prop_assert_eq!(summary.rejected_records, 0);
        prop_assert_eq!(summary.bytes, written.len() as u64);
        let read: Vec<Vec<String>> = decoded.iter().flat_map(|decoded| {
            (0..decoded.lines.len()).map(|row| (0..3).map(|column| cell(&decoded.batch, column, row)).collect())
        }).collect();
        let expected: Vec<Vec<String>> = rows.iter().map(|(fields, _)| {
            fields.iter().map(|(text, _)| text.clone().unwrap_or("∅".into())).collect()
        }).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(prop_oneof![
            Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b':'), Just(b'\\'),
            b'0'..=b'9', b'a'..=b'f', any::<u8>(),
        ], 0..200),
        step in 1_usize..50,
    ) {
        let case = Case { step, ..file(&bytes) };
        let whole = Case { step: usize::MAX, ..case.clone() };
        let outcome = |case: &Case| case.done().map(|(_, columns, summary)| (columns, summary)).map_err(|error| error.to_string());
        prop_assert_eq!(outcome(&case), outcome(&whole));
        let _ = case.declared("a bigint, b text, f json").done();
    }

    #[test]
    fn records_and_rejects_are_all_that_was_there(lines in prop::collection::vec("[0-9a-z,\"]{1,12}", 1..30)) {
        let mut text = "a,b\n".to_owned();
        lines.iter().for_each(|line| { text.push_str(line); text.push('\n'); });
        if let Ok((decoded, _, summary)) = file(&text).declared("a bigint, b text").done() {
            let raw: u64 = decoded.iter().flat_map(|decoded| &decoded.rejects).map(|reject| reject.bytes).sum();
            prop_assert_eq!(raw, summary.rejected_bytes);
            prop_assert!(summary.records <= lines.len() as u64);
            for reject in decoded.iter().flat_map(|decoded| &decoded.rejects) {
                let start = usize::try_from(reject.place.byte_offset).unwrap();
                prop_assert_eq!(&text.as_bytes()[start..start + reject.raw.len()], &reject.raw[..]);
                let line = 1 + text[..start].matches('\n').count() as u64;
                prop_assert_eq!(reject.place.line, line);
            }
        }
    }
}
