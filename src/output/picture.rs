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
            let ((columns, (x0, x1)), (rows, (y0, y1))) = (cells(&map.x), cells(&map.y));
            let values = rows.iter().map(|r| columns.iter().map(|c| map.values[*r][*c]).collect()).collect();
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

/// Which value each of evenly wide cells shows, and from where to where they reach: a value fills the cell about it, and one that is
/// farther from its neighbours than others are fills several.
fn cells(values: &[f64]) -> (Vec<usize>, (f64, f64)) {
    const MOST: usize = 400;
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return (vec![], (0.0, 1.0)) };
    let gaps: Vec<f64> = values.windows(2).map(|w| w[1] - w[0]).collect();
    let (Some(left), Some(right)) = (gaps.first(), gaps.last()) else { return (vec![0], (first - 0.5, last + 0.5)) };
    let range = (first - 0.5 * left, last + 0.5 * right);
    let smallest = gaps.iter().copied().fold(f64::INFINITY, f64::min);
    if gaps.iter().all(|g| (g / smallest - 1.0).abs() < 1e-6) {
        return ((0..values.len()).collect(), range);
    }
    let count = (8.0 * (range.1 - range.0) / smallest).ceil().clamp(1.0, MOST as f64) as usize;
    let nearest = |x: f64| {
        let above = values.partition_point(|v| *v < x);
        match (above.checked_sub(1), values.get(above)) {
            (Some(below), Some(next)) if x - values[below] > next - x => above,
            (Some(below), _) => below,
            (None, _) => 0,
        }
    };
    let middle = |k: usize| range.0 + (range.1 - range.0) * (k as f64 + 0.5) / count as f64;
    ((0..count).map(|k| nearest(middle(k))).collect(), range)
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
