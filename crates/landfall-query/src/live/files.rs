//! The files of a table at one version, ready to be scanned. Made once for a
//! version and shared by the queries that read it.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{Result, Statistics, ToDFSchema};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use object_store::ObjectMeta;
use object_store::path::Path;

use super::bounds::{Bounds, statistics};
use landfall_tables::delta::State;

/// Under this address the store is known to DataFusion's runtime.
pub const STORE_URL: &str = "landfall://store/";

/// Bytes read from the end of a file at once: its footer, page index included, is rarely more.
const FOOTER_BYTES: usize = 64 << 10;

#[derive(Debug)]
pub struct FileSet {
    schema: SchemaRef,
    files: Vec<PartitionedFile>,
    each: Vec<Arc<Statistics>>,
    whole: Statistics,
}

impl FileSet {
    /// `root` is the table's; `schema` is what SQL shows of the table.
    pub fn new(state: &State, root: &str, schema: SchemaRef) -> Result<FileSet> {
        let mut files = Vec::with_capacity(state.files.size());
        let mut each = Vec::with_capacity(state.files.size());
        for file in state.files.values() {
            let stats = Arc::new(statistics(file, &schema));
            let meta = ObjectMeta {
                location: Path::from(format!("{root}/{}", file.data.path)),
                // A path is never used twice, so what is cached of a file holds for ever.
                last_modified: chrono::DateTime::UNIX_EPOCH,
                size: u64::try_from(file.data.size).unwrap_or(0),
                e_tag: None,
                version: None,
            };
            files.push(PartitionedFile::new_from_meta(meta).with_statistics(Arc::clone(&stats)));
            each.push(stats);
        }
        let whole = Statistics::try_merge_iter(each.iter().map(AsRef::as_ref), &schema)?;
        Ok(FileSet { schema, files, each, whole })
    }

    /// A plan that reads the files that can hold rows for which `filters` are true; `None` where no file can.
    pub fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let predicate = self.predicate(session, filters)?;
        let (files, whole) = self.pruned(predicate.as_ref())?;
        if files.is_empty() {
            return Ok(None);
        }
        let url = ObjectStoreUrl::parse(STORE_URL)?;
        let runtime = session.runtime_env();
        let readers = CachedParquetFileReaderFactory::new(runtime.object_store(&url)?, runtime.cache_manager.get_file_metadata_cache());
        let mut options = TableParquetOptions::new();
        options.global = session.config_options().execution.parquet.clone();
        let mut source = ParquetSource::new(Arc::clone(&self.schema))
            .with_table_parquet_options(options)
            .with_metadata_size_hint(FOOTER_BYTES)
            .with_parquet_file_reader_factory(Arc::new(readers));
        if let Some(predicate) = predicate {
            source = source.with_predicate(predicate);
        }
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups(files, session.config().target_partitions()))
            .with_statistics(whole)
            .with_limit(limit)
            .with_projection_indices(projection.cloned())?
            .build();
        Ok(Some(DataSourceExec::from_data_source(config)))
    }

    fn predicate(&self, session: &dyn Session, filters: &[Expr]) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let Some(filter) = conjunction(filters.iter().cloned()) else { return Ok(None) };
        let schema = Arc::clone(&self.schema).to_dfschema()?;
        session.create_physical_expr(filter, &schema).map(Some)
    }

    fn pruned(&self, predicate: Option<&Arc<dyn PhysicalExpr>>) -> Result<(Vec<PartitionedFile>, Statistics)> {
        let Some(predicate) = predicate else { return Ok((self.files.clone(), self.whole.clone())) };
        let pruning = PruningPredicateBuilder::new().with_file_schema(Arc::clone(&self.schema)).build(Arc::clone(predicate));
        let Some(pruning) = pruning else {
            // A predicate that bounds say nothing about reads every file.
            return Ok((self.files.clone(), self.whole.clone().to_inexact()));
        };
        let keep = pruning.prune(&Bounds { schema: &self.schema, files: &self.each })?;
        let kept = |(place, file): (usize, &PartitionedFile)| keep.get(place).copied().unwrap_or(true).then(|| file.clone());
        let files: Vec<_> = self.files.iter().enumerate().filter_map(kept).collect();
        let rows = files.iter().filter_map(|file| file.statistics.as_ref()?.num_rows.get_value().copied()).sum();
        let whole = Statistics { num_rows: Precision::Inexact(rows), ..Statistics::new_unknown(&self.schema) };
        Ok((files, whole))
    }
}

/// Dealt out by size, so that the cores have about the same to read.
fn groups(mut files: Vec<PartitionedFile>, partitions: usize) -> Vec<FileGroup> {
    files.sort_by_key(|file| std::cmp::Reverse(file.object_meta.size));
    let mut groups: Vec<(u64, Vec<PartitionedFile>)> = vec![(0, Vec::new()); partitions.clamp(1, files.len().max(1))];
    for file in files {
        if let Some((size, group)) = groups.iter_mut().min_by_key(|(size, _)| *size) {
            *size += file.object_meta.size;
            group.push(file);
        }
    }
    groups.into_iter().map(|(_, files)| FileGroup::new(files)).collect()
}
