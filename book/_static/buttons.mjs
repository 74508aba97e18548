// What the theme's buttons do; the policy of the page allows no code in attributes.

for (const button of document.querySelectorAll("[data-press=print]")) button.addEventListener("click", () => print());
