//! The inputs that damage begins with: the corpus of a target, and good files of the repository.

use crate::targets::Target;
use std::path::{Path, PathBuf};

fn below(folder: &Path, ending: Option<&str>, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|e| Some(e.ok()?.path())) {
        if path.is_dir() {
            below(&path, ending, out);
        } else if ending.is_none_or(|e| path.extension().is_some_and(|x| x == e)) {
            out.push(path);
        }
    }
}

/// All inputs of a target, those above a length left out; `root` is the folder of the repository.
pub fn seeds(root: &Path, target: &Target, longest: usize) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    below(&root.join("fuzz/corpus").join(target.name), None, &mut paths);
    for (folder, ending) in target.seeds {
        below(&root.join(folder), Some(ending), &mut paths);
    }
    paths.sort();
    let read = |path: &PathBuf| std::fs::read(path).ok().filter(|bytes| bytes.len() <= longest);
    let mut out: Vec<Vec<u8>> = paths.iter().filter_map(read).collect();
    out.push(Vec::new());
    out
}
