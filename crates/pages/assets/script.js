// The page is whole without this. It adds what needs a pointer or keys: the value under the cursor, zoom, copying, quick keys.
"use strict";
const all = (query, within = document) => [...within.querySelectorAll(query)];
const svgElement = (name, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};
const instant = seconds => new Date(Math.round(seconds) * 1000).toISOString().slice(0, 19) + "Z";

// A drawn path is its data: its numbers, absolute, are read back through the scale that the picture carries.
const pointsOf = path => (path?.getAttribute("d") ?? "").split("M").filter(Boolean)
  .flatMap(part => (part.match(/-?[\d.]+ -?[\d.]+/g) ?? []).map(pair => pair.split(" ").map(Number)));
const nearest = (points, x, reach) => points.reduce(
  (best, point) => Math.abs(point[0] - x) <= Math.min(reach, best ? Math.abs(best[0] - x) : Infinity) ? point : best, null);

// Where the shown time can be chosen at all.
const canZoom = document.getElementById("from") !== null;

class Chart {
  constructor(svg) {
    const number = key => Number(svg.dataset[key]);
    this.svg = svg;
    this.box = svg.parentNode;
    [this.start, this.now, this.end, this.low, this.high] = ["t0", "now", "t1", "y0", "y1"].map(number);
    this.split = number("split") * 1000;
    this.unit = svg.dataset.unit ?? "";
    this.past = pointsOf(svg.querySelector("path.h"));
    this.future = pointsOf(svg.querySelector("path.f"));
    this.output = document.createElement("output");
    svg.closest("figure").querySelector(".head").append(this.output);
    this.cursor = svgElement("line", { class: "cur", y2: "90%", visibility: "hidden" });
    svg.append(this.cursor);
    this.slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 1000, step: 2, value: this.split });
    this.slider.setAttribute("aria-label", "Read values of: " + svg.getAttribute("aria-label"));
    this.box.append(this.slider);
    this.listen();
  }
  time(x) {
    return x <= this.split || this.end === this.now
      ? this.start + (this.now - this.start) * x / this.split
      : this.now + (this.end - this.now) * (x - this.split) / (1000 - this.split);
  }
  x(time) {
    return time <= this.now || this.end === this.now
      ? this.split * (time - this.start) / (this.now - this.start)
      : this.split + (1000 - this.split) * (time - this.now) / (this.end - this.now);
  }
  number(y) {
    return this.low + (1 - y / 270) * (this.high - this.low);
  }
  value(y) {
    return this.number(y).toPrecision(3).replace("-", "−") + this.unit;
  }
  read(time) {
    const x = this.x(time);
    const point = nearest(x <= this.split ? this.past : this.future, x, 12);
    const clock = instant(time).slice(11, 19);
    return clock + "  " + (point ? (x > this.split ? "about " : "") + this.value(point[1]) : x <= this.split && this.past.length ? "no data" : "");
  }
  show(time) {
    const x = this.x(time);
    const inside = x >= 0 && x <= 1000;
    this.cursor.setAttribute("visibility", inside ? "visible" : "hidden");
    this.output.value = inside ? this.read(time) : "";
    this.slider.setAttribute("aria-valuetext", this.output.value);
    this.cursor.setAttribute("x1", x / 10 + "%");
    this.cursor.setAttribute("x2", x / 10 + "%");
  }
  hide() {
    this.cursor.setAttribute("visibility", "hidden");
    this.output.value = "";
  }
  listen() {
    const where = event => {
      const box = this.svg.getBoundingClientRect();
      return Math.max(0, Math.min(1000, (event.clientX - box.left) / box.width * 1000));
    };
    let from = null, pick = null;
    const stop = () => { pick?.remove(); pick = from = null; };
    this.slider.addEventListener("input", () => showAll(this.time(Number(this.slider.value))));
    this.slider.addEventListener("focus", () => showAll(this.time(Number(this.slider.value))));
    this.slider.addEventListener("blur", hideAll);
    this.slider.addEventListener("keydown", event => {
      const time = this.time(Number(this.slider.value));
      if (event.key === "[") this.from = time;
      if (event.key === "]") this.to = time;
      if (event.key === "Enter" && canZoom && this.from && this.to) zoom(this.from, this.to);
    });
    this.box.addEventListener("pointerdown", event => {
      if (canZoom && event.button === 0 && event.pointerType !== "touch") { from = where(event); event.preventDefault(); }
    });
    this.box.addEventListener("pointermove", event => {
      const x = where(event);
      showAll(this.time(x));
      if (from === null || Math.abs(x - from) < 4) return;
      pick ??= this.svg.appendChild(svgElement("rect", { class: "pick", height: "90%" }));
      pick.setAttribute("x", Math.min(x, from) / 10 + "%");
      pick.setAttribute("width", Math.abs(x - from) / 10 + "%");
    });
    this.box.addEventListener("pointerleave", hideAll);
    addEventListener("pointerup", event => {
      if (pick) zoom(this.time(from), this.time(where(event)));
      stop();
    });
    addEventListener("keydown", event => { if (event.key === "Escape") stop(); });
    if (canZoom) this.box.addEventListener("dblclick", () => zoom());
  }
}

// A span that is chosen fills in the form to exclude it, too, where the page has one.
function zoom(one, other) {
  const url = new URL(location.href);
  const [from, to] = [one, other].sort((a, b) => a - b);
  for (const [key, time] of [["from", from], ["to", to]]) {
    if (time) url.searchParams.set(key, instant(time)); else url.searchParams.delete(key);
  }
  location.assign(url);
}

const charts = all("svg.plot[data-t0]").map(svg => new Chart(svg));
const showAll = time => charts.forEach(chart => chart.show(time));
function hideAll() { charts.forEach(chart => chart.hide()); }

for (const pre of all("pre")) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
  const box = Object.assign(document.createElement("div"), { className: "code" });
  pre.replaceWith(box);
  box.append(pre, button);
  button.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(pre.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// A bound that is tried slides over what was measured, and its field follows.
function slide(chart, figure) {
  const isMost = figure.dataset.bound === "max";
  const field = document.getElementById("try-" + figure.dataset.bound);
  const line = chart.svg.appendChild(svgElement("line", { class: "cur", x2: "100%", visibility: "hidden" }));
  const slider = Object.assign(document.createElement("input"), { id: "slide", type: "range", min: chart.low, max: chart.high, step: (chart.high - chart.low) / 200, value: field.value });
  const label = Object.assign(document.createElement("label"), { htmlFor: "slide", textContent: (isMost ? "At most" : "At least") + ": slide it, then try again" });
  const output = document.createElement("output");
  const box = Object.assign(document.createElement("div"), { className: "slide" });
  box.append(label, slider, output);
  chart.box.after(box);
  slider.addEventListener("input", () => {
    const bound = Number(slider.value);
    const y = 90 * (1 - (bound - chart.low) / (chart.high - chart.low)) + "%";
    for (const [key, value] of Object.entries({ y1: y, y2: y, visibility: "visible" })) line.setAttribute(key, value);
    field.value = Number(bound.toPrecision(3));
    const beyond = chart.past.filter(([, at]) => isMost ? chart.number(at) > bound : chart.number(at) < bound).length;
    output.value = field.value + ": " + beyond + " of " + chart.past.length + " averages are beyond it";
    slider.setAttribute("aria-valuetext", output.value);
  });
}
for (const chart of charts) {
  const figure = chart.svg.closest("figure[data-bound]");
  if (figure) slide(chart, figure);
}

// "/" goes to the search, j and k through the rows.
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || /input|select|textarea/i.test(event.target.tagName)) return;
  const search = all("input[name=q]")[0], rows = all("th[scope=row] a");
  if (event.key === "/" && search) { event.preventDefault(); search.focus(); }
  if ("jk".includes(event.key) && rows.length) {
    const here = rows.findIndex(link => link.closest("tr").contains(document.activeElement));
    rows[Math.max(0, Math.min(rows.length - 1, here + (event.key === "j" ? 1 : -1)))].focus();
  }
});
