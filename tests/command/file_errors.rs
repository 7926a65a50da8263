//! Files that the command reads and writes: what cannot be written is said before anything is computed, what is no file is not read,
//! damaged results are not gone on with, and nothing that others wrote reaches the terminal as a command.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn ergoseq(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ergoseq")).args(arguments).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A file of which every point takes an hour.
const ENDLESS: &str = "ergoseq 1
units natural
param x = 1
system { spin s[10] : 1/2 }
hamiltonian H = sum(k in 1..10, Z(s[k])) + sum(k in 1..9, X(s[k])*X(s[k+1]))
battery { energy = H }
shape c = \"c.txt\"
sequence {
    prepare gibbs(H, 1)
    loop 100000 { evolve (1 + cos(t)) * X(s[1]) + x*Y(s[2]) for 1000 }
}
measure { ergotropy }
sweep x = 1 .. 2 points 3
";

#[test]
fn outputs_are_looked_at_before_anything_is_computed() {
    let folder = scratch("outputs");
    std::fs::write(folder.join("a.seq"), ENDLESS).unwrap();
    std::fs::write(folder.join("c.txt"), "1 0\n").unwrap();
    for name in ["there.svg", "there.html", "there.nc", "there.txt", "there.csv", "dipolar_fig3.csv", "file"] {
        std::fs::write(folder.join(name), "precious").unwrap();
    }
    let all: &[&[&str]] = &[
        &["run", "a.seq", "-o", "there.txt"],
        &["run", "a.seq", "-o", "nowhere/a.txt", "--force"],
        &["run", "a.seq", "-o", "file/a.txt"],
        &["run", "a.seq", "-o", "."],
        &["plot", "a.seq", "-o", "there.svg"],
        &["plot", "a.seq", "-o", "nowhere/a.csv"],
        &["report", "a.seq", "-o", "there.html"],
        &["report", "a.seq", "-o", "nowhere/a.html"],
        &["watch", "a.seq", "-o", "there.html"],
        &["watch", "a.seq", "-o", "nowhere/a.html", "--force"],
        &["sweep", "a.seq", "-o", "there.nc"],
        &["sweep", "a.seq", "-o", "nowhere/a.nc"],
        &["shape", "a.seq", "--maximise", "ergotropy at end", "--output", "there.txt"],
        &["shape", "a.seq", "--maximise", "ergotropy at end", "--output", "nowhere/a.txt"],
        &["plan", "a.seq", "--amplitudes", "there.csv"],
        &["plan", "a.seq", "--amplitudes", "nowhere/a.csv"],
        &["plan", "a.seq", "--decays", "file"],
        &["reproduce", "dipolar", "--output", "."],
        &["reproduce", "dipolar", "--output", "file"],
        &["reproduce", "dipolar", "--output", "file/inside"],
        &["bench", "w9", "--size", "n1m", "--out", "file"],
    ];
    for arguments in all {
        let begun = Instant::now();
        let done = ergoseq(&folder, arguments);
        assert_eq!(done.status.code(), Some(3), "{arguments:?}: {}", said(&done));
        assert!(said(&done).contains("[E602]"), "{arguments:?}: {}", said(&done));
        // Any of them would compute for minutes; only reading and checking the file comes before.
        assert!(begun.elapsed() < Duration::from_secs(20), "{arguments:?} took {:?}", begun.elapsed());
    }
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.ends_with(".part") && name != "nowhere", "{name} was left behind");
    }
    assert_eq!(std::fs::read_to_string(folder.join("there.txt")).unwrap(), "precious");
}

/// A name without an ending is often that of a sequence to start from: it is refused with the command that was meant. What is printed can be
/// given to a shell.
#[test]
fn a_new_file_has_the_ending_of_sequences() {
    let folder = scratch("endings");
    let of = |name: &str| {
        let done = ergoseq(&folder, &["new", name]);
        (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned(), said(&done))
    };
    let (code, _, why) = of("hahn_echo");
    assert!(code == Some(3) && why.contains("`ergoseq new my.seq --like hahn_echo`"), "{why}");
    let (code, _, why) = of("mine");
    assert!(code == Some(3) && why.contains("`ergoseq new mine.seq`"), "{why}");
    assert_eq!(of("my own.seq").1, "ergoseq run 'my own.seq'\n");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}

/// `new`, `report` and `watch` in a row: a page that the program wrote is replaced, another file only with `--force`.
#[test]
fn a_page_of_the_program_is_replaced() {
    let folder = scratch("pages");
    let run = |arguments: &[&str]| {
        let done = ergoseq(&folder, arguments);
        (done.status.code(), said(&done))
    };
    assert_eq!(run(&["new", "a.seq"]).0, Some(0));
    for _ in 0..2 {
        assert_eq!(run(&["report", "a.seq"]), (Some(0), String::new()));
    }
    let mut watch = Command::new(env!("CARGO_BIN_EXE_ergoseq"))
        .args(["watch", "a.seq"])
        .current_dir(&folder)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(watch.stdout.take().unwrap()), &mut line).unwrap();
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert!(line.starts_with("a.html written in"), "{line}");
    // A page of somebody else, even one that names the program further down.
    std::fs::write(folder.join("a.html"), format!("<!doctype html>{}ergoseq", " ".repeat(600))).unwrap();
    assert!(run(&["report", "a.seq"]).1.contains("it exists"));
}

/// The results of a sweep are NetCDF, whatever the file is called.
#[test]
fn a_sweep_writes_no_other_format() {
    let folder = scratch("endings");
    std::fs::write(folder.join("a.seq"), ENDLESS).unwrap();
    for name in ["a.csv", "a.JSON", "a.svg"] {
        let done = ergoseq(&folder, &["sweep", "a.seq", "-o", name]);
        assert_eq!(done.status.code(), Some(3), "{name}");
        assert!(said(&done).contains("writes NetCDF") && said(&done).contains("a.nc"), "{}", said(&done));
        assert!(!folder.join(name).exists());
    }
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_read_and_links_stay() {
    let folder = scratch("pipes");
    assert!(Command::new("mkfifo").arg(folder.join("pipe.seq")).status().unwrap().success());
    std::fs::write(folder.join("a.seq"), "ergoseq 1\nuse \"pipe.seq\"\nshape s = \"pipe.seq\"\n").unwrap();
    let begun = Instant::now();
    for arguments in [["check", "pipe.seq"], ["check", "/dev/zero"], ["fmt", "pipe.seq"], ["check", "a.seq"]] {
        let done = ergoseq(&folder, &arguments);
        assert!(said(&done).contains("not a regular file"), "{arguments:?}: {}", said(&done));
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    std::fs::write(
        folder.join("b.seq"),
        "ergoseq 1\nunits natural\nsystem { spin a : 1/2 }\nsequence { prepare mixed }\nmeasure { purity }\n",
    )
    .unwrap();
    std::fs::write(folder.join("real.txt"), "").unwrap();
    std::os::unix::fs::symlink("real.txt", folder.join("link.txt")).unwrap();
    assert!(ergoseq(&folder, &["run", "b.seq", "-o", "link.txt", "--force"]).status.success());
    assert!(folder.join("link.txt").is_symlink());
    assert!(std::fs::read_to_string(folder.join("real.txt")).unwrap().contains("purity"));
}

#[cfg(unix)]
#[test]
fn files_that_use_each_other_without_end_are_refused() {
    let folder = scratch("deep");
    for k in 0..200 {
        std::fs::write(folder.join(format!("m{k}.seq")), format!("ergoseq 1\nuse \"m{}.seq\"\n", k + 1)).unwrap();
    }
    std::os::unix::fs::symlink(".", folder.join("loop")).unwrap();
    let link =
        "ergoseq 1\nuse \"loop/link.seq\"\nuse \"./loop/link.seq\"\nunits natural\nsequence { prepare ket \"00\"\n}\n";
    std::fs::write(folder.join("link.seq"), link).unwrap();
    for name in ["m0.seq", "link.seq"] {
        let done = ergoseq(&folder, &["check", name]);
        assert_eq!(done.status.code(), Some(1), "{name}: {}", said(&done));
        // The system may give up on links before the nesting does.
        let refused = said(&done);
        assert!(refused.contains("[E111]") || refused.contains("[E205]"), "{name}: {refused}");
    }
    // Sixty files behind each other are no fault.
    std::fs::write(folder.join("m200.seq"), "ergoseq 1\nunits natural\nsystem { spin a : 1/2 }\n").unwrap();
    std::fs::write(folder.join("top.seq"), "ergoseq 1\nuse \"m141.seq\"\nsequence { prepare mixed }\n").unwrap();
    let done = ergoseq(&folder, &["check", "top.seq"]);
    assert!(done.status.success(), "{}", said(&done));
}

const SWEPT: &str = "ergoseq 1
units natural
param T = 1, x = 0
system { spin a : 1/2 }
battery { energy = Z(a) }
sequence {
    prepare gibbs(Z(a), T)
    evolve X(a) for pi record 5 as charging
}
measure { ergotropy }
sweep T = 0.5, 1, 2
sweep x = 0, 1
";

#[test]
fn a_damaged_header_is_never_gone_on_with() {
    let folder = scratch("damaged");
    std::fs::write(folder.join("a.seq"), SWEPT).unwrap();
    assert!(ergoseq(&folder, &["sweep", "a.seq", "-o", "a.nc"]).status.success());
    let whole = std::fs::read(folder.join("a.nc")).unwrap();
    // The values take 3 x 2 numbers and a few more, all at the end.
    let header = whole.windows(8).rposition(|w| w == b"ergotrop").unwrap() + 64;
    let mut state = 12345u64;
    for _ in 0..60 {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let at = (state >> 33) as usize % header;
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (state >> 20 & 7);
        std::fs::write(folder.join("b.nc"), &damaged).unwrap();
        let resumed = ergoseq(&folder, &["sweep", "a.seq", "-o", "b.nc", "--resume"]);
        assert!(matches!(resumed.status.code(), Some(1 | 3)), "byte {at}: {:?} {}", resumed.status, said(&resumed));
        let merged = ergoseq(&folder, &["merge", "b.nc", "a.nc", "-o", "c.nc", "--force"]);
        assert!(matches!(merged.status.code(), Some(1 | 3)), "byte {at}: {:?} {}", merged.status, said(&merged));
    }
    // What is whole is gone on with.
    std::fs::write(folder.join("b.nc"), &whole).unwrap();
    let resumed = ergoseq(&folder, &["sweep", "a.seq", "-o", "b.nc", "--resume"]);
    assert!(resumed.status.success(), "{}", said(&resumed));
    assert_eq!(std::fs::read(folder.join("b.nc")).unwrap(), whole);
    for name in ["netcdf_1.nc", "netcdf_2.nc", "nc_big.nc", "nc_wrap.nc"] {
        let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/netcdf").join(name);
        let done = ergoseq(&folder, &["merge", case.to_str().unwrap(), "-o", "d.nc", "--force"]);
        assert!(matches!(done.status.code(), Some(1 | 3)), "{name}: {:?} {}", done.status, said(&done));
    }
}

#[test]
fn experiments_from_yaml_are_told_apart() {
    let folder = scratch("yaml");
    std::fs::write(folder.join("a.seq"), SWEPT).unwrap();
    let yaml = String::from_utf8(ergoseq(&folder, &["show", "a.seq", "--stage", "ir"]).stdout).unwrap();
    std::fs::write(folder.join("a.yaml"), &yaml).unwrap();
    let done = ergoseq(&folder, &["sweep", "a.yaml", "-o", "a.nc"]);
    assert!(done.status.success(), "{}", said(&done));
    let other = yaml.replacen("duration: pi", "duration: pi/2", 1);
    assert_ne!(yaml, other);
    std::fs::write(folder.join("a.yaml"), other).unwrap();
    let done = ergoseq(&folder, &["sweep", "a.yaml", "-o", "a.nc", "--resume"]);
    assert_eq!(done.status.code(), Some(3), "{}", said(&done));
}

/// An experiment in which one list has become empty, for every list.
fn emptied(yaml: &str) -> Vec<String> {
    let lines: Vec<&str> = yaml.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let item = |line: &str| line.trim_start().starts_with("- ");
    let mut all = Vec::new();
    for (k, line) in lines.iter().enumerate() {
        let within = |next: &&&str| indent(next) > indent(line);
        let inside = lines.iter().skip(k + 1).take_while(within).count();
        if line.ends_with(':') && lines.get(k + 1).is_some_and(|next| item(next)) && inside > 0 {
            let rest = lines.iter().skip(k + 1 + inside).copied();
            let text: Vec<String> = lines
                .iter()
                .take(k)
                .map(|l| l.to_string())
                .chain([format!("{line} []")])
                .chain(rest.map(String::from))
                .collect();
            all.push(text.join("\n") + "\n");
        }
    }
    all
}

#[test]
fn empty_lists_of_an_experiment_are_no_panic() {
    let folder = scratch("emptied");
    let superposed = "ergoseq 1\nunits natural\nsystem { spin a : 1/2 }\nbattery { energy = Z(a) }\nsequence {\n\
                      prepare mix(0.5: superposition(1: ket \"0\", 1: ket \"1\"), 0.5: ket \"0\")\n evolve X(a) for 1 record 5\n mark m\n}\n\
                      sweep T = 1, 2\nparam T = 1\nensemble { param T : uniform(from = 1, to = 2) points 2 }\ncycle phi = 0 1 2 3\nmeasure { purity\n energy }\n";
    let shipped = |name: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("sequences").join(name)).unwrap()
    };
    let mut tried = 0;
    for text in [superposed.to_string(), shipped("jeener_broekaert.seq"), shipped("dipolar_tomography.seq")] {
        std::fs::write(folder.join("a.seq"), &text).unwrap();
        let shown = ergoseq(&folder, &["show", "a.seq", "--stage", "ir"]);
        assert!(shown.status.success(), "{}", said(&shown));
        for yaml in emptied(&String::from_utf8(shown.stdout).unwrap()) {
            std::fs::write(folder.join("a.yaml"), &yaml).unwrap();
            let done = ergoseq(&folder, &["run", "a.yaml"]);
            assert!(matches!(done.status.code(), Some(0 | 1)), "{:?} {}\n{yaml}", done.status, said(&done));
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn sweeps_beyond_all_bounds_are_refused() {
    let folder = scratch("beyond");
    let sweeps = |n: u64, axes: usize| {
        let names: Vec<String> = (0..axes).map(|k| format!("x{k}")).collect();
        let params: String = names.iter().map(|x| format!("param {x} = 1\n")).collect();
        let lines: String = names.iter().map(|x| format!("sweep {x} = 1 .. 2 points {n}\n")).collect();
        format!(
            "ergoseq 1\nunits natural\n{params}system {{ spin a : 1/2 }}\nsequence {{ prepare mixed }}\nmeasure {{ purity }}\n{lines}"
        )
    };
    // 10^18, 2^64 (which wraps to 0) and 10^15 points.
    for (n, axes) in [(1_000_000, 3), (65536, 4), (1000, 5)] {
        std::fs::write(folder.join("a.seq"), sweeps(n, axes)).unwrap();
        for arguments in [
            &["run", "a.seq"][..],
            &["sweep", "a.seq", "-o", "a.nc"],
            &["report", "a.seq"],
            &["plot", "a.seq", "-o", "a.svg"],
        ] {
            let done = ergoseq(&folder, arguments);
            assert_eq!(done.status.code(), Some(1), "{arguments:?} {n}: {}", said(&done));
            assert!(said(&done).contains("points of all sweeps in total"), "{arguments:?} {n}: {}", said(&done));
        }
    }
    std::fs::write(folder.join("a.seq"), sweeps(2_000_000, 1)).unwrap();
    let done = ergoseq(&folder, &["run", "a.seq"]);
    assert!(done.status.code() == Some(1) && said(&done).contains("ergoseq sweep"), "{}", said(&done));
}

/// Titles and messages with characters that terminals obey, or that begin a record.
const COMMANDS: &str = "ergoseq 1
title \"a\u{1b}]0;owned\u{7}\u{9b}2J\r##END=\u{202e}\"
units natural
system { spin a : 1/2 }
sequence {
    prepare mixed
}
measure { purity }
";

#[test]
fn control_characters_reach_neither_terminal_nor_file_formats() {
    let folder = scratch("commands");
    std::fs::write(folder.join("a.seq"), COMMANDS).unwrap();
    std::fs::write(folder.join("b.seq"), COMMANDS.replace("mixed", "\u{1b}[31mmixd\u{9b}")).unwrap();
    let acquired = COMMANDS
        .replace("units natural\n", "")
        .replace("spin a : 1/2", "field 9.4 T\n temperature 300 K\n spin a : 1H");
    let acquired = acquired.replace("mixed\n", "thermal\n    acquire 1H points 8 dwell 1 us\n");
    std::fs::write(folder.join("c.seq"), acquired).unwrap();
    for arguments in [
        &["run", "a.seq"][..],
        &["run", "a.seq", "--format", "json"],
        &["run", "a.seq", "--format", "csv"],
        &["dry-run", "a.seq"],
        &["check", "b.seq"],
        &["check", "\u{1b}[31m.seq"],
        &["run", "b.seq", "--format", "json"],
        &["run", "\u{9b}\u{202e}.seq", "--format", "json"],
        &["run", "\u{9b}\u{202e}.seq"],
        &["run", "c.seq", "--format", "jcamp"],
        &["test", "a.seq"],
    ] {
        let done = ergoseq(&folder, arguments);
        for stream in [&done.stdout, &done.stderr] {
            let text = String::from_utf8(stream.clone()).unwrap();
            let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t' || c == '\u{202e}';
            assert!(!text.contains(obeyed), "{arguments:?}: {text:?}");
            assert_eq!(text.lines().filter(|l| l.starts_with("##END=")).count(), usize::from(text.starts_with("##")));
        }
    }
}

#[test]
fn the_report_shows_no_control_characters() {
    let folder = scratch("report-controls");
    std::fs::write(folder.join("a.seq"), format!("{COMMANDS}# \u{202e}\u{1b}[2J\u{9d}\n").replace('\r', "")).unwrap();
    let done = ergoseq(&folder, &["report", "a.seq", "-o", "a.html"]);
    assert!(done.status.success(), "{}", said(&done));
    let text = std::fs::read_to_string(folder.join("a.html")).unwrap();
    let wrong: Vec<char> =
        text.chars().filter(|c| c.is_control() && *c != '\n' && *c != '\t' || *c == '\u{202e}').collect();
    assert!(wrong.is_empty() && text.contains("owned"), "{wrong:?}");
}

/// Members that are propagated one by one lie in memory together; what the estimate of a point does not hold, the process is ended for.
#[cfg(target_os = "linux")]
#[test]
fn the_memory_of_the_process_is_bounded() {
    let folder = scratch("memory");
    let members = "ergoseq 1\nunits natural\nsystem {\n    spin a : 1/2\n    relax a { T1 = 10, T2 = 5, polarisation = 0.1 }\n}\n\
        param x = 1\nensemble { param x : gaussian(sd = 0.1, seed = 1) points 150000 }\n\
        sequence {\n    prepare ket \"0\"\n    evolve x*X(a) for 1\n}\nmeasure { purity }\n";
    std::fs::write(folder.join("m.seq"), members).unwrap();
    let done = ergoseq(&folder, &["run", "m.seq", "--max-memory", "80MB", "-o", "m.csv"]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert!(said(&done).contains("the process needs more than"), "{}", said(&done));
    assert!(said(&done).contains("--max-memory"), "{}", said(&done));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    // More of them are refused by their number.
    std::fs::write(folder.join("m.seq"), members.replace("150000", "200001")).unwrap();
    let done = ergoseq(&folder, &["run", "m.seq"]);
    assert!(said(&done).contains("E506") && said(&done).contains("200000 members"), "{}", said(&done));
}

/// Two modes of twelve levels and a spin 3/2 with noise take hours: that is said before the work begins.
#[test]
fn long_work_is_announced() {
    let folder = scratch("long");
    let text = "ergoseq 1\nunits natural\nsystem {\n    mode a : 12\n    mode b : 12\n    spin s : 3/2\n}\n\
        noise k { collapse 0.1*lower(a) }\nsequence {\n    prepare fock(a, 1), fock(b, 0), up(s)\n    \
        evolve number(a) + 0.1*(lower(a) + raise(a))*(lower(b) + raise(b)) + Ix(s)*number(b) for 100 with k\n}\nmeasure { purity }\n";
    std::fs::write(folder.join("l.seq"), text).unwrap();
    let done = ergoseq(&folder, &["run", "l.seq", "--max-time", "3s"]);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    let all = said(&done);
    let (note, end) = (all.find("of one core"), all.find("E507"));
    assert!(note.is_some() && end.is_some() && note < end && all.contains("--max-time"), "{all}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ergoseq"))
        .args(["bench", "w9", "--threads", "1000000"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert!(done.stderr.is_empty(), "{}", said(&done));
}
