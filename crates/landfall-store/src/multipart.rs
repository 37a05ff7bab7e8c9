//! object_store's multipart upload on the local disk: parts go to their
//! offsets in one temporary file, in any order; `complete` publishes it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::FutureExt;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use parking_lot::Mutex;

use crate::errors::to_object_store;
use crate::folder::{Mode, TempFile};
use crate::local::{blocking, no_version};

#[derive(Debug)]
pub(crate) struct LocalMultipart {
    to: PathBuf,
    /// Taken by `complete` and `abort`.
    temp: Option<Arc<TempFile>>,
    /// Of the next part.
    offset: u64,
    /// Set by a part until it is written: a part that failed, or that nobody waited for, leaves it set.
    unfinished: Mutex<Vec<Arc<AtomicBool>>>,
}

impl LocalMultipart {
    pub fn new(to: PathBuf, temp: TempFile) -> LocalMultipart {
        LocalMultipart { to, temp: Some(Arc::new(temp)), offset: 0, unfinished: Mutex::default() }
    }

    fn failed(&self, why: &str) -> object_store::Error {
        to_object_store(&self.to.to_string_lossy(), io::Error::other(why.to_owned()))
    }
}

#[async_trait]
impl MultipartUpload for LocalMultipart {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let Some(temp) = self.temp.clone() else {
            return futures::future::ready(Err(self.failed("the upload has ended"))).boxed();
        };
        let mut offset = self.offset;
        self.offset += data.content_length() as u64;
        let unfinished = Arc::new(AtomicBool::new(true));
        {
            let mut list = self.unfinished.lock();
            list.retain(|part| part.load(Ordering::Acquire));
            list.push(unfinished.clone());
        }
        let path = self.to.to_string_lossy().into_owned();
        let write = move || {
            let start = offset;
            for piece in &data {
                temp.write_all_at(piece, offset)?;
                offset += piece.len() as u64;
            }
            temp.start_write_back(start, offset - start)?;
            unfinished.store(false, Ordering::Release);
            Ok(())
        };
        blocking(write).map(move |done| done.map_err(|error| to_object_store(&path, error))).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let temp = self.temp.take().ok_or_else(|| self.failed("the upload has ended"))?;
        if self.unfinished.lock().iter().any(|part| part.load(Ordering::Acquire)) {
            return Err(self.failed("a part of the upload failed or was never waited for"));
        }
        let temp = Arc::try_unwrap(temp).map_err(|_| self.failed("a part of the upload is still being written"))?;
        let to = self.to.clone();
        let published = blocking(move || temp.publish(&to, Mode::Overwrite)).await;
        published.map(|_| no_version()).map_err(|error| to_object_store(&self.to.to_string_lossy(), error))
    }

    async fn abort(&mut self) -> Result<()> {
        self.temp = None;
        Ok(())
    }
}
