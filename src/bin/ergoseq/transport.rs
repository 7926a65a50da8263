//! Messages between an editor and the language server: over standard input and output, each behind a header with its length. A length
//! is believed only up to a limit, and memory is taken as bytes arrive.

use lsp_server::{Connection, Message};
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::thread::JoinHandle;

/// The longest message, bytes: the largest text, escaped, and what is said beside it.
const LONGEST_MESSAGE: u64 = 256 << 20;

/// The longest header, bytes.
const LONGEST_HEADER: u64 = 8 << 10;

/// The two threads behind a connection.
pub struct Threads {
    reader: JoinHandle<io::Result<()>>,
    writer: JoinHandle<io::Result<()>>,
}

impl Threads {
    /// Waits for both; what went wrong in one of them.
    pub fn join(self) -> io::Result<()> {
        let failed = || io::Error::other("a thread failed");
        self.writer.join().map_err(|_| failed())??;
        self.reader.join().map_err(|_| failed())?
    }
}

/// A connection over standard input and output.
pub fn stdio() -> (Connection, Threads) {
    let (server, client) = Connection::memory();
    let Connection { sender, receiver } = client;
    let reader = std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Some(message) = read(&mut input)? {
            let exit = matches!(&message, Message::Notification(n) if n.method == "exit");
            // If the receiver is gone, the server has ended.
            if sender.send(message).is_err() || exit {
                break;
            }
        }
        Ok(())
    });
    let writer = std::thread::spawn(move || {
        let mut output = io::stdout().lock();
        for message in receiver {
            message.write(&mut output)?;
            output.flush()?;
        }
        Ok(())
    });
    (server, Threads { reader, writer })
}

fn wrong(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why.to_string())
}

/// The next message; `None` at the end of the input.
///
/// # Errors
/// When the header has no length or one beyond the limit, or the message is none.
pub fn read(input: &mut impl BufRead) -> io::Result<Option<Message>> {
    let mut length: Option<u64> = None;
    let mut header = input.take(LONGEST_HEADER);
    loop {
        let mut line = String::new();
        if header.read_line(&mut line)? == 0 {
            return match header.limit() {
                0 => Err(wrong("an unterminated header")),
                _ => Ok(None),
            };
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = Some(value.trim().parse().map_err(|_| wrong("a Content-Length that is not a number"))?);
        }
    }
    let length = length.ok_or_else(|| wrong("a header without length"))?;
    if length > LONGEST_MESSAGE {
        return Err(wrong("a message longer than the limit"));
    }
    let mut text = Vec::new();
    if input.take(length).read_to_end(&mut text)? as u64 != length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    serde_json::from_slice(&text).map(Some).map_err(|e| wrong(&e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> io::Result<Option<Message>> {
        read(&mut text.as_bytes())
    }

    #[test]
    fn messages_have_their_length() {
        let body = r#"{"jsonrpc":"2.0","method":"exit"}"#;
        let text = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        assert!(matches!(of(&text), Ok(Some(Message::Notification(n))) if n.method == "exit"));
        assert!(matches!(of(""), Ok(None)));
    }

    #[test]
    fn lengths_that_are_none_are_refused() {
        for length in ["99999999999999", "18446744073709551615", "99999999999999999999999", "-1", "x", ""] {
            assert!(of(&format!("Content-Length: {length}\r\n\r\n{{}}")).is_err(), "{length}");
        }
        assert!(of("Content-Length: 10\r\n\r\n{}").is_err());
        assert!(of(&"x".repeat(100_000)).is_err());
        assert!(of("Content-Type: x\r\n\r\n{}").is_err());
    }
}
