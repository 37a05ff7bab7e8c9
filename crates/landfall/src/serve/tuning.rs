//! What the process asks of its surroundings before it serves.

/// One connection is one descriptor, and the usual soft limit of 1,024 is below what the doors allow.
pub fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit on open files could not be raised");
    }
}

/// The threads that serve.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let threads = &mut tokio::runtime::Builder::new_multi_thread();
    threads.enable_all().thread_stack_size(landfall_model::limits::THREAD_STACK_BYTES).build()
}
