// The heatmap over the image in the viewer: while "h" is held, or switched on by a short press; in colour or as contours.
// All maps of a finding share one scale, which the legend shows.
(() => {
  const RAMP = [[62, 6, 90], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const LEVELS = [0.25, 0.5, 0.75];
  const SIDE = 480; // pixels of the contours' canvas
  const SHORT_PRESS = 350; // milliseconds
  const toggle = document.querySelector("[data-heatmap]");
  if (!toggle) return;
  const next = document.querySelector("[data-next-map]");
  const opacity = document.querySelector("[data-opacity]");
  const contours = document.querySelector("[data-contours]");
  const legend = document.querySelector(".legend");
  const rasters = new Map();
  let scene = null;
  let buttons = [];
  let chosen = null;
  let on = false;
  let drawn = null;
  let heldSince = 0;

  function colour(share) {
    const place = share * (RAMP.length - 1);
    const lower = Math.min(Math.floor(place), RAMP.length - 2);
    return RAMP[lower].map((from, channel) => from + (RAMP[lower + 1][channel] - from) * (place - lower));
  }

  function canvasOf(width, height) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    return [canvas, canvas.getContext("2d", { willReadFrequently: true })];
  }

  async function raster(url) {
    if (!rasters.has(url)) {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      rasters.set(url, await createImageBitmap(await answer.blob()));
    }
    return rasters.get(url);
  }

  function inColour(bitmap) {
    const [canvas, context] = canvasOf(bitmap.width, bitmap.height);
    context.drawImage(bitmap, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < pixels.data.length; at += 4) {
      const share = pixels.data[at] / 255;
      pixels.data.set([...colour(share), 255 * Math.min(1, share * 1.6)], at); // weak areas stay transparent
    }
    context.putImageData(pixels, 0, 0);
    return canvas;
  }

  // Lines of equal strength at a quarter, half and three quarters of the scale: the image stays visible between them.
  function inContours(bitmap) {
    const [canvas, context] = canvasOf(SIDE, SIDE);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, SIDE, SIDE);
    const shares = context.getImageData(0, 0, SIDE, SIDE).data;
    const lines = context.createImageData(SIDE, SIDE);
    const level = (x, y) => LEVELS.filter((limit) => shares[(y * SIDE + x) * 4] / 255 >= limit).length;
    for (let y = 1; y < SIDE - 1; y += 1) {
      for (let x = 1; x < SIDE - 1; x += 1) {
        const around = [level(x - 1, y), level(x + 1, y), level(x, y - 1), level(x, y + 1)];
        const highest = Math.max(...around);
        if (highest > Math.min(...around)) lines.data.set([...colour(LEVELS[highest - 1]), 255], (y * SIDE + x) * 4);
      }
    }
    context.putImageData(lines, 0, 0);
    return canvas;
  }

  function remove() {
    if (drawn) drawn.viewer.removeOverlay(drawn.canvas);
    drawn = null;
  }

  function say(words, map = null) {
    legend.querySelector("[data-legend]").textContent = words;
    legend.querySelector(".legend-scale").hidden = !map;
    legend.querySelector("[data-scale-end]").textContent = map && map.dataset.oneScale === "0" ? "this map's own maximum" : "full strength";
  }

  async function draw() {
    toggle.setAttribute("aria-pressed", on);
    for (const button of buttons) button.setAttribute("aria-pressed", on && button === chosen);
    if (!on || !scene) return remove(), say("");
    if (!chosen || !scene.square) return remove(), say(scene.view.data.withoutMap || "No heatmap for this image.");
    const wanted = [scene, chosen, contours.checked];
    try {
      const bitmap = await raster(chosen.dataset.map);
      if (!on || wanted[0] !== scene || wanted[1] !== chosen || wanted[2] !== contours.checked) return; // changed while loading
      const canvas = contours.checked ? inContours(bitmap) : inColour(bitmap);
      canvas.className = contours.checked ? "heatmap heatmap-contours" : "heatmap";
      canvas.style.opacity = opacity.value / 100;
      remove();
      scene.viewer.addOverlay({ element: canvas, location: scene.square });
      drawn = { canvas, viewer: scene.viewer };
      say(`${chosen.dataset.label}: ${chosen.dataset.words}`, chosen);
    } catch {
      on = false;
      draw();
      say("The heatmap could not be loaded. Please try again.");
    }
  }

  function turn(to) {
    on = to;
    return draw();
  }

  function choose(button) {
    const again = on && chosen === button;
    chosen = button;
    turn(!again);
  }

  function paintRamp() {
    const canvas = legend.querySelector(".ramp");
    const context = canvas.getContext("2d");
    for (let x = 0; x < canvas.width; x += 1) {
      context.fillStyle = `rgb(${colour(x / canvas.width).map(Math.round).join(" ")})`;
      context.fillRect(x, 0, 1, canvas.height);
    }
  }

  document.addEventListener("image:shown", ({ detail }) => {
    scene = detail;
    drawn = null; // the viewer removes its overlays with the image
    buttons = detail.view.section ? Array.from(detail.view.section.querySelectorAll("[data-map]")) : [];
    [chosen = null] = buttons;
    next.disabled = buttons.length < 2;
    if (chosen) raster(chosen.dataset.map).catch(() => {}); // so that it is there at once when the key is held
    draw();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-map]");
    if (button) choose(button);
  });
  toggle.addEventListener("click", () => turn(!on));
  toggle.addEventListener("key:down", ({ detail }) => { heldSince = on ? 0 : detail; turn(!on); });
  toggle.addEventListener("key:up", ({ detail }) => { if (heldSince && detail - heldSince > SHORT_PRESS) turn(false); });
  next.addEventListener("click", () => { if (buttons.length) { chosen = on ? buttons[(buttons.indexOf(chosen) + 1) % buttons.length] : chosen; turn(true); } });
  opacity.addEventListener("input", () => { if (drawn) drawn.canvas.style.opacity = opacity.value / 100; });
  contours.addEventListener("change", draw);
  paintRamp();
})();
