//! Containers, whole, damaged and hostile.

use std::io::{Cursor, Write};

use expect_test::expect;
use landfall_model::{ErrorKind, limits};
use zip::write::SimpleFileOptions;

use crate::show::{check, file};

const TEXT: &[u8] = b"a,b\n1,x\n2,y\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn rows(bytes: &[u8]) -> u64 {
    file(bytes).done().unwrap().2.records
}

#[test]
fn each_container_gives_what_is_in_it() {
    assert_eq!(rows(&gzip(TEXT)), 2);
    assert_eq!(rows(&zstd::encode_all(TEXT, 3).unwrap()), 2);
    assert_eq!(rows(&bzip2(TEXT)), 2);
    assert_eq!(rows(&zip(&[("a.csv", TEXT)])), 2);
    assert_eq!(rows(&[gzip(b"a,b\n1,"), gzip(b"x\n2,y\n")].concat()), 2);
    assert_eq!(rows(&[zstd::encode_all(&b"a,b\n1,"[..], 3).unwrap(), zstd::encode_all(&b"x\n2,y\n"[..], 3).unwrap()].concat()), 2);
}

#[test]
fn an_archive_is_one_stream_of_records() {
    let archive = zip(&[
        ("b/2.csv", b"b,a\ny,2\nz\n"),
        ("a.csv", b"a,b\n1,x\n"),
        ("b/", b""),
        ("__MACOSX/a.csv", b"\0\0"),
        ("c.json", b"[{\"a\":3,\"c\":true}]"),
        ("d.txt", b""),
    ]);
    check(
        file(archive),
        expect![[r#"
        a text | b text | c boolean
        2: 1 | x | ∅
        2: 2 | y | ∅
        1: 3 | ∅ | true
        reject line 3 byte 8: b/2.csv: row has 1 field, the header has 2 [z]
        { records: 4, bytes: 36, rejected_records: 1, rejected_bytes: 1 }
    "#]],
    );
    check(
        file(zip(&[])),
        expect![[r#"

        { records: 0, bytes: 0, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
}

#[test]
fn errors_name_the_member() {
    check(
        file(zip(&[("a.csv", b"a,b\n1,x\n"), ("b.csv", b"a,b\n1,\"x\n")])),
        expect![[
            r#"unclosed_quote: b.csv: a " opens a field in this record and is never closed; inside quotes a " is written twice (line 2, byte 4)"#
        ]],
    );
    check(
        file(zip(&[("a.csv", b"a,b\n1,x\n"), ("b.pdf", b"%PDF-1.4")])),
        expect!["not_text: b.pdf: this is a PDF; what can be decoded is text: CSV, NDJSON or JSON (line 1, byte 0)"],
    );
}

#[test]
fn damage_is_the_container_s() {
    for whole in [gzip(TEXT), zstd::encode_all(TEXT, 3).unwrap(), bzip2(TEXT), zip(&[("a.csv", TEXT)])] {
        for end in [whole.len() / 2, whole.len() - 1] {
            assert_eq!(file(&whole[..end]).error().kind, ErrorKind::BrokenContainer, "{end} of {}", whole.len());
        }
    }
    check(file(&gzip(TEXT)[..20]), expect!["broken_container: the gzip ends in its middle: it was cut off (line 3, byte 8)"]);
    let mut flipped = gzip(&TEXT.repeat(100));
    let at = flipped.len() - 6;
    flipped[at] ^= 1;
    check(
        file(flipped),
        expect!["broken_container: the gzip is damaged: corrupt gzip stream does not have a matching checksum (line 301, byte 1200)"],
    );
}

#[test]
fn names_that_would_leave_the_folder() {
    check(
        file(zip(&[("a.csv", TEXT), ("../../etc/passwd", TEXT)])),
        expect![[
            r#"broken_container: the zip has a member named "../../etc/passwd", which would leave its folder; names are relative and use /"#
        ]],
    );
    check(
        file(zip(&[("/etc/passwd", TEXT)])),
        expect![[
            r#"broken_container: the zip has a member named "/etc/passwd", which would leave its folder; names are relative and use /"#
        ]],
    );
    check(
        file(zip(&[("..\\x.csv", TEXT)])),
        expect![[
            r#"broken_container: the zip has a member named "..\\x.csv", which would leave its folder; names are relative and use /"#
        ]],
    );
}

#[test]
fn encrypted_members_are_not_read() {
    let mut archive = zip(&[("a.csv", TEXT)]);
    // The flag for encryption, in the member's own header and in the directory.
    archive[6] |= 1;
    let directory = memchr::memmem::find(&archive, b"PK\x01\x02").unwrap();
    archive[directory + 8] |= 1;
    check(file(archive), expect![[r#"broken_container: the zip's member "a.csv" is encrypted; pack it without a password"#]]);
}

#[test]
fn an_archive_of_too_many_members() {
    let names: Vec<String> = (0..=limits::ARCHIVE_MEMBERS_MAX).map(|index| format!("{index}")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    check(file(zip(&members)), expect!["broken_container: the zip has more than 10000 members"]);
}

#[test]
fn a_container_that_breaks_off_says_in_which_record() {
    let csv: String =
        std::iter::once("a,b\n".to_owned()).chain((0..100_000).map(|row| format!("{row},{}\n", row * 7919 % 100_003))).collect();
    let json: String = (0..100_000).map(|row| format!("{{\"a\":{row},\"b\":{}}}\n", row * 7919 % 100_003)).collect();
    for text in [csv, json] {
        for whole in [gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 3).unwrap()] {
            let error = file(&whole[..whole.len() / 2]).error();
            assert_eq!(error.kind, ErrorKind::BrokenContainer);
            let place = error.place.unwrap();
            let before = &text.as_bytes()[..usize::try_from(place.byte_offset).unwrap()];
            assert!(before.len() > text.len() / 4 && before.ends_with(b"\n"), "{error}");
            assert_eq!(place.line, 1 + memchr::memchr_iter(b'\n', before).count() as u64, "{error}");
        }
    }
}

/// The packed bytes of a text of `size` bytes in which every record is the same, of 64 KiB.
fn monotonous<W: Write>(size: usize, mut packer: W) -> W {
    let lines = format!("1,{}\n", "a".repeat((64 << 10) - 3)).repeat(16);
    packer.write_all(b"a,b\n").unwrap();
    for _ in 0..size / lines.len() {
        packer.write_all(lines.as_bytes()).unwrap();
    }
    packer
}

#[test]
fn a_bomb_is_stopped_while_it_is_small() {
    let size = usize::try_from(limits::BOMB_BYTES_FREE * 2).unwrap();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.csv", SimpleFileOptions::default()).unwrap();
    let bombs = [
        monotonous(size, zstd::Encoder::new(Vec::new(), 3).unwrap()).finish().unwrap(),
        monotonous(size, flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default())).finish().unwrap(),
        monotonous(size, zip).finish().unwrap().into_inner(),
    ];
    for bomb in bombs {
        let case = file(&bomb).declared("a bigint, b text");
        let mut records = 0;
        let columns = case.columns().unwrap();
        let input = Box::new(Cursor::new(bomb));
        let options = landfall_decode::Options { csv: &case.csv, file_name: None, content: landfall_decode::Content::File };
        let result = landfall_decode::decode(input, &options, &columns, &mut |decoded| {
            records += decoded.lines.len() as u64;
            Ok(())
        });
        let error = result.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Bomb, "{error}");
        let place = error.place.unwrap();
        assert_eq!(place.byte_offset, 4 + (place.line - 2) * (64 << 10), "{error}");
        assert!(records * (64 << 10) <= place.byte_offset && place.byte_offset < limits::BOMB_BYTES_FREE * 3 / 2, "{error}");
    }
}
