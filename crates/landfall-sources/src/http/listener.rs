//! The HTTP server: takes connections up to their limit, gives a request's
//! head and the taking of an answer their time, and on shutdown finishes what is
//! under way.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Version;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use landfall_access::http::Peer;
use landfall_model::limits;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::patience::Patient;
use super::turns::Turns;

/// After the kernel refused a connection, for want of file descriptors for example: long enough for one to become free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Requests that one HTTP/2 connection may have under way.
const STREAMS_MAX: u32 = 256;

/// Serves until `stop`, then accepts nothing more and finishes the requests under way, for at most `DRAIN_MAX`.
/// Returns how many connections it had to cut off.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> usize {
    serve_with(listener, router, stop, limits::ANSWER_IDLE_TIMEOUT).await
}

/// The same, where a client may take nothing of its answer for as long as `patience`.
pub async fn serve_with(listener: TcpListener, router: Router, stop: CancellationToken, patience: Duration) -> usize {
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let (stream, peer, place) = accepted;
        tokio::spawn(connection(stream, peer, router.clone(), graceful.watcher(), patience, place));
    }
    drop(listener);
    // Every connection holds a place, so the places that are taken are the connections that are left.
    match tokio::time::timeout(limits::DRAIN_MAX, graceful.shutdown()).await {
        Ok(()) => 0,
        Err(_) => {
            let left = limits::CONNECTIONS_MAX - places.available_permits();
            tracing::warn!(connections = left, "requests were still under way when the time to finish them was over");
            left
        }
    }
}

/// The next connection, once there is a place for it; until then it waits in the kernel's queue.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed, so there is always a place in the end.
    let place = places.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
    patience: Duration,
    place: Option<OwnedSemaphorePermit>,
) {
    // Without it an answer may wait for the client's acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let turns = Turns::default();
    let answers = turns.clone();
    let asked = Arc::new(AtomicBool::new(false));
    let asks = Arc::clone(&asked);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        asks.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(Peer(peer));
        // Over HTTP/1 whatever holds back an answer holds up its connection, which has a patience of its own.
        let watched = (request.version() == Version::HTTP_2).then(|| answers.clone());
        let router = router.clone();
        async move {
            let answer = router.oneshot(request.map(Body::new)).await.unwrap_or_else(|never| match never {});
            Ok::<_, Infallible>(match watched {
                Some(turns) => answer.map(|body| turns.watch(body)),
                None => answer,
            })
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits::HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX).keep_alive_interval(limits::HEAD_TIMEOUT);
    let serving = watcher.watch(builder.serve_connection(TokioIo::new(Patient::new(stream, patience)), service));
    tokio::select! {
        served = serving => {
            if let Err(error) = served {
                tracing::debug!(%peer, error, "a connection broke");
            }
        }
        () = turns.lost(patience) => tracing::debug!(%peer, "a client did not take its answer"),
        () = silence(&asked) => tracing::debug!(%peer, "a connection asked for nothing in its time"),
    }
    drop(place);
}

/// Ends when the time of the first head is over and there was none. HTTP/1 has that limit, but while a client has not
/// said which HTTP it speaks, nothing else has.
async fn silence(asked: &AtomicBool) {
    tokio::time::sleep(limits::HEAD_TIMEOUT).await;
    if asked.load(Ordering::Relaxed) {
        std::future::pending().await
    }
}
