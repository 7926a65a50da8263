//! Sweeps as a process: begun, killed, resumed, in shards, on any number of threads, and what must be refused.

use ergoseq::output::dataset::Dataset;
use ergoseq::results::PENDING;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ergoseq"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn ergoseq(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// Runs what must succeed; returns its messages without those of its progress, which a busy machine makes it print.
fn done(arguments: &[&str]) -> String {
    let output = ergoseq(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    said.split_inclusive('\n').filter(|line| !line.starts_with("progress: ")).collect()
}

/// Runs what must be refused, with a sentence.
fn refused(arguments: &[&str], code: i32, why: &str) {
    let output = ergoseq(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.contains(why), "{said}");
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sweeps-{name}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_string()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }
}

const FILE: &str = "sequences/jeener_broekaert.seq";
const TAU: &str = "tau=0.2us .. 12us points 40";
const THETA: &str = "theta=0deg .. 180deg points 25";

/// Values of a variable, read by the places that the header tells.
fn values(bytes: &[u8], name: &str) -> Vec<f64> {
    let dataset = Dataset::read(bytes).unwrap();
    let variable = dataset.header.variable(name).unwrap();
    let from = variable.begin as usize;
    let all = &bytes[from..from + 8 * dataset.header.count(variable) as usize];
    all.as_chunks::<8>().0.iter().map(|b| f64::from_be_bytes(*b)).collect()
}

fn statuses(bytes: &[u8]) -> Vec<i16> {
    let dataset = Dataset::read(bytes).unwrap();
    let from = dataset.status_begin() as usize;
    bytes[from..from + 2 * dataset.points as usize].as_chunks::<2>().0.iter().map(|b| i16::from_be_bytes(*b)).collect()
}

#[test]
fn a_sweep_holds_what_runs_print() {
    let folder = Folder::new("values");
    let out = folder.path("map.nc");
    assert_eq!(done(&["sweep", FILE, "--sweep", TAU, "--sweep", THETA, "-o", &out]), "1000 points computed\n");
    let bytes = folder.bytes("map.nc");
    assert!(statuses(&bytes).iter().all(|s| *s == 0));
    assert_eq!(values(&bytes, "tau").len(), 40);
    // Point (7, 11): the last sweep runs fastest; three marks a point, of which `charged` is the second.
    let (tau, theta) = (values(&bytes, "tau")[7], values(&bytes, "theta")[11]);
    let found = values(&bytes, "ergotropy")[3 * (7 * 25 + 11) + 1];
    let (tau, theta) = (format!("tau={tau} s"), format!("theta={theta} rad"));
    let printed = ergoseq(&["run", FILE, "--set", &tau, "--set", &theta, "--format", "json"]);
    let printed: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    let expected = printed["points"][0]["marks"]["charged"]["values"]["ergotropy"].as_f64().unwrap();
    assert_eq!(found, expected);
    let header = Dataset::read(&bytes).unwrap().header;
    assert_eq!(header.attribute("source").unwrap(), std::fs::read_to_string(FILE).unwrap());
    assert_eq!(header.attribute("ergoseq"), Some(env!("CARGO_PKG_VERSION")));
    let ergotropy = header.variable("ergotropy").unwrap();
    assert!(ergotropy.attributes.contains(&("units".to_string(), "J".to_string())));
}

#[test]
fn threads_shards_and_interruptions_leave_the_same_bytes() {
    let folder = Folder::new("same");
    let sweep = |name: &str, more: &[&str]| {
        let out = folder.path(name);
        let arguments: Vec<&str> = ["sweep", FILE, "--sweep", TAU, "--sweep", THETA, "-o", &out]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        done(&arguments)
    };
    sweep("one.nc", &["--threads", "1"]);
    sweep("two.nc", &["--threads", "2"]);
    assert_eq!(folder.bytes("one.nc"), folder.bytes("two.nc"));
    // Three shards, joined in any order.
    for k in 1..=3 {
        sweep(&format!("part{k}.nc"), &["--shard", &format!("{k}/3")]);
    }
    let parts = [2, 3, 1].map(|k| folder.path(&format!("part{k}.nc")));
    let joined = folder.path("joined.nc");
    let said = done(&["merge", &parts[0], &parts[1], &parts[2], "-o", &joined]);
    assert_eq!(said, "1000 of 1000 points\n");
    assert_eq!(folder.bytes("one.nc"), folder.bytes("joined.nc"));
    // Two of three leave a file that is resumed.
    let some = folder.path("some.nc");
    assert!(done(&["merge", &parts[0], &parts[2], "-o", &some]).starts_with("666 of 1000 points\n"));
    assert_eq!(sweep("some.nc", &["--resume"]), "334 points computed, 666 already present\n");
    assert_eq!(folder.bytes("one.nc"), folder.bytes("some.nc"));
    // Nothing is left to do.
    assert_eq!(sweep("one.nc", &["--resume"]), "0 points computed, 1000 already present\n");
    assert_eq!(folder.bytes("one.nc"), folder.bytes("joined.nc"));
}

#[test]
fn a_killed_sweep_is_resumed_to_the_same_bytes() {
    let folder = Folder::new("killed");
    let (whole, killed) = (folder.path("whole.nc"), folder.path("killed.nc"));
    // Two threads and so many points take a second or more, so that the kills come while it works.
    let sweep = [
        "sweep",
        FILE,
        "--sweep",
        "tau=0.2us .. 12us points 120",
        "--sweep",
        "theta=0deg .. 180deg points 50",
        "--threads",
        "2",
    ];
    let with = |more: &[&'static str], out: &str| -> Vec<String> {
        sweep.iter().chain(more).chain(&["-o"]).map(|s| (*s).to_string()).chain([out.to_string()]).collect()
    };
    let run = |arguments: &[String]| done(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    run(&with(&[], &whole));
    let mut interrupted = 0;
    for k in 0..4u64 {
        let arguments = with(if k == 0 { &[] } else { &["--resume"] }, &killed);
        let mut child =
            command(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).stderr(Stdio::null()).spawn().unwrap();
        // The first must have begun the file; then it has a while to work.
        let begun = Instant::now();
        while !Path::new(&killed).exists() && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(40 + 60 * k));
        if child.try_wait().unwrap().is_none() {
            interrupted += 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // Whatever the moment, the file is one, and what it calls computed is.
        let (now, all) = (folder.bytes("killed.nc"), folder.bytes("whole.nc"));
        let (mine, theirs) = (values(&now, "ergotropy"), values(&all, "ergotropy"));
        for (point, status) in statuses(&now).into_iter().enumerate() {
            let own = 3 * point..3 * point + 3;
            assert!(status == PENDING || mine[own.clone()] == theirs[own], "point {point}");
        }
    }
    assert!(interrupted >= 2, "{interrupted}");
    run(&with(&["--resume"], &killed));
    assert_eq!(folder.bytes("whole.nc"), folder.bytes("killed.nc"));
}

#[test]
fn a_failed_point_stops_no_other() {
    let folder = Folder::new("failed");
    let out = folder.path("map.nc");
    // Beyond the limit of the channel, 125 kHz.
    let sweep = ["sweep", FILE, "--sweep", "tau=1us,2us", "--sweep", "rf=100kHz,130kHz,120kHz", "-o", &out];
    refused(&sweep, 1, "6 points computed, 2 of them failed: see `status`");
    let bytes = folder.bytes("map.nc");
    let status = statuses(&bytes);
    assert_eq!((status[0], status[2], status[3]), (0, 0, 0));
    assert!(status[1] >= 400 && status[1] == status[4], "{status:?}");
    let ergotropy = values(&bytes, "ergotropy");
    assert!(ergotropy[0].is_finite() && ergotropy[3].is_nan() && ergotropy[6].is_finite());
    let header = Dataset::read(&bytes).unwrap().header;
    let errors = &header.variable("status").unwrap().attributes[1].1;
    assert!(errors.contains(&format!("E{} ", status[1])), "{errors}");
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = Folder::new("refused");
    let (out, other) = (folder.path("map.nc"), folder.path("other.nc"));
    done(&["sweep", FILE, "-o", &out]);
    refused(&["sweep", FILE, "-o", &out], 3, "`--resume` continues it, `--force` starts over");
    refused(&["sweep", FILE, "-o", &out, "--resume", "--set", "theta=10 deg"], 3, "it belongs to another sweep");
    refused(
        &["sweep", FILE, "-o", &out, "--resume", "--sweep", "tau=1us .. 2us points 60"],
        3,
        "belongs to another sweep",
    );
    refused(&["sweep", FILE, "-o", &out, "--resume", "--sweep", "tau=1us,2us"], 3, "belongs to another sweep");
    refused(&["sweep", "sequences/adrf.seq", "-o", &out, "--resume"], 3, "belongs to another sweep");
    refused(&["sweep", FILE, "-o", &other, "--resume"], 3, "does not exist, so it cannot be resumed");
    refused(&["sweep", FILE, "-o", &other, "--sweep", "tau=1us .. 2us points 0"], 1, "has no points");
    refused(&["sweep", "sequences/hahn_echo.seq", "-o", &other], 1, "has no sweep");
    refused(&["sweep", FILE, "-o", &other, "--shard", "3/2"], 2, "a shard is K/N");
    refused(&["sweep", FILE, "-o", "no/such/folder/map.nc"], 3, "cannot be written");
    std::fs::write(&other, "not a dataset").unwrap();
    refused(&["sweep", FILE, "-o", &other, "--resume"], 3, "it is not a NetCDF file");
    refused(&["merge", &out, &other, "-o", &folder.path("joined.nc")], 3, "it is not a NetCDF file");
    refused(&["merge", &out, &out, "-o", &folder.path("joined.nc")], 1, "overlap: both contain point 1");
    done(&["sweep", FILE, "-o", &other, "--force", "--set", "theta=10 deg", "--shard", "1/2"]);
    refused(&["merge", &out, &other, "-o", &folder.path("joined.nc")], 1, "belong to different sweeps");
    refused(&["merge", &out, "-o", &other], 3, "it exists");
    // What was cut off is not read as if it were whole.
    let whole = folder.bytes("map.nc");
    std::fs::write(&other, &whole[..whole.len() - 8]).unwrap();
    refused(&["sweep", FILE, "-o", &other, "--resume"], 3, "it is shorter than its header states");
}

#[test]
fn other_shapes_and_other_random_vectors_are_another_sweep() {
    let folder = Folder::new("shapes");
    let (file, shape, out) = (folder.path("shaped.seq"), folder.path("charge.txt"), folder.path("out.nc"));
    std::fs::copy("examples/shaped_pulse/charge.seq", &file).unwrap();
    std::fs::write(&shape, "1 0\n0.5 90\n").unwrap();
    let sweep = ["sweep", &file, "--sweep", "spread=0, 0.05", "-o", &out];
    done(&sweep);
    let resumed: Vec<&str> = sweep.iter().copied().chain(["--resume"]).collect();
    done(&resumed);
    // The shape stands in a file of its own: the program's text is the same, and the results are not.
    std::fs::write(&shape, "1 0\n0.5 91\n").unwrap();
    refused(&resumed, 3, "`shape charge` differs");
    let chain =
        ["sweep", "benches/workloads/typical_chain.seq", "--sweep", "n=6, 7", "-o", &out, "--force", "--typical"];
    done(&chain.iter().copied().chain(["2"]).collect::<Vec<&str>>());
    let again = |vectors: &'static str| {
        chain.iter().copied().filter(|a| *a != "--force").chain([vectors, "--resume"]).collect::<Vec<&str>>()
    };
    done(&again("2"));
    refused(&again("3"), 3, "`settings` differs");
}
