// Tools that need a place in the image, each a button marked data-tool. While one is on, a click, or Enter at the cross in
// the middle of the view, is told to its button as "tool:point" (fractions of width and height). Esc, or its button, ends it.
(() => {
  const TYPING = "textarea, select, input:not([type=radio], [type=checkbox], [type=range])";
  const box = document.getElementById("viewer");
  const buttons = Array.from(document.querySelectorAll("[data-tool]"));
  const panel = document.querySelector(".tool-panel");
  const status = document.querySelector("[data-tool-status]");
  let scene = null;
  let tool = null;

  function turn(to) {
    if (tool) tool.setAttribute("aria-pressed", "false");
    if (tool) tool.dispatchEvent(new Event("tool:off"));
    tool = to;
    box.classList.toggle("pointing", Boolean(tool));
    panel.hidden = !tool;
    if (!tool) return;
    tool.setAttribute("aria-pressed", "true");
    tool.dispatchEvent(new Event("tool:on"));
    scene.viewer.canvas.focus({ preventScroll: true });
  }

  function point(place) {
    if (!scene.viewer.world.getItemCount()) return; // the next image is still loading
    const { width, height } = scene.view.data;
    const [x, y] = [place.x, (place.y * width) / height];
    if (Math.min(x, y) < 0 || Math.max(x, y) > 1) status.textContent = "That is beside the image.";
    else tool.dispatchEvent(new CustomEvent("tool:point", { detail: { x, y } }));
  }

  function pressed(event) {
    if (!tool || document.querySelector("dialog[open]")) return;
    const ends = event.key === "Escape" && !event.target.matches(TYPING);
    const points = event.key === "Enter" && event.target === scene.viewer.canvas;
    if (!ends && !points) return;
    event.preventDefault();
    event.stopPropagation();
    if (ends) turn(null);
    else if (!event.repeat) point(scene.viewer.viewport.getCenter(true));
  }

  function drawCross() {
    const cross = Object.assign(document.createElement("div"), { className: "cross" });
    const draw = (name, facts, parent) => {
      const shape = parent.appendChild(document.createElementNS("http://www.w3.org/2000/svg", name));
      for (const [fact, value] of Object.entries(facts)) shape.setAttribute(fact, value);
      return shape;
    };
    const drawing = draw("svg", { viewBox: "0 0 31 31", "aria-hidden": "true" }, cross);
    for (const [stroke, width] of [["#06262d", 4], ["#ffffff", 1.6]]) {
      draw("path", { d: "M15.5 1v11M15.5 19v11M1 15.5h11M19 15.5h11", stroke, "stroke-width": width }, drawing);
    }
    box.append(cross);
  }

  function begin(viewer) {
    drawCross();
    viewer.addHandler("canvas-click", (event) => {
      if (!tool || !event.quick) return;
      event.preventDefaultAction = true;
      point(viewer.viewport.pointFromPixel(event.position, true));
    });
    viewer.addHandler("canvas-double-click", (event) => { if (tool) event.preventDefaultAction = true; });
    document.addEventListener("keydown", pressed, { capture: true });
    for (const button of buttons) button.addEventListener("click", () => turn(tool === button ? null : button));
  }

  document.addEventListener("image:shown", ({ detail }) => {
    if (!scene) begin(detail.viewer);
    scene = detail;
  });
})();
