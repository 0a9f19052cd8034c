// A slider above a stack of pictures, one of which is shown.
(() => {
  document.querySelectorAll(".explorer").forEach((explorer) => {
    const slider = explorer.querySelector("input[type=range]");
    const output = explorer.querySelector("output");
    const frames = [...explorer.querySelectorAll(".frames img")];
    const show = () => {
      frames.forEach((frame, i) => { frame.hidden = i !== Number(slider.value); });
      const label = frames[slider.value].dataset.label;
      slider.setAttribute("aria-valuetext", label);
      output.textContent = label;
    };
    // The other pictures are fetched when someone is about to ask for them.
    const fetch = () => frames.forEach((frame) => { frame.loading = "eager"; });
    for (const event of ["pointerenter", "focus"]) slider.addEventListener(event, fetch, { once: true });
    slider.addEventListener("input", show);
    show(); // a browser that comes back to a page keeps the slider where it was
  });
})();
