// What every page loads. Pages work without it; it adds speed, keys and what is live.

import "./core/htmx";
import "./core/theme";
import "./core/keys";
import "./core/undo";
import { start } from "./core/live";
import "./elements/bulk";
import "./elements/check";
import "./elements/conditional";
import "./elements/drawer";
import "./elements/follow";
import "./elements/menu";
import "./elements/palette";
import "./elements/sidebar";
import "./elements/toast";

start();
document.documentElement.dataset["ready"] = "";
