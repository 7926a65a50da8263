fn main() {
    for f in std::env::args().skip(1) {
        let t = std::fs::read_to_string(&f).unwrap();
        let mut s = ergoseq::source::Sources::default();
        s.add(f.clone(), t.clone());
        let (p, d) = ergoseq::syntax::parse(&t, 0);
        for d in &d { print!("{}", d.render(&s, false)); }
        let printed = p.to_string();
        let (q, d2) = ergoseq::syntax::parse(&printed, 0);
        println!("{f}: {} items, {} diags, roundtrip {} {}, format same {}", p.items.len(), d.len(), d2.len(), p == q, ergoseq::syntax::format(&t) == t);
        if ergoseq::syntax::format(&t) != t { println!("{}", ergoseq::syntax::format(&t)); }
    }
}
