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

  // Many may look at the same page: each reads it again at a moment of its own, not too often, and
  // not while nobody sees it.
  const LEAST_MS = 2000;
  let planned = 0;
  let last = -LEAST_MS;
  let isLate = false;
  const refresh = () => {
    planned = 0;
    isLate = document.hidden;
    if (isLate) return;
    last = performance.now();
    document.body.dispatchEvent(new CustomEvent("progress-changed"));
  };
  const plan = (spreadSeconds) => {
    const wait = Math.max(1000 * spreadSeconds * Math.random(), last + LEAST_MS - performance.now());
    planned ||= setTimeout(refresh, wait);
  };
  document.addEventListener("visibilitychange", () => {
    if (isLate) plan(0);
  });

  if (live && "EventSource" in window) {
    const only = live.dataset.live;
    const source = new EventSource("/api/v1/events");
    const look = (event) => {
      const { versions, spread_seconds: spread } = JSON.parse(event.data);
      if (!only || versions.length === 0 || versions.some((v) => only.includes(v.id))) plan(spread);
    };
    // Something may have changed between the page and the first look.
    const catchUp = (event) => {
      say("live");
      plan(JSON.parse(event.data).spread_seconds);
    };
    source.addEventListener("ready", catchUp);
    source.addEventListener("reset", catchUp);
    source.addEventListener("changed", look);
    source.addEventListener("error", () => say("not connected, trying again"));
    window.addEventListener("pagehide", () => source.close());
  }
  // What the queue does is no event of its own.
  const every = Number(document.body.dataset.every || 0);
  if (every) setInterval(() => plan(0), every * 1000);

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
