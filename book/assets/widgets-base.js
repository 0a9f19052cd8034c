// Loaded on pages with widgets only, after require.js and before html-manager's embed-amd.js.

// html-manager asks for its fonts relative to require.js: let that be the copy in this book.
require.config({ baseUrl: (document.documentElement.dataset.content_root || "./") + "_static/vendor/npm" });

// The theme's Font Awesome would replace the icons of widgets by drawings, and widgets that then
// look for their icon stop working without a message.
window.FontAwesomeConfig = { observeMutations: false };

// html-manager calls the interface of MathJax 2; the book has MathJax 3.
addEventListener("load", () => {
  const mathjax = window.MathJax;
  if (mathjax && !mathjax.Hub) {
    mathjax.Hub = { Queue: (job) => mathjax.startup?.promise?.then(() => mathjax.typesetPromise([job[2]])) };
  }
});
