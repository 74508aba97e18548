// As much of a page's document as D3 needs to draw a figure when the book is built, in Node: the
// same code draws the still picture and, in the browser, the figure that is acted on.

const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
const SIMPLE = /^([\w-]*)((?:\.[\w-]+)*)$/;

class Node {
  constructor(tag, document) {
    Object.assign(this, { tag, ownerDocument: document, attributes: new Map(), childNodes: [], text: "" });
    this.namespaceURI = "http://www.w3.org/2000/svg";
  }
  get firstChild() {
    return this.childNodes[0] ?? null;
  }
  get children() {
    return this.childNodes;
  }
  get nextSibling() {
    const all = this.parentNode?.childNodes ?? [];
    return all[all.indexOf(this) + 1] ?? null;
  }
  set textContent(text) {
    this.childNodes = [];
    this.text = text;
  }
  get textContent() {
    return this.text + this.childNodes.map((child) => child.textContent).join("");
  }
  setAttribute(name, value) {
    this.attributes.set(name, value);
  }
  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }
  removeAttribute(name) {
    this.attributes.delete(name);
  }
  addEventListener() {}
  insertBefore(child, before) {
    child.parentNode?.removeChild(child);
    const at = this.childNodes.indexOf(before);
    this.childNodes.splice(at < 0 ? this.childNodes.length : at, 0, child);
    child.parentNode = this;
    return child;
  }
  appendChild(child) {
    return this.insertBefore(child, null);
  }
  removeChild(child) {
    this.childNodes = this.childNodes.filter((other) => other !== child);
    child.parentNode = null;
  }
  compareDocumentPosition(other) {
    const all = this.parentNode.childNodes;
    return all.indexOf(other) > all.indexOf(this) ? 4 : 2;
  }
  matches(selector) {
    const [, tag, classes] = selector.match(SIMPLE);
    const own = String(this.getAttribute("class") ?? "").split(" ");
    return (!tag || tag === this.tag) && classes.split(".").slice(1).every((name) => own.includes(name));
  }
  querySelectorAll(selector) {
    return this.childNodes.flatMap((child) => [...(child.matches(selector) ? [child] : []), ...child.querySelectorAll(selector)]);
  }
  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }
  get outerHTML() {
    const attributes = [...this.attributes].map(([name, value]) => ` ${name}="${escaped(value)}"`).join("");
    return `<${this.tag}${attributes}>${escaped(this.text)}${this.childNodes.map((child) => child.outerHTML).join("")}</${this.tag}>`;
  }
}

export const paper = {
  createElementNS: (_, tag) => new Node(tag, paper),
  createElement: (tag) => new Node(tag, paper),
};
paper.documentElement = new Node("html", paper);
