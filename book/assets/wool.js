// The first page: colours of the distances, the outline of what lies above the threshold.
(() => {
  const wool = document.querySelector(".wool");
  if (!wool) return;
  const SIDE = 512;
  const [low, high] = [Number(wool.dataset.low), Number(wool.dataset.high)];
  const slider = wool.querySelector("input");
  const button = wool.querySelector("button");
  const output = wool.querySelector("output");

  const layer = (box) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIDE;
    canvas.setAttribute("aria-hidden", "true");
    box.append(canvas);
    return canvas.getContext("2d");
  };
  const pixels = (image, smooth) => {
    const context = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE })
      .getContext("2d");
    context.imageSmoothingEnabled = smooth;
    context.drawImage(image, 0, 0, SIDE, SIDE);
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    return Uint8Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i]);
  };
  // From matplotlib's inferno, without its dark third.
  const STOPS = [[130, 37, 103], [188, 55, 84], [237, 105, 37], [251, 180, 26], [252, 255, 164]];
  const colour = (strength) => {
    const at = strength * (STOPS.length - 1);
    const i = Math.min(Math.floor(at), STOPS.length - 2);
    return STOPS[i].map((from, c) => from + (at - i) * (STOPS[i + 1][c] - from));
  };
  const heat = (context, distances) => {
    const image = context.createImageData(SIDE, SIDE);
    distances.forEach((value, i) => {
      image.data.set([...colour(value / 255), 191 * (value / 255)], 4 * i);
    });
    context.putImageData(image, 0, 0);
  };
  // White between two black lines is seen on every ground.
  const outline = (context, inside, dashed) => {
    for (const [reach, shade] of [[3, "#000"], [1, "#fff"]]) {
      context.fillStyle = shade;
      for (let y = 1; y < SIDE; y++) {
        for (let x = 1; x < SIDE; x++) {
          const i = y * SIDE + x;
          const edge = inside(i) !== inside(i - 1) || inside(i) !== inside(i - SIDE);
          if (edge && !(dashed && (x + y) % 16 > 9)) {
            context.fillRect(x - reach, y - reach, 2 * reach, 2 * reach);
          }
        }
      }
    }
  };

  const start = () => {
    const distances = pixels(wool.querySelector(".distances"), true);
    const flaw = pixels(wool.querySelector(".flaw"), false);
    const [left, right] = [...wool.querySelectorAll(".layers")];
    heat(layer(right), distances);
    wool.querySelector(".distances").remove();
    const marks = [layer(left), layer(right)];
    const total = flaw.reduce((sum, value) => sum + (value > 0), 0);
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    let tried = false;
    const draw = () => {
      const threshold = (255 * (slider.value - low)) / (high - low);
      let marked = 0;
      let found = 0;
      distances.forEach((value, i) => {
        marked += value > threshold;
        found += value > threshold && flaw[i] > 0;
      });
      // The left one is left to the reader's eye, until the slider or the button is tried.
      for (const context of tried ? marks : marks.slice(1)) {
        context.clearRect(0, 0, SIDE, SIDE);
        outline(context, (i) => distances[i] > threshold, false);
        if (button.getAttribute("aria-pressed") === "true") outline(context, (i) => flaw[i] > 0, true);
      }
      slider.setAttribute("aria-valuetext", Number(slider.value).toFixed(2));
      output.textContent = `Above ${Number(slider.value).toFixed(2)}: ${percent(marked / SIDE ** 2)} of the `
        + `picture is marked, and ${percent(found / total)} of the flaw.`;
    };
    slider.addEventListener("input", () => { tried = true; requestAnimationFrame(draw); });
    button.addEventListener("click", () => {
      tried = true;
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      draw();
    });
    wool.querySelector(".controls").hidden = false;
    draw();
  };
  // Both pictures carry their own data; they may still have to be unpacked.
  Promise.all([...wool.querySelectorAll(".distances, .flaw")].map((image) => image.decode())).then(start);
})();
