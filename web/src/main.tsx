/** Starts the page. */
import { render } from "preact";
import "./app.css";
import { Shell } from "./shell.tsx";
import { go, watch } from "./store.ts";

// Links within the page are followed without loading it again.
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const isOurs = link?.origin === location.origin && !/^\/(api|metrics|livez|readyz)/.test(link.pathname);
  if (!link || !isOurs || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || link.target) return;
  event.preventDefault();
  go(link.pathname + link.search);
});

render(<Shell />, document.getElementById("app")!);
watch();
