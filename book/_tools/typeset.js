// Set formulas once, while the book is built, so that no page needs MathJax to do it.
// Reads {"fonts": address, "formulas": [[TeX, display], ...]} and writes {"html": [...], "css": text}.
const path = require("path");
const mathjax = process.argv[2];
const job = JSON.parse(require("fs").readFileSync(0, "utf8"));

require(path.join(mathjax, "node-main.js"))
  .init({
    loader: {
      paths: { mathjax },
      load: ["input/tex-full", "output/chtml", "adaptors/liteDOM", "a11y/assistive-mml"],
    },
    chtml: { fontURL: job.fonts, mtextInheritFont: false },
    startup: { typeset: false },
  })
  .then((MathJax) => {
    const adaptor = MathJax.startup.adaptor;
    const html = job.formulas.map(([tex, display]) =>
      adaptor.outerHTML(MathJax.tex2chtml(tex, { display })));
    const css = adaptor.textContent(MathJax.chtmlStylesheet());
    process.stdout.write(JSON.stringify({ html, css }));
  })
  .catch((error) => { console.error(error.message || error); process.exit(1); });
