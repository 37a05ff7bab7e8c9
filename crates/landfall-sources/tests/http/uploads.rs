//! Resumable uploads.

use futures::TryStreamExt;
use reqwest::Response;

use crate::open::{Open, header, open, problem};

async fn begin(open: &Open, query: &str) -> String {
    let begun = open.request("POST", &format!("/v1/datasets/orders/uploads?{query}")).header("upload-complete", "?0").send().await.unwrap();
    assert_eq!((begun.status().as_u16(), header(&begun, "upload-offset"), header(&begun, "upload-complete")), (201, "0", "?0"));
    header(&begun, "location").to_owned()
}

async fn append(open: &Open, location: &str, offset: u64, complete: bool, body: impl Into<reqwest::Body>) -> Response {
    let request = open.request("PATCH", location).header("content-type", "application/partial-upload").header("upload-offset", offset);
    request.header("upload-complete", if complete { "?1" } else { "?0" }).body(body).send().await.unwrap()
}

async fn standing(open: &Open, location: &str) -> (u16, String, String) {
    let head = open.request("HEAD", location).send().await.unwrap();
    (head.status().as_u16(), header(&head, "upload-offset").to_owned(), header(&head, "upload-complete").to_owned())
}

fn at(offset: u64, complete: &str) -> (u16, String, String) {
    (204, offset.to_string(), complete.to_owned())
}

async fn objects(open: &Open) -> usize {
    open.store.list("uploads").try_collect::<Vec<_>>().await.unwrap().len()
}

#[tokio::test]
async fn parts_become_one_file_and_leave_nothing_behind() {
    let open = open().await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| u8::try_from(at % 253).unwrap()).collect();
    let location = begin(&open, "key=big/a.bin").await;
    for (offset, end) in [(0_usize, 1_200_000_usize), (1_200_000, 1_200_001)] {
        let part = append(&open, &location, offset as u64, false, bytes[offset..end].to_vec()).await;
        assert_eq!((part.status().as_u16(), header(&part, "upload-offset")), (204, end.to_string().as_str()));
    }
    assert_eq!(open.get("big/a.bin").await.status(), 404, "nothing is there before all of it is");
    let last = append(&open, &location, 1_200_001, true, bytes[1_200_001..].to_vec()).await;
    assert_eq!((last.status().as_u16(), header(&last, "upload-complete")), (201, "?1"));
    assert_eq!(open.get("big/a.bin").await.bytes().await.unwrap(), bytes);
    assert_eq!(standing(&open, &location).await, at(3_000_000, "?1"));
    assert_eq!(objects(&open).await, 0);

    let lost_answer = append(&open, &location, 3_000_000, true, "").await;
    assert_eq!(lost_answer.status(), 200);
    let more = append(&open, &location, 3_000_000, false, "x").await;
    assert_eq!(problem(more).await, (409, "conflict".into()));
}

#[tokio::test]
async fn the_whole_may_come_with_the_first_request() {
    let open = open().await;
    let all = open.request("POST", "/v1/datasets/orders/uploads?key=a").header("upload-complete", "?1").header("content-type", "text/csv");
    let all = all.body("a,b\n").send().await.unwrap();
    assert_eq!((all.status().as_u16(), header(&all, "upload-complete")), (201, "?1"));
    let read = open.get("a").await;
    assert_eq!((header(&read, "content-type").to_owned(), read.text().await.unwrap()), ("text/csv".into(), "a,b\n".into()));
}

#[tokio::test]
async fn the_offset_decides_between_two_clients() {
    let open = open().await;
    let location = begin(&open, "key=a").await;
    assert_eq!(append(&open, &location, 0, false, "hello ").await.status(), 204);
    let stale = append(&open, &location, 0, false, "HELLO!").await;
    assert_eq!(header(&stale, "upload-offset"), "6");
    assert_eq!(problem(stale).await, (409, "conflict".into()));

    let race = futures::future::join_all(["world", "WORLD", "there"].map(|word| append(&open, &location, 6, false, word))).await;
    let won: Vec<_> = race.iter().filter(|response| response.status() == 204).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(objects(&open).await, 2, "what lost the race is gone");
    let done = append(&open, &location, 11, true, "").await;
    assert_eq!(done.status(), 201);
    assert!(["hello world", "hello WORLD", "hello there"].contains(&open.get("a").await.text().await.unwrap().as_str()));
}

#[tokio::test]
async fn a_length_that_was_said_is_held_to() {
    let open = open().await;
    let begun = open.request("POST", "/v1/datasets/orders/uploads?key=a").header("upload-length", "10").send().await.unwrap();
    let location = header(&begun, "location").to_owned();
    assert_eq!(problem(append(&open, &location, 0, false, "12345678901").await).await, (413, "body_too_large".into()));
    assert_eq!(problem(append(&open, &location, 0, true, "12345").await).await, (400, "length_mismatch".into()));
    assert_eq!(standing(&open, &location).await, at(5, "?0"), "the bytes are kept");
    assert_eq!(append(&open, &location, 5, true, "67890").await.status(), 201);
}

#[tokio::test]
async fn an_upload_belongs_to_who_began_it() {
    let open = open().await;
    let location = begin(&open, "key=partner/a").await;
    let secret = open.gate.create_key(&open.catalog, "partner", &[]).await.unwrap();
    let other = open.anonymous("HEAD".parse().unwrap(), &location).bearer_auth(secret.reveal()).send().await.unwrap();
    assert_eq!(other.status(), 404);
    let elsewhere = open.anonymous("POST".parse().unwrap(), "/v1/datasets/orders/uploads?key=other/a").bearer_auth(secret.reveal());
    assert_eq!(problem(elsewhere.send().await.unwrap()).await, (403, "denied".into()));
}

#[tokio::test]
async fn an_upload_that_is_given_up_is_gone() {
    let open = open().await;
    let location = begin(&open, "key=a").await;
    assert_eq!(append(&open, &location, 0, false, "12345").await.status(), 204);
    assert_eq!(open.request("DELETE", &location).send().await.unwrap().status(), 204);
    assert_eq!((standing(&open, &location).await.0, objects(&open).await), (404, 0));
}

#[tokio::test]
async fn requests_that_miss_the_protocol_are_told_so() {
    let open = open().await;
    let location = begin(&open, "key=a").await;
    let plain =
        open.request("PATCH", &location).header("upload-offset", "0").header("upload-complete", "?0").body("x").send().await.unwrap();
    assert_eq!(problem(plain).await, (415, "unsupported_media_type".into()));
    let silent = open.request("PATCH", &location).header("content-type", "application/partial-upload").body("x").send().await.unwrap();
    assert_eq!(problem(silent).await, (400, "bad_request".into()));
    let keyless = open.request("POST", "/v1/datasets/orders/uploads").send().await.unwrap();
    assert_eq!(problem(keyless).await, (400, "bad_request".into()));
    let bad = open.request("POST", "/v1/datasets/orders/uploads?key=../a").send().await.unwrap();
    assert_eq!(problem(bad).await, (400, "bad_key".into()));
}
