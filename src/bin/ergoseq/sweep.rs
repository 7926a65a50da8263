//! `ergoseq sweep` and `ergoseq merge`: sweeps that outlast the memory, the machine and the patience.
//!
//! Every point has its place in the file, so the threads write as they finish and the file is the same whatever their number. Each
//! computes a few neighbours, and writes what it has at least every tenth of a second. A point's status is written behind its values:
//! whenever the program ends, by itself or not, what is marked as computed is, and `--resume` computes the rest.

use crate::overrides::{self, Prepared};
use crate::progress::Progress;
use crate::sweep_file::{Unwritten, Work, failed, put, wrong};
use crate::{Outcome, args, files, inputs, terminal};
use ergoseq::Compiled;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{self, Emulator, Options, PointColumns, PointRuns, Run, SweepAxis};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use ergoseq::output::dataset::{Blank, Dataset, Layout, Patch, origin};
use ergoseq::results::{EnergyUnit, PENDING, ResultSet, Schema, number_of};
use rayon::prelude::*;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// How many bytes of a file are read for its header: sources are texts of people.
const LARGEST_HEADER: u64 = 128 << 20;

/// Refuses the endings of other formats: the file would be NetCDF under the name of something else.
fn netcdf(path: &Path) -> Result<(), Box<Diagnostic>> {
    const OTHERS: [&str; 11] = ["csv", "json", "ndjson", "txt", "yaml", "yml", "npz", "svg", "png", "pdf", "html"];
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    if !OTHERS.contains(&ending.as_str()) {
        return Ok(());
    }
    let help = format!("write `{}`; `run` and `plot` write other formats", path.with_extension("nc").display());
    Err(Box::new(wrong(path, format!("`sweep` writes NetCDF, not .{ending}")).help(help)))
}

/// Computes the points that the file does not have yet.
pub fn sweep(a: &args::Sweep) -> Outcome {
    if let Err(diagnostic) = netcdf(&a.output) {
        return terminal::refuse(&[*diagnostic], &Default::default());
    }
    let Prepared { compiled, values, options } = match overrides::prepare(&a.file, &a.given, &a.sweep, &a.how) {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
    overrides::threads(a.threads);
    match run(a, &compiled, &values, &options) {
        Ok(outcome) => outcome,
        Err(diagnostic) => terminal::refuse(&[*diagnostic], &compiled.sources),
    }
}

fn run(a: &args::Sweep, compiled: &Compiled, values: &Values, options: &Options) -> Result<Outcome, Box<Diagnostic>> {
    let experiment = &compiled.experiment;
    if let Ok(warnings) = ergoseq::check_on(experiment, values, options.spectrometer.as_deref()) {
        terminal::report(&warnings, &compiled.sources);
    }
    let axes = emulator::axes(experiment, values)?;
    if axes.is_empty() {
        return Err(Box::new(
            Diagnostic::without_place(Code::EmptySweep, "the program has no sweep")
                .help("`--sweep \"T=0.1 .. 2 points 20\"` sweeps a parameter; `ergoseq run` emulates a single point"),
        ));
    }
    let total = axes.iter().map(|a| a.len() as u64).product::<u64>();
    let file = a.file.display().to_string();
    let grid = Grid { compiled, file, values, options, axes, total, share: share(a.shard, total) };
    overrides::announce(experiment, &grid.point(grid.share.start), options, grid.share.end - grid.share.start);
    // It follows the writing of a large file, too.
    let progress = Progress::new(grid.share.end - grid.share.start);
    let (expected, Opened { file, done, .. }) = grid.open(a)?;
    let emulator = Emulator::new(experiment);
    let together = emulator.batch_size(&grid.point(grid.share.start), options);
    let (pieces, left) = pieces(&done, grid.share.clone(), together);
    progress.only(left);
    drop(done);
    let work = Work::new(file, &a.output);
    grid.compute(&emulator, &pieces, &expected, &work, &progress);
    drop(progress);
    let failures = work.failures();
    work.close()?;
    let before = (grid.share.end - grid.share.start) - left;
    let mut said = format!("{left} points computed");
    if before > 0 {
        said += &format!(", {before} already present");
    }
    if failures > 0 {
        said += &format!(", {failures} of them failed: see `status`");
    }
    eprintln!("{said}");
    Ok(if failures > 0 { Outcome::Wrong } else { Outcome::Done })
}

/// The points of a sweep, and what is emulated at each.
struct Grid<'a> {
    compiled: &'a Compiled,
    /// The name of the program's file.
    file: String,
    /// The parameters that are not swept.
    values: &'a Values,
    options: &'a Options,
    axes: Vec<SweepAxis>,
    total: u64,
    /// The points of this shard.
    share: Range<u64>,
}

impl Grid<'_> {
    /// The parameters at a point.
    fn point(&self, k: u64) -> Values {
        emulator::point(&self.axes, self.values, k as usize)
    }

    /// Neighbouring points as columns.
    fn columns(&self, piece: &Range<u64>) -> PointColumns {
        PointColumns::of_sweep(&self.axes, self.values, piece.start as usize..piece.end as usize)
    }

    /// The file of the sweep: a new one, or with `--resume` the one that is there.
    fn open(&self, a: &args::Sweep) -> Result<(Expected, Opened), Box<Diagnostic>> {
        match (a.output.exists(), a.resume) {
            (true, true) => self.resume(a),
            (false, true) => Err(Box::new(
                Diagnostic::without_place(
                    Code::CannotRead,
                    format!("`{}` does not exist, so it cannot be resumed", a.output.display()),
                )
                .help("leave out `--resume` to start it"),
            )),
            (true, false) if !a.force => {
                Err(Box::new(wrong(&a.output, "it exists").help("`--resume` continues it, `--force` starts over")))
            }
            _ => self.create(a),
        }
    }

    /// The file that is there, if it is of this sweep.
    fn resume(&self, a: &args::Sweep) -> Result<(Expected, Opened), Box<Diagnostic>> {
        let opened = again(&a.output, &self.origin(), &self.axes)?;
        // The layout follows from a computed point; where there is none, from the first that can be computed.
        let computed = opened.done.iter().position(|status| *status == 0).map(|k| k as u64);
        let expected = self.expected(computed.into_iter().chain(self.share.clone()))?;
        if opened.dataset != expected.layout.dataset {
            return Err(Box::new(
                wrong(&a.output, "its header is damaged or belongs to another sweep").help("`--force` starts over"),
            ));
        }
        Ok((expected, opened))
    }

    /// A new file, with all points pending.
    fn create(&self, a: &args::Sweep) -> Result<(Expected, Opened), Box<Diagnostic>> {
        files::writable(&a.output, a.force)?;
        let expected = self.expected(self.share.clone())?;
        let dataset = expected.layout.dataset.clone();
        room(&a.output, dataset.header.end())?;
        let file = begin(&a.output, &dataset, &self.axes).map_err(|e| match e.kind() {
            ErrorKind::StorageFull => wrong(&a.output, "the disk is full")
                .help(format!("the file needs {}", emulator::bytes_text(dataset.header.end() as f64))),
            _ => failed(&a.output)(e),
        })?;
        Ok((expected, Opened { dataset, file, done: vec![PENDING; self.total as usize] }))
    }

    /// What the file holds. The first of the points that can be computed says which results there are.
    fn expected(&self, points: impl Iterator<Item = u64>) -> Result<Expected, Box<Diagnostic>> {
        let experiment = &self.compiled.experiment;
        let known = known(experiment, self.options, points.map(|k| self.point(k)))?;
        let schema = Schema::new(experiment, &self.file, &self.axes, self.values, EnergyUnit::Default).of_run(&known);
        Ok(Expected { layout: Layout::new(&schema, self.origin()), schema: Arc::new(schema) })
    }

    /// The attributes of the file that say what made it.
    fn origin(&self) -> Vec<(String, String)> {
        origin(&self.compiled.experiment, &self.compiled.sources, self.options)
    }

    /// Computes pieces of neighbouring points on all cores and writes what they give.
    fn compute(
        &self,
        emulator: &Emulator,
        pieces: &[Range<u64>],
        expected: &Expected,
        work: &Work,
        progress: &Progress,
    ) {
        let layout = &expected.layout;
        pieces.par_iter().for_each(|piece| {
            let mut unwritten = Unwritten::new(work);
            let mut computed = ResultSet::new(expected.schema.clone());
            let points = self.columns(piece);
            let size = emulator.batch_size(&self.point(piece.start), self.options);
            for from in (0..points.len()).step_by(size) {
                if work.is_stopped() {
                    return;
                }
                let at = piece.start + from as u64;
                let runs = emulator.run_together(&points, from..from + size, self.options);
                if let Some(patches) = patches_of_batch(&runs, &mut computed, layout, at) {
                    unwritten.add(patches, layout.dataset.statuses(at, &vec![0; runs.len()]));
                    progress.steps(runs.len());
                    continue;
                }
                for (k, run) in runs.into_runs().enumerate() {
                    let at = at + k as u64;
                    let (patches, status) = match run.and_then(|run| patches_of(run, &mut computed, layout, at)) {
                        Ok(patches) => (patches, 0),
                        Err(diagnostic) => {
                            let status = number_of(diagnostic.code);
                            work.failed(*diagnostic, &self.axes, &points.point(from + k), self.compiled);
                            (vec![], status)
                        }
                    };
                    unwritten.add(patches, layout.dataset.statuses(at, &[status]));
                    progress.steps(1);
                }
            }
        });
    }
}

/// What a batch of points writes to the file, if none of them had to be run individually.
fn patches_of_batch(runs: &PointRuns, computed: &mut ResultSet, layout: &Layout, at: u64) -> Option<Vec<Patch>> {
    computed.clear();
    computed.push_batch(runs.all_together()?).ok()?;
    layout.values(computed, at).ok()
}

/// What a point writes to the file.
fn patches_of(run: Run, computed: &mut ResultSet, layout: &Layout, at: u64) -> Result<Vec<Patch>, Box<Diagnostic>> {
    computed.clear();
    computed.push(run)?;
    layout.values(computed, at).map_err(|why| {
        let why = format!("the results of this point do not match the file: {why}");
        Box::new(Diagnostic::without_place(Code::Contradiction, why))
    })
}

/// The results of the first point that can be computed.
fn known(
    experiment: &Experiment,
    options: &Options,
    points: impl Iterator<Item = Values>,
) -> Result<Run, Box<Diagnostic>> {
    let mut first = None;
    for point in points {
        match emulator::run(experiment, &point, options, &[]) {
            Ok(run) => return Ok(run),
            Err(why) => first = first.or(Some(why)),
        }
    }
    let none = || Box::new(Diagnostic::without_place(Code::EmptySweep, "the shard has no points"));
    Err(first.unwrap_or_else(none))
}

/// The points of a shard: neighbours, so that its part of every variable is one piece.
fn share(shard: Option<(u64, u64)>, total: u64) -> Range<u64> {
    let (k, n) = shard.unwrap_or((1, 1));
    let bound = |k: u64| (u128::from(total) * u128::from(k) / u128::from(n)) as u64;
    bound(k - 1)..bound(k)
}

/// What the file of a sweep holds, and where.
struct Expected {
    schema: Arc<Schema>,
    layout: Layout,
}

/// A file that is written to.
struct Opened {
    dataset: Dataset,
    file: File,
    /// The status of every point.
    done: Vec<i16>,
}

/// The points of a share that are pending, in pieces of neighbours, and how many they are; `together` points are propagated at once.
fn pieces(done: &[i16], share: Range<u64>, together: usize) -> (Vec<Range<u64>>, u64) {
    let pending = |k: &u64| done.get(*k as usize) == Some(&PENDING);
    let left = share.clone().filter(pending).count();
    let most = neighbours(left, together) as u64;
    let mut pieces: Vec<Range<u64>> = Vec::new();
    for k in share.filter(pending) {
        match pieces.last_mut() {
            Some(piece) if piece.end == k && k - piece.start < most => piece.end = k + 1,
            _ => pieces.push(k..k + 1),
        }
    }
    (pieces, left as u64)
}

/// How many neighbouring points a thread computes, so that what it writes are long pieces: few enough that no thread waits for another, and
/// no fewer than are propagated at once if there are enough for all threads.
fn neighbours(points: usize, together: usize) -> usize {
    const MOST: usize = 1024;
    let threads = rayon::current_num_threads();
    (points / (64 * threads)).clamp(together.min(points.div_ceil(threads)).clamp(1, MOST), MOST)
}

/// A new file with nothing computed. It is made beside its place and moved there, so that a file of this name is always whole.
fn begin(path: &Path, dataset: &Dataset, axes: &[SweepAxis]) -> io::Result<File> {
    const PIECE: usize = 1 << 20;
    files::put(path, |file| {
        let mut out = BufWriter::with_capacity(PIECE, file);
        out.write_all(&dataset.header.bytes())?;
        for blank in dataset.blank(axes) {
            match blank {
                Blank::Bytes(bytes) => out.write_all(&bytes)?,
                Blank::Repeated(bytes, size) => {
                    let piece = bytes.repeat((PIECE.min(size as usize) / bytes.len().max(1)).max(1));
                    let mut left = size;
                    while left > 0 {
                        let now = piece.get(..left as usize).unwrap_or(&piece);
                        out.write_all(now)?;
                        left -= now.len() as u64;
                    }
                }
            }
        }
        out.flush()
    })?;
    OpenOptions::new().read(true).write(true).open(path)
}

/// Refuses a file that the disk has no room for, before anything is written to it.
fn room(path: &Path, needed: u64) -> Result<(), Diagnostic> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match free_space(folder) {
        Some(free) if free < needed => {
            let (needed, free) = (emulator::bytes_text(needed as f64), emulator::bytes_text(free as f64));
            Err(wrong(path, format!("it needs {needed}, but the disk has {free} free"))
                .help("sweep fewer points, or write to another disk"))
        }
        _ => Ok(()),
    }
}

/// The bytes that a user may still write to the disk of a folder, where the system tells.
#[cfg(unix)]
fn free_space(folder: &Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_: &Path) -> Option<u64> {
    None
}

fn header_of(path: &Path) -> Result<(Dataset, File), Diagnostic> {
    let cannot = |why: String| Diagnostic::without_place(Code::CannotRead, format!("`{}`: {why}", path.display()));
    if !path.metadata().map_err(|e| cannot(files::reason(&e)))?.is_file() {
        return Err(cannot("it is not a regular file".into()));
    }
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| cannot(files::reason(&e)))?;
    let mut bytes = Vec::new();
    // Headers are short unless sources are long: first a piece, then more where that does not do.
    for length in [1 << 16, LARGEST_HEADER] {
        bytes.clear();
        file.seek(SeekFrom::Start(0)).map_err(|e| cannot(files::reason(&e)))?;
        (&mut file).take(length).read_to_end(&mut bytes).map_err(|e| cannot(files::reason(&e)))?;
        if let Ok(dataset) = Dataset::read(&bytes) {
            return sized(dataset, file).map_err(cannot);
        }
    }
    Dataset::read(&bytes).and_then(|dataset| sized(dataset, file)).map_err(cannot)
}

fn sized(dataset: Dataset, file: File) -> Result<(Dataset, File), String> {
    let length = file.metadata().map_err(|e| files::reason(&e))?.len();
    if length < dataset.header.end() { Err("it is shorter than its header states".into()) } else { Ok((dataset, file)) }
}

fn statuses(dataset: &Dataset, file: &mut File) -> io::Result<Vec<i16>> {
    let mut bytes = vec![0; 2 * dataset.points as usize];
    file.seek(SeekFrom::Start(dataset.status_begin()))?;
    file.read_exact(&mut bytes)?;
    // A full disk may take the first byte of a status and not the second, which then is that of a pending one. No code ends in it.
    let status = |b: &[u8; 2]| if b[1] == PENDING.to_be_bytes()[1] { PENDING } else { i16::from_be_bytes(*b) };
    Ok(bytes.as_chunks::<2>().0.iter().map(status).collect())
}

/// The same file again, if it is of the same program, the same settings and the same sweep.
fn again(path: &Path, made_by: &[(String, String)], axes: &[SweepAxis]) -> Result<Opened, Box<Diagnostic>> {
    let (dataset, mut file) = header_of(path)?;
    let other = |what: &str| {
        Box::new(
            wrong(path, format!("it belongs to another sweep: {what} differs"))
                .help("resume with the same program, settings and version, or choose another name"),
        )
    };
    for (name, text) in made_by {
        if dataset.header.attribute(name) != Some(text) {
            return Err(other(&format!("`{name}`")));
        }
    }
    let dimensions: Vec<(String, u64)> = axes.iter().map(|a| (a.leading().0.to_string(), a.len() as u64)).collect();
    if dataset.header.dimensions.get(..dimensions.len()) != Some(&dimensions) {
        return Err(other("its grid"));
    }
    for (name, values) in axes.iter().flat_map(|a| a.names.iter().zip(&a.values)) {
        let expected: Vec<u8> = values.iter().flat_map(|x| x.to_be_bytes()).collect();
        let mut found = vec![0; expected.len()];
        let begin = dataset.header.variable(name).map(|v| v.begin).ok_or_else(|| other(&format!("`{name}`")))?;
        file.seek(SeekFrom::Start(begin)).and_then(|_| file.read_exact(&mut found)).map_err(failed(path))?;
        if found != expected {
            return Err(other(&format!("the values of `{name}`")));
        }
    }
    let done = statuses(&dataset, &mut file).map_err(failed(path))?;
    Ok(Opened { dataset, file, done })
}

/// Joins the shards of a sweep.
pub fn merge(a: &args::Merge) -> Outcome {
    a.shards.iter().for_each(|shard| inputs::note(shard));
    match join(a) {
        Ok(outcome) => outcome,
        Err(diagnostic) => terminal::refuse(&[diagnostic], &Default::default()),
    }
}

fn join(a: &args::Merge) -> Result<Outcome, Diagnostic> {
    files::writable(&a.output, a.force)?;
    let Some((first_path, others)) = a.shards.split_first() else { return Ok(Outcome::Usage) };
    let (first, mut base) = header_of(first_path)?;
    let mut shards = vec![statuses(&first, &mut base).map_err(failed(first_path))?];
    let mut sources = vec![base];
    for path in others {
        let (dataset, mut file) = header_of(path)?;
        if dataset != first {
            let what = dataset.header.attributes.iter().find(|x| !first.header.attributes.contains(x));
            let what = what.map_or("its layout".to_string(), |(name, _)| format!("`{name}`"));
            let message = format!(
                "`{}` and `{}` belong to different sweeps: {what} differs",
                first_path.display(),
                path.display()
            );
            return Err(Diagnostic::without_place(Code::Contradiction, message));
        }
        shards.push(statuses(&dataset, &mut file).map_err(failed(path))?);
        sources.push(file);
    }
    for k in 0..first.points as usize {
        let has = |shard: &[i16]| shard.get(k).is_some_and(|status| *status != PENDING);
        let mut have = a.shards.iter().zip(&shards).filter(|(_, shard)| has(shard)).map(|(path, _)| path);
        if let (Some(one), Some(other)) = (have.next(), have.next()) {
            let message =
                format!("`{}` and `{}` overlap: both contain point {}", one.display(), other.display(), k + 1);
            return Err(Diagnostic::without_place(Code::Contradiction, message)
                .help("give each of the n shards a different number: `--shard 1/n`, `--shard 2/n`, ..."));
        }
    }
    let written = files::put(&a.output, |out| {
        io::copy(&mut File::open(first_path)?, out)?;
        for (shard, file) in shards.iter().zip(&mut sources).skip(1) {
            for run in runs(shard) {
                for (at, length) in first.parts(run.start, run.end - run.start) {
                    copy(file, out, at, length)?;
                }
                for (k, status) in (run.start..).zip(shard.iter().take(run.end as usize).skip(run.start as usize)) {
                    put(out, &first.statuses(k, &[*status]))?;
                }
            }
        }
        Ok(())
    });
    written.map_err(failed(&a.output))?;
    let missing = (0..first.points as usize).filter(|k| shards.iter().all(|s| s.get(*k) == Some(&PENDING))).count();
    eprintln!("{} of {} points", first.points - missing as u64, first.points);
    if missing > 0 {
        eprintln!("compute the rest with `ergoseq sweep FILE --output {} --resume`", a.output.display());
    }
    Ok(Outcome::Done)
}

/// The points of a shard that are computed, as ranges.
fn runs(shard: &[i16]) -> Vec<Range<u64>> {
    let mut out: Vec<Range<u64>> = Vec::new();
    for (k, _) in shard.iter().enumerate().filter(|(_, s)| **s != PENDING) {
        let k = k as u64;
        match out.last_mut() {
            Some(last) if last.end == k => last.end = k + 1,
            _ => out.push(k..k + 1),
        }
    }
    out
}

fn copy(from: &mut File, to: &mut File, at: u64, length: u64) -> io::Result<()> {
    from.seek(SeekFrom::Start(at))?;
    to.seek(SeekFrom::Start(at))?;
    let copied = io::copy(&mut from.take(length), to)?;
    if copied == length { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
}
