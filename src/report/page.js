// Draws every chart of the page from the numbers that stand beside it. A pointer or the arrow keys read values, dragging or + and -
// zoom, a double click or Escape shows everything again.
"use strict";
(() => {
  const W = 560, H = 320, M = { l: 64, r: 12, t: 10, b: 44 };
  const NS = "http://www.w3.org/2000/svg";
  const colours = ["--a", "--b", "--c", "--d", "--e", "--f"];
  const element = (name, attributes, parent) => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (parent) parent.append(made);
    return made;
  };
  const say = (x) => {
    if (x === null || x === undefined) return "\u2013";
    const size = Math.abs(x);
    const text = size !== 0 && (size < 1e-3 || size >= 1e6) ? x.toExponential(5) : String(Number(x.toPrecision(6)));
    return text.replace("-", "\u2212");
  };
  const short = (x) => {
    const size = Math.abs(x);
    const text = size !== 0 && (size < 1e-3 || size >= 1e5) ? Number(x.toPrecision(4)).toExponential() : String(Number(x.toPrecision(5)));
    return text.replace("-", "\u2212");
  };
  // Steps of 1, 2 or 5 times a power of ten.
  const ticks = (low, high) => {
    const raw = (high - low) / 7, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
    const out = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) out.push(k * step);
    return out;
  };
  // Powers of ten, and 2 and 5 times them where these are few.
  const decades = (low, high) => {
    const out = [], span = Math.log10(high / low), each = span > 3 ? [1] : [1, 2, 5], every = Math.max(1, Math.ceil(span / 8));
    for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k += every) {
      for (const m of each) { const t = Number(`${m}e${k}`); if (t >= low && t <= high) out.push(t); }
    }
    return out;
  };
  const extent = (values) => {
    let low = Infinity, high = -Infinity;
    for (const v of values) if (v !== null) { low = Math.min(low, v); high = Math.max(high, v); }
    if (low > high) return [0, 1];
    if (low === high) { const pad = Math.abs(low) || 1; return [low - 0.5 * pad, high + 0.5 * pad]; }
    return [low, high];
  };
  const frame = (svg, data, sx, sy, x, y) => {
    for (const t of ticks(...x)) {
      element("path", { d: `M${sx(t)} ${M.t}V${H - M.b}`, class: "grid" }, svg);
      element("text", { x: sx(t), y: H - M.b + 14, "text-anchor": "middle", class: "tick" }, svg).textContent = short(t);
    }
    for (const t of ticks(...y)) {
      element("path", { d: `M${M.l} ${sy(t)}H${W - M.r}`, class: "grid" }, svg);
      element("text", { x: M.l - 6, y: sy(t) + 4, "text-anchor": "end", class: "tick" }, svg).textContent = short(t);
    }
    element("path", { d: `M${M.l} ${M.t}V${H - M.b}H${W - M.r}`, class: "axis" }, svg);
    element("text", { x: (M.l + W - M.r) / 2, y: H - 8, "text-anchor": "middle" }, svg).textContent = data.x;
    const label = element("text", { x: 0, y: 0, "text-anchor": "middle", transform: `translate(12 ${(M.t + H - M.b) / 2}) rotate(-90)` }, svg);
    label.textContent = data.y;
  };
  const curves = (figure, data) => {
    const output = document.createElement("output");
    const svg = element("svg", { viewBox: `0 0 ${W} ${H}`, tabindex: "0", role: "img",
      "aria-label": `${data.title || data.y} over ${data.x}: ${data.curves.map((c) => c.label).join(", ")}` });
    output.setAttribute("aria-live", "polite");
    figure.append(svg, output);
    const shown = data.curves.map(() => true);
    const whole = extent(data.curves.flatMap((c) => c.x));
    let view = whole, cursor = null, drag = null;
    let sx, sy, x, y;
    const draw = () => {
      svg.replaceChildren();
      const inside = data.curves.flatMap((c, k) => shown[k] ? c.y.filter((_, i) => c.x[i] >= view[0] && c.x[i] <= view[1]) : []);
      x = view; y = extent(inside);
      const pad = 0.04 * (y[1] - y[0]); y = [y[0] - pad, y[1] + pad];
      sx = (v) => M.l + (W - M.l - M.r) * (v - x[0]) / (x[1] - x[0]);
      sy = (v) => H - M.b - (H - M.t - M.b) * (v - y[0]) / (y[1] - y[0]);
      frame(svg, data, sx, sy, x, y);
      const clip = `clip${Math.random().toString(36).slice(2)}`;
      const box = element("clipPath", { id: clip }, svg);
      element("rect", { x: M.l, y: M.t, width: W - M.l - M.r, height: H - M.t - M.b }, box);
      data.curves.forEach((curve, k) => {
        if (!shown[k]) return;
        const style = `--colour:var(${colours[k % 6]})`;
        const group = element("g", { "clip-path": `url(#${clip})`, style }, svg);
        if (curve.marks) {
          curve.x.forEach((v, i) => curve.y[i] !== null
            && element("circle", { cx: sx(v), cy: sy(curve.y[i]), r: 2.4, fill: "none", stroke: "var(--colour)" }, group));
        } else {
          let path = "", pen = "M";
          curve.x.forEach((v, i) => {
            if (curve.y[i] === null) { pen = "M"; return; }
            path += `${pen}${sx(v).toFixed(2)} ${sy(curve.y[i]).toFixed(2)}`; pen = "L";
          });
          element("path", { d: path, fill: "none", stroke: "var(--colour)", "stroke-width": 1.6,
            "stroke-dasharray": k >= 6 ? "5 3" : "none" }, group);
        }
      });
      read();
    };
    const read = () => {
      svg.querySelectorAll(".cursor").forEach((n) => n.remove());
      if (cursor === null) { output.textContent = ""; return; }
      const parts = [];
      let at = cursor;
      data.curves.forEach((curve, k) => {
        if (!shown[k] || !curve.x.length) return;
        let best = 0;
        curve.x.forEach((v, i) => { if (Math.abs(v - cursor) < Math.abs(curve.x[best] - cursor)) best = i; });
        if (k === 0) at = curve.x[best];
        parts.push(`${curve.label} ${say(curve.y[best])}`);
        if (curve.y[best] !== null) {
          element("circle", { cx: sx(curve.x[best]), cy: sy(curve.y[best]), r: 3.4, class: "cursor", fill: `var(${colours[k % 6]})` }, svg);
        }
      });
      element("path", { d: `M${sx(at)} ${M.t}V${H - M.b}`, class: "cursor axis" }, svg);
      output.textContent = `${data.x}: ${say(at)}   ${parts.join("   ")}`;
    };
    const at = (event) => {
      const box = svg.getBoundingClientRect();
      const px = (event.clientX - box.left) * W / box.width;
      return x[0] + (x[1] - x[0]) * Math.min(1, Math.max(0, (px - M.l) / (W - M.l - M.r)));
    };
    const zoom = (factor) => {
      const middle = cursor ?? (view[0] + view[1]) / 2, half = (view[1] - view[0]) * factor / 2;
      view = [Math.max(whole[0], middle - half), Math.min(whole[1], middle + half)]; draw();
    };
    svg.addEventListener("pointermove", (event) => { cursor = at(event); read(); });
    svg.addEventListener("pointerleave", () => { cursor = null; read(); });
    svg.addEventListener("pointerdown", (event) => { drag = at(event); });
    svg.addEventListener("pointerup", (event) => {
      const end = at(event);
      if (drag !== null && Math.abs(end - drag) > 0.03 * (x[1] - x[0])) { view = [Math.min(drag, end), Math.max(drag, end)]; draw(); }
      drag = null;
    });
    svg.addEventListener("dblclick", () => { view = whole; draw(); });
    svg.addEventListener("keydown", (event) => {
      const list = data.curves[0].x, step = (view[1] - view[0]) / 100;
      if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
        const sign = event.key === "ArrowRight" ? 1 : -1;
        cursor = Math.min(view[1], Math.max(view[0], (cursor ?? (sign > 0 ? list[0] : list[list.length - 1])) + sign * step)); read();
      } else if (event.key === "+" || event.key === "=") zoom(0.5);
      else if (event.key === "-") zoom(2);
      else if (event.key === "Escape") { view = whole; cursor = null; draw(); }
      else return;
      event.preventDefault();
    });
    const legend = document.createElement("div");
    legend.className = "legend";
    data.curves.forEach((curve, k) => {
      const button = document.createElement("button");
      button.type = "button"; button.textContent = curve.label;
      button.style.setProperty("--colour", `var(${colours[k % 6]})`);
      button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => { shown[k] = !shown[k]; button.setAttribute("aria-pressed", String(shown[k])); draw(); });
      legend.append(button);
    });
    figure.append(legend);
    draw();
  };
  // A scale that grows evenly in lightness and is told apart by the colour-blind, through seven of its colours.
  const scale = [[68, 1, 84], [68, 58, 131], [49, 104, 142], [33, 145, 140], [53, 183, 121], [144, 215, 67], [253, 231, 37]];
  const colour = (u) => {
    const at = Math.min(5.9999, Math.max(0, u * 6)), k = Math.floor(at), f = at - k;
    return scale[k].map((c, i) => Math.round(c + f * (scale[k + 1][i] - c)));
  };
  const map = (figure, data) => {
    const { x, y, values, label, columns, rows } = data.map;
    const [low, high] = extent(values.flat());
    const right = 78, w = W - M.l - right, h = H - M.t - M.b;
    // From 0 to 1 along an axis between its outer edges, evenly in the value or in its logarithm.
    const along = ({ edges, log }) => {
      const f = log ? Math.log10 : (v) => v, from = f(edges[0]), to = f(edges[edges.length - 1]);
      return (v) => (f(v) - from) / (to - from);
    };
    const ux = along(columns), uy = along(rows);
    const marks = ({ edges, log }) => log ? decades(edges[0], edges[edges.length - 1]) : ticks(edges[0], edges[edges.length - 1]);
    const canvas = document.createElement("canvas"), fine = 3;
    canvas.width = fine * w; canvas.height = fine * h;
    const context = canvas.getContext("2d");
    const px = columns.edges.map((v) => Math.round(canvas.width * ux(v))), py = rows.edges.map((v) => Math.round(canvas.height * (1 - uy(v))));
    values.forEach((row, j) => row.forEach((v, i) => {
      context.fillStyle = `rgb(${v === null ? [128, 128, 128] : colour((v - low) / (high - low))})`;
      context.fillRect(px[i], py[j + 1], px[i + 1] - px[i], py[j] - py[j + 1]);
    }));
    const svg = element("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", tabindex: "0", "aria-label": `${label} over ${data.x} and ${data.y}` });
    const sx = (v) => M.l + w * ux(v), sy = (v) => H - M.b - h * uy(v);
    element("image", { x: M.l, y: M.t, width: w, height: h, preserveAspectRatio: "none", style: "image-rendering:pixelated",
      href: canvas.toDataURL() }, svg);
    for (const t of marks(columns)) element("text", { x: sx(t), y: H - M.b + 14, "text-anchor": "middle", class: "tick" }, svg).textContent = short(t);
    for (const t of marks(rows)) element("text", { x: M.l - 6, y: sy(t) + 4, "text-anchor": "end", class: "tick" }, svg).textContent = short(t);
    element("text", { x: M.l + w / 2, y: H - 8, "text-anchor": "middle" }, svg).textContent = data.x;
    element("text", { "text-anchor": "middle", transform: `translate(12 ${M.t + h / 2}) rotate(-90)` }, svg).textContent = data.y;
    for (let k = 0; k < 60; k++) {
      element("rect", { x: W - right + 14, y: M.t + h * (59 - k) / 60, width: 14, height: h / 60 + 0.5, fill: `rgb(${colour((k + 0.5) / 60)})` }, svg);
    }
    for (const t of ticks(low, high)) {
      element("text", { x: W - right + 32, y: H - M.b - h * (t - low) / (high - low) + 4, class: "tick" }, svg).textContent = short(t);
    }
    const output = document.createElement("output");
    output.setAttribute("aria-live", "polite");
    let i = 0, j = 0;
    const cell = ({ edges }, u, at) => {
      let k = 0;
      while (k < edges.length - 2 && u(edges[k + 1]) <= at) k++;
      return k;
    };
    const read = () => { output.textContent = `${data.x}: ${say(x[i])}   ${data.y}: ${say(y[j])}   ${label} ${say(values[j][i])}`; };
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const px = (event.clientX - box.left) * W / box.width, py = (event.clientY - box.top) * H / box.height;
      i = cell(columns, ux, (px - M.l) / w);
      j = cell(rows, uy, (H - M.b - py) / h);
      read();
    });
    svg.addEventListener("keydown", (event) => {
      const move = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!move) return;
      i = Math.min(x.length - 1, Math.max(0, i + move[0])); j = Math.min(y.length - 1, Math.max(0, j + move[1]));
      read(); event.preventDefault();
    });
    figure.append(svg, output);
  };
  for (const figure of document.querySelectorAll("figure.chart")) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    if (data.map) map(figure, data); else curves(figure, data);
  }
})();
