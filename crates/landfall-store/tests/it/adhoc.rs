use crate::backends::noise;
use bytes::Bytes;
use std::time::Instant;
use landfall_model::Clock;
use landfall_store::Store;
fn pct(mut v: Vec<f64>) -> String { v.sort_by(f64::total_cmp); format!("p50 {:.0} p99 {:.0} µs", v[v.len()/2], v[v.len()*99/100]) }
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn measure() {
    let root = tempfile::Builder::new().tempdir_in("/work/main/target").unwrap();
    let store = Store::local(root.path(), Clock::system()).unwrap();
    let piece = Bytes::from(noise(256 << 10, 1));
    for round in 0..4 {
        let t = Instant::now();
        let mut up = store.upload("big").await.unwrap();
        for _ in 0..4096 { up.write(piece.clone()).await.unwrap(); }
        let before = t.elapsed();
        up.finish().await.unwrap();
        println!("upload 1 GiB round {round}: {:.2}s = {:.0} MB/s (finish {:.2}s)", t.elapsed().as_secs_f64(), 1073.74 / t.elapsed().as_secs_f64(), (t.elapsed()-before).as_secs_f64());
    }
    let entry = Bytes::from(noise(2000, 1));
    let mut v = vec![];
    for n in 0..2000 { let t = Instant::now(); assert!(store.put_if_absent(&format!("tables/o/_delta_log/{n:020}.json"), entry.clone()).await.unwrap()); v.push(t.elapsed().as_secs_f64()*1e6); }
    println!("put_if_absent 2 KB: {}", pct(v));
    let mut v = vec![]; let body = Bytes::from(noise(16 << 10, 2));
    for n in 0..2000 { let t = Instant::now(); let mut u = store.upload(&format!("landings/o/d/{n}")).await.unwrap(); u.write(body.clone()).await.unwrap(); u.finish().await.unwrap(); v.push(t.elapsed().as_secs_f64()*1e6); }
    println!("upload 16 KiB: {}", pct(v));
    for c in [8, 32] {
        let t = Instant::now();
        let tasks: Vec<_> = (0..c).map(|w| { let (s, b) = (store.clone(), body.clone()); tokio::spawn(async move { for n in 0..500 { s.put(&format!("p/{w}-{n}-{c}"), b.clone()).await.unwrap(); } }) }).collect();
        for x in tasks { x.await.unwrap(); }
        println!("put 16 KiB x{c}: {:.0}/s", (c*500) as f64 / t.elapsed().as_secs_f64());
    }
    let mut seg = store.segments().unwrap();
    let t = Instant::now(); seg.append(&[body.clone()]).unwrap(); println!("first append {:.0} ms", t.elapsed().as_secs_f64()*1e3);
    for size in [1usize << 10, 256 << 10, 4 << 20] {
        let b = Bytes::from(noise(size, 3)); let mut v = vec![];
        for _ in 0..(if size > 1<<20 {100} else {1000}) { let t = Instant::now(); seg.append(&[b.clone()]).unwrap(); v.push(t.elapsed().as_secs_f64()*1e6); }
        println!("segment append {size}: {} ", pct(v));
    }
    let b = Bytes::from(noise(4<<20, 3)); let mut v = vec![];
    for round in 0..3 { let t0 = Instant::now();
    for k in 0..100 { let t = Instant::now(); seg.append(&[b.clone()]).unwrap(); v.push(t.elapsed().as_secs_f64()*1e6); let due = t0 + std::time::Duration::from_millis(10*(k+1)); std::thread::sleep(due.saturating_duration_since(Instant::now())); }
    println!("segment paced 400 MB/s round {round}: {} {:.2}s", pct(std::mem::take(&mut v)), t0.elapsed().as_secs_f64()); }
    let t = Instant::now(); let mut n = 0u64;
    { use futures::TryStreamExt; let mut s = store.stream("big", None).await.unwrap(); while let Some(p) = s.try_next().await.unwrap() { n += p.len() as u64; } }
    println!("stream {n}: {:.0} MB/s", n as f64/1e6/t.elapsed().as_secs_f64());
}
