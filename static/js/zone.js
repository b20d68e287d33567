// Tells the server the browser's time zone, in which it then shows every time.
(() => {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const secure = location.protocol === "https:" ? "; Secure" : "";
  if (timeZone) document.cookie = `zone=${timeZone}; path=/; max-age=31536000; SameSite=Strict${secure}`;
})();
