//! The classic NetCDF format with 64-bit offsets (CDF-2), as its specification describes it: a header of dimensions, attributes
//! and variables, then the variables one behind the other, numbers in big-endian order. It was chosen because every language of
//! science reads it, because a value's place in the file is known before it is computed, and because nothing has to be
//! written at the end: a file is valid from the moment its header and fill values stand. HDF5 and Zarr need a library or a folder.

/// The types of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Text.
    Char = 2,
    /// A whole number of two bytes.
    Short = 3,
    /// A number of eight bytes.
    Double = 6,
}

impl Type {
    /// Bytes of one value.
    pub fn size(self) -> u64 {
        match self {
            Type::Char => 1,
            Type::Short => 2,
            Type::Double => 8,
        }
    }

    fn of(code: u32) -> Option<Type> {
        [Type::Char, Type::Short, Type::Double].into_iter().find(|t| *t as u32 == code)
    }
}

/// A variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// The numbers of its dimensions, the last running fastest.
    pub dimensions: Vec<usize>,
    /// Texts about it.
    pub attributes: Vec<(String, String)>,
    /// What it holds.
    pub kind: Type,
    /// Where its values begin in the file.
    pub begin: u64,
}

/// A file without its values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Header {
    /// Names and lengths.
    pub dimensions: Vec<(String, u64)>,
    /// Texts about the whole.
    pub attributes: Vec<(String, String)>,
    /// The variables.
    pub variables: Vec<Variable>,
}

const MAGIC: &[u8] = b"CDF\x02";
const DIMENSIONS: u32 = 0x0A;
const VARIABLES: u32 = 0x0B;
const ATTRIBUTES: u32 = 0x0C;
/// Variables larger than this have no size in the header.
const UNSAID: u64 = u32::MAX as u64;

fn padded(bytes: u64) -> u64 {
    bytes.div_ceil(4).saturating_mul(4)
}

const DAMAGED: &str = "its header is damaged";

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, x: u64) {
        self.0.extend((x as u32).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend(text.as_bytes());
        self.0.resize(padded(self.0.len() as u64) as usize, 0);
    }

    fn list(&mut self, tag: u32, length: usize) {
        self.number(if length == 0 { 0 } else { u64::from(tag) });
        self.number(length as u64);
    }

    fn attributes(&mut self, attributes: &[(String, String)]) {
        self.list(ATTRIBUTES, attributes.len());
        for (name, text) in attributes {
            self.text(name);
            self.number(Type::Char as u64);
            self.text(text);
        }
    }
}

impl Header {
    /// How many values a variable has.
    pub fn count(&self, variable: &Variable) -> u64 {
        let length = |d: &usize| self.dimensions.get(*d).map_or(0, |(_, length)| *length);
        variable.dimensions.iter().map(length).fold(1, u64::saturating_mul)
    }

    /// The bytes of a variable.
    pub fn size(&self, variable: &Variable) -> u64 {
        padded(self.count(variable).saturating_mul(variable.kind.size()))
    }

    /// The variable of a name.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|v| v.name == name)
    }

    /// The text of an attribute of the whole.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, t)| t.as_str())
    }

    /// Where the last variable ends.
    pub fn end(&self) -> u64 {
        self.variables.iter().map(|v| v.begin.saturating_add(self.size(v))).max().unwrap_or(0)
    }

    /// Gives every variable its place behind the header.
    pub fn arrange(&mut self) {
        let mut begin = self.bytes().len() as u64;
        let mut variables = std::mem::take(&mut self.variables);
        for variable in &mut variables {
            variable.begin = begin;
            begin = begin.saturating_add(self.size(variable));
        }
        self.variables = variables;
    }

    /// The bytes of the header.
    pub fn bytes(&self) -> Vec<u8> {
        let mut w = Writer(MAGIC.to_vec());
        w.number(0);
        w.list(DIMENSIONS, self.dimensions.len());
        for (name, length) in &self.dimensions {
            w.text(name);
            w.number(*length);
        }
        w.attributes(&self.attributes);
        w.list(VARIABLES, self.variables.len());
        for v in &self.variables {
            w.text(&v.name);
            w.number(v.dimensions.len() as u64);
            v.dimensions.iter().for_each(|d| w.number(*d as u64));
            w.attributes(&v.attributes);
            w.number(v.kind as u64);
            w.number(self.size(v).min(UNSAID));
            w.0.extend(v.begin.to_be_bytes());
        }
        w.0
    }

    /// Reads the header of a file from its first bytes. It is that of a file of this program only where it is the very bytes that
    /// [`Header::bytes`] writes, with every variable where [`Header::arrange`] puts it.
    ///
    /// # Errors
    /// When it is no such file, or one that this program did not write, or damaged.
    pub fn read(bytes: &[u8]) -> Result<Header, String> {
        let mut r = Reader { bytes, at: 0 };
        if r.take(4)? != MAGIC {
            return Err("it is not a NetCDF file written by `sweep`".into());
        }
        if r.number()? != 0 {
            return Err("it has records, which `sweep` does not write".into());
        }
        let mut header = Header::default();
        for _ in 0..r.list(DIMENSIONS)? {
            header.dimensions.push((r.text()?, r.number()?));
        }
        header.attributes = r.attributes()?;
        for _ in 0..r.list(VARIABLES)? {
            let name = r.text()?;
            let rank = r.number()?;
            let mut dimensions = Vec::new();
            for _ in 0..rank {
                let d = r.number()? as usize;
                if d >= header.dimensions.len() {
                    return Err(DAMAGED.into());
                }
                dimensions.push(d);
            }
            let attributes = r.attributes()?;
            let kind = Type::of(r.number()? as u32).ok_or("it has values of a kind that `sweep` does not write")?;
            r.number()?;
            let begin = r.take(8)?.iter().fold(0u64, |x, b| x << 8 | u64::from(*b));
            header.variables.push(Variable { name, dimensions, attributes, kind, begin });
        }
        let mut written = header.clone();
        written.arrange();
        let whole = header.dimensions.iter().all(|(_, length)| *length > 0);
        // Values end where numbers of 63 bits do: behind that sums would overflow.
        let fits = header.end() < i64::MAX as u64;
        if !whole || !fits || written != header || bytes.get(..r.at) != Some(&written.bytes()) {
            return Err(DAMAGED.into());
        }
        Ok(header)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(n);
        let part = end.and_then(|end| self.bytes.get(self.at..end)).ok_or("its header is incomplete")?;
        self.at += n;
        Ok(part)
    }

    fn number(&mut self) -> Result<u64, String> {
        Ok(self.take(4)?.iter().fold(0, |x, b| x << 8 | u64::from(*b)))
    }

    fn text(&mut self) -> Result<String, String> {
        let n = self.number()?;
        let text = self.take(n as usize)?.to_vec();
        self.take((padded(n) - n) as usize)?;
        String::from_utf8(text).map_err(|_| "its header is not text".to_string())
    }

    fn list(&mut self, tag: u32) -> Result<u64, String> {
        let (found, length) = (self.number()?, self.number()?);
        if found == u64::from(tag) || (found == 0 && length == 0) { Ok(length) } else { Err(DAMAGED.into()) }
    }

    fn attributes(&mut self) -> Result<Vec<(String, String)>, String> {
        let mut out = Vec::new();
        for _ in 0..self.list(ATTRIBUTES)? {
            let name = self.text()?;
            if self.number()? != Type::Char as u64 {
                return Err("it has attributes that `sweep` does not write".into());
            }
            out.push((name, self.text()?));
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let variable = |name: &str, dimensions: &[usize], kind| Variable {
            name: name.into(),
            dimensions: dimensions.to_vec(),
            attributes: vec![("units".into(), "J".into())],
            kind,
            begin: 0,
        };
        let mut header = Header {
            dimensions: vec![("x".into(), 3), ("y".into(), 5)],
            attributes: vec![("title".into(), "Größe".into()), ("empty".into(), String::new())],
            variables: vec![
                variable("x", &[0], Type::Double),
                variable("state", &[0, 1], Type::Short),
                variable("w", &[0, 1], Type::Double),
            ],
        };
        header.arrange();
        header
    }

    #[test]
    fn headers_are_read_as_they_were_written() {
        let header = header();
        assert_eq!(Header::read(&header.bytes()).unwrap(), header);
        // Fifteen numbers of two bytes are filled up to 32.
        assert_eq!(header.variables[2].begin - header.variables[1].begin, 32);
        assert_eq!(header.end(), header.variables[2].begin + 120);
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let bytes = header().bytes();
        for n in 0..bytes.len() {
            assert!(Header::read(&bytes[..n]).is_err(), "{n}");
        }
        for k in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[k] ^= 0xFF;
            // No panic; some damage cannot be seen.
            let _ = Header::read(&damaged);
        }
    }

    #[test]
    fn only_damage_of_texts_and_names_is_not_seen() {
        let header = header();
        let bytes = header.bytes();
        for k in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[k] ^= 1 << bit;
                let Ok(found) = Header::read(&damaged) else { continue };
                // What is read is what stands there, and its numbers are all as they were, or fit each other.
                assert_eq!(found.bytes(), damaged, "byte {k}");
                assert!(found.end() < i64::MAX as u64 && found.variables.iter().all(|v| found.count(v) > 0));
            }
        }
    }
}
