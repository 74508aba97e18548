// Two figures that are handled: the restaurant, and sticks against tables.
// Draws what the book computed with dpnotes when it was built; computes nothing of its own but
// positions on the page. The same functions draw the static picture, when the book is built.

const HUES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
const hue = (k) => HUES[k % HUES.length];
const round = (x, digits = 1) => Number(x.toFixed(digits));
const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

function text(x, y, words, anchor = "middle", more = "") {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" ${more}>${words}</text>`;
}

function svg(height, title, parts) {
  return (
    `<svg viewBox="0 0 360 ${round(height)}" role="img" aria-label="${title}" ` +
    `xmlns="http://www.w3.org/2000/svg">${parts.join("")}</svg>`
  );
}

// Tables as discs, four in a row, with as many seats round them as customers.
function restaurant(data, { alpha, n }) {
  const labels = data.labels[alpha].slice(0, data.n[n]);
  const sizes = [];
  for (const table of labels) sizes[table] = (sizes[table] ?? 0) + 1;
  const radius = (size) => Math.max(9, Math.min(30, 4.4 * Math.sqrt(size) + 4));
  const parts = [];
  let x = 4, y = 0, row = 0; // the next free place, and the height of the row
  sizes.forEach((size, table) => {
    const r = radius(size), wide = 2 * r + 16;
    if (x + wide > 358) [x, y, row] = [4, y + row, 0];
    row = Math.max(row, wide + 2);
    const cx = x + wide / 2, cy = y + wide / 2;
    const newest = labels[labels.length - 1] === table;
    parts.push(`<circle cx="${round(cx)}" cy="${round(cy)}" r="${round(r)}" fill="${hue(table)}" class="${newest ? "newest" : ""}"/>`);
    for (let seat = 0; seat < size; seat += 1) {
      const angle = (2 * Math.PI * seat) / size - Math.PI / 2;
      parts.push(`<circle cx="${round(cx + (r + 5) * Math.cos(angle))}" cy="${round(cy + (r + 5) * Math.sin(angle))}" r="2.4" class="ink"/>`);
    }
    parts.push(text(cx, cy + 4, size, "middle", 'class="on"'));
    x += wide;
  });
  const largest = Math.max(...sizes);
  const words =
    `With α = ${data.alpha[alpha]}, ${plural(labels.length, "customer")} sit at ${plural(sizes.length, "table")}; ` +
    `the largest has ${largest}. The last customer sits at table ${labels[labels.length - 1] + 1}.`;
  return { picture: svg(y + row + 2, words, parts), words };
}

// One bar of length one, cut into pieces; a rest that is too thin to show stays open.
function cut(y, pieces, parts) {
  let x = 0;
  parts.push(`<rect x="6" y="${y}" width="348" height="20" class="frame"/>`);
  pieces.forEach((piece, k) => {
    parts.push(`<rect x="${round(6 + 348 * x, 2)}" y="${y}" width="${round(348 * piece, 2)}" height="20" fill="${hue(k)}" class="piece"/>`);
    x += piece;
  });
}

function sticks(data, { alpha, n }) {
  const parts = [text(6, 14, "Sticks: pieces in the order of breaking", "start")];
  data.sticks[alpha].forEach((pieces, i) => cut(22 + 24 * i, pieces, parts));
  const middle = 22 + 24 * data.sticks[alpha].length + 18;
  parts.push(text(6, middle, `Tables: shares of ${plural(data.n[n], "customer")}, in order of appearance`, "start"));
  const tables = data.tables[alpha][n];
  tables.forEach((shares, i) => cut(middle + 8 + 24 * i, shares, parts));
  const end = middle + 8 + 24 * tables.length;
  // Where the pieces end on average: 1 - (alpha / (1 + alpha))^k.
  for (const at of data.ends[alpha]) {
    parts.push(`<path d="M${round(6 + 348 * at)} 19V${middle - 17}M${round(6 + 348 * at)} ${middle + 5}V${end}" class="tick"/>`);
  }
  const mean = (rows) => round(rows.reduce((sum, row) => sum + row[0], 0) / rows.length, 2);
  const words =
    `With α = ${data.alpha[alpha]}, the first piece has mean length ${data.ends[alpha][0]}; ` +
    `over the ${plural(tables.length, "stick")} drawn it averages ${mean(data.sticks[alpha])}, ` +
    `and the first table's share over as many restaurants of ${plural(data.n[n], "customer")} ${mean(tables)}. ` +
    "Dashed lines mark where the pieces end on average.";
  return { picture: svg(end + 6, words, parts), words };
}

const DRAW = { restaurant, sticks };
export const draw = (kind, data, at) => DRAW[kind](data, at);

const MEANS = { alpha: "concentration", n: "number of customers" };

function control(figure, data, name, label, at, redraw) {
  const box = document.createElement("label");
  const range = document.createElement("input");
  Object.assign(range, { type: "range", min: 0, max: data[name].length - 1, step: 1, value: at[name] });
  const shown = document.createElement("span");
  const update = () => {
    at[name] = Number(range.value);
    shown.textContent = data[name][at[name]].toLocaleString("en");
    range.setAttribute("aria-valuetext", `${label} ${shown.textContent}`);
  };
  range.setAttribute("aria-label", `${label} (${MEANS[name]})`);
  range.addEventListener("input", () => {
    update();
    redraw();
  });
  // The page's own shortcuts do not see the keys that move the slider.
  range.addEventListener("keydown", (event) => event.key.startsWith("Arrow") && event.stopPropagation());
  update();
  box.append(`${label} = `, shown, range);
  figure.querySelector(".handled-controls").append(box);
}

if (typeof document !== "undefined") {
  for (const figure of document.querySelectorAll(".handled")) {
    const { kind, at, data } = JSON.parse(figure.querySelector("script").textContent);
    const redraw = () => {
      const { picture, words } = draw(kind, data, at);
      figure.querySelector(".handled-picture").innerHTML = picture;
      figure.querySelector(".handled-words").textContent = words;
    };
    control(figure, data, "alpha", "α", at, redraw);
    control(figure, data, "n", "n", at, redraw);
    figure.querySelector(".handled-words").setAttribute("role", "status");
  }
}
