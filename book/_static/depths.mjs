// Two depths of reading: everything, or the statements with the rest folded.
// The head of the page has read the reader's choice, and the style hides what is closed here.

const root = document.documentElement;
const folds = [...document.querySelectorAll("details.fold")];
const buttons = [...document.querySelectorAll(".depth-switch button")];

function show(depth) {
  root.dataset.depth = depth;
  for (const fold of folds) fold.open = depth === "everything";
  for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.show === depth);
}

// What stands at the top of the window stays there; the browser's own way is not every browser's.
function choose(depth) {
  root.style.overflowAnchor = "none";
  const top = parseFloat(getComputedStyle(root).scrollPaddingTop) || 0;
  const seen = [...document.querySelectorAll("article.bd-article section > :not(section)")];
  const first = seen.find((part) => part.getBoundingClientRect().bottom > top);
  const before = Math.max(top, first?.getBoundingClientRect().top ?? 0);
  show(depth);
  if (scrollY) scrollBy({ top: (first?.getBoundingClientRect().top ?? 0) - before, behavior: "instant" });
  requestAnimationFrame(() => requestAnimationFrame(() => root.style.removeProperty("overflow-anchor")));
  try {
    localStorage.setItem("depth", depth);
  } catch {
    // The choice then holds for this page.
  }
}

// Open what the address leads into; not every browser does.
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const closed = folds.filter((fold) => !fold.open && (fold.contains(target) || fold.parentElement === target));
  for (const fold of closed) fold.open = true;
  if (closed.length) target.scrollIntoView({ behavior: "instant" });
}

show(root.dataset.depth);
reveal();
root.dataset.folded = "";
for (const button of buttons) button.addEventListener("click", () => choose(button.dataset.show));
addEventListener("hashchange", reveal);
// A link to where one already is changes no address.
document.addEventListener("click", ({ target }) => {
  if (target.closest?.("a")?.href === location.href) reveal();
});
