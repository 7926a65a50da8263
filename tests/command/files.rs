//! Files that the command reads and writes.

use super::{CHARGING, code, ergoseq, scratch, text, text_of};

#[test]
fn files_are_not_overwritten_unless_asked() {
    let folder = scratch("output");
    let path = folder.join("result.json");
    let output = path.to_str().unwrap();
    let arguments = ["run", CHARGING, "--format", "json", "--output", output];
    assert_eq!(code(&ergoseq(&arguments)), 0);
    let first = std::fs::read(&path).unwrap();
    let again = ergoseq(&arguments);
    assert_eq!(code(&again), 3);
    assert!(text(&again.stderr).contains("\"E602\"") && text(&again.stderr).contains("--force"));
    assert_eq!(code(&ergoseq(&[&arguments[..], &["--force"]].concat())), 0);
    assert_eq!(std::fs::read(&path).unwrap(), first);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing half-written is left");
    assert_eq!(code(&ergoseq(&["run", CHARGING, "--output", folder.join("no/such/folder.json").to_str().unwrap()])), 3);
}

#[test]
fn fmt_tidies_in_place_and_keeps_what_it_cannot_read() {
    let folder = scratch("fmt");
    let path = folder.join("a.seq");
    let file = path.to_str().unwrap();
    std::fs::write(
        &path,
        "ergoseq 1   # version\nunits natural\nsystem {\nspin a :1/2\n}\nsequence {\nprepare ket \"0\"\n}\n",
    )
    .unwrap();
    assert_eq!(code(&ergoseq(&["fmt", "--check", file])), 1);
    let printed = text(&ergoseq(&["fmt", "--print", file]).stdout);
    assert_eq!(code(&ergoseq(&["fmt", file])), 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), printed);
    assert!(printed.contains("    spin a : 1/2\n") && printed.contains("# version"));
    assert_eq!(code(&ergoseq(&["fmt", "--check", file])), 0);
    std::fs::write(&path, "ergoseq 1\nsystem {").unwrap();
    assert_eq!(code(&ergoseq(&["fmt", file])), 1);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "ergoseq 1\nsystem {");
}

#[test]
fn used_files_are_found_beside_their_user() {
    let folder = scratch("use");
    std::fs::create_dir_all(folder.join("parts")).unwrap();
    std::fs::write(
        folder.join("parts/pair.seq"),
        "ergoseq 1\nunits natural\nsystem { spin a, b : 1/2 }\nhamiltonian H = Z(a)*Z(b)\nuse \"drive.seq\"\n",
    )
    .unwrap();
    std::fs::write(
        folder.join("parts/drive.seq"),
        "ergoseq 1\ndefine turn(angle) { evolve X(a) + X(b) for angle / 2 }\n",
    )
    .unwrap();
    let main = folder.join("main.seq");
    std::fs::write(&main, "ergoseq 1\nunits natural\nuse \"parts/pair.seq\"\nbattery { energy = H }\nsequence {\n    prepare ket \"01\"\n    turn(pi)\n}\nmeasure { energy }\n").unwrap();
    let done = ergoseq(&["run", main.to_str().unwrap()]);
    assert_eq!(code(&done), 0, "{}", text(&done.stderr));
}

#[test]
fn huge_files_are_refused_before_they_are_read() {
    let folder = scratch("huge");
    let path = folder.join("huge.seq");
    // Sparse: takes no space.
    std::fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
    let done = ergoseq(&["check", path.to_str().unwrap()]);
    assert_eq!(code(&done), 3);
    assert!(text(&done.stderr).contains("1024 MB"), "{}", text(&done.stderr));
}

#[test]
fn a_decay_becomes_a_spectrum_or_a_simpson_file() {
    let folder = scratch("spectrum");
    let file = folder.join("line.seq");
    std::fs::write(
        &file,
        "ergoseq 1
system {
    field 9.4 T
    temperature 300 K
    spin h : 1H
    shift h = 2.5 ppm
    relax h { T1 = 1 s, T2 = 50 ms }
}
channel 1H { rf = 25 kHz, carrier = 1 ppm }
sequence {
    prepare thermal
    pulse 1H 90 deg phase y ideal
    acquire 1H points 2048 dwell 100 us
}
measure { signal(1H) }
",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let done = ergoseq(&["run", file, "--format", "spectrum", "--broaden", "2"]);
    assert_eq!(code(&done), 0, "{}", text(&done.stderr));
    let rows = text(&done.stdout);
    let row = |line: &str| -> Vec<f64> { line.split(',').skip(1).map(|x| x.parse().unwrap()).collect() };
    let top = rows.lines().skip(1).map(row).max_by(|a, b| a[2].total_cmp(&b[2])).unwrap();
    // One and a half ppm of 400 MHz above the carrier, to half a step of the grid of 2.4 Hz.
    assert!((top[1] - 2.5).abs() < 0.004 && (top[0] - 600.4).abs() < 1.3, "{top:?}");
    let simpson = text(&ergoseq(&["run", file, "--format", "simpson"]).stdout);
    assert!(simpson.starts_with("SIMP\nNP=2048\nSW=10000\nTYPE=FID\nDATA\n") && simpson.ends_with("\nEND\n"));
    assert_eq!(simpson.lines().count(), 2048 + 6);
    let jcamp = text(&ergoseq(&["run", file, "--format", "jcamp"]).stdout);
    assert!(jcamp.contains("##NTUPLES= NMR FID\n") && jcamp.contains("##.OBSERVE NUCLEUS= ^1H\n"));
    // Two pages of 2048 numbers, eight a line: counted back from the lines of data.
    let data = jcamp.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_digit()));
    assert_eq!(data.map(|l| l.split(' ').count() - 1).sum::<usize>(), 2 * 2048);
    assert_eq!(code(&ergoseq(&["run", file, "--broaden", "2"])), 2);
    assert_eq!(code(&ergoseq(&["run", CHARGING, "--format", "spectrum"])), 1);
}

#[cfg(feature = "pictures")]
#[test]
fn a_paper_is_reproduced_into_files_that_are_kept() {
    let folder = scratch("paper");
    let out = folder.join("figures");
    let out = out.to_str().unwrap();
    let done = ergoseq(&["reproduce", "heisenberg", "--figure", "4", "--output", out]);
    assert_eq!(code(&done), 0, "{}", text(&done.stderr));
    let table = text(&done.stdout);
    assert!(table.contains("FALSE") && table.contains("claims hold"), "{table}");
    assert!(table.lines().all(|l| l.chars().count() <= 80 || l.contains(out)));
    let mut files: Vec<String> =
        std::fs::read_dir(out).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, ["heisenberg_fig4.csv", "heisenberg_fig4.pdf", "heisenberg_fig4.png", "heisenberg_fig4.svg"]);
    assert_eq!(code(&ergoseq(&["reproduce", "heisenberg", "--figure", "4", "--output", out])), 3, "files are there");
    let again = ergoseq(&["reproduce", "heisenberg", "--figure", "4", "--output", out, "--force", "--threads", "1"]);
    assert_eq!(text(&again.stdout), table, "the same on any number of threads");
    assert_eq!(code(&ergoseq(&["reproduce", "heisenberg", "--figure", "99"])), 2);
    assert_eq!(code(&ergoseq(&["reproduce", "nobody"])), 2);
}

#[test]
fn laboratories_keep_spectrometers_in_yaml() {
    let folder = scratch("profile");
    let (file, profile) = (folder.join("pair.seq"), folder.join("probe.yaml"));
    let text = "ergoseq 1\nuse \"probe.yaml\"\nsystem {\n    field 11.7 T\n    temperature 300 K\n    spin h : 1H\n}\n\
                channel 1H { rf = 100 kHz, max_rf = 120 kHz }\nsequence {\n    prepare thermal\n\
                pulse 1H 90 deg phase x\n    delay 5.47 us\n    mark read\n}\nmeasure { order(Iz(h)) }\n";
    std::fs::write(&file, text).unwrap();
    std::fs::write(&profile, "# our probe\nwideline:\n  clock: 50 ns\n  phase_step: 0.25 deg\n").unwrap();
    let file = file.to_str().unwrap();
    let done = ergoseq(&["check", file, "--spectrometer", "wideline"]);
    assert_eq!(code(&done), 0, "{}", text_of(&done));
    assert!(text_of(&done).contains("W404"), "{}", text_of(&done));
    for (yaml, why) in [
        ("wideline:\n  clok: 50 ns\n", "did you mean `clock`"),
        ("wideline: 3\n", "not a YAML file of spectrometers"),
        ("wideline:\n  clock: 50 lightyears\n", "E107"),
    ] {
        std::fs::write(&profile, yaml).unwrap();
        let done = ergoseq(&["check", file]);
        assert_eq!(code(&done), 1, "{yaml}");
        assert!(text_of(&done).contains(why), "{}", text_of(&done));
    }
}

#[test]
fn spectrometers_in_yaml_are_statements() {
    let statements = ergoseq::check::spectrometers;
    let text = "wideline:\n  clock: 50 ns\n  amplitude_step: 0.002\nliquids:\n  clock: 12.5 ns\n";
    assert_eq!(
        statements(text).unwrap(),
        "ergoseq 1\nspectrometer liquids {\n    clock = 12.5 ns\n}\n\
         spectrometer wideline {\n    amplitude_step = 0.002\n    clock = 50 ns\n}\n"
    );
    assert!(statements("a:\n  b: \"1 ns\\n}\"\n").unwrap_err().contains("`b` is not on one line"));
}

#[test]
fn decays_become_an_array() {
    let path = std::env::temp_dir().join(format!("ergoseq-{}.npy", std::process::id()));
    let file = "examples/tutorial/02_signal.seq";
    assert!(!ergoseq(&["run", file, "--format", "npy"]).status.success());
    assert!(ergoseq(&["run", file, "--format", "npy", "--output", path.to_str().unwrap()]).status.success());
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(bytes.starts_with(b"\x93NUMPY\x01\x00"));
    let header = usize::from(bytes[8]) + 256 * usize::from(bytes[9]);
    assert_eq!((10 + header) % 64, 0);
    assert!(String::from_utf8_lossy(&bytes[10..10 + header]).contains("'shape': (256,)"));
    assert_eq!(bytes.len(), 10 + header + 256 * 16);
    // The first number is that of the table of samples.
    let first = f64::from_le_bytes(bytes[10 + header..18 + header].try_into().unwrap());
    let json: serde_json::Value = serde_json::from_slice(&ergoseq(&["run", file, "--format", "json"]).stdout).unwrap();
    let values = &json["points"][0]["traces"]["fid"]["values"]["signal(1H)"];
    assert_eq!(values[0].as_f64().unwrap(), first, "{}", json["points"][0]["traces"]);
}

/// The page follows the file: a mistake is shown in it, and gone again when it is mended.
#[test]
fn a_watched_file_is_followed() {
    let folder = std::env::temp_dir().join(format!("ergoseq-watch-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (file, page) = (folder.join("my.seq"), folder.join("my.html"));
    let good = std::fs::read_to_string("examples/tutorial/01_first_pulse.seq").unwrap();
    std::fs::write(&file, &good).unwrap();
    let mut watching = std::process::Command::new(env!("CARGO_BIN_EXE_ergoseq"))
        .args(["watch", file.to_str().unwrap()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let shows = |words: &str| {
        (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            std::fs::read_to_string(&page).is_ok_and(|text| text.contains(words))
        })
    };
    let first = shows("All 3 expectations hold.");
    std::fs::write(&file, good.replace("thermal", "termal")).unwrap();
    let mistaken = shows("class=\"message error\"");
    std::fs::write(&file, good.replace("A first pulse", "Another pulse")).unwrap();
    let mended = shows("<h1>Another pulse</h1>");
    watching.kill().unwrap();
    watching.wait().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(first && mistaken && mended, "{first} {mistaken} {mended}");
}

/// A program names files in its own folder and below: nothing else is read, whatever links say, and nothing of it is shown.
#[test]
fn programs_name_no_files_outside_of_their_folder() {
    let folder = scratch("reach");
    let own = folder.join("own");
    std::fs::create_dir_all(own.join("below")).unwrap();
    std::fs::create_dir_all(folder.join("lib")).unwrap();
    std::fs::write(folder.join("secret.txt"), "topsecret 1 0\n").unwrap();
    std::fs::write(folder.join("lib/part.seq"), "ergoseq 1\nparam u = 1\n").unwrap();
    std::fs::write(own.join("below/part.seq"), "ergoseq 1\nparam u = 1\n").unwrap();
    std::fs::write(own.join("notes.txt"), "topsecret 1 0\n").unwrap();
    let program = |line: &str| {
        let path = own.join("a.seq");
        let rest = "units natural\nsystem { spin a : 1/2 }\nsequence { prepare ket \"0\" }\n";
        std::fs::write(&path, format!("ergoseq 1\n{line}\n{rest}")).unwrap();
        path
    };
    let absolute = folder.join("secret.txt");
    let mut lines = vec![
        "use \"../secret.txt\"".to_string(),
        "use \"../lib/part.seq\"".to_string(),
        "use \"below/../../lib/part.seq\"".to_string(),
        "use \"../missing.seq\"".to_string(),
        "shape s = \"../secret.txt\"".to_string(),
        format!("use \"{}\"", absolute.display()),
    ];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&absolute, own.join("link.seq")).unwrap();
        std::os::unix::fs::symlink(folder.join("lib"), own.join("linked")).unwrap();
        lines.extend(["use \"link.seq\"".to_string(), "use \"linked/part.seq\"".to_string()]);
    }
    for line in &lines {
        let done = ergoseq(&["check", program(line).to_str().unwrap()]);
        let said = text(&done.stderr);
        assert_eq!(code(&done), 1, "{line}: {said}");
        assert!(said.contains("is outside the folder of the program"), "{line}: {said}");
        assert!(!said.contains("topsecret"), "{line}: {said}");
    }
    // A file of the folder that is no program shows nothing either.
    let done = ergoseq(&["check", program("use \"notes.txt\"").to_str().unwrap()]);
    assert!(text(&done.stderr).contains("is not an ergoseq program") && !text(&done.stderr).contains("topsecret"));
    let done = ergoseq(&["check", program("use \"below/part.seq\"").to_str().unwrap()]);
    assert_eq!(code(&done), 0, "{}", text(&done.stderr));
    let allowed = folder.join("lib");
    let path = program("use \"../lib/part.seq\"");
    let done = ergoseq(&["check", path.to_str().unwrap(), "--allow-path", allowed.to_str().unwrap()]);
    assert_eq!(code(&done), 0, "{}", text(&done.stderr));
}

/// No command writes over a file that it reads, by whatever name, and a link that is written to stays one.
#[test]
fn inputs_are_never_outputs() {
    let folder = scratch("inputs");
    let path = folder.join("a.seq");
    let program = "ergoseq 1\nunits natural\nparam x = 1\nuse \"part.seq\"\nsystem { spin a : 1/2 }\nbattery { energy = Z(a) }\n\
                   sequence {\nprepare ket \"0\"\nevolve x*X(a) for 1 record 5 as c\n}\nmeasure { energy }\n";
    std::fs::write(&path, program).unwrap();
    std::fs::write(folder.join("part.seq"), "ergoseq 1\n").unwrap();
    let file = path.to_str().unwrap();
    let indirect = folder.join("./a.seq");
    let mut outputs = vec![file.to_string(), indirect.to_str().unwrap().to_string()];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("a.seq", folder.join("link.csv")).unwrap();
        outputs.push(folder.join("link.csv").to_str().unwrap().to_string());
    }
    for output in &outputs {
        for command in [
            vec!["run", file, "--format", "csv", "--output", output, "--force"],
            vec!["report", file, "--output", output, "--force"],
            vec!["sweep", file, "--sweep", "x=0,1", "--output", output, "--force"],
        ] {
            let done = ergoseq(&command);
            assert_eq!(code(&done), 3, "{command:?}: {}", text(&done.stderr));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), program, "{command:?}");
        }
    }
    let part = folder.join("part.seq");
    let done = ergoseq(&["run", file, "--output", part.to_str().unwrap(), "--force"]);
    assert_eq!(code(&done), 3, "{}", text(&done.stderr));
    assert_eq!(std::fs::read_to_string(&part).unwrap(), "ergoseq 1\n");
}

#[test]
fn fmt_keeps_the_ends_of_lines_and_the_mark_of_byte_order() {
    let folder = scratch("line_ends");
    let path = folder.join("a.seq");
    std::fs::write(&path, "\u{feff}ergoseq 1\r\nunits natural\r\nsystem {\r\nspin a : 1/2\r\n}\r\n").unwrap();
    assert_eq!(code(&ergoseq(&["fmt", path.to_str().unwrap()])), 0);
    let tidy = std::fs::read_to_string(&path).unwrap();
    assert_eq!(tidy, "\u{feff}ergoseq 1\r\nunits natural\r\nsystem {\r\n    spin a : 1/2\r\n}\r\n");
    assert_eq!(code(&ergoseq(&["fmt", "--check", path.to_str().unwrap()])), 0);
}

#[test]
fn watching_a_file_that_is_not_there_is_refused() {
    let folder = scratch("watch_missing");
    let done = ergoseq(&["watch", folder.join("a.seq").to_str().unwrap()]);
    assert_eq!(code(&done), 3);
    assert!(text(&done.stderr).contains("[E601]"), "{}", text(&done.stderr));
}

#[test]
fn commands_end_when_their_time_is_over() {
    let folder = scratch("max_time");
    let path = folder.join("a.seq");
    let slow = "ergoseq 1\nunits natural\nsystem { spin s[8] : 1/2 }\nhamiltonian H = sum(k in 1..7, X(s[k])*X(s[k+1])) + Z(s[1])\n\
                battery { energy = H }\nsequence {\nprepare gibbs(H, 1)\nloop 100000 { evolve (1 + cos(t))*Y(s[1]) + H for 1000 }\n}\n\
                measure { ergotropy }\n";
    std::fs::write(&path, slow).unwrap();
    let output = folder.join("out.csv");
    let file = path.to_str().unwrap();
    let done = ergoseq(&["run", file, "--max-time", "200ms", "--format", "csv", "--output", output.to_str().unwrap()]);
    assert_eq!(code(&done), 1);
    assert!(text(&done.stderr).contains("[E507]"), "{}", text(&done.stderr));
    assert!(!output.exists());
    let wrong = ergoseq(&["run", file, "--max-time", "soon"]);
    assert_eq!(code(&wrong), 2, "{}", text(&wrong.stderr));
}

#[test]
fn messages_beside_json_are_json() {
    let folder = scratch("json_messages");
    let path = folder.join("a.seq");
    std::fs::write(&path, "ergoseq 1\nunits natural\nsystem { spin a : 1/2 }\nsequence { prepare kte \"0\" }\n")
        .unwrap();
    let done = ergoseq(&["run", path.to_str().unwrap(), "--format", "json"]);
    assert_eq!(code(&done), 1);
    let said = text(&done.stderr);
    for line in said.lines() {
        let message: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(message["severity"], "error");
        assert!(message["code"].as_str().unwrap().starts_with('E') && message["line"] == 4, "{line}");
    }
    assert!(!said.is_empty());
}

/// Writes that fail leave what was there, nothing half-written, and a message.
#[cfg(unix)]
#[test]
fn writes_that_fail_leave_what_was_there() {
    let folder = scratch("failing_writes");
    let run = |limit: &str, arguments: &str| {
        let line = format!("ulimit -f {limit}; trap '' XFSZ; exec {} {arguments}", env!("CARGO_BIN_EXE_ergoseq"));
        std::process::Command::new("sh").args(["-c", &line]).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
    };
    let output = folder.join("result.csv");
    std::fs::write(&output, "what was there\n").unwrap();
    let arguments = format!("run {CHARGING} --format csv --force --output {}", output.display());
    let failed = run("1", &arguments);
    assert_eq!(code(&failed), 3, "{}", text(&failed.stderr));
    assert!(text(&failed.stderr).contains("[E602]"), "{}", text(&failed.stderr));
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "what was there\n");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing half-written is left");
    // A sweep that cannot be begun leaves no file, and says so.
    let map = folder.join("map.nc");
    let sweep = format!("sweep {CHARGING} --sweep \"T=0.1 .. 4 points 2000\" --output {}", map.display());
    let failed = run("4", &sweep);
    assert_eq!(code(&failed), 3, "{}", text(&failed.stderr));
    assert!(!map.exists());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing half-written is left");
    // A device takes what it can.
    if std::path::Path::new("/dev/full").exists() {
        let full = ergoseq(&["run", CHARGING, "--format", "csv", "--force", "--output", "/dev/full"]);
        assert_eq!(code(&full), 3, "{}", text(&full.stderr));
    }
}

/// A sweep that is killed at any moment goes on, and its file is byte for byte that of one that was not.
#[test]
fn sweeps_that_are_killed_go_on_to_the_same_file() {
    let folder = scratch("killed");
    let whole = folder.join("whole.nc");
    let sweep = |output: &std::path::Path, resume: bool| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ergoseq"));
        command.args(["sweep", CHARGING, "--sweep", "T=0.1 .. 4 points 400", "--threads", "2", "--output"]).arg(output);
        if resume {
            command.arg("--resume");
        }
        command.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(std::process::Stdio::null());
        command
    };
    assert!(sweep(&whole, false).status().unwrap().success());
    let expected = std::fs::read(&whole).unwrap();
    for (k, milliseconds) in [1, 5, 12, 25, 40, 60, 90, 130].into_iter().enumerate() {
        let map = folder.join(format!("map{k}.nc"));
        let mut child = sweep(&map, false).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        let _ = child.kill();
        child.wait().unwrap();
        let again = sweep(&map, map.exists()).status().unwrap();
        assert!(again.success(), "killed after {milliseconds} ms");
        assert!(std::fs::read(&map).unwrap() == expected, "killed after {milliseconds} ms");
    }
}
