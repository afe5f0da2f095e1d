import { mount } from "svelte";
import "./app.css";
import App from "./App.svelte";
import { app } from "./lib/app.svelte";
import { backend } from "./lib/backend";

void backend()
  .then((it) => app.start(it))
  .then(() => mount(App, { target: document.getElementById("app")! }));
