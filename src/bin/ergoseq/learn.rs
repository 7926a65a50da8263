//! `ergoseq list`, `new`, `completions` and `man`. The sequences of `sequences/` are included in the command, which therefore needs no
//! folder of its own.

use crate::{Outcome, args, files, terminal};
use clap::CommandFactory;
use ergoseq::diagnostic::{Code, Diagnostic};
use include_dir::{Dir, include_dir};
use std::path::Path;

static SEQUENCES: Dir = include_dir!("$CARGO_MANIFEST_DIR/sequences");

/// Name, title and text of the shipped sequences; those that only declare things have no title and are left out.
pub fn shipped() -> Vec<(String, String, &'static str)> {
    fn collect(folder: &'static Dir<'static>, out: &mut Vec<(String, String, &'static str)>) {
        for file in folder.files() {
            let path = file.path().with_extension("");
            let name = path.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
            let Some(text) = file.contents_utf8() else { continue };
            let title = text.lines().find_map(|l| l.strip_prefix("title \""));
            if let Some(title) = title {
                out.push((name, title.trim_end().trim_end_matches('"').to_string(), text));
            }
        }
        folder.dirs().for_each(|d| collect(d, out));
    }
    let mut out = Vec::new();
    collect(&SEQUENCES, &mut out);
    out.sort();
    out
}

/// The text of a shipped sequence.
fn of_name(name: &str) -> Result<&'static str, Diagnostic> {
    let all = shipped();
    let plain = name.trim_end_matches(".seq").trim_start_matches("sequences/");
    all.iter().find(|(n, ..)| n == plain).map(|(_, _, text)| *text).ok_or_else(|| {
        Diagnostic::without_place(Code::UnknownName, format!("unknown sequence `{name}`"))
            .did_you_mean(plain, all.iter().map(|(n, ..)| n.as_str()))
            .help("`ergoseq list` lists them")
    })
}

/// Lists the shipped sequences, folder by folder.
pub fn list(a: &args::List) -> Outcome {
    if let Some(name) = &a.print {
        return match of_name(name) {
            Ok(text) => terminal::print_file(text),
            Err(diagnostic) => terminal::refuse(&[diagnostic], &Default::default()),
        };
    }
    let word = a.word.as_deref().unwrap_or_default().to_lowercase();
    let matching = |(name, title, text): &&(String, String, &str)| {
        // The comment at the head says what a sequence is about.
        let head: String = text.lines().take_while(|l| l.starts_with('#')).collect();
        [name.as_str(), title.as_str(), head.as_str()].iter().any(|t| t.to_lowercase().contains(&word))
    };
    let all = shipped();
    let mut out = String::new();
    for (name, title, _) in all.iter().filter(matching) {
        out += &format!("{name:<36}  {title}\n");
    }
    if out.is_empty() {
        let diagnostic = Diagnostic::without_place(Code::UnknownName, format!("no sequence mentions `{word}`"));
        return terminal::refuse(&[diagnostic.help("`ergoseq list` lists all of them")], &Default::default());
    }
    terminal::print(&out)
}

/// Refuses a file whose name does not end in `.seq`: it is often the name of a sequence to start from.
fn named_as_sequence(path: &Path) -> Result<(), Diagnostic> {
    if path.extension().is_some_and(|ending| ending == "seq") {
        return Ok(());
    }
    let name = path.to_string_lossy();
    let message = format!("the name of a sequence file ends in `.seq`, not `{name}`");
    let of_name = |known: &str| known == name || known.rsplit('/').next() == Some(&*name);
    let known = shipped().into_iter().map(|(known, ..)| known).find(|known| of_name(known));
    let help = match known {
        Some(known) => format!("to start from the sequence `{known}`: `ergoseq new my.seq --like {known}`"),
        None => format!("write `ergoseq new {}`", as_argument(&path.with_extension("seq").to_string_lossy())),
    };
    Err(Diagnostic::without_place(Code::CannotWrite, message).help(help))
}

/// A name as an argument in a shell: in quotes if it has other characters than those of plain names.
fn as_argument(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "._-/\\:+@".contains(c);
    if name.chars().all(is_plain) { name.into() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

/// Writes a new file.
pub fn new(a: &args::New) -> Outcome {
    let text = named_as_sequence(&a.file).and_then(|()| of_name(&a.like));
    match text.and_then(|text| files::write(&a.file, text, a.force)) {
        Ok(()) => terminal::print(&format!("ergoseq run {}\n", as_argument(&a.file.to_string_lossy()))),
        Err(diagnostic) => terminal::refuse(&[diagnostic], &Default::default()),
    }
}

/// Writes completions.
pub fn completions(a: &args::Completions) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(a.shell, &mut args::Arguments::command(), "ergoseq", &mut script);
    terminal::print_file(&String::from_utf8_lossy(&script))
}

/// Writes the manual pages.
pub fn man(a: &args::Man) -> Outcome {
    let mut command = args::Arguments::command().name("ergoseq");
    // Names of commands and help of their own are settled by a build.
    command.build();
    let whole = command.clone();
    let own = command.get_subcommands().filter(|c| c.get_name() != "help");
    let pages = std::iter::once(("ergoseq".to_string(), whole))
        .chain(own.map(|c| (format!("ergoseq-{}", c.get_name()), c.clone())));
    let written = files::folder(&a.output).and_then(|()| {
        for (name, command) in pages {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).map_err(|e| {
                Diagnostic::without_place(Code::CannotWrite, format!("the manual page {name} cannot be written: {e}"))
            })?;
            files::write_bytes(&a.output.join(format!("{name}.1")), &page, a.force)?;
        }
        Ok(())
    });
    match written {
        Ok(()) => Outcome::Done,
        Err(diagnostic) => terminal::refuse(&[diagnostic], &Default::default()),
    }
}
