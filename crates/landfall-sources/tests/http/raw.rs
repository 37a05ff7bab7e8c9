//! What a well-behaved client never sends, byte by byte.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::open::{ADMIN, Open, open, open_with};

async fn connect(open: &Open, head: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(&open.address).await.unwrap();
    let head = format!("{head}host: landfall\r\nauthorization: Bearer {ADMIN}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream
}

/// Everything that comes until the server closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await.expect("the server closes");
    // A reset after the answer is the server's way to stop a client that still sends.
    let _ = read;
    String::from_utf8(answer).unwrap()
}

fn count(haystack: &str, needle: &str) -> usize {
    haystack.matches(needle).count()
}

#[tokio::test]
async fn a_body_shorter_than_it_declares_lands_nothing() {
    let open = open().await;
    for request in ["PUT /v1/datasets/orders/files/a HTTP/1.1\r\n", "POST /v1/datasets/orders/events HTTP/1.1\r\n"] {
        let mut stream = connect(&open, &format!("{request}content-length: 100\r\n"), b"{\"a\":1}").await;
        stream.shutdown().await.unwrap();
        let answer = rest(stream).await;
        assert!(answer.is_empty() || answer.contains("length_mismatch"), "{answer}");
    }
    assert_eq!(open.get("a").await.status(), 404);
    assert!(open.events("{}").await.text().await.unwrap().contains("orders.local.1\""));
}

/// HTTP ends a body where it was declared to end: the rest is no request, and the connection ends.
#[tokio::test]
async fn what_comes_behind_a_body_is_not_part_of_it() {
    let open = open().await;
    let head = "PUT /v1/datasets/orders/files/a HTTP/1.1\r\ncontent-length: 4\r\n";
    let answer = rest(connect(&open, head, b"a,b\nand more than was declared\r\n\r\n").await).await;
    assert_eq!((count(&answer, "HTTP/1.1 201"), count(&answer, "HTTP/1.1 400")), (1, 1), "{answer}");
    assert_eq!(open.get("a").await.text().await.unwrap(), "a,b\n");
}

#[tokio::test]
async fn broken_chunks_land_nothing() {
    let open = open().await;
    let head = "PUT /v1/datasets/orders/files/a HTTP/1.1\r\ntransfer-encoding: chunked\r\n";
    for body in [b"5\r\nhello\r\nnonsense\r\n".as_slice(), b"ffffffffffffffffff\r\nx", b"5\r\nhel"] {
        let mut stream = connect(&open, head, body).await;
        stream.shutdown().await.unwrap();
        let answer = rest(stream).await;
        assert!(answer.is_empty() || count(&answer, "HTTP/1.1 400") == 1, "{answer}");
        assert_eq!(open.get("a").await.status(), 404);
    }
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_sends_nothing_in_vain() {
    let open = open().await;
    let head = "PUT /v1/datasets/nowhere/files/a HTTP/1.1\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: 1000000\r\n";
    let refused = rest(connect(&open, head, b"").await).await;
    assert_eq!((count(&refused, "100 Continue"), count(&refused, "HTTP/1.1 404")), (0, 1), "{refused}");

    let head = "PUT /v1/datasets/orders/files/a HTTP/1.1\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: 4\r\n";
    let mut stream = connect(&open, head, b"").await;
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"a,b\n").await.unwrap();
    assert_eq!(count(&rest(stream).await, "HTTP/1.1 201"), 1);
}

#[tokio::test]
async fn a_broken_upload_keeps_what_came() {
    let open = open().await;
    let begun = open.request("POST", "/v1/datasets/orders/uploads?key=a").send().await.unwrap();
    let location = begun.headers()["location"].to_str().unwrap().to_owned();
    let head = format!(
        "PATCH {location} HTTP/1.1\r\ncontent-type: application/partial-upload\r\nupload-offset: 0\r\nupload-complete: ?1\r\ncontent-length: 100\r\n"
    );
    let mut stream = connect(&open, &head, b"hello ").await;
    stream.shutdown().await.unwrap();
    rest(stream).await;
    // The part is named after the connection is gone: the question is asked until the answer is there.
    let kept = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let head = open.request("HEAD", &location).send().await.unwrap();
            if head.headers()["upload-offset"] == "6" {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    kept.await.expect("the six bytes are kept");
    let last = open.request("PATCH", &location).header("content-type", "application/partial-upload").header("upload-offset", "6");
    assert_eq!(last.header("upload-complete", "?1").body("world").send().await.unwrap().status(), 201);
    assert_eq!(open.get("a").await.text().await.unwrap(), "hello world");
}

#[tokio::test]
async fn a_request_under_way_is_finished_on_shutdown() {
    let open = open().await;
    let head = "PUT /v1/datasets/orders/files/a HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 4\r\n";
    let mut stream = connect(&open, head, b"").await;
    let mut told = [0; 25];
    // Once it is told to go on, the request is under way.
    stream.read_exact(&mut told).await.unwrap();
    open.stop.cancel();
    stream.write_all(b"a,b\n").await.unwrap();
    assert_eq!(count(&rest(stream).await, "HTTP/1.1 201"), 1);
    assert_eq!(open.served.await.unwrap(), 0);
    assert!(TcpStream::connect(&open.address).await.is_err(), "nothing more is accepted");
}

/// The door stops by itself, which it only can once the answer that nobody takes has ended.
#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_cut_off() {
    const SIZE: usize = 32 << 20;
    let open = open_with(Duration::from_millis(200)).await;
    assert_eq!(open.put("large", vec![b'x'; SIZE]).await.status(), 201);
    let socket = TcpSocket::new_v4().unwrap();
    // Little room in the kernel, so that most of the answer stays with the door.
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let mut stream = socket.connect(open.address.parse().unwrap()).await.unwrap();
    let head = format!("GET /v1/datasets/orders/files/large HTTP/1.1\r\nhost: landfall\r\nauthorization: Bearer {ADMIN}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");
    open.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(20), open.served).await;
    assert_eq!(ended.expect("the answer ends").unwrap(), 0);
    let mut rest = Vec::new();
    // A reset instead of an end is as good.
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.len() < SIZE, "the answer was cut off, not read");
}

/// Over HTTP/2 the connection lives on (its pings are answered), and one answer is held back.
#[tokio::test]
async fn a_client_that_gives_its_answer_no_room_is_cut_off() {
    let open = open_with(Duration::from_millis(200)).await;
    assert_eq!(open.put("large", vec![b'x'; 1 << 20]).await.status(), 201);
    let stream = TcpStream::connect(&open.address).await.unwrap();
    let (client, connection) = h2::client::Builder::new().initial_window_size(1024).handshake::<_, bytes::Bytes>(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get(format!("http://{}/v1/datasets/orders/files/large", open.address));
    let request = request.header("authorization", format!("Bearer {ADMIN}")).body(()).unwrap();
    let (answer, _) = client.ready().await.unwrap().send_request(request, true).unwrap();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);
    let ended = tokio::time::timeout(Duration::from_secs(20), connection).await;
    // However it ends, it ends, while nobody asked for the rest of the answer.
    let _ = ended.expect("the door closes the connection").unwrap();
    drop(answer);
}

/// Each byte is in time and all of them together are not: the grace of twenty seconds really passes here.
#[tokio::test]
async fn a_byte_a_second_is_too_slow() {
    let open = open().await;
    let head = "PUT /v1/datasets/orders/files/a HTTP/1.1\r\ncontent-length: 100000\r\n";
    let stream = connect(&open, head, b"x").await;
    let (mut read, mut write) = stream.into_split();
    let drip = tokio::spawn(async move {
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        while write.write_all(b"x").await.is_ok() {
            seconds.tick().await;
        }
    });
    let mut answer = vec![0; 4096];
    let length = tokio::time::timeout(Duration::from_secs(60), read.read(&mut answer)).await.expect("an answer").unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body_timeout"), "{answer}");
    assert_eq!(open.get("a").await.status(), 404);
    drip.abort();
}
