//! Figures and drawings as pictures: SVG, PNG and PDF, and letters for a terminal. The only file that names the drawing crate.
//!
//! Colours are those of Okabe and Ito, which the colour-blind can tell apart; maps are drawn in viridis. Legends stand beside
//! the panels, never on them.

use super::drawing::{Anchor, Drawing, Paint, Shape, Stroke, on_white, outline, style};
use super::figure::{Content, Curve, Figure, Panel};
use kuva::backend::pdf::PdfBackend;
use kuva::backend::png::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::backend::terminal::TerminalBackend;
use kuva::plot::heatmap::ColorMap;
use kuva::plot::{Heatmap, LinePlot, ScatterPlot};
use kuva::render::color::Color;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::{PathData, Primitive, Scene, TextAnchor};

/// Blue, orange, green, vermilion, purple, sky, black.
const COLOURS: [&str; 7] = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000"];

/// Pixels of a panel.
const PANEL: (f64, f64) = (340.0, 270.0);

fn curve(curve: &Curve, (k, colour): (usize, &str), legend: bool, dashes: bool) -> Plot {
    let points = curve.points.clone();
    if curve.marks {
        let plot = ScatterPlot::new().with_data(points).with_color(colour).with_size(3.5);
        let plot = if curve.errors.is_empty() { plot } else { plot.with_y_err(curve.errors.iter().copied()) };
        return Plot::Scatter(if legend { plot.with_legend(curve.label.clone()) } else { plot });
    }
    let plot = LinePlot::new().with_data(points).with_color(colour).with_stroke_width(1.6);
    // For print without colours, lines differ by their dashes too. The raster backend begins a dash anew at every point, which
    // leaves densely sampled lines whole here and there, so PNG goes without.
    let plot = match (dashes, k % 4) {
        (true, 1) => plot.with_dashed(),
        (true, 2) => plot.with_dashdot(),
        (true, 3) => plot.with_dotted(),
        _ => plot,
    };
    Plot::Line(if legend { plot.with_legend(curve.label.clone()) } else { plot })
}

/// The plots of a panel; the legend is drawn once where all panels have the same.
fn plots(panel: &Panel, dashes: bool) -> Vec<Plot> {
    match &panel.content {
        Content::Curves(curves) => {
            let named = curves.len() > 1 && curves.iter().any(|c| !c.label.is_empty());
            let styles = COLOURS.into_iter().cycle().enumerate();
            curves.iter().zip(styles).map(|(c, style)| curve(c, style, named, dashes)).collect()
        }
        Content::Map(map) => {
            let ((columns, (x0, x1)), (rows, (y0, y1))) = (cells(map.columns()), cells(map.rows()));
            let shown = |r: usize, c: usize| map.values.get(r).and_then(|row| row.get(c)).copied().unwrap_or(f64::NAN);
            let values = rows.iter().map(|r| columns.iter().map(|c| shown(*r, *c)).collect()).collect();
            vec![Plot::Heatmap(
                Heatmap::new()
                    .with_data::<f64, Vec<f64>, Vec<Vec<f64>>>(values)
                    .with_cell_size(1.0)
                    .with_x_range(x0, x1)
                    .with_y_range(y0, y1)
                    .with_color_map(ColorMap::Viridis)
                    .with_legend(map.label.clone()),
            )]
        }
    }
}

/// Which value each of evenly wide cells shows, and from where to where they reach, for the edges of the values: one that is farther
/// from its neighbours than others are fills several cells. On a logarithmic axis cells are even in the logarithm to base 10.
fn cells((edges, log): (Vec<f64>, bool)) -> (Vec<usize>, (f64, f64)) {
    const MOST: usize = 400;
    let edges: Vec<f64> = if log { edges.iter().map(|x| x.log10()).collect() } else { edges };
    let (Some(first), Some(last)) = (edges.first(), edges.last()) else { return (vec![], (0.0, 1.0)) };
    let widths: Vec<f64> = edges.iter().zip(edges.iter().skip(1)).map(|(a, b)| b - a).collect();
    let smallest = widths.iter().copied().fold(f64::INFINITY, f64::min);
    if widths.iter().all(|w| (w / smallest - 1.0).abs() < 1e-6) {
        return ((0..widths.len()).collect(), (*first, *last));
    }
    let count = (8.0 * (last - first) / smallest).ceil().clamp(1.0, MOST as f64) as usize;
    let middle = |k: usize| first + (last - first) * (k as f64 + 0.5) / count as f64;
    let of = |x: f64| edges.partition_point(|e| *e <= x).saturating_sub(1).min(widths.len() - 1);
    ((0..count).map(|k| of(middle(k))).collect(), (*first, *last))
}

/// Whether the axes of a panel are logarithmic.
fn logarithmic(panel: &Panel) -> (bool, bool) {
    match &panel.content {
        Content::Map(map) => (map.columns().1, map.rows().1),
        Content::Curves(_) => (panel.is_log_x(), false),
    }
}

/// The names of the axes: a heat map is drawn over the logarithm of a logarithmic axis, curves have a logarithmic scale.
fn axis_labels(panel: &Panel) -> [String; 2] {
    let named = |label: &str, log: bool| match (&panel.content, log) {
        (Content::Map(_), true) => format!("log10 of {label}"),
        _ => label.to_string(),
    };
    let (x, y) = logarithmic(panel);
    [named(&panel.x, x), named(&panel.y, y)]
}

/// The size of the title of a figure, and the width that it then needs: a long one is drawn in smaller letters.
fn title_size(title: &str, width: f64) -> (u32, f64) {
    const SIZES: std::ops::RangeInclusive<u32> = 11..=20;
    /// Mean width of a letter, relative to the size.
    const LETTER: f64 = 0.58;
    let of = |size: u32| LETTER * f64::from(size) * title.chars().count() as f64;
    let size = SIZES.rev().find(|size| of(*size) <= width).unwrap_or(*SIZES.start());
    (size, of(size))
}

fn labels(panel: &Panel) -> Vec<&str> {
    match &panel.content {
        Content::Curves(curves) => curves.iter().map(|c| c.label.as_str()).collect(),
        Content::Map(_) => vec![],
    }
}

fn scene(figure: &Figure, dashes: bool) -> Scene {
    let same = match figure.panels.as_slice() {
        [first, _, ..] => figure.panels.iter().all(|p| labels(p) == labels(first) && labels(p).len() > 1),
        _ => false,
    };
    let cells: Vec<Vec<Plot>> = figure.panels.iter().map(|p| plots(p, dashes)).collect();
    let layouts: Vec<Layout> = figure
        .panels
        .iter()
        .zip(&cells)
        .map(|(panel, cell)| {
            let [x, y] = axis_labels(panel);
            let layout = Layout::auto_from_plots(cell)
                .with_title(panel.title.clone())
                .with_title_size(13)
                .with_x_label(x)
                .with_y_label(y);
            if panel.is_log_x() { layout.with_log_x() } else { layout }
        })
        .collect();
    let columns = figure.columns.max(1);
    let rows = figure.panels.len().div_ceil(columns);
    // Legends and scales of colours stand beside the panel, which needs the room.
    let beside =
        |p: &Panel| labels(p).iter().filter(|l| !l.is_empty()).count() > 1 || matches!(p.content, Content::Map(_));
    let legend = figure.panels.iter().any(beside) && !same;
    let width = PANEL.0 + if legend { 110.0 } else { 0.0 };
    let (size, needed) = title_size(&figure.title, width * columns as f64);
    let drawn = kuva::render::figure::Figure::new(rows, columns)
        .with_title(figure.title.clone())
        .with_title_size(size)
        .with_plots(cells)
        .with_layouts(layouts)
        .with_cell_size(width.max(needed / columns as f64), PANEL.1);
    if same { drawn.with_shared_legend_bottom() } else { drawn }.render()
}

/// What can be drawn.
#[derive(Debug, Clone, Copy)]
pub enum Picture<'a> {
    /// Panels of curves and maps.
    Figure(&'a Figure),
    /// Shapes.
    Drawing(&'a Drawing),
}

/// A kind of picture: the ending of its files, what it is for, and how its bytes are made.
pub struct Kind {
    /// The ending of its files.
    pub ending: &'static str,
    /// What it is for.
    pub meaning: &'static str,
    /// Its bytes.
    pub bytes: fn(Picture) -> Result<Vec<u8>, String>,
}

/// Every kind.
pub const KINDS: &[Kind] = &[
    Kind { ending: "svg", meaning: "for the web and for editing", bytes: |p| Ok(svg_of(p).into_bytes()) },
    Kind { ending: "png", meaning: "for general use, at twice screen resolution", bytes: png_of },
    Kind { ending: "pdf", meaning: "for print and LaTeX, with embedded fonts", bytes: pdf_of },
];

impl Kind {
    /// The kind with an ending.
    pub fn of(ending: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|k| k.ending == ending)
    }
}

fn scene_of(picture: Picture, dashes: bool) -> Scene {
    match picture {
        Picture::Figure(figure) => scene(figure, dashes),
        Picture::Drawing(drawing) => sheet(drawing),
    }
}

fn svg_of(picture: Picture) -> String {
    SvgBackend::new().render_scene(&scene_of(picture, true))
}

fn png_of(picture: Picture) -> Result<Vec<u8>, String> {
    PngBackend::new().with_scale(2.0).render_scene(&scene_of(picture, false)).map_err(|e| e.to_string())
}

fn pdf_of(picture: Picture) -> Result<Vec<u8>, String> {
    PdfBackend::new().render_scene(&scene_of(picture, true))
}

/// A figure in letters, for a terminal that is so many wide: dots of two by four a letter; in colours, or without.
pub fn letters(figure: &Figure, columns: usize, coloured: bool) -> String {
    let rows = (columns / 4).clamp(16, 30);
    let mut out = String::new();
    for panel in &figure.panels {
        let Content::Curves(curves) = &panel.content else {
            // A map is nothing but its colours.
            out += &format!("{}: a map; use `ergoseq plot` to draw it\n\n", panel.title);
            continue;
        };
        // A legend takes a third of the width: the names stand in the title, and theory's points would hide the lines.
        let lines: Vec<Curve> = curves.iter().filter(|c| !c.marks).cloned().collect();
        let names: Vec<&str> = lines.iter().map(|c| c.label.as_str()).collect();
        let title =
            if names.len() > 1 { format!("{}: {}", panel.title, names.join(", ")) } else { panel.title.clone() };
        let bare = lines.iter().map(|c| Curve { label: String::new(), ..c.clone() }).collect();
        let panel = Panel { title, content: Content::Curves(bare), ..panel.clone() };
        let cell = plots(&panel, false);
        // Grid lines would stand in the place of the curve, and a name that runs upwards takes a letter a line.
        let layout = Layout::auto_from_plots(&cell)
            .with_title(panel.title.clone())
            .with_title_size(13)
            .with_x_label(panel.x.clone())
            .with_show_grid(false);
        let layout = if panel.is_log_x() { layout.with_log_x() } else { layout };
        let alone = kuva::render::figure::Figure::new(1, 1)
            .with_plots(vec![cell])
            .with_layouts(vec![layout])
            .with_cell_size(PANEL.0 * 1.5, PANEL.1);
        let drawn = TerminalBackend::new(columns, rows).render_scene(&alone.render());
        let drawn = if coloured { drawn } else { plain(&drawn) };
        let blank = |line: &&str| line.trim().is_empty();
        let mut lines: Vec<&str> = drawn.lines().map(str::trim_end).skip_while(blank).collect();
        while lines.pop_if(|line| line.trim().is_empty()).is_some() {}
        out += &(lines.join("\n") + "\n\n");
    }
    out
}

/// A text without the sequences that set colours.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        match (inside, c) {
            (false, '\u{1b}') => inside = true,
            (true, c) => inside = !c.is_ascii_alphabetic(),
            (false, c) => out.push(c),
        }
    }
    out
}

fn colour(paint: Option<Paint>) -> Option<Color> {
    paint.map(on_white).map(|(r, g, b)| Color::Rgb(r, g, b))
}

/// A drawing as primitives on white.
fn sheet(drawing: &Drawing) -> Scene {
    let mut scene = Scene::new(drawing.width, drawing.height);
    // The family that the crate brings along comes first: PDF knows no other where the system has none.
    scene.font_family = Some("DejaVu Sans, Liberation Sans, Arial, sans-serif".into());
    for shape in &drawing.shapes {
        match shape {
            Shape::Text(x, y, anchor, class, text) => {
                let Some(look) = style(class) else { continue };
                let (size, bold) = look.letters.unwrap_or((11, false));
                let anchor = match anchor {
                    Anchor::Start => TextAnchor::Start,
                    Anchor::Middle => TextAnchor::Middle,
                    Anchor::End => TextAnchor::End,
                };
                let (x, y, content, color) = (*x, *y, text.clone(), colour(look.fill));
                scene.add(Primitive::Text { x, y, content, size, anchor, rotate: None, bold, color });
            }
            Shape::Rect([x, y, width, height], class) => {
                let (right, bottom) = (x + width, y + height);
                let corners = [(right, *y), (right, bottom), (*x, bottom)].map(|(x, y)| Stroke::Line(x, y));
                let mut path = vec![Stroke::Move(*x, *y)];
                path.extend(corners);
                path.push(Stroke::Close);
                trace(&mut scene, outline(&path), class);
            }
            Shape::Path(strokes, class) => trace(&mut scene, outline(strokes), class),
            Shape::Circle([cx, cy, r], class) => {
                let Some(look) = style(class) else { continue };
                scene.add(Primitive::Circle {
                    cx: *cx,
                    cy: *cy,
                    r: *r,
                    fill: colour(look.fill).unwrap_or(Color::None),
                    fill_opacity: None,
                    stroke: colour(look.stroke),
                    stroke_width: Some(look.width),
                });
            }
            Shape::Span([from, to, y]) => {
                let (a, b) = (from.min(*to), from.max(*to));
                trace(&mut scene, outline(&[Stroke::Move(a, *y), Stroke::Line(b, *y)]), "span");
                let head = (0.3 * (b - a)).min(6.0);
                for (tip, back) in [(a, a + head), (b, b - head)] {
                    let head = [
                        Stroke::Move(tip, *y),
                        Stroke::Line(back, y - 2.5),
                        Stroke::Line(back, y + 2.5),
                        Stroke::Close,
                    ];
                    let grey = colour(Some(Paint("faint", 100))).unwrap_or(Color::None);
                    path(&mut scene, outline(&head), Some(grey.clone()), grey, 0.5, None);
                }
            }
            Shape::Begin(_) | Shape::End => {}
        }
    }
    scene
}

fn trace(scene: &mut Scene, d: String, class: &str) {
    let Some(look) = style(class) else { return };
    let fill = colour(look.fill);
    let dash = look.dash.map(|(dash, gap)| format!("{dash},{gap}"));
    match colour(look.stroke) {
        Some(stroke) => path(scene, d, fill, stroke, look.width, dash),
        // What has no outline is outlined as it is filled, ever so thinly: neighbours then leave no seam.
        None => path(scene, d, fill.clone(), fill.unwrap_or(Color::None), 0.1, None),
    }
}

fn path(scene: &mut Scene, d: String, fill: Option<Color>, stroke: Color, stroke_width: f64, dash: Option<String>) {
    let data = PathData { d, fill, stroke, stroke_width, opacity: None, stroke_dasharray: dash };
    scene.add(Primitive::Path(Box::new(data)));
}
