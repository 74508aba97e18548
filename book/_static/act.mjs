// Opens the figures to act on of a page. A file of its own: the page asks for it by an address with
// its version, and a module that is asked for by two addresses is there twice.

import { open } from "./acting.mjs";

for (const box of document.querySelectorAll(".acting")) {
  import(`./act-${box.dataset.kind}.mjs`).then((figure) => open(box, figure));
}
