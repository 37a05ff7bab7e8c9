//! The handle: verbs on objects by key, the same on the local disk and on S3.

use std::ffi::OsString;
use std::fmt;
use std::ops::Range;
use std::path::Path as FsPath;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use landfall_model::{Clock, Error, ErrorKind, Result, Timestamp, limits};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, GetResultPayload, ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use crate::errors::{from_io, from_object_store};
use crate::folder::Folder;
use crate::keys;
use crate::local::{DurableLocal, blocking};
use crate::reader::StoreReader;
use crate::s3::{self, S3};
use crate::s3_bucket;
use crate::segments::Segments;
use crate::stream;
use crate::upload::{Sink, Upload};
use crate::upload_local::LocalUpload;
use crate::upload_s3::S3Upload;
use crate::url::StoreUrl;

/// Cloning shares it. Its futures want a tokio runtime.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    objects: Arc<dyn ObjectStore>,
    backend: Backend,
    clock: Clock,
    /// Where keys below `keys::ARCHIVE` lie.
    archive: Option<Store>,
}

#[derive(Clone)]
enum Backend {
    Local(Arc<Folder>),
    S3(S3),
}

/// One object of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub key: String,
    /// Bytes.
    pub size: u64,
    pub modified: Timestamp,
}

fn path(key: &str) -> Result<Path> {
    match Path::parse(key) {
        Ok(path) if path.as_ref() == key && !key.is_empty() => Ok(path),
        _ => Err(Error::new(ErrorKind::Internal, format!("`{key}` cannot be the key of an object"))),
    }
}

impl Store {
    /// Opens the store at `url`; endpoint, region and keys of S3 come from the AWS environment. A folder is made where it
    /// is missing and what a crash left half written is swept; an S3 bucket must be there and keep no old versions.
    pub async fn open(url: &StoreUrl, clock: Clock) -> Result<Store> {
        let texts = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        let environment: Vec<_> = std::env::vars_os().filter_map(texts).collect();
        Store::open_with(url, &environment, clock).await
    }

    /// `open` with the environment handed over.
    pub async fn open_with(url: &StoreUrl, environment: &[(String, String)], clock: Clock) -> Result<Store> {
        match url {
            StoreUrl::Local(root) => Store::local(root, clock),
            StoreUrl::S3 { bucket, prefix } => {
                let builder = s3::settings(bucket, environment);
                s3_bucket::refuse_versions(&builder, bucket).await?;
                let s3 = S3::new(builder, prefix, clock.clone())?;
                Ok(Store(Arc::new(Inner { objects: s3.objects.clone(), backend: Backend::S3(s3), clock, archive: None })))
            }
        }
    }

    /// Opens the store in a folder. Blocks for as long as a few syncs take.
    pub fn local(root: &FsPath, clock: Clock) -> Result<Store> {
        let what = || format!("open the store in `{}`", root.display());
        let folder = Arc::new(Folder::open(root).map_err(|error| from_io(&what(), &error))?);
        let objects = DurableLocal::new(folder.clone()).map_err(|error| from_object_store(&what(), &error))?;
        Ok(Store(Arc::new(Inner { objects: Arc::new(objects), backend: Backend::Local(folder), clock, archive: None })))
    }

    /// The same store with a second, colder one beside it: keys below `keys::ARCHIVE` lie there, for every verb but
    /// `object_store` and `list`.
    pub fn with_archive(self, archive: Store) -> Store {
        let (objects, clock) = (self.0.objects.clone(), self.0.clock.clone());
        let backend = self.0.backend.clone();
        Store(Arc::new(Inner { objects, backend, clock, archive: Some(archive) }))
    }

    /// The store that holds `key`, and the key there.
    fn at<'k>(&self, key: &'k str) -> Result<(&Inner, &'k str)> {
        let Some(archived) = key.strip_prefix(keys::ARCHIVE).and_then(|rest| rest.strip_prefix('/')) else { return Ok((&self.0, key)) };
        match &self.0.archive {
            Some(archive) => Ok((&archive.0, archived)),
            None => {
                let message = format!("`{key}` lies in the archive, and the configuration names none: put [store.archive] back");
                Err(Error::new(ErrorKind::Unavailable, message))
            }
        }
    }

    /// True where there is an archive.
    pub fn has_archive(&self) -> bool {
        self.0.archive.is_some()
    }

    /// The same store, durable as it is here, for those who speak object_store. Keys are the same; table roots are `keys::table_root`.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        self.0.objects.clone()
    }

    /// Writes a whole object. Once it returns the object is durable; after an error it is whole or not there.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        let (inner, there) = self.at(key)?;
        let put = inner.objects.put(&path(there)?, bytes.into()).await;
        put.map(drop).map_err(|error| from_object_store(&format!("put object `{key}`"), &error))
    }

    /// Writes a whole object if there is none of that key; false: there is one. Of many writers one is told true. On S3 an
    /// answer can be lost: then what is there is compared with `bytes`, so they should be unlike what others write. After an
    /// error it is not known whether the object is there.
    pub async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<bool> {
        let (inner, there) = self.at(key)?;
        let path = path(there)?;
        if let Backend::S3(s3) = &inner.backend {
            return s3.put_if_absent(&path, &bytes).await;
        }
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match inner.objects.put_opts(&path, bytes.into(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(from_object_store(&format!("create object `{key}`"), &error)),
        }
    }

    /// Begins a streaming upload.
    pub async fn upload(&self, key: &str) -> Result<Upload> {
        let (inner, there) = self.at(key)?;
        let path = path(there)?;
        let sink = match &inner.backend {
            Backend::S3(_) => Sink::S3(Box::new(S3Upload::new(inner.objects.clone(), path))),
            Backend::Local(folder) => {
                let (folder, to) = (folder.clone(), folder.path(there));
                let begun = blocking(move || Ok((to?, folder.begin()?))).await;
                let (to, temp) = begun.map_err(|error| from_io(&format!("upload object `{key}`"), &error))?;
                Sink::Local(LocalUpload::new(key.to_owned(), to, temp))
            }
        };
        Ok(Upload(sink))
    }

    /// A whole object, of at most `OBJECT_WHOLE_BYTES_MAX`.
    pub async fn get(&self, key: &str) -> Result<Bytes> {
        let found = self.find(key, GetOptions::default()).await?;
        if found.meta.size > limits::OBJECT_WHOLE_BYTES_MAX {
            let message = format!("object `{key}` of {} bytes is too large to be read whole; stream it", found.meta.size);
            return Err(Error::new(ErrorKind::Internal, message));
        }
        found.bytes().await.map_err(|error| from_object_store(&format!("get object `{key}`"), &error))
    }

    /// The bytes `range` of an object, all of them: `RangeNotSatisfiable` where the object ends before they do.
    pub async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let found = self.find_range(key, range).await?;
        found.bytes().await.map_err(|error| from_object_store(&format!("get object `{key}`"), &error))
    }

    /// An object, or the bytes `range` of it, as a stream of pieces.
    pub async fn stream(&self, key: &str, range: Option<Range<u64>>) -> Result<BoxStream<'static, Result<Bytes>>> {
        let found = match range {
            Some(range) if range.is_empty() => return Ok(futures::stream::empty().boxed()),
            Some(range) => self.find_range(key, range).await?,
            None => self.find(key, GetOptions::default()).await?,
        };
        Ok(stream::pieces(format!("stream object `{key}`"), found))
    }

    /// An object, or the bytes `range` of it, for a decoder on a blocking thread. Reading it from a thread of the runtime
    /// would hold that thread up.
    pub async fn reader(&self, key: &str, range: Option<Range<u64>>) -> Result<StoreReader> {
        let (inner, there) = self.at(key)?;
        let found = self.find(key, GetOptions { head: matches!(inner.backend, Backend::S3(_)), ..GetOptions::default() }).await?;
        let range = range.unwrap_or(0..found.meta.size);
        within(key, &range, found.meta.size)?;
        Ok(match found.payload {
            GetResultPayload::File(file, _) => StoreReader::file(file, range),
            GetResultPayload::Stream(_) => {
                StoreReader::blocks(inner.objects.clone(), path(there)?, tokio::runtime::Handle::current(), range)
            }
        })
    }

    /// Bytes of an object.
    pub async fn size(&self, key: &str) -> Result<u64> {
        let (inner, there) = self.at(key)?;
        let found = inner.objects.head(&path(there)?).await;
        found.map(|meta| meta.size).map_err(|error| from_object_store(&format!("look for object `{key}`"), &error))
    }

    /// True words of the store, whatever it holds: asks for an object that is not there.
    pub async fn ping(&self) -> Result<()> {
        match self.size("ping").await {
            Err(error) if error.kind != landfall_model::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Deletes an object, durably. That it is gone already is no error.
    pub async fn delete(&self, key: &str) -> Result<()> {
        let (inner, there) = self.at(key)?;
        match inner.objects.delete(&path(there)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(from_object_store(&format!("delete object `{key}`"), &error)),
        }
    }

    /// The objects under the folder `prefix`, in no order; none where there is no such folder. The empty prefix: all.
    pub fn list(&self, prefix: &str) -> BoxStream<'static, Result<Object>> {
        let what = format!("list objects under `{prefix}`");
        let prefix = (!prefix.is_empty()).then(|| Path::from(prefix));
        let listed = self.0.objects.list(prefix.as_ref());
        let object = |meta: object_store::ObjectMeta| Object {
            key: meta.location.into(),
            size: meta.size,
            modified: Timestamp(meta.last_modified.timestamp_micros()),
        };
        listed.map_ok(object).map_err(move |error| from_object_store(&what, &error)).boxed()
    }

    /// A new appender of preallocated segments; `None` on S3, which has no such thing.
    pub fn segments(&self) -> Option<Segments> {
        match &self.0.backend {
            Backend::Local(folder) => Some(Segments::new(folder.clone(), self.0.clock.clone())),
            Backend::S3(_) => None,
        }
    }

    /// The lock of a segment that nobody appends to, and of which no commit under way names a place; `None` where somebody does.
    pub async fn lock_segment(&self, key: &str) -> Result<Option<std::fs::File>> {
        let Backend::Local(folder) = &self.0.backend else { return Ok(None) };
        let path = folder.path(key);
        let locked = blocking(move || {
            let file = std::fs::File::open(path?)?;
            Ok(file.try_lock().is_ok().then_some(file))
        });
        locked.await.map_err(|error| from_io(&format!("lock the segment `{key}`"), &error))
    }

    async fn find(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        let (inner, there) = self.at(key)?;
        let found = inner.objects.get_opts(&path(there)?, options).await;
        found.map_err(|error| from_object_store(&format!("get object `{key}`"), &error))
    }

    async fn find_range(&self, key: &str, range: Range<u64>) -> Result<GetResult> {
        let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
        match self.find(key, options).await {
            Ok(found) => within(key, &range, found.meta.size).map(|()| found),
            Err(error) if error.kind == ErrorKind::NotFound => Err(error),
            // The stores have no common word for a range that lies behind the end.
            Err(error) => Err(self.size(key).await.and_then(|size| within(key, &range, size)).err().unwrap_or(error)),
        }
    }
}

fn within(key: &str, range: &Range<u64>, size: u64) -> Result<()> {
    if range.start <= range.end && range.end <= size {
        return Ok(());
    }
    let message = format!("bytes {}..{} are asked of object `{key}`, which has {size}", range.start, range.end);
    Err(Error::new(ErrorKind::RangeNotSatisfiable, message))
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.0.objects)
    }
}
