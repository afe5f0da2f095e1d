import { mount } from "svelte";
import "./app.css";
import App from "./App.svelte";
import { app } from "./lib/app.svelte";
import { backend } from "./lib/backend";

const page = location.hash.slice(1);
void backend()
  .then((it) => app.start(it, page))
  .then(() => mount(App, { target: document.getElementById("app")! }));
