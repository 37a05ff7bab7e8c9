//! Files: put, read, listed, deleted.

use reqwest::Response;
use serde_json::Value;

use crate::open::{header, open, problem};

async fn landed(response: Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    let etag = header(&response, "etag").to_owned();
    let receipt: Value = response.json().await.unwrap();
    let text = |name: &str| receipt[name].as_str().unwrap_or_else(|| panic!("{status}: {receipt}")).to_owned();
    assert_eq!((etag, text("status")), (format!("\"{}\"", text("digest")), format!("/v1/status/{}", text("id"))));
    (status, text("id"), text("digest"))
}

#[tokio::test]
async fn a_file_is_put_read_replaced_and_deleted() {
    let open = open().await;
    let (status, first, digest) = landed(open.put("2026/d%C3%ADa%20a.csv", "a,b\n1,2\n").await).await;
    assert_eq!((status, digest.len()), (201, 7 + 64));
    let (status, same, _) = landed(open.put("2026/d%C3%ADa%20a.csv", "a,b\n1,2\n").await).await;
    assert_eq!((status, same), (200, first.clone()));
    let (status, second, _) = landed(open.put("2026/d%C3%ADa%20a.csv", "a,b\n3,4\n").await).await;
    assert!(status == 201 && second != first);
    let read = open.get("2026/d%C3%ADa%20a.csv").await;
    assert_eq!(header(&read, "content-disposition"), "attachment; filename*=UTF-8''d%C3%ADa%20a.csv");
    assert_eq!((header(&read, "x-content-type-options"), header(&read, "accept-ranges")), ("nosniff", "bytes"));
    assert_eq!(read.text().await.unwrap(), "a,b\n3,4\n");
    let delete = || open.request("DELETE", "/v1/datasets/orders/files/2026/d%C3%ADa%20a.csv").send();
    assert_eq!(delete().await.unwrap().status(), 204);
    assert_eq!(problem(delete().await.unwrap()).await, (404, "not_found".into()));
    assert_eq!(problem(open.get("2026/d%C3%ADa%20a.csv").await).await, (404, "not_found".into()));
    assert_eq!(problem(open.put("a%2F..%2Fb", "x").await).await, (400, "bad_key".into()));
}

/// The same answers from the catalog (small) and from the store (large).
#[tokio::test]
async fn ranges_and_conditions_hold_for_small_and_large_files() {
    let open = open().await;
    for (key, size) in [("small", 1000_usize), ("large", 3 << 20)] {
        let bytes: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let (_, _, digest) = landed(open.put(key, bytes.clone()).await).await;
        let ask =
            |name: &'static str, value: String| open.request("GET", &format!("/v1/datasets/orders/files/{key}")).header(name, value).send();

        let part = ask("range", format!("bytes=10-{}", size - 11)).await.unwrap();
        assert_eq!((part.status().as_u16(), header(&part, "content-range")), (206, format!("bytes 10-{}/{size}", size - 11).as_str()));
        assert_eq!(part.bytes().await.unwrap(), &bytes[10..size - 10]);
        assert_eq!(ask("range", "bytes=-5".into()).await.unwrap().bytes().await.unwrap(), &bytes[size - 5..]);

        let beyond = ask("range", format!("bytes={size}-")).await.unwrap();
        assert_eq!(header(&beyond, "content-range"), format!("bytes */{size}"));
        assert_eq!(problem(beyond).await, (416, "range_not_satisfiable".into()));

        let known = ask("if-none-match", format!("\"{digest}\"")).await.unwrap();
        assert_eq!((known.status().as_u16(), known.bytes().await.unwrap().len()), (304, 0));
        assert_eq!(problem(ask("if-match", "\"x\"".into()).await.unwrap()).await, (412, "precondition_failed".into()));

        let head = open.request("HEAD", &format!("/v1/datasets/orders/files/{key}")).send().await.unwrap();
        assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, size.to_string().as_str()));
        assert_eq!(open.get(key).await.bytes().await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_put_and_a_delete_happen_where_their_condition_holds() {
    let open = open().await;
    let path = "/v1/datasets/orders/files/a";
    let ask = |method: &str, name: &'static str, value: &str, body: &'static str| {
        open.request(method, path).header(name, value.to_owned()).body(body).send()
    };
    let refused = async |method: &str, name, value: &str| problem(ask(method, name, value, "other").await.unwrap()).await;
    let failed = (412, "precondition_failed".to_owned());
    assert_eq!(refused("PUT", "if-match", "*").await, failed);
    let (status, _, first) = landed(ask("PUT", "if-none-match", "*", "one").await.unwrap()).await;
    assert_eq!(status, 201);
    assert_eq!(refused("PUT", "if-none-match", "*").await, failed);
    assert_eq!(refused("PUT", "if-match", "\"x\"").await, failed);
    let (status, _, second) = landed(ask("PUT", "if-match", &format!("\"x\", \"{first}\""), "two").await.unwrap()).await;
    assert_eq!((status, open.get("a").await.text().await.unwrap().as_str()), (201, "two"));
    assert_eq!(refused("PUT", "if-match", &format!("\"{first}\"")).await, failed);
    assert_eq!(refused("DELETE", "if-match", &format!("\"{first}\"")).await, failed);
    assert_eq!(refused("PUT", "if-unmodified-since", "Tue, 14 Nov 2023 22:13:20 GMT").await, (400, "bad_request".into()));
    let begun = open.request("POST", "/v1/datasets/orders/uploads?key=a").header("if-none-match", "*").send().await.unwrap();
    assert_eq!(problem(begun).await, (400, "bad_request".into()));
    assert_eq!(ask("DELETE", "if-match", &format!("\"{second}\""), "").await.unwrap().status(), 204);
    assert_eq!(open.get("a").await.status(), 404);
}

#[tokio::test]
async fn a_digest_is_verified_before_anything_lands() {
    let open = open().await;
    let put = |digest: &'static str| open.request("PUT", "/v1/datasets/orders/files/a").header("content-digest", digest).body("abc").send();
    let wrong = put("sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:").await.unwrap();
    assert_eq!(problem(wrong).await, (400, "digest_mismatch".into()));
    assert_eq!(open.get("a").await.status(), 404);
    assert_eq!(put("sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:").await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_list_goes_page_by_page_and_shows_what_is_granted() {
    let open = open().await;
    for key in ["a/1", "a/2", "b", "partner/x", "partner/y", "z"] {
        assert_eq!(open.put(key, key).await.status(), 201);
    }
    let list = async |query: &str, secret: Option<&str>| {
        let path = format!("/v1/datasets/orders/files{query}");
        let request = match secret {
            None => open.request("GET", &path),
            Some(secret) => open.anonymous("GET".parse().unwrap(), &path).bearer_auth(secret),
        };
        let page: Value = request.send().await.unwrap().json().await.unwrap();
        let keys: Vec<_> =
            page["items"].as_array().unwrap_or(&Vec::new()).iter().map(|file| file["key"].as_str().unwrap().to_owned()).collect();
        (keys.join(" "), page["next"].as_str().map(str::to_owned))
    };
    assert_eq!(list("", None).await, ("a/1 a/2 b partner/x partner/y z".into(), None));
    assert_eq!(list("?limit=2", None).await, ("a/1 a/2".into(), Some("a/2".into())));
    assert_eq!(list("?limit=5&cursor=a/2", None).await, ("b partner/x partner/y z".into(), None));
    assert_eq!(list("?prefix=a/", None).await, ("a/1 a/2".into(), None));

    let secret = open.gate.create_key(&open.catalog, "partner", &[]).await.unwrap();
    let secret = Some(secret.reveal());
    assert_eq!(list("", secret).await, ("partner/x partner/y".into(), None));
    assert_eq!(list("?limit=1", secret).await, ("partner/x".into(), Some("partner/x".into())));
    assert_eq!(list("?prefix=partner/y", secret).await, ("partner/y".into(), None));
    assert_eq!(list("?prefix=a/", secret).await.0, "");
    let beyond = open.request("GET", "/v1/datasets/orders/files?limit=0").send().await.unwrap();
    assert_eq!(problem(beyond).await, (400, "bad_request".into()));
}

#[tokio::test]
async fn a_grant_under_a_prefix_lands_there_only() {
    let open = open().await;
    let secret = open.gate.create_key(&open.catalog, "partner", &[]).await.unwrap();
    let put = |key: &str| {
        let path = format!("/v1/datasets/orders/files/{key}");
        open.anonymous("PUT".parse().unwrap(), &path).bearer_auth(secret.reveal()).body("x").send()
    };
    assert_eq!(put("partner/a.csv").await.unwrap().status(), 201);
    assert_eq!(problem(put("other/a.csv").await.unwrap()).await, (403, "denied".into()));
    let read = open
        .anonymous("GET".parse().unwrap(), "/v1/datasets/orders/files/partner/a.csv")
        .bearer_auth(secret.reveal())
        .send()
        .await
        .unwrap();
    assert_eq!(problem(read).await, (403, "denied".into()));
}
