//! What the steps of a staging hand to its last one, and that last step: a
//! thread that writes data files and rejects until it is told that all is
//! there. Told nothing, it deletes what it wrote.

use arrow::array::RecordBatch;
use landfall_model::{DataFile, Reject, Result, limits};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use super::outputs::Outputs;
use super::rejects::RejectWriter;
use super::writer::DataFileWriter;

pub(super) enum Piece {
    /// Rows of one partition, with the system's columns.
    Rows(String, RecordBatch),
    Rejects(Vec<Reject>),
    /// Nothing more comes, and all that came shall be kept.
    Finish,
}

/// All of it durable.
pub(super) struct Written {
    pub files: Vec<DataFile>,
    pub rows: i64,
    /// Key of the rejects' object, if there are any.
    pub rejects: Option<String>,
}

/// Starts the thread. It gives `None` if the senders went away before `Finish`.
pub(super) fn writer(outputs: Outputs) -> (Sender<Piece>, JoinHandle<Result<Option<Written>>>) {
    let (sender, pieces) = channel(limits::STAGE_QUEUE_BATCHES);
    let write = move || {
        let written = write(pieces, &outputs);
        if !matches!(written, Ok(Some(_))) {
            outputs.discard();
        }
        written
    };
    (sender, tokio::task::spawn_blocking(write))
}

fn write(mut pieces: Receiver<Piece>, outputs: &Outputs) -> Result<Option<Written>> {
    let mut rejects = RejectWriter::new(outputs.clone());
    let mut files = DataFileWriter::new(outputs.clone());
    loop {
        match pieces.blocking_recv() {
            None => return Ok(None),
            Some(Piece::Rows(partition, rows)) => files.write(&partition, &rows)?,
            Some(Piece::Rejects(bad)) => bad.iter().try_for_each(|reject| rejects.write(reject))?,
            Some(Piece::Finish) => {
                let (files, rows) = files.finish()?;
                return Ok(Some(Written { files, rows, rejects: rejects.finish()? }));
            }
        }
    }
}
