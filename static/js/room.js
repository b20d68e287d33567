// Light or dark reading room: noted in a cookie, so that the server draws the next page as chosen, without a flash.
(() => {
  const button = document.querySelector("[data-room]");
  const root = document.documentElement;
  const secure = location.protocol === "https:" ? "; Secure" : "";

  function show() {
    button.setAttribute("aria-pressed", root.dataset.bsTheme === "dark");
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    document.cookie = `room=${root.dataset.bsTheme}; path=/; max-age=31536000; SameSite=Strict${secure}`;
    show();
  });
  show();
})();
