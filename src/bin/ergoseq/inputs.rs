//! The files that a command has read. None of them is ever an output: a slip of the command line would destroy it.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

static READ: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Notes a file that is read, or will be.
pub fn note(path: &Path) {
    if let (Ok(path), Ok(mut read)) = (path.canonicalize(), READ.lock())
        && !read.contains(&path)
    {
        read.push(path);
    }
}

/// Whether a path leads to one of them.
pub fn contain(path: &Path) -> bool {
    match (path.canonicalize(), READ.lock()) {
        (Ok(path), Ok(read)) => read.contains(&path),
        _ => false,
    }
}
