// A preview of the result, equation, term or reference that a link leads to, while it is pointed at.
// Everything comes from this site; without this script, or by touch, the link is just a link.

const DELAY = 300;
const pages = new Map([[location.pathname, Promise.resolve(document)]]);
let box, timer;

function load(url) {
  if (!pages.has(url.pathname)) {
    const page = fetch(url.pathname)
      .then((answer) => answer.text())
      .then((text) => new DOMParser().parseFromString(text, "text/html"));
    pages.set(url.pathname, page);
  }
  return pages.get(url.pathname);
}

function excerpt(page, anchor) {
  let target = page.getElementById(decodeURIComponent(anchor));
  // What a term means stands below its names.
  while (target?.matches("dl.glossary > dt")) target = target.nextElementSibling;
  if (!target?.matches("div.proof, div.math, div.citation, .exercise, dl.glossary > dd")) return null;
  const copy = target.cloneNode(true);
  for (const part of copy.querySelectorAll(".result-strip, .headerlink")) part.remove();
  for (const part of [copy, ...copy.querySelectorAll("[id]")]) part.removeAttribute("id");
  return copy;
}

async function show(link) {
  const url = new URL(link.href);
  const content = excerpt(await load(url), url.hash.slice(1));
  if (!content || !link.matches(":hover, :focus")) return;
  hide();
  box = document.createElement("div");
  box.className = "preview";
  box.id = "preview";
  box.setAttribute("role", "tooltip");
  box.inert = true;
  box.append(content);
  document.querySelector("article.bd-article").append(box);
  link.setAttribute("aria-describedby", "preview");
  const at = link.getBoundingClientRect();
  const left = Math.min(at.left, innerWidth - box.offsetWidth - 12);
  const below = at.bottom + 6;
  const above = at.top - 6 - box.offsetHeight;
  const top = below + box.offsetHeight > innerHeight && above > 0 ? above : below;
  box.style.left = `${Math.max(left, 12)}px`;
  box.style.top = `${top}px`;
}

function hide() {
  clearTimeout(timer);
  document.querySelector("[aria-describedby=preview]")?.removeAttribute("aria-describedby");
  box?.remove();
  box = undefined;
}

for (const link of document.querySelectorAll('article.bd-article a.internal[href*="#"]')) {
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => show(link), DELAY);
  };
  link.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && later());
  link.addEventListener("focus", later);
  link.addEventListener("pointerleave", hide);
  link.addEventListener("blur", hide);
}
addEventListener("keydown", (event) => event.key === "Escape" && hide());
addEventListener("scroll", hide, { passive: true });
