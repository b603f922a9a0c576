// What the agent workspace loads on top of app.ts: the list and its prefetching, offers, the composer's shell, mail frames.

import "./core/list";
import "./elements/composer";
import "./elements/mailframe";
import "./elements/offer";
import "./elements/recipients";
import "./workspace/desk";
