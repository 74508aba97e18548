// Where the marks of each display of a page stand, as laid out on a screen: its letters, each with its
// left end, its baseline, size and colour, and its bars and paths. In pixels, from the top.
() => {
  const displays = [...document.querySelectorAll(".katex-display > .katex")].map((whole) => {
    const walker = document.createTreeWalker(whole, NodeFilter.SHOW_TEXT, (text) =>
      text.parentElement.closest(".katex-mathml") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
    );
    const texts = [];
    while (walker.nextNode()) texts.push([walker.currentNode, document.createElement("span")]);
    return { whole, texts };
  });
  // Something without a size stands on the baseline.
  for (const [text, probe] of displays.flatMap(({ texts }) => texts)) {
    probe.style.display = "inline-block";
    text.before(probe);
  }
  const box = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return [left, top + scrollY, right, bottom + scrollY];
  };
  const letters = ([text, probe]) => {
    const { fontSize, color } = getComputedStyle(text.parentElement);
    const baseline = box(probe)[3];
    const range = document.createRange();
    return [...text.data].flatMap((letter, i) => {
      range.setStart(text, i);
      range.setEnd(text, i + 1);
      const place = [range.getBoundingClientRect().left, baseline, parseFloat(fontSize)];
      return letter.trim() && letter !== "\u200b" ? [{ letter, place, color }] : [];
    });
  };
  const bars = ".katex-html :is(.frac-line, .overline-line, .underline-line, .hline, svg path)";
  return displays.map(({ whole, texts }) => ({
    box: box(whole),
    letters: texts.flatMap(letters),
    bars: [...whole.querySelectorAll(bars)].map(box),
  }));
};
