// Names, roles and announcements that the theme and the widget library leave out.
(() => {
  const set = (element, name, value) => {
    if (element && value && element.getAttribute(name) !== value) element.setAttribute(name, value);
  };
  const drop = (element, name) => { if (element.hasAttribute(name)) element.removeAttribute(name); };
  const text = (element) => (element ? element.textContent.trim() : "");

  const repair = () => {
    // A slider's handle takes the focus but has no name and speaks an index, not the value shown.
    document.querySelectorAll(".jupyter-widgets .noUi-handle").forEach((handle) => {
      const box = handle.closest(".widget-slider, .widget-hslider, .widget-vslider, .jupyter-widgets");
      set(handle, "aria-label", text(box?.querySelector(".widget-label")) || "Slider");
      set(handle, "aria-valuetext", text(box?.querySelector(".widget-readout")));
    });
    // What the slider changes is announced when it changes.
    document.querySelectorAll(".widget-subarea .widget-box .widget-box").forEach((stack) => {
      if (stack.querySelector("img")) set(stack, "aria-live", "polite");
    });
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
