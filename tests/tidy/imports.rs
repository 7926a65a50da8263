//! No two files use each other.

use super::tokens::{is_name, is_variable, tokens};
use super::{library, product};
use std::collections::{HashMap, HashSet};

/// A file as far as imports go. Methods and implementations of traits are found through types, so they are no imports.
struct Source {
    path: String,
    /// The crate that it belongs to: no steps for the library, `bin`, `ergoseq` for the command.
    root: Vec<String>,
    module: Vec<String>,
    imports: Vec<Import>,
    /// The items that it defines; a glob brings these.
    defines: HashSet<String>,
    /// Paths in the code outside of `use`, single names too.
    paths: Vec<Vec<String>>,
}

/// One leaf of a `use` tree.
struct Import {
    public: bool,
    /// The steps; of a glob those of its module.
    path: Vec<String>,
    /// The name in this file; `*` for a glob.
    name: String,
}

/// Reads a `use` tree from a place on; returns the place behind it.
fn use_tree(t: &[String], mut k: usize, before: &[String], public: bool, out: &mut Vec<Import>) -> usize {
    let mut path = before.to_vec();
    loop {
        match t[k].as_str() {
            "::" => k += 1,
            "{" => {
                k += 1;
                while t[k] != "}" {
                    k = use_tree(t, k, &path, public, out);
                    k += usize::from(t[k] == ",");
                }
                return k + 1;
            }
            "*" => {
                out.push(Import { public, path, name: "*".into() });
                return k + 1;
            }
            step => {
                if step != "self" || path.is_empty() {
                    path.push(step.to_string());
                }
                k += 1;
                if t[k] != "::" {
                    let renamed = t[k] == "as";
                    let name = if renamed { t[k + 1].clone() } else { path[path.len() - 1].clone() };
                    out.push(Import { public, path, name });
                    return if renamed { k + 2 } else { k };
                }
            }
        }
    }
}

impl Source {
    fn read(path: String, text: &str) -> Source {
        let steps = |text: &str| text.split('/').map(str::to_string).collect::<Vec<_>>();
        let root = if path.starts_with("bin/") { steps("bin/ergoseq") } else { Vec::new() };
        let mut module = steps(path.trim_end_matches(".rs"));
        if matches!(module[module.len() - 1].as_str(), "mod" | "lib" | "main") {
            module.pop();
        }
        let t = tokens(product(text));
        let mut source = Source { path, root, module, imports: vec![], defines: HashSet::new(), paths: vec![] };
        let mut k = 0;
        while k < t.len() {
            let before = if k == 0 { "" } else { t[k - 1].as_str() };
            let after = t.get(k + 1).map_or("", String::as_str);
            match t[k].as_str() {
                // Not the list of captured lifetimes, `use<'a>`.
                "use" if after != "<" => {
                    let public = matches!(before, "pub" | ")");
                    k = use_tree(&t, k + 1, &[], public, &mut source.imports);
                }
                "struct" | "enum" | "fn" | "const" | "static" | "type" | "trait" if is_name(after) && after != "fn" => {
                    source.defines.insert(after.to_string());
                    k += 2;
                }
                // Modules that are declared, variables, fields and methods are no uses of imports.
                "mod" | "let" | "mut" | "." if is_variable(after) && t.get(k + 2).is_none_or(|next| next != "::") => {
                    k += 2
                }
                token if is_name(token) && before != "::" => {
                    let mut path = vec![token.to_string()];
                    while t.get(k + 1).is_some_and(|x| x == "::") && t.get(k + 2).is_some_and(|x| is_name(x)) {
                        path.push(t[k + 2].clone());
                        k += 2;
                    }
                    k += 1;
                    // `name: value` is a field or a parameter.
                    if path.len() > 1 || t.get(k).is_none_or(|next| next != ":") {
                        source.paths.push(path);
                    }
                }
                _ => k += 1,
            }
        }
        source
    }
}

/// Where a path leads.
enum Place {
    /// To an item that this file defines.
    Item(usize),
    /// To a module itself.
    Module,
}

struct Imports {
    files: Vec<Source>,
    modules: HashMap<Vec<String>, usize>,
}

impl Imports {
    fn new(files: Vec<Source>) -> Imports {
        let modules = files.iter().enumerate().map(|(k, f)| (f.module.clone(), k)).collect();
        Imports { files, modules }
    }

    fn child(&self, file: usize, name: &str) -> Option<usize> {
        let path: Vec<String> = self.files[file].module.iter().cloned().chain([name.to_string()]).collect();
        self.modules.get(&path).copied()
    }

    /// Where a path in a file leads; nowhere for other crates, and for what the file itself defines.
    fn lead(&self, file: usize, path: &[String], depth: usize) -> Option<Place> {
        let source = &self.files[file];
        let mut base = source.module.clone();
        match path[0].as_str() {
            "crate" => self.walk(*self.modules.get(&source.root)?, &path[1..], depth),
            "self" => self.walk(file, &path[1..], depth),
            "super" => {
                let up = path.iter().take_while(|p| *p == "super").count();
                base.truncate(base.len().checked_sub(up)?);
                self.walk(*self.modules.get(&base)?, &path[up..], depth)
            }
            _ => self.step(file, path, depth),
        }
    }

    /// Where the rest of a path leads from a module on; what is neither imported nor a child is defined there.
    fn walk(&self, file: usize, rest: &[String], depth: usize) -> Option<Place> {
        if rest.is_empty() {
            return Some(Place::Module);
        }
        self.step(file, rest, depth).or(Some(Place::Item(file)))
    }

    /// The same if the first step is an import or a child of the file, else nowhere.
    fn step(&self, file: usize, rest: &[String], depth: usize) -> Option<Place> {
        let source = &self.files[file];
        let child = || self.child(file, &rest[0]).and_then(|c| self.walk(c, &rest[1..], depth));
        if depth == 0 {
            return None;
        }
        // Imports come first: a function may have the name of its module.
        let imported = source.imports.iter().filter(|i| i.name == rest[0] && i.path != rest).find_map(|i| {
            let path: Vec<String> = i.path.iter().chain(&rest[1..]).cloned().collect();
            self.lead(file, &path, depth - 1)
        });
        let globs = || {
            let mut all = source.imports.iter().filter(|i| i.name == "*" && !source.defines.contains(&rest[0]));
            all.find_map(|i| self.glob(file, i, &rest[0], depth))
        };
        imported.or_else(child).or_else(globs)
    }

    /// Where a name leads that a glob may bring.
    fn glob(&self, file: usize, import: &Import, name: &str, depth: usize) -> Option<Place> {
        let module = self.module(file, &import.path)?;
        if module != file && self.files[module].defines.contains(name) {
            return Some(Place::Item(module));
        }
        let reexport = self.files[module].imports.iter().any(|i| i.public && (i.name == name || i.name == "*"));
        if module != file && reexport { self.step(module, &[name.to_string()], depth - 1) } else { None }
    }

    /// The module that a path names.
    fn module(&self, file: usize, path: &[String]) -> Option<usize> {
        let source = &self.files[file];
        let mut full = match path[0].as_str() {
            "crate" => source.root.clone(),
            _ => source.module.clone(),
        };
        for step in path {
            match step.as_str() {
                "crate" | "self" => {}
                "super" => drop(full.pop()),
                name => full.push(name.to_string()),
            }
        }
        self.modules.get(&full).copied()
    }

    /// The files that a file uses, and a path of each. Modules, globs and re-exports count by what the code uses of them.
    fn uses(&self, file: usize) -> HashMap<usize, String> {
        const DEPTH: usize = 8;
        let source = &self.files[file];
        let imports = source.imports.iter().filter(|i| !i.public && i.name != "*").map(|i| &i.path);
        let mut out = HashMap::new();
        for path in imports.chain(&source.paths) {
            if let Some(Place::Item(other)) = self.lead(file, path, DEPTH)
                && other != file
            {
                out.entry(other).or_insert_with(|| path.join("::"));
            }
        }
        out
    }

    /// The circles, each with the uses inside of it.
    fn circles(&self) -> Vec<String> {
        let edges: Vec<HashMap<usize, String>> = (0..self.files.len()).map(|k| self.uses(k)).collect();
        let reached: Vec<HashSet<usize>> = (0..self.files.len())
            .map(|start| {
                let (mut seen, mut open) = (HashSet::new(), vec![start]);
                while let Some(file) = open.pop() {
                    open.extend(edges[file].keys().filter(|other| seen.insert(**other)));
                }
                seen
            })
            .collect();
        let mut out = Vec::new();
        for (start, from) in reached.iter().enumerate() {
            let mut circle: Vec<usize> = from.iter().copied().filter(|k| reached[*k].contains(&start)).collect();
            circle.sort_unstable();
            if circle.first() != Some(&start) {
                continue;
            }
            let mut text = String::from("a circle of imports:");
            for file in &circle {
                let mut used: Vec<String> = edges[*file]
                    .iter()
                    .filter(|(other, _)| circle.contains(other))
                    .map(|(other, name)| format!("{} ({name})", self.files[*other].path))
                    .collect();
                used.sort();
                text += &format!("\n    {} uses {}", self.files[*file].path, used.join(", "));
            }
            out.push(text);
        }
        out
    }
}

fn circles(files: impl IntoIterator<Item = (String, String)>) -> Vec<String> {
    Imports::new(files.into_iter().map(|(path, text)| Source::read(path, &text)).collect()).circles()
}

/// No two files use each other, directly or through others: a file is understood from the files that it uses.
#[test]
fn files_do_not_import_in_circles() {
    let found = circles(library());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn circles_of_imports_are_found() {
    let count = |files: &[(&str, &str)]| circles(files.iter().map(|(p, t)| (p.to_string(), t.to_string()))).len();
    let lib = ("lib.rs", "pub mod a;");
    let child = ("a/b.rs", "use super::A; /* crate::a::c::C */ pub struct B(A, &'static str);");
    let other = ("a/c.rs", "use crate::a::{b::{self}, B as D}; pub struct C(D, b::B);");
    let parent = |code: &'static str| ("a/mod.rs", code);
    let declared = "mod b; mod c; pub use b::B; pub use c::*; pub struct A; ";
    assert_eq!(count(&[lib, parent(declared), child, other]), 0, "re-exports are no uses");
    for used in
        ["fn f(_: B) {}", "fn f() { b::g() }", "use b::g; fn f() { g() }", "fn f(_: C) {}", "use self::c::C as D;"]
    {
        let text: &'static str = format!("{declared}{used}").leak();
        assert_eq!(count(&[lib, parent(text), child, other]), 1, "{used}");
    }
    for unused in [
        "// B\n",
        "fn f() -> char { let b = \"B \\\" C\"; 'B' }",
        "fn f(x: &X) { x.b() }",
        "#[cfg(test)]\nmod tests { fn f(_: super::B) {} }",
    ] {
        let text: &'static str = format!("{declared}{unused}").leak();
        assert_eq!(count(&[lib, parent(text), child, other]), 0, "{unused}");
    }
    let direct = [lib, ("d.rs", "use crate::e::E; pub struct D;"), ("e.rs", "pub struct E(crate::d::D);")];
    assert_eq!(count(&direct), 1);
    let through_parent = [
        lib,
        parent("mod b; mod c; pub use c::C;"),
        ("a/b.rs", "use super::C; pub struct B;"),
        ("a/c.rs", "use super::b::B; pub struct C;"),
    ];
    assert_eq!(count(&through_parent), 1, "a name of the parent is of the file that defines it");
}
