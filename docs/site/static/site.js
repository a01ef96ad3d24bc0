// A formula that scrolls, as on a phone, can be reached by the keyboard.
function reachable() {
  for (const formula of document.querySelectorAll("article mjx-container")) {
    if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
    else formula.removeAttribute("tabindex");
  }
}
addEventListener("load", () => window.MathJax?.startup?.promise?.then(reachable));
addEventListener("resize", reachable);
