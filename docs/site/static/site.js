// A formula or a table that scrolls, as on a phone, can be reached by the keyboard.
function reachable() {
  for (const box of document.querySelectorAll("article mjx-container, article .table-wrapper")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
addEventListener("load", () => Promise.resolve(window.MathJax?.startup?.promise).then(reachable));
addEventListener("resize", reachable);
