// Pages of the site as one document for paper, made within an empty page of the site; tools/pdf.py
// says which, prints it, and fills in the numbers of pages once they are known.

async function read(name) {
  const text = await (await fetch(`${name}.html`)).text();
  return new DOMParser().parseFromString(text, "text/html").querySelector("article.bd-article");
}

// An id of several pages says which it is from; the others stay as they are on the web.
function rename(articles) {
  const seen = new Map();
  for (const article of Object.values(articles)) {
    for (const { id } of article.querySelectorAll("[id]")) seen.set(id, (seen.get(id) ?? 0) + 1);
  }
  for (const [name, article] of Object.entries(articles)) {
    for (const element of article.querySelectorAll("[id]")) {
      if (seen.get(element.id) > 1) element.id = `${name}.${element.id}`;
    }
  }
}

// A link within the document leads there, each other one to the site; without a site it is text.
function aim(link, name, articles, site) {
  const to = new URL(link.getAttribute("href"), new URL(`${name}.html`, location));
  const inside = to.pathname.match(/\/(?:book|t)\/([\w-]+)\.html$/)?.[1];
  if (to.origin !== location.origin) return;
  if (inside in articles) {
    const id = decodeURIComponent(to.hash.slice(1));
    const found = [id, `${inside}.${id}`].find((each) =>
      articles[inside].contains(document.getElementById(each)),
    );
    link.setAttribute("href", `#${found ?? `page-${inside}`}`);
  } else if (!link.matches(".result-tag") && document.getElementById(inside)) {
    link.setAttribute("href", `#${inside}`);
  } else if (site) {
    link.setAttribute("href", new URL(to.pathname.slice(1) + to.hash, site));
  } else {
    link.removeAttribute("href");
  }
}

// A formula is read aloud from its source: MathML, half of the document, leaves no mark on paper, and
// what is hidden from readers of screens gets no tag.
function describe(formula) {
  formula.setAttribute("role", "img");
  formula.setAttribute("aria-label", formula.querySelector("annotation").textContent);
  formula.querySelector(".katex-mathml").remove();
  // A formula in several lines has several such parts.
  for (const line of formula.querySelectorAll(".katex-html")) line.removeAttribute("aria-hidden");
}

function entry(words, id, level) {
  const row = document.createElement("p");
  row.className = `contents-entry contents-${level}`;
  const link = document.createElement("a");
  link.href = `#${id}`;
  link.textContent = words.replace(/\s+/g, " ").trim();
  const number = document.createElement("span");
  number.className = "contents-page";
  number.dataset.to = id;
  number.textContent = "000";
  row.append(link, number);
  return row;
}

const title = (heading) => heading.textContent.replace("#", "");

// Chapters under their parts, and the sections of each.
function contents(parts, articles) {
  const list = document.querySelector(".contents");
  for (const { caption, names } of parts) {
    const part = document.createElement("p");
    part.className = "contents-part";
    part.textContent = caption;
    list?.append(part);
    for (const name of names) {
      list?.append(entry(title(articles[name].querySelector("h1")), `page-${name}`, "chapter"));
      for (const heading of articles[name].querySelectorAll("section > section > h2")) {
        // A section may begin at the end of a page, and its heading on the next.
        heading.id = `${heading.parentElement.id}.title`;
        list?.append(entry(title(heading), heading.id, "section"));
      }
    }
  }
}

// The title of the statement that a tag, which stands below it, belongs to.
const named = (tag) => tag.closest(".proof").querySelector(".admonition-title");

// Each tag, so that there is a destination for it: a PDF has them for what is linked inside.
function tags() {
  const list = document.querySelector(".tags");
  for (const link of document.querySelectorAll("a.result-tag")) {
    const heading = named(link);
    list?.append(entry(`${heading.id} ${heading.textContent}`, heading.id, "tag"));
  }
}

// How to cite the document, as its pages say: the first citation is the chapter's, the last the book's.
function citations(article, chapter) {
  const works = [...article.querySelectorAll(".page-cite .result-cite")];
  const place = document.querySelector(".citations");
  for (const text of works.at(chapter ? 0 : -1).querySelectorAll("pre:not([data-format='RIS'])")) {
    const heading = document.createElement("h2");
    heading.textContent = text.dataset.format;
    const words = document.createElement("pre");
    words.textContent = text.textContent;
    place.append(heading, words);
  }
}

async function join({ parts, site, chapter }) {
  const names = parts.flatMap((part) => part.names);
  const articles = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await read(name)])),
  );
  for (const article of Object.values(articles)) {
    for (const fold of article.querySelectorAll("details")) fold.open = true;
    // Its picture is what is described.
    for (const figure of article.querySelectorAll("figure")) figure.setAttribute("role", "group");
    for (const formula of article.querySelectorAll(".katex")) describe(formula);
    for (const link of article.querySelectorAll("a.result-tag")) named(link).id = link.textContent;
  }
  citations(articles[names[0]], chapter);
  rename(articles);
  const book = document.querySelector("article.bd-article");
  for (const [name, article] of Object.entries(articles)) {
    const chapter = document.createElement("div");
    chapter.id = `page-${name}`;
    chapter.className = "paper-chapter";
    chapter.style.page = `paper-${name}`;
    chapter.append(...article.childNodes);
    articles[name] = chapter;
    book.append(chapter);
  }
  for (const [name, chapter] of Object.entries(articles)) {
    for (const link of chapter.querySelectorAll("a[href]")) aim(link, name, articles, site);
  }
  contents(parts, articles);
  tags();
  await document.fonts.ready;
  await Promise.all([...document.images].map((image) => image.decode()));
}

// The numbers in the lists of what is where, which are printed again without the chapters.
function number(pages) {
  for (const span of document.querySelectorAll(".contents-page")) {
    span.textContent = pages[span.dataset.to];
  }
  for (const chapter of document.querySelectorAll(".paper-chapter")) chapter.remove();
}
