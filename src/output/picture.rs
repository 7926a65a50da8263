//! Figures as pictures: SVG for print, PNG for everything else. The only file that names the drawing crate.
//!
//! Colours are those of Okabe and Ito, which the colour-blind can tell apart; maps are drawn in viridis. Legends stand beside
//! the panels, never on them.

use super::figure::{Content, Curve, Figure, Panel};
use kuva::backend::png::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::plot::heatmap::ColorMap;
use kuva::plot::{Heatmap, LinePlot, ScatterPlot};
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::Scene;

/// Blue, orange, green, vermilion, purple, sky, black.
const COLOURS: [&str; 7] = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000"];

/// Pixels of a panel.
const PANEL: (f64, f64) = (340.0, 270.0);

fn curve(curve: &Curve, k: usize, legend: bool, dashes: bool) -> Plot {
    let colour = COLOURS[k % COLOURS.len()];
    let points = curve.points.clone();
    if curve.marks {
        let plot = ScatterPlot::new().with_data(points).with_color(colour).with_size(3.5);
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
            let named = curves.len() > 1;
            curves.iter().enumerate().map(|(k, c)| curve(c, k, named, dashes)).collect()
        }
        Content::Map(map) => {
            let range = |v: &[f64]| (v.first().copied().unwrap_or(0.0), v.last().copied().unwrap_or(1.0));
            let ((x0, x1), (y0, y1)) = (range(&map.x), range(&map.y));
            vec![Plot::Heatmap(
                Heatmap::new()
                    .with_data(map.values.clone())
                    .with_cell_size(1.0)
                    .with_x_range(x0, x1)
                    .with_y_range(y0, y1)
                    .with_color_map(ColorMap::Viridis)
                    .with_legend(map.label.clone()),
            )]
        }
    }
}

fn labels(panel: &Panel) -> Vec<&str> {
    match &panel.content {
        Content::Curves(curves) => curves.iter().map(|c| c.label.as_str()).collect(),
        Content::Map(_) => vec![],
    }
}

fn scene(figure: &Figure, dashes: bool) -> Scene {
    let same = figure.panels.len() > 1
        && figure.panels.iter().all(|p| labels(p) == labels(&figure.panels[0]) && labels(p).len() > 1);
    let cells: Vec<Vec<Plot>> = figure.panels.iter().map(|p| plots(p, dashes)).collect();
    let layouts: Vec<Layout> = figure
        .panels
        .iter()
        .zip(&cells)
        .map(|(panel, cell)| {
            Layout::auto_from_plots(cell)
                .with_title(panel.title.clone())
                .with_title_size(13)
                .with_x_label(panel.x.clone())
                .with_y_label(panel.y.clone())
        })
        .collect();
    let columns = figure.columns.max(1);
    let rows = figure.panels.len().div_ceil(columns);
    let legend = figure.panels.iter().any(|p| labels(p).len() > 1) && !same;
    let drawn = kuva::render::figure::Figure::new(rows, columns)
        .with_title(figure.title.clone())
        .with_plots(cells)
        .with_layouts(layouts)
        .with_cell_size(PANEL.0 + if legend { 110.0 } else { 0.0 }, PANEL.1);
    if same { drawn.with_shared_legend_bottom() } else { drawn }.render()
}

/// The picture as SVG.
pub fn svg(figure: &Figure) -> String {
    SvgBackend::new().render_scene(&scene(figure, true))
}

/// The picture as PNG, at twice the resolution of a screen.
///
/// # Errors
/// When the picture cannot be drawn.
pub fn png(figure: &Figure) -> Result<Vec<u8>, String> {
    PngBackend::new().with_scale(2.0).render_scene(&scene(figure, false)).map_err(|e| e.to_string())
}
