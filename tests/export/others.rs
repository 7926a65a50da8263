//! Pulse sequences in C for VnmrJ, and input files of SIMPSON.

use super::{compiled, exported, file, root};
use std::path::Path;
use std::process::Command;

/// The calls of the library of pulse sequences that are used: what a C compiler needs to know of them.
const STANDARD: &str = "
enum { v1 = 1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, zero, one };
enum { t1 = 60, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t60 = 119 };
enum { A, B, C, WAIT };
extern double d1, rof1, tpwr, dpwr, dpwr2;
double getval(const char *);
void settable(int, int, int *), setreceiver(int), status(int), hsdelay(double), delay(double), obsunblank(void);
void obspower(double), decpower(double), dec2power(double), obspwrf(double), decpwrf(double), dec2pwrf(double);
void obsstepsize(double), decstepsize(double), dec2stepsize(double), xmtrphase(int), dcplrphase(int), dcplr2phase(int);
void rgpulse(double, int, double, double), decrgpulse(double, int, double, double), dec2rgpulse(double, int, double, double);
void shaped_pulse(const char *, double, int, double, double), decshaped_pulse(const char *, double, int, double, double);
void simpulse(double, double, int, int, double, double), sim3pulse(double, double, double, int, int, int, double, double);
void zgradpulse(double, double), shapedgradient(const char *, double, double, char, int, int);
void initval(double, int), loop(int, int), endloop(int);
";

fn lab(name: &str) -> String {
    std::fs::read_to_string(root().join(format!("sequences/lab/{name}.seq"))).unwrap()
}

fn check_c(folder: &Path, name: &str, text: &str) {
    let path = folder.join(format!("{name}.c"));
    std::fs::write(&path, text).unwrap();
    let done = Command::new("gcc")
        .args(["-fsyntax-only", "-Wall", "-Werror", "-I"])
        .arg(folder)
        .arg(&path)
        .output()
        .expect("gcc reads pulse sequences in C");
    assert!(done.status.success(), "{name}: {}\n{text}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn pulse_sequences_in_c_compile() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("export_varian");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("standard.h"), STANDARD).unwrap();
    let groups = "ergoseq 1
system { field 9.4 T temperature 300 K spin h : 1H spin c : 13C j h c = 200 Hz }
cycle phi = 0 2 1 3
param tau = 1 ms, n = 2
sequence {
    prepare thermal
    pulse 1H 90 deg phase phi rf = 25 kHz
    loop n { delay tau }
    parallel align centre {
        pulse 1H 180 deg phase y rf = 25 kHz
        pulse 13C 180 deg phase x rf = 20 kHz
    }
    pulse 13C 90 deg phase 12.5 deg duration = 1 ms shape = gauss
    pulse 1H 90 deg phase 30 deg rf = 50 kHz
    crush
    acquire 1H points 64 dwell 100 us phase phi
}
sweep zip {
    tau = 1 ms, 2 ms
    n = 2, 4
}";
    let groups = exported(&compiled(groups), "groups.seq", "varian", None).unwrap();
    let text = file(&groups, "psglib/", ".c");
    check_c(&folder, "groups", &text);
    for part in [
        "    simpulse(20e-6, 25e-6, t2, t3, 0.0, 0.0);\n",
        "    initval(row1, v1);\n    loop(v1, v2);\n        delay(row2);\n    endloop(v2);\n",
        "    decstepsize(0.1);\n",
        "    obspwrf(1023.75);\n",
        "    obspwrf(2047.5);\n",
        "    shapedgradient(\"groups_",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let parameters = file(&groups, "maclib/", "");
    assert!(parameters.contains("array='(row1,row2)'\n") && parameters.contains("row2=0.001,0.002\n"), "{parameters}");
    let mut written = 0;
    for name in super::lab::EXPORTED {
        match exported(&compiled(&lab(name)), name, "varian", None) {
            Ok(done) => {
                for file in done.files.iter().filter(|f| f.path.starts_with("psglib/")) {
                    check_c(&folder, file.path.trim_start_matches("psglib/").trim_end_matches(".c"), &file.text);
                    written += 1;
                }
            }
            Err(refused) => panic!("{name}: {refused:?}"),
        }
    }
    assert!(written > 30, "{written}");
}

/// Input files of SIMPSON: a pair, a powder, and a rotor with two nuclei, of which one is unpolarised.
#[test]
fn input_files_of_simpson_are_as_they_were() {
    let mut differing = Vec::new();
    for name in ["jeener_broekaert_eight_steps", "redor", "sidebands"] {
        let done = exported(&compiled(&lab(name)), &format!("sequences/lab/{name}.seq"), "simpson", None).unwrap();
        let input = file(&done, "", ".in");
        let count = |c: char| input.matches(c).count();
        assert_eq!((count('{'), count('[')), (count('}'), count(']')), "{input}");
        let golden = root().join(format!("tests/export/golden/{name}.in"));
        if std::env::var_os("ERGOSEQ_BLESS").is_some() {
            std::fs::write(&golden, &input).unwrap();
        }
        if std::fs::read_to_string(&golden).unwrap_or_default() != input {
            differing.push(name);
        }
        let crystals = file(&done, "", ".cry");
        let weights: f64 = crystals.lines().skip(1).map(|l| l.split(' ').nth(2).unwrap().parse::<f64>().unwrap()).sum();
        // Weights of twelve digits.
        assert!((weights - 1.0).abs() < 1e-9, "{name}: {weights}");
    }
    assert!(differing.is_empty(), "{differing:?} differ");
}
