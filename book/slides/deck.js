// Formulas first, then Reveal: what it measures has its final size. T changes between light and dark.
window.MathJax = {
  tex: { inlineMath: [["\\(", "\\)"]], displayMath: [["\\[", "\\]"]] },
  chtml: { matchFontHeight: false, mtextInheritFont: false },
  options: { enableMenu: false },
  startup: { typeset: false },
};
window.addEventListener("load", async () => {
  await MathJax.startup.promise;
  await MathJax.typesetPromise();
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, display: "flex", hash: true, transition: "none",
    backgroundTransition: "none", slideNumber: "c/t", controls: false, pdfSeparateFragments: false,
    pdfMaxPagesPerSlide: 1, plugins: [RevealNotes],
    keyboard: { 84: () => {
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
    } },
  });
  window.deckReady = true;
});
