//! The file of a sweep while threads write to it: values first, then the statuses that mark them as computed.

use crate::{files, terminal};
use ergoseq::Compiled;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::SweepAxis;
use ergoseq::hamiltonian::Values;
use ergoseq::output::dataset::Patch;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many failures are shown in full; all are counted, and the file says which points failed and why.
const SHOWN: u64 = 3;

/// An error of writing.
pub fn wrong(path: &Path, why: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::without_place(Code::CannotWrite, format!("`{}` cannot be written: {why}", path.display()))
}

/// The error of a write that failed.
pub fn failed(path: &Path) -> impl Fn(io::Error) -> Diagnostic + '_ {
    move |e| match e.kind() {
        ErrorKind::StorageFull => wrong(path, "the disk is full")
            .help("the file contains all results so far; free some space and continue with `--resume`"),
        _ => wrong(path, files::reason(&e)),
    }
}

/// The file that the threads of a sweep write to.
pub struct Work<'a> {
    file: Mutex<File>,
    path: &'a Path,
    failures: AtomicU64,
    stopped: AtomicBool,
    error: Mutex<Option<Diagnostic>>,
}

impl Work<'_> {
    /// For a file that is open.
    pub fn new(file: File, path: &Path) -> Work<'_> {
        let (failures, stopped) = (AtomicU64::new(0), AtomicBool::new(false));
        Work { file: Mutex::new(file), path, failures, stopped, error: Mutex::new(None) }
    }

    /// Number of points that failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// True if the file could not be written.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Counts a point that failed, and shows the first of them.
    pub fn failed(&self, diagnostic: Diagnostic, axes: &[SweepAxis], point: &Values, compiled: &Compiled) {
        if self.failures.fetch_add(1, Ordering::Relaxed) < SHOWN {
            let names = axes.iter().flat_map(|a| &a.names);
            let shown: Vec<String> = names.filter_map(|n| Some(format!("{n} = {}", point.get(n)?))).collect();
            terminal::report(&[diagnostic.help(format!("at the point {}", shown.join(", ")))], &compiled.sources);
        }
    }

    /// Writes patches in order; the first failure stops the sweep, and nothing more is written.
    fn write(&self, patches: &[Patch]) {
        let Ok(mut file) = self.file.lock() else { return };
        if !self.stopped.load(Ordering::Relaxed)
            && let Err(e) = patches.iter().try_for_each(|patch| put(&mut file, patch))
            && !self.stopped.swap(true, Ordering::Relaxed)
            && let Ok(mut error) = self.error.lock()
        {
            *error = Some(failed(self.path)(e));
        }
    }

    /// Makes the file last, once all threads are done.
    pub fn close(self) -> Result<(), Box<Diagnostic>> {
        if let Some(diagnostic) = self.error.into_inner().unwrap_or(None) {
            return Err(Box::new(diagnostic));
        }
        let file = self.file.into_inner().map_err(|_| Box::new(wrong(self.path, "a thread failed")))?;
        Ok(file.sync_all().map_err(failed(self.path))?)
    }
}

/// Results of neighbouring points that are not written yet. They are written a tenth of a second after the last write, when they are large,
/// and at the end.
pub struct Unwritten<'a> {
    work: &'a Work<'a>,
    patches: Vec<Patch>,
    statuses: Vec<Patch>,
    /// Number of bytes of the values.
    size: usize,
    since: Instant,
}

impl<'a> Unwritten<'a> {
    /// Nothing yet.
    pub fn new(work: &'a Work<'a>) -> Unwritten<'a> {
        Unwritten { work, patches: vec![], statuses: vec![], size: 0, since: Instant::now() }
    }

    /// Adds values of points, and their statuses.
    pub fn add(&mut self, patches: Vec<Patch>, status: Patch) {
        const LONGEST: Duration = Duration::from_millis(100);
        const LARGEST: usize = 1 << 20;
        self.size += patches.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        self.patches.extend(patches);
        self.statuses.push(status);
        if self.size > LARGEST || self.since.elapsed() > LONGEST {
            self.write();
        }
    }

    /// The values, and then the statuses.
    fn write(&mut self) {
        for patches in [&mut self.patches, &mut self.statuses] {
            self.work.write(&joined(std::mem::take(patches)));
        }
        self.size = 0;
        self.since = Instant::now();
    }
}

impl Drop for Unwritten<'_> {
    fn drop(&mut self) {
        self.write();
    }
}

/// Patches in the order of their places, those that touch each other as one.
fn joined(mut patches: Vec<Patch>) -> Vec<Patch> {
    patches.sort_by_key(|(at, _)| *at);
    let mut out: Vec<Patch> = Vec::new();
    for (at, bytes) in patches {
        match out.last_mut() {
            Some((begin, before)) if *begin + before.len() as u64 == at => before.extend_from_slice(&bytes),
            _ => out.push((at, bytes)),
        }
    }
    out
}

/// Writes at a place of the file. Where the system can, in one call: a point has a dozen patches.
#[cfg(unix)]
pub fn put(file: &mut File, (at, bytes): &Patch) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, *at)
}

#[cfg(not(unix))]
pub fn put(file: &mut File, (at, bytes): &Patch) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(*at))?;
    file.write_all(bytes)
}
