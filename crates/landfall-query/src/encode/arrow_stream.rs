//! The Arrow IPC streaming format, one message a batch.

use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use landfall_model::{Error, Result};

use super::super::answer::Answer;

fn broken(error: impl std::fmt::Display) -> Error {
    Error::internal("writing the Arrow stream", error)
}

enum Step {
    Open(Answer),
    Rows(Answer, Box<StreamWriter<Vec<u8>>>),
    Done,
}

/// Schema, batches, end marker; without the end marker the reader knows that the answer is not whole.
pub(super) fn stream(answer: Answer) -> BoxStream<'static, Result<Bytes>> {
    let steps = stream::try_unfold(Step::Open(answer), |step| async {
        match step {
            Step::Open(answer) => {
                let mut writer = Box::new(StreamWriter::try_new(Vec::new(), &answer.schema).map_err(broken)?);
                Ok(Some((take(&mut writer), Step::Rows(answer, writer))))
            }
            Step::Rows(mut answer, mut writer) => match answer.rows.next().await {
                Some(batch) => {
                    writer.write(&batch?).map_err(broken)?;
                    Ok(Some((take(&mut writer), Step::Rows(answer, writer))))
                }
                None => {
                    writer.finish().map_err(broken)?;
                    Ok(Some((take(&mut writer), Step::Done)))
                }
            },
            Step::Done => Ok(None),
        }
    });
    steps.boxed()
}

fn take(writer: &mut StreamWriter<Vec<u8>>) -> Bytes {
    Bytes::from(std::mem::take(writer.get_mut()))
}
