"""Write docs/images/dashboard.png and its neighbours: pages of the running demo.

    .venv/bin/python tools/render_dashboard.py http://127.0.0.1:PORT/

The address is the one that `python3 run.py demo` prints. Chromium must be on PATH.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import httpx
from playwright.sync_api import expect, sync_playwright

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"


def main(address: str) -> None:
    """Take the pictures."""
    address = address.rstrip("/")
    listed = httpx.get(f"{address}/api/v1/versions").raise_for_status().json()["items"]
    partial = next(v for v in listed if v["name"] == "Open English Bible")
    map_of = f"/versions/text/{partial['id']}"
    flags = ["--disable-gpu", "--disable-background-networking"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for name, path, scheme, width, height, anchor in (
            ("dashboard", "/", "light", 1280, 900, None),
            ("version", map_of, "light", 1280, 860, "#c-job-1"),
            ("version-dark", f"{map_of}?chapter=john-3", "dark", 1280, 900, "#chapter"),
            ("phone", map_of, "light", 390, 800, None),
        ):
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page.goto(address + path)
            expect(page.locator("#live-state")).to_have_text("live")
            if anchor:
                page.evaluate("a => document.querySelector(a).scrollIntoView()", anchor)
            page.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
