// Live updates: one event source a page; a page is read again only when it shows what changed.
(() => {
  "use strict";
  const live = document.querySelector("[data-live]");
  const state = document.querySelector("#live-state");
  const say = (text) => {
    if (state && state.textContent !== text) state.textContent = text;
  };

  // What people opened stays open, what they type or choose stays as it is, and who walks through a
  // map stays where they are when the page is read again.
  Idiomorph.defaults.ignoreActiveValue = true;
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "open" && node.tagName === "DETAILS") &&
    name !== "checked" &&
    !(name === "tabindex" && node.matches(".cells a"));

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

  // Moments, which the page writes as dates, are said as what they are now: 5 minutes ago.
  const words = new Intl.RelativeTimeFormat("en");
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const ago = (moment) => {
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(moment)) / 1000));
    const [unit, length] = UNITS.find(([, length]) => seconds >= length) || ["second", 1];
    return words.format(-Math.floor(seconds / length), unit);
  };
  const tellTimes = () => {
    for (const time of document.querySelectorAll("time.ago")) {
      const told = ago(time.dateTime);
      if (time.textContent !== told) time.textContent = told;
    }
  };
  setInterval(tellTimes, 1000);

  // A chapter map is one stop of the Tab key; arrows, Home and End walk through it.
  let stop = null;
  const cellsOf = (root) => [...root.querySelectorAll(".cells a")];
  const setStop = () => {
    const cells = cellsOf(document);
    const wanted =
      cells.find((cell) => cell.id === stop) ||
      cells.find((cell) => cell.hasAttribute("aria-current")) ||
      cells[0];
    for (const cell of cells) cell.tabIndex = cell === wanted ? 0 : -1;
  };
  // The cells of each line as they are laid out, in the order of the canon.
  const linesOf = () => {
    const lines = [];
    for (const book of document.querySelectorAll(".cells")) {
      let top = null;
      for (const cell of cellsOf(book)) {
        if (cell.offsetTop !== top) lines.push([]);
        top = cell.offsetTop;
        lines.at(-1).push(cell);
      }
    }
    return lines;
  };
  const middle = (cell) => {
    const map = cell.closest(".book").getBoundingClientRect();
    return cell.getBoundingClientRect().left - map.left;
  };
  const nearest = (line, cell) => {
    const away = (other) => Math.abs(middle(other) - middle(cell));
    return line?.reduce((best, other) => (away(other) < away(best) ? other : best));
  };
  const target = (cell, key, whole) => {
    const cells = cellsOf(whole ? document : cell.closest(".cells"));
    if (key === "Home") return cells[0];
    if (key === "End") return cells.at(-1);
    if (whole) return null;
    const all = cellsOf(document);
    if (key === "ArrowRight") return all[all.indexOf(cell) + 1];
    if (key === "ArrowLeft") return all[all.indexOf(cell) - 1];
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (!step) return null;
    const lines = linesOf();
    return nearest(lines[lines.findIndex((line) => line.includes(cell)) + step], cell);
  };
  document.addEventListener("focusin", (event) => {
    const cell = event.target.closest?.(".cells a");
    if (!cell || cell.id === stop) return;
    stop = cell.id;
    setStop();
  });
  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.(".cells a");
    if (!cell || event.altKey || event.metaKey || event.shiftKey) return;
    const next = target(cell, event.key, event.ctrlKey);
    if (!next) return;
    next.focus();
    event.preventDefault();
  });

  const settle = () => {
    tellTimes();
    setStop();
  };
  document.body.addEventListener("htmx:afterSwap", settle);
  settle();
})();
