//! The rows of each day, and how they come in.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Days as Span, Utc};

use crate::census;
use crate::peers::Landfall;

/// A day like any other; noon, so that no load comes near midnight.
const FIRST: &str = "2026-03-01T12:00:00Z";
const TITLES: u64 = 1000;
const CHANNELS: u64 = 100;

pub struct Days {
    pub count: u32,
    files: u32,
    rows_of_file: u64,
    first: DateTime<Utc>,
}

impl Days {
    /// About `rows` over `count` days, `files` a day, all of a size.
    pub fn new(rows: u64, count: u32, files: u32) -> Result<Days> {
        ensure!(files > 0, "a day needs a file");
        let rows_of_file = rows / u64::from(count * files);
        ensure!(rows_of_file > 0, "fewer rows than files");
        Ok(Days { count, files, rows_of_file, first: FIRST.parse()? })
    }

    pub fn rows(&self) -> u64 {
        self.rows_of(0) * u64::from(self.count)
    }

    pub fn rows_of(&self, _day: u32) -> u64 {
        self.rows_of_file * u64::from(self.files)
    }

    pub fn noon(&self, day: u32) -> DateTime<Utc> {
        self.first + Span::new(u64::from(day))
    }

    /// When the first day has outlived a retention of `count` days as a whole.
    pub fn midnight(&self) -> DateTime<Utc> {
        self.noon(self.count) + Duration::from_secs(12 * 3600)
    }

    /// Puts the files of a day, and waits until they are loaded.
    pub async fn load(&self, server: &Landfall, dataset: &str, day: u32) -> Result<()> {
        let mut landings = Vec::new();
        for file in 0..self.files {
            let body = self.csv(day * self.files + file)?;
            let key = format!("{}-{file}.csv", self.noon(day).format("%Y-%m-%d"));
            landings.push(server.put(dataset, &key, body.len() as u64, body.into()).await?);
        }
        for landing in landings {
            server.wait_loaded(&landing).await?;
        }
        self.check_day(server, dataset, day).await
    }

    fn csv(&self, file: u32) -> Result<Vec<u8>> {
        let first = u64::from(file) * self.rows_of_file + 1;
        let mut body = Vec::with_capacity(usize::try_from(self.rows_of_file * 24)?);
        body.extend_from_slice(b"id,channel,title\n");
        for id in first..first + self.rows_of_file {
            // The upper bits of a product have no period that a compressor finds.
            let mixed = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            writeln!(body, "{id},{},song-{}", mixed % CHANNELS, mixed / CHANNELS % TITLES)?;
        }
        Ok(body)
    }

    /// The server's day is the one that it was given.
    async fn check_day(&self, server: &Landfall, dataset: &str, day: u32) -> Result<()> {
        let newest = server.sql(&format!("select max(_received_at) from {dataset}")).await?;
        let newest = newest.first().and_then(|row| row.first()?.as_str()).context("the newest row")?;
        let wanted = self.noon(day).format("%Y-%m-%d").to_string();
        ensure!(newest.starts_with(&wanted), "the server's clock says {newest} on {wanted}");
        Ok(())
    }

    /// Fails if any file of the store belongs to `day`: of rows, of what landed, of bodies that were sealed.
    pub fn check_gone(&self, store: &Path, day: u32) -> Result<()> {
        let name = self.noon(day).format("%Y-%m-%d").to_string();
        let left: Vec<_> = census::files(store)?.into_iter().filter(|path| path.to_string_lossy().contains(&name)).collect();
        ensure!(left.is_empty(), "no byte of {name} was to be left, and these are: {left:?}");
        Ok(())
    }

    /// Fails unless exactly the rows of the days from `gone` on are there.
    pub async fn check(&self, server: &Landfall, dataset: &str, gone: u32) -> Result<()> {
        let (first, last) = (self.rows_of(0) * u64::from(gone) + 1, self.rows());
        for (what, wanted) in [("count(*)", last - first + 1), ("sum(id)", (first + last) * (last - first + 1) / 2), ("min(id)", first)] {
            let told = server.number(&format!("select {what} from {dataset}")).await?;
            ensure!(told == wanted, "{what} is {told} and should be {wanted}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_follow_each_other_without_a_gap() {
        let days = Days::new(1000, 30, 3).unwrap();
        assert_eq!((days.rows(), days.rows_of(0)), (990, 33));
        let text = String::from_utf8(days.csv(2).unwrap()).unwrap();
        assert!(text.starts_with("id,channel,title\n23,"));
        assert_eq!(text.lines().count(), 12);
        assert_eq!(days.midnight().to_rfc3339(), "2026-04-01T00:00:00+00:00");
        assert!(Days::new(10, 30, 1).is_err());
    }
}
