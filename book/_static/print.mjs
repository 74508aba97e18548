// Paper is light and whole: while a page is printed the dark theme is put aside, and what is folded
// is open. Without this script nothing is dark, and the style opens the folds.

const root = document.documentElement;
let theme;
let closed = [];

addEventListener("beforeprint", () => {
  theme = root.dataset.theme;
  root.dataset.theme = "light";
  closed = [...document.querySelectorAll("article.bd-article details:not([open])")];
  for (const fold of closed) fold.open = true;
});
addEventListener("afterprint", () => {
  root.dataset.theme = theme;
  for (const fold of closed) fold.open = false;
});
