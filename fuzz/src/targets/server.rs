//! The language server: each line of the input is the body of a message. The files of the command are read as they are; what they need of
//! the rest of the command stands here, and nothing is read from the disk.

use super::EDGES;
use lsp_server::Message;

/// How a command ends.
pub enum Outcome {
    Done,
    Files,
}

/// The reader of files.
pub mod files {
    use ergoseq::diagnostic::{Code, Diagnostic};
    use std::path::Path;

    pub fn read(_: &Path) -> Result<String, Diagnostic> {
        Err(Diagnostic::without_place(Code::CannotRead, "there are no files"))
    }
}

/// The paths that may be read.
pub mod reach {
    use std::path::Path;

    pub fn allowed(_: &Path, _: &Path) -> Result<(), String> {
        Ok(())
    }
}

pub fn words() -> Vec<&'static str> {
    let mut out = vec![
        "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\",\"params\":{\"textDocument\":{\"uri\":\"file:///a.seq\",\"text\":\"",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"textDocument/",
        "\"uri\":\"file:///a.seq\"",
        "\"position\":{\"line\":",
        ",\"character\":",
        "\"range\":{\"start\":",
        "\"end\":",
        "\"contentChanges\":[{",
        "\"text\":\"",
        "completion\"",
        "hover\"",
        "definition\"",
        "references\"",
        "documentHighlight\"",
        "prepareRename\"",
        "rename\"",
        "\"newName\":\"b\"",
        "documentSymbol\"",
        "formatting\"",
        "inlayHint\"",
        "codeAction\"",
        "semanticTokens/full\"",
        "didChange\"",
        "didClose\"",
        "\\n",
        "\\u202e",
        "\\ud83e\\uddf2",
        "%2e%2e/",
        "%",
        "file://",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "null",
        "\n",
    ];
    out.extend(super::language::words());
    out.extend(EDGES);
    out
}

/// Answers messages; none of the answers is a mistake of the server's own.
pub fn talk(input: &[u8]) {
    let mut server = crate::lsp::Server::new(input.len().is_multiple_of(2));
    for body in input.split(|b| *b == b'\n').take(12) {
        let framed = [format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat();
        // A body that begins with its own header is read as it is.
        let framed = if body.starts_with(b"Content-Length") { body } else { &framed };
        match crate::transport::read(&mut &*framed) {
            Ok(Some(Message::Request(request))) => {
                let answer = server.answer(request);
                let said = serde_json::to_value(&answer).expect("an answer is written");
                let failed = said["error"]["code"] == serde_json::json!(lsp_server::ErrorCode::InternalError as i32);
                assert!(!failed, "{said}");
            }
            Ok(Some(Message::Notification(told))) => {
                for said in server.hear(told) {
                    assert!(said.method != "window/logMessage", "{said:?}");
                    assert!(!said.params.to_string().contains("takes longer than"), "{said:?}");
                }
            }
            _ => {}
        }
    }
}
