//! Where the files may lie that a program names: in its own folder and below, links followed. A program of somebody else cannot have a
//! file read that lies elsewhere.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

static ALLOWED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Allows files in a folder and below it (`--allow-path`).
pub fn allow(folder: &Path) {
    if let (Ok(folder), Ok(mut allowed)) = (folder.canonicalize(), ALLOWED.lock()) {
        allowed.push(folder);
    }
}

/// Whether a program whose folder this is may read a file.
///
/// # Errors
/// When the file lies elsewhere: a sentence that says what allows it. A file that is not there is left to its reader.
pub fn allowed(path: &Path, folder: &Path) -> Result<(), String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let outside =
        || format!("`{}` is outside the folder of the program; `--allow-path DIR` allows files in DIR", path.display());
    let Ok(found) = path.canonicalize() else {
        // Whether a file exists elsewhere is nothing that a program may ask: only the folder's own are told to be missing.
        let above = path.components().any(|c| matches!(c, std::path::Component::ParentDir)) || path.is_absolute();
        return match above && !lexically_inside(path, folder) {
            true => Err(outside()),
            false => Ok(()),
        };
    };
    let own = folder.canonicalize().is_ok_and(|own| found.starts_with(own));
    let other = || ALLOWED.lock().is_ok_and(|allowed| allowed.iter().any(|a| found.starts_with(a)));
    if own || other() { Ok(()) } else { Err(outside()) }
}

/// Whether a path that does not exist would lie in a folder, by its text alone.
fn lexically_inside(path: &Path, folder: &Path) -> bool {
    let Ok(rest) = path.strip_prefix(folder) else { return false };
    let mut depth = 0i64;
    for component in rest.components() {
        match component {
            std::path::Component::ParentDir => depth -= 1,
            std::path::Component::Normal(_) => depth += 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    true
}
