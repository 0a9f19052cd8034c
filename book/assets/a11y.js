// Names and roles that the theme leaves out.
(() => {
  const set = (element, name, value) => {
    if (element && value && element.getAttribute(name) !== value) element.setAttribute(name, value);
  };
  const drop = (element, name) => { if (element.hasAttribute(name)) element.removeAttribute(name); };
  const text = (element) => (element ? element.textContent.trim() : "");

  const repair = () => {
    // A label that says less than, or something other than, the text inside hides that text.
    document
      .querySelectorAll(".search-button-field, .theme-switch-button, summary[aria-label='Toggle hidden content']")
      .forEach((element) => { if (text(element)) drop(element, "aria-label"); });
    // What scrolls sideways must be reachable without a mouse.
    const wide = ".bd-content pre, .bd-content div.math, .bd-content mjx-container, .bd-content .text_html, .pst-scrollable-table-container";
    document.querySelectorAll(wide).forEach((box) => {
      if (box.scrollWidth > box.clientWidth + 1) set(box, "tabindex", "0");
    });
  };

  repair();
  let due = false;
  const later = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; repair(); });
  };
  new MutationObserver(later).observe(document.body, {
    childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["class", "aria-valuenow"],
  });
  addEventListener("load", later);
  addEventListener("resize", later);
})();
