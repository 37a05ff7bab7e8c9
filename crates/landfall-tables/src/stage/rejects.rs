//! The rejects of one staging, as an object in the store: one JSON document a
//! line, begun with the first reject.

use std::io::Write;

use landfall_model::{Reject, Result};
use landfall_store::keys;

use super::failed;
use super::outputs::Outputs;
use super::upload::BlockingUpload;

pub(super) struct RejectWriter {
    outputs: Outputs,
    key: String,
    open: Option<BlockingUpload>,
}

impl RejectWriter {
    pub fn new(outputs: Outputs) -> RejectWriter {
        let key = keys::rejects(&outputs.target().dataset, outputs.manifest());
        RejectWriter { outputs, key, open: None }
    }

    pub fn write(&mut self, reject: &Reject) -> Result<()> {
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(self.outputs.begin(&self.key)?),
        };
        let mut line = serde_json::to_vec(reject).map_err(|why| failed(&why))?;
        line.push(b'\n');
        open.write_all(&line).map_err(|why| open.error().unwrap_or_else(|| failed(&why)))
    }

    /// The object's key, if there is a reject.
    pub fn finish(self) -> Result<Option<String>> {
        match self.open {
            None => Ok(None),
            Some(mut open) => open.finish().map(|_| Some(self.key)),
        }
    }
}
