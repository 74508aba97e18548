// Copying of citations and sorting of the index of results.
// Without this script the page shows the same information.

async function copy(text, status, what) {
  try {
    await navigator.clipboard.writeText(text);
    status.textContent = `${what} copied to the clipboard.`;
  } catch {
    status.textContent = "The browser refused the clipboard; select the text below instead.";
  }
}

function copyButton(label, text, status) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = `Copy ${label}`;
  button.addEventListener("click", () => copy(text, status, label));
  return button;
}

for (const cite of document.querySelectorAll("details.result-cite")) {
  const status = cite.querySelector(".result-copied");
  for (const block of cite.querySelectorAll(".result-format")) {
    block.before(copyButton(block.dataset.format, block.textContent, status));
  }
}

function sortTable(table, column, button) {
  const body = table.tBodies[0];
  const up = button.getAttribute("aria-sort") !== "ascending";
  const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
  const rows = [...body.rows].sort((a, b) => key(a).localeCompare(key(b)) * (up ? 1 : -1));
  for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
  button.setAttribute("aria-sort", up ? "ascending" : "descending");
  body.append(...rows);
}

for (const table of document.querySelectorAll("table.results-table")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => sortTable(table, column, head));
  });
}
