//! `ergoseq lsp`: answers an editor over standard input and output, in the language server protocol.
//!
//! Messages are answered in their order, one at a time: an answer always is about the text as the editor has it. Positions are those of
//! UTF-16, or of UTF-8 where the editor prefers it. A mistake of the server's own is an answer that says so, and never its end.

use crate::{Outcome, transport};
use ergoseq::diagnostic::{Code, Diagnostic, Severity};
use ergoseq::editor::{self, COLOURS, Document, Kind};
use ergoseq::source::Span;
use line_index::{LineCol, LineIndex, TextSize, WideEncoding, WideLineCol};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

/// An open file.
struct Open {
    document: Document,
    lines: LineIndex,
}

/// The state of a conversation.
pub struct Server {
    open: HashMap<String, Open>,
    utf8: bool,
}

/// A place in a text, as an editor counts.
#[derive(Clone, Copy, Default, Deserialize)]
struct Position {
    line: u32,
    character: u32,
}

/// From a place up to another one.
#[derive(Clone, Copy, Default, Deserialize)]
struct Range {
    start: Position,
    end: Position,
}

/// What an editor says of a file that it opens, changes or closes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    text_document: File,
    #[serde(default)]
    content_changes: Vec<Change>,
}

/// A file; its text only when it is opened.
#[derive(Deserialize)]
struct File {
    uri: String,
    text: Option<String>,
}

/// A new text for a range, or for the whole file.
#[derive(Deserialize)]
struct Change {
    range: Option<Range>,
    text: String,
}

/// Talks with an editor until it hangs up.
pub fn lsp() -> Outcome {
    let (connection, threads) = transport::stdio();
    let talked = talk(&connection);
    drop(connection);
    let joined = threads.join();
    match (talked, joined) {
        (Ok(()), Ok(())) => Outcome::Done,
        // The editor has closed the connection, so no message can be sent.
        _ => Outcome::Files,
    }
}

fn talk(connection: &Connection) -> Result<(), Box<dyn std::error::Error + Sync + Send>> {
    let (id, asked) = connection.initialize_start()?;
    let encodings = asked.pointer("/capabilities/general/positionEncodings").and_then(Value::as_array);
    let utf8 = encodings.is_some_and(|all| all.iter().any(|encoding| encoding == "utf-8"));
    connection.initialize_finish(
        id,
        json!({
            "capabilities": capabilities(utf8),
            "serverInfo": { "name": "ergoseq", "version": env!("CARGO_PKG_VERSION") },
        }),
    )?;
    let mut server = Server::new(utf8);
    for message in &connection.receiver {
        match message {
            Message::Request(request) => {
                if connection.handle_shutdown(&request)? {
                    return Ok(());
                }
                connection.sender.send(server.answer(request).into())?;
            }
            Message::Notification(told) => {
                for said in server.hear(told) {
                    connection.sender.send(said.into())?;
                }
            }
            Message::Response(_) => {}
        }
    }
    Ok(())
}

fn capabilities(utf8: bool) -> Value {
    json!({
        "positionEncoding": if utf8 { "utf-8" } else { "utf-16" },
        "textDocumentSync": { "openClose": true, "change": 2 },
        "completionProvider": { "triggerCharacters": [" ", "="] },
        "hoverProvider": true,
        "definitionProvider": true,
        "referencesProvider": true,
        "documentHighlightProvider": true,
        "renameProvider": { "prepareProvider": true },
        "documentSymbolProvider": true,
        "documentFormattingProvider": true,
        "inlayHintProvider": true,
        "codeActionProvider": { "codeActionKinds": ["quickfix"] },
        "semanticTokensProvider": {
            "legend": { "tokenTypes": COLOURS, "tokenModifiers": [] },
            "full": true,
        },
    })
}

/// The path of a file's address.
fn path_of(address: &str) -> Option<PathBuf> {
    let rest = address.strip_prefix("file://")?;
    let mut bytes = Vec::with_capacity(rest.len());
    let mut all = rest.bytes();
    while let Some(b) = all.next() {
        let digits = if b == b'%' { all.next().zip(all.next()) } else { None };
        let value = digits.and_then(|(h, l)| Some(char::from(h).to_digit(16)? * 16 + char::from(l).to_digit(16)?));
        bytes.push(value.and_then(|v| u8::try_from(v).ok()).unwrap_or(b));
    }
    Some(PathBuf::from(String::from_utf8(bytes).ok()?))
}

/// Reads the files that a file uses: beside it, from the disk.
fn reader(address: &str) -> impl FnMut(&str, &str) -> Result<(String, String), String> + use<> {
    let own = path_of(address);
    move |wanted, from| {
        let from = Path::new(from);
        let own = own.as_deref().and_then(Path::parent);
        let folder = if from.is_absolute() { from.parent() } else { own };
        let path = folder.ok_or("the file has no folder yet: save it first")?.join(wanted);
        crate::reach::allowed(&path, own.unwrap_or(&path))?;
        let text = crate::files::read(&path).map_err(|d| d.message)?;
        Ok((path.display().to_string(), text))
    }
}

/// A document that was read and checked, or one that says that this takes too long: an editor waits for its answer. The thread then
/// ends by itself, since what a text may ask for is bounded.
fn in_time(name: String, text: String, address: String) -> Document {
    const PATIENCE: Duration = Duration::from_secs(5);
    let (send, receive) = channel();
    let copy = text.clone();
    let begun = std::thread::Builder::new().stack_size(16 << 20).spawn(move || {
        // Nobody listens when it was too late.
        let _ = send.send(Document::new(&name, copy, &mut reader(&address)));
    });
    let found = begun.ok().and_then(|_| receive.recv_timeout(PATIENCE).ok());
    found.unwrap_or_else(|| {
        let mut document = bare(text);
        let message = format!("the file takes longer than {} s to check", PATIENCE.as_secs());
        document.diagnostics.push(Diagnostic::without_place(Code::OutOfTime, message));
        document
    })
}

impl Server {
    /// Without open files; positions are those of UTF-8, or else of UTF-16.
    pub fn new(utf8: bool) -> Server {
        Server { open: HashMap::new(), utf8 }
    }

    /// The place of a byte, as the editor counts.
    fn position(&self, open: &Open, offset: u32) -> Value {
        let place = open.lines.try_line_col(TextSize::from(offset.min(open.document.text.len() as u32)));
        let place = place.unwrap_or(LineCol { line: 0, col: 0 });
        let wide = if self.utf8 { None } else { open.lines.to_wide(WideEncoding::Utf16, place) };
        json!({ "line": place.line, "character": wide.map_or(place.col, |w| w.col) })
    }

    fn range(&self, open: &Open, span: Span) -> Value {
        json!({ "start": self.position(open, span.start), "end": self.position(open, span.end.max(span.start)) })
    }

    /// The byte of a place; what lies behind the end of a line is its end.
    fn offset(&self, open: &Open, position: Position) -> u32 {
        let text = &open.document.text;
        let (line, col) = (position.line, position.character);
        let Some(range) = open.lines.line(line) else { return text.len() as u32 };
        let (start, end) = (u32::from(range.start()), u32::from(range.end()));
        let whole = text.get(start as usize..end as usize).unwrap_or_default();
        let most = start + whole.trim_end_matches(['\n', '\r']).len() as u32;
        let place = if self.utf8 {
            Some(LineCol { line, col })
        } else {
            open.lines.to_utf8(WideEncoding::Utf16, WideLineCol { line, col })
        };
        let mut found = place.map_or(most, |p| (start + p.col).min(most));
        while !text.is_char_boundary(found as usize) {
            found -= 1;
        }
        found
    }

    /// Takes a message that wants no answer; gives what is to be told.
    pub fn hear(&mut self, told: Notification) -> Vec<Notification> {
        let method = told.method.clone();
        let heard = catch_unwind(AssertUnwindSafe(|| self.heard(told)));
        heard.unwrap_or_else(|_| {
            let message = format!("internal error of ergoseq in {method}; please report it");
            vec![Notification::new("window/logMessage".into(), json!({ "type": 1, "message": message }))]
        })
    }

    fn heard(&mut self, told: Notification) -> Vec<Notification> {
        match told.method.as_str() {
            "textDocument/didOpen" => {
                let Ok(Told { text_document: File { uri, text: Some(text) }, .. }) =
                    serde_json::from_value(told.params)
                else {
                    return vec![];
                };
                self.read(&uri, text)
            }
            "textDocument/didChange" => {
                let Ok(p) = serde_json::from_value::<Told>(told.params) else {
                    return vec![];
                };
                let address = p.text_document.uri.as_str();
                let Some(open) = self.open.get(address) else { return vec![] };
                let mut text = open.document.text.clone();
                for change in p.content_changes {
                    let Some(range) = change.range else {
                        text = change.text;
                        continue;
                    };
                    // Positions of a change count in the text as the changes before it have left it.
                    let now = Open { lines: LineIndex::new(&text), document: bare(std::mem::take(&mut text)) };
                    let (from, to) = (self.offset(&now, range.start), self.offset(&now, range.end));
                    text = now.document.text;
                    text.replace_range(from.min(to) as usize..to.max(from) as usize, &change.text);
                }
                self.read(address, text)
            }
            "textDocument/didSave" => vec![],
            "textDocument/didClose" => {
                let Ok(p) = serde_json::from_value::<Told>(told.params) else {
                    return vec![];
                };
                let address = p.text_document.uri.as_str();
                self.open.remove(address);
                vec![Notification::new(
                    "textDocument/publishDiagnostics".into(),
                    json!({ "uri": address, "diagnostics": [] }),
                )]
            }
            _ => vec![],
        }
    }

    /// Reads a changed text and reports its errors.
    fn read(&mut self, address: &str, text: String) -> Vec<Notification> {
        let name = path_of(address).map_or_else(|| address.to_string(), |p| p.display().to_string());
        let document = in_time(name, text, address.to_string());
        let lines = LineIndex::new(&document.text);
        let open = Open { document, lines };
        let said: Vec<Value> = open.document.diagnostics.iter().map(|d| self.told(&open, address, d)).collect();
        self.open.insert(address.to_string(), open);
        vec![Notification::new(
            "textDocument/publishDiagnostics".into(),
            json!({ "uri": address, "diagnostics": said }),
        )]
    }

    /// A diagnostic as the protocol has it. One of another file stands at the beginning, and says so.
    fn told(&self, open: &Open, address: &str, d: &Diagnostic) -> Value {
        let own = d.span.filter(|s| s.file == 0);
        let mut message = d.message.clone();
        if own.is_none() && d.span.is_some() {
            message = format!("in a file included with `use`: {message}");
        }
        if !d.label.is_empty() {
            message += &format!("\n{}", d.label);
        }
        for help in &d.help {
            message += &format!("\nhelp: {help}");
        }
        let related: Vec<Value> = d
            .related
            .iter()
            .filter(|(span, _)| span.file == 0)
            .map(|(span, said)| json!({ "location": { "uri": address, "range": self.range(open, *span) }, "message": said }))
            .collect();
        json!({
            "range": self.range(open, own.unwrap_or_default()),
            "severity": if d.severity() == Severity::Error { 1 } else { 2 },
            "code": d.code.to_string(),
            "source": "ergoseq",
            "message": message,
            "relatedInformation": related,
        })
    }

    /// Answers a request.
    pub fn answer(&mut self, request: Request) -> Response {
        let (id, method) = (request.id.clone(), request.method.clone());
        match catch_unwind(AssertUnwindSafe(|| self.answered(request))) {
            Ok(Ok(value)) => Response::new_ok(id, value),
            Ok(Err((code, why))) => Response::new_err(id, code as i32, why),
            Err(_) => {
                let why = format!("internal error of ergoseq in {method}; please report it");
                Response::new_err(id, ErrorCode::InternalError as i32, why)
            }
        }
    }

    fn answered(&mut self, request: Request) -> Result<Value, (ErrorCode, String)> {
        let params = request.params;
        let at = |path: &str| params.pointer(path);
        let address = at("/textDocument/uri").and_then(Value::as_str).unwrap_or_default().to_string();
        let unknown = || (ErrorCode::MethodNotFound, format!("`{}` is not supported", request.method));
        let known = request.method.starts_with("textDocument/");
        let Some(open) = self.open.get(&address) else {
            return if known { Err((ErrorCode::InvalidParams, "the file is not open".into())) } else { Err(unknown()) };
        };
        let document = &open.document;
        let position: Position =
            at("/position").and_then(|place| serde_json::from_value(place.clone()).ok()).unwrap_or_default();
        let offset = self.offset(open, position);
        let location = |span: Span| json!({ "uri": address, "range": self.range(open, span) });
        Ok(match request.method.as_str() {
            "textDocument/completion" => completions(document, offset),
            "textDocument/hover" => match editor::meaning(document, offset) {
                Some((text, span)) => {
                    json!({ "contents": { "kind": "markdown", "value": text }, "range": self.range(open, span) })
                }
                None => Value::Null,
            },
            "textDocument/definition" => match editor::uses(document, offset) {
                Some((named, _)) => location(named.span),
                None => Value::Null,
            },
            "textDocument/references" => {
                let own = at("/context/includeDeclaration").and_then(Value::as_bool).unwrap_or(true);
                let all = editor::uses(document, offset).map(|(_, all)| all).unwrap_or_default();
                all.into_iter().filter(|u| own || !u.declares).map(|u| location(u.span)).collect()
            }
            "textDocument/documentHighlight" => {
                let all = editor::uses(document, offset).map(|(_, all)| all).unwrap_or_default();
                all.into_iter().map(|u| json!({ "range": self.range(open, u.span), "kind": 1 })).collect()
            }
            "textDocument/prepareRename" => {
                let token = document.token_at(offset).and_then(|k| document.token(k));
                match (editor::uses(document, offset), token) {
                    (Some(_), Some(token)) => self.range(open, token.span),
                    _ => Value::Null,
                }
            }
            "textDocument/rename" => {
                let new = at("/newName").and_then(Value::as_str).unwrap_or_default();
                self.renamed(open, &address, offset, new).map_err(|why| (ErrorCode::InvalidParams, why))?
            }
            "textDocument/documentSymbol" => document
                .outline()
                .into_iter()
                .map(|(name, kind, span)| {
                    let range = self.range(open, span);
                    json!({ "name": name, "kind": symbol_kind(kind), "range": range, "selectionRange": range })
                })
                .collect(),
            "textDocument/formatting" => self.formatted(open),
            "textDocument/inlayHint" => editor::hints(document)
                .into_iter()
                .map(|h| json!({ "position": self.position(open, h.at), "label": h.text, "paddingLeft": true }))
                .collect(),
            "textDocument/codeAction" => self.actions(open, &address, &params),
            "textDocument/semanticTokens/full" => self.colours(open),
            _ => return Err(unknown()),
        })
    }

    /// The edits that give the name at an offset a new one.
    fn renamed(&self, open: &Open, address: &str, offset: u32, new: &str) -> Result<Value, String> {
        let all = editor::renamed(&open.document, offset, new, &mut reader(address))?;
        let edits: Vec<Value> =
            all.into_iter().map(|u| json!({ "range": self.range(open, u.span), "newText": new })).collect();
        Ok(json!({ "changes": { address: edits } }))
    }

    /// The edit that formats the text; none where it is formatted.
    fn formatted(&self, open: &Open) -> Value {
        let text = &open.document.text;
        let formatted = ergoseq::syntax::format(text);
        if formatted == *text {
            return json!([]);
        }
        let whole = Span { file: 0, start: 0, end: text.len() as u32 };
        json!([{ "range": self.range(open, whole), "newText": formatted }])
    }

    /// For every message in the range, the words that it asks whether they were meant.
    fn actions(&self, open: &Open, address: &str, params: &Value) -> Value {
        let range: Range = serde_json::from_value(params["range"].clone()).unwrap_or_default();
        let (from, to) = (self.offset(open, range.start), self.offset(open, range.end));
        let mut out = Vec::new();
        for d in &open.document.diagnostics {
            let Some(span) = d.span.filter(|s| s.file == 0 && s.start <= to && from <= s.end) else { continue };
            for word in Document::fixes(d) {
                out.push(json!({
                    "title": format!("write `{word}`"),
                    "kind": "quickfix",
                    "diagnostics": [self.told(open, address, d)],
                    "edit": { "changes": { address: [{ "range": self.range(open, span), "newText": word }] } },
                }));
            }
        }
        Value::Array(out)
    }

    /// Colours as the protocol wants them: five numbers a word, places relative to the word before.
    fn colours(&self, open: &Open) -> Value {
        let mut data: Vec<u64> = Vec::new();
        let (mut line, mut column) = (0, 0);
        for (span, colour) in editor::colours(&open.document) {
            let (start, end) = (self.position(open, span.start), self.position(open, span.end));
            let number = |v: &Value, key: &str| v[key].as_u64().unwrap_or(0);
            let (l, c) = (number(&start, "line"), number(&start, "character"));
            // A word never goes over the end of a line, but a text that was not closed may.
            if number(&end, "line") != l {
                continue;
            }
            let step = if l == line { c - column } else { c };
            data.extend([l - line, step, number(&end, "character") - c, colour as u64, 0]);
            (line, column) = (l, c);
        }
        json!({ "data": data })
    }
}

/// A document that is nothing but its text, to count positions in.
fn bare(text: String) -> Document {
    let program = ergoseq::syntax::ast::Program::default();
    Document { text, tokens: Default::default(), program, names: vec![], compiled: None, diagnostics: vec![] }
}

/// The words that may stand at an offset, in the order in which they are offered.
fn completions(document: &Document, offset: u32) -> Value {
    let all = editor::completions(document, offset);
    let items: Vec<Value> = all
        .iter()
        .enumerate()
        .map(|(k, c)| {
            json!({ "label": c.word, "kind": completion_kind(c.kind), "detail": c.kind,
                    "documentation": c.meaning, "sortText": format!("{k:04}") })
        })
        .collect();
    json!({ "isIncomplete": false, "items": items })
}

fn completion_kind(kind: &str) -> u8 {
    match kind {
        "keyword" => 14,
        "unit" => 11,
        "metric" | "function" | "state" => 3,
        "operator" => 24,
        "nucleus" => 20,
        "parameter" | "variable" => 6,
        _ => 1,
    }
}

fn symbol_kind(kind: Kind) -> u8 {
    match kind {
        Kind::Title => 15,
        Kind::Block => 2,
        Kind::Param | Kind::Argument => 13,
        Kind::Operator | Kind::Site | Kind::State | Kind::Noise | Kind::Cycle | Kind::Shape => 14,
        Kind::Define => 12,
        Kind::Mark | Kind::Trace | Kind::Result => 7,
    }
}
