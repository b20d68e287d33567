// The one image viewer: zoom and pan to full resolution (OpenSeadragon), and the analysed square as a frame. Whichever
// image is chosen is shown in it, with its result beside it. Tells the other scripts "image:shown" and "image:painted".
(() => {
  const FRAME = "analysed-frame";
  const ROOM = matchMedia("(min-width: 1000px) and (min-height: 560px)"); // the page does not scroll, see reading.css
  const box = document.getElementById("viewer");
  const tools = document.querySelector(".viewer-tools");
  const enter = document.querySelector("[data-enter]");
  const frames = Array.from(document.querySelectorAll("[data-frame]"));
  const sections = Array.from(document.querySelectorAll(".image-result"));
  const views = sections.map((section) => ({ id: section.id, data: section.dataset, section }));
  for (const frame of frames.filter((one) => one.dataset.image)) views.push({ id: frame.dataset.frame, data: frame.dataset, section: null });
  let viewer;
  let current;
  let failed;

  const tell = (kind) => document.dispatchEvent(new CustomEvent(kind, { detail: { viewer, view: current, square: square(current.data) } }));

  // Where the analysed square lies, in the viewer's own units; null without a result.
  function square(data) {
    const width = Number(data.width);
    return data.size ? new OpenSeadragon.Rect(data.left / width, data.top / width, data.size / width, data.size / width) : null;
  }

  function openViewer() {
    viewer = OpenSeadragon({
      element: box,
      drawer: "canvas",
      showNavigationControl: false,
      maxZoomPixelRatio: 4,
      visibilityRatio: 0.5,
      animationTime: 0.3,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    });
    viewer.canvas.setAttribute("role", "img");
    viewer.addHandler("open-failed", () => {
      failed = Object.assign(document.createElement("p"), { className: "viewer-failed", textContent: "The image could not be loaded. Please reload the page." });
      box.append(failed);
      tell("image:painted"); // there is nothing to wait for
    });
    viewer.addHandler("open", () => {
      const place = square(current.data);
      if (place) viewer.addOverlay({ element: Object.assign(document.createElement("div"), { className: FRAME }), location: place });
      tell("image:shown");
      const opened = current;
      const painted = () => { if (opened === current) tell("image:painted"); }; // not if the reader has moved on
      viewer.addOnceHandler("tile-drawn", () => requestAnimationFrame(() => requestAnimationFrame(painted)));
      viewer.forceRedraw();
    });
    viewer.addHandler("canvas-key", pressed);
  }

  function show(view) {
    current = view;
    if (failed) failed.remove();
    failed = null;
    for (const section of sections) section.hidden = section !== view.section;
    for (const frame of frames) {
      if (frame.dataset.frame === view.id) frame.setAttribute("aria-current", "true");
      else frame.removeAttribute("aria-current");
      if (frame.dataset.frame === view.id) frame.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    viewer.canvas.setAttribute("aria-label", `${view.data.name}: zoom with + and −, move with the arrow keys`);
    viewer.open({ type: "image", url: view.data.image, buildPyramid: false });
  }

  const turn = (by) => show(views[(views.indexOf(current) + by + views.length) % views.length]);

  const zooms = {
    in: () => viewer.viewport.zoomBy(1.5),
    out: () => viewer.viewport.zoomBy(1 / 1.5),
    home: () => viewer.viewport.goHome(),
  };

  // Uses the character, not the key code, so that + and − work on every keyboard layout. Other letters do nothing here:
  // some would make OpenSeadragon rotate or mirror the lesion.
  function pressed(event) {
    const actions = { "+": zooms.in, "=": zooms.in, "-": zooms.out, "−": zooms.out, 0: zooms.home };
    const original = event.originalEvent;
    if (original.key === "Escape") return leave();
    if (original.ctrlKey || original.metaKey || original.altKey || original.key.length > 1) return;
    event.preventDefaultAction = true;
    if (!actions[original.key]) return;
    original.preventDefault();
    actions[original.key]();
  }

  // Where the page scrolls, wheel and finger belong to it until the image is entered.
  function reach(inside) {
    viewer.setMouseNavEnabled(inside);
    for (const element of [viewer.container, viewer.canvas]) element.style.touchAction = inside ? "none" : "auto";
    enter.hidden = ROOM.matches;
    enter.textContent = inside ? "Done" : "Zoom and move the image";
    enter.setAttribute("aria-pressed", inside);
  }

  function leave() {
    viewer.canvas.blur();
    if (!ROOM.matches) reach(false);
  }

  // OpenSeadragon adds an inline style, which the content security policy forbids, unless it finds one with this mark.
  // The mark is an element in our own namespace, not an HTML style, so the policy allows it.
  const mark = document.createElementNS("urn:dermtriage", "style");
  mark.setAttribute("data-openseadragon-mobile-css", "");
  document.head.append(mark);

  if (!views.length) return;
  box.hidden = false;
  tools.hidden = false;
  openViewer();
  reach(ROOM.matches);
  ROOM.addEventListener("change", () => reach(ROOM.matches));
  enter.addEventListener("click", () => reach(enter.getAttribute("aria-pressed") !== "true"));
  box.addEventListener("focusin", () => reach(true));
  for (const button of tools.querySelectorAll("[data-zoom]")) button.addEventListener("click", zooms[button.dataset.zoom]);
  for (const button of tools.querySelectorAll("[data-turn]")) button.addEventListener("click", () => turn(Number(button.dataset.turn)));
  for (const frame of frames) {
    frame.addEventListener("click", (event) => {
      event.preventDefault();
      show(views.find((view) => view.id === frame.dataset.frame));
    });
  }
  document.addEventListener("image:wanted", ({ detail }) => { if (current.id !== detail) show(views.find((view) => view.id === detail)); });
  show(views.find((view) => "opens" in view.data) || views[0]);
})();
