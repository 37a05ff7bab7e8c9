//! object_store's trait over a folder, for deltalake and DataFusion: reads are
//! object_store's own, every write goes through `Folder` and is durable.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, RenameOptions, RenameTargetMode, Result,
};

use crate::errors::to_object_store;
use crate::folder::{Folder, Mode, TEMP};
use crate::multipart::LocalMultipart;

/// Deletes that run at once; each waits for the disk.
const DELETES_AT_ONCE: usize = 10;

/// Runs what blocks away from the threads that serve requests.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Objects never change, so a write has no version to tell.
pub(crate) fn no_version() -> PutResult {
    PutResult { e_tag: None, version: None }
}

#[derive(Debug)]
pub(crate) struct DurableLocal {
    folder: Arc<Folder>,
    reads: LocalFileSystem,
}

impl DurableLocal {
    pub fn new(folder: Arc<Folder>) -> Result<DurableLocal> {
        let reads = LocalFileSystem::new_with_prefix(folder.root())?;
        Ok(DurableLocal { folder, reads })
    }

    fn path(&self, location: &Path) -> Result<PathBuf> {
        self.folder.path(location.as_ref()).map_err(|error| to_object_store(location.as_ref(), error))
    }
}

impl fmt::Display for DurableLocal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DurableLocal({})", self.folder.root().display())
    }
}

fn already_exists(location: &Path) -> object_store::Error {
    to_object_store(location.as_ref(), io::ErrorKind::AlreadyExists.into())
}

fn is_object(location: &Path) -> bool {
    location.parts().next().is_none_or(|first| first.as_ref() != TEMP)
}

#[async_trait]
impl ObjectStore for DurableLocal {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let mode = match options.mode {
            PutMode::Overwrite => Mode::Overwrite,
            PutMode::Create => Mode::Create,
            PutMode::Update(_) => {
                let operation = "`PutMode::Update`".into();
                return Err(object_store::Error::NotImplemented { operation, implementer: self.to_string() });
            }
        };
        let (folder, to) = (self.folder.clone(), self.path(location)?);
        let put = blocking(move || folder.put(&to, payload.iter().map(|piece| piece.as_ref()), mode)).await;
        match put.map_err(|error| to_object_store(location.as_ref(), error))? {
            true => Ok(no_version()),
            false => Err(already_exists(location)),
        }
    }

    async fn put_multipart_opts(&self, location: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let (folder, to) = (self.folder.clone(), self.path(location)?);
        let temp = blocking(move || folder.begin()).await.map_err(|error| to_object_store(location.as_ref(), error))?;
        Ok(Box::new(LocalMultipart::new(to, temp)))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.path(location)?;
        self.reads.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.path(location)?;
        self.reads.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let folder = self.folder.clone();
        let delete = move |location: Result<Path>| {
            let folder = folder.clone();
            async move {
                let location = location?;
                let key = location.to_string();
                let removed = blocking(move || folder.path(&key).and_then(|path| folder.remove(&path))).await;
                match removed.map_err(|error| to_object_store(location.as_ref(), error))? {
                    true => Ok(location),
                    false => Err(to_object_store(location.as_ref(), io::ErrorKind::NotFound.into())),
                }
            }
        };
        locations.map(delete).buffered(DELETES_AT_ONCE).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.reads.list(prefix).try_filter(|object| futures::future::ready(is_object(&object.location))).boxed()
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        let listed = self.reads.list_with_offset(prefix, offset);
        listed.try_filter(|object| futures::future::ready(is_object(&object.location))).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut listed = self.reads.list_with_delimiter(prefix).await?;
        listed.common_prefixes.retain(is_object);
        listed.objects.retain(|object| is_object(&object.location));
        Ok(listed)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let mode = match options.mode {
            CopyMode::Overwrite => Mode::Overwrite,
            CopyMode::Create => Mode::Create,
        };
        let (folder, source, target) = (self.folder.clone(), self.path(from)?, self.path(to)?);
        // Objects never change, so a second name is as good as a second copy.
        let linked = blocking(move || folder.link(&source, &target, mode)).await;
        match linked.map_err(|error| to_object_store(from.as_ref(), error))? {
            true => Ok(()),
            false => Err(already_exists(to)),
        }
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let mode = match options.target_mode {
            RenameTargetMode::Overwrite => CopyMode::Overwrite,
            RenameTargetMode::Create => CopyMode::Create,
        };
        if from == to {
            return Ok(());
        }
        self.copy_opts(from, to, CopyOptions::new().with_mode(mode)).await?;
        let (folder, source) = (self.folder.clone(), self.path(from)?);
        blocking(move || folder.remove(&source)).await.map_err(|error| to_object_store(from.as_ref(), error))?;
        Ok(())
    }
}
