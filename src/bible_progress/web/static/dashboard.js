// Live updates: one event source a page; a page is read again only when it shows what changed.
(() => {
  "use strict";
  const live = document.querySelector("[data-live]");
  const state = document.querySelector("#live-state");
  const say = (text) => {
    if (state && state.textContent !== text) state.textContent = text;
  };

  // What people opened stays open, and what they type stays as it is, when the page is read again.
  Idiomorph.defaults.ignoreActiveValue = true;
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "open" && node.tagName === "DETAILS");

  const refresh = () => document.body.dispatchEvent(new CustomEvent("progress-changed"));

  if (live && "EventSource" in window) {
    const only = live.dataset.live;
    const source = new EventSource("/api/v1/events");
    const look = (event) => {
      const { versions } = JSON.parse(event.data);
      if (!only || versions.length === 0 || versions.some((v) => only.includes(v.id))) refresh();
    };
    // Something may have changed between the page and the first look.
    const catchUp = () => {
      say("live");
      refresh();
    };
    source.addEventListener("ready", catchUp);
    source.addEventListener("reset", catchUp);
    source.addEventListener("changed", look);
    source.addEventListener("error", () => say("not connected, trying again"));
    window.addEventListener("pagehide", () => source.close());
  }
  // What the queue does is no event of its own.
  const every = Number(document.body.dataset.every || 0);
  if (every) setInterval(refresh, every * 1000);

  document.body.addEventListener("htmx:responseError", () => say("the last update failed"));
  document.body.addEventListener("htmx:sendError", () => say("not connected, trying again"));

  // Arrow keys walk through the cells of a chapter map.
  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.(".cells a");
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!cell || !step) return;
    const cells = [...document.querySelectorAll(".cells a")];
    const next = cells[cells.indexOf(cell) + step];
    if (next) {
      next.focus();
      event.preventDefault();
    }
  });
})();
