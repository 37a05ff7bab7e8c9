//! Files that no good client sends. Each is taken in, since its bytes are
//! safe before anybody looks into them, and then becomes a dead letter with
//! its code and line, or a landing with rejects.

use reqwest::Body;
use serde_json::{Value, json};

use super::large::{self, Bomb};
use super::{Node, put, status_of};

/// A file that cannot be read as a whole.
struct Unreadable {
    key: &'static str,
    body: Vec<u8>,
    code: &'static str,
    /// Line and byte offset of the record where the trouble begins; none where no text was reached.
    place: Option<(u64, u64)>,
    reason: &'static str,
}

fn unreadable() -> Vec<Unreadable> {
    let file = |key, body: &[u8], code, place, reason| Unreadable { key, body: body.to_vec(), code, place, reason };
    let open_quote = [b"a,b\n1,x\n2,\"y", b"\n3,z".repeat(8 << 20).as_slice()].concat();
    let brackets = |before: &str| [before.as_bytes(), "[".repeat(100_000).as_bytes()].concat();
    let escaping = large::archive(b"../../etc/passwd.csv", &Bomb::harmless(b"a,b\n1,x\n"));
    vec![
        file("cut.csv.gz", &large::cut_gzip(b"a,b\n1,x\n2,y"), "broken_container", Some((3, 8)), "it was cut off"),
        file("escaping.zip", &escaping, "broken_container", None, "\"../../etc/passwd.csv\", which would leave its folder"),
        file("open-quote.csv", b"a,b\n1,x\n2,\"y\n3,z\n", "unclosed_quote", Some((3, 8)), "never closed"),
        file("open-quote-32-mb.csv", &open_quote, "unclosed_quote", Some((3, 8)), "never closed"),
        file("binary.csv", b"a,b\n1,\0\n", "not_text", Some((1, 0)), "byte 6 is NUL"),
        file("bad-header.csv", b"a,\xff\n1,x\n", "bad_header", Some((1, 0)), "the name of column 2 is not UTF-8"),
        file("nested.ndjson", &brackets("{\"a\":1}\n{\"a\":"), "too_deep", Some((2, 8)), "more than 64 arrays and objects"),
        file("nested.json", &brackets("[\n"), "too_deep", Some((2, 2)), "more than 64 arrays and objects"),
        file("twice.csv", b"a,b,a\n1,x,2\n", "bad_header", Some((1, 0)), "names \"a\" twice"),
    ]
}

/// Sends them all, and a good file behind each.
pub async fn send(node: &Node, bomb: &Bomb) {
    for file in unreadable() {
        assert_eq!(status_of(put(node, "files", file.key, file.body)).await, 201, "{}", file.key);
        good(node, file.key).await;
    }
    assert_eq!(status_of(put(node, "files", "bomb.zip", bomb.zip())).await, 201);
    good(node, "bomb.zip").await;
    let line = Body::wrap_stream(large::long_line("a,b\n1,x\n2,"));
    assert_eq!(status_of(put(node, "files", "long-line.csv", line)).await, 201);
    good(node, "long-line.csv").await;
    for (dataset, key, body) in [
        ("files", "not-utf8.csv", b"a,b\n1,before\n2,\xff\xfe\n3,behind\n".to_vec()),
        ("files", "empty.csv", Vec::new()),
        ("numbers", "numbers.csv", numbers().into_bytes()),
    ] {
        assert_eq!(status_of(put(node, dataset, key, body)).await, 201, "{key}");
    }
    good(node, "the-others").await;
    for (dataset, code) in [("nowhere", "unknown_dataset"), ("Not_A_Name", "bad_request")] {
        let answer = put(node, dataset, "a.csv", b"a,b\n1,x\n".to_vec()).send().await.unwrap();
        let (status, document) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert_eq!((status.as_u16(), &document["code"]), (if code == "unknown_dataset" { 404 } else { 400 }, &json!(code)), "{document}");
    }
}

async fn good(node: &Node, behind: &str) {
    assert_eq!(status_of(put(node, "files", &format!("good/{behind}.csv"), "a,b\n0,good\n")).await, 201);
}

/// The largest that fit, and one record of each kind that does not.
fn numbers() -> String {
    let endless = "9".repeat(100_000);
    format!(
        "i,n,r,p\n\
         2147483647,9223372036854775807,1.7976931348623157e308,9999.99\n\
         -2147483648,-9223372036854775808,-1.7976931348623157e308,-9999.99\n\
         2147483648,1,1,1\n\
         1,9223372036854775808,1,1\n\
         1,1,1e309,1\n\
         1,1,1,10000\n\
         1,1,1,0.001\n\
         1,{endless},1,1\n"
    )
}

/// What has become of them once nothing is in flight any more.
pub async fn check(node: &Node) {
    dead_letters(node).await;
    let rejects = node
        .rows("select l.key, r.line, r.byte_offset, r.reason, substr(r.raw, 1, 30) from landfall.rejects r join landfall.landings l on l.landing = r.landing where l.kind = 'file' order by 1, 2")
        .await;
    let nines = "9".repeat(100);
    assert_eq!(
        rejects,
        [
            json!([
                "not-utf8.csv",
                3,
                13,
                "byte 0xff at 2 of the record is not UTF-8; other encodings are set with csv.encoding",
                "2,\u{fffd}\u{fffd}"
            ]),
            json!(["numbers.csv", 4, 136, "column \"i\": \"2147483648\" does not fit an int", "2147483648,1,1,1"]),
            json!(["numbers.csv", 5, 153, "column \"n\": \"9223372036854775808\" does not fit a bigint", "1,9223372036854775808,1,1"]),
            json!(["numbers.csv", 6, 179, "column \"r\": \"1e309\" does not fit a double", "1,1,1e309,1"]),
            json!(["numbers.csv", 7, 191, "column \"p\": \"10000\" does not fit a decimal(6,2)", "1,1,1,10000"]),
            json!([
                "numbers.csv",
                8,
                203,
                "column \"p\": \"0.001\" has more digits after the point than a decimal(6,2) keeps",
                "1,1,1,0.001"
            ]),
            json!(["numbers.csv", 9, 215, format!("column \"n\": \"{nines}…\" does not fit a bigint"), format!("1,{}", &nines[..28])]),
        ]
    );
    let numbers = node.rows("select i, n, r, p from numbers order by i").await;
    assert_eq!(
        numbers,
        [
            json!([-2_147_483_648_i64, "-9223372036854775808", f64::MIN, "-9999.99"]),
            json!([2_147_483_647, "9223372036854775807", f64::MAX, "9999.99"]),
        ]
    );
    let good = unreadable().len() + 3;
    assert_eq!(node.rows("select count(*) from files where b = 'good' and a = 0").await, [json!([good])]);
    let others = node.rows("select _key, a, b from files where b <> 'good' order by 1, 2").await;
    assert_eq!(others, [json!(["longer.csv", 9, "long"]), json!(["not-utf8.csv", 1, "before"]), json!(["not-utf8.csv", 3, "behind"])]);
    let empty = node.rows("select phase, records, size from landfall.landings where key = 'empty.csv'").await;
    assert_eq!(empty, [json!(["loaded", 0, 0])]);
}

async fn dead_letters(node: &Node) {
    let letters = node.get("/v1/dead-letters?limit=100").await;
    let mut letters: Vec<Value> = letters["items"].as_array().unwrap().clone();
    let mut take = |key: &str| {
        let at = letters.iter().position(|letter| letter["key"] == key).unwrap_or_else(|| panic!("{key} is no dead letter"));
        letters.swap_remove(at)
    };
    for file in unreadable() {
        let letter = take(file.key);
        let place = file.place.map_or([Value::Null, Value::Null], |(line, offset)| [json!(line), json!(offset)]);
        assert_eq!([&letter["code"], &letter["line"], &letter["byte_offset"]], [&json!(file.code), &place[0], &place[1]], "{letter}");
        assert!(letter["reason"].as_str().unwrap().contains(file.reason), "{letter}");
        // Nothing is lost: whoever mends it can still get it.
        assert_eq!(super::content(node, "files", file.key).await, file.body, "{}", file.key);
    }
    let line = take("long-line.csv");
    assert_eq!((&line["code"], &line["line"], &line["byte_offset"]), (&json!("record_too_large"), &json!(3), &json!(8)), "{line}");
    assert_eq!(line["size"], large::LONG_BYTES);
    let bomb = take("bomb.zip");
    let number = |name: &str| bomb[name].as_u64().unwrap_or_else(|| panic!("{bomb}"));
    // It is stopped at one of its lines, before a twentieth of it was unpacked.
    let offset = 4 + (number("line") - 2) * large::LINE_BYTES as u64;
    assert_eq!((&bomb["code"], number("byte_offset")), (&json!("bomb"), offset), "{bomb}");
    assert!(number("byte_offset") < large::BOMB_BYTES / 20, "{bomb}");
    assert_eq!(letters, [] as [Value; 0], "dead letters that nobody expected");
}
