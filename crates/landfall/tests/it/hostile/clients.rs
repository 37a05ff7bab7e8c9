//! Clients that are wrong about their body, or slow: what they send lands
//! whole or not at all, and nobody else waits for them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::wire::{Wire, head, problem};
use super::{Node, content, http, put};
use crate::node::{ADMIN_KEY, eventually};

const PUT: &str = "PUT /v1/datasets/files/files/";

/// HTTP ends a body where it was declared to end: ten bytes land, and what comes behind them is no request.
pub async fn wrong_lengths(node: &Node) {
    let mut wire = Wire::open(&node.url).await;
    wire.send(head(&format!("{PUT}longer.csv"), "content-length: 10\r\n")).await;
    wire.send("a,b\n9,long and more than was declared\r\n\r\n").await;
    let answer = wire.rest().await;
    assert_eq!((answer.matches("HTTP/1.1 201").count(), answer.matches("HTTP/1.1 400").count()), (1, 1), "{answer}");
    assert_eq!(content(node, "files", "longer.csv").await, b"a,b\n9,long");

    // One that hangs up tells no more; one that only stops sending is answered.
    for hangs_up in [true, false] {
        let mut wire = Wire::open(&node.url).await;
        wire.send(head(&format!("{PUT}shorter.csv"), "content-length: 100\r\n")).await;
        wire.send("a,b\n9,short\n").await;
        if hangs_up {
            continue;
        }
        tokio::io::AsyncWriteExt::shutdown(&mut wire.0).await.unwrap();
        let answer = wire.rest().await;
        assert!(answer.is_empty() || problem(&answer).1["code"] == "length_mismatch", "{answer}");
    }
    let wrong = put(node, "files", "other.csv", "a,b\n9,other\n")
        .header("content-digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:")
        .send()
        .await
        .unwrap();
    assert_eq!((wrong.status().as_u16(), wrong.json::<Value>().await.unwrap()["code"].clone()), (400, json!("digest_mismatch")));
}

/// How a slow client begins, and what it then sends a byte a second.
struct Slow {
    at_once: String,
    then: Box<dyn Iterator<Item = u8> + Send>,
    /// The answer that it is owed; none where it has not asked for anything.
    code: Option<&'static str>,
}

fn slow() -> Vec<Slow> {
    let endless = |text: &'static str| Box::new(text.bytes().chain(std::iter::repeat(b'x'))) as Box<dyn Iterator<Item = u8> + Send>;
    let (mut all, body) = (Vec::new(), "content-length: 1000\r\n");
    for number in 0..10 {
        let put = head(&format!("{PUT}slow-{number}.csv"), body);
        let chunked = head("POST /v1/datasets/readings/events", "transfer-encoding: chunked\r\n") + "400\r\n";
        let unfinished = format!("PUT /v1/datasets/files/files/slow-{number}.csv HTTP/1.1\r\nx-slow: ");
        all.push(Slow { at_once: put, then: endless("a,b\n1,"), code: Some("body_timeout") });
        all.push(Slow { at_once: chunked, then: endless("{\"i\":"), code: Some("body_timeout") });
        all.push(Slow { at_once: unfinished, then: endless(""), code: None });
        all.push(Slow { at_once: String::new(), then: endless("PRI * HTTP/2.0\r\n\r\n"), code: None });
        all.push(Slow { at_once: String::new(), then: Box::new(std::iter::empty()), code: None });
    }
    all
}

/// Fifty of them at once: each is given up in its time, and while all of them hang others are served.
pub async fn slow_ones(node: &Node) {
    let open = AtomicUsize::new(0);
    let clients: Vec<_> = slow();
    let count = clients.len();
    let hang = futures::future::join_all(clients.into_iter().map(async |slow| {
        let mut wire = Wire::open(&node.url).await;
        assert!(wire.send(&slow.at_once).await);
        let answer = wire.trickle(slow.then, &open).await;
        match slow.code {
            Some(code) => {
                let (status, document) = problem(&answer);
                assert_eq!((status, &document["code"]), (408, &json!(code)), "{answer}");
            }
            None => assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}"),
        }
    }));
    let others = async {
        eventually("all slow clients hang", Duration::from_secs(30), async || (open.load(Ordering::SeqCst) == count).then_some(())).await;
        let url = format!("{}/v1/datasets/others/events", node.url);
        assert_eq!(http().post(url).bearer_auth(ADMIN_KEY).body("{\"a\":1}").send().await.unwrap().status(), 202);
        assert_eq!(node.rows("select count(*) from others").await, [json!([1])]);
        assert_eq!(open.load(Ordering::SeqCst), count, "others waited for the slow ones");
    };
    tokio::join!(hang, others);
}

/// Nothing of them has landed.
pub async fn check(node: &Node) {
    let keys = node.rows("select key from landfall.landings where key like 'slow%' or key like 'shorter%' or key like 'other.%'").await;
    assert_eq!(keys, [] as [Value; 0]);
}
