/** Zoom and pan of a plot with lanes: buttons, keys, dragging, the wheel with Ctrl. */
import { grouped } from './format.ts';
import type { Lanes } from './lanes.ts';

const zoomStep = 1.6;
const panStep = 0.2;
/** Pixels below which there is no room for a plot. */
export const narrowest = 200;

/** Makes a place show lanes; returns what draws it anew. */
export function zoomable(place: HTMLElement, lanes: Lanes, name: string): () => void {
  let from = lanes.from;
  let to = lanes.to;
  const tools = document.createElement('div');
  tools.className = 'tools';
  const view = document.createElement('div');
  view.dataset['view'] = '';
  view.tabIndex = 0;
  view.setAttribute('role', 'application');
  view.setAttribute(
    'aria-label',
    `${name}: plus and minus zoom, arrows pan, Home shows all; the table below has the numbers`,
  );
  const strip = document.createElement('div');
  strip.className = 'strip';
  const thumb = strip.appendChild(document.createElement('i'));
  thumb.className = 'thumb';
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  const range = document.createElement('output');
  place.replaceChildren(tools, view, strip, tip);

  let asked = false;
  const draw = () => {
    asked = false;
    if (view.clientWidth < narrowest) return;
    view.replaceChildren(lanes.draw(from, to, view.clientWidth));
    const all = lanes.to - lanes.from;
    strip.style.visibility = to - from < all ? 'visible' : 'hidden';
    thumb.style.marginLeft = `${(100 * (from - lanes.from)) / all}%`;
    thumb.style.width = `${(100 * (to - from)) / all}%`;
    range.textContent = `cycles ${grouped(from)} to ${grouped(to)}`;
    place.dataset['from'] = String(from);
    place.dataset['to'] = String(to);
  };
  const show = (begin: number, end: number) => {
    const length = Math.min(lanes.to - lanes.from, Math.max(lanes.least, end - begin));
    from = Math.min(Math.max(lanes.from, begin), lanes.to - length);
    to = from + length;
    tip.hidden = true;
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  };
  /** Zooms around a cycle, which stays where it is. */
  const zoom = (factor: number, around = (from + to) / 2) => {
    const length = Math.min(lanes.to - lanes.from, Math.max(lanes.least, (to - from) / factor));
    const begin = around - ((around - from) / (to - from)) * length;
    show(begin, begin + length);
  };
  const pan = (share: number) => show(from + share * (to - from), to + share * (to - from));
  const reset = () => show(lanes.from, lanes.to);

  const button = (text: string, label: string, action: () => void) => {
    const element = tools.appendChild(document.createElement('button'));
    element.type = 'button';
    element.textContent = text;
    element.setAttribute('aria-label', label);
    element.addEventListener('click', action);
  };
  button('−', 'zoom out', () => zoom(1 / zoomStep));
  button('+', 'zoom in', () => zoom(zoomStep));
  button('←', 'pan left', () => pan(-panStep));
  button('→', 'pan right', () => pan(panStep));
  button('all', 'show all', reset);
  tools.appendChild(range);

  const keys: Readonly<Record<string, () => void>> = {
    '+': () => zoom(zoomStep),
    '=': () => zoom(zoomStep),
    '-': () => zoom(1 / zoomStep),
    ArrowLeft: () => pan(-panStep),
    ArrowRight: () => pan(panStep),
    Home: reset,
    '0': reset,
    Escape: () => {
      tip.hidden = true;
    },
  };
  view.addEventListener('keydown', (event) => {
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  const at = (event: MouseEvent) => {
    const box = view.getBoundingClientRect();
    return lanes.locate(event.clientX - box.left, event.clientY - box.top, from, to, view.clientWidth);
  };
  view.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(zoomStep ** (-event.deltaY / 100), at(event)?.cycle);
    },
    { passive: false },
  );
  view.addEventListener('dblclick', (event) => zoom(2 * zoomStep, at(event)?.cycle));

  let dragged: { x: number; from: number; to: number } | undefined;
  view.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    dragged = { x: event.clientX, from, to };
    view.setPointerCapture(event.pointerId);
  });
  view.addEventListener('pointermove', (event) => {
    if (dragged) {
      const moved = ((event.clientX - dragged.x) / view.clientWidth) * (dragged.to - dragged.from);
      if (moved !== 0) show(dragged.from - moved, dragged.to - moved);
      return;
    }
    point(event);
  });
  const release = () => {
    dragged = undefined;
  };
  view.addEventListener('pointerup', (event) => {
    const clicked = dragged && Math.abs(event.clientX - dragged.x) < 4;
    release();
    if (clicked) point(event);
  });
  view.addEventListener('pointercancel', release);
  view.addEventListener('pointerleave', () => {
    tip.hidden = true;
  });

  /** Shows what is under the pointer. */
  const point = (event: MouseEvent) => {
    const spot = at(event);
    const text = spot && lanes.describe(spot.lane, spot.cycle);
    tip.hidden = text === undefined;
    if (text === undefined) return;
    tip.textContent = text;
    const box = place.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    tip.style.left = `${Math.max(0, Math.min(x + 14, box.width - tip.offsetWidth - 4))}px`;
    tip.style.top = `${y + 18}px`;
  };
  return draw;
}
