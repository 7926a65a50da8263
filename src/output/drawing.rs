//! Drawings that are no charts: shapes on a sheet, each with a style that has a name. A page shows them with its own colours, light or dark;
//! a picture is always on white.

use crate::source::visible;
use std::fmt::Write;

/// The colours by name: on white, and in the dark. Those with one letter are of Okabe and Ito, whom the colour-blind can tell apart.
pub const COLOURS: &[(&str, &str, &str)] = &[
    ("ink", "#1b1f24", "#e6e8eb"),
    ("paper", "#ffffff", "#15181c"),
    ("faint", "#6b7280", "#9aa3af"),
    ("line", "#d4d8de", "#353b44"),
    ("tint", "#f4f5f7", "#1e2228"),
    ("a", "#0072b2", "#4aa8e0"),
    ("b", "#d55e00", "#f08a45"),
    ("c", "#009e73", "#33c296"),
    ("d", "#cc79a7", "#dd9cc0"),
    ("e", "#e69f00", "#f0b93f"),
    ("f", "#56b4e9", "#86cdf4"),
    ("good", "#00724f", "#5ad1a5"),
    ("bad", "#b3261e", "#ff8a80"),
];

/// What a surface or a line is painted with: a colour by its name, mixed into the paper by a share in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(pub &'static str, pub u8);

/// How shapes of a class look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// The class.
    pub class: &'static str,
    /// Its surface.
    pub fill: Option<Paint>,
    /// Its outline.
    pub stroke: Option<Paint>,
    /// The width of the outline.
    pub width: f64,
    /// Dash and gap of the outline.
    pub dash: Option<(u8, u8)>,
    /// The size of its letters, and whether they are bold.
    pub letters: Option<(u32, bool)>,
}

const fn line(class: &'static str, colour: &'static str, width: f64, dash: Option<(u8, u8)>) -> Style {
    Style { class, fill: None, stroke: Some(Paint(colour, 100)), width, dash, letters: None }
}

const fn surface(class: &'static str, colour: &'static str, share: u8, outline: bool) -> Style {
    let stroke = if outline { Some(Paint(colour, 100)) } else { None };
    Style { class, fill: Some(Paint(colour, share)), stroke, width: 1.0, dash: None, letters: None }
}

const fn letters(class: &'static str, colour: &'static str, size: u32, bold: bool) -> Style {
    Style { class, fill: Some(Paint(colour, 100)), stroke: None, width: 0.0, dash: None, letters: Some((size, bold)) }
}

/// Every style.
pub const STYLES: &[Style] = &[
    letters("small", "ink", 11, false),
    letters("channel", "ink", 12, true),
    letters("name", "ink", 12, true),
    letters("phase", "faint", 10, false),
    letters("tick", "faint", 10, false),
    line("axis", "faint", 1.0, None),
    line("grid", "line", 1.0, None),
    line("edge", "line", 1.0, None),
    line("span", "faint", 1.0, None),
    line("decay", "b", 1.4, None),
    line("mark", "b", 1.0, Some((4, 3))),
    line("loop", "faint", 1.0, Some((2, 3))),
    line("error", "ink", 1.4, None),
    line("path1", "a", 1.6, None),
    line("path2", "b", 1.6, None),
    line("path3", "c", 1.6, None),
    line("path4", "d", 1.6, None),
    line("jump", "faint", 1.2, Some((3, 3))),
    surface("pulse", "a", 35, true),
    surface("lock", "c", 30, true),
    surface("evolve", "e", 25, true),
    surface("dephase", "d", 25, true),
    surface("gradient", "d", 30, true),
    surface("population", "a", 100, false),
    surface("positive", "a", 100, false),
    surface("negative", "e", 100, false),
    surface("positive-side", "a", 70, true),
    surface("positive-front", "a", 45, true),
    surface("positive-top", "a", 25, true),
    surface("negative-side", "e", 80, true),
    surface("negative-front", "e", 55, true),
    surface("negative-top", "e", 30, true),
    surface("order0", "a", 100, false),
    surface("order1", "e", 100, false),
    surface("order2", "c", 100, false),
    surface("order3", "b", 100, false),
    surface("order4", "d", 100, false),
    surface("order5", "f", 100, false),
    surface("value", "a", 100, false),
    surface("corrected", "c", 100, false),
    surface("bound", "b", 100, false),
];

/// The style of a class.
pub fn style(class: &str) -> Option<&'static Style> {
    STYLES.iter().find(|s| s.class == class)
}

/// Where a text is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At its beginning.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// A step of an outline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stroke {
    /// Begins at a point.
    Move(f64, f64),
    /// A straight line to a point.
    Line(f64, f64),
    /// A curve of third order over two handles to a point.
    Curve([f64; 6]),
    /// Back to where it began.
    Close,
}

/// A shape; lengths are in pixels, y downwards.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A text at a point.
    Text(f64, f64, Anchor, &'static str, String),
    /// A rectangle: left, top, width, height.
    Rect([f64; 4], &'static str),
    /// An outline.
    Path(Vec<Stroke>, &'static str),
    /// A circle: centre, radius.
    Circle([f64; 3], &'static str),
    /// A level line with arrows at both ends: from, to, height.
    Span([f64; 3]),
    /// The beginning of shapes that belong together, with what is said of them.
    Begin(Option<String>),
    /// Their end.
    End,
}

/// Shapes on a sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// What it is, in a word.
    pub name: &'static str,
    /// What it shows, for those who cannot see it.
    pub label: String,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// What is drawn, in order.
    pub shapes: Vec<Shape>,
}

impl Drawing {
    /// An empty sheet.
    pub fn new(name: &'static str, label: impl Into<String>, width: f64, height: f64) -> Drawing {
        Drawing { name, label: label.into(), width, height, shapes: vec![] }
    }

    /// Adds a text.
    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, class: &'static str, text: impl Into<String>) {
        self.shapes.push(Shape::Text(x, y, anchor, class, text.into()));
    }

    /// Adds a rectangle.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, class: &'static str) {
        self.shapes.push(Shape::Rect([x, y, width, height], class));
    }

    /// Adds a straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &'static str) {
        self.shapes.push(Shape::Path(vec![Stroke::Move(from.0, from.1), Stroke::Line(to.0, to.1)], class));
    }

    /// Adds a line through points, closed or not.
    pub fn through(&mut self, points: &[(f64, f64)], closed: bool, class: &'static str) {
        let mut path: Vec<Stroke> = points.iter().map(|p| Stroke::Line(p.0, p.1)).collect();
        if let (Some(first), Some(p)) = (path.first_mut(), points.first()) {
            *first = Stroke::Move(p.0, p.1);
        }
        if closed {
            path.push(Stroke::Close);
        }
        self.shapes.push(Shape::Path(path, class));
    }

    /// The drawing inside of a page, which has the styles and the arrow.
    pub fn svg(&self) -> String {
        let (w, h) = (self.width, self.height);
        let mut out = format!(
            "<svg class=\"{}\" viewBox=\"0 0 {w:.0} {h:.0}\" width=\"{w:.0}\" height=\"{h:.0}\" role=\"img\" aria-label=\"{}\">\n",
            self.name,
            escaped(&self.label)
        );
        for shape in &self.shapes {
            let _ = match shape {
                Shape::Text(x, y, anchor, class, text) => {
                    let anchor = match anchor {
                        Anchor::Start => "start",
                        Anchor::Middle => "middle",
                        Anchor::End => "end",
                    };
                    writeln!(
                        out,
                        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{}</text>",
                        escaped(text)
                    )
                }
                Shape::Rect([x, y, w, h], class) => writeln!(
                    out,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" class=\"{class}\"/>"
                ),
                Shape::Path(strokes, class) => writeln!(out, "<path d=\"{}\" class=\"{class}\"/>", outline(strokes)),
                Shape::Circle([x, y, r], class) => {
                    writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\" class=\"{class}\"/>")
                }
                Shape::Span([from, to, y]) => writeln!(
                    out,
                    "<path d=\"M{from:.1} {y:.1} H{to:.1}\" class=\"span\" marker-start=\"url(#a)\" marker-end=\"url(#a)\"/>"
                ),
                Shape::Begin(Some(title)) => writeln!(out, "<g><title>{}</title>", escaped(title)),
                Shape::Begin(None) => writeln!(out, "<g>"),
                Shape::End => writeln!(out, "</g>"),
            };
        }
        out + "</svg>\n"
    }
}

/// An outline as SVG writes it.
pub fn outline(strokes: &[Stroke]) -> String {
    let mut d = String::new();
    for stroke in strokes {
        let _ = match stroke {
            Stroke::Move(x, y) => write!(d, "M{x:.1} {y:.1}"),
            Stroke::Line(x, y) => write!(d, "L{x:.1} {y:.1}"),
            Stroke::Curve([a, b, c, e, x, y]) => write!(d, "C{a:.1} {b:.1} {c:.1} {e:.1} {x:.1} {y:.1}"),
            Stroke::Close => write!(d, "Z"),
        };
    }
    d
}

/// A text in which nothing is markup, and nothing turns the direction of what is read.
pub fn escaped(text: &str) -> String {
    visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The colours and styles as a style sheet.
pub fn style_sheet() -> String {
    let colours = |pick: fn(&(&str, &str, &'static str)) -> String| COLOURS.iter().map(pick).collect::<String>();
    let mut out = format!(
        ":root {{ color-scheme: light dark;{} }}\n@media (prefers-color-scheme: dark) {{ :root {{{} }} }}\n",
        colours(|(name, light, _)| format!(" --{name}: {light};")),
        colours(|(name, _, dark)| format!(" --{name}: {dark};"))
    );
    let paint = |paint: Option<Paint>| match paint {
        None => "none".to_string(),
        Some(Paint(colour, 100)) => format!("var(--{colour})"),
        Some(Paint(colour, share)) => format!("color-mix(in srgb, var(--{colour}) {share}%, var(--paper))"),
    };
    out += "svg .arrow { fill: var(--faint); }\n";
    for s in STYLES {
        let _ = write!(out, "svg .{} {{ fill: {};", s.class, paint(s.fill));
        if let Some((size, bold)) = s.letters {
            let weight = if bold { "600 " } else { "" };
            let _ = write!(out, " font: {weight}{size}px system-ui, \"Segoe UI\", Arial, sans-serif;");
        } else {
            let _ = write!(out, " stroke: {};", paint(s.stroke));
        }
        if s.width != 1.0 && s.stroke.is_some() {
            let _ = write!(out, " stroke-width: {};", s.width);
        }
        if let Some((dash, gap)) = s.dash {
            let _ = write!(out, " stroke-dasharray: {dash} {gap};");
        }
        out += " }\n";
    }
    out
}

/// A paint on white, as red, green and blue.
pub fn on_white(Paint(colour, share): Paint) -> (u8, u8, u8) {
    let hex = COLOURS.iter().find(|(name, ..)| *name == colour).map_or("#000000", |(_, light, _)| light);
    let part = |k: usize| {
        let x = u8::from_str_radix(hex.get(1 + 2 * k..3 + 2 * k).unwrap_or("00"), 16).unwrap_or(0);
        (f64::from(x) * f64::from(share) / 100.0 + 255.0 * (1.0 - f64::from(share) / 100.0)).round() as u8
    };
    (part(0), part(1), part(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_is_of_known_colours_and_has_a_name_of_its_own() {
        for (k, s) in STYLES.iter().enumerate() {
            assert!(STYLES[..k].iter().all(|other| other.class != s.class), "{}", s.class);
            for Paint(colour, _) in [s.fill, s.stroke].into_iter().flatten() {
                assert!(COLOURS.iter().any(|(name, ..)| *name == colour), "{colour}");
            }
        }
        assert_eq!(on_white(Paint("a", 100)), (0, 0x72, 0xb2));
        assert_eq!(on_white(Paint("a", 0)), (255, 255, 255));
    }

    #[test]
    fn texts_are_no_markup() {
        let mut drawing = Drawing::new("test", "a < b", 10.0, 20.0);
        drawing.text(1.0, 2.0, Anchor::End, "small", "x > \"y\"");
        let svg = drawing.svg();
        assert!(svg.contains("aria-label=\"a &lt; b\"") && svg.contains(">x &gt; &quot;y&quot;<"), "{svg}");
    }
}
