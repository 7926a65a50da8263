//! Files: read with care, written beside their place and then moved there.

use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::ir::Experiment;
use ergoseq::source::Sources;
use ergoseq::{Compiled, Refused};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The largest file that is read. A program is written by people; what is larger is some other file.
pub const LARGEST_FILE: u64 = 64 << 20;

fn cannot_read(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::without_place(Code::CannotRead, format!("`{}` cannot be read: {why}", path.display()))
}

/// The bytes of a file.
pub fn bytes(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    let mut out = Vec::new();
    let file = File::open(path).map_err(|e| cannot_read(path, &reason(&e)))?;
    file.take(LARGEST_FILE + 1).read_to_end(&mut out).map_err(|e| cannot_read(path, &reason(&e)))?;
    if out.len() as u64 > LARGEST_FILE {
        return Err(cannot_read(path, &format!("it has more than {} MB", LARGEST_FILE >> 20)));
    }
    Ok(out)
}

/// The text of a file.
pub fn read(path: &Path) -> Result<String, Diagnostic> {
    let file = File::open(path).map_err(|e| {
        let diagnostic = cannot_read(path, &reason(&e));
        if e.kind() == std::io::ErrorKind::NotFound { near_files(diagnostic, path) } else { diagnostic }
    })?;
    let meta = file.metadata().map_err(|e| cannot_read(path, &reason(&e)))?;
    if meta.is_dir() {
        return Err(
            cannot_read(path, "it is a directory").help(format!("name the files in it: {}/*.seq", path.display()))
        );
    }
    let too_large = |size: u64| {
        cannot_read(
            path,
            &format!("it has {} MB, more than the {} MB that a program may have", size >> 20, LARGEST_FILE >> 20),
        )
    };
    if meta.len() > LARGEST_FILE {
        return Err(too_large(meta.len()));
    }
    // The size of a pipe or a device is not known beforehand.
    let mut bytes = Vec::with_capacity(meta.len() as usize);
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(|e| cannot_read(path, &reason(&e)))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(too_large(bytes.len() as u64));
    }
    String::from_utf8(bytes).map_err(|e| {
        let valid = e.utf8_error().valid_up_to();
        let bytes = e.into_bytes();
        if bytes.starts_with(b"\x01pulseq\x02") {
            return Diagnostic::without_place(
                Code::PulseqFile,
                format!("`{}` is a binary Pulseq file, not an ergoseq program", path.display()),
            )
            .help("an ergoseq program begins with `ergoseq 1`; both kinds of files end in `.seq`");
        }
        let line = bytes[..valid].iter().filter(|b| **b == b'\n').count() + 1;
        Diagnostic::without_place(
            Code::NotText,
            format!("`{}` is not UTF-8 text: byte {valid}, in line {line}, cannot be read", path.display()),
        )
        .help("save the file as UTF-8")
    })
}

pub fn reason(e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission is denied".into(),
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
            return Err(Box::new(Refused { diagnostics: vec![diagnostic], sources: Sources::default() }));
        }
    };
    let yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    if yaml {
        return from_yaml(&name, &text);
    }
    let mut reader = |wanted: &str, from: &str| -> Result<(String, String), String> {
        if let Some(text) = instead(wanted) {
            return Ok((wanted.to_string(), text));
        }
        let path = Path::new(from).parent().unwrap_or(Path::new("")).join(wanted);
        let text = read(&path).map_err(|d| d.message)?;
        Ok((path.display().to_string(), text))
    };
    ergoseq::compile(&name, &text, &mut reader)
}

fn from_yaml(name: &str, text: &str) -> Result<Compiled, Box<Refused>> {
    let experiment: Result<Experiment, String> = ergoseq::from_yaml(text);
    match experiment {
        Ok(experiment) => Ok(Compiled { experiment, warnings: vec![], sources: Sources::default() }),
        Err(why) => {
            let diagnostic =
                Diagnostic::without_place(Code::NotAnExperiment, format!("`{name}` is no experiment: {why}"))
                    .help("`ergoseq show FILE.seq --stage ir` writes one");
            Err(Box::new(Refused { diagnostics: vec![diagnostic], sources: Sources::default() }))
        }
    }
}

/// Writes a file: first beside its place, then moved there, so that nobody ever sees half of it.
pub fn write(path: &Path, text: &str, overwrite: bool) -> Result<(), Diagnostic> {
    write_bytes(path, text.as_bytes(), overwrite)
}

/// Makes a folder, if it is not there.
pub fn folder(path: &Path) -> Result<(), Diagnostic> {
    fs::create_dir_all(path).map_err(|e| {
        let why = format!("the folder `{}` cannot be made: {}", path.display(), reason(&e));
        Diagnostic::without_place(Code::CannotWrite, why)
    })
}

/// The same for any bytes.
pub fn write_bytes(path: &Path, bytes: &[u8], overwrite: bool) -> Result<(), Diagnostic> {
    let failed = |why: String| {
        Diagnostic::without_place(Code::CannotWrite, format!("`{}` cannot be written: {why}", path.display()))
    };
    if path.is_dir() {
        return Err(failed("it is a directory".into()));
    }
    if path.exists() && !overwrite {
        return Err(failed("it exists".into()).help("`--force` overwrites it"));
    }
    // What is no ordinary file, such as /dev/null or a pipe, is written to directly.
    if path.exists() && !path.is_file() {
        return fs::write(path, bytes).map_err(|e| failed(reason(&e)));
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = PathBuf::from(beside);
    let result = (|| {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        if let Ok(meta) = fs::metadata(path) {
            fs::set_permissions(&beside, meta.permissions())?;
        }
        fs::rename(&beside, path)
    })();
    result.map_err(|e| {
        // Best effort: the half-written file is ours.
        let _ = fs::remove_file(&beside);
        failed(reason(&e))
    })
}
