// Code that wraps under its own indentation, for text that is written in the page: book/_ext/code.py
// does the same when the book is built.

// A printed table keeps its columns and scrolls, where the keyboard reaches it.
function keepColumns(pre) {
  const lines = pre.textContent.split("\n");
  if (lines.filter((line) => /\S {2,}\S/.test(line)).length < 2) return false;
  if (lines.every((line) => line.length <= 38)) return false;
  box(pre);
  return true;
}

// The box of a printed table.
function box(element) {
  element.className = "columns";
  element.tabIndex = 0;
  element.setAttribute("role", "region");
  element.setAttribute("aria-label", "Printed table");
  return element;
}

// A table that is a cell's value, in its box; of its HTML only the cells and what they are is taken.
export function listing(html) {
  const table = document.createElement("table");
  table.className = "listing";
  for (const { rows, tagName } of new DOMParser().parseFromString(html, "text/html").querySelectorAll("thead, tbody")) {
    const part = table.appendChild(document.createElement(tagName));
    for (const { cells } of rows) {
      const row = part.appendChild(document.createElement("tr"));
      for (const { tagName, scope, className, textContent } of cells) {
        const cell = row.appendChild(document.createElement(tagName));
        if (scope) cell.scope = scope;
        if (className === "words") cell.className = className;
        cell.textContent = textContent;
      }
    }
  }
  const frame = box(document.createElement("div"));
  frame.append(table);
  return frame;
}

// What a cell printed: a table, or lines.
export function printed(pre) {
  if (!keepColumns(pre)) hang(pre);
}

// Put each line of a <pre> in a span; the newlines stay between the spans, for whoever copies.
export function hang(pre) {
  for (const line of pre.querySelectorAll(".code-line")) line.replaceWith(...line.childNodes);
  // An editor's line breaks; the last one only keeps an empty line open.
  if (pre.lastChild?.nodeName === "BR") pre.lastChild.remove();
  for (const line of pre.querySelectorAll("br")) line.replaceWith("\n");
  pre.normalize();
  const text = pre.textContent;
  const lines = [...text.matchAll(/[^\n]+/g)];
  // From the last on, so that the places of those before stay.
  for (const { 0: line, index } of lines.reverse()) {
    const range = document.createRange();
    range.setStart(...place(pre, index));
    range.setEnd(...place(pre, index + line.length));
    const span = document.createElement("span");
    span.className = "code-line";
    span.style.setProperty("--indent", line.match(/^ */)[0].length);
    span.append(range.extractContents());
    range.insertNode(span);
  }
}

// The text node, and the place in it, of a character of the whole text.
function place(pre, offset) {
  const walker = document.createTreeWalker(pre, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (offset <= walker.currentNode.length) return [walker.currentNode, offset];
    offset -= walker.currentNode.length;
  }
  return [pre, pre.childNodes.length];
}
