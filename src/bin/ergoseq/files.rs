//! Files: read with care, written beside their place and then moved there.

use crate::{deadline, inputs, reach};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::source::{LARGEST_FILE, Sources, decoded};
use ergoseq::{Compiled, Refused};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

fn cannot_read(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::without_place(Code::CannotRead, format!("`{}` cannot be read: {why}", path.display()))
}

/// The bytes of a regular file: a pipe may never end, and opening it would wait for a writer.
pub fn bytes(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    let cannot = |e: std::io::Error| {
        let diagnostic = cannot_read(path, &reason(&e));
        if e.kind() == std::io::ErrorKind::NotFound { near_files(diagnostic, path) } else { diagnostic }
    };
    let meta = fs::metadata(path).map_err(cannot)?;
    if meta.is_dir() {
        return Err(
            cannot_read(path, "it is a directory").help(format!("name the files in it: {}/*.seq", path.display()))
        );
    }
    if !meta.is_file() {
        return Err(cannot_read(path, "it is not a regular file")
            .help("pipes and devices are not supported; write the text to a file first"));
    }
    let too_large = |size: u64| {
        let (size, most) = (size >> 20, LARGEST_FILE >> 20);
        cannot_read(path, &format!("it has {size} MB, more than the {most} MB allowed for a program"))
    };
    if meta.len() > LARGEST_FILE {
        return Err(too_large(meta.len()));
    }
    let mut bytes = Vec::with_capacity(meta.len() as usize);
    // The file may grow while it is read.
    File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

/// The text of a file.
pub fn read(path: &Path) -> Result<String, Diagnostic> {
    String::from_utf8(bytes(path)?).map_err(|e| {
        let valid = e.utf8_error().valid_up_to();
        not_text(path, &e.into_bytes(), valid)
    })
}

/// Why bytes are no text, from the first that cannot be read.
fn not_text(path: &Path, bytes: &[u8], valid: usize) -> Diagnostic {
    if bytes.starts_with(b"\x01pulseq\x02") {
        return Diagnostic::without_place(
            Code::PulseqFile,
            format!("`{}` is a binary Pulseq file, not an ergoseq program", path.display()),
        )
        .help("an ergoseq program starts with `ergoseq 1`; both file types have the extension `.seq`");
    }
    let line = bytes.iter().take(valid).filter(|b| **b == b'\n').count() + 1;
    Diagnostic::without_place(
        Code::NotText,
        format!("`{}` is not UTF-8 text: byte {valid}, in line {line}, cannot be read", path.display()),
    )
    .help("save the file as UTF-8")
}

pub fn reason(e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::NotFound => "no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => e.to_string(),
    }
}

/// Files of a similar name in the same folder.
fn near_files(diagnostic: Diagnostic, path: &Path) -> Diagnostic {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (Some(wanted), Ok(entries)) = (path.file_name().and_then(|n| n.to_str()), fs::read_dir(folder)) else {
        return diagnostic;
    };
    let mut names: Vec<String> =
        entries.flatten().take(10_000).filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    diagnostic.did_you_mean(wanted, names.iter().map(String::as_str))
}

/// Compiles a `.seq` file, or reads an experiment from YAML.
pub fn compile(path: &Path) -> Result<Compiled, Box<Refused>> {
    compile_with(path, &|_| None)
}

/// The same, with texts that stand for files it names, whether these exist or not.
pub fn compile_with(path: &Path, instead: &dyn Fn(&str) -> Option<String>) -> Result<Compiled, Box<Refused>> {
    let name = path.display().to_string();
    let text = match read(path) {
        Ok(text) => text,
        Err(diagnostic) => {
            return Err(Box::new(Refused::new(diagnostic)));
        }
    };
    inputs::note(path);
    let folder = path.parent().unwrap_or(Path::new(""));
    let yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    if yaml {
        return from_yaml(&name, &text);
    }
    let mut reader = |wanted: &str, from: &str| -> Result<(String, String), String> {
        if let Some(text) = instead(wanted) {
            return Ok((wanted.to_string(), text));
        }
        let path = Path::new(from).parent().unwrap_or(Path::new("")).join(wanted);
        reach::allowed(&path, folder)?;
        let bytes = bytes(&path).map_err(|d| d.message)?;
        inputs::note(&path);
        let name = path.display().to_string();
        let text =
            decoded(&name, bytes).map_err(|at| format!("`{name}` is not UTF-8 text: byte {at} cannot be read"))?;
        Ok((name, text))
    };
    ergoseq::compile(&name, &text, &mut reader)
}

fn from_yaml(name: &str, text: &str) -> Result<Compiled, Box<Refused>> {
    // The text tells sweeps of different experiments apart.
    let mut sources = Sources::default();
    sources.add(name, text);
    let mut experiment = match ergoseq::from_yaml(text) {
        Ok(experiment) => experiment,
        Err(fault) => return Err(Box::new(Refused::new(*fault).with_sources(sources))),
    };
    // Statements have no places in YAML.
    let warnings = ergoseq::expand(&mut experiment).map_err(|fault| Box::new(Refused::new(*fault)))?;
    let mut compiled = Compiled::new(experiment, sources);
    compiled.warnings = warnings;
    Ok(compiled)
}

/// Writes a file atomically: to a temporary file in the same folder, which is then renamed.
pub fn write(path: &Path, text: &str, overwrite: bool) -> Result<(), Diagnostic> {
    write_bytes(path, text.as_bytes(), overwrite)
}

/// Makes a folder, if it is not there.
pub fn folder(path: &Path) -> Result<(), Diagnostic> {
    fs::create_dir_all(path).map_err(|e| {
        let why = format!("the folder `{}` cannot be created: {}", path.display(), reason(&e));
        Diagnostic::without_place(Code::CannotWrite, why)
    })
}

/// Whether a file can be written, before anything is computed: it may not exist, unless it may be overwritten, and its folder must
/// take a new file.
pub fn writable(path: &Path, overwrite: bool) -> Result<(), Diagnostic> {
    if inputs::contain(path) {
        return Err(cannot_write(path, "it is one of the input files").help("choose another output name"));
    }
    if path.is_dir() {
        return Err(cannot_write(path, "it is a directory"));
    }
    if path.exists() && !overwrite {
        return Err(cannot_write(path, "it exists").help("`--force` overwrites it"));
    }
    // What is no regular file, such as /dev/null, is written to directly, and opening a pipe would wait for a reader.
    if path.exists() && !path.is_file() {
        return Ok(());
    }
    let beside = beside(path);
    let made = File::create_new(&beside).and_then(|_| fs::remove_file(&beside));
    made.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => cannot_write(path, "its folder does not exist"),
        _ => cannot_write(path, &reason(&e)),
    })
}

/// Whether a folder can be made, or is there, and takes files; those that are named may not exist, unless they may be overwritten.
pub fn writable_folder(folder: &Path, names: &[String], overwrite: bool) -> Result<(), Diagnostic> {
    if folder.is_dir() {
        return names.iter().try_for_each(|name| writable(&folder.join(name), overwrite));
    }
    if folder.exists() {
        return Err(cannot_write(folder, "it is not a folder"));
    }
    // A folder is made with those it lies in, so the first that exists must take it.
    let parents = folder.ancestors().skip(1).map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p });
    match parents.into_iter().find(|p| p.exists()) {
        Some(parent) if parent.is_dir() => {
            writable(&parent.join("ergoseq"), true).map_err(|_| cannot_write(folder, "its folder is not writable"))
        }
        _ => Err(cannot_write(folder, "it has no parent folder")),
    }
}

/// The file that every folder of files holds, and the word in it that says who wrote it.
const MARK: (&str, &str) = ("README.md", "Written by ergoseq");

/// Whether a folder of files can be made: it may not exist, unless it may be replaced, and only what was written so is replaced.
pub fn replaceable_folder(folder: &Path, overwrite: bool) -> Result<(), Diagnostic> {
    if !folder.exists() && !folder.is_symlink() {
        return writable_folder(folder, &[], overwrite);
    }
    if !folder.is_dir() {
        return Err(cannot_write(folder, "it is not a folder"));
    }
    if !overwrite {
        return Err(cannot_write(folder, "it exists").help("`--force` replaces it"));
    }
    let empty = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    let ours = fs::read_to_string(folder.join(MARK.0)).is_ok_and(|text| text.contains(MARK.1));
    if empty || ours {
        return Ok(());
    }
    Err(cannot_write(folder, "it contains files that ergoseq did not write")
        .help("`--force` replaces only exported folders"))
}

/// Writes a folder of files atomically: to a temporary folder beside it, which is then renamed.
pub fn write_folder(folder: &Path, parts: &[(&str, &str)], overwrite: bool) -> Result<(), Diagnostic> {
    replaceable_folder(folder, overwrite)?;
    let failed = |e: std::io::Error| cannot_write(folder, &reason(&e));
    // A trailing slash belongs to no name.
    let folder: PathBuf = folder.components().collect();
    if let Some(parent) = folder.parent().filter(|p| !p.as_os_str().is_empty()) {
        self::folder(parent)?;
    }
    let (made, old) = (beside(&folder), beside(&folder.with_extension("old")));
    let result = (|| {
        for (path, text) in parts {
            let path = made.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            let mut file = File::create_new(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
        if folder.exists() {
            fs::rename(&folder, &old)?;
        }
        fs::rename(&made, &folder)
    })();
    // Best effort: what is left beside is ours, and the old folder returns where the new one could not take its place.
    let _ = fs::remove_dir_all(&made);
    if result.is_err() && old.exists() {
        let _ = fs::rename(&old, &folder);
    }
    let _ = fs::remove_dir_all(&old);
    result.map_err(failed)
}

fn cannot_write(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::without_place(Code::CannotWrite, format!("`{}` cannot be written: {why}", path.display()))
}

/// A unique name for a temporary file, so that no existing file or link is followed or overwritten.
fn beside(path: &Path) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.subsec_nanos());
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}-{since}-{}.part", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
    PathBuf::from(beside)
}

/// The same for any bytes.
pub fn write_bytes(path: &Path, bytes: &[u8], overwrite: bool) -> Result<(), Diagnostic> {
    writable(path, overwrite)?;
    put(path, |file| file.write_all(bytes)).map_err(|e| cannot_write(path, &reason(&e)))
}

/// Writes the tidy text of a file in its place: the only output that is an input.
pub fn rewrite(path: &Path, text: &str) -> Result<(), Diagnostic> {
    put(path, |file| file.write_all(text.as_bytes())).map_err(|e| cannot_write(path, &reason(&e)))
}

/// Writes a file atomically: to a temporary file in the same folder, which is then renamed, so an existing file stays intact if writing
/// fails. A symbolic link is kept and its target replaced. Devices and pipes, such as /dev/null, are written directly.
pub fn put(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let led = if path.is_symlink() { fs::canonicalize(path).ok() } else { None };
    let path = led.as_deref().unwrap_or(path);
    if path.exists() && !path.is_file() {
        return write(&mut fs::OpenOptions::new().write(true).open(path)?);
    }
    let beside = beside(path);
    let mut file = File::create_new(&beside)?;
    deadline::unfinished(&beside);
    let result = (|| {
        write(&mut file)?;
        file.sync_all()?;
        if let Ok(meta) = fs::metadata(path) {
            fs::set_permissions(&beside, meta.permissions())?;
        }
        fs::rename(&beside, path)
    })();
    result.inspect_err(|_| {
        // Best effort: the half-written file is ours.
        let _ = fs::remove_file(&beside);
    })
}
