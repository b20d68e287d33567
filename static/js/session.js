// Warns before the user is signed out, and keeps a user who types, clicks or scrolls signed in. Afterwards typed text
// stays on the page: once the same user has signed in again in another tab, the forms here get their new token.
(() => {
  const notice = document.getElementById("session-notice");
  const WARN_BEFORE = 120;
  const PING_EVERY = 60;
  const SIGNS_OF_LIFE = ["keydown", "input", "pointerdown", "wheel", "touchstart", "scroll"];
  let endsAt = now() + Number(notice.dataset.seconds);
  let pingedAt = now();
  let asking = false;
  let timer;

  function now() {
    return Date.now() / 1000; // not performance.now(), which stops while the computer sleeps
  }

  const tokens = () => document.querySelectorAll("input[name=csrf_token]");

  // The session's state on the server; null: it is over, or it is another user's now.
  async function ask(method) {
    const headers = method === "POST" ? { "X-CSRFToken": tokens()[0].value } : {};
    const answer = await fetch(notice.dataset.address, { method, headers, redirect: "manual" });
    if (answer.status !== 200) return null;
    const state = await answer.json();
    return String(state.person) === notice.dataset.person ? state : null;
  }

  // Once the session is over, whoever passes sees no patient's image: see .signed-out in dermtriage.css.
  function show(which) {
    for (const part of notice.children) part.hidden = part.dataset.when !== which;
    document.body.classList.toggle("signed-out", which === "over");
  }

  // The computer may have slept: the images are covered at once, before the server has been asked.
  function back() {
    if (document.hidden || now() <= endsAt - WARN_BEFORE) return;
    if (now() > endsAt) document.body.classList.add("signed-out");
    look();
  }

  function plan() {
    clearTimeout(timer);
    const left = endsAt - now();
    timer = setTimeout(look, Math.max(1, left > WARN_BEFORE ? left - WARN_BEFORE : left + 1) * 1000);
  }

  // Another tab may have kept the session alive, so ask the server, which does not extend it.
  async function look() {
    await update("GET");
  }

  async function update(method) {
    if (asking) return;
    asking = true;
    try {
      take(await ask(method), method);
    } catch {
      if (endsAt) plan(); // server down: state unknown
    } finally {
      asking = false;
    }
  }

  function take(state, method) {
    if (!state || state.seconds <= 0) {
      endsAt = 0;
      clearTimeout(timer);
      return show("over");
    }
    if (!endsAt) for (const field of tokens()) field.value = state.token; // signed in again, in another tab
    endsAt = now() + state.seconds;
    show(state.seconds > WARN_BEFORE ? "" : method === "POST" ? "last" : "soon");
    plan();
  }

  async function alive() {
    if (!endsAt || now() - pingedAt < PING_EVERY) return;
    pingedAt = now();
    await update("POST");
  }

  for (const kind of SIGNS_OF_LIFE) document.addEventListener(kind, alive, { passive: true, capture: true });
  notice.querySelector("button").addEventListener("click", () => update("POST"));
  document.addEventListener("visibilitychange", back);
  window.addEventListener("focus", back);
  document.addEventListener("submit", async (event) => {
    if (now() < endsAt || event.target.method !== "post") return;
    event.preventDefault(); // it would not be saved
    event.stopImmediatePropagation();
    await look();
    if (endsAt) event.target.requestSubmit(event.submitter);
  }, { capture: true });
  plan();
})();
