"use strict";
// Sorts tables, and shows the pictures of one scene at a time: only those on the stage are ever decoded.

const byId = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Tables: a button in a heading sorts by its column; cells without a value stay last.

const keyOf = (row, column) => {
  const cell = row.cells[column];
  return cell.classList.contains("words") ? cell.textContent : cell.dataset.value && Number(cell.dataset.value);
};

function sortBy(heading) {
  const [column, body] = [heading.cellIndex, heading.closest("table").tBodies[0]];
  const up = heading.getAttribute("aria-sort") !== "ascending";
  const compare = (a, b) => {
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    const order = typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : Math.sign(a - b) || 0;
    return up ? order : -order;
  };
  const rows = [...body.rows].map((row) => [keyOf(row, column), row]);
  body.append(...rows.sort((a, b) => compare(a[0], b[0])).map(([, row]) => row));
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", up ? "ascending" : "descending");
}

for (const button of all("thead button")) button.addEventListener("click", () => sortBy(button.closest("th")));

// The viewer. What is chosen stands in the controls; `render` shows it.

const SECOND = 1000;
const TURN = 0.5 * SECOND; // of a view while flickering: one flash a second, far from the three that can harm
const scenes = all("script.scene");
const boundaries = { compare: 50, error: 0, anaglyph: 0, field: 0, modes: 0 }; // per cent, of each mode
const still = matchMedia("(prefers-reduced-motion: reduce)");
let scene = null;
let timer = null;

const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`)?.value;
const current = () => scene.coded.find((one) => String(one.quality) === chosen("quality"));
const decibel = (value) => (value === null ? "lossless" : `${value.toFixed(2)} dB`);
const percent = (share) => `${Math.round(100 * share)} %`;

function openScene(number) {
  const before = chosen("quality");
  scene = JSON.parse(scenes[number].textContent);
  byId("scene").value = number;
  const { coded } = scene;
  const kept = coded.find((one) => String(one.quality) === before) || coded[Math.floor(coded.length / 2)];
  all("label", byId("qualities")).forEach((label) => label.remove());
  for (const one of coded) {
    const [label, radio] = [document.createElement("label"), document.createElement("input")];
    Object.assign(radio, { type: "radio", name: "quality", value: one.quality, checked: one === kept });
    label.append(radio, ` ${one.quality}`);
    byId("qualities").append(label);
  }
  render();
}

// What lies on the stage: the picture that is wiped away comes over the other one.
function layers(one, mode, view) {
  const decoded = { src: one[view], alt: `${scene.label}, ${view} view, decoded at quality ${one.quality}` };
  const right = { src: one.right, alt: `${scene.label}, right view, decoded at quality ${one.quality}` };
  const original = { src: scene.original[view], alt: `${scene.label}, ${view} view, original` };
  const map = (name, words, blocks = false) => ({ src: one[name], alt: `${scene.label}: ${words}`, blocks });
  return {
    compare: [original, decoded],
    error: [decoded, map(`error_${view}`, `error of the ${view} view at quality ${one.quality}`)],
    anaglyph: [decoded, map("anaglyph", `anaglyph of both decoded views at quality ${one.quality}`)],
    field: [right, map("field", `displacement of each block of the right view at quality ${one.quality}`, true)],
    modes: [right, map("modes", `mode of each block of the right view at quality ${one.quality}`, true)],
  }[mode];
}

const captions = {
  compare: () => "Left of the boundary: the original. Right of it: what was decoded.",
  error: () => "Absolute difference of luma between original and decoded view, from black to light yellow.",
  anaglyph: () => "Both decoded views, for glasses that are red on the left and cyan on the right (Dubois).",
  field: (one) =>
    one.field
      ? `How far right each block of 16x16 pixels of the right view lies in the left one, in pixels; the scale is that of
        all qualities. Rows: ${one.rows[0]} to ${one.rows[1]} pixels down.`
      : "There is no displacement field: the right view was coded independently.",
  modes: (one) =>
    `Blocks of 16x16 pixels of the right view: intra (coded without the left view) ${percent(one.shares[0])}, inter ` +
    `(with its prediction) ${percent(one.shares[1])}, skipped (copied from it) ${percent(one.shares[2])}.`,
};

function put(image, layer) {
  image.hidden = !layer.src;
  if (layer.src && image.getAttribute("src") !== layer.src) image.src = layer.src;
  image.alt = layer.alt;
  image.classList.toggle("blocks", Boolean(layer.blocks));
  const [rows, columns] = scene.blocks; // blocks at the border reach beyond the picture
  image.style.width = layer.blocks ? `${(100 * 16 * columns) / scene.width}%` : "";
  image.style.height = layer.blocks ? `${(100 * 16 * rows) / scene.height}%` : "";
}

function render() {
  stopFlicker();
  const [one, mode, view] = [current(), chosen("mode"), chosen("view")];
  const drawn = Boolean(scene.original && one && one.left);
  byId("stage").classList.toggle("empty", !drawn);
  byId("slider").hidden = !drawn;
  byId("flicker").disabled = !drawn;
  for (const radio of all('input[name="view"]')) radio.disabled = mode === "field" || mode === "modes";
  showFigures(one);
  byId("caption").textContent = drawn ? captions[mode](one) : one?.note || "Nothing was measured here.";
  showLegend(drawn && (mode !== "field" || one.field) ? mode : null);
  showFull(one);
  if (!drawn) return;
  byId("wiper").style.setProperty("--ratio", scene.width / scene.height);
  const [under, over] = layers(one, mode, view);
  put(byId("under"), under);
  put(byId("over"), over);
  byId("boundary").value = boundaries[mode];
  byId("boundary-name").textContent =
    mode === "compare" ? "Boundary between original and decoded" : "Part that shows the decoded view";
  wipe();
}

function wipe() {
  const at = Number(byId("boundary").value);
  boundaries[chosen("mode")] = at;
  const reach = byId("over").classList.contains("blocks") ? (16 * scene.blocks[1]) / scene.width : 1; // of the stage
  byId("over").style.clipPath = `inset(0 0 0 ${at / reach}%)`;
  byId("stage").style.setProperty("--at", `${at}%`);
  byId("stage").classList.toggle("split", at > 0 && at < 100);
  const [first, second] = chosen("mode") === "compare" ? ["original", "decoded"] : ["decoded view", chosen("mode")];
  byId("boundary").setAttribute("aria-valuetext", `${at} % ${first}, ${100 - at} % ${second}`);
}

function showFigures(one) {
  const text = !one
    ? ""
    : `${scene.label}, quality ${one.quality}: ${one.bpp.toFixed(3)} bpp, ${decibel(one.psnr)} ` +
      `(left ${decibel(one.psnr_left)}, right ${decibel(one.psnr_right)}), ${one.bytes.toLocaleString("en")} bytes`;
  if (byId("figures").textContent !== text) byId("figures").textContent = text; // what stays is not read out again
}

function showLegend(mode) {
  for (const legend of all(".legend")) legend.hidden = legend.id !== `legend-${mode}`;
  if (mode !== "field") return;
  byId("field-low").textContent = `${scene.field_scale[0]} pixels`;
  byId("field-high").textContent = `${scene.field_scale[1]} pixels`;
}

function showFull(one) {
  const links = Object.entries(one?.full || {}).map(([side, place]) => {
    const link = document.createElement("a");
    Object.assign(link, { href: place, textContent: `${side} view` });
    return link;
  });
  byId("full").replaceChildren(...(links.length ? ["Decoded in full size: ", links[0], ", ", links[1]] : []));
}

// Flicker: both decoded views lie on the stage, and the right one comes and goes. Where motion is unwelcome nothing
// moves by itself: the button shows the right view, and pressed again the left one.

function startFlicker() {
  const one = current();
  const [left, right] = ["left", "right"].map((view) => layers(one, "compare", view)[1]);
  put(byId("under"), left);
  put(byId("over"), right);
  byId("over").style.clipPath = "";
  byId("stage").classList.remove("split");
  byId("flicker").setAttribute("aria-pressed", "true");
  byId("slider").hidden = true;
  showLegend(null);
  byId("caption").textContent = still.matches
    ? "The right view as decoded; press the button again for the left one."
    : "Left and right view as decoded, in turn.";
  if (!still.matches) timer = setInterval(() => (byId("over").hidden = !byId("over").hidden), TURN);
}

function stopFlicker() {
  clearInterval(timer);
  timer = null;
  byId("flicker").setAttribute("aria-pressed", "false");
}

byId("flicker").addEventListener("click", () => {
  if (byId("flicker").getAttribute("aria-pressed") === "true") render();
  else startFlicker();
});
still.addEventListener("change", () => scene && render());
byId("scene").addEventListener("change", () => openScene(Number(byId("scene").value)));
byId("controls").addEventListener("change", (event) => event.target.type === "radio" && render());
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("boundary").addEventListener("input", wipe);
byId("stage").addEventListener("pointermove", (event) => {
  if (!(event.buttons & 1) || byId("slider").hidden) return;
  const box = byId("stage").getBoundingClientRect();
  byId("boundary").value = Math.round((100 * (event.clientX - box.left)) / box.width);
  wipe();
});
for (const link of all("a[data-scene]")) {
  link.addEventListener("click", () => openScene(Number(link.dataset.scene)));
}
if (scenes.length) openScene(0);
else for (const part of [byId("controls"), document.querySelector("figure")]) part.hidden = true;
