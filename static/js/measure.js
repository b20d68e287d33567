// Measures a line between two places in the image: in mm where the image has a scale, else in pixels. A line of known
// length gives the image its scale, which is kept for every reader; lines are not.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const button = document.querySelector("[data-tool=measure]");
  const status = document.querySelector("[data-tool-status]");
  const form = document.querySelector("[data-scale-form]");
  const error = form.querySelector("[data-scale-error]");
  let scene = null;
  let ends = [];
  let drawn = null;

  function pixels() {
    const [from, to] = ends;
    return Math.hypot((to.x - from.x) * scene.view.data.width, (to.y - from.y) * scene.view.data.height);
  }

  function inMm(mm) {
    return `${mm.toFixed(mm < 1 ? 2 : 1)} mm`;
  }

  function shape(name, facts, parent) {
    const element = parent.appendChild(document.createElementNS(SVG, name));
    for (const [fact, value] of Object.entries(facts)) element.setAttribute(fact, value);
    return element;
  }

  // Drawn over the whole image, so that it moves with it; strokes keep their width. A stroke without length is a dot.
  function draw() {
    if (drawn) scene.viewer.removeOverlay(drawn);
    drawn = null;
    if (!ends.length) return;
    const { width, height } = scene.view.data;
    const place = ({ x, y }) => `${x * width} ${y * height}`;
    drawn = Object.assign(document.createElement("div"), { className: "measured" });
    const drawing = shape("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, drawn);
    const line = ends.length > 1 ? `M${place(ends[0])}L${place(ends[1])}` : "";
    const dots = ends.map((end) => `M${place(end)}h0`).join("");
    for (const [stroke, thin, thick] of [["#06262d", 5, 12], ["#ffffff", 2, 7]]) {
      for (const [d, strokeWidth] of [[line, thin], [dots, thick]]) {
        if (d) shape("path", { d, stroke, "stroke-width": strokeWidth, "stroke-linecap": "round", "vector-effect": "non-scaling-stroke" }, drawing);
      }
    }
    scene.viewer.addOverlay({ element: drawn, location: new OpenSeadragon.Rect(0, 0, 1, height / width) });
  }

  function say() {
    const { mmPerPixel, scaleWords } = scene.view.data;
    form.hidden = ends.length < 2;
    form.querySelector("[data-scale-label]").textContent = mmPerPixel ? "Correct the scale: this line is" : "This line is";
    if (!ends.length) status.textContent = "Click the two ends of a line, or move each under the cross and press Enter. Esc ends.";
    else if (ends.length < 2) status.textContent = "Now the other end.";
    else if (mmPerPixel) status.textContent = `${inMm(pixels() * mmPerPixel)} (${scaleWords})`;
    else status.textContent = `${Math.round(pixels())} pixels; no scale: measure something of known length, a ruler or the dermatoscope's graticule, and enter its length.`;
  }

  function begin(places) {
    ends = places;
    error.textContent = "";
    form.elements.mm.removeAttribute("aria-invalid");
    form.elements.mm.value = scene.view.data.mmPerPixel ? "" : "10";
    draw();
    say();
  }

  function refused(words) {
    error.textContent = words;
    form.elements.mm.setAttribute("aria-invalid", "true");
    form.elements.mm.focus();
  }

  async function save(event) {
    event.preventDefault();
    const { data } = scene.view;
    const body = new FormData(form);
    body.append("pixels", pixels());
    try {
      const answer = await fetch(data.scaleAddress, { method: "POST", body });
      if (answer.status === 422) return refused((await answer.json()).error);
      if (answer.status === 401) return refused("You have been signed out, so the scale was not saved. Sign in again in another tab, then save it once more.");
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const saved = await answer.json();
      Object.assign(data, { mmPerPixel: saved.mm_per_pixel, scaleWords: saved.words });
    } catch {
      return refused("The scale could not be saved. Please try again.");
    }
    if (data === scene.view.data && ends.length > 1) begin(ends);
    scene.viewer.canvas.focus({ preventScroll: true }); // so that Esc and the next line need no click
  }

  document.addEventListener("image:shown", ({ detail }) => {
    scene = detail;
    drawn = null; // the viewer removes its overlays with the image
    begin([]);
  });
  button.addEventListener("tool:on", () => begin([]));
  button.addEventListener("tool:off", () => begin([]));
  button.addEventListener("tool:point", ({ detail }) => begin(ends.length === 1 ? [...ends, detail] : [detail]));
  form.addEventListener("submit", save);
})();
