/** The look of the panel. Only pixels: what the page says of fonts has no part in it. */
export const STYLE = `
:host {
  all: initial !important;
  display: block !important;
  direction: ltr !important;
  color-scheme: light dark !important;
}

.launcher,
.panel {
  --page: light-dark(#ffffff, #1b1a17);
  --bar: light-dark(#f4f2ec, #25231f);
  --raised: light-dark(#ffffff, #322f29);
  --ink: light-dark(#1d1b16, #efece4);
  --muted: light-dark(#5f594d, #aea898);
  --line: light-dark(#e2ded4, #3a372f);
  --strong-line: light-dark(#8d8677, #7d776a);
  --accent: light-dark(#4338ca, #a9b2ff);
  --on-accent: light-dark(#ffffff, #16133f);
  --tint: light-dark(#eeedfd, #2a2a48);
  --good: light-dark(#166534, #86efac);
  --good-card: light-dark(#e3f5e8, #16311f);
  --calm: light-dark(#8a5a00, #fcd34d);
  --bad: light-dark(#8f2009, #ffb09a);
  --bad-card: light-dark(#fdecea, #3b1a14);
  --blue: light-dark(#1d4ed8, #93c5fd);
  --mono: ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, Consolas, monospace;
  box-sizing: border-box;
  color: var(--ink);
  font: 13px/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif;
  text-align: start;
  -webkit-text-size-adjust: none;
  text-size-adjust: none;
}

.panel *,
.panel ::before,
.launcher * {
  box-sizing: border-box;
}

:focus-visible {
  outline: 2px solid var(--accent);
  outline-offset: 1px;
}

.panel:focus-visible {
  outline: none;
}

h2,
h3,
h4,
p,
ul,
ol,
dl,
dd,
pre {
  margin: 0;
  padding: 0;
}

ul,
ol {
  list-style: none;
}

.visually-hidden {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

button,
select {
  min-height: 28px;
  padding: 0 10px;
  border: 1px solid var(--line);
  border-radius: 7px;
  background: var(--raised);
  color: inherit;
  font: inherit;
  cursor: pointer;
}

select {
  padding-inline: 6px;
}

button:hover:not(:disabled) {
  border-color: var(--strong-line);
}

button:disabled {
  color: var(--muted);
  cursor: default;
}

.primary {
  border-color: transparent;
  background: var(--accent);
  color: var(--on-accent);
  font-weight: 600;
}

input {
  accent-color: var(--accent);
}

.mark {
  width: 18px;
  height: 18px;
  fill: none;
  stroke: var(--accent);
  stroke-width: 2.2;
  stroke-linecap: round;
  stroke-linejoin: round;
}

.dot {
  display: inline-block;
  flex: none;
  width: 9px;
  height: 9px;
  border: 2px solid var(--calm);
  border-radius: 50%;
}

.dot[data-mood='good'] {
  border-color: var(--good);
  background: var(--good);
}

.dot[data-mood='bad'] {
  border-color: var(--bad);
  border-radius: 1px;
  background: var(--bad);
}

.badge {
  flex: none;
  min-width: 18px;
  padding: 0 5px;
  border-radius: 9px;
  background: var(--accent);
  color: var(--on-accent);
  font-size: 11px;
  font-weight: 600;
  line-height: 18px;
  text-align: center;
  font-variant-numeric: tabular-nums;
}

.badge.bad {
  background: var(--bad);
  color: var(--page);
}

.quiet,
.note,
.empty {
  color: var(--muted);
}

.note,
.empty {
  padding: 8px 14px;
}

/* The button */

.room {
  height: 60px;
}

.launcher {
  position: fixed;
  z-index: 2147483646;
  inset: auto 12px 12px auto;
  display: flex;
  align-items: center;
  gap: 7px;
  min-height: 40px;
  padding: 0 12px;
  border: 1px solid var(--strong-line);
  border-radius: 20px;
  background: var(--page);
  box-shadow: 0 4px 14px rgb(0 0 0 / 22%);
}

/* The panel */

.panel {
  position: fixed;
  z-index: 2147483646;
  inset: auto 0 0;
  display: flex;
  flex-direction: column;
  min-height: 140px;
  border-top: 1px solid var(--strong-line);
  background: var(--page);
  box-shadow: 0 -6px 24px rgb(0 0 0 / 16%);
}

.handle {
  position: absolute;
  z-index: 1;
  inset: -5px 0 auto;
  height: 10px;
  cursor: ns-resize;
  touch-action: none;
}

.handle::after {
  content: '';
  position: absolute;
  inset: 8px 0 auto;
  width: 36px;
  height: 3px;
  margin-inline: auto;
  border-radius: 2px;
  background: var(--strong-line);
}

.handle:focus-visible {
  outline: none;
}

.handle:is(:hover, :focus-visible)::after {
  inset: 4px 0 auto;
  width: 100%;
  background: var(--accent);
}

.bar {
  display: flex;
  flex: none;
  align-items: center;
  gap: 8px;
  padding: 8px 10px 7px 14px;
  border-bottom: 1px solid var(--line);
  background: var(--bar);
}

h2 {
  display: flex;
  flex: 1;
  align-items: center;
  gap: 8px;
  font-size: 14px;
  font-weight: 650;
}

.close {
  display: grid;
  place-items: center;
  width: 30px;
  padding: 0;
}

.close svg {
  width: 14px;
  fill: none;
  stroke: currentColor;
  stroke-width: 1.8;
  stroke-linecap: round;
}

.report {
  display: flex;
  flex: none;
  flex-wrap: wrap;
  align-items: center;
  gap: 8px 14px;
  padding: 9px 14px;
  border-bottom: 1px solid var(--line);
  background: var(--tint);
}

.report p {
  flex: 1 1 300px;
}

.report label {
  display: flex;
  align-items: center;
  gap: 6px;
}

.body {
  display: grid;
  flex: 1;
  grid-template-columns: minmax(150px, 230px) minmax(0, 1fr);
  min-height: 0;
}

.models {
  min-height: 0;
  padding: 6px;
  overflow: auto;
  border-inline-end: 1px solid var(--line);
  background: var(--bar);
}

h3 {
  padding: 6px 8px 2px;
  color: var(--muted);
  font-size: 11px;
  font-weight: 600;
}

.model {
  display: flex;
  align-items: center;
  gap: 8px;
  width: 100%;
  min-height: 30px;
  padding: 0 8px;
  border-color: transparent;
  background: none;
  text-align: start;
}

.model[aria-current='true'] {
  border-color: var(--line);
  background: var(--raised);
  font-weight: 600;
}

.key {
  flex: 1;
  min-width: 0;
  overflow: hidden;
  text-overflow: ellipsis;
  white-space: nowrap;
}

.detail {
  display: grid;
  grid-template: auto minmax(0, 1fr) / auto minmax(0, 1fr);
  min-width: 0;
  min-height: 0;
}

.tabs {
  display: flex;
  grid-area: 1 / 1;
  align-items: end;
  gap: 2px;
  padding: 0 8px;
  border-bottom: 1px solid var(--line);
}

.tabs button {
  min-height: 36px;
  border: 0;
  border-bottom: 2px solid transparent;
  border-radius: 0;
  background: none;
  color: var(--muted);
}

.tabs button[aria-selected='true'] {
  border-bottom-color: var(--accent);
  color: var(--ink);
  font-weight: 600;
}

.tabs button:focus-visible {
  outline-offset: -2px;
}

.strip {
  display: flex;
  flex-wrap: wrap;
  grid-area: 1 / 2;
  align-items: center;
  justify-content: end;
  gap: 2px 18px;
  min-height: 37px;
  padding: 4px 14px;
  border-bottom: 1px solid var(--line);
}

.state .dot {
  margin-inline-end: 6px;
}

.fault {
  width: 100%;
  color: var(--bad);
  text-align: end;
  overflow-wrap: anywhere;
}

.way {
  display: flex;
  gap: 14px;
}

.way div {
  display: flex;
  gap: 5px;
}

.way div + div:not([data-name='lost'])::before {
  content: '→';
  margin-inline: -4px 4px;
  color: var(--muted);
}

.way dt {
  color: var(--muted);
}

.way dd {
  font-weight: 650;
  font-variant-numeric: tabular-nums;
}

.way [data-name='lost'] dd {
  color: var(--bad);
}

.way [data-some='true']:is([data-name='queued'], [data-name='in flight']) dd {
  color: var(--accent);
}

.view {
  display: flex;
  grid-area: 2 / 1 / 3 / 3;
  flex-direction: column;
  min-height: 0;
  overflow: auto;
  overscroll-behavior: contain;
}

h4 {
  padding: 9px 14px 3px;
  color: var(--muted);
  font-size: 11px;
  font-weight: 600;
}

/* Lists */

.rows > li {
  border-bottom: 1px solid var(--line);
}

.rows summary {
  display: flex;
  align-items: baseline;
  gap: 10px;
  padding: 4px 14px;
  cursor: pointer;
  list-style: none;
}

.rows summary::-webkit-details-marker {
  display: none;
}

.rows summary:hover,
.rows details[open] > summary {
  background: var(--bar);
}

.rows summary:focus-visible {
  outline-offset: -2px;
}

.place {
  flex: none;
  min-width: 62px;
  color: var(--muted);
  font-variant-numeric: tabular-nums;
}

.pending .place {
  color: var(--accent);
  font-weight: 600;
}

.bad .place,
.bad .result,
.why {
  color: var(--bad);
  font-weight: 600;
}

.settled .why {
  color: var(--calm);
}

.why,
.who,
time {
  flex: none;
  white-space: nowrap;
}

.who,
time {
  color: var(--muted);
  font-variant-numeric: tabular-nums;
}

.action {
  flex: none;
  min-width: 58px;
  padding: 0 6px;
  border-radius: 4px;
  font-size: 11px;
  font-weight: 600;
  line-height: 18px;
  text-align: center;
}

.action[data-action='create'] {
  background: var(--good-card);
  color: var(--good);
}

.action[data-action='update'] {
  background: var(--tint);
  color: var(--blue);
}

.action[data-action='delete'] {
  background: var(--bad-card);
  color: var(--bad);
}

.what {
  flex: 1;
  min-width: 0;
  overflow: hidden;
  text-overflow: ellipsis;
  white-space: nowrap;
}

.path,
.props,
del,
ins,
pre {
  font-family: var(--mono);
  font-size: 12px;
}

.props {
  color: var(--muted);
}

.opened {
  padding: 6px 14px 10px;
  background: var(--bar);
}

.opened button {
  margin-bottom: 8px;
}

pre {
  overflow: auto;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
  line-height: 1.5;
}

.more {
  align-self: start;
  margin: 8px 14px 14px;
}

.commands {
  display: flex;
  flex-direction: column;
  padding-bottom: 6px;
}

/* The log */

.tools {
  position: sticky;
  z-index: 1;
  top: 0;
  display: flex;
  flex: none;
  flex-wrap: wrap;
  align-items: center;
  gap: 6px;
  padding: 7px 14px;
  border-bottom: 1px solid var(--line);
  background: var(--page);
}

.toggle {
  border-radius: 14px;
  color: var(--muted);
}

.toggle[aria-pressed='true'] {
  border-color: var(--accent);
  background: var(--tint);
  color: var(--ink);
}

.toggle[aria-pressed='true']::before {
  content: '✓ ' / '';
}

.aside {
  margin-inline-start: auto;
}

.log time {
  padding-inline-end: 10px;
  border-inline-end: 3px solid transparent;
}

.log .exchange time {
  border-color: var(--good);
}

.log .pending time {
  border-color: var(--accent);
}

.log .heard time {
  border-color: var(--blue);
}

.log .rebased time,
.log .settled time {
  border-color: var(--calm);
}

.log .bad time {
  border-color: var(--bad);
}

.result {
  color: var(--muted);
}

.took {
  display: flex;
  flex: none;
  align-items: center;
  justify-content: end;
  gap: 8px;
  width: 150px;
  white-space: nowrap;
  color: var(--muted);
  font-variant-numeric: tabular-nums;
}

.bar {
  min-width: 0;
}

.took .bar {
  height: 6px;
  padding: 0;
  border: 0;
  border-radius: 3px;
  background: var(--good);
}

/* Versions */

.tools input[type='range'] {
  flex: 1 1 180px;
  min-width: 0;
  max-width: 460px;
}

.version {
  min-width: 64px;
  font-variant-numeric: tabular-nums;
}

.play {
  min-width: 58px;
}

.against {
  color: var(--muted);
}

.against select {
  color: var(--ink);
}

.past[aria-busy='true'] {
  opacity: 0.6;
}

.maker {
  display: flex;
  flex-wrap: wrap;
  align-items: baseline;
  gap: 10px;
  padding: 2px 14px 6px;
}

.diff {
  margin: 4px 14px;
  border: 1px solid var(--line);
  border-radius: 7px;
}

.diff li {
  display: flex;
  flex-wrap: wrap;
  align-items: baseline;
  gap: 4px 10px;
  padding: 5px 10px;
}

.diff li + li {
  border-top: 1px solid var(--line);
}

.diff .path {
  flex: 0 1 260px;
}

del,
ins {
  padding: 0 5px;
  border-radius: 4px;
  overflow-wrap: anywhere;
}

del {
  background: var(--bad-card);
  color: var(--bad);
  text-decoration: none;
}

del::before {
  content: '− ' / '';
}

ins::before {
  content: '+ ' / '';
}

ins {
  background: var(--good-card);
  color: var(--good);
  text-decoration: none;
}

.tree {
  padding: 0 14px 10px 26px;
  overflow-wrap: anywhere;
}

.tree .tree {
  padding: 0 0 0 18px;
}

.tree > li {
  padding: 1px 0;
}

.tree summary {
  margin-inline-start: -14px;
  cursor: pointer;
}

@media (max-width: 639.9px) {
  button,
  select {
    min-height: 36px;
  }

  .close {
    width: 38px;
  }

  .body {
    grid-template: auto minmax(0, 1fr) / minmax(0, 1fr);
  }

  .models {
    display: flex;
    gap: 4px 10px;
    padding: 6px 10px;
    border: 0;
    border-bottom: 1px solid var(--line);
  }

  .models ul,
  .group {
    display: flex;
    align-items: center;
    gap: 4px;
  }

  h3 {
    padding: 0;
  }

  .model {
    min-height: 36px;
  }

  .key {
    max-width: 180px;
  }

  .detail {
    grid-template: auto auto minmax(0, 1fr) / minmax(0, 1fr);
  }

  .strip {
    grid-area: 1 / 1;
    justify-content: start;
    padding-block: 6px;
    border: 0;
  }

  .fault {
    text-align: start;
  }

  .tabs {
    grid-area: 2 / 1;
  }

  .tabs button {
    flex: 1;
    min-height: 40px;
  }

  .view {
    grid-area: 3 / 1;
  }

  .rows summary {
    flex-wrap: wrap;
    gap: 2px 10px;
    padding-block: 7px;
  }

  .rows .what {
    flex-basis: 55%;
    white-space: normal;
    overflow-wrap: anywhere;
  }

  .rows :is(.who, .why) {
    margin-inline-start: 72px;
  }

  .log .why {
    margin-inline-start: 0;
  }

  .maker .what {
    flex-basis: 60%;
  }

  .took {
    width: auto;
  }

  .took .bar {
    display: none;
  }
}

@media (forced-colors: active) {
  .dot[data-mood='good'],
  .took .bar {
    background: CanvasText;
  }
}
`
