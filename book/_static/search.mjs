// The search dialog of every page, and the page of the search. What is found comes from this site.

const root = document.documentElement.dataset.content_root ?? "";
const dialog = document.querySelector("dialog.search-dialog");
const panel = dialog ?? document.querySelector(".search-page");
const MOST = dialog ? 20 : 50;
const HINT = panel?.querySelector(".search-status").textContent;
let finder;

// The finder and the index are fetched when somebody searches, and once.
function load() {
  finder ??= Promise.all([
    import("./finder.mjs"),
    fetch(`${root}search.json`).then((answer) => {
      if (!answer.ok) throw new Error(answer.statusText);
      return answer.text();
    }),
  ]).then(([{ Finder }, text]) => new Finder(text));
  return finder;
}

function element(name, className, ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

function hit(entry, formerly, { before, parts, after }) {
  const link = element("a", "search-link", entry.title);
  link.href = root + entry.address;
  const place = entry.kind === "function" || entry.title === entry.place ? "" : entry.place;
  const kind = entry.number || { function: "Function", reference: "Reference" }[entry.kind];
  const tag = entry.tag && element("span", "search-tag", entry.tag);
  const where = [kind, formerly, tag, place].filter((part) => part && part !== entry.title);
  // A line may end in a dot between two of them; none begins with it.
  const dotted = where.flatMap((part, i) => (i ? ["\u00a0· ", part] : [part]));
  if (where.length) link.append(" ", element("span", "search-where", ...dotted));
  const text = parts.map((part) => (part.marked ? element("mark", "", part.text) : part.text));
  const item = element("li", `search-${entry.kind}`, link);
  if (text.length) item.append(element("p", "", before ? "… " : "", ...text, after ? " …" : ""));
  return item;
}

function counted(count, query) {
  if (count === 0) return `Nothing found for “${query}”. Try fewer words, or another name for it.`;
  if (count > MOST) return `The first ${MOST} results`;
  return count === 1 ? "1 result" : `${count} results`;
}

async function search() {
  const query = input.value.trim();
  let found = [];
  try {
    const loaded = await load();
    if (query !== input.value.trim()) return;
    found = query ? loaded.find(query, MOST + 1) : [];
    const shown = found.slice(0, MOST);
    hits.replaceChildren(
      ...shown.map((entry) => hit(entry, loaded.formerly(entry, query), loaded.snippet(entry, query))),
    );
  } catch {
    status.textContent = "The search could not be loaded.";
    finder = undefined;
    return;
  }
  hits.scrollTop = 0;
  help.hidden = !query || found.length > 0;
  status.textContent = query ? counted(found.length, query) : HINT;
}

function open() {
  if (dialog && !dialog.open) dialog.showModal();
  input.focus();
  input.select();
  load().catch(() => {});
}

// The arrows go from the field through the results and back.
function move(event) {
  const stops = [input, ...panel.querySelectorAll(".search-hits a, .search-help:not([hidden]) a")];
  const at = stops.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, End: stops.length - 1, Home: 0 }[event.key];
  if (at < 0 || to === undefined || (at === 0 && event.key !== "ArrowDown")) return;
  event.preventDefault();
  stops[Math.max(0, Math.min(to, stops.length - 1))].focus();
}

const input = panel?.querySelector(".search-query");
const hits = panel?.querySelector(".search-hits");
const status = panel?.querySelector(".search-status");
const help = panel?.querySelector(".search-help");

if (panel) {
  let timer;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 80);
  });
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") dialog?.close();
    else move(event);
  });
  // Enter goes to the first result.
  panel.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    clearTimeout(timer);
    await search();
    hits.querySelector("a")?.click();
  });
  dialog?.querySelector(".search-close").addEventListener("click", () => dialog.close());
  dialog?.addEventListener("click", ({ target }) => {
    if (target === dialog || target.closest(".search-hits a")) dialog.close();
  });
  for (const button of document.querySelectorAll(".search-open")) {
    button.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open();
    });
    // It calls itself a button, so the space bar must press it.
    button.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      open();
    });
  }
  // Before the theme, whose own field is not there.
  const listener = (event) => {
    const modifier = navigator.platform.startsWith("Mac") ? event.metaKey : event.ctrlKey;
    if (!modifier || event.shiftKey || event.altKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    open();
  };
  window.addEventListener("keydown", listener, true);
  if (navigator.platform.startsWith("Mac")) {
    for (const key of document.querySelectorAll(".search-key")) key.textContent = "⌘ K";
  }
  if (!dialog) {
    input.value = new URLSearchParams(location.search).get("q") ?? "";
    open();
    search();
  }
}
