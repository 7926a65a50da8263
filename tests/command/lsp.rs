//! The language server, driven as an editor does it: through its standard input and output.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    next: u64,
    /// The latest diagnostics.
    diagnostics: Vec<Value>,
}

const FILE: &str = "file:///nowhere/my%20file.seq";

impl Client {
    fn new(capabilities: Value) -> Client {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ergoseq"))
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut client = Client { child, input, output, next: 0, diagnostics: vec![] };
        let answer =
            client.ask("initialize", json!({ "processId": null, "rootUri": null, "capabilities": capabilities }));
        assert_eq!(answer["serverInfo"]["name"], "ergoseq");
        client.tell("initialized", json!({}));
        client
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server has hung up");
            if line == "\r\n" {
                break;
            }
            if let Some(n) = line.strip_prefix("Content-Length: ") {
                length = n.trim().parse().unwrap();
            }
        }
        let mut bytes = vec![0; length];
        self.output.read_exact(&mut bytes).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Asks and waits; what is told meanwhile is kept.
    fn answer(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.read();
            if message["id"] == id {
                return message;
            }
            if message["method"] == "textDocument/publishDiagnostics" {
                self.diagnostics = message["params"]["diagnostics"].as_array().unwrap().clone();
            }
            assert_ne!(message["method"], "window/logMessage", "{message}");
        }
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params);
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].clone()
    }

    fn open(&mut self, text: &str) {
        self.tell(
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": FILE, "languageId": "seq", "version": 1, "text": text } }),
        );
    }

    fn change(&mut self, changes: Value) {
        self.tell(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": FILE, "version": 2 }, "contentChanges": changes }),
        );
    }

    fn at(&mut self, method: &str, line: u64, character: u64) -> Value {
        self.ask(
            method,
            json!({ "textDocument": { "uri": FILE }, "position": { "line": line, "character": character },
                    "context": { "includeDeclaration": true } }),
        )
    }

    fn about(&mut self, method: &str) -> Value {
        self.ask(method, json!({ "textDocument": { "uri": FILE } }))
    }

    fn end(mut self) {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        assert!(self.child.wait().unwrap().success());
    }
}

const TEXT: &str = "ergoseq 1
title \"Größe 𝛼\"  # ä 𝛼 before names
param τ = 3 us, theta = 90 deg, rf = 100 kHz
system {
    field 11.7 T
    temperature 300 K
    spin p, q : 1H
    dipolar p q = -30 kHz
}
channel 1H { rf = rf }
battery { energy = dipolar }
sequence {
    prepare thermal
    pulse 1H theta phase x
    delay τ
    mark charged
}
measure {
    W = ergotropy
    capacity
}
expect W at charged = 0 within 1
";

fn words(value: &Value) -> Vec<&str> {
    value["items"].as_array().unwrap().iter().map(|i| i["label"].as_str().unwrap()).collect()
}

fn place(range: &Value) -> (u64, u64, u64, u64) {
    let n = |v: &Value| v.as_u64().unwrap();
    let (s, e) = (&range["start"], &range["end"]);
    (n(&s["line"]), n(&s["character"]), n(&e["line"]), n(&e["character"]))
}

#[test]
fn a_program_is_written_with_its_help() {
    let mut c = Client::new(json!({}));
    c.open(TEXT);
    // What a name is, with its value; what a metric, a nucleus, a unit and a word are.
    let hover = c.at("textDocument/hover", 2, 6);
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(
        text.contains("**τ**: a parameter") && text.contains("= 3e-6 s") && text.contains("used 1 times"),
        "{text}"
    );
    assert!(c.diagnostics.is_empty(), "{:?}", c.diagnostics);
    let about = |c: &mut Client, line, character| {
        c.at("textDocument/hover", line, character)["contents"]["value"].as_str().unwrap().to_string()
    };
    assert!(about(&mut c, 18, 10).contains("E - sum_k r_k(down) e_k(up)"));
    assert!(about(&mut c, 6, 17).contains("spin 1/2"));
    assert!(about(&mut c, 4, 15).contains("tesla"));
    assert!(about(&mut c, 14, 6).contains("free evolution"));
    // A definition before which letters take two places in UTF-16 and four bytes: the second use of theta.
    let defined = c.at("textDocument/definition", 13, 14);
    assert_eq!(place(&defined["range"]), (2, 16, 2, 21));
    // The parameter `rf` is used once: the first of `rf = rf` is a setting.
    let all = c.at("textDocument/references", 2, 33);
    let places: Vec<_> = all.as_array().unwrap().iter().map(|l| place(&l["range"])).collect();
    assert_eq!(places, [(2, 32, 2, 34), (9, 18, 9, 20)]);
    // A mark is a name of its own kind.
    let all = c.at("textDocument/references", 15, 12);
    assert_eq!(all.as_array().unwrap().len(), 2);
    // What may stand where.
    let params = |line: u64, character: u64| json!({ "textDocument": { "uri": FILE }, "position": { "line": line, "character": character } });
    let all = c.ask("textDocument/completion", params(13, 10));
    assert!(words(&all).contains(&"13C"));
    let all = c.ask("textDocument/completion", params(4, 15));
    assert!(words(&all).contains(&"T") && !words(&all).contains(&"ergotropy"));
    let all = c.ask("textDocument/completion", params(18, 9));
    assert!(words(&all).contains(&"ergotropy") && words(&all).contains(&"theta"));
    let all = c.ask("textDocument/completion", params(14, 4));
    assert!(words(&all).contains(&"crush") && !words(&all).contains(&"hamiltonian"));
    // What follows from the text: 90 degrees at 100 kHz take 2.5 us; the delay is 3 us by its parameter.
    let hints = c.ask(
        "textDocument/inlayHint",
        json!({ "textDocument": { "uri": FILE }, "range": { "start": { "line": 0, "character": 0 }, "end": { "line": 30, "character": 0 } } }),
    );
    let shown: Vec<(u64, &str)> = hints
        .as_array()
        .unwrap()
        .iter()
        .map(|h| (h["position"]["line"].as_u64().unwrap(), h["label"].as_str().unwrap()))
        .collect();
    assert_eq!(shown, [(13, "2.5 us"), (14, "3 us")]);
    let names: Vec<String> = c
        .about("textDocument/documentSymbol")
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap().into())
        .collect();
    assert!(names.contains(&"Größe 𝛼".to_string()) && names.contains(&"sequence".to_string()), "{names:?}");
    assert_eq!(c.about("textDocument/formatting"), json!([]));
    c.end();
}

#[test]
fn names_are_changed_everywhere_or_not_at_all() {
    let mut c = Client::new(json!({}));
    c.open(TEXT);
    let rename = |c: &mut Client, line: u64, character: u64, new: &str| {
        c.answer(
            "textDocument/rename",
            json!({ "textDocument": { "uri": FILE }, "position": { "line": line, "character": character }, "newName": new }),
        )
    };
    let answer = rename(&mut c, 2, 6, "wait");
    let edits = answer["result"]["changes"][FILE].as_array().unwrap();
    let places: Vec<_> = edits.iter().map(|e| place(&e["range"])).collect();
    assert_eq!(places, [(2, 6, 2, 7), (14, 10, 14, 11)]);
    // Done by the editor, the program is as right as before.
    let changes: Vec<Value> =
        edits.iter().rev().map(|e| json!({ "range": e["range"], "text": e["newText"] })).collect();
    c.change(json!(changes));
    assert!(c.at("textDocument/hover", 2, 7)["contents"]["value"].as_str().unwrap().contains("**wait**"));
    assert!(c.diagnostics.is_empty(), "{:?}", c.diagnostics);
    for (line, character, new, says) in [
        (2, 7, "theta", "already declared"),
        (2, 7, "a b", "is not a valid name"),
        (2, 7, "pulse", "reserved word"),
        (2, 7, "t", "would have an error"),
        (12, 14, "x", "only names declared in this file"),
    ] {
        let answer = rename(&mut c, line, character, new);
        assert!(answer["error"]["message"].as_str().unwrap_or_default().contains(says), "{new}: {answer}");
    }
    c.end();
}

#[test]
fn mistakes_stand_where_they_are_and_can_be_mended() {
    let mut c = Client::new(json!({}));
    c.open(&TEXT.replace("prepare thermal", "prepare termal"));
    c.about("textDocument/documentSymbol");
    let [d] = c.diagnostics.as_slice() else { panic!("{:?}", c.diagnostics) };
    assert_eq!(
        (d["code"].as_str(), d["severity"].as_u64(), place(&d["range"])),
        (Some("E201"), Some(1), (12, 12, 12, 18))
    );
    let actions = c.ask(
        "textDocument/codeAction",
        json!({ "textDocument": { "uri": FILE }, "range": c.diagnostics[0]["range"], "context": { "diagnostics": [] } }),
    );
    assert_eq!(actions[0]["title"], "write `thermal`");
    let edit = &actions[0]["edit"]["changes"][FILE][0];
    c.change(json!([{ "range": edit["range"], "text": edit["newText"] }]));
    c.about("textDocument/documentSymbol");
    assert!(c.diagnostics.is_empty(), "{:?}", c.diagnostics);
    // Behind letters that take two places, positions are still right.
    c.change(json!([{ "text": "ergoseq 1 # 𝛼𝛼\nparam 𝛼 = 1, b = 𝛼 + c\nsystem { spin s : 1/2 }\nsequence { prepare mixed }\n" }]));
    c.about("textDocument/documentSymbol");
    let d = c.diagnostics.iter().find(|d| d["code"] == "E201").expect("an unknown name");
    assert_eq!(place(&d["range"]), (1, 23, 1, 24));
    c.end();
}

/// In UTF-8, where the editor prefers it, places are counted in bytes.
#[test]
fn places_may_be_bytes() {
    let mut c = Client::new(json!({ "general": { "positionEncodings": ["utf-8", "utf-16"] } }));
    c.open("ergoseq 1\nparam 𝛼 = 1, b = 𝛼 + c\nsystem { spin s : 1/2 }\nsequence { prepare mixed }\n");
    c.about("textDocument/documentSymbol");
    let d = c.diagnostics.iter().find(|d| d["code"] == "E201").expect("an unknown name");
    assert_eq!(place(&d["range"]), (1, 27, 1, 28));
    c.end();
}

/// A row of edits, letter by letter, forwards and backwards and at random places, asked everything in every state.
#[test]
fn no_state_of_a_text_ends_the_server() {
    let mut c = Client::new(json!({}));
    c.open("");
    // Typed letter by letter.
    let (mut line, mut character) = (0u64, 0u64);
    for (k, letter) in TEXT.chars().enumerate() {
        let here = json!({ "line": line, "character": character });
        c.change(json!([{ "range": { "start": here, "end": here }, "text": letter.to_string() }]));
        if letter == '\n' {
            (line, character) = (line + 1, 0);
        } else {
            character += letter.len_utf16() as u64;
        }
        if k % 7 == 0 {
            for method in ["textDocument/hover", "textDocument/completion", "textDocument/references"] {
                c.at(method, line, character);
            }
            for method in ["textDocument/documentSymbol", "textDocument/semanticTokens/full", "textDocument/formatting"]
            {
                c.about(method);
            }
        }
    }
    c.about("textDocument/documentSymbol");
    assert!(c.diagnostics.is_empty(), "{:?}", c.diagnostics);
    // Pieces torn out and put in at random, from a fixed seed; places may lie beyond the ends of lines and of the text.
    let mut seed = 12345u64;
    let mut random = |n: u64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) % n
    };
    let pieces = [
        "{",
        "}",
        "\"",
        "𝛼",
        "param",
        "=",
        "\n",
        "(((((",
        "1e999",
        "pulse 1H 90 deg",
        "use \"x.seq\"",
        "#",
        "[",
        "..",
        "é",
    ];
    for k in 0..400 {
        let (a, b) = (random(26), random(26));
        let start = json!({ "line": a.min(b), "character": random(40) });
        let end = json!({ "line": a.max(b).min(a.min(b) + 1), "character": random(40) });
        c.change(
            json!([{ "range": { "start": start, "end": end }, "text": pieces[random(pieces.len() as u64) as usize] }]),
        );
        if k % 20 == 0 {
            c.change(json!([{ "text": TEXT }]));
        }
        let (line, character) = (random(30), random(50));
        for method in
            ["textDocument/hover", "textDocument/completion", "textDocument/definition", "textDocument/prepareRename"]
        {
            c.at(method, line, character);
        }
        for method in ["textDocument/semanticTokens/full", "textDocument/inlayHint", "textDocument/documentSymbol"] {
            c.about(method);
        }
    }
    // What is not known is answered, and nobody is confused.
    let answer = c.answer("textDocument/unheardOf", json!({ "textDocument": { "uri": FILE } }));
    assert_eq!(answer["error"]["code"], -32601);
    let answer = c.answer("textDocument/hover", json!({ "textDocument": { "uri": "file:///other.seq" } }));
    assert!(answer["error"]["message"].as_str().unwrap().contains("not open"));
    c.end();
}

/// Every word has its colour, at its place, and colours come in order.
#[test]
fn words_have_colours() {
    let mut c = Client::new(json!({}));
    c.open(TEXT);
    let data: Vec<u64> = c.about("textDocument/semanticTokens/full")["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_u64().unwrap())
        .collect();
    let lines: Vec<Vec<u16>> = TEXT.lines().map(|l| l.encode_utf16().collect()).collect();
    let (mut line, mut column) = (0usize, 0usize);
    let mut seen: Vec<(String, u64)> = Vec::new();
    for word in data.chunks(5) {
        (line, column) =
            if word[0] > 0 { (line + word[0] as usize, word[1] as usize) } else { (line, column + word[1] as usize) };
        let text = String::from_utf16(&lines[line][column..column + word[2] as usize]).unwrap();
        seen.push((text, word[3]));
    }
    let colour = |name: &str| ergoseq::editor::COLOURS.iter().position(|c| *c == name).unwrap() as u64;
    for (word, name) in [
        ("# ä 𝛼 before names", "comment"),
        ("param", "keyword"),
        ("τ", "parameter"),
        ("us", "type"),
        ("ergotropy", "function"),
        ("charged", "property"),
        ("thermal", "function"),
        ("\"Größe 𝛼\"", "string"),
    ] {
        assert!(seen.contains(&(word.to_string(), colour(name))), "{word} is no {name}: {seen:?}");
    }
    c.end();
}

#[test]
fn decoupling_sequences_are_offered_and_explained() {
    let mut c = Client::new(json!({}));
    c.open("ergoseq 1\nsystem {\n field 9.4 T\n temperature 300 K\n spin h : 1H\n spin c : 13C\n}\nsequence {\n prepare thermal\n decouple 1H waltz16 rf = 5 kHz { delay 1 ms }\n}\nmeasure { purity }\n");
    let params =
        |character: u64| json!({ "textDocument": { "uri": FILE }, "position": { "line": 9, "character": character } });
    let all = c.ask("textDocument/completion", params(15));
    assert!(words(&all).contains(&"waltz16") && words(&all).contains(&"tppm") && !words(&all).contains(&"gauss"));
    let all = c.ask("textDocument/completion", params(10));
    assert!(words(&all).contains(&"1H") && !words(&all).contains(&"waltz16"));
    for (character, expected) in [(3, "decoupling sequence"), (15, "WALTZ-16")] {
        let hover = c.at("textDocument/hover", 9, character);
        assert!(hover["contents"]["value"].as_str().unwrap().contains(expected), "{hover}");
    }
}
