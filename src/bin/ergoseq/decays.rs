//! Folders of measured decays: which file is what, by its name and by what is in it. Nothing outside of the folder is read.

use crate::files;
use ergoseq::decays::bruker::{Kind, bruker};
use ergoseq::decays::jcamp::jcamp;
use ergoseq::decays::nmrpipe::nmrpipe;
use ergoseq::decays::simpson::simpson;
use ergoseq::decays::varian::varian;
use ergoseq::decays::{Indirect, Series};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::source::data_text;
use ergoseq::tomography::data::NAMES;
use std::path::{Path, PathBuf};

/// A decay, or the rows of an experiment, with what its name says.
pub struct Named {
    /// Where it stands.
    pub path: PathBuf,
    /// The name before the nucleus: a readout or a trace; `None` where the rows are all readouts.
    pub word: Option<String>,
    /// The number between both: that of a point of a sweep, from 1.
    pub number: Option<usize>,
    /// The nucleus.
    pub nucleus: String,
    /// The points.
    pub series: Series,
}

/// A mistake with a file.
pub fn wrong(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::without_place(Code::CannotRead, format!("`{}` {why}", path.display()))
}

/// What file managers leave in folders.
fn left_behind(name: &str) -> bool {
    name.starts_with('.') || ["Thumbs.db", "desktop.ini", "__MACOSX"].contains(&name)
}

/// All decays of a folder, by name.
pub fn decays(folder: &Path) -> Result<Vec<Named>, Diagnostic> {
    let cannot = |e: std::io::Error| wrong(folder, &format!("cannot be read: {}", files::reason(&e)));
    let root = folder.canonicalize().map_err(cannot)?;
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect()).map_err(cannot)?;
    paths.sort();
    let mut out: Vec<Named> = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_string();
        if left_behind(&name) {
            continue;
        }
        let (word, number, nucleus) = parts(&path, &name)?;
        let series = series(&root, &path)?;
        out.push(Named { path, word, number, nucleus, series });
    }
    if out.is_empty() {
        return Err(wrong(folder, "holds no FID").help(NAMES));
    }
    Ok(out)
}

/// Whether a folder is one experiment and not a folder of them.
pub fn is_experiment(folder: &Path) -> bool {
    ["acqus", "procpar"].iter().any(|name| folder.join(name).is_file())
}

/// The experiment in a folder, as the signal `fid` of its nucleus.
pub fn experiment_of(folder: &Path) -> Result<Named, Diagnostic> {
    let series = one(folder)?;
    let Some(nucleus) = series.nucleus.clone() else {
        let why = "does not say which nucleus it detects";
        return Err(wrong(folder, why).help("put it into a folder, under the name `fid.NUCLEUS`, and give that folder"));
    };
    Ok(Named { path: folder.to_path_buf(), word: Some("fid".into()), number: None, nucleus, series })
}

/// That an FID is a readout of a tomography: one row with a name, or the rows of all readouts.
pub fn readout(named: &Named) -> Result<(), Diagnostic> {
    let Named { path, word, number, series, .. } = named;
    if let Some(number) = number {
        let why = format!("is point {number} of a sweep, and a tomography reads out one point");
        return Err(wrong(path, &why).help("give the folder of that point: `--set NAME=VALUE --data FOLDER/NUMBER`"));
    }
    if word.is_some() && series.rows.len() > 1 {
        let why = format!("holds {} rows, but its name gives a single readout", series.rows.len());
        return Err(wrong(path, &why).help(NAMES));
    }
    if let Some(kind) = series.indirect.filter(|kind| *kind != Indirect::Rows && series.rows.len() > 1) {
        let why = format!("is a two-dimensional experiment ({kind:?}), whose rows are not separate FIDs");
        return Err(wrong(path, &why)
            .help("rows of readouts are acquired with FnMODE = QF; use `ergoseq spectrum` for this experiment"));
    }
    Ok(())
}

/// What a name says: `II.1H.fid`, `II.1H`, `fid.007.1H`, `1H`.
fn parts(path: &Path, name: &str) -> Result<(Option<String>, Option<usize>, String), Diagnostic> {
    let ending = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
    let known = ending.is_some_and(|e| ["fid", "jdx", "dx", "jcamp", "simp"].contains(&e.as_str()));
    if !known && !path.is_dir() {
        return Err(wrong(path, "is not an FID").help(NAMES));
    }
    let stem = if known { name.rsplit_once('.').map_or(name, |(stem, _)| stem) } else { name };
    let parts: Vec<&str> = stem.split('.').collect();
    let number = |text: &str| text.parse::<usize>().ok().filter(|n| *n > 0 && text.bytes().all(|b| b.is_ascii_digit()));
    match parts.as_slice() {
        [word, nucleus] if !word.is_empty() && !nucleus.is_empty() => {
            Ok((Some((*word).into()), None, (*nucleus).into()))
        }
        [word, point, nucleus] if !word.is_empty() && !nucleus.is_empty() && number(point).is_some() => {
            Ok((Some((*word).into()), number(point), (*nucleus).into()))
        }
        [nucleus] if nucleus.starts_with(|c: char| c.is_ascii_digit()) => Ok((None, None, (*nucleus).into())),
        _ => Err(wrong(path, "is not named READOUT.NUCLEUS").help(NAMES)),
    }
}

/// The decays of one file or of the folder of an experiment.
pub fn one(path: &Path) -> Result<Series, Diagnostic> {
    let cannot = |e: std::io::Error| wrong(path, &format!("cannot be read: {}", files::reason(&e)));
    let real = path.canonicalize().map_err(cannot)?;
    let root = if real.is_dir() { real.as_path() } else { real.parent().unwrap_or(&real) };
    series(root, &real)
}

/// The bytes of a file that lies in the folder, wherever links lead.
fn inside(root: &Path, path: &Path) -> Result<Vec<u8>, Diagnostic> {
    match path.canonicalize() {
        Ok(real) if !real.starts_with(root) => {
            Err(wrong(path, "is a link that leaves the folder").help("copy the file itself into the folder"))
        }
        _ => files::bytes(path),
    }
}

/// The decays of a file, or of the folder of an experiment.
fn series(root: &Path, path: &Path) -> Result<Series, Diagnostic> {
    let said = |why: String| wrong(path, &format!("is not an FID: {why}"));
    if path.is_dir() {
        return experiment(root, path, &said);
    }
    let bytes = inside(root, path)?;
    // NMRPipe's header begins with a zero, and no text has one.
    if bytes.iter().take(16).any(|b| *b == 0) && !bytes.starts_with(&[0xff, 0xfe]) && !bytes.starts_with(&[0xfe, 0xff])
    {
        return nmrpipe(&bytes).map_err(said);
    }
    let text = data_text(&bytes);
    if text.trim_start().starts_with("##") || text.trim_start().starts_with("$$") {
        return jcamp(&text).map_err(said);
    }
    simpson(&text).map_err(said)
}

/// The decays of a folder of Bruker's or Varian's.
fn experiment(root: &Path, path: &Path, said: &dyn Fn(String) -> Diagnostic) -> Result<Series, Diagnostic> {
    let there = |name: &str| path.join(name).is_file();
    let text = |name: &str| inside(root, &path.join(name)).map(|bytes| data_text(&bytes));
    if !path.canonicalize().is_ok_and(|real| real.starts_with(root)) {
        return Err(wrong(path, "is a link that leaves the folder").help("copy the experiment itself into the folder"));
    }
    match (there("acqus"), there("procpar")) {
        (true, true) => return Err(said("the folder holds both acqus (Bruker) and procpar (Varian)".into())),
        (false, true) => return varian(&text("procpar")?, &inside(root, &path.join("fid"))?).map_err(said),
        (false, false) => {
            return Err(said("the folder holds neither acqus nor procpar".into()).help(NAMES));
        }
        (true, false) => {}
    }
    let (name, kind) = match (there("fid"), there("ser")) {
        (true, true) => {
            return Err(said("the folder holds both fid and ser".into()).help("keep the one that was acquired"));
        }
        (true, false) => ("fid", Kind::Fid),
        (false, true) => ("ser", Kind::Ser),
        (false, false) => return Err(said("the folder of acqus holds neither fid nor ser".into())),
    };
    let acqu2s = if kind == Kind::Ser && there("acqu2s") { Some(text("acqu2s")?) } else { None };
    bruker(&text("acqus")?, acqu2s.as_deref(), &inside(root, &path.join(name))?, kind).map_err(said)
}
