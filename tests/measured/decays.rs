//! The decays of a charged pair in every dialect: each is read to the same energy, or refused with the reason.

use super::writers::{Form, acqus, float64, int32, jcamp, nmrpipe, procpar, simpson, simpson_packed, varian, whole};
use super::{cases, ergoseq, said, scratch};
use ergoseq::linalg::C64;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What whole numbers are scaled by: the largest point, some 1e-5, becomes 1e8.
const SCALE: f64 = 1e13;

/// Points of a decay, and how many finer ones lie between two.
const POINTS: usize = 256;
const FINE: usize = 8;

/// The decays of the pair in the spectrometer's sense of frequency, point by point of a finer dwell.
static PAIR: LazyLock<Vec<(String, String, Vec<C64>)>> = LazyLock::new(|| {
    let folder = scratch("pair");
    let text = std::fs::read_to_string(pair()).unwrap();
    let fine = text.replace("points = 256 dwell = 0.5 ms", "points = 2048 dwell = 0.0625 ms");
    let (file, data) = (folder.join("fine.seq"), folder.join("data"));
    std::fs::write(&file, fine).unwrap();
    let done = ergoseq(&["plan", file.to_str().unwrap(), "--decays", data.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let mut names: Vec<String> =
        std::fs::read_dir(&data).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let read = |name: &String| {
        let [word, nucleus, _] = name.split('.').collect::<Vec<_>>()[..] else { panic!("{name}") };
        let text = std::fs::read_to_string(data.join(name)).unwrap();
        let point = |line: &str| {
            let (re, im) = line.split_once(' ').unwrap();
            C64::new(re.parse().unwrap(), im.parse().unwrap())
        };
        let points = text.lines().skip_while(|l| *l != "DATA").skip(1).take_while(|l| *l != "END").map(point);
        (word.to_string(), nucleus.to_string(), points.collect())
    };
    names.iter().map(read).collect()
});

fn pair() -> PathBuf {
    cases("decays").join("pair.seq")
}

/// The points of a decay that begins so many eighths of a dwell late; before, the filter has let nothing through.
fn late(fine: &[C64], eighths: usize) -> Vec<C64> {
    let point = |k: usize| (FINE * k).checked_sub(eighths).map_or(C64::new(0.0, 0.0), |n| fine[n]);
    (0..POINTS).map(point).collect()
}

/// One decay, and where it goes.
struct Target<'a> {
    folder: &'a Path,
    word: &'a str,
    nucleus: &'a str,
    fine: &'a [C64],
}

impl Target<'_> {
    fn points(&self) -> Vec<C64> {
        late(self.fine, 0)
    }

    fn file(&self, ending: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.folder.join(format!("{}.{}{ending}", self.word, self.nucleus)), bytes).unwrap();
    }

    fn experiment(&self, ending: &str, files: &[(&str, Vec<u8>)]) {
        let own = self.folder.join(format!("{}.{}{ending}", self.word, self.nucleus));
        std::fs::create_dir_all(&own).unwrap();
        files.iter().for_each(|(name, bytes)| std::fs::write(own.join(name), bytes).unwrap());
    }

    /// Bruker's whole numbers.
    fn bruker(&self, more: &str, points: &[C64], big: bool, name: &str) {
        let head = acqus(self.nucleus, points.len(), more);
        self.experiment("", &[("acqus", head.into_bytes()), (name, int32(&whole(points, SCALE), big))]);
    }

    fn jcamp(&self, form: Form, change: impl Fn(String) -> String) {
        self.file(".jdx", change(jcamp(&self.points(), self.nucleus, SCALE, form)));
    }
}

/// Writes one decay of a dialect.
type Write = fn(&Target);

const AQ: &str = "##$AQ_mod= 3\n##$BYTORDA= 0\n##$DTYPA= 0\n";

/// Dialects that are read to the energy of the pair: name, the factor of its numbers, writer.
const READ: &[(&str, f64, Write)] = &[
    ("bruker_little", SCALE, |t| t.bruker(AQ, &t.points(), false, "fid")),
    ("bruker_big", SCALE, |t| t.bruker("##$AQ_mod= 1\n##$BYTORDA= 1\n", &t.points(), true, "fid")),
    ("bruker_nc", SCALE / 64.0, |t| t.bruker("##$NC= -6\n", &t.points(), false, "fid")),
    ("bruker_crlf", SCALE, |t| {
        let head = acqus(t.nucleus, POINTS, AQ).replace('\n', "\r\n").replace("nmr@", "m\u{fc}ller@");
        let head = head.chars().map(|c| c as u8).collect();
        t.experiment("", &[("acqus", head), ("fid", int32(&whole(&t.points(), SCALE), false))]);
    }),
    ("bruker_decimal_comma", SCALE, |t| {
        let head = acqus(t.nucleus, POINTS, AQ).replace("2000.0", "2000,0");
        t.experiment("", &[("acqus", head.into_bytes()), ("fid", int32(&whole(&t.points(), SCALE), false))]);
    }),
    ("bruker_double_little", 1.0, |t| {
        let head = acqus(t.nucleus, POINTS, "##$DTYPA= 2\n##$BYTORDA= 0\n").into_bytes();
        t.experiment("", &[("acqus", head), ("fid", float64(&t.points(), false))]);
    }),
    ("bruker_double_big", 1.0, |t| {
        let head = acqus(t.nucleus, POINTS, "##$DTYPA= 2\n##$BYTORDA= 1\n").into_bytes();
        t.experiment("", &[("acqus", head), ("fid", float64(&t.points(), true))]);
    }),
    ("bruker_grpdly_76", SCALE, |t| t.bruker("##$GRPDLY= 76\n", &late(t.fine, 8 * 76), false, "fid")),
    ("bruker_grpdly_fraction", SCALE, |t| {
        t.bruker("##$GRPDLY= 67.875\n##$DSPFVS= 20\n##$DECIM= 1000\n", &late(t.fine, 8 * 67 + 7), false, "fid");
    }),
    // 71.625 points, of the table.
    ("bruker_table", SCALE, |t| {
        t.bruker("##$GRPDLY= -1\n##$DSPFVS= 12\n##$DECIM= 16\n##$DIGMOD= 1\n", &late(t.fine, 573), false, "fid");
    }),
    ("bruker_table_10", SCALE, |t| {
        t.bruker("##$DSPFVS= 10\n##$DECIM= 4\n##$DIGMOD= 1\n", &late(t.fine, 8 * 66 + 5), false, "fid");
    }),
    ("bruker_analog", SCALE, |t| {
        t.bruker("##$GRPDLY= -1\n##$DSPFVS= 0\n##$DECIM= 1\n##$DIGMOD= 0\n", &t.points(), false, "fid");
    }),
    ("bruker_ser", SCALE, |t| t.bruker(AQ, &t.points(), false, "ser")),
    ("bruker_filled", SCALE, |t| {
        let mut bytes = int32(&whole(&t.points()[..250], SCALE), false);
        bytes.resize(2048, 0);
        t.experiment("", &[("acqus", acqus(t.nucleus, 250, AQ).into_bytes()), ("fid", bytes)]);
    }),
    ("varian", 1e9, |t| {
        let files = [("procpar", procpar(t.nucleus).into_bytes()), ("fid", varian(&t.points(), 1e9))];
        t.experiment(".fid", &files);
    }),
    ("nmrpipe", 1e9, |t| t.file(".fid", nmrpipe(&t.points(), t.nucleus, 1e9))),
    ("jcamp_affn", 1.0, |t| t.jcamp(Form::Affn, |s| s)),
    ("jcamp_pac", 1.0, |t| t.jcamp(Form::Pac, |s| s)),
    ("jcamp_sqz", 1.0, |t| t.jcamp(Form::Sqz, |s| s)),
    ("jcamp_difdup", 1.0, |t| t.jcamp(Form::DifDup, |s| s.replace('\n', "\r\n"))),
    ("jcamp_labels", 1.0, |t| {
        t.jcamp(Form::Affn, |s| s.replace("##DATA TYPE", "##DataType").replace("##VAR_DIM", "##var dim"))
    }),
    ("jcamp_microseconds", 1.0, |t| {
        t.jcamp(Form::Sqz, |s| s.replace("SECONDS,", "MICROSECONDS,").replace("##LAST= 0.1275,", "##LAST= 127500,"));
    }),
    ("jcamp_decimal_comma", 1.0, |t| {
        t.jcamp(Form::Sqz, |s| s.replace("##LAST= 0.1275,", "##LAST= 0,1275,").replace("498.15", "498,15"));
    }),
    ("jcamp_link", 1.0, |t| {
        t.jcamp(Form::Affn, |s| format!("##TITLE= l\n##DATA TYPE= LINK\n##BLOCKS= 1\n{s}##END=\n"));
    }),
    ("jcamp_grpdly", 1.0, |t| {
        let own = jcamp(&late(t.fine, 8 * 67 + 7), t.nucleus, SCALE, Form::DifDup);
        t.file(".dx", own.replace("##NTUPLES=", "##$GRPDLY= 67.875\n##$DIGMOD= 1\n##NTUPLES="));
    }),
    ("simpson", 1.0, |t| t.file(".fid", simpson(&t.points(), "TYPE=FID\n"))),
    ("simpson_more", 1.0, |t| {
        t.file(".fid", format!("\n{}", simpson(&t.points(), "REF=100.5\nNI=1\n").replace('\n', "\r\n")))
    }),
    ("simpson_packed", 1.0, |t| t.file(".fid", simpson_packed(&t.points()))),
    // The other sense of frequency, which the lines of the pair tell.
    ("mirrored", 1.0, |t| t.file(".fid", simpson(&t.points().iter().map(|z| z.conj()).collect::<Vec<_>>(), ""))),
];

fn written(name: &str, write: Write) -> PathBuf {
    let folder = scratch(name);
    for (word, nucleus, fine) in PAIR.iter() {
        write(&Target { folder: &folder, word, nucleus, fine });
    }
    folder
}

/// What the tomography of the pair says of a folder: the ergotropy, and whether the data are mirrored.
fn read(folder: &Path, scale: f64) -> Result<(f64, bool), String> {
    let (file, reference) = (pair(), format!("{:e}", reference() * scale));
    let mut arguments =
        vec!["tomography", file.to_str().unwrap(), "--data", folder.to_str().unwrap(), "--format", "json"];
    if scale != 1.0 {
        arguments.extend(["--reference", &reference]);
    }
    let done = ergoseq(&arguments);
    let found: serde_json::Value = serde_json::from_slice(&done.stdout).map_err(|_| said(&done))?;
    let point = &found["points"][0];
    let tomography = &point["tomography"][0];
    let ergotropy = point["marks"]["tomography"]["values"]["ergotropy"].as_f64().unwrap();
    Ok((ergotropy, tomography["mirrored"].as_bool().unwrap()))
}

/// The strongest line of the thermal state: `Tr[rho F+]` of 1H at 11.7 T and 300 K is half of its polarisation, in two lines.
fn reference() -> f64 {
    const HBAR: f64 = 1.054_571_817_646_156e-34;
    0.25 * (HBAR * 267.522_187_4e6 * 11.7 / (2.0 * 1.380_649e-23 * 300.0)).tanh()
}

/// W of the pair by the emulation, which tests of its physics compare with closed forms.
const ERGOTROPY: f64 = 9.931_146_5e-30;

#[test]
fn every_dialect_is_read_to_the_same_energy() {
    let mut wrong = Vec::new();
    for (name, scale, write) in READ {
        match read(&written(name, *write), *scale) {
            // Whole numbers of nine digits, a T2 that is fitted to eight, and single precision.
            Ok((ergotropy, mirrored)) => {
                let mirror = *name == "mirrored";
                if (ergotropy / ERGOTROPY - 1.0).abs() > 1e-6 || mirrored != mirror {
                    wrong.push(format!("{name}: {ergotropy:e}, mirrored: {mirrored}"));
                }
            }
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Dialects that are refused, with words of the reason.
const REFUSED: &[(&str, &str, Write)] = &[
    ("qf", "AQ_mod is 0 (qf): single-channel", |t| t.bruker("##$AQ_mod= 0\n", &t.points(), false, "fid")),
    ("qseq", "AQ_mod is 2 (qseq)", |t| t.bruker("##$AQ_mod= 2\n", &t.points(), false, "fid")),
    ("td", "TD announces 1024 numbers, but the file has 512", |t| {
        let head = acqus(t.nucleus, 2 * POINTS, AQ).into_bytes();
        t.experiment("", &[("acqus", head), ("fid", int32(&whole(&t.points(), SCALE), false))]);
    }),
    ("absurd", "but the file has 512", |t| {
        let head = acqus(t.nucleus, 1 << 40, AQ).into_bytes();
        t.experiment("", &[("acqus", head), ("fid", int32(&whole(&t.points(), SCALE), false))]);
    }),
    ("nucleus", "an FID of 13C, by its parameters one of 1H", |t| {
        let head = acqus("1H", POINTS, AQ).into_bytes();
        t.experiment("", &[("acqus", head), ("fid", int32(&whole(&t.points(), SCALE), false))]);
    }),
    ("transmitter", "its transmitter is at 600 MHz, but 1H is at 498.1", |t| {
        let head = acqus(t.nucleus, POINTS, AQ).replace("SFO1= 498.15", "SFO1= 600");
        t.experiment("", &[("acqus", head.into_bytes()), ("fid", int32(&whole(&t.points(), SCALE), false))]);
    }),
    ("carrier", "its carrier is at 4.7 ppm (2341 Hz from 0 ppm), that of the program at 0 ppm", |t| {
        let head = acqus(t.nucleus, POINTS, AQ).replace("SFO1= 498.15", "SFO1= 498.152341305");
        t.experiment("", &[("acqus", head.into_bytes()), ("fid", int32(&whole(&t.points(), SCALE), false))]);
    }),
    ("width", "has a sweep width of 4000 Hz, but the program has 2000 Hz", |t| {
        t.file(".fid", simpson(&t.points(), "").replace("SW=2000.0", "SW=4000.0"));
    }),
    ("spectrum", "it is of type SPE, not FID", |t| t.file(".fid", simpson(&t.points(), "TYPE=SPE\n"))),
    ("decim", "DSPFVS = 12 has no DECIM = 17", |t| {
        t.bruker("##$DSPFVS= 12\n##$DECIM= 17\n##$DIGMOD= 1\n", &t.points(), false, "fid");
    }),
    ("empty", "sw of procpar is missing", |t| {
        t.experiment(".fid", &[("procpar", b"sw 1 1\n".to_vec()), ("fid", vec![0; 64])])
    }),
    ("nothing", "neither acqus nor procpar", |t| t.experiment("", &[("fid", vec![0; 64])])),
    ("both", "the folder holds both fid and ser", |t| {
        t.experiment("", &[("acqus", acqus(t.nucleus, POINTS, AQ).into_bytes()), ("fid", vec![]), ("ser", vec![])]);
    }),
    ("rows", "holds 2 rows, but its name gives a single readout", |t| {
        let mut bytes = int32(&whole(&t.points(), SCALE), false);
        bytes.extend(bytes.clone());
        t.experiment("", &[("acqus", acqus(t.nucleus, POINTS, AQ).into_bytes()), ("ser", bytes)]);
    }),
];

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    let mut wrong = Vec::new();
    for (name, why, write) in REFUSED {
        match read(&written(name, *write), SCALE) {
            Err(said) if said.contains(why) && said.contains("\"code\":\"E") => {}
            other => wrong.push(format!("{name} ({why}): {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One experiment of Bruker's a nucleus, a row for every readout.
#[test]
fn rows_of_one_experiment_are_readouts_in_the_order_of_the_plan() {
    let plan = ergoseq(&["plan", pair().to_str().unwrap()]);
    let plan = String::from_utf8(plan.stdout).unwrap();
    let words: Vec<&str> = plan.lines().skip(1).map_while(|l| l.split_whitespace().nth(1)).collect();
    assert_eq!(words.len(), 4, "{plan}");
    let folder = scratch("pseudo_2d");
    for nucleus in ["1H", "13C"] {
        let own = folder.join(nucleus);
        std::fs::create_dir_all(&own).unwrap();
        let row = |word: &&str| {
            let (_, _, fine) = PAIR.iter().find(|(w, n, _)| w == word && n == nucleus).unwrap();
            int32(&whole(&late(fine, 0), SCALE), false)
        };
        let bytes: Vec<u8> = words.iter().flat_map(row).collect();
        std::fs::write(own.join("acqus"), acqus(nucleus, POINTS, AQ)).unwrap();
        std::fs::write(own.join("acqu2s"), "##TITLE= x\n##$FnMODE= 1\n##$TD= 4\n##END=\n").unwrap();
        std::fs::write(own.join("ser"), bytes).unwrap();
    }
    let (ergotropy, _) = read(&folder, SCALE).unwrap();
    assert!((ergotropy / ERGOTROPY - 1.0).abs() < 1e-6, "{ergotropy}");
    std::fs::write(folder.join("1H/acqu2s"), "##$FnMODE= 1\n##$TD= 3\n").unwrap();
    assert!(read(&folder, SCALE).unwrap_err().contains("has 3 rows, but there are 4 readouts with one row each: II"));
    std::fs::write(folder.join("1H/acqu2s"), "##$FnMODE= 5\n##$TD= 4\n").unwrap();
    assert!(read(&folder, SCALE).unwrap_err().contains("two-dimensional experiment"));
    std::fs::write(folder.join("1H/acqu2s"), "##$FnMODE= 1\n##$TD= 5\n").unwrap();
    assert!(read(&folder, SCALE).unwrap_err().contains("5 rows"));
}

/// On resonance nothing tells the sense of frequency, and the spectrometer's holds.
#[test]
fn on_resonance_the_sense_of_the_spectrometer_holds() {
    let folder = scratch("resonance");
    let file = folder.join("pair.seq");
    let text = std::fs::read_to_string(pair()).unwrap();
    std::fs::write(&file, text.replace("0.3 ppm", "0 ppm").replace("0.7 ppm", "0 ppm")).unwrap();
    let data = folder.join("data");
    let (file, data) = (file.to_str().unwrap(), data.to_str().unwrap());
    assert_eq!(ergoseq(&["plan", file, "--decays", data]).status.code(), Some(0));
    let value = || {
        let done = ergoseq(&["tomography", file, "--data", data, "--format", "json"]);
        let found: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        found["points"][0]["marks"]["tomography"]["values"]["ergotropy"].as_f64().unwrap()
    };
    assert!((value() / ERGOTROPY - 1.0).abs() < 1e-6, "{}", value());
    for entry in std::fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mirrored: String = text
            .lines()
            .map(|line| match line.split_once(' ') {
                Some((re, im)) if im.starts_with('-') => format!("{re} {}\n", &im[1..]),
                Some((re, im)) => format!("{re} -{im}\n"),
                None => format!("{line}\n"),
            })
            .collect();
        std::fs::write(&path, mirrored).unwrap();
    }
    // The same doublet with its two lines exchanged: another state, of 3.53e-30 J.
    assert!((value() / 3.530e-30 - 1.0).abs() < 1e-3, "{}", value());
}

#[test]
fn strangers_and_links_are_told() {
    let write: Write = |t| t.file(".fid", simpson(&t.points(), ""));
    let folder = written("strangers", write);
    std::fs::write(folder.join(".DS_Store"), [0]).unwrap();
    std::fs::write(folder.join("Thumbs.db"), [0]).unwrap();
    assert!(read(&folder, 1.0).is_ok());
    std::fs::write(folder.join("notes.txt"), "").unwrap();
    assert!(read(&folder, 1.0).unwrap_err().contains("notes.txt` is not an FID"));
    std::fs::remove_file(folder.join("notes.txt")).unwrap();
    std::fs::create_dir(folder.join("XX.1H.extra")).unwrap();
    assert!(read(&folder, 1.0).unwrap_err().contains("is not named READOUT.NUCLEUS"));
    std::fs::remove_dir(folder.join("XX.1H.extra")).unwrap();
    assert!(read(&scratch("no_decays"), 1.0).unwrap_err().contains("holds no FID"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        let outside = scratch("outside");
        let own = folder.join("II.1H.fid");
        std::fs::rename(&own, outside.join("secret.fid")).unwrap();
        symlink(outside.join("secret.fid"), &own).unwrap();
        assert!(read(&folder, 1.0).unwrap_err().contains("is a link that leaves the folder"));
        std::fs::remove_file(&own).unwrap();
        symlink(&outside, folder.join("II.1H")).unwrap();
        assert!(read(&folder, 1.0).unwrap_err().contains("is a link that leaves the folder"));
        // A link inside of the folder leads to what is there anyway.
        std::fs::remove_file(folder.join("II.1H")).unwrap();
        std::fs::rename(outside.join("secret.fid"), folder.join(".kept")).unwrap();
        symlink(folder.join(".kept"), &own).unwrap();
        assert!(read(&folder, 1.0).is_ok());
    }
}
