"use strict";
// Draws the charts one by one, and says on the page's root how many are drawn: "12 of 12".
(async () => {
  const root = document.documentElement;
  const places = [...document.querySelectorAll(".drawn")];
  const specs = JSON.parse(document.getElementById("specifications").textContent);
  let drawn = 0;
  for (const place of places) {
    await draw(place, specs[place.id], { mode: "vega-lite", renderer: "svg", actions: false });
    drawn += 1;
    root.dataset.drawn = `${drawn} of ${places.length}`;
  }
  root.dataset.done = "yes";
})();
