//! Files of numbers: shapes, density matrices, spectrometers, tables, decays, sweeps.

use super::EDGES;
use ergoseq::output::dataset::Dataset;
use ergoseq::{check, decays, delimited, tomography};

pub fn shape_words() -> Vec<&'static str> {
    let mut out = vec![
        "##TITLE=",
        "##XYPOINTS= (XY..XY)\n",
        "##NPOINTS=",
        "##END=",
        "##$SHAPE_USER_DEF=",
        "# TYPE",
        "# MODULATION",
        "RFVERSION_F",
        "# phases mirrored\n",
        "$$",
        "%",
        "\t",
        ",",
        ";",
        "\r\n",
        "\n",
        " ",
        "100.0",
        "1023",
        "1100",
        "[",
        "{",
    ];
    out.extend(EDGES);
    out
}

/// A shape has amplitudes from 0 to 1, one of which is 1, and phases that are numbers.
pub fn shape(input: &[u8]) {
    let text = ergoseq::source::decoded("s.txt", input.to_vec()).unwrap_or_default();
    let Ok(steps) = check::shape_file(&text) else { return };
    assert!(!steps.is_empty(), "a shape without steps");
    for (amplitude, phase) in steps {
        assert!((0.0..=1.0).contains(&amplitude) && phase.is_finite(), "a step of {amplitude} and {phase}");
    }
}

/// A density matrix is square, of numbers.
pub fn density(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(rows) = check::density_file(text) else { return };
    assert!(rows.iter().all(|row| row.len() == rows.len()), "a matrix that is not square");
    assert!(rows.iter().flatten().all(|(re, im)| re.is_finite() && im.is_finite()), "an element is not finite");
}

/// The statements of a spectrometer in YAML are checked as those of a program.
pub fn spectrometer(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(statements) = check::spectrometers(text) else { return };
    let mut reader = |_: &str, _: &str| Ok(("s.yaml".to_string(), text.to_string()));
    let _ = ergoseq::compile("fuzz.seq", "ergoseq 1\nuse \"s.yaml\"\nsystem { spin a : 1/2 }", &mut reader);
    let _ = ergoseq::syntax::parse(&statements, 0);
}

pub fn table_words() -> Vec<&'static str> {
    let mut out = vec![
        "tau [us]",
        "readout",
        "nucleus",
        "frequency [Hz]",
        "real",
        "imaginary",
        "setting",
        "outcome",
        "count",
        "xy",
        "01",
        "sep=;\n",
        "\"",
        "\"\"",
        ",",
        ";",
        "\t",
        "#",
        "%",
        "(",
        ")",
        "\r\n",
        "\r",
        "\n",
        "nan",
        "-",
        "\u{a0}",
        "\u{2212}1",
        "1,5",
        "-5D-1",
        "j",
        "i",
        "{\"re\": [[",
        "]]}",
        "\"im\"",
    ];
    out.extend(EDGES);
    out
}

/// Rows of a table have as many cells as its head.
pub fn table(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for headed in [true, false] {
        let Ok(table) = delimited::table(text, |_| headed) else { continue };
        let width = table.rows.first().map_or(0, |(_, cells)| cells.len());
        assert!(table.rows.iter().all(|(_, cells)| cells.len() == width), "rows of different lengths");
        for cell in table.head.iter().chain(table.rows.iter().flat_map(|(_, cells)| cells)) {
            delimited::name_and_unit(cell);
            if let Ok(Some(x)) = delimited::number(cell) {
                assert!(x.is_finite(), "`{cell}` is {x}");
            }
        }
    }
    let _ = tomography::data::read(text);
    for spins in [1, 2, 3] {
        let _ = tomography::read_counts(text, spins);
    }
}

pub fn decay_words() -> Vec<&'static str> {
    let mut out = vec![
        "\0\0\0\0",
        "\u{7f}\u{7f}\u{7f}\u{7f}",
        "\n===\n",
        "##JCAMP-DX= 5.00\n",
        "##DATA TYPE= NMR FID\n",
        "##.OBSERVE FREQUENCY= 400\n",
        "##.OBSERVE NUCLEUS= ^1H\n",
        "##NTUPLES= NMR FID\n",
        "##VAR_DIM= 4, 4, 4, 4\n",
        "##SYMBOL= X, R, I, N\n",
        "##PAGE= N=1\n",
        "##DATA TABLE= (X++(R..R)), XYDATA\n",
        "##FACTOR= 1,1,1,1\n",
        "##FIRST= 0,0,0,1\n",
        "##LAST= 1,0,0,2\n",
        "##END=\n",
        "##UNITS=",
        "##NPOINTS= 4\n",
        "##DELTAX=",
        "@",
        "A",
        "a",
        "%",
        "J",
        "j",
        "S",
        "s",
        "T",
        "Z",
        "SIMP\n",
        "NP=4\n",
        "SW=1000\n",
        "TYPE=FID\n",
        "FORMAT=BINARY\n",
        "PREC=4\n",
        "DATA\n",
        "END\n",
        "##$TD= 8\n",
        "##$SW_h= 1000\n",
        "##$BYTORDA= 1\n",
        "##$DTYPA= 2\n",
        "##$NUC1= <1H>\n",
        "##$SFO1= 400\n",
        "##$O1= 0\n",
        "##$GRPDLY= -1\n",
        "##$DECIM= 16\n",
        "##$DSPFVS= 12\n",
        "##$FnMODE= 5\n",
        "##$AQ_mod= 3\n",
        "np 1 1 1 1 1 1 1\n1 8\n",
        "sw 1 1 1 1 1 1 1\n1 1000\n",
        "tn 2 2 2 2 2 2 2\n1 \"H1\"\n",
        "sfrq 1 1\n1 400\n",
    ];
    out.extend(EDGES);
    out
}

/// A decay, in the format that its first byte names; parts of a data set stand between lines of `===`. Its points are numbers.
pub fn decay(input: &[u8]) {
    const BETWEEN: &[u8] = b"\n===\n";
    let Some((kind, rest)) = input.split_first() else { return };
    let cut = rest.windows(BETWEEN.len()).position(|w| w == BETWEEN);
    let (head, body) = cut.map_or((rest, &rest[rest.len()..]), |at| (&rest[..at], &rest[at + BETWEEN.len()..]));
    let head = String::from_utf8_lossy(head);
    let whole = String::from_utf8_lossy(rest);
    let read = match kind % 6 {
        0 => decays::jcamp::jcamp(&whole),
        1 => decays::simpson::simpson(&whole),
        2 => decays::nmrpipe::nmrpipe(rest),
        3 => decays::bruker::bruker(&head, None, body, decays::bruker::Kind::Fid),
        4 => decays::bruker::bruker(&head, Some(&head), body, decays::bruker::Kind::Ser),
        _ => decays::varian::varian(&head, body),
    };
    let Ok(series) = read else { return };
    assert!(series.rows.iter().flatten().all(|z| z.re.is_finite() && z.im.is_finite()), "a point is not finite");
    let _ = series.hypercomplex();
    series.spectrometer_rows().for_each(drop);
}

pub fn netcdf_words() -> Vec<&'static str> {
    let mut out = vec![
        "CDF\u{5}",
        "\0\0\0\0\0\0\0\u{1}",
        "\0\0\0\n",
        "\0\0\0\u{b}",
        "\0\0\0\u{c}",
        "\0\0\0\0",
        "\u{7f}\u{7f}\u{7f}\u{7f}",
        "status",
        "source",
        "point",
        "mark",
    ];
    out.extend(EDGES);
    out
}

/// The header of a sweep that is read is written as the same header.
pub fn netcdf(input: &[u8]) {
    let Ok(dataset) = Dataset::read(input) else { return };
    let again = ergoseq::output::netcdf::Header::read(&dataset.header.bytes());
    assert!(again.as_ref() == Ok(&dataset.header), "what is written is not what was read: {again:?}");
    for variable in &dataset.header.variables {
        dataset.header.size(variable);
    }
    dataset.header.end();
    if dataset.points > 0 {
        dataset.statuses(dataset.points - 1, &[0]);
        dataset.parts(0, dataset.points);
    }
}
