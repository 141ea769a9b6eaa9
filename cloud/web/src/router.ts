import { signal } from '@preact/signals';
import { options } from 'preact';
import { base, inward } from './base';

export interface Place {
  path: string;
  query: URLSearchParams;
}
const here = (): Place => ({ path: inward(location.pathname) ?? '/', query: new URLSearchParams(location.search) });

export const place = signal<Place>(here());

export function go(url: string, replace = false): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', base + url);
  const before = place.value.path;
  place.value = here();
  // A new page is read from its top, by eyes and by screen readers; a new filter is not a new page.
  if (place.value.path !== before) {
    scrollTo(0, 0);
    requestAnimationFrame(() => document.getElementById('page')?.focus({ preventScroll: true }));
  }
}

// Changes part of the query: what the page shows stays in its address.
export function set_query(changes: Record<string, string | null>, replace = true): void {
  const query = new URLSearchParams(place.value.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString().replaceAll('%2C', ',');
  go(place.value.path + (text ? `?${text}` : ''), replace);
}

// Links are written as if the dashboard lay at its host's root.
const before = options.vnode;
options.vnode = (vnode) => {
  const props = vnode.props as { href?: string };
  if (vnode.type === 'a' && props.href?.[0] === '/') props.href = base + props.href;
  before?.(vnode);
};

export function start_router(): void {
  // An icon's address is relative, and would follow the page's.
  for (const icon of document.querySelectorAll('link')) icon.href = icon.href;
  addEventListener('popstate', () => {
    place.value = here();
  });
  document.addEventListener('click', (event) => {
    const anchor = (event.target as Element | null)?.closest?.('a');
    if (!anchor || event.defaultPrevented || event.button !== 0) return;
    // What the browser does with a modified click is what the reader wants.
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (anchor.origin !== location.origin || anchor.target || anchor.hasAttribute('download')) return;
    if (anchor.getAttribute('href')?.startsWith('#')) return;
    const path = inward(anchor.pathname);
    if (path === null) return;
    event.preventDefault();
    go(path + anchor.search + anchor.hash);
  });
}
