//! Files: only regular ones are read, up to the size that the command reads.

use ergoseq::source::{LARGEST_FILE, decoded};
use pyo3::exceptions::PyFileNotFoundError;
use pyo3::prelude::*;
use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The text of a file.
///
/// # Errors
/// When there is none, when it is no regular file (opening a pipe would wait for a writer), when it is larger than
/// [`LARGEST_FILE`], and when it is not UTF-8.
pub fn read(path: &Path) -> Result<String, Error> {
    let wrong = |why: String| Error::new(ErrorKind::InvalidInput, why);
    let meta = std::fs::metadata(path)?;
    if meta.is_dir() {
        return Err(Error::from(ErrorKind::IsADirectory));
    }
    if !meta.is_file() {
        return Err(wrong(format!("`{}` is not a regular file", path.display())));
    }
    let mut bytes = Vec::new();
    // The file may grow while it is read.
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(wrong(format!("`{}` is larger than {} MB", path.display(), LARGEST_FILE >> 20)));
    }
    let name = path.display().to_string();
    decoded(&name, bytes).map_err(|at| wrong(format!("`{name}` is not UTF-8 text: byte {at} cannot be read")))
}

/// Whether a file that a program names lies in the program's folder or below it, or in one of the folders that the caller allows, links
/// followed.
///
/// # Errors
/// When it lies elsewhere. A file that is not there is left to its reader.
pub fn within(path: &Path, folder: &Path, allowed: &[PathBuf]) -> Result<(), String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(found) = path.canonicalize() else { return Ok(()) };
    let holds = |folder: &Path| folder.canonicalize().is_ok_and(|own| found.starts_with(own));
    if holds(folder) || allowed.iter().any(|folder| holds(folder)) {
        return Ok(());
    }
    Err(format!(
        "`{}` is outside the folder of the program; `load(..., allow_path=[FOLDER])` allows files in FOLDER",
        path.display()
    ))
}

/// The text of a file, for `ergoseq.load`.
#[pyfunction]
pub fn read_text(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    let name = path.clone();
    py.detach(move || read(&path)).map_err(|e| match e.kind() {
        ErrorKind::NotFound => PyFileNotFoundError::new_err(format!("`{}`: no such file", name.display())),
        _ => e.into(),
    })
}
