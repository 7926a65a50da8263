//! What to do at the console, in ten lines.

use super::super::job::{File, Job};
use super::super::number::plain;
use super::super::program::Program;
use super::script::Experiment;

/// The text of `README.md`.
pub fn readme(job: &Job, files: &[File], experiments: &[Experiment]) -> String {
    let has = |folder: &str| files.iter().any(|f| f.path.starts_with(folder));
    let mut copied = vec!["`pp/*` to `exp/stan/nmr/lists/pp/user`"];
    if has("wave/") {
        copied.push("`wave/*` to `exp/stan/nmr/lists/wave/user`");
    }
    if has("gp/") {
        copied.push("`gp/*` to `exp/stan/nmr/lists/gp/user`");
    }
    if has("lists/") {
        copied.push("`lists/vd`, `lists/vp`, `lists/vc` to the folders of these names in `exp/stan/nmr/lists`");
    }
    copied.push("`py/*` to `exp/stan/nmr/py/user`");
    let calibrations: Vec<String> = job
        .calibrations
        .iter()
        .map(|c| format!("{}: {} us at {} W", c.nucleus, plain(c.pulse * 1e6), plain(c.power)))
        .collect();
    let first = job.experiments.first().map(|part| &part.program);
    let rows = experiments.iter().any(|e| e.rows > 1);
    let dimension = if rows { "of two dimensions (the experiment has rows) " } else { "" };
    let recycle = match first.and_then(|p| p.recycle) {
        Some(recycle) => format!("`d1` is {} s", plain(recycle)),
        None => "Set `d1`: the file gives no T1 and no `recycle_delay`".into(),
    };
    let acquisition = match first.and_then(Program::acquisition).and_then(|a| a.points) {
        Some((points, dwell)) => format!("`td` is {}, `swh` {} Hz", 2 * points, plain(1.0 / dwell)),
        None => "Set `td` and `sw`: the program has no `acquire`".into(),
    };
    let scans = first.map_or(1, |p| p.scans);
    let last = last_step(job);
    format!(
        "# {}\n\n1. Written by ergoseq {} from `{}` for TopSpin 4 and 5 (AVANCE NEO); {}.\n2. Copy {}.\n3. Open a data set {dimension}with this sample and probe, tuned and locked; in `edasp` route {}.\n4. `xpy {} --dry` prints the parameters; `xpy {}` sets them.\n5. Powers follow from {}: `PLW = PLW1 (nu/nu_cal)^2`, `nu_cal = 1/(4 P1)`. Compare `ased` with the limits of the probe.\n6. Check the 90 deg pulse at this power; if its length differs, export again with the new calibration.\n7. {recycle}. {acquisition}.\n8. `ns` is {scans}, a complete phase cycle; use multiples of it. Phases of nuclei with positive gamma have the opposite sign of those in the file: its y is 3.\n9. Inspect the sequence in the pulse program display before the first scan; start with `ns` {scans} and a low duty cycle.\n10. {last}\n",
        job.name,
        env!("CARGO_PKG_VERSION"),
        job.source,
        job.title(),
        copied.join(", "),
        job.channels(),
        job.name,
        job.name,
        if calibrations.is_empty() { "no calibration (no pulses)".into() } else { calibrations.join(", ") },
    )
}

/// How the experiments are run, and how their data are compared with the file.
fn last_step(job: &Job) -> String {
    let (name, source) = (&job.name, &job.source);
    let Some(part) = job.experiments.first() else { return String::new() };
    let run = "with a fixed `rg` (`multizg` runs them one after another)";
    // What a file acquires can be compared; the signal of a file without `acquire` is that of the console alone.
    let acquires = part.program.acquisition().is_some_and(|a| a.points.is_some());
    let compare =
        |copy: &str| if acquires { format!("{copy} `ergoseq compare {source} --data FOLDER`") } else { String::new() };
    match (&part.point, &part.readout) {
        (None, None) => {
            let copy = format!(" Copy its data set to `FOLDER/fid.{}` for", part.program.nucleus(0));
            let compare = compare(&copy);
            let end = if acquires { "." } else { "" };
            format!("`expt` shows the time; `rga` (or a fixed `rg`) and `zg` run it.{compare}{end}")
        }
        (None, Some(_)) => format!(
            "Run the experiments that the script created, one per readout, {run}; then `xpy {name} --collect FOLDER` and `ergoseq tomography {source} --data FOLDER`."
        ),
        (Some(point), None) => format!(
            "Run the {} experiments that the script created, one per point of the sweep (`points.csv` lists them), {run}; then `xpy {name} --collect FOLDER`{}.",
            point.of,
            compare(" and")
        ),
        (Some(point), Some(_)) => format!(
            "Run the experiments that the script created, one per point of the sweep (`points.csv` lists them) and readout, {run}; then `xpy {name} --collect FOLDER`, and for each point `ergoseq tomography {source} --set ... --data FOLDER/{}`.",
            point.padded()
        ),
    }
}
